//! How long to wait, and how much to have on the way: round trips, the window, the templates.

use std::time::Duration;

use crate::base::Time;

/// A timing template, Nmap's T0 to T5 (its reference guide, "Timing and Performance").
#[derive(Debug, PartialEq)]
pub struct Timing {
    /// `T0` to `T5`.
    pub letter: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The wait for an answer before any round trip is known, and its bounds.
    pub initial: Duration,
    /// See `initial`.
    pub least: Duration,
    /// See `initial`.
    pub most: Duration,
    /// How often a probe is sent again at most.
    pub retries: u32,
    /// The time between two probes.
    pub delay: Duration,
    /// Probes on the way at most.
    pub window: u32,
    /// After this time a host is given up, with what it has.
    pub host: Option<Duration>,
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const NORMAL: Timing = Timing {
    letter: "T3",
    name: "normal",
    initial: ms(1000),
    least: ms(100),
    most: ms(10_000),
    retries: 10,
    delay: Duration::ZERO,
    window: 2048,
    host: None,
};

/// All templates, from T0 to T5.
pub static TIMINGS: &[Timing] = &[
    Timing {
        letter: "T0",
        name: "paranoid",
        initial: ms(300_000),
        most: ms(300_000),
        delay: ms(300_000),
        window: 1,
        ..NORMAL
    },
    Timing {
        letter: "T1",
        name: "sneaky",
        initial: ms(15_000),
        most: ms(15_000),
        delay: ms(15_000),
        window: 1,
        ..NORMAL
    },
    Timing { letter: "T2", name: "polite", delay: ms(400), window: 1, ..NORMAL },
    NORMAL,
    Timing { letter: "T4", name: "aggressive", initial: ms(500), most: ms(1250), retries: 6, ..NORMAL },
    Timing {
        letter: "T5",
        name: "insane",
        initial: ms(250),
        least: ms(50),
        most: ms(300),
        retries: 2,
        host: Some(Duration::from_mins(15)),
        ..NORMAL
    },
];

impl Timing {
    /// The template of this name, letter or number: `polite`, `T2`, `2`.
    pub fn named(text: &str) -> Option<&'static Self> {
        TIMINGS.iter().find(|t| t.name == text || t.letter.eq_ignore_ascii_case(text) || &t.letter[1..] == text)
    }

    /// The usual one.
    pub fn normal() -> &'static Self {
        &TIMINGS[3]
    }
}

/// Round trips, smoothed as TCP smooths them (RFC 6298 section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Rtt {
    /// The smoothed round trip and its variation.
    known: Option<(Duration, Duration)>,
}

impl Rtt {
    pub(super) fn of(known: Option<(Duration, Duration)>) -> Self {
        Self { known }
    }

    /// Takes a measured round trip in.
    pub(super) fn sample(&mut self, rtt: Duration) {
        self.known = Some(match self.known {
            None => (rtt, rtt / 2),
            Some((smooth, variation)) => {
                let error = rtt.abs_diff(smooth);
                ((smooth * 7 + rtt) / 8, (variation * 3 + error) / 4)
            }
        });
    }

    pub(super) fn known(self) -> Option<(Duration, Duration)> {
        self.known
    }

    /// How long to wait for an answer; `group` stands in where this host has not answered yet.
    pub(super) fn timeout(self, group: Self, timing: &Timing) -> Duration {
        match self.known.or(group.known) {
            Some((smooth, variation)) => (smooth + variation * 4).clamp(timing.least, timing.most),
            None => timing.initial,
        }
    }
}

/// How many probes may be on the way: grown by answers, halved by proof of a loss, as TCP does (RFC 5681).
#[derive(Clone, Debug)]
pub(super) struct Window {
    size: f64,
    threshold: f64,
    most: f64,
    /// No second halving before this: one loss shows itself in many answers.
    calm_until: Time,
}

impl Window {
    /// The first window: what a switch or a home router takes without a thought.
    const FIRST: f64 = 32.0;
    /// The same towards a host that is near: nothing stands between that could overflow but its own card, and a
    /// thousand probes in the least wait for an answer are ten thousand a second.
    const FIRST_NEAR: f64 = 1000.0;
    /// A round trip up to this is near: one link, or a few of them in one building.
    const NEAR: Duration = Duration::from_millis(2);

    /// At most `most` probes on the way; fewer at first, by the round trip if it is known.
    pub(super) fn new(most: u32, rtt: Rtt) -> Self {
        let most = f64::from(most.max(1));
        let is_near = rtt.known.is_some_and(|(rtt, _)| rtt <= Self::NEAR);
        let first = if is_near { Self::FIRST_NEAR } else { Self::FIRST };
        Self { size: first.min(most), threshold: most, most, calm_until: Time::ZERO }
    }

    pub(super) fn has_room(&self, on_the_way: usize) -> bool {
        (on_the_way as f64) < self.size
    }

    /// An answer came, or a port is silent for good while nothing was lost: there is room for more.
    pub(super) fn grow(&mut self) {
        let step = if self.size < self.threshold { 1.0 } else { 1.0 / self.size };
        self.size = (self.size + step).min(self.most);
    }

    /// A probe or its answer was lost: an answer came to a second try. What is lost by chance, and not for want of
    /// room, must not stop all: it stays at the first size.
    pub(super) fn shrink(&mut self, now: Time, rtt: Duration) {
        if now >= self.calm_until {
            self.threshold = (self.size / 2.0).max(Self::FIRST.min(self.most));
            self.size = self.threshold;
            self.calm_until = now + rtt;
        }
    }
}

/// How much is lost on the way to a host and back, by the tries that were answered.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loss {
    first: u32,
    all: u32,
}

impl Loss {
    /// So many answering ports may seem silent, for another try and for a word of warning.
    const RISKS: (f64, f64) = (0.0001, 0.01);
    /// More tries than any template allows.
    const MOST: u32 = 64;

    /// A port was answered at this try, from 0.
    pub(super) fn answered(&mut self, attempt: u32) {
        self.all += 1;
        self.first += u32::from(attempt == 0);
    }

    /// The share of the first tries that was lost, rather too much than too little where few answers tell of it.
    pub(super) fn share(self) -> f64 {
        (f64::from(self.all - self.first) + 0.5) / (f64::from(self.all) + 2.0)
    }

    /// How many ports that would answer have lost so many tries, as is to be expected by those that did answer.
    fn lost(self, share: f64, tries: u32) -> f64 {
        f64::from(self.all) * share.powf(f64::from(tries))
    }

    /// Whether silence at so many tries may be chance.
    pub(super) fn is_unsure(self, tries: u32) -> bool {
        self.all > self.first && self.lost(self.share(), tries) > Self::RISKS.1
    }

    /// The tries after which silence of so many ports is no chance, even if the share is larger by its standard error.
    /// Without a sign of loss, silence of many is a filter's, and that of a few among many answers might be the sign.
    pub(super) fn tries(self, silent: u32) -> u32 {
        if self.all == self.first && silent.saturating_mul(4) > self.all {
            return 1;
        }
        let share = self.share();
        let high = share + (share * (1.0 - share) / f64::from(self.all.max(1))).sqrt();
        (1..Self::MOST).find(|&tries| self.lost(high, tries) <= Self::RISKS.0).unwrap_or(Self::MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_have_three_names() {
        for (at, timing) in TIMINGS.iter().enumerate() {
            for name in [timing.name, timing.letter, &at.to_string()] {
                assert_eq!(Timing::named(name), Some(timing));
            }
        }
        assert_eq!(Timing::named("T6"), None);
        assert_eq!(Timing::normal().name, "normal");
    }

    #[test]
    fn a_timeout_follows_the_round_trips_within_its_bounds() {
        let (none, timing) = (Rtt::default(), Timing::normal());
        assert_eq!(none.timeout(none, timing), ms(1000));
        let mut far = Rtt::default();
        far.sample(ms(200));
        assert_eq!(far.timeout(none, timing), ms(600));
        assert_eq!(none.timeout(far, timing), ms(600), "a host without an answer is waited for as the others are");
        for _ in 0..50 {
            far.sample(ms(1));
        }
        assert_eq!(far.timeout(none, timing), ms(100));
    }
}
