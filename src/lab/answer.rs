//! What a host answers to a packet that is for it: segments, datagrams, echoes and errors, written with etherparse.

use std::net::Ipv4Addr;
use std::time::Duration;

use etherparse::icmpv4::{self, DestUnreachableHeader};
use etherparse::{
    EtherType, IcmpEchoHeader, Icmpv4Header, Icmpv4Slice, Icmpv4Type, IpNumber, Ipv4Header, TcpHeader,
    TcpOptionElement, TcpSlice, UdpHeader, UdpSlice,
};

use super::datagram::{Datagram, Transport};
use super::host::Host;
use super::out::Scene;
use super::plan::UdpService;
use super::tcp::{self, Answer, flag};

/// An ICMP error is at most this long (RFC 1812 section 4.3.2.3): 20 + 8 bytes of headers and the quote.
const ERROR_LEN: usize = 576;

/// The ICMP types that ask or answer (RFC 792, RFC 950, RFC 1256); all others are taken for errors.
const ICMP_QUERIES: [u8; 10] = [0, 8, 9, 10, 13, 14, 15, 16, 17, 18];

/// An IP packet to be sent.
struct Packet<'a> {
    src: Ipv4Addr,
    dst: Ipv4Addr,
    protocol: IpNumber,
    head: &'a [u8],
    body: &'a [u8],
    /// How long the host waits before it sends.
    hold: Duration,
}

impl<'a> Packet<'a> {
    /// One that goes back to where `datagram` came from, at once.
    fn answer(datagram: &Datagram<'_>, protocol: IpNumber, head: &'a [u8], body: &'a [u8]) -> Self {
        Self { src: datagram.dst, dst: datagram.src, protocol, head, body, hold: Duration::ZERO }
    }
}

impl Host {
    /// A packet that the filter let through.
    pub(super) fn accept(&mut self, datagram: &Datagram<'_>, transport: &Transport<'_>, scene: &mut Scene<'_>) {
        match transport {
            Transport::Icmp(icmp) => self.icmp(datagram, icmp, scene),
            Transport::Other => self.unreachable(datagram, DestUnreachableHeader::Protocol, scene),
            Transport::Tcp(tcp) => self.tcp(datagram, tcp, scene),
            Transport::Udp(udp) => self.udp(datagram, udp, scene),
        }
    }

    /// An echo request comes back with the same data (RFC 792, RFC 1122 section 3.2.2.6).
    fn icmp(&mut self, datagram: &Datagram<'_>, icmp: &Icmpv4Slice<'_>, scene: &mut Scene<'_>) {
        if icmp.type_u8() != icmpv4::TYPE_ECHO_REQUEST {
            return;
        }
        let payload = &icmp.slice()[8..];
        let echo = Icmpv4Type::EchoReply(IcmpEchoHeader::from_bytes(icmp.bytes5to8()));
        let header = Icmpv4Header::with_checksum(echo, payload).to_bytes();
        self.send(&Packet::answer(datagram, IpNumber::ICMP, &header, payload), scene);
    }

    fn tcp(&mut self, datagram: &Datagram<'_>, tcp: &TcpSlice<'_>, scene: &mut Scene<'_>) {
        if datagram.in_group_frame {
            return;
        }
        let is_open = self.spec.tcp.contains(tcp.destination_port());
        let answer = self.connections.receive(&datagram.segment(tcp), is_open, scene.now);
        self.answer_tcp(datagram, answer, scene);
    }

    pub(super) fn answer_tcp(&mut self, datagram: &Datagram<'_>, answer: Option<Answer>, scene: &mut Scene<'_>) {
        let (Some(answer), Ok(probe)) = (answer, TcpSlice::from_slice(datagram.payload)) else { return };
        let mut header = TcpHeader::new(probe.destination_port(), probe.source_port(), answer.seq, answer.window);
        header.acknowledgment_number = answer.ack;
        header.syn = answer.flags & flag::SYN != 0;
        header.rst = answer.flags & flag::RST != 0;
        header.ack = answer.flags & flag::ACK != 0;
        if header.syn {
            header.set_options(&[TcpOptionElement::MaximumSegmentSize(tcp::MSS)]).expect("four bytes of options fit");
        }
        let (src, dst) = (datagram.dst, datagram.src);
        header.checksum =
            header.calc_checksum_ipv4_raw(src.octets(), dst.octets(), &[]).expect("a segment without data fits");
        self.send(&Packet::answer(datagram, IpNumber::TCP, &header.to_bytes(), &[]), scene);
    }

    fn udp(&mut self, datagram: &Datagram<'_>, udp: &UdpSlice<'_>, scene: &mut Scene<'_>) {
        let open = self.spec.udp.iter().find(|open| open.port == udp.destination_port());
        match open.map(|open| open.service) {
            None => self.unreachable(datagram, DestUnreachableHeader::Port, scene),
            Some(UdpService::Echo) if udp.source_port() >= 1024 => {
                let (src, dst) = (datagram.dst, datagram.src);
                let (sport, dport, data) = (udp.destination_port(), udp.source_port(), udp.payload());
                let mut header =
                    UdpHeader { source_port: sport, destination_port: dport, length: udp.length(), checksum: 0 };
                header.checksum =
                    header.calc_checksum_ipv4_raw(src.octets(), dst.octets(), data).expect("it came in one datagram");
                self.send(&Packet::answer(datagram, IpNumber::UDP, &header.to_bytes(), data), scene);
            }
            Some(UdpService::Echo | UdpService::Sink) => {}
        }
    }

    pub(super) fn unreachable(&mut self, datagram: &Datagram<'_>, why: DestUnreachableHeader, scene: &mut Scene<'_>) {
        self.error(datagram, datagram.dst, Icmpv4Type::DestinationUnreachable(why), Duration::ZERO, scene);
    }

    /// An ICMP error that quotes `datagram`, unless it may not be answered by one (RFC 1122 section 3.2.2).
    pub(super) fn error(
        &mut self,
        datagram: &Datagram<'_>,
        from: Ipv4Addr,
        kind: Icmpv4Type,
        hold: Duration,
        scene: &mut Scene<'_>,
    ) {
        let is_error = datagram.header.protocol() == IpNumber::ICMP
            && !datagram.payload.first().is_some_and(|kind| ICMP_QUERIES.contains(kind));
        let is_later_fragment = datagram.header.fragments_offset().value() != 0;
        if datagram.in_group_frame || is_error || is_later_fragment {
            return;
        }
        if self.errors.as_mut().is_some_and(|errors| !errors.allows(scene.now)) {
            return;
        }
        let quote = &datagram.bytes[..datagram.bytes.len().min(ERROR_LEN - 28)];
        let header = Icmpv4Header::with_checksum(kind, quote).to_bytes();
        self.send(&Packet { src: from, hold, ..Packet::answer(datagram, IpNumber::ICMP, &header, quote) }, scene);
    }

    /// Sends `head` and `body` in an IP packet, the way that this host's routes say; nowhere if they know none.
    fn send(&mut self, packet: &Packet<'_>, scene: &mut Scene<'_>) {
        let Some(way) = self.way(packet.dst, scene.map) else { return };
        let mut header = Ipv4Header {
            total_len: (Ipv4Header::MIN_LEN + packet.head.len() + packet.body.len()) as u16,
            identification: self.next_id(),
            dont_fragment: true,
            time_to_live: self.spec.ttl,
            protocol: packet.protocol,
            source: packet.src.octets(),
            destination: packet.dst.octets(),
            ..Ipv4Header::default()
        };
        header.header_checksum = header.calc_header_checksum();
        let parts = [&header.to_bytes()[..], packet.head, packet.body];
        scene.out.put(&way, packet.hold, EtherType::IPV4, &parts);
    }
}
