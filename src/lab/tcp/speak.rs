//! What a connection sends: its segments, and when it sends them again.

use std::time::Duration;

use super::connection::{Around, Connection, FIRST_SYN_WAIT, Fate, Fin, State};
use super::flag::{ACK, ECE, FIN, PSH, SYN};
use super::options::{Offer, Options};
use super::{Replies, Reply, Segment, is_before, mss};
use Fate::{Gone, Stays};

/// Resends of a SYN or SYN/ACK: after 1, 3, 7, 15 and 31 s, and at 63 s the end (as Linux).
const SYN_RESENDS: u32 = 5;
/// The same for data: Linux' smallest wait, and about half a minute in all.
const FIRST_DATA_WAIT: Duration = Duration::from_millis(200);
const DATA_RESENDS: u32 = 7;
/// The shortest time between two ACKs that answer unacceptable segments (RFC 5961 section 7 leaves it open; as Linux).
const CHALLENGE_EVERY: Duration = Duration::from_millis(500);
/// The largest segment for a peer that named none (RFC 9293 section 3.7.1).
const SMALLEST_MSS: u16 = 536;

impl Connection {
    /// Its time has come: sends again what was not answered, or ends.
    pub(super) fn wake(&mut self, around: &Around, out: &mut Replies) -> Fate {
        if self.ack_due.is_some_and(|at| at <= around.now) {
            self.send(around, ACK, Vec::new(), out);
        }
        if self.due.is_none_or(|at| at > around.now) {
            return Stays;
        }
        self.due = None;
        self.tries += 1;
        match self.state {
            State::TimeWait | State::FinWait2 => Gone,
            State::SynSent | State::SynReceived if self.tries > SYN_RESENDS => Gone,
            State::SynSent | State::SynReceived => {
                self.send_syn(around, out);
                self.due = Some(around.now + FIRST_SYN_WAIT * (1 << self.tries));
                Stays
            }
            _ if self.tries > DATA_RESENDS => Gone,
            _ => {
                self.resend(around, out);
                self.due = Some(around.now + FIRST_DATA_WAIT * (1 << self.tries));
                Stays
            }
        }
    }

    /// Sends what the program has said, as far as the peer's window allows, and the FIN after its last word.
    pub(super) fn flush(&mut self, around: &Around, out: &mut Replies) {
        if self.fin == Fin::Sent || !matches!(self.state, State::Established | State::CloseWait) {
            return;
        }
        loop {
            let in_flight = self.next.wrapping_sub(self.unacknowledged) as usize;
            let waiting = self.queue.len().saturating_sub(in_flight);
            let room = (self.window as usize).saturating_sub(in_flight);
            let count = waiting.min(room).min(self.largest_segment(around));
            if count == 0 {
                break;
            }
            let flags = if count == waiting { ACK | PSH } else { ACK };
            let data = self.queue[in_flight..in_flight + count].to_vec();
            self.send(around, flags, data, out);
            self.next = self.next.wrapping_add(count as u32);
        }
        if self.fin == Fin::Wanted && self.next.wrapping_sub(self.unacknowledged) as usize == self.queue.len() {
            self.send(around, FIN | ACK, Vec::new(), out);
            self.next = self.next.wrapping_add(1);
            self.fin = Fin::Sent;
            self.state = if self.state == State::CloseWait { State::LastAck } else { State::FinWait1 };
        }
        let is_waiting = self.next != self.unacknowledged || !self.queue.is_empty();
        if self.due.is_none() && is_waiting {
            self.due = Some(around.now + FIRST_DATA_WAIT);
        }
    }

    /// The first segment that was not acknowledged; a byte into a closed window (RFC 9293 section 3.8.6.1).
    fn resend(&mut self, around: &Around, out: &mut Replies) {
        let next = std::mem::replace(&mut self.next, self.unacknowledged);
        let room = (self.window as usize).max(1);
        let count = self.queue.len().min(room).min(self.largest_segment(around));
        if count > 0 {
            let data = self.queue[..count].to_vec();
            self.send(around, ACK | PSH, data, out);
        } else if self.fin == Fin::Sent {
            self.send(around, FIN | ACK, Vec::new(), out);
        }
        let sent = self.unacknowledged.wrapping_add(count as u32);
        self.next = if is_before(next, sent) { sent } else { next };
    }

    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`, unless one went out a moment ago.
    pub(super) fn challenge(&mut self, around: &Around, out: &mut Replies) {
        if self.challenged.is_some_and(|last| around.now - last < CHALLENGE_EVERY) {
            return;
        }
        self.challenged = Some(around.now);
        self.send(around, ACK, Vec::new(), out);
    }

    /// An ACK for what lies outside of the window. Data comes again until it is acknowledged, so only what has none is
    /// held back (as Linux, `tcp_oow_rate_limited`).
    pub(super) fn correct(&mut self, segment: &Segment<'_>, around: &Around, out: &mut Replies) {
        if segment.data.is_empty() || segment.has(SYN) {
            self.challenge(around, out);
        } else {
            self.send(around, ACK, Vec::new(), out);
        }
    }

    /// A segment with the next sequence number; it acknowledges what has come.
    pub(super) fn send(&mut self, around: &Around, flags: u8, data: Vec<u8>, out: &mut Replies) {
        self.ack_due = None;
        let options = match self.offer.timestamp {
            Some(echo) if self.has_timestamps(around) => Options::stamp(around.stamp, echo),
            _ => Options::default(),
        };
        let window = self.own_window(around) >> self.own_shift(around);
        out.push((around.ends, Reply { seq: self.next, ack: self.expected, flags, window, options, data }));
    }

    /// The SYN of an active open, or the SYN/ACK.
    pub(super) fn send_syn(&self, around: &Around, out: &mut Replies) {
        let is_call = self.state == State::SynSent;
        let flags = if is_call { SYN } else { SYN | ACK } | if self.ecn { ECE } else { 0 };
        // A SYN of its own offers what it knows, also with the ACK of a simultaneous open.
        let timestamp = self.offer.timestamp.or(Offer::ALL.timestamp);
        let offer = if self.passive { self.offer } else { Offer { timestamp, ..Offer::ALL } };
        let options = Options::answer(around.stack.options, &offer, mss(around.ends.peer), around.stamp);
        let (seq, ack, window) = (self.unacknowledged, self.expected, self.own_window(around));
        out.push((around.ends, Reply { seq, ack, flags, window, options, data: Vec::new() }));
    }

    fn has_timestamps(&self, around: &Around) -> bool {
        self.offer.timestamp.is_some() && around.stack.stamps()
    }

    pub(super) fn own_window(&self, around: &Around) -> u16 {
        around.window[usize::from(self.has_timestamps(around))]
    }

    /// The shift of the windows that go out: none unless both sides agreed (RFC 7323 section 2.2).
    fn own_shift(&self, around: &Around) -> u8 {
        around.stack.scale().filter(|_| self.offer.scale.is_some()).unwrap_or(0)
    }

    /// The shift of the windows that come.
    pub(super) fn peer_shift(&self, around: &Around) -> u8 {
        self.offer.scale.filter(|_| around.stack.scale().is_some()).unwrap_or(0)
    }

    fn largest_segment(&self, around: &Around) -> usize {
        let stamps = if self.has_timestamps(around) { 12 } else { 0 };
        let mss = self.offer.mss.unwrap_or(SMALLEST_MSS).clamp(64, mss(around.ends.peer));
        usize::from(mss - stamps)
    }
}
