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
use super::faults::Cable;
use super::filter::Action;
use super::gate::{Door, Gates};
use super::habits::Routine;
use super::limit::Limiter;
use super::ndp;
use super::nets::{self, Nic, Segment};
use super::out::{Scene, Way};
use super::plan::{HostSpec, IpId, Opening};
use super::routes::Map;
use super::sctp::Associations;
use super::tcp::{Connections, Replies};
use super::udp::Told;
use crate::base::{Mac, Rng, Time, rng};

/// How long a router asks for a neighbor before it gives up: three requests, a second each, as Linux (RFC 4861 section
/// 10 says the same for IPv6).
pub(super) const NEIGHBOR_TIMEOUT: Duration = Duration::from_secs(3);

/// A machine and its state.
pub(super) struct Host {
    pub(super) spec: HostSpec,
    /// The dice of its IP ids.
    pub(super) rng: Rng,
    pub(super) nics: Vec<Nic>,
    pub(super) connections: Connections,
    pub(super) errors: Option<Limiter>,
    /// The limit of its TCP resets.
    pub(super) resets: Option<Limiter>,
    pub(super) gates: Gates,
    pub(super) cable: Cable,
    /// What TCP is about to send; empty between two events.
    pub(super) replies: Replies,
    pub(super) routine: Routine,
    /// TCP ports at which it resets nothing.
    pub(super) quiet: BTreeSet<u16>,
    pub(super) associations: Associations,
    /// What mDNS has told of late.
    pub(super) told: Told,
    last_id: u16,
    /// What decides when the ids of a busy host are used up elsewhere.
    elsewhere: u64,
    /// When the first TCP segment came.
    first_segment: Option<Time>,
}

impl Host {
    /// A machine just switched on. `seed` is the laboratory's; each host draws from dice of its own.
    pub(super) fn new(spec: HostSpec, nics: Vec<Nic>, seed: u64) -> Self {
        let own_seed = rng::hash(seed, spec.name.as_bytes());
        let mut rng = Rng::new(own_seed);
        Self {
            connections: Connections::new(spec.stack(), rng.next_u64(), spec.window()),
            last_id: rng.next_u64() as u16,
            nics,
            errors: spec.icmp_limit.map(Limiter::new),
            resets: spec.rst_limit.map(Limiter::new),
            gates: Gates::new(&spec),
            cable: Cable::new(spec.link, Rng::new(rng::mix(own_seed))),
            elsewhere: own_seed,
            first_segment: None,
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

    /// The way of a packet from `src` to `dst`, by this host's routes; `None` when it has none or nobody is there. `zone`
    /// is the cable for an address that means something on one cable only.
    pub(super) fn way(&self, src: IpAddr, dst: IpAddr, zone: Segment, map: &Map) -> Option<Way> {
        if self.owns(dst, zone) {
            return Some(Way { segment: Segment::LOOPBACK, from: Mac::ZERO, to: Mac::ZERO });
        }
        if let Some((nic, router)) = self.route(src, dst, zone, map) {
            return way_by(nic, router, dst, map);
        }
        let nic = self.nics.first().filter(|_| !nets::needs_zone(dst))?;
        way_by(nic, Some(map.gateway(nic.segment, None, dst.is_ipv6())?), dst, map)
    }

    /// The card for a packet from `src` to `dst`, and the router that takes it when `dst` is on another network.
    ///
    /// A host that is no router sends what comes from one of its addresses by that address's card, so that answers go
    /// back the way that the questions came (the strong end system of RFC 1122 section 3.3.4.2).
    fn route(&self, src: IpAddr, dst: IpAddr, zone: Segment, map: &Map) -> Option<(&Nic, Option<IpAddr>)> {
        let on = if nets::needs_zone(dst) { zone } else { map.nets.segment(dst)? };
        let is_bound = self.nics.len() > 1 && !self.spec.forward && self.nics.iter().any(|nic| nic.has(src));
        let nics = || self.nics.iter().filter(|nic| !is_bound || nic.has(src));
        if let Some(nic) = nics().find(|nic| nic.segment == on) {
            return Some((nic, None));
        }
        if nets::needs_zone(dst) {
            return None;
        }
        let steps = nics().filter_map(|nic| Some((nic, map.step(nic.segment, on, dst.is_ipv6())?)));
        let (nic, (router, _)) = steps.min_by_key(|(_, (_, hops))| *hops)?;
        Some((nic, Some(router)))
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
    pub(super) fn next_id(&mut self, dont_fragment: bool, now: Time) -> u16 {
        match self.spec.ip_id() {
            IpId::Random => self.rng.next_u64() as u16,
            IpId::Zero if dont_fragment => 0,
            IpId::Counter | IpId::Zero => {
                self.last_id = self.last_id.wrapping_add(1);
                self.last_id.wrapping_add(self.used_elsewhere(now))
            }
        }
    }

    /// How many ids of its counter others have got until `now`, modulo 2^16: one in each of equal spans of time, at a
    /// moment of the span that a hash gives. So no event is needed for traffic that nobody sees.
    fn used_elsewhere(&self, now: Time) -> u16 {
        let each = match self.spec.busy_per_second {
            0 => return 0,
            rate => (1_000_000_000 / i64::from(rate)).max(1),
        };
        let (spans, into) = (now.nanos() / each, now.nanos() % each);
        let moment = rng::hash(self.elsewhere, &spans.to_le_bytes()) % each.unsigned_abs();
        (spans as u16).wrapping_add(u16::from(into.unsigned_abs() >= moment))
    }

    /// Whether a segment that comes at `now` for a TCP port finds one that opens late, and open.
    pub(super) fn has_opened(&mut self, port: u16, now: Time) -> bool {
        let first = *self.first_segment.get_or_insert(now);
        let has_opened = |opening: &Opening| {
            opening.ports.contains(port) && now >= first + Duration::from_secs(opening.after_s.into())
        };
        self.spec.opens.iter().any(has_opened)
    }

    /// It does not act of its own accord before that. Cheaper than [`Self::due`], and it may be too early.
    pub(super) fn soonest(&self) -> Option<Time> {
        [self.connections.soonest(), self.routine.due()].into_iter().flatten().min()
    }

    /// When it acts next of its own accord.
    pub(super) fn due(&mut self) -> Option<Time> {
        [self.connections.due(), self.routine.due()].into_iter().flatten().min()
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
        let is_neighbor = sender.is_unspecified() || scene.map.nets.segment(sender.into()) == Some(segment);
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
        match self.gates.judge(Door::Input, datagram, &transport, scene.now) {
            Action::Accept => self.accept(datagram, &transport, scene),
            refused => self.refuse(refused, datagram, &transport, scene),
        }
    }

    /// Sends a packet on that is for another network (RFC 1812 section 5.2.1; RFC 8200 section 3 and RFC 4443). Of the
    /// extension headers it looks at none (RFC 8200 section 4).
    fn forward(&mut self, datagram: &Datagram<'_>, scene: &mut Scene<'_>) {
        if nets::needs_zone(datagram.dst) || datagram.src == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
            return;
        }
        let Some((nic, router)) = self.route(datagram.src, datagram.dst, datagram.segment, scene.map) else {
            return self.error(datagram, Why::NoRoute, scene);
        };
        let nic = *nic;
        if router.is_none() && nic.broadcast().is_some_and(|addr| datagram.dst == addr) {
            return; // RFC 2644: no directed broadcasts
        }
        if datagram.hops <= 1 {
            return self.error(datagram, Why::Expired, scene);
        }
        if nets::needs_zone(datagram.src) {
            return self.error(datagram, Why::BeyondScope, scene);
        }
        // What cannot be told apart, as a fragment, fits only the rules that ask for nothing.
        let transport = datagram.transport().unwrap_or(Transport::Other);
        match self.gates.judge(Door::Forward, datagram, &transport, scene.now) {
            Action::Accept => {}
            refused => return self.refuse(refused, datagram, &transport, scene),
        }
        match way_by(&nic, router, datagram.dst, scene.map) {
            Some(way) => {
                let (kind, head, tail) = one_hop_older(datagram);
                scene.out.put(&way, Duration::ZERO, kind, &[&head, tail]);
            }
            None => self.error_after(NEIGHBOR_TIMEOUT, datagram, Why::NobodyThere, scene),
        }
    }
}

/// The way by this card, to `router` or to `dst` itself.
fn way_by(nic: &Nic, router: Option<IpAddr>, dst: IpAddr, map: &Map) -> Option<Way> {
    let to = match (router, dst) {
        (Some(router), _) => map.mac(nic.segment, router)?,
        (None, IpAddr::V4(dst)) if nic.broadcast() == Some(dst) => Mac::BROADCAST,
        (None, IpAddr::V4(dst)) if dst.is_multicast() => group_mac(dst),
        (None, IpAddr::V6(dst)) if dst.is_multicast() => ndp::group_mac(dst),
        (None, dst) => map.mac(nic.segment, dst)?,
    };
    Some(Way { segment: nic.segment, from: nic.mac(), to })
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
