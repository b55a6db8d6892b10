//! The connections of a host, and the ports where nothing is connected: RFC 9293 sections 3.10.7.1 and 3.10.7.2.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::connection::{Around, Connection, Fate, State};
use super::flag::{ACK, FIN, RST, SYN};
use super::options::Options;
use super::program::Program;
use super::stacks::{Nonsense, ResetAck, ResetSeq, Stack, SynFin};
use super::{Ends, Replies, Reply, Segment};
use crate::base::{Time, rng};
use crate::net::ConnectError;

/// Nanoseconds of one tick of a timestamp (RFC 7323 section 4.1: 1 ms to 1 s).
const TICK: i64 = 1_000_000;

/// All connections of one host.
#[derive(Debug)]
pub(in crate::lab) struct Connections {
    stack: &'static Stack,
    secret: u64,
    window: [u16; 2],
    table: BTreeMap<Ends, Connection>,
    /// When connections act of their own accord, the next first. An entry whose connection has another time is void.
    due: BinaryHeap<Reverse<(Time, Ends)>>,
    /// What became of connections that [`Program::Dial`] wanted, and when; whoever wanted them takes it from here.
    pub(in crate::lab) told: Vec<(Ends, Time, Result<(), ConnectError>)>,
}

/// The number of a reset in SYN-RECEIVED, after an active open (`ECONNRESET`).
const RESET: ConnectError = ConnectError::Other(104);

impl Connections {
    /// Connections held at once. A SYN beyond them is answered and not remembered, as with SYN cookies (RFC 4987
    /// section 3.6) whose cookie is never taken.
    const MOST: usize = 1024;

    /// `secret` makes initial sequence numbers; `window` is announced, without timestamps and with them.
    pub(in crate::lab) fn new(stack: &'static Stack, secret: u64, window: [u16; 2]) -> Self {
        Self { stack, secret, window, table: BTreeMap::new(), due: BinaryHeap::new(), told: Vec::new() }
    }

    /// The answer to `segment`. `listener` gives the program at its port; `None` when nothing listens there.
    pub(in crate::lab) fn receive(
        &mut self,
        segment: &Segment<'_>,
        listener: impl FnOnce() -> Option<Program>,
        now: Time,
        out: &mut Replies,
    ) {
        let around = self.around(segment.ends, now);
        let mut iss = None;
        if let Some(connection) = self.table.get_mut(&segment.ends) {
            iss = connection.reopened_by(segment);
            if iss.is_none() && !connection.is_over(now) {
                let before = connection.due();
                let mut fate = connection.receive(segment, &around, out);
                if matches!(connection.program, Program::Dial) {
                    fate = self.tell(fate, &around, out);
                }
                return self.settle(segment.ends, fate, before);
            }
            self.table.remove(&segment.ends);
        }
        match listener() {
            Some(program) => self.listen(segment, iss, program, &around, out),
            None => out.extend(closed(self.stack, segment, false).map(|reply| (segment.ends, reply))),
        }
    }

    /// Section 3.10.7.2.
    fn listen(
        &mut self,
        segment: &Segment<'_>,
        iss: Option<u32>,
        program: Program,
        around: &Around,
        out: &mut Replies,
    ) {
        let opens = segment.has(SYN) && !(segment.has(FIN) && self.stack.syn_fin != SynFin::Opens);
        if segment.has(ACK | RST) || !opens {
            let resets = match (segment.has(ACK | RST), segment.has(SYN)) {
                (true, _) => true,
                (false, true) => self.stack.syn_fin == SynFin::Resets,
                (false, false) => self.stack.nonsense == Nonsense::Resets,
            };
            out.extend(closed(self.stack, segment, true).filter(|_| resets).map(|reply| (segment.ends, reply)));
            return;
        }
        if self.table.len() >= Self::MOST {
            self.table.retain(|_, connection| !connection.is_over(around.now));
        }
        let iss = iss.unwrap_or_else(|| self.initial(&segment.ends, around.now));
        let connection = Connection::accept(segment, iss, program, around, out);
        if self.table.len() < Self::MOST {
            self.add(segment.ends, connection);
        }
    }

    /// Opens a connection; nothing happens when there is one between these ends.
    pub(in crate::lab) fn call(&mut self, ends: Ends, program: Program, now: Time, out: &mut Replies) {
        if self.table.len() < Self::MOST && !self.table.contains_key(&ends) {
            let iss = self.initial(&ends, now);
            let connection = Connection::call(iss, program, &self.around(ends, now), out);
            self.add(ends, connection);
        }
    }

    /// No connection acts of its own accord before that. Cheaper than [`Self::due`], and it may be too early.
    pub(in crate::lab) fn soonest(&self) -> Option<Time> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// When a connection acts next of its own accord.
    pub(in crate::lab) fn due(&mut self) -> Option<Time> {
        while let Some(Reverse((at, ends))) = self.due.peek() {
            if self.table.get(ends).is_some_and(|connection| connection.due() == Some(*at)) {
                return Some(*at);
            }
            self.due.pop();
        }
        None
    }

    /// Lets every connection act whose time has come.
    pub(in crate::lab) fn wake(&mut self, now: Time, out: &mut Replies) {
        while self.due().is_some_and(|at| at <= now) {
            let Some(Reverse((_, ends))) = self.due.pop() else { return };
            let around = self.around(ends, now);
            let Some(connection) = self.table.get_mut(&ends) else { continue };
            let fate = connection.wake(&around, out);
            if fate == Fate::Gone && matches!(connection.program, Program::Dial) {
                self.told.push((ends, now, Err(ConnectError::TimedOut)));
            }
            self.settle(ends, fate, None);
        }
    }

    /// What a segment did to a connection that was dialled. One that came about is reset (as with `SO_LINGER` of zero).
    fn tell(&mut self, fate: Fate, around: &Around, out: &mut Replies) -> Fate {
        let Some(connection) = self.table.get_mut(&around.ends) else { return fate };
        let outcome = match (fate, connection.state) {
            (Fate::Gone, State::SynSent) => Err(ConnectError::Refused),
            (Fate::Gone, _) => Err(RESET),
            (Fate::Stays, State::SynSent | State::SynReceived) => return Fate::Stays,
            (Fate::Stays, _) => {
                connection.send(around, RST | ACK, Vec::new(), out);
                Ok(())
            }
        };
        self.told.push((around.ends, around.now, outcome));
        Fate::Gone
    }

    /// An ICMP error that quotes a SYN with the number `seq` ends a connection that is being opened, as in Linux
    /// (`tcp_v4_err`); RFC 1122 section 4.2.3.9 would have it go on after some of them.
    pub(in crate::lab) fn fail(&mut self, ends: Ends, seq: u32, why: ConnectError, now: Time) {
        let is_dialled = |connection: &Connection| {
            let is_open = !matches!(connection.state, State::SynSent | State::SynReceived);
            matches!(connection.program, Program::Dial) && !is_open && connection.unacknowledged == seq
        };
        if self.table.get(&ends).is_some_and(is_dialled) {
            self.table.remove(&ends);
            self.told.push((ends, now, Err(why)));
        }
    }

    /// Forgets a connection, in silence.
    pub(in crate::lab) fn hang_up(&mut self, ends: Ends) {
        self.table.remove(&ends);
    }

    fn add(&mut self, ends: Ends, connection: Connection) {
        self.table.insert(ends, connection);
        self.settle(ends, Fate::Stays, None);
    }

    /// Removes a connection that is gone, or notes when it acts next; `before` is what is noted already.
    fn settle(&mut self, ends: Ends, fate: Fate, before: Option<Time>) {
        if fate == Fate::Gone {
            self.table.remove(&ends);
        }
        let due = self.table.get(&ends).and_then(Connection::due);
        if let Some(at) = due.filter(|_| due != before) {
            if self.due.len() > 2 * Self::MOST {
                let live = self.table.iter().filter_map(|(ends, connection)| Some(Reverse((connection.due()?, *ends))));
                self.due = live.collect();
            } else {
                self.due.push(Reverse((at, ends)));
            }
        }
    }

    fn around(&self, ends: Ends, now: Time) -> Around {
        let stamp = ((now.nanos() / TICK) as u32).wrapping_add(self.secret as u32);
        Around { stack: self.stack, ends, now, window: self.window, stamp }
    }

    /// The initial sequence number: a clock of 4 µs and a keyed hash of the ends (section 3.4.1).
    fn initial(&self, ends: &Ends, now: Time) -> u32 {
        let (key, len) = ends.bytes();
        ((now.nanos() / 4000) as u32).wrapping_add(rng::hash(self.secret, &key[..len]) as u32)
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}

/// Section 3.10.7.1: the answer of a port where nothing listens, of a listening one to what is not for it, and of a
/// filter that rejects with a reset.
pub(in crate::lab) fn closed(stack: &Stack, segment: &Segment<'_>, is_listening: bool) -> Option<Reply> {
    if segment.has(RST) {
        return None;
    }
    let form = stack.reset;
    let (seq, ack, flags) = if segment.has(ACK) {
        match form.ack {
            ResetAck::Zero => (segment.ack, 0, RST),
            ResetAck::SameAsSeq => (segment.ack, segment.ack, RST),
            ResetAck::SegSeq => (segment.ack, segment.seq, RST),
            ResetAck::Acknowledges => (segment.ack, segment.end(), RST | ACK),
        }
    } else {
        let seq = match form.seq {
            ResetSeq::Zero => 0,
            ResetSeq::Field => segment.ack,
        };
        let not_counted = u32::from(segment.has(FIN) && !form.counts_fin);
        (seq, segment.end().wrapping_sub(not_counted), RST | ACK)
    };
    let window = stack.reset_window[usize::from(is_listening)];
    Some(Reply { seq, ack, flags, window, options: Options::default(), data: Vec::new() })
}
