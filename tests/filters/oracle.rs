//! tcpdump, asked for its own code and for its own verdicts.

use std::process::{Command, Output};

use pktsh::net::bpf::{Insn, Program};

use crate::corpus::Frame;

/// What tcpdump compiles a filter to; `None` when it refuses.
pub(crate) fn compiled(link_type: &str, text: &str, optimizes: bool) -> Option<Program> {
    let output = tcpdump(&["-y", link_type, "-ddd", if optimizes { "-#" } else { "-O" }, "--", text]);
    if String::from_utf8_lossy(&output.stderr).contains("rejects all packets") {
        // It warns where we obey.
        return Some(Program::new(vec![Insn { code: 6, jt: 0, jf: 0, k: 0 }]).expect("one return"));
    }
    if !output.status.success() {
        return None;
    }
    Some(of_numbers(output))
}

/// What tcpdump compiles a filter to for the kernel: on an interface, the loopback of a network namespace of its own.
pub(crate) fn compiled_for_loopback(text: &str) -> Program {
    let script = "ip link set lo up && exec tcpdump -i lo -ddd -- \"$0\"";
    let output = Command::new("unshare").args(["-Urn", "sh", "-c", script, text]).output().expect("unshare is there");
    assert!(output.status.success(), "{text}: {}", String::from_utf8_lossy(&output.stderr));
    of_numbers(output)
}

fn of_numbers(output: Output) -> Program {
    let lines = String::from_utf8(output.stdout).expect("numbers");
    let insns = lines.lines().skip(1).map(|line| {
        let numbers: Vec<u32> = line.split(' ').map(|number| number.parse().expect("a number")).collect();
        Insn { code: numbers[0] as u16, jt: numbers[1] as u8, jf: numbers[2] as u8, k: numbers[3] }
    });
    Program::new(insns.collect()).expect("tcpdump's programs are right")
}

/// How tcpdump prints its program.
pub(crate) fn printed(link_type: &str, text: &str, optimizes: bool) -> String {
    let optimizes = if optimizes { "-#" } else { "-O" };
    String::from_utf8(tcpdump(&["-y", link_type, "-d", optimizes, "--", text]).stdout).expect("it is text")
}

/// Which frames of a capture file tcpdump takes; `None` when it says that it could take none at all.
pub(crate) fn taken(link_type: u16, frames: &[Frame], text: &str) -> Option<Vec<bool>> {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("frames.pcap");
    std::fs::write(&path, capture_file(link_type, frames)).expect("it can be written");
    let output = tcpdump(&["-r", path.to_str().expect("it is text"), "-w", "-", "--", text]);
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("rejects all packets") {
        return None;
    }
    assert!(output.status.success(), "{text}: {said}");
    let mut taken = vec![false; frames.len()];
    let word = |at: usize| u32::from_le_bytes(output.stdout[at..at + 4].try_into().expect("four bytes")) as usize;
    let mut at = 24;
    while at < output.stdout.len() {
        taken[word(at)] = true; // its second is its number
        at += 16 + word(at + 8);
    }
    Some(taken)
}

fn capture_file(link_type: u16, frames: &[Frame]) -> Vec<u8> {
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, u32::from(link_type)] {
        out.extend(u32::to_le_bytes(word));
    }
    for (number, (bytes, wire_len)) in frames.iter().enumerate() {
        for word in [number as u32, 0, bytes.len() as u32, *wire_len] {
            out.extend(word.to_le_bytes());
        }
        out.extend(bytes);
    }
    out
}

fn tcpdump(args: &[&str]) -> Output {
    Command::new("tcpdump").args(args).output().expect("tcpdump is installed")
}
