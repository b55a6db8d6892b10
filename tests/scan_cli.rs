//! `pktsh scan`: its help, and what it says about mistakes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn pktsh(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pktsh"));
    command.env("COLUMNS", "100").args(args).output().unwrap()
}

/// Compares with a golden file; `UPDATE_GOLDEN=1` writes it anew.
#[track_caller]
fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(&path).unwrap_or_default(), "{name}");
}

#[test]
fn the_help_has_every_option() {
    let done = pktsh(&["scan", "--help"]);
    assert_eq!(done.status.code(), Some(0));
    golden("scan-help.txt", &String::from_utf8(done.stdout).unwrap());
}

#[test]
fn mistakes_are_named_and_exit_with_2() {
    let rows: &[&[&str]] = &[
        &["scan"],
        &["scan", "web.lab", "-p", "22,99999"],
        &["scan", "web.lab", "--prots", "22"],
        &["scan", "web.lab", "-sV"],
        &["scan", "web.lab", "-A"],
        &["scan", "web.lab", "--script=vuln"],
        &["scan", "web.lab", "-p"],
        &["scan", "192.0.2.0/33"],
        &["scan", "web.lab", "--retry", "many"],
        &["scan", "web.lab", "--json", "-", "--csv", "/dev/stdout"],
        &["scan", "web.lab", "--xml", "/nowhere/out.xml"],
        &["scan", "web.lab", "--lab", "--live"],
    ];
    let mut said = String::new();
    for args in rows {
        let done = pktsh(args);
        assert_eq!(done.status.code(), Some(2), "{args:?}: {done:?}");
        assert!(done.stdout.is_empty(), "{args:?}");
        said += &format!("$ pktsh {}\n{}\n", args.join(" "), String::from_utf8(done.stderr).unwrap());
    }
    golden("scan-mistakes.txt", &said);
}
