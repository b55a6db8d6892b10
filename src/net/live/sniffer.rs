//! The [`Link`] that only hears.

use std::os::fd::OwnedFd;
use std::time::Duration;

use super::blocks::{Blocks, Ear, RETIRE};
use super::clock::Clock;
use super::frame::frame;
use super::privilege::with_net_raw;
use super::send::gone;
use super::wait::{LISTEN, Waited, wait};
use super::{LiveWorld, filter};
use crate::base::Time;
use crate::net::{Event, Hear, Interface, Link, LinkInfo, Medium, NetError, Polled, Stats, Via, World};

/// The longest that a [`Link::poll`] goes on behind its end, for the block that was being filled then. The kernel
/// hands it over sooner: after [`RETIRE`] and what its timers are late.
const GRACE: Duration = Duration::from_millis(100);

/// A link that hears one interface, some, or all, by a socket of its own. It may be given to another thread.
pub(super) struct Sniffer {
    about: LinkInfo,
    clock: Clock,
    blocks: Blocks,
    /// Ctrl-C, unless the link is polled aside.
    wake: Option<OwnedFd>,
    /// The name of the interface, if it is only one.
    alone: Option<String>,
    /// When that went away; not yet told.
    lost: Option<Time>,
    received: u64,
    /// When Ctrl-C and the wall clock were last looked at.
    listened: Time,
}

impl Sniffer {
    pub(super) fn open(world: &LiveWorld, hear: &Hear) -> Result<Self, NetError> {
        let doing = "opening a capture";
        let ifaces = named(world, &hear.ifaces)?;
        let filter = filter::program(&hear.filter, &ifaces, |name| world.resolve(name))?;
        let alone = if let [iface] = &ifaces[..] { Some(iface) } else { None };
        let is_wide = |iface: &&Interface| iface.medium == Medium::Ethernet && !iface.loopback;
        let ear = Ear {
            iface: alone.map_or(0, |iface| iface.index),
            promiscuous: ifaces.iter().filter(is_wide).map(|iface| iface.index).collect(),
            filter,
        };
        let wake = world.inner.wake.as_ref().filter(|_| !hear.aside).map(OwnedFd::try_clone).transpose();
        let wake = wake.map_err(|e| NetError::system(doing, &e))?;
        let blocks = with_net_raw(doing, || Blocks::open(&ear))?;
        let clock = world.inner.clock.clone();
        clock.align();
        Ok(Self {
            about: LinkInfo { world: "live", wall_zero: clock.wall_zero() },
            clock,
            blocks,
            wake,
            alone: alone.map(|iface| iface.name.clone()),
            lost: None,
            received: 0,
            listened: Time::ZERO,
        })
    }

    /// Hands over the frames of the next block, if there is one.
    fn deliver(&mut self, on: &mut dyn FnMut(Event<'_>)) -> bool {
        if !self.blocks.is_ready() {
            return false;
        }
        let (before, now) = (self.received, self.now());
        let (clock, received) = (&self.clock, &mut self.received);
        self.blocks.take(|slot| {
            let at = clock.stamp(slot.header.tp_sec, slot.header.tp_nsec, now);
            if let Some(frame) = frame(&slot, at) {
                *received += 1;
                on(Event::Heard(frame));
            }
        });
        self.received > before
    }

    /// Whether the kernel keeps frames that may have come before `end`, in a block that is not full.
    fn is_filling(&self, end: Time, now: Time) -> bool {
        let opened = self.blocks.opened().map(|(seconds, nanos)| self.clock.stamp(seconds, nanos, now));
        opened.is_some_and(|at| at <= end) && now < end + GRACE
    }
}

impl Link for Sniffer {
    fn about(&self) -> &LinkInfo {
        &self.about
    }

    fn now(&self) -> Time {
        self.clock.now()
    }

    fn send(&mut self, _via: Via, bytes: &[u8], _token: u64) -> Result<(), NetError> {
        let message = "a capture only hears; the session's own link sends".to_owned();
        Err(NetError::System { doing: format!("sending {} bytes", bytes.len()), message })
    }

    /// Hands over one block's frames. What came before `until` is among them: for a block that was not full then, the
    /// wait goes on for the few milliseconds until the kernel hands it over.
    fn poll(&mut self, until: Time, on: &mut dyn FnMut(Event<'_>)) -> Result<Polled, NetError> {
        loop {
            let now = self.now();
            if now - self.listened > LISTEN {
                self.listened = now;
                self.clock.follow();
                if wait(&[], self.wake.as_ref(), Duration::ZERO) == Waited::Interrupted {
                    return Ok(Polled::Interrupted);
                }
            }
            if self.deliver(on) {
                return Ok(Polled::Some);
            }
            let end = self.lost.map_or(until, |lost| lost.min(until));
            if now >= end && !self.is_filling(end, now) {
                return match (self.lost.take(), &self.alone) {
                    (Some(_), Some(name)) => Err(gone(name.clone())),
                    _ => Ok(Polled::Timeout),
                };
            }
            let span = if now < end { end - now } else { RETIRE };
            match wait(&[self.blocks.fd()], self.wake.as_ref(), span) {
                Waited::Interrupted => return Ok(Polled::Interrupted),
                Waited::Ready if self.blocks.is_cut_off() && self.alone.is_some() => self.lost = Some(self.now()),
                Waited::Ready | Waited::Timeout => {}
            }
        }
    }

    fn stats(&mut self) -> Stats {
        Stats { received: self.received, dropped: self.blocks.dropped() }
    }
}

/// The interfaces of these names, each once and up.
fn named(world: &LiveWorld, names: &[String]) -> Result<Vec<Interface>, NetError> {
    let mut found: Vec<Interface> = Vec::new();
    for name in names {
        let iface = world.interface(name)?;
        if !iface.up {
            let message = format!("interface {name} is down; try `ip link set {name} up`");
            return Err(NetError::System { doing: "opening a capture".to_owned(), message });
        }
        if found.iter().all(|other| other.index != iface.index) {
            found.push(iface);
        }
    }
    Ok(found)
}
