//! What a host reads: an IP packet and its transport, checked as a kernel checks them.
//!
//! Everything that a kernel drops in silence is `None` here. Read with etherparse alone, so that a mistake in a frame
//! that pktsh built shows up as a host that does not answer.

use std::net::IpAddr;

use etherparse::checksum::Sum16BitWords;
use etherparse::{
    EtherType, Icmpv4Slice, Icmpv6Slice, IpNumber, Ipv4HeaderSlice, Ipv6Header, Ipv6HeaderSlice, TcpSlice, UdpSlice,
    ip_number,
};

use super::chain::{self, Carried};
use super::nets;
use super::tcp::{Ends, Segment};

/// Length of an Ethernet header, in bytes.
pub(super) const ETHERNET: usize = 14;

/// Where the options of a TCP header begin.
const TCP_OPTIONS: usize = 20;

/// An IP packet whose header is right. Its two addresses are of one family.
#[derive(Clone, Debug)]
pub(super) struct Datagram<'a> {
    /// The packet from its IP header to its end; the padding of the frame is cut.
    pub(super) bytes: &'a [u8],
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    /// Its TTL or hop limit.
    pub(super) hops: u8,
    /// No router may cut it (IPv4).
    pub(super) dont_fragment: bool,
    /// What it carries; `None` when that cannot be told from this packet.
    pub(super) carried: Option<Carried<'a>>,
    /// The cable that it came by.
    pub(super) segment: nets::Segment,
    /// The frame was for more than one station (its hardware address was a group's).
    pub(super) in_group_frame: bool,
}

impl<'a> Datagram<'a> {
    /// Reads what follows the header of an Ethernet frame of this `kind`.
    pub(super) fn read(kind: EtherType, bytes: &'a [u8], segment: nets::Segment, in_group_frame: bool) -> Option<Self> {
        match kind {
            EtherType::IPV4 => Self::read_v4(bytes, segment, in_group_frame),
            EtherType::IPV6 => Self::read_v6(bytes, segment, in_group_frame),
            _ => None,
        }
    }

    fn read_v4(bytes: &'a [u8], segment: nets::Segment, in_group_frame: bool) -> Option<Self> {
        const PROTOCOL: usize = 9;
        let header = Ipv4HeaderSlice::from_slice(bytes).ok()?;
        let total = usize::from(header.total_len());
        if Sum16BitWords::new().add_slice(header.slice()).ones_complement() != 0
            || !(header.slice().len()..=bytes.len()).contains(&total)
            || !options_are_plain(header.options())
        {
            return None;
        }
        let carried = Carried {
            protocol: header.protocol(),
            named_at: PROTOCOL,
            payload: &bytes[header.slice().len()..total],
            is_fragment: header.is_fragmenting_payload(),
            problem: None,
        };
        Some(Self {
            bytes: &bytes[..total],
            src: header.source_addr().into(),
            dst: header.destination_addr().into(),
            hops: header.ttl(),
            dont_fragment: header.dont_fragment(),
            carried: Some(carried).filter(|_| header.fragments_offset().value() == 0),
            segment,
            in_group_frame,
        })
    }

    /// A payload length of zero is that of a jumbogram (RFC 2675), which Ethernet does not carry, or of nothing at all.
    fn read_v6(bytes: &'a [u8], segment: nets::Segment, in_group_frame: bool) -> Option<Self> {
        let header = Ipv6HeaderSlice::from_slice(bytes).ok()?;
        let bytes = bytes.get(..Ipv6Header::LEN + usize::from(header.payload_length()))?;
        Some(Self {
            bytes,
            src: header.source_addr().into(),
            dst: header.destination_addr().into(),
            hops: header.hop_limit(),
            dont_fragment: true,
            carried: chain::walk(bytes),
            segment,
            in_group_frame,
        })
    }

    /// Whether the source can be no host's: RFC 1812 section 5.3.7, RFC 1122 section 3.2.1.3; RFC 4291 sections 2.5.3,
    /// 2.7 and, for the mapped addresses, RFC 4942 section 2.2. The unspecified address of IPv6 is fit for neighbor
    /// discovery only, and looked at there.
    pub(super) fn has_martian_source(&self) -> bool {
        match self.src {
            IpAddr::V4(src) => {
                let [first, .., last] = src.octets();
                first == 0 || src.is_loopback() || first >= 224 || last == 255
            }
            IpAddr::V6(src) => src.is_loopback() || src.is_multicast() || src.to_ipv4_mapped().is_some(),
        }
    }

    /// Whether it went to more than one station.
    pub(super) fn is_to_many(&self) -> bool {
        self.in_group_frame || self.dst.is_multicast()
    }

    /// What it carries, its checksum verified. Fragments are dropped: nothing here reassembles.
    pub(super) fn transport(&self) -> Option<Transport<'a>> {
        let carried = self.carried.as_ref().filter(|carried| !carried.is_fragment)?;
        let payload = carried.payload;
        let pseudo = pseudo_header(self.src, self.dst, carried.protocol, payload.len() as u16);
        match (carried.protocol, self.src) {
            (ip_number::ICMP, IpAddr::V4(_)) => {
                let is_right = Sum16BitWords::new().add_slice(payload).ones_complement() == 0;
                Icmpv4Slice::from_slice(payload).ok().filter(|_| is_right).map(Transport::Icmpv4)
            }
            (ip_number::IPV6_ICMP, IpAddr::V6(_)) => {
                let is_right = pseudo.add_slice(payload).ones_complement() == 0;
                Icmpv6Slice::from_slice(payload).ok().filter(|_| is_right).map(Transport::Icmpv6)
            }
            (ip_number::TCP, _) => {
                let is_right = pseudo.add_slice(payload).ones_complement() == 0;
                TcpSlice::from_slice(payload).ok().filter(|_| is_right).map(Transport::Tcp)
            }
            (ip_number::UDP, _) => {
                let udp = UdpSlice::from_slice(payload).ok().filter(|udp| udp.length() >= 8)?;
                // The UDP length may be less than what IP carries. Zero means that there is no checksum (RFC 768),
                // which IPv6 does not allow (RFC 8200 section 8.1).
                let sum = pseudo_header(self.src, self.dst, ip_number::UDP, udp.length()).add_slice(udp.slice());
                let is_right = if udp.checksum() == 0 { self.src.is_ipv4() } else { sum.ones_complement() == 0 };
                is_right.then_some(Transport::Udp(udp))
            }
            (ip_number::SCTP, _) => {
                let port = payload.get(2..4).and_then(|port| port.try_into().ok()).map(u16::from_be_bytes);
                Some(port.map_or(Transport::Other, Transport::Sctp))
            }
            _ => Some(Transport::Other),
        }
    }

    /// The TCP segment in it as the state machine wants it.
    pub(super) fn segment_of<'t>(&self, tcp: &TcpSlice<'t>) -> Segment<'t> {
        let ends =
            Ends { peer: self.src, peer_port: tcp.source_port(), local: self.dst, local_port: tcp.destination_port() };
        Segment {
            ends,
            seq: tcp.sequence_number(),
            ack: tcp.acknowledgment_number(),
            flags: tcp.header_slice()[13],
            window: tcp.window_size(),
            options: &tcp.header_slice()[TCP_OPTIONS..],
            data: tcp.payload(),
        }
    }
}

/// What a datagram carries.
#[derive(Clone, Debug)]
pub(super) enum Transport<'a> {
    Icmpv4(Icmpv4Slice<'a>),
    Icmpv6(Icmpv6Slice<'a>),
    /// No protocol that a host speaks.
    Other,
    /// An SCTP packet to this port; whoever speaks SCTP verifies its checksum.
    Sctp(u16),
    Tcp(TcpSlice<'a>),
    Udp(UdpSlice<'a>),
}

/// The sum over the pseudo-header of IPv4 (RFC 9293 section 3.1) or IPv6 (RFC 8200 section 8.1), which differ in the
/// length of the addresses and in bytes that are zero. `Sum16BitWords` keeps whole words, so what is added to it may be
/// odd in its last part only.
pub(super) fn pseudo_header(src: IpAddr, dst: IpAddr, protocol: IpNumber, len: u16) -> Sum16BitWords {
    let add = |mut sum: Sum16BitWords, addr| match addr {
        IpAddr::V4(addr) => sum.add_4bytes(addr.octets()),
        IpAddr::V6(addr) => sum.add_16bytes(addr.octets()),
    };
    add(add(Sum16BitWords::new(), src), dst).add_2bytes([0, protocol.0]).add_2bytes(len.to_be_bytes())
}

/// Whether the IPv4 options have whole lengths and no source route among them (RFC 7126 sections 4.3 and 4.4).
fn options_are_plain(mut options: &[u8]) -> bool {
    const END: u8 = 0;
    const NOP: u8 = 1;
    const SOURCE_ROUTES: [u8; 2] = [131, 137];
    while let Some(&kind) = options.first() {
        let len = match kind {
            END => return true,
            NOP => 1,
            kind if SOURCE_ROUTES.contains(&kind) => return false,
            _ => match options.get(1) {
                Some(&len) if len >= 2 => usize::from(len),
                _ => return false,
            },
        };
        match options.get(len..) {
            Some(rest) => options = rest,
            None => return false,
        }
    }
    true
}
