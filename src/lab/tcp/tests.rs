//! Segments into a host's TCP, and what it says.

#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use proptest::prelude::*;

use super::flag::{ACK, CWR, ECE, FIN, PSH, RST, SYN};
use super::*;
use crate::base::Time;
use crate::lab::plan::Personality;

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
    program: Program,
    iss: u32,
    now: Time,
}

impl Peer {
    fn new(personality: Personality, program: Program) -> Self {
        let stack = of(personality);
        Self { host: Connections::new(stack, 7, stack.window), program, iss: 0, now: Time::ZERO }
    }

    fn half_open() -> Self {
        Self::half_open_to(Personality::Rfc9293, Program::Sink)
    }

    fn half_open_to(personality: Personality, program: Program) -> Self {
        let mut peer = Self::new(personality, program);
        peer.iss = peer.send(SYN, 1000, 0, b"")[0].seq;
        peer
    }

    fn established() -> Self {
        Self::established_to(Program::Sink)
    }

    /// Also with a program that says something at once.
    fn established_to(program: Program) -> Self {
        let mut peer = Self::half_open_to(Personality::Rfc9293, program);
        let says = peer.say(ACK, 0, 0, b"");
        assert!(says.is_empty() || matches!(peer.program, Program::Banner(_)), "{says}");
        peer
    }

    fn send(&mut self, flags: u8, seq: u32, ack: u32, data: &[u8]) -> Vec<Reply> {
        self.send_with(flags, seq, ack, data, &[])
    }

    fn send_with(&mut self, flags: u8, seq: u32, ack: u32, data: &[u8], options: &[u8]) -> Vec<Reply> {
        let segment = Segment { ends: ENDS, seq, ack, flags, window: 1024, options, data };
        let mut out = Replies::new();
        let program = self.program.clone();
        self.host.receive(&segment, || Some(program), self.now, &mut out);
        out.into_iter().map(|(_, reply)| reply).collect()
    }

    /// Sends `<SEQ=RCV.NXT+seq><ACK=SND.NXT+ack>` and tells the answers in the words of the RFC.
    fn say(&mut self, flags: u8, seq: i32, ack: i32, data: &[u8]) -> String {
        let next = self.iss.wrapping_add(1);
        let (seq, ack) = (1001u32.wrapping_add_signed(seq), next.wrapping_add_signed(ack));
        let replies = self.send(flags, seq, ack, data);
        self.tell(&replies, ack)
    }

    fn tell(&self, replies: &[Reply], ack: u32) -> String {
        let next = self.iss.wrapping_add(1);
        let tell = |answer: &Reply| {
            let said = if answer.data.is_empty() { String::new() } else { format!(" {}", answer.data.escape_ascii()) };
            let (from, to) = (answer.seq.wrapping_sub(next) as i32, answer.ack.wrapping_sub(1001) as i32);
            let from = if from == 0 { String::new() } else { format!("seq {from} ") };
            match answer.flags & !PSH {
                RST => format!("RST seq a{}", if answer.seq == ack { "" } else { " (wrong)" }),
                ACK => format!("{from}ACK {to}{said}"),
                flags if flags == FIN | ACK => format!("{from}FIN,ACK {to}"),
                flags if flags == SYN | ACK => "SYN,ACK".to_owned(),
                other => format!("{other:#x} {answer:?}"),
            }
        };
        replies.iter().map(tell).collect::<Vec<_>>().join("; ")
    }

    /// What the host says of its own accord until `seconds` from the start: when, and what.
    fn waits_until(&mut self, seconds: u64) -> Vec<String> {
        let end = Time::ZERO + Duration::from_secs(seconds);
        let mut told = Vec::new();
        while let Some(at) = self.host.due().filter(|at| *at <= end) {
            let mut out = Replies::new();
            self.host.wake(at, &mut out);
            self.now = at;
            let replies: Vec<Reply> = out.into_iter().map(|(_, reply)| reply).collect();
            if !replies.is_empty() {
                told.push(format!("{} ms: {}", at.nanos() / 1_000_000, self.tell(&replies, 0)));
            }
        }
        self.now = end;
        told
    }

    /// Whether the port only listens.
    fn is_gone(&self) -> bool {
        self.host.len() == 0
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
        assert_eq!(peer.say(flags, seq, ack, b""), answer, "{flags:#x} {seq} {ack}");
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
        assert_eq!(peer.say(flags, seq, ack, b""), answer, "{flags:#x} {seq} {ack}");
        assert_eq!(peer.is_gone(), gone, "{flags:#x} {seq} {ack}");
    }
}

#[test]
fn syn_sent_answers_as_section_3_10_7_3_says() {
    // Flags and SEG.ACK - ISS; what is sent, and whether the connection ends.
    let rows = [
        (SYN, 0, "SYN,ACK", false), // both open at once
        (SYN | FIN, 0, "SYN,ACK", false),
        (SYN | ACK, 1, "ACK 0", false),
        (SYN | ACK, 0, "RST seq a", false),
        (SYN | ACK, 2, "RST seq a", false),
        (ACK, 1, "", false),
        (ACK, 9, "RST seq a", false),
        (FIN, 0, "", false),
        (0, 0, "", false),
        (FIN | PSH_URG, 0, "", false),
        (FIN | ACK, 1, "", false),
        (RST, 0, "", false),
        (RST | ACK, 1, "", true), // "connection refused"
        (RST | ACK, 9, "", false),
    ];
    for (flags, ack, answer, gone) in rows {
        let mut peer = Peer::new(Personality::Rfc9293, Program::Sink);
        let mut out = Replies::new();
        peer.host.call(ENDS, Program::Sink, peer.now, &mut out);
        let [(_, Reply { seq, ack: 0, flags: SYN, .. })] = out[..] else { panic!("{out:?}") };
        peer.iss = seq;
        assert_eq!(peer.say(flags, -1, ack - 1, b""), answer, "{flags:#x} {ack}");
        assert_eq!(peer.is_gone(), gone, "{flags:#x} {ack}");
    }
}

#[test]
fn data_is_acknowledged_in_order_and_a_fin_once() {
    let mut peer = Peer::established();
    assert_eq!(peer.say(ACK, 0, 0, &[0; 10]), "ACK 10");
    assert_eq!(peer.say(ACK, 20, 0, &[0; 10]), "ACK 10", "a hole: what is missing is asked for");
    assert_eq!(peer.say(ACK, 5, 0, &[0; 10]), "ACK 15", "an overlap");
    assert_eq!(peer.say(ACK | FIN, 15, 0, b""), "ACK 16");
    assert_eq!(peer.say(ACK, 16, 0, &[0; 5]), "", "nothing follows a FIN");
}

#[test]
fn challenge_acks_are_limited() {
    let mut peer = Peer::established();
    assert_eq!(peer.say(SYN, 0, 0, b""), "ACK 0");
    assert_eq!(peer.say(SYN, 0, 0, b""), "");
    peer.now += Duration::from_millis(500);
    assert_eq!(peer.say(SYN, 0, 0, b""), "ACK 0");
}

#[test]
fn a_syn_ack_is_sent_again_after_1_3_7_15_and_31_seconds_and_forgotten_after_63() {
    assert!(is_before(u32::MAX, 3) && !is_before(3, u32::MAX) && !is_before(5, 5));
    let mut peer = Peer::half_open();
    let told = peer.waits_until(62);
    let times: Vec<_> = [1, 3, 7, 15, 31].iter().map(|s| format!("{s}000 ms: SYN,ACK")).collect();
    assert_eq!(told, times);
    assert_eq!(peer.say(ACK, 0, 1, b""), "RST seq a", "still half-open");
    assert!(!peer.is_gone());
    assert!(peer.waits_until(64).is_empty());
    assert!(peer.is_gone());
    assert_eq!(peer.say(ACK, 0, 0, b""), "RST seq a", "the port listens again");
    assert_eq!(peer.say(SYN, -1, 0, b""), "SYN,ACK");
}

#[test]
fn nothing_is_sent_again_to_a_peer_that_resets() {
    let mut peer = Peer::half_open();
    assert_eq!(peer.say(RST, 0, 0, b""), "");
    assert_eq!(peer.host.due(), None);
}

#[test]
fn echo_says_what_it_hears_and_closes_when_the_peer_does() {
    let mut peer = Peer::established_to(Program::Echo);
    assert_eq!(peer.say(ACK | PSH, 0, 0, b"hello"), "ACK 5; ACK 5 hello");
    assert_eq!(peer.say(ACK, 5, 5, b""), "");
    assert_eq!(peer.say(FIN | ACK, 5, 5, b""), "seq 5 ACK 6; seq 5 FIN,ACK 6");
    assert_eq!(peer.say(ACK, 6, 6, b""), "");
    assert!(peer.is_gone(), "LAST-ACK is over");
}

#[test]
fn a_banner_comes_first_and_again_until_it_is_acknowledged() {
    let mut peer = Peer::half_open_to(Personality::Rfc9293, Program::Banner("hi".into()));
    assert_eq!(peer.say(ACK, 0, 0, b""), "ACK 0 hi");
    assert_eq!(peer.waits_until(1), ["200 ms: ACK 0 hi", "600 ms: ACK 0 hi"]);
    assert_eq!(peer.say(ACK, 0, 2, b""), "");
    assert!(peer.waits_until(100).is_empty());
    let mut silent = Peer::half_open_to(Personality::Rfc9293, Program::Banner("hi".into()));
    silent.say(ACK, 0, 0, b"");
    assert_eq!(silent.waits_until(1000).len(), 7);
    assert!(silent.is_gone(), "it gives up");
}

#[test]
fn a_page_is_served_and_the_connection_closed_in_all_its_states() {
    let program = Program::Http { host: "web.lab".into(), request: Vec::new() };
    let mut peer = Peer::established_to(program);
    assert_eq!(peer.say(ACK | PSH, 0, 0, b"GET / HTTP/1.1\r\n"), "ACK 16");
    let page = peer.say(ACK | PSH, 16, 0, b"\r\n");
    assert!(page.starts_with("ACK 18; ACK 18 HTTP/1.1 200 OK\\r\\n"), "{page}");
    assert!(page.contains("<h1>web.lab</h1>"), "{page}");
    let len: i32 = page.rsplit("seq ").next().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(page.ends_with(&format!("seq {len} FIN,ACK 18")), "FIN-WAIT-1: {page}");
    assert_eq!(peer.say(ACK, 18, len + 1, b""), "", "FIN-WAIT-2");
    assert_eq!(peer.say(FIN | ACK, 18, len + 1, b""), format!("seq {} ACK 19", len + 1), "TIME-WAIT");
    assert_eq!(peer.say(FIN | ACK, 18, len + 1, b""), format!("seq {} ACK 19", len + 1), "the FIN again");
    // A new connection of the same ends begins 65537 behind the old one (as Linux).
    let syn = peer.send(SYN, 2000, 0, b"");
    assert_eq!(syn[0].flags, SYN | ACK);
    assert_eq!(syn[0].seq, peer.iss.wrapping_add(len as u32 + 2 + 65537));
}

#[test]
fn closing_at_once_passes_through_closing() {
    let mut peer = Peer::established_to(Program::Http { host: "web.lab".into(), request: Vec::new() });
    let page = peer.say(ACK | PSH, 0, 0, b"NONSENSE\r\n\r\n");
    assert!(page.contains("400 Bad Request"), "{page}");
    let fin: i32 = page.rsplit("seq ").next().unwrap().split(' ').next().unwrap().parse().unwrap();
    assert_eq!(peer.say(FIN | ACK, 12, fin, b""), format!("seq {} ACK 13", fin + 1), "CLOSING");
    assert_eq!(peer.say(ACK, 13, fin + 1, b""), "", "TIME-WAIT");
    assert!(!peer.is_gone());
    peer.waits_until(61);
    assert!(peer.is_gone());
}

#[test]
fn data_after_the_program_has_gone_is_reset() {
    let mut peer = Peer::established_to(Program::Http { host: "web.lab".into(), request: Vec::new() });
    peer.say(ACK | PSH, 0, 0, b"HEAD / HTTP/1.0\r\n\r\n");
    assert_eq!(peer.say(ACK, 19, 0, b"more"), "RST seq a");
    assert!(peer.is_gone());
}

#[test]
fn http_answers_each_kind_of_request() {
    let rows = [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 200 OK", true),
        ("HEAD /index.html HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK", false),
        ("GET /x HTTP/1.1\r\n\r\n", "HTTP/1.1 404 Not Found", true),
        ("POST / HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed", true),
        ("GET /\r\n\r\n", "HTTP/1.1 400 Bad Request", true),
        ("\r\n\r\n", "HTTP/1.1 400 Bad Request", true),
    ];
    for (request, status, has_body) in rows {
        let mut peer = Peer::established_to(Program::Http { host: "web.lab".into(), request: Vec::new() });
        let said: Vec<u8> = peer
            .send(ACK, 1001, peer.iss.wrapping_add(1), request.as_bytes())
            .into_iter()
            .flat_map(|r| r.data)
            .collect();
        let text = String::from_utf8(said).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(status), "{request}: {head}");
        assert_eq!(!body.is_empty(), has_body, "{request}");
        let length = head.split("Content-Length: ").nth(1).unwrap().lines().next().unwrap();
        assert!(!has_body || length == body.len().to_string(), "{head}");
    }
}

#[test]
fn the_peers_window_and_segment_size_are_kept() {
    let long: String = "x".repeat(3000);
    let mut peer = Peer::new(Personality::Linux, Program::Banner(long.as_str().into()));
    let syn = peer.send_with(SYN, 1000, 0, b"", &[2, 4, 0x01, 0xf4]); // 500 bytes
    peer.iss = syn[0].seq;
    let next = peer.iss.wrapping_add(1);
    let sizes = |replies: &[Reply]| replies.iter().map(|reply| reply.data.len()).collect::<Vec<_>>();
    assert_eq!(sizes(&peer.send(ACK, 1001, next, b"")), [500, 500, 24], "a window of 1024");
    assert_eq!(sizes(&peer.send(ACK, 1001, next.wrapping_add(1024), b"")), [500, 500, 24]);
    assert_eq!(sizes(&peer.send(ACK, 1001, next.wrapping_add(1524), b"")), [500]);
}

#[test]
fn options_are_answered_as_far_as_they_were_offered() {
    // Linux; the options of the SYN and of the SYN/ACK, in hexadecimal, the time stamp left out.
    const STAMP: &str = "080a000000010000";
    let all = "0204 05b4 0402 080a 0000 0001 0000 0000 01 030307";
    let rows = [
        ("", "020405b4", 64240),
        ("0204 05b4", "020405b4", 64240),
        (all, "020405b40402080a|0000000101030307", 65160),
        ("0402", "020405b401010402", 64240),
        ("0101 080a 0000 0001 0000 0000", "020405b40101080a|00000001", 65160),
        ("01 030302", "020405b401030307", 64240),
        ("0300", "020405b4", 64240), // broken
    ];
    for (offered, answered, window) in rows {
        let offered: String = offered.split(' ').collect();
        let bytes: Vec<u8> =
            (0..offered.len()).step_by(2).map(|i| u8::from_str_radix(&offered[i..i + 2], 16).unwrap()).collect();
        let mut peer = Peer::new(Personality::Linux, Program::Sink);
        let reply = peer.send_with(SYN, 1000, 0, b"", &bytes).remove(0);
        let hex = crate::base::text::hex(reply.options.bytes());
        let (before, after) = answered.split_once('|').unwrap_or((answered, ""));
        assert!(hex.starts_with(before) && hex.ends_with(after), "{offered}: {hex}");
        assert_eq!(hex.len(), answered.replace('|', &STAMP[..8]).len(), "{offered}: {hex}");
        assert_eq!(reply.window, window, "{offered}");
    }
    let mut peer = Peer::new(Personality::Linux, Program::Sink);
    assert_eq!(peer.send(SYN | ECE | CWR, 1000, 0, b"")[0].flags, SYN | ACK | ECE);
}

#[test]
fn syns_beyond_the_table_are_answered_and_not_remembered() {
    let mut peer = Peer::new(Personality::Linux, Program::Sink);
    for port in 1..=5000 {
        let ends = Ends { peer_port: port, ..ENDS };
        let syn = Segment { ends, seq: 1, ack: 0, flags: SYN, window: 1, options: &[], data: &[] };
        let mut out = Replies::new();
        peer.host.receive(&syn, || Some(Program::Sink), peer.now, &mut out);
        assert_eq!(out.len(), 1);
    }
    assert_eq!(peer.host.len(), 1024);
    peer.waits_until(70);
    assert!(peer.is_gone());
}

proptest! {
    /// Whatever comes in whatever order: no panic, one connection at most, and no more said than the program has to say.
    #[test]
    fn no_course_of_segments_breaks_a_connection(
        personality in 0..2usize,
        program in 0..4usize,
        course in proptest::collection::vec((any::<u8>(), -3..8i32, -3..600i32, 0..40usize, 0..3u8, any::<u16>()), 0..40),
    ) {
        let personality = [Personality::Rfc9293, Personality::Linux][personality];
        let program = match program {
            0 => Program::Sink,
            1 => Program::Echo,
            2 => Program::Banner("welcome\r\n".repeat(20).as_str().into()),
            _ => Program::Http { host: "web.lab".into(), request: Vec::new() },
        };
        let mut peer = Peer::half_open_to(personality, program);
        let next = peer.iss.wrapping_add(1);
        for (flags, seq, ack, len, wait, window) in course {
            let data = &b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n...."[..len];
            let (seq, ack) = (1001u32.wrapping_add_signed(seq), next.wrapping_add_signed(ack));
            let segment = Segment { ends: ENDS, seq, ack, flags: flags & 0x3f, window, options: &[], data };
            let mut out = Replies::new();
            let program = peer.program.clone();
            peer.host.receive(&segment, || Some(program), peer.now, &mut out);
            prop_assert!(out.len() <= 12, "{out:?}");
            peer.now += Duration::from_millis([0, 300, 5000][usize::from(wait)]);
            let mut later = Replies::new();
            peer.host.wake(peer.now, &mut later);
            prop_assert!(later.len() <= 12 && peer.host.len() <= 1);
        }
        peer.waits_until(20_000);
        prop_assert!(peer.host.due().is_none());
    }
}
