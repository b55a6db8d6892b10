//! Points in time, as every job and link sees them.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};
use std::time::Duration;

/// A point in time: nanoseconds since the link's own zero, monotonic.
///
/// The wall time of zero is in [`LinkInfo`](crate::net::LinkInfo); only files are written in wall time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

impl Time {
    /// The link's zero.
    pub const ZERO: Self = Self(0);
    /// A time that never comes: the deadline of a wait without end.
    pub const NEVER: Self = Self(i64::MAX);

    /// From nanoseconds since the link's zero.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the link's zero.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Seconds since the link's zero.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    /// Saturates at [`Time::NEVER`].
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_nanos()).unwrap_or(i64::MAX)))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, span: Duration) {
        *self = *self + span;
    }
}

impl Sub for Time {
    type Output = Duration;

    /// The span from `earlier` to `self`; zero when `earlier` is the later one.
    fn sub(self, earlier: Self) -> Duration {
        Duration::from_nanos(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6} s", self.seconds())
    }
}

/// A span as people write it: `0.3 ms`, `2 s`, `45 µs`.
pub fn human(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    let (value, unit) = match seconds {
        s if s >= 1.0 => (s, "s"),
        s if s >= 1e-4 => (s * 1e3, "ms"),
        s => (s * 1e6, "µs"),
    };
    let text = format!("{value:.1}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_stays_never_and_spans_do_not_go_below_zero() {
        assert_eq!(Time::NEVER + Duration::from_secs(5), Time::NEVER);
        assert_eq!(Time::ZERO - Time::from_nanos(7), Duration::ZERO);
    }

    #[test]
    fn spans_read_as_people_write_them() {
        assert_eq!(human(Duration::from_secs(2)), "2 s");
        assert_eq!(human(Duration::from_micros(300)), "0.3 ms");
        assert_eq!(human(Duration::from_micros(45)), "45 µs");
    }
}
