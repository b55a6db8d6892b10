//! A random order of numbers without a list of them: a keyed permutation.

use super::rng::mix;

/// Rounds. Four make a Feistel network look like chance (Luby and Rackoff 1988); it must be an even number.
const ROUNDS: u64 = 4;

/// The numbers from 0 to `count - 1`, each once, in an order that `key` decides. It takes no memory: it is a Feistel
/// network on the least number of bits that hold all of them, walked until it comes back among them (Black and Rogaway
/// 2002), which takes less than two steps on average. The same on every machine and in every version, and no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    count: u64,
    key: u64,
    /// Bits of the two halves.
    high: u32,
    low: u32,
}

impl Walk {
    /// The order of `count` numbers under `key`.
    pub const fn new(count: u64, key: u64) -> Self {
        let bits = match count.checked_sub(1) {
            Some(last) => u64::BITS - last.leading_zeros(),
            None => 0,
        };
        Self { count, key, high: bits / 2, low: bits - bits / 2 }
    }

    /// How many numbers there are.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The number at `place`, counted from 0; beyond the last one, `place` itself.
    pub const fn at(&self, place: u64) -> u64 {
        if place >= self.count {
            return place;
        }
        // A permutation's circle comes back to where it began, so it comes back among the numbers.
        let mut number = self.permute(place);
        while number >= self.count {
            number = self.permute(number);
        }
        number
    }

    /// A permutation of all numbers of so many bits: halves of unlike width take turns.
    const fn permute(&self, number: u64) -> u64 {
        let (mut high, mut low) = (number >> self.low, number & ones(self.low));
        let mut round = 0;
        while round < ROUNDS {
            high ^= self.draw(round, low) & ones(self.high);
            low ^= self.draw(round + 1, high) & ones(self.low);
            round += 2;
        }
        high << self.low | low
    }

    const fn draw(&self, round: u64, half: u64) -> u64 {
        mix(mix(self.key ^ half).wrapping_add(self.key.rotate_left(32)) ^ round << 56)
    }
}

/// So many low bits, fewer than 64.
const fn ones(bits: u32) -> u64 {
    (1 << bits) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(count: u64, key: u64) -> Vec<u64> {
        (0..count).map(|place| Walk::new(count, key).at(place)).collect()
    }

    #[test]
    fn every_number_comes_once() {
        let powers = (4..17).flat_map(|bits| [(1 << bits) - 1, 1 << bits, (1 << bits) + 1]);
        // Small ones all, primes and products among them, then those around powers of two, and the ports.
        for count in (0..400).chain(powers).chain([997, 65_521, 65_535, 100_000]) {
            for key in [0, 1, u64::MAX] {
                let mut seen = order(count, key);
                seen.sort_unstable();
                assert!(seen.into_iter().eq(0..count), "{count} numbers, key {key}");
            }
        }
    }

    #[test]
    fn large_walks_stay_among_their_numbers_and_do_not_repeat() {
        for count in [1 << 40, (1 << 40) + 1, u64::MAX, (1 << 63) + 1] {
            let walk = Walk::new(count, 7);
            let mut seen: Vec<u64> = (0..10_000).map(|place| walk.at(place)).collect();
            assert!(seen.iter().all(|number| *number < count), "{count}");
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), 10_000, "{count}");
        }
    }

    #[test]
    fn the_order_hangs_on_the_key_and_is_the_same_everywhere() {
        assert_eq!(order(10, 1), [3, 7, 2, 8, 0, 9, 6, 4, 1, 5]);
        assert_ne!(order(1000, 1), order(1000, 2));
        assert_ne!(order(1000, 1), order(1000, 1 << 63));
    }

    #[test]
    fn the_order_looks_like_chance() {
        // As in any random order of a thousand: about one number stays where it was, about one follows its neighbor,
        // and each tenth of the places has about a tenth of each tenth of the numbers.
        for key in 0..20 {
            let order = order(1000, key);
            let fixed = order.iter().enumerate().filter(|(place, number)| *place as u64 == **number).count();
            let pairs = order.windows(2).filter(|pair| pair[0] + 1 == pair[1]).count();
            assert!(fixed <= 8 && pairs <= 8, "key {key}: {fixed} stay, {pairs} follow");
            for places in order.chunks(100) {
                let mut tenths = [0; 10];
                for number in places {
                    tenths[(*number / 100) as usize] += 1;
                }
                assert!(tenths.iter().all(|count| (1..=26).contains(count)), "key {key}: {tenths:?}");
            }
        }
    }

    #[test]
    fn beyond_the_last_number_nothing_is_moved() {
        assert_eq!(Walk::new(0, 1).at(0), 0);
        assert_eq!(Walk::new(5, 1).at(5), 5);
    }
}
