//! What a host finds around it, and the frames on their way out of it.

use std::time::Duration;

use etherparse::{EtherType, Ethernet2Header};

use super::dns::Zone;
use super::nets::Segment;
use super::routes::Map;
use crate::base::{Mac, Time};

/// What a host may look at and write to while it handles one frame.
pub(super) struct Scene<'a> {
    pub(super) now: Time,
    pub(super) map: &'a Map,
    pub(super) zone: &'a Zone,
    /// Somebody captures on `lab0`.
    pub(super) is_overheard: bool,
    pub(super) out: &'a mut Out,
}

/// The frames that hosts send, in buffers that are used again.
#[derive(Default)]
pub(super) struct Out {
    pub(super) departures: Vec<Departure>,
    free: Vec<Vec<u8>>,
}

/// A frame on its way out.
pub(super) struct Departure {
    pub(super) segment: Segment,
    /// How long the host waits before it sends.
    pub(super) hold: Duration,
    pub(super) frame: Vec<u8>,
}

impl Out {
    /// An empty buffer.
    pub(super) fn buffer(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_default()
    }

    /// A buffer with these bytes.
    pub(super) fn copy(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut buffer = self.buffer();
        buffer.extend_from_slice(bytes);
        buffer
    }

    /// Gives a buffer back.
    pub(super) fn recycle(&mut self, mut buffer: Vec<u8>) {
        const KEPT: usize = 4096;
        if self.free.len() < KEPT {
            buffer.clear();
            self.free.push(buffer);
        }
    }

    /// Adds a frame that carries `parts`, one after another.
    pub(super) fn put(&mut self, way: &Way, hold: Duration, kind: EtherType, parts: &[&[u8]]) {
        let mut frame = self.buffer();
        let header = Ethernet2Header { source: way.from.0, destination: way.to.0, ether_type: kind };
        frame.extend_from_slice(&header.to_bytes());
        for part in parts {
            frame.extend_from_slice(part);
        }
        self.departures.push(Departure { segment: way.segment, hold, frame });
    }
}

/// How a frame leaves a host.
pub(super) struct Way {
    pub(super) segment: Segment,
    pub(super) from: Mac,
    pub(super) to: Mac,
}
