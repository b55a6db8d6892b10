//! The scripts that are inside the binary, and where a script's name leads.

use std::path::Path;

use crate::base::nearest::did_you_mean;

/// A script inside the binary.
#[derive(Clone, Copy, Debug)]
pub struct Recipe {
    /// Its name, without `.rhai`.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

impl Recipe {
    /// Its title: what its first comment says.
    pub fn title(&self) -> &'static str {
        let comment = self.text.lines().find_map(|line| line.strip_prefix("// "));
        comment.and_then(|line| line.split("    ").next()).unwrap_or("")
    }
}

/// All recipes.
pub const ALL: &[Recipe] = &[
    Recipe { name: "syn-scanner", text: include_str!("../../scripts/syn-scanner.rhai") },
    Recipe { name: "fin-scanner", text: include_str!("../../scripts/fin-scanner.rhai") },
    Recipe { name: "xmas-scanner", text: include_str!("../../scripts/xmas-scanner.rhai") },
    Recipe { name: "ack-scanner", text: include_str!("../../scripts/ack-scanner.rhai") },
    Recipe { name: "port-scan", text: include_str!("../../scripts/port-scan.rhai") },
    Recipe { name: "firewall-map", text: include_str!("../../scripts/firewall-map.rhai") },
    Recipe { name: "udp-scan", text: include_str!("../../scripts/udp-scan.rhai") },
    Recipe { name: "idle-scan", text: include_str!("../../scripts/idle-scan.rhai") },
    Recipe { name: "top-ports", text: include_str!("../../scripts/top-ports.rhai") },
];

/// The largest script that is read, in bytes.
pub(crate) const MOST_BYTES: u64 = 16 << 20;

/// The text that a name leads to: a file, the same with `.rhai`, or a recipe. With the name that messages use.
pub fn find(name: &str) -> Result<(String, String), String> {
    let with_ending = format!("{name}.rhai");
    for path in [name, &with_ending] {
        if Path::new(path).is_file() {
            return read(path).map(|text| (path.to_owned(), text));
        }
    }
    let plain = name.strip_suffix(".rhai").unwrap_or(name);
    match ALL.iter().find(|r| r.name == plain) {
        Some(recipe) => Ok((format!("{plain}.rhai"), recipe.text.to_owned())),
        None => {
            let hint = did_you_mean(plain, ALL.iter().map(|r| r.name));
            let hint = if hint.is_empty() { "; `pktsh recipes` lists those inside the program".into() } else { hint };
            Err(format!("no script \"{}\": there is no such file and no such recipe{hint}", name.escape_debug()))
        }
    }
}

/// Reads a script's file. Errors name the file and what the system said.
pub fn read(path: &str) -> Result<String, String> {
    let wrong = |what: String| format!("cannot read \"{}\": {what}", path.escape_debug());
    let size = std::fs::metadata(path).map_err(|e| wrong(e.to_string()))?.len();
    if size > MOST_BYTES {
        return Err(wrong(format!("{size} bytes are too many for a script")));
    }
    let bytes = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
    String::from_utf8(bytes).map_err(|e| wrong(format!("it is no UTF-8 text (byte {})", e.utf8_error().valid_up_to())))
}
