//! One connection, from SYN-SENT to TIME-WAIT: RFC 9293 sections 3.10.7.3 and 3.10.7.4, its checks in its order.
//!
//! What comes out of order is not kept: the peer is asked for what is missing and sends it again.

use std::time::Duration;

use super::flag::{ACK, CWR, ECE, FIN, PSH, RST, SYN};
use super::options::{Offer, Options, Unit};
use super::program::{Deed, Program};
use super::stacks::{Order, ResentSyn, Stack, SynInHalfOpen};
use super::table::closed;
use super::{Ends, Replies, Reply, Segment, is_before, mss};
use crate::base::Time;

/// The first wait for an answer to a SYN or SYN/ACK; it doubles with each resend (RFC 6298 section 2).
const FIRST_SYN_WAIT: Duration = Duration::from_secs(1);
/// Resends of a SYN or SYN/ACK: after 1, 3, 7, 15 and 31 s, and at 63 s the end (as Linux).
const SYN_RESENDS: u32 = 5;
/// The same for data: Linux' smallest wait, and about half a minute in all.
const FIRST_DATA_WAIT: Duration = Duration::from_millis(200);
const DATA_RESENDS: u32 = 7;
/// How long TIME-WAIT lasts, and FIN-WAIT-2 when the program has gone (as Linux; RFC 9293 asks for 2 minutes).
pub(super) const LAST_WAIT: Duration = Duration::from_mins(1);
/// The shortest time between two ACKs that answer unacceptable segments (RFC 5961 section 7 leaves it open; as Linux).
const CHALLENGE_EVERY: Duration = Duration::from_millis(500);
/// How long a connection may be idle: RFC 9293 section 3.8.4 sends no keep-alive earlier.
const IDLE: Duration = Duration::from_hours(2);
/// Bytes that wait to be sent, from which on nothing more is taken in.
const MOST_WAITING: usize = 64 << 10;
/// The largest segment for a peer that named none (RFC 9293 section 3.7.1).
const SMALLEST_MSS: u16 = 536;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
}

/// What becomes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Stays,
    Gone,
}
use Fate::{Gone, Stays};

/// What a connection needs to know of its host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    pub(super) stack: &'static Stack,
    pub(super) ends: Ends,
    pub(super) now: Time,
    /// The window that is announced, in bytes: without timestamps and with them.
    pub(super) window: [u16; 2],
    /// The value of a timestamp that goes out now.
    pub(super) stamp: u32,
}

/// A transmission control block (section 3.3.1).
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) state: State,
    /// It came out of LISTEN.
    passive: bool,
    /// SND.UNA
    unacknowledged: u32,
    /// SND.NXT
    pub(super) next: u32,
    /// RCV.NXT
    pub(super) expected: u32,
    /// SND.WND
    window: u32,
    /// MAX.SND.WND
    largest_window: u32,
    /// What the peer's SYN offered.
    offer: Offer,
    /// Explicit congestion notification was asked for and agreed to.
    ecn: bool,
    /// When the last acceptable segment came.
    heard: Time,
    /// When the last challenge ACK went out.
    challenged: Option<Time>,
    /// When it sends again, or ends.
    pub(super) due: Option<Time>,
    /// When it acknowledges a FIN, unless it has done so by then.
    ack_due: Option<Time>,
    /// How often it has sent the same.
    tries: u32,
    program: Program,
    /// What the program has said and the peer not yet acknowledged.
    queue: Vec<u8>,
    /// How far it is with its own FIN.
    fin: Fin,
}

/// How far a connection is with its own FIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fin {
    /// The program may still say something.
    NotYet,
    /// The program has said its last word.
    Wanted,
    /// It is out.
    Sent,
}

impl Connection {
    /// A SYN at a listening port: sends the SYN/ACK. Data or a FIN that came with it is not acknowledged: the peer
    /// sends it again.
    pub(super) fn accept(syn: &Segment<'_>, iss: u32, program: Program, around: &Around, out: &mut Replies) -> Self {
        let mut new = Self::new(State::SynReceived, iss, program, around);
        new.passive = true;
        new.meet(syn, around);
        new.send_syn(around, out);
        new
    }

    /// An active open: sends the SYN.
    pub(super) fn call(iss: u32, program: Program, around: &Around, out: &mut Replies) -> Self {
        let new = Self::new(State::SynSent, iss, program, around);
        new.send_syn(around, out);
        new
    }

    fn new(state: State, iss: u32, program: Program, around: &Around) -> Self {
        Self {
            state,
            passive: false,
            unacknowledged: iss,
            next: iss.wrapping_add(1),
            expected: 0,
            window: 0,
            largest_window: 0,
            offer: Offer::default(),
            ecn: false,
            heard: around.now,
            challenged: None,
            due: Some(around.now + FIRST_SYN_WAIT),
            ack_due: None,
            tries: 0,
            program,
            queue: Vec::new(),
            fin: Fin::NotYet,
        }
    }

    /// When it acts of its own accord.
    pub(super) fn due(&self) -> Option<Time> {
        [self.due, self.ack_due].into_iter().flatten().min()
    }

    /// Whether it has been idle for too long.
    pub(super) fn is_over(&self, now: Time) -> bool {
        now - self.heard > IDLE
    }

    /// Where a new connection of the same ends may begin to count, after this one in TIME-WAIT (as Linux, which keeps
    /// the window of the old one clear); `None` when `segment` opens none. RFC 9293 section 3.6.1.
    pub(super) fn reopened_by(&self, segment: &Segment<'_>) -> Option<u32> {
        let is_newer = is_before(self.expected, segment.seq.wrapping_add(1)) && segment.seq != self.expected;
        let opens = self.state == State::TimeWait && segment.flags & (SYN | RST | ACK) == SYN && is_newer;
        opens.then(|| self.next.wrapping_add(65537))
    }

    /// The answer to a segment.
    pub(super) fn receive(&mut self, segment: &Segment<'_>, around: &Around, out: &mut Replies) -> Fate {
        if self.state == State::SynSent {
            return self.receive_in_syn_sent(segment, around, out);
        }
        if around.stack.order == Order::Linux
            && let Some(fate) = self.receive_as_linux(segment, around, out)
        {
            return fate;
        }
        // First, the sequence number.
        if !self.is_acceptable(segment, around) {
            self.refuse(segment, around, out);
            return Stays;
        }
        self.heard = around.now;
        // Second, RST (RFC 5961 section 3): only the exact number resets.
        if segment.has(RST) {
            if segment.seq == self.expected {
                return Gone;
            }
            self.challenge(around, out);
            return Stays;
        }
        // Fourth, SYN (RFC 5961 section 4).
        if segment.has(SYN) {
            return self.refuse_syn(segment, around, out);
        }
        if !segment.has(ACK) {
            return Stays;
        }
        // Fifth to eighth: ACK, the data, FIN.
        if self.take_ack(segment, around, out) == Took::Refused {
            return Stays;
        }
        if self.state == State::LastAck && self.unacknowledged == self.next {
            return Gone;
        }
        let fate = self.take_data(segment, around, out);
        if fate == Stays {
            self.flush(around, out);
        }
        fate
    }

    /// Section 3.10.7.3.
    fn receive_in_syn_sent(&mut self, segment: &Segment<'_>, around: &Around, out: &mut Replies) -> Fate {
        let is_for_us = segment.ack == self.next;
        if segment.has(ACK) && !is_for_us {
            self.reset(segment, around, out);
            return Stays;
        }
        if segment.has(RST) {
            return if segment.has(ACK) { Gone } else { Stays };
        }
        if !segment.has(SYN) {
            return Stays;
        }
        self.heard = around.now;
        self.meet(segment, around);
        if segment.has(ACK) {
            self.unacknowledged = segment.ack;
            self.establish(around);
            self.send(around, ACK, Vec::new(), out);
            self.flush(around, out);
        } else {
            self.state = State::SynReceived;
            self.send_syn(around, out);
        }
        Stays
    }

    /// Remembers what a SYN says of the peer.
    fn meet(&mut self, syn: &Segment<'_>, around: &Around) {
        self.expected = syn.seq.wrapping_add(1);
        self.window = u32::from(syn.window);
        self.largest_window = self.window;
        self.offer = Offer::of(syn);
        self.ecn = around.stack.ecn && syn.flags & (ECE | CWR) == ECE | CWR;
    }

    fn establish(&mut self, around: &Around) {
        self.state = State::Established;
        (self.due, self.tries) = (None, 0);
        let deed = self.program.opened();
        self.act(deed);
        self.heard = around.now;
    }

    fn act(&mut self, deed: Deed) {
        if self.fin == Fin::NotYet {
            self.queue.extend(deed.says);
            self.fin = if deed.closes { Fin::Wanted } else { Fin::NotYet };
        }
    }

    /// What lies outside of the window gets an ACK that says what is expected; a reset gets nothing.
    fn refuse(&mut self, segment: &Segment<'_>, around: &Around, out: &mut Replies) {
        let is_again = self.state == State::SynReceived && self.is_first_syn(segment) && !segment.has(ACK);
        if segment.has(RST) {
            return;
        }
        if is_again && around.stack.resent_syn == ResentSyn::SynAck {
            return self.send_syn(around, out);
        }
        self.correct(segment, around, out);
    }

    /// Whether it has the number of the SYN that opened the connection.
    pub(super) fn is_first_syn(&self, segment: &Segment<'_>) -> bool {
        segment.has(SYN) && segment.seq.wrapping_add(1) == self.expected
    }

    pub(super) fn reset(&self, segment: &Segment<'_>, around: &Around, out: &mut Replies) {
        let is_listening = self.state == State::SynReceived;
        out.extend(closed(around.stack, segment, is_listening).map(|reply| (around.ends, reply)));
    }

    /// A SYN inside the window. A connection that was opened passively returns to LISTEN; others are left alone.
    fn refuse_syn(&mut self, segment: &Segment<'_>, around: &Around, out: &mut Replies) -> Fate {
        if self.state == State::SynReceived && self.passive && !self.is_first_syn(segment) {
            if around.stack.syn_in_half_open == SynInHalfOpen::Reset {
                self.reset(segment, around, out);
            }
            return Gone;
        }
        self.challenge(around, out);
        Stays
    }

    /// The fifth check.
    fn take_ack(&mut self, segment: &Segment<'_>, around: &Around, out: &mut Replies) -> Took {
        if self.state == State::SynReceived {
            if !is_before(self.unacknowledged, segment.ack) || is_before(self.next, segment.ack) {
                self.reset(segment, around, out);
                return Took::Refused;
            }
            self.unacknowledged = segment.ack;
            self.establish(around);
        }
        let oldest = self.unacknowledged.wrapping_sub(self.largest_window);
        if is_before(self.next, segment.ack) || is_before(segment.ack, oldest) {
            self.challenge(around, out);
            return Took::Refused;
        }
        if is_before(self.unacknowledged, segment.ack) {
            let count = segment.ack.wrapping_sub(self.unacknowledged) as usize;
            self.queue.drain(..count.min(self.queue.len()));
            self.unacknowledged = segment.ack;
            (self.due, self.tries) = (None, 0);
            if self.fin == Fin::Sent && segment.ack == self.next {
                self.fin_is_acknowledged(around);
            }
        }
        self.window = u32::from(segment.window) << self.peer_shift(around);
        self.largest_window = self.largest_window.max(self.window);
        Took::Taken
    }

    fn fin_is_acknowledged(&mut self, around: &Around) {
        self.state = match self.state {
            State::FinWait1 => State::FinWait2,
            State::Closing => State::TimeWait,
            state => state,
        };
        self.due = Some(around.now + LAST_WAIT);
    }

    /// The seventh check, the data, and the eighth, FIN: what is in order is taken.
    fn take_data(&mut self, segment: &Segment<'_>, around: &Around, out: &mut Replies) -> Fate {
        let is_over = matches!(self.state, State::CloseWait | State::Closing | State::LastAck);
        let is_new = !is_before(segment.seq, self.expected);
        if segment.len() == 0 || self.state == State::TimeWait || (is_over && is_new) {
            return Stays; // nothing follows a FIN
        }
        let data_end = segment.end().wrapping_sub(u32::from(segment.has(FIN)));
        if is_over {
            if is_before(self.expected, data_end) {
                self.reset(segment, around, out);
                return Gone;
            }
            self.send(around, ACK, Vec::new(), out);
            return Stays;
        }
        let is_next = !is_before(self.expected, segment.seq) && is_before(self.expected, segment.end());
        let skipped = self.expected.wrapping_sub(segment.seq) as usize;
        let new = segment.data.get(skipped..).filter(|_| is_next).unwrap_or_default();
        match self.state {
            State::FinWait1 | State::FinWait2 if is_before(self.expected, data_end) => {
                // The program has gone: nobody can take this (section 3.6.1).
                self.reset(segment, around, out);
                return Gone;
            }
            _ if is_next && self.queue.len() < MOST_WAITING => self.expected = segment.end(),
            _ => {}
        }
        let is_last = segment.has(FIN) && is_next && self.expected == segment.end();
        if is_last {
            self.take_fin(around);
        }
        if is_last && self.state == State::CloseWait && around.stack.fin_ack_after > Duration::ZERO {
            self.ack_due = Some(around.now + around.stack.fin_ack_after);
        } else {
            self.send(around, ACK, Vec::new(), out);
        }
        if !new.is_empty() {
            let deed = self.program.hears(new);
            self.act(deed);
        }
        if is_last {
            let deed = self.program.ended();
            self.act(deed);
        }
        Stays
    }

    fn take_fin(&mut self, around: &Around) {
        self.state = match self.state {
            State::Established => State::CloseWait,
            State::FinWait1 => State::Closing, // its own FIN would have been acknowledged by now
            State::FinWait2 => State::TimeWait,
            state => state,
        };
        if self.state == State::TimeWait {
            self.due = Some(around.now + LAST_WAIT);
        }
    }

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
    fn flush(&mut self, around: &Around, out: &mut Replies) {
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

    /// The four cases of the table in section 3.10.7.4, or Linux' own (`tcp_sequence`).
    fn is_acceptable(&self, segment: &Segment<'_>, around: &Around) -> bool {
        let window = u32::from(self.own_window(around));
        if around.stack.order == Order::Linux && self.state != State::SynReceived {
            let end = self.expected.wrapping_add(window);
            return !is_before(segment.end(), self.expected) && !is_before(end, segment.seq);
        }
        let in_window = |seq: u32| seq.wrapping_sub(self.expected) < window;
        match (segment.len(), window) {
            (0, 0) => segment.seq == self.expected,
            (_, 0) => false,
            (0, _) => in_window(segment.seq),
            (len, _) => in_window(segment.seq) || in_window(segment.seq.wrapping_add(len - 1)),
        }
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
        let stamps = |unit: &Unit| matches!(unit, Unit::SackTimestamp | Unit::SackEolTimestamp | Unit::NopNopTimestamp);
        self.offer.timestamp.is_some() && around.stack.options.iter().any(stamps)
    }

    pub(super) fn own_window(&self, around: &Around) -> u16 {
        around.window[usize::from(self.has_timestamps(around))]
    }

    /// The shift of the windows that go out: none unless both sides agreed (RFC 7323 section 2.2).
    fn own_shift(&self, around: &Around) -> u8 {
        let own = around.stack.options.iter().find_map(|unit| match unit {
            Unit::NopScale(shift) => Some(*shift),
            _ => None,
        });
        own.filter(|_| self.offer.scale.is_some()).unwrap_or(0)
    }

    /// The shift of the windows that come.
    fn peer_shift(&self, around: &Around) -> u8 {
        let scales = around.stack.options.iter().any(|unit| matches!(unit, Unit::NopScale(_)));
        self.offer.scale.filter(|_| scales).unwrap_or(0)
    }

    fn largest_segment(&self, around: &Around) -> usize {
        let stamps = if self.has_timestamps(around) { 12 } else { 0 };
        let mss = self.offer.mss.unwrap_or(SMALLEST_MSS).clamp(64, mss(around.ends.peer));
        usize::from(mss - stamps)
    }
}

/// Whether a segment is worth looking at after its acknowledgment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Took {
    Taken,
    Refused,
}
