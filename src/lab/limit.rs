//! A rate limit: a bucket of tokens that fills with time.

use std::time::Duration;

use super::plan::Limit;
use crate::base::Time;

/// The bucket, held as the time at which it will be full again (the generic cell rate algorithm, ITU-T I.371).
#[derive(Clone, Copy, Debug)]
pub(super) struct Limiter {
    each: Duration,
    depth: Duration,
    full_at: Time,
    /// What is left of a bucket that nothing fills.
    last: Option<u32>,
}

impl Limiter {
    pub(super) fn new(limit: Limit) -> Self {
        let each = Duration::from_secs(1).checked_div(limit.per_second).unwrap_or(Duration::MAX);
        let last = (limit.per_second == 0).then_some(limit.burst);
        Self { each, depth: each.saturating_mul(limit.burst), full_at: Time::ZERO, last }
    }

    /// Takes one token, if there is one at `now`.
    pub(super) fn allows(&mut self, now: Time) -> bool {
        if let Some(last) = &mut self.last {
            let left = last.checked_sub(1);
            *last = left.unwrap_or(0);
            return left.is_some();
        }
        let full_at = self.full_at.max(now) + self.each;
        let allowed = full_at - now <= self.depth;
        if allowed {
            self.full_at = full_at;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nothing_fills_runs_dry() {
        for burst in [0, 1, 5] {
            let mut limiter = Limiter::new(Limit { burst, per_second: 0 });
            let passed = (0..100).filter(|&second| limiter.allows(Time::ZERO + Duration::from_secs(second))).count();
            assert_eq!(passed, burst as usize);
        }
    }

    #[test]
    fn a_burst_passes_and_then_one_each_second() {
        let mut limiter = Limiter::new(Limit { burst: 6, per_second: 1 });
        let start = Time::from_nanos(5);
        assert_eq!((0..20).filter(|_| limiter.allows(start)).count(), 6);
        assert!(!limiter.allows(start + Duration::from_millis(999)));
        assert!(limiter.allows(start + Duration::from_secs(1)));
        assert!(!limiter.allows(start + Duration::from_secs(1)));
    }
}
