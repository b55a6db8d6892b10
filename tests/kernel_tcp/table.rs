//! Many probes with one outcome, in few rows.

use std::fmt::Debug;

use super::probe::{Acked, Probe, Seq};
use super::states::State;

/// A set of probes: by bit, whether a flag may be clear, or set, whether there may be no data, or some, and which
/// numbers may stand there; all free of each other. A single probe is the smallest of such sets.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Cube(u32);

const FLAGS: u32 = 0;
const DATA: u32 = FLAGS + 2 * 6;
const SEQS: u32 = DATA + 2;
const ACKS: u32 = SEQS + Seq::ALL.len() as u32;
const END: u32 = ACKS + Acked::ALL.len() as u32;

impl Cube {
    fn of(probe: Probe) -> Self {
        let flags = (0..6).map(|flag| FLAGS + 2 * flag + u32::from(probe.flags >> flag & 1));
        let data = DATA + u32::from(probe.has_data);
        let numbers = [SEQS + index(&Seq::ALL, &probe.seq), ACKS + index(&Acked::ALL, &probe.ack)];
        Self(flags.chain([data]).chain(numbers).map(|bit| 1 << bit).sum())
    }

    /// Whether `other` lies in it.
    fn holds(self, other: Self) -> bool {
        other.0 & !self.0 == 0
    }

    /// As a row: flags, data, sequence numbers, acknowledgment numbers.
    fn row(self, state: &State) -> String {
        let letter = |flag: u32| match self.0 >> (FLAGS + 2 * flag) & 3 {
            1 => '-',
            2 => char::from(b"FSRPAU"[flag as usize]),
            _ => '.',
        };
        let flags: String = (0..6).map(letter).collect();
        let data = ["0", "5", "any"][(self.0 >> DATA & 3) as usize - 1];
        let seq = self.names(SEQS, &Seq::ALL, state.seqs);
        let ack = self.names(ACKS, &Acked::ALL, state.acks);
        format!("    {flags}  {data:<4}  {seq:<26}  {ack}").trim_end().to_owned()
    }

    /// The names of the numbers that it has, whose bits begin at `start`; a state may have but one of `all`.
    fn names<T: Debug + PartialEq>(self, start: u32, all: &[T], possible: &[T]) -> String {
        let has = |number: &&T| self.0 >> (start + index(all, number)) & 1 == 1;
        let names: Vec<String> =
            possible.iter().filter(has).map(|number| format!("{number:?}").to_lowercase()).collect();
        match names.len() {
            _ if possible.len() == 1 => "-".to_owned(),
            count if count == possible.len() => "any".to_owned(),
            _ => names.join(","),
        }
    }
}

fn index<T: PartialEq>(all: &[T], one: &T) -> u32 {
    all.iter().position(|other| other == one).unwrap() as u32
}

/// Rows that hold the `wanted` probes of a state, and none of the others.
pub(crate) fn rows(state: &State, all: &[Probe], wanted: &[Probe]) -> Vec<String> {
    let cubes = |probes: &[Probe]| probes.iter().map(|probe| Cube::of(*probe)).collect::<Vec<_>>();
    let mut left = cubes(wanted);
    let others: Vec<Cube> = cubes(all).into_iter().filter(|cube| !left.contains(cube)).collect();
    let mut rows = Vec::new();
    while let Some(&first) = left.first() {
        let size = |cube: &Cube| left.iter().filter(|probe| cube.holds(**probe)).count();
        // The first of the largest.
        let largest = (0..END).map(|turn| grown(first, turn, &others)).rev().max_by_key(size).unwrap();
        // What earlier rows hold, this one need not.
        let without = |cube: Cube, bit: u32| Cube(cube.0 & !(1 << bit));
        let needed =
            (0..END).fold(
                largest,
                |cube, bit| {
                    if size(&without(cube, bit)) == size(&cube) { without(cube, bit) } else { cube }
                },
            );
        rows.push(needed.row(state));
        left.retain(|probe| !needed.holds(*probe));
    }
    rows
}

/// The set around `cube` that has grown as far as it can, beginning with bit `turn`.
fn grown(cube: Cube, turn: u32, others: &[Cube]) -> Cube {
    (0..END).fold(cube, |cube, step| {
        let wider = Cube(cube.0 | 1 << ((turn + step) % END));
        if others.iter().any(|other| wider.holds(*other)) { cube } else { wider }
    })
}
