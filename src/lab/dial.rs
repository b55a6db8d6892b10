//! Connections that the student's own machine opens, as `connect()` does on Linux, in virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::{cell::RefCell, rc::Rc};

use etherparse::{Icmpv4Slice, Icmpv6Slice, Ipv4HeaderSlice, icmpv4, icmpv6, ip_number};

use super::host::{Host, NEIGHBOR_TIMEOUT};
use super::nets::{self, Segment};
use super::tap::LAB0;
use super::tcp::{Ends, Program};
use super::wire::{Wire, YOU};
use super::{Lab, chain};
use crate::base::Time;
use crate::net::connect::only_dials;
use crate::net::{ConnectError, Dial, Event, Link, LinkInfo, NetError, Polled, Via};

/// Connections that are being opened at a time; more wait for them.
const MOST_OPEN: usize = 512;
/// Connections that may wait.
const MOST_WAITING: usize = 1 << 16;
/// The source ports that Linux chooses from by default (`ip_local_port_range`).
const FIRST_PORT: u16 = 32768;
const PORTS: u16 = 60999 - FIRST_PORT + 1;

/// The error number for what no other name fits: a parameter problem (`EPROTO`), and ICMP 3/5 (`EOPNOTSUPP`).
const PROTOCOL_ERROR: ConnectError = ConnectError::Other(71);
const NOT_SUPPORTED: ConnectError = ConnectError::Other(95);

/// A link that opens connections.
pub(super) struct LabDialer {
    wire: Rc<RefCell<Wire>>,
    info: LinkInfo,
    open: BTreeMap<Ends, Open>,
    /// No connection fails by itself or is given up before that.
    soonest: Time,
    waiting: VecDeque<(Dial, u64)>,
}

/// A connection that is being opened.
struct Open {
    token: u64,
    until: Time,
    /// When it fails by itself, and how: nobody takes the SYN.
    fails: Option<(Time, ConnectError)>,
}

impl Open {
    /// When it fails by itself or is given up.
    fn ends(&self) -> Time {
        self.fails.map_or(self.until, |(at, _)| at.min(self.until))
    }
}

/// What became of a connection: its token, when, and the outcome.
type Told = (u64, Time, Result<(), ConnectError>);

impl LabDialer {
    pub(super) fn open(lab: &Lab) -> Self {
        let info = LinkInfo { world: super::NAME, wall_zero: super::WALL_ZERO };
        Self { wire: Rc::clone(&lab.wire), info, open: BTreeMap::new(), soonest: Time::NEVER, waiting: VecDeque::new() }
    }

    /// Begins with what waits, as long as there is room.
    fn begin(&mut self, wire: &mut Wire) {
        while self.open.len() < MOST_OPEN && !wire.is_full() {
            let Some((dial, token)) = self.waiting.pop_front() else { return };
            if dial.until <= wire.now {
                continue;
            }
            let (ends, fails) = call(wire, dial.to);
            let open = Open { token, until: dial.until, fails };
            self.soonest = self.soonest.min(open.ends());
            self.open.insert(ends, open);
        }
    }

    /// What has become of connections until now, in the order of time. Those whose time is over are forgotten.
    fn take(&mut self, wire: &mut Wire) -> Vec<Told> {
        let mut told = Vec::new();
        wire.hosts[YOU].connections.told.retain(|(ends, at, outcome)| match self.open.remove(ends) {
            Some(open) => {
                told.push((open.token, *at, *outcome));
                false
            }
            None => true,
        });
        if wire.now >= self.soonest {
            self.give_up(wire, &mut told);
        }
        if self.open.is_empty() {
            self.soonest = Time::NEVER;
        }
        told.sort_by_key(|(_, at, _)| *at);
        told
    }

    /// Ends those whose time has come: some have failed, the others are forgotten.
    fn give_up(&mut self, wire: &mut Wire, told: &mut Vec<Told>) {
        let now = wire.now;
        self.open.retain(|ends, open| {
            let failed = open.fails.filter(|(at, _)| *at <= now && *at < open.until);
            told.extend(failed.map(|(at, why)| (open.token, at, Err(why))));
            let is_over = failed.is_some() || open.until <= now;
            if is_over {
                wire.hosts[YOU].connections.hang_up(*ends);
            }
            !is_over
        });
        self.soonest = self.open.values().map(Open::ends).min().unwrap_or(Time::NEVER);
    }

    fn forget(&mut self) {
        self.waiting.clear();
        self.soonest = Time::NEVER;
        let connections = &mut self.wire.borrow_mut().hosts[YOU].connections;
        for (ends, _) in std::mem::take(&mut self.open) {
            connections.hang_up(ends);
            connections.told.retain(|(told, ..)| *told != ends);
        }
    }
}

impl Drop for LabDialer {
    fn drop(&mut self) {
        self.forget();
    }
}

impl Link for LabDialer {
    fn about(&self) -> &LinkInfo {
        &self.info
    }

    fn now(&self) -> Time {
        self.wire.borrow().now
    }

    fn send(&mut self, via: Via, bytes: &[u8], token: u64) -> Result<(), NetError> {
        let Via::Connect(dial) = via else { return Err(only_dials(bytes)) };
        if !nets::reaches(dial.to.ip(), scope(dial.to) == LAB0) {
            return Err(super::no_route(dial.to.ip()));
        }
        if self.waiting.len() >= MOST_WAITING {
            let message = format!("{MOST_WAITING} connections wait already; hear of some before asking for more");
            return Err(NetError::System { doing: "opening a connection in the laboratory".to_owned(), message });
        }
        self.waiting.push_back((dial, token));
        Ok(())
    }

    fn poll(&mut self, until: Time, on: &mut dyn FnMut(Event<'_>)) -> Result<Polled, NetError> {
        let wire = Rc::clone(&self.wire);
        let told = loop {
            let wire = &mut *wire.borrow_mut();
            if wire.is_stopped() {
                return Ok(Polled::Interrupted);
            }
            self.begin(wire);
            let told = self.take(wire);
            if !told.is_empty() {
                break told;
            }
            let limit = until.min(self.soonest).max(wire.now);
            if wire.step(limit) {
                continue;
            }
            if limit == Time::NEVER {
                return Ok(Polled::Never);
            }
            wire.now = limit;
            let told = self.take(wire);
            if !told.is_empty() {
                break told;
            }
            if until <= limit {
                return Ok(Polled::Timeout);
            }
        };
        for (token, at, outcome) in told {
            on(match outcome {
                Ok(()) => Event::Connected { token, at },
                Err(why) => Event::Refused { token, at, why },
            });
        }
        Ok(Polled::Some)
    }

    fn pause(&mut self) -> Result<(), NetError> {
        self.forget();
        Ok(())
    }
}

/// Sends the first SYN. When nobody can take it, the second value says when that is known, and how.
fn call(wire: &mut Wire, to: SocketAddr) -> (Ends, Option<(Time, ConnectError)>) {
    let (peer, now) = (to.ip(), wire.now);
    let local = super::source(peer);
    wire.dialled = wire.dialled.wrapping_add(1);
    let mut local_port = FIRST_PORT + wire.dialled % PORTS;
    if (local_port, local) == (to.port(), peer) {
        // It would meet itself: RFC 9293 section 3.5, simultaneous open.
        wire.dialled = wire.dialled.wrapping_add(1);
        local_port = FIRST_PORT + wire.dialled % PORTS;
    }
    let ends = Ends { peer, peer_port: to.port(), local, local_port };
    let home = Segment::HOME;
    let is_neighbor = wire.map.nets.segment(peer) == Some(home) || nets::needs_zone(peer);
    let fails = match wire.hosts[YOU].way(local, peer, home, &wire.map) {
        _ if peer.is_multicast() => Some((now, ConnectError::NetUnreachable)),
        Some(_) => None,
        None if is_neighbor => Some((now + NEIGHBOR_TIMEOUT, ConnectError::HostUnreachable)),
        None => Some((now, ConnectError::NetUnreachable)),
    };
    if fails.is_none() {
        wire.act(YOU, |host, scene| {
            host.connections.call(ends, Program::Dial, scene.now, &mut host.replies);
            host.send_replies(None, scene);
        });
    }
    (ends, fails)
}

/// The index of the interface that a link-local address is meant on.
fn scope(to: SocketAddr) -> u32 {
    if let SocketAddr::V6(to) = to { to.scope_id() } else { 0 }
}

/// An ICMP error: the connection that it quotes, from our side, the number of the SYN, and what it means to that.
pub(super) type Quoted = (Ends, u32, ConnectError);

impl Host {
    /// An ICMP error may end a connection that is being opened.
    pub(super) fn hear_error(&mut self, quoted: Option<Quoted>, now: Time) {
        if let Some((ends, seq, why)) = quoted {
            self.connections.fail(ends, seq, why, now);
        }
    }
}

/// What Linux makes of an ICMP error (`icmp_err_convert`, `tcp_v4_err`); `None` where it goes on.
pub(super) fn icmpv4(icmp: &Icmpv4Slice<'_>) -> Option<Quoted> {
    const PARAMETER_PROBLEM: u8 = 12;
    let why = match (icmp.type_u8(), icmp.code_u8()) {
        (icmpv4::TYPE_DEST_UNREACH, code) => match code {
            0 | 6 | 9 | 11 => ConnectError::NetUnreachable,
            1 | 10 | 12..=15 => ConnectError::HostUnreachable,
            2 => ConnectError::ProtoUnreachable,
            3 => ConnectError::Refused,
            5 => NOT_SUPPORTED,
            7 => ConnectError::HostDown,
            8 => ConnectError::NoNet,
            _ => return None,
        },
        (icmpv4::TYPE_TIME_EXCEEDED, _) => ConnectError::HostUnreachable,
        (PARAMETER_PROBLEM, _) => PROTOCOL_ERROR,
        _ => return None,
    };
    let quote = icmp.slice().get(8..)?;
    // The header may be followed by as little as eight bytes, so its total length says nothing.
    let header = Ipv4HeaderSlice::from_slice(quote).ok()?;
    let is_tcp = header.protocol() == ip_number::TCP && header.fragments_offset().value() == 0;
    let rest = quote.get(header.slice().len()..).filter(|_| is_tcp)?;
    let (src, dst): (Ipv4Addr, Ipv4Addr) = (header.source_addr(), header.destination_addr());
    quoted(src.into(), dst.into(), rest, why)
}

/// The same for `ICMPv6` (`icmpv6_err_convert`, `tcp_v6_err`).
pub(super) fn icmpv6(icmp: &Icmpv6Slice<'_>) -> Option<Quoted> {
    let why = match (icmp.type_u8(), icmp.code_u8()) {
        (icmpv6::TYPE_DST_UNREACH, code) => match code {
            0 => ConnectError::NetUnreachable,
            1 | 5 | 6 => ConnectError::Denied,
            2 | 3 => ConnectError::HostUnreachable,
            4 => ConnectError::Refused,
            _ => PROTOCOL_ERROR,
        },
        (icmpv6::TYPE_TIME_EXCEEDED, _) => ConnectError::HostUnreachable,
        (icmpv6::TYPE_PARAMETER_PROBLEM, _) => PROTOCOL_ERROR,
        _ => return None,
    };
    let quote = icmp.slice().get(8..)?;
    let addr = |at: usize| Some(Ipv6Addr::from(<[u8; 16]>::try_from(quote.get(at..at + 16)?).ok()?));
    let carried = chain::walk(quote).filter(|carried| carried.protocol == ip_number::TCP)?;
    quoted(addr(8)?.into(), addr(24)?.into(), carried.payload, why)
}

/// The first eight bytes of a quoted segment that we sent: ports and number.
fn quoted(src: IpAddr, dst: IpAddr, segment: &[u8], why: ConnectError) -> Option<Quoted> {
    let &[a, b, c, d, e, f, g, h] = segment.first_chunk()?;
    let (local_port, peer_port) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    Some((Ends { peer: dst, peer_port, local: src, local_port }, u32::from_be_bytes([e, f, g, h]), why))
}
