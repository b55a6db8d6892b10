//! Media and interfaces, each once: a packet then names its own by a number.

use std::collections::BTreeMap;

use crate::net::Medium;

/// The media and interface names that packets came with, numbered in the order of their first packet.
#[derive(Clone, Debug, Default)]
pub(super) struct Sources {
    list: Vec<(Medium, Option<Box<str>>)>,
    /// The same, to be found: no name is an empty one.
    numbers: BTreeMap<Medium, BTreeMap<Box<str>, u32>>,
    last: u32,
    bytes: usize,
}

impl Sources {
    /// The number of a medium and interface, and whether it is new.
    pub(super) fn number(&mut self, medium: Medium, iface: Option<&str>) -> (u32, bool) {
        let iface = iface.filter(|name| !name.is_empty());
        // Packets of one interface come in rows.
        if self.list.get(self.last as usize).is_some_and(|(m, name)| *m == medium && name.as_deref() == iface) {
            return (self.last, false);
        }
        let names = self.numbers.entry(medium).or_default();
        let key = iface.unwrap_or_default();
        let known = names.get(key).copied();
        self.last = known.unwrap_or_else(|| {
            let number = self.list.len() as u32;
            self.list.push((medium, iface.map(Into::into)));
            self.bytes += 64 + 2 * key.len();
            names.insert(key.into(), number);
            number
        });
        (self.last, known.is_none())
    }

    /// The medium and interface with this number.
    pub(super) fn get(&self, number: u32) -> Option<(Medium, Option<&str>)> {
        self.list.get(number as usize).map(|(medium, name)| (*medium, name.as_deref()))
    }

    /// About how much memory the names take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_source_has_one_number() {
        let mut sources = Sources::default();
        for (medium, name, wanted) in [
            (Medium::Ethernet, None, (0, true)),
            (Medium::Ethernet, Some(""), (0, false)),
            (Medium::Ethernet, Some("eth0"), (1, true)),
            (Medium::Ip, None, (2, true)),
            (Medium::Ip, Some("eth0"), (3, true)),
            (Medium::Ethernet, Some("eth0"), (1, false)),
            (Medium::Ethernet, None, (0, false)),
        ] {
            assert_eq!(sources.number(medium, name), wanted);
        }
        assert_eq!(sources.get(3), Some((Medium::Ip, Some("eth0"))));
        assert_eq!(sources.get(4), None);
    }
}
