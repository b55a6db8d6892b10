//! Hostile answers: frames that are cut, turned over and made up stop no scan, and forged ones open no port.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/between.rs"]
mod between;

use std::net::IpAddr;
use std::sync::Arc;

use between::{Between, Middle};
use etherparse::PacketBuilder;
use pktsh::base::Rng;
use pktsh::engine::Network;
use pktsh::lab::Lab;
use pktsh::net::{Event, Frame};
use pktsh::scan::kinds::{KINDS, Kind, Probe};
use pktsh::scan::targets::wanted;
use pktsh::scan::{Chosen, News, Request, Scan, Scanner, State};

/// Somebody who adds frames of his own to each that is heard.
struct Crowded {
    rng: Rng,
    /// Makes a frame out of the one that was heard.
    forge: fn(&mut Rng, &[u8]) -> Vec<u8>,
    /// How many come before each.
    many: u64,
}

impl Middle for Crowded {
    fn hear(&mut self, event: Event<'_>, on: &mut dyn FnMut(Event<'_>)) {
        if let Event::Heard(frame) = &event {
            for _ in 0..self.many {
                let bytes = (self.forge)(&mut self.rng, frame.bytes);
                on(Event::Heard(Frame { bytes: &bytes, wire_len: bytes.len(), ..*frame }));
            }
        }
        on(event);
    }
}

fn scan(kind: &'static Kind, ports: &[u16], target: &str, seed: u64, many: u64, forge: Forge) -> Scan {
    let mut network = Network::new(vec![Box::new(Lab::new(seed))], seed);
    network
        .wrap_links(move |link| Ok(Box::new(Between { link, middle: Crowded { rng: Rng::new(seed), forge, many } })));
    let mut request = Request::new();
    request.targets = wanted(&network, target, "", false, &|_| Err("no file".into())).unwrap();
    request.kinds = vec![(Chosen::of(kind), Arc::from(ports))];
    request.zombie = (kind.probe == Probe::Idle).then(|| (IpAddr::from([192, 0, 2, 30]).into(), 80));
    let mut scanner = Scanner::new(&mut network, request).unwrap();
    while scanner.next(&mut network).is_ok_and(|news| news != News::Ended) {}
    scanner.into_scan()
}

type Forge = fn(&mut Rng, &[u8]) -> Vec<u8>;

/// Cut, longer, some bits turned over.
fn mangled(rng: &mut Rng, frame: &[u8]) -> Vec<u8> {
    let mut bytes = frame.to_vec();
    if rng.chance(0.3) {
        bytes.truncate(rng.below(frame.len() as u64 + 1) as usize);
    }
    if rng.chance(0.1) {
        let mut more = vec![0; rng.below(64) as usize];
        rng.fill(&mut more);
        bytes.extend(more);
    }
    for _ in 0..rng.below(8) {
        let at = rng.below(bytes.len() as u64) as usize;
        if let Some(byte) = bytes.get_mut(at) {
            *byte ^= 1 << rng.below(8);
        }
    }
    bytes
}

/// A SYN/ACK to the port that the heard frame goes to, from the port that it comes from, with a number drawn blindly.
fn blind(rng: &mut Rng, frame: &[u8]) -> Vec<u8> {
    let word = |at: usize| frame.get(at..at + 2).map_or(0, |b| u16::from_be_bytes([b[0], b[1]]));
    let (from, to) = (frame.get(26..30).unwrap_or(&[0; 4]), frame.get(30..34).unwrap_or(&[0; 4]));
    let (from, to) = (from.try_into().unwrap(), to.try_into().unwrap());
    let packet = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(from, to, 64);
    let packet = packet.tcp(word(34), word(36), rng.next_u64() as u32, 64_240).syn().ack(rng.next_u64() as u32);
    let mut bytes = Vec::new();
    packet.write(&mut bytes, &[]).unwrap();
    bytes
}

#[test]
fn mangled_answers_stop_no_scan_of_any_kind() {
    let ports: Vec<u16> = (1..=60).chain([80, 132, 255]).collect();
    for kind in KINDS {
        for seed in 1..=8 {
            let is_idle = kind.probe == Probe::Idle;
            let targets = if is_idle { "linux.lab" } else { "linux.lab,reject.lab,2001:db8::10" };
            let found = scan(kind, &ports, targets, seed, 4, mangled);
            let ends = found.rows.len() + found.unfinished.iter().map(|left| left.ports.len()).sum::<usize>();
            let up = found.hosts.iter().filter(|host| !host.presence.is_down()).count();
            // An idle scan may give its zombie up.
            assert!(is_idle || ends == up * ports.len(), "{}, seed {seed}: {ends}", kind.name);
        }
    }
}

#[test]
fn a_million_blind_guesses_open_no_port() {
    let syn = Kind::named("syn").unwrap();
    let ports: Vec<u16> = (1000..2000).collect();
    let found = scan(syn, &ports, "linux.lab", 1, 1000, blind);
    assert_eq!(found.rows.len(), 1000);
    for row in &found.rows {
        assert_eq!(row.state, State::Closed, "{}: {}", row.port, row.note);
    }
    // One of them is told with the port that it was aimed at.
    assert!(found.rows.iter().all(|row| row.note.starts_with("not believed: SA acknowledges ")), "{:?}", found.rows[0]);
}
