//! Sending packets and pairing them with their answers: `send`, `sr`, `sr1` and their layer-2 kin.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::arp::Arp;
use super::error::EngineError;
use super::matching::{Verdict, answers, key_of_probe, key_of_reply};
use super::network::{Around, Network};
use super::{Ended, Job, Outbox, Progress, Wake, drive};
use crate::base::Time;
use crate::base::checksum::checksum;
use crate::layers::ether::ETHER;
use crate::layers::{dissect, first_of};
use crate::net::{Checksum, Event, Frame, Interface, Medium, NetError, Reach, Route, Via};
use crate::packet::{Meta, Packet, Slot, Surroundings, Value};

/// The most packets that one exchange keeps.
pub const MOST_PACKETS: u64 = 1 << 20;

/// Which answers an exchange waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// None: it only sends.
    None,
    /// The first one, to whichever packet.
    First,
    /// One to each packet.
    OneEach,
    /// All that come until the timeout.
    All,
}

/// How an exchange is made.
#[derive(Clone, Debug)]
pub struct Options {
    /// How long to wait, counted from the last packet sent.
    pub timeout: Duration,
    /// How often to send again what was not answered.
    pub retry: u32,
    /// Time between two packets.
    pub inter: Duration,
    /// Which answers to wait for.
    pub answers: Answers,
    /// Packets are whole frames.
    pub frames: bool,
    /// The only interface to use.
    pub iface: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(2),
            retry: 0,
            inter: Duration::ZERO,
            answers: Answers::OneEach,
            frames: false,
            iface: None,
        }
    }
}

/// What an exchange brought.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Probes as sent, each with an answer, in the order of the answers.
    pub answered: Vec<(Packet, Packet)>,
    /// Probes as sent that nothing answered.
    pub unanswered: Vec<Packet>,
    /// What can be said of it in a line.
    pub account: Account,
    /// How it ended.
    pub ended: Ended,
}

/// Sends `packet`, or every packet of the set that it is, and collects the answers.
///
/// Ctrl-C ends it early with what has come; see [`Outcome::ended`].
pub fn exchange(network: &mut Network, packet: &Packet, options: &Options) -> Result<Outcome, EngineError> {
    let count = packet.count();
    if count > MOST_PACKETS {
        return Err(EngineError::TooMany(count, MOST_PACKETS));
    }
    let options = &Options { iface: network.iface(options.iface.as_deref()), ..options.clone() };
    let plan = Plan::new(network, packet, options)?;
    for dst in &plan.destinations {
        network.check_public(plan.place, IpAddr::V4(*dst))?;
    }
    let resolved = resolve_neighbors(network, &plan)?;
    let probes = build_all(network, packet, &plan, options)?;
    let (_, link) = network.open(plan.place)?;
    let mut job = Exchange::new(probes, options, link.about().wall_zero, plan.names());
    let ended = if resolved == Ended::Interrupted { resolved } else { drive(&mut job, link)? };
    let dropped = if options.answers == Answers::None { 0 } else { link.stats().dropped };
    job.outcome(ended, dropped)
}

/// Where the packets of one call go: one world, and a route for each destination.
struct Plan {
    place: usize,
    destinations: Vec<Ipv4Addr>,
    routes: BTreeMap<Ipv4Addr, Route>,
    /// Destinations of frames that are this machine itself.
    own: BTreeSet<Ipv4Addr>,
    /// Destinations whose next hop's hardware address is needed.
    asked: BTreeSet<Ipv4Addr>,
    /// The interface of frames without a destination address.
    iface: Option<Interface>,
}

impl Plan {
    fn new(network: &Network, packet: &Packet, options: &Options) -> Result<Self, EngineError> {
        let around = network.routing(options.iface.as_deref());
        let mut plan: Option<Self> = None;
        for probe in packet.expand() {
            check_level(&probe, options.frames)?;
            let Some(dst) = destination(&probe) else { continue };
            let (place, route) = around.route(dst)?;
            let plan = plan.get_or_insert_with(|| Self::at(place));
            if plan.place != place {
                return Err(EngineError::Mixed(plan.destinations[0].into(), dst.into()));
            }
            if options.frames && !route.takes_frames() {
                // In a scan of one's own network, the own address is passed over.
                if route.reach == Reach::Local && packet.count() > 1 {
                    plan.own.insert(dst);
                    continue;
                }
                return Err(no_frames(&route));
            }
            if needs_neighbor(&probe) {
                plan.asked.insert(dst);
            }
            if plan.routes.insert(dst, route).is_none() {
                plan.destinations.push(dst);
            }
        }
        match (plan, &options.iface) {
            (Some(plan), _) => Ok(plan),
            (None, Some(name)) if options.frames => {
                let mut plan = Self::at(network.place_with(name)?);
                let interfaces = network.place(plan.place).world.interfaces()?;
                plan.iface = interfaces.into_iter().find(|i| i.name == *name);
                Ok(plan)
            }
            (None, _) => Err(EngineError::NoDestination(packet.names())),
        }
    }

    fn at(place: usize) -> Self {
        Self {
            place,
            destinations: Vec::new(),
            routes: BTreeMap::new(),
            own: BTreeSet::new(),
            asked: BTreeSet::new(),
            iface: None,
        }
    }

    /// Names of the interfaces, by index.
    fn names(&self) -> BTreeMap<u32, Arc<str>> {
        let all = self.routes.values().map(|r| &r.iface).chain(&self.iface);
        all.map(|i| (i.index, Arc::from(i.name.as_str()))).collect()
    }
}

/// Refuses frames at layer 3 and packets at layer 2, with the function to use instead.
fn check_level(packet: &Packet, frames: bool) -> Result<(), EngineError> {
    let Some(first) = packet.layers().first() else {
        return Err(EngineError::NoDestination("a packet without layers".into()));
    };
    let is_network = first.desc() == first_of(Medium::Ip);
    let names = packet.names();
    match (frames, is_network, first.desc() == &ETHER) {
        (false, true, _) | (true, false, _) => Ok(()),
        (false, _, true) => Err(EngineError::WrongLayer(format!(
            "{names} begins with a link-layer header: send frames with sendp, srp or srp1 (sr and send add their own)"
        ))),
        (false, ..) => Err(EngineError::NoDestination(names)),
        (true, ..) => Err(EngineError::WrongLayer(format!(
            "{names} has no link-layer header: write Ether()/{names}, or use send, sr or sr1, which add it"
        ))),
    }
}

fn no_frames(route: &Route) -> EngineError {
    let why = match route.reach {
        Reach::Local => "is this machine itself, and the kernel drops frames injected there".to_owned(),
        _ => format!("is reached by {}, which carries packets without a link-layer header", route.iface.name),
    };
    EngineError::WrongLayer(format!("{} {why}: use send, sr or sr1 with the IP packet", route.next_hop))
}

/// Where a packet goes: the destination of its first layer that names one.
fn destination(packet: &Packet) -> Option<Ipv4Addr> {
    packet.layers().iter().find_map(|layer| {
        let (_, dst) = layer.desc().ends?;
        match layer.get(dst)? {
            Slot::Set(Value::Ip4(addr)) => Some(addr),
            _ => None,
        }
    })
}

/// Whether a packet goes behind a link-layer destination that is not set: at layer 3, or with Ethernet's left automatic.
fn needs_neighbor(packet: &Packet) -> bool {
    let first = packet.layers().first().filter(|layer| layer.desc() == &ETHER);
    first.is_none_or(|ether| ether.get("dst") == Some(Slot::Auto))
}

/// Asks the wire for the hardware addresses that nobody knows yet.
fn resolve_neighbors(network: &mut Network, plan: &Plan) -> Result<Ended, EngineError> {
    let mut arp = Arp::new();
    let asked = plan.asked.iter().filter_map(|dst| plan.routes.get(dst));
    for route in asked.filter(|r| r.takes_frames() && r.reach == Reach::Remote) {
        let known = network.place(plan.place).neighbor(route.iface.index, route.next_hop);
        if let (None, Some(mac), IpAddr::V4(hop), IpAddr::V4(source)) =
            (known, route.iface.mac, route.next_hop, route.source)
        {
            arp.ask(route.iface.index, hop, source, mac)?;
        }
    }
    if arp.is_empty() {
        return Ok(Ended::Done);
    }
    let (neighbors, link) = network.open(plan.place)?;
    let ended = drive(&mut arp, link)?;
    for ((iface, addr), mac) in arp.found {
        neighbors.learn(iface, addr, mac, link.now());
    }
    Ok(ended)
}

/// A packet on its way.
struct Probe {
    /// As sent.
    packet: Packet,
    way: Way,
    /// Anyone may answer: it went to a group.
    to_many: bool,
    /// When it was last sent.
    sent: Option<Time>,
    answers: u32,
}

impl Probe {
    /// All its bytes.
    fn bytes(&self) -> Option<Arc<[u8]>> {
        self.packet.layers().first()?.range().map(|(bytes, ..)| bytes)
    }
}

/// Whether the kernel writes another total length or checksum into an IPv4 packet that it routes itself (raw(7)).
fn kernel_repairs(packet: &[u8]) -> bool {
    let header = packet.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    let Some(header) = packet.get(..header).filter(|h| h.len() >= 20) else { return false };
    usize::from(u16::from_be_bytes([header[2], header[3]])) != packet.len() || checksum(header) != 0
}

/// How a probe leaves.
enum Way {
    /// As it is, by this way.
    Plain(Via),
    /// Behind this Ethernet header.
    Behind(u32, [u8; 14]),
    /// Not at all: nobody knows the next hop's hardware address.
    NoNeighbor(IpAddr),
}

fn build_all(network: &Network, packet: &Packet, plan: &Plan, options: &Options) -> Result<Vec<Probe>, EngineError> {
    let around = network.sending(plan.place, options.iface.as_deref());
    let mut probes = Vec::with_capacity(packet.count() as usize);
    for packet in packet.expand() {
        let dst = destination(&packet);
        if dst.is_some_and(|dst| plan.own.contains(&dst)) {
            continue;
        }
        let route = dst.and_then(|dst| plan.routes.get(&dst));
        let built = packet.build(&around)?;
        let way = match (options.frames, route) {
            (true, _) => {
                let iface = route.map(|r| &r.iface).or(plan.iface.as_ref());
                Way::Plain(Via::Frame(iface.map_or(0, |i| i.index)))
            }
            (false, Some(route)) if route.takes_frames() => ethernet(&around, dst, route),
            (false, route) => {
                let only = options.iface.as_ref().and(route).map(|r| r.iface.index);
                Way::Plain(Via::Ip(only))
            }
        };
        let to_many = route.is_none_or(|r| matches!(r.reach, Reach::Broadcast | Reach::Multicast));
        probes.push(Probe { packet: built.to_packet(), way, to_many, sent: None, answers: 0 });
    }
    Ok(probes)
}

/// The Ethernet header for an IPv4 packet (RFC 894).
fn ethernet(around: &Around<'_>, dst: Option<Ipv4Addr>, route: &Route) -> Way {
    let mac = around.next_hop_mac(dst);
    let mac = mac.or((route.reach == Reach::Broadcast).then_some(crate::base::Mac::BROADCAST));
    let (Some(to), Some(from)) = (mac, route.iface.mac) else { return Way::NoNeighbor(route.next_hop) };
    let mut header = [0; 14];
    header[..6].copy_from_slice(&to.0);
    header[6..12].copy_from_slice(&from.0);
    header[12..].copy_from_slice(&[0x08, 0x00]);
    Way::Behind(route.iface.index, header)
}

/// The job behind `sr` and `send`.
struct Exchange<'a> {
    options: &'a Options,
    probes: Vec<Probe>,
    /// Probes by the key that they share with their answers.
    by_key: BTreeMap<u64, Vec<usize>>,
    /// Whether any probe went to many.
    any_to_many: bool,
    answered: Vec<(usize, Packet)>,
    names: BTreeMap<u32, Arc<str>>,
    wall_zero: i64,
    next: usize,
    next_at: Time,
    began: Option<Time>,
    last_sent: Time,
    last_heard: Time,
    tries: u32,
    open: usize,
    account: Account,
    failed: Option<NetError>,
}

impl<'a> Exchange<'a> {
    fn new(probes: Vec<Probe>, options: &'a Options, wall_zero: i64, names: BTreeMap<u32, Arc<str>>) -> Self {
        let mut by_key: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        if options.answers != Answers::None {
            for (i, probe) in probes.iter().enumerate() {
                by_key.entry(key_of_probe(&probe.packet, !probe.to_many)).or_default().push(i);
            }
        }
        let mut account = Account { iface: names.values().next().cloned().unwrap_or_default(), ..Account::default() };
        for probe in &probes {
            match probe.way {
                Way::NoNeighbor(hop) => {
                    account.silent_neighbors += 1;
                    account.silent_neighbor.get_or_insert(hop);
                }
                Way::Plain(Via::Ip(_)) => account.repaired |= probe.bytes().is_some_and(|b| kernel_repairs(&b)),
                _ => {}
            }
        }
        Self {
            any_to_many: probes.iter().any(|p| p.to_many),
            open: probes.len() - account.silent_neighbors as usize,
            options,
            probes,
            by_key,
            answered: Vec::new(),
            names,
            wall_zero,
            next: 0,
            next_at: Time::ZERO,
            began: None,
            last_sent: Time::ZERO,
            last_heard: Time::ZERO,
            tries: 1,
            account,
            failed: None,
        }
    }

    fn listens(&self) -> bool {
        self.options.answers != Answers::None
    }

    fn send_due(&mut self, now: Time, out: &mut Outbox) {
        while self.next < self.probes.len() && now >= self.next_at && !out.is_full() {
            let token = self.next as u64;
            let probe = &mut self.probes[self.next];
            self.next += 1;
            if probe.answers > 0 {
                continue;
            }
            let Some(bytes) = probe.bytes() else { continue };
            match &probe.way {
                Way::Plain(via) => out.push(*via, token, |buf| buf.extend_from_slice(&bytes)),
                Way::Behind(iface, header) => out.push(Via::Frame(*iface), token, |buf| {
                    buf.extend_from_slice(header);
                    buf.extend_from_slice(&bytes);
                }),
                Way::NoNeighbor(_) => continue,
            }
            probe.sent = Some(now);
            self.last_sent = now;
            self.account.sent += 1;
            self.next_at = now + self.options.inter;
        }
    }

    fn heard(&mut self, frame: &Frame<'_>) {
        if frame.outgoing {
            return;
        }
        let mut reply = dissect(first_of(frame.medium), &frame_bytes(frame));
        if !self.options.frames {
            let Some(at) = reply.layers().iter().position(|l| l.desc().ends.is_some()) else { return };
            reply = reply.from_layer(at);
        }
        let mut candidates = self.by_key.get(&key_of_reply(&reply, true)).cloned().unwrap_or_default();
        if self.any_to_many {
            candidates.extend(self.by_key.get(&key_of_reply(&reply, false)).into_iter().flatten());
        }
        let mut why = None;
        for i in candidates {
            let probe = &self.probes[i];
            if probe.sent.is_none() || (probe.answers > 0 && self.options.answers != Answers::All) {
                continue;
            }
            match answers(&probe.packet, &reply, probe.to_many) {
                Verdict::Answer => return self.answer(i, reply, frame),
                Verdict::Mismatch(reason) => why = Some(reason),
                Verdict::Unrelated => {}
            }
        }
        self.stray(&reply, why);
    }

    fn answer(&mut self, i: usize, reply: Packet, frame: &Frame<'_>) {
        let probe = &mut self.probes[i];
        probe.answers += 1;
        if probe.answers == 1 {
            self.open -= 1;
            self.account.answered += 1;
            self.account.round_trip = probe.sent.map(|sent| frame.at - sent);
        }
        self.last_heard = frame.at;
        let meta = Meta {
            at: frame.at,
            wall: self.wall_zero.saturating_add(frame.at.nanos()),
            iface: self.names.get(&frame.iface).cloned().unwrap_or_else(|| format!("#{}", frame.iface).into()),
            wire_len: frame.wire_len,
            outgoing: false,
            offload: frame.checksum == Checksum::Partial,
            query: Some(probe.packet.clone()),
        };
        self.answered.push((i, reply.with_meta(meta)));
    }

    /// Counts a packet from a target that answers nothing, for the line that says why there was no answer.
    fn stray(&mut self, reply: &Packet, why: Option<String>) {
        let source = reply.layers().iter().find_map(|l| l.get(l.desc().ends?.0));
        let is_target = self.probes.first().is_some_and(|p| {
            let target = p.packet.layers().iter().find_map(|l| l.get(l.desc().ends?.1));
            target.is_some() && target == source
        });
        if is_target {
            self.account.strays += 1;
            if let Some(Slot::Set(Value::Ip4(addr))) = source {
                self.account.stray_source = Some(addr.into());
            }
            self.account.stray_reason = why.or(self.account.stray_reason.take());
        }
    }

    fn outcome(mut self, ended: Ended, dropped: u64) -> Result<Outcome, EngineError> {
        if let Some(error) = self.failed {
            return Err(error.into());
        }
        self.account.packets = self.probes.len() as u64;
        self.account.tries = self.tries;
        self.account.dropped = dropped;
        self.account.ended = Some(ended);
        self.account.waited = self.options.timeout;
        self.account.listened = self.listens();
        self.account.elapsed = self.last_heard.max(self.last_sent) - self.began.unwrap_or_default();
        let wall = |at: Time| self.wall_zero.saturating_add(at.nanos());
        for probe in &mut self.probes {
            if let Some(at) = probe.sent {
                let meta =
                    Meta { at, wall: wall(at), iface: self.account.iface.clone(), outgoing: true, ..Meta::default() };
                probe.packet = probe.packet.clone().with_meta(meta);
            }
        }
        let answered = self.answered.into_iter().map(|(i, reply)| (self.probes[i].packet.clone(), reply)).collect();
        let unanswered = self.probes.into_iter().filter(|p| p.answers == 0).map(|p| p.packet).collect();
        Ok(Outcome { answered, unanswered, account: self.account, ended })
    }
}

impl Job for Exchange<'_> {
    fn step(&mut self, now: Time, out: &mut Outbox) -> Wake {
        self.began.get_or_insert(now);
        if self.failed.is_some() {
            return Wake::Done;
        }
        self.send_due(now, out);
        if self.next < self.probes.len() {
            return Wake::At(self.next_at);
        }
        let is_complete = self.open == 0 && self.options.answers != Answers::All;
        let has_first = self.options.answers == Answers::First && !self.answered.is_empty();
        if (!self.listens() && out.is_empty()) || is_complete || has_first {
            return Wake::Done;
        }
        let deadline = if self.listens() { self.last_sent + self.options.timeout } else { now };
        if now < deadline || !out.is_empty() {
            return Wake::At(deadline);
        }
        if self.tries > self.options.retry {
            return Wake::Done;
        }
        self.tries += 1;
        self.next = 0;
        self.send_due(now, out);
        Wake::At(if self.next < self.probes.len() { self.next_at } else { self.last_sent + self.options.timeout })
    }

    fn event(&mut self, _now: Time, event: &Event<'_>) {
        match event {
            Event::Heard(frame) if self.listens() => self.heard(frame),
            Event::Heard(_) => {}
            Event::Failed { error, .. } => {
                self.failed.get_or_insert_with(|| error.clone());
            }
        }
    }

    fn progress(&self) -> Progress {
        Progress {
            done: self.account.answered,
            total: self.probes.len() as u64,
            elapsed: self.last_heard - self.began.unwrap_or_default(),
        }
    }
}

/// A frame's bytes, with the VLAN tag that the kernel took out put back (IEEE 802.1Q: after the addresses).
pub(super) fn frame_bytes(frame: &Frame<'_>) -> Arc<[u8]> {
    match (frame.vlan, frame.bytes.len() >= 12) {
        (Some(tag), true) => {
            let (addresses, rest) = frame.bytes.split_at(12);
            [addresses, &tag.to_be_bytes(), rest].concat().into()
        }
        _ => frame.bytes.into(),
    }
}
