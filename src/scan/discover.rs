//! Who is there? Hosts beyond the link are asked with several kinds of packet; the first answer of their own says "up".

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::kinds::{PINGS, Ping};
use super::outcome::{Pace, Presence};
use super::probe::{Numbers, Template, layer};
use super::read::error_reason;
use super::state::Reason;
use super::timing::{Rtt, Timing};
use super::view::{Heard, ICMP, ICMPV6};
use crate::base::Time;
use crate::base::targets::Target;
use crate::engine::{Job, Outbox, Progress, Wake, Way};
use crate::layers::icmp;
use crate::layers::icmpv6::ECHO_REQUEST;
use crate::layers::tcp::{ACK, RST, SYN, TCP};
use crate::net::{ConnectError, Dial, Event, Via};
use crate::packet::{PacketError, Surroundings, Value};

/// What is known of a host's presence.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Known {
    pub(super) presence: Presence,
    pub(super) reason: Reason,
    /// Who said so, where it was not the host.
    pub(super) by: Option<IpAddr>,
    pub(super) ttl: Option<u8>,
    pub(super) rtt: Option<Duration>,
}

impl Known {
    pub(super) fn up(reason: Reason) -> Self {
        Self { presence: Presence::Up, reason, by: None, ttl: None, rtt: None }
    }

    pub(super) fn down(reason: Reason) -> Self {
        Self { presence: Presence::Down, ..Self::up(reason) }
    }
}

/// How a host is asked.
enum Asking {
    /// With packets of our own, each with what it is.
    Packets(Way, Vec<(Ping, Template)>),
    /// With connections that the system makes, to these ports.
    Connections(u32, &'static [u16]),
}

/// The ports that a host is asked at without privilege.
const CONNECT_PORTS: &[u16] = &[80, 443];

/// A host that is asked.
pub(super) struct Door {
    target: Target,
    asking: Asking,
    tries: u32,
    fails: u8,
    sent: Time,
    deadline: Time,
    /// Connections that came to nothing.
    refused: usize,
    pub(super) known: Option<Known>,
    /// What others said against it.
    said: Option<Known>,
}

impl Door {
    fn new(target: Target, asking: Asking) -> Self {
        let (sent, deadline) = (Time::ZERO, Time::ZERO);
        Self { target, asking, tries: 0, fails: 0, sent, deadline, refused: 0, known: None, said: None }
    }

    /// A host that is asked with packets; `number` is that of [`Knock::new`].
    pub(super) fn with_packets(
        target: &Target,
        way: Way,
        number: u32,
        around: &dyn Surroundings,
    ) -> Result<Self, PacketError> {
        let id = || ("id", Value::Int(id_of(number).into()));
        let is_v6 = target.addr.is_ipv6();
        let mut templates = Vec::new();
        for &ping in PINGS {
            let upper = match ping {
                Ping::Echo if is_v6 => layer(&ECHO_REQUEST, &[id()])?,
                Ping::Echo => layer(&icmp::ICMP, &[id()])?,
                Ping::Tcp(port, flags) => {
                    layer(&TCP, &[("dport", Value::Int(port.into())), ("flags", Value::Int(flags))])?
                }
                Ping::Timestamp if is_v6 => continue,
                Ping::Timestamp => layer(&icmp::ICMP, &[("type", Value::Int(13)), id()])?,
            };
            templates.push((ping, Template::plain(&upper, target, around)?));
        }
        Ok(Self::new(target.clone(), Asking::Packets(way, templates)))
    }

    /// A host that is asked with connections; `scope` is the zone of a link-local address.
    pub(super) fn with_connections(target: &Target, scope: u32) -> Self {
        Self::new(target.clone(), Asking::Connections(scope, CONNECT_PORTS))
    }
}

/// The identifier of our echo and timestamp requests: another for each discovery, whose answers may come late.
fn id_of(number: u32) -> u16 {
    ((number >> 16) as u16).max(1)
}

/// Hosts asked at the same time.
const MOST_ASKED: usize = 128;

/// How often a host is asked in all.
const TRIES: u32 = 2;

/// How often a try is made again that did not leave, and after which pause.
const MOST_FAILS: u8 = 8;

/// See [`MOST_FAILS`].
const FAIL_PAUSE: Duration = Duration::from_millis(20);

/// The job.
pub(super) struct Knock {
    pub(super) doors: Vec<Door>,
    by_addr: BTreeMap<IpAddr, usize>,
    waiting: BTreeSet<(Time, usize)>,
    next: usize,
    again: Vec<usize>,
    timing: &'static Timing,
    timeout: Option<Duration>,
    gap: Duration,
    next_at: Time,
    sports: Vec<u16>,
    number: u32,
    pub(super) pause_at: Time,
    news: Vec<usize>,
    pub(super) sent: u64,
    pub(super) group: Rtt,
}

impl Knock {
    /// `sports` are our ports, one for each try; `number` goes into all TCP segments, and ICMP's identifier is made of it.
    pub(super) fn new(
        doors: Vec<Door>,
        timing: &'static Timing,
        timeout: Option<Duration>,
        max_rate: Option<f64>,
        sports: Vec<u16>,
        number: u32,
    ) -> Self {
        Self {
            by_addr: doors.iter().enumerate().map(|(i, door)| (door.target.addr, i)).collect(),
            doors,
            waiting: BTreeSet::new(),
            next: 0,
            again: Vec::new(),
            timing,
            timeout,
            gap: max_rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate)).max(timing.delay),
            next_at: Time::ZERO,
            sports,
            number: number.max(1),
            pause_at: Time::NEVER,
            news: Vec::new(),
            sent: 0,
            group: Rtt::default(),
        }
    }

    pub(super) fn take_news(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.news)
    }

    pub(super) fn is_over(&self) -> bool {
        self.doors.iter().all(|door| door.known.is_some())
    }

    pub(super) fn pace(&self) -> Pace {
        let done = self.doors.iter().filter(|door| door.known.is_some()).count() as u64;
        Pace { done, total: self.doors.len() as u64, sent: self.sent, ..Pace::default() }
    }

    fn sport(&self, attempt: u32) -> u16 {
        self.sports.get(attempt as usize).or(self.sports.last()).copied().unwrap_or(0)
    }

    fn decide(&mut self, at: usize, known: Known) {
        let door = &mut self.doors[at];
        if door.known.is_none() {
            self.waiting.remove(&(door.deadline, at));
            door.known = Some(known);
            self.news.push(at);
        }
    }

    fn up(&mut self, at: usize, reason: Reason, ttl: Option<u8>, attempt: Option<u32>, when: Time) {
        let door = &self.doors[at];
        // Which try an ICMP answer belongs to, only the first shows.
        let is_last = attempt.unwrap_or(0) + 1 == door.tries;
        let rtt = (is_last && door.tries > 0).then(|| when - door.sent);
        if let Some(rtt) = rtt {
            self.group.sample(rtt);
        }
        self.decide(at, Known { ttl, rtt, ..Known::up(reason) });
    }

    fn timed_out(&mut self, at: usize) {
        let door = &mut self.doors[at];
        if door.tries < TRIES {
            self.again.push(at);
            return;
        }
        let known = door.said.take().unwrap_or_else(|| Known::down(Reason::NoResponse));
        self.decide(at, known);
    }

    fn send(&mut self, at: usize, now: Time, out: &mut Outbox) {
        let deadline = now + self.timeout.unwrap_or_else(|| Rtt::default().timeout(self.group, self.timing));
        let attempt = self.doors[at].tries;
        let (sport, number) = (self.sport(attempt), self.number);
        let door = &self.doors[at];
        match &door.asking {
            Asking::Packets(way, templates) => {
                for (i, (_, template)) in templates.iter().enumerate() {
                    let id = (number as u16).wrapping_add((attempt * 4) as u16 + i as u16).max(1);
                    let numbers = Numbers { sport, dport: None, number, id };
                    out.push_by(way, at as u64, |buf| template.write(&numbers, &[], buf));
                    self.sent += 1;
                }
            }
            Asking::Connections(scope, ports) => {
                for &port in *ports {
                    let token = (at as u64) << 16 | u64::from(port);
                    let dial = Dial::new(door.target.addr, port, *scope, deadline);
                    out.push(Via::Connect(dial), token, |_| ());
                    self.sent += 1;
                }
            }
        }
        let door = &mut self.doors[at];
        (door.tries, door.sent, door.deadline) = (attempt + 1, now, deadline);
        self.waiting.insert((deadline, at));
        self.next_at = self.next_at.max(now) + self.gap;
    }

    fn heard(&mut self, heard: &Heard<'_>, when: Time) {
        if let Some(quoted) = heard.quoted() {
            if let Some(&at) = self.by_addr.get(&quoted.to)
                && self.is_ours(at, &quoted)
            {
                self.error(at, heard, when);
            }
            return;
        }
        let Some(&at) = self.by_addr.get(&heard.from) else { return };
        if self.doors[at].tries == 0 {
            return;
        }
        match (heard.icmp(), heard.tcp(), heard.ports()) {
            (Some((kind, _)), ..) if heard.icmp_id() == Some(id_of(self.number)) => {
                let reason = match (heard.proto, kind) {
                    (ICMP, 0) | (ICMPV6, 129) => Reason::EchoReply,
                    (ICMP, 14) => Reason::TimestampReply,
                    _ => return,
                };
                self.up(at, reason, Some(heard.ttl), None, when);
            }
            (_, Some(segment), Some((_, ours))) => {
                let Some(attempt) = (0..self.doors[at].tries).find(|&t| self.sport(t) == ours) else { return };
                // It must take up our number: as what it acknowledges, or as its own (a reset to an ACK).
                let refers = segment.ack.wrapping_sub(self.number) <= 1 || segment.seq == self.number;
                let reason = match segment.flags & (SYN | ACK | RST) {
                    f if f & RST != 0 => Reason::Reset,
                    f if f == SYN | ACK => Reason::SynAck,
                    _ => return,
                };
                if refers {
                    self.up(at, reason, Some(heard.ttl), Some(attempt), when);
                }
            }
            _ => {}
        }
    }

    /// Whether an error quotes a probe of this discovery, and not one of an earlier one.
    fn is_ours(&self, at: usize, quoted: &Heard<'_>) -> bool {
        let tries = self.doors[at].tries;
        match quoted.ports() {
            Some((ours, _)) => (0..tries).any(|t| self.sport(t) == ours) && quoted.number() == Some(self.number),
            None => tries > 0 && quoted.icmp_id() == Some(id_of(self.number)),
        }
    }

    /// An ICMP error that quotes a probe: from the host itself it shows that it is there.
    fn error(&mut self, at: usize, heard: &Heard<'_>, when: Time) {
        let Some(reason) = error_reason(heard) else { return };
        let is_own = heard.from == self.doors[at].target.addr;
        match reason {
            Reason::ProtoUnreach | Reason::PortUnreach if is_own => self.up(at, reason, Some(heard.ttl), None, when),
            _ => {
                let by = (!is_own).then_some(heard.from);
                let known = Known { by, ttl: Some(heard.ttl), ..Known::down(reason) };
                self.doors[at].said.get_or_insert(known);
            }
        }
    }

    /// A packet did not leave, for a full queue or a firewall of our own: its try is made again a little later.
    fn failed(&mut self, token: u64, now: Time) {
        let is_dialed = self.doors.first().is_some_and(|door| matches!(door.asking, Asking::Connections(..)));
        let at = if is_dialed { token >> 16 } else { token } as usize;
        let Some(door) = self.doors.get_mut(at) else { return };
        // The others of this try come to nothing, too, and are made again with it.
        if door.fails < MOST_FAILS && self.waiting.remove(&(door.deadline, at)) {
            door.fails += 1;
            door.tries -= 1;
            self.next_at = self.next_at.max(now + FAIL_PAUSE);
            self.again.push(at);
        }
    }

    fn connected(&mut self, token: u64, when: Time, result: Result<(), ConnectError>) {
        let at = (token >> 16) as usize;
        if at >= self.doors.len() || self.doors[at].known.is_some() {
            return;
        }
        match result {
            Ok(()) => self.up(at, Reason::SynAck, None, None, when),
            Err(ConnectError::Refused) => self.up(at, Reason::ConnRefused, None, None, when),
            Err(why) => {
                let reason = match why {
                    ConnectError::HostUnreachable | ConnectError::HostDown => Reason::HostUnreach,
                    ConnectError::NetUnreachable => Reason::NetUnreach,
                    _ => Reason::NoResponse,
                };
                let door = &mut self.doors[at];
                door.refused += 1;
                door.said.get_or_insert(Known::down(reason));
                if door.refused == CONNECT_PORTS.len() {
                    self.decide(at, Known::down(reason));
                }
            }
        }
    }
}

impl Job for Knock {
    fn step(&mut self, now: Time, out: &mut Outbox) -> Wake {
        while let Some(&(deadline, at)) = self.waiting.first()
            && deadline <= now
        {
            self.waiting.pop_first();
            self.timed_out(at);
        }
        if !self.news.is_empty() || now >= self.pause_at || self.is_over() {
            return Wake::Done;
        }
        while !out.is_full() && now >= self.next_at && self.waiting.len() < MOST_ASKED {
            let Some(at) = self.again.pop().or_else(|| (self.next < self.doors.len()).then_some(self.next)) else {
                break;
            };
            self.next = self.next.max(at + 1);
            if self.doors[at].known.is_none() {
                self.send(at, now, out);
            }
        }
        let has_more = !self.again.is_empty() || self.next < self.doors.len();
        let next = self.waiting.first().map_or(self.pause_at, |(deadline, _)| *deadline);
        let send_at = if has_more && (out.is_full() || now < self.next_at) { self.next_at } else { Time::NEVER };
        Wake::At(next.min(send_at).min(self.pause_at))
    }

    fn event(&mut self, now: Time, event: &Event<'_>) {
        match event {
            Event::Heard(frame) if !frame.outgoing => {
                if let Some(heard) = Heard::of_frame(frame) {
                    self.heard(&heard, now);
                }
            }
            Event::Connected { token, at } => self.connected(*token, *at, Ok(())),
            Event::Refused { token, at, why } => self.connected(*token, *at, Err(*why)),
            Event::Failed { token, .. } => self.failed(*token, now),
            Event::Heard(_) => {}
        }
    }

    fn progress(&self) -> Progress {
        let pace = self.pace();
        Progress { done: pace.done, total: pace.total, elapsed: Duration::ZERO }
    }
}
