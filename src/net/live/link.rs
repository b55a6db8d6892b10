//! The live [`Link`].

use std::time::Duration;

use super::frame::frame;
use super::own::Own;
use super::ring::{Ring, SLOTS};
use super::send::{IpSockets, Queue, SendError, gone};
use super::wait::{LISTEN, Waited, wait};
use super::{LiveWorld, privilege::with_net_raw};
use crate::base::Time;
use crate::net::connect::no_dialer;
use crate::net::{Event, Interface, Link, LinkInfo, NetError, Polled, Stats, Via, World};

/// How long to look at the ring after sending, before going to sleep: waking up costs as much.
const SPIN: Duration = Duration::from_micros(20);

/// A link that hears and sends on all interfaces of the machine.
pub(super) struct LiveLink {
    world: LiveWorld,
    about: LinkInfo,
    ring: Ring,
    ip: IpSockets,
    /// Frames that are handed to the kernel together.
    queue: Queue,
    /// What [`Via::Ip`] sent: the capture hears it too, and must not take it for the kernel's.
    own: Own,
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
        let about = LinkInfo { world: "live", wall_zero: world.wall_zero() };
        let (ip, own, used) = (IpSockets::default(), Own::default(), Vec::new());
        let queue = Queue::default();
        Ok(Self { world, about, ring, ip, queue, own, used, expecting: false, received: 0, listened: Time::ZERO })
    }

    /// Hands the waiting frames to the kernel.
    fn flush(&mut self, failed: &mut dyn FnMut(u64, NetError)) {
        if self.queue.is_empty() {
            return;
        }
        let mut queue = std::mem::take(&mut self.queue);
        let wake = self.world.inner.wake.as_ref();
        queue.send(self.ring.socket(), wake, |iface, token, len, error| {
            failed(token, self.explain(error, len, Some(iface)));
        });
        self.queue = queue;
    }

    /// A refusal in words.
    fn explain(&self, error: SendError, len: usize, index: Option<u32>) -> NetError {
        let known = |index| self.used.iter().find(|i| i.index == index).cloned().ok_or(index);
        error.explain(len, index.map(known))
    }

    /// Remembers that an answer may come by this interface.
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
                let at = clock.stamp(slot.header.tp_sec, slot.header.tp_nsec, now);
                if let Some(frame) = frame(slot, at).filter(|frame| !own.is(frame)) {
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

    fn send(&mut self, via: Via, bytes: &[u8], token: u64) -> Result<(), NetError> {
        let mut refused = None;
        self.send_all(&mut std::iter::once((via, bytes, token)), &mut |_, error| refused = Some(error));
        refused.map_or(Ok(()), Err)
    }

    fn send_all(&mut self, frames: &mut dyn Iterator<Item = (Via, &[u8], u64)>, failed: &mut dyn FnMut(u64, NetError)) {
        self.expecting = true;
        for (via, bytes, token) in frames {
            match via {
                Via::Frame(index) => {
                    self.uses(index);
                    self.queue.push(index, bytes, token);
                    if self.queue.is_full() {
                        self.flush(failed);
                    }
                }
                Via::Ip(index) => {
                    self.flush(failed);
                    self.own.remember(bytes);
                    if let Some(index) = index {
                        self.uses(index);
                    }
                    if let Err(error) = self.ip.send(index, bytes, self.world.inner.wake.as_ref()) {
                        failed(token, self.explain(error, bytes.len(), index));
                    }
                }
                Via::Connect(_) => failed(token, no_dialer()),
            }
        }
        self.flush(failed);
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
        self.own.forget();
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
