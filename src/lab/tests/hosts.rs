//! What a host without a filter answers.

use super::*;

#[test]
fn stations_of_the_link_answer_arp_and_others_do_not() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&who_has(WEB)), ["arp 2: 192.0.2.10 is at 02:00:00:00:00:0a"]);
    assert_eq!(bench.ask(&who_has(GW)), ["arp 2: 192.0.2.1 is at 02:00:00:00:00:01"]);
    for absent in [[192, 0, 2, 99], FAR, YOU] {
        assert!(bench.ask(&who_has(absent)).is_empty(), "{absent:?}");
    }
}

#[test]
fn a_host_answers_segments_as_rfc_9293_says() {
    // lan-and-class: closed and listening ports, probes with seq 1000 and ack 5000 (RFC 9293 section 3.10.7).
    let rows = [
        (81, "S", "RA seq 0 ack 1001 win 0"),
        (81, "", "RA seq 0 ack 1000 win 0"),
        (81, "F", "RA seq 0 ack 1001 win 0"),
        (81, "FPU", "RA seq 0 ack 1001 win 0"),
        (81, "SF", "RA seq 0 ack 1002 win 0"),
        (81, "A", "R seq 5000 ack 0 win 0"),
        (81, "SA", "R seq 5000 ack 0 win 0"),
        (81, "FA", "R seq 5000 ack 0 win 0"),
        (81, "R", ""),
        (81, "RA", ""),
        (80, "S", "SA seq ISS ack 1001 win 64240"),
        (80, "SF", "SA seq ISS ack 1001 win 64240"),
        (80, "", ""),
        (80, "F", ""),
        (80, "FPU", ""),
        (80, "A", "R seq 5000 ack 0 win 0"),
        (80, "SA", "R seq 5000 ack 0 win 0"),
        (80, "FA", "R seq 5000 ack 0 win 0"),
        (80, "R", ""),
    ];
    for (port, flags, answer) in rows {
        let found = Bench::new().ask(&tcp(WEB, port, flags));
        let wanted: Vec<_> = (!answer.is_empty()).then(|| format!("192.0.2.10 ttl 64: {answer}")).into_iter().collect();
        assert_eq!(found, wanted, "{flags:?} to port {port}");
    }
}

#[test]
fn data_counts_in_the_acknowledgment() {
    let answer = Bench::new().ask(&tcp_with(WEB, 81, "S", 1000, 0, b"xyz"));
    assert_eq!(answer, ["192.0.2.10 ttl 64: RA seq 0 ack 1004 win 0"]);
}

#[test]
fn the_kernel_of_our_own_machine_resets_a_syn_ack_that_nobody_asked_for() {
    let mut bench = Bench::new();
    bench.send(&tcp(WEB, 80, "S"));
    let all = bench.all();
    let seen: Vec<_> = all.iter().map(|h| (h.outgoing, h.at.nanos() / 1000)).collect();
    assert_eq!(seen, [(false, 300), (true, 300)], "the answer, the reset; our own SYN does not come back");
    assert_eq!(describe(&all[0].bytes), "192.0.2.10 ttl 64: SA seq ISS ack 1001 win 64240");
    assert_eq!(describe(&all[1].bytes), "192.0.2.2 ttl 64: R seq 1001 ack 0 win 0");
}

#[test]
fn echo_comes_back_with_its_data_and_its_numbers() {
    let mut bench = Bench::new();
    bench.send(&echo(WEB, 64));
    let answer = bench.incoming().remove(0);
    assert_eq!(describe(&answer), "192.0.2.10 ttl 64: icmp 0/0 with 3 bytes");
    assert_eq!(answer[38..], *b"\x00\x07\x00\x09abc");
}

#[test]
fn udp_is_echoed_at_port_7_and_unreachable_elsewhere() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&udp(WEB, 7, b"hello")), ["192.0.2.10 ttl 64: udp 7 to 61000: hello"]);
    let probe = udp(WEB, 53, b"hello");
    bench.send(&probe);
    let answer = bench.incoming().remove(0);
    assert_eq!(describe(&answer), "192.0.2.10 ttl 64: icmp 3/3 with 33 bytes");
    assert_eq!(answer[42..], probe[14..], "the whole packet is quoted");
}

#[test]
fn a_protocol_that_no_host_speaks_is_unreachable() {
    let mut frame = Vec::new();
    ip(WEB, 64).write(&mut frame, etherparse::IpNumber(132), b"sctp").unwrap();
    assert_eq!(Bench::new().ask(&frame), ["192.0.2.10 ttl 64: icmp 3/2 with 24 bytes"]);
}

#[test]
fn a_long_packet_is_quoted_up_to_576_bytes() {
    let answer = Bench::new().ask(&udp(WEB, 53, &[0; 1000]));
    assert_eq!(answer, ["192.0.2.10 ttl 64: icmp 3/3 with 548 bytes"]);
}

#[test]
fn a_host_behind_the_gateway_is_one_hop_away() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask(&tcp(FAR, 81, "S")), ["198.51.100.10 ttl 63: RA seq 0 ack 1001 win 0"]);
    let start = bench.link.now();
    bench.send(&echo(FAR, 2));
    assert_eq!(bench.all()[0].at - start, Duration::from_millis(10));
    assert_eq!(bench.ask(&echo(FAR, 1)), ["192.0.2.1 ttl 64: icmp 11/0 with 31 bytes"]);
}

#[test]
fn the_gateway_says_that_nobody_is_there_after_three_seconds() {
    let mut bench = Bench::new();
    let start = bench.link.now();
    bench.send(&echo([203, 0, 113, 77], 64));
    let heard = bench.all();
    assert_eq!(describe(&heard[0].bytes), "192.0.2.1 ttl 64: icmp 3/1 with 31 bytes");
    assert_eq!(heard[0].at - start, Duration::from_micros(3_000_300));
    // A packet to an address outside the laboratory, forced on the gateway, goes no further.
    let mut frame = Vec::new();
    let outside = PacketBuilder::ethernet2(mac(YOU), mac(GW)).ipv4(YOU, [10, 0, 0, 1], 64);
    outside.icmpv4_echo_request(1, 1).write(&mut frame, b"").unwrap();
    assert_eq!(bench.ask(&frame), ["192.0.2.1 ttl 64: icmp 3/0 with 28 bytes"]);
}
