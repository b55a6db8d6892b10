//! Packet sets: a packet with lists, ranges or networks in its fields stands for all combinations, made lazily.

use super::Packet;
use super::layer::Layer;
use super::value::{Many, Slot};

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
            let layers = std::sync::Arc::make_mut(&mut packet.layers);
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
