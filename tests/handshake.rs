//! A handshake made by hand, which the own system leaves alone: the same script in the laboratory and on a real wire.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test prints what it ran and fails by panicking")]

mod support;

use std::io::Write;
use std::process::{Command, Stdio};

use support::wire::{Running, SERVER, Wire};

const PKTSH: &str = env!("CARGO_BIN_EXE_pktsh");

/// Fetches a page, and prints the flags of all segments that went over the wire.
const SCRIPT: &str = r#"
fn fetch(host, iface, quiet) {
    let port = if quiet { 61234 } else { 61235 };
    if quiet { suppress_rst(port); }
    let all = AsyncSniffer(iface=iface, filter="tcp port " + port);
    all.start();
    let ip = IP(host);
    let answer = sr1(ip/TCP(sport=port, dport=80, flags="S", seq=1000), timeout=1);
    sleep(0.1);
    if quiet {
        let me = TCP(sport=port, dport=80, flags="A", seq=1001, ack=answer[TCP].seq + 1);
        send(ip/me);
        me.flags = "PA";
        sr(ip/me/"GET / HTTP/1.0\r\n\r\n", multi=true, timeout=0.5);
    }
    for p in all.stop() { print(p[IP].src, p[TCP].flags); }
}
fetch(args[0], args[1], args[2] == "quiet");
"#;

/// A server that answers one request on each connection as the laboratory's do.
const SERVE: &str = "
import socket
s = socket.create_server(('', 80))
print('ready', flush=True)
while True:
    c = s.accept()[0]
    if c.recv(100): c.sendall(b'HTTP/1.0 200 OK\\r\\n\\r\\npage')
    c.close()
";

/// The flags in the order in which they came, each with the side that sent them.
fn flags(mut command: Command, host: &str) -> Vec<String> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it is started");
    child.stdin.take().unwrap().write_all(SCRIPT.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    let side = |src: &str| if src == host { "host" } else { "we" };
    let told = |line: &str| line.split_once(' ').map(|(src, flags)| format!("{} {flags}", side(src))).unwrap();
    printed.lines().map(told).collect()
}

/// What is the same everywhere; a system may close in its next segment or say more in between.
fn check(quiet: &[String], loud: &[String]) {
    assert_eq!(quiet[..4], ["we S", "host SA", "we A", "we PA"]);
    assert!(quiet.iter().any(|flags| flags == "host PA" || flags == "host FPA"), "the page: {quiet:?}");
    assert!(!quiet.iter().any(|flags| flags.contains('R')), "{quiet:?}");
    assert_eq!(loud, ["we S", "host SA", "we R"], "without it our own system resets");
}

#[test]
fn the_laboratory_leaves_a_quiet_port_alone() {
    let run = |how| {
        let mut command = Command::new(PKTSH);
        command.args(["-", "192.0.2.10", "lab0", how]);
        flags(command, "192.0.2.10")
    };
    check(&run("quiet"), &run("loud"));
}

#[test]
fn so_does_a_real_kernel() {
    let wire = Wire::new();
    let _server = Running::until_ready(wire.server("python3").args(["-c", SERVE]));
    let run = |how| {
        let mut command = wire.client(PKTSH);
        command.args(["-", SERVER, "eth0", how]);
        flags(command, SERVER)
    };
    check(&run("quiet"), &run("loud"));
}

#[test]
fn a_port_that_is_none_is_pointed_at() {
    let output = Command::new(PKTSH).args(["-e", "suppress_rst(70000)"]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("a port is 1 to 65535, found 70000"), "{said}");
    assert!(said.contains("suppress_rst(70000)\n  |              ^^^^^"), "{said}");
}

#[test]
fn a_port_in_use_is_refused_in_words() {
    let taken = std::net::TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let output = Command::new(PKTSH).args(["-e", &format!("suppress_rst({port})")]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains(&format!("port {port}")) && said.contains("choose another source port"), "{said}");
}
