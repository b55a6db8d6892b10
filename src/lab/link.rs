//! The link into the laboratory: sends frames, and turns waiting into a jump of the clock.

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::rc::Rc;

use etherparse::{EtherType, Ethernet2Header};

use super::datagram::ETHERNET;
use super::host::ipv4_checksum;
use super::nets::{self, Segment};
use super::tap::{LAB0, Tap};
use super::wire::{MOST_IN_FLIGHT, Wire, YOU};
use super::{Lab, MTU};
use crate::base::Time;
use crate::net::bpf::Program;
use crate::net::connect::no_dialer;
use crate::net::{Event, Link, LinkInfo, NetError, Polled, Stats, Via};

/// An open link. Several may be open; each hears everything.
pub(super) struct LabLink {
    wire: Rc<RefCell<Wire>>,
    info: LinkInfo,
    tap: u32,
    /// What is being handed over: while that goes on, the laboratory itself is free.
    batch: Tap,
    sends: bool,
    received: u64,
}

impl LabLink {
    pub(super) fn open(lab: &Lab) -> Self {
        Self::with_tap(lab, Tap::default(), true)
    }

    /// A link that only hears, and only what `filter` lets through.
    pub(super) fn capture(lab: &Lab, filter: Program) -> Self {
        Self::with_tap(lab, Tap::of_capture(filter), false)
    }

    fn with_tap(lab: &Lab, new: Tap, sends: bool) -> Self {
        let tap = lab.wire.borrow_mut().add_tap(new);
        Self {
            wire: Rc::clone(&lab.wire),
            info: LinkInfo { world: super::NAME, wall_zero: super::WALL_ZERO },
            tap,
            batch: Tap::default(),
            sends,
            received: 0,
        }
    }
}

impl Drop for LabLink {
    fn drop(&mut self) {
        self.wire.borrow_mut().remove_tap(self.tap);
    }
}

impl Link for LabLink {
    fn about(&self) -> &LinkInfo {
        &self.info
    }

    fn now(&self) -> Time {
        self.wire.borrow().now
    }

    fn send(&mut self, via: Via, bytes: &[u8], _token: u64) -> Result<(), NetError> {
        if !self.sends {
            return Err(refused(bytes, "a capture only hears"));
        }
        let wire = &mut *self.wire.borrow_mut();
        if wire.is_full() {
            return Err(refused(
                bytes,
                &format!("{MOST_IN_FLIGHT} frames are on their way; receive before sending more"),
            ));
        }
        match via {
            Via::Frame(LAB0) | Via::Ip(None | Some(LAB0)) => {}
            Via::Frame(other) | Via::Ip(Some(other)) => return Err(super::no_interface(&other.to_string())),
            Via::Connect(_) => return Err(no_dialer()),
        }
        match via {
            Via::Frame(_) => send_frame(wire, self.tap, bytes),
            Via::Ip(iface) => send_packet(wire, self.tap, iface.is_some(), bytes),
            Via::Connect(_) => Err(no_dialer()),
        }
    }

    fn poll(&mut self, until: Time, on: &mut dyn FnMut(Event<'_>)) -> Result<Polled, NetError> {
        {
            let wire = &mut *self.wire.borrow_mut();
            loop {
                if wire.is_stopped() {
                    return Ok(Polled::Interrupted);
                }
                // Once something waits, only what comes at the same time is added to it, as long as there is room.
                let tap = wire.taps.get(&self.tap);
                let (waits, is_filling) = tap.map_or((false, false), |tap| (tap.len() > 0, tap.is_filling()));
                if is_filling || !wire.step(if waits { wire.now } else { until.max(wire.now) }) {
                    break;
                }
            }
            if let Some(tap) = wire.taps.get_mut(&self.tap) {
                tap.swap(&mut self.batch);
            }
            if self.batch.len() == 0 {
                if until == Time::NEVER && wire.is_quiet() {
                    return Ok(Polled::Never);
                }
                wire.now = wire.now.max(until);
                return Ok(Polled::Timeout);
            }
        }
        self.received += self.batch.len() as u64;
        self.batch.drain(on);
        Ok(Polled::Some)
    }

    fn resume(&mut self) -> Result<(), NetError> {
        self.received = 0;
        if let Some(tap) = self.wire.borrow_mut().taps.get_mut(&self.tap) {
            tap.begin();
        }
        Ok(())
    }

    fn pause(&mut self) -> Result<(), NetError> {
        if let Some(tap) = self.wire.borrow_mut().taps.get_mut(&self.tap) {
            tap.clear();
            tap.is_paused = true;
        }
        Ok(())
    }

    fn stats(&mut self) -> Stats {
        let dropped = self.wire.borrow().taps.get(&self.tap).map_or(0, |tap| tap.dropped);
        Stats { received: self.received, dropped }
    }
}

/// A packet socket: the frame goes out as it is, if it is one.
fn send_frame(wire: &mut Wire, tap: u32, bytes: &[u8]) -> Result<(), NetError> {
    if bytes.len() < ETHERNET {
        return Err(refused(bytes, "an Ethernet frame begins with a header of 14 bytes"));
    }
    if bytes.len() > ETHERNET + MTU as usize {
        return Err(refused(bytes, &too_long()));
    }
    let frame = wire.out.copy(bytes);
    wire.send(tap, Segment::HOME, frame);
    Ok(())
}

/// A raw socket with `IP_HDRINCL` or `IPV6_HDRINCL`: the kernel finds the way, and adds the Ethernet header. Of IPv4 it
/// fills in what raw(7) says; an IPv6 packet goes out as it is.
fn send_packet(wire: &mut Wire, tap: u32, has_zone: bool, bytes: &[u8]) -> Result<(), NetError> {
    let dst = destination(bytes)?;
    let kind = if dst.is_ipv4() { EtherType::IPV4 } else { EtherType::IPV6 };
    if bytes.len() > MTU as usize {
        return Err(refused(bytes, &too_long()));
    }
    if !nets::reaches(dst, has_zone) {
        return Err(super::no_route(dst));
    }
    // Nobody there: a kernel asks by ARP or neighbor discovery, gets no answer, and drops the packet.
    let source = super::source(dst);
    let Some(way) = wire.hosts[YOU].way(source, dst, Segment::HOME, &wire.map) else { return Ok(()) };
    let header = Ethernet2Header { source: way.from.0, destination: way.to.0, ether_type: kind };
    let mut frame = wire.out.copy(&header.to_bytes());
    frame.extend_from_slice(bytes);
    if kind == EtherType::IPV4 {
        repair(wire, &mut frame[ETHERNET..]);
    }
    wire.send(tap, way.segment, frame);
    Ok(())
}

/// Total length and checksum always; source and identification when they are zero (raw(7)).
fn repair(wire: &mut Wire, packet: &mut [u8]) {
    let header_len = usize::from(packet[0] & 0x0f) * 4;
    if header_len < 20 {
        return;
    }
    let total = packet.len() as u16;
    packet[2..4].copy_from_slice(&total.to_be_bytes());
    if packet[4..6] == [0, 0] {
        let dont_fragment = packet[6] & 0x40 != 0;
        packet[4..6].copy_from_slice(&wire.hosts[YOU].next_id(dont_fragment, wire.now).to_be_bytes());
    }
    if packet[12..16] == [0; 4] {
        packet[12..16].copy_from_slice(&nets::YOU.octets());
    }
    packet[10..12].fill(0);
    let checksum = ipv4_checksum(&packet[..header_len]);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
}

fn destination(bytes: &[u8]) -> Result<IpAddr, NetError> {
    let first = bytes.first().copied().unwrap_or(0);
    if first >> 4 == 6 {
        let addr = bytes.get(24..40).and_then(|addr| <[u8; 16]>::try_from(addr).ok());
        let addr = addr.ok_or_else(|| refused(bytes, "an IPv6 packet begins with a header of 40 bytes"))?;
        return Ok(Ipv6Addr::from(addr).into());
    }
    if bytes.len() < 20 || usize::from(first & 0x0f) * 4 > bytes.len() {
        return Err(refused(bytes, "an IPv4 packet begins with a header of 20 bytes, or of the length that ihl gives"));
    }
    Ok(Ipv4Addr::new(bytes[16], bytes[17], bytes[18], bytes[19]).into())
}

fn too_long() -> String {
    format!("message too long: the MTU of lab0 is {MTU} bytes")
}

fn refused(bytes: &[u8], why: &str) -> NetError {
    NetError::System { doing: format!("sending {} bytes in the laboratory", bytes.len()), message: why.to_owned() }
}
