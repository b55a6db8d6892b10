//! Questions as blocks: some loads, one comparison, and where to go on for yes and for no. All ways lead forward.
//!
//! Here questions are also left out whose answer is known from the way that led to them: after "is it IPv6? no" comes
//! "is it IPv4?", but after a yes that question is passed over. A question that changes nothing stays: to ask it rejects
//! a frame that was cut before the bytes it looks at.

use std::collections::BTreeMap;

use super::insn::Insn;
use super::logic::{Logic, Test};
use super::tree::Join;
use super::vm::Compare;

/// Where to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Block(usize),
    Accept,
    Reject,
}

/// A question and its two ways on.
#[derive(Clone, Debug)]
pub(super) struct Block {
    /// They leave the left side in A.
    pub(super) loads: Vec<Insn>,
    /// The same number for the same loads.
    pub(super) loaded: usize,
    pub(super) compare: Compare,
    /// The right side; `None` is X.
    pub(super) with: Option<u32>,
    pub(super) yes: Target,
    pub(super) no: Target,
}

/// The blocks of `logic`, and where to begin.
pub(super) fn blocks(logic: &Logic) -> (Vec<Block>, Target) {
    let mut drawing = Drawing::default();
    drawing.draw(logic, Place::Accept, Place::Reject);
    let (mut blocks, begin) = drawing.finish();
    let begin = shorten(&mut blocks, begin);
    (blocks, begin)
}

/// A place to jump to; where it will stand is known later.
#[derive(Clone, Copy, Debug)]
enum Place {
    Later(usize),
    Accept,
    Reject,
}

/// A block whose ways on are still open, or only a way on.
enum Drawn {
    Block(Test, Place, Place),
    Goto(Place),
}

#[derive(Default)]
struct Drawing {
    drawn: Vec<Drawn>,
    /// For each place, the block that it stands before.
    places: Vec<usize>,
}

impl Drawing {
    fn place(&mut self) -> usize {
        self.places.push(usize::MAX);
        self.places.len() - 1
    }

    fn put(&mut self, place: usize) {
        self.places[place] = self.drawn.len();
    }

    /// Draws what goes to `yes` when `logic` holds, else to `no`.
    fn draw(&mut self, logic: &Logic, yes: Place, no: Place) {
        match logic {
            Logic::Known(known) => self.drawn.push(Drawn::Goto(if *known { yes } else { no })),
            Logic::Test(test) => self.drawn.push(Drawn::Block(test.clone(), yes, no)),
            Logic::Not(inner) => self.draw(inner, no, yes),
            Logic::Chain(first, others) => self.chain(first, others, yes, no),
        }
    }

    /// What is true so far needs no look at what stands after `or`, and what is false none after `and`.
    fn chain(&mut self, first: &Logic, others: &[(Join, Logic)], yes: Place, no: Place) {
        let places: Vec<usize> = others.iter().map(|_| self.place()).collect();
        // From each part on: the next one after an `and`, and after an `or`.
        let mut ways = vec![(yes, no); others.len() + 1];
        for at in (0..others.len()).rev() {
            let next = Place::Later(places[at]);
            let (after_yes, after_no) = ways[at + 1];
            ways[at] = match others[at].0 {
                Join::And => (next, after_no),
                Join::Or => (after_yes, next),
            };
        }
        self.draw(first, ways[0].0, ways[0].1);
        for (at, (_, other)) in others.iter().enumerate() {
            self.put(places[at]);
            self.draw(other, ways[at + 1].0, ways[at + 1].1);
        }
    }

    /// The blocks with their ways on, and where to begin.
    fn finish(self) -> (Vec<Block>, Target) {
        // What each drawn thing is: a block, or where it leads. Ways lead forward, so from the end.
        let mut targets = vec![Target::Reject; self.drawn.len()];
        let mut index = self.drawn.iter().filter(|drawn| matches!(drawn, Drawn::Block(..))).count();
        let find = |targets: &[Target], place: Place| match place {
            Place::Later(place) => targets[self.places[place]],
            Place::Accept => Target::Accept,
            Place::Reject => Target::Reject,
        };
        let mut blocks = Vec::with_capacity(index);
        let mut known: BTreeMap<&[Insn], usize> = BTreeMap::new();
        for (at, drawn) in self.drawn.iter().enumerate().rev() {
            targets[at] = match drawn {
                Drawn::Goto(place) => find(&targets, *place),
                Drawn::Block(test, yes, no) => {
                    let number = known.len();
                    blocks.push(Block {
                        loads: test.loads.clone(),
                        loaded: *known.entry(&test.loads).or_insert(number),
                        compare: test.compare,
                        with: test.with,
                        yes: find(&targets, *yes),
                        no: find(&targets, *no),
                    });
                    index -= 1;
                    Target::Block(index)
                }
            };
        }
        blocks.reverse();
        let begin = targets.first().copied().unwrap_or(Target::Accept);
        (blocks, begin)
    }
}

/// What a way has told: the answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fact {
    loaded: usize,
    compare: Compare,
    with: Option<u32>,
    answer: bool,
}

/// How many facts are kept on a way, and how many of them about the same bytes; the oldest go first.
const FACTS: usize = 32;
const FACTS_OF_ONE: usize = 8;

/// Adds what a way has told. That something equals a value says all about it.
fn learn(facts: &mut Vec<Fact>, fact: Fact) {
    let is_all = fact.compare == Compare::Equal && fact.with.is_some() && fact.answer;
    let is_same = |other: &Fact| other.loaded == fact.loaded;
    if is_all {
        facts.retain(|other| !is_same(other));
    } else if facts.iter().filter(|other| is_same(other)).count() == FACTS_OF_ONE {
        let oldest = facts.iter().position(is_same).unwrap_or_default();
        facts.remove(oldest);
    }
    if facts.len() == FACTS {
        facts.remove(0);
    }
    facts.push(fact);
}

impl Fact {
    /// The answer to the question of `block`, if this tells.
    fn answers(&self, block: &Block) -> Option<bool> {
        if self.loaded != block.loaded {
            return None;
        }
        if (self.compare, self.with) == (block.compare, block.with) {
            return Some(self.answer);
        }
        match (self.compare, self.answer, self.with, block.with) {
            (Compare::Equal, true, Some(value), Some(with)) => Some(block.compare.holds(value, with)),
            _ => None,
        }
    }
}

/// Leads every way past the questions that it has the answer to. Returns where to begin.
fn shorten(blocks: &mut [Block], begin: Target) -> Target {
    // What all ways to a block have told; `None` when none leads there.
    let mut told: Vec<Option<Vec<Fact>>> = vec![None; blocks.len()];
    let begin = follow(blocks, begin, &[]);
    if let Target::Block(first) = begin {
        told[first] = Some(Vec::new());
    }
    for at in 0..blocks.len() {
        let Some(facts) = told[at].take() else { continue };
        for answer in [true, false] {
            let block = &blocks[at];
            let mut facts = facts.clone();
            learn(&mut facts, Fact { loaded: block.loaded, compare: block.compare, with: block.with, answer });
            let way = if answer { block.yes } else { block.no };
            let target = follow(blocks, way, &facts);
            if let Target::Block(next) = target {
                match &mut told[next] {
                    Some(others) => others.retain(|fact| facts.contains(fact)),
                    none => *none = Some(facts),
                }
            }
            *(if answer { &mut blocks[at].yes } else { &mut blocks[at].no }) = target;
        }
    }
    begin
}

/// Where a way ends that has told `facts`: at the first question that they do not answer.
fn follow(blocks: &[Block], mut target: Target, facts: &[Fact]) -> Target {
    while let Target::Block(at) = target {
        let block = &blocks[at];
        match facts.iter().find_map(|fact| fact.answers(block)) {
            Some(true) => target = block.yes,
            Some(false) => target = block.no,
            None => break,
        }
    }
    target
}
