//! Programs at UDP ports that tell time and names, and what ICMP and IP say beside them.

use etherparse::{IpNumber, TransportSlice};
use proptest::prelude::*;

use super::six::*;
use super::witness::read;
use super::*;

const UDP: [u8; 4] = [192, 0, 2, 38];
const PROTOCOLS: [u8; 4] = [192, 0, 2, 37];
const SCTP: [u8; 4] = [192, 0, 2, 36];
const NAS: [u8; 4] = [192, 0, 2, 61];
const DESKTOP: [u8; 4] = [192, 0, 2, 66];

/// A datagram of IPv4 from this port, without a frame.
fn datagram(dst: [u8; 4], from: u16, to: u16, data: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    ip(dst, 64).udp(from, to).write(&mut frame, data).unwrap();
    frame.split_off(14)
}

/// What came back to an IP packet.
fn answers(packet: &[u8]) -> Vec<Vec<u8>> {
    let mut bench = Bench::new();
    bench.send_ip(packet);
    bench.incoming()
}

/// The data of the only datagram that came back.
fn said(packet: &[u8]) -> Option<Vec<u8>> {
    let frame = answers(packet).pop()?;
    describe(&frame);
    match etherparse::SlicedPacket::from_ethernet(&frame).unwrap().transport {
        Some(TransportSlice::Udp(udp)) => Some(udp.payload().to_vec()),
        _ => None,
    }
}

/// A question of NTP with this first byte; it was sent at 0102030405060708.
fn ask_time(first: u8) -> Vec<u8> {
    let mut message = vec![0; 48];
    message[0] = first;
    message[2] = 6;
    message[40..].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
    message
}

#[test]
fn ntp_answers_questions_and_nothing_else() {
    // The first byte of a packet: leap, version, mode. That of the answer (RFC 5905 sections 3 and 7.3).
    let rows = [
        (0x23, Some(0x24)), // version 4: a client
        (0xe3, Some(0x24)), // whose clock is not set
        (0x1b, Some(0x1c)), // version 3
        (0x21, Some(0x22)), // an active peer gets a passive one
        (0x08, Some(0x0c)), // version 1 had no modes
        (0x20, None),
        (0x22, None),
        (0x24, None),
        (0x25, None),
        (0x26, None), // a control message
        (0x27, None),
        (0x03, None), // version 0
        (0x2b, None), // version 5
    ];
    for (first, wanted) in rows {
        let answer = said(&datagram(UDP, 123, 123, &ask_time(first)));
        assert_eq!(answer.as_ref().map(|answer| answer[0]), wanted, "{first:#x}");
    }
    assert!(said(&datagram(UDP, 123, 123, &ask_time(0x23)[..47])).is_none(), "too short");
    let long = [&ask_time(0x23)[..], &[0; 20]].concat();
    assert_eq!(
        said(&datagram(UDP, 123, 123, &long)).unwrap().len(),
        48,
        "without the extensions that it was asked with"
    );
}

#[test]
fn the_time_is_that_of_the_laboratory() {
    let mut bench = Bench::new();
    bench.lab.sleep(Duration::from_millis(3_600_500));
    bench.send_ip(&datagram(UDP, 61000, 123, &ask_time(0x23)));
    let frame = bench.incoming().remove(0);
    let fields = ["ntp.stratum", "ntp.ppoll", "ntp.refid", "ntp.reftime", "ntp.org", "ntp.rec", "ntp.xmt"];
    let line = read(&[frame], &fields).remove(0);
    let parts: Vec<_> = line.split('|').collect();
    assert_eq!(parts[..3], ["2", "6", "cb00717b"]);
    assert_eq!(parts[3], "Jan  1, 2026 00:59:44.000000000 UTC", "a multiple of 64 s");
    assert!(parts[4].starts_with("Aug 20, 2036 23:25:56.0196"), "what the question was sent at: {line}");
    assert_eq!(parts[5..], ["Jan  1, 2026 01:00:00.500150000 UTC"; 2], "150 µs on the way");
}

#[test]
fn daytime_and_echo_do_not_answer_services() {
    let text = b"Thursday, January 1, 2026 00:00:00-UTC\r\n".to_vec();
    assert_eq!(said(&datagram(UDP, 61000, 13, b"")), Some(text));
    assert_eq!(said(&datagram(UDP, 61000, 7, b"hello")), Some(b"hello".to_vec()));
    for (from, to) in [(7, 13), (13, 13), (1023, 13), (13, 7)] {
        assert!(answers(&datagram(UDP, from, to, b"hello")).is_empty(), "they would talk for ever: {from} to {to}");
    }
    for silent in [69, 514] {
        assert!(answers(&datagram(UDP, 61000, silent, b"hello")).is_empty());
    }
    assert!(describe(&answers(&datagram(UDP, 61000, 70, b""))[0]).contains("icmp 3/3"));
    let mut bench = Bench::new();
    bench.send_ip(&udp6(home(0x38), 13, b"")[14..]);
    assert!(describe(&bench.incoming()[0]).starts_with("2001:db8::38 ttl 64: udp 13 to 61000: Thursday"));
}

/// A question for the status of the node with this name of 16 bytes (RFC 1002 section 4.2.17).
fn node_status(name: &[u8; 16]) -> Vec<u8> {
    let letters: Vec<u8> = name.iter().flat_map(|byte| [b'A' + (byte >> 4), b'A' + (byte & 15)]).collect();
    [&[0x12, 0x34, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 32][..], &letters, &[0, 0, 0x21, 0, 1]].concat()
}

const ALL_NAMES: &[u8; 16] = b"*\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

#[test]
fn a_node_tells_its_names_and_its_hardware_address() {
    let answer = said(&datagram(NAS, 61000, 137, &node_status(ALL_NAMES))).unwrap();
    let question = node_status(ALL_NAMES);
    assert_eq!(answer[..12], [0x12, 0x34, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    assert_eq!(answer[12..50], question[12..], "the name, type and class as asked");
    assert_eq!(answer[50..57], [0, 0, 0, 0, 0, 101, 3], "no time to live, 101 bytes, three names");
    let names = [&b"NAS            \0\x04\0"[..], b"WORKGROUP      \0\x84\0", b"NAS             \x04\0"].concat();
    assert_eq!(answer[57..111], names);
    assert_eq!(answer[111..117], [0, 0x11, 0x32, 0xa0, 0xb1, 0x61]);
    assert_eq!(answer[117..], [0; 40]);

    assert!(said(&datagram(NAS, 137, 137, &node_status(b"NAS             "))).is_some(), "its own name");
    let mut bits = node_status(ALL_NAMES);
    let mut changed = |at: usize, value: u8| {
        let old = std::mem::replace(&mut bits[at], value);
        let answer = said(&datagram(NAS, 61000, 137, &bits));
        bits[at] = old;
        answer.is_some()
    };
    // Where a byte is changed, and whether there is still an answer.
    let rows = [(2, 0x84, false), (2, 0x28, false), (5, 2, false), (7, 1, false), (12, 31, false), (13, b'Q', false)];
    for (at, value, wanted) in rows.into_iter().chain([(13, b'D', false), (47, 0x20, false), (3, 0x10, true)]) {
        assert_eq!(changed(at, value), wanted, "byte {at} = {value:#x}");
    }
    for len in 0..question.len() {
        assert!(said(&datagram(NAS, 61000, 137, &question[..len])).is_none(), "{len} bytes");
    }
}

#[test]
fn tshark_reads_the_time_and_the_names() {
    let mut frames = answers(&datagram(UDP, 61000, 123, &ask_time(0x23)));
    frames.extend(answers(&datagram(DESKTOP, 61000, 137, &node_status(ALL_NAMES))));
    frames.extend(answers(&datagram(UDP, 61000, 13, b"")));
    let seen = read(&frames, &["ntp.flags.vn", "ntp.flags.mode", "nbns.count.answers", "_ws.malformed"]);
    assert_eq!(seen, ["4|4||", "||1|", "|||"]);
    let names = read(&frames, &["nbns.netbios_name", "nbns.unit_id", "daytime.string"]);
    assert!(names[1].contains("DESKTOP-7QK2") && names[1].contains("d4:be:d9:88:6a:66"), "{names:?}");
    assert!(names[2].contains("Thursday, January 1, 2026"), "{names:?}");
}

#[test]
fn an_icmp_timestamp_is_milliseconds_since_midnight() {
    let ask = |dst, kind: u8, data: &[u8]| {
        let kind = etherparse::Icmpv4Type::Unknown { type_u8: kind, code_u8: 0, bytes5to8: [0, 7, 0, 9] };
        let mut frame = Vec::new();
        ip(dst, 64).icmpv4(kind).write(&mut frame, data).unwrap();
        let mut bench = Bench::new();
        bench.lab.sleep(Duration::from_millis(1234));
        bench.send_ip(&frame[14..]);
        bench.incoming()
    };
    let answer = ask(UDP, 13, &[0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7]).remove(0);
    assert_eq!(describe(&answer), "192.0.2.38 ttl 64: icmp 14/0 with 0 bytes");
    assert_eq!(answer[38..], [0, 7, 0, 9, 0, 0, 0, 5, 0, 0, 4, 210, 0, 0, 4, 210]);
    assert!(ask(UDP, 13, &[0; 3]).is_empty(), "too short to have a time");
    assert!(ask(UDP, 17, &[0; 4]).is_empty(), "an address mask, as Linux");
    assert_eq!(ask(NOPING, 13, &[0; 12]).len(), 1, "the filter speaks of echo alone");
    let seen = read(&[answer], &["icmp.originate_timestamp", "icmp.transmit_timestamp", "icmp.checksum.status"]);
    assert_eq!(seen, ["5|1234|1"]);
}

#[test]
fn protocols_are_taken_in_silence_spoken_or_unreachable() {
    let raw = |dst, protocol: u8| {
        let mut frame = Vec::new();
        ip(dst, 64).write(&mut frame, IpNumber(protocol), b"").unwrap();
        answers(&frame[14..]).iter().map(|bytes| describe(bytes)).collect::<Vec<_>>()
    };
    // Empty packets, as an IP protocol scan sends them. Of what a host speaks, a kernel drops such in silence.
    for silent in [1, 2, 6, 17, 47, 89] {
        assert!(raw(PROTOCOLS, silent).is_empty(), "{silent}");
    }
    for unreachable in [0, 3, 41, 50, 58, 132, 255] {
        assert_eq!(raw(PROTOCOLS, unreachable), ["192.0.2.37 ttl 64: icmp 3/2 with 20 bytes"], "{unreachable}");
    }
    assert!(raw(SCTP, 132).is_empty() && !raw(SCTP, 47).is_empty());
    assert!(raw(NAS, 2).is_empty() && !raw(UDP, 2).is_empty(), "a host that is in a group speaks IGMP");
    let raw6 = |dst, protocol: u8| {
        let mut bench = Bench::new();
        bench.send_ip(&raw6(dst, 64, protocol, b"")[14..]);
        bench.incoming().len()
    };
    for (protocol, count) in [(2, 0), (6, 0), (17, 0), (47, 0), (58, 0), (59, 0), (89, 0), (1, 1), (41, 1), (132, 1)] {
        assert_eq!(raw6(home(0x37), protocol), count, "{protocol}");
    }
    assert_eq!(raw6(home(0x36), 132), 0);
}

proptest! {
    #[test]
    fn no_datagram_breaks_a_program(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        at in 0..60usize,
        value in any::<u8>(),
        from in prop_oneof![Just(61000), Just(5353), any::<u16>()],
    ) {
        // Bytes as they come, and questions in which one byte is changed.
        let header = [&[0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], b"\x03nas\x05local\0\0\xff\0\x01"].concat();
        let questions = [bytes.clone(), [&header[..], &bytes].concat(), ask_time(0x23), node_status(ALL_NAMES), header];
        let mut bench = Bench::new();
        for mut question in questions {
            if let Some(byte) = question.get_mut(at) {
                *byte = value;
            }
            let groups = [([224, 0, 0, 251], 5353), ([224, 0, 0, 252], 5355)];
            for (dst, to) in [(UDP, 13), (UDP, 123), (NAS, 137), (NAS, 5353)].into_iter().chain(groups) {
                bench.link.send(Via::Ip(Some(1)), &datagram(dst, from, to, &question), 0).unwrap();
            }
            let group = "ff02::fb".parse().unwrap();
            bench.link.send(Via::Ip(Some(1)), &udp6(group, 5353, &question)[14..], 0).unwrap();
        }
        let answers = bench.incoming();
        assert!(answers.len() <= 5 * 12 && answers.iter().all(|frame| frame.len() <= 1514));
    }
}
