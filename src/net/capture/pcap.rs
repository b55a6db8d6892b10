//! Classic pcap (draft-ietf-opsawg-pcap): a header of 24 bytes, then 16 bytes before each packet.

use super::bytes::Order;
use super::decode::{Found, Step};
use super::record::Record;
use super::{MOST_PACKET, SNAPLEN};
use crate::net::{Checksum, Medium};

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// Alexey Kuznetzov's: eight bytes more before each packet, interface, protocol and direction.
const MODIFIED: u32 = 0xa1b2_cd34;

const FILE_HEADER: usize = 24;
/// `PACKET_OUTGOING` of `linux/if_packet.h`, in a modified file.
const OUTGOING: u8 = 4;

/// What the header of a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) order: Order,
    /// Nanoseconds, or else microseconds.
    pub(super) nanos: bool,
    pub(super) snaplen: usize,
    pub(super) medium: Medium,
}

/// Reads a file.
#[derive(Debug)]
pub(super) struct Decoder {
    header: Header,
    has_begun: bool,
    is_modified: bool,
}

impl Decoder {
    pub(super) fn of_magic(magic: [u8; 4]) -> Option<Self> {
        let (order, kind) = [Order::Little, Order::Big]
            .map(|order| (order, order.u32(&magic, 0)))
            .into_iter()
            .find(|(_, kind)| [MICROSECONDS, NANOSECONDS, MODIFIED].contains(kind))?;
        let header = Header { order, nanos: kind == NANOSECONDS, snaplen: SNAPLEN, medium: Medium::Ethernet };
        Some(Self { header, has_begun: false, is_modified: kind == MODIFIED })
    }

    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// The header, when the file is of a kind that we also write.
    pub(super) fn header(&self) -> Option<Header> {
        (self.has_begun && !self.is_modified).then_some(self.header)
    }

    pub(super) fn step(&mut self, bytes: &[u8]) -> Step {
        if !self.has_begun {
            return self.begin(bytes);
        }
        let head = if self.is_modified { 24 } else { 16 };
        if bytes.len() < head {
            return Step::Need(head);
        }
        let Header { order, nanos, medium, .. } = self.header;
        let [seconds, fraction, len, wire_len] = [0, 4, 8, 12].map(|at| order.u32(bytes, at));
        if len as usize > MOST_PACKET {
            return Step::Broken(format!("it claims {len} bytes, and {MOST_PACKET} are the most"));
        }
        let whole = head + len as usize;
        if bytes.len() < whole {
            return Step::Need(whole);
        }
        Step::Packet(Found {
            whole,
            body: head..whole,
            wall: i64::from(seconds) * 1_000_000_000 + i64::from(fraction) * if nanos { 1 } else { 1000 },
            wire_len: wire_len.max(len),
            medium,
            iface: 0,
            outgoing: self.is_modified && bytes[22] == OUTGOING,
            checksum: Checksum::Ready,
            has_comment: false,
        })
    }

    fn begin(&mut self, bytes: &[u8]) -> Step {
        if bytes.len() < FILE_HEADER {
            return Step::Need(FILE_HEADER);
        }
        let order = self.header.order;
        let (major, minor) = (order.u16(bytes, 4), order.u16(bytes, 6));
        if major != 2 {
            return Step::Broken(format!("version {major}.{minor} of pcap is unknown, 2.4 is known"));
        }
        // 0 and more than anyone writes both mean: not cut.
        self.header.snaplen =
            Some(order.u32(bytes, 16) as usize).filter(|len| (1..SNAPLEN).contains(len)).unwrap_or(SNAPLEN);
        // The upper half tells of frame check sequences.
        self.header.medium = Medium::of_link_type(order.u32(bytes, 20) as u16);
        self.has_begun = true;
        Step::Skip(FILE_HEADER)
    }
}

/// Writes a file: the bytes, into a buffer.
#[derive(Debug)]
pub(super) struct Encoder {
    order: Order,
    nanos: bool,
    snaplen: usize,
    /// That of the first packet, and of the header.
    medium: Option<Medium>,
}

impl Encoder {
    pub(super) fn new(nanos: bool) -> Self {
        Self { order: Order::Little, nanos, snaplen: SNAPLEN, medium: None }
    }

    /// For more packets in a file with this header.
    pub(super) fn after(header: Header) -> Self {
        let Header { order, nanos, snaplen, medium } = header;
        Self { order, nanos, snaplen, medium: Some(medium) }
    }

    /// The file's header, unless it is there; an error is the medium that it names, another one.
    pub(super) fn begin(&mut self, medium: Medium, out: &mut Vec<u8>) -> Result<(), Medium> {
        match self.medium {
            Some(has) if has == medium => return Ok(()),
            Some(has) => return Err(has),
            None => self.medium = Some(medium),
        }
        let order = self.order;
        order.put32(out, [if self.nanos { NANOSECONDS } else { MICROSECONDS }]);
        order.put16(out, 2); // version 2.4
        order.put16(out, 4);
        order.put32(out, [0, 0, self.snaplen as u32, u32::from(medium.link_type())]);
        Ok(())
    }

    pub(super) fn is_begun(&self) -> bool {
        self.medium.is_some()
    }

    /// A packet; its medium is the header's.
    pub(super) fn packet(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let kept = &record.bytes[..record.bytes.len().min(self.snaplen)];
        // The seconds are 32 bits without a sign: until 2106.
        let wall = record.wall.clamp(0, i64::from(u32::MAX) * 1_000_000_000 + 999_999_999);
        let fraction = wall % 1_000_000_000 / if self.nanos { 1 } else { 1000 };
        let wire_len = record.wire_len.clamp(kept.len(), u32::MAX as usize);
        self.order.put32(out, [(wall / 1_000_000_000) as u32, fraction as u32, kept.len() as u32, wire_len as u32]);
        out.extend_from_slice(kept);
    }
}
