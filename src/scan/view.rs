//! A heard frame, looked at where it lies: no layer is built for it.

use std::net::IpAddr;

use etherparse::{Ipv6ExtensionSlice, LaxIpv6Slice, LaxNetSlice, LaxSlicedPacket};

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

impl<'a> Heard<'a> {
    /// The IP packet in a frame; `None` when it holds none.
    pub(super) fn of_frame(frame: &Frame<'a>) -> Option<Self> {
        let sliced = match frame.medium {
            Medium::Ethernet => LaxSlicedPacket::from_ethernet(frame.bytes).ok()?,
            Medium::Ip => LaxSlicedPacket::from_ip(frame.bytes).ok()?,
            _ => return None,
        };
        Self::of_net(&sliced.net?, frame.bytes)
    }

    /// The packet that begins at `bytes`, which may be cut off: a quotation.
    fn of_packet(bytes: &'a [u8]) -> Option<Self> {
        Self::of_net(&LaxSlicedPacket::from_ip(bytes).ok()?.net?, bytes)
    }

    fn of_net(net: &LaxNetSlice<'a>, within: &'a [u8]) -> Option<Self> {
        let is_later;
        let (from, to, ttl, payload, header): (IpAddr, IpAddr, _, _, _) = match net {
            LaxNetSlice::Ipv4(ip) => {
                let head = ip.header();
                let (from, to) = (head.source_addr().into(), head.destination_addr().into());
                is_later = head.fragments_offset().value() > 0;
                (from, to, head.ttl(), ip.payload(), head.slice())
            }
            LaxNetSlice::Ipv6(ip) => {
                let head = ip.header();
                let (from, to) = (head.source_addr().into(), head.destination_addr().into());
                is_later = fragment_offset(ip) > 0;
                (from, to, head.hop_limit(), ip.payload(), head.slice())
            }
            LaxNetSlice::Arp(_) => return None,
        };
        // The packet ends where its payload ends; what follows in the frame is padding.
        let start = header.as_ptr() as usize - within.as_ptr() as usize;
        let end = payload.payload.as_ptr() as usize - within.as_ptr() as usize + payload.payload.len();
        let packet = within.get(start..end)?;
        let body = if is_later { &[] } else { payload.payload };
        Some(Self { from, to, ttl, proto: payload.ip_number.0, body, packet })
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

/// The offset in an IPv6 packet's fragment header, in units of 8 bytes (RFC 8200 section 4.5).
fn fragment_offset(ip: &LaxIpv6Slice<'_>) -> u16 {
    let offset = ip.extensions().clone().into_iter().find_map(|header| match header {
        Ipv6ExtensionSlice::Fragment(part) => Some(part.fragment_offset().value()),
        _ => None,
    });
    offset.unwrap_or(0)
}

/// What a TCP header says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u64,
    pub(super) window: u16,
}
