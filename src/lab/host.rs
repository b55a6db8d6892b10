//! One simulated machine: what it does with a frame that reaches its network card.
//!
//! The student's own machine is one of them, and so is the gateway.

use std::net::Ipv4Addr;
use std::time::Duration;

use etherparse::checksum::Sum16BitWords;
use etherparse::icmpv4::{DestUnreachableHeader, TimeExceededCode};
use etherparse::{
    ArpEthIpv4Packet, ArpHardwareId, ArpOperation, ArpPacketSlice, EtherType, Ethernet2HeaderSlice, Icmpv4Type,
};

use super::datagram::{Datagram, ETHERNET, Transport};
use super::filter::Action;
use super::limit::Limiter;
use super::nets::{self, Segment};
use super::out::{Map, Scene, Way};
use super::plan::{HostSpec, IpId};
use super::tcp::{self, Connections};
use crate::base::{Mac, Rng, rng};

/// How long a router asks for a neighbor before it gives up: three ARP requests, a second each, as Linux.
const NEIGHBOR_TIMEOUT: Duration = Duration::from_secs(3);

/// A machine and its state.
pub(super) struct Host {
    pub(super) spec: HostSpec,
    /// The dice of its cable and its IP ids.
    pub(super) rng: Rng,
    nics: Vec<(Segment, Mac, Ipv4Addr)>,
    pub(super) connections: Connections,
    pub(super) errors: Option<Limiter>,
    last_id: u16,
}

impl Host {
    /// A machine just switched on. `seed` is the laboratory's; each host draws from dice of its own.
    pub(super) fn new(spec: HostSpec, seed: u64) -> Self {
        let mut rng = Rng::new(rng::hash(seed, spec.name.as_bytes()));
        Self {
            connections: Connections::new(spec.personality.manners(), rng.next_u64(), spec.window),
            last_id: rng.next_u64() as u16,
            nics: spec.nics().collect(),
            errors: spec.icmp_limit.map(Limiter::new),
            rng,
            spec,
        }
    }

    /// A frame is on the cable of `segment`: takes it if it is for this host, and puts what it sends into the scene.
    pub(super) fn receive(&mut self, segment: Segment, frame: &[u8], scene: &mut Scene<'_>) {
        let Ok(ethernet) = Ethernet2HeaderSlice::from_slice(frame) else { return };
        let destination = Mac(ethernet.destination());
        let is_group = is_group(destination);
        let is_mine =
            segment == Segment::LOOPBACK || self.nics.iter().any(|nic| (nic.0, nic.1) == (segment, destination));
        if !is_mine && !is_group {
            return;
        }
        match ethernet.ether_type() {
            EtherType::ARP => self.arp(segment, &frame[ETHERNET..], scene),
            EtherType::IPV4 => {
                if let Some(datagram) = Datagram::read(&frame[ETHERNET..], is_group) {
                    self.ipv4(segment, &datagram, scene);
                }
            }
            _ => {}
        }
    }

    /// The way to `dst`, by this host's routes; `None` when it has none or nobody is there.
    pub(super) fn way(&self, dst: Ipv4Addr, map: &Map) -> Option<Way> {
        if self.owns(dst) {
            return Some(Way { segment: Segment::LOOPBACK, from: Mac::ZERO, to: Mac::ZERO });
        }
        let on_link = self.nics.iter().find(|nic| Some(nic.0) == nets::segment(dst));
        let &(segment, from, _) = on_link.or(self.nics.first())?;
        if on_link.is_some() && segment.broadcast() == Some(dst) {
            return Some(Way { segment, from, to: Mac::BROADCAST });
        }
        Some(Way { segment, from, to: map.next_hop(segment, dst, on_link.is_some())? })
    }

    /// The identification of the next IP packet.
    pub(super) fn next_id(&mut self) -> u16 {
        match self.spec.ip_id {
            IpId::Counter => {
                self.last_id = self.last_id.wrapping_add(1);
                self.last_id
            }
            IpId::Random => self.rng.next_u64() as u16,
            IpId::Zero => 0,
        }
    }

    fn owns(&self, addr: Ipv4Addr) -> bool {
        self.nics.iter().any(|nic| nic.2 == addr)
    }

    /// RFC 826: answers a request for an own address, asked from an address of the same network (or from none, RFC 5227).
    fn arp(&self, segment: Segment, bytes: &[u8], scene: &mut Scene<'_>) {
        let Some(&(_, mac, addr)) = self.nics.iter().find(|nic| nic.0 == segment) else { return };
        let Some(request) = read_arp(bytes) else { return };
        let sender = request.sender_ipv4_addr();
        let is_neighbor = sender.is_unspecified() || nets::segment(sender) == Some(segment);
        if request.operation != ArpOperation::REQUEST
            || request.target_ipv4_addr() != addr
            || !is_neighbor
            || sender == addr
        {
            return;
        }
        let reply = ArpEthIpv4Packet {
            operation: ArpOperation::REPLY,
            sender_mac: mac.0,
            sender_ipv4: addr.octets(),
            target_mac: request.sender_mac,
            target_ipv4: request.sender_ipv4,
        };
        let way = Way { segment, from: mac, to: Mac(request.sender_mac) };
        scene.out.put(&way, Duration::ZERO, EtherType::ARP, &[&reply.to_bytes()]);
    }

    fn ipv4(&mut self, segment: Segment, datagram: &Datagram<'_>, scene: &mut Scene<'_>) {
        let from_outside = segment != Segment::LOOPBACK;
        if from_outside && (datagram.has_martian_source() || self.owns(datagram.src)) {
            return;
        }
        let dst = datagram.dst;
        if self.owns(dst) {
            self.deliver(datagram, scene);
        } else if self.spec.forward && !datagram.in_group_frame && from_outside {
            self.forward(segment, datagram, scene);
        }
        // What goes to all stations gets no answer: RFC 1122 sections 3.2.2 and 3.2.2.6, and 4.2.3.10 for TCP.
    }

    /// A packet for this host.
    fn deliver(&mut self, datagram: &Datagram<'_>, scene: &mut Scene<'_>) {
        let Some(transport) = datagram.transport() else { return };
        match self.spec.filter.as_ref().map_or(Action::Accept, |filter| filter.decide(&transport)) {
            Action::Accept => self.accept(datagram, &transport, scene),
            Action::AdminProhibited => self.unreachable(datagram, DestUnreachableHeader::FilterProhibited, scene),
            Action::Drop => {}
            Action::PortUnreachable => self.unreachable(datagram, DestUnreachableHeader::Port, scene),
            Action::TcpReset => {
                if let Transport::Tcp(tcp) = &transport {
                    self.answer_tcp(datagram, tcp::closed(&datagram.segment(tcp)), scene);
                }
            }
        }
    }

    /// Sends a packet on that is for another network (RFC 1812 section 5.2.1).
    fn forward(&mut self, segment: Segment, datagram: &Datagram<'_>, scene: &mut Scene<'_>) {
        let Some(&(_, _, here)) = self.nics.iter().find(|nic| nic.0 == segment) else { return };
        let expired = Icmpv4Type::TimeExceeded(TimeExceededCode::TtlExceededInTransit);
        let unreachable = Icmpv4Type::DestinationUnreachable;
        let out = nets::segment(datagram.dst).filter(|out| self.nics.iter().any(|nic| nic.0 == *out));
        match out {
            None => self.error(datagram, here, unreachable(DestUnreachableHeader::Network), Duration::ZERO, scene),
            Some(out) if out.broadcast() == Some(datagram.dst) => {} // RFC 2644: no directed broadcasts
            Some(_) if datagram.header.ttl() <= 1 => self.error(datagram, here, expired, Duration::ZERO, scene),
            Some(_) => match self.way(datagram.dst, scene.map) {
                Some(way) => {
                    let (head, tail) = datagram.bytes.split_at(datagram.header.slice().len());
                    scene.out.put(&way, Duration::ZERO, EtherType::IPV4, &[&one_hop_older(head), tail]);
                }
                None => {
                    self.error(datagram, here, unreachable(DestUnreachableHeader::Host), NEIGHBOR_TIMEOUT, scene);
                }
            },
        }
    }
}

/// Whether a hardware address is that of several stations (IEEE 802, the first bit on the wire).
pub(super) fn is_group(mac: Mac) -> bool {
    mac.0[0] & 1 == 1
}

/// An ARP packet for Ethernet and IPv4.
pub(super) fn read_arp(bytes: &[u8]) -> Option<ArpEthIpv4Packet> {
    let packet = ArpPacketSlice::from_slice(bytes).ok()?;
    (packet.hw_addr_type() == ArpHardwareId::ETHERNET).then(|| packet.to_packet().try_eth_ipv4().ok()).flatten()
}

/// The header of a packet that goes on: one less to live, and the checksum that belongs to it.
fn one_hop_older(header: &[u8]) -> Vec<u8> {
    let mut header = header.to_vec();
    header[8] = header[8].saturating_sub(1);
    header[10..12].fill(0);
    let checksum = ipv4_checksum(&header);
    header[10..12].copy_from_slice(&checksum.to_be_bytes());
    header
}

/// The checksum of an IPv4 header whose checksum field is zero.
pub(super) fn ipv4_checksum(header: &[u8]) -> u16 {
    Sum16BitWords::new().add_slice(header).ones_complement().to_be()
}
