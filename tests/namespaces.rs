//! The recipes through the real program, across a wire to a real Linux kernel, beside what Nmap says there.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test prints what it ran and fails by panicking")]

mod support;

use std::io::Write;
use std::process::{Command, Stdio};

use etherparse::{PacketBuilder, SlicedPacket, TransportSlice};
use support::wire::{CLIENT, CLIENT_MAC, SERVER, SERVER_MAC, Wire, run};

const PKTSH: &str = env!("CARGO_BIN_EXE_pktsh");

/// The server's ports: whether somebody listens, and what stands before it.
const PORTS: &[(u16, bool, &str)] = &[
    (80, true, ""),
    (81, false, ""),
    (82, true, "tcp dport 82 drop"),
    (83, true, "tcp dport 83 reject with icmp type admin-prohibited"),
    (84, true, "tcp dport 84 reject with tcp reset"),
    // A filter without state that stops what opens a connection.
    (85, true, "tcp dport 85 tcp flags & (fin | syn | rst | ack) == syn drop"),
    (86, false, "tcp dport 86 tcp flags & (fin | syn | rst | ack) == syn drop"),
    // Without state, too: only what belongs to a connection, by its own word (`established` of Cisco's lists).
    (87, true, "tcp dport 87 tcp flags & (ack | rst) == 0 drop"),
    // With state. The first takes only a SYN for a new connection. The second leaves that to the kernel,
    // and the kernel takes a bare ACK as well (nf_conntrack_tcp_loose).
    (88, true, "tcp dport 88 ct state != established tcp flags & (fin | syn | rst | ack) != syn drop"),
    (89, true, "tcp dport 89 ct state != { new, established } drop"),
];

/// A recipe, Nmap's option for the same, and what both have to say of [`PORTS`], in that order.
#[rustfmt::skip] // a table
const SCANS: &[(&str, &str, [&str; 10])] = &[
    ("syn-scanner", "-sS", ["open", "closed", "filtered", "filtered", "closed",
        "filtered", "filtered", "filtered", "open", "open"]),
    ("fin-scanner", "-sF", WITHOUT_ACK),
    ("xmas-scanner", "-sX", WITHOUT_ACK),
    ("ack-scanner", "-sA", ["unfiltered", "unfiltered", "filtered", "filtered", "unfiltered",
        "unfiltered", "unfiltered", "unfiltered", "filtered", "unfiltered"]),
];

/// For probes without SYN, ACK and RST.
#[rustfmt::skip] // a table
const WITHOUT_ACK: [&str; 10] = ["open|filtered", "closed", "open|filtered", "filtered", "closed",
    "open|filtered", "closed", "open|filtered", "open|filtered", "open|filtered"];

/// A wire with its server's filters in place.
fn filtered(rules: &[&str]) -> Wire {
    let wire = Wire::new();
    let rules: Vec<String> = rules.iter().map(|rule| format!("nft 'add rule ip t in {rule}'")).collect();
    wire.server_sh(&format!(
        "nft add table ip t
         nft 'add chain ip t in {{ type filter hook input priority 0; policy accept; }}'
         {}",
        rules.join("\n")
    ));
    wire
}

/// Runs pktsh at the client's end and gives what it prints as its result.
#[track_caller]
fn pktsh(wire: &Wire, args: &[&str]) -> String {
    let output = wire.client(PKTSH).args(args).stdin(Stdio::null()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {}\n{errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// The recipes and Nmap on the same ports of the same kind of host: what each says, and what is right.
#[test]
fn the_states_are_nmaps() {
    let rules: Vec<&str> = PORTS.iter().map(|p| p.2).filter(|rule| !rule.is_empty()).collect();
    let list = "80-89";
    // Silence takes its time, so the four run at once, each on a wire of its own.
    let started: Vec<_> = SCANS
        .iter()
        .map(|(recipe, ..)| {
            let wire = filtered(&rules);
            let listening: Vec<_> = PORTS.iter().filter(|p| p.1).map(|p| wire.listen(p.0)).collect();
            let mut command = wire.client(PKTSH);
            let child = command
                .args([recipe, SERVER, list])
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn();
            (wire, listening, child.unwrap())
        })
        .collect();
    for ((recipe, nmap, right), (wire, _listening, child)) in SCANS.iter().zip(started) {
        let output = child.wait_with_output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let ours: Vec<&str> = printed.lines().filter_map(|line| Some(line.split_once("/tcp  ")?.1)).collect();
        assert_eq!(ours, right, "{recipe}: {printed}");

        // `Ports: 80/open/tcp//http///, 81/closed/tcp//..`
        let printed = run(wire.client("nmap").args(["-n", "-Pn", nmap, "-p", list, "-oG", "-", SERVER]));
        let ports = printed.lines().find_map(|line| line.split_once("Ports: ")).expect("nmap's list of ports").1;
        let theirs: Vec<&str> = ports.split(", ").map(|port| port.split('/').nth(1).unwrap()).collect();
        assert_eq!(theirs, ours, "{recipe}: {printed}");
    }
}

#[test]
fn only_the_target_says_that_it_is_up() {
    let wire = filtered(&["icmp type echo-request drop"]);
    // The server becomes a router that knows no way to 10.9.5.0/24 and says so.
    wire.server_sh("echo 1 > /proc/sys/net/ipv4/ip_forward; ip route add unreachable 10.9.5.0/24");
    wire.client_sh("ip route add 10.9.5.0/24 via 10.9.0.2");
    let router = pktsh(&wire, &["-e", r#"print(sr1(IP("10.9.5.1")/ICMP()).summary())"#]);
    assert!(router.contains("10.9.0.2") && router.contains("unreach"), "{router}");

    let printed = pktsh(&wire, &["syn-scanner", SERVER, "81"]);
    assert!(printed.starts_with("10.9.0.2 (10.9.0.2) is up: 1 ports\n81/tcp  closed\n"), "no ping, yet up: {printed}");
    for host in ["10.9.0.77", "10.9.5.1"] {
        let printed = pktsh(&wire, &["syn-scanner", host, "81"]);
        assert_eq!(printed, format!("{host} ({host}) answered nothing: down, or every probe is filtered\n"));
    }
}

#[test]
fn the_probe_arrives_as_it_was_sent() {
    let wire = Wire::new();
    let mut witness = wire.witness();
    let code = r#"let r = sr1(IP(dst="10.9.0.2")/TCP(dport=81, flags="S"));
        let echo = sr1(IP(dst="10.9.0.2")/ICMP());
        print(r.query.hex()); print(r[TCP].flags); print(echo.query.hex())"#;
    let printed = pktsh(&wire, &["-e", code]);
    let [probe, flags, echo] = printed.lines().collect::<Vec<_>>()[..] else { panic!("{printed}") };
    assert_eq!(flags, "RA");

    // These two packets came, these alone, and in this order.
    let frames = [(); 2].map(|()| witness.frame(|frame| frame[12..14] == [8, 0]));
    let hex = |frame: &Vec<u8>| pktsh::base::text::hex(&frame[14..]);
    assert_eq!(frames.each_ref().map(hex), [probe, echo]);

    // tcpdump reads them as what they are meant to be, and finds their checksums right.
    let text = tcpdump(&frames);
    let [_, probe, _, echo] = text.lines().collect::<Vec<_>>()[..] else { panic!("{text}") };
    let is_probe = probe.contains(" > 10.9.0.2.81: Flags [S], cksum 0x") && probe.contains("(correct), seq ");
    assert!(is_probe && echo.contains("10.9.0.1 > 10.9.0.2: ICMP echo request, id "), "{text}");
    assert!(!text.contains("bad") && !text.contains("wrong"), "{text}");
}

/// What tcpdump says of some frames. (It reads them only: to capture, it wants a user of its own, whom a user
/// namespace does not have.)
fn tcpdump(frames: &[Vec<u8>]) -> String {
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    // A pcap file: microseconds, version 2.4, Ethernet.
    let mut file = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 0xffff, 1]);
    for frame in frames {
        let len = frame.len() as u32;
        file.extend([words(&[0, 0, len, len]), frame.clone()].concat());
    }
    let mut command = Command::new("tcpdump");
    let mut child = command
        .args(["-tnvvr", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&file).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

/// What the server sends when it sees a probe.
type Answer<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;

/// A bare ACK in answer to a SYN, and an ICMP error that is no filter's: neither is guessed at.
#[test]
fn what_fits_nothing_is_unexpected() {
    let wire = filtered(&["tcp dport 81 drop"]);
    let mut witness = wire.witness();
    let is_syn = |frame: &[u8]| match SlicedPacket::from_ethernet(frame).map(|p| p.transport) {
        Ok(Some(TransportSlice::Tcp(tcp))) => tcp.destination_port() == 81 && tcp.syn(),
        _ => false,
    };
    let [client, server] = [CLIENT, SERVER].map(|addr| addr.parse::<std::net::Ipv4Addr>().unwrap().octets());
    let frame = || PacketBuilder::ethernet2(SERVER_MAC, CLIENT_MAC).ipv4(server, client, 64);
    let bare_ack = |probe: &[u8]| {
        let sliced = SlicedPacket::from_ethernet(probe).unwrap();
        let Some(TransportSlice::Tcp(tcp)) = sliced.transport else { panic!("a SYN") };
        let (port, ack) = (tcp.source_port(), tcp.sequence_number().wrapping_add(1));
        let mut bytes = Vec::new();
        frame().tcp(81, port, 7, 1024).ack(ack).write(&mut bytes, &[]).unwrap();
        bytes
    };
    let fragmentation_needed = |probe: &[u8]| {
        let mut bytes = Vec::new();
        frame().icmpv4_raw(3, 4, [0, 0, 2, 64]).write(&mut bytes, &probe[14..42]).unwrap();
        bytes
    };
    let answers: [(&str, Answer<'_>); 2] = [("a bare ACK", &bare_ack), ("fragmentation needed", &fragmentation_needed)];
    for (what, answer) in answers {
        let mut command = wire.client(PKTSH);
        let child =
            command.args(["syn-scanner", SERVER, "81"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        wire.server_sends(&answer(&witness.frame(is_syn)));
        let printed = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        assert!(printed.contains("\n81/tcp  unexpected: IP / "), "{what}: {printed}");
        assert!(printed.contains("\n1 unexpected: [81]\n"), "{what}: {printed}");
    }
}
