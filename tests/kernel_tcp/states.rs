//! The states in which a probe finds a port or a connection, and the way into each.

use super::peer::{ACK, FIN, PSH, Peer, RST, SYN};
use super::probe::{Acked, Seq};

/// A port where nothing listens.
const CLOSED: u16 = 81;
/// One that takes what comes, says nothing, and never closes.
pub(crate) const SINK: u16 = 80;
/// One that says what it is told, and closes when the peer does.
const ECHO: u16 = 7;
/// One that answers a request and closes.
const HTTP: u16 = 8080;
/// One to which a datagram is the wish to be called back by TCP.
const CALL: u16 = 9;

/// A state of RFC 9293 section 3.3.2, and how a new connection gets there.
pub(crate) struct State {
    pub(crate) name: &'static str,
    /// What a reader has to know.
    pub(crate) about: &'static str,
    /// Where it happens; 0 as long as nobody knows.
    pub(crate) port: u16,
    /// Sequence numbers of the probes, and acknowledgment numbers.
    pub(crate) seqs: &'static [Seq],
    pub(crate) acks: &'static [Acked],
    pub(crate) enter: fn(&mut Peer<'_>),
    /// Whether there is a connection, which becomes something.
    pub(crate) is_connection: bool,
}

const IN_NO_ORDER: &[Seq] = &[Seq::Exact];
const ANY: &[Acked] = &[Acked::Good];

const PLAIN: State =
    State { name: "", about: "", port: SINK, seqs: &Seq::ALL, acks: &Acked::ALL, enter: |_| {}, is_connection: true };

pub(crate) const STATES: &[State] = &[
    State {
        name: "closed",
        about: "a port where nothing listens; numbers mean nothing there",
        port: CLOSED,
        seqs: IN_NO_ORDER,
        acks: ANY,
        is_connection: false,
        ..PLAIN
    },
    State {
        name: "listening",
        about: "a port where a program listens; numbers mean nothing there",
        seqs: IN_NO_ORDER,
        acks: ANY,
        is_connection: false,
        ..PLAIN
    },
    State { name: "half-open", about: "SYN-RECEIVED: a SYN was sent, and its SYN/ACK seen", enter: half_open, ..PLAIN },
    State { name: "established", about: "after the handshake; no data was sent", enter: established, ..PLAIN },
    State {
        name: "syn-sent",
        about: "the host calls the prober, and has sent its SYN",
        port: 0,
        seqs: IN_NO_ORDER,
        enter: called,
        ..PLAIN
    },
    State {
        name: "close-wait",
        about: "the prober has sent its FIN, and the program still lives",
        enter: close_wait,
        ..PLAIN
    },
    State {
        name: "last-ack",
        about: "the prober has sent its FIN, then the host, whose FIN is not acknowledged",
        port: ECHO,
        enter: last_ack,
        ..PLAIN
    },
    State {
        name: "fin-wait-1",
        about: "the host has sent an answer and its FIN, which is not acknowledged; the program is gone",
        port: HTTP,
        enter: fin_wait_1,
        ..PLAIN
    },
    State { name: "fin-wait-2", about: "the same, acknowledged", port: HTTP, enter: fin_wait_2, ..PLAIN },
    State {
        name: "closing",
        about: "the host and the prober have sent their FINs, and the host's is not acknowledged",
        port: HTTP,
        enter: closing,
        ..PLAIN
    },
    State {
        name: "time-wait",
        about: "both FINs are sent and acknowledged, the host's first",
        port: HTTP,
        enter: time_wait,
        ..PLAIN
    },
];

fn half_open(peer: &mut Peer<'_>) {
    let seq = peer.next.wrapping_sub(1);
    let answers = peer.ask(SYN, seq, 0, b"");
    let [answer] = &answers[..] else { panic!("a SYN draws {answers:?}") };
    assert!(answer.has(SYN | ACK) && answer.ack == peer.next, "{answer:?}");
    peer.theirs = answer.end();
}

fn established(peer: &mut Peer<'_>) {
    half_open(peer);
    peer.say(ACK, b"");
}

fn called(peer: &mut Peer<'_>) {
    peer.send_datagram(CALL);
    let syn = peer.hear();
    assert!(syn.has(SYN) && !syn.has(ACK), "{syn:?}");
    (peer.port, peer.theirs) = (syn.source_port, syn.end());
}

fn close_wait(peer: &mut Peer<'_>) {
    established(peer);
    finish(peer);
}

fn last_ack(peer: &mut Peer<'_>) {
    established(peer);
    peer.say(FIN | ACK, b"");
    hear_fin(peer);
    peer.withheld = 1;
}

fn fin_wait_1(peer: &mut Peer<'_>) {
    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: linux.lab\r\n\r\n";
    established(peer);
    peer.say(PSH | ACK, REQUEST);
    hear_fin(peer);
    // The data is acknowledged, the FIN is not.
    peer.withheld = 1;
    peer.say(ACK, b"");
}

fn fin_wait_2(peer: &mut Peer<'_>) {
    fin_wait_1(peer);
    peer.withheld = 0;
    peer.say(ACK, b"");
}

fn closing(peer: &mut Peer<'_>) {
    fin_wait_1(peer);
    finish(peer);
}

fn time_wait(peer: &mut Peer<'_>) {
    fin_wait_2(peer);
    finish(peer);
}

/// Sends a FIN, and a byte that is long known, where the acknowledgment of the FIN is delayed: that draws it.
fn finish(peer: &mut Peer<'_>) {
    let ack = peer.theirs.wrapping_sub(peer.withheld);
    let mut answers = peer.ask(FIN | ACK, peer.next, ack, b"");
    peer.next = peer.next.wrapping_add(1);
    if answers.is_empty() {
        answers = peer.ask(ACK, peer.next.wrapping_sub(2), ack, b"0");
    }
    assert!(answers.iter().any(|answer| answer.ack == peer.next && !answer.has(RST)), "a FIN draws {answers:?}");
}

/// Takes what the host says up to its FIN.
fn hear_fin(peer: &mut Peer<'_>) {
    loop {
        let segment = peer.hear();
        assert!(!segment.has(RST), "{segment:?}");
        if segment.seq == peer.theirs {
            peer.theirs = segment.end();
        }
        if segment.has(FIN) {
            return;
        }
    }
}
