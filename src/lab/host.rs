//! One simulated machine: what it does with a frame that reaches its network card.
//!
//! The student's own machine is one of them, and so is the gateway.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use etherparse::checksum::Sum16BitWords;
use etherparse::{
    ArpEthIpv4Packet, ArpHardwareId, ArpOperation, ArpPacketSlice, EtherType, Ethernet2HeaderSlice, Ipv4HeaderSlice,
};

use super::datagram::{Datagram, ETHERNET, Transport};
use super::error::Why;
use super::filter::Action;
use super::habits::Routine;
use super::limit::Limiter;
use super::ndp;
use super::nets::{self, Nic, Segment};
use super::out::{Map, Scene, Way};
use super::plan::{HostSpec, IpId};
use super::sctp::Associations;
use super::tcp::{self, Connections, Replies};
use super::udp::Told;
use crate::base::{Mac, Rng, Time, rng};

/// How long a router asks for a neighbor before it gives up: three requests, a second each, as Linux (RFC 4861 section
/// 10 says the same for IPv6).
const NEIGHBOR_TIMEOUT: Duration = Duration::from_secs(3);

/// A machine and its state.
pub(super) struct Host {
    pub(super) spec: HostSpec,
    /// The dice of its cable and its IP ids.
    pub(super) rng: Rng,
    pub(super) nics: Vec<Nic>,
    pub(super) connections: Connections,
    pub(super) errors: Option<Limiter>,
    /// What TCP is about to send; empty between two events.
    pub(super) replies: Replies,
    pub(super) routine: Routine,
    /// TCP ports at which it resets nothing.
    pub(super) quiet: BTreeSet<u16>,
    pub(super) associations: Associations,
    /// What mDNS has told of late.
    pub(super) told: Told,
    last_id: u16,
}

impl Host {
    /// A machine just switched on. `seed` is the laboratory's; each host draws from dice of its own.
    pub(super) fn new(spec: HostSpec, seed: u64) -> Self {
        let own_seed = rng::hash(seed, spec.name.as_bytes());
        let mut rng = Rng::new(own_seed);
        Self {
            connections: Connections::new(spec.stack(), rng.next_u64(), spec.window()),
            last_id: rng.next_u64() as u16,
            nics: spec.nics(),
            errors: spec.icmp_limit.map(Limiter::new),
            replies: Replies::new(),
            routine: Routine::default(),
            quiet: BTreeSet::new(),
            associations: Associations::new(rng::hash(own_seed, b"sctp")),
            told: Told::default(),
            rng,
            spec,
        }
    }

    /// A frame is on the cable of `segment`: takes it if it is for this host, and puts what it sends into the scene.
    pub(super) fn receive(&mut self, segment: Segment, frame: &[u8], scene: &mut Scene<'_>) {
        let Ok(ethernet) = Ethernet2HeaderSlice::from_slice(frame) else { return };
        let destination = Mac(ethernet.destination());
        let is_group = is_group(destination);
        if segment != Segment::LOOPBACK && !self.nics.iter().any(|nic| self.hears(nic, segment, destination)) {
            return;
        }
        match ethernet.ether_type() {
            EtherType::ARP => self.arp(segment, &frame[ETHERNET..], scene),
            EtherType::IPV6 if !self.spec.ipv6 => {}
            kind => {
                if let Some(datagram) = Datagram::read(kind, &frame[ETHERNET..], segment, is_group) {
                    self.take(&datagram, scene);
                }
            }
        }
    }

    /// The way to `dst`, by this host's routes; `None` when it has none or nobody is there. `zone` is the cable for an
    /// address that means something on one cable only.
    pub(super) fn way(&self, dst: IpAddr, zone: Segment, map: &Map) -> Option<Way> {
        if self.owns(dst, zone) {
            return Some(Way { segment: Segment::LOOPBACK, from: Mac::ZERO, to: Mac::ZERO });
        }
        let on = if nets::needs_zone(dst) { Some(zone) } else { nets::segment(dst) };
        let on_link = self.nic(on);
        if on_link.is_none() && nets::needs_zone(dst) {
            return None;
        }
        let nic = on_link.or(self.nics.first())?;
        let to = match dst {
            IpAddr::V4(dst) if on_link.is_some() && nic.segment.broadcast() == Some(dst) => Mac::BROADCAST,
            IpAddr::V4(dst) if dst.is_multicast() => group_mac(dst),
            IpAddr::V6(dst) if dst.is_multicast() => ndp::group_mac(dst),
            _ => map.next_hop(nic.segment, dst, on_link.is_some())?,
        };
        Some(Way { segment: nic.segment, from: nic.mac(), to })
    }

    /// The address that this host speaks with to `peer` by the cable of `zone`: RFC 6724 section 5, as far as a host
    /// with one address of each scope needs it.
    pub(super) fn source_for(&self, peer: IpAddr, zone: Segment) -> Option<IpAddr> {
        let nic = self.nic(Some(zone)).or(self.nics.first())?;
        match peer {
            IpAddr::V4(_) => nic.v4.map(IpAddr::V4),
            IpAddr::V6(peer) if nets::is_link_local(peer) => Some(nic.link_local().into()),
            IpAddr::V6(_) => nic.addrs6().next().map(IpAddr::V6),
        }
    }

    /// The identification of the next IP packet.
    pub(super) fn next_id(&mut self, dont_fragment: bool) -> u16 {
        match self.spec.ip_id() {
            IpId::Random => self.rng.next_u64() as u16,
            IpId::Zero if dont_fragment => 0,
            IpId::Counter | IpId::Zero => {
                self.last_id = self.last_id.wrapping_add(1);
                self.last_id
            }
        }
    }

    /// When it acts next of its own accord.
    pub(super) fn due(&mut self) -> Option<Time> {
        let due = [self.connections.due(), self.routine.due()];
        due.into_iter().flatten().min()
    }

    /// Its time has come.
    pub(super) fn wake(&mut self, scene: &mut Scene<'_>) {
        self.connections.wake(scene.now, &mut self.replies);
        self.send_replies(None, scene);
        self.follow_habits(scene);
    }

    /// Its card on `segment`.
    pub(super) fn nic(&self, segment: Option<Segment>) -> Option<&Nic> {
        self.nics.iter().find(|nic| Some(nic.segment) == segment)
    }

    /// Whether `addr` is its own; a link-local one only on the cable of `zone`, or on no cable.
    pub(super) fn owns(&self, addr: IpAddr, zone: Segment) -> bool {
        self.nics.iter().any(|nic| match addr {
            IpAddr::V4(addr) => nic.v4 == Some(addr),
            IpAddr::V6(addr) => {
                let is_there = [nic.segment, Segment::LOOPBACK].contains(&zone);
                nic.v6 == Some(addr) || (nic.link_local() == addr && is_there)
            }
        })
    }

    /// Whether `nic` takes frames to `destination`: its own address, and what goes to all or to a group of it. Groups
    /// other than those of IPv6 are all let through and dropped later.
    fn hears(&self, nic: &Nic, segment: Segment, destination: Mac) -> bool {
        let is_mine = nic.mac() == destination
            || match destination.0 {
                [0x33, 0x33, ..] => self.groups(nic).any(|group| ndp::group_mac(group) == destination),
                _ => is_group(destination),
            };
        nic.segment == segment && is_mine
    }

    /// Whether it is in the group on that cable.
    fn has_joined(&self, group: IpAddr, zone: Segment) -> bool {
        let Some(nic) = self.nic(Some(zone)) else { return false };
        match group {
            IpAddr::V4(group) => {
                self.spec.udp.iter().any(|open| open.service.groups().is_some_and(|(v4, _)| v4 == group))
            }
            IpAddr::V6(group) => self.groups(nic).any(|joined| joined == group),
        }
    }

    /// The IPv6 groups that `nic` is in: those of the protocol, and those of its services.
    fn groups(&self, nic: &Nic) -> impl Iterator<Item = Ipv6Addr> {
        let services = self.spec.udp.iter().filter_map(|open| open.service.groups());
        ndp::groups(nic, self.spec.forward).chain(services.map(|(_, v6)| v6))
    }

    /// RFC 826: answers a request for an own address, or for one that it claims, asked from an address of the same
    /// network (or from none, RFC 5227).
    fn arp(&self, segment: Segment, bytes: &[u8], scene: &mut Scene<'_>) {
        let Some(nic) = self.nic(Some(segment)) else { return };
        let (Some(own), Some(request)) = (nic.v4, read_arp(bytes)) else { return };
        let (sender, addr) = (request.sender_ipv4_addr(), request.target_ipv4_addr());
        let is_mine = addr == own || self.spec.claims.iter().any(|net| net.contains(addr.into()));
        let is_neighbor = sender.is_unspecified() || nets::segment(sender.into()) == Some(segment);
        if request.operation != ArpOperation::REQUEST || !is_mine || !is_neighbor || sender == addr {
            return;
        }
        let reply = ArpEthIpv4Packet {
            operation: ArpOperation::REPLY,
            sender_mac: nic.mac().0,
            sender_ipv4: addr.octets(),
            target_mac: request.sender_mac,
            target_ipv4: request.sender_ipv4,
        };
        let way = Way { segment, from: nic.mac(), to: Mac(request.sender_mac) };
        scene.out.put(&way, Duration::ZERO, EtherType::ARP, &[&reply.to_bytes()]);
    }

    fn take(&mut self, datagram: &Datagram<'_>, scene: &mut Scene<'_>) {
        let (dst, segment) = (datagram.dst, datagram.segment);
        let from_outside = segment != Segment::LOOPBACK;
        if from_outside && (datagram.has_martian_source() || self.owns(datagram.src, segment)) {
            return;
        }
        if self.owns(dst, segment) || self.has_joined(dst, segment) {
            self.deliver(datagram, scene);
        } else if self.spec.forward && !datagram.is_to_many() && from_outside {
            self.forward(datagram, scene);
        }
        // What goes to all stations of IPv4 gets no answer: RFC 1122 sections 3.2.2 and 3.2.2.6, and 4.2.3.10 for TCP.
    }

    /// A packet for this host.
    fn deliver(&mut self, datagram: &Datagram<'_>, scene: &mut Scene<'_>) {
        if let Some(problem) = datagram.carried.as_ref().and_then(|carried| carried.problem) {
            return self.complain(datagram, problem, scene);
        }
        let Some(transport) = datagram.transport() else { return };
        match &transport {
            Transport::Icmpv6(icmp) if ndp::is_discovery(icmp) => return self.discover(datagram, icmp, scene),
            _ if datagram.src == IpAddr::V6(Ipv6Addr::UNSPECIFIED) => return, // nobody to answer to
            _ => {}
        }
        match self.spec.filter.as_ref().map_or(Action::Accept, |filter| filter.decide(&transport)) {
            Action::Accept => self.accept(datagram, &transport, scene),
            Action::AdminProhibited => self.error(datagram, Why::Prohibited, scene),
            Action::Drop => {}
            Action::PortUnreachable => self.error(datagram, Why::Port, scene),
            Action::TcpReset => {
                if let Transport::Tcp(tcp) = &transport {
                    let segment = datagram.segment_of(tcp);
                    let reset = tcp::closed(self.spec.stack(), &segment, false);
                    self.replies.extend(reset.map(|reset| (segment.ends, reset)));
                    self.send_replies(Some(datagram), scene);
                }
            }
        }
    }

    /// Sends a packet on that is for another network (RFC 1812 section 5.2.1; RFC 8200 section 3 and RFC 4443). Of the
    /// extension headers it looks at none (RFC 8200 section 4).
    fn forward(&mut self, datagram: &Datagram<'_>, scene: &mut Scene<'_>) {
        if nets::needs_zone(datagram.dst) || datagram.src == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
            return;
        }
        let out = nets::segment(datagram.dst).filter(|out| self.nic(Some(*out)).is_some());
        let is_broadcast = out.and_then(Segment::broadcast).is_some_and(|addr| datagram.dst == addr);
        match out {
            None => self.error(datagram, Why::NoRoute, scene),
            Some(_) if is_broadcast => {} // RFC 2644: no directed broadcasts
            Some(_) if datagram.hops <= 1 => self.error(datagram, Why::Expired, scene),
            Some(_) if nets::needs_zone(datagram.src) => self.error(datagram, Why::BeyondScope, scene),
            Some(out) => match self.way(datagram.dst, out, scene.map) {
                Some(way) => {
                    let (kind, head, tail) = one_hop_older(datagram);
                    scene.out.put(&way, Duration::ZERO, kind, &[&head, tail]);
                }
                None => self.error_after(NEIGHBOR_TIMEOUT, datagram, Why::NobodyThere, scene),
            },
        }
    }
}

/// Whether a hardware address is that of several stations (IEEE 802, the first bit on the wire).
pub(super) fn is_group(mac: Mac) -> bool {
    mac.0[0] & 1 == 1
}

/// The hardware address of an IPv4 group (RFC 1112 section 6.4).
fn group_mac(group: Ipv4Addr) -> Mac {
    let [_, b, c, d] = group.octets();
    Mac([0x01, 0x00, 0x5e, b & 0x7f, c, d])
}

/// An ARP packet for Ethernet and IPv4.
pub(super) fn read_arp(bytes: &[u8]) -> Option<ArpEthIpv4Packet> {
    let packet = ArpPacketSlice::from_slice(bytes).ok()?;
    (packet.hw_addr_type() == ArpHardwareId::ETHERNET).then(|| packet.to_packet().try_eth_ipv4().ok()).flatten()
}

/// A packet that goes on: one less to live in its header, and the checksum that belongs to it where there is one.
fn one_hop_older<'a>(datagram: &Datagram<'a>) -> (EtherType, Vec<u8>, &'a [u8]) {
    const TTL: usize = 8;
    const HOP_LIMIT: usize = 7;
    let bytes = datagram.bytes;
    let Ok(header) = Ipv4HeaderSlice::from_slice(bytes) else {
        let (head, tail) = bytes.split_at(HOP_LIMIT + 1);
        let mut head = head.to_vec();
        head[HOP_LIMIT] = head[HOP_LIMIT].saturating_sub(1);
        return (EtherType::IPV6, head, tail);
    };
    let (head, tail) = bytes.split_at(header.slice().len());
    let mut head = head.to_vec();
    head[TTL] = head[TTL].saturating_sub(1);
    head[10..12].fill(0);
    let checksum = ipv4_checksum(&head);
    head[10..12].copy_from_slice(&checksum.to_be_bytes());
    (EtherType::IPV4, head, tail)
}

/// The checksum of an IPv4 header whose checksum field is zero.
pub(super) fn ipv4_checksum(header: &[u8]) -> u16 {
    Sum16BitWords::new().add_slice(header).ones_complement().to_be()
}
