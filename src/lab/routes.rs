//! The ways between the networks, and the stations on each.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use super::nets::{Nets, Nic, Segment};
use super::plan::{HostSpec, Plan};
use crate::base::Mac;

/// Who is where. Hosts know their neighbors without asking; only the student's jobs need ARP and neighbor discovery.
pub(super) struct Map {
    pub(super) nets: Nets,
    macs: BTreeMap<(Segment, IpAddr), Mac>,
    /// The way from one segment to another, by whether it is that of IPv6.
    steps: BTreeMap<(Segment, Segment, bool), Step>,
    /// Where a segment sends what has no place, by whether it is IPv6.
    defaults: BTreeMap<(Segment, bool), IpAddr>,
    /// The first IPv4 address of each host, by name.
    addrs: BTreeMap<String, Ipv4Addr>,
    name_server: Option<Ipv4Addr>,
}

/// The first step of the way to another segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    /// The router that takes it.
    router: IpAddr,
    /// How many routers are on the way.
    hops: usize,
}

impl Map {
    pub(super) fn new(plan: &Plan) -> Self {
        let cards = plan.hosts().iter().flat_map(|host| plan.nics(host));
        let macs = cards.flat_map(|nic| nic.subnets().map(move |subnet| ((nic.segment, subnet.addr), nic.mac())));
        let routers: Vec<Vec<Nic>> =
            plan.hosts().iter().filter(|host| host.forward).map(|host| plan.nics(host)).collect();
        let first = |host: &HostSpec| plan.nics(host).iter().find_map(|nic| nic.v4);
        let addrs = plan.hosts().iter().filter_map(|host| Some((host.name.clone(), first(host)?)));
        let mut map = Self {
            nets: plan.nets().clone(),
            macs: macs.collect(),
            steps: BTreeMap::new(),
            defaults: BTreeMap::new(),
            addrs: addrs.collect(),
            name_server: plan.name_server().and_then(first),
        };
        for is_ipv6 in [false, true] {
            for (segment, router) in routers.iter().flat_map(|nics| stands(nics, is_ipv6)) {
                map.defaults.entry((segment, is_ipv6)).or_insert(router);
            }
            for (to, _) in plan.nets().all() {
                map.find_ways(&routers, to, is_ipv6);
            }
        }
        map
    }

    /// The shortest ways from everywhere to `to`, found outward from there; of equal ones, the router that the plan
    /// names first.
    fn find_ways(&mut self, routers: &[Vec<Nic>], to: Segment, is_ipv6: bool) {
        let mut reached = vec![to];
        for hops in 1..=routers.len() {
            let mut new = Vec::new();
            for nics in routers.iter().filter(|nics| stands(nics, is_ipv6).any(|(there, _)| reached.contains(&there))) {
                for (from, router) in stands(nics, is_ipv6) {
                    if from != to && !self.steps.contains_key(&(from, to, is_ipv6)) {
                        self.steps.insert((from, to, is_ipv6), Step { router, hops });
                        new.push(from);
                    }
                }
            }
            reached = new;
        }
    }

    /// The router on `from` that leads to `to`, and the number of routers on that way.
    pub(super) fn step(&self, from: Segment, to: Segment, is_ipv6: bool) -> Option<(IpAddr, usize)> {
        self.steps.get(&(from, to, is_ipv6)).map(|step| (step.router, step.hops))
    }

    /// The router on `from` for packets to `to`, or to what has no place.
    pub(super) fn gateway(&self, from: Segment, to: Option<Segment>, is_ipv6: bool) -> Option<IpAddr> {
        let step = to.and_then(|to| self.step(from, to, is_ipv6)).map(|(router, _)| router);
        step.or_else(|| self.defaults.get(&(from, is_ipv6)).copied())
    }

    /// The first IPv4 address of a host of the plan.
    pub(super) fn addr(&self, name: &str) -> Option<Ipv4Addr> {
        self.addrs.get(name).copied()
    }

    /// The address of the name server.
    pub(super) fn name_server(&self) -> Option<Ipv4Addr> {
        self.name_server
    }

    /// The hardware address of a station.
    pub(super) fn mac(&self, segment: Segment, addr: IpAddr) -> Option<Mac> {
        self.macs.get(&(segment, addr)).copied()
    }
}

/// Where a router stands with an address of that family.
fn stands(nics: &[Nic], is_ipv6: bool) -> impl Iterator<Item = (Segment, IpAddr)> {
    nics.iter().filter_map(move |nic| {
        let addr = if is_ipv6 { nic.v6.map(IpAddr::V6) } else { nic.v4.map(IpAddr::V4) };
        Some((nic.segment, addr?))
    })
}
