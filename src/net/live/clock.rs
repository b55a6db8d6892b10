//! Monotonic time, and the kernel's wall-clock stamps turned into it.

use std::cell::Cell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::base::Time;

/// Readings of two clocks within this belong together.
const SAME: Duration = Duration::from_millis(1);
/// Nanoseconds that the wall clock is set by at least: smaller corrections are spread, over the monotonic clock too.
const STEP: u64 = 50_000_000;

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

    /// The same where someone may have set the wall clock meanwhile. It is taken over only when it was: two clocks cannot
    /// be read at once, and each time would move the stamps a little.
    pub(super) fn follow(&self) {
        let (before, wall, after) = (self.now(), wall(), self.now());
        let zero = wall - after.nanos();
        if after - before < SAME && zero.abs_diff(self.stamp_zero.get()) > STEP {
            self.stamp_zero.set(zero);
        }
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
    #[test]
    fn a_wall_clock_that_was_set_is_followed() {
        let clock = Clock::start();
        let right = clock.stamp_zero.get();
        for (off, wanted) in [(3_600_000_000_000, right), (-60_000_000_000, right), (7, right + 7)] {
            clock.stamp_zero.set(right + off);
            // More than once: a reading is not used when the thread was stopped within it.
            (0..1000).for_each(|_| clock.follow());
            assert!(clock.stamp_zero.get().abs_diff(wanted) <= SAME.as_nanos() as u64);
        }
        assert_eq!(clock.stamp_zero.get(), right + 7, "a small distance stays as it is");
    }
}
