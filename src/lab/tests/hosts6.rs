//! What hosts answer in IPv6: the same state machine and the same filters, and the errors of RFC 4443.

use super::six::*;
use super::*;

#[test]
fn segments_are_answered_as_in_ipv4() {
    let rows = [
        (WEB6, 81, "S", "RA seq 0 ack 1001 win 0"),
        (WEB6, 81, "", "RA seq 0 ack 1000 win 0"),
        (WEB6, 81, "FPU", "RA seq 0 ack 1001 win 0"),
        (WEB6, 81, "A", "R seq 5000 ack 0 win 0"),
        (WEB6, 81, "R", ""),
        (WEB6, 80, "S", "SA seq ISS ack 1001 win 64240"),
        (WEB6, 80, "F", ""),
        (WEB6, 80, "A", "R seq 5000 ack 0 win 0"),
        (DROP6, 80, "S", "SA seq ISS ack 1001 win 64240"),
        (DROP6, 81, "S", ""),
        (REJECT6, 22, "S", "RA seq 0 ack 1001 win 0"),
        (REJECT6, 443, "S", "icmp6 1/1 with 60 bytes"),
        (NOPING6, 443, "S", "SA seq ISS ack 1001 win 64240"),
    ];
    for (host, port, flags, answer) in rows {
        let wanted: Vec<_> = (!answer.is_empty()).then(|| format!("{host} ttl 64: {answer}")).into_iter().collect();
        assert_eq!(ask(&tcp6(host, port, flags)), wanted, "{flags:?} to {host} port {port}");
    }
}

#[test]
fn a_syn_ack_announces_20_bytes_less_than_in_ipv4() {
    let mut bench = Bench::new();
    for (probe, at, mss) in [(tcp6(WEB6, 80, "S"), 74, 1440), (tcp(WEB, 80, "S"), 54, 1460)] {
        bench.send(&probe);
        let answer = bench.incoming().remove(0);
        assert_eq!(answer[at..at + 2], [2, 4]);
        assert_eq!(u16::from_be_bytes([answer[at + 2], answer[at + 3]]), mss);
    }
}

#[test]
fn a_handshake_of_one_family_is_not_one_of_the_other() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&tcp6(WEB6, 80, "S")).len(), 1);
    assert_eq!(bench.ask(&tcp(WEB, 80, "S")), ["192.0.2.10 ttl 64: SA seq ISS ack 1001 win 64240"]);
    bench.send(&tcp6(WEB6, 80, "S"));
    let all = bench.all();
    assert_eq!(describe(&all[1].bytes), format!("{YOU6} ttl 64: R seq 1001 ack 0 win 0"), "our kernel's reset");
    assert!(all[1].outgoing);
}

#[test]
fn echo_udp_and_errors() {
    let sctp = raw6(WEB6, 64, 132, b"sctp");
    // A probe, and what comes back.
    let rows = [
        (echo6(WEB6, 64), "2001:db8::10 ttl 64: icmp6 129/0 with 3 bytes"),
        (echo6(DROP6, 64), "2001:db8::20 ttl 64: icmp6 129/0 with 3 bytes"),
        (echo6(REJECT6, 64), "2001:db8::26 ttl 64: icmp6 1/1 with 51 bytes"),
        (echo6(NOPING6, 64), ""),
        (udp6(WEB6, 7, b"hello"), "2001:db8::10 ttl 64: udp 7 to 61000: hello"),
        (udp6(WEB6, 53, b"hello"), "2001:db8::10 ttl 64: icmp6 1/4 with 53 bytes"),
        (udp6(DROP6, 53, b"hello"), ""),
        (sctp, "2001:db8::10 ttl 64: icmp6 4/1 with 44 bytes"),
        (echo6(FAR6, 64), "2001:db8:1::10 ttl 63: icmp6 129/0 with 3 bytes"),
        (tcp6(FAR6, 81, "S"), "2001:db8:1::10 ttl 63: RA seq 0 ack 1001 win 0"),
        (echo6(FAR6, 1), "2001:db8::1 ttl 64: icmp6 3/0 with 51 bytes"),
        (echo6("2001:db8:ff::1".parse().unwrap(), 64), "2001:db8::1 ttl 64: icmp6 1/0 with 51 bytes"),
        (echo6("2a00::1".parse().unwrap(), 64), "2001:db8::1 ttl 64: icmp6 1/0 with 51 bytes"),
        (echo6("2001:db8:2::99".parse().unwrap(), 64), "2001:db8::1 ttl 64: icmp6 1/3 with 51 bytes"),
        (echo6_from(YOU_LL, WEB_LL, 64), "fe80::ff:fe00:a ttl 64: icmp6 129/0 with 3 bytes"),
        (echo6_from(YOU_LL, WEB6, 64), "2001:db8::10 ttl 64: icmp6 129/0 with 3 bytes"),
        (echo6_from(YOU_LL, FAR6, 64), "fe80::ff:fe00:1 ttl 64: icmp6 1/2 with 51 bytes"),
    ];
    for (frame, answer) in rows {
        let wanted: Vec<&str> = (!answer.is_empty()).then_some(answer).into_iter().collect();
        assert_eq!(ask(&frame), wanted, "{answer}");
    }
}

#[test]
fn errors_quote_the_probe_and_point_into_it() {
    let mut bench = Bench::new();
    for (probe, pointer) in [(udp6(WEB6, 53, b"hello"), 0u32), (raw6(WEB6, 64, 132, b"sctp"), 6)] {
        bench.send(&probe);
        let answer = bench.incoming().remove(0);
        assert_eq!(answer[58..62], pointer.to_be_bytes());
        assert_eq!(answer[62..], probe[14..], "the quote");
    }
}

#[test]
fn a_long_packet_is_quoted_up_to_1280_bytes() {
    let mut bench = Bench::new();
    bench.send(&udp6(WEB6, 53, &[0; 1400]));
    let answer = bench.incoming().remove(0);
    assert_eq!(describe(&answer), "2001:db8::10 ttl 64: icmp6 1/4 with 1232 bytes");
    assert_eq!(answer.len(), 14 + 1280);
}

#[test]
fn the_gateway_takes_its_time_and_counts_its_errors() {
    let mut bench = Bench::new();
    let start = bench.link.now();
    bench.send(&echo6("2001:db8:2::99".parse().unwrap(), 64));
    let heard = bench.all();
    assert_eq!(heard[0].at - start, Duration::from_micros(3_000_300));
    // Six at once, of both families together; one of six has come back by now.
    bench.lab.sleep(Duration::from_secs(10));
    (0..4).for_each(|_| bench.send(&echo6(FAR6, 1)));
    (0..4).for_each(|_| bench.send(&echo(FAR, 1)));
    let lines: Vec<_> = bench.incoming().iter().map(|bytes| describe(bytes)).collect();
    assert_eq!(lines.iter().filter(|line| line.contains("icmp6 3/0")).count(), 4, "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.contains("icmp 11/0")).count(), 2, "{lines:?}");
}

#[test]
fn all_nodes_answer_a_ping_each_with_its_own_address() {
    let sources = |src, dst| {
        let lines = Bench::small().ask(&echo6_from(src, dst, 1));
        assert!(lines.iter().all(|line| line.ends_with("ttl 64: icmp6 129/0 with 3 bytes")), "{lines:?}");
        lines.iter().map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    // Not noping.lab, whose filter drops, nor reject.lab, whose filter rejects: no error answers a multicast.
    assert_eq!(sources(YOU6, ALL), ["2001:db8::1", "2001:db8::10", "2001:db8::20", "2001:db8::53"]);
    assert_eq!(sources(YOU_LL, ALL), ["fe80::ff:fe00:1", "fe80::ff:fe00:a", "fe80::ff:fe00:14", "fe80::ff:fe00:35"]);
    assert_eq!(sources(YOU6, ROUTERS), ["2001:db8::1"]);
    assert_eq!(sources(YOU6, "ff02::1:ff00:10".parse().unwrap()), ["2001:db8::10"], "its solicited-node group");
    assert!(sources(YOU6, "ff02::99".parse().unwrap()).is_empty());
}

#[test]
fn a_group_gets_no_errors_and_no_segments() {
    for frame in [tcp6(ALL, 80, "S"), tcp6(ALL, 81, "S"), udp6(ALL, 99, b""), raw6(ALL, 64, 132, b"sctp")] {
        assert!(ask(&frame).is_empty());
    }
    assert_eq!(Bench::small().ask(&udp6(ALL, 7, b"hi")), ["2001:db8::10 ttl 64: udp 7 to 61000: hi"]);
    let mut in_group_frame = udp6(WEB6, 99, b"");
    in_group_frame[..6].copy_from_slice(&mac6(ALL));
    assert!(ask(&in_group_frame).is_empty(), "RFC 4443 section 2.4, e.4");
}

#[test]
fn errors_are_not_answered_by_errors() {
    use etherparse::icmpv6::{DestUnreachableCode, TimeExceededCode};
    use etherparse::{IcmpEchoHeader, Icmpv6Type};
    let kinds = [
        Icmpv6Type::DestinationUnreachable(DestUnreachableCode::Port),
        Icmpv6Type::TimeExceeded(TimeExceededCode::HopLimitExceeded),
        Icmpv6Type::Unknown { type_u8: 101, code_u8: 0, bytes5to8: [0; 4] },
        Icmpv6Type::Redirect,
    ];
    for kind in kinds {
        assert!(ask(&icmp6(YOU6, REJECT6, 64, kind, &[0; 48])).is_empty(), "{kind:?}");
        assert!(ask(&icmp6(YOU6, FAR6, 1, kind, &[0; 48])).is_empty(), "{kind:?} at the gateway");
    }
    let reply = Icmpv6Type::EchoReply(IcmpEchoHeader { id: 1, seq: 1 });
    assert_eq!(ask(&icmp6(YOU6, REJECT6, 64, reply, b"")).len(), 1, "an answer is no error");
}

#[test]
fn what_a_kernel_drops_gets_no_answer() {
    let syn = tcp6(WEB6, 81, "S");
    // Where bytes are changed, and what to.
    let edits: [(&str, usize, &[u8]); 12] = [
        ("another station's address", 5, &[0x0b]),
        ("an EtherType other than IPv6's", 12, &[0x08, 0x00]),
        ("version 4", 14, &[0x40]),
        ("a payload length beyond the end", 18, &[0, 21]),
        ("a payload length too short for TCP", 18, &[0, 19]),
        ("a multicast source", 22, &[0xff, 2]),
        ("its own address as source", 22, &WEB6.octets()),
        ("the loopback address as source", 22, &std::net::Ipv6Addr::LOCALHOST.octets()),
        ("no address as source", 22, &[0; 16]),
        ("a mapped address as source", 22, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 2]),
        ("a wrong TCP checksum", 70, &[0xab, 0xcd]),
        ("a data offset of 4", 66, &[0x40]),
    ];
    assert_eq!(ask(&syn).len(), 1, "the frame itself is answered");
    for (what, at, bytes) in edits {
        let mut frame = syn.clone();
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        if what.ends_with("source") {
            right_tcp_checksum(&mut frame);
        }
        assert!(ask(&frame).is_empty(), "{what}");
    }
    let mut frame = syn;
    right_tcp_checksum(&mut frame);
    assert_eq!(ask(&frame).len(), 1, "the checksum that the rows get is right");
}

/// Writes the checksum that belongs to the TCP segment behind a header of 40 bytes.
fn right_tcp_checksum(frame: &mut [u8]) {
    frame[70..72].fill(0);
    let pseudo = [&frame[22..54], &[0, 0, 0, (frame.len() - 54) as u8, 0, 0, 0, 6], &frame[54..]].concat();
    let checksum = crate::base::checksum::checksum(&pseudo);
    frame[70..72].copy_from_slice(&checksum.to_be_bytes());
}

#[test]
fn checksums_of_udp_and_icmp_are_needed() {
    for (mut frame, at) in [(udp6(WEB6, 7, b"hello"), 60), (echo6(WEB6, 64), 56)] {
        assert_eq!(ask(&frame).len(), 1);
        frame[at] ^= 1;
        assert!(ask(&frame).is_empty());
        frame[at..at + 2].fill(0);
        assert!(ask(&frame).is_empty(), "none at all is wrong in IPv6 (RFC 8200 section 8.1)");
    }
}

#[test]
fn padding_of_a_short_frame_is_not_part_of_the_packet() {
    let mut frame = tcp6(WEB6, 81, "S");
    frame.resize(90, 0xff);
    assert_eq!(ask(&frame), ["2001:db8::10 ttl 64: RA seq 0 ack 1001 win 0"]);
}

#[test]
fn a_host_with_ipv6_alone_is_reached_and_one_without_has_its_link_local_address() {
    let plan = Plan::parse(
        r#"
        [[host]]
        name = "six.lab"
        addrs = ["2001:db8::beef"]
        about = "IPv6 alone."
        [[host]]
        name = "four.lab"
        addrs = ["192.0.2.66"]
        about = "IPv4 alone."
        "#,
    );
    let mut bench = Bench::of(Lab::from_plan(plan.unwrap(), 1));
    let mut syn = tcp6(home(0xbeef), 80, "S");
    syn[..6].copy_from_slice(&[2, 0, 6, 0, 0xbe, 0xef]);
    assert_eq!(bench.ask(&syn), ["2001:db8::beef ttl 64: RA seq 0 ack 1001 win 0"]);
    let answers = bench.ask(&echo6_from(YOU_LL, ALL, 1));
    assert_eq!(answers.len(), 2);
    assert!(answers.iter().any(|line| line.starts_with("fe80::ff:fe00:42 ")), "{answers:?}");
}

#[test]
fn a_reset_rule_and_a_port_unreachable_rule_say_the_same_in_ipv6() {
    let plan = Plan::parse(
        r#"
        [[host]]
        name = "a.lab"
        addrs = ["2001:db8::50", "192.0.2.50"]
        about = "Rejects like a closed port."
        tcp = "80"
        filter = { default = "tcp-reset", rules = [{ action = "port-unreachable", traffic = "udp", ports = "1-9" }] }
        "#,
    );
    let mut bench = Bench::of(Lab::from_plan(plan.unwrap(), 1));
    let mut ask = |mut frame: Vec<u8>| {
        frame[..6].copy_from_slice(&mac([192, 0, 2, 50]));
        bench.send(&frame);
        bench.incoming().iter().map(|bytes| describe(bytes)).collect::<Vec<_>>()
    };
    let host = home(0x50);
    assert_eq!(ask(tcp6(host, 80, "S")), ["2001:db8::50 ttl 64: RA seq 0 ack 1001 win 0"]);
    assert_eq!(ask(tcp6(host, 80, "A")), ["2001:db8::50 ttl 64: R seq 5000 ack 0 win 0"]);
    assert_eq!(ask(udp6(host, 9, b"")), ["2001:db8::50 ttl 64: icmp6 1/4 with 48 bytes"]);
    assert!(ask(udp6(host, 10, b"")).is_empty());
    assert!(ask(echo6(host, 64)).is_empty());
}
