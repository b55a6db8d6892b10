//! Tries without an answer: which ports are asked again, and when silence is believed.

use super::{Phase, Sweep};
use crate::base::Time;

impl Sweep {
    /// No answer in time.
    pub(super) fn timed_out(&mut self, unit: u32, now: Time) {
        let (at, _) = self.of_unit(unit);
        self.arrive(unit);
        if self.units[unit as usize].verdict.is_some() {
            return self.settle(unit);
        }
        if self.slow_silence(unit, now) {
            return;
        }
        let (allowed, most) = self.allowed(at);
        let it = &mut self.units[unit as usize];
        let goal = &mut self.goals[at];
        let retries = u32::from(it.tries.saturating_sub(it.spare)).saturating_sub(1);
        if retries < allowed {
            it.phase = Phase::Again;
            goal.again.push_back(unit);
        } else {
            // Silent tries, and no sign of a loss: there is room for others.
            self.window.grow();
            goal.window.grow();
            if retries < most && self.setup.retry.is_none() {
                it.phase = Phase::Bench;
                goal.bench.push(unit);
                goal.busy -= 1;
                self.idle.extend((goal.busy == 0).then_some(at));
            } else {
                self.settle(unit);
            }
        }
        self.make_ready(at);
    }

    /// How often a silent port of a host is asked again, now and at most: once more than was ever needed, and so often
    /// that at the loss seen so far silence is no chance.
    pub(super) fn allowed(&self, at: usize) -> (u32, u32) {
        let goal = &self.goals[at];
        let most = self.setup.retry.unwrap_or(self.setup.timing.retries);
        let by_loss = goal.loss.tries(goal.left) - 1;
        (self.setup.retry.unwrap_or((goal.best + 1).max(by_loss).clamp(1, most.max(1))), most)
    }

    /// Those on the bench of a host whose other ports are all decided: nothing shows that another try would help.
    pub(super) fn clear_bench(&mut self) {
        for at in std::mem::take(&mut self.idle) {
            if self.goals[at].busy > 0 || self.goals[at].bench.is_empty() {
                continue;
            }
            let (allowed, _) = self.allowed(at);
            let bench = self.goals[at].bench.clone();
            let is_short = |unit: &u32| {
                let it = &self.units[*unit as usize];
                u32::from(it.tries.saturating_sub(it.spare)) <= allowed
            };
            if bench.iter().any(is_short) {
                self.leave_bench(at);
                continue;
            }
            for unit in bench {
                self.settle(unit);
            }
            self.goals[at].bench.clear();
        }
    }

    /// The silent ones of a host are asked again.
    pub(super) fn leave_bench(&mut self, at: usize) {
        for unit in std::mem::take(&mut self.goals[at].bench) {
            if self.units[unit as usize].phase == Phase::Bench {
                self.units[unit as usize].phase = Phase::Again;
                self.goals[at].busy += 1;
                self.goals[at].again.push_back(unit);
            }
        }
        self.make_ready(at);
    }

    /// A try was answered that was never needed before: the silent ones get as many.
    pub(super) fn raise(&mut self, goal: usize, attempt: u32) {
        if attempt <= self.goals[goal].best {
            return;
        }
        self.goals[goal].best = attempt;
        self.leave_bench(goal);
    }

    /// What a row says that may be wrong, or came slowly: of a host with a limit, and of one to which much is lost.
    pub(super) fn unsure(&self, unit: u32) -> Option<Box<str>> {
        let (at, _) = self.of_unit(unit);
        let (goal, it) = (&self.goals[at], &self.units[unit as usize]);
        let is_silent = it.verdict.is_none();
        if let Some(said) = goal.limits.said.filter(|_| is_silent || goal.limits.slow.is_some()) {
            return Some(said.into());
        }
        let lost = goal.loss.share();
        let is_unsure = is_silent && it.tries > 0 && goal.loss.is_unsure(it.tries.into());
        is_unsure.then(|| {
            format!("unsure: {:.0} % of the probes of this host, or their answers, are lost", lost * 100.0).into()
        })
    }
}
