//! A [`Link`] with the faults of a bad network, from a seed: tests run jobs through it.

use std::time::Duration;

use super::{Checksum, Event, Frame, Link, LinkInfo, Medium, NetError, Polled, Stats, Via};
use crate::base::{Rng, Time};

/// What goes wrong. The default is nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Faults {
    /// Probability that a frame is lost, each way.
    pub loss: f64,
    /// Probability that a frame comes in twice.
    pub duplication: f64,
    /// Frames come in later by up to this: those near each other change places.
    pub delay: Duration,
}

/// A link and its faults.
pub struct Faulty {
    link: Box<dyn Link>,
    faults: Faults,
    rng: Rng,
    /// Frames on their way, by the time when they are due.
    late: Vec<Late>,
}

/// A frame kept for later.
struct Late {
    due: Time,
    bytes: Vec<u8>,
    iface: u32,
    medium: Medium,
    outgoing: bool,
    vlan: Option<u32>,
    wire_len: usize,
    checksum: Checksum,
}

impl Faulty {
    /// Adds `faults` to `link`; the same seed gives the same ones.
    pub fn new(link: Box<dyn Link>, faults: Faults, seed: u64) -> Self {
        Self { link, faults, rng: Rng::new(seed), late: Vec::new() }
    }

    /// Hands over what is due at `now`, earliest first.
    fn deliver(&mut self, now: Time, on: &mut dyn FnMut(Event<'_>)) -> bool {
        let due = self.late.partition_point(|late| late.due <= now);
        for late in self.late.drain(..due) {
            on(Event::Heard(late.frame()));
        }
        due > 0
    }
}

impl Link for Faulty {
    fn about(&self) -> &LinkInfo {
        self.link.about()
    }

    fn now(&self) -> Time {
        self.link.now()
    }

    fn send(&mut self, via: Via, bytes: &[u8], token: u64) -> Result<(), NetError> {
        if self.rng.chance(self.faults.loss) { Ok(()) } else { self.link.send(via, bytes, token) }
    }

    fn poll(&mut self, until: Time, on: &mut dyn FnMut(Event<'_>)) -> Result<Polled, NetError> {
        loop {
            let now = self.link.now();
            if self.deliver(now, on) {
                return Ok(Polled::Some);
            }
            let wake = self.late.first().map_or(until, |late| late.due.min(until));
            let (faults, rng, late, mut told) = (self.faults, &mut self.rng, &mut self.late, false);
            let polled = self.link.poll(wake, &mut |event| match event {
                Event::Heard(frame) => take(faults, rng, late, &frame),
                event @ (Event::Failed { .. } | Event::Connected { .. } | Event::Refused { .. }) => {
                    told = true;
                    on(event);
                }
            })?;
            match polled {
                _ if told => return Ok(Polled::Some),
                Polled::Timeout if wake == until => {
                    return Ok(if self.deliver(until, on) { Polled::Some } else { Polled::Timeout });
                }
                Polled::Never if self.late.is_empty() => return Ok(polled),
                Polled::Interrupted => return Ok(polled),
                Polled::Some | Polled::Timeout | Polled::Never => {}
            }
        }
    }

    fn resume(&mut self) -> Result<(), NetError> {
        self.late.clear();
        self.link.resume()
    }

    fn pause(&mut self) -> Result<(), NetError> {
        self.link.pause()
    }

    fn stats(&mut self) -> Stats {
        self.link.stats()
    }
}

/// Loses the frame, or keeps it once or twice until it is due.
fn take(faults: Faults, rng: &mut Rng, late: &mut Vec<Late>, frame: &Frame<'_>) {
    if rng.chance(faults.loss) {
        return;
    }
    for _ in 0..=u8::from(rng.chance(faults.duplication)) {
        let due = frame.at + Duration::from_nanos(rng.between(0, faults.delay.as_nanos() as u64));
        let place = late.partition_point(|other| other.due <= due);
        late.insert(place, Late::keep(due, frame));
    }
}

impl Late {
    fn keep(due: Time, frame: &Frame<'_>) -> Self {
        let &Frame { bytes, at: _, iface, medium, outgoing, vlan, wire_len, checksum } = frame;
        Self { due, bytes: bytes.to_vec(), iface, medium, outgoing, vlan, wire_len, checksum }
    }

    fn frame(&self) -> Frame<'_> {
        let &Self { due: at, ref bytes, iface, medium, outgoing, vlan, wire_len, checksum } = self;
        Frame { bytes, at, iface, medium, outgoing, vlan, wire_len, checksum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hears a frame every microsecond, with its number in it; its time jumps.
    struct Ticking {
        about: LinkInfo,
        now: Time,
        next: u8,
    }

    impl Link for Ticking {
        fn about(&self) -> &LinkInfo {
            &self.about
        }

        fn now(&self) -> Time {
            self.now
        }

        fn send(&mut self, _: Via, _: &[u8], _: u64) -> Result<(), NetError> {
            Ok(())
        }

        fn poll(&mut self, until: Time, on: &mut dyn FnMut(Event<'_>)) -> Result<Polled, NetError> {
            let at = Time::from_nanos(1000 * (i64::from(self.next) + 1));
            if at > until || self.next == 100 {
                self.now = until;
                return Ok(Polled::Timeout);
            }
            self.now = at;
            let (bytes, checksum) = (&[self.next][..], Checksum::Ready);
            let (medium, outgoing, vlan) = (Medium::Ip, false, None);
            on(Event::Heard(Frame { bytes, at, iface: 1, medium, outgoing, vlan, wire_len: 1, checksum }));
            self.next += 1;
            Ok(Polled::Some)
        }
    }

    /// The numbers heard until 1 ms, in their order.
    fn heard(faults: Faults, seed: u64) -> Vec<u8> {
        let about = LinkInfo { world: "lab", wall_zero: 0 };
        let mut link = Faulty::new(Box::new(Ticking { about, now: Time::ZERO, next: 0 }), faults, seed);
        let (mut numbers, mut last) = (Vec::new(), Time::ZERO);
        while link
            .poll(Time::from_nanos(1_000_000), &mut |event| {
                let Event::Heard(frame) = event else { return };
                assert!(frame.at >= last, "time goes forward");
                last = frame.at;
                numbers.push(frame.bytes[0]);
            })
            .is_ok_and(|p| p == Polled::Some)
        {}
        numbers
    }

    #[test]
    fn each_fault_does_what_it_says_and_the_seed_decides() {
        let all: Vec<u8> = (0..100).collect();
        assert_eq!(heard(Faults::default(), 1), all);
        let lossy = heard(Faults { loss: 0.3, ..Faults::default() }, 1);
        assert!((50..90).contains(&lossy.len()) && lossy.is_sorted());
        assert!(heard(Faults { loss: 1.0, ..Faults::default() }, 1).is_empty());
        let doubled = heard(Faults { duplication: 1.0, ..Faults::default() }, 1);
        assert_eq!((doubled.len(), &doubled[..4]), (200, &[0, 0, 1, 1][..]));
        let late = Faults { delay: Duration::from_micros(5), ..Faults::default() };
        let mut delayed = heard(late, 1);
        assert!(!delayed.is_sorted());
        assert_eq!(delayed, heard(late, 1), "the same seed");
        assert_ne!(delayed, heard(late, 2), "another seed");
        delayed.sort_unstable();
        assert_eq!(delayed, all);
    }
}
