//! README.md: every example of it runs, and shows what it says it shows. Nothing of the output is passed over.
//!
//! | block | what is done with it |
//! |---|---|
//! | `console` | the lines after `$` run in a shell, in one folder for the whole page; then comes their output and errors |
//! | `pktsh` | the lines after `pktsh>` are lines of one session in the laboratory, as at the prompt |
//! | `rhai`, `toml` | a file, called as its first comment says, for the commands after it |
//! | `sh` | only read: what installs, needs a real network, or runs this test; [`ONLY_READ`] lists them |
//!
//! `UPDATE_GOLDEN=1` writes the outputs into the page.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/session.rs"]
mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use pktsh::script::Session;
use support::{Heard, lab_session, with_stack};

/// All lines of `sh` blocks.
const ONLY_READ: &[&str] = &[
    "tests/run",
    "parallel pktsh scan 10.0.0.0/16 -p 22,80,443 --shard {}/4 --resume {}.json ::: 1 2 3 4",
    "sbatch --requeue --array=1-64 --wrap 'pktsh scan 10.0.0.0/16 -p 22,80,443 --shard $SLURM_ARRAY_TASK_ID/64 --resume $SLURM_ARRAY_TASK_ID.json'",
    "pktsh scan 10.0.0.0/16 -p 22,80,443 --shard $((JOB_COMPLETION_INDEX+1))/64 --resume /data/$JOB_COMPLETION_INDEX.json",
    "sudo setcap cap_net_raw+ep target/release/pktsh",
    "target/release/pktsh syn-scanner 192.168.1.1",
];

/// How the page runs what it has just built; the test runs what cargo has built for it.
const BUILD_AND_RUN: &str = "cargo run --release --";

const SHELL: &str = "$ ";
const PROMPT: &str = "pktsh> ";

#[test]
fn its_examples_show_what_it_says() {
    with_stack(|| {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
        let page = fs::read_to_string(&file).unwrap();
        let found = run_page(&page);
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&file, &found).unwrap();
        }
        let page = fs::read_to_string(&file).unwrap();
        for (number, (wanted, found)) in page.lines().zip(found.lines()).enumerate() {
            assert_eq!(found, wanted, "README.md, line {}", number + 1);
        }
        assert_eq!(page.lines().count(), found.lines().count(), "the last example shows less or more");
    });
}

#[test]
fn the_hosts_that_it_names_are_there() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let rows = page.lines().skip_while(|line| *line != "| hosts | what they show |").skip(2);
    let cells = rows.map_while(|line| line.strip_prefix("| ")?.split(" | ").next());
    let named: Vec<&str> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 30, "{named:?}");
    let plan = pktsh::lab::Plan::builtin();
    for name in named {
        assert!(plan.show(&format!("{name}.lab")).is_ok(), "{name}");
    }
}

/// The page with the outputs that its examples really have.
fn run_page(page: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    // tcpdump reads as a user of its own.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Files that the lines of the prompt name lie there, too.
    std::env::set_current_dir(folder.path()).unwrap();
    let (mut session, heard) = lab_session();
    let mut found = String::new();
    let mut only_read = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        found.extend([line, "\n"]);
        let Some(kind) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let shown = match kind {
            "console" => examples(&block, SHELL, |command| shell(folder.path(), command)),
            "pktsh" => examples(&block, PROMPT, |line| typed(&mut session, &heard, line)),
            "rhai" | "toml" => {
                let name = block[0].trim_start_matches(['/', '#', ' ']);
                assert!(name.ends_with(&format!(".{kind}")), "the first line of a block names its file: {name}");
                fs::write(folder.path().join(name), block.join("\n")).unwrap();
                block.join("\n") + "\n"
            }
            "sh" => {
                only_read.extend(block.iter().copied());
                block.join("\n") + "\n"
            }
            other => panic!("what is a block of {other:?}?"),
        };
        found.extend([&shown, "```\n"]);
    }
    assert_eq!(only_read, ONLY_READ);
    found
}

/// Runs each example of a block. Its output stands where the old one stood.
fn examples(block: &[&str], mark: &str, mut run: impl FnMut(&str) -> String) -> String {
    assert!(block.first().is_some_and(|line| line.starts_with(mark)), "a block begins with {mark:?}: {block:?}");
    let inputs = block.iter().filter_map(|line| line.strip_prefix(mark));
    inputs.map(|input| [mark, input, "\n", &run(input)].concat()).collect()
}

/// What a shell shows of a command.
fn shell(folder: &Path, command: &str) -> String {
    let command = command.replace(BUILD_AND_RUN, "pktsh");
    let programs = Path::new(env!("CARGO_BIN_EXE_pktsh")).parent().unwrap();
    let path = format!("{}:{}:/usr/sbin", programs.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("exec 2>&1; {command}")]).current_dir(folder).env("PATH", path).env("NO_COLOR", "1");
    let output = shell.stdin(Stdio::null()).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What the prompt shows of a line.
fn typed(session: &mut Session, heard: &Heard, line: &str) -> String {
    let value = session.line(line).unwrap_or_else(|trouble| panic!("{line}: {trouble}"));
    let mut shown = heard.screen.take();
    shown.extend(session.display(&value));
    shown.iter().map(|text| [text.trim_end_matches('\n'), "\n"].concat()).collect()
}
