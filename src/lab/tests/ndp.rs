//! Neighbor discovery: RFC 4861.

use std::net::Ipv6Addr;

use etherparse::Icmpv6Type;

use super::six::*;
use super::*;

const SOLICIT: Icmpv6Type = Icmpv6Type::NeighborSolicitation;
const TO_WEB: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00, 0x10);

/// The option with our hardware address as source.
const OURS: [u8; 8] = [1, 1, 2, 0, 0, 0, 0, 2];

fn solicit(src: Ipv6Addr, dst: Ipv6Addr, target: Ipv6Addr, options: &[u8]) -> Vec<u8> {
    icmp6(src, dst, 255, SOLICIT, &[&target.octets()[..], options].concat())
}

#[test]
fn an_address_is_advertised_to_who_asks() {
    let mut bench = Bench::new();
    // Target; flags, hardware address (RFC 4861 section 7.2.4). The gateway says that it is a router.
    let rows = [
        (WEB6, 0x60, 10),
        (WEB_LL, 0x60, 10),
        (GW6, 0xe0, 1),
        (DROP6, 0x60, 20),
        (REJECT6, 0x60, 26),
        (NOPING6, 0x60, 33),
    ];
    for (target, flags, last) in rows {
        let [.., high, low] = target.segments();
        let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | high & 0xff, low);
        bench.send(&solicit(YOU6, group, target, &OURS));
        let answer = bench.incoming().remove(0);
        assert_eq!(describe(&answer), format!("{target} ttl 255: icmp6 136/0 with 24 bytes"));
        assert_eq!(answer[..12], [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, last], "from it to us");
        assert_eq!(answer[58..62], [flags, 0, 0, 0]);
        assert_eq!(answer[62..78], target.octets());
        assert_eq!(answer[78..], [2, 1, 2, 0, 0, 0, 0, last], "target link-layer address");
    }
    assert_eq!(bench.ask(&solicit(YOU6, WEB6, WEB6, &[])).len(), 1, "asked alone, as a probe of reachability");
}

#[test]
fn what_is_no_valid_solicitation_gets_no_answer() {
    let right = solicit(YOU6, TO_WEB, WEB6, &OURS);
    assert_eq!(ask(&right).len(), 1);
    let mut wrong_checksum = right.clone();
    wrong_checksum[56] ^= 1;
    let rows = [
        ("a hop limit below 255", icmp6(YOU6, TO_WEB, 254, SOLICIT, &[&WEB6.octets()[..], &OURS].concat())),
        ("a wrong checksum", wrong_checksum),
        ("code 1", icmp6(YOU6, TO_WEB, 255, unknown(135, 1), &[&WEB6.octets()[..], &OURS].concat())),
        ("a short message", icmp6(YOU6, TO_WEB, 255, unknown(135, 0), &WEB6.octets()[..15])),
        ("another target", solicit(YOU6, TO_WEB, home(0x110), &OURS)),
        ("a multicast target", solicit(YOU6, ALL, ALL, &OURS)),
        ("an option without length", solicit(YOU6, TO_WEB, WEB6, &[1, 0, 2, 0, 0, 0, 0, 2])),
        ("an option beyond the end", solicit(YOU6, TO_WEB, WEB6, &[1, 2, 2, 0, 0, 0, 0, 2])),
        ("a target in another network", solicit(YOU6, ALL, FAR6, &OURS)),
        ("another group", solicit(YOU6, "ff02::1:ff00:99".parse().unwrap(), WEB6, &OURS)),
        ("its own address as source", solicit(WEB6, TO_WEB, WEB6, &OURS)),
        ("no source, with its hardware address", solicit(Ipv6Addr::UNSPECIFIED, TO_WEB, WEB6, &OURS)),
        ("no source, and not to the group", solicit(Ipv6Addr::UNSPECIFIED, ALL, WEB6, &[])),
    ];
    for (what, frame) in rows {
        assert!(ask(&frame).is_empty(), "{what}");
    }
}

fn unknown(type_u8: u8, code_u8: u8) -> Icmpv6Type {
    Icmpv6Type::Unknown { type_u8, code_u8, bytes5to8: [0; 4] }
}

#[test]
fn a_probe_for_a_taken_address_is_answered_to_all() {
    let mut bench = Bench::new();
    bench.send(&solicit(Ipv6Addr::UNSPECIFIED, TO_WEB, WEB6, &[]));
    let answer = bench.incoming().remove(0);
    assert_eq!(answer[..6], mac6(ALL));
    assert_eq!(answer[38..54], ALL.octets());
    assert_eq!(answer[58], 0x20, "not solicited (RFC 4861 section 7.2.4)");
}

#[test]
fn the_router_advertises_the_prefix_of_the_link() {
    let ask = |src, options: &[u8]| {
        let mut bench = Bench::new();
        bench.send(&icmp6(src, ROUTERS, 255, Icmpv6Type::RouterSolicitation, options));
        bench.incoming()
    };
    let answers = ask(YOU_LL, &OURS);
    assert_eq!(answers.len(), 1, "from the gateway alone");
    let answer = &answers[0];
    assert_eq!(describe(answer), "fe80::ff:fe00:1 ttl 255: icmp6 134/0 with 56 bytes");
    assert_eq!(answer[38..54], YOU_LL.octets());
    assert_eq!(answer[58..62], [64, 0, 7, 8], "hop limit 64, no flags, 1800 s");
    let prefix = [&[3, 4, 64, 0xc0, 0, 0x27, 0x8d, 0, 0, 9, 0x3a, 0x80, 0, 0, 0, 0][..], &home(0).octets()].concat();
    let options = [&[1, 1, 2, 0, 0, 0, 0, 1][..], &[5, 1, 0, 0, 0, 0, 5, 0xdc], &prefix].concat();
    assert_eq!(answer[70..], options, "hardware address, MTU 1500, prefix with both flags");

    let to_all = ask(Ipv6Addr::UNSPECIFIED, &[]).remove(0);
    assert_eq!((&to_all[..6], &to_all[38..54]), (&mac6(ALL)[..], &ALL.octets()[..]));
    assert!(ask(Ipv6Addr::UNSPECIFIED, &OURS).is_empty(), "RFC 4861 section 6.1.1");
    let old = icmp6(YOU_LL, ROUTERS, 64, Icmpv6Type::RouterSolicitation, &OURS);
    assert!(Bench::new().ask(&old).is_empty());
}

#[test]
fn a_neighbor_is_known_once_an_advertisement_has_told() {
    let mut bench = Bench::new();
    assert_eq!(bench.lab.neighbor(1, WEB6.into()), None);
    bench.ask(&echo6(WEB6, 64));
    assert_eq!(bench.lab.neighbor(1, WEB6.into()), None);
    bench.ask(&solicit(YOU6, TO_WEB, WEB6, &OURS));
    assert_eq!(bench.lab.neighbor(1, WEB6.into()), Some(Mac(mac6(WEB6))));
    assert_eq!(bench.lab.neighbor(1, WEB_LL.into()), None);
    bench.ask(&solicit(YOU_LL, WEB6, WEB_LL, &OURS));
    assert_eq!(bench.lab.neighbor(1, WEB_LL.into()), Some(Mac(mac6(WEB6))));
    assert_eq!(bench.lab.neighbor(2, WEB6.into()), None);
}

#[test]
fn the_solicitation_of_our_own_address_is_answered_by_our_own_kernel() {
    let mut bench = Bench::new();
    // From the wire no other host asks, so a router solicitation shows that we are none, and a loopback ping that we
    // have all our addresses.
    for addr in [YOU6, YOU_LL] {
        bench.link.send(Via::Ip(Some(1)), &echo6_from(YOU6, addr, 64)[14..], 0).unwrap();
        let heard = bench.all();
        assert_eq!(heard.len(), 2, "{addr}: the request and the reply, as on Linux' loopback");
        assert_eq!(describe(&heard[1].bytes), format!("{addr} ttl 64: icmp6 129/0 with 3 bytes"));
    }
}
