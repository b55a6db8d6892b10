//! This machine itself, an interface without a link layer, and no privilege.

use std::collections::BTreeMap;

use pktsh::engine::Network;
use pktsh::net::live::{LiveWorld, drop_privileges};
use pktsh::scan::kinds::{KINDS, Kind, Probe};
use pktsh::scan::{Chosen, Request, State};

use crate::asked::{Question, ours, request, run_scan};
use crate::net;
use crate::session::session_with;
use crate::support::wire::{Running, Wire, inside};

/// Programs at the client's end: TCP port 1001, and UDP port 2001, which answers.
const PROGRAMS: &str = "import select, socket
t = socket.create_server(('', 1001), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)
u = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); u.bind(('', 2001))
print('ready', flush=True)
while True:
    for s in select.select([t, u], [], [])[0]:
        if s is t: s.accept()[0].close()
        else: u.sendto(b'here', u.recvfrom(2000)[1])";

fn programs(wire: &Wire) -> Running {
    wire.client_sh("echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit");
    Running::until_ready(wire.client("python3").args(["-c", PROGRAMS]))
}

/// A port, and what is said of it over IPv4 and IPv6.
type Told = (u16, [&'static str; 2]);

/// The ports of this machine, and what each kind says over IPv4 and IPv6.
#[rustfmt::skip] // a table
const OWN: &[(&[&str], &[Told])] = &[
    (&["syn"], &[(1001, ["open syn-ack"; 2]), (1002, ["closed reset"; 2])]),
    (&["connect"], &[(1001, ["open syn-ack"; 2]), (1002, ["closed conn-refused"; 2])]),
    (&["ack"], &[(1001, ["unfiltered reset"; 2]), (1002, ["unfiltered reset"; 2])]),
    (&["window", "maimon"], &[(1001, ["closed reset"; 2]), (1002, ["closed reset"; 2])]),
    (&["fin", "null", "xmas"], &[(1001, ["open|filtered no-response"; 2]), (1002, ["closed reset"; 2])]),
    (&["udp"], &[(2001, ["open udp-response"; 2]), (2002, ["closed port-unreach"; 2])]),
    (&["sctp-init", "sctp-cookie"], &[(3001, ["filtered proto-unreach", "filtered param-problem"])]),
    (&["protocol"], &[(6, ["open proto-response"; 2]), (17, ["open port-unreach"; 2]),
        (99, ["closed proto-unreach", "closed param-problem"])]),
];

#[test]
fn this_machine_is_scanned_as_any_other() {
    inside("local::this_machine_is_scanned_as_any_other", |wire| {
        let _programs = programs(wire);
        let mut live = Network::new(vec![Box::new(LiveWorld::new(None))], 1);
        let asked: Vec<&str> = OWN.iter().flat_map(|(kinds, _)| *kinds).copied().collect();
        let all = KINDS.iter().map(|kind| kind.name).filter(|name| *name != "idle");
        assert!(all.eq(asked.iter().copied()), "{asked:?}");
        let mut wrong = Vec::new();
        for (target, family) in [("127.0.0.1", 0), ("::1", 1), ("10.9.0.1", 0), ("fd00:9::1", 1)] {
            for (kinds, rows) in OWN {
                for kind in *kinds {
                    let ports = rows.iter().map(|(port, _)| *port).collect();
                    let kind = Kind::named(kind).unwrap();
                    let said = ours(&mut live, &Question { kind, target: target.into(), ports, ttl: None });
                    for (port, wanted) in *rows {
                        let verdict = &said[port].verdict;
                        if verdict != wanted[family] {
                            wrong.push(format!("{target} {} {port}: {verdict}, not {}", kind.name, wanted[family]));
                        }
                    }
                }
            }
            // ICMP is asked alone: every error says that its sender speaks it.
            let (kind, number) = (Kind::named("protocol").unwrap(), [1, 58][family]);
            let said = ours(&mut live, &Question { kind, target: target.into(), ports: vec![number], ttl: None });
            if said[&number].verdict != "open echo-reply" {
                wrong.push(format!("{target} protocol {number}: {:?}", said[&number]));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn all_ports_of_this_machine_are_told_our_own_among_them() {
    inside("local::all_ports_of_this_machine_are_told_our_own_among_them", |wire| {
        let _programs = programs(wire);
        let mut live = Network::new(vec![Box::new(LiveWorld::new(None))], 1);
        for target in ["127.0.0.1", "::1"] {
            for (kind, state) in [("syn", State::Open), ("fin", State::OpenFiltered), ("connect", State::Open)] {
                let kinds = vec![(Chosen::of(Kind::named(kind).unwrap()), (1..=65535).collect())];
                let scan = run_scan(&mut live, Request { kinds, ..request(&[target]) });
                let mut counts: BTreeMap<State, Vec<u16>> = BTreeMap::new();
                for row in &scan.rows {
                    counts.entry(row.state).or_default().push(row.port);
                }
                assert_eq!(counts.get(&state).map(Vec::as_slice), Some(&[1001][..]), "{kind} of {target}");
                assert_eq!(counts.get(&State::Closed).map(Vec::len), Some(65534), "{kind} of {target}");
            }
        }
    });
}

#[test]
fn an_interface_without_a_link_layer_carries_every_kind() {
    inside("local::an_interface_without_a_link_layer_carries_every_kind", |wire| {
        let _held = net::prepare(wire);
        wire.server_sh(&format!("nft -f - <<'END'\n{}\nEND", net::rules()));
        let _tun = wire.tun();
        let mut live = Network::new(vec![Box::new(LiveWorld::new(None))], 1);
        let measured = crate::measured();
        let mut wrong = Vec::new();
        for kind in KINDS.iter().filter(|kind| kind.probe != Probe::Idle) {
            // The programs of SCTP are at the Ethernet's end; ICMP is asked alone.
            let is_asked = |port: u16| !matches!((kind.probe, port), (Probe::Protocol, 1) | (_, 3001 | 3002));
            let ports = measured.keys().filter(|(port, name)| *name == kind.name && is_asked(*port));
            let ports = ports.map(|(port, _)| *port).collect();
            let said = ours(&mut live, &Question { kind, target: "10.9.1.2".into(), ports, ttl: None });
            for (port, said) in said {
                if said.verdict != measured[&(port, kind.name)] {
                    wrong.push(format!("{} {port}: {}, not {}", kind.name, said.verdict, measured[&(port, kind.name)]));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

#[test]
fn without_privilege_the_system_connects_and_that_is_said() {
    inside("local::without_privilege_the_system_connects_and_that_is_said", |wire| {
        let _held = net::prepare(wire);
        wire.server_sh(&format!("nft -f - <<'END'\n{}\nEND", net::rules()));
        let _programs = programs(wire);
        // Capabilities belong to a thread: this one has its own, and the stack that the interpreter needs.
        let work = || {
            caps::clear(None, caps::CapSet::Effective).unwrap();
            caps::clear(None, caps::CapSet::Permitted).unwrap();
            drop_privileges();
            let (mut session, heard) = session_with(vec![Box::new(LiveWorld::new(None))], <_>::default());
            let mut show = |line: &str| {
                let value = session.line(line).unwrap_or_else(|t| panic!("{line}: {t}"));
                session.display(&value).unwrap_or_default()
            };
            let lines = [
                ("let r = scan(\"127.0.0.1\", ports=\"1001,1002\")", ""),
                ("r.ports(\"open\")", "[1001]"),
                ("r.closed[0].kind", "\"connect\""),
                ("r.closed[0].reason", "\"conn-refused\""),
                ("let r = scan(\"10.9.0.2\", ports=\"1001,1002,1006\")", ""),
                ("r.hosts[0].reason", "\"conn-refused\""),
                ("r.ports(\"filtered\")", "[1006]"),
                ("is_up(\"10.9.2.2\")", "true"),
            ];
            for (line, wanted) in lines {
                assert_eq!(show(line), wanted, "{line}");
            }
            let table = show("r");
            let said = heard.screen.borrow().join("\n");
            let wanted = "connections by the system: raw packets need CAP_NET_RAW";
            assert!(said.contains(wanted) || table.contains(wanted), "{said}\n{table}");
            // What cannot be done so is refused, with the way out.
            let refused = session.line("syn_scan(\"127.0.0.1\", ports=1001)").err().map(|t| t.message);
            assert!(refused.as_ref().is_some_and(|why| why.contains("CAP_NET_RAW")), "{refused:?}");
        };
        let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(work).unwrap();
        thread.join().unwrap();
    });
}
