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

/// A measure of one expression: `setup` runs once, `statement` so often that a turn takes about 0.3 s.
/// It gives seconds for one run, turned into the figure by `figure`.
pub(crate) fn measure(setup: &str, statement: &str, figure: fn(f64) -> f64) -> Option<Measure> {
    let script = format!(
        "import sys, timeit, logging\n\
         logging.getLogger('scapy').setLevel(logging.CRITICAL)\n\
         from scapy.all import *\n\
         conf.verb = 0\n\
         {setup}\n\
         timer = timeit.Timer({statement:?}, globals=globals())\n\
         rounds = max(1, int(0.3 / timer.timeit(10) * 10))\n\
         print('ready', flush=True)\n\
         for _ in sys.stdin: print(timer.timeit(rounds) / rounds, flush=True)"
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
