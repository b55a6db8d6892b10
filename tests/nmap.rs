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

/// A host's last byte, a scan, ports, and the states that Nmap gives them.
#[rustfmt::skip] // a table
const SCANS: &[(u8, &str, &str, &[&str])] = &[
    (11, "-sS", "22,81", &["open", "closed"]),
    (11, "-sF", "22,81", &["open|filtered", "closed"]),
    (11, "-sA", "22,81", &["unfiltered", "unfiltered"]),
    (11, "-sW", "22,81", &["closed", "closed"]),
    (11, "-sM", "22,81", &["closed", "closed"]),
    (11, "-sU", "514,9", &["open|filtered", "closed"]),
    (12, "-sN", "445,81", &["closed", "closed"]),
    (13, "-sX", "80,81", &["open|filtered", "closed"]),
    (14, "-sF", "80,81", &["closed", "closed"]),
    (15, "-sN", "23,81", &["closed", "closed"]),
    (16, "-sW", "80,81", &["open", "open"]),
    (17, "-sW", "80,81", &["open", "closed"]),
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
        for (host, scan, ports, states) in SCANS {
            let target = format!("192.0.2.{host}");
            let printed = nmap(wire, &["-n", "-Pn", "--max-retries", "1", scan, "-p", ports, "-oG", "-", &target]);
            // `Ports: 22/open/tcp//ssh///, 81/closed/tcp//..`
            let list = printed.lines().find_map(|line| line.split_once("Ports: ")).expect("a list of ports").1;
            let mut found: Vec<(u16, &str)> = list
                .split(", ")
                .map(|port| port.split('/').collect::<Vec<_>>())
                .map(|port| (port[0].parse().unwrap(), port[1]))
                .collect();
            let place = |port: u16| ports.split(',').position(|text| text == port.to_string());
            found.sort_by_key(|(port, _)| place(*port));
            let found: Vec<&str> = found.into_iter().map(|(_, state)| state).collect();
            assert_eq!(found, *states, "{scan} of {target}: {printed}");
        }
    });
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
