//! What scripts do, in a session of the library.

use crate::harness::{Row, Unit, rate};
use crate::scapy::{self, Timed};
use crate::session;

const SYN: &str = r#"IP(dst="10.0.0.1")/TCP(dport=80, flags="S")"#;
/// Packets in one run of the script: so many that its start does not count.
const LOOPS: u32 = 20_000;

pub(crate) static ROWS: &[Row] = &[Row {
    name: r#"script: IP(dst="10.0.0.1")/TCP(dport=80, flags="S") (1,000,000 in 2 s)"#,
    asked: Some(500_000.0),
    unit: Unit::PerSecond,
    wired: false,
    ours: || {
        let (mut session, _) = session::lab_session();
        let text = format!("for i in 0..{LOOPS} {{ {SYN}; }}");
        let mut runs = rate(move || drop(session.script("syns", &text, &[]).unwrap()));
        Some(Box::new(move || runs() * f64::from(LOOPS)))
    },
    peers: &[("Scapy: the same expression", || {
        scapy::measure(&Timed { statement: SYN, ..Timed::default() }, scapy::RATE)
    })],
}];
