//! Where the packets of one call go: a route for each destination, the next hop's hardware address, the bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::Ended;
use super::error::EngineError;
use super::exchange::Options;
use super::neighbors::ask_neighbors;
use super::network::{Around, Network};
use crate::base::checksum::checksum;
use crate::base::targets::Target;
use crate::base::{Mac, Time};
use crate::layers::ether::ETHER;
use crate::layers::{ip::IP, ipv6::IPV6};
use crate::net::{Interface, Reach, Route, Via};
use crate::packet::{Packet, Slot, Surroundings};

/// Where the packets of one call go: one world, and a route for each destination.
pub(super) struct Plan {
    pub(super) place: usize,
    /// The packets, one for each of the set.
    packets: Vec<Packet>,
    pub(super) destinations: Vec<Target>,
    routes: BTreeMap<Target, Route>,
    /// Destinations whose next hop's hardware address is needed.
    asked: BTreeSet<Target>,
    /// The interface of frames without a destination address.
    iface: Option<Interface>,
}

impl Plan {
    /// `sets` stand for `count` packets.
    pub(super) fn new(network: &Network, sets: &[Packet], count: u64, options: &Options) -> Result<Self, EngineError> {
        let around = network.routing(options.iface.as_deref());
        let mut plan: Option<Self> = None;
        let mut packets = Vec::with_capacity(count as usize);
        for probe in sets.iter().flat_map(Packet::expand) {
            let probe = probe.with_destination(|| network.draws());
            check_level(&probe, options.frames)?;
            let Some(dst) = destination(&probe) else {
                packets.push(probe);
                continue;
            };
            let (place, route) = around.route(&dst)?;
            let plan = plan.get_or_insert_with(|| Self::at(place));
            if plan.place != place {
                return Err(EngineError::Mixed(plan.destinations[0].addr, dst.addr));
            }
            if options.frames && !route.takes_frames() {
                // In a scan of one's own network, the own address is passed over.
                if route.reach == Reach::Local && count > 1 {
                    continue;
                }
                return Err(no_frames(&route));
            }
            if needs_neighbor(&probe) {
                plan.asked.insert(dst.clone());
            }
            if plan.routes.insert(dst.clone(), route).is_none() {
                plan.destinations.push(dst);
            }
            packets.push(probe);
        }
        match (plan, &options.iface) {
            (Some(plan), _) => Ok(Self { packets, ..plan }),
            (None, Some(name)) if options.frames => {
                let mut plan = Self::at(network.place_with(name)?);
                let interfaces = network.place(plan.place).world.interfaces()?;
                plan.iface = interfaces.into_iter().find(|i| i.name == *name);
                Ok(Self { packets, ..plan })
            }
            (None, _) => {
                Err(EngineError::NoDestination(sets.first().map_or_else(|| "an empty list".to_owned(), Packet::names)))
            }
        }
    }

    fn at(place: usize) -> Self {
        Self {
            place,
            packets: Vec::new(),
            destinations: Vec::new(),
            routes: BTreeMap::new(),
            asked: BTreeSet::new(),
            iface: None,
        }
    }

    /// Names of the interfaces, by index.
    pub(super) fn names(&self) -> BTreeMap<u32, Arc<str>> {
        let all = self.routes.values().map(|r| &r.iface).chain(&self.iface);
        all.map(|i| (i.index, Arc::from(i.name.as_str()))).collect()
    }
}

/// Refuses frames at layer 3 and packets at layer 2, with the function to use instead.
fn check_level(packet: &Packet, frames: bool) -> Result<(), EngineError> {
    let Some(first) = packet.layers().first() else {
        return Err(EngineError::NoDestination("a packet without layers".into()));
    };
    let is_network = first.desc() == &IP || first.desc() == &IPV6;
    let names = packet.names();
    match (frames, is_network, first.desc() == &ETHER) {
        (false, true, _) | (true, false, _) => Ok(()),
        (false, _, true) => Err(EngineError::WrongLayer(format!(
            "{names} begins with a link-layer header: send frames with sendp, srp or srp1 (sr and send add their own)"
        ))),
        (false, ..) => Err(EngineError::NoDestination(names)),
        (true, ..) => Err(EngineError::WrongLayer(format!(
            "{names} has no link-layer header: write Ether()/{names}, or use send, sr or sr1, which add it"
        ))),
    }
}

fn no_frames(route: &Route) -> EngineError {
    let why = match route.reach {
        Reach::Local => "is this machine itself, and the kernel drops frames injected there".to_owned(),
        _ => format!("is reached by {}, which carries packets without a link-layer header", route.iface.name),
    };
    EngineError::WrongLayer(format!("{} {why}: use send, sr or sr1 with the IP packet", route.next_hop))
}

/// Where a packet goes: the destination of its first layer that names one.
fn destination(packet: &Packet) -> Option<Target> {
    packet.layers().iter().find_map(|layer| {
        let (_, dst) = layer.desc().ends?;
        match layer.get(dst)? {
            Slot::Set(value) => value.target(),
            _ => None,
        }
    })
}

/// Whether a packet goes behind a link-layer destination that is not set: at layer 3, or with Ethernet's left automatic.
fn needs_neighbor(packet: &Packet) -> bool {
    let first = packet.layers().first().filter(|layer| layer.desc() == &ETHER);
    first.is_none_or(|ether| ether.get("dst") == Some(Slot::Auto))
}

/// Asks the wire for the hardware addresses that nobody knows yet.
pub(super) fn resolve_neighbors(network: &mut Network, plan: &Plan) -> Result<Ended, EngineError> {
    let asked = plan.asked.iter().filter_map(|dst| plan.routes.get(dst));
    let unknown = |r: &&Route| network.place(plan.place).neighbor(r.iface.index, r.next_hop).is_none();
    let asked: Vec<&Route> = asked.filter(unknown).collect();
    Ok(ask_neighbors(network, plan.place, asked)?.0)
}

/// A packet on its way.
pub(super) struct Probe {
    /// As sent.
    pub(super) packet: Packet,
    pub(super) way: Way,
    /// Anyone may answer: it went to a group.
    pub(super) to_many: bool,
    /// When it was last sent.
    pub(super) sent: Option<Time>,
    pub(super) answers: u32,
}

impl Probe {
    /// All its bytes.
    pub(super) fn bytes(&self) -> Option<Arc<[u8]>> {
        self.packet.layers().first()?.range().map(|(bytes, ..)| bytes)
    }
}

/// Whether the kernel writes another total length or checksum into an IPv4 packet that it routes itself (raw(7)).
pub(super) fn kernel_repairs(packet: &[u8]) -> bool {
    let header = packet.first().map_or(0, |first| usize::from(first & 0x0f) * 4);
    let Some(header) = packet.get(..header).filter(|h| h.len() >= 20) else { return false };
    usize::from(u16::from_be_bytes([header[2], header[3]])) != packet.len() || checksum(header) != 0
}

/// How a packet leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// As it is, by this way.
    Plain(Via),
    /// Behind this Ethernet header.
    Behind(u32, [u8; 14]),
    /// Not at all: nobody knows the next hop's hardware address.
    NoNeighbor(IpAddr),
}

/// Builds all packets of a plan, each with its way out.
pub(super) fn build_all(network: &Network, plan: &Plan, options: &Options) -> Result<Vec<Probe>, EngineError> {
    let around = network.sending(plan.place, options.iface.as_deref());
    let mut probes = Vec::with_capacity(plan.packets.len());
    for packet in &plan.packets {
        let dst = destination(packet);
        let route = dst.as_ref().and_then(|dst| plan.routes.get(dst));
        let built = packet.build(&around)?;
        let way = match (options.frames, route) {
            (true, _) => {
                let iface = route.map(|r| &r.iface).or(plan.iface.as_ref());
                Way::Plain(Via::Frame(iface.map_or(0, |i| i.index)))
            }
            (false, Some(route)) if route.takes_frames() => {
                ethernet(&around, packet.layers()[0].desc() == &IPV6, dst.as_ref(), route)
            }
            (false, route) => {
                let only = options.iface.as_ref().and(route).map(|r| r.iface.index);
                Way::Plain(Via::Ip(only))
            }
        };
        let to_many = route.is_none_or(|r| matches!(r.reach, Reach::Broadcast | Reach::Multicast));
        probes.push(Probe { packet: built.to_packet(), way, to_many, sent: None, answers: 0 });
    }
    Ok(probes)
}

/// The Ethernet header for an IP packet (RFC 894, RFC 2464).
pub(super) fn ethernet(around: &Around<'_>, is_v6: bool, dst: Option<&Target>, route: &Route) -> Way {
    let mac = around.next_hop_mac(dst);
    let mac = mac.or((route.reach == Reach::Broadcast).then_some(Mac::BROADCAST));
    let (Some(to), Some(from)) = (mac, route.iface.mac) else { return Way::NoNeighbor(route.next_hop) };
    let mut header = [0; 14];
    header[..6].copy_from_slice(&to.0);
    header[6..12].copy_from_slice(&from.0);
    // Which kind of packet it is, its first layer says; its version may be wrong on purpose.
    header[12..].copy_from_slice(if is_v6 { &[0x86, 0xdd] } else { &[0x08, 0x00] });
    Way::Behind(route.iface.index, header)
}
