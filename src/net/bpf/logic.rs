//! Questions to the bytes of a frame, joined by `and`, `or` and `not`.

use super::insn::{self, Insn};
use super::tree::Join;
use super::vm::Compare;

/// A comparison of what some instructions load.
#[derive(Clone, Debug)]
pub(super) struct Test {
    /// They leave the left side in A.
    pub(super) loads: Vec<Insn>,
    pub(super) compare: Compare,
    /// The right side; `None` is X.
    pub(super) with: Option<u32>,
}

/// What a filter asks, when it is known how the bytes lie.
#[derive(Clone, Debug)]
pub(super) enum Logic {
    /// The answer is the same for every frame.
    Known(bool),
    Test(Test),
    Not(Box<Logic>),
    /// From left to right.
    Chain(Box<Logic>, Vec<(Join, Logic)>),
}

impl Logic {
    /// Whether all hold, asked in this order.
    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, Join::And)
    }

    /// Whether one holds, asked in this order.
    pub(super) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(parts, Join::Or)
    }

    fn joined(parts: impl IntoIterator<Item = Self>, join: Join) -> Self {
        // What is known beforehand decides, or is left out.
        let decisive = join == Join::Or;
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Self::Known(known) if known == decisive && kept.is_empty() => return part,
                Self::Known(known) if known != decisive => {}
                part => kept.push((join, part)),
            }
        }
        let mut kept = kept.into_iter();
        match kept.next() {
            None => Self::Known(!decisive),
            Some((_, first)) if kept.len() == 0 => first,
            Some((_, first)) => Self::Chain(Box::new(first), kept.collect()),
        }
    }

    /// Whether it does not hold.
    pub(super) fn negated(self) -> Self {
        match self {
            Self::Known(known) => Self::Known(!known),
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// The same, or its opposite.
    pub(super) fn holds(self, holds: bool) -> Self {
        if holds { self } else { self.negated() }
    }

    pub(super) fn test(loads: Vec<Insn>, compare: Compare, with: u32) -> Self {
        Self::Test(Test { loads, compare, with: Some(with) })
    }

    /// Whether the four bytes at `at` are `k`.
    pub(super) fn word(at: u32, k: u32) -> Self {
        Self::test(vec![Insn::new(insn::LD | insn::W | insn::ABS, at)], Compare::Equal, k)
    }

    /// Whether the two bytes at `at` are `k`.
    pub(super) fn half(at: u32, k: u32) -> Self {
        Self::test(vec![Insn::new(insn::LD | insn::H | insn::ABS, at)], Compare::Equal, k)
    }

    /// Whether the byte at `at` is `k`.
    pub(super) fn byte(at: u32, k: u32) -> Self {
        Self::test(vec![Insn::new(insn::LD | insn::B | insn::ABS, at)], Compare::Equal, k)
    }

    /// Whether the four bytes at `at` are `k` in the bits of `mask`.
    pub(super) fn masked(at: u32, k: u32, mask: u32) -> Self {
        match mask {
            0 => Self::Known(true),
            u32::MAX => Self::word(at, k),
            _ => {
                let load = Insn::new(insn::LD | insn::W | insn::ABS, at);
                Self::test(vec![load, Insn::new(insn::ALU | insn::AND | insn::K, mask)], Compare::Equal, k)
            }
        }
    }
}
