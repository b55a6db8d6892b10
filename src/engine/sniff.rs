//! Sniffing: hearing what passes, here or in a thread of its own.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::error::EngineError;
use super::{Ended, Job, Network, Outbox, Progress, Wake, drive};
use crate::base::Time;
use crate::net::capture::{Record, Store};
use crate::net::{Capture, Event, Hear, Link, NetError, Stats};

/// The most that a sniffer keeps, in bytes: what a script may hold at all.
const MOST_KEPT: usize = 1 << 30;

/// How long a thread listens before it looks whether it is to stop.
const TURN: Duration = Duration::from_millis(20);

/// An open capture.
pub struct Sniff {
    capture: Capture,
    names: Names,
    is_virtual: bool,
}

/// What a record needs to know of its link.
#[derive(Clone, Default)]
struct Names {
    interfaces: BTreeMap<u32, String>,
    wall_zero: i64,
}

impl Sniff {
    /// Opens a capture on interfaces of one world: those named, or all of the first that is real.
    pub fn open(network: &mut Network, hear: &Hear) -> Result<Self, EngineError> {
        let place = network.place_to_hear(&hear.ifaces)?;
        let world = &network.place(place).world;
        let interfaces = world.interfaces()?.into_iter().map(|i| (i.index, i.name)).collect();
        let names = Names { interfaces, wall_zero: world.wall_zero() };
        Ok(Self { capture: world.capture(hear)?, names, is_virtual: world.is_virtual() })
    }

    /// Whether its time jumps to the next event instead of passing.
    pub fn is_virtual(&self) -> bool {
        self.is_virtual
    }

    /// The time on its link.
    pub fn now(&mut self) -> Time {
        self.capture.link().now()
    }

    /// The wall time on its link, in nanoseconds since 1970.
    pub fn wall(&mut self) -> i64 {
        self.names.wall_zero.saturating_add(self.now().nanos())
    }

    /// What was heard and lost since it was opened.
    pub fn stats(&mut self) -> Stats {
        self.capture.link().stats()
    }

    /// Waits until something is heard, or until `until`, and hands over all that is there.
    ///
    /// [`Ended::Done`] also when the time is over; see [`Sniff::now`].
    pub fn hear(&mut self, until: Time, on: &mut dyn FnMut(&Record<'_>)) -> Result<Ended, EngineError> {
        let mut job = Hearing { names: &self.names, until, on, heard: 0, steps: 0, scratch: Vec::new() };
        Ok(drive(&mut job, self.capture.link())?)
    }

    /// Hands over what has come and was not handed over yet, at the end of a capture.
    pub fn hear_the_rest(&mut self, on: &mut dyn FnMut(&Record<'_>)) -> Result<(), EngineError> {
        let now = self.now();
        self.hear(now, on).map(drop)
    }

    /// Goes on in a thread of its own, where the world allows it.
    pub fn aside(self) -> Aside {
        match self.capture {
            Capture::Aside(link) => Aside::Thread(Thread::start(link, self.names)),
            here @ Capture::Here(_) => Aside::Here(Self { capture: here, ..self }),
        }
    }
}

/// The job behind [`Sniff::hear`].
struct Hearing<'a> {
    names: &'a Names,
    until: Time,
    on: &'a mut dyn FnMut(&Record<'_>),
    heard: u64,
    steps: u32,
    scratch: Vec<u8>,
}

impl Job for Hearing<'_> {
    fn step(&mut self, now: Time, _out: &mut Outbox) -> Wake {
        self.steps = self.steps.saturating_add(1);
        // Once it looks in any case: what came before now is there already.
        let is_over = self.steps > 1 && (self.heard > 0 || now >= self.until);
        if is_over { Wake::Done } else { Wake::At(self.until) }
    }

    fn event(&mut self, _now: Time, event: &Event<'_>) {
        if let Event::Heard(frame) = event {
            self.heard += 1;
            let iface = self.names.interfaces.get(&frame.iface).map(String::as_str);
            (self.on)(&Record::of_frame(frame, self.names.wall_zero, iface, &mut self.scratch));
        }
    }

    fn progress(&self) -> Progress {
        Progress { done: self.heard, ..Progress::default() }
    }
}

/// A capture that goes on while the script does something else.
pub enum Aside {
    /// The laboratory's: what passes is kept on its wire until somebody looks.
    Here(Sniff),
    /// A thread of its own.
    Thread(Thread),
}

impl Aside {
    /// What has come since the last call, and how the capture ended if it did so by itself.
    pub fn take(&mut self) -> (Store, Option<EngineError>) {
        match self {
            Self::Here(sniff) => {
                let mut store = Store::new();
                let now = sniff.now();
                let heard = sniff.hear(now, &mut |record| {
                    let _ = store.push(record); // it has no bound: the wire's own is small
                });
                (store, heard.err())
            }
            Self::Thread(thread) => thread.take(),
        }
    }

    /// Ends it; what has come, how it ended, and the packets lost.
    pub fn stop(self) -> (Store, Option<EngineError>, u64) {
        match self {
            Self::Here(mut sniff) => {
                let dropped = sniff.stats().dropped;
                let (store, error) = Self::Here(sniff).take();
                (store, error, dropped)
            }
            Self::Thread(thread) => thread.stop(),
        }
    }
}

/// A thread that listens, and what it has heard. It ends with this value.
pub struct Thread {
    shared: Arc<Shared>,
    handle: Option<JoinHandle<u64>>,
}

#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    heard: Mutex<Store>,
    failed: Mutex<Option<NetError>>,
}

impl Thread {
    fn start(mut link: Box<dyn Link + Send>, names: Names) -> Self {
        let shared = Arc::new(Shared { heard: Mutex::new(Store::bounded(MOST_KEPT)), ..Shared::default() });
        let its = Arc::clone(&shared);
        let handle = std::thread::spawn(move || {
            let lost = its.listen(&mut *link, &names);
            lost + link.stats().dropped
        });
        Self { shared, handle: Some(handle) }
    }

    fn take(&self) -> (Store, Option<EngineError>) {
        let mut heard = self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner);
        let store = std::mem::replace(&mut *heard, Store::bounded(MOST_KEPT));
        let failed = self.shared.failed.lock().unwrap_or_else(PoisonError::into_inner).take();
        (store, failed.map(Into::into))
    }

    fn stop(mut self) -> (Store, Option<EngineError>, u64) {
        let lost = self.join();
        let (store, failed) = self.take();
        (store, failed, lost)
    }

    fn join(&mut self) -> u64 {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.handle.take().and_then(|handle| handle.join().ok()).unwrap_or(0)
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.join();
    }
}

impl Shared {
    /// Listens until it is told to stop; gives how many packets did not fit into memory.
    fn listen(&self, link: &mut dyn Link, names: &Names) -> u64 {
        let (mut lost, mut scratch, mut end) = (0, Vec::new(), Time::NEVER);
        while end == Time::NEVER {
            if end == Time::NEVER && self.stop.load(Ordering::Relaxed) {
                end = link.now(); // what has come until now is still handed over
            }
            let until = end.min(link.now() + TURN);
            let polled = link.poll(until, &mut |event| {
                let Event::Heard(frame) = event else { return };
                let iface = names.interfaces.get(&frame.iface).map(String::as_str);
                let record = Record::of_frame(&frame, names.wall_zero, iface, &mut scratch);
                let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
                lost += u64::from(heard.push(&record).is_err());
            });
            if let Err(error) = polled {
                *self.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                break;
            }
        }
        lost
    }
}
