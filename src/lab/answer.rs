//! What a host answers to a packet that is for it: segments, datagrams and echoes, written with etherparse.

use std::net::IpAddr;
use std::time::Duration;

use etherparse::{
    EtherType, IcmpEchoHeader, Icmpv4Header, Icmpv4Slice, Icmpv4Type, Icmpv6Slice, Icmpv6Type, IpNumber, Ipv4Header,
    Ipv6FlowLabel, Ipv6Header, TcpHeader, TcpSlice, icmpv4, icmpv6, ip_number,
};

use super::datagram::{Datagram, Transport, pseudo_header};
use super::dial;
use super::error::Why;
use super::host::Host;
use super::nets::Segment;
use super::out::{Scene, Way};
use super::sctp;
use super::tcp::{Ends, Reply, flag};
use super::track::Seen;

/// An IP packet to be sent. Its two addresses are of one family.
pub(super) struct Packet<'a> {
    pub(super) src: IpAddr,
    pub(super) dst: IpAddr,
    pub(super) protocol: IpNumber,
    pub(super) head: &'a [u8],
    pub(super) body: &'a [u8],
    /// Its TTL or hop limit, when it is not the host's.
    pub(super) hops: Option<u8>,
    /// No router may cut it (IPv4).
    pub(super) dont_fragment: bool,
    /// How long the host waits before it sends.
    pub(super) hold: Duration,
}

impl<'a> Packet<'a> {
    /// One that goes out at once, with the host's TTL.
    pub(super) fn new(src: IpAddr, dst: IpAddr, protocol: IpNumber, head: &'a [u8], body: &'a [u8]) -> Self {
        Self { src, dst, protocol, head, body, hops: None, dont_fragment: true, hold: Duration::ZERO }
    }
}

impl Host {
    /// A packet that the filter let through.
    pub(super) fn accept(&mut self, datagram: &Datagram<'_>, transport: &Transport<'_>, scene: &mut Scene<'_>) {
        match transport {
            Transport::Icmpv4(icmp) => {
                self.hear_error(dial::icmpv4(icmp), scene.now);
                self.icmp(datagram, icmp, scene);
            }
            Transport::Icmpv6(icmp) => {
                self.hear_error(dial::icmpv6(icmp), scene.now);
                self.echo6(datagram, icmp, scene);
            }
            Transport::Other | Transport::Sctp(_) => self.other(datagram, scene),
            Transport::Tcp(tcp) => self.tcp(datagram, tcp, scene),
            Transport::Udp(udp) => self.udp(datagram, udp, scene),
        }
    }

    /// What asks something. What goes to a group gets no answer: RFC 1122 section 3.2.2.6 allows that, and Linux does so.
    fn icmp(&mut self, datagram: &Datagram<'_>, icmp: &Icmpv4Slice<'_>, scene: &mut Scene<'_>) {
        match icmp.type_u8() {
            _ if datagram.dst.is_multicast() => {}
            icmpv4::TYPE_ECHO_REQUEST => self.echo(datagram, icmp, scene),
            icmpv4::TYPE_TIMESTAMP => self.timestamp(datagram, icmp, scene),
            _ => {}
        }
    }

    /// The time of the laboratory: milliseconds since midnight, received and sent at once (RFC 792). As Linux, it
    /// copies the first time of the request and reads no more.
    fn timestamp(&mut self, datagram: &Datagram<'_>, icmp: &Icmpv4Slice<'_>, scene: &mut Scene<'_>) {
        const DAY_MS: i64 = 86_400_000;
        let Some(originate) = icmp.slice().get(8..12) else { return };
        let now = ((super::wall(scene.now) / 1_000_000).rem_euclid(DAY_MS) as u32).to_be_bytes();
        let body = [originate, &now, &now].concat();
        let (type_u8, bytes5to8) = (icmpv4::TYPE_TIMESTAMP_REPLY, icmp.bytes5to8());
        let kind = Icmpv4Type::Unknown { type_u8, code_u8: 0, bytes5to8 };
        let header = Icmpv4Header::with_checksum(kind, &body).to_bytes();
        let packet = Packet::new(datagram.dst, datagram.src, ip_number::ICMP, &header, &body);
        let hops = Some(self.icmp_ttl());
        self.send(&Packet { hops, dont_fragment: false, ..packet }, datagram.segment, scene);
    }

    /// An echo request comes back with the same data (RFC 792, RFC 1122 section 3.2.2.6).
    fn echo(&mut self, datagram: &Datagram<'_>, icmp: &Icmpv4Slice<'_>, scene: &mut Scene<'_>) {
        let manners = self.spec.stack().icmp;
        let code = if manners.echo_keeps_code { icmp.code_u8() } else { 0 };
        let (type_u8, code_u8, bytes5to8) = (icmpv4::TYPE_ECHO_REPLY, code, icmp.bytes5to8());
        let payload = &icmp.slice()[8..];
        let echo = Icmpv4Type::Unknown { type_u8, code_u8, bytes5to8 };
        let header = Icmpv4Header::with_checksum(echo, payload).to_bytes();
        let packet = Packet::new(datagram.dst, datagram.src, ip_number::ICMP, &header, payload);
        let dont_fragment = manners.echo_keeps_df && datagram.dont_fragment;
        self.send(&Packet { hops: Some(self.icmp_ttl()), dont_fragment, ..packet }, datagram.segment, scene);
    }

    /// The TTL of its ICMP.
    pub(super) fn icmp_ttl(&self) -> u8 {
        self.spec.ttl.unwrap_or(self.spec.stack().icmp.ttl)
    }

    /// The same for `ICMPv6` (RFC 4443 section 4.2), also when all were asked.
    fn echo6(&mut self, datagram: &Datagram<'_>, icmp: &Icmpv6Slice<'_>, scene: &mut Scene<'_>) {
        let (Some(IpAddr::V6(src)), IpAddr::V6(dst)) = (self.voice(datagram), datagram.src) else { return };
        if icmp.type_u8() != icmpv6::TYPE_ECHO_REQUEST {
            return;
        }
        let echo = Icmpv6Type::EchoReply(IcmpEchoHeader::from_bytes(icmp.bytes5to8()));
        let Ok(header) = echo.to_header(src.octets(), dst.octets(), icmp.payload()) else { return };
        let header = header.to_bytes();
        let packet = Packet::new(src.into(), dst.into(), ip_number::IPV6_ICMP, &header, icmp.payload());
        self.send(&packet, datagram.segment, scene);
    }

    /// What went to all stations gets no answer (RFC 9293 section 3.9.2.3).
    fn tcp(&mut self, datagram: &Datagram<'_>, tcp: &TcpSlice<'_>, scene: &mut Scene<'_>) {
        if datagram.is_to_many() || self.quiet.contains(&tcp.destination_port()) {
            return;
        }
        let has_opened = self.has_opened(tcp.destination_port(), scene.now);
        let segment = datagram.segment_of(tcp);
        let listener = || self.spec.listener(segment.ends.local_port, has_opened);
        self.connections.receive(&segment, listener, scene.now, &mut self.replies);
        self.send_replies(Some(datagram), scene);
    }

    /// Sends what TCP has to say: in answer to a packet, or of its own accord.
    pub(super) fn send_replies(&mut self, asked: Option<&Datagram<'_>>, scene: &mut Scene<'_>) {
        let mut replies = std::mem::take(&mut self.replies);
        if !asked.is_some_and(Datagram::is_to_many) {
            for (ends, reply) in &replies {
                let zone = asked.map_or(self.nics[0].segment, |datagram| datagram.segment);
                self.send_segment(ends, reply, zone, scene);
            }
        }
        replies.clear();
        self.replies = replies; // keeps its room
    }

    fn send_segment(&mut self, ends: &Ends, reply: &Reply, zone: Segment, scene: &mut Scene<'_>) {
        if reply.flags & flag::RST != 0 && self.resets.as_mut().is_some_and(|resets| !resets.allows(scene.now)) {
            return;
        }
        let (src, dst) = (ends.local, ends.peer);
        let mut header = TcpHeader::new(ends.local_port, ends.peer_port, reply.seq, reply.window);
        let has = |bit| reply.flags & bit != 0;
        header.acknowledgment_number = reply.ack;
        (header.syn, header.rst, header.fin) = (has(flag::SYN), has(flag::RST), has(flag::FIN));
        (header.ack, header.psh, header.ece) = (has(flag::ACK), has(flag::PSH), has(flag::ECE));
        if header.set_options_raw(reply.options.bytes()).is_err() {
            return; // never: there are at most 40 bytes of them
        }
        let length = (header.header_len() + reply.data.len()) as u16;
        let sum = pseudo_header(src, dst, ip_number::TCP, length).add_slice(&header.to_bytes());
        header.checksum = sum.add_slice(&reply.data).ones_complement().to_be();
        let manners = self.spec.stack().dont_fragment;
        let dont_fragment = match (header.rst, header.ack) {
            (false, _) => manners.connected,
            (true, false) => manners.reset,
            (true, true) => manners.reset_ack,
        };
        let head = header.to_bytes();
        let packet = Packet::new(src, dst, ip_number::TCP, &head, &reply.data);
        self.send(&Packet { dont_fragment, ..packet }, zone, scene);
    }

    /// A protocol that not every host speaks. Whether a kernel looks into a packet of SCTP at all depends on its having
    /// the module.
    fn other(&mut self, datagram: &Datagram<'_>, scene: &mut Scene<'_>) {
        let Some(carried) = &datagram.carried else { return };
        match &self.spec.sctp {
            Some(open) if carried.protocol == ip_number::SCTP => {
                let packet = sctp::Packet::read(datagram.src, datagram.dst, carried.payload);
                let Some(packet) = packet.filter(|_| !datagram.is_to_many()) else { return };
                let is_open = open.contains(packet.local_port());
                let Some(answer) = self.associations.receive(&packet, is_open, scene.now) else { return };
                let packet = Packet::new(datagram.dst, datagram.src, ip_number::SCTP, &answer, &[]);
                self.send(&packet, datagram.segment, scene);
            }
            _ if self.takes(carried.protocol, datagram.dst) => {}
            _ => self.error(datagram, Why::Protocol, scene),
        }
    }

    /// Whether it takes a protocol in silence: one of its plan, or IGMP, which a host in groups speaks (RFC 1112
    /// section 7.2).
    fn takes(&self, protocol: IpNumber, dst: IpAddr) -> bool {
        let is_in_groups = || self.spec.udp.iter().any(|open| open.service.groups().is_some());
        self.spec.protocols.binary_search(&protocol.0).is_ok()
            || (protocol == ip_number::IGMP && dst.is_ipv4() && is_in_groups())
    }

    /// Sends a packet the way that this host's routes say; nowhere if they know none. `zone` is the cable for an
    /// address that means something on one cable only.
    pub(super) fn send(&mut self, packet: &Packet<'_>, zone: Segment, scene: &mut Scene<'_>) {
        if let Some(way) = self.way(packet.src, packet.dst, zone, scene.map) {
            self.send_by(&way, packet, scene);
        }
    }

    /// Sends a packet this way.
    pub(super) fn send_by(&mut self, way: &Way, packet: &Packet<'_>, scene: &mut Scene<'_>) {
        let len = packet.head.len() + packet.body.len();
        let hops = packet.hops.unwrap_or_else(|| self.spec.ttl());
        self.gates.note(|| Seen::of(packet.src, packet.dst, packet.protocol, packet.head), scene.now);
        match (packet.src, packet.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => {
                let mut header = Ipv4Header {
                    total_len: (Ipv4Header::MIN_LEN + len) as u16,
                    identification: self.next_id(packet.dont_fragment, scene.now),
                    dont_fragment: packet.dont_fragment,
                    time_to_live: hops,
                    protocol: packet.protocol,
                    source: src.octets(),
                    destination: dst.octets(),
                    ..Ipv4Header::default()
                };
                header.header_checksum = header.calc_header_checksum();
                let parts = [&header.to_bytes()[..], packet.head, packet.body];
                scene.out.put(way, packet.hold, EtherType::IPV4, &parts);
            }
            (IpAddr::V6(src), IpAddr::V6(dst)) => {
                let header = Ipv6Header {
                    traffic_class: 0,
                    flow_label: Ipv6FlowLabel::ZERO,
                    payload_length: len as u16,
                    next_header: packet.protocol,
                    hop_limit: hops,
                    source: src.octets(),
                    destination: dst.octets(),
                };
                let parts = [&header.to_bytes()[..], packet.head, packet.body];
                scene.out.put(way, packet.hold, EtherType::IPV6, &parts);
            }
            _ => {} // never: an answer has the family of its question
        }
    }
}
