//! Nmap scans the laboratory: a wire leads from its namespace into the laboratory's cable.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test prints what it ran and fails by panicking")]

mod support;

use std::process::{Command, Stdio};
use std::time::Duration;

use pktsh::lab::Lab;
use pktsh::net::live::LiveWorld;
use pktsh::net::{Event, Link, Via, World};
use support::wire::{Wire, inside};

/// Runs Nmap as `you.lab` does its scans, and carries its frames to the laboratory and back.
fn nmap(wire: &Wire, args: &[&str]) -> String {
    let mut command = wire.server("nmap");
    let child = command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let live = LiveWorld::new(None);
    let eth0 = live.interfaces().unwrap().into_iter().find(|iface| iface.name == "eth0").unwrap().index;
    let lab = Lab::new(1);
    let (mut near, mut far) = (live.open().unwrap(), lab.open().unwrap());
    let waiter = std::thread::spawn(move || child.wait_with_output().unwrap());
    while !waiter.is_finished() {
        let mut frames = Vec::new();
        near.poll(near.now() + Duration::from_millis(1), &mut |event| keep(&event, eth0, &mut frames)).unwrap();
        for frame in &frames {
            let _ = far.send(Via::Frame(1), frame, 0);
        }
        frames.clear();
        let until = live.now();
        while far.poll(until, &mut |event| keep(&event, 1, &mut frames)).unwrap() == pktsh::net::Polled::Some {}
        for frame in &frames {
            near.send(Via::Frame(eth0), frame, 0).unwrap();
        }
        near.poll(near.now(), &mut |_| {}).unwrap();
    }
    let output = waiter.join().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn keep(event: &Event<'_>, iface: u32, frames: &mut Vec<Vec<u8>>) {
    if let Event::Heard(frame) = event {
        if !frame.outgoing && frame.iface == iface {
            frames.push(frame.bytes.to_vec());
        }
    }
}

fn become_you(wire: &Wire) {
    wire.client_sh("ip addr flush dev eth0; ip link set eth0 promisc on");
    wire.server_sh(
        "ip addr flush dev eth0; ip link set eth0 down; ip link set eth0 address 02:00:00:00:00:02
         ip link set eth0 up; ip addr add 192.0.2.2/24 dev eth0; ip route add default via 192.0.2.1",
    );
}

#[test]
fn nmap_sees_what_the_laboratory_shows() {
    inside("nmap_sees_what_the_laboratory_shows", |wire| {
        become_you(wire);
        for host in 10..20 {
            println!("{}", nmap(wire, &["-n", "-O", "-p", "22,80,81,445,23,135,7", &format!("192.0.2.{host}")]));
        }
    });
}
