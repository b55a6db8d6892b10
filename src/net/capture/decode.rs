//! What both formats have in common when they are read: bytes in, one [`Step`] out, no file in sight.

use std::ops::Range;

use super::{pcap, pcapng};
use crate::net::{Checksum, Medium};

/// What stands at the beginning of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Too few bytes: so many are needed, more than there are.
    Need(usize),
    /// So many bytes that hold no packet.
    Skip(usize),
    /// A packet.
    Packet(Found),
    /// What cannot be, in words.
    Broken(String),
}

/// A packet in some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The bytes that it takes with all that belongs to it.
    pub(super) whole: usize,
    /// Where its own bytes stand.
    pub(super) body: Range<usize>,
    pub(super) wall: i64,
    pub(super) wire_len: u32,
    pub(super) medium: Medium,
    /// Which interface: for [`Decoder::name`].
    pub(super) iface: u32,
    pub(super) outgoing: bool,
    pub(super) checksum: Checksum,
    /// Whether [`Decoder::comment`] is its.
    pub(super) has_comment: bool,
}

/// A reader of one of the formats.
#[derive(Debug)]
pub(super) enum Decoder {
    Pcap(pcap::Decoder),
    Pcapng(pcapng::Decoder),
}

impl Decoder {
    /// The decoder of a file that begins with these four bytes.
    pub(super) fn of_magic(magic: [u8; 4]) -> Option<Self> {
        if magic == pcapng::MAGIC {
            return Some(Self::Pcapng(pcapng::Decoder::default()));
        }
        pcap::Decoder::of_magic(magic).map(Self::Pcap)
    }

    /// What stands at the beginning of `bytes`.
    pub(super) fn step(&mut self, bytes: &[u8]) -> Step {
        match self {
            Self::Pcap(pcap) => pcap.step(bytes),
            Self::Pcapng(pcapng) => pcapng.step(bytes),
        }
    }

    /// The name of an interface of a packet just found.
    pub(super) fn name(&self, iface: u32) -> Option<&str> {
        match self {
            Self::Pcap(_) => None,
            Self::Pcapng(pcapng) => pcapng.name(iface),
        }
    }

    /// The comment of a packet just found.
    pub(super) fn comment(&self) -> &str {
        match self {
            Self::Pcap(_) => "",
            Self::Pcapng(pcapng) => pcapng.comment(),
        }
    }

    /// What stands at the beginning of `bytes`, after `count` packets: for a note that it is not whole.
    pub(super) fn place(&self, bytes: &[u8], count: u64) -> String {
        let (is_packet, other) = match self {
            Self::Pcap(pcap) => (pcap.has_begun(), "its header"),
            Self::Pcapng(pcapng) => (pcapng.is_packet(bytes), "a block"),
        };
        match (is_packet, count) {
            (true, _) => format!("packet {}", count + 1),
            (false, 0) => other.to_owned(),
            (false, _) => format!("{other} after packet {count}"),
        }
    }
}
