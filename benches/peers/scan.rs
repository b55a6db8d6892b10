//! Whole scans over a wire between two kernels, beside other scanners: from the start of the process to its end, with
//! everything found.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::harness::{Measure, Peer, Row, Unit};
use crate::wire::{SERVER, Wire};

/// Ports that the server's filter drops; all others are closed.
const DROPPED: &str = "1001-1200";

pub(crate) static ROWS: &[Row] = &[
    Row {
        name: "scan: 64,335 closed ports over veth, process and all",
        asked: None,
        unit: Unit::Millis,
        wired: true,
        ours: || Some(ours("1201-65535", "64335 closed")),
        peers: CLOSED,
    },
    Row {
        name: "scan: 200 ports that a filter drops, round trip known from ARP",
        asked: None,
        unit: Unit::Millis,
        wired: true,
        ours: || Some(ours(DROPPED, "200 filtered")),
        peers: FILTERED,
    },
];

const CLOSED: &[Peer] = &[
    ("nmap -n -sS", || nmap("1201-65535", "64335 closed", &[])),
    ("nmap -n -sS -T5 --min-rate 50000", || nmap("1201-65535", "64335 closed", &["-T5", "--min-rate", "50000"])),
];

const FILTERED: &[Peer] = &[
    ("nmap -n -sS", || nmap(DROPPED, "200 filtered", &[])),
    ("nmap -n -sS -T5", || nmap(DROPPED, "200 filtered", &["-T5"])),
];

fn ours(ports: &'static str, found: &'static str) -> Measure {
    turns(env!("CARGO_BIN_EXE_pktsh"), &["scan", "--live", SERVER, "-p", ports], found)
}

fn nmap(ports: &'static str, found: &'static str, more: &'static [&'static str]) -> Option<Measure> {
    Command::new("nmap").arg("-V").stdout(Stdio::null()).status().ok()?;
    let args: Vec<&'static str> = [&["-n", "-sS", "-p", ports, SERVER], more].concat();
    Some(turns("nmap", &args, found))
}

/// Milliseconds that a scanner takes; it has to say what it found.
fn turns(program: &'static str, args: &[&'static str], found: &'static str) -> Measure {
    let args = args.to_vec();
    let turn = move || {
        let begin = Instant::now();
        let output = Command::new(program).args(&args).stdin(Stdio::null()).output().unwrap();
        let took = begin.elapsed().as_secs_f64() * 1e3;
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains(found), "{program} {args:?} did not find {found}: {said}");
        took
    };
    filter();
    turn();
    Box::new(turn)
}

/// The server's filter.
fn filter() {
    let wire = Wire::here().unwrap();
    wire.server_sh(&format!(
        "nft flush ruleset; nft add table ip t; nft add chain ip t i '{{ type filter hook input priority 0; }}'
         nft add rule ip t i tcp dport {DROPPED} drop"
    ));
}
