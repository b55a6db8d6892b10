//! The scan job: one kind, many hosts, many ports. It sends, waits, sends again, and reads what comes back.

mod faults;
mod silence;
mod slow;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::hash::Hasher;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use siphasher::sip::SipHasher13;

use super::kinds::{Kind, Probe};
use super::limits::{Limits, limited_as};
use super::matching::{Found, match_answer};
use super::outcome::{MOST_STRAYS, Pace};
use super::payloads::payload;
use super::probe::{Chosen, Numbers, Template};
use super::read::{Verdict, gives_way};
use super::state::Reason;
use super::timing::{Loss, Rtt, Timing, Window};
use super::view::Heard;
use crate::base::ports::Proto;
use crate::base::targets::Target;
use crate::base::{Rng, Time, Walk};
use crate::engine::{Job, Outbox, Progress, Wake, Way, asked_with};
use crate::net::{ConnectError, Dial, Event, Frame, Via};

/// How one kind is sent and waited for.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) chosen: Chosen,
    /// The ports, in the order in which they are reported.
    pub(super) ports: Arc<[u16]>,
    /// Ports likely to answer: they go first, so that a round trip is known soon.
    pub(super) likely: Arc<[u16]>,
    /// How often a silent port is asked again; by default once more than was ever needed.
    pub(super) retry: Option<u32>,
    /// How long to wait for an answer; by default as the round trips say.
    pub(super) timeout: Option<Duration>,
    pub(super) timing: &'static Timing,
    /// Probes a second, at least and at most.
    pub(super) min_rate: Option<f64>,
    pub(super) max_rate: Option<f64>,
    pub(super) host_timeout: Option<Duration>,
    /// What sequence numbers are made with.
    pub(super) key: (u64, u64),
    /// Our ports: a try takes the next, a datagram one of many.
    pub(super) sports: Vec<u16>,
}

impl Setup {
    pub(super) fn kind(&self) -> &'static Kind {
        self.chosen.kind
    }
}

/// A host that is scanned.
pub(super) struct Goal {
    pub(super) target: Target,
    pub(super) way: Way,
    /// It is this machine: what we send is heard as if it came from there.
    pub(super) is_local: bool,
    /// The interface, which is the scope of a link-local address.
    scope: u32,
    /// One for all ports, or one for each (protocol scans).
    pub(super) templates: Vec<Template>,
    pub(super) rtt: Rtt,
    /// The highest try that was ever answered, from 0.
    best: u32,
    /// Ports that are silent so far, and wait for `best` to rise.
    bench: Vec<u32>,
    /// Ports that are neither settled nor on the bench.
    busy: u32,
    /// Ports that are not settled.
    left: u32,
    /// When it is given up.
    until: Option<Time>,
    /// Ports to be asked again.
    again: VecDeque<u32>,
    /// Ports asked at all, in the order of [`Sweep::order`].
    begun: u32,
    /// It stands in [`Sweep::ready`].
    is_ready: bool,
    /// Probes on the way to it, and how many may be.
    on_way: usize,
    window: Window,
    loss: Loss,
    pub(super) limits: Limits,
}

impl Goal {
    pub(super) fn new(
        target: Target,
        way: Way,
        is_local: bool,
        scope: u32,
        templates: Vec<Template>,
        rtt: Rtt,
    ) -> Self {
        Self {
            target,
            way,
            is_local,
            scope,
            templates,
            rtt,
            best: 0,
            bench: Vec::new(),
            busy: 0,
            left: 0,
            until: None,
            again: VecDeque::new(),
            begun: 0,
            is_ready: false,
            on_way: 0,
            window: Window::new(0, Rtt::default()),
            loss: Loss::default(),
            limits: Limits::default(),
        }
    }
}

/// Where a port stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Not asked yet.
    Fresh,
    /// Asked; an answer may come.
    Waiting,
    /// To be asked again.
    Again,
    /// Silent, see [`Goal::bench`].
    Bench,
    /// Decided.
    Settled,
    /// Its host took too long.
    GivenUp,
}

/// One port of one host.
pub(super) struct Unit {
    phase: Phase,
    pub(super) tries: u8,
    /// Probes that never left, in a row.
    fails: u8,
    /// Tries that do not count: our own capture was full when their answers may have come.
    spare: u8,
    /// The number of its first probe.
    serial: u32,
    sent: Time,
    deadline: Time,
    pub(super) verdict: Option<Box<Verdict>>,
    note: Option<Box<str>>,
}

/// The job.
pub(super) struct Sweep {
    pub(super) setup: Setup,
    pub(super) goals: Vec<Goal>,
    pub(super) units: Vec<Unit>,
    by_addr: BTreeMap<IpAddr, usize>,
    /// The place of each port in the list, plus one.
    places: Vec<u32>,
    /// Places of the likely ports, as they are asked and in rising order.
    likely: (Vec<u32>, Vec<u32>),
    /// What the order of the hosts and of their other ports is made with.
    order: u64,
    /// Hosts with a port to ask and room on the way, in turns.
    ready: VecDeque<usize>,
    /// Hosts whose bench may be cleared.
    idle: Vec<usize>,
    /// Hosts that are scanned slowly.
    slow: BTreeSet<usize>,
    waiting: BTreeSet<(Time, u32)>,
    window: Window,
    group: Rtt,
    began: Option<Time>,
    next_at: Time,
    /// It returns to whoever drives it at this time, or when there is something to tell.
    pub(super) pause_at: Time,
    /// Units settled, and hosts finished or given up, since they were last asked for.
    news: Vec<u32>,
    finished: Vec<usize>,
    pub(super) sent: u64,
    settled: u64,
    given_up: u64,
    pub(super) open: u64,
    pub(super) strays: Vec<String>,
    pub(super) stray_count: u64,
    outage: faults::Outage,
    /// Until when it is known what our own capture lost, and how much.
    checked_at: Time,
    dropped: Option<u64>,
    scratch: Vec<u8>,
}

impl Sweep {
    pub(super) fn new(setup: Setup, goals: Vec<Goal>, group: Rtt, mut rng: Rng) -> Self {
        let mut places = vec![0; 1 << 16];
        for (place, port) in setup.ports.iter().enumerate() {
            places[usize::from(*port)] = place as u32 + 1;
        }
        let mut sweep = Self {
            by_addr: goals.iter().enumerate().map(|(i, goal)| (goal.target.addr, i)).collect(),
            window: Window::new(setup.timing.window, group),
            likely: <_>::default(),
            order: rng.next_u64(),
            units: Vec::new(),
            places,
            ready: VecDeque::new(),
            idle: Vec::new(),
            slow: BTreeSet::new(),
            waiting: BTreeSet::new(),
            group,
            began: None,
            next_at: Time::ZERO,
            pause_at: Time::NEVER,
            news: Vec::new(),
            finished: Vec::new(),
            sent: 0,
            settled: 0,
            given_up: 0,
            checked_at: Time::ZERO,
            dropped: None,
            open: 0,
            strays: Vec::new(),
            stray_count: 0,
            outage: faults::Outage::default(),
            scratch: Vec::new(),
            setup,
            goals,
        };
        sweep.arrange();
        sweep
    }

    /// A unit for each port of each host.
    fn arrange(&mut self) {
        let ports = self.setup.ports.len();
        self.likely.0 = self.setup.likely.iter().filter_map(|port| self.place(*port)).collect();
        self.likely.1.clone_from(&self.likely.0);
        self.likely.1.sort_unstable();
        for goal in &mut self.goals {
            (goal.busy, goal.left) = (ports as u32, ports as u32);
            goal.window = Window::new(self.setup.timing.window, goal.rtt);
        }
        let fresh = || Unit {
            phase: Phase::Fresh,
            tries: 0,
            fails: 0,
            spare: 0,
            serial: 0,
            sent: Time::ZERO,
            deadline: Time::ZERO,
            verdict: None,
            note: None,
        };
        self.units = std::iter::repeat_with(fresh).take(ports * self.goals.len()).collect();
        let hosts = self.goals.len() as u64;
        let walk = Walk::new(hosts.max(1), self.order);
        (0..hosts).for_each(|turn| self.make_ready(walk.at(turn) as usize));
    }

    /// A host takes its turn if it has a port to ask, and room on the way. A rate asked for needs no room.
    fn make_ready(&mut self, at: usize) {
        let goal = &mut self.goals[at];
        let has_work = !goal.again.is_empty() || (goal.begun as usize) < self.setup.ports.len();
        let has_room = self.setup.min_rate.is_some() || goal.window.has_room(goal.on_way);
        if has_work && has_room && !goal.is_ready && goal.limits.slow.is_none() {
            goal.is_ready = true;
            self.ready.push_back(at);
        }
    }

    /// Whether a unit is one of the ports that are asked first.
    fn is_likely(&self, unit: u32) -> bool {
        let (_, place) = self.of_unit(unit);
        self.likely.1.binary_search(&(place as u32)).is_ok()
    }

    /// A probe is no longer on the way.
    fn arrive(&mut self, unit: u32) {
        let (at, _) = self.of_unit(unit);
        if self.waiting.remove(&(self.units[unit as usize].deadline, unit)) {
            self.goals[at].on_way -= 1;
        }
    }

    /// Leaves out a port of a host: it gets no probe, no row, and is not unfinished. Before the first step only.
    pub(super) fn leave_out(&mut self, goal: usize, port: u16) {
        let Some(place) = self.place(port) else { return };
        let unit = self.unit(goal, place) as usize;
        if self.units[unit].phase == Phase::Fresh {
            self.units[unit].phase = Phase::Settled;
            self.settled += 1;
            let it = &mut self.goals[goal];
            (it.busy, it.left) = (it.busy - 1, it.left - 1);
            self.finished.extend((it.left == 0).then_some(goal));
        }
    }

    /// The place of the port that a host is asked as its `turn`th, from 0: the likely ones first, and the others in a
    /// random order, another for each host.
    fn place_in_order(&self, goal: usize, turn: u64) -> u32 {
        match self.likely.0.get(turn as usize) {
            Some(place) => *place,
            None => self.unlikely(turn - self.likely.0.len() as u64, self.order ^ (goal as u64 + 1)),
        }
    }

    /// The place of the port that stands at `at` among the ports that are not likely, in the order of this key.
    fn unlikely(&self, at: u64, key: u64) -> u32 {
        let count = self.setup.ports.len() - self.likely.0.len();
        let mut place = Walk::new(count as u64, key).at(at) as u32;
        // The likely ones are few: each that stands before it moves it on.
        for likely in &self.likely.1 {
            place += u32::from(*likely <= place);
        }
        place
    }

    /// Where a port stands in the list.
    pub(super) fn place(&self, port: u16) -> Option<u32> {
        self.places[usize::from(port)].checked_sub(1)
    }

    /// The unit of a host's port.
    pub(super) fn unit(&self, goal: usize, place: u32) -> u32 {
        (goal * self.setup.ports.len()) as u32 + place
    }

    /// The host and the place of a unit.
    pub(super) fn of_unit(&self, unit: u32) -> (usize, usize) {
        let ports = self.setup.ports.len().max(1);
        (unit as usize / ports, unit as usize % ports)
    }

    /// The host with this address.
    pub(super) fn goal_at(&self, addr: IpAddr) -> Option<usize> {
        self.by_addr.get(&addr).copied()
    }

    /// Our port for a try: another for each, where the user has not set it.
    pub(super) fn sport(&self, unit: u32, attempt: u8) -> u16 {
        let (goal, place) = self.of_unit(unit);
        if let Some(own) = self.template(goal, place).and_then(Template::own_port) {
            return own;
        }
        let count = self.setup.sports.len().max(1);
        let spread = if self.setup.kind().proto == Proto::Udp { place } else { 0 };
        self.setup.sports.get((spread + usize::from(attempt) * 17) % count).copied().unwrap_or(0)
    }

    pub(super) fn template(&self, goal: usize, place: usize) -> Option<&Template> {
        let templates = &self.goals[goal].templates;
        templates.get(place).or(templates.first())
    }

    /// The numbers of a probe. The sequence number is a secret function of where it goes, so that only who has seen
    /// the probe can answer it. Where our port stays the same, it does too: the far side knows a SYN that is sent again.
    pub(super) fn numbers(&self, unit: u32, attempt: u8) -> Numbers {
        let (goal, place) = self.of_unit(unit);
        let port = self.setup.ports[place];
        let sport = self.sport(unit, attempt);
        let mut hasher = SipHasher13::new_with_keys(self.setup.key.0, self.setup.key.1);
        match self.goals[goal].target.addr {
            IpAddr::V4(addr) => hasher.write(&addr.octets()),
            IpAddr::V6(addr) => hasher.write(&addr.octets()),
        }
        hasher.write_u16(port);
        hasher.write_u16(sport);
        let hash = hasher.finish();
        let is_protocol = self.setup.kind().probe == Probe::Protocol;
        Numbers {
            sport,
            dport: (!is_protocol).then_some(port),
            number: (hash as u32).max(1),
            id: ((hash >> 32) as u16).wrapping_add(attempt.into()).max(1),
        }
    }

    /// The bytes of a probe.
    pub(super) fn write(&self, unit: u32, attempt: u8, out: &mut Vec<u8>) {
        let (goal, place) = self.of_unit(unit);
        let Some(template) = self.template(goal, place) else { return };
        let numbers = self.numbers(unit, attempt);
        let is_udp = self.setup.kind().probe == Probe::Udp && !template.has_payload;
        let mut rng = Rng::new(u64::from(numbers.number));
        let payload = if is_udp { payload(self.setup.ports[place], &mut rng) } else { Vec::new() };
        template.write(&numbers, &payload, out);
    }

    /// How far it is.
    pub(super) fn pace(&self) -> Pace {
        Pace { done: self.settled, total: self.units.len() as u64, sent: self.sent, open: self.open, ..Pace::default() }
    }

    /// Units settled since the last call, in order.
    pub(super) fn take_news(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.news)
    }

    /// Hosts of which all ports were settled or given up since the last call, in the order of the targets.
    pub(super) fn take_finished(&mut self) -> Vec<usize> {
        self.finished.sort_unstable();
        std::mem::take(&mut self.finished)
    }

    /// Whether nothing is left to do.
    pub(super) fn is_over(&self) -> bool {
        self.settled + self.given_up == self.units.len() as u64
    }

    /// Ports of a host that are not settled.
    pub(super) fn unfinished(&self, goal: usize) -> Vec<u16> {
        let start = self.unit(goal, 0) as usize;
        let units = &self.units[start..start + self.setup.ports.len()];
        units.iter().zip(&*self.setup.ports).filter(|(unit, _)| unit.phase != Phase::Settled).map(|(_, p)| *p).collect()
    }

    /// What is limited of a host's answers, in words; empty when nothing is.
    pub(super) fn limit(&self, goal: usize) -> &'static str {
        self.goals[goal].limits.said.unwrap_or_default()
    }

    fn decide(&mut self, unit: u32, verdict: Verdict) {
        self.units[unit as usize].verdict = Some(Box::new(verdict));
        self.settle(unit);
    }

    /// It is decided for good: silent, or what was heard.
    fn settle(&mut self, unit: u32) {
        let (at, _) = self.of_unit(unit);
        let kind = self.setup.kind();
        if matches!(self.units[unit as usize].phase, Phase::Settled | Phase::GivenUp) {
            return;
        }
        self.arrive(unit);
        let unsure = self.unsure(unit);
        let it = &mut self.units[unit as usize];
        let was = std::mem::replace(&mut it.phase, Phase::Settled);
        let note = it.note.take().or(unsure);
        let verdict = it.verdict.get_or_insert_with(|| Box::new(Verdict::silent(kind.silence, Reason::NoResponse)));
        if verdict.note.is_empty()
            && let Some(note) = note
        {
            verdict.note = note.into();
        }
        self.open += u64::from(verdict.state == super::State::Open);
        self.settled += 1;
        let is_limited = limited_as(verdict.reason).is_some();
        self.news.push(unit);
        let goal = &mut self.goals[at];
        goal.left -= 1;
        self.finished.extend((goal.left == 0).then_some(at));
        if was != Phase::Bench {
            goal.busy -= 1;
            self.idle.extend((goal.busy == 0).then_some(at));
        }
        if let Some(slow) = &mut goal.limits.slow {
            slow.heard(unit, is_limited);
        }
        self.make_ready(at);
    }

    /// An answer to a unit; `attempt` where it is known which try it answers.
    fn answered(&mut self, unit: u32, attempt: Option<u8>, mut verdict: Verdict, at: Time) {
        let (goal, _) = self.of_unit(unit);
        let it = &mut self.units[unit as usize];
        if matches!(it.phase, Phase::Fresh | Phase::Settled | Phase::GivenUp) {
            return;
        }
        let last = it.tries.saturating_sub(1);
        let is_last = attempt.map_or(last == 0, |attempt| attempt == last);
        if is_last {
            let rtt = at - it.sent;
            verdict.rtt = Some(rtt);
            self.goals[goal].rtt.sample(rtt);
            self.group.sample(rtt);
        }
        let it = &mut self.units[unit as usize];
        let is_first = it.verdict.is_none();
        match &mut it.verdict {
            None => it.verdict = Some(Box::new(verdict)),
            Some(first) if gives_way(self.setup.chosen.kind, first.state, verdict.state) => **first = verdict,
            Some(_) => {}
        }
        let needed = u32::from(attempt.unwrap_or(last));
        self.outage = faults::Outage::default();
        self.count_answer(unit, needed, is_first, at);
        // An answer to an earlier try: that to the last one may still come, and say something else.
        let it = &self.units[unit as usize];
        if is_last || it.phase != Phase::Waiting || !is_first {
            self.settle(unit);
        }
    }

    /// Remembers why something that was heard is not believed.
    fn disbelieve(&mut self, unit: u32, why: String) {
        self.units[unit as usize].note.get_or_insert_with(|| why.into());
    }

    fn heard(&mut self, frame: &Frame<'_>) {
        if frame.outgoing {
            return;
        }
        let Some(heard) = Heard::of_frame(frame) else { return };
        match match_answer(self, &heard) {
            Found::Nothing => {}
            Found::Stray(why) => {
                self.stray_count += 1;
                if self.strays.len() < MOST_STRAYS {
                    self.strays.push(why);
                }
            }
            Found::NotBelieved(unit, why) => self.disbelieve(unit, why),
            Found::Answers(answers) => {
                for answer in answers {
                    if !self.is_own(answer.unit, answer.attempt, &heard) {
                        self.answered(answer.unit, answer.attempt, answer.verdict, frame.at);
                    }
                }
            }
        }
    }

    /// On this machine's own addresses our probes are heard, too.
    fn is_own(&mut self, unit: u32, attempt: Option<u8>, heard: &Heard<'_>) -> bool {
        let (goal, _) = self.of_unit(unit);
        if !self.goals[goal].is_local {
            return false;
        }
        let tries = self.units[unit as usize].tries;
        let mut scratch = std::mem::take(&mut self.scratch);
        let is_own = attempt.map_or(0..tries, |attempt| attempt..attempt + 1).any(|attempt| {
            scratch.clear();
            self.write(unit, attempt, &mut scratch);
            scratch.ends_with(heard.body) && !heard.body.is_empty() || scratch == heard.packet
        });
        self.scratch = scratch;
        is_own
    }

    /// Sends one unit's next try.
    fn send(&mut self, unit: u32, now: Time, out: &mut Outbox) {
        let (at, place) = self.of_unit(unit);
        let attempt = self.units[unit as usize].tries;
        let wait = self.setup.timeout.unwrap_or_else(|| self.goals[at].rtt.timeout(self.group, self.setup.timing));
        let deadline = now + wait;
        let token = u64::from(unit) << 8 | u64::from(attempt);
        if self.setup.kind().probe == Probe::Connect {
            let goal = &self.goals[at];
            let dial = Dial::new(goal.target.addr, self.setup.ports[place], goal.scope, deadline);
            out.push(Via::Connect(dial), token, |_| ());
        } else {
            out.push_by(&self.goals[at].way, token, |buf| self.write(unit, attempt, buf));
        }
        let it = &mut self.units[unit as usize];
        it.tries = it.tries.saturating_add(1);
        it.phase = Phase::Waiting;
        it.sent = now;
        it.deadline = deadline;
        self.waiting.insert((deadline, unit));
        self.goals[at].on_way += 1;
        self.sent += 1;
        if attempt == 0 {
            self.units[unit as usize].serial = self.sent as u32;
        }
        let gap = self.setup.max_rate.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate));
        self.next_at = self.next_at.max(now) + gap.max(self.setup.timing.delay);
    }

    /// The next unit to ask, of the host whose turn it is.
    fn next(&mut self, now: Time) -> Option<u32> {
        while let Some(at) = self.ready.pop_front() {
            self.goals[at].is_ready = false;
            if let Some(unit) = self.next_of(at).filter(|unit| self.is_wanted(*unit, now)) {
                return Some(unit);
            }
        }
        None
    }

    /// The next unit of a host: one to be asked again, or a fresh one.
    fn next_of(&mut self, at: usize) -> Option<u32> {
        if self.goals[at].limits.slow.is_some() {
            return None;
        }
        while let Some(unit) = self.goals[at].again.pop_front() {
            if self.units[unit as usize].phase == Phase::Again {
                return Some(unit);
            }
        }
        while (self.goals[at].begun as usize) < self.setup.ports.len() {
            let unit = self.unit(at, self.place_in_order(at, self.goals[at].begun.into()));
            self.goals[at].begun += 1;
            if self.units[unit as usize].phase != Phase::Fresh {
                continue;
            }
            if let Way::NoNeighbor(hop) = self.goals[at].way {
                let mut verdict = Verdict::silent(super::State::Filtered, Reason::HostUnreach);
                verdict.note = format!("not sent: {hop} does not answer {}", asked_with(hop));
                self.decide(unit, verdict);
            } else {
                return Some(unit);
            }
        }
        None
    }

    /// Whether the host of a unit still has time; it begins with its first probe.
    fn is_wanted(&mut self, unit: u32, now: Time) -> bool {
        let (at, _) = self.of_unit(unit);
        let limit = self.setup.host_timeout.or(self.setup.timing.host);
        let until = *self.goals[at].until.get_or_insert_with(|| limit.map_or(Time::NEVER, |limit| now + limit));
        if now >= until {
            self.give_up(at);
        }
        now < until
    }

    /// A host took too long: what it has is kept.
    fn give_up(&mut self, at: usize) {
        for place in 0..self.setup.ports.len() as u32 {
            let unit = self.unit(at, place);
            if self.units[unit as usize].phase != Phase::Settled {
                self.arrive(unit);
                self.units[unit as usize].phase = Phase::GivenUp;
            }
        }
        let goal = &mut self.goals[at];
        self.finished.extend((goal.left > 0).then_some(at));
        self.given_up += u64::from(goal.left);
        (goal.busy, goal.left, goal.begun) = (0, 0, self.setup.ports.len() as u32);
        goal.bench.clear();
        goal.again.clear();
        goal.limits.slow = None;
        self.slow.remove(&at);
    }

    fn may_send(&self, now: Time) -> bool {
        let began = self.began.unwrap_or(now);
        let behind = self.setup.min_rate.is_some_and(|rate| (self.sent as f64) < (now - began).as_secs_f64() * rate);
        now >= self.next_at && (behind || self.window.has_room(self.waiting.len()))
    }

    fn connected(&mut self, token: u64, at: Time, result: Result<(), ConnectError>) {
        let (unit, attempt) = ((token >> 8) as u32, token as u8);
        if unit as usize >= self.units.len() {
            return;
        }
        match super::matching::by_connect(result) {
            Some(verdict) => self.answered(unit, Some(attempt), verdict, at),
            None => {
                let what = result.err().map_or_else(String::new, |error| error.to_string());
                self.disbelieve(unit, format!("connect() says nothing of the port: {what}"));
            }
        }
    }
}

impl Job for Sweep {
    fn step(&mut self, now: Time, out: &mut Outbox) -> Wake {
        self.began.get_or_insert(now);
        if now >= self.pause_at || self.outage.is_over_long {
            return Wake::Done;
        }
        while let Some(&(deadline, unit)) = self.waiting.first()
            && deadline <= now
        {
            self.timed_out(unit, now);
        }
        self.end_rounds(now);
        self.clear_bench();
        if !self.news.is_empty() || self.is_over() {
            return Wake::Done;
        }
        while !out.is_full() && self.may_send(now) {
            let Some(unit) = self.next(now) else { break };
            self.send(unit, now, out);
            let (at, _) = self.of_unit(unit);
            self.make_ready(at);
        }
        self.send_slow(now, out);
        if !self.news.is_empty() && out.is_empty() {
            return Wake::Done;
        }
        let next = self.waiting.first().map_or(self.pause_at, |(deadline, _)| *deadline);
        let is_held = !self.ready.is_empty() && (out.is_full() || now < self.next_at);
        let send_at = if is_held { self.next_at } else { Time::NEVER };
        Wake::At(next.min(send_at).min(self.slow_wake()).min(self.pause_at))
    }

    fn event(&mut self, now: Time, event: &Event<'_>) {
        match event {
            Event::Heard(frame) => self.heard(frame),
            Event::Connected { token, at } => self.connected(*token, *at, Ok(())),
            Event::Refused { token, at, why } => self.connected(*token, *at, Err(*why)),
            Event::Failed { token, error } => self.failed(*token, error, now),
        }
    }

    fn progress(&self) -> Progress {
        Progress { done: self.settled, total: self.units.len() as u64, elapsed: Duration::ZERO }
    }
}
