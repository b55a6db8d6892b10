//! Where the frames of a host go: the map of neighbors, and the frames on their way out.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use etherparse::{EtherType, Ethernet2Header};

use super::dns::Zone;
use super::nets::Segment;
use super::plan::{HostSpec, Plan};
use crate::base::{Mac, Time};

/// Who is where. Hosts know their neighbors without asking; only the student's jobs need ARP and neighbor discovery.
pub(super) struct Map {
    macs: BTreeMap<(Segment, IpAddr), Mac>,
    /// By segment and whether it is that of IPv6.
    gateways: BTreeMap<(Segment, bool), IpAddr>,
    /// The first IPv4 address of each host, by name.
    addrs: BTreeMap<String, Ipv4Addr>,
    name_server: Option<Ipv4Addr>,
}

impl Map {
    pub(super) fn new(plan: &Plan) -> Self {
        let cards = plan.hosts().iter().flat_map(HostSpec::nics);
        let macs = cards.flat_map(|nic| nic.subnets().map(move |subnet| ((nic.segment, subnet.addr), nic.mac())));
        let macs: BTreeMap<_, _> = macs.collect();
        let gateway = |(segment, addr): &(Segment, IpAddr)| {
            Some(((*segment, addr.is_ipv6()), plan.gateway(*segment, addr.is_ipv6())?))
        };
        let first = |host: &HostSpec| host.nics().iter().find_map(|nic| nic.v4);
        let addrs = plan.hosts().iter().filter_map(|host| Some((host.name.clone(), first(host)?)));
        Self {
            gateways: macs.keys().filter_map(gateway).collect(),
            addrs: addrs.collect(),
            name_server: plan.name_server().and_then(first),
            macs,
        }
    }

    /// Where a packet from `segment` to a station of the same network, or of another one, goes next.
    pub(super) fn next_hop(&self, segment: Segment, dst: IpAddr, on_link: bool) -> Option<Mac> {
        let next = if on_link { dst } else { *self.gateways.get(&(segment, dst.is_ipv6()))? };
        self.macs.get(&(segment, next)).copied()
    }

    /// The first IPv4 address of a host of the plan.
    pub(super) fn addr(&self, name: &str) -> Option<Ipv4Addr> {
        self.addrs.get(name).copied()
    }

    /// The address of the name server.
    pub(super) fn name_server(&self) -> Option<Ipv4Addr> {
        self.name_server
    }
}

/// What a host may look at and write to while it handles one frame.
pub(super) struct Scene<'a> {
    pub(super) now: Time,
    pub(super) map: &'a Map,
    pub(super) zone: &'a Zone,
    /// Somebody captures on `lab0`.
    pub(super) is_overheard: bool,
    pub(super) out: &'a mut Out,
}

/// The frames that hosts send, in buffers that are used again.
#[derive(Default)]
pub(super) struct Out {
    pub(super) departures: Vec<Departure>,
    free: Vec<Vec<u8>>,
}

/// A frame on its way out.
pub(super) struct Departure {
    pub(super) segment: Segment,
    /// How long the host waits before it sends.
    pub(super) hold: Duration,
    pub(super) frame: Vec<u8>,
}

impl Out {
    /// An empty buffer.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    /// Gives a buffer back.
    pub(super) fn recycle(&mut self, mut buffer: Vec<u8>) {
        const KEPT: usize = 4096;
        if self.free.len() < KEPT {
            buffer.clear();
            self.free.push(buffer);
        }
    }

    /// Adds a frame that carries `parts`, one after another.
    pub(super) fn put(&mut self, way: &Way, hold: Duration, kind: EtherType, parts: &[&[u8]]) {
        let mut frame = self.buffer();
        let header = Ethernet2Header { source: way.from.0, destination: way.to.0, ether_type: kind };
        frame.extend_from_slice(&header.to_bytes());
        for part in parts {
            frame.extend_from_slice(part);
        }
        self.departures.push(Departure { segment: way.segment, hold, frame });
    }
}

/// How a frame leaves a host.
pub(super) struct Way {
    pub(super) segment: Segment,
    pub(super) from: Mac,
    pub(super) to: Mac,
}
