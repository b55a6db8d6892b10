//! Captured packets in memory: their bytes in few large blocks, and a row of 32 bytes for each.

use std::collections::BTreeMap;
use std::io::Read;

use super::sources::Sources;
use super::{Reader, Record};
use crate::net::{Checksum, Medium};

/// The smallest and the largest block that [`Store::push`] makes.
const BLOCK: std::ops::RangeInclusive<usize> = 16 << 10..=4 << 20;

/// Captured packets. One thread fills it; when it is done, it is shared as it is.
#[derive(Clone, Debug, Default)]
pub struct Store {
    blocks: Vec<Vec<u8>>,
    rows: Vec<Row>,
    sources: Sources,
    /// By the packets' places. Few have one.
    comments: BTreeMap<usize, Box<str>>,
    /// The bytes in blocks and comments.
    held: usize,
    most: Option<usize>,
}

/// One packet.
#[derive(Clone, Copy, Debug)]
struct Row {
    wall: i64,
    block: u32,
    at: u32,
    len: u32,
    wire_len: u32,
    source: u32,
    outgoing: bool,
    checksum: Checksum,
}

const ROW: usize = size_of::<Row>();

/// The bound of a store is reached: the packet was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the store is full")]
pub struct Full;

impl Store {
    /// A store without a bound.
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that takes no packet after which it would hold more than `most` bytes, all counted.
    pub fn bounded(most: usize) -> Self {
        Self { most: Some(most), ..Self::default() }
    }

    /// The packets that it holds.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The memory that it takes, in bytes.
    pub fn bytes(&self) -> usize {
        self.held + self.sources.bytes() + self.rows.len() * ROW
    }

    /// Adds a copy of a packet.
    pub fn push(&mut self, record: &Record<'_>) -> Result<(), Full> {
        let (len, comment) = (record.bytes.len(), record.comment.map_or(0, str::len));
        let is_over = self.most.is_some_and(|most| self.bytes() + len + comment + ROW > most);
        if is_over || len > u32::MAX as usize {
            return Err(Full);
        }
        if self.blocks.last().is_none_or(|block| block.capacity() - block.len() < len) {
            let size = self.held.clamp(*BLOCK.start(), *BLOCK.end()).max(len);
            self.blocks.push(Vec::with_capacity(size));
        }
        let number = self.blocks.len() - 1;
        let block = &mut self.blocks[number];
        let at = block.len() as u32;
        block.extend_from_slice(record.bytes);
        self.held += len;
        self.add_row(record, number, at);
        Ok(())
    }

    /// The packet at `index`, from 0.
    pub fn get(&self, index: usize) -> Option<Record<'_>> {
        self.rows.get(index).map(|row| self.record(index, row))
    }

    /// All packets in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Record<'_>> + DoubleEndedIterator + Clone {
        self.rows.iter().enumerate().map(|(index, row)| self.record(index, row))
    }

    /// All that a reader still gives, `most` bytes at most. The note tells what could not be read.
    ///
    /// The blocks that were read become the store's: no packet is copied.
    pub fn read<R: Read>(mut reader: Reader<R>, most: usize) -> (Self, Option<String>) {
        let mut store = Self::bounded(most);
        let mut note = None;
        while let Some(found) = reader.advance() {
            if let Some(block) = reader.window.set_aside() {
                store.add_block(block);
            }
            let record = reader.record(&found);
            let comment = record.comment.map_or(0, str::len);
            if store.bytes() + reader.window.start() + comment + ROW > most {
                note = Some(format!("only the first {} packets are here: more take over {most} bytes", store.len()));
                break;
            }
            store.add_row(&record, store.blocks.len(), found.body.start as u32);
            reader.window.hold();
        }
        let note = note.or_else(|| reader.note());
        if let Some(block) = reader.window.set_aside() {
            store.add_block(block);
        }
        let last = store.rows.last().filter(|row| row.block as usize == store.blocks.len());
        let used = last.map_or(0, |row| row.at as usize + row.len as usize);
        store.add_block(reader.window.into_bytes(used));
        (store, note)
    }

    fn add_block(&mut self, block: Vec<u8>) {
        self.held += block.len();
        self.blocks.push(block);
    }

    fn add_row(&mut self, record: &Record<'_>, block: usize, at: u32) {
        if let Some(comment) = record.comment {
            self.held += comment.len();
            self.comments.insert(self.rows.len(), comment.into());
        }
        let len = record.bytes.len() as u32;
        let (source, _) = self.sources.number(record.medium, record.iface);
        self.rows.push(Row {
            wall: record.wall,
            block: block as u32,
            at,
            len,
            wire_len: u32::try_from(record.wire_len).unwrap_or(u32::MAX).max(len),
            source,
            outgoing: record.outgoing,
            checksum: record.checksum,
        });
    }

    fn record(&self, index: usize, row: &Row) -> Record<'_> {
        let (medium, iface) = self.sources.get(row.source).unwrap_or((Medium::Ethernet, None));
        let block = self.blocks.get(row.block as usize).map_or(&[][..], Vec::as_slice);
        let at = row.at as usize;
        Record {
            bytes: block.get(at..at + row.len as usize).unwrap_or_default(),
            wall: row.wall,
            wire_len: row.wire_len as usize,
            medium,
            iface,
            outgoing: row.outgoing,
            checksum: row.checksum,
            // Most stores have none: their packets are not looked up.
            comment: if self.comments.is_empty() { None } else { self.comments.get(&index).map(|text| &**text) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn packets_are_given_back_as_they_came() {
        let mut store = Store::new();
        let long = vec![7; 10 << 20];
        let one = Record { wire_len: 1514, iface: Some("eth0"), outgoing: true, ..Record::new(b"one", -5, Medium::Ip) };
        let two = Record { checksum: Checksum::Partial, comment: Some("odd"), ..Record::new(&long, 9, Medium::Sll) };
        let three = Record { comment: Some(""), ..Record::new(b"", i64::MAX, Medium::Other(9999)) };
        for record in [&one, &two, &three, &one] {
            store.push(record).expect("no bound");
        }
        let store = Arc::new(store);
        let shared = store.clone();
        let seen = std::thread::spawn(move || shared.iter().map(|record| record.bytes.len()).collect::<Vec<_>>());
        assert_eq!(seen.join().expect("it ends"), [3, 10 << 20, 0, 3]);
        assert_eq!(store.iter().collect::<Vec<_>>(), [one, two, three, one]);
        assert_eq!(store.iter().next_back(), Some(one));
        assert_eq!((store.len(), store.is_empty()), (4, false));
        assert_eq!(store.get(4), None);
    }

    #[test]
    fn a_row_is_short() {
        assert_eq!(ROW, 32);
        let mut store = Store::new();
        for at in 0..10_000 {
            store
                .push(&Record { iface: Some("eth0"), ..Record::new(&[7; 60], at, Medium::Ethernet) })
                .expect("no bound");
        }
        assert!(store.bytes() < 10_000 * (60 + 32) + 200, "{}", store.bytes());
        let room: usize = store.blocks.iter().map(Vec::capacity).sum();
        assert!(room < 2 * 10_000 * 60 && store.blocks.len() < 10, "{room} in {}", store.blocks.len());
    }

    #[test]
    fn a_full_store_says_so_and_stays() {
        let mut store = Store::bounded(1000);
        let record = Record::new(&[7; 100], 1, Medium::Ethernet);
        let kept = (0..20).take_while(|_| store.push(&record).is_ok()).count();
        assert_eq!(kept, (1000 - store.sources.bytes()) / 132);
        assert_eq!(store.push(&record), Err(Full));
        assert_eq!(store.len(), kept);
        assert!(store.bytes() <= 1000);
        let long = Record { comment: Some("many words"), ..Record::new(&[], 1, Medium::Ethernet) };
        assert_eq!(Store::bounded(20).push(&long), Err(Full));
    }

    #[test]
    fn lengths_that_cannot_be_are_mended() {
        let mut store = Store::new();
        store.push(&Record { wire_len: 0, ..Record::new(&[1; 5], 1, Medium::Ethernet) }).expect("no bound");
        store.push(&Record { wire_len: usize::MAX, ..Record::new(&[], 1, Medium::Ethernet) }).expect("no bound");
        assert_eq!(store.iter().map(|record| record.wire_len).collect::<Vec<_>>(), [5, u32::MAX as usize]);
    }
}
