//! Who is there: host discovery on the link and beyond it, each answer let through alone, and Nmap beside us.

use std::process::{Command, Stdio};
use std::time::Duration;

use pktsh::engine::Network;
use pktsh::net::live::LiveWorld;
use pktsh::scan::{Host, Request};

use crate::asked::{name, request, run_scan};
use crate::net::{self, FAR};
use crate::session::session_with;
use crate::support::wire::inside;

/// What stands before the third host.
struct Row {
    /// Its rules for IPv4 and for IPv6, after which it drops; its listener at 443.
    far: [&'static str; 2],
    listens: bool,
    /// The router's rules.
    router: &'static str,
    /// What we say, over IPv4 and over IPv6; nothing where the row is for IPv4 alone.
    ours: [&'static str; 2],
    /// What Nmap says, where it is something else.
    nmaps: [&'static str; 2],
}

const ROW: Row = Row { far: ["", ""], listens: false, router: "", ours: ["", ""], nmaps: ["", ""] };

/// Nmap names the reason of a host that is down only for time exceeded and silence; we name what was said.
#[rustfmt::skip] // a table
const ROWS: &[Row] = &[
    Row { far: ["accept"; 2], ours: ["up echo-reply"; 2], ..ROW },
    Row { far: ["tcp dport 443 accept"; 2], ours: ["up reset"; 2], ..ROW },
    Row { far: ["tcp dport 443 accept"; 2], listens: true, ours: ["up syn-ack"; 2], ..ROW },
    Row { far: ["tcp dport 80 accept"; 2], ours: ["up reset"; 2], ..ROW },
    Row { far: ["icmp type timestamp-request accept", ""], ours: ["up timestamp-reply", ""], ..ROW },
    Row { far: ["reject with icmp type port-unreachable", "reject with icmpv6 type port-unreachable"],
        ours: ["up port-unreach"; 2], ..ROW },
    Row { far: ["reject with icmp type prot-unreachable", ""], ours: ["up proto-unreach", ""], ..ROW },
    Row { far: ["reject with icmp type host-unreachable", "reject with icmpv6 type addr-unreachable"],
        ours: ["down host-unreach"; 2], nmaps: ["down no-response"; 2], ..ROW },
    Row { far: ["drop"; 2], ours: ["down no-response"; 2], ..ROW },
    Row { far: ["accept"; 2], router: "chain f { type filter hook forward priority 0;
            ip daddr 10.9.2.2 reject with icmp type port-unreachable
            ip6 daddr fd00:9:2::2 meta l4proto { tcp, icmpv6 } reject with icmpv6 type port-unreachable
}",
        ours: ["down port-unreach from the router"; 2], nmaps: ["down no-response"; 2], ..ROW },
    Row { far: ["accept"; 2], router: "chain f { type filter hook forward priority 0;
            ip daddr 10.9.2.2 reject with icmp type admin-prohibited
            ip6 daddr fd00:9:2::2 meta l4proto { tcp, icmpv6 } reject with icmpv6 type admin-prohibited
}",
        ours: ["down admin-prohibited from the router"; 2], nmaps: ["down no-response"; 2], ..ROW },
    Row { far: ["accept"; 2], router: "chain p { type filter hook prerouting priority 0;
            ip daddr 10.9.2.2 ip ttl set 1; ip6 daddr fd00:9:2::2 ip6 hoplimit set 1
}",
        ours: ["down time-exceeded from the router"; 2], nmaps: ["down time-exceeded"; 2], ..ROW },
    // The probes to 443 and 80 are rejected by the router, and the host answers the echo request: up wins.
    Row { far: ["accept"; 2], router: "chain f { type filter hook forward priority 0;
            ip daddr 10.9.2.2 tcp dport { 80, 443 } reject with icmp type admin-prohibited
            ip6 daddr fd00:9:2::2 tcp dport { 80, 443 } reject with icmpv6 type admin-prohibited
}",
        ours: ["up echo-reply"; 2], ..ROW },
];

#[test]
fn each_answer_alone_says_that_a_host_is_up() {
    inside("discovery::each_answer_alone_says_that_a_host_is_up", |wire| {
        let held = net::prepare(wire);
        let mut live = Network::new(vec![Box::new(LiveWorld::new(None))], 1);
        let mut wrong = Vec::new();
        for (number, row) in ROWS.iter().enumerate() {
            held.far_sh(&format!(
                "nft -f - <<'END'\nflush ruleset\ntable inet t {{\nchain i {{ type filter hook input priority 0;
                icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept
                meta nfproto ipv4 {}\nmeta nfproto ipv6 {}\ndrop\n}}\n}}\nEND",
                row.far[0], row.far[1]
            ));
            wire.server_sh(&format!("nft -f - <<'END'\nflush ruleset\ntable inet t {{\n{}\n}}\nEND", row.router));
            let _listener = row.listens.then(|| held.far_listens(443));
            for (family, addr) in FAR.into_iter().enumerate().filter(|(family, _)| !row.ours[*family].is_empty()) {
                let scan =
                    run_scan(&mut live, Request { timeout: Some(Duration::from_millis(400)), ..request(&[addr]) });
                let (ours, nmaps) = (said(&scan.hosts[0]), nmap(addr));
                let short = row.ours[family].split(" from").next().unwrap_or_default();
                let wanted = if row.nmaps[family].is_empty() { short } else { row.nmaps[family] };
                if ours != row.ours[family] || nmaps != wanted {
                    wrong.push(format!(
                        "row {number}, {addr}: {ours}, nmap {nmaps}; wanted {}, {wanted}",
                        row.ours[family]
                    ));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

/// On the link, a neighbor's own hardware address is the answer; this machine is there.
const NEAR: &[(&str, &str)] = &[
    ("10.9.0.2", "up arp-response"),
    ("fd00:9::2", "up nd-response"),
    ("10.9.0.77", "down no-response"),
    ("fd00:9::77", "down no-response"),
    ("10.9.0.1", "up localhost-response"),
    ("fd00:9::1", "up localhost-response"),
    ("127.0.0.1", "up localhost-response"),
    ("::1", "up localhost-response"),
];

#[test]
fn neighbors_answer_for_themselves() {
    inside("discovery::neighbors_answer_for_themselves", |wire| {
        let _held = net::prepare(wire);
        let mut live = Network::new(vec![Box::new(LiveWorld::new(None))], 1);
        let scan = run_scan(&mut live, request(&NEAR.iter().map(|row| row.0).collect::<Vec<_>>()));
        for (host, (addr, wanted)) in scan.hosts.iter().zip(NEAR) {
            assert_eq!((host.target.to_string(), said(host)), ((*addr).to_owned(), (*wanted).to_owned()));
            assert_eq!(nmap(addr), *wanted, "nmap of {addr}");
        }
        let (mut session, _) = session_with(vec![Box::new(LiveWorld::new(None))], <_>::default());
        let rows = [("10.9.0.2", "true"), (FAR[0], "true"), (FAR[1], "true"), ("10.9.0.77", "false"), ("::1", "true")];
        for (addr, wanted) in rows {
            let value = session.line(&format!("is_up(\"{addr}\")")).unwrap_or_else(|t| panic!("{addr}: {t}"));
            assert_eq!(session.display(&value).as_deref(), Some(wanted), "{addr}");
        }
    });
}

fn said(host: &Host) -> String {
    let by = host.reason_ip.map_or(String::new(), |addr| format!(" from {}", name(&addr.to_string())));
    format!("{} {}{by}", host.presence.word(), host.reason)
}

/// What Nmap says: `<status state="up" reason="echo-reply" reason_ttl="63"/>`.
fn nmap(addr: &str) -> String {
    let mut command = Command::new("nmap");
    command.args(["-sn", "-n", "-vv", "--reason", "--max-retries", "1", "--initial-rtt-timeout", "400ms", "-oX", "-"]);
    if addr.contains(':') {
        command.arg("-6");
    }
    let output = command.arg(addr).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut words = text.split_once("<status ").unwrap_or_else(|| panic!("{addr}: {text}")).1.split('"');
    format!("{} {}", words.nth(1).unwrap(), words.nth(1).unwrap())
}
