//! Address resolution (RFC 826): who has these addresses?

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use super::{Job, Outbox, Progress, Wake};
use crate::base::{Mac, Time};
use crate::layers::arp::ARP;
use crate::layers::ether::ETHER;
use crate::layers::{dissect, first_of};
use crate::net::{Event, Medium, Via};
use crate::packet::{Packet, PacketError, Slot, Value, Wanted};

/// When requests are sent again, counted from the first: a lost one costs little, a silent host one second.
const RESENDS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(500)];
/// When the job gives up.
const PATIENCE: Duration = Duration::from_secs(1);

/// A job that asks for hardware addresses and collects the answers.
pub(super) struct Arp {
    /// What is asked: interface and address, with the request's bytes.
    asked: Vec<(u32, Ipv4Addr, Vec<u8>)>,
    /// What was answered.
    pub(super) found: BTreeMap<(u32, IpAddr), Mac>,
    began: Option<Time>,
    round: usize,
    next: usize,
}

impl Arp {
    pub(super) fn new() -> Self {
        Self { asked: Vec::new(), found: BTreeMap::new(), began: None, round: 0, next: 0 }
    }

    /// Adds a question, from the interface's own addresses.
    pub(super) fn ask(&mut self, iface: u32, target: Ipv4Addr, source: Ipv4Addr, mac: Mac) -> Result<(), PacketError> {
        if self.asked.iter().any(|(i, t, _)| *i == iface && *t == target) {
            return Ok(());
        }
        let mut request = Packet::new(&ETHER).stack(&Packet::new(&ARP));
        request.set(0, "dst", &Wanted::Value(Value::Mac(Mac::BROADCAST)))?;
        request.set(0, "src", &Wanted::Value(Value::Mac(mac)))?;
        request.set(1, "hwsrc", &Wanted::Value(Value::Mac(mac)))?;
        request.set(1, "psrc", &Wanted::Value(Value::Ip4(source)))?;
        request.set(1, "pdst", &Wanted::Value(Value::Ip4(target)))?;
        self.asked.push((iface, target, request.bytes(&crate::packet::Nowhere)?));
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }
}

impl Job for Arp {
    fn step(&mut self, now: Time, out: &mut Outbox) -> Wake {
        let began = *self.began.get_or_insert(now);
        if self.found.len() == self.asked.len() {
            return Wake::Done;
        }
        if self.next == self.asked.len() && self.round < RESENDS.len() && now >= began + RESENDS[self.round] {
            self.round += 1;
            self.next = 0;
        }
        while self.next < self.asked.len() && !out.is_full() {
            let (iface, target, bytes) = &self.asked[self.next];
            if !self.found.contains_key(&(*iface, IpAddr::V4(*target))) {
                out.push(Via::Frame(*iface), self.next as u64, |buf| buf.extend_from_slice(bytes));
            }
            self.next += 1;
        }
        match (self.next < self.asked.len(), RESENDS.get(self.round)) {
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
        let packet = dissect(first_of(frame.medium), &Arc::from(frame.bytes));
        let Some(arp) = packet.layer(&ARP) else { return };
        if let (Some(2), Some(Slot::Set(Value::Ip4(addr))), Some(Slot::Set(Value::Mac(mac)))) =
            (arp.int("op"), arp.get("psrc"), arp.get("hwsrc"))
            && self.asked.iter().any(|(iface, target, _)| *iface == frame.iface && *target == addr)
        {
            self.found.insert((frame.iface, IpAddr::V4(addr)), mac);
        }
    }

    fn progress(&self) -> Progress {
        Progress { done: self.found.len() as u64, total: self.asked.len() as u64, ..Progress::default() }
    }
}
