//! Nmap scans the laboratory's hosts: a wire leads from its namespace to the laboratory's cable.
//!
//! What it says of them is what it says of the real systems (`every stack` in the laboratory's own tests compares bytes).

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test prints what it ran and fails by panicking")]

mod support;

use std::process::Stdio;
use std::time::Duration;

use pktsh::lab::Lab;
use pktsh::net::live::LiveWorld;
use pktsh::net::{Event, Polled, Via, World};
use support::wire::{Wire, inside};

/// Nmap's options, two ports, and for each host, by its last byte, the states that they get.
type Scan = (&'static str, [&'static str; 2], &'static [(u8, [&'static str; 2])]);

#[rustfmt::skip] // a table
const SCANS: &[Scan] = &[
    ("-sS", ["22", "81"], &[(11, ["open", "closed"])]),
    ("-sF", ["22", "81"], &[(11, ["open|filtered", "closed"])]),
    ("-sA", ["22", "81"], &[(11, ["unfiltered", "unfiltered"])]),
    ("-sW", ["22", "81"], &[(11, ["closed", "closed"])]),
    ("-sM", ["22", "81"], &[(11, ["closed", "closed"])]),
    ("-sU", ["514", "9"], &[(11, ["open|filtered", "closed"])]),
    ("-sN", ["445", "81"], &[(12, ["closed", "closed"])]),
    ("-sX", ["80", "81"], &[(13, ["open|filtered", "closed"]), (14, ["closed", "closed"])]),
    ("-sW", ["80", "81"], &[(16, ["open", "open"]), (17, ["open", "closed"])]),
    // A SYN in the zombie's name: its IP ids tell what came of it.
    ("-sI 192.0.2.30:81", ["22", "81"], &[(11, ["open", "closed|filtered"])]),
    ("-sY", ["36412", "9"], &[(36, ["open", "closed"])]),
    ("-sZ", ["36412", "9"], &[(36, ["open|filtered", "closed"])]),
    ("-sO", ["47", "99"], &[(37, ["open|filtered", "closed"])]),
    // The filters: 8080 listens, 8081 is closed, and both are behind them.
    ("-sS", ["8080", "8081"], &[
        (20, ["filtered", "filtered"]), (21, ["filtered", "filtered"]), (22, ["filtered", "filtered"]),
        (23, ["open", "filtered"]), (24, ["open", "filtered"]), (25, ["filtered", "filtered"]),
        (26, ["filtered", "filtered"]), (27, ["closed", "closed"]),
    ]),
    ("-sA", ["8080", "8081"], &[
        (20, ["filtered", "filtered"]), (21, ["unfiltered", "unfiltered"]), (22, ["unfiltered", "unfiltered"]),
        (23, ["filtered", "filtered"]), (24, ["unfiltered", "filtered"]), (25, ["filtered", "filtered"]),
        (26, ["filtered", "filtered"]), (27, ["unfiltered", "unfiltered"]),
    ]),
    ("-sF", ["8080", "8081"], &[
        (20, ["open|filtered", "open|filtered"]), (21, ["open|filtered", "closed"]),
        (22, ["open|filtered", "open|filtered"]), (23, ["open|filtered", "open|filtered"]),
        (24, ["open|filtered", "open|filtered"]), (25, ["filtered", "filtered"]),
        (26, ["filtered", "filtered"]), (27, ["closed", "closed"]),
    ]),
];

/// A host's last byte, an open port, and what its OS is for Nmap, which knows versions up to its own.
const SYSTEMS: &[(u8, &str, &str)] = &[(11, "22", "Linux 4.15 - 5.6"), (12, "445", "Microsoft Windows 10")];

#[test]
fn nmap_takes_the_hosts_for_the_real_systems() {
    inside("nmap_takes_the_hosts_for_the_real_systems", |wire| {
        stand_in_for_you(wire);
        for (host, open, system) in SYSTEMS {
            let ports = format!("{open},81");
            let printed = nmap(wire, &["-n", "-O", "--osscan-guess", "-p", &ports, &format!("192.0.2.{host}")]);
            // A busy machine spoils the times that it measures: then the right one is still its best guess.
            let found = ["OS details: ", "Aggressive OS guesses: "];
            let best = printed.lines().find_map(|line| found.iter().find_map(|words| line.strip_prefix(words)));
            assert!(best.is_some_and(|best| best.starts_with(system)), "192.0.2.{host}: {printed}");
        }
        for (scan, ports, hosts) in SCANS {
            let targets = hosts.iter().map(|(host, _)| format!("192.0.2.{host}"));
            let ports_given = ports.join(",");
            let options = ["-n", "-Pn", "--max-retries", "1", "-p", &ports_given, "-oG", "-"].map(str::to_owned);
            let args: Vec<String> =
                options.into_iter().chain(scan.split(' ').map(str::to_owned)).chain(targets).collect();
            let printed = nmap(wire, &args.iter().map(String::as_str).collect::<Vec<_>>());
            for (host, states) in *hosts {
                let found = ports.map(|port| state(&printed, *host, port));
                assert_eq!(found, states.map(Some), "{scan} of 192.0.2.{host}: {printed}");
            }
        }
    });
}

/// What Nmap says of a port, or of a protocol: `Host: 192.0.2.11 ()  Ports: 22/open/tcp//ssh///, 81/closed/tcp//..`
fn state<'a>(printed: &'a str, host: u8, port: &str) -> Option<&'a str> {
    let start = format!("Host: 192.0.2.{host} ");
    let lists = printed.lines().filter(|line| line.starts_with(&start));
    let mut lists = lists.filter_map(|line| line.split_once("Ports: ").or_else(|| line.split_once("Protocols: ")));
    let mut entries = lists.next()?.1.split(", ").map(|entry| entry.split('/'));
    entries.find_map(|mut fields| fields.next().filter(|name| *name == port).and_then(|_| fields.next()))
}

/// The server's end becomes the student's machine; the client's end only carries frames.
fn stand_in_for_you(wire: &Wire) {
    wire.client_sh("ip addr flush dev eth0; ip link set eth0 promisc on arp off");
    wire.server_sh(
        "ip addr flush dev eth0; ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:02
         ip link set eth0 up; ip addr add 192.0.2.2/24 dev eth0; ip route add default via 192.0.2.1",
    );
}

/// Runs Nmap at the server's end, and carries its frames to a laboratory and back, each in its own time.
fn nmap(wire: &Wire, args: &[&str]) -> String {
    let child = wire.server("nmap").args(args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let waiter = std::thread::spawn(move || child.wait_with_output().unwrap());
    let (live, lab) = (LiveWorld::new(None), Lab::new(1));
    let eth0 = live.interfaces().unwrap().into_iter().find(|iface| iface.name == "eth0").unwrap().index;
    let (mut near, mut far) = (live.open().unwrap(), lab.open().unwrap());
    let mut frames = Vec::new();
    while !waiter.is_finished() {
        let soon = near.now() + Duration::from_millis(1);
        near.poll(soon, &mut |event| keep(&event, eth0, &mut frames)).unwrap();
        for frame in frames.drain(..) {
            let _ = far.send(Via::Frame(1), &frame, 0); // what does not fit into the laboratory is lost
        }
        let now = live.now();
        while far.poll(now, &mut |event| keep(&event, 1, &mut frames)).unwrap() == Polled::Some {}
        for frame in frames.drain(..) {
            near.send(Via::Frame(eth0), &frame, 0).unwrap();
        }
    }
    let output = waiter.join().unwrap();
    assert!(output.status.success(), "{args:?}: {}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

fn keep(event: &Event<'_>, iface: u32, frames: &mut Vec<Vec<u8>>) {
    if let Event::Heard(frame) = event
        && !frame.outgoing
        && frame.iface == iface
    {
        frames.push(frame.bytes.to_vec());
    }
}
