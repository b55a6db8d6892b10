//! Hosts that answer only so often: how such a limit is told from a filter and from loss, and how it is kept pace with.
//!
//! Limits in use: Linux sends one ICMP error a second to each peer after a burst of 6 (`icmp_ratelimit`; icmp(7)), and
//! 1000 a second to all after a burst of 50 (`icmp_msgs_per_sec`; ip-sysctl of the kernel's documentation); FreeBSD
//! 200 resets and errors a second (`net.inet.icmp.icmplim`; icmp(4)). Routers must have one (RFC 1812 section 4.3.2.8,
//! RFC 4443 section 2.4 (f)). To a fast scan each is a burst of answers, and then silence or a trickle.
//!
//! *Suspicion* costs nothing. Ports are asked in a random order, so what a filter lets through lies between what it
//! drops. A first try that fails by chance has the share of answers so far as its probability: when a run of silence
//! after the last answer is less likely than [`SURE`], the order itself decides who is answered, which is a limit. The
//! other sign is a trickle: second tries are answered, so it is no filter, and far too few of them for a loss.
//!
//! *Proof* takes three seconds at most, once. A few silent ports are asked, with growing pauses: a limit that lets one a
//! second through shows itself, a filter does not, and is left alone until twice as much speaks against it.
//!
//! *Pace*: rounds. Somewhat more is asked than was answered lately; when all are answered the next round is four times as
//! large, so no delay stays. When fewer are answered than the limit lets through, the others are silent by themselves.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::state::Reason;
use crate::base::Time;

/// Below this probability, chance is no explanation.
const SURE: f64 = 0.005;

/// Ports that are asked first stand in the order of their fame, and filters know it, too: of resets, so many must be
/// missing at their end.
const FEW_KNOWN: u32 = 8;

const ICMP: &str = "ICMP rate limited";

/// What an answer with this reason is limited as; `None` for one that is not.
pub(super) fn limited_as(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::Reset => Some("RST rate limited"),
        Reason::ConnRefused => Some("refusals rate limited"),
        Reason::NetUnreach
        | Reason::HostUnreach
        | Reason::ProtoUnreach
        | Reason::PortUnreach
        | Reason::NetProhibited
        | Reason::HostProhibited
        | Reason::AdminProhibited
        | Reason::DestUnreach
        | Reason::TimeExceeded
        | Reason::NoRoute
        | Reason::BeyondScope
        | Reason::RejectRoute
        | Reason::ParamProblem => Some(ICMP),
        _ => None,
    }
}

/// Answers and silence in the order of the first tries.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    answered: u32,
    /// Silent ones that were asked before the last that was answered.
    before: u32,
    /// And after it.
    after: u32,
    last: u32,
}

impl Run {
    /// Whether nothing but a limit explains the silence at its end, which is as long as `least`.
    fn is_cut_off(self, least: u32) -> bool {
        let share = f64::from(self.answered) / f64::from(self.answered + self.before + 1);
        self.answered > 0 && self.after >= least && (1.0 - share).powf(f64::from(self.after)) < SURE
    }
}

/// What is known of a host's limit.
#[derive(Default)]
pub(super) struct Limits {
    /// Ports asked first, and the others, whose order is random.
    runs: [Run; 2],
    /// Second and later tries: answered, silent.
    later: (u32, u32),
    heard: u32,
    /// No suspicion before so many answers.
    trusted: u32,
    /// What would be limited, by the last answer.
    pub(super) name: Option<&'static str>,
    /// The same, once it is proved.
    pub(super) said: Option<&'static str>,
    /// The slow scan, while it goes on.
    pub(super) slow: Option<Box<Slow>>,
}

impl Limits {
    /// An answer of a kind that is often limited, to a first or later try; `serial` numbers the first tries.
    pub(super) fn answered(&mut self, is_likely: bool, serial: u32, is_first: bool) {
        self.heard += 1;
        if !is_first {
            self.later.0 += 1;
            return;
        }
        let run = &mut self.runs[usize::from(is_likely)];
        run.answered += 1;
        if serial > run.last {
            run.last = serial;
            run.before += std::mem::take(&mut run.after);
        }
    }

    /// A first or later try without an answer.
    pub(super) fn silent(&mut self, is_likely: bool, serial: u32, is_first: bool) {
        let run = &mut self.runs[usize::from(is_likely)];
        match (is_first, serial > run.last) {
            (true, true) => run.after += 1,
            (true, false) => run.before += 1,
            (false, _) => self.later.1 += 1,
        }
    }

    /// Whether it looks like a limit.
    pub(super) fn is_suspicious(&self) -> bool {
        let (answered, silent) = self.later;
        let is_trickle = answered >= 3 && answered + silent >= 30 && answered * 5 < answered + silent;
        let [others, likely] = self.runs;
        let least = if self.name == Some(ICMP) { 0 } else { FEW_KNOWN };
        self.slow.is_none()
            && self.heard >= self.trusted.max(2)
            && (is_trickle || others.is_cut_off(0) || likely.is_cut_off(least))
    }

    /// It was none.
    pub(super) fn trust(&mut self) {
        self.trusted = self.heard.saturating_mul(2);
        (self.runs, self.later, self.slow) = ([Run::default(); 2], (0, 0), None);
    }
}

/// What comes after a round.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// Another; these are silent by themselves, however slowly they are asked.
    Round(Vec<u32>),
    /// There is no limit: these are as they were.
    NoLimit(Vec<u32>),
}

/// The slow scan of a host with a limit.
pub(super) struct Slow {
    queue: VecDeque<u32>,
    asked: BTreeSet<u32>,
    silent: Vec<u32>,
    answered: u32,
    began: Time,
    next_at: Time,
    /// Still to be asked in this round.
    left: u32,
    batch: u32,
    /// Over which time a round is spread.
    width: Duration,
    /// Answers a second, as measured.
    rate: Option<f64>,
    /// Rounds that were answered, and far from whole.
    proofs: u32,
    /// Rounds in a row that were answered no faster than those before.
    steady: u32,
    /// Rounds in a row with fewer answers than the limit lets through.
    quiet: u32,
    /// In how many such rounds a port was silent.
    doubts: BTreeMap<u32, u8>,
}

impl Slow {
    /// Ports asked in the first rounds.
    const FEW: u32 = 8;
    /// The most in a round.
    const MOST: u32 = 1 << 14;
    /// So often a round is twice as large, to see whether more is answered: ports that are silent by themselves look
    /// like a limit.
    const TRIAL: u32 = 4;
    /// The time of the first round, and of the longest: the slowest limit in use lets one a second through.
    const SHORT: Duration = Duration::from_millis(100);
    const LONG: Duration = Duration::from_secs(1);

    pub(super) fn new(now: Time) -> Self {
        Self {
            queue: VecDeque::new(),
            asked: BTreeSet::new(),
            silent: Vec::new(),
            answered: 0,
            began: now,
            next_at: now,
            left: Self::FEW,
            batch: Self::FEW,
            width: Self::SHORT,
            rate: None,
            proofs: 0,
            steady: 0,
            quiet: 0,
            doubts: BTreeMap::new(),
        }
    }

    /// One more port to ask.
    pub(super) fn add(&mut self, unit: u32) {
        self.queue.push_back(unit);
    }

    /// A port whose turn it is; `None` when none is due.
    pub(super) fn take(&mut self, now: Time) -> Option<u32> {
        if self.left == 0 || now < self.next_at {
            return None;
        }
        self.queue.pop_front()
    }

    /// It was sent.
    pub(super) fn sent(&mut self, unit: u32) {
        self.asked.insert(unit);
        self.left -= 1;
        self.next_at += self.width / self.batch.max(1);
    }

    /// It did not leave.
    pub(super) fn unsent(&mut self, unit: u32) {
        if self.asked.remove(&unit) {
            self.left += 1;
        }
        self.queue.push_front(unit);
    }

    /// When there is something to do: a port to ask, or a round to read.
    pub(super) fn wake(&self) -> Option<Time> {
        if self.left > 0 && !self.queue.is_empty() {
            return Some(self.next_at);
        }
        self.asked.is_empty().then_some(self.began + self.width)
    }

    /// A port is decided; whether by an answer that may be limited.
    pub(super) fn heard(&mut self, unit: u32, is_limited: bool) {
        if self.asked.remove(&unit) {
            self.answered += u32::from(is_limited);
        }
    }

    /// A port is silent. One of before the slow scan joins the others.
    pub(super) fn unheard(&mut self, unit: u32) {
        if self.asked.remove(&unit) { self.silent.push(unit) } else { self.queue.push_back(unit) }
    }

    /// Whether all of a round are heard or silent. Unless all are heard, it takes its time: what the limit lets through
    /// depends on it.
    pub(super) fn is_round_over(&self, now: Time) -> bool {
        let is_whole = self.asked.is_empty() && (self.left == 0 || self.queue.is_empty());
        is_whole && (now >= self.began + self.width || (self.silent.is_empty() && self.answered > 0))
    }

    /// Whether the limit is proved.
    pub(super) fn is_proved(&self) -> bool {
        self.proofs >= 2
    }

    /// Reads a round, and begins the next.
    pub(super) fn end_round(&mut self, now: Time) -> Next {
        let took = (now - self.began).max(Duration::from_millis(1)).as_secs_f64();
        let is_all = self.silent.is_empty();
        let allowed = self.rate.map_or(0.0, |rate| rate * took);
        let is_quiet = f64::from(self.answered) < allowed / 3.0 && !is_all;
        let mut done = Vec::new();
        if is_quiet || (self.answered == 0 && !is_all) {
            self.quiet += 1;
            if self.answered > 0 {
                self.rate = self.rate.map(|rate| (rate * 3.0 + f64::from(self.answered) / took) / 4.0);
            }
            match self.rate {
                None if self.width >= Self::LONG => return Next::NoLimit(self.rest()),
                Some(_) if !self.is_proved() && self.quiet > 3 => return Next::NoLimit(self.rest()),
                None => self.width = (self.width * 2).min(Self::LONG),
                Some(_) => self.batch = (self.batch * 2).min(Self::MOST),
            }
            if self.is_proved() && self.quiet >= 2 {
                done = self.doubt();
            }
        } else if self.answered > 0 {
            self.pace(took, is_all);
        }
        self.queue.extend(self.silent.drain(..).filter(|unit| !done.contains(unit)));
        (self.began, self.next_at, self.left, self.answered) = (now, now, self.batch, 0);
        Next::Round(done)
    }

    /// The next round after one that was answered as fast as the limit lets.
    fn pace(&mut self, took: f64, is_all: bool) {
        self.quiet = 0;
        let asked = self.answered + self.silent.len() as u32;
        self.proofs += u32::from(self.answered * 4 < asked * 3);
        let answered = f64::from(self.answered);
        let now = answered / took;
        // More was asked, and more was answered: the limit is not reached yet. One more may be what was saved up.
        let is_more = self.rate.is_none_or(|rate| answered > rate * took * 1.3 + 1.0);
        self.steady = if is_more { 0 } else { self.steady + 1 };
        if is_all {
            self.rate = Some(self.rate.map_or(now, |rate| rate.max(now)));
            self.batch = (self.batch * 4).min(Self::MOST);
        } else if is_more {
            self.rate = Some(now);
            self.batch = (self.batch * 2).min(Self::MOST);
        } else {
            let rate = self.rate.map_or(now, |rate| (rate * 3.0 + now) / 4.0);
            self.rate = Some(rate);
            self.width = Duration::from_secs_f64((8.0 / rate.max(1.0)).clamp(0.1, 1.0));
            let usual = (rate * self.width.as_secs_f64() * 1.5).ceil() as u32 + 1;
            let is_trial = self.steady.is_multiple_of(Self::TRIAL);
            self.batch = (usual * if is_trial { 2 } else { 1 }).min(Self::MOST);
        }
    }

    /// Those that were silent in three rounds although the limit had let them speak.
    fn doubt(&mut self) -> Vec<u32> {
        let mut done = Vec::new();
        for &unit in &self.silent {
            let doubts = self.doubts.entry(unit).or_default();
            *doubts += 1;
            if *doubts >= 3 {
                done.push(unit);
            }
        }
        done
    }

    /// All ports that it holds.
    pub(super) fn rest(&mut self) -> Vec<u32> {
        self.silent.drain(..).chain(self.queue.drain(..)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether it is suspicious after first tries: `a` is answered, `-` is silent.
    fn suspects(tries: &str) -> bool {
        let mut limits = Limits::default();
        for (serial, what) in tries.chars().enumerate() {
            match what {
                'a' => limits.answered(false, serial as u32 + 1, true),
                _ => limits.silent(false, serial as u32 + 1, true),
            }
        }
        limits.is_suspicious()
    }

    #[test]
    fn only_silence_after_a_burst_is_suspicious() {
        let rows = [
            ("aaaaaa----------", true),
            ("aaaaaa---", true),
            ("aaaaaa-", false),
            ("----------------", false),
            ("a-a-a-a-a-a-a-a-", false),
            ("aaa-----a--a----a-----------", false),
            ("a---------------", false),
        ];
        for (tries, wanted) in rows {
            assert_eq!(suspects(tries), wanted, "{tries}");
        }
    }
}
