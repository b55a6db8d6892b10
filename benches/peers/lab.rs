//! The laboratory: how many probes a second its hosts answer, so that no scan waits for them.

use std::hint::black_box;

use etherparse::PacketBuilder;
use pktsh::base::Time;
use pktsh::lab::Lab;
use pktsh::net::{Event, Via, World};

use crate::harness::{Measure, Row, Unit, rate};

/// Probes in flight at once.
const BURST: u16 = 1024;

pub(crate) static ROWS: &[Row] = &[Row {
    name: "laboratory: SYNs to closed ports answered, one core",
    asked: Some(1_000_000.0),
    unit: Unit::PerSecond,
    wired: false,
    ours: || Some(answered([192, 0, 2, 10], 1000)),
    peers: &[],
}];

/// Answers a second to SYNs to the ports from `first` on of the host at `to`.
fn answered(to: [u8; 4], first: u16) -> Measure {
    let lab = Lab::new(1);
    let mut link = lab.open().unwrap();
    let probes: Vec<_> = (0..BURST).map(|n| syn(to, first + n)).collect();
    let mut bursts = rate(move || {
        let mut heard = 0;
        for probe in &probes {
            link.send(Via::Frame(1), black_box(probe), 0).unwrap();
        }
        while heard < BURST {
            link.poll(Time::NEVER, &mut |event| {
                if let Event::Heard(frame) = event {
                    black_box(frame.bytes);
                    heard += u16::from(!frame.outgoing);
                }
            })
            .unwrap();
        }
    });
    Box::new(move || f64::from(BURST) * bursts())
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
