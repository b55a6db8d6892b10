//! The table of script functions, row by row: what each row says of itself holds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/session.rs"]
mod support;

use std::collections::BTreeSet;

use pktsh::layers;
use pktsh::script::{Func, Kind, surface};
use support::{lab_session, with_stack};

fn rows() -> impl Iterator<Item = &'static Func> {
    surface::all()
}

#[test]
fn names_are_unique() {
    let names: Vec<&str> = rows().map(|row| row.name).chain(layers::ALL.iter().map(|desc| desc.name)).collect();
    let unique: BTreeSet<&str> = names.iter().copied().collect();
    assert_eq!(names.len(), unique.len(), "a name is there twice: {names:?}");
    for row in rows() {
        let params: BTreeSet<&str> = row.params.iter().map(|param| param.name).collect();
        assert_eq!(params.len(), row.params.len(), "{}: a parameter is there twice", row.signature());
    }
}

#[test]
fn everything_is_documented_in_sentences() {
    let is_sentence = |text: &str| {
        let first = text.chars().next().is_some_and(|c| !c.is_lowercase());
        first && text.ends_with('.') && !text.contains('\n')
    };
    for row in rows() {
        assert!(is_sentence(row.doc), "{}: {:?}", row.name, row.doc);
        assert!(!row.gives.is_empty() && !row.gives.ends_with('.'), "{} gives {:?}", row.name, row.gives);
        for param in row.params {
            assert!(is_sentence(param.doc), "{}, {}: {:?}", row.name, param.name, param.doc);
        }
    }
}

/// A parameter that must be given stands before those that have a default, and a default is what the kind takes.
#[test]
fn parameters_are_in_order_and_their_defaults_fit() {
    for row in rows() {
        let is_needed = |i: usize| row.params[i].default.is_none();
        assert!((1..row.params.len()).all(|i| is_needed(i - 1) || !is_needed(i)), "{}", row.signature());
        for (param, default) in row.params.iter().filter_map(|p| Some((p, p.default?))) {
            let fits = match param.kind {
                _ if default == "None" => true,
                Kind::Seconds => default.parse::<f64>().is_ok(),
                Kind::Count => default.parse::<u32>().is_ok(),
                Kind::Bool => default.parse::<bool>().is_ok(),
                Kind::Text => default.starts_with('"') && default.ends_with('"'),
                Kind::Any => true,
                Kind::Packet | Kind::Packets | Kind::Layer | Kind::Function => false,
            };
            assert!(fits, "{}: {}={default} is not {}", row.name, param.name, param.kind.words());
        }
    }
}

#[test]
fn help_knows_every_row() {
    let (mut session, heard) = lab_session();
    let mut said = |line: &str| {
        let _ = session.line(line).unwrap_or_else(|trouble| panic!("{line}: {trouble}"));
        heard.printed.take().join("\n")
    };
    let (overview, list) = (said("help()"), said("lsc()"));
    // A long sentence takes two lines of the table.
    let in_words = list.split_whitespace().collect::<Vec<_>>().join(" ");
    for row in rows() {
        let is_listed = overview.split_whitespace().any(|word| word == row.name);
        assert!(is_listed, "{}: help() does not list the group \"{}\"", row.name, row.group);
        let is_listed = list.lines().any(|line| line.split_whitespace().nth(1) == Some(row.name));
        assert!(is_listed && in_words.contains(row.doc), "{}: lsc() does not list it", row.name);
        let ways = ["help(\"{}\")", "{}?", "help({})"];
        // Rhai reserves the word print, so it is no value.
        for way in &ways[..if row.name == "print" { 2 } else { 3 }] {
            let text = said(&way.replace("{}", row.name));
            assert!(text.starts_with(&row.signature()), "{way}: {text}");
            assert!(text.contains(row.doc) && row.params.iter().all(|p| text.contains(p.doc)), "{text}");
        }
    }
}

/// Every example runs in the laboratory, in a fresh session, as a line and as a script.
#[test]
fn examples_run() {
    with_stack(|| {
        // Examples write their files here. Two end the session, and one starts another program.
        let folder = tempfile::tempdir().expect("a temporary directory");
        std::env::set_current_dir(&folder).expect("it is there");
        let not_to_be_run = ["exit", "quit", "wireshark"];
        for row in rows() {
            let has_example = !row.examples.is_empty() || not_to_be_run.contains(&row.name);
            assert!(has_example, "{} has no example", row.name);
            for example in row.examples {
                assert!(example.contains(row.name), "{}: {example} does not use it", row.name);
                let (mut session, _) = lab_session();
                let _ = session.line(example).unwrap_or_else(|trouble| panic!("{example}: {trouble}"));
                let _ =
                    session.script("example", example, &[]).unwrap_or_else(|trouble| panic!("{example}: {trouble}"));
            }
        }
    });
}

/// A keyword with a slip is answered with the right one; one that is like none, with all there are.
#[test]
fn keywords_are_suggested() {
    let (mut session, _) = lab_session();
    // To Rhai, keywords alone are a map, and with a map it knows these three itself.
    let rhais = ["len", "is_empty", "print"];
    for row in rows().filter(|row| !rhais.contains(&row.name)) {
        for param in row.params {
            let slip = format!("{}x", param.name);
            let line = format!("{}({slip}=1)", row.name);
            let error = session.line(&line).expect_err(&line);
            let wanted = format!("{}: no keyword \"{slip}\"; did you mean \"{}\"?", row.name, param.name);
            assert_eq!(error.message, wanted);
            let place = error.place.expect("a caret");
            assert_eq!((place.column, place.length), (row.name.len() + 2, slip.len()), "under the keyword");
        }
        let line = format!("{}(zzzzzzzz=1)", row.name);
        let error = session.line(&line).expect_err(&line).message;
        assert!(error.starts_with(&format!("{}: no keyword \"zzzzzzzz\"; it takes ", row.name)), "{error}");
        assert!(row.params.iter().all(|param| error.contains(param.name)), "{error}");
    }
}

/// What must be given is asked for by name, with the signature.
#[test]
fn missing_arguments_are_named() {
    let (mut session, _) = lab_session();
    for row in rows() {
        let Some(first) = row.params.first().filter(|param| param.default.is_none()) else { continue };
        let error = session.line(&format!("{}()", row.name)).unwrap_err().message;
        let wanted = format!("{}: {} is missing ({})", row.name, first.name, first.kind.words());
        assert!(error.starts_with(&wanted) && error.ends_with(&row.signature()), "{error}");
    }
}
