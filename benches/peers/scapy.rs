//! Scapy as the other side: a Python process that waits for its turn.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::harness::Measure;

/// The Python that has Scapy: that of the tests, or the system's.
pub(crate) fn python() -> Option<String> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv/bin/python3");
    let own = own.to_str().unwrap().to_owned();
    [own, "python3".to_owned()].into_iter().find(|python| ask(python).is_some())
}

/// Scapy's version.
pub(crate) fn version() -> Option<String> {
    ask(&python()?)
}

fn ask(python: &str) -> Option<String> {
    let output = Command::new(python).args(["-c", "import scapy; print(scapy.VERSION)"]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// What to time, in Python; `statement` is the part that counts.
#[derive(Clone, Copy, Default)]
pub(crate) struct Timed<'a> {
    /// Runs before each turn.
    pub(crate) before: &'a str,
    /// Runs so often that a turn takes about 0.3 s.
    pub(crate) statement: &'a str,
    /// Runs after each turn.
    pub(crate) after: &'a str,
}

/// Seconds for one run as runs a second.
pub(crate) const RATE: fn(f64) -> f64 = f64::recip;
/// Seconds for one run in microseconds.
pub(crate) const MICROS: fn(f64) -> f64 = |seconds| seconds * 1e6;

/// A measure of some Python; `figure` makes the figure from the seconds for one run.
pub(crate) fn measure(timed: &Timed<'_>, figure: fn(f64) -> f64) -> Option<Measure> {
    let Timed { before, statement, after } = timed;
    let script = format!(
        "import sys, timeit, logging\n\
         logging.getLogger('scapy').setLevel(logging.CRITICAL)\n\
         from scapy.all import *\n\
         conf.verb = 0\n\
         timer = timeit.Timer({statement:?}, globals=globals())\n\
         def turn(rounds):\n  \
           exec({before:?}, globals()); seconds = timer.timeit(rounds) / rounds; exec({after:?}, globals())\n  \
           return seconds\n\
         rounds = max(1, int(0.3 / turn(10)))\n\
         print('ready', flush=True)\n\
         for _ in sys.stdin: print(turn(rounds), flush=True)"
    );
    let mut child = Command::new(python()?)
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut lines = BufReader::new(child.stdout.take()?).lines().map_while(Result::ok);
    let input = child.stdin.take()?;
    let mut running = Running { child, input };
    lines.find(|line| line == "ready")?;
    Some(Box::new(move || {
        running.input.write_all(b"go\n").unwrap();
        figure(lines.next().unwrap().parse().unwrap())
    }))
}

/// The process, ended with this value.
struct Running {
    child: Child,
    input: ChildStdin,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
