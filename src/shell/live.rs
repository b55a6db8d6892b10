//! The live line of a running scan, on standard error where that is a terminal.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::text::escape;
use crate::scan::{News, Pace, Scan, Watch};

/// More kinds than this are counted, not named.
const MOST_KINDS: usize = 3;

/// Before this nothing is said of the time left: ports that answer are decided sooner than silent ones.
const ENOUGH: Duration = Duration::from_secs(1);

/// The line. Clones are one.
#[derive(Clone, Default)]
pub(super) struct Live {
    shown: Rc<RefCell<Option<Shown>>>,
}

struct Shown {
    bar: ProgressBar,
    gauge: Gauge,
}

impl Live {
    /// Writes something else to the terminal: the line gives way, and comes back below it.
    pub(super) fn beside<T>(&self, write: impl FnOnce() -> T) -> T {
        let bar = self.shown.borrow().as_ref().map(|shown| shown.bar.clone());
        match bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&self) {
        if let Some(shown) = self.shown.take() {
            shown.bar.finish_and_clear();
        }
    }

    fn show(&self, scan: &Scan, pace: &Pace) {
        let mut shown = self.shown.borrow_mut();
        let Shown { bar, gauge } = shown.get_or_insert_with(|| Shown { bar: bar(), gauge: Gauge::default() });
        gauge.update(pace);
        bar.set_message(format!("{}  {}", about(scan), gauge.text(pace)));
    }
}

impl Watch for Live {
    fn news(&mut self, scan: &Scan, news: &News) {
        match news {
            News::Still(pace) => self.show(scan, pace),
            News::Begun | News::Ended => self.clear(),
            _ => (),
        }
    }
}

/// A bar that is only a message, cut to the width of the terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{wide_msg}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// `syn web.lab`, `syn, udp 256 hosts`.
fn about(scan: &Scan) -> String {
    let about = &scan.about;
    let kinds = match about.kinds.len() {
        0 => "ping".to_owned(),
        1..=MOST_KINDS => about.kinds.iter().map(|(kind, _)| kind.name).collect::<Vec<_>>().join(", "),
        many => format!("{many} kinds"),
    };
    let whom = match &scan.hosts[..] {
        [host] if about.targets <= 1 => host.name.as_ref().map_or_else(|| host.target.to_string(), ToString::to_string),
        _ => format!("{} hosts", thousands(about.targets)),
    };
    format!("{kinds} {}", escape(&whom))
}

/// How much is done and what is left, as shown: neither runs backwards.
#[derive(Default)]
struct Gauge {
    /// Percent, 99 at most: the end has a line of its own.
    percent: u64,
    /// The time left. When the estimate gets worse, it stays until the scan has caught up.
    left: Option<Duration>,
}

impl Gauge {
    fn update(&mut self, pace: &Pace) {
        let Pace { done, total, elapsed, .. } = *pace;
        let done = done.min(total);
        let percent = (u128::from(done) * 100).checked_div(u128::from(total)).unwrap_or(0);
        self.percent = self.percent.max(percent as u64).min(99);
        if elapsed >= ENOUGH && percent >= 1 {
            let share = (total - done) as f64 / done as f64;
            let left = Duration::try_from_secs_f64(elapsed.as_secs_f64() * share).unwrap_or(Duration::MAX);
            self.left = Some(self.left.map_or(left, |shown| shown.min(left)));
        }
    }

    /// `41%  3,210/s  17 open  8 s left`.
    fn text(&self, pace: &Pace) -> String {
        let seconds = pace.elapsed.as_secs_f64();
        let rate = if seconds > 0.0 { (pace.sent as f64 / seconds) as u64 } else { 0 };
        let left = self
            .left
            .filter(|left| left.as_secs() > 0)
            .map_or_else(String::new, |left| format!("  {} left", span(left)));
        format!("{}%  {}/s  {} open{left}", self.percent, thousands(rate), thousands(pace.open))
    }
}

/// Whole seconds, minutes, hours: `8 s`, `3 min 20 s`, `2 h 5 min`.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// `3,210`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pace(done: u64, total: u64, millis: u64) -> Pace {
        Pace { done, total, sent: done * 2, open: 17, elapsed: Duration::from_millis(millis) }
    }

    #[test]
    fn the_line_as_it_reads() {
        let rows = [
            (pace(0, 100, 0), "0%  0/s  17 open"),
            (pace(41, 100, 1000), "41%  82/s  17 open  1 s left"),
            (pace(9000, 90_000, 20_000), "10%  900/s  17 open  3 min 0 s left"),
            (pace(100_000, 1_000_000, 1_000_000), "10%  200/s  17 open  2 h 30 min left"),
            (pace(10_000, 10_000, 1000), "99%  20,000/s  17 open"),
            (pace(80, 1000, 900), "8%  177/s  17 open"),
        ];
        for (pace, wanted) in rows {
            let mut gauge = Gauge::default();
            gauge.update(&pace);
            assert_eq!(gauge.text(&pace), wanted);
        }
    }

    proptest! {
        /// Also when the total grows, and work that was done is undone.
        #[test]
        fn nothing_runs_backwards(steps in prop::collection::vec((any::<u64>(), any::<u64>(), 0..1_u64 << 40), 1..50)) {
            let mut gauge = Gauge::default();
            let mut before = (0, Duration::MAX);
            let mut millis = 0;
            for (done, total, more) in steps {
                millis += more;
                gauge.update(&Pace { done, total, sent: done, open: done, elapsed: Duration::from_millis(millis) });
                let now = (gauge.percent, gauge.left.unwrap_or(Duration::MAX));
                prop_assert!(now.0 >= before.0 && now.0 <= 99 && now.1 <= before.1, "{before:?} then {now:?}");
                before = now;
            }
        }
    }
}
