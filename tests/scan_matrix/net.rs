//! The networks: a server behind nftables, which is a router to a third host, too; and the same in the laboratory.
//!
//! ```text
//! client 10.9.0.1 ── server 10.9.0.2, 10.9.2.1 ── 10.9.2.2
//!                 └─ the made-up host 10.9.0.5
//! ```

use std::process::Command;

use pktsh::lab::{Lab, Plan};

use crate::ports::REJECTS;
use crate::support::wire::{Running, Wire, run};

/// The programs and the made-up host at the server's end.
const STACK: &str = include_str!("stack.py");

const LISTEN: &str = "import socket
s = socket.create_server(('', PORT), family=socket.AF_INET6, dualstack_ipv6=True)
print('ready', flush=True)
while True: s.accept()[0].close()";

/// The third host.
pub(crate) const FAR: [&str; 2] = ["10.9.2.2", "fd00:9:2::2"];

/// What holds the networks up.
pub(crate) struct Held {
    _stack: Running,
    far: Running,
}

impl Held {
    /// Runs a shell script at the third host, to its end.
    pub(crate) fn far_sh(&self, script: &str) {
        run(Command::new("nsenter").args(["-t", &self.far.id().to_string(), "-n", "sh", "-ec", script]));
    }

    /// A server at the third host.
    pub(crate) fn far_listens(&self, port: u16) -> Running {
        let script = LISTEN.replace("PORT", &port.to_string());
        let enter = ["-t", &self.far.id().to_string(), "-n", "python3", "-c", &script];
        Running::until_ready(Command::new("nsenter").args(enter))
    }
}

/// Prepares the server, the router and the third host. ICMP errors are not limited.
pub(crate) fn prepare(wire: &Wire) -> Held {
    let stack = Running::until_ready(wire.server("python3").args(["-c", STACK]));
    let far = Running::until_ready(wire.server("unshare").args(["-n", "sh", "-c", "echo ready; exec cat"]));
    wire.server_sh(&format!(
        "ip link add lan0 type veth peer name eth0 netns {}
         ip addr add 10.9.2.1/24 dev lan0
         ip addr add fd00:9:2::1/64 dev lan0 nodad
         ip link set lan0 up
         cd /proc/sys/net
         echo 1 > ipv4/ip_forward
         echo 1 > ipv6/conf/all/forwarding
         {UNLIMITED}",
        far.id()
    ));
    let held = Held { _stack: stack, far };
    held.far_sh(&format!(
        "ip link set lo up
         ip addr add 10.9.2.2/24 dev eth0
         ip addr add fd00:9:2::2/64 dev eth0 nodad
         ip link set eth0 up
         ip route add default via 10.9.2.1
         ip -6 route add default via fd00:9:2::1
         cd /proc/sys/net
         {UNLIMITED}"
    ));
    // Each end knows the other: who has to ask first, hears the answers to connect() later.
    wire.server_sh("ip neigh replace fd00:9::1 lladdr 02:00:00:09:00:01 nud permanent dev eth0");
    wire.client_sh(
        "ip neigh replace fd00:9::2 lladdr 02:00:00:09:00:02 nud permanent dev eth0
         ip route add 10.9.2.0/24 via 10.9.0.2
         ip -6 route add fd00:9:2::/64 via fd00:9::2
         timeout 20 sh -c 'until ping -c 1 -W 1 fd00:9:2::2 > /dev/null; do :; done'
         timeout 20 sh -c 'until ping -c 1 -W 1 10.9.2.2 > /dev/null; do :; done'",
    );
    held
}

const UNLIMITED: &str = "echo 0 > ipv4/icmp_ratelimit
    echo 0 > ipv6/icmp/ratelimit
    echo 100000 > ipv4/icmp_msgs_per_sec || true
    echo 100000 > ipv4/icmp_msgs_burst || true";

/// The rules of the server and of the router.
pub(crate) fn rules() -> String {
    let mut rules = vec!["table inet t {".to_owned(), chain("input")];
    let rejects = |rules: &mut Vec<String>, matches: &str, (v4, v6): (&str, &str)| {
        rules.push(format!("{matches} meta nfproto ipv4 reject with icmp type {v4}"));
        rules.push(format!("{matches} meta nfproto ipv6 reject with icmpv6 type {v6}"));
    };
    rules.push("tcp dport 1003 drop; tcp dport 1004 reject with tcp reset".to_owned());
    rules.push("tcp dport { 1012, 1013 } ct state new drop; tcp dport 1014 ct state != established drop".to_owned());
    rules.push("tcp dport { 1015, 1016 } tcp flags & (fin | syn | rst | ack) == syn drop".to_owned());
    rules.push("udp dport 2004 drop; udp dport 2012 ct state new drop; sctp dport 3001-3004 drop".to_owned());
    for (at, (v4, v6, _)) in REJECTS.into_iter().enumerate() {
        for (proto, first) in [("tcp", 1005), ("udp", 2005), ("sctp", 3005)] {
            rejects(&mut rules, &format!("{proto} dport {}", first + at), (v4, v6));
        }
    }
    rules.push(format!("}}\n{}", chain("forward")));
    rules.push("meta l4proto { tcp, udp, sctp } th dport 4004 drop; meta l4proto 51 drop".to_owned());
    for (at, (v4, v6, _)) in REJECTS.into_iter().enumerate() {
        rejects(&mut rules, &format!("meta l4proto {{ tcp, udp, sctp }} th dport {}", 4005 + at), (v4, v6));
    }
    rejects(&mut rules, "meta l4proto 47", (REJECTS[3].0, REJECTS[3].1));
    rejects(&mut rules, "meta l4proto 50", (REJECTS[6].0, REJECTS[6].1));
    rules.push("}\n}".to_owned());
    rules.join("\n")
}

fn chain(hook: &str) -> String {
    format!("chain {hook} {{ type filter hook {hook} priority 0; policy accept;")
}

/// The laboratory's server, router and third host, with the same rules.
pub(crate) const LAB_SERVER: [&str; 2] = ["192.0.2.10", "2001:db8::10"];
/// See [`LAB_SERVER`].
pub(crate) const LAB_FAR: [&str; 2] = ["203.0.113.50", "2001:db8:d::2"];

/// A laboratory of these alone.
pub(crate) fn lab() -> Lab {
    let rule = |proto: &str, port: usize, action: &str, more: &str| {
        format!("{{ action = \"{action}\", traffic = \"{proto}\", ports = \"{port}\"{more} }},\n")
    };
    let (new, bare_syn) = (", state = [\"new\"]", ", flags = \"S/SAFR\"");
    let mut own = vec![
        rule("tcp", 1003, "drop", ""),
        rule("tcp", 1004, "tcp-reset", ""),
        rule("tcp", 1012, "drop", new),
        rule("tcp", 1013, "drop", new),
        rule("tcp", 1014, "drop", ", state = [\"new\", \"invalid\", \"related\"]"),
        rule("tcp", 1015, "drop", bare_syn),
        rule("tcp", 1016, "drop", bare_syn),
        rule("udp", 2004, "drop", ""),
        rule("udp", 2012, "drop", new),
        rule("sctp", 3004, "drop", ""),
    ];
    let mut forwarded = vec![rule("any", 4004, "drop", "")];
    for (at, (.., action)) in REJECTS.into_iter().enumerate() {
        for (proto, first) in [("tcp", 1005), ("udp", 2005), ("sctp", 3005)] {
            own.push(rule(proto, first + at, action, ""));
        }
        forwarded.push(rule("any", 4005 + at, action, ""));
    }
    let (own, forwarded) = (own.concat(), forwarded.concat());
    let [server, server6] = LAB_SERVER;
    let [far, far6] = LAB_FAR;
    let text = format!(
        "[[net]]
prefixes = [\"203.0.113.48/28\", \"2001:db8:d::/64\"]

[[host]]
name = \"matrix.lab\"
addrs = [\"{server}\", \"{server6}\"]
about = \"The matrix.\"
personality = \"linux\"
tcp = \"1001, 1012, 1014, 1015\"
udp = [{{ port = 2001, service = \"echo\" }}, {{ port = 2002, service = \"sink\" }}, {{ port = 2012, service = \"sink\" }}]
sctp = \"3001\"
protocols = [2]
filter = {{ default = \"accept\", rules = [\n{own}] }}

[[host]]
name = \"matrix-router.lab\"
addrs = [\"192.0.2.1\", \"203.0.113.49\", \"2001:db8::1\", \"2001:db8:d::1\"]
about = \"The matrix's router.\"
personality = \"linux\"
forward = true
forward_filter = {{ default = \"accept\", rules = [\n{forwarded}] }}

[[host]]
name = \"matrix-far.lab\"
addrs = [\"{far}\", \"{far6}\"]
about = \"Behind it.\"
personality = \"linux\"
"
    );
    Lab::from_plan(Plan::parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}")), 1)
}
