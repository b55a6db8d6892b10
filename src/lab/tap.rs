//! What an open link has captured and not yet handed over: one buffer, used again for every batch.

use crate::base::Time;
use crate::net::bpf::Program;
use crate::net::{Checksum, Event, Frame, Medium};

/// The index of `lab0`, the only interface.
pub(super) const LAB0: u32 = 1;

/// A capture buffer.
#[derive(Default)]
pub(super) struct Tap {
    pub(super) is_paused: bool,
    /// Its link only hears, and everything that passes.
    pub(super) is_capture: bool,
    pub(super) dropped: u64,
    /// What is captured; none lets everything through.
    filter: Option<Program>,
    bytes: Vec<u8>,
    frames: Vec<Captured>,
}

struct Captured {
    at: Time,
    end: usize,
    outgoing: bool,
}

impl Tap {
    /// Bytes held at most, as the live link's ring.
    const ROOM: usize = 4 << 20;

    /// The buffer of a capture, which takes only what `filter` lets through.
    pub(super) fn of_capture(filter: Program) -> Self {
        Self { filter: Some(filter), is_capture: true, ..Self::default() }
    }

    /// Keeps a copy of `frame`, or counts it as dropped when there is no room.
    pub(super) fn capture(&mut self, at: Time, frame: &[u8], outgoing: bool) {
        let is_wanted = self.filter.as_ref().is_none_or(|filter| filter.matches(frame, frame.len() as u32));
        if self.is_paused || !is_wanted {
            return;
        }
        if self.bytes.len() + frame.len() > Self::ROOM {
            self.dropped += 1;
            return;
        }
        self.bytes.extend_from_slice(frame);
        self.frames.push(Captured { at, end: self.bytes.len(), outgoing });
    }

    /// Whether it is time to hand over what waits.
    pub(super) fn is_filling(&self) -> bool {
        self.bytes.len() > Self::ROOM / 2
    }

    /// How many frames wait.
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Begins anew: forgets what waits and what was lost.
    pub(super) fn begin(&mut self) {
        self.clear();
        (self.is_paused, self.dropped) = (false, 0);
    }

    /// Forgets what waits.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
    }

    /// Changes the waiting frames with those of `other`, an empty tap, so that they can be read without the laboratory.
    pub(super) fn swap(&mut self, other: &mut Self) {
        std::mem::swap(&mut self.bytes, &mut other.bytes);
        std::mem::swap(&mut self.frames, &mut other.frames);
    }

    /// Hands every frame to `on`, in order, and is empty then.
    pub(super) fn drain(&mut self, on: &mut dyn FnMut(Event<'_>)) {
        let mut start = 0;
        for captured in &self.frames {
            let bytes = &self.bytes[start..captured.end];
            start = captured.end;
            on(Event::Heard(Frame {
                bytes,
                at: captured.at,
                iface: LAB0,
                medium: Medium::Ethernet,
                outgoing: captured.outgoing,
                vlan: None,
                wire_len: bytes.len(),
                checksum: Checksum::Ready,
            }));
        }
        self.clear();
    }
}
