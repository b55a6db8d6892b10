//! One connection, from SYN-SENT to TIME-WAIT: RFC 9293 sections 3.10.7.3 and 3.10.7.4, its checks in its order.
//!
//! What comes out of order is not kept: the peer is asked for what is missing and sends it again.

use std::time::Duration;

use super::flag::{ACK, CWR, ECE, FIN, RST, SYN};
use super::options::Offer;
use super::program::{Deed, Program};
use super::stacks::{Order, ResentSyn, Stack, SynInHalfOpen};
use super::table::closed;
use super::{Ends, Replies, Segment, is_before};
use crate::base::Time;

/// The first wait for an answer to a SYN or SYN/ACK; it doubles with each resend (RFC 6298 section 2).
pub(super) const FIRST_SYN_WAIT: Duration = Duration::from_secs(1);
/// How long TIME-WAIT lasts, and FIN-WAIT-2 when the program has gone (as Linux; RFC 9293 asks for 2 minutes).
pub(super) const LAST_WAIT: Duration = Duration::from_mins(1);
/// How long a connection may be idle: RFC 9293 section 3.8.4 sends no keep-alive earlier.
const IDLE: Duration = Duration::from_hours(2);
/// Bytes that wait to be sent, from which on nothing more is taken in.
const MOST_WAITING: usize = 64 << 10;

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
    pub(super) passive: bool,
    /// SND.UNA
    pub(super) unacknowledged: u32,
    /// SND.NXT
    pub(super) next: u32,
    /// RCV.NXT
    pub(super) expected: u32,
    /// SND.WND
    pub(super) window: u32,
    /// MAX.SND.WND
    pub(super) largest_window: u32,
    /// What the peer's SYN offered.
    pub(super) offer: Offer,
    /// Explicit congestion notification was asked for and agreed to.
    pub(super) ecn: bool,
    /// When the last acceptable segment came.
    pub(super) heard: Time,
    /// When the last challenge ACK went out.
    pub(super) challenged: Option<Time>,
    /// When it sends again, or ends.
    pub(super) due: Option<Time>,
    /// When it acknowledges a FIN, unless it has done so by then.
    pub(super) ack_due: Option<Time>,
    /// How often it has sent the same.
    pub(super) tries: u32,
    pub(super) program: Program,
    /// What the program has said and the peer not yet acknowledged.
    pub(super) queue: Vec<u8>,
    /// How far it is with its own FIN.
    pub(super) fin: Fin,
}

/// How far a connection is with its own FIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fin {
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
        let is_newer = is_before(self.expected, segment.seq);
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
}

/// Whether a segment is worth looking at after its acknowledgment.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Took {
    Taken,
    Refused,
}
