//! What goes wrong on this side: probes that never left, an interface that is gone, a capture that was full.

use std::time::Duration;

use super::{Phase, Sweep};
use crate::base::Time;
use crate::net::NetError;

/// So often a probe that cannot leave is tried.
const MOST_FAILS: u8 = 8;

/// The pause after a first failure; it doubles up to [`MOST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(1);

/// See [`PAUSE`].
const MOST_PAUSE: Duration = Duration::from_millis(32);

/// How often an interface that is gone is tried, and how long.
const GONE_PAUSE: Duration = Duration::from_millis(250);

/// See [`GONE_PAUSE`].
const GONE_LONG: Duration = Duration::from_secs(5);

/// An interface that is gone.
#[derive(Default)]
pub(super) struct Outage {
    since: Option<Time>,
    last: Time,
    /// It did not come back in time.
    pub(super) is_over_long: bool,
}

impl Outage {
    /// It is gone at `now`, too. What is found gone long after the last time is another outage.
    fn found(&mut self, now: Time) {
        let is_new = now > self.last + GONE_PAUSE * 4;
        let since = self.since.filter(|_| !is_new).unwrap_or(now);
        (self.since, self.last) = (Some(since), now);
        self.is_over_long = now > since + GONE_LONG;
    }
}

impl Sweep {
    /// A probe did not leave: it counts as no try, and is sent again after a pause.
    pub(super) fn failed(&mut self, token: u64, error: &NetError, now: Time) {
        let (unit, attempt) = ((token >> 8) as u32, token as u8);
        let Some(it) = self.units.get_mut(unit as usize) else { return };
        if it.phase != Phase::Waiting || it.tries != attempt.saturating_add(1) {
            return;
        }
        let is_gone = matches!(error, NetError::InterfaceGone { .. });
        let pause = if is_gone { GONE_PAUSE } else { (PAUSE * (1 << it.fails.min(10))).min(MOST_PAUSE) };
        it.tries = attempt;
        it.fails += u8::from(!is_gone);
        let is_hopeless = it.fails >= MOST_FAILS;
        self.sent = self.sent.saturating_sub(1);
        self.next_at = self.next_at.max(now + pause);
        if is_gone {
            self.outage.found(now);
        }
        self.ask_again(unit);
        if is_hopeless {
            self.disbelieve(unit, format!("not sent: {error}"));
            self.settle(unit);
        }
    }

    /// A probe on the way is as if it had not been sent.
    fn ask_again(&mut self, unit: u32) {
        let (at, _) = self.of_unit(unit);
        self.arrive(unit);
        let it = &mut self.units[unit as usize];
        if it.verdict.is_some() {
            return self.settle(unit);
        }
        it.phase = Phase::Again;
        let goal = &mut self.goals[at];
        match &mut goal.limits.slow {
            Some(slow) => slow.unsent(unit),
            None => goal.again.push_front(unit),
        }
        self.make_ready(at);
    }

    /// The link says that its interface is gone: what was on the way is lost, and asked again when it is back.
    pub(in crate::scan) fn gone(&mut self, now: Time) {
        self.outage.found(now);
        self.next_at = self.next_at.max(now + GONE_PAUSE);
        self.spare_since(Time::ZERO);
    }

    /// Whether the interface went away for good.
    pub(in crate::scan) fn is_gone(&self) -> bool {
        self.outage.is_over_long
    }

    /// Our own capture has lost `dropped` frames in all by now: what was asked since the last call, and is not
    /// answered, is asked once more than it would be.
    pub(in crate::scan) fn overrun(&mut self, dropped: u64, now: Time) {
        let since = std::mem::replace(&mut self.checked_at, now);
        if dropped > self.dropped.replace(dropped).unwrap_or(dropped) {
            self.spare_since(since);
        }
    }

    /// The last tries of all that was asked since then do not count.
    fn spare_since(&mut self, since: Time) {
        let waiting: Vec<u32> = self.waiting.iter().map(|(_, unit)| *unit).collect();
        let again = self.goals.iter().flat_map(|goal| goal.again.iter().chain(&goal.bench)).copied();
        for unit in waiting.into_iter().chain(again.collect::<Vec<_>>()) {
            let it = &mut self.units[unit as usize];
            // An answer comes within its try's time: a probe of before may have lost its answer, too.
            if it.deadline >= since && it.tries > it.spare && it.verdict.is_none() {
                it.spare += 1;
            }
        }
        for at in 0..self.goals.len() {
            let bench = &self.goals[at].bench;
            if bench.iter().any(|unit| self.units[*unit as usize].deadline >= since) {
                self.leave_bench(at);
            }
        }
    }
}
