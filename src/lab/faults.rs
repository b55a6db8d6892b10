//! What a cable does to the frames on it: delay, loss, duplicates, a changed order. All from the seed.

use std::time::Duration;

use serde::Deserialize;

use crate::base::Rng;

/// How the cable of one host treats every frame, to the host and from it alike.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Time on the way, one way, in microseconds.
    pub delay_us: u32,
    /// Up to this much more, drawn for each frame, in microseconds. Frames may overtake each other.
    pub jitter_us: u32,
    /// Probability that a frame is lost, 0 to 1.
    #[serde(deserialize_with = "probability")]
    pub loss: f64,
    /// Probability that a frame comes twice, 0 to 1.
    #[serde(deserialize_with = "probability")]
    pub duplicate: f64,
    /// Probability that a frame is held back by [`Faults::HOLD`], so that later ones come first, 0 to 1.
    #[serde(deserialize_with = "probability")]
    pub reorder: f64,
}

impl Default for Faults {
    /// A sound cable: 150 µs each way, so an answer takes 0.3 ms.
    fn default() -> Self {
        Self { delay_us: 150, ..Self::NONE }
    }
}

impl Faults {
    /// No fault, and no time on the way.
    pub const NONE: Self = Self { delay_us: 0, jitter_us: 0, loss: 0.0, duplicate: 0.0, reorder: 0.0 };

    /// How long a reordered frame is held back, beside its delay.
    pub const HOLD: Duration = Duration::from_millis(2);

    /// The times on the way of the copies of one frame that come out of the cable: none, one or two.
    pub(super) fn cross(&self, rng: &mut Rng) -> impl Iterator<Item = Duration> + use<> {
        let copies = if rng_says(rng, self.loss) { 0 } else { 1 + usize::from(rng_says(rng, self.duplicate)) };
        let mut spans = [Duration::ZERO; 2];
        for span in &mut spans[..copies] {
            *span = Duration::from_micros(u64::from(self.delay_us));
            if self.jitter_us > 0 {
                *span += Duration::from_nanos(rng.below(u64::from(self.jitter_us) * 1000 + 1));
            }
            if rng_says(rng, self.reorder) {
                *span += Self::HOLD;
            }
        }
        spans.into_iter().take(copies)
    }
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

    fn spans(faults: Faults) -> Vec<Duration> {
        let mut rng = Rng::new(4);
        (0..1000).flat_map(|_| faults.cross(&mut rng)).collect()
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
