//! The house rules that can be read off the source: which room imports which, and where clock, chance, unsafe code and
//! printing may stand. The floors are those of the table in `src/lib.rs`.

use std::fs;
use std::path::Path;

/// Rooms and their floors.
const FLOORS: &[(&str, u8)] = &[
    ("base", 0),
    ("packet", 1),
    ("net", 1),
    ("layers", 2),
    ("engine", 3),
    ("scan", 4),
    ("scan", 4),
    ("lab", 4),
    ("script", 5),
    ("shell", 6),
];

/// Words that may stand in one place only.
struct Ban {
    words: &'static [&'static str],
    /// Paths below `src/` that may use them.
    allowed: &'static [&'static str],
    rule: &'static str,
}

const BANS: &[Ban] = &[
    Ban {
        words: &["Instant::now", "SystemTime::now", "thread::sleep"],
        allowed: &["net/live/"],
        rule: "only net/live has a clock; time comes as an argument",
    },
    Ban {
        words: &["rand", "fastrand", "getrandom", "RandomState"],
        allowed: &["net/live/"],
        rule: "only net/live draws from chance; all else is drawn from base::Rng with the session's seed",
    },
    Ban {
        words: &["HashMap", "HashSet"],
        allowed: &["shell/"],
        rule: "below the shell no std HashMap is iterated, its order is chance; take BTreeMap, BTreeSet or Vec",
    },
    Ban { words: &["unsafe"], allowed: &["net/live/"], rule: "only net/live is unsafe" },
    Ban {
        words: &["println!", "eprintln!", "print!", "eprint!", "dbg!"],
        allowed: &["shell/", "main.rs"],
        rule: "only the shell prints; all else returns text",
    },
];

#[test]
fn the_house_keeps_its_rules() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&src, &mut files);
    assert!(files.len() > 20, "{} files found in {}", files.len(), src.display());
    let broken: Vec<String> = files
        .iter()
        .flat_map(|path| {
            let name = path.strip_prefix(&src).expect("it lies in src").to_string_lossy().replace('\\', "/");
            check(&name, &fs::read_to_string(path).expect("it is text"))
        })
        .collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn every_room_has_its_floor() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in fs::read_dir(&src).expect("src is there") {
        let entry = entry.expect("it can be read");
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_known = FLOORS.iter().any(|(room, _)| *room == name.trim_end_matches(".rs"));
        assert!(is_known || ["lib.rs", "main.rs"].contains(&name.as_str()), "src/{name} stands on no floor");
    }
    let table = fs::read_to_string(src.join("lib.rs")).expect("it is text");
    for (room, floor) in FLOORS.iter().filter(|(room, _)| src.join(room).exists()) {
        assert!(table.contains(&format!("| {floor} | [`{room}`] |")), "src/lib.rs has no row for {room}");
    }
}

fn collect(dir: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(dir).expect("a directory of src") {
        let path = entry.expect("it can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "rs") {
            files.push(path);
        }
    }
    files.sort();
}

/// The rules that a file breaks: `src/FILE:LINE: RULE: what was found`. `name` is the path below `src/`.
fn check(name: &str, text: &str) -> Vec<String> {
    let code = code_of(text);
    let line = |at: usize| code[..at].matches('\n').count() + 1;
    let mut broken = Vec::new();
    let room = name.split('/').next().unwrap_or_default();
    if let Some(floor) = floor_of(room) {
        for (at, seen) in imports(name, &code) {
            if let Some(rule) = broken_by(room, floor, seen) {
                broken.push(format!("src/{name}:{}: {rule}: {room} imports {seen}", line(at)));
            }
        }
    }
    for ban in BANS.iter().filter(|ban| !ban.allowed.iter().any(|place| name.starts_with(place))) {
        for word in ban.words {
            for at in words(&code, word) {
                broken.push(format!("src/{name}:{}: {}: {word}", line(at), ban.rule));
            }
        }
    }
    broken
}

fn floor_of(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// The rule that forbids `room` to see the room `seen`.
fn broken_by(room: &str, floor: u8, seen: &str) -> Option<&'static str> {
    let other = floor_of(seen).filter(|_| seen != room)?;
    if room == "lab" && ["packet", "layers"].contains(&seen) {
        return Some("the laboratory never touches packet or layers, so that our mistakes show against it");
    }
    match other.cmp(&floor) {
        std::cmp::Ordering::Less => None,
        std::cmp::Ordering::Equal => Some("rooms on one floor do not see each other"),
        std::cmp::Ordering::Greater => Some("a floor imports only lower floors"),
    }
}

/// The first names of all paths that begin at the crate's root, and where they stand.
fn imports<'a>(name: &str, code: &'a str) -> Vec<(usize, &'a str)> {
    let mut found: Vec<(usize, &str)> =
        words(code, "crate::").flat_map(|at| heads(code, at + "crate::".len())).collect();
    // `super::` as often as the file lies deep leads to the root as well.
    let depth = name.split('/').count() - usize::from(name.ends_with("/mod.rs"));
    let climb = "super::".repeat(depth);
    found.extend(words(code, &climb).flat_map(|at| heads(code, at + climb.len())));
    found
}

/// The names with which a path goes on at `at`: one, or those of a group in braces.
fn heads(code: &str, at: usize) -> Vec<(usize, &str)> {
    let word = |at: usize| {
        let end = code[at..].find(|c: char| !is_word(c)).map_or(code.len(), |len| at + len);
        (at, &code[at..end])
    };
    if !code[at..].starts_with('{') {
        return vec![word(at)];
    }
    let (mut depth, mut is_head, mut found) = (0, true, Vec::new());
    for (i, c) in code[at..].char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => is_head = true,
            c if is_head && is_word(c) => {
                found.push(word(at + i));
                is_head = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// Where `word` stands in `code` as a whole word.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word).map(|(at, _)| at).filter(move |&at| {
        let ends = |c: Option<char>| c.is_none_or(|c| !is_word(c));
        let is_open = word.ends_with([':', '!']);
        ends(code[..at].chars().next_back()) && (is_open || ends(code[at + word.len()..].chars().next()))
    })
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The text with comments and the insides of literals blanked; every line stays where it is.
fn code_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let len = literal_len(rest, out.chars().next_back().is_some_and(is_word)).unwrap_or(0);
        if len == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            out.extend(rest[..len].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = &rest[len..];
        }
    }
    out
}

/// The length of the comment or literal with which `text` begins.
fn literal_len(text: &str, is_in_word: bool) -> Option<usize> {
    let until = |open: usize, end: &str| text[open..].find(end).map_or(text.len(), |at| open + at + end.len());
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(until(2, "*/"));
    }
    let raw = text.strip_prefix("br").or_else(|| text.strip_prefix('r')).filter(|_| !is_in_word);
    if let Some(raw) = raw {
        let marks = raw.len() - raw.trim_start_matches('#').len();
        if raw[marks..].starts_with('"') {
            let open = text.len() - raw.len() + marks + 1;
            return Some(until(open, &format!("\"{}", "#".repeat(marks))));
        }
    }
    if text.starts_with('"') {
        return Some(quoted_len(text, '"'));
    }
    // A character, and no lifetime: a quote follows after one character or an escape.
    let mut chars = text.strip_prefix('\'')?.chars();
    let is_escape = chars.next() == Some('\\');
    (is_escape || chars.next() == Some('\'')).then(|| quoted_len(text, '\''))
}

fn quoted_len(text: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

// The checker itself: each rule broken once, and texts that break none.

#[test]
fn upward_and_sideward_imports_are_found() {
    let rules = |name, text| check(name, text).join("\n");
    assert_eq!(
        rules("base/x.rs", "//! Head.\n\nuse crate::packet::Value;\n"),
        "src/base/x.rs:3: a floor imports only lower floors: base imports packet"
    );
    assert_eq!(
        rules("packet/a.rs", "use crate::{base::Mac, net::{Link, layers}, engine};"),
        "src/packet/a.rs:1: rooms on one floor do not see each other: packet imports net\n\
         src/packet/a.rs:1: a floor imports only lower floors: packet imports engine"
    );
    assert_eq!(
        rules("layers/mod.rs", "fn f() { super::script::run() }"),
        "src/layers/mod.rs:1: a floor imports only lower floors: layers imports script"
    );
    assert_eq!(
        rules("layers/tcp.rs", "fn f() { super::super::shell::run(); super::ip::f() }"),
        "src/layers/tcp.rs:1: a floor imports only lower floors: layers imports shell"
    );
    assert_eq!(
        rules("lab/host.rs", "use crate::layers::tcp;"),
        "src/lab/host.rs:1: the laboratory never touches packet or layers, so that our mistakes show against it: \
         lab imports layers"
    );
}

#[test]
fn clock_chance_unsafe_and_printing_are_found() {
    for (text, word) in [
        ("let t = std::time::Instant::now();", "Instant::now"),
        ("SystemTime::now()", "SystemTime::now"),
        ("std::thread::sleep(d)", "thread::sleep"),
        ("use rand::random;", "rand"),
        ("fastrand::u8(..)", "fastrand"),
        ("let s = RandomState::new();", "RandomState"),
        ("use std::collections::HashMap;", "HashMap"),
        ("unsafe { f() }", "unsafe"),
        ("println!(\"x\")", "println!"),
        ("dbg!(x)", "dbg!"),
    ] {
        let found = check("engine/x.rs", &format!("// {text}\n{text}\n"));
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].starts_with("src/engine/x.rs:2: ") && found[0].ends_with(word), "{found:?}");
    }
}

#[test]
fn what_is_allowed_is_not_called_broken() {
    for (name, text) in [
        ("net/live/mod.rs", "unsafe { f() } let t = Instant::now(); let x = getrandom();"),
        ("shell/mod.rs", "use std::collections::HashMap; fn f() { println!(\"{}\", 1) }"),
        ("script/x.rs", "use crate::{base, engine::sr, lab};"),
        ("packet/x.rs", "use super::layers; use crate::packet::value; use crate::base::Mac;"),
        ("packet/mod.rs", "#![allow(unsafe_code)] //! [`crate::layers`]\nlet operand = 1;"),
        (
            "base/x.rs",
            "let s = \"unsafe \\\" HashMap\"; let c = '\"'; let r = r#\"rand \" \"#; /* dbg! */ fn f<'a>(x: &'a str) {}",
        ),
    ] {
        assert_eq!(check(name, text), Vec::<String>::new());
    }
}
