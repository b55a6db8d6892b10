//! The laboratory as a world: routes, names, the clock, and the student's own machine.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::net::{Reach, Slept};

fn addr(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn routes_go_to_the_link_to_the_gateway_or_nowhere() {
    let lab = Lab::new(1);
    let rows = [
        ("192.0.2.10", "192.0.2.10", Reach::Remote),
        ("192.0.2.2", "192.0.2.2", Reach::Local),
        ("192.0.2.255", "192.0.2.255", Reach::Broadcast),
        ("198.51.100.10", "192.0.2.1", Reach::Remote),
        ("203.0.113.1", "192.0.2.1", Reach::Remote),
    ];
    for (dst, next_hop, reach) in rows {
        let route = lab.route(addr(dst), Some("lab0")).unwrap();
        assert_eq!((route.next_hop, route.reach, route.source), (addr(next_hop), reach, addr("192.0.2.2")), "{dst}");
    }
    for dst in ["10.0.0.1", "8.8.8.8", "127.0.0.1", "::1"] {
        let error = lab.route(addr(dst), None).unwrap_err().to_string();
        assert!(error.contains("documentation networks only"), "{error}");
    }
    let group = addr("224.0.0.251");
    assert!(!lab.owns(group), "of which interface?");
    let route = lab.route(group, Some("lab0")).unwrap();
    assert_eq!((route.next_hop, route.reach, route.source), (group, Reach::Multicast, addr("192.0.2.2")));
    assert!(lab.route(group, None).unwrap_err().to_string().contains("iface=\"lab0\""));
    assert!(lab.route(addr("192.0.2.1"), Some("eth0")).unwrap_err().to_string().contains("only lab0"));
    assert!(lab.route(addr("192.0.2.1"), Some("lab1")).unwrap_err().to_string().contains("did you mean \"lab0\"?"));
}

#[test]
fn routes_of_ipv6_choose_a_source_of_the_same_scope() {
    let lab = Lab::new(1);
    let link_local = "fe80::ff:fe00:2";
    // Destination, with the interface named or not; next hop, reach, source.
    let rows = [
        ("2001:db8::10", None, "2001:db8::10", Reach::Remote, "2001:db8::2"),
        ("2001:db8::2", None, "2001:db8::2", Reach::Local, "2001:db8::2"),
        ("2001:db8:1::10", Some("lab0"), "2001:db8::1", Reach::Remote, "2001:db8::2"),
        ("2001:db8:2::1", None, "2001:db8::1", Reach::Remote, "2001:db8::2"),
        ("2001:db8:ffff::1", None, "2001:db8::1", Reach::Remote, "2001:db8::2"),
        ("fe80::ff:fe00:a", Some("lab0"), "fe80::ff:fe00:a", Reach::Remote, link_local),
        ("fe80::1234", Some("lab0"), "fe80::1234", Reach::Remote, link_local),
        (link_local, Some("lab0"), link_local, Reach::Local, link_local),
        ("ff02::1", Some("lab0"), "ff02::1", Reach::Multicast, link_local),
        ("ff02::1:ff00:10", Some("lab0"), "ff02::1:ff00:10", Reach::Multicast, link_local),
        ("ff05::2", Some("lab0"), "ff05::2", Reach::Multicast, "2001:db8::2"),
    ];
    for (dst, iface, next_hop, reach, source) in rows {
        let route = lab.route(addr(dst), iface).unwrap();
        assert_eq!((route.next_hop, route.reach, route.source), (addr(next_hop), reach, addr(source)), "{dst}");
    }
    for dst in ["fe80::ff:fe00:a", "ff02::1"] {
        assert!(!lab.owns(addr(dst)), "{dst}: of which interface?");
        let error = lab.route(addr(dst), None).unwrap_err().to_string();
        assert!(error.contains(&format!("{dst}%lab0")), "{error}");
    }
    assert!(lab.route(addr("2a00::1"), Some("lab0")).is_err());
    let addrs: Vec<_> = lab.interfaces().unwrap()[0].addrs.iter().map(|s| format!("{}/{}", s.addr, s.prefix)).collect();
    assert_eq!(addrs, ["192.0.2.2/24", "2001:db8::2/64", "fe80::ff:fe00:2/64"]);
}

#[test]
fn an_ipv6_packet_is_given_a_frame_and_nothing_else() {
    use six::{ALL, FAR6, WEB_LL, WEB6, YOU_LL, echo6, echo6_from, mac6, tcp6};
    // A packet, whether it needs the interface, the frame's destination, and how many answer.
    let mut wrong = tcp6(WEB6, 81, "S");
    wrong[18..20].fill(0xee);
    let rows = [
        (tcp6(WEB6, 81, "S"), false, mac6(WEB6), 1),
        (wrong, false, mac6(WEB6), 0),
        (echo6(FAR6, 64), false, mac6(FAR6), 1),
        (echo6_from(YOU_LL, WEB_LL, 64), true, mac6(WEB6), 1),
        (echo6_from(YOU_LL, ALL, 1), true, mac6(ALL), 4),
    ];
    for (frame, needs_iface, to, answers) in rows {
        let mut bench = Bench::small();
        let refused = bench.link.send(Via::Ip(None), &frame[14..], 0).is_err();
        assert_eq!(refused, needs_iface);
        if needs_iface {
            bench.link.send(Via::Ip(Some(1)), &frame[14..], 0).unwrap();
        }
        let mut other = bench.lab.open().unwrap();
        bench.link.send(Via::Ip(Some(1)), &frame[14..], 0).unwrap();
        let mut seen = Vec::new();
        other.poll(bench.link.now(), &mut |event| keep(&event, &mut seen)).unwrap();
        assert!(seen[0].outgoing);
        assert_eq!(seen[0].bytes, [&to[..], &mac(YOU), &frame[12..]].concat(), "as it was given");
        assert_eq!(bench.incoming().len(), 2 * answers);
    }
    let mut bench = Bench::new();
    let outside = [&tcp6(WEB6, 80, "S")[14..38], &[0x2a; 16]].concat();
    let error = bench.link.send(Via::Ip(Some(1)), &outside, 0).unwrap_err().to_string();
    assert!(error.contains("2001:db8::/32"), "{error}");
}

#[test]
fn names_have_addresses() {
    let lab = Lab::new(1);
    assert_eq!(lab.resolve("web.lab").unwrap(), [addr("192.0.2.10"), addr("2001:db8::10")]);
    assert_eq!(lab.resolve("Web.LAB.").unwrap(), [addr("192.0.2.10"), addr("2001:db8::10")]);
    let gw = ["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1", "2001:db8:1::1", "2001:db8:2::1"];
    assert_eq!(lab.resolve("gw.lab").unwrap(), gw.map(addr), "IPv4 first");
    assert_eq!(lab.resolve("you.lab").unwrap(), [addr("192.0.2.2"), addr("2001:db8::2")]);
    assert_eq!(lab.resolve("192.0.2.77").unwrap(), [addr("192.0.2.77")]);
    assert!(lab.resolve("wbe.lab").unwrap_err().to_string().contains("did you mean \"web.lab\"?"));
}

#[test]
fn a_neighbor_is_known_once_arp_has_told() {
    let mut bench = Bench::new();
    assert_eq!(bench.lab.neighbor(1, WEB.into()), None);
    bench.send(&echo(WEB, 64));
    bench.all();
    assert_eq!(bench.lab.neighbor(1, WEB.into()), None);
    bench.ask(&who_has(WEB));
    assert_eq!(bench.lab.neighbor(1, WEB.into()), Some(Mac(mac(WEB))));
    assert_eq!(bench.lab.neighbor(2, WEB.into()), None);
}

#[test]
fn waiting_jumps_to_the_next_event_and_says_when_none_can_come() {
    let mut bench = Bench::new();
    let nothing = &mut |_: Event<'_>| panic!("nothing was sent");
    assert_eq!(bench.link.poll(Time::NEVER, nothing).unwrap(), Polled::Never);
    assert_eq!(bench.link.now(), Time::ZERO);
    assert_eq!(bench.link.poll(Time::from_nanos(2_000_000_000), nothing).unwrap(), Polled::Timeout);
    assert_eq!(bench.link.now(), Time::from_nanos(2_000_000_000));
    assert_eq!(bench.link.poll(Time::ZERO, nothing).unwrap(), Polled::Timeout);
    assert_eq!(bench.link.now(), Time::from_nanos(2_000_000_000), "the clock never goes back");

    // Two answers at the same time come in one poll, and the wait ends at that time.
    bench.send(&echo(WEB, 64));
    bench.send(&echo(WEB, 64));
    let mut count = 0;
    assert_eq!(bench.link.poll(Time::NEVER, &mut |_| count += 1).unwrap(), Polled::Some);
    assert_eq!((count, bench.link.now()), (2, Time::from_nanos(2_000_300_000)));
    assert_eq!(bench.link.poll(Time::NEVER, &mut |_| count += 1).unwrap(), Polled::Never);
    assert_eq!(bench.link.stats().received, 2);
}

#[test]
fn a_link_can_be_used_while_it_hands_over() {
    let mut bench = Bench::new();
    bench.send(&echo(WEB, 64));
    let lab = bench.lab.clone();
    bench
        .link
        .poll(Time::NEVER, &mut |_| {
            assert_eq!(lab.now(), Time::from_nanos(300_000));
            let mut inner = lab.open().unwrap();
            inner.send(Via::Frame(1), &echo(WEB, 64), 0).unwrap();
            assert_eq!(inner.poll(Time::NEVER, &mut |_| {}).unwrap(), Polled::Some);
        })
        .unwrap();
    assert_eq!(bench.incoming().len(), 1, "what the inner call waited for was heard here, too");
}

#[test]
fn sleep_lets_things_happen_and_keeps_what_came() {
    let mut bench = Bench::new();
    bench.send(&echo(WEB, 64));
    assert_eq!(bench.lab.sleep(Duration::from_secs(1)), Slept::Whole);
    assert_eq!(bench.link.now(), Time::from_nanos(1_000_000_000));
    let heard = bench.all();
    assert_eq!(heard[0].at, Time::from_nanos(300_000), "stamped when it came");
}

#[test]
fn a_paused_link_captures_nothing_and_resume_forgets() {
    let mut bench = Bench::new();
    bench.link.pause().unwrap();
    bench.send(&echo(WEB, 64));
    assert!(bench.all().is_empty());
    bench.link.resume().unwrap();
    bench.send(&echo(WEB, 64));
    bench.lab.sleep(Duration::from_secs(1));
    bench.link.resume().unwrap();
    assert!(bench.all().is_empty());
    assert_eq!(bench.link.stats().received, 0);
}

#[test]
fn the_stop_flag_ends_a_wait_and_stays() {
    let mut bench = Bench::new();
    let stop = Arc::new(AtomicBool::new(true));
    bench.lab.set_stop(Arc::clone(&stop));
    bench.send(&echo(WEB, 64));
    assert_eq!(bench.link.poll(Time::NEVER, &mut |_| {}).unwrap(), Polled::Interrupted);
    assert_eq!(bench.lab.sleep(Duration::from_secs(1)), Slept::Interrupted);
    assert!(stop.swap(false, Ordering::Relaxed), "whoever set it clears it");
    assert_eq!(bench.incoming().len(), 1, "nothing was lost");
}

#[test]
fn an_ip_packet_is_given_a_frame_and_repaired() {
    let mut bench = Bench::new();
    let mut packet = tcp(WEB, 81, "S")[14..].to_vec();
    packet[2..4].fill(0xee); // total length
    packet[10..12].fill(0xee); // checksum
    let mut other = bench.lab.open().unwrap();
    bench.send_ip(&packet);
    let mut seen = Vec::new();
    other.poll(Time::NEVER, &mut |event| keep(&event, &mut seen)).unwrap();
    assert!(seen[0].outgoing);
    assert_eq!(seen[0].bytes, tcp(WEB, 81, "S"), "as it went out, to another link");
    let all = bench.all();
    assert_eq!(describe(&all[0].bytes), "192.0.2.10 ttl 64: RA seq 0 ack 1001 win 0");
}

#[test]
fn our_own_address_is_answered_by_our_own_kernel() {
    let mut bench = Bench::new();
    let rows = [
        (tcp(YOU, 80, "S"), "192.0.2.2 ttl 64: RA seq 0 ack 1001 win 0"),
        (echo(YOU, 64), "192.0.2.2 ttl 64: icmp 0/0 with 3 bytes"),
        (udp(YOU, 53, b""), "192.0.2.2 ttl 64: icmp 3/3 with 28 bytes"),
    ];
    for (frame, answer) in rows {
        bench.send_ip(&frame[14..]);
        let heard = bench.all();
        assert!(heard.iter().all(|h| !h.outgoing && h.bytes[..12] == [0; 12]), "as on Linux' loopback");
        assert_eq!(heard.len(), 2);
        assert_eq!(describe(&heard[1].bytes), answer);
    }
}

#[test]
fn what_cannot_go_out_is_refused_in_words() {
    let mut bench = Bench::new();
    let mut say = |via, bytes: &[u8]| bench.link.send(via, bytes, 0).unwrap_err().to_string();
    assert!(say(Via::Frame(1), &[0; 13]).contains("header of 14 bytes"));
    assert!(say(Via::Frame(1), &[0; 1515]).contains("the MTU of lab0 is 1500"));
    assert!(say(Via::Frame(2), &[0; 60]).contains("no interface \"2\""));
    assert!(say(Via::Ip(None), &[0x45; 19]).contains("header of 20 bytes"));
    assert!(say(Via::Ip(None), &[0x45; 1501]).contains("MTU"));
    let outside = [&tcp(WEB, 80, "S")[14..30], &[8, 8, 8, 8]].concat();
    assert!(say(Via::Ip(None), &outside).contains("documentation networks only"));
    assert!(say(Via::Ip(None), &[0x60; 40]).contains("no route to 6060:"));
    assert!(say(Via::Ip(None), &[0x60; 39]).contains("header of 40 bytes"));
    assert!(say(Via::Ip(None), &[0x60; 1501]).contains("MTU"));
}

#[test]
fn a_full_wire_refuses_until_something_is_received() {
    let mut bench = Bench::new();
    let frame = tcp(WEB, 81, "S");
    let sent = (0..100_000).take_while(|_| bench.link.send(Via::Frame(1), &frame, 0).is_ok()).count();
    assert_eq!(sent, 65536);
    bench.all();
    bench.send(&frame);
}
