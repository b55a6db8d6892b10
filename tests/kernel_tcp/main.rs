//! The laboratory's Linux beside a real one: both get the same segments, in each state of TCP, and every field of what
//! they answer is compared, and what becomes of the connection.
//!
//! `tests/golden/linux-tcp.txt` is the page of it. `UPDATE_GOLDEN=1 cargo test --test kernel_tcp` writes it anew; the
//! difference is then read, not believed. What differs between the two needs a row in `reasons.rs`, even then.
//!
//! | file | what lives there |
//! |---|---|
//! | `side` | the two hosts, and how to know at once that one is silent |
//! | `peer` | the prober's end of a connection |
//! | `states` | the states, and the way into each; `programs.py` is what listens in the kernel's |
//! | `probe` | the probes, and what is written down of each |
//! | `offers` | the options of a SYN |
//! | `table`, `golden`, `reasons` | the page |

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
use peer::{ACK, RST, SYN};
use pktsh::lab::{Personality, Plan};
use probe::{Acked, Probe, Seq};
use side::Side;
use states::{STATES, State};
use support::wire::{Running, Wire, inside, run};

/// The programs at the server's end.
const PROGRAMS: &str = include_str!("programs.py");

/// Prepares the server: it knows the prober's address, and what the page relies on is set. `tcp_early_retrans` would
/// send again what the prober is slow to acknowledge; the last line is for older kernels, whose connections share a
/// limit.
fn serve(wire: &Wire) -> Running {
    wire.server_sh(&format!(
        "ip neigh add {} lladdr 02:00:00:09:00:01 dev eth0 nud permanent
         cd /proc/sys/net
         echo 4096 > core/somaxconn
         cd ipv4
         echo 4096 > tcp_max_syn_backlog
         echo 0 > tcp_syncookies
         echo 0 > tcp_early_retrans
         echo 2 > tcp_ecn
         echo 4096 131072 6291456 > tcp_rmem
         echo 2147483647 > tcp_challenge_ack_limit || true",
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
    Probe::all(state).into_iter().map(|probe| probe::outcome(side, state, probe)).collect()
}

/// Older kernels drop in silence what acknowledges something unsent to an established connection, where RFC 9293 section
/// 3.10.7.4 asks for an ACK. Of such a kernel those answers do not count.
fn forgive_age(section: &mut Section) {
    let is_one = |probe: &Probe| probe.ack == Acked::Unsent && probe.flags & (SYN | RST | ACK) == ACK;
    if section.state.name != "established" {
        return;
    }
    let probes = Probe::all(section.state);
    let answers = probes.iter().zip(&mut section.kernel).zip(&section.lab).filter(|((probe, _), _)| is_one(probe));
    let mut answers: Vec<_> = answers.collect();
    let is_old = answers.iter().all(|((probe, kernel), _)| probe.seq != Seq::Exact || kernel.starts_with('-'));
    for ((_, kernel), lab) in answers.iter_mut().filter(|_| is_old) {
        lab.clone_into(kernel);
    }
}

#[test]
fn the_host_that_is_compared_speaks_as_linux_lab_does() {
    let plan = Plan::builtin();
    let host = plan.hosts().iter().find(|host| host.name == "linux.lab").unwrap();
    assert_eq!((host.personality, host.ttl, host.window, host.ip_id), (Personality::Linux, None, None, None));
    assert!(host.filter.is_none());
}

#[test]
fn the_laboratory_answers_as_a_kernel_does() {
    inside("the_laboratory_answers_as_a_kernel_does", |wire| {
        stay_on_one_processor();
        let _programs = serve(wire);
        let mut kernel = Side::kernel();
        let mut lab = Side::laboratory();
        let compare = |state| Section { state, kernel: outcomes(&mut kernel, state), lab: outcomes(&mut lab, state) };
        let mut sections: Vec<Section> = STATES.iter().map(compare).collect();
        sections.iter_mut().for_each(forgive_age);
        let offers = [offers::answers(&mut kernel), offers::answers(&mut lab)];
        let complaints = golden::complaints(&sections, &offers);
        assert!(
            complaints.is_empty(),
            "kernel and laboratory differ; tests/kernel_tcp/reasons.rs says why.\n\n{complaints}\n"
        );
        support::golden::golden("linux-tcp.txt", &golden::page(&sections, &offers[0]));
    });
}
