//! Packet sets: a packet with lists, ranges or networks in its fields stands for all combinations, made lazily.

use std::sync::Arc;

use super::Packet;
use super::layer::Layer;
use super::value::{Many, Slot};
use crate::base::Rng;

/// The packets of a set, in order: the outer layer's fields change slowest, and in a layer the first field's.
#[derive(Clone, Debug)]
pub struct Expand {
    packet: Packet,
    /// Layer and field of each set, with how many values it has.
    axes: Vec<(usize, usize, Many)>,
    next: u64,
    count: u64,
}

impl Packet {
    /// All packets of the set; one, itself, when no field holds several values.
    pub fn expand(&self) -> Expand {
        let mut axes = Vec::new();
        for (l, layer) in self.layers.iter().enumerate() {
            for (f, slot) in layer.set_slots().unwrap_or_default() {
                if let Slot::Many(many) = slot {
                    axes.push((l, usize::from(*f), many.clone()));
                }
            }
        }
        let count = axes.iter().fold(1u64, |n, (_, _, many)| n.saturating_mul(many.count()));
        Expand { packet: self.clone(), axes, next: 0, count }
    }

    /// How many packets the set has; 1 for a single packet.
    pub fn count(&self) -> u64 {
        self.expand().count
    }

    /// The packet with its destination drawn, where that is random: the way depends on it.
    #[must_use]
    pub fn with_destination(mut self, rng: impl FnOnce() -> Rng) -> Self {
        let random = |layer: &Layer| {
            let field = layer.index(layer.desc().ends?.1)?;
            match layer.slot(field)? {
                Slot::Random(random) => Some((field, random)),
                _ => None,
            }
        };
        let first = self.layers.iter().enumerate().find_map(|(at, layer)| Some((at, random(layer)?)));
        if let Some((at, (field, random))) = first {
            let drawn = Slot::Set(random.draw(&mut rng()));
            Arc::make_mut(&mut self.layers)[at].put(field, drawn);
        }
        self
    }

    /// Whether any field holds several values.
    pub fn is_set(&self) -> bool {
        let many = |layer: &Layer| layer.set_slots().is_some_and(|s| s.iter().any(|(_, s)| matches!(s, Slot::Many(_))));
        self.layers.iter().any(many)
    }
}

impl Iterator for Expand {
    type Item = Packet;

    fn next(&mut self) -> Option<Packet> {
        if self.next >= self.count {
            return None;
        }
        let mut rest = self.next;
        self.next += 1;
        let mut packet = self.packet.clone();
        if !self.axes.is_empty() {
            let layers = Arc::make_mut(&mut packet.layers);
            for (layer, field, many) in self.axes.iter().rev() {
                layers[*layer].put(*field, Slot::Set(many.at(rest % many.count())));
                rest /= many.count();
            }
        }
        Some(packet)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.count - self.next).unwrap_or(usize::MAX);
        (left, Some(left))
    }
}
