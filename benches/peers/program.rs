//! The program at a pseudo-terminal: how soon it can be typed at, and what it weighs then.

use std::fs::File;
use std::io::Read;
use std::process::Command;
use std::time::Instant;

use rexpect::process::PtyProcess;

use crate::harness::{Measure, Row, Unit};
use crate::scapy;

pub(crate) static ROWS: &[Row] = &[
    Row {
        name: "program: from start to the prompt",
        asked: Some(20.0),
        unit: Unit::Millis,
        wired: false,
        ours: || Some(start(pktsh())),
        peers: &[("Scapy's console", || Some(start(scapy_console()?)))],
    },
    Row {
        name: "program: memory at the prompt (VmRSS)",
        asked: Some(20.0),
        unit: Unit::Megabytes,
        wired: false,
        ours: || Some(memory(pktsh())),
        peers: &[("Scapy's console", || Some(memory(scapy_console()?)))],
    },
];

/// A program and its prompt.
struct Console {
    program: String,
    args: &'static [&'static str],
    prompt: &'static str,
}

fn pktsh() -> Console {
    Console { program: env!("CARGO_BIN_EXE_pktsh").to_owned(), args: &[], prompt: "pktsh> " }
}

fn scapy_console() -> Option<Console> {
    Some(Console { program: scapy::python()?, args: &["-m", "scapy", "-H"], prompt: ">>> " })
}

/// Milliseconds from the start of the process until its prompt is on the screen.
fn start(console: Console) -> Measure {
    let state = tempfile::tempdir().unwrap();
    let turn = move || {
        let mut command = Command::new(&console.program);
        command.args(console.args).env("XDG_STATE_HOME", state.path());
        let begin = Instant::now();
        let mut screen = Screen::new(command);
        screen.read_until(console.prompt);
        begin.elapsed().as_secs_f64() * 1e3
    };
    turn(); // the files are in memory now
    Box::new(turn)
}

/// Millions of bytes of memory that the process holds when its prompt is on the screen.
fn memory(console: Console) -> Measure {
    let state = tempfile::tempdir().unwrap();
    Box::new(move || {
        // The shell writes its process id and becomes the program.
        let mut command = Command::new("sh");
        command.args(["-c", "echo $$; exec \"$0\" \"$@\"", &console.program]).args(console.args);
        command.env("XDG_STATE_HOME", state.path());
        let mut screen = Screen::new(command);
        screen.read_until(console.prompt);
        let pid = screen.seen.lines().next().unwrap();
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() * 1024.0 / 1e6
    })
}

/// A process on a pseudo-terminal, ended with this value.
struct Screen {
    file: File,
    seen: String,
    _process: PtyProcess,
}

impl Screen {
    fn new(command: Command) -> Self {
        let mut process = PtyProcess::new(command).unwrap();
        process.set_kill_timeout(Some(500));
        Self { file: process.get_file_handle().unwrap(), seen: String::new(), _process: process }
    }

    /// Reads until `end` is written. (`rexpect`'s own reader looks only every 100 ms.)
    fn read_until(&mut self, end: &str) {
        let mut bytes = [0; 4096];
        while !self.seen.contains(end) {
            let len = self.file.read(&mut bytes).unwrap();
            self.seen.push_str(&String::from_utf8_lossy(&bytes[..len]));
        }
    }
}
