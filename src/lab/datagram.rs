//! What a host reads: an IPv4 packet and its transport, checked as a kernel checks them.
//!
//! Everything that a kernel drops in silence is `None` here. Read with etherparse alone, so that a mistake in a frame
//! that pktsh built shows up as a host that does not answer.

use std::net::Ipv4Addr;

use etherparse::checksum::Sum16BitWords;
use etherparse::{Icmpv4Slice, IpNumber, Ipv4HeaderSlice, TcpSlice, UdpSlice};

use super::tcp::{Ends, Segment};

/// Length of an Ethernet header, in bytes.
pub(super) const ETHERNET: usize = 14;

/// An IPv4 packet whose header is right.
#[derive(Clone, Debug)]
pub(super) struct Datagram<'a> {
    /// The packet from its IP header to its end; the padding of the frame is cut.
    pub(super) bytes: &'a [u8],
    pub(super) header: Ipv4HeaderSlice<'a>,
    pub(super) payload: &'a [u8],
    pub(super) src: Ipv4Addr,
    pub(super) dst: Ipv4Addr,
    /// The frame was for more than one station (its hardware address was a group's).
    pub(super) in_group_frame: bool,
}

impl<'a> Datagram<'a> {
    /// Reads what follows an Ethernet header.
    pub(super) fn read(bytes: &'a [u8], in_group_frame: bool) -> Option<Self> {
        let header = Ipv4HeaderSlice::from_slice(bytes).ok()?;
        let total = usize::from(header.total_len());
        if Sum16BitWords::new().add_slice(header.slice()).ones_complement() != 0
            || !(header.slice().len()..=bytes.len()).contains(&total)
            || !options_are_plain(header.options())
        {
            return None;
        }
        let payload = &bytes[header.slice().len()..total];
        let (src, dst) = (header.source_addr(), header.destination_addr());
        Some(Self { bytes: &bytes[..total], header, payload, src, dst, in_group_frame })
    }

    /// Whether the source can be no host's: RFC 1812 section 5.3.7, RFC 1122 section 3.2.1.3.
    pub(super) fn has_martian_source(&self) -> bool {
        let src = self.src;
        src.octets()[0] == 0 || src.is_loopback() || src.octets()[0] >= 224 || src.octets()[3] == 255
    }

    /// What it carries, its checksum verified. Fragments are dropped: nothing here reassembles.
    pub(super) fn transport(&self) -> Option<Transport<'a>> {
        if self.header.is_fragmenting_payload() {
            return None;
        }
        match self.header.protocol() {
            IpNumber::ICMP => {
                let is_right = Sum16BitWords::new().add_slice(self.payload).ones_complement() == 0;
                Icmpv4Slice::from_slice(self.payload).ok().filter(|_| is_right).map(Transport::Icmp)
            }
            IpNumber::TCP => {
                let is_right = self.pseudo_header_sum().add_slice(self.payload).ones_complement() == 0;
                TcpSlice::from_slice(self.payload).ok().filter(|_| is_right).map(Transport::Tcp)
            }
            IpNumber::UDP => {
                let udp = UdpSlice::from_slice(self.payload).ok().filter(|udp| udp.length() >= 8)?;
                // The UDP length may be less than what IP carries; zero means that there is no checksum (RFC 768).
                let sum = Sum16BitWords::new()
                    .add_4bytes(self.src.octets())
                    .add_4bytes(self.dst.octets())
                    .add_2bytes([0, IpNumber::UDP.0])
                    .add_2bytes(udp.length().to_be_bytes())
                    .add_slice(udp.slice());
                (udp.checksum() == 0 || sum.ones_complement() == 0).then_some(Transport::Udp(udp))
            }
            _ => Some(Transport::Other),
        }
    }

    /// RFC 9293 section 3.1; `Sum16BitWords` keeps whole words, so an odd payload may only come last.
    fn pseudo_header_sum(&self) -> Sum16BitWords {
        Sum16BitWords::new()
            .add_4bytes(self.src.octets())
            .add_4bytes(self.dst.octets())
            .add_2bytes([0, self.header.protocol().0])
            .add_2bytes((self.payload.len() as u16).to_be_bytes())
    }

    /// The TCP segment in it as the state machine wants it.
    pub(super) fn segment(&self, tcp: &TcpSlice<'_>) -> Segment {
        let ends =
            Ends { peer: self.src, peer_port: tcp.source_port(), local: self.dst, local_port: tcp.destination_port() };
        Segment {
            ends,
            seq: tcp.sequence_number(),
            ack: tcp.acknowledgment_number(),
            flags: tcp.header_slice()[13],
            window: tcp.window_size(),
            data: tcp.payload().len() as u32,
        }
    }
}

/// What a datagram carries.
#[derive(Clone, Debug)]
pub(super) enum Transport<'a> {
    Icmp(Icmpv4Slice<'a>),
    /// No protocol that a host speaks.
    Other,
    Tcp(TcpSlice<'a>),
    Udp(UdpSlice<'a>),
}

/// Whether the IP options have whole lengths and no source route among them (RFC 7126 sections 4.3 and 4.4).
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
