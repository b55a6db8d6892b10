//! The live [`Link`].

use std::collections::VecDeque;
use std::time::Duration;

use super::ring::{Ring, SLOTS, Slot};
use super::send::{IpSockets, gone, send_frame};
use super::wait::{Waited, wait};
use super::{LiveWorld, privilege::with_net_raw};
use crate::base::{Time, rng};
use crate::net::{Checksum, Event, Frame, Interface, Link, LinkInfo, Medium, NetError, Polled, Stats, Via, World};

/// How long to look at the ring after sending, before going to sleep: waking up costs as much.
const SPIN: Duration = Duration::from_micros(20);

/// How often to look for Ctrl-C while frames keep coming and no wait is needed.
const LISTEN: Duration = Duration::from_millis(10);

/// A link that hears and sends on all interfaces of the machine.
pub(super) struct LiveLink {
    world: LiveWorld,
    about: LinkInfo,
    ring: Ring,
    ip: IpSockets,
    /// What [`Via::Ip`] sent: the capture hears it too, and must not take it for the kernel's.
    own: VecDeque<u64>,
    /// The interfaces sent on since the line began: when one goes away, waiting for an answer is vain.
    used: Vec<Interface>,
    /// Something was sent since the last frame was heard.
    expecting: bool,
    received: u64,
    /// When Ctrl-C was last looked for without waiting.
    listened: Time,
}

impl LiveLink {
    pub(super) fn open(world: LiveWorld) -> Result<Self, NetError> {
        let ring = with_net_raw("opening a packet socket", Ring::open)?;
        world.inner.clock.align();
        let about = LinkInfo { world: "live", wall_zero: world.wall_zero(), is_virtual: false };
        let (ip, own, used) = (IpSockets::default(), VecDeque::new(), Vec::new());
        Ok(Self { world, about, ring, ip, own, used, expecting: false, received: 0, listened: Time::ZERO })
    }

    /// Remembers that the interface is in use; an error if it does not exist, or is down.
    fn uses(&mut self, index: u32) {
        if self.used.iter().any(|i| i.index == index) {
            return;
        }
        if let Ok(iface) = find(&self.world, index) {
            self.used.push(iface);
        }
    }

    /// The kernel reported some change: was it one of the interfaces in use? It is told once.
    fn check_used(&mut self) -> Result<(), NetError> {
        self.world.inner.kernel.borrow_mut().hear();
        let world = &self.world;
        let is_lost = |used: &Interface| !find(world, used.index).is_ok_and(|i| i.up);
        match self.used.iter().position(is_lost) {
            Some(at) => Err(gone(self.used.swap_remove(at).name)),
            None => Ok(()),
        }
    }

    /// Hands over what is in the ring, one turn of it at most.
    fn deliver(&mut self, on: &mut dyn FnMut(Event<'_>)) -> bool {
        if !self.ring.is_ready() {
            return false;
        }
        let mut any = false;
        let (clock, own, now) = (&self.world.inner.clock, &mut self.own, self.world.now());
        for _ in 0..SLOTS {
            let taken = self.ring.take(|slot| {
                let at = |slot: &Slot<'_>| clock.stamp(slot.header.tp_sec, slot.header.tp_nsec, now);
                if let Some(frame) = frame(slot, at(slot)).filter(|frame| !is_own(own, frame)) {
                    any = true;
                    self.received += 1;
                    on(Event::Heard(frame));
                }
            });
            if !taken {
                break;
            }
        }
        any
    }
}

impl Link for LiveLink {
    fn about(&self) -> &LinkInfo {
        &self.about
    }

    fn now(&self) -> Time {
        self.world.now()
    }

    fn send(&mut self, via: Via, bytes: &[u8], _token: u64) -> Result<(), NetError> {
        let wake = self.world.inner.wake.as_ref();
        let (sent, index) = match via {
            Via::Frame(index) => (send_frame(self.ring.socket(), index, bytes, wake), Some(index)),
            Via::Ip(index) => {
                remember(&mut self.own, bytes);
                (self.ip.send(index, bytes, wake), index)
            }
        };
        self.expecting = true;
        if let Some(index) = index {
            self.uses(index);
        }
        sent.map_err(|e| {
            let known = |index| self.used.iter().find(|i| i.index == index).cloned().ok_or(index);
            e.explain(bytes.len(), index.map(known))
        })
    }

    fn poll(&mut self, until: Time, on: &mut dyn FnMut(Event<'_>)) -> Result<Polled, NetError> {
        let spin = if self.expecting { self.now() + SPIN } else { Time::ZERO };
        loop {
            let now = self.now();
            if now - self.listened > LISTEN {
                self.listened = now;
                if wait(&[], self.world.inner.wake.as_ref(), Duration::ZERO) == Waited::Interrupted {
                    return Ok(Polled::Interrupted);
                }
            }
            if self.deliver(on) {
                self.expecting = false;
                return Ok(Polled::Some);
            }
            if now >= until {
                return Ok(Polled::Timeout);
            }
            if now < spin {
                std::hint::spin_loop();
                continue;
            }
            let kernel = self.world.inner.kernel.borrow();
            let fds = [Some(self.ring.fd()), kernel.notices()];
            let fds: &[_] = if let [Some(a), Some(b)] = fds { &[a, b] } else { &[self.ring.fd()] };
            let waited = wait(fds, self.world.inner.wake.as_ref(), until - now);
            drop(kernel);
            if waited == Waited::Interrupted {
                return Ok(Polled::Interrupted);
            }
            if !self.ring.is_ready() && waited == Waited::Ready {
                self.ring.clear_error();
                self.check_used()?;
            }
        }
    }

    fn resume(&mut self) -> Result<(), NetError> {
        let inner = &self.world.inner;
        inner.clock.align();
        inner.kernel.borrow_mut().forget();
        self.own.clear();
        self.used.clear();
        self.received = 0;
        self.ring.forget();
        self.ring.open_filter().map_err(|e| NetError::system("starting the capture", &e))
    }

    fn pause(&mut self) -> Result<(), NetError> {
        self.ring.close_filter().map_err(|e| NetError::system("stopping the capture", &e))
    }

    fn stats(&mut self) -> Stats {
        Stats { received: self.received, dropped: self.ring.dropped() }
    }
}

/// The interface with this index as it is now.
fn find(world: &LiveWorld, index: u32) -> Result<Interface, u32> {
    let mut kernel = world.inner.kernel.borrow_mut();
    kernel.interfaces().ok().and_then(|all| all.iter().find(|i| i.index == index).cloned()).ok_or(index)
}

/// What the frames of a link type (`ARPHRD_`, `if_arp.h`) begin with.
///
/// tun, WireGuard, PPP and the IP tunnels give the IP packet: PPP takes its own header off before the capture, and for
/// tunnels that show their outer header (GRE) the ring's network offset leaves it out.
pub(super) fn medium(kind: u16) -> Medium {
    match kind {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Medium::Ethernet,
        _ => Medium::Ip,
    }
}

/// A slot as a frame. `None` for what nobody wants: loopback's outgoing copies (each comes in as well), and what is no
/// IP on a medium without Ethernet headers.
fn frame<'a>(slot: &Slot<'a>, at: Time) -> Option<Frame<'a>> {
    let (header, address) = (&slot.header, &slot.address);
    let outgoing = address.sll_pkttype == libc::PACKET_OUTGOING;
    if outgoing && address.sll_hatype == libc::ARPHRD_LOOPBACK {
        return None;
    }
    let medium = medium(address.sll_hatype);
    let skip = match medium {
        Medium::Ethernet => 0,
        Medium::Ip => {
            let protocol = i32::from(u16::from_be(address.sll_protocol));
            if protocol != libc::ETH_P_IP && protocol != libc::ETH_P_IPV6 {
                return None;
            }
            usize::from(header.tp_net.saturating_sub(header.tp_mac))
        }
    };
    Some(Frame {
        bytes: slot.bytes.get(skip..)?,
        at,
        iface: address.sll_ifindex as u32,
        medium,
        outgoing,
        vlan: vlan(header),
        wire_len: (header.tp_len as usize).saturating_sub(skip),
        checksum: match header.tp_status & libc::TP_STATUS_CSUMNOTREADY {
            0 => Checksum::Ready,
            _ => Checksum::Partial,
        },
    })
}

/// The tag that the kernel took out, as [`Frame::vlan`] has it.
fn vlan(header: &libc::tpacket2_hdr) -> Option<u32> {
    let has = |bit| header.tp_status & bit != 0;
    let tpid = if has(libc::TP_STATUS_VLAN_TPID_VALID) { header.tp_vlan_tpid } else { libc::ETH_P_8021Q as u16 };
    has(libc::TP_STATUS_VLAN_VALID).then(|| u32::from(tpid) << 16 | u32::from(header.tp_vlan_tci))
}

/// Packets sent by [`Via::Ip`] whose outgoing copies may still come.
const OWN: usize = 64;

fn remember(own: &mut VecDeque<u64>, packet: &[u8]) {
    if own.len() == OWN {
        own.pop_front();
    }
    own.extend(mark(packet));
}

/// Whether an outgoing frame is a packet that we sent; it is told once.
fn is_own(own: &mut VecDeque<u64>, frame: &Frame<'_>) -> bool {
    if !frame.outgoing || own.is_empty() {
        return false;
    }
    let packet = if frame.medium == Medium::Ethernet { frame.bytes.get(14..) } else { Some(frame.bytes) };
    let at = packet.and_then(mark).and_then(|mark| own.iter().position(|m| *m == mark));
    at.is_some_and(|at| own.remove(at).is_some())
}

/// A hash of what the kernel leaves alone in a packet that it sends for us: the destination and all after the header.
fn mark(packet: &[u8]) -> Option<u64> {
    let (addr, len) = match packet.first()? >> 4 {
        6 => (24..40, 40),
        _ => (16..20, usize::from(packet[0] & 15) * 4),
    };
    Some(rng::hash(rng::hash(0, packet.get(addr)?), packet.get(len..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_packets_are_known_again_after_the_kernel_repaired_them_and_only_once() {
        let mut packet = vec![0x45; 40];
        let mut own = VecDeque::new();
        (0..100).for_each(|_| remember(&mut own, &packet));
        assert_eq!(own.len(), OWN);
        own.truncate(1);
        packet[2..6].fill(0xee); // length and id
        packet[10..16].fill(0xdd); // checksum and source
        let frame = Frame {
            bytes: &packet,
            at: Time::ZERO,
            iface: 1,
            medium: Medium::Ip,
            outgoing: true,
            vlan: None,
            wire_len: 40,
            checksum: Checksum::Ready,
        };
        assert!(!is_own(&mut own, &Frame { outgoing: false, ..frame }));
        assert!(is_own(&mut own, &frame));
        assert!(!is_own(&mut own, &frame));
    }
}
