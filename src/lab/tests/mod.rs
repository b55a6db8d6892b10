//! The laboratory from outside: frames written by etherparse go into the link, and what comes back is read.

#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

mod dial;
mod dns;
mod faults;
mod filters;
#[path = "../../../tests/support/flags.rs"]
mod flags;
mod habits;
mod headers;
mod hostile;
mod hosts;
mod hosts6;
mod lan;
mod mdns;
mod ndp;
mod odd;
mod plan;
mod routers;
mod sctp;
mod services;
mod six;
mod stacks;
mod witness;
mod world;

use std::net::IpAddr;
use std::time::Duration;

use etherparse::{NetSlice, PacketBuilder, SlicedPacket, TransportSlice};

use super::{Faults, Lab, Plan};
use crate::base::{Mac, Time};
use crate::net::{Event, Link, Polled, Via, World};
use flags::with_flags;

pub(super) const YOU: [u8; 4] = [192, 0, 2, 2];
pub(super) const GW: [u8; 4] = [192, 0, 2, 1];
pub(super) const WEB: [u8; 4] = [192, 0, 2, 10];
pub(super) const DROP: [u8; 4] = [192, 0, 2, 20];
pub(super) const REJECT: [u8; 4] = [192, 0, 2, 26];
pub(super) const NOPING: [u8; 4] = [192, 0, 2, 33];
pub(super) const FAR: [u8; 4] = [198, 51, 100, 10];

/// A laboratory with one open link.
pub(super) struct Bench {
    pub(super) lab: Lab,
    pub(super) link: Box<dyn Link>,
}

/// A frame that came, or that our machine's kernel sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heard {
    pub(super) at: Time,
    pub(super) outgoing: bool,
    pub(super) bytes: Vec<u8>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::of(Lab::new(1))
    }

    /// A few hosts that stay as they are, for what depends on who is there.
    pub(super) fn small() -> Self {
        Self::of(Lab::from_plan(Plan::parse(include_str!("small.toml")).unwrap(), 1))
    }

    pub(super) fn of(lab: Lab) -> Self {
        let link = lab.open().unwrap();
        Self { lab, link }
    }

    pub(super) fn with_faults(name: &str, faults: Faults) -> Self {
        let bench = Self::new();
        bench.lab.faults(name, faults).unwrap();
        bench
    }

    pub(super) fn send(&mut self, frame: &[u8]) {
        self.link.send(Via::Frame(1), frame, 0).unwrap();
    }

    pub(super) fn send_ip(&mut self, packet: &[u8]) {
        self.link.send(Via::Ip(None), packet, 0).unwrap();
    }

    /// All that is heard within ten seconds, our own copies included.
    pub(super) fn all(&mut self) -> Vec<Heard> {
        let mut heard = Vec::new();
        let until = self.link.now() + Duration::from_secs(10);
        while self.link.poll(until, &mut |event| keep(&event, &mut heard)).unwrap() == Polled::Some {}
        heard
    }

    /// What came in within ten seconds.
    pub(super) fn incoming(&mut self) -> Vec<Vec<u8>> {
        self.all().into_iter().filter(|h| !h.outgoing).map(|h| h.bytes).collect()
    }

    /// What came back to `frame`, each answer in a line.
    pub(super) fn ask(&mut self, frame: &[u8]) -> Vec<String> {
        self.send(frame);
        self.incoming().iter().map(|bytes| describe(bytes)).collect()
    }
}

fn keep(event: &Event<'_>, heard: &mut Vec<Heard>) {
    let Event::Heard(frame) = event else { panic!("{event:?}") };
    heard.push(Heard { at: frame.at, outgoing: frame.outgoing, bytes: frame.bytes.to_vec() });
}

/// The hardware address that the laboratory gives to `addr`; the gateway's for another network.
pub(super) fn mac(addr: [u8; 4]) -> [u8; 6] {
    let last = if addr[..3] == [192, 0, 2] { addr[3] } else { 1 };
    [2, 0, 0, 0, 0, last]
}

pub(super) fn ip(dst: [u8; 4], ttl: u8) -> etherparse::PacketBuilderStep<etherparse::IpHeaders> {
    PacketBuilder::ethernet2(mac(YOU), mac(dst)).ipv4(YOU, dst, ttl)
}

/// A TCP frame to `dst` from port 61000, seq 1000, ack 5000, with the flags in `flags` (`S`, `SA`, `FPU`).
pub(super) fn tcp(dst: [u8; 4], port: u16, flags: &str) -> Vec<u8> {
    tcp_with(dst, port, flags, 1000, 5000, b"")
}

pub(super) fn tcp_with(dst: [u8; 4], port: u16, flags: &str, seq: u32, ack: u32, data: &[u8]) -> Vec<u8> {
    let step = with_flags(ip(dst, 64).tcp(61000, port, seq, 1024), flags, ack);
    let mut frame = Vec::new();
    step.write(&mut frame, data).unwrap();
    frame
}

pub(super) fn udp(dst: [u8; 4], port: u16, data: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    ip(dst, 64).udp(61000, port).write(&mut frame, data).unwrap();
    frame
}

pub(super) fn echo(dst: [u8; 4], ttl: u8) -> Vec<u8> {
    let mut frame = Vec::new();
    ip(dst, ttl).icmpv4_echo_request(7, 9).write(&mut frame, b"abc").unwrap();
    frame
}

/// `who-has target tell 192.0.2.2`, to all stations.
pub(super) fn who_has(target: [u8; 4]) -> Vec<u8> {
    let request = etherparse::ArpEthIpv4Packet {
        operation: etherparse::ArpOperation::REQUEST,
        sender_mac: mac(YOU),
        sender_ipv4: YOU,
        target_mac: [0; 6],
        target_ipv4: target,
    };
    let mut frame = Vec::new();
    PacketBuilder::ethernet2(mac(YOU), Mac::BROADCAST.0).arp(request.into()).write(&mut frame).unwrap();
    frame
}

/// A frame in one line, its checksums verified: `192.0.2.10 ttl 64: RA seq 0 ack 1001 win 0`.
pub(super) fn describe(frame: &[u8]) -> String {
    let packet = SlicedPacket::from_ethernet(frame).unwrap();
    let (src, dst, hops): (IpAddr, IpAddr, u8) = match packet.net.as_ref().unwrap() {
        NetSlice::Ipv4(ip) => {
            let ip = ip.header();
            assert_eq!(ip.header_checksum(), ip.to_header().calc_header_checksum(), "IP checksum");
            (ip.source_addr().into(), ip.destination_addr().into(), ip.ttl())
        }
        NetSlice::Ipv6(ip) => {
            let ip = ip.header();
            assert_eq!(frame.len(), 54 + usize::from(ip.payload_length()), "payload length");
            (ip.source_addr().into(), ip.destination_addr().into(), ip.hop_limit())
        }
        NetSlice::Arp(arp) => {
            let arp = arp.to_packet().try_eth_ipv4().unwrap();
            return format!("arp {}: {} is at {}", arp.operation.0, arp.sender_ipv4_addr(), Mac(arp.sender_mac));
        }
    };
    format!("{src} ttl {hops}: {}", describe_transport(packet.transport.as_ref().unwrap(), src, dst))
}

fn describe_transport(transport: &TransportSlice<'_>, src: IpAddr, dst: IpAddr) -> String {
    match transport {
        TransportSlice::Tcp(tcp) => {
            let sum = match (src, dst) {
                (IpAddr::V4(src), IpAddr::V4(dst)) => tcp.calc_checksum_ipv4(src.octets(), dst.octets()),
                (IpAddr::V6(src), IpAddr::V6(dst)) => tcp.calc_checksum_ipv6(src.octets(), dst.octets()),
                other => panic!("{other:?}"),
            };
            assert_eq!(tcp.checksum(), sum.unwrap(), "TCP checksum");
            let bits = tcp.header_slice()[13];
            let flags: String =
                (0..8).filter(|bit| bits >> bit & 1 == 1).map(|bit| char::from(b"FSRPAUEC"[bit])).collect();
            let (seq, ack, window) = (tcp.sequence_number(), tcp.acknowledgment_number(), tcp.window_size());
            let seq = if bits & 0x02 != 0 { "ISS".to_owned() } else { seq.to_string() };
            format!("{flags} seq {seq} ack {ack} win {window}")
        }
        TransportSlice::Udp(udp) => {
            let header = udp.to_header();
            let sum = match (src, dst) {
                (IpAddr::V4(src), IpAddr::V4(dst)) => {
                    header.calc_checksum_ipv4_raw(src.octets(), dst.octets(), udp.payload())
                }
                (IpAddr::V6(src), IpAddr::V6(dst)) => {
                    header.calc_checksum_ipv6_raw(src.octets(), dst.octets(), udp.payload())
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(udp.checksum(), sum.unwrap(), "UDP checksum");
            format!("udp {} to {}: {}", udp.source_port(), udp.destination_port(), udp.payload().escape_ascii())
        }
        TransportSlice::Icmpv4(icmp) => {
            let header = icmp.header();
            assert_eq!(icmp.checksum(), header.icmp_type.calc_checksum(icmp.payload()), "ICMP checksum");
            format!("icmp {}/{} with {} bytes", icmp.type_u8(), icmp.code_u8(), icmp.payload().len())
        }
        TransportSlice::Icmpv6(icmp) => {
            let (IpAddr::V6(src), IpAddr::V6(dst)) = (src, dst) else { panic!("{src} {dst}") };
            assert!(icmp.is_checksum_valid(src.octets(), dst.octets()), "ICMPv6 checksum");
            format!("icmp6 {}/{} with {} bytes", icmp.type_u8(), icmp.code_u8(), icmp.payload().len())
        }
        other @ TransportSlice::Igmp(_) => panic!("{other:?}"),
    }
}
