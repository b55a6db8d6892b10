//! The laboratory: how many probes a second its hosts answer, so that no scan waits for them.

use std::hint::black_box;
use std::time::Duration;

use etherparse::PacketBuilder;
use pktsh::lab::Lab;
use pktsh::net::{Event, Polled, Via, World};

use crate::harness::{Measure, Row, Unit, rate};

/// Probes in flight at once.
const BURST: u16 = 1024;

pub(crate) static ROWS: &[Row] = &[
    Row {
        name: "laboratory: SYNs to closed ports answered, one core",
        asked: Some(1_000_000.0),
        unit: Unit::PerSecond,
        wired: false,
        ours: || Some(bursts([192, 0, 2, 11], BURST)),
        peers: &[],
    },
    Row {
        name: "laboratory: SYNs to open ports answered, and the answers reset, one core",
        asked: None,
        unit: Unit::PerSecond,
        wired: false,
        ours: || Some(bursts([192, 0, 2, 40], BURST)), // the honeypot
        peers: &[],
    },
    Row {
        name: "laboratory: SYNs dropped by a filter, one core",
        asked: None,
        unit: Unit::PerSecond,
        wired: false,
        ours: || Some(bursts([192, 0, 2, 20], 0)),
        peers: &[],
    },
];

/// SYNs a second to ports from 1000 on of the host at `to`, sent in bursts, each of which draws so many `answers`.
fn bursts(to: [u8; 4], answers: u16) -> Measure {
    let lab = Lab::new(1);
    let mut link = lab.open().unwrap();
    let probes: Vec<_> = (0..BURST).map(|n| syn(to, 1000 + n)).collect();
    let mut burst = rate(move || {
        for probe in &probes {
            link.send(Via::Frame(1), black_box(probe), 0).unwrap();
        }
        let mut heard = 0;
        let until = lab.now() + Duration::from_millis(1);
        let mut count = |event: Event<'_>| {
            if let Event::Heard(frame) = event {
                black_box(frame.bytes);
                heard += u16::from(!frame.outgoing);
            }
        };
        while link.poll(until, &mut count).unwrap() == Polled::Some {}
        assert_eq!(heard, answers);
    });
    Box::new(move || f64::from(BURST) * burst())
}

fn syn(to: [u8; 4], port: u16) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, to[3]])
        .ipv4([192, 0, 2, 2], to, 64)
        .tcp(61000, port, 1000, 1024)
        .syn()
        .write(&mut frame, &[])
        .unwrap();
    frame
}
