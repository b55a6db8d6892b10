//! The job against a zombie made here, in time made here.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use etherparse::PacketBuilder;

use super::*;
use crate::base::targets::Target;
use crate::layers::tcp::{ACK, SYN};
use crate::net::{Checksum, Medium, Via};
use crate::packet::Nowhere;

const US: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const ZOMBIE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 7);
const TARGET: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const OPEN: &[u16] = &[22, 80, 443];

/// How the zombie numbers its packets.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ids {
    /// By this much for each packet.
    By(u16),
    Swapped,
    Random,
    /// A counter for each peer.
    PerPeer,
}

/// A question: our port, the zombie's, and the number that a reset takes up.
type Asked = (u16, u16, u32);

/// A zombie and a target; packets are on their way for a while.
struct Toy {
    ids: Ids,
    /// Its counter, for each peer where it has several.
    counters: BTreeMap<Ipv4Addr, u16>,
    /// Packets that it sends by itself, a second.
    busy: f64,
    /// Packets that get lost, on every way.
    loss: f64,
    /// One way.
    way: Duration,
    now: Time,
    /// On their way to us.
    coming: Vec<(Time, Vec<u8>)>,
    /// When the zombie gets a packet, from whom, and what is known of it where it is ours.
    at_zombie: Vec<(Time, Ipv4Addr, Option<Asked>)>,
    rng: Rng,
}

impl Toy {
    fn new(ids: Ids) -> Self {
        let (now, way) = (Time::ZERO, Duration::from_millis(1));
        let (counters, coming, at_zombie) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { ids, counters, busy: 0.0, loss: 0.0, way, now, coming, at_zombie, rng: Rng::new(7) }
    }

    fn id(&mut self, peer: Ipv4Addr) -> u16 {
        let own = (self.now.nanos() as f64 / 1e9 * self.busy) as u16;
        let peer = if self.ids == Ids::PerPeer { peer } else { US };
        let counter = self.counters.entry(peer).or_insert(65_500);
        *counter = counter.wrapping_add(if let Ids::By(step) = self.ids { step } else { 1 });
        match self.ids {
            Ids::Random => self.rng.next_u64() as u16,
            Ids::Swapped => counter.swap_bytes(),
            _ => counter.wrapping_add(own),
        }
    }

    fn is_lost(&mut self) -> bool {
        self.rng.chance(self.loss)
    }

    /// A packet of ours leaves.
    fn take(&mut self, bytes: &[u8]) {
        let frame = frame(bytes, self.now);
        let heard = Heard::of_frame(&frame).expect("a packet");
        let (segment, (sport, dport)) = (heard.tcp().expect("TCP"), heard.ports().expect("ports"));
        let (IpAddr::V4(from), IpAddr::V4(to)) = (heard.from, heard.to) else { panic!("IPv4") };
        if self.is_lost() {
            return;
        }
        if to == ZOMBIE {
            assert_eq!(segment.flags, SYN | ACK);
            let question = (from == US).then_some((sport, dport, segment.ack));
            self.at_zombie.push((self.now + self.way, from, question));
        } else {
            assert_eq!((from, to), (ZOMBIE, TARGET), "the target hears of the zombie alone");
            assert!([SYN, RST].contains(&segment.flags));
            if segment.flags == SYN && OPEN.contains(&dport) && !self.is_lost() {
                self.at_zombie.push((self.now + self.way * 2, TARGET, None));
            }
        }
    }

    /// The zombie gets what is due and resets it.
    fn reset(&mut self) {
        self.at_zombie.sort_by_key(|it| it.0);
        while self.at_zombie.first().is_some_and(|it| it.0 <= self.now) {
            let (at, peer, question) = self.at_zombie.remove(0);
            let id = self.id(peer);
            let Some((sport, dport, ack)) = question.filter(|_| !self.rng.chance(self.loss)) else { continue };
            let mut bytes = Vec::new();
            let reset = PacketBuilder::ipv4(ZOMBIE.octets(), US.octets(), 64).tcp(dport, sport, ack, 0).rst();
            reset.write(&mut bytes, &[]).expect("a packet");
            bytes[4..6].copy_from_slice(&id.to_be_bytes());
            self.coming.push((at + self.way, bytes));
        }
    }

    /// Runs a scan to its end: the ports found open, those without a row, and why the zombie was refused.
    fn scan(mut self, ports: Vec<u16>) -> (Vec<u16>, Vec<u16>, String) {
        let mut idle = job(ports.into());
        let (mut out, mut open) = (Outbox::default(), Vec::new());
        for _ in 0..2_000_000 {
            let wake = idle.step(self.now, &mut out);
            out.drain(|_, _, bytes| {
                self.take(bytes);
                Ok::<(), ()>(())
            })
            .expect("sent");
            for it in idle.take_news() {
                match it.verdict.state {
                    State::Open => open.push(it.port),
                    State::ClosedFiltered => assert_eq!(it.verdict.reason, Reason::NoIpidChange),
                    other => panic!("{other}"),
                }
            }
            if idle.is_over() {
                open.sort_unstable();
                return (open, idle.unfinished(0), idle.refused().unwrap_or_default().to_owned());
            }
            let Wake::At(wake) = wake else { continue };
            let next = self.coming.iter().map(|it| it.0).chain(self.at_zombie.iter().map(|it| it.0)).min();
            self.now = self.now.max(next.map_or(wake, |next| next.min(wake)));
            self.reset();
            let (due, later) = std::mem::take(&mut self.coming).into_iter().partition(|it| it.0 <= self.now);
            self.coming = later;
            for (at, bytes) in due {
                idle.event(self.now, &Event::Heard(frame(&bytes, at)));
            }
        }
        panic!("it does not end");
    }
}

fn frame(bytes: &[u8], at: Time) -> Frame<'_> {
    let wire_len = bytes.len();
    let (medium, checksum) = (Medium::Ip, Checksum::Ready);
    Frame { bytes, at, iface: 1, medium, outgoing: false, vlan: None, wire_len, checksum }
}

fn job(ports: Arc<[u16]>) -> Idle {
    let timing = Timing::normal();
    let sports = (61_000..61_024).collect();
    let setup = Setup { ports, retry: None, timeout: None, timing, max_rate: None, host_timeout: None, sports };
    let [zombie, target] = [ZOMBIE, TARGET].map(|addr| Target::from(IpAddr::V4(addr)));
    let way = || Way::Plain(Via::Ip(None));
    let goal = Goal::new(&target, &zombie, way(), Rtt::default(), &Nowhere).expect("a target");
    let zombie = Zombie::new(&zombie, 80, way(), &Nowhere).expect("a zombie");
    Idle::new(setup, zombie, vec![goal], Rng::new(3))
}

#[test]
fn counting_zombies_tell_the_open_ports() {
    for ids in [Ids::By(1), Ids::By(2), Ids::Swapped] {
        let found = Toy::new(ids).scan((1..=500).collect());
        assert_eq!(found, (OPEN.to_vec(), vec![], String::new()), "{ids:?}");
    }
}

#[test]
fn a_far_target_has_its_time() {
    let found = Toy { way: Duration::from_millis(120), ..Toy::new(Ids::By(1)) }.scan((1..=100).collect());
    assert_eq!(found, (vec![22, 80], vec![], String::new()));
}

#[test]
fn others_are_refused_by_name() {
    let rows = [
        (Ids::Random, "is of the class \"randomized\": its numbers are drawn"),
        (Ids::By(0), "is of the class \"constant\": all its packets have the same number"),
        (Ids::PerPeer, "does not move for packets in the name of 10.0.0.9: it counts for each peer apart"),
    ];
    for (ids, wanted) in rows {
        let (open, left, why) = Toy::new(ids).scan(vec![80, 81]);
        assert!(why.starts_with(&format!("the zombie 10.0.0.7 {wanted}")), "{ids:?}: {why}");
        assert_eq!((open, left), (vec![], vec![80, 81]));
    }
    let (.., why) = Toy { loss: 1.0, ..Toy::new(Ids::By(1)) }.scan(vec![80]);
    assert!(why.contains("does not answer a SYN/ACK at port 80; try another zombie_port"), "{why}");
}

#[test]
fn a_busy_zombie_never_makes_a_port_open() {
    for busy in [0.2, 1.0, 5.0, 50.0, 500.0] {
        let (open, left, why) = Toy { busy, ..Toy::new(Ids::By(1)) }.scan((1..=100).collect());
        assert!(open.iter().all(|port| OPEN.contains(port)), "{busy} a second: {open:?}");
        assert!(if why.is_empty() { open == [22, 80] } else { !left.is_empty() }, "{busy}: {open:?} {left:?} {why}");
        assert!(busy < 5.0 || why.contains("idle") || why.contains("busy"), "{busy} a second is refused: {why}");
    }
}

#[test]
fn losses_lose_no_open_port_and_make_none() {
    for loss in [0.02, 0.1] {
        let (open, left, why) = Toy { loss, ..Toy::new(Ids::By(1)) }.scan((1..=100).collect());
        assert_eq!((open, left, why), (vec![22, 80], vec![], String::new()), "{loss}");
    }
}

/// The test of a counter may fall on its wrap.
#[test]
fn a_counter_that_wraps_is_a_counter() {
    for start in [65_530, 65_534, 0, 255] {
        let mut toy = Toy::new(Ids::By(1));
        toy.counters.insert(US, start);
        assert_eq!(toy.scan(vec![79, 80]), (vec![80], vec![], String::new()), "from {start}");
    }
}
