//! What hosts do of their own accord, so that there is something to hear on `lab0`: they ask for addresses and names,
//! and fetch pages from each other.
//!
//! Only while somebody captures: what nobody hears, costs nothing and holds up no wait.

use std::net::Ipv4Addr;
use std::time::Duration;

use etherparse::{ArpEthIpv4Packet, ArpOperation, EtherType};
use serde::Deserialize;
use simple_dns::{CLASS, Name, Packet as Message, PacketFlag, QCLASS, QTYPE, Question, TYPE};

use super::host::Host;
use super::out::{Scene, Way};
use super::tcp::{Ends, Program};
use super::udp::{LINK_HOPS, MDNS_GROUP, Reply};
use crate::base::{Mac, Time};

/// Ports that a host calls from: those that IANA leaves to such use (RFC 6335 section 6).
const CALLING: u16 = 49152;

const DNS: u16 = 53;
const HTTP: u16 = 80;
const MDNS: u16 = 5353;

/// Something that a host does again and again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Habit {
    /// How often, in milliseconds.
    pub every_ms: u32,
    /// What it does.
    pub does: Deed,
}

/// What a host does of its own accord; hosts are named by their names.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// Asks by ARP who has the address of this host.
    Arp(String),
    /// Asks the name server for the address of this host.
    Dns(String),
    /// Fetches a page from this host.
    Http(String),
    /// Asks all for their services by multicast DNS (RFC 6763 section 9).
    Mdns,
}

impl Deed {
    /// The host that it names.
    pub(super) fn names(&self) -> Option<&str> {
        match self {
            Self::Arp(name) | Self::Dns(name) | Self::Http(name) => Some(name),
            Self::Mdns => None,
        }
    }
}

/// When a host follows its habits.
#[derive(Clone, Debug, Default)]
pub(super) struct Routine {
    /// By habit; none while nobody captures.
    next: Vec<Time>,
    /// Ports used so far.
    calls: u16,
}

impl Routine {
    /// When something is to be done next.
    pub(super) fn due(&self) -> Option<Time> {
        self.next.iter().min().copied()
    }
}

impl Host {
    /// Somebody begins to capture: from now on the host follows its habits.
    pub(super) fn rouse(&mut self, now: Time) {
        if self.routine.next.is_empty() {
            for habit in &self.spec.habits {
                let period = u64::from(habit.every_ms) * 1_000_000;
                let first = Duration::from_nanos(self.rng.between(period / 4, period));
                self.routine.next.push(now + first);
            }
        }
    }

    /// Does what is due, or ceases when nobody hears it.
    pub(super) fn follow_habits(&mut self, scene: &mut Scene<'_>) {
        if !scene.is_overheard {
            self.routine.next.clear();
        }
        for index in 0..self.routine.next.len() {
            if self.routine.next[index] <= scene.now {
                let habit = self.spec.habits[index].clone();
                self.routine.next[index] = scene.now + Duration::from_millis(u64::from(habit.every_ms.max(1)));
                self.follow(&habit.does, scene);
            }
        }
    }

    fn follow(&mut self, deed: &Deed, scene: &mut Scene<'_>) {
        let Some(src) = self.nics[0].v4 else { return };
        let there = deed.names().and_then(|name| scene.map.addr(name));
        match (deed, there) {
            (Deed::Arp(_), Some(target)) => self.ask_who_has(src, target, scene),
            (Deed::Dns(name), _) => {
                let Some(server) = scene.map.name_server() else { return };
                let port = self.calling_port();
                self.ask_name(src, server, [port, DNS], (name, TYPE::A), scene);
            }
            (Deed::Http(name), Some(dst)) => {
                let local_port = self.calling_port();
                let ends = Ends { peer: dst.into(), peer_port: HTTP, local: src.into(), local_port };
                self.call(ends, Program::Fetch { host: name.as_str().into() }, scene);
            }
            (Deed::Mdns, _) => {
                let question = ("_services._dns-sd._udp.local", TYPE::PTR);
                self.ask_name(src, MDNS_GROUP, [MDNS, MDNS], question, scene);
            }
            (Deed::Arp(_) | Deed::Http(_), None) => {} // never: the plan was checked
        }
    }

    /// Opens a TCP connection.
    pub(super) fn call(&mut self, ends: Ends, program: Program, scene: &mut Scene<'_>) {
        self.connections.call(ends, program, scene.now, &mut self.replies);
        self.send_replies(None, scene);
    }

    /// A port of its own to call from.
    pub(super) fn calling_port(&mut self) -> u16 {
        self.routine.calls = (self.routine.calls + 1) % (u16::MAX - CALLING);
        CALLING + self.routine.calls
    }

    /// Whether a datagram answers a question of its own.
    pub(super) fn has_asked(&self, source_port: u16, destination_port: u16) -> bool {
        let is_answer = source_port == DNS && destination_port >= CALLING;
        !self.spec.habits.is_empty() && (is_answer || destination_port == MDNS)
    }

    fn ask_who_has(&mut self, src: Ipv4Addr, target: Ipv4Addr, scene: &mut Scene<'_>) {
        let nic = &self.nics[0];
        let request = ArpEthIpv4Packet {
            operation: ArpOperation::REQUEST,
            sender_mac: nic.mac().0,
            sender_ipv4: src.octets(),
            target_mac: [0; 6],
            target_ipv4: target.octets(),
        };
        let way = Way { segment: nic.segment, from: nic.mac(), to: Mac::BROADCAST };
        scene.out.put(&way, Duration::ZERO, EtherType::ARP, &[&request.to_bytes()]);
    }

    /// Sends a question of DNS.
    fn ask_name(
        &mut self,
        src: Ipv4Addr,
        dst: Ipv4Addr,
        ports: [u16; 2],
        (name, kind): (&str, TYPE),
        scene: &mut Scene<'_>,
    ) {
        let is_multicast = dst.is_multicast();
        // RFC 6762 section 18: a question to all has neither a number nor flags.
        let mut message = Message::new_query(if is_multicast { 0 } else { self.rng.next_u64() as u16 });
        if !is_multicast {
            message.set_flags(PacketFlag::RECURSION_DESIRED);
        }
        let Ok(name) = Name::new(name) else { return };
        message.questions.push(Question::new(name, QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
        let Ok(data) = message.build_bytes_vec() else { return };
        let hops = is_multicast.then_some(LINK_HOPS);
        let zone = self.nics[0].segment;
        self.send_datagram([src.into(), dst.into()], ports, &Reply { hops, ..Reply::new(data) }, zone, scene);
    }
}
