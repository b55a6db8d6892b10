//! Which ports are asked together, and what their counts say: groups, halves, doubts. No packet, no time.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// What one measurement said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    /// So many packets did the zombie send because of ours, if nobody else made it speak.
    Just(u32),
    /// A question or its answer was lost, so that the number is not known.
    Unsure,
    /// A number that no packets of ours can have made.
    Nonsense,
}

/// A port that is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) port: u16,
    pub(super) is_open: bool,
    /// SYNs sent to it.
    pub(super) tries: u32,
}

/// Why the counting of a target was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The counts contradict one another: others make the zombie speak, too.
    Noise,
    /// Too many answers of the zombie are lost.
    Loss,
}

/// Ports of a first group, as Nmap takes.
const FIRST: f64 = 60.0;
/// The most of one group.
const MOST: f64 = 200.0;
/// The same, on a path that loses packets.
const MOST_LOSSY: f64 = 24.0;
/// Contradictions one after another until the zombie is given up.
const MOST_TROUBLES: u32 = 6;
/// Measurements one after another that said nothing.
const MOST_UNSURE: u32 = 40;
/// The most measurements of nothing that losses make necessary.
const MOST_SILENCES: u32 = 6;
/// How often ports that counted nothing are asked once more, because their group had counted more.
const MOST_RECHECKS: u32 = 2;
/// The wait that a contradiction adds to each measurement, and its limit.
const DELAY: Duration = Duration::from_millis(10);
/// See [`DELAY`].
const MOST_DELAY: Duration = Duration::from_millis(100);
/// The pause after a first contradiction; it grows with the square of their number.
const PAUSE: Duration = Duration::from_millis(250);

/// The counting of one target's ports.
pub(super) struct Groups {
    /// Not begun, the next at the end.
    fresh: Vec<u16>,
    group: Option<Group>,
    size: f64,
    most: f64,
    /// Measurements of nothing until a port is not open.
    silences: u32,
    /// Measurements until a port is open.
    proofs: u32,
    /// What was sent to the target, or came from it, was lost.
    is_lossy: bool,
    /// Halves of a group have counted at the first look: answers come in time.
    is_in_time: bool,
    troubles: u32,
    unsure: u32,
    /// Added to the wait of each measurement.
    pub(super) delay: Duration,
    /// To be waited for before the next measurement, once.
    pause: Duration,
    tries: BTreeMap<u16, u32>,
    decided: VecDeque<Decided>,
}

/// Ports that are decided together.
struct Group {
    ports: Vec<u16>,
    /// Those that are still to be measured, the next at the end.
    parts: Vec<Part>,
    open: Vec<u16>,
    shut: Vec<u16>,
    /// What all of them counted together.
    counted: u32,
    rechecks: u32,
    /// The zombie was silent while nothing was sent.
    is_checked: bool,
}

/// Ports that are measured together.
struct Part {
    ports: Vec<u16>,
    /// How often they counted nothing.
    silences: u32,
    /// How often each of them counted.
    proofs: u32,
}

impl Part {
    fn of(ports: Vec<u16>) -> Self {
        Self { ports, silences: 0, proofs: 0 }
    }
}

impl Groups {
    /// `ports` in the order in which they are asked; `tries` SYNs without effect say that a port is not open.
    pub(super) fn new(mut ports: Vec<u16>, tries: u32, is_lossy: bool) -> Self {
        ports.reverse();
        let most = if is_lossy { MOST_LOSSY } else { MOST };
        Self {
            fresh: ports,
            group: None,
            size: FIRST.min(most),
            most,
            silences: tries.max(1),
            proofs: 2,
            is_in_time: false,
            is_lossy,
            troubles: 0,
            unsure: 0,
            delay: Duration::ZERO,
            pause: Duration::ZERO,
            tries: BTreeMap::new(),
            decided: VecDeque::new(),
        }
    }

    /// The ports that get a SYN each before the zombie is asked; none to see that it is silent when nothing is sent.
    /// `None` when all is decided.
    pub(super) fn next(&mut self) -> Option<Vec<u16>> {
        loop {
            let Some(group) = &mut self.group else {
                if self.fresh.is_empty() {
                    return None;
                }
                let begin = self.fresh.len().saturating_sub(self.size as usize);
                let ports = self.fresh.split_off(begin);
                self.group = Some(Group::of(ports));
                continue;
            };
            if let Some(part) = group.parts.last() {
                for port in &part.ports {
                    *self.tries.entry(*port).or_default() += 1;
                }
                return Some(part.ports.clone());
            }
            let is_short = (group.open.len() as u32) < group.counted && !group.shut.is_empty();
            if is_short && group.rechecks < MOST_RECHECKS {
                group.rechecks += 1;
                group.parts.push(Part::of(std::mem::take(&mut group.shut)));
            } else if !group.open.is_empty() && !group.is_checked {
                return Some(Vec::new());
            } else {
                self.settle();
            }
        }
    }

    /// Whether the next measurement is a second look at what was silent.
    pub(super) fn is_second_look(&self) -> bool {
        self.group.as_ref().and_then(|group| group.parts.last()).is_some_and(|part| part.silences > 0)
    }

    /// Whether it is known that answers come in the time that is waited for them.
    pub(super) fn is_in_time(&self) -> bool {
        self.is_in_time
    }

    /// Whether what is sent to the target, or comes from it, gets lost.
    pub(super) fn is_lossy(&self) -> bool {
        self.is_lossy
    }

    /// The pause before the next measurement; asked for once.
    pub(super) fn take_pause(&mut self) -> Duration {
        std::mem::take(&mut self.pause)
    }

    /// The next port that is decided.
    pub(super) fn take_decided(&mut self) -> Option<Decided> {
        self.decided.pop_front()
    }

    /// What the ports of the last [`Groups::next`] counted.
    pub(super) fn counted(&mut self, count: Count) -> Result<(), Trouble> {
        let count = match count {
            Count::Just(count) => count,
            Count::Unsure => {
                self.unsure += 1;
                return if self.unsure > MOST_UNSURE { Err(Trouble::Loss) } else { Ok(()) };
            }
            Count::Nonsense => return self.contradiction(),
        };
        self.unsure = 0;
        let Some(group) = &mut self.group else { return Ok(()) };
        let Some(part) = group.parts.last_mut() else {
            group.is_checked = count == 0;
            return if count == 0 { Ok(()) } else { self.contradiction() };
        };
        let size = part.ports.len() as u32;
        if count > size {
            return self.contradiction();
        }
        if part.ports.len() < group.ports.len() {
            self.is_in_time |= count > 0 && part.silences == 0;
        } else if group.rechecks == 0 {
            group.counted = group.counted.max(count);
        }
        // What counts now and then has lost a SYN or its answer: silence is worth less from now on, and so is a count,
        // for what was lost is sent again later.
        let is_loss = if count == 0 { part.proofs > 0 } else { part.silences > 0 };
        if is_loss {
            self.silences = (self.silences + 1).min(self.silences.max(MOST_SILENCES));
            self.proofs = self.proofs.max(3);
            self.is_lossy = true;
        }
        if count == 0 {
            part.silences += 1;
            // What has counted before is asked more often: one silence is no reason to forget it.
            if part.silences >= self.silences + 2 * part.proofs {
                group.shut.append(&mut part.ports);
                group.parts.pop();
            }
        } else if count == size {
            part.proofs += 1;
            if part.proofs >= self.proofs {
                group.open.append(&mut part.ports);
                group.parts.pop();
            }
        } else if let Some(mut part) = group.parts.pop() {
            let half = part.ports.split_off(part.ports.len() / 2);
            group.parts.extend([Part::of(half), Part::of(part.ports)]);
        }
        Ok(())
    }

    /// Somebody else makes the zombie speak: the group is measured anew, smaller, slower, after a pause, and a port
    /// needs one more proof.
    fn contradiction(&mut self) -> Result<(), Trouble> {
        self.troubles += 1;
        self.unsure = 0;
        if self.troubles > MOST_TROUBLES {
            return Err(Trouble::Noise);
        }
        self.size = (self.size * 0.8).max(1.0);
        self.delay = (self.delay + DELAY).min(MOST_DELAY);
        self.proofs = (self.proofs + 1).min(4);
        self.is_lossy = true;
        self.pause = PAUSE * self.troubles * self.troubles;
        if let Some(group) = self.group.take() {
            self.fresh.extend(group.ports);
        }
        Ok(())
    }

    /// All ports of the group are decided.
    fn settle(&mut self) {
        let Some(group) = self.group.take() else { return };
        if self.troubles == 0 {
            self.size = (self.size * 1.1).min(self.most);
        }
        self.troubles = 0;
        for (ports, is_open) in [(group.open, true), (group.shut, false)] {
            for port in ports {
                let tries = self.tries.remove(&port).unwrap_or(0);
                self.decided.push_back(Decided { port, is_open, tries });
            }
        }
    }
}

impl Group {
    fn of(ports: Vec<u16>) -> Self {
        let parts = vec![Part::of(ports.clone())];
        Self { ports, parts, open: Vec::new(), shut: Vec::new(), counted: 0, rechecks: 0, is_checked: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(groups: &mut Groups) -> Vec<u16> {
        let decided = std::iter::from_fn(|| groups.take_decided());
        decided.inspect(|it| assert!(it.tries >= 2, "{it:?}")).filter(|it| it.is_open).map(|it| it.port).collect()
    }

    /// Counts as a zombie would whose target has these ports open; `noise` is added to the measurements of a number.
    fn count(
        ports: std::ops::RangeInclusive<u16>,
        open: &[u16],
        noise: impl Fn(u32) -> u32,
    ) -> (Result<(), Trouble>, Vec<u16>, u32) {
        let mut groups = Groups::new(ports.collect(), 2, false);
        let (mut found, mut round) = (Vec::new(), 0);
        while let Some(ports) = groups.next() {
            round += 1;
            assert!(round < 100_000, "it ends");
            let hits = ports.iter().filter(|port| open.contains(port)).count() as u32;
            if let Err(trouble) = groups.counted(Count::Just(hits + noise(round))) {
                return (Err(trouble), found, round);
            }
            found.extend(opened(&mut groups));
        }
        found.extend(opened(&mut groups));
        found.sort_unstable();
        (Ok(()), found, round)
    }

    #[test]
    fn halving_finds_just_the_open_ports() {
        let all: Vec<u16> = (1..=200).collect();
        for open in [&[][..], &[1], &[60], &[61, 200], &[1, 2, 3, 100, 150], &all] {
            let (result, found, _) = count(1..=200, open, |_| 0);
            assert_eq!((result, &found[..]), (Ok(()), open));
        }
    }

    #[test]
    fn few_measurements_are_needed() {
        assert_eq!(count(1..=60, &[], |_| 0).2, 2);
        let closed = count(1..=1200, &[], |_| 0).2;
        assert!(closed <= 28, "{closed} for 1200 closed ports");
        let one = count(1..=16, &[9], |_| 0).2;
        assert!(one <= 16, "{one} for one of 16");
    }

    #[test]
    fn noise_makes_no_port_open() {
        // Now and then, as a quiet host has it: all is measured again, and found.
        for every in [7, 11, 23] {
            let noise = |round: u32| u32::from(round.is_multiple_of(every));
            let (result, found, _) = count(1..=200, &[80, 81, 150], noise);
            assert!(found.iter().all(|port| [80, 81, 150].contains(port)), "every {every}: {found:?}");
            if result.is_ok() {
                assert_eq!(found, [80, 81, 150], "every {every}");
            }
        }
        // All the time: it is given up, and nothing is claimed.
        for by in [1, 3, 50] {
            assert_eq!(count(1..=200, &[80], |_| by), (Err(Trouble::Noise), vec![], count(1..=200, &[80], |_| by).2));
        }
    }

    #[test]
    fn losses_are_waited_out_but_not_for_ever() {
        let mut groups = Groups::new(vec![80], 2, true);
        for _ in 0..MOST_UNSURE {
            groups.next().expect("more");
            assert_eq!(groups.counted(Count::Unsure), Ok(()));
        }
        assert_eq!(groups.counted(Count::Unsure), Err(Trouble::Loss));
    }
}
