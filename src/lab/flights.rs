//! What will happen, in the order of time: at one time, what was planned first comes first.
//!
//! Most of a burst arrives at the same time, so what has one time lies in one queue, and the queues in a tree.

use std::collections::{BTreeMap, VecDeque};

use super::nets::Segment;
use crate::base::Time;

/// Something that will happen to one host.
pub(super) struct Flight {
    /// Which one, by its place among the hosts.
    pub(super) to: usize,
    pub(super) cargo: Cargo,
}

/// What happens to it.
pub(super) enum Cargo {
    /// A frame arrives by this cable.
    Frame(Segment, Vec<u8>),
    /// A frame between two others passes, which only captures see.
    Overheard(Vec<u8>),
    /// It acts of its own accord, if it still wants to.
    Wake,
}

/// All that will happen.
#[derive(Default)]
pub(super) struct Flights {
    /// By time; no queue is empty.
    queues: BTreeMap<Time, VecDeque<Flight>>,
    count: usize,
    /// Empty queues, to be used again.
    free: Vec<VecDeque<Flight>>,
}

impl Flights {
    /// Empty queues that are kept, and how long they may have been.
    const KEPT: usize = 64;
    const LONGEST_KEPT: usize = 4096;

    /// Adds one behind all others of its time.
    pub(super) fn push(&mut self, at: Time, flight: Flight) {
        self.count += 1;
        let free = &mut self.free;
        self.queues.entry(at).or_insert_with(|| free.pop().unwrap_or_default()).push_back(flight);
    }

    /// The next one, and when it comes.
    pub(super) fn peek(&self) -> Option<(Time, &Flight)> {
        let (at, queue) = self.queues.first_key_value()?;
        Some((*at, queue.front()?))
    }

    /// Takes the next one away.
    pub(super) fn pop(&mut self) -> Option<(Time, Flight)> {
        let mut first = self.queues.first_entry()?;
        let (at, flight) = (*first.key(), first.get_mut().pop_front()?);
        self.count -= 1;
        if first.get().is_empty() {
            let queue = first.remove();
            if self.free.len() < Self::KEPT && queue.capacity() <= Self::LONGEST_KEPT {
                self.free.push(queue);
            }
        }
        Some((at, flight))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_comes_first_and_of_equals_the_first() {
        let mut flights = Flights::default();
        for (to, at) in [5, 3, 5, 4, 3, 5].into_iter().enumerate() {
            flights.push(Time::from_nanos(at), Flight { to, cargo: Cargo::Wake });
        }
        assert_eq!(flights.peek().map(|(at, flight)| (at.nanos(), flight.to)), Some((3, 1)));
        let order: Vec<usize> = std::iter::from_fn(|| flights.pop()).map(|(_, flight)| flight.to).collect();
        assert_eq!((order, flights.len()), (vec![1, 4, 3, 0, 2, 5], 0));
    }
}
