//! Monotonic time, and the kernel's wall-clock stamps turned into it.

use std::cell::Cell;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::base::Time;

/// The clock of one world.
#[derive(Clone)]
pub(super) struct Clock {
    zero: Instant,
    wall_zero: i64,
    /// The wall time of zero as stamps need it now: someone may have set the wall clock since.
    stamp_zero: Cell<i64>,
}

impl Clock {
    /// A clock that shows [`Time::ZERO`] now.
    pub(super) fn start() -> Self {
        let (zero, wall_zero) = (Instant::now(), wall());
        Self { zero, wall_zero, stamp_zero: Cell::new(wall_zero) }
    }

    pub(super) fn now(&self) -> Time {
        Time::from_nanos(self.zero.elapsed().as_nanos() as i64)
    }

    /// Nanoseconds since 1970 at [`Time::ZERO`], as they were measured then.
    pub(super) fn wall_zero(&self) -> i64 {
        self.wall_zero
    }

    /// Measures the distance between the wall clock and ours anew, so that a clock that was set does not move stamps.
    pub(super) fn align(&self) {
        self.stamp_zero.set(wall() - self.now().nanos());
    }

    /// A kernel stamp (wall time) as our time, not above `ceiling`, which is a time read after the frame was there.
    pub(super) fn stamp(&self, seconds: u32, nanos: u32, ceiling: Time) -> Time {
        let wall = i64::from(seconds) * 1_000_000_000 + i64::from(nanos);
        Time::from_nanos(wall - self.stamp_zero.get()).clamp(Time::ZERO, ceiling)
    }
}

/// The wall clock in nanoseconds since 1970 UTC.
fn wall() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_keep_their_distance_and_never_lie_ahead() {
        let clock = Clock::start();
        let stamp = |nanos: i64, ceiling| {
            let wall = clock.wall_zero() + nanos;
            clock.stamp((wall / 1_000_000_000) as u32, (wall % 1_000_000_000) as u32, Time::from_nanos(ceiling))
        };
        assert_eq!(stamp(1500, 2000), Time::from_nanos(1500));
        assert_eq!(stamp(2500, 2000), Time::from_nanos(2000));
        assert_eq!(stamp(-9, 2000), Time::ZERO);
    }
}
