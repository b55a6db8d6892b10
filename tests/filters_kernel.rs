//! The laboratory's filters beside a real kernel's: the same probes to an open and to a closed port behind the same rules,
//! and the same answers.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test prints what it ran and fails by panicking")]

mod support;

use std::time::Duration;

use etherparse::{PacketBuilder, SlicedPacket, TransportSlice};
use pktsh::lab::{Lab, Plan};
use pktsh::net::{Event, Link, Polled, Via, World};
use support::flags::with_flags;
use support::wire::{CLIENT_MAC, SERVER_MAC, Wire, run};

/// The flags of the probes, and the ports that they go to: the first listens, the second is closed.
const PROBES: [&str; 8] = ["S", "A", "FA", "SA", "F", "", "FPU", "SF"];
const PORTS: [u16; 2] = [8080, 8081];

/// A filter: the laboratory's host, the kernel's rules, what comes back from either port to each of [`PROBES`].
struct Row {
    /// Last byte of its address, 192.0.2.x.
    host: u8,
    rules: &'static [&'static str],
    answers: [[&'static str; 8]; 2],
}

const SILENCE: [&str; 8] = ["-"; 8];
const KNOWN: &str = "ct state { established, related } accept";

/// The built-in hosts. What they let through, Linux answers, theirs and the real one.
#[rustfmt::skip] // a table
const BUILT_IN: [Row; 8] = [
    Row { host: 20, rules: &["tcp dport 80 accept", "tcp dport 1-65535 drop"], answers: [SILENCE; 2] },
    Row { host: 21, rules: &["tcp flags & (fin | syn | rst | ack) == syn drop"], answers: [
        ["-", "R", "R", "R", "-", "-", "-", "-"],
        ["-", "R", "R", "R", "RA", "RA", "RA", "RA"]] },
    Row { host: 22, rules: &["tcp flags & (ack | rst) == 0 drop"], answers: [
        ["-", "R", "R", "R", "-", "-", "-", "-"],
        ["-", "R", "R", "R", "-", "-", "-", "-"]] },
    Row { host: 23, rules: &["STRICT", KNOWN, "tcp dport 8080 ct state new accept", "drop"], answers: [
        ["SA", "-", "-", "-", "-", "-", "-", "-"], SILENCE] },
    Row { host: 24, rules: &[KNOWN, "tcp dport 8080 ct state new accept", "drop"], answers: [
        ["SA", "R", "-", "-", "-", "-", "-", "-"], SILENCE] },
    Row { host: 25, rules: &["reject"], answers: [["3/3"; 8]; 2] },
    Row { host: 26, rules: &["tcp dport 80 accept", "reject with icmp type admin-prohibited"],
        answers: [["3/13"; 8]; 2] },
    Row { host: 27, rules: &["meta l4proto tcp reject with tcp reset"], answers: [
        ["RA", "R", "R", "R", "RA", "RA", "RA", "RA"],
        ["RA", "R", "R", "R", "RA", "RA", "RA", "RA"]] },
];

/// What else a rule can say. `FILTER` is what stands for each row in the plan.
#[rustfmt::skip] // a table
const OWN: [(&str, Row); 8] = [
    (r#"{ default = "accept" }"#, Row { host: 50, rules: &[], answers: [
        ["SA", "R", "R", "R", "-", "-", "-", "-"],
        ["RA", "R", "R", "R", "RA", "RA", "RA", "RA"]] }),
    (r#"{ default = "host-unreachable" }"#,
        Row { host: 51, rules: &["reject with icmp type host-unreachable"], answers: [["3/1"; 8]; 2] }),
    (r#"{ default = "net-unreachable" }"#,
        Row { host: 52, rules: &["reject with icmp type net-unreachable"], answers: [["3/0"; 8]; 2] }),
    (r#"{ default = "host-prohibited" }"#,
        Row { host: 53, rules: &["reject with icmp type host-prohibited"], answers: [["3/10"; 8]; 2] }),
    (r#"{ default = "net-prohibited" }"#,
        Row { host: 54, rules: &["reject with icmp type net-prohibited"], answers: [["3/9"; 8]; 2] }),
    (r#"{ default = "protocol-unreachable" }"#,
        Row { host: 57, rules: &["reject with icmp type prot-unreachable"], answers: [["3/2"; 8]; 2] }),
    // Only a SYN begins a connection, by its flags and not by the kernel's setting.
    (r#"{ default = "drop", rules = [
          { action = "accept", state = ["established"] }, { action = "accept", state = ["new"], flags = "S/SAFR" }] }"#,
        Row { host: 55, rules: &["ct state established accept",
            "ct state new tcp flags & (fin | syn | rst | ack) == syn accept", "drop"], answers: [
            ["SA", "-", "-", "-", "-", "-", "-", "-"],
            ["RA", "-", "-", "-", "-", "-", "-", "-"]] }),
    (r#"{ default = "accept", rules = [{ action = "drop", state = ["invalid"] }] }"#,
        Row { host: 56, rules: &["ct state invalid drop"], answers: [
            ["SA", "R", "-", "-", "-", "-", "-", "-"],
            ["RA", "R", "-", "-", "-", "-", "-", "-"]] }),
];

/// Segments one after another from one port, through the filters with state. None of them asks a kernel to compare an
/// acknowledgment with numbers that it has drawn: the laboratory's filters do not compare.
#[rustfmt::skip] // a table
const COURSES: [&[&str]; 12] = [
    &["S", "S"], &["S", "F"], &["S", "SA"], &["S", "R"], &["S", "S", "S"], &["A", "A"],
    &["A", "S"], &["A", "FA"], &["A", "F"], &["F", "A"], &["SA", "S"], &["R", "S", "S"],
];

/// One end that can be asked.
trait Side {
    /// What comes back to each probe: a source port, a destination port, flags.
    fn ask(&mut self, probes: &[(u16, u16, &str)]) -> Vec<String>;
}

/// A host of the laboratory.
struct Simulated {
    lab: Lab,
    link: Box<dyn Link>,
    host: u8,
    /// How long to wait after each probe.
    pause: Duration,
}

impl Simulated {
    fn new(lab: &Lab, host: u8, pause: Duration) -> Self {
        Self { lab: lab.clone(), link: lab.open().unwrap(), host, pause }
    }
}

impl Side for Simulated {
    fn ask(&mut self, probes: &[(u16, u16, &str)]) -> Vec<String> {
        let macs = [[2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, self.host]];
        let mut said = Vec::new();
        for &probe in probes {
            let frame = segment(macs, [[192, 0, 2, 2], [192, 0, 2, self.host]], probe);
            self.link.send(Via::Frame(1), &frame, 0).unwrap();
            let mut heard = Vec::new();
            let until = self.link.now() + Duration::from_millis(5);
            let mut keep = |event: Event<'_>| match event {
                Event::Heard(heard_frame) if !heard_frame.outgoing => heard.push(heard_frame.bytes.to_vec()),
                _ => {}
            };
            while self.link.poll(until, &mut keep).unwrap() == Polled::Some {}
            said.push(words(&frame, &heard));
            self.lab.sleep(self.pause);
        }
        said
    }
}

/// A real kernel behind rules.
struct Real<'a> {
    wire: &'a Wire,
}

impl<'a> Real<'a> {
    fn behind(wire: &'a Wire, rules: &[&str]) -> Self {
        let loose = u8::from(!rules.contains(&"STRICT"));
        let rules: Vec<String> =
            rules.iter().filter(|r| **r != "STRICT").map(|rule| format!("nft 'add rule ip t in {rule}'")).collect();
        wire.server_sh(&format!(
            "nft flush ruleset
             nft add table ip t
             nft 'add chain ip t in {{ type filter hook input priority 0; policy accept; }}'
             nft add rule ip t in ct state invalid continue
             {}
             echo {loose} > /proc/sys/net/netfilter/nf_conntrack_tcp_loose",
            rules.join("\n")
        ));
        Self { wire }
    }
}

/// Sends each frame, asks by ARP, and prints what comes until the answer to that: the kernel takes frames in their order.
const SEND: &str = "
import os, socket, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}) # one queue, one order
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); s.bind(('eth0', 3)); s.settimeout(10)
arp = bytes.fromhex('ffffffffffff' '020000090001' '0806' '0001080006040001' '020000090001' '0a09004d' '000000000000' '0a090002')
for frame in sys.argv[1:]:
    s.send(bytes.fromhex(frame)); s.send(arp)
    heard = []
    while True:
        b, a = s.recvfrom(65600)
        if a[2] == socket.PACKET_OUTGOING or b[12:14] == bytes.fromhex('86dd'): continue
        if b[12:14] == bytes.fromhex('0806') and b[38:42] == arp[28:32]: break
        heard.append(b.hex())
    print('heard', *heard)
";

impl Side for Real<'_> {
    fn ask(&mut self, probes: &[(u16, u16, &str)]) -> Vec<String> {
        let macs = [CLIENT_MAC, SERVER_MAC];
        let frames: Vec<_> = probes.iter().map(|&probe| segment(macs, [[10, 9, 0, 1], [10, 9, 0, 2]], probe)).collect();
        let hex = frames.iter().map(|frame| pktsh::base::text::hex(frame));
        let printed = run(self.wire.client("python3").args(["-c", SEND]).args(hex));
        let lines = printed.lines().filter_map(|line| line.strip_prefix("heard"));
        let heard = lines.map(|line| line.split_whitespace().map(bytes).collect::<Vec<_>>());
        frames.iter().zip(heard).map(|(frame, heard)| words(frame, &heard)).collect()
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// A segment with sequence number 1000 and acknowledgment 5000.
fn segment(macs: [[u8; 6]; 2], addrs: [[u8; 4]; 2], (from, to, flags): (u16, u16, &str)) -> Vec<u8> {
    let step = PacketBuilder::ethernet2(macs[0], macs[1]).ipv4(addrs[0], addrs[1], 64).tcp(from, to, 1000, 1024);
    let step = with_flags(step, flags, 5000);
    let mut frame = Vec::new();
    step.write(&mut frame, b"").unwrap();
    frame
}

/// What came back to `probe`: `SA seq ISS ack 1001`, `3/13 quoting it`, or `-`.
fn words(probe: &[u8], heard: &[Vec<u8>]) -> String {
    let word = |frame: &Vec<u8>| match SlicedPacket::from_ethernet(frame).ok()?.transport? {
        TransportSlice::Tcp(tcp) => {
            let bits = tcp.header_slice()[13];
            let flags: String = (0..6).filter(|bit| bits >> bit & 1 == 1).map(|bit| b"FSRPAU"[bit] as char).collect();
            let seq = if tcp.syn() { "ISS".to_owned() } else { tcp.sequence_number().to_string() };
            let window = if tcp.rst() { tcp.window_size() } else { 0 };
            Some(format!("{flags} seq {seq} ack {} win {window}", tcp.acknowledgment_number()))
        }
        TransportSlice::Icmpv4(icmp) => {
            let quotes = if icmp.payload() == &probe[14..] { "quoting it" } else { "quoting something else" };
            Some(format!("{}/{} {quotes}", icmp.type_u8(), icmp.code_u8()))
        }
        other => panic!("{other:?}"),
    };
    let all: Vec<String> = heard.iter().filter_map(word).collect();
    if all.is_empty() { "-".to_owned() } else { all.join(", ") }
}

/// The wire, with a listener at the first port and no limit of ICMP errors.
fn wire() -> (Wire, support::wire::Running) {
    let wire = Wire::new();
    wire.server_sh(
        "echo 0 > /proc/sys/net/ipv4/icmp_ratelimit
         ip neigh replace 10.9.0.1 lladdr 02:00:00:09:00:01 nud permanent dev eth0",
    );
    wire.client_sh("ip neigh replace 10.9.0.2 lladdr 02:00:00:09:00:02 nud permanent dev eth0");
    let listener = wire.listen(PORTS[0]);
    (wire, listener)
}

/// A laboratory with the hosts of [`OWN`].
fn own_lab() -> Lab {
    let host = |(filter, row): &(&str, Row)| {
        let last = row.host;
        format!(
            "[[host]]\nname = \"h{last}.lab\"\naddrs = [\"192.0.2.{last}\"]\nabout = \"A filter.\"\n\
             personality = \"linux\"\ntcp = \"8080\"\nfilter = {}\n",
            filter.split_whitespace().collect::<Vec<_>>().join(" ")
        )
    };
    Lab::from_plan(Plan::parse(&OWN.iter().map(host).collect::<String>()).unwrap(), 1)
}

/// The rows of both tables, each with its laboratory.
fn rows() -> Vec<(Lab, &'static Row)> {
    let (built_in, own) = (Lab::new(1), own_lab());
    let built_in = BUILT_IN.iter().map(|row| (built_in.clone(), row));
    built_in.chain(OWN.iter().map(|(_, row)| (own.clone(), row))).collect()
}

#[test]
fn every_filter_answers_every_probe_as_a_kernel_with_the_same_rules() {
    let (wire, _listener) = wire();
    let mut source = 40_000;
    for (lab, row) in rows() {
        let mut probes = Vec::new();
        for (port, flags) in PORTS.iter().flat_map(|port| PROBES.map(|flags| (*port, flags))) {
            source += 1;
            probes.push((source, port, flags));
        }
        let real = Real::behind(&wire, row.rules).ask(&probes);
        let simulated = Simulated::new(&lab, row.host, Duration::from_secs(1)).ask(&probes);
        let first = |answer: &String| answer.split(' ').next().unwrap_or_default().to_owned();
        let short: Vec<String> = real.iter().map(first).collect();
        assert_eq!(short, row.answers.concat(), "the kernel behind {:?}", row.rules);
        for ((probe, real), simulated) in probes.iter().zip(&real).zip(&simulated) {
            assert_eq!(simulated, real, "{:?} to port {} of 192.0.2.{}", probe.2, probe.1, row.host);
        }
    }
}

#[test]
fn connections_take_the_course_that_they_take_in_a_kernel() {
    let (wire, _listener) = wire();
    let mut source = 50_000;
    let stateful = rows().into_iter().filter(|(_, row)| row.rules.iter().any(|rule| rule.contains("ct state")));
    for (lab, row) in stateful {
        let mut probes = Vec::new();
        for (port, course) in PORTS.iter().flat_map(|port| COURSES.map(|course| (*port, course))) {
            source += 1;
            probes.extend(course.iter().map(|flags| (source, port, *flags)));
        }
        let real = Real::behind(&wire, row.rules).ask(&probes);
        let simulated = Simulated::new(&lab, row.host, Duration::ZERO).ask(&probes);
        let told = |answers: &[String]| {
            let lines =
                probes.iter().zip(answers).map(|((from, to, flags), said)| format!("{from} {to} {flags}: {said}"));
            lines.collect::<Vec<_>>()
        };
        assert_eq!(told(&simulated), told(&real), "192.0.2.{}", row.host);
    }
}
