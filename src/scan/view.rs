//! A heard frame, looked at where it lies: no layer is built for it.

use std::net::IpAddr;

use crate::net::{Frame, Medium};

/// An IP packet, as far as a scan cares.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heard<'a> {
    pub(super) from: IpAddr,
    pub(super) to: IpAddr,
    /// TTL or hop limit.
    pub(super) ttl: u8,
    /// The protocol above IP and its extension headers.
    pub(super) proto: u8,
    /// What that protocol carries. Empty in a fragment that is not the first.
    pub(super) body: &'a [u8],
    /// The whole packet, from its IP header on.
    pub(super) packet: &'a [u8],
}

/// ICMP for IPv4, and for IPv6.
pub(super) const ICMP: u8 = 1;
pub(super) const ICMPV6: u8 = 58;
const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

// IPv6's extension headers (RFC 8200 section 4, RFC 4302), and how many are looked behind.
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AH: u8 = 51;
const DESTINATION: u8 = 60;
const MOST_EXTENSIONS: usize = 8;

impl<'a> Heard<'a> {
    /// The IP packet in a frame; `None` when it holds none.
    pub(super) fn of_frame(frame: &Frame<'a>) -> Option<Self> {
        match frame.medium {
            Medium::Ethernet => Self::of_packet(behind_ethernet(frame.bytes)?),
            Medium::Ip => Self::of_packet(frame.bytes),
            _ => None,
        }
    }

    /// The packet that begins at `bytes`, which may be cut off: a quotation.
    fn of_packet(bytes: &'a [u8]) -> Option<Self> {
        match bytes.first()? >> 4 {
            4 => Self::v4(bytes),
            6 => Self::v6(bytes),
            _ => None,
        }
    }

    /// RFC 791 section 3.1. The packet ends where its length says; what follows in the frame is padding.
    fn v4(bytes: &'a [u8]) -> Option<Self> {
        let head: &[u8; 20] = bytes.first_chunk()?;
        let start = usize::from(head[0] & 0x0f) * 4;
        let total = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let packet = &bytes[..if total < start { bytes.len() } else { total.min(bytes.len()) }];
        let is_later = u16::from_be_bytes([head[6], head[7]]) & 0x1fff != 0;
        Some(Self {
            from: <[u8; 4]>::try_from(&head[12..16]).ok()?.into(),
            to: <[u8; 4]>::try_from(&head[16..20]).ok()?.into(),
            ttl: head[8],
            proto: head[9],
            body: if is_later { &[] } else { packet.get(start.max(20)..).unwrap_or_default() },
            packet,
        })
    }

    /// RFC 8200 section 3, and the extension headers of section 4.
    fn v6(bytes: &'a [u8]) -> Option<Self> {
        let head: &[u8; 40] = bytes.first_chunk()?;
        let total = 40 + usize::from(u16::from_be_bytes([head[4], head[5]]));
        let packet = &bytes[..total.min(bytes.len())];
        let (mut proto, mut body, mut is_later) = (head[6], &packet[40..], false);
        for _ in 0..MOST_EXTENSIONS {
            let [next, len, a, b, ..] = body else { break };
            let len = match proto {
                HOP_BY_HOP | ROUTING | DESTINATION => (usize::from(*len) + 1) * 8,
                FRAGMENT => {
                    is_later |= u16::from_be_bytes([*a, *b]) & 0xfff8 != 0;
                    8
                }
                AH => (usize::from(*len) + 2) * 4,
                _ => break,
            };
            let Some(behind) = body.get(len..) else { break };
            (proto, body) = (*next, behind);
        }
        Some(Self {
            from: <[u8; 16]>::try_from(&head[8..24]).ok()?.into(),
            to: <[u8; 16]>::try_from(&head[24..40]).ok()?.into(),
            ttl: head[7],
            proto,
            body: if is_later { &[] } else { body },
            packet,
        })
    }

    /// The identification (RFC 791 section 3.1); IPv6 has none in each packet.
    pub(super) fn id(&self) -> Option<u16> {
        match self.packet {
            [first, _, _, _, a, b, ..] if first >> 4 == 4 => Some(u16::from_be_bytes([*a, *b])),
            _ => None,
        }
    }

    /// 16 bits of the body in network order.
    fn u16(&self, at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(self.body.get(at..at + 2)?.try_into().ok()?))
    }

    fn u32(&self, at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(self.body.get(at..at + 4)?.try_into().ok()?))
    }

    /// Source and destination port, of TCP, UDP and SCTP alike.
    pub(super) fn ports(&self) -> Option<(u16, u16)> {
        matches!(self.proto, TCP | UDP | SCTP).then(|| Some((self.u16(0)?, self.u16(2)?))).flatten()
    }

    /// A whole TCP header (RFC 9293 section 3.1).
    pub(super) fn tcp(&self) -> Option<Segment> {
        if self.proto != TCP || self.body.len() < 20 {
            return None;
        }
        let flags = u64::from(self.u16(12)? & 0x1ff);
        Some(Segment { seq: self.u32(4)?, ack: self.u32(8)?, flags, window: self.u16(14)? })
    }

    /// The number that a quoted probe carries: TCP's sequence number, SCTP's verification tag.
    pub(super) fn number(&self) -> Option<u32> {
        matches!(self.proto, TCP | SCTP).then(|| self.u32(4)).flatten()
    }

    /// An SCTP packet's verification tag, and the type and flags of its first chunk (RFC 9260 section 3).
    pub(super) fn chunk(&self) -> Option<(u32, u8, u8)> {
        (self.proto == SCTP).then(|| Some((self.u32(4)?, *self.body.get(12)?, *self.body.get(13)?))).flatten()
    }

    /// The tag that an SCTP INIT hands out (RFC 9260 section 3.3.2).
    pub(super) fn init_tag(&self) -> Option<u32> {
        (self.proto == SCTP).then(|| self.u32(16)).flatten()
    }

    /// Type and code of an ICMP or ICMPv6 message.
    pub(super) fn icmp(&self) -> Option<(u8, u8)> {
        matches!(self.proto, ICMP | ICMPV6).then(|| Some((*self.body.first()?, *self.body.get(1)?))).flatten()
    }

    /// The identifier of an echo or timestamp message.
    pub(super) fn icmp_id(&self) -> Option<u16> {
        self.u16(4)
    }

    /// The packet that an ICMP error quotes (RFC 792, RFC 4443 section 3).
    pub(super) fn quoted(&self) -> Option<Heard<'a>> {
        let (kind, _) = self.icmp()?;
        let is_error = if self.proto == ICMP { matches!(kind, 3 | 4 | 5 | 11 | 12) } else { (1..=4).contains(&kind) };
        is_error.then(|| Heard::of_packet(self.body.get(8..)?)).flatten()
    }
}

/// What stands behind an Ethernet header and up to two VLAN tags, if it is IP (IEEE 802.3, 802.1Q).
fn behind_ethernet(frame: &[u8]) -> Option<&[u8]> {
    let mut at = 12;
    for _ in 0..3 {
        let [a, b, ..] = frame.get(at..)? else { return None };
        match u16::from_be_bytes([*a, *b]) {
            0x8100 | 0x88a8 => at += 4,
            0x0800 | 0x86dd => return frame.get(at + 2..),
            _ => return None,
        }
    }
    None
}

/// What a TCP header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u64,
    pub(super) window: u16,
}
