//! The bytes of SCTP: packets, and what they are made of (RFC 9260 section 3).

use std::net::IpAddr;

use crate::lab::tcp::Ends;

/// Length of the common header, in bytes (section 3.1), and where its checksum lies.
const HEADER: usize = 12;
const CHECKSUM: std::ops::Range<usize> = 8..12;

/// Length of the header of a chunk, a parameter or a cause, in bytes.
const TLV: usize = 4;

/// The longest answer to a short packet, in bytes; one to a longer packet may be as long as that.
pub(super) const LONGEST: usize = 1280 - 40;

/// A packet whose checksum is right.
#[derive(Clone, Copy, Debug)]
pub(in crate::lab) struct Packet<'a> {
    pub(super) ends: Ends,
    /// The verification tag.
    pub(super) tag: u32,
    /// What follows the common header.
    body: &'a [u8],
}

/// A chunk: its type, its flags, and what follows them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk<'a> {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) value: &'a [u8],
}

impl<'a> Packet<'a> {
    /// Reads a packet from `src` to `dst`, both of one family. `None` when a kernel drops it (section 6.8).
    pub(in crate::lab) fn read(src: IpAddr, dst: IpAddr, bytes: &'a [u8]) -> Option<Self> {
        let (header, body) = bytes.split_at_checked(HEADER)?;
        let port = |at| be16(header, at);
        let ends = Ends { peer: src, peer_port: port(0)?, local: dst, local_port: port(2)? };
        let claimed = u32::from_le_bytes(header[CHECKSUM].try_into().ok()?);
        (checksum(bytes) == claimed).then_some(Self { ends, tag: be32(header, 4)?, body })
    }

    /// The port that it is for.
    pub(in crate::lab) fn local_port(&self) -> u16 {
        self.ends.local_port
    }

    /// Its chunks up to the first that is malformed or cut short.
    pub(super) fn chunks(&self) -> impl Iterator<Item = Chunk<'a>> + use<'a> {
        let mut rest = self.body;
        std::iter::from_fn(move || {
            let block = Block::first(rest)?;
            rest = block.rest?;
            Some(Chunk { kind: (block.kind >> 8) as u8, flags: block.kind as u8, value: block.value })
        })
    }
}

/// Type, length and value, as chunks, parameters and causes are written.
pub(super) struct Block<'a> {
    pub(super) kind: u16,
    pub(super) value: &'a [u8],
    /// What follows it and its padding; `None` when the padding is cut off.
    pub(super) rest: Option<&'a [u8]>,
}

impl<'a> Block<'a> {
    /// The first one in `bytes`.
    pub(super) fn first(bytes: &'a [u8]) -> Option<Self> {
        let len = usize::from(be16(bytes, 2)?);
        let value = bytes.get(TLV..len)?;
        Some(Self { kind: be16(bytes, 0)?, value, rest: bytes.get(len.next_multiple_of(4)..) })
    }
}

/// A packet to be sent: the chunks of an answer.
pub(super) struct Answer {
    ends: Ends,
    pub(super) tag: u32,
    room: usize,
    chunks: Vec<u8>,
}

impl Answer {
    pub(super) fn new(to: &Packet<'_>, tag: u32) -> Self {
        Self { ends: to.ends, tag, room: LONGEST.max(HEADER + to.body.len()) - HEADER, chunks: Vec::new() }
    }

    /// Adds a chunk, unless the packet is full.
    pub(super) fn add(&mut self, kind: u8, flags: u8, value: &[u8]) {
        if self.chunks.len() + (TLV + value.len()).next_multiple_of(4) <= self.room {
            put(&mut self.chunks, u16::from(kind) << 8 | u16::from(flags), value);
        }
    }

    /// The packet; `None` when there is nothing to say.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        if self.chunks.is_empty() {
            return None;
        }
        let mut bytes = Vec::with_capacity(HEADER + self.chunks.len());
        bytes.extend_from_slice(&self.ends.local_port.to_be_bytes());
        bytes.extend_from_slice(&self.ends.peer_port.to_be_bytes());
        bytes.extend_from_slice(&self.tag.to_be_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.chunks);
        let sum = checksum(&bytes);
        bytes[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
        Some(bytes)
    }
}

/// Adds a block of type, length and value, padded to four bytes; the length is that without the padding.
pub(super) fn put(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
    out.extend_from_slice(&kind.to_be_bytes());
    out.extend_from_slice(&((TLV + value.len()) as u16).to_be_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

/// One block alone.
pub(super) fn one(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut block = Vec::new();
    put(&mut block, kind, value);
    block
}

/// An answer of one chunk.
pub(super) fn only(to: &Packet<'_>, tag: u32, kind: u8, flags: u8, value: &[u8]) -> Option<Vec<u8>> {
    let mut answer = Answer::new(to, tag);
    answer.add(kind, flags, value);
    answer.finish()
}

pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes)
}

pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

/// The `CRC32c` of a packet whose checksum field counts as zero; on the wire its lowest byte comes first (appendix A).
fn checksum(packet: &[u8]) -> u32 {
    const TABLE: [u32; 256] = crc_table();
    let byte = |(at, byte): (usize, &u8)| if CHECKSUM.contains(&at) { 0 } else { *byte };
    let bytes = packet.iter().enumerate().map(byte);
    !bytes.fold(u32::MAX, |crc, byte| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

/// What eight steps of the reversed polynomial make of each byte.
const fn crc_table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let (mut crc, mut step) = (at as u32, 0);
        while step < 8 {
            crc = (crc >> 1) ^ (0x82f6_3b78 * (crc & 1));
            step += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
}
