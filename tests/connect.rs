//! Connections of the machine's own TCP: the same outcomes from a real kernel, behind the kernel's rules, and in the
//! laboratory, behind its filters.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test prints what it ran and fails by panicking")]

mod support;

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::process::Command;
use std::time::Duration;

use pktsh::base::Time;
use pktsh::lab::{Lab, Plan};
use pktsh::net::live::LiveWorld;
use pktsh::net::{ConnectError, Dial, Event, Link, Polled, Via, World};
use support::wire::{Wire, inside, run};

use ConnectError::{Denied, HostUnreachable, NetUnreachable, Other, ProtoUnreachable, Refused};

/// What became of a connection; `None` when nothing came until it was given up.
type Outcome = Option<Result<(), ConnectError>>;

const OPEN: Outcome = Some(Ok(()));
const SILENT: Outcome = None;
#[allow(clippy::unnecessary_wraps, reason = "an outcome like the others of the table")]
const fn not(why: ConnectError) -> Outcome {
    Some(Err(why))
}

/// A port behind a filter.
struct Row {
    /// The laboratory's filter.
    lab: &'static str,
    /// The kernel's rules for the port, of each family; none lets everything through.
    rules: [&'static str; 2],
    /// Something listens at the port.
    open: bool,
    /// What becomes of a connection: IPv4, IPv6 in the kernel, IPv6 in the laboratory.
    wanted: [Outcome; 3],
}

/// The laboratory has one word of `ICMPv6` for all that is prohibited (1/1), and one more than nftables for a protocol
/// that is not spoken (4/1, `EPROTO`).
#[rustfmt::skip] // a table
const ROWS: [Row; 14] = [
    Row { lab: "accept", rules: ["", ""], open: true, wanted: [OPEN; 3] },
    Row { lab: "accept", rules: ["", ""], open: false, wanted: [not(Refused); 3] },
    Row { lab: "drop", rules: ["drop", "drop"], open: true, wanted: [SILENT; 3] },
    Row { lab: "tcp-reset", rules: ["reject with tcp reset", "reject with tcp reset"], open: true,
        wanted: [not(Refused); 3] },
    Row { lab: "port-unreachable", rules: ["reject with icmp type port-unreachable",
        "reject with icmpv6 type port-unreachable"], open: true, wanted: [not(Refused); 3] },
    Row { lab: "host-unreachable", rules: ["reject with icmp type host-unreachable",
        "reject with icmpv6 type addr-unreachable"], open: true, wanted: [not(HostUnreachable); 3] },
    Row { lab: "net-unreachable", rules: ["reject with icmp type net-unreachable",
        "reject with icmpv6 type no-route"], open: true, wanted: [not(NetUnreachable); 3] },
    Row { lab: "protocol-unreachable", rules: ["reject with icmp type prot-unreachable",
        "reject with icmpv6 type policy-fail"], open: true,
        wanted: [not(ProtoUnreachable), not(Denied), not(Other(71))] },
    Row { lab: "net-prohibited", rules: ["reject with icmp type net-prohibited",
        "reject with icmpv6 type admin-prohibited"], open: true,
        wanted: [not(NetUnreachable), not(Denied), not(Denied)] },
    Row { lab: "host-prohibited", rules: ["reject with icmp type host-prohibited",
        "reject with icmpv6 type reject-route"], open: true,
        wanted: [not(HostUnreachable), not(Denied), not(Denied)] },
    Row { lab: "admin-prohibited", rules: ["reject with icmp type admin-prohibited",
        "reject with icmpv6 type admin-prohibited"], open: true,
        wanted: [not(HostUnreachable), not(Denied), not(Denied)] },
    Row { lab: "admin-prohibited", rules: ["reject with icmp type admin-prohibited",
        "reject with icmpv6 type admin-prohibited"], open: false,
        wanted: [not(HostUnreachable), not(Denied), not(Denied)] },
    Row { lab: "drop", rules: ["drop", "drop"], open: false, wanted: [SILENT; 3] },
    Row { lab: "accept", rules: ["", ""], open: true, wanted: [OPEN; 3] },
];

/// Opens a connection to each of `to` at once, and gives up after `span`. What became of each, and when it was known.
fn dial(link: &mut dyn Link, to: &[SocketAddr], span: Duration) -> Vec<(Outcome, Duration)> {
    let start = link.now();
    let until = start + span;
    for (token, to) in to.iter().enumerate() {
        link.send(Via::Connect(Dial { to: *to, until }), &[], token as u64).unwrap();
    }
    let mut outcomes = vec![(None, Duration::ZERO); to.len()];
    let mut left = to.len();
    while left > 0 {
        let polled = link.poll(until, &mut |event| {
            let (token, at, outcome) = match event {
                Event::Connected { token, at } => (token, at, Ok(())),
                Event::Refused { token, at, why } => (token, at, Err(why)),
                other => panic!("{other:?}"),
            };
            let place = &mut outcomes[token as usize];
            assert_eq!(place.0, None, "told twice");
            *place = (Some(outcome), at - start);
            left -= 1;
        });
        if polled.unwrap() != Polled::Some {
            break;
        }
    }
    outcomes
}

fn outcomes(link: &mut dyn Link, to: &[SocketAddr], span: Duration) -> Vec<Outcome> {
    dial(link, to, span).into_iter().map(|(outcome, _)| outcome).collect()
}

/// Ports 2000 and on, one for each row, behind its rules.
fn wire_with_rules(wire: &Wire) -> Vec<support::wire::Running> {
    let mut script =
        "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit\n".to_owned();
    for (family, place) in [("ip", 0), ("ip6", 1)] {
        let chain = "type filter hook input priority 0;";
        let begin = format!("nft add table {family} t\nnft 'add chain {family} t in {{ {chain} }}'\n");
        let filtered = ROWS.iter().enumerate().filter(|(_, row)| !row.rules[place].is_empty());
        let rules = filtered.map(|(index, row)| {
            format!("nft 'add rule {family} t in tcp dport {} {}'\n", 2000 + index, row.rules[place])
        });
        script.extend(std::iter::once(begin).chain(rules));
    }
    wire.server_sh(&script);
    let open = ROWS.iter().enumerate().filter(|(_, row)| row.open);
    open.map(|(index, _)| wire.listen(2000 + index as u16)).collect()
}

#[test]
fn a_kernels_connections_end_as_its_errors_say() {
    inside("a_kernels_connections_end_as_its_errors_say", |wire| {
        let _listeners = wire_with_rules(wire);
        let mut link = LiveWorld::new(None).dialer().unwrap();
        for (addr, family) in [("10.9.0.2", 0), ("fd00:9::2", 1)] {
            let addr: IpAddr = addr.parse().unwrap();
            let to: Vec<SocketAddr> = (0..ROWS.len()).map(|index| (addr, 2000 + index as u16).into()).collect();
            let wanted: Vec<Outcome> = ROWS.iter().map(|row| row.wanted[family]).collect();
            assert_eq!(outcomes(&mut *link, &to, Duration::from_secs(2)), wanted, "{addr}");
        }
        // Nobody has the address; and no route leads there.
        for addr in ["10.9.0.77", "fd00:9::77"] {
            let to = SocketAddr::new(addr.parse().unwrap(), 80);
            assert_eq!(outcomes(&mut *link, &[to], Duration::from_secs(20)), [not(HostUnreachable)], "{addr}");
        }
        let nowhere = ["198.18.0.1:80", "[fd00:10::1]:80"].map(|to| to.parse().unwrap());
        assert_eq!(outcomes(&mut *link, &nowhere, Duration::from_secs(1)), [not(NetUnreachable); 2]);
    });
}

#[test]
fn every_port_of_the_loopback_is_told_and_none_is_open_to_itself() {
    inside("every_port_of_the_loopback_is_told_and_none_is_open_to_itself", |_| {
        let mut link = LiveWorld::new(None).dialer().unwrap();
        let to: Vec<SocketAddr> = (1..=65535).map(|port| ([127, 0, 0, 1], port).into()).collect();
        let outcomes = outcomes(&mut *link, &to, Duration::from_mins(2));
        assert!(outcomes.iter().all(|outcome| *outcome == not(Refused)), "nothing listens");
    });
}

#[test]
fn a_dialer_lives_with_few_descriptors() {
    inside("a_dialer_lives_with_few_descriptors", |_| {
        let world = LiveWorld::new(None);
        let mut early = world.dialer().unwrap(); // it believes in more than there are
        run(Command::new("prlimit").args(["--nofile=40", "--pid", &std::process::id().to_string()]));
        let to: Vec<SocketAddr> = (1..=300).map(|port| (Ipv4Addr::new(10, 9, 0, 2), port).into()).collect();
        for link in [&mut *early, &mut *world.dialer().unwrap()] {
            assert!(outcomes(link, &to, Duration::from_secs(20)).iter().all(|outcome| *outcome == not(Refused)));
        }
    });
}

#[test]
fn ctrl_c_ends_the_wait_for_a_connection() {
    inside("ctrl_c_ends_the_wait_for_a_connection", |wire| {
        wire.server_sh("ip link set eth0 down");
        let (read, write) = std::io::pipe().unwrap();
        let mut link = LiveWorld::new(Some(read.into())).dialer().unwrap();
        let to = "10.9.0.2:80".parse().unwrap();
        link.send(Via::Connect(Dial { to, until: Time::NEVER }), &[], 0).unwrap();
        (&write).write_all(b"x").unwrap();
        let polled = link.poll(Time::NEVER, &mut |event| println!("{event:?}")).unwrap();
        assert_eq!(polled, Polled::Interrupted);
    });
}

#[test]
fn a_dialer_carries_no_frames_and_gives_up_when_told() {
    let lab = Lab::new(1);
    for mut link in [LiveWorld::new(None).dialer().unwrap(), lab.dialer().unwrap()] {
        let error = link.send(Via::Ip(None), &[0x45; 20], 0).unwrap_err().to_string();
        assert!(error.contains("a dialer opens connections and carries no frames"), "{error}");
    }
    let dial = Dial { to: "192.0.2.10:80".parse().unwrap(), until: Time::NEVER };
    let error = lab.open().unwrap().send(Via::Connect(dial), &[], 0).unwrap_err().to_string();
    assert!(error.contains("connections are opened by a dialer"), "{error}");
    let mut link = lab.dialer().unwrap();
    link.send(Via::Connect(dial), &[], 0).unwrap();
    link.pause().unwrap();
    assert_eq!(link.poll(Time::NEVER, &mut |event| panic!("{event:?}")).unwrap(), Polled::Never);
}

/// A host for each row: 192.0.2.100 and on.
fn lab_with_filters() -> Lab {
    let host = |(index, row): (usize, &Row)| {
        let (last, filter) = (100 + index, row.lab);
        let tcp = if row.open { "80" } else { "81" };
        format!(
            "[[host]]\nname = \"h{last}.lab\"\naddrs = [\"192.0.2.{last}\", \"2001:db8::{last}\"]\nabout = \"A filter.\"\n\
             personality = \"linux\"\ntcp = \"{tcp}\"\nfilter = {{ default = \"{filter}\" }}\n"
        )
    };
    let plan: String = ROWS.iter().enumerate().map(host).collect();
    Lab::from_plan(Plan::parse(&plan).unwrap(), 1)
}

#[test]
fn the_laboratorys_connections_end_as_a_kernels() {
    let lab = lab_with_filters();
    let mut link = lab.dialer().unwrap();
    for (prefix, family) in [("192.0.2.", 0), ("2001:db8::", 2)] {
        let addr = |index: usize| format!("{prefix}{}", 100 + index).parse::<IpAddr>().unwrap();
        let to: Vec<SocketAddr> = (0..ROWS.len()).map(|index| (addr(index), 80).into()).collect();
        let wanted: Vec<Outcome> = ROWS.iter().map(|row| row.wanted[family]).collect();
        assert_eq!(outcomes(&mut *link, &to, Duration::from_secs(2)), wanted, "{prefix}");
    }
    for addr in ["192.0.2.77", "2001:db8::77"] {
        let told = dial(&mut *link, &[SocketAddr::new(addr.parse().unwrap(), 80)], Duration::from_secs(20));
        assert_eq!(told, [(not(HostUnreachable), Duration::from_secs(3))], "{addr}");
    }
    let link_local = SocketAddrV6::new("fe80::ff:fe00:64".parse().unwrap(), 80, 0, 1);
    assert_eq!(outcomes(&mut *link, &[link_local.into()], Duration::from_secs(2)), [OPEN], "its link-local address");
    let zone = SocketAddrV6::new("fe80::1".parse().unwrap(), 80, 0, 0);
    let error = link.send(Via::Connect(Dial { to: zone.into(), until: Time::NEVER }), &[], 0).unwrap_err();
    assert!(error.to_string().contains("fe80::1%lab0"), "{error}");
    let outside = Dial { to: "10.0.0.1:80".parse().unwrap(), until: Time::NEVER };
    assert!(link.send(Via::Connect(outside), &[], 0).unwrap_err().to_string().contains("no route to 10.0.0.1"));
}

#[test]
fn the_built_in_hosts_answer_a_connect() {
    let lab = Lab::new(1);
    let mut link = lab.dialer().unwrap();
    let rows = [
        ("web.lab", 80, OPEN),
        ("web.lab", 81, not(Refused)),
        ("drop.lab", 8080, SILENT),
        ("unreach.lab", 8080, not(Refused)),
        ("reject.lab", 8080, not(HostUnreachable)),
        ("reset.lab", 8080, not(Refused)),
        ("stateful.lab", 8080, OPEN),
        ("far.lab", 80, OPEN),
        ("you.lab", 80, not(Refused)),
    ];
    let to = rows.map(|(name, port, _)| SocketAddr::new(lab.resolve(name).unwrap()[0], port));
    assert_eq!(outcomes(&mut *link, &to, Duration::from_secs(5)), rows.map(|(.., outcome)| outcome));
    // All ports at once, of which a part is tried at a time: each is told once.
    let web = lab.resolve("web.lab").unwrap()[0];
    let all: Vec<SocketAddr> = (1..=5000).map(|port| (web, port).into()).collect();
    let told = outcomes(&mut *link, &all, Duration::from_mins(1));
    assert!(told.iter().all(Option::is_some));
    assert_eq!(told[79], OPEN);
}
