//! SCTP from outside (RFC 9260): packets by hand, their checksum by the code that layers use.

use std::net::Ipv6Addr;

use etherparse::IpNumber;
use proptest::prelude::*;

use super::six::*;
use super::witness::read;
use super::*;
use crate::base::checksum::crc32c;

const HOST: [u8; 4] = [192, 0, 2, 36];
const HOST6: Ipv6Addr = home(0x36);
const OPEN: u16 = 36412;
const TAG: u32 = 0x0102_0304;
const TSN: u32 = 0xffff_fffe; // so that it wraps

const DATA: u8 = 0;
const INIT: u8 = 1;
const INIT_ACK: u8 = 2;
const SACK: u8 = 3;
const HEARTBEAT: u8 = 4;
const HEARTBEAT_ACK: u8 = 5;
const ABORT: u8 = 6;
const SHUTDOWN: u8 = 7;
const SHUTDOWN_ACK: u8 = 8;
const ERROR: u8 = 9;
const COOKIE_ECHO: u8 = 10;
const COOKIE_ACK: u8 = 11;
const SHUTDOWN_COMPLETE: u8 = 14;

fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let mut bytes = [&[kind, flags][..], &(value.len() as u16 + 4).to_be_bytes(), value].concat();
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

/// An SCTP packet from port 61000 with its checksum.
fn packet(port: u16, tag: u32, chunks: &[u8]) -> Vec<u8> {
    let mut bytes = [&61000_u16.to_be_bytes()[..], &port.to_be_bytes(), &tag.to_be_bytes(), &[0; 4], chunks].concat();
    let sum = crc32c(&bytes);
    bytes[8..12].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn init_with(tag: u32, window: u32, streams: [u16; 2], parameters: &[u8]) -> Vec<u8> {
    let value = [&tag.to_be_bytes()[..], &window.to_be_bytes(), &streams.map(u16::to_be_bytes).concat()].concat();
    chunk(INIT, 0, &[&value[..], &TSN.to_be_bytes(), parameters].concat())
}

fn init() -> Vec<u8> {
    init_with(TAG, 32768, [10, 2048], b"")
}

/// The frames that came back to an SCTP packet, and what is in them behind the IP header.
fn frames(bench: &mut Bench, dst: IpAddr, sctp: &[u8]) -> Vec<Vec<u8>> {
    let mut frame = Vec::new();
    match dst {
        IpAddr::V4(dst) => ip(dst.octets(), 64).write(&mut frame, IpNumber(132), sctp).unwrap(),
        IpAddr::V6(dst) => frame = raw6(dst, 64, 132, sctp),
    }
    bench.send_ip(&frame[14..]);
    bench.incoming()
}

/// An answer: its tag, and its chunks.
#[derive(Clone, Debug, PartialEq)]
struct Answer {
    tag: u32,
    chunks: Vec<(u8, u8, Vec<u8>)>,
}

fn say_to(bench: &mut Bench, dst: IpAddr, sctp: &[u8]) -> Option<Answer> {
    let frames = frames(bench, dst, sctp);
    assert!(frames.len() <= 1);
    let frame = frames.first()?;
    let (protocol, body) = if dst.is_ipv4() { (frame[23], &frame[34..]) } else { (frame[20], &frame[54..]) };
    assert_eq!(protocol, 132, "{}", frame.escape_ascii());
    let mut zeroed = body.to_vec();
    zeroed[8..12].fill(0);
    assert_eq!(body[8..12], crc32c(&zeroed).to_le_bytes(), "checksum");
    assert_eq!(body[..4], [sctp[2], sctp[3], sctp[0], sctp[1]], "ports");
    let (tag, mut rest, mut chunks) = (u32::from_be_bytes(body[4..8].try_into().unwrap()), &body[12..], Vec::new());
    while !rest.is_empty() {
        let len = usize::from(u16::from_be_bytes([rest[2], rest[3]]));
        chunks.push((rest[0], rest[1], rest[4..len].to_vec()));
        rest = &rest[len.next_multiple_of(4)..];
    }
    Some(Answer { tag, chunks })
}

fn say(bench: &mut Bench, sctp: &[u8]) -> Option<Answer> {
    say_to(bench, HOST.into(), sctp)
}

/// The tag, the type and the flags of the answer's only chunk.
fn only(answer: Option<Answer>) -> Option<(u32, u8, u8)> {
    let answer = answer?;
    assert_eq!(answer.chunks.len(), 1, "{answer:?}");
    Some((answer.tag, answer.chunks[0].0, answer.chunks[0].1))
}

/// The tag that the host gives in its INIT ACK, and the cookie.
fn invited(answer: &Answer) -> (u32, Vec<u8>) {
    let (kind, _, value) = &answer.chunks[0];
    assert_eq!((answer.tag, *kind), (TAG, INIT_ACK));
    assert_eq!(value[16..18], [0, 7], "a state cookie");
    let len = usize::from(u16::from_be_bytes([value[18], value[19]]));
    (u32::from_be_bytes(value[..4].try_into().unwrap()), value[20..16 + len].to_vec())
}

/// An association: the host's tag and the cookie that made it.
fn associate(bench: &mut Bench) -> (u32, Vec<u8>) {
    let (tag, cookie) = invited(&say(bench, &packet(OPEN, 0, &init())).unwrap());
    let answer = say(bench, &packet(OPEN, tag, &chunk(COOKIE_ECHO, 0, &cookie)));
    assert_eq!(only(answer), Some((TAG, COOKIE_ACK, 0)));
    (tag, cookie)
}

fn data(tsn: u32) -> Vec<u8> {
    chunk(DATA, 3, &[&tsn.to_be_bytes()[..], &[0, 1, 0, 0, 0, 0, 0, 0], b"hello"].concat())
}

#[test]
fn a_packet_out_of_the_blue_is_answered_as_section_8_4_says() {
    let late = chunk(ERROR, 0, &[0, 3, 0, 8, 0, 0, 0, 9]);
    let other_error = chunk(ERROR, 0, &[0, 1, 0, 8, 0, 1, 0, 0]);
    let both = |a: u8, b: u8| [chunk(a, 0, b""), chunk(b, 0, b"")].concat();
    // What is sent and with which tag; what comes from the closed port and from the open one.
    let abort = Some((77, ABORT, 1)); // the tag as it came, and the bit that says so
    let rows = [
        ("INIT", 0, init(), Some((TAG, ABORT, 0)), Some((TAG, INIT_ACK, 0))),
        ("INIT with a tag", 77, init(), None, None), // section 8.5.1, A
        ("INIT with more", 0, [init(), chunk(HEARTBEAT, 0, b"")].concat(), None, None), // section 6.10
        ("INIT behind another", 77, [chunk(HEARTBEAT, 0, b""), init()].concat(), None, None),
        ("COOKIE ECHO", 77, chunk(COOKIE_ECHO, 0, &[1, 2, 3, 4]), abort, None),
        ("INIT ACK", 77, chunk(INIT_ACK, 0, &[0; 16]), abort, None), // section 5.2.3
        ("DATA", 77, data(5), abort, abort),
        ("SACK", 77, chunk(SACK, 0, &[0; 12]), abort, abort),
        ("HEARTBEAT", 77, chunk(HEARTBEAT, 0, &[0, 1, 0, 4]), abort, abort),
        ("HEARTBEAT ACK", 77, chunk(HEARTBEAT_ACK, 0, &[0, 1, 0, 4]), abort, abort),
        ("ABORT", 77, chunk(ABORT, 0, b""), None, None),
        ("ABORT behind", 77, both(HEARTBEAT, ABORT), None, None),
        ("SHUTDOWN", 77, chunk(SHUTDOWN, 0, &[0; 4]), abort, abort),
        (
            "SHUTDOWN ACK",
            77,
            chunk(SHUTDOWN_ACK, 0, b""),
            Some((77, SHUTDOWN_COMPLETE, 1)),
            Some((77, SHUTDOWN_COMPLETE, 1)),
        ),
        ("ERROR", 77, other_error, abort, abort),
        ("ERROR, stale cookie", 77, late, None, None),
        ("COOKIE ACK", 77, chunk(COOKIE_ACK, 0, b""), None, None),
        ("SHUTDOWN COMPLETE", 77, chunk(SHUTDOWN_COMPLETE, 0, b""), None, None),
        ("unknown", 77, chunk(63, 0, b""), abort, abort),
        ("no tag", 0, chunk(HEARTBEAT, 0, b""), None, None), // section 8.5.1, A
        ("no chunk", 77, Vec::new(), None, None),
        ("a length below 4", 77, vec![4, 0, 0, 3], None, None),
        ("a length beyond the end", 77, vec![4, 0, 0, 8], None, None),
    ];
    for (what, tag, chunks, closed, open) in rows {
        for (port, wanted) in [(80, closed), (OPEN, open)] {
            for dst in [IpAddr::from(HOST), HOST6.into()] {
                let answer = say_to(&mut Bench::new(), dst, &packet(port, tag, &chunks));
                assert_eq!(only(answer), wanted, "{what} to {dst} port {port}");
            }
        }
    }
}

#[test]
fn a_wrong_checksum_is_dropped_and_so_is_what_went_to_all() {
    let right = packet(80, 0, &init());
    for at in [0, 8, 11, 31] {
        let mut wrong = right.clone();
        wrong[at] ^= 1;
        assert_eq!(say(&mut Bench::new(), &wrong), None, "byte {at}");
    }
    let mut bench = Bench::new();
    bench.link.send(Via::Ip(Some(1)), &raw6(ALL, 64, 132, &right)[14..], 0).unwrap();
    assert!(bench.incoming().is_empty());
}

#[test]
fn an_init_is_looked_at_before_it_is_answered() {
    let parameters = |bytes: &[u8]| init_with(TAG, 32768, [1, 1], bytes);
    let abort = Some((TAG, ABORT, 0));
    let rows = [
        ("no tag of its own", init_with(0, 32768, [1, 1], b""), None), // section 3.3.2
        ("no streams out", init_with(TAG, 32768, [0, 1], b""), abort),
        ("no streams in", init_with(TAG, 32768, [1, 0], b""), abort),
        ("a small window", init_with(TAG, 1499, [1, 1], b""), abort),
        ("the smallest window", init_with(TAG, 1500, [1, 1], b""), Some((TAG, INIT_ACK, 0))),
        ("cut short", chunk(INIT, 0, &[1; 15]), None),
        ("a parameter without length", parameters(&[0, 5, 0, 0]), abort),
        ("a parameter beyond the end", parameters(&[0, 5, 0, 8, 1, 2]), abort),
        ("a host name", parameters(&[0, 11, 0, 8, b'a', b'.', b'b', 0]), abort), // section 3.3.2.1.2
        ("the last one without padding", parameters(&[0x80, 8, 0, 5, 1]), Some((TAG, INIT_ACK, 0))),
    ];
    for (what, chunk, wanted) in rows {
        assert_eq!(only(say(&mut Bench::new(), &packet(OPEN, 0, &chunk))), wanted, "{what}");
    }
}

#[test]
fn an_init_ack_has_what_an_association_needs() {
    let unknown =
        [0x80, 0xaa, 0, 4, 0xc0, 0xbb, 0, 5, 9, 0, 0, 0, 0, 0x0c, 0, 6, 0, 5, 0, 0, 0x40, 0xcc, 0, 4, 0xc0, 0xdd, 0, 4];
    let mut bench = Bench::new();
    let answer = say(&mut bench, &packet(OPEN, 0, &init_with(TAG, 32768, [3, 7], &unknown))).unwrap();
    let (tag, cookie) = invited(&answer);
    assert!(tag != 0 && cookie.len() > 20);
    let value = &answer.chunks[0].2;
    assert_eq!(value[4..12], [0, 1, 0xa0, 0, 0, 7, 0xff, 0xff], "window, streams: no more than the peer takes");
    let rest = &value[(20 + cookie.len()).next_multiple_of(4)..];
    // Section 3.2.1: skipped, skipped and reported, known, reported and the last one looked at.
    assert_eq!(rest, [0, 8, 0, 12, 0xc0, 0xbb, 0, 5, 9, 0, 0, 0, 0, 8, 0, 8, 0x40, 0xcc, 0, 4]);
    let again = invited(&say(&mut bench, &packet(OPEN, 0, &init())).unwrap());
    assert_ne!(again.0, tag, "another tag each time");
    let same = invited(&say(&mut Bench::new(), &packet(OPEN, 0, &init())).unwrap());
    let other = Bench::of(Lab::new(2));
    let seed = invited(&say(&mut { other }, &packet(OPEN, 0, &init())).unwrap());
    assert_eq!(same, invited(&say(&mut Bench::new(), &packet(OPEN, 0, &init())).unwrap()));
    assert_ne!(same, seed, "of the seed alone");
}

#[test]
fn a_cookie_is_good_for_its_ends_and_a_minute() {
    let mut bench = Bench::new();
    let (tag, cookie) = invited(&say(&mut bench, &packet(OPEN, 0, &init())).unwrap());
    let echo = |cookie: &[u8]| chunk(COOKIE_ECHO, 0, cookie);
    for at in 0..cookie.len() {
        let mut wrong = cookie.clone();
        wrong[at] ^= 1;
        assert_eq!(say(&mut bench, &packet(OPEN, tag, &echo(&wrong))), None, "byte {at}");
    }
    assert_eq!(say(&mut bench, &packet(OPEN, tag, &echo(&cookie[1..]))), None);
    assert_eq!(say(&mut bench, &packet(OPEN, tag ^ 1, &echo(&cookie))), None, "section 5.1.5");
    let mut from_another_port = packet(OPEN, tag, &echo(&cookie));
    from_another_port[1] ^= 1;
    from_another_port[8..12].fill(0);
    let sum = crc32c(&from_another_port);
    from_another_port[8..12].copy_from_slice(&sum.to_le_bytes());
    assert_eq!(say(&mut bench, &from_another_port), None);

    let mut late = Bench::new();
    let (tag, cookie) = invited(&say(&mut late, &packet(OPEN, 0, &init())).unwrap());
    late.lab.sleep(Duration::from_secs(51)); // and 10 s for each answer that was waited for
    let answer = say(&mut late, &packet(OPEN, tag, &echo(&cookie))).unwrap();
    let (kind, _, value) = &answer.chunks[0];
    assert_eq!((answer.tag, *kind, &value[..4]), (TAG, ERROR, &[0, 3, 0, 8][..]), "stale");
    let micros = u32::from_be_bytes(value[4..].try_into().unwrap());
    assert!((900_000..=1_000_300).contains(&micros), "{micros}");
    assert_eq!(only(say(&mut late, &packet(OPEN, tag, &chunk(HEARTBEAT, 0, b"")))), Some((tag, ABORT, 1)));
}

#[test]
fn an_association_answers_until_it_is_over() {
    let mut bench = Bench::new();
    let (tag, cookie) = associate(&mut bench);
    let info = [0, 1, 0, 9, 1, 2, 3, 4, 5];
    let mut say = |tag, chunks: &[u8]| say(&mut bench, &packet(OPEN, tag, chunks));
    let answer = say(tag, &chunk(HEARTBEAT, 0, &info)).unwrap();
    assert_eq!(answer, Answer { tag: TAG, chunks: vec![(HEARTBEAT_ACK, 0, info.to_vec())] });
    assert_eq!(say(tag ^ 1, &chunk(HEARTBEAT, 0, &info)), None, "section 8.5");
    assert_eq!(only(say(tag, &chunk(COOKIE_ECHO, 0, &cookie))), Some((TAG, COOKIE_ACK, 0)), "section 5.2.4, D");

    // The TSNs that come in one packet; up to which everything is there, and what came twice.
    let rows: [(&[u32], u32, &[u32]); 6] = [
        (&[TSN], TSN, &[]),
        (&[TSN], TSN, &[TSN]),
        (&[TSN.wrapping_add(1), TSN.wrapping_add(2)], 0, &[]),
        (&[2], 0, &[]), // a hole: it comes again
        (&[1, TSN, 2], 2, &[TSN]),
        (&[4], 2, &[]),
    ];
    for (sent, received, twice) in rows {
        let chunks: Vec<u8> = sent.iter().flat_map(|tsn| data(*tsn)).collect();
        let answer = say(tag, &chunks).unwrap();
        let counts = [received, 106_496, twice.len() as u32].map(u32::to_be_bytes).concat();
        let value = [counts, twice.iter().flat_map(|tsn| tsn.to_be_bytes()).collect()].concat();
        assert_eq!(answer, Answer { tag: TAG, chunks: vec![(SACK, 0, value)] }, "{sent:?}");
    }
    for quiet in [SACK, HEARTBEAT_ACK, SHUTDOWN_ACK, ERROR, INIT_ACK, COOKIE_ACK, SHUTDOWN_COMPLETE, 12, 13] {
        assert_eq!(say(tag, &chunk(quiet, 0, &[0; 16])), None, "{quiet}");
    }
    // Section 3.2: what the upper bits of unknown types say. A HEARTBEAT follows.
    for (kind, answers) in
        [(15, vec![]), (0x4f, vec![ERROR]), (0x8f, vec![HEARTBEAT_ACK]), (0xcf, vec![ERROR, HEARTBEAT_ACK])]
    {
        let answer = say(tag, &[chunk(kind, 0, b"xy"), chunk(HEARTBEAT, 0, b"")].concat());
        let kinds: Vec<u8> = answer.iter().flat_map(|answer| &answer.chunks).map(|chunk| chunk.0).collect();
        assert_eq!(kinds, answers, "{kind:#x}");
        if let Some((ERROR, _, value)) = answer.and_then(|answer| answer.chunks.first().cloned()) {
            assert_eq!(value, [0, 6, 0, 12, kind, 0, 0, 6, b'x', b'y', 0, 0]);
        }
    }
    assert_eq!(only(say(tag, &chunk(SHUTDOWN, 0, &[0; 4]))), Some((TAG, SHUTDOWN_ACK, 0)), "section 9.2");
    assert_eq!(only(say(tag, &chunk(SHUTDOWN, 0, &[0; 4]))), Some((TAG, SHUTDOWN_ACK, 0)));
    assert_eq!(say(tag, &data(3)), None, "nothing more is taken");
    assert_eq!(say(tag, &chunk(SHUTDOWN_COMPLETE, 0, b"")), None);
    assert_eq!(only(say(tag, &chunk(HEARTBEAT, 0, &info))), Some((tag, ABORT, 1)), "it is over");
}

#[test]
fn an_association_ends_by_an_abort_by_empty_data_and_by_silence() {
    type End = fn(u32) -> (u32, Vec<u8>);
    let rows: [(&str, End, bool); 5] = [
        ("an ABORT", |tag| (tag, chunk(ABORT, 0, b"")), true),
        ("an ABORT with the peer's own tag", |_| (TAG, chunk(ABORT, 1, b"")), true), // section 8.5.1, B
        ("an ABORT with another tag", |tag| (tag ^ 1, chunk(ABORT, 0, b"")), false),
        ("an ABORT that lies about its tag", |tag| (tag, chunk(ABORT, 1, b"")), false),
        ("a SHUTDOWN COMPLETE that nobody waits for", |tag| (tag, chunk(SHUTDOWN_COMPLETE, 0, b"")), false),
    ];
    for (what, end, is_over) in rows {
        let mut bench = Bench::new();
        let (tag, _) = associate(&mut bench);
        let (sent, chunks) = end(tag);
        assert_eq!(say(&mut bench, &packet(OPEN, sent, &chunks)), None, "{what}");
        let answer = only(say(&mut bench, &packet(OPEN, tag, &chunk(HEARTBEAT, 0, b""))));
        assert_eq!(answer, Some(if is_over { (tag, ABORT, 1) } else { (TAG, HEARTBEAT_ACK, 0) }), "{what}");
    }
    let mut bench = Bench::new();
    let (tag, _) = associate(&mut bench);
    let answer = say(&mut bench, &packet(OPEN, tag, &chunk(DATA, 3, &[0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]))).unwrap();
    assert_eq!(answer.chunks, [(ABORT, 0, vec![0, 9, 0, 8, 0, 0, 0, 9])], "no user data (section 6.2)");
    let (tag, _) = associate(&mut bench);
    bench.lab.sleep(Duration::from_mins(6));
    assert_eq!(only(say(&mut bench, &packet(OPEN, tag, &chunk(HEARTBEAT, 0, b"")))), Some((tag, ABORT, 1)), "idle");
}

#[test]
fn a_peer_that_begins_again_gets_a_new_association() {
    let mut bench = Bench::new();
    let (old, _) = associate(&mut bench);
    let (new, _) = associate(&mut bench);
    assert_ne!(old, new);
    assert_eq!(say(&mut bench, &packet(OPEN, old, &chunk(HEARTBEAT, 0, b""))), None);
    assert_eq!(only(say(&mut bench, &packet(OPEN, new, &chunk(HEARTBEAT, 0, b"")))), Some((TAG, HEARTBEAT_ACK, 0)));
}

#[test]
fn associations_are_bounded_and_cookies_cost_nothing() {
    let mut bench = Bench::new();
    let from = |port: u16, tag: u32, chunks: &[u8]| {
        let mut sctp = packet(OPEN, tag, chunks);
        sctp[..2].copy_from_slice(&port.to_be_bytes());
        sctp[8..12].fill(0);
        let sum = crc32c(&sctp);
        sctp[8..12].copy_from_slice(&sum.to_le_bytes());
        let mut frame = Vec::new();
        ip(HOST, 64).write(&mut frame, IpNumber(132), &sctp).unwrap();
        frame.split_off(14)
    };
    for port in 1..=1500 {
        bench.send_ip(&from(port, 0, &init()));
    }
    let mut accepted = 0;
    for invitation in bench.incoming() {
        let value = &invitation[34 + 16..];
        let port = u16::from_be_bytes([invitation[36], invitation[37]]);
        let len = usize::from(u16::from_be_bytes([value[18], value[19]]));
        let tag = u32::from_be_bytes(value[..4].try_into().unwrap());
        bench.send_ip(&from(port, tag, &chunk(COOKIE_ECHO, 0, &value[20..16 + len])));
        accepted += 1;
    }
    assert_eq!(accepted, 1500);
    assert_eq!(bench.incoming().len(), 1024);
}

#[test]
fn the_longest_chunk_fits_back() {
    let mut bench = Bench::new();
    let (tag, _) = associate(&mut bench);
    let info = vec![7; 1500 - 20 - 12 - 4];
    let answer = say(&mut bench, &packet(OPEN, tag, &chunk(HEARTBEAT, 0, &info))).unwrap();
    assert_eq!(answer.chunks[0].2, info);
    // Three bytes for each byte that comes in would be too much for one packet.
    let unknown = chunk(0xff, 0, b"").repeat(360);
    let frames = frames(&mut bench, HOST.into(), &packet(OPEN, tag, &unknown));
    assert!(frames.len() == 1 && frames[0].len() <= 1514);
}

#[test]
fn tshark_reads_the_answers() {
    let mut bench = Bench::new();
    let first = frames(&mut bench, HOST6.into(), &packet(OPEN, 0, &init())).remove(0);
    let (tag, _) = associate(&mut bench);
    let mut ask = |port, tag, chunks: &[u8]| frames(&mut bench, HOST.into(), &packet(port, tag, chunks)).remove(0);
    let frames = [
        first,
        ask(80, 0, &init()),
        ask(OPEN, tag, &[data(TSN), data(TSN)].concat()),
        ask(OPEN, tag, &chunk(HEARTBEAT, 0, &[0, 1, 0, 8, 1, 2, 3, 4])),
        ask(OPEN, tag, &chunk(0x4f, 0, b"")),
        ask(OPEN, tag, &chunk(SHUTDOWN, 0, &[0; 4])),
        ask(80, 77, &chunk(SHUTDOWN_ACK, 0, b"")),
    ];
    let fields = ["sctp.checksum.status", "sctp.verification_tag", "sctp.chunk_type", "_ws.malformed"];
    let wanted = [
        "1|0x01020304|2|",
        "1|0x01020304|6|",
        "1|0x01020304|3|",
        "1|0x01020304|5|",
        "1|0x01020304|9|",
        "1|0x01020304|8|",
        "1|0x0000004d|14|",
    ];
    assert_eq!(read(&frames, &fields), wanted);
    let fields = ["sctp.initack_credit", "sctp.initack_nr_out_streams", "sctp.sack_number_of_duplicated_tsns"];
    let seen = read(&frames, &fields);
    assert_eq!((seen[0].as_str(), seen[2].as_str()), ("106496|10|", "||1"));
    let fields = ["sctp.sack_cumulative_tsn_ack_raw", "sctp.parameter_heartbeat_information", "sctp.cause_code"];
    let seen = read(&frames, &fields);
    assert_eq!(seen[2..5], ["4294967294||", "|01020304|", "||0x0006"]);
    let seen = read(&frames, &["sctp.abort_t_bit", "sctp.shutdown_complete_t_bit"]);
    assert_eq!((seen[1].as_str(), seen[6].as_str()), ("0|", "|1"));
}

proptest! {
    #[test]
    fn no_packet_breaks_it(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0..60usize,
        value in any::<u8>(),
        is_open in any::<bool>(),
    ) {
        let mut bench = Bench::new();
        let (tag, cookie) = associate(&mut bench);
        let chunks = [init(), chunk(COOKIE_ECHO, 0, &cookie), data(TSN), chunk(0xcf, 0, &bytes), bytes.clone()];
        let all = chunks.concat();
        for mut body in chunks.into_iter().chain([all]) {
            if let Some(byte) = body.get_mut(at) {
                *byte = value;
            }
            for tag in [0, tag, TAG] {
                let sctp = packet(if is_open { OPEN } else { 80 }, tag, &body);
                let answers = frames(&mut bench, HOST.into(), &sctp);
                assert!(answers.len() <= 1 && answers.iter().all(|frame| frame.len() <= 1514));
            }
        }
        frames(&mut bench, HOST.into(), &bytes);
    }
}
