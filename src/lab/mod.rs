//! Floor 4: the laboratory, a network of simulated hosts behind a [`Link`] in virtual time.
//!
//! ```text
//!  you.lab 192.0.2.2 ──lab0──┬── web.lab, drop.lab, zombie.lab, office.lab ..
//!          2001:db8::2       └── gw.lab 192.0.2.1 ──┬── 198.51.100.0/24, 2001:db8:1::/64: far.lab
//!                                       2001:db8::1 └── 203.0.113.0/24, 2001:db8:2::/64
//!                                                       ├── core.lab ── quiet.lab ── ocean.lab ── deep.lab
//!                                                       └── fw.lab ── office-outside.lab
//! ```
//!
//! | file | what lives there |
//! |---|---|
//! | `plan`, `hosts/` | the hosts as data, read from TOML, refused if misspelt |
//! | `nets`, `routes` | the addresses and names that are the laboratory's, and the ways between its networks |
//! | `wire`, `flights` | the clock, the cables and the frames on them; `faults` is what cables do |
//! | `host`, `datagram`, `chain`, `answer`, `error`, `ndp`, `tcp`, `limit`, `out` | one machine |
//! | `filter`, `gate`, `track` | the packet filter before it, and the connections that one with state remembers |
//! | `habits` | what hosts do of their own accord while somebody captures |
//! | `dns`, `udp/` | the name server, and the other programs at UDP ports |
//! | `sctp` | SCTP |
//! | `link`, `tap` | the way in and out for jobs |
//! | `dial` | connections of the student's machine |
//!
//! The hosts read and write frames with etherparse alone, and DNS with simple-dns, and verify every checksum
//! themselves, so what pktsh builds is judged by something that shares no code with it. Nothing here takes real time;
//! one seed is one course of events.

mod answer;
mod chain;
mod datagram;
mod dial;
mod dns;
mod error;
mod faults;
mod filter;
mod flights;
mod gate;
mod habits;
mod host;
mod limit;
mod link;
mod ndp;
mod nets;
mod out;
mod plan;
mod routes;
mod sctp;
mod tap;
mod tcp;
#[cfg(test)]
mod tests;
mod track;
mod udp;
mod wire;

use std::cell::RefCell;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

pub use faults::Faults;
pub use filter::{Action, Filter, Flags, Rule, Traffic};
pub use habits::{Deed, Habit};
pub use nets::{owns, owns_name};
pub use plan::{
    Alias, HostRow, HostSpec, IpId, Limit, Llmnr, Mdns, NetSpec, Netbios, Opening, Personality, Plan, PlanError, Ports,
    TcpPort, TcpService, UdpPort, UdpService,
};
pub use track::State;

use crate::base::nearest::did_you_mean;
use crate::base::{Mac, Time};
use crate::net::{Capture, Hear, Interface, Link, Medium, NetError, Quiet, Reach, Route, Slept, World, bpf};
use nets::{Nic, Segment};
use tap::LAB0;
use wire::{Wire, YOU};

/// What [`LinkInfo`](crate::net::LinkInfo) calls this world.
const NAME: &str = "lab";

/// The name of the only interface.
const IFACE: &str = "lab0";

/// The wall time of the laboratory's zero: 2026-01-01 00:00:00 UTC, in nanoseconds since 1970.
const WALL_ZERO: i64 = 1_767_225_600 * 1_000_000_000;

/// The largest IP packet that `lab0` carries, in bytes.
const MTU: u32 = 1500;

/// The laboratory as the student's machine sees it. A handle: clones share one laboratory.
#[derive(Clone)]
pub struct Lab {
    wire: Rc<RefCell<Wire>>,
    plan: Rc<Plan>,
}

impl Lab {
    /// The built-in laboratory; the same `seed` gives the same course of events.
    pub fn new(seed: u64) -> Self {
        Self::from_plan(Plan::builtin(), seed)
    }

    /// A laboratory of one's own.
    pub fn from_plan(plan: Plan, seed: u64) -> Self {
        let wire = Rc::new(RefCell::new(Wire::new(&plan, seed)));
        Self { wire, plan: Rc::new(plan) }
    }

    /// Its hosts.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Changes the cable of a host, or of a network by its prefix (`198.51.100.0/24`), from now on.
    /// [`NetError::UnknownName`] when there is no such host or network.
    pub fn faults(&self, name: &str, faults: Faults) -> Result<(), NetError> {
        let wire = &mut *self.wire.borrow_mut();
        let segment = plan::net::prefix(name).and_then(|prefix| self.plan.nets().find(&prefix));
        if let Some(cable) = segment.and_then(|segment| wire.cables.get_mut(segment.index())) {
            cable.set(faults);
            return Ok(());
        }
        let host = self.plan.find(name).ok_or_else(|| self.plan.unknown(name))?;
        for machine in wire.hosts.iter_mut().filter(|machine| machine.spec.name == host.name) {
            machine.cable.set(faults);
        }
        Ok(())
    }

    /// A flag that ends every wait while it is true, as a signal does in the live world. The laboratory only reads it.
    pub fn set_stop(&self, flag: Arc<AtomicBool>) {
        self.wire.borrow_mut().stop = flag;
    }
}

impl World for Lab {
    fn owns(&self, addr: IpAddr) -> bool {
        owns(addr)
    }

    fn owns_name(&self, name: &str) -> bool {
        owns_name(name) || name.parse().is_ok_and(owns)
    }

    fn is_virtual(&self) -> bool {
        true
    }

    fn now(&self) -> Time {
        self.wire.borrow().now
    }

    fn wall_zero(&self) -> i64 {
        WALL_ZERO
    }

    fn interfaces(&self) -> Result<Vec<Interface>, NetError> {
        Ok(vec![lab0()])
    }

    /// A link-local address or a group belongs to the laboratory only when the caller names `lab0`.
    fn route(&self, dst: IpAddr, iface: Option<&str>) -> Result<Route, NetError> {
        if let Some(name) = iface.filter(|name| *name != IFACE) {
            return Err(no_interface(name));
        }
        if !nets::reaches(dst, iface.is_some()) {
            return Err(no_route(dst));
        }
        let source = source(dst);
        let route = |next_hop, reach| Ok(Route { iface: lab0(), source, next_hop, reach });
        if Nic::YOU.has(dst) {
            return route(dst, Reach::Local);
        }
        match self.plan.nets().segment(dst) {
            _ if dst.is_multicast() => route(dst, Reach::Multicast),
            _ if nets::needs_zone(dst) => route(dst, Reach::Remote),
            Some(Segment::HOME) if Nic::YOU.broadcast().is_some_and(|addr| dst == addr) => route(dst, Reach::Broadcast),
            Some(Segment::HOME) => route(dst, Reach::Remote),
            there => match self.wire.borrow().map.gateway(Segment::HOME, there, dst.is_ipv6()) {
                Some(gateway) => route(gateway, Reach::Remote),
                None => Err(NetError::NoRoute { dst, hint: "this laboratory's plan has no gateway".to_owned() }),
            },
        }
    }

    fn neighbor(&self, iface: u32, addr: IpAddr) -> Option<Mac> {
        self.wire.borrow().learned.get(&addr).copied().filter(|_| iface == LAB0)
    }

    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, NetError> {
        if let Ok(addr) = name.parse() {
            return Ok(vec![addr]);
        }
        self.plan.addrs(name).ok_or_else(|| self.plan.unknown(name))
    }

    fn source_ports(&self) -> RangeInclusive<u16> {
        61000..=65535
    }

    fn is_port_free(&self, _protocol: u8, _port: u16) -> bool {
        true
    }

    fn open(&self) -> Result<Box<dyn Link>, NetError> {
        Ok(Box::new(link::LabLink::open(self)))
    }

    fn dialer(&self) -> Result<Box<dyn Link>, NetError> {
        Ok(Box::new(dial::LabDialer::open(self)))
    }

    fn capture(&self, hear: &Hear) -> Result<Capture, NetError> {
        if let Some(other) = hear.ifaces.iter().find(|name| *name != IFACE) {
            return Err(no_interface(other));
        }
        let mut resolve = |name: &str| self.resolve(name).map_err(|e| e.to_string());
        let filter = bpf::compile(&hear.filter, Medium::Ethernet, bpf::Where::Bytes, &mut resolve);
        let filter = filter.map_err(|e| NetError::Filter { message: e.message, at: e.at })?;
        Ok(Capture::Here(Box::new(link::LabLink::capture(self, filter))))
    }

    fn suppress_rst(&self, port: u16) -> Result<Quiet, NetError> {
        self.wire.borrow_mut().hosts[YOU].quiet.insert(port);
        Ok(Quiet::holding(QuietPort { wire: Rc::clone(&self.wire), port }))
    }

    fn sleep(&self, span: Duration) -> Slept {
        let wire = &mut *self.wire.borrow_mut();
        let until = wire.now + span;
        loop {
            if wire.is_stopped() {
                return Slept::Interrupted;
            }
            if !wire.step(until) {
                wire.now = until;
                return Slept::Whole;
            }
        }
    }
}

/// A port at which the student's machine resets nothing.
struct QuietPort {
    wire: Rc<RefCell<Wire>>,
    port: u16,
}

impl Drop for QuietPort {
    fn drop(&mut self) {
        self.wire.borrow_mut().hosts[YOU].quiet.remove(&self.port);
    }
}

/// The student's interface.
fn lab0() -> Interface {
    Interface {
        index: LAB0,
        name: IFACE.to_owned(),
        mac: Some(Nic::YOU.mac()),
        mtu: MTU,
        medium: Medium::Ethernet,
        loopback: false,
        up: true,
        addrs: Nic::YOU.subnets().collect(),
    }
}

/// The wall time at `now`, in nanoseconds since 1970.
fn wall(now: Time) -> i64 {
    WALL_ZERO.saturating_add(now.nanos())
}

/// The address that the student's kernel would send from: one of the same scope (RFC 6724 section 5, rule 2).
fn source(dst: IpAddr) -> IpAddr {
    match dst {
        IpAddr::V4(_) => nets::YOU.into(),
        IpAddr::V6(dst) if nets::is_link_local(dst) => Nic::YOU.link_local().into(),
        IpAddr::V6(_) => nets::YOU6.into(),
    }
}

fn no_route(dst: IpAddr) -> NetError {
    let hint = match dst {
        IpAddr::V6(_) if nets::needs_zone(dst) => format!("name its interface, as {dst}%{IFACE}"),
        IpAddr::V4(_) if nets::needs_zone(dst) => format!("name its interface, as iface=\"{IFACE}\""),
        _ => nets::ONLY.to_owned(),
    };
    NetError::NoRoute { dst, hint }
}

fn no_interface(name: &str) -> NetError {
    let hint = match did_you_mean(name, [IFACE]) {
        hint if hint.is_empty() => format!(" in the laboratory; it has only {IFACE}"),
        hint => hint,
    };
    NetError::NoInterface { name: name.escape_debug().to_string(), hint }
}
