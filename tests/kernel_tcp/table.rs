//! Many probes with one outcome, in few rows.

use super::probe::{Acked, Probe, Seq};
use super::states::State;

/// A set of probes: a mask of the flags and the numbers that each may have, free of each other.
#[derive(Clone, Debug)]
struct Cube {
    /// By flag: may it be clear, and may it be set?
    flags: [[bool; 2]; 6],
    data: [bool; 2],
    seqs: Vec<Seq>,
    acks: Vec<Acked>,
}

/// A place in which a [`Cube`] can grow.
#[derive(Clone, Copy)]
enum Growth {
    Flag(usize, bool),
    Data(bool),
    Seq(Seq),
    Ack(Acked),
}

impl Cube {
    fn of(probe: &Probe) -> Self {
        let choice = |is_set: bool| [!is_set, is_set];
        Self {
            flags: std::array::from_fn(|bit| choice(probe.flags >> bit & 1 == 1)),
            data: choice(probe.has_data),
            seqs: vec![probe.seq],
            acks: vec![probe.ack],
        }
    }

    fn holds(&self, probe: &Probe) -> bool {
        (0..6).all(|bit| self.flags[bit][usize::from(probe.flags >> bit & 1)])
            && self.data[usize::from(probe.has_data)]
            && self.seqs.contains(&probe.seq)
            && self.acks.contains(&probe.ack)
    }

    fn grown(&self, growth: Growth) -> Self {
        let mut cube = self.clone();
        match growth {
            Growth::Flag(bit, is_set) => cube.flags[bit][usize::from(is_set)] = true,
            Growth::Data(has_data) => cube.data[usize::from(has_data)] = true,
            Growth::Seq(seq) if !cube.seqs.contains(&seq) => cube.seqs.push(seq),
            Growth::Ack(ack) if !cube.acks.contains(&ack) => cube.acks.push(ack),
            Growth::Seq(_) | Growth::Ack(_) => {}
        }
        cube
    }

    fn shrunk(&self, growth: Growth) -> Self {
        let mut cube = self.clone();
        match growth {
            Growth::Flag(bit, is_set) => cube.flags[bit][usize::from(is_set)] = false,
            Growth::Data(has_data) => cube.data[usize::from(has_data)] = false,
            Growth::Seq(seq) => cube.seqs.retain(|other| *other != seq),
            Growth::Ack(ack) => cube.acks.retain(|other| *other != ack),
        }
        cube
    }

    /// As a row: flags, data, sequence numbers, acknowledgment numbers.
    fn row(&self, state: &State) -> String {
        let letter = |(bit, choice): (usize, &[bool; 2])| match choice {
            [true, true] => '.',
            [_, true] => char::from(b"FSRPAU"[bit]),
            _ => '-',
        };
        let flags: String = self.flags.iter().enumerate().map(letter).collect();
        let data = match self.data {
            [true, true] => "any",
            [_, true] => "5",
            _ => "0",
        };
        let seq = names(state.seqs, &self.seqs);
        let ack = names(state.acks, &self.acks);
        format!("    {flags}  {data:<4}  {seq:<24}  {ack}").trim_end().to_owned()
    }
}

/// The names of some of `all`.
fn names<T: Copy + PartialEq + std::fmt::Debug>(all: &[T], some: &[T]) -> String {
    match (all.len(), some.len()) {
        (1, _) => "-".to_owned(),
        (all, some) if all == some => "any".to_owned(),
        _ => {
            let names = all.iter().filter(|one| some.contains(one)).map(|one| format!("{one:?}").to_lowercase());
            names.collect::<Vec<_>>().join(",")
        }
    }
}

/// Rows that hold these probes of a state, and no others.
pub(crate) fn rows(state: &State, all: &[Probe], wanted: &[Probe]) -> Vec<String> {
    let others: Vec<&Probe> = all.iter().filter(|probe| !wanted.contains(probe)).collect();
    let mut left: Vec<&Probe> = wanted.iter().collect();
    let mut rows = Vec::new();
    while let Some(first) = left.first() {
        let size = |cube: &Cube| left.iter().filter(|probe| cube.holds(probe)).count();
        let cubes = (0..growths(state).len()).map(|turn| largest(first, turn, state, &others));
        let best = cubes.reduce(|best, cube| if size(&cube) > size(&best) { cube } else { best });
        // What earlier rows hold, this one need not.
        let mut best = best.unwrap_or_else(|| Cube::of(first));
        for growth in growths(state) {
            let shrunk = best.shrunk(growth);
            if size(&shrunk) == size(&best) {
                best = shrunk;
            }
        }
        rows.push(best.row(state));
        left.retain(|probe| !best.holds(probe));
    }
    rows
}

/// The cube around a probe that has grown as far as it can, beginning with the growth of number `turn`.
fn largest(probe: &Probe, turn: usize, state: &State, others: &[&Probe]) -> Cube {
    let mut cube = Cube::of(probe);
    let mut growths = growths(state);
    growths.rotate_left(turn);
    for growth in growths {
        let grown = cube.grown(growth);
        if !others.iter().any(|probe| grown.holds(probe)) {
            cube = grown;
        }
    }
    cube
}

fn growths(state: &State) -> Vec<Growth> {
    let numbers = state.seqs.iter().map(|&seq| Growth::Seq(seq)).chain(state.acks.iter().map(|&ack| Growth::Ack(ack)));
    let data = [false, true].map(Growth::Data);
    // Flags that rarely matter come first.
    let flags = [5, 3, 0, 1, 4, 2].into_iter().flat_map(|bit| [Growth::Flag(bit, false), Growth::Flag(bit, true)]);
    flags.chain(data).chain(numbers).collect()
}
