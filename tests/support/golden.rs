//! Texts that are written down in `tests/golden/`.

use std::fs;
use std::path::Path;

/// Compares `found` with the golden file `name`, and shows the first line that differs. `UPDATE_GOLDEN=1` writes the
/// file anew; the difference is then read, not believed.
#[track_caller]
pub(crate) fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).expect("it can be written");
    }
    let wanted = fs::read_to_string(&path).unwrap_or_default();
    let first = wanted.lines().zip(found.lines()).position(|(wanted, found)| wanted != found);
    let line = first.unwrap_or(wanted.lines().count().min(found.lines().count()));
    assert!(
        wanted == found,
        "{name}, line {}: wanted {:?}, found {:?}",
        line + 1,
        wanted.lines().nth(line),
        found.lines().nth(line)
    );
}
