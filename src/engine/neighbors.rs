//! Who has these addresses? Address resolution (RFC 826) and neighbor discovery (RFC 4861 section 7.2).

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use super::error::EngineError;
use super::network::Network;
use super::{Ended, Job, Outbox, Progress, Wake, drive};
use crate::base::{Mac, Time};
use crate::layers::icmpv6::{ND_NA, ND_NS};
use crate::layers::nd_options::{DST_LL_ADDR, SRC_LL_ADDR};
use crate::layers::{arp::ARP, dissect, ether::ETHER, first_of, ipv6::IPV6};
use crate::net::{Event, Medium, Reach, Route, Via};
use crate::packet::{LayerDesc, Nowhere, Packet, PacketError, Slot, Value, Wanted};

/// When requests are sent again, counted from the first: a lost one costs little, a silent host one second.
const RESENDS: [Duration; 4] =
    [Duration::from_millis(200), Duration::from_millis(500), Duration::from_millis(650), Duration::from_millis(800)];
/// Of more hosts than these, most are not there: they are asked three times, not five.
const FEW: usize = 64;
/// When the job gives up.
const PATIENCE: Duration = Duration::from_secs(1);

/// A job that asks for hardware addresses and collects the answers.
#[derive(Default)]
struct Ask {
    /// What is asked: interface and address, with the request's bytes and the time of the last one.
    asked: Vec<(u32, IpAddr, Vec<u8>, Time)>,
    /// The same, to look up, with the place in the list.
    places: BTreeMap<(u32, IpAddr), usize>,
    /// What was answered, with the round trip.
    found: Found,
    began: Option<Time>,
    round: usize,
    next: usize,
}

/// What [`ask_neighbors`] learned: by interface and address, the hardware address and the round trip.
pub(super) type Found = BTreeMap<(u32, IpAddr), (Mac, Duration)>;

/// Asks for the hardware addresses of next hops, all at once, and lets the place at `place` remember the answers.
pub(super) fn ask_neighbors<'a>(
    network: &mut Network,
    place: usize,
    routes: impl IntoIterator<Item = &'a Route>,
) -> Result<(Ended, Found), EngineError> {
    let mut ask = Ask::default();
    for route in routes.into_iter().filter(|r| r.takes_frames() && r.reach == Reach::Remote) {
        if let Some(mac) = route.iface.mac {
            ask.ask(route.iface.index, route.next_hop, route.source, mac)?;
        }
    }
    if ask.asked.is_empty() {
        return Ok((Ended::Done, Found::new()));
    }
    let (neighbors, link) = network.open(place)?;
    let ended = drive(&mut ask, link)?;
    for (&(iface, addr), &(mac, _)) in &ask.found {
        neighbors.learn(iface, addr, mac, link.now());
    }
    Ok((ended, ask.found))
}

impl Ask {
    /// Adds a question, from the interface's own addresses.
    fn ask(&mut self, iface: u32, target: IpAddr, source: IpAddr, mac: Mac) -> Result<(), PacketError> {
        if self.places.contains_key(&(iface, target)) {
            return Ok(());
        }
        let request = match (target, source) {
            (IpAddr::V4(target), IpAddr::V4(source)) => request(target, source, mac)?,
            (IpAddr::V6(target), IpAddr::V6(source)) => solicitation(target, source, mac)?,
            _ => return Ok(()), // a next hop of the other family (RFC 5549) is the kernel's to find
        };
        self.places.insert((iface, target), self.asked.len());
        self.asked.push((iface, target, request.bytes(&Nowhere)?, Time::ZERO));
        Ok(())
    }
}

/// Who has `target`? (RFC 826)
fn request(target: Ipv4Addr, source: Ipv4Addr, mac: Mac) -> Result<Packet, PacketError> {
    let ether = layer(&ETHER, &[("dst", Value::Mac(Mac::BROADCAST)), ("src", Value::Mac(mac))])?;
    let fields = [("hwsrc", Value::Mac(mac)), ("psrc", Value::Ip4(source)), ("pdst", Value::Ip4(target))];
    Ok(ether.stack(&layer(&ARP, &fields)?))
}

/// The same of IPv6 (RFC 4861 section 4.3), to the target's solicited-node group (RFC 4291 section 2.7.1).
fn solicitation(target: Ipv6Addr, source: Ipv6Addr, mac: Mac) -> Result<Packet, PacketError> {
    let [.., a, b, c] = target.octets();
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), u16::from(b) << 8 | u16::from(c));
    let station = Value::Mac(Mac([0x33, 0x33, 0xff, a, b, c]));
    let addr = |addr| Value::Ip6(addr, None);
    Ok(layer(&ETHER, &[("dst", station), ("src", Value::Mac(mac))])?
        .stack(&layer(&IPV6, &[("src", addr(source)), ("dst", addr(group))])?)
        .stack(&layer(&ND_NS, &[("tgt", addr(target))])?)
        .stack(&layer(&SRC_LL_ADDR, &[("lladdr", Value::Mac(mac))])?))
}

fn layer(desc: &'static LayerDesc, fields: &[(&str, Value)]) -> Result<Packet, PacketError> {
    let mut packet = Packet::new(desc);
    for (field, value) in fields {
        packet.set(0, field, &Wanted::Value(value.clone()))?;
    }
    Ok(packet)
}

/// The address that a packet speaks for, and its hardware address: an ARP reply, or a neighbor advertisement.
fn answer(packet: &Packet) -> Option<(IpAddr, Mac)> {
    let mac = |packet: &Packet, desc, field| match packet.layer(desc)?.get(field)? {
        Slot::Set(Value::Mac(mac)) => Some(mac),
        _ => None,
    };
    let (addr, mac) = if let Some(arp) = packet.layer(&ARP).filter(|arp| arp.int("op") == Some(2)) {
        (arp.get("psrc")?, mac(packet, &ARP, "hwsrc")?)
    } else {
        let advertised = mac(packet, &DST_LL_ADDR, "lladdr").or_else(|| mac(packet, &ETHER, "src"))?;
        (packet.layer(&ND_NA)?.get("tgt")?, advertised)
    };
    match addr {
        Slot::Set(value) => Some((value.target()?.addr, mac)),
        _ => None,
    }
}

impl Job for Ask {
    fn step(&mut self, now: Time, out: &mut Outbox) -> Wake {
        let began = *self.began.get_or_insert(now);
        let resends = if self.asked.len() > FEW { &RESENDS[..2] } else { &RESENDS[..] };
        if self.found.len() == self.asked.len() {
            return Wake::Done;
        }
        if self.next == self.asked.len() && self.round < resends.len() && now >= began + resends[self.round] {
            self.round += 1;
            self.next = 0;
        }
        while self.next < self.asked.len() && !out.is_full() {
            let (iface, target, bytes, sent) = &mut self.asked[self.next];
            if !self.found.contains_key(&(*iface, *target)) {
                *sent = now;
                out.push(Via::Frame(*iface), self.next as u64, |buf| buf.extend_from_slice(bytes));
            }
            self.next += 1;
        }
        match (self.next < self.asked.len(), resends.get(self.round)) {
            (true, _) => Wake::At(now),
            (false, Some(resend)) => Wake::At(began + *resend),
            (false, None) if now >= began + PATIENCE => Wake::Done,
            (false, None) => Wake::At(began + PATIENCE),
        }
    }

    fn event(&mut self, _now: Time, event: &Event<'_>) {
        let Event::Heard(frame) = event else { return };
        if frame.outgoing || frame.medium != Medium::Ethernet {
            return;
        }
        let packet = dissect(first_of(frame.medium, frame.bytes), &Arc::from(frame.bytes));
        if let Some((addr, mac)) = answer(&packet)
            && let Some(&place) = self.places.get(&(frame.iface, addr))
        {
            let rtt = frame.at - self.asked[place].3;
            self.found.insert((frame.iface, addr), (mac, rtt));
        }
    }

    fn progress(&self) -> Progress {
        Progress { done: self.found.len() as u64, total: self.asked.len() as u64, ..Progress::default() }
    }
}
