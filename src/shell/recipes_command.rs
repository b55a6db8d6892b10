//! `pktsh recipes`: the scripts inside the program.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use super::print::Terminal;
use crate::script::{Console, Trouble, recipes, table};

/// Lists them, or writes them into the folder `copy`, which is made where it is missing.
pub(super) fn run(terminal: &Terminal, copy: Option<&Path>) -> Result<u8, Trouble> {
    let Some(folder) = copy else {
        let rows = recipes::ALL.iter().map(|recipe| vec![recipe.name.to_owned(), recipe.title().to_owned()]);
        terminal.out(&table::table(terminal.width(), &["recipe", "what it does"], rows));
        return Ok(0);
    };
    let failed = |path: &Path, error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            Trouble::new(format!("\"{}\" is there already: move it away, or name another folder", path.display()))
        }
        _ => Trouble::new(format!("cannot write \"{}\": {error}", path.display())),
    };
    fs::create_dir_all(folder).map_err(|e| failed(folder, e))?;
    for recipe in recipes::ALL {
        let path = folder.join(recipe.name).with_extension("rhai");
        let file = OpenOptions::new().write(true).create_new(true).open(&path); // somebody's changes are not overwritten
        file.and_then(|mut file| file.write_all(recipe.text.as_bytes())).map_err(|e| failed(&path, e))?;
        terminal.out(&path.display().to_string());
    }
    Ok(0)
}
