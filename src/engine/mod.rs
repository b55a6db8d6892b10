//! Floor 3: jobs that exchange packets, and [`drive()`], the one loop that joins a job and a link.
//!
//! A job holds no socket, reads no clock and never sleeps: time comes as an argument, frames go into an [`Outbox`].

mod account;
mod drive;
mod error;
mod exchange;
mod matching;
mod neighbors;
mod network;
mod paths;
mod plan;
mod sieve;
mod sniff;

pub use account::{Account, asked_with};
pub use drive::{Ended, drive};
pub use error::EngineError;
pub use exchange::{Answers, MOST_PACKETS, Options, Outcome, exchange};
pub use network::{Around, Network};
pub use paths::{Path, Paths};
pub use plan::Way;
pub use sieve::Sieve;
pub use sniff::{Aside, Sniff, Thread};

use std::time::Duration;

use crate::base::Time;
use crate::net::{Event, Link, NetError, Via};

/// Something that sends frames, hears frames and is done some day.
pub trait Job {
    /// Puts what is due at `now` into `out` and says when it wants to be asked again.
    fn step(&mut self, now: Time, out: &mut Outbox) -> Wake;

    /// Something happened on the link.
    fn event(&mut self, now: Time, event: &Event<'_>);

    /// How far it has come.
    fn progress(&self) -> Progress;
}

/// What a [`Job`] wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// To be asked again at this time, or earlier when something is heard.
    At(Time),
    /// Nothing: it is finished.
    Done,
}

/// How far a job has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Units done (answers, for an exchange).
    pub done: u64,
    /// Units in all, 0 when unknown.
    pub total: u64,
    /// Time since the job began.
    pub elapsed: Duration,
}

/// Frames to be sent, written one after another into one buffer that is kept.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    frames: Vec<(Via, u64, usize)>,
}

impl Outbox {
    /// Frames in one batch; a job leaves the rest to its next step, so that answers are read in between.
    pub const BATCH: usize = 64;

    /// Adds one frame, which `write` appends to the buffer. `token` comes back if it cannot be sent.
    pub fn push(&mut self, via: Via, token: u64, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.frames.push((via, token, self.bytes.len()));
    }

    /// Adds one packet, which `write` appends to the buffer, by the way that leads to its destination. `false` when
    /// none does: nobody knows the next hop's hardware address.
    pub fn push_by(&mut self, way: &Way, token: u64, write: impl FnOnce(&mut Vec<u8>)) -> bool {
        match way {
            Way::Plain(via) => self.push(*via, token, write),
            Way::Behind(iface, header) => self.push(Via::Frame(*iface), token, |buf| {
                buf.extend_from_slice(header);
                write(buf);
            }),
            Way::NoNeighbor(_) => return false,
        }
        true
    }

    /// Whether nothing is waiting.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Whether a whole batch is waiting.
    pub fn is_full(&self) -> bool {
        self.frames.len() >= Self::BATCH
    }

    /// The frames in order: way, bytes, token.
    pub fn frames(&self) -> impl Iterator<Item = (Via, &[u8], u64)> {
        let mut start = 0;
        self.frames.iter().map(move |&(via, token, end)| {
            let frame = &self.bytes[start..end];
            start = end;
            (via, frame, token)
        })
    }

    /// Sends every frame in order, and is empty then; `failed` is told of each that the link refuses.
    pub fn send(&mut self, link: &mut dyn Link, failed: &mut dyn FnMut(u64, NetError)) {
        link.send_all(&mut self.frames(), failed);
        self.clear();
    }

    /// Forgets what is waiting.
    pub fn clear(&mut self) {
        self.frames.clear();
        self.bytes.clear();
    }
}
