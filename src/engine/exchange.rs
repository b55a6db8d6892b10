//! Sending packets and pairing them with their answers: `send`, `sr`, `sr1` and their layer-2 kin.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::error::EngineError;
use super::matching::{Verdict, answers, key_of_probe, key_of_reply, quotes_too_little};
use super::network::Network;
use super::plan::{Plan, Probe, Way, build_all, kernel_repairs, resolve_neighbors};
use super::{Ended, Job, Outbox, Progress, Wake, drive};
use crate::base::Time;
use crate::layers::{dissect, first_of};
use crate::net::capture::Record;
use crate::net::{Checksum, Event, Frame, NetError, Via};
use crate::packet::{Meta, Packet, Slot};

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

/// Sends `packets`, and every packet of those that are sets, and collects the answers.
///
/// Ctrl-C ends it early with what has come; see [`Outcome::ended`].
pub fn exchange(network: &mut Network, packets: &[Packet], options: &Options) -> Result<Outcome, EngineError> {
    let count = packets.iter().fold(0, |sum: u64, set| sum.saturating_add(set.count()));
    if count > MOST_PACKETS {
        return Err(EngineError::TooMany(count, MOST_PACKETS));
    }
    let options = &Options { iface: network.iface(options.iface.as_deref()), ..options.clone() };
    let plan = Plan::new(network, packets, count, options)?;
    for dst in &plan.destinations {
        network.check_public(plan.place, dst.addr)?;
    }
    let resolved = resolve_neighbors(network, &plan)?;
    let probes = build_all(network, &plan, options)?;
    let (_, link) = network.open(plan.place)?;
    let mut job = Exchange::new(probes, options, link.about().wall_zero, plan.names());
    let ended = if resolved == Ended::Interrupted { resolved } else { drive(&mut job, link)? };
    let dropped = if options.answers == Answers::None { 0 } else { link.stats().dropped };
    job.outcome(ended, dropped)
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
            if !out.push_by(&probe.way, token, |buf| buf.extend_from_slice(&bytes)) {
                continue;
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
        let mut tagged = Vec::new();
        let bytes: Arc<[u8]> = Record::of_frame(frame, self.wall_zero, None, &mut tagged).bytes.into();
        let mut reply = dissect(first_of(frame.medium, &bytes), &bytes);
        if !self.options.frames {
            let Some(at) = reply.layers().iter().position(|l| l.desc().ends.is_some()) else { return };
            reply = reply.from_layer(at);
        }
        let mut why = None;
        for i in self.candidates(&reply) {
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

    /// The probes that a reply may answer.
    fn candidates(&self, reply: &Packet) -> Vec<usize> {
        if quotes_too_little(reply) {
            return (0..self.probes.len()).collect();
        }
        let mut candidates = self.by_key.get(&key_of_reply(reply, true)).cloned().unwrap_or_default();
        if self.any_to_many {
            candidates.extend(self.by_key.get(&key_of_reply(reply, false)).into_iter().flatten());
        }
        candidates
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
            comment: None,
        };
        self.answered.push((i, reply.with_meta(meta)));
    }

    /// Counts a packet from a target that answers nothing, for the line that says why there was no answer.
    fn stray(&mut self, reply: &Packet, why: Option<String>) {
        let Some(first) = self.probes.first() else { return };
        let source = reply.layers().iter().find_map(|l| l.get(l.desc().ends?.0));
        let target = first.packet.layers().iter().find_map(|l| l.get(l.desc().ends?.1));
        if target.is_some() && target == source {
            let why = why.or_else(|| match answers(&first.packet, reply, first.to_many) {
                Verdict::Mismatch(reason) => Some(reason),
                _ => None,
            });
            self.account.strays += 1;
            if let Some(Slot::Set(value)) = source {
                self.account.stray_source = value.target().map(|target| target.addr);
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
            Event::Heard(_) | Event::Connected { .. } | Event::Refused { .. } => {}
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
