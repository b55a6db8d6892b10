//! What the measurements say: the zombie's class, whether forgeries arrive, which ports are open.

use super::class::classify;
use super::groups::{Count, Groups, Trouble};
use super::parts::{Forged, Measure};
use super::{Course, FORGERIES, Idle, MOST_CHECKS, MOST_TESTS, MOST_UNSURE, MOST_WAIT, TEST_STEPS};
use crate::base::Time;
use crate::scan::read::Verdict;
use crate::scan::state::{Reason, State};

const NOT_IDLE: &str = "is not idle: its IP IDs move by themselves; wait until it is quiet, or try another";
const LOSSY: &str =
    "loses too many of its answers: what was lost cannot be told from what was counted; try a nearer one";

impl Idle {
    /// What a measurement says: the zombie's number before and after, and how often it was asked for the second.
    pub(super) fn measured(&mut self, measure: &Measure, before: u16, after: u16, asked: usize, now: Time) {
        let count = self.count(before, after, asked);
        match &mut self.course {
            Course::Test(pairs, tests) => {
                *tests += 1;
                if asked == 1 {
                    pairs.push((before, after));
                }
                let is_tested = pairs.len() >= TEST_STEPS;
                if is_tested {
                    let pairs = std::mem::take(pairs);
                    self.tested(&pairs, now);
                } else if *tests >= MOST_TESTS {
                    self.refuse(LOSSY);
                }
            }
            Course::Check(..) => self.checked(measure, count),
            Course::Count(groups) => {
                let is_late = groups.is_second_look() && !groups.is_in_time() && matches!(count, Count::Just(1..));
                let result = groups.counted(count);
                if is_late {
                    // The first look was too short: the target is far.
                    self.wait = (self.wait * 2).min(MOST_WAIT);
                }
                self.take_decided();
                match result {
                    Ok(()) => {}
                    Err(Trouble::Noise) => self.refuse(NOT_IDLE),
                    Err(Trouble::Loss) => self.refuse(LOSSY),
                }
            }
        }
    }

    /// How many packets the zombie sent besides its answers to us.
    fn count(&self, before: u16, after: u16, asked: usize) -> Count {
        let Some(steps) = self.class.and_then(|class| class.steps) else { return Count::Unsure };
        let Some(steps) = steps(before, after) else { return Count::Nonsense };
        let (steps, asked) = (u32::from(steps), asked as u32);
        // At least the last question was answered; whether the others came to it is not known.
        match (steps.checked_sub(1), steps.saturating_sub(asked)) {
            (None, _) => Count::Nonsense,
            (Some(most), least) if most == least => Count::Just(most),
            _ => Count::Unsure,
        }
    }

    fn tested(&mut self, pairs: &[(u16, u16)], now: Time) {
        let class = classify(pairs);
        if class.steps.is_none() {
            let ids = pairs.iter().take(1).map(|pair| pair.0).chain(pairs.iter().map(|pair| pair.1));
            let ids = ids.map(|id| id.to_string()).collect::<Vec<_>>().join(", ");
            return self
                .refuse(&format!("is of the class \"{}\": {} (IP IDs {ids}); try another", class.name, class.doc));
        }
        self.class = Some(class);
        self.begin_goal(now);
    }

    /// Whether what we forge makes the zombie speak. Losses may take some of it, as long as it says nothing by itself.
    fn checked(&mut self, measure: &Measure, count: Count) {
        let Course::Check(check) = &mut self.course else { return };
        let is_last = check.made >= MOST_CHECKS;
        match (&measure.forged, count) {
            (_, Count::Unsure) => {
                check.unsure += 1;
                if check.unsure > MOST_UNSURE {
                    self.refuse(LOSSY);
                }
            }
            (Forged::Nothing, Count::Just(0)) => match check.counted.take() {
                Some(1..FORGERIES) => {
                    self.lost = self.lost.max(1);
                    self.begin_count();
                }
                Some(0) if is_last => self.refuse(&format!(
                    "does not move for packets in the name of {}: it counts for each peer apart, or what is forged \
                     does not get there; try another",
                    self.goals[self.at].addr
                )),
                _ if is_last => self.refuse(NOT_IDLE),
                _ => {}
            },
            (Forged::Nothing, Count::Just(n)) if is_last => {
                self.refuse(&format!("is not idle: it sent {n} packets of its own in half a second; try another"));
            }
            (Forged::Nothing, _) => check.counted = None,
            (_, Count::Just(FORGERIES)) => self.begin_count(),
            (_, Count::Just(n)) => (check.made, check.counted) = (check.made + 1, Some(n)),
            (_, Count::Nonsense) => (check.made, check.counted) = (check.made + 1, Some(FORGERIES + 1)),
        }
    }

    fn begin_count(&mut self) {
        let mut ports = self.unfinished(self.at);
        for last in (1..ports.len()).rev() {
            ports.swap(last, self.rng.below(last as u64 + 1) as usize);
        }
        let tries = self.setup.retry.map_or(2 + self.lost as u32, |retry| retry + 1);
        self.course = Course::Count(Box::new(Groups::new(ports, tries, self.lost > 0)));
    }

    pub(super) fn take_decided(&mut self) {
        let Course::Count(groups) = &mut self.course else { return };
        let decided: Vec<_> = std::iter::from_fn(|| groups.take_decided()).collect();
        for it in decided {
            let verdict = if it.is_open {
                Verdict {
                    by: Some(self.zombie.addr),
                    ttl: self.reset.0,
                    packet: self.reset.1.clone(),
                    ..Verdict::silent(State::Open, Reason::IpidChange)
                }
            } else {
                Verdict::silent(State::ClosedFiltered, Reason::NoIpidChange)
            };
            self.settle(it.port, verdict, it.tries);
        }
    }
}
