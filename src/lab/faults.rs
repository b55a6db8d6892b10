//! What a cable does to the frames on it: delay, loss, duplicates, a changed order, a limit of its rate. All from the seed.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::limit::Limiter;
use super::plan::Limit;
use crate::base::{Rng, Time};

/// How a cable treats every frame: that of one host, to the host and from it alike, or that of a network.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Faults {
    /// Time on the way, one way, in microseconds.
    pub delay_us: u32,
    /// Up to this much more, drawn for each frame, in microseconds. Frames may overtake each other.
    pub jitter_us: u32,
    /// Probability that a frame is lost, 0 to 1.
    pub loss: f64,
    /// Probability that a frame comes twice, 0 to 1.
    pub duplicate: f64,
    /// Probability that a frame is held back by [`Faults::HOLD`], so that later ones come first, 0 to 1.
    pub reorder: f64,
    /// How many frames pass, each way; what is beyond is lost. None is no limit.
    pub rate: Option<Limit>,
}

/// The keys of a `link`; what is not said is as in a sound cable.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    delay_us: Option<u32>,
    #[serde(default)]
    jitter_us: u32,
    #[serde(default, deserialize_with = "probability")]
    loss: f64,
    #[serde(default, deserialize_with = "probability")]
    duplicate: f64,
    #[serde(default, deserialize_with = "probability")]
    reorder: f64,
    rate: Option<Limit>,
}

impl Keys {
    /// With the delay of `sound` when there is none.
    fn over(self, sound: Faults) -> Faults {
        let Self { delay_us, jitter_us, loss, duplicate, reorder, rate } = self;
        Faults { delay_us: delay_us.unwrap_or(sound.delay_us), jitter_us, loss, duplicate, reorder, rate }
    }
}

impl<'de> Deserialize<'de> for Faults {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        Ok(Keys::deserialize(input)?.over(Self::default()))
    }
}

/// Reads the `link` of a network, which takes no time unless it says so.
pub(super) fn of_net<'de, D: Deserializer<'de>>(input: D) -> Result<Faults, D::Error> {
    Ok(Keys::deserialize(input)?.over(Faults::NONE))
}

/// The cable of a network that says nothing of it.
pub(super) fn none() -> Faults {
    Faults::NONE
}

impl Default for Faults {
    /// A sound cable: 150 µs each way, so an answer takes 0.3 ms.
    fn default() -> Self {
        Self { delay_us: 150, ..Self::NONE }
    }
}

impl Faults {
    /// No fault, and no time on the way.
    pub const NONE: Self = Self { delay_us: 0, jitter_us: 0, loss: 0.0, duplicate: 0.0, reorder: 0.0, rate: None };

    /// How long a reordered frame is held back, beside its delay.
    pub const HOLD: Duration = Duration::from_millis(2);

    /// What comes out of the cable of one frame.
    fn cross(&self, rng: &mut Rng) -> Copies {
        let count = if rng_says(rng, self.loss) { 0 } else { 1 + usize::from(rng_says(rng, self.duplicate)) };
        let mut spans = [Duration::ZERO; 2];
        for span in &mut spans[..count] {
            *span = Duration::from_micros(u64::from(self.delay_us));
            if self.jitter_us > 0 {
                *span += Duration::from_nanos(rng.below(u64::from(self.jitter_us) * 1000 + 1));
            }
            if rng_says(rng, self.reorder) {
                *span += Self::HOLD;
            }
        }
        Copies { spans, count }
    }
}

/// The copies of a frame that come out of a cable: none, one or two, each with its time on the way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Copies {
    spans: [Duration; 2],
    count: usize,
}

impl Copies {
    /// The times on the way.
    pub(super) fn spans(&self) -> &[Duration] {
        &self.spans[..self.count]
    }
}

/// A cable with its state.
#[derive(Clone, Debug)]
pub(super) struct Cable {
    faults: Faults,
    /// The limit of its rate, in both directions.
    buckets: [Option<Limiter>; 2],
    rng: Rng,
}

impl Cable {
    /// A new cable, with dice of its own.
    pub(super) fn new(faults: Faults, rng: Rng) -> Self {
        Self { faults, buckets: [faults.rate.map(Limiter::new); 2], rng }
    }

    /// Changes what it does from now on.
    pub(super) fn set(&mut self, faults: Faults) {
        *self = Self::new(faults, self.rng.clone());
    }

    /// The time on the way that every frame takes.
    pub(super) fn delay(&self) -> Duration {
        Duration::from_micros(u64::from(self.faults.delay_us))
    }

    /// What comes out of one frame at the other end.
    pub(super) fn cross(&mut self, to: Toward, now: Time) -> Copies {
        let passes = self.buckets[to as usize].as_mut().is_none_or(|bucket| bucket.allows(now));
        if passes { self.faults.cross(&mut self.rng) } else { Copies::default() }
    }
}

/// The two directions of a cable.
#[derive(Clone, Copy, Debug)]
pub(super) enum Toward {
    Host,
    Net,
}

/// Draws only when there is something to draw for, so that one fault does not move the dice of another.
fn rng_says(rng: &mut Rng, probability: f64) -> bool {
    probability > 0.0 && rng.chance(probability)
}

fn probability<'de, D: serde::Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
    let value = f64::deserialize(input)?;
    if (0.0..=1.0).contains(&value) {
        return Ok(value);
    }
    Err(serde::de::Error::custom(format!("a probability is 0.0 to 1.0, not {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cable_with_a_rate_passes_its_burst_each_way() {
        let rate = Some(Limit { burst: 3, per_second: 2 });
        let mut cable = Cable::new(Faults { rate, ..Faults::NONE }, Rng::new(1));
        let mut passed = |to, at| (0..9).filter(|_| !cable.cross(to, Time::from_nanos(at)).spans().is_empty()).count();
        assert_eq!((passed(Toward::Host, 0), passed(Toward::Net, 0)), (3, 3));
        assert_eq!(passed(Toward::Host, 1_000_000_000), 2, "two more a second");
    }

    fn spans(faults: Faults) -> Vec<Duration> {
        let mut rng = Rng::new(4);
        (0..1000).flat_map(|_| faults.cross(&mut rng).spans().to_vec()).collect()
    }

    #[test]
    fn a_sound_cable_only_delays() {
        assert_eq!(spans(Faults::default()), vec![Duration::from_micros(150); 1000]);
    }

    #[test]
    fn every_fault_shows_at_about_its_rate() {
        let lost = spans(Faults { loss: 0.3, ..Faults::NONE });
        assert!((650..750).contains(&lost.len()), "{}", lost.len());
        let doubled = spans(Faults { duplicate: 0.1, ..Faults::NONE });
        assert!((1070..1130).contains(&doubled.len()), "{}", doubled.len());
        let held = spans(Faults { reorder: 0.5, ..Faults::NONE });
        assert!((450..550).contains(&held.iter().filter(|s| **s == Faults::HOLD).count()));
        let spread = spans(Faults { jitter_us: 10, ..Faults::NONE });
        assert!(spread.iter().all(|s| s.as_nanos() <= 10_000) && spread.iter().any(|s| s.as_nanos() > 9_000));
        assert!(spans(Faults { loss: 1.0, ..Faults::NONE }).is_empty());
    }
}
