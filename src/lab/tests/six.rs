//! Frames of IPv6, for the other tests.

use std::net::Ipv6Addr;

use etherparse::{IpNumber, Ipv6FlowLabel, Ipv6Header, PacketBuilderStep};

use super::*;

pub(super) const YOU6: Ipv6Addr = home(2);
pub(super) const GW6: Ipv6Addr = home(1);
pub(super) const WEB6: Ipv6Addr = home(0x10);
pub(super) const DROP6: Ipv6Addr = home(0x20);
pub(super) const REJECT6: Ipv6Addr = home(0x26);
pub(super) const NOPING6: Ipv6Addr = home(0x33);
pub(super) const DNS6: Ipv6Addr = home(0x53);
pub(super) const FAR6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x10);

/// The link-local addresses of `you.lab` and `web.lab`.
pub(super) const YOU_LL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 0x02);
pub(super) const WEB_LL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0xff, 0xfe00, 0x0a);

/// All nodes and all routers of the link.
pub(super) const ALL: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
pub(super) const ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// `2001:db8::` and this number.
pub(super) const fn home(number: u16) -> Ipv6Addr {
    Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number)
}

/// The hardware address for frames to `dst`: the host's, a group's, or the gateway's for another network.
pub(super) fn mac6(dst: Ipv6Addr) -> [u8; 6] {
    if dst.is_multicast() {
        let [.., c, d, e, f] = dst.octets();
        return [0x33, 0x33, c, d, e, f];
    }
    // A host at home has the same digits at the end of both its addresses.
    let digits = format!("{:x}", dst.segments()[7]);
    let is_home = dst.segments()[..7] == home(0).segments()[..7];
    let last = if dst == WEB_LL {
        10
    } else if is_home {
        digits.parse().unwrap_or(1)
    } else {
        1
    };
    [2, 0, 0, 0, 0, last]
}

pub(super) fn ip6(src: Ipv6Addr, dst: Ipv6Addr, hops: u8) -> PacketBuilderStep<etherparse::IpHeaders> {
    PacketBuilder::ethernet2(mac(YOU), mac6(dst)).ipv6(src.octets(), dst.octets(), hops)
}

/// A TCP frame from port 61000, seq 1000, ack 5000.
pub(super) fn tcp6(dst: Ipv6Addr, port: u16, flags: &str) -> Vec<u8> {
    let step = with_flags(ip6(YOU6, dst, 64).tcp(61000, port, 1000, 1024), flags, 5000);
    let mut frame = Vec::new();
    step.write(&mut frame, b"").unwrap();
    frame
}

pub(super) fn udp6(dst: Ipv6Addr, port: u16, data: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    ip6(YOU6, dst, 64).udp(61000, port).write(&mut frame, data).unwrap();
    frame
}

pub(super) fn echo6(dst: Ipv6Addr, hops: u8) -> Vec<u8> {
    echo6_from(YOU6, dst, hops)
}

pub(super) fn echo6_from(src: Ipv6Addr, dst: Ipv6Addr, hops: u8) -> Vec<u8> {
    let mut frame = Vec::new();
    ip6(src, dst, hops).icmpv6_echo_request(7, 9).write(&mut frame, b"abc").unwrap();
    frame
}

/// A frame with these bytes behind the IPv6 header, which names them `next`.
pub(super) fn raw6(dst: Ipv6Addr, hops: u8, next: u8, payload: &[u8]) -> Vec<u8> {
    let header = Ipv6Header {
        traffic_class: 0,
        flow_label: Ipv6FlowLabel::ZERO,
        payload_length: payload.len() as u16,
        next_header: IpNumber(next),
        hop_limit: hops,
        source: YOU6.octets(),
        destination: dst.octets(),
    };
    [&mac6(dst)[..], &mac(YOU), &[0x86, 0xdd], &header.to_bytes(), payload].concat()
}

/// An `ICMPv6` message with a right checksum.
pub(super) fn icmp6(src: Ipv6Addr, dst: Ipv6Addr, hops: u8, kind: etherparse::Icmpv6Type, body: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    ip6(src, dst, hops).icmpv6(kind).write(&mut frame, body).unwrap();
    frame
}

/// What came back to `frame` on a fresh bench.
pub(super) fn ask(frame: &[u8]) -> Vec<String> {
    Bench::new().ask(frame)
}
