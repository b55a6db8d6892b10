//! Blocks as instructions.

use super::blocks::{Block, Target};
use super::insn::{self, Insn};
use super::program::{MAX_INSNS, Program};
use super::vm::Compare;

/// What an accepted frame returns: how many bytes to keep. It is tcpdump's number.
const WHOLE: u32 = 262_144;

/// A block as it is written.
struct Piece<'a> {
    block: &'a Block,
    number: usize,
    /// The loads that are needed: the last ones.
    loads: &'a [Insn],
    /// Whether a way on is longer than a comparison can jump, so that a jump of its own stands after it.
    long: [bool; 2],
    at: usize,
}

impl Piece<'_> {
    fn len(&self) -> usize {
        self.loads.len() + 1 + self.long.iter().filter(|long| **long).count()
    }
}

/// The program of these blocks; the error is its length when that is too much for the kernel.
pub(super) fn assemble(blocks: &[Block], begin: Target) -> Result<Program, usize> {
    let mut pieces = pieces(blocks, &reached(blocks, begin));
    let is_used = |target: Target, pieces: &[Piece<'_>]| {
        begin == target || pieces.iter().any(|piece| [piece.block.yes, piece.block.no].contains(&target))
    };
    let accepts = is_used(Target::Accept, &pieces);
    let mut places = Places::of(&mut pieces, blocks.len(), accepts);
    // A jump more may push another target out of reach. Jumps only become more, so this ends.
    while lengthen(&mut pieces, &places) {
        places = Places::of(&mut pieces, blocks.len(), accepts);
    }
    let mut insns = Vec::with_capacity(places.reject + 1);
    for piece in &pieces {
        write(piece, &places, &mut insns);
    }
    if accepts {
        insns.push(Insn::new(insn::RET | insn::K, WHOLE));
    }
    if is_used(Target::Reject, &pieces) {
        insns.push(Insn::new(insn::RET | insn::K, 0));
    }
    match insns.len() {
        count @ ..=MAX_INSNS => Program::new(insns).map_err(|_| count),
        count => Err(count),
    }
}

/// Which blocks some way leads to.
fn reached(blocks: &[Block], begin: Target) -> Vec<bool> {
    let mut reached = vec![false; blocks.len()];
    if let Target::Block(first) = begin {
        reached[first] = true;
    }
    for (at, block) in blocks.iter().enumerate() {
        for target in [block.yes, block.no] {
            if let (true, Target::Block(next)) = (reached[at], target) {
                reached[next] = true;
            }
        }
    }
    reached
}

/// What the registers hold.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Held {
    /// What A was loaded with, by the number of the loads.
    a: Option<usize>,
    /// X is the length of the IPv4 header at this offset.
    x: Option<u32>,
}

/// The blocks that are reached, without the loads of what the registers hold already.
fn pieces<'a>(blocks: &'a [Block], reached: &[bool]) -> Vec<Piece<'a>> {
    let mut held: Vec<Option<Held>> = vec![None; blocks.len()];
    let mut pieces = Vec::new();
    for (at, block) in blocks.iter().enumerate().filter(|(at, _)| reached[*at]) {
        let before = held[at].unwrap_or(Held { a: None, x: None });
        let is_header = |insn: &Insn| insn.code == insn::LDX | insn::B | insn::MSH && Some(insn.k) == before.x;
        let loads = match &block.loads[..] {
            _ if before.a == Some(block.loaded) && block.with.is_some() => &[],
            [first, rest @ ..] if is_header(first) => rest,
            loads => loads,
        };
        let after = Held { a: Some(block.loaded), x: loads.iter().copied().fold(before.x, x_after) };
        for target in [block.yes, block.no] {
            if let Target::Block(next) = target {
                held[next] = Some(match held[next] {
                    None => after,
                    Some(other) => {
                        Held { a: other.a.filter(|_| other.a == after.a), x: other.x.filter(|_| other.x == after.x) }
                    }
                });
            }
        }
        pieces.push(Piece { block, number: at, loads, long: [false; 2], at: 0 });
    }
    pieces
}

/// The header whose length is in X after an instruction.
fn x_after(x: Option<u32>, insn: Insn) -> Option<u32> {
    match insn.code {
        code if code == insn::LDX | insn::B | insn::MSH => Some(insn.k),
        code if code & insn::CLASS == insn::LDX || code == insn::MISC | insn::TAX => None,
        _ => x,
    }
}

/// Where everything stands.
struct Places {
    blocks: Vec<usize>,
    accept: usize,
    reject: usize,
}

impl Places {
    fn of(pieces: &mut [Piece<'_>], count: usize, accepts: bool) -> Self {
        let mut blocks = vec![0; count];
        let mut end = 0;
        for piece in pieces {
            piece.at = end;
            blocks[piece.number] = end;
            end += piece.len();
        }
        // The return that accepts stands after the blocks, and then the one that rejects.
        Self { blocks, accept: end, reject: end + usize::from(accepts) }
    }

    fn of_target(&self, target: Target) -> usize {
        match target {
            Target::Block(at) => self.blocks[at],
            Target::Accept => self.accept,
            Target::Reject => self.reject,
        }
    }
}

/// Gives a jump of its own to every way that is too long for a comparison. Whether there was one.
fn lengthen(pieces: &mut [Piece<'_>], places: &Places) -> bool {
    let mut is_changed = false;
    for piece in pieces {
        let after = piece.at + piece.loads.len() + 1;
        for (long, target) in piece.long.iter_mut().zip([piece.block.yes, piece.block.no]) {
            let is_far = places.of_target(target) - after > usize::from(u8::MAX);
            is_changed |= is_far && !*long;
            *long |= is_far;
        }
    }
    is_changed
}

fn write(piece: &Piece<'_>, places: &Places, insns: &mut Vec<Insn>) {
    let Block { compare, with, yes, no, .. } = *piece.block;
    insns.extend(piece.loads);
    let after = insns.len() + 1;
    // The jumps that stand after the comparison.
    let mut jumps = Vec::new();
    let [jt, jf] = [(yes, piece.long[0]), (no, piece.long[1])].map(|(target, is_long)| {
        let target = places.of_target(target);
        if !is_long {
            return (target - after) as u8;
        }
        jumps.push(Insn::new(insn::JMP | insn::JA, (target - after - jumps.len() - 1) as u32));
        (jumps.len() - 1) as u8
    });
    let operand = if with.is_some() { insn::K } else { insn::X };
    insns.push(Insn { code: insn::JMP | operation(compare) | operand, jt, jf, k: with.unwrap_or(0) });
    insns.extend(jumps);
}

fn operation(compare: Compare) -> u16 {
    match compare {
        Compare::Equal => insn::JEQ,
        Compare::Greater => insn::JGT,
        Compare::GreaterEqual => insn::JGE,
        Compare::AnyBit => insn::JSET,
    }
}
