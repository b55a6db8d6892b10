//! What lies between the networks: routers, the ways through them, and their filters.

use std::net::Ipv6Addr;

use super::six::*;
use super::*;

const DEEP: [u8; 4] = [203, 0, 113, 170];
const DEEP6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, 0xa);
const OFFICE: [u8; 4] = [192, 0, 2, 41];
const OUTSIDE: [u8; 4] = [203, 0, 113, 41];
const OUTSIDE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0x29, 0, 0, 0, 0, 0x41);

/// Who answers a probe with that many hops to live, and after how many milliseconds.
fn hop(bench: &mut Bench, probe: &[u8]) -> (String, u128) {
    let start = bench.link.now();
    bench.send(probe);
    let heard = bench.all();
    let Some(answer) = heard.first() else { return ("*".to_owned(), 0) };
    (describe(&answer.bytes).split(' ').next().unwrap().to_owned(), (answer.at - start).as_millis())
}

#[test]
fn a_traceroute_shows_every_router_but_the_quiet_one() {
    let v4 = ["192.0.2.1", "203.0.113.2", "*", "203.0.113.146", "203.0.113.170"];
    let v6 = ["2001:db8::1", "2001:db8:2::2", "*", "2001:db8:b::2", "2001:db8:c::a"];
    let times = [0, 0, 0, 82, 82]; // the sea is between the third and the fourth
    for ttl in 1..=5u8 {
        let at = usize::from(ttl - 1);
        let mut bench = Bench::new();
        assert_eq!(hop(&mut bench, &echo(DEEP, ttl)), (v4[at].to_owned(), times[at]), "TTL {ttl}");
        assert_eq!(hop(&mut bench, &echo6(DEEP6, ttl)), (v6[at].to_owned(), times[at]), "hop limit {ttl}");
    }
    let mut bench = Bench::new();
    let answer = bench.ask(&tcp(DEEP, 81, "S"));
    assert_eq!(answer, ["203.0.113.170 ttl 60: RA seq 0 ack 1001 win 0"], "four routers back as well");
    assert_eq!(bench.ask(&udp(DEEP, 7, b"hi")), ["203.0.113.170 ttl 60: udp 7 to 61000: hi"]);
}

#[test]
fn the_router_of_a_network_says_that_nobody_is_there() {
    let mut bench = Bench::new();
    let start = bench.link.now();
    bench.send(&echo([203, 0, 113, 140], 64));
    let heard = bench.all();
    assert_eq!(describe(&heard[0].bytes), "203.0.113.2 ttl 254: icmp 3/1 with 28 bytes");
    assert_eq!((heard[0].at - start).as_secs(), 3);
    assert!(bench.ask(&echo([203, 0, 113, 143], 64)).is_empty(), "the broadcast of 203.0.113.128/28");
    assert_eq!(
        bench.ask(&echo6("2001:db8:d::1".parse().unwrap(), 64)),
        ["2001:db8::1 ttl 64: icmp6 1/0 with 51 bytes"]
    );
}

#[test]
fn routers_answer_at_all_their_addresses() {
    let mut bench = Bench::new();
    for addr in [[203, 0, 113, 1], [203, 0, 113, 2], [203, 0, 113, 129], [203, 0, 113, 161], [203, 0, 113, 33]] {
        let answer = bench.ask(&echo(addr, 64)).remove(0);
        assert!(answer.starts_with(&std::net::Ipv4Addr::from(addr).to_string()), "{answer}");
    }
}

#[test]
fn the_office_is_open_from_its_link_and_filtered_from_outside() {
    let mut bench = Bench::new();
    // A port, its flags; what the office says on the link and through the router.
    let rows = [
        (80, "S", "SA seq ISS ack 1001", "SA seq ISS ack 1001"),
        (135, "S", "SA seq ISS ack 1001", ""),
        (445, "S", "SA seq ISS ack 1001", ""),
        (81, "S", "RA seq 0 ack 1001", ""),
        (135, "A", "R seq 5000", ""),
        (135, "F", "RA seq 0", ""),
        (80, "F", "RA seq 0", ""),
    ];
    for (port, flags, near, far) in rows {
        for (addr, wanted) in [(OFFICE, near), (OUTSIDE, far)] {
            let found = Bench::new().ask(&tcp(addr, port, flags));
            let is_right = found.first().map_or(wanted.is_empty(), |line| {
                !wanted.is_empty()
                    && line.starts_with(&std::net::Ipv4Addr::from(addr).to_string())
                    && line.contains(wanted)
            });
            assert!(is_right, "{flags:?} to port {port} of {addr:?}: {found:?}");
        }
    }
    bench.send(&tcp(OUTSIDE, 80, "S"));
    let answer = bench.incoming().remove(0);
    assert_eq!(answer[6..12], mac(GW), "back by the way that it came, though the office is on our link");
    assert_eq!(answer[22], 126);
    let found = Bench::new().ask(&tcp6(OUTSIDE6, 80, "S")).remove(0);
    assert!(found.starts_with("2001:db8:29::41 ttl 126: SA seq ISS"), "{found}");
    assert!(Bench::new().ask(&tcp6(OUTSIDE6, 135, "S")).is_empty());
    let hops: Vec<_> = (1..=3).map(|ttl| hop(&mut bench, &echo(OUTSIDE, ttl)).0).collect();
    assert_eq!(hops, ["192.0.2.1", "203.0.113.3", "203.0.113.41"]);
}

#[test]
fn a_second_name_has_addresses_of_its_own() {
    let lab = Lab::new(1);
    let addrs = |name: &str| lab.resolve(name).unwrap().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(addrs("office.lab"), ["192.0.2.41", "2001:db8::41"]);
    assert_eq!(addrs("Office-Outside.lab."), ["203.0.113.41", "2001:db8:29::41"]);
    let rows = lab.plan().list();
    let row = rows.iter().find(|row| row.name == "office-outside.lab").unwrap();
    assert_eq!((row.addrs.len(), lab.plan().show(&row.name).unwrap().lines().next()), (2, Some("office.lab")));
    let error = lab.resolve("ofice-outside.lab").unwrap_err().to_string();
    assert!(error.contains("did you mean \"office-outside.lab\"?"), "{error}");
}

/// A ring of four networks: two ways from the first to the third.
const RING: &str = r#"
[[net]]
prefixes = ["198.51.100.16/28"]
[[net]]
prefixes = ["198.51.100.32/28"]
link = { delay_us = 1000 }
[[host]]
name = "long.lab"
addrs = ["192.0.2.1", "203.0.113.1"]
about = "The long way."
forward = true
[[host]]
name = "middle.lab"
addrs = ["203.0.113.2", "198.51.100.17"]
about = "On the long way."
forward = true
[[host]]
name = "short.lab"
addrs = ["192.0.2.3", "198.51.100.33"]
about = "The short way."
forward = true
[[host]]
name = "end.lab"
addrs = ["198.51.100.18", "198.51.100.34"]
about = "In two networks, and no router."
"#;

#[test]
fn packets_take_the_shortest_way_and_answers_the_way_of_their_address() {
    let mut bench = Bench::of(Lab::from_plan(Plan::parse(RING).unwrap(), 1));
    let mut ask = |dst: [u8; 4], ttl| {
        let router = match bench.lab.route(dst.into(), None).unwrap().next_hop {
            IpAddr::V4(router) => router.octets(),
            IpAddr::V6(router) => panic!("{router}"),
        };
        let mut frame = echo(dst, ttl);
        frame[..6].copy_from_slice(&mac(router));
        (router[3], bench.ask(&frame).join(" "))
    };
    let (router, answer) = ask([198, 51, 100, 18], 64);
    assert_eq!((router, answer.as_str()), (1, "198.51.100.18 ttl 62: icmp 0/0 with 3 bytes"), "two routers");
    let (router, answer) = ask([198, 51, 100, 34], 64);
    assert_eq!((router, answer.as_str()), (3, "198.51.100.34 ttl 63: icmp 0/0 with 3 bytes"), "one router");
    // No router stands in 198.51.100.0/24 itself, so the first one of the plan is asked, and knows no way.
    let (router, answer) = ask([198, 51, 100, 99], 64);
    assert_eq!((router, answer.as_str()), (1, "192.0.2.1 ttl 64: icmp 3/0 with 31 bytes"));
}
