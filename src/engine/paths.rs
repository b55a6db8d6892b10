//! The ways to many destinations at once: what a scan needs before its first probe.

use std::net::IpAddr;
use std::time::Duration;

use super::Ended;
use super::error::EngineError;
use super::neighbors::ask_neighbors;
use super::network::Network;
use super::plan::{Way, ethernet};
use crate::base::Mac;
use crate::base::targets::Target;
use crate::net::{Reach, Route, Via};

/// How packets to one destination leave.
#[derive(Clone, Debug)]
pub struct Path {
    /// The route.
    pub route: Route,
    /// The way out; [`Way::NoNeighbor`] when the next hop did not answer.
    pub way: Way,
    /// The hardware address of the next hop, where there is one.
    pub mac: Option<Mac>,
    /// The round trip of the request for it, where it was asked for just now.
    pub rtt: Option<Duration>,
}

impl Path {
    /// Whether the destination is on this link, so that its own hardware address was asked for.
    pub fn is_neighbor(&self, target: IpAddr) -> bool {
        self.route.takes_frames() && self.route.reach == Reach::Remote && self.route.next_hop == target
    }

    /// Whether the destination is this machine.
    pub fn is_local(&self) -> bool {
        self.route.reach == Reach::Local
    }
}

/// The ways to many destinations in one world.
#[derive(Clone, Debug)]
pub struct Paths {
    /// Which place of the network they are in.
    pub place: usize,
    /// A path for each destination, or why there is none.
    pub paths: Vec<Result<Path, EngineError>>,
    /// [`Ended::Interrupted`] when Ctrl-C ended the asking.
    pub ended: Ended,
}

impl Network {
    /// Finds the routes to `targets`.
    ///
    /// [`EngineError::Mixed`] when they lie in two worlds, [`EngineError::Public`] when one is public and nobody
    /// allowed it; a route that is missing is told in its place.
    pub fn routes(&mut self, targets: &[Target], iface: Option<&str>) -> Result<Paths, EngineError> {
        let iface = self.iface(iface);
        let around = self.routing(iface.as_deref());
        let mut place: Option<(usize, IpAddr)> = None;
        let mut paths = Vec::with_capacity(targets.len());
        for target in targets {
            let found = around.route(target);
            if let Ok((at, _)) = &found {
                match place {
                    Some((before, addr)) if before != *at => return Err(EngineError::Mixed(addr, target.addr)),
                    _ => place = Some((*at, target.addr)),
                }
            }
            let only = iface.is_some() || target.zone.is_some();
            paths.push(found.map(|(_, route)| {
                let way = Way::Plain(Via::Ip(only.then_some(route.iface.index)));
                Path { route, way, mac: None, rtt: None }
            }));
        }
        let place = match (place, paths.first()) {
            (Some((place, _)), _) => place,
            (None, Some(Err(error))) => return Err(error.clone()),
            (None, _) => 0,
        };
        for target in targets {
            self.check_public(place, target.addr)?;
        }
        Ok(Paths { place, paths, ended: Ended::Done })
    }

    /// Completes `routes`: asks for the hardware addresses of the next hops, always anew for destinations on the link
    /// itself (their answer says that they are there).
    pub fn ways(&mut self, targets: &[Target], routes: Paths, iface: Option<&str>) -> Result<Paths, EngineError> {
        let Paths { place, mut paths, .. } = routes;
        let asked: Vec<Route> = targets
            .iter()
            .zip(&paths)
            .filter_map(|(target, path)| path.as_ref().ok().map(|path| (target, path)))
            .filter(|(target, path)| {
                let known = self.place(place).neighbor(path.route.iface.index, path.route.next_hop);
                path.is_neighbor(target.addr) || known.is_none()
            })
            .map(|(_, path)| path.route.clone())
            .collect();
        let (ended, found) = ask_neighbors(self, place, &asked)?;
        let iface = self.iface(iface);
        let around = self.sending(place, iface.as_deref());
        for (target, path) in targets.iter().zip(&mut paths) {
            let Ok(path) = path else { continue };
            if !path.route.takes_frames() {
                continue;
            }
            let hop = (path.route.iface.index, path.route.next_hop);
            let answer = found.get(&hop);
            path.rtt = answer.map(|(_, rtt)| *rtt);
            // What the machine's table remembers of a neighbor that is silent now is no sign that it is there.
            path.way = if path.is_neighbor(target.addr) && answer.is_none() {
                Way::NoNeighbor(path.route.next_hop)
            } else {
                ethernet(&around, target.addr.is_ipv6(), Some(target), &path.route)
            };
            path.mac = answer.map(|(mac, _)| *mac).or_else(|| self.place(place).neighbor(hop.0, hop.1));
        }
        Ok(Paths { place, paths, ended })
    }
}
