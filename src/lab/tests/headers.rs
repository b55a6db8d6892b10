//! The extension headers of IPv6.

use super::six::*;
use super::*;

const HOP_BY_HOP: u8 = 0;
const UDP: u8 = 17;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const ICMP6: u8 = 58;
const NOTHING: u8 = 59;
const OPTIONS: u8 = 60;

/// A datagram "hi" to the echo port of web.lab, its checksum right, behind `headers`; the first one is named `first`.
fn behind(dst: std::net::Ipv6Addr, first: u8, headers: &[u8]) -> Vec<u8> {
    let plain = udp6(dst, 7, b"hi");
    raw6(dst, 64, first, &[headers, &plain[54..]].concat())
}

/// The code and pointer of the parameter problem that came back, `"echo"`, or nothing.
fn answer(frame: &[u8]) -> String {
    let mut bench = Bench::new();
    bench.send(frame);
    let answers = bench.incoming();
    assert!(answers.len() <= 1);
    let Some(answer) = answers.first() else { return String::new() };
    let line = describe(answer);
    if line.ends_with("udp 7 to 61000: hi") {
        return "echo".to_owned();
    }
    assert!(line.contains("icmp6 4/"), "{line}");
    assert_eq!(answer[62..], frame[14..], "the quote");
    format!("4/{} at {}", answer[55], u32::from_be_bytes(answer[58..62].try_into().unwrap()))
}

#[test]
fn headers_are_walked_and_options_obey_their_first_two_bits() {
    let pad = [1, 4, 0, 0, 0, 0];
    let option = |kind: u8| [kind, 4, 0, 0, 0, 0];
    let header = |next: u8, body: [u8; 6]| [&[next, 0][..], &body].concat();
    let two = |a: Vec<u8>, b: Vec<u8>| [a, b].concat();
    // The first header, all of them, and what comes back (RFC 8200 sections 4 to 4.5).
    let rows = [
        (HOP_BY_HOP, header(UDP, pad), "echo"),
        (OPTIONS, header(UDP, pad), "echo"),
        (OPTIONS, header(UDP, [0; 6]), "echo"),
        (HOP_BY_HOP, two(header(OPTIONS, pad), header(UDP, pad)), "echo"),
        (HOP_BY_HOP, header(UDP, [5, 2, 0, 0, 1, 0]), "echo"),
        (OPTIONS, header(UDP, option(0x1e)), "echo"),
        (OPTIONS, header(UDP, option(0x5e)), ""),
        (OPTIONS, header(UDP, option(0x9e)), "4/2 at 42"),
        (OPTIONS, header(UDP, option(0xde)), "4/2 at 42"),
        (OPTIONS, header(UDP, [1, 1, 0, 0xde, 1, 0]), "4/2 at 45"),
        (HOP_BY_HOP, header(UDP, option(0xc2)), "4/2 at 42"),
        (HOP_BY_HOP, two(header(OPTIONS, pad), header(UDP, option(0x9e))), "4/2 at 50"),
        (OPTIONS, header(UDP, [1, 5, 0, 0, 0, 0]), ""),
        (OPTIONS, header(UDP, [0, 0, 0, 0, 0, 1]), ""),
        (OPTIONS, two(header(HOP_BY_HOP, pad), header(UDP, pad)), "4/1 at 40"),
        (ROUTING, header(UDP, [0, 0, 0, 0, 0, 0]), "echo"),
        (ROUTING, header(UDP, [0, 1, 0, 0, 0, 0]), "4/0 at 42"),
        (ROUTING, header(UDP, [4, 3, 0, 0, 0, 0]), "4/0 at 42"),
        (OPTIONS, header(132, pad), "4/1 at 40"),
        (OPTIONS, header(NOTHING, pad), ""),
        (FRAGMENT, vec![UDP, 0, 0, 0, 0, 0, 0, 7], "echo"),
        (FRAGMENT, vec![UDP, 0, 0, 1, 0, 0, 0, 7], ""),
        (FRAGMENT, vec![UDP, 0, 0, 8, 0, 0, 0, 7], ""),
        (OPTIONS, vec![UDP, 200, 1, 4, 0, 0, 0, 0], ""),
    ];
    for (first, headers, wanted) in rows {
        assert_eq!(answer(&behind(WEB6, first, &headers)), wanted, "{first}: {headers:?}");
    }
}

#[test]
fn a_group_hears_of_an_option_only_if_it_says_so() {
    let mut bench = Bench::small();
    for (kind, count) in [(0x9e, 6), (0xde, 0)] {
        let frame = behind(ALL, OPTIONS, &[UDP, 0, kind, 4, 0, 0, 0, 0]);
        let answers = bench.ask(&frame);
        assert_eq!(answers.len(), count, "RFC 4443 section 2.4, e.3: {answers:?}");
        assert!(answers.iter().all(|line| line.starts_with("2001:db8::") && line.contains("icmp6 4/2")));
    }
}

#[test]
fn an_error_behind_a_bad_option_is_not_answered() {
    let error = [&[ICMP6, 0, 0x9e, 4, 0, 0, 0, 0][..], &[1, 4, 0, 0, 0, 0, 0, 0]].concat();
    assert!(ask(&raw6(WEB6, 64, OPTIONS, &error)).is_empty());
    let question = [&[ICMP6, 0, 0x9e, 4, 0, 0, 0, 0][..], &[128, 0, 0, 0, 0, 0, 0, 0]].concat();
    assert_eq!(answer(&raw6(WEB6, 64, OPTIONS, &question)), "4/2 at 42");
}

#[test]
fn a_router_looks_at_no_header_of_what_it_forwards() {
    let mut frame = behind(FAR6, OPTIONS, &[UDP, 0, 0x9e, 4, 0, 0, 0, 0]);
    let line = ask(&frame).remove(0);
    assert_eq!(line, "2001:db8:1::10 ttl 63: icmp6 4/2 with 58 bytes", "the host complains, not the router");
    frame[14 + 7] = 1;
    assert_eq!(ask(&frame), ["2001:db8::1 ttl 64: icmp6 3/0 with 58 bytes"]);
    let mut rest = behind(FAR6, FRAGMENT, &[UDP, 0, 0, 8, 0, 0, 0, 7]);
    rest[14 + 7] = 1;
    assert_eq!(ask(&rest), ["2001:db8::1 ttl 64: icmp6 3/0 with 58 bytes"], "any fragment may be quoted");
}

#[test]
fn the_longest_chain_ends() {
    let mut headers = Vec::new();
    for _ in 0..170 {
        headers.extend_from_slice(&[OPTIONS, 0, 1, 4, 0, 0, 0, 0]);
    }
    headers.extend_from_slice(&[UDP, 0, 1, 4, 0, 0, 0, 0]);
    assert_eq!(answer(&behind(WEB6, OPTIONS, &headers)), "echo");
}
