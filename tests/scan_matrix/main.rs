//! The scan matrix: every kind of scan, every filter, IPv4 and IPv6; Nmap beside us, and the laboratory beside a kernel.
//!
//! `tests/golden/scan-matrix.txt` is the page of it. `UPDATE_GOLDEN=1 cargo test --test scan_matrix` writes it anew; the
//! difference is then read, not believed. Where Nmap or the laboratory differs from us, `reasons.rs` needs a row.
//!
//! | file | what lives there |
//! |---|---|
//! | `ports` | the ports, and what was measured |
//! | `net`, `stack.py` | the networks, and a host that is made up |
//! | `asked` | Nmap and we |
//! | `page`, `reasons` | the page |
//! | `discovery` | who is there |
//! | `firewall` | the recipe that names filters |
//! | `local` | this machine itself, tunnels, no privilege |

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test shows what ran inside, and fails by panicking")]

mod asked;
mod discovery;
mod firewall;
mod local;
mod net;
mod page;
mod ports;
mod reasons;
#[path = "../support/session.rs"]
mod session;
#[path = "../support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use asked::{Question, nmap_all, ours, ours_and_strays};
use page::{Asked, Section};
use pktsh::base::ports::Proto;
use pktsh::engine::Network;
use pktsh::net::live::LiveWorld;
use pktsh::scan::kinds::{KINDS, Probe};
use ports::Port;
use support::wire::inside;

/// A section before it is asked: title, target, target in the laboratory, TTL, ports.
struct Plan {
    title: &'static str,
    target: &'static str,
    lab: Option<&'static str>,
    ttl: Option<u8>,
    ports: Vec<(Proto, Vec<Port>)>,
}

fn plans() -> Vec<Plan> {
    use ports::{
        MADE_UP_PROTOCOLS, MADE_UP_PROTOCOLS_V6, MADE_UP_SCTP, MADE_UP_SCTP_V6, MADE_UP_TCP, MADE_UP_TCP_V6,
        MADE_UP_UDP, MADE_UP_UDP_V6, PROTOCOLS, PROTOCOLS_V6, ROUTED, ROUTED_PROTOCOLS, SCTP, SHORT_LIVED, TCP, UDP,
    };
    let every = |tcp: &[Port], udp: &[Port], sctp: &[Port], ip: &[Port]| {
        vec![
            (Proto::Tcp, tcp.to_vec()),
            (Proto::Udp, udp.to_vec()),
            (Proto::Sctp, sctp.to_vec()),
            (Proto::Ip, ip.to_vec()),
        ]
    };
    let tcp: Vec<Port> = TCP.iter().map(|row| row.0).collect();
    let udp: Vec<Port> = UDP.iter().map(|row| row.0).collect();
    let sctp: Vec<Port> = SCTP.iter().map(|row| row.0).collect();
    let ip: Vec<Port> = PROTOCOLS.iter().map(|row| row.0).collect();
    let ([far, far6], [server, server6], [lab_far, lab_far6]) = (net::FAR, net::LAB_SERVER, net::LAB_FAR);
    let plan = |title, target, lab, ttl, ports| Plan { title, target, lab, ttl, ports };
    vec![
        plan("IPv4: a server", "10.9.0.2", Some(server), None, every(&tcp, &udp, &sctp, &ip)),
        plan("IPv6: a server", "fd00:9::2", Some(server6), None, every(&tcp, &udp, &sctp, PROTOCOLS_V6)),
        plan("IPv4: behind a router", far, Some(lab_far), None, every(ROUTED, ROUTED, ROUTED, ROUTED_PROTOCOLS)),
        plan("IPv6: behind a router", far6, Some(lab_far6), None, every(ROUTED, ROUTED, ROUTED, &[])),
        plan("IPv4: a TTL of 1", far, Some(lab_far), Some(1), every(SHORT_LIVED, SHORT_LIVED, SHORT_LIVED, &[])),
        plan(
            "IPv6: a hop limit of 1",
            far6,
            Some(lab_far6),
            Some(1),
            every(SHORT_LIVED, SHORT_LIVED, SHORT_LIVED, &[]),
        ),
        plan(
            "IPv4: the made-up host",
            "10.9.0.5",
            None,
            None,
            every(MADE_UP_TCP, MADE_UP_UDP, MADE_UP_SCTP, MADE_UP_PROTOCOLS),
        ),
        plan(
            "IPv6: the made-up host",
            "fd00:9::5",
            None,
            None,
            every(MADE_UP_TCP_V6, MADE_UP_UDP_V6, MADE_UP_SCTP_V6, MADE_UP_PROTOCOLS_V6),
        ),
    ]
}

impl Plan {
    /// The questions: every kind but the idle scan, which has a test of its own.
    fn questions(&self) -> Vec<Question> {
        let is_asked = |probe: Probe| match probe {
            Probe::Idle => false,
            Probe::Connect => self.ttl.is_none(), // the system chooses its TTL
            _ => true,
        };
        let mut questions = Vec::new();
        for kind in KINDS.iter().filter(|kind| is_asked(kind.probe)) {
            let ports = self.ports.iter().filter(|(proto, _)| *proto == kind.proto).flat_map(|(_, ports)| ports);
            // Any ICMP error says that its sender speaks ICMP: asked alone, it says so by an echo reply.
            let (alone, others): (Vec<u16>, Vec<u16>) =
                ports.map(|port| port.0).partition(|port| kind.probe == Probe::Protocol && [1, 58].contains(port));
            for ports in [others, alone].into_iter().filter(|ports| !ports.is_empty()) {
                questions.push(Question { kind, target: self.target.to_owned(), ports, ttl: self.ttl });
            }
        }
        questions
    }
}

/// What was measured of the server: by port and kind.
fn measured() -> BTreeMap<(u16, &'static str), &'static str> {
    let mut all = BTreeMap::new();
    for ((port, _), verdicts) in ports::TCP {
        let kinds = ["syn", "connect", "ack", "window", "maimon", "fin", "null", "xmas"];
        let places = [0, 1, 2, 3, 4, 5, 5, 5];
        all.extend(kinds.into_iter().zip(places).map(|(kind, place)| ((*port, kind), verdicts[place])));
    }
    for ((port, _), verdicts) in ports::SCTP {
        all.extend(["sctp-init", "sctp-cookie"].into_iter().zip(*verdicts).map(|(kind, said)| ((*port, kind), said)));
    }
    all.extend(ports::UDP.iter().map(|((port, _), said)| ((*port, "udp"), *said)));
    all.extend(ports::PROTOCOLS.iter().map(|((number, _), said)| ((*number, "protocol"), *said)));
    all
}

#[test]
fn every_kind_says_of_every_port_what_nmap_says() {
    inside("every_kind_says_of_every_port_what_nmap_says", |wire| {
        let _held = net::prepare(wire);
        wire.server_sh(&format!("nft -f - <<'END'\n{}\nEND", net::rules()));
        let plans = plans();
        let questions: Vec<Question> = plans.iter().flat_map(Plan::questions).collect();
        // A protocol scan of Nmap's reads every ICMP error from its target, whosever probe it quotes.
        let phase = |question: &Question| match (
            question.kind.probe,
            question.ports[..] == [1] || question.ports[..] == [58],
        ) {
            (Probe::Protocol, true) => 2,
            (Probe::Protocol, false) => 1,
            _ => 0,
        };
        let mut nmaps = vec![asked::Answers::new(); questions.len()];
        for wanted in 0..3 {
            let places: Vec<usize> = (0..questions.len()).filter(|at| phase(&questions[*at]) == wanted).collect();
            let those: Vec<Question> = places.iter().map(|at| questions[*at].clone()).collect();
            for (place, answers) in places.into_iter().zip(nmap_all(&those)) {
                nmaps[place] = answers;
            }
        }
        let mut nmaps = nmaps.into_iter();
        let mut live = Network::new(vec![Box::new(LiveWorld::new(None))], 1);
        let mut lab = Network::new(vec![Box::new(net::lab())], 1);
        let mut sections = Vec::new();
        for plan in plans {
            let mut asked = Vec::new();
            for question in plan.questions() {
                let (ours_here, strays) = ours_and_strays(&mut live, &question);
                let labs =
                    plan.lab.map(|target| ours(&mut lab, &Question { target: target.into(), ..question.clone() }));
                asked.push(Asked { question, ours: ours_here, strays, nmaps: nmaps.next().unwrap(), labs });
            }
            sections.push(Section { title: plan.title, ports: plan.ports, asked });
        }
        let (page, mut complaints) = page::page(&sections);
        complaints.extend(page::measured(&sections[0], &measured()));
        assert!(complaints.is_empty(), "{}\n\n{page}", complaints.join("\n"));
        support::golden::golden("scan-matrix.txt", &page);
    });
}
