//! Interfaces, routes and neighbors, as the kernel answers over netlink (rtnetlink(7)).
//!
//! A question costs some 7 µs, so answers are kept, and a second socket listens to the kernel's notices of change: one
//! read that finds nothing (0.3 µs) says that they still hold. Each line asks anew ([`Kernel::forget`]), for the few
//! changes that have no notice (an ICMP redirect).

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType, RouteVia};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::frame::medium;
use crate::base::Mac;
use crate::net::{Interface, Medium, NetError, Reach, Route, Subnet};

/// The notices that end what we know (`enum rtnetlink_groups`): links, neighbors, then addresses, routes and rules of
/// IPv4 and of IPv6, and next-hop objects.
const NOTICES: [u32; 9] = [1, 3, 5, 7, 8, 9, 11, 19, 32];

/// Kept answers of one kind at most; then all are forgotten.
const KEPT: usize = 4096;

/// What the kernel has said, and the sockets to ask it by.
#[derive(Default)]
pub(super) struct Kernel {
    sockets: Option<Sockets>,
    interfaces: Vec<Interface>,
    routes: BTreeMap<(IpAddr, Option<u32>), Route>,
    neighbors: BTreeMap<(u32, IpAddr), Option<Mac>>,
}

struct Sockets {
    questions: Socket,
    notices: Socket,
    sequence: u32,
}

impl Kernel {
    /// All interfaces, in the order of their indexes.
    pub(super) fn interfaces(&mut self) -> Result<&[Interface], NetError> {
        self.hear();
        if self.interfaces.is_empty() {
            let doing = "listing the interfaces";
            let links = self.sockets(doing)?.links().map_err(|e| NetError::system(doing, &e))?;
            self.interfaces = describe(&links);
        }
        Ok(&self.interfaces)
    }

    /// The way to `dst`, out of `iface` if one is given.
    pub(super) fn route(&mut self, dst: IpAddr, iface: Option<&Interface>) -> Result<Route, NetError> {
        self.hear();
        let key = (dst, iface.map(|i| i.index));
        if let Some(route) = self.routes.get(&key) {
            return Ok(route.clone());
        }
        let no_route = |hint: String| NetError::NoRoute { dst, hint };
        let answer = self.sockets("asking for a route")?.route(dst, key.1);
        let answer = answer.map_err(|e| no_route(refusal(&e, iface)))?;
        let found = self.interfaces()?.iter().find(|i| Some(i.index) == answer.iface).cloned();
        let iface = found.ok_or_else(|| no_route("the kernel names no interface; see `ip route`".to_owned()))?;
        let source = answer.source.unwrap_or_else(|| first_addr(&iface, dst));
        let route = Route { iface, source, next_hop: answer.gateway.unwrap_or(dst), reach: answer.reach };
        keep(&mut self.routes, key, route.clone());
        Ok(route)
    }

    /// The hardware address of `addr` on the interface with index `iface`, where the kernel knows it.
    pub(super) fn neighbor(&mut self, iface: u32, addr: IpAddr) -> Option<Mac> {
        self.hear();
        if let Some(known) = self.neighbors.get(&(iface, addr)) {
            return *known;
        }
        let mac = self.sockets("asking for a neighbor").ok()?.neighbor(iface, addr);
        keep(&mut self.neighbors, (iface, addr), mac);
        mac
    }

    /// Forgets every answer.
    pub(super) fn forget(&mut self) {
        self.interfaces.clear();
        self.routes.clear();
        self.neighbors.clear();
    }

    /// The descriptor that becomes readable when something changes; `None` before the first question.
    pub(super) fn notices(&self) -> Option<BorrowedFd<'_>> {
        // SAFETY: the socket is open as long as `self` holds it, and the result borrows from `self`.
        self.sockets.as_ref().map(|s| unsafe { BorrowedFd::borrow_raw(s.notices.as_raw_fd()) })
    }

    /// Reads the notices, and forgets the answers that they may have changed.
    pub(super) fn hear(&mut self) {
        while let Some(notice) = self.sockets.as_ref().and_then(Sockets::notice) {
            match notice {
                Notice::Neighbor => self.neighbors.clear(),
                Notice::Route => self.routes.clear(),
                Notice::Interface => self.forget(),
            }
        }
    }

    fn sockets(&mut self, doing: &str) -> Result<&mut Sockets, NetError> {
        if self.sockets.is_none() {
            self.sockets = Some(Sockets::open().map_err(|e| NetError::system(doing, &e))?);
        }
        Ok(self.sockets.as_mut().expect("it was just opened"))
    }
}

/// What a notice of change is about.
enum Notice {
    Neighbor,
    Route,
    /// An interface or its addresses, and so perhaps all.
    Interface,
}

/// What the kernel answers to `RTM_GETROUTE`.
struct Answer {
    iface: Option<u32>,
    source: Option<IpAddr>,
    gateway: Option<IpAddr>,
    reach: Reach,
}

impl Sockets {
    fn open() -> io::Result<Self> {
        let mut questions = Socket::new(NETLINK_ROUTE)?;
        questions.bind_auto()?;
        questions.connect(&SocketAddr::new(0, 0))?;
        let mut notices = Socket::new(NETLINK_ROUTE)?;
        notices.bind_auto()?;
        notices.set_non_blocking(true)?;
        for group in NOTICES {
            notices.add_membership(group)?;
        }
        Ok(Self { questions, notices, sequence: 0 })
    }

    /// The next notice; `None` when there is none.
    fn notice(&self) -> Option<Notice> {
        let mut bytes = Vec::with_capacity(64); // the head is enough
        match self.notices.recv(&mut bytes, 0) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => None,
            Err(_) => Some(Notice::Interface), // some were lost (ENOBUFS, told once): anything may have changed
            Ok(_) => Some(match bytes.get(4..6).map_or(0, |kind| u16::from_ne_bytes([kind[0], kind[1]])) {
                libc::RTM_NEWNEIGH | libc::RTM_DELNEIGH => Notice::Neighbor,
                libc::RTM_NEWLINK | libc::RTM_DELLINK | libc::RTM_NEWADDR | libc::RTM_DELADDR => Notice::Interface,
                _ => Notice::Route,
            }),
        }
    }

    /// Sends one question and gives the answers; the kernel's refusal is an error.
    fn ask(&mut self, message: RouteNetlinkMessage, flags: u16) -> io::Result<Vec<RouteNetlinkMessage>> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut question = NetlinkMessage::new(header, NetlinkPayload::from(message));
        question.finalize();
        let mut bytes = vec![0; question.buffer_len()];
        question.serialize(&mut bytes);
        self.questions.send(&bytes, 0)?;
        let mut answers = Vec::new();
        loop {
            let bytes = match self.questions.recv_from_full() {
                Ok((bytes, _)) => bytes,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let answer = NetlinkMessage::deserialize(rest).map_err(io::Error::other)?;
                let len = (answer.header.length as usize).next_multiple_of(4).max(16);
                rest = rest.get(len..).unwrap_or_default();
                if answer.header.sequence_number != self.sequence {
                    continue; // left over from a question that failed halfway
                }
                match answer.payload {
                    NetlinkPayload::InnerMessage(inner) => answers.push(inner),
                    NetlinkPayload::Error(error) if error.code.is_some() => return Err(error.to_io()),
                    _ => return Ok(answers),
                }
            }
            if flags & NLM_F_DUMP == 0 {
                return Ok(answers);
            }
        }
    }

    fn links(&mut self) -> io::Result<Vec<LinkMessage>> {
        let answers = self.ask(RouteNetlinkMessage::GetLink(LinkMessage::default()), NLM_F_DUMP)?;
        let link = |answer| if let RouteNetlinkMessage::NewLink(link) = answer { Some(link) } else { None };
        Ok(answers.into_iter().filter_map(link).collect())
    }

    /// The route that a packet would take: without `RTM_F_FIB_MATCH`, which gives the table's entry instead, and so
    /// neither the source address nor one next hop of several.
    fn route(&mut self, dst: IpAddr, iface: Option<u32>) -> io::Result<Answer> {
        let mut question = RouteMessage::default();
        (question.header.address_family, question.header.destination_prefix_length) = family(dst);
        question.attributes.push(RouteAttribute::Destination(dst.into()));
        question.attributes.extend(iface.map(RouteAttribute::Oif));
        let answers = self.ask(RouteNetlinkMessage::GetRoute(question), 0)?;
        let Some(RouteNetlinkMessage::NewRoute(found)) = answers.into_iter().next() else {
            return Err(io::Error::other("no answer"));
        };
        let reach = match found.header.kind {
            RouteType::Local | RouteType::Anycast => Reach::Local,
            RouteType::Broadcast => Reach::Broadcast,
            RouteType::Multicast => Reach::Multicast,
            _ if dst.is_multicast() => Reach::Multicast,
            _ => Reach::Remote,
        };
        let mut answer = Answer { iface: None, source: None, gateway: None, reach };
        for attribute in found.attributes {
            match attribute {
                RouteAttribute::Oif(index) => answer.iface = Some(index),
                RouteAttribute::PrefSource(addr) => answer.source = ip(&addr),
                RouteAttribute::Gateway(addr) => answer.gateway = ip(&addr),
                RouteAttribute::Via(RouteVia::Inet6(addr)) => answer.gateway = Some(addr.into()), // RFC 5549
                _ => {}
            }
        }
        Ok(answer)
    }

    fn neighbor(&mut self, iface: u32, addr: IpAddr) -> Option<Mac> {
        let mut question = NeighbourMessage::default();
        question.header.family = family(addr).0;
        question.header.ifindex = iface;
        let destination = match addr {
            IpAddr::V4(addr) => NeighbourAddress::Inet(addr),
            IpAddr::V6(addr) => NeighbourAddress::Inet6(addr),
        };
        question.attributes.push(NeighbourAttribute::Destination(destination));
        let answers = self.ask(RouteNetlinkMessage::GetNeighbour(question), 0).ok()?;
        let Some(RouteNetlinkMessage::NewNeighbour(found)) = answers.into_iter().next() else { return None };
        let known = matches!(
            found.header.state,
            NeighbourState::Reachable
                | NeighbourState::Stale
                | NeighbourState::Delay
                | NeighbourState::Probe
                | NeighbourState::Permanent
        );
        found.attributes.into_iter().filter(|_| known).find_map(|attribute| match attribute {
            NeighbourAttribute::LinkLayerAddress(bytes) => Some(Mac(bytes.try_into().ok()?)),
            _ => None,
        })
    }
}

/// Joins pnet's interfaces (names, hardware addresses, IP addresses) with what it does not give: MTU and kind.
///
/// Those come by netlink and not from `/sys/class/net`, which may show another network namespace than ours.
fn describe(links: &[LinkMessage]) -> Vec<Interface> {
    let mut all: Vec<Interface> = pnet::datalink::interfaces()
        .into_iter()
        .filter_map(|found| {
            let link = links.iter().find(|l| l.header.index == found.index)?;
            let medium = medium(link.header.link_layer_type.into());
            let mtu =
                link.attributes.iter().find_map(|a| if let LinkAttribute::Mtu(mtu) = a { Some(*mtu) } else { None });
            let mac = found.mac.map(|m| Mac(m.octets())).filter(|m| medium == Medium::Ethernet && *m != Mac::ZERO);
            Some(Interface {
                index: found.index,
                mac,
                mtu: mtu.unwrap_or(1500),
                medium,
                loopback: found.is_loopback(),
                up: found.is_up(),
                addrs: found.ips.iter().map(|net| Subnet { addr: net.ip(), prefix: net.prefix() }).collect(),
                name: found.name,
            })
        })
        .collect();
    all.sort_by_key(|i| i.index);
    all
}

fn family(addr: IpAddr) -> (AddressFamily, u8) {
    match addr {
        IpAddr::V4(_) => (AddressFamily::Inet, 32),
        IpAddr::V6(_) => (AddressFamily::Inet6, 128),
    }
}

fn ip(addr: &RouteAddress) -> Option<IpAddr> {
    match addr {
        RouteAddress::Inet(addr) => Some((*addr).into()),
        RouteAddress::Inet6(addr) => Some((*addr).into()),
        _ => None,
    }
}

/// The interface's first address of the destination's family, or the unspecified address.
fn first_addr(iface: &Interface, dst: IpAddr) -> IpAddr {
    let unspecified = match dst {
        IpAddr::V4(_) => IpAddr::from([0; 4]),
        IpAddr::V6(_) => IpAddr::from([0; 16]),
    };
    iface.addrs.iter().map(|s| s.addr).find(|a| a.is_ipv4() == dst.is_ipv4()).unwrap_or(unspecified)
}

/// Why there is no route, and what to look at.
fn refusal(error: &io::Error, iface: Option<&Interface>) -> String {
    let text = error.to_string();
    let reason = text.split(" (os error").next().unwrap_or_default();
    match iface {
        Some(iface) if !iface.up => format!("interface {0} is down; try `ip link set {0} up`", iface.name),
        Some(iface) => format!("the kernel says \"{reason}\"; see `ip route show dev {}`", iface.name),
        None => format!("the kernel says \"{reason}\"; see `ip route`"),
    }
}

fn keep<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, value: V) {
    if map.len() >= KEPT {
        map.clear();
    }
    map.insert(key, value);
}
