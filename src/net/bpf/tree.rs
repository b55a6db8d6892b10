//! What a filter says, before it is known how the bytes lie.

use std::ops::Range;

use super::names::Protocol;
use super::vm::{Alu, Compare};
use crate::base::Mac;

/// A condition.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    Not(Box<Condition>),
    /// Conditions from left to right: `and` and `or` bind alike, so `a or b and c` is `(a or b) and c`.
    Chain(Box<Condition>, Vec<(Join, Condition)>),
    /// One question to the packet, and where it stands in the text.
    Ask(Ask, Range<usize>),
}

impl Condition {
    /// Conditions from left to right.
    pub(super) fn chain(first: Self, others: Vec<(Join, Self)>) -> Self {
        let mut first = first;
        let mut kept: Vec<(Join, Self)> = Vec::new();
        for (join, other) in others {
            // After `and` the one before is no alternative: `tcp and port 80 or 443` is `(tcp and port 80) or 443`.
            let before = match kept.last_mut() {
                None => Some(&mut first),
                Some((Join::Or, before)) => Some(before),
                Some((Join::And, _)) => None,
            };
            let left = match before {
                Some(before) if join == Join::Or => before.absorb(other),
                _ => Some(other),
            };
            kept.extend(left.map(|other| (join, other)));
        }
        if kept.is_empty() { first } else { Self::Chain(Box::new(first), kept) }
    }

    /// Takes the alternative `other` in, when it asks the same for other values; else gives it back.
    fn absorb(&mut self, other: Self) -> Option<Self> {
        match (self, other) {
            (
                Self::Ask(Ask::Ports(transports, direction, ports), at),
                Self::Ask(Ask::Ports(others, same, more), end),
            ) if *transports == others && *direction == same => {
                ports.extend(more);
                at.end = end.end;
                None
            }
            (
                Self::Ask(Ask::Address(protocol, direction, nets), at),
                Self::Ask(Ask::Address(other, same, more), end),
            ) if *protocol == other && *direction == same => {
                nets.extend(more);
                at.end = end.end;
                None
            }
            (_, other) => Some(other),
        }
    }
}

/// What joins two conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Join {
    And,
    Or,
}

/// Which end of a conversation is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Source,
    Destination,
    Either,
    Both,
}

/// A question to the packet. `None` is no protocol named.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    /// `tcp`
    Protocol(&'static Protocol),
    /// `ip proto 6`
    Number(Option<&'static Protocol>, u32),
    /// `src host 192.0.2.1`, `net 10`: one of these, such as all addresses of a name.
    Address(Option<&'static Protocol>, Direction, Vec<Net>),
    /// `ether dst 02:00:00:00:00:01`
    Station(Direction, Mac),
    /// `dst port 80`, `portrange 80-90`: one of these, from the first to the last; the transports to look at, by number.
    Ports(&'static [u32], Direction, Vec<(u16, u16)>),
    Broadcast(Option<&'static Protocol>),
    Multicast(Option<&'static Protocol>),
    Vlan(Option<u32>),
    /// `tcp[13] & 2 != 0`: whether the comparison must hold or fail.
    Relation(Value, Compare, Value, bool),
}

/// A network: an address and the bits of it that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Net {
    V4(u32, u32),
    V6(u128, u128),
}

/// A number that a packet gives.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Number(u32),
    /// `len`
    Length,
    /// `tcp[0:2]`: 1, 2 or 4 bytes.
    Bytes {
        protocol: &'static Protocol,
        offset: Box<Value>,
        size: u8,
    },
    Negative(Box<Value>),
    Alu(Alu, Box<Value>, Box<Value>),
}
