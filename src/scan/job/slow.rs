//! Hosts with a limit, see [`limits`](crate::scan::limits): what a sweep does with them.

use super::{Phase, Sweep};
use crate::base::Time;
use crate::engine::Outbox;
use crate::scan::limits::{Next, Slow, limited_as};

/// After so many tries a port of a host with a limit is silent.
const MOST_TRIES: u8 = 60;

/// Tries after which a port that was asked slowly, and without need, is not asked again at once.
const USUAL_TRIES: u8 = 2;

impl Sweep {
    /// Counts an answer for the window, the loss and the limit of its host; `needed` is the try that it answers.
    pub(super) fn count_answer(&mut self, unit: u32, needed: u32, is_first: bool, now: Time) {
        let (at, _) = self.of_unit(unit);
        let is_likely = self.is_likely(unit);
        let it = &self.units[unit as usize];
        let limited = it.verdict.as_ref().and_then(|verdict| limited_as(verdict.reason));
        let goal = &mut self.goals[at];
        goal.limits.name = limited.or(goal.limits.name);
        if goal.limits.slow.is_some() {
            return;
        }
        if is_first && limited.is_some() {
            goal.limits.answered(is_likely, it.serial, needed == 0);
        }
        if is_first {
            goal.loss.answered(needed);
        }
        if is_first && needed > 0 {
            let rtt = self.group.known().map_or(self.setup.timing.initial, |(rtt, _)| rtt);
            self.window.shrink(now, rtt);
            goal.window.shrink(now, rtt);
        } else {
            self.window.grow();
            goal.window.grow();
        }
        self.raise(at, needed);
    }

    /// Counts a try without an answer for the limit of its host. Whether the slow scan takes the port.
    pub(super) fn slow_silence(&mut self, unit: u32, now: Time) -> bool {
        let (at, _) = self.of_unit(unit);
        let is_likely = self.is_likely(unit);
        let (goal, it) = (&mut self.goals[at], &mut self.units[unit as usize]);
        if let Some(slow) = &mut goal.limits.slow {
            if it.tries >= MOST_TRIES {
                self.settle(unit);
            } else {
                it.phase = Phase::Again;
                slow.unheard(unit);
            }
            return true;
        }
        goal.limits.silent(is_likely, it.serial, it.tries == 1);
        let is_limit = self.setup.retry.is_none() && goal.limits.is_suspicious();
        if is_limit {
            self.begin_slow(at, unit, now);
        }
        is_limit
    }

    /// From now on a host is asked slowly: what is silent so far, then what was not asked yet.
    fn begin_slow(&mut self, at: usize, unit: u32, now: Time) {
        let mut slow = Slow::new(now);
        let goal = &mut self.goals[at];
        let bench = std::mem::take(&mut goal.bench);
        goal.busy += bench.len() as u32;
        let silent = bench.into_iter().chain([unit]).chain(std::mem::take(&mut goal.again));
        let silent: Vec<u32> = silent.collect();
        let ports = self.setup.ports.len() as u32;
        let begun = std::mem::replace(&mut goal.begun, ports);
        let fresh = (begun..ports).map(|turn| self.unit(at, self.place_in_order(at, turn.into())));
        let fresh: Vec<u32> = fresh.filter(|unit| self.units[*unit as usize].phase == Phase::Fresh).collect();
        for unit in silent.into_iter().chain(fresh) {
            self.units[unit as usize].phase = Phase::Again;
            slow.add(unit);
        }
        self.goals[at].limits.slow = Some(Box::new(slow));
        self.slow.insert(at);
    }

    /// Reads the rounds that are over.
    pub(super) fn end_rounds(&mut self, now: Time) {
        for at in self.slow.iter().copied().collect::<Vec<_>>() {
            let goal = &mut self.goals[at];
            if goal.left == 0 {
                goal.limits.slow = None;
                self.slow.remove(&at);
                continue;
            }
            let Some(slow) = goal.limits.slow.as_mut().filter(|slow| slow.is_round_over(now)) else { continue };
            let next = slow.end_round(now);
            if slow.is_proved() {
                goal.limits.said = goal.limits.name;
            }
            match next {
                Next::Round(done) => done.into_iter().for_each(|unit| self.settle(unit)),
                Next::NoLimit(rest) => self.end_slow(at, rest),
            }
        }
    }

    /// It was no limit: the ports are as they were.
    fn end_slow(&mut self, at: usize, rest: Vec<u32>) {
        self.slow.remove(&at);
        self.goals[at].limits.trust();
        for unit in rest {
            let it = &mut self.units[unit as usize];
            let goal = &mut self.goals[at];
            match it.phase {
                Phase::Again if it.tries < USUAL_TRIES => goal.again.push_back(unit),
                Phase::Again => {
                    it.phase = Phase::Bench;
                    goal.bench.push(unit);
                    goal.busy -= 1;
                }
                _ => {}
            }
        }
        self.idle.push(at);
        self.make_ready(at);
    }

    /// Asks the hosts with a limit what is due.
    pub(super) fn send_slow(&mut self, now: Time, out: &mut Outbox) {
        for at in self.slow.iter().copied().collect::<Vec<_>>() {
            while !out.is_full() && now >= self.next_at {
                let Some(unit) = self.goals[at].limits.slow.as_mut().and_then(|slow| slow.take(now)) else { break };
                if self.units[unit as usize].phase != Phase::Again || !self.is_wanted(unit, now) {
                    continue;
                }
                self.send(unit, now, out);
                if let Some(slow) = &mut self.goals[at].limits.slow {
                    slow.sent(unit);
                }
            }
        }
    }

    /// When the next of them is due.
    pub(super) fn slow_wake(&self) -> Time {
        let slow = self.slow.iter().filter_map(|at| self.goals[*at].limits.slow.as_ref()?.wake());
        slow.min().map_or(Time::NEVER, |at| at.max(self.next_at))
    }
}
