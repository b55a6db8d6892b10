//! Where Linux looks at a segment in its own way or order, as measured on a kernel: `tests/kernel_tcp/` compares.

use super::connection::{Around, Connection, Fate, LAST_WAIT, State};
use super::flag::{ACK, FIN, RST, SYN};
use super::{Replies, Segment, is_before};
use Fate::{Gone, Stays};

impl Connection {
    /// What Linux does before the checks of RFC 9293, or in their place; `None` where it goes on with them.
    pub(super) fn receive_as_linux(
        &mut self,
        segment: &Segment<'_>,
        around: &Around,
        out: &mut Replies,
    ) -> Option<Fate> {
        match self.state {
            State::SynReceived => self.check_request(segment, around, out).then_some(Stays),
            State::FinWait2 => Some(self.receive_in_fin_wait_2(segment, around, out)),
            State::TimeWait => Some(self.receive_in_time_wait(segment, around, out)),
            // The peer's FIN counts one, and a peer that forgot that may still reset.
            State::CloseWait | State::LastAck | State::Closing
                if segment.has(RST) && segment.seq.wrapping_add(1) == self.expected =>
            {
                Some(Gone)
            }
            _ => (!segment.has(ACK | RST | SYN)).then_some(Stays),
        }
    }

    /// Half-open, the acknowledgment is looked at before the sequence number (`tcp_check_req`). Whether that was all.
    fn check_request(&mut self, segment: &Segment<'_>, around: &Around, out: &mut Replies) -> bool {
        if segment.has(RST) {
            return false;
        }
        if segment.has(ACK) && segment.ack != self.next {
            self.reset(segment, around, out);
            return true;
        }
        if self.is_first_syn(segment) && !segment.has(ACK) {
            self.send_syn(around, out);
            return true;
        }
        false
    }

    /// What is left of a connection whose program has gone (`tcp_timewait_state_process`): numbers, and no data.
    fn receive_in_fin_wait_2(&mut self, segment: &Segment<'_>, around: &Around, out: &mut Replies) -> Fate {
        if !self.is_in_window(segment, around) {
            self.correct(segment, around, out);
            return Stays;
        }
        if segment.has(RST) {
            return Gone;
        }
        if segment.has(SYN) && !is_before(segment.seq, self.expected) {
            self.reset(segment, around, out);
            return Gone;
        }
        if !segment.has(ACK) || segment.len() == 0 || !is_before(self.expected, segment.end()) {
            return Stays;
        }
        if !segment.has(FIN) || segment.end() != self.expected.wrapping_add(1) {
            self.reset(segment, around, out);
            return Gone;
        }
        self.expected = segment.end();
        self.state = State::TimeWait;
        self.due = Some(around.now + LAST_WAIT);
        self.send(around, ACK, Vec::new(), out);
        Stays
    }

    /// The same function, later. What opens a new connection was looked at before.
    fn receive_in_time_wait(&mut self, segment: &Segment<'_>, around: &Around, out: &mut Replies) -> Fate {
        let is_exact = segment.seq == self.expected;
        if segment.has(RST) {
            return if is_exact { Gone } else { Stays };
        }
        if is_exact && segment.len() == 0 {
            self.due = Some(around.now + LAST_WAIT);
        } else {
            self.correct(segment, around, out);
        }
        Stays
    }

    /// Whether a part of it lies in the window (`tcp_in_window`).
    fn is_in_window(&self, segment: &Segment<'_>, around: &Around) -> bool {
        let (start, end) = (self.expected, self.expected.wrapping_add(u32::from(self.own_window(around))));
        segment.seq == start
            || (is_before(start, segment.end()) && is_before(segment.seq, end))
            || (segment.seq == end && segment.len() == 0)
    }
}
