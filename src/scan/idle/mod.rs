//! The idle scan: SYNs in a zombie's name, and the zombie's IP identifications before and after.
//!
//! A port that is open answers the zombie, which knows of nothing and resets: its counter moves by one more than our
//! question makes it. All else (closed, filtered) leaves it where it was. One measurement is: send what is forged, wait,
//! ask the zombie for its number with a SYN/ACK. The class of the zombie, the check that forgeries arrive, and the
//! counting of ports are all made of it.

mod class;
mod groups;
mod judge;
mod parts;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use class::Class;
use groups::Groups;
use parts::{Forged, Measure, Question};
pub(super) use parts::{Goal, Zombie};

use super::outcome::Pace;
use super::probe::Numbers;
use super::read::{Verdict, error_reason};
use super::state::{Reason, State};
use super::timing::{Rtt, Timing};
use super::view::Heard;
use crate::base::{Rng, Time};
use crate::engine::{Job, Outbox, Progress, Wake, Way, asked_with};
use crate::layers::tcp::RST;
use crate::net::{Event, Frame};

/// Steps of the counter that say what class it is.
const TEST_STEPS: usize = 5;
/// Between two questions of that test.
const TEST_GAP: Duration = Duration::from_millis(30);
/// Questions of that test at most: those whose answers are lost say nothing.
const MOST_TESTS: u32 = 40;
/// SYN/ACKs in the target's name that check whether forgeries arrive, and the time between two.
const FORGERIES: u32 = 4;
/// See [`FORGERIES`].
const FORGERY_GAP: Duration = Duration::from_millis(50);
/// The wait for what they make.
const FORGERY_WAIT: Duration = Duration::from_millis(300);
/// How often that check is made at most.
const MOST_CHECKS: u32 = 3;
/// How often a measurement is made again because a question was lost.
const MOST_UNSURE: u32 = 40;
/// How often the zombie is asked until it is given up.
const MOST_ASKED: usize = 5;
/// The least wait for what a group of SYNs makes, of a second look at a silent one, and the most that either grows to.
const WAIT: Duration = Duration::from_millis(50);
/// See [`WAIT`].
const LONG_WAIT: Duration = Duration::from_millis(250);
/// See [`WAIT`].
const MOST_WAIT: Duration = Duration::from_secs(2);

/// How the scan is made.
pub(super) struct Setup {
    pub(super) ports: Arc<[u16]>,
    /// How often a silent port is asked again; by default once, and more where losses show.
    pub(super) retry: Option<u32>,
    /// How long to wait for the zombie; by default as its round trips say.
    pub(super) timeout: Option<Duration>,
    pub(super) timing: &'static Timing,
    /// Packets a second at most.
    pub(super) max_rate: Option<f64>,
    pub(super) host_timeout: Option<Duration>,
    /// Our ports, from which the zombie is asked.
    pub(super) sports: Vec<u16>,
}

/// Where a measurement stands.
enum Doing {
    /// Nothing until then.
    Resting(Time),
    /// It sends; so many are sent, resets first.
    Forging(Measure, usize),
    /// It waits for what they make, until then.
    Waiting(Measure, Time),
    /// The zombie is asked, and waited for until then.
    Asking(Measure, Vec<Question>, Time),
    /// Nothing is left, or the zombie is refused.
    Over,
}

/// What the measurements are for.
enum Course {
    /// The zombie's class: its numbers so far, in pairs, and the questions.
    Test(Vec<(u16, u16)>, u32),
    /// Whether forgeries in the name of the next target arrive.
    Check(Check),
    /// The ports of a target.
    Count(Box<Groups>),
}

/// A check in the name of one target.
#[derive(Default)]
struct Check {
    /// How often it was made.
    made: u32,
    /// What the last one counted, until it is known what the zombie does by itself.
    counted: Option<u32>,
    /// Measurements that said nothing.
    unsure: u32,
}

/// A port that is decided: the target's number, the port, what is known, and the SYNs sent to it.
pub(super) struct Settled {
    pub(super) goal: usize,
    pub(super) port: u16,
    pub(super) verdict: Verdict,
    pub(super) tries: u32,
}

/// The job.
pub(super) struct Idle {
    setup: Setup,
    zombie: Zombie,
    pub(super) goals: Vec<Goal>,
    /// The target that is scanned.
    at: usize,
    /// When it is given up.
    until: Option<Time>,
    course: Course,
    doing: Doing,
    class: Option<&'static Class>,
    /// The zombie's last number.
    last: Option<u16>,
    rtt: Rtt,
    /// The least wait for what SYNs make.
    wait: Duration,
    /// SYNs of the last measurement: ports and numbers.
    syns: Vec<(u16, u32)>,
    /// The most questions that got no answer before one did.
    lost: usize,
    /// The last reset of the zombie: its TTL, and its first bytes.
    reset: (Option<u8>, Vec<u8>),
    /// What was said instead of a reset.
    said: Option<Reason>,
    next_at: Time,
    /// It returns to whoever drives it at this time, or when there is something to tell.
    pub(super) pause_at: Time,
    news: Vec<Settled>,
    refused: Option<String>,
    pub(super) sent: u64,
    done: u64,
    pub(super) open: u64,
    asked: usize,
    rng: Rng,
}

impl Idle {
    pub(super) fn new(setup: Setup, zombie: Zombie, goals: Vec<Goal>, rng: Rng) -> Self {
        Self {
            doing: if goals.is_empty() { Doing::Over } else { Doing::Resting(Time::ZERO) },
            setup,
            zombie,
            goals,
            at: 0,
            until: None,
            course: Course::Test(Vec::new(), 0),
            class: None,
            last: None,
            rtt: Rtt::default(),
            wait: WAIT,
            syns: Vec::new(),
            lost: 0,
            reset: (None, Vec::new()),
            said: None,
            next_at: Time::ZERO,
            pause_at: Time::NEVER,
            news: Vec::new(),
            refused: None,
            sent: 0,
            done: 0,
            open: 0,
            asked: 0,
            rng,
        }
    }

    /// Why the zombie is of no use, if it is not: what was measured, in words.
    pub(super) fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    pub(super) fn take_news(&mut self) -> Vec<Settled> {
        std::mem::take(&mut self.news)
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.doing, Doing::Over)
    }

    /// Whether a target will get no more rows.
    pub(super) fn is_finished(&self, goal: usize) -> bool {
        let it = &self.goals[goal];
        it.is_given_up || it.decided.len() == self.setup.ports.len()
    }

    /// Leaves out a port of a target: it is not asked, and gets no row. Before the first step only.
    pub(super) fn leave_out(&mut self, goal: usize, port: u16) {
        if self.goals[goal].decided.insert(port) {
            self.done += 1;
        }
    }

    /// Ports of a target that are not decided.
    pub(super) fn unfinished(&self, goal: usize) -> Vec<u16> {
        let decided = &self.goals[goal].decided;
        self.setup.ports.iter().copied().filter(|port| !decided.contains(port)).collect()
    }

    pub(super) fn pace(&self) -> Pace {
        let total = (self.goals.len() * self.setup.ports.len()) as u64;
        Pace { done: self.done, total, sent: self.sent, open: self.open, ..Pace::default() }
    }

    fn refuse(&mut self, why: &str) {
        self.refused = Some(format!("the zombie {} {why}", self.zombie.addr));
        self.doing = Doing::Over;
    }

    fn settle(&mut self, port: u16, verdict: Verdict, tries: u32) {
        let goal = self.at;
        if self.goals[goal].decided.insert(port) {
            self.done += 1;
            self.open += u64::from(verdict.state == State::Open);
            self.news.push(Settled { goal, port, verdict, tries });
        }
    }

    /// The next target; those that nothing can be sent to are decided at once.
    fn begin_goal(&mut self, now: Time) {
        loop {
            let Some(goal) = self.goals.get(self.at) else {
                self.doing = Doing::Over;
                return;
            };
            let Way::NoNeighbor(hop) = goal.way else { break };
            for port in Arc::clone(&self.setup.ports).iter() {
                let mut verdict = Verdict::silent(State::Filtered, Reason::HostUnreach);
                verdict.note = format!("not sent: {hop} does not answer {}", asked_with(hop));
                self.settle(*port, verdict, 0);
            }
            self.at += 1;
        }
        let limit = self.setup.host_timeout.or(self.setup.timing.host);
        self.until = limit.map(|limit| now + limit);
        self.syns.clear();
        self.course = Course::Check(Check::default());
    }

    fn end_goal(&mut self, now: Time) {
        self.at += 1;
        self.begin_goal(now);
    }

    /// The next measurement.
    fn begin(&mut self, now: Time) {
        if self.until.is_some_and(|until| now >= until) {
            self.goals[self.at].is_given_up = true;
            self.end_goal(now);
        }
        if self.is_over() {
            return;
        }
        // Without a number to start from, there is nothing to compare with.
        let measure = match (&self.course, self.last) {
            (_, None) => Some(Measure::calm(Duration::ZERO)),
            (Course::Test(..), _) => Some(Measure::calm(TEST_GAP)),
            (Course::Check(Check { counted: None, .. }), _) => {
                let wait = FORGERY_WAIT.max(self.patience());
                Some(Measure { forged: Forged::SynAcks, gap: FORGERY_GAP, ..Measure::calm(wait) })
            }
            (Course::Check(_), _) => Some(Measure::calm(FORGERY_GAP * FORGERIES + FORGERY_WAIT)),
            (Course::Count(_), _) => self.next_group(now),
        };
        if let Some(measure) = measure {
            self.doing = Doing::Forging(measure, 0);
        }
    }

    /// The next ports; `None` where something else is to be done first.
    fn next_group(&mut self, now: Time) -> Option<Measure> {
        let Course::Count(groups) = &mut self.course else { return None };
        let pause = groups.take_pause();
        if !pause.is_zero() {
            // What the zombie says after a pause is a new beginning.
            self.last = None;
            self.doing = Doing::Resting(now + pause);
            return None;
        }
        let Some(ports) = groups.next() else {
            self.take_decided();
            self.end_goal(now);
            return None;
        };
        // A far target's answers may take longer: what was silent is given more time.
        let wait = match (groups.is_second_look(), groups.is_in_time()) {
            (false, _) => self.wait,
            (true, true) => self.wait * 2,
            (true, false) => LONG_WAIT.max(self.wait * 5).min(MOST_WAIT),
        };
        let (delay, is_lossy) = (groups.delay, groups.is_lossy() || self.lost > 0);
        let forged = if ports.is_empty() { Forged::Nothing } else { Forged::Syns(ports) };
        let syns = std::mem::take(&mut self.syns);
        let resets = if is_lossy { syns } else { Vec::new() };
        Some(Measure { resets, forged, ..Measure::calm(wait.max(self.patience()) + delay) })
    }

    /// As long as packets to the target and the zombie are on their way.
    fn patience(&self) -> Duration {
        let known = [self.rtt.known(), self.goals.get(self.at).and_then(|goal| goal.rtt.known())];
        known.into_iter().flatten().map(|(rtt, variation)| rtt + variation * 2).sum()
    }

    /// The time between two packets.
    fn gap(&self) -> Duration {
        self.setup
            .max_rate
            .map_or(Duration::ZERO, |rate| Duration::from_secs_f64(1.0 / rate))
            .max(self.setup.timing.delay)
    }

    /// Sends one forged packet.
    fn forge(&mut self, measure: &Measure, index: usize, out: &mut Outbox) {
        let Some(goal) = self.goals.get(self.at) else { return };
        let (mut number, id) = ((self.rng.next_u64() as u32).max(1), self.rng.next_u64() as u16);
        let after_resets = index.checked_sub(measure.resets.len());
        let (template, way, sport, dport) = match (&measure.forged, after_resets) {
            (_, None) => {
                let Some(&(port, syn)) = measure.resets.get(index) else { return };
                number = syn.wrapping_add(1);
                (&goal.rst, &goal.way, self.zombie.port, port)
            }
            (Forged::Nothing, _) => return,
            // From another port each time: the target's own may be closed to it.
            (Forged::SynAcks, _) => (&goal.forgery, &self.zombie.way, 1024 | number as u16 >> 1, self.zombie.port),
            (Forged::Syns(ports), Some(index)) => {
                let Some(&port) = ports.get(index) else { return };
                self.syns.push((port, number));
                (&goal.syn, &goal.way, self.zombie.port, port)
            }
        };
        let numbers = Numbers { sport, dport: Some(dport), number, id: id.max(1) };
        out.push_by(way, 0, |buf| template.write(&numbers, &[], buf));
        self.sent += 1;
    }

    fn ask(&mut self, measure: Measure, mut questions: Vec<Question>, now: Time, out: &mut Outbox) {
        let count = self.setup.sports.len().max(1);
        let sport = self.setup.sports.get(self.asked % count).copied().unwrap_or(0);
        let (number, id) = ((self.rng.next_u64() as u32).max(1), (self.rng.next_u64() as u16).max(1));
        let numbers = Numbers { sport, dport: Some(self.zombie.port), number, id };
        out.push_by(&self.zombie.way, 0, |buf| self.zombie.question.write(&numbers, &[], buf));
        let wait = self.setup.timeout.unwrap_or_else(|| self.rtt.timeout(Rtt::default(), self.setup.timing));
        questions.push(Question { sport, number, sent: now });
        (self.asked, self.sent) = (self.asked + 1, self.sent + 1);
        self.next_at = now + self.gap();
        self.doing = Doing::Asking(measure, questions, now + wait);
    }

    /// The zombie answers: its number is known.
    fn heard(&mut self, frame: &Frame<'_>) {
        let Some(heard) = Heard::of_frame(frame).filter(|_| !frame.outgoing) else { return };
        if let Some(quoted) = heard.quoted() {
            if quoted.to == self.zombie.addr {
                self.said = self.said.or(error_reason(&heard));
            }
            return;
        }
        let Doing::Asking(_, questions, _) = &self.doing else { return };
        let (Some(segment), Some((from, to)), Some(id)) = (heard.tcp(), heard.ports(), heard.id()) else { return };
        // A reset to a segment with an ACK takes up its acknowledgment number (RFC 9293 section 3.10.7.1).
        let is_ours = |q: &Question| q.sport == to && q.number == segment.seq;
        let Some(which) = questions.iter().position(is_ours) else { return };
        if heard.from != self.zombie.addr || from != self.zombie.port || segment.flags & RST == 0 {
            return;
        }
        let Doing::Asking(measure, questions, _) = std::mem::replace(&mut self.doing, Doing::Resting(frame.at)) else {
            return;
        };
        self.rtt.sample(frame.at - questions[which].sent);
        self.lost = self.lost.max(questions.len() - 1);
        self.reset = (Some(heard.ttl), heard.packet[..heard.packet.len().min(256)].to_vec());
        let before = self.last;
        // While an earlier answer is overtaken, a question is still on its way, and will count.
        self.last = (which + 1 == questions.len()).then_some(id);
        if let Some(before) = before {
            self.measured(&measure, before, id, questions.len(), frame.at);
        }
    }

    /// No answer in time.
    fn unanswered(&mut self, now: Time) -> Option<(Measure, Vec<Question>)> {
        let Doing::Asking(measure, questions, _) = std::mem::replace(&mut self.doing, Doing::Resting(now)) else {
            return None;
        };
        self.lost = self.lost.max(questions.len());
        if questions.len() < MOST_ASKED {
            return Some((measure, questions));
        }
        let said = self.said.map(|reason| format!(", but {reason} came back")).unwrap_or_default();
        let (port, stopped) =
            (self.zombie.port, if self.rtt.known().is_some() { "no longer answers" } else { "does not answer" });
        self.refuse(&format!("{stopped} a SYN/ACK at port {port}{said}; try another zombie_port, or another zombie"));
        None
    }
}

impl Job for Idle {
    fn step(&mut self, now: Time, out: &mut Outbox) -> Wake {
        loop {
            if self.is_over() || now >= self.pause_at || !self.news.is_empty() {
                return Wake::Done;
            }
            match std::mem::replace(&mut self.doing, Doing::Resting(now)) {
                Doing::Over => self.doing = Doing::Over,
                Doing::Resting(until) if now < until => self.doing = Doing::Resting(until),
                Doing::Resting(_) => {
                    self.begin(now);
                    self.take_decided();
                    continue;
                }
                Doing::Forging(measure, sent) if sent == measure.len() => {
                    let wait = now + measure.wait;
                    self.doing = Doing::Waiting(measure, wait);
                    continue;
                }
                Doing::Forging(measure, sent) if now >= self.next_at && !out.is_full() => {
                    self.forge(&measure, sent, out);
                    self.next_at = now + measure.gap.max(self.gap());
                    self.doing = Doing::Forging(measure, sent + 1);
                    continue;
                }
                Doing::Waiting(measure, until) if now >= until.max(self.next_at) => {
                    self.ask(measure, Vec::new(), now, out);
                }
                Doing::Asking(measure, questions, until) if now >= until.max(self.next_at) => {
                    self.doing = Doing::Asking(measure, questions, until);
                    if let Some((measure, questions)) = self.unanswered(now) {
                        self.ask(measure, questions, now, out);
                    }
                }
                other => self.doing = other,
            }
            let at = match &self.doing {
                Doing::Over => return Wake::Done,
                Doing::Resting(until) => *until,
                Doing::Forging(..) => self.next_at,
                Doing::Waiting(_, until) | Doing::Asking(_, _, until) => (*until).max(self.next_at),
            };
            return Wake::At(at.min(self.pause_at));
        }
    }

    fn event(&mut self, _now: Time, event: &Event<'_>) {
        match event {
            Event::Heard(frame) => self.heard(frame),
            Event::Failed { error, .. } => {
                self.refused = Some(format!("a packet of the idle scan was not sent: {error}"));
                self.doing = Doing::Over;
            }
            Event::Connected { .. } | Event::Refused { .. } => {}
        }
    }

    fn progress(&self) -> Progress {
        Progress { done: self.done, total: self.pace().total, elapsed: Duration::ZERO }
    }
}
