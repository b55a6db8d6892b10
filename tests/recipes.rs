//! The recipes in the laboratory: what they print, to the letter.
//!
//! `UPDATE_GOLDEN=1 cargo test --test recipes` writes `tests/golden/*.txt` anew; the difference is then read, not believed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/session.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use golden::golden;
use pktsh::script::recipes::{self, Recipe};
use support::lab_session;

/// What the recipes are pointed at that ask one host, port by port. 192.0.2.99 is nobody's; for 198.51.100.99 it is
/// the gateway that answers.
const BY_HAND: &[&[&str]] = &[
    &[],
    &["drop.lab"],
    &["reject.lab"],
    &["noping.lab"],
    &["far.lab"],
    &["reject.lab", "22,79-81"],
    &["192.0.2.99"],
    &["198.51.100.99", "80"],
];

/// What the others are pointed at.
const CALLS: &[(&str, &[&[&str]])] = &[
    ("port-scan", &[&[], &["drop.lab,192.0.2.99", "22,80"], &["2001:db8::10", "80,81"]]),
    ("firewall-map", &[&[], &["web.lab,vxworks.lab,office-outside.lab", "80,81"], &["2001:db8::21", "8080,8081"]]),
    ("udp-scan", &[&[], &["dns.lab", "53,69"]]),
    (
        "idle-scan",
        &[
            &[],
            &["drop.lab", "22,80-82"],
            &["far.lab", "22,23", "windows.lab", "445"],
            &["web.lab", "80,81", "busy.lab"],
            &["web.lab", "80,81", "linux.lab"],
        ],
    ),
    ("top-ports", &[&[], &["192.0.2.10-14", "5"]]),
];

/// The calls of a recipe.
fn calls(recipe: &Recipe) -> &'static [&'static [&'static str]] {
    CALLS.iter().find(|(name, _)| *name == recipe.name).map_or(BY_HAND, |(_, calls)| calls)
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What a recipe prints with these arguments, or the words of its error.
fn run(recipe: &Recipe, args: &[&str]) -> Result<String, String> {
    let (mut session, heard) = lab_session();
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    let result = session.script(recipe.name, recipe.text, &args);
    let printed = heard.printed.take().join("\n");
    result.map(|_| printed).map_err(|trouble| trouble.to_string())
}

/// All calls of a recipe with what they print, each in a laboratory of its own.
fn transcript(recipe: &Recipe) -> String {
    let print = |args: &&[&str]| {
        let printed = run(recipe, args).unwrap();
        format!("{}\n{printed}\n", [&["$ pktsh", recipe.name], *args].concat().join(" "))
    };
    calls(recipe).iter().map(print).collect::<Vec<_>>().join("\n")
}

#[test]
fn they_print_what_is_written_down() {
    for recipe in recipes::ALL {
        golden(&format!("{}.txt", recipe.name), &transcript(recipe));
    }
}

/// Every state that they can print is one of Nmap's, and stands in the golden text of its scan.
#[test]
fn their_states_are_nmaps() {
    let states = |name: &str| {
        let recipe = recipes::ALL.iter().find(|r| r.name == name).unwrap();
        let mut states: Vec<String> = transcript(recipe)
            .lines()
            .filter_map(|line| line.split_once("/tcp  "))
            .map(|(_, state)| state.to_owned())
            .collect();
        states.sort();
        states.dedup();
        states
    };
    assert_eq!(states("syn-scanner"), ["closed", "filtered", "open"]);
    assert_eq!(states("fin-scanner"), ["closed", "filtered", "open|filtered"]);
    assert_eq!(states("xmas-scanner"), ["closed", "filtered", "open|filtered"]);
    assert_eq!(states("ack-scanner"), ["filtered", "unfiltered"]);
    assert_eq!(states("idle-scan"), ["closed|filtered", "open"]);
}

#[test]
fn xmas_is_fin_with_another_title_and_other_flags() {
    let [fin, xmas] = ["fin-scanner", "xmas-scanner"].map(|name| {
        let recipe = recipes::ALL.iter().find(|r| r.name == name).unwrap();
        recipe.text.lines().collect::<Vec<_>>()
    });
    assert_eq!(fin.len(), xmas.len());
    let changed: Vec<usize> = (0..fin.len()).filter(|&i| fin[i] != xmas[i]).collect();
    let [title, flags] = changed[..] else { panic!("they differ in lines {changed:?}, counted from 0") };
    assert_eq!(title, 1, "the line after #!");
    assert_eq!(fin[flags].replace(r#"flags="F""#, r#"flags="FPU""#), xmas[flags]);
}

#[test]
fn the_binary_holds_the_files() {
    let mut files: Vec<String> = fs::read_dir(folder("scripts"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut names: Vec<String> = recipes::ALL.iter().map(|r| format!("{}.rhai", r.name)).collect();
    names.sort();
    assert_eq!(files, names);
    for recipe in recipes::ALL {
        let file = fs::read_to_string(folder("scripts").join(recipe.name).with_extension("rhai")).unwrap();
        assert_eq!(file, recipe.text, "{}", recipe.name);
        assert!(recipe.title().len() > 20, "{}: `pktsh recipes` shows its title: {}", recipe.name, recipe.title());
    }
}

/// After `run`, the functions of a recipe are the prompt's.
#[test]
fn their_functions_stay_at_the_prompt() {
    let (mut session, _) = lab_session();
    let mut value = |line: &str| session.line(line).unwrap().to_string();
    value(r#"run("syn-scanner", "web.lab", "22")"#);
    assert_eq!(value(r#"probe_port("web.lab", 80)"#), "open");
    assert_eq!(value(r#"is_up("web.lab")"#), "true", "by its name as well");
    assert_eq!(value(r#"is_up("192.0.2.99")"#), "false");
}

#[test]
fn their_mistakes_are_said_in_words() {
    let [syn, ..] = recipes::ALL else { panic!("no recipes") };
    let fail = |args: &[&str]| run(syn, args).unwrap_err();
    let unknown = fail(&["wbe.lab"]);
    assert!(unknown.contains("no host of the laboratory has that name; did you mean \"web.lab\"?"), "{unknown}");
    let port = fail(&["web.lab", "22,99999"]);
    assert!(port.contains("\"99999\": a port is 0 to 65535; write ports as \"22,80-90\""), "{port}");
    let real = fail(&["127.0.0.1"]);
    assert!(real.contains("127.0.0.1"), "a session in the laboratory alone has no way there: {real}");
}
