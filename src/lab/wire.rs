//! The laboratory's cables and its clock: frames in flight, ordered by time, and the hosts they reach.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use etherparse::{ArpOperation, EtherType, Ethernet2HeaderSlice};

use super::datagram::ETHERNET;
use super::dns::Zone;
use super::faults::{Cable, Copies, Toward};
use super::flights::{Cargo, Flight, Flights};
use super::host::{Host, is_group, read_arp};
use super::ndp;
use super::nets::{Net, Nets, Segment};
use super::out::{Departure, Out, Scene};
use super::plan::Plan;
use super::routes::Map;
use super::tap::Tap;
use crate::base::{Mac, Rng, Time, rng};

/// The index of the student's own machine among the hosts.
pub(super) const YOU: usize = 0;

/// Frames in flight from which on nothing more can be sent; answers still fit up to twice as many.
pub(super) const MOST_IN_FLIGHT: usize = 1 << 16;

/// How long a packet takes through a loopback interface.
const LOOPBACK_DELAY: Duration = Duration::from_micros(10);

/// The whole laboratory, between two calls.
pub(super) struct Wire {
    pub(super) now: Time,
    pub(super) hosts: Vec<Host>,
    pub(super) map: Map,
    /// The cables of the networks in their order, beside those of the hosts.
    pub(super) cables: Vec<Cable>,
    pub(super) zone: Zone,
    /// What ARP replies and neighbor advertisements have told the student's machine.
    pub(super) learned: BTreeMap<IpAddr, Mac>,
    /// The open links, each with what it has captured.
    pub(super) taps: BTreeMap<u32, Tap>,
    /// One of them is a capture.
    is_overheard: bool,
    /// The tap of the link that is sending: what it sends does not come back to it.
    sender: Option<u32>,
    pub(super) out: Out,
    /// Who gets the frame that is on the switch, and when; empty between two frames.
    arrivals: Vec<(usize, Time)>,
    /// How many connections were dialled: each gets the next source port.
    pub(super) dialled: u16,
    /// Ends waits while it is true.
    pub(super) stop: Arc<AtomicBool>,
    stations: BTreeMap<(Segment, Mac), usize>,
    /// For each host, the earliest wake that is among the flights.
    wakes: Vec<Time>,
    flights: Flights,
}

impl Wire {
    /// All hosts of `plan`, switched on at time zero.
    pub(super) fn new(plan: &Plan, seed: u64) -> Self {
        let stations = plan.hosts().iter().enumerate();
        let stations = stations
            .flat_map(|(index, host)| plan.nics(host).into_iter().map(move |nic| ((nic.segment, nic.mac()), index)));
        Self {
            now: Time::ZERO,
            stop: Arc::default(),
            stations: stations.collect(),
            wakes: vec![Time::NEVER; plan.hosts().len()],
            hosts: plan.hosts().iter().map(|spec| Host::new(spec.clone(), plan.nics(spec), seed)).collect(),
            cables: cables(plan.nets(), seed),
            map: Map::new(plan),
            zone: Zone::new(plan),
            learned: BTreeMap::new(),
            taps: BTreeMap::new(),
            is_overheard: false,
            sender: None,
            out: Out::default(),
            arrivals: Vec::new(),
            dialled: rng::hash(seed, b"dial") as u16,
            flights: Flights::default(),
        }
    }

    /// Whether more can be sent.
    pub(super) fn is_full(&self) -> bool {
        self.flights.len() >= MOST_IN_FLIGHT
    }

    /// Whether the wait shall end.
    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether nothing is on its way.
    pub(super) fn is_quiet(&self) -> bool {
        self.flights.len() == 0
    }

    /// Sends a frame of the link with this tap from the student's machine. The other taps see it go out, except on
    /// the loopback.
    pub(super) fn send(&mut self, tap: u32, segment: Segment, frame: Vec<u8>) {
        self.sender = Some(tap);
        self.depart(YOU, Departure { segment, hold: Duration::ZERO, frame });
        self.sender = None;
    }

    /// Moves the clock to the next event and lets its host act. `false` when none comes until `limit`.
    pub(super) fn step(&mut self, limit: Time) -> bool {
        self.forget_void_wakes();
        if self.flights.peek().is_none_or(|(at, _)| at > limit) {
            return false;
        }
        let Some((at, Flight { to, cargo })) = self.flights.pop() else { return false };
        self.now = self.now.max(at);
        if let (YOU, Cargo::Frame(_, frame)) = (to, &cargo) {
            self.capture(frame, false);
            self.learn(frame);
        }
        match cargo {
            Cargo::Overheard(frame) => {
                self.overhear(&frame);
                self.out.recycle(frame);
            }
            Cargo::Frame(segment, frame) => {
                self.act(to, |host, scene| host.receive(segment, &frame, scene));
                self.out.recycle(frame);
            }
            Cargo::Wake => {
                self.wakes[to] = Time::NEVER;
                self.act(to, Host::wake);
            }
        }
        true
    }

    /// Lets a host act now, and puts on their cables what it sends.
    pub(super) fn act<T>(&mut self, host: usize, deed: impl FnOnce(&mut Host, &mut Scene<'_>) -> T) -> T {
        let (now, is_overheard) = (self.now, self.is_overheard);
        let mut scene = Scene { now, map: &self.map, zone: &self.zone, is_overheard, out: &mut self.out };
        let done = deed(&mut self.hosts[host], &mut scene);
        let mut departures = std::mem::take(&mut self.out.departures);
        for departure in departures.drain(..) {
            self.depart(host, departure);
        }
        self.out.departures = departures; // keeps its room
        self.plan_wake(host);
        done
    }

    /// Adds the tap of a link; its number. When somebody begins to capture, the hosts begin to talk.
    pub(super) fn add_tap(&mut self, tap: Tap) -> u32 {
        let number = self.taps.last_key_value().map_or(0, |(last, _)| last + 1);
        if tap.is_capture {
            self.is_overheard = true;
            for host in 0..self.hosts.len() {
                self.hosts[host].rouse(self.now);
                self.plan_wake(host);
            }
        }
        self.taps.insert(number, tap);
        number
    }

    /// Removes the tap of a link.
    pub(super) fn remove_tap(&mut self, number: u32) {
        self.taps.remove(&number);
        self.is_overheard = self.taps.values().any(|tap| tap.is_capture);
    }

    /// Sees to it that a host is woken when it wants to be.
    fn plan_wake(&mut self, host: usize) {
        if let Some(at) = self.hosts[host].soonest().filter(|at| *at < self.wakes[host]) {
            self.wakes[host] = at;
            self.flights.push(at, Flight { to: host, cargo: Cargo::Wake });
        }
    }

    /// Takes away the wakes that come next and that nobody wants any more: no time passes for them.
    fn forget_void_wakes(&mut self) {
        while let Some((at, &Flight { to, cargo: Cargo::Wake })) = self.flights.peek() {
            if self.wakes[to] == at && self.hosts[to].due() == Some(at) {
                return;
            }
            self.flights.pop();
            if self.wakes[to] == at {
                self.wakes[to] = Time::NEVER;
                self.plan_wake(to);
            }
        }
    }

    /// Puts a frame from host `from` on its cable, to all who shall get it.
    fn depart(&mut self, from: usize, departure: Departure) {
        let Departure { segment, hold, frame } = departure;
        if segment == Segment::LOOPBACK {
            self.push(from, self.now + hold + LOOPBACK_DELAY, Cargo::Frame(segment, frame));
        } else {
            if from == YOU {
                self.capture(&frame, true);
            }
            self.cross(from, segment, hold, frame);
        }
    }

    /// A switch: a known address is one host, a group's is everybody but the sender, an unknown one is nobody.
    fn cross(&mut self, from: usize, segment: Segment, hold: Duration, frame: Vec<u8>) {
        let mac = Ethernet2HeaderSlice::from_slice(&frame).map_or(Mac::ZERO, |header| Mac(header.destination()));
        if is_group(mac) {
            let others: Vec<usize> =
                self.stations.iter().filter(|((s, _), to)| *s == segment && **to != from).map(|(_, to)| *to).collect();
            return self.carry(from, &others, segment, hold, frame);
        }
        match self.stations.get(&(segment, mac)) {
            Some(&to) if to != from => {
                if ![from, to].contains(&YOU) && segment == Segment::HOME && self.is_overheard {
                    self.mirror(from, hold, &frame);
                }
                self.carry(from, &[to], segment, hold, frame);
            }
            _ => self.out.recycle(frame),
        }
    }

    /// `lab0` is plugged into the port of the switch that repeats what passes between the others.
    fn mirror(&mut self, from: usize, hold: Duration, frame: &[u8]) {
        let copy = self.out.copy(frame);
        self.push(YOU, self.now + hold + self.hosts[from].cable.delay(), Cargo::Overheard(copy));
    }

    /// Over the cable of the sender, that of the network, and those of all who get it.
    fn carry(&mut self, from: usize, others: &[usize], segment: Segment, hold: Duration, frame: Vec<u8>) {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        let start = self.now + hold;
        for first in self.hosts[from].cable.cross(Toward::Net, start).spans() {
            let there = start + *first;
            for second in self.over_net(segment, there).spans() {
                let there = there + *second;
                for &to in others {
                    let copies = self.hosts[to].cable.cross(Toward::Host, there);
                    arrivals.extend(copies.spans().iter().map(|last| (to, there + *last)));
                }
            }
        }
        let last = arrivals.pop();
        for (to, at) in arrivals.drain(..) {
            let copy = self.out.copy(&frame);
            self.push(to, at, Cargo::Frame(segment, copy));
        }
        match last {
            Some((to, at)) => self.push(to, at, Cargo::Frame(segment, frame)),
            None => self.out.recycle(frame),
        }
        self.arrivals = arrivals; // keeps its room
    }

    /// What comes out of one frame behind the cable of a network.
    fn over_net(&mut self, segment: Segment, at: Time) -> Copies {
        self.cables.get_mut(segment.index()).map_or(Copies::default(), |cable| cable.cross(Toward::Net, at))
    }

    fn push(&mut self, to: usize, at: Time, cargo: Cargo) {
        if self.flights.len() < 2 * MOST_IN_FLIGHT {
            self.flights.push(at, Flight { to, cargo });
        }
    }

    /// What passes between two others: no link that sends sees it.
    fn overhear(&mut self, frame: &[u8]) {
        for tap in self.taps.values_mut().filter(|tap| tap.is_capture) {
            tap.capture(self.now, frame, false);
        }
    }

    fn capture(&mut self, frame: &[u8], outgoing: bool) {
        let sender = self.sender;
        for (_, tap) in self.taps.iter_mut().filter(|(number, _)| Some(**number) != sender) {
            tap.capture(self.now, frame, outgoing);
        }
    }

    /// Remembers what a reply or an advertisement says of a neighbor.
    fn learn(&mut self, frame: &[u8]) {
        let Ok(header) = Ethernet2HeaderSlice::from_slice(frame) else { return };
        let told = match header.ether_type() {
            EtherType::ARP => replied(&frame[ETHERNET..], &self.map.nets),
            EtherType::IPV6 => ndp::advertised(&frame[ETHERNET..], &self.map.nets),
            _ => None,
        };
        self.learned.extend(told);
    }
}

/// The cables of the networks, each with dice of its own.
fn cables(nets: &Nets, seed: u64) -> Vec<Cable> {
    let cable = |(_, net): (Segment, &Net)| {
        let name = net.v4.or(net.v6).map_or_else(String::new, |prefix| prefix.addr.to_string());
        Cable::new(net.link, Rng::new(rng::hash(seed, name.as_bytes())))
    };
    nets.all().map(cable).collect()
}

/// Who sent an ARP reply, when it is a neighbor.
fn replied(bytes: &[u8], nets: &Nets) -> Option<(IpAddr, Mac)> {
    let reply = read_arp(bytes).filter(|arp| arp.operation == ArpOperation::REPLY)?;
    let sender = IpAddr::V4(reply.sender_ipv4_addr());
    (nets.segment(sender) == Some(Segment::HOME)).then_some((sender, Mac(reply.sender_mac)))
}
