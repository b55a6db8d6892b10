//! Writing pcapng: the bytes, into a buffer.

use super::super::bytes::{Order, cut};
use super::super::record::Record;
use super::super::sources::Sources;
use super::super::{MOST_BLOCK, SNAPLEN};
use super::{
    BYTE_ORDER, CHECKSUM_NOT_READY, ENHANCED_PACKET, EPB_FLAGS, IF_NAME, IF_TSRESOL, INTERFACE, OPT_COMMENT, OPT_END,
    OUTBOUND, SECTION, SHB_USERAPPL, padded,
};
use crate::net::{Checksum, Medium};

/// The longest name that we write, in bytes.
const MOST_NAME: usize = 256;

/// Writes one section.
#[derive(Debug)]
pub(in super::super) struct Encoder {
    order: Order,
    /// The interfaces that were described so far.
    sources: Sources,
    /// Their numbers in the section.
    numbers: Vec<u32>,
    /// The number of the next one.
    next: u32,
}

impl Encoder {
    /// Begins a section.
    pub(in super::super) fn new(order: Order, out: &mut Vec<u8>) -> Self {
        let encoder = Self::after(order, 0);
        encoder.block(out, SECTION, |out| {
            order.put32(out, [BYTE_ORDER]);
            order.put16(out, 1); // version 1.0
            order.put16(out, 0);
            order.put32(out, [u32::MAX; 2]); // of unknown length
            encoder.option(out, SHB_USERAPPL, b"pktsh");
            encoder.option(out, OPT_END, &[]);
        });
        encoder
    }

    /// Goes on with a section that has described so many interfaces.
    pub(super) fn after(order: Order, interfaces: u32) -> Self {
        Self { order, sources: Sources::default(), numbers: Vec::new(), next: interfaces }
    }

    /// An interface of the section that needs no new description.
    pub(super) fn knows(&mut self, number: u32, medium: Medium, name: Option<&str>) {
        let (_, is_new) = self.sources.number(medium, name);
        if is_new {
            self.numbers.push(number);
        }
    }

    /// A packet, after its interface when that is new; an error is the length of a comment that is too long.
    pub(in super::super) fn packet(&mut self, record: &Record<'_>, out: &mut Vec<u8>) -> Result<(), usize> {
        let comment = record.comment.unwrap_or_default();
        if comment.len() > MOST_BLOCK / 2 {
            return Err(comment.len());
        }
        let (source, is_new) = self.sources.number(record.medium, record.iface);
        if is_new {
            self.interface(record.medium, record.iface, out);
            self.numbers.push(self.next);
            self.next += 1;
        }
        let interface = self.numbers.get(source as usize).copied().unwrap_or_default();
        self.block(out, ENHANCED_PACKET, |out| self.enhanced(interface, record, out));
        Ok(())
    }

    fn interface(&self, medium: Medium, name: Option<&str>, out: &mut Vec<u8>) {
        self.block(out, INTERFACE, |out| {
            self.order.put16(out, medium.link_type());
            self.order.put16(out, 0);
            self.order.put32(out, [SNAPLEN as u32]);
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                self.option(out, IF_NAME, cut(name, MOST_NAME).as_bytes());
            }
            self.option(out, IF_TSRESOL, &[9]);
            self.option(out, OPT_END, &[]);
        });
    }

    fn enhanced(&self, interface: u32, record: &Record<'_>, out: &mut Vec<u8>) {
        let kept = &record.bytes[..record.bytes.len().min(SNAPLEN)];
        let wall = record.wall.max(0);
        let wire_len = record.wire_len.clamp(kept.len(), u32::MAX as usize);
        let lengths = [kept.len() as u32, wire_len as u32];
        self.order.put32(out, [interface, (wall >> 32) as u32, wall as u32, lengths[0], lengths[1]]);
        out.extend_from_slice(kept);
        out.resize(out.len() + padded(kept.len()) - kept.len(), 0);

        // No direction is said of a packet that was not sent: files of other kinds do not tell it.
        let mut flags = if record.outgoing { OUTBOUND } else { 0 };
        if record.checksum == Checksum::Partial {
            flags |= CHECKSUM_NOT_READY;
        }
        if flags != 0 {
            self.order.put16(out, EPB_FLAGS);
            self.order.put16(out, 4);
            self.order.put32(out, [flags]);
        }
        // What is too long for one option goes on in the next.
        let mut comment = record.comment.unwrap_or_default();
        let has_options = flags != 0 || !comment.is_empty();
        while !comment.is_empty() {
            let (part, rest) = comment.split_at(cut(comment, u16::MAX as usize).len());
            self.option(out, OPT_COMMENT, part.as_bytes());
            comment = rest;
        }
        if has_options {
            self.option(out, OPT_END, &[]);
        }
    }

    /// A block around what `body` writes.
    fn block(&self, out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
        let begin = out.len();
        self.order.put32(out, [kind, 0]);
        body(out);
        let len = (out.len() - begin + 4) as u32;
        self.order.put32(out, [len]);
        let (before, end) = out.split_at_mut(begin + len as usize - 4);
        before[begin + 4..begin + 8].copy_from_slice(end);
    }

    fn option(&self, out: &mut Vec<u8>, code: u16, value: &[u8]) {
        self.order.put16(out, code);
        self.order.put16(out, value.len() as u16);
        out.extend_from_slice(value);
        out.resize(out.len() + padded(value.len()) - value.len(), 0);
    }
}
