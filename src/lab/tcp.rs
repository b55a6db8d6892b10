//! The TCP of a simulated host: what it answers to one segment, by RFC 9293 section 3.10.7.
//!
//! CLOSED, LISTEN, SYN-RECEIVED, ESTABLISHED and CLOSE-WAIT exist. Hosts only serve: they open no connection,
//! send no data of their own, and resend nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::base::{Time, rng};

/// The control bits, as they lie in the header.
pub(super) mod flag {
    pub(in crate::lab) const FIN: u8 = 0x01;
    pub(in crate::lab) const SYN: u8 = 0x02;
    pub(in crate::lab) const RST: u8 = 0x04;
    pub(in crate::lab) const ACK: u8 = 0x10;
}
use flag::{ACK, FIN, RST, SYN};

/// How one TCP differs from another: a row for each personality.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Manners {
    /// The shortest time between two ACKs that answer unacceptable segments of one connection.
    pub(super) challenge_every: Duration,
    /// How long a connection may stay in SYN-RECEIVED.
    pub(super) half_open_for: Duration,
    /// How long a connection may be idle.
    pub(super) idle_for: Duration,
}

/// RFC 9293 to the letter; RFC 5961 section 7 asks for a limit of challenge ACKs and leaves the number open.
pub(super) const RFC9293: Manners = Manners {
    challenge_every: Duration::from_millis(500), // as Linux; without it two hosts could answer each other for ever
    half_open_for: Duration::from_secs(63),      // as Linux with its five resends
    idle_for: Duration::from_hours(2),           // RFC 9293 section 3.8.4: no keep-alive is sent earlier
};

/// The maximum segment size that hosts announce to `peer`: Ethernet's 1500 bytes less two headers (RFC 9293 section
/// 3.7.1).
pub(super) fn mss(peer: IpAddr) -> u16 {
    if peer.is_ipv4() { 1460 } else { 1440 }
}

/// A segment as it came, its header and checksum found right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) ends: Ends,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
    /// Bytes of data.
    pub(super) data: u32,
}

/// The four numbers that name a connection, from the host's side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ends {
    pub(super) peer: IpAddr,
    pub(super) peer_port: u16,
    pub(super) local: IpAddr,
    pub(super) local_port: u16,
}

impl Segment {
    fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// SEG.LEN: the data, and one each for SYN and FIN (RFC 9293 section 3.3.1).
    fn len(&self) -> u32 {
        self.data + u32::from(self.has(SYN)) + u32::from(self.has(FIN))
    }

    /// `<SEQ=SEG.ACK><CTL=RST>`
    fn reset(&self) -> Answer {
        Answer { seq: self.ack, ack: 0, flags: RST, window: 0 }
    }
}

/// The header fields of the segment that goes back. A SYN carries the option [`mss`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
}

/// The connections of one host.
#[derive(Debug)]
pub(super) struct Connections {
    manners: &'static Manners,
    secret: u64,
    window: u16,
    table: BTreeMap<Ends, Connection>,
}

impl Connections {
    /// Connections held at once; further SYNs are dropped, as by a full backlog.
    const MOST: usize = 1024;

    /// `secret` makes initial sequence numbers; `window` is announced in every segment but a reset.
    pub(super) fn new(manners: &'static Manners, secret: u64, window: u16) -> Self {
        Self { manners, secret, window, table: BTreeMap::new() }
    }

    /// The answer to `segment` at a port that is open or not.
    pub(super) fn receive(&mut self, segment: &Segment, is_open: bool, now: Time) -> Option<Answer> {
        if let Some(connection) = self.table.get_mut(&segment.ends) {
            if !connection.is_over(self.manners, now) {
                let (answer, stays) = connection.receive(segment, self.window, self.manners, now);
                if !stays {
                    self.table.remove(&segment.ends);
                }
                return answer;
            }
            self.table.remove(&segment.ends);
        }
        if is_open { self.listen(segment, now) } else { closed(segment) }
    }

    /// Section 3.10.7.2.
    fn listen(&mut self, segment: &Segment, now: Time) -> Option<Answer> {
        if segment.has(RST) {
            return None;
        }
        if segment.has(ACK) {
            return Some(segment.reset());
        }
        if !segment.has(SYN) {
            return None; // "you are unlikely to get here, but if you do, drop the segment and return"
        }
        if self.table.len() >= Self::MOST {
            self.table.retain(|_, connection| !connection.is_over(self.manners, now));
        }
        if self.table.len() >= Self::MOST {
            return None;
        }
        // Data or a FIN that came with the SYN is not acknowledged: the peer sends it again.
        let connection = Connection {
            state: State::SynReceived,
            unacknowledged: self.initial(&segment.ends, now),
            next: self.initial(&segment.ends, now).wrapping_add(1),
            expected: segment.seq.wrapping_add(1),
            peer_window: segment.window,
            heard: now,
            challenged: None,
        };
        self.table.insert(segment.ends, connection);
        Some(Answer { seq: connection.unacknowledged, ack: connection.expected, flags: SYN | ACK, window: self.window })
    }

    /// The initial sequence number: a clock of 4 µs and a keyed hash of the ends (section 3.4.1).
    fn initial(&self, ends: &Ends, now: Time) -> u32 {
        let (mut key, mut len) = ([0; 36], 0);
        let mut put = |bytes: &[u8]| {
            key[len..len + bytes.len()].copy_from_slice(bytes);
            len += bytes.len();
        };
        for addr in [ends.peer, ends.local] {
            match addr {
                IpAddr::V4(addr) => put(&addr.octets()),
                IpAddr::V6(addr) => put(&addr.octets()),
            }
        }
        put(&ends.peer_port.to_be_bytes());
        put(&ends.local_port.to_be_bytes());
        ((now.nanos() / 4000) as u32).wrapping_add(rng::hash(self.secret, &key[..len]) as u32)
    }
}

/// Section 3.10.7.1: the answer of a port where nothing listens, and of a filter that rejects with a reset.
pub(super) fn closed(segment: &Segment) -> Option<Answer> {
    if segment.has(RST) {
        return None;
    }
    if segment.has(ACK) {
        return Some(segment.reset());
    }
    Some(Answer { seq: 0, ack: segment.seq.wrapping_add(segment.len()), flags: RST | ACK, window: 0 })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    SynReceived,
    Established,
    CloseWait,
}

/// A transmission control block (section 3.3.1).
#[derive(Clone, Copy, Debug)]
struct Connection {
    state: State,
    /// SND.UNA
    unacknowledged: u32,
    /// SND.NXT
    next: u32,
    /// RCV.NXT
    expected: u32,
    /// MAX.SND.WND
    peer_window: u16,
    /// When the last acceptable segment came.
    heard: Time,
    /// When the last challenge ACK went out.
    challenged: Option<Time>,
}

impl Connection {
    fn is_over(&self, manners: &Manners, now: Time) -> bool {
        now - self.heard > if self.state == State::SynReceived { manners.half_open_for } else { manners.idle_for }
    }

    /// Section 3.10.7.4, its checks in its order: the answer, and whether the connection stays.
    fn receive(&mut self, segment: &Segment, window: u16, manners: &Manners, now: Time) -> (Option<Answer>, bool) {
        // First, the sequence number.
        if !self.is_acceptable(segment, window) {
            return (if segment.has(RST) { None } else { self.challenge(window, manners, now) }, true);
        }
        self.heard = now;
        // Second, RST (RFC 5961 section 3): only the exact number resets.
        if segment.has(RST) {
            if segment.seq == self.expected {
                return (None, false);
            }
            return (self.challenge(window, manners, now), true);
        }
        // Fourth, SYN (RFC 5961 section 4); a connection that was opened passively returns to LISTEN.
        if segment.has(SYN) {
            if self.state == State::SynReceived {
                return (None, false);
            }
            return (self.challenge(window, manners, now), true);
        }
        // Fifth, ACK.
        if !segment.has(ACK) {
            return (None, true);
        }
        if self.state == State::SynReceived {
            if !is_before(self.unacknowledged, segment.ack) || is_before(self.next, segment.ack) {
                return (Some(segment.reset()), true);
            }
            self.state = State::Established;
        }
        let oldest = self.unacknowledged.wrapping_sub(u32::from(self.peer_window));
        if is_before(self.next, segment.ack) || is_before(segment.ack, oldest) {
            return (self.challenge(window, manners, now), true);
        }
        if is_before(self.unacknowledged, segment.ack) {
            self.unacknowledged = segment.ack;
        }
        self.peer_window = self.peer_window.max(segment.window);
        // Seventh, the data, and eighth, FIN: what is in order is taken, what lies ahead is sent again by the peer.
        if segment.len() == 0 || self.state == State::CloseWait {
            return (None, true);
        }
        let end = segment.seq.wrapping_add(segment.len());
        if !is_before(self.expected, segment.seq) && is_before(self.expected, end) {
            self.expected = end;
            if segment.has(FIN) {
                self.state = State::CloseWait;
            }
        }
        (Some(self.acknowledge(window)), true)
    }

    /// The four cases of the table in section 3.10.7.4.
    fn is_acceptable(&self, segment: &Segment, window: u16) -> bool {
        let in_window = |seq: u32| seq.wrapping_sub(self.expected) < u32::from(window);
        match (segment.len(), window) {
            (0, 0) => segment.seq == self.expected,
            (_, 0) => false,
            (0, _) => in_window(segment.seq),
            (len, _) => in_window(segment.seq) || in_window(segment.seq.wrapping_add(len - 1)),
        }
    }

    /// `<SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>`
    fn acknowledge(&self, window: u16) -> Answer {
        Answer { seq: self.next, ack: self.expected, flags: ACK, window }
    }

    /// The same, unless one went out a moment ago.
    fn challenge(&mut self, window: u16, manners: &Manners, now: Time) -> Option<Answer> {
        if self.challenged.is_some_and(|last| now - last < manners.challenge_every) {
            return None;
        }
        self.challenged = Some(now);
        Some(self.acknowledge(window))
    }
}

/// Whether sequence number `a` comes before `b`, modulo 2^32 (section 3.4).
fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]
    use std::net::Ipv4Addr;

    use super::*;

    const PSH_URG: u8 = 0x28;
    const ENDS: Ends = Ends {
        peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2)),
        peer_port: 61000,
        local: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10)),
        local_port: 80,
    };

    /// A host with one connection; numbers below are counted from RCV.NXT (1001) and SND.NXT (ISS + 1).
    struct Peer {
        host: Connections,
        iss: u32,
        now: Time,
    }

    impl Peer {
        fn half_open() -> Self {
            let mut peer = Self { host: Connections::new(&RFC9293, 7, 64240), iss: 0, now: Time::ZERO };
            let syn = Segment { ends: ENDS, seq: 1000, ack: 0, flags: SYN, window: 1024, data: 0 };
            peer.iss = peer.host.receive(&syn, true, peer.now).unwrap().seq;
            peer
        }

        fn established() -> Self {
            let mut peer = Self::half_open();
            assert_eq!(peer.say(ACK, 0, 0, 0), "");
            peer
        }

        /// Sends `<SEQ=RCV.NXT+seq><ACK=SND.NXT+ack>` and tells the answer in the words of the RFC.
        fn say(&mut self, flags: u8, seq: i32, ack: i32, data: u32) -> String {
            let next = self.iss.wrapping_add(1);
            let (seq, ack) = (1001u32.wrapping_add_signed(seq), next.wrapping_add_signed(ack));
            let segment = Segment { ends: ENDS, seq, ack, flags, window: 1024, data };
            let Some(answer) = self.host.receive(&segment, true, self.now) else { return String::new() };
            match answer.flags {
                RST => format!("RST seq a{}", if answer.seq == ack { "" } else { " (wrong)" }),
                ACK if answer.seq == next => format!("ACK {}", answer.ack.wrapping_sub(1001) as i32),
                flags if flags == SYN | ACK => "SYN,ACK".to_owned(),
                other => format!("{other:#x} {answer:?}"),
            }
        }

        /// Whether the port only listens.
        fn is_gone(&self) -> bool {
            self.host.table.is_empty()
        }
    }

    #[test]
    fn syn_received_answers_as_section_3_10_7_4_says() {
        // Flags, offsets of SEQ and ACK; the answer, and whether the port listens again.
        let rows = [
            (SYN, 0, 0, "", true),
            (SYN, -1, 0, "ACK 0", false), // the first SYN once more: out of window
            (SYN | ACK, 0, 0, "", true),
            (SYN | FIN, 0, 0, "", true),
            (ACK, 0, 0, "", false),
            (ACK, 0, 1, "RST seq a", false),
            (ACK, 0, -1, "RST seq a", false),
            (FIN, 0, 0, "", false),
            (RST, 0, 0, "", true),
            (RST, 5, 0, "ACK 0", false),
            (RST, -1, 0, "", false),
            (0, 0, 0, "", false),
            (FIN | PSH_URG, 0, 0, "", false),
            (FIN | ACK, 0, 0, "ACK 1", false),
            (FIN | ACK, 0, 7, "RST seq a", false),
            (ACK, 70_000, 0, "ACK 0", false),
        ];
        for (flags, seq, ack, answer, gone) in rows {
            let mut peer = Peer::half_open();
            assert_eq!(peer.say(flags, seq, ack, 0), answer, "{flags:#x} {seq} {ack}");
            assert_eq!(peer.is_gone(), gone, "{flags:#x} {seq} {ack}");
        }
    }

    #[test]
    fn established_answers_as_section_3_10_7_4_says() {
        let rows = [
            (SYN, 0, 0, "ACK 0", false), // RFC 5961 section 4
            (SYN | ACK, 0, 0, "ACK 0", false),
            (SYN | FIN, 0, 0, "ACK 0", false),
            (ACK, 0, 0, "", false),
            (ACK, 0, 1, "ACK 0", false),     // something not yet sent
            (ACK, 0, -5000, "ACK 0", false), // older than the window (RFC 5961 section 5)
            (FIN, 0, 0, "", false),
            (RST, 0, 0, "", true),
            (RST | ACK, 0, 99, "", true),
            (RST, 500, 0, "ACK 0", false), // RFC 5961 section 3
            (RST, -1, 0, "", false),
            (0, 0, 0, "", false),
            (FIN | PSH_URG, 0, 0, "", false),
            (FIN | ACK, 0, 0, "ACK 1", false),
            (0, -500, 0, "ACK 0", false), // out of window: an ACK whatever it is
            (FIN | PSH_URG, -500, 0, "ACK 0", false),
        ];
        for (flags, seq, ack, answer, gone) in rows {
            let mut peer = Peer::established();
            assert_eq!(peer.say(flags, seq, ack, 0), answer, "{flags:#x} {seq} {ack}");
            assert_eq!(peer.is_gone(), gone, "{flags:#x} {seq} {ack}");
        }
    }

    #[test]
    fn data_is_acknowledged_in_order_and_a_fin_once() {
        let mut peer = Peer::established();
        assert_eq!(peer.say(ACK, 0, 0, 10), "ACK 10");
        assert_eq!(peer.say(ACK, 20, 0, 10), "ACK 10", "a hole: what is missing is asked for");
        assert_eq!(peer.say(ACK, 5, 0, 10), "ACK 15", "an overlap");
        assert_eq!(peer.say(ACK | FIN, 15, 0, 0), "ACK 16");
        assert_eq!(peer.say(ACK, 16, 0, 5), "", "nothing follows a FIN");
    }

    #[test]
    fn challenge_acks_are_limited() {
        let mut peer = Peer::established();
        assert_eq!(peer.say(SYN, 0, 0, 0), "ACK 0");
        assert_eq!(peer.say(SYN, 0, 0, 0), "");
        peer.now += Duration::from_millis(500);
        assert_eq!(peer.say(SYN, 0, 0, 0), "ACK 0");
    }

    #[test]
    fn numbers_wrap_and_half_open_connections_end() {
        assert!(is_before(u32::MAX, 3) && !is_before(3, u32::MAX) && !is_before(5, 5));
        let mut peer = Peer::half_open();
        peer.now += Duration::from_secs(64);
        assert_eq!(peer.say(ACK, 0, 0, 0), "RST seq a", "the port listens again");
        assert_eq!(peer.say(SYN, -1, 0, 0), "SYN,ACK");
    }
}
