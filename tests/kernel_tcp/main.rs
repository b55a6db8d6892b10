//! The laboratory's Linux beside a real Linux.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test shows what ran inside, and fails by panicking")]

mod golden;
mod offers;
mod peer;
mod probe;
mod reasons;
mod side;
mod states;
#[path = "../support/mod.rs"]
mod support;
mod table;

use std::process::Command;

use golden::Section;
use probe::Probe;
use side::Side;
use states::{STATES, State};
use support::wire::{Running, Wire, inside, run};

/// The programs at the server's end.
const PROGRAMS: &str = include_str!("programs.py");

/// Prepares the server: the prober's address is known there, and connections are answered one by one.
fn serve(wire: &Wire) -> Running {
    wire.server_sh(&format!(
        "ip neigh add {} lladdr 02:00:00:09:00:01 dev eth0 nud permanent
         sysctl -qw net.ipv4.tcp_syncookies=0 net.ipv4.tcp_max_syn_backlog=4096 net.core.somaxconn=4096
         sysctl -qw net.ipv4.tcp_rmem='4096 131072 6291456' net.ipv4.tcp_ecn=2
         sysctl -qw net.ipv4.tcp_challenge_ack_limit=2147483647 || true",
        side::PROBER
    ));
    Running::until_ready(wire.server("python3").args(["-c", PROGRAMS]))
}

/// Keeps this process on one processor, the first that it may use: the kernel takes the frames of one processor in
/// their order.
fn stay_on_one_processor() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
    let first = list.trim().split([',', '-']).next().unwrap();
    run(Command::new("taskset").args(["-apc", first, &std::process::id().to_string()]));
}

/// The outcome of each probe in a state.
fn outcomes(side: &mut Side, state: &State) -> Vec<String> {
    Probe::all(state).iter().map(|probe| probe::outcome(side, state, probe)).collect()
}

#[test]
fn the_laboratory_answers_as_a_kernel_does() {
    inside("the_laboratory_answers_as_a_kernel_does", |wire| {
        stay_on_one_processor();
        let _programs = serve(wire);
        let mut kernel = Side::kernel();
        let mut lab = Side::laboratory();
        let compare = |state| Section { state, kernel: outcomes(&mut kernel, state), lab: outcomes(&mut lab, state) };
        let sections: Vec<Section> = STATES.iter().map(compare).collect();
        let offers = [offers::answers(&mut kernel), offers::answers(&mut lab)];
        golden::check(&golden::page(&sections, &offers));
    });
}
