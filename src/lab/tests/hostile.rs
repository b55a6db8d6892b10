//! Frames that a kernel drops, and frames that mean harm.

use proptest::prelude::*;

use super::*;

/// Writes the IP checksum that belongs to the header.
fn right_ip_checksum(frame: &mut [u8]) {
    frame[24..26].fill(0);
    let checksum = crate::base::checksum::checksum(&frame[14..34]);
    frame[24..26].copy_from_slice(&checksum.to_be_bytes());
}

#[test]
fn what_a_kernel_drops_gets_no_answer() {
    let syn = tcp(WEB, 81, "S");
    // Where bytes are changed, and what to; the IP checksum is then made right, unless it is the matter.
    let edits: [(&str, usize, &[u8]); 16] = [
        ("another station's address", 5, &[0x0b]),
        ("an EtherType other than IPv4's", 12, &[0x86, 0xdd]),
        ("version 6", 14, &[0x65]),
        ("IHL 4", 14, &[0x44]),
        ("IHL beyond the end", 14, &[0x4f]),
        ("a wrong IP checksum", 24, &[0xab, 0xcd]),
        ("a total length beyond the end", 16, &[0, 41]),
        ("a fragment", 20, &[0x20]),
        ("a later fragment", 21, &[1]),
        ("the source 127.0.0.1", 26, &[127, 0, 0, 1]),
        ("a multicast source", 26, &[224, 0, 0, 1]),
        ("its own address as source", 26, &WEB),
        ("the broadcast address as source", 26, &[192, 0, 2, 255]),
        ("a wrong TCP checksum", 50, &[0xab, 0xcd]),
        ("a data offset of 4", 46, &[0x40]),
        ("a data offset beyond the end", 46, &[0xf0]),
    ];
    assert_eq!(Bench::new().ask(&syn).len(), 1, "the frame itself is answered");
    for (what, at, bytes) in edits {
        let mut frame = syn.clone();
        frame[at..at + bytes.len()].copy_from_slice(bytes);
        if what != "a wrong IP checksum" {
            right_ip_checksum(&mut frame);
        }
        assert!(Bench::new().ask(&frame).is_empty(), "{what}");
    }
}

#[test]
fn wrong_lengths_and_checksums_of_udp_and_icmp_get_no_answer() {
    for (at, value) in [(38, 7), (39, 7), (39, 0), (39, 200), (41, 0xee)] {
        let mut frame = udp(WEB, 53, b"hello");
        frame[at] = value;
        assert!(Bench::new().ask(&frame).is_empty(), "byte {at} = {value}");
    }
    let mut frame = echo(WEB, 64);
    frame[36] ^= 1;
    assert!(Bench::new().ask(&frame).is_empty());
    // No checksum at all is allowed in UDP (RFC 768).
    let mut frame = udp(WEB, 53, b"hello");
    frame[40..42].fill(0);
    assert_eq!(Bench::new().ask(&frame).len(), 1);
}

#[test]
fn padding_of_a_short_frame_is_not_part_of_the_packet() {
    let mut frame = tcp(WEB, 81, "S");
    frame.resize(60, 0xff);
    assert_eq!(Bench::new().ask(&frame), ["192.0.2.10 ttl 64: RA seq 0 ack 1001 win 0"]);
}

#[test]
fn what_goes_to_all_stations_is_not_answered() {
    let mut syn = tcp(WEB, 81, "S");
    syn[..6].fill(0xff);
    assert!(Bench::new().ask(&syn).is_empty(), "a SYN in a broadcast frame (RFC 1122 section 4.2.3.10)");
    let mut datagram = udp(WEB, 53, b"");
    datagram[..6].fill(0xff);
    assert!(Bench::new().ask(&datagram).is_empty(), "no ICMP error for a broadcast (RFC 1122 section 3.2.2)");
    let mut ping = echo([192, 0, 2, 255], 64);
    ping[..6].fill(0xff);
    assert!(Bench::new().ask(&ping).is_empty(), "a ping to the broadcast address, as Linux");
}

#[test]
fn an_icmp_error_is_never_answered_by_one() {
    // A quote of something to port 53, in an error that carries a wrong protocol: nothing may come back.
    let mut frame = Vec::new();
    let kind = etherparse::Icmpv4Type::DestinationUnreachable(etherparse::icmpv4::DestUnreachableHeader::Port);
    ip(REJECT, 64).icmpv4(kind).write(&mut frame, &udp(REJECT, 53, b"")[14..]).unwrap();
    assert!(Bench::new().ask(&frame).is_empty());
}

#[test]
fn a_flood_of_syns_fills_no_memory_and_shuts_nobody_out() {
    let mut bench = Bench::new();
    for port in 1..=3000u16 {
        let mut frame = Vec::new();
        // From a station that is not there, so nobody resets what comes back.
        let step = PacketBuilder::ethernet2(mac(YOU), mac(WEB)).ipv4([192, 0, 2, 77], WEB, 64);
        step.tcp(port, 80, 1000, 1024).syn().write(&mut frame, b"").unwrap();
        bench.send(&frame);
    }
    bench.all();
    assert_eq!(bench.ask(&tcp(WEB, 80, "S")).len(), 1);
    bench.lab.sleep(Duration::from_secs(64));
    assert_eq!(bench.link.poll(Time::NEVER, &mut |_| {}).unwrap(), Polled::Never, "after a minute all is forgotten");
}

proptest! {
    #[test]
    fn no_frame_breaks_the_laboratory(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
        let mut bench = Bench::new();
        let _ = bench.link.send(Via::Frame(1), &bytes, 0);
        let _ = bench.link.send(Via::Ip(None), &bytes, 0);
        let mut to_web = [&mac(WEB)[..], &mac(YOU)[..], &[8, 0][..]].concat();
        to_web.extend_from_slice(&bytes);
        let _ = bench.link.send(Via::Frame(1), &to_web, 0);
        to_web[12..14].copy_from_slice(&[0x86, 0xdd]);
        let _ = bench.link.send(Via::Frame(1), &to_web, 0);
        bench.all();
    }

    #[test]
    fn no_header_of_ipv6_breaks_it(next in any::<u8>(), to_all in any::<bool>(), bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut bench = Bench::new();
        let dst = if to_all { six::ALL } else { six::WEB6 };
        for next in [next, 0, 43, 44, 60, 58] {
            bench.send(&six::raw6(dst, 255, next, &bytes));
        }
        // The same with a right checksum: what is behind it is looked at.
        if let [kind, code, a, b, c, d, body @ ..] = &bytes[..] {
            let kind = etherparse::Icmpv6Type::Unknown { type_u8: *kind, code_u8: *code, bytes5to8: [*a, *b, *c, *d] };
            bench.send(&six::icmp6(six::YOU6, dst, 255, kind, body));
            for type_u8 in 133..138 {
                let kind = etherparse::Icmpv6Type::Unknown { type_u8, code_u8: 0, bytes5to8: [*a, *b, *c, *d] };
                bench.send(&six::icmp6(six::YOU6, dst, 255, kind, body));
            }
        }
        bench.all();
    }

    #[test]
    fn no_cut_or_changed_frame_breaks_it(
        which in 0..10usize,
        cut in 0..80usize,
        at in 14..80usize,
        value in any::<u8>(),
        repaired in any::<bool>(),
    ) {
        let frames = [
            tcp(WEB, 80, "S"), udp(WEB, 7, b"abcdefgh"), echo(FAR, 1), who_has(WEB), tcp(REJECT, 1, "S"), tcp(FAR, 80, "S"),
            six::tcp6(six::WEB6, 80, "S"), six::udp6(six::WEB6, 7, b"abcdefgh"), six::echo6(six::FAR6, 1), six::echo6(six::ALL, 64),
        ];
        let mut frame = frames[which].clone();
        frame.truncate(frame.len().saturating_sub(cut).max(14));
        if let Some(byte) = frame.get_mut(at) {
            *byte = value;
        }
        if repaired && frame.len() >= 34 {
            right_ip_checksum(&mut frame);
        }
        let mut bench = Bench::new();
        bench.send(&frame);
        let _ = bench.link.send(Via::Ip(None), &frame[14..], 0);
        bench.all();
    }
}
