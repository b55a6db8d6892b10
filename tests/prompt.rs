//! The prompt, typed at through a real pseudo-terminal.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test prints what it ran and fails by panicking")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};
use support::wire::{SERVER, Wire};

const PKTSH: &str = env!("CARGO_BIN_EXE_pktsh");

const UP: &str = "\x1b[A";
const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";

/// A prompt that somebody types at.
struct Prompt {
    session: PtySession,
    /// Everything up to where the next expectation begins.
    seen: String,
}

impl Prompt {
    /// Starts the program and waits for its prompt. Its history is below `state`.
    #[track_caller]
    fn start(mut command: Command, state: &Path) -> Self {
        command.env("XDG_STATE_HOME", state).env("TERM", "xterm").env("NO_COLOR", "1");
        let options = Options::new().timeout_ms(Some(30_000)).strip_ansi_escape_codes(true);
        let session = spawn_with_options(command, options).unwrap();
        let mut prompt = Self { session, seen: String::new() };
        prompt.expect("help() explains");
        prompt.expect("pktsh> ");
        prompt
    }

    /// Types a line, Enter included, and waits for `answer` and the next prompt.
    #[track_caller]
    fn says(&mut self, line: &str, answer: &str) {
        self.types(line);
        self.expect(answer);
        self.expect("pktsh> ");
    }

    #[track_caller]
    fn types(&mut self, line: &str) {
        self.keys(&format!("{line}\r"));
    }

    /// Presses keys, without Enter.
    #[track_caller]
    fn keys(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
    }

    #[track_caller]
    fn expect(&mut self, text: &str) {
        match self.session.exp_string(text) {
            Ok(before) => self.seen.push_str(&(before + text)),
            Err(error) => panic!("{text:?} did not come: {error}\nbefore it:\n{}", self.seen),
        }
    }

    /// Waits for its end and compares the exit code.
    #[track_caller]
    fn ends(mut self, code: i32) {
        self.session.exp_eof().unwrap();
        let status = format!("{:?}", self.session.process().wait().unwrap());
        assert!(status.starts_with("Exited") && status.ends_with(&format!(", {code})")), "{status}");
    }
}

#[test]
fn a_first_session() {
    let state = tempfile::tempdir().unwrap();
    let mut prompt = Prompt::start(Command::new(PKTSH), state.path());
    // A probe: its account, its answer; then the answer again.
    prompt.types(r#"sr1(IP("web.lab")/TCP(dport=80, flags="S"))"#);
    prompt.expect("1 sent, 1 answered");
    prompt.expect("192.0.2.10:80 > 192.0.2.2:");
    prompt.expect("SA");
    prompt.expect("pktsh> ");
    prompt.says("_[TCP].flags", "\nSA\r\n");
    // A mistake, with its caret; the next line works.
    prompt.types("1 + nope");
    prompt.expect("error: ");
    prompt.expect("1 | 1 + nope\r\n  |     ^^^^");
    prompt.says("40 + 2", "\n42\r\n");
    prompt.says("_ + 1", "\n43\r\n");
    // A function of several lines.
    prompt.types("fn double(x) {");
    prompt.expect("   ... ");
    prompt.types("x * 2");
    prompt.expect("   ... ");
    prompt.says("}", "\r\n");
    prompt.says("double(21)", "\n42\r\n");
    // The same, pasted.
    prompt.says("\x1b[200~fn thrice(x) {\n  x * 3\n}\nthrice(4)\x1b[201~", "\n12\r\n");
    // A recipe, which prints what it prints; its functions stay.
    prompt.says(r#"run("syn-scanner", "web.lab", "22,80")"#, "0 closed: []");
    prompt.says(r#"probe_port("web.lab", 443)"#, "\n\"open\"\r\n");
    // Names alone, and help with a question mark.
    prompt.says("sr1?", "Sends a packet at layer 3");
    prompt.types("exit");
    prompt.ends(0);
}

#[test]
fn tab_completes_and_control_c_takes_a_line_back() {
    let state = tempfile::tempdir().unwrap();
    let mut prompt = Prompt::start(Command::new(PKTSH), state.path());
    prompt.says("let nightingale = 6 * 7;", "\r\n");
    prompt.says("nighti\t + 1", "\n43\r\n");
    prompt.keys("print(\"half");
    prompt.expect("half");
    prompt.keys(CTRL_C);
    prompt.expect("pktsh> ");
    prompt.types("fn f() {");
    prompt.expect("   ... ");
    prompt.keys(CTRL_C);
    prompt.expect("pktsh> ");
    prompt.says("5 + 5", "\n10\r\n");
    prompt.types("exit(4)");
    prompt.ends(4);
}

#[test]
fn the_history_stays_and_is_its_owners_alone() {
    let state = tempfile::tempdir().unwrap();
    let mut prompt = Prompt::start(Command::new(PKTSH), state.path());
    prompt.says("\"zeb\" + \"ra\"", "zebra");
    prompt.keys(CTRL_D);
    prompt.ends(0);
    let mode = |path: &str| fs::metadata(state.path().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("pktsh"), mode("pktsh/history")), (0o700, 0o600));
    let mut prompt = Prompt::start(Command::new(PKTSH), state.path());
    prompt.says(UP, "zebra");
    // Without any place for a history there is none, and the prompt works.
    let mut command = Command::new(PKTSH);
    command.env_remove("HOME");
    let mut prompt = Prompt::start(command, Path::new(""));
    prompt.says("6 * 7", "\n42\r\n");
}

#[test]
fn control_c_ends_a_wait_and_the_line_goes_on() {
    let state = tempfile::tempdir().unwrap();
    let wire = Wire::new();
    wire.server_sh("nft 'add table inet t; add chain inet t in { type filter hook input priority 0; }'");
    wire.server_sh("nft 'add rule inet t in tcp dport { 81, 82 } drop'");
    let syn = |port: u8| move |frame: &[u8]| frame.get(23) == Some(&6) && frame.get(36..38) == Some(&[0, port]);
    let mut witness = wire.witness();
    let mut prompt = Prompt::start(wire.client(PKTSH), state.path());

    // One Ctrl-C: the wait ends, its value is there, and the rest of the line that sends nothing is done.
    prompt.types(&format!(r#"let r = sr(IP("{SERVER}")/TCP(dport=[9, 81]), timeout=600); let after = 5;"#));
    witness.frame(syn(81));
    prompt.keys(CTRL_C);
    prompt.expect("2 sent, 1 answered, 1 not");
    prompt.expect("stopped by Ctrl-C");
    prompt.expect("pktsh> ");
    prompt.says("[r.ans.len(), r.unans.len(), after]", "\n[1, 1, 5]\r\n");

    // A loop of calls stops after one, too.
    prompt.types(&format!(r#"for i in 0..9 {{ sr1(IP("{SERVER}")/TCP(dport=82), timeout=600) }}"#));
    witness.frame(syn(82));
    prompt.keys(CTRL_C);
    prompt.expect("error: stopped by Ctrl-C");
    prompt.expect("pktsh> ");

    // What computes after the wait goes on; a second Ctrl-C ends it.
    prompt.types(&format!(r#"sr1(IP("{SERVER}")/TCP(dport=81), timeout=600); print("c" + "d"); loop {{ }}"#));
    witness.frame(syn(81));
    prompt.keys(CTRL_C);
    prompt.expect("\ncd\r\n");
    prompt.keys(CTRL_C);
    prompt.expect("error: stopped by Ctrl-C");
    prompt.expect("pktsh> ");

    // One is enough without any call.
    prompt.types("print(\"a\" + \"b\"); loop { }");
    prompt.expect("\nab\r\n");
    prompt.keys(CTRL_C);
    prompt.expect("error: stopped by Ctrl-C");
    prompt.expect("pktsh> ");
    prompt.says(&format!(r#"sr1(IP("{SERVER}")/ICMP())[ICMP].type"#), "\n0\r\n");
}

#[test]
fn an_interface_that_goes_away_ends_the_wait_and_the_prompt_goes_on() {
    let state = tempfile::tempdir().unwrap();
    let wire = Wire::new();
    wire.server_sh("nft 'add table inet t; add chain inet t in { type filter hook input priority 0; policy drop; }'");
    let mut witness = wire.witness();
    let mut prompt = Prompt::start(wire.client(PKTSH), state.path());
    prompt.types(&format!(r#"sr1(IP("{SERVER}")/UDP(7), timeout=600)"#));
    witness.frame(|frame| frame.get(23) == Some(&17));
    wire.client_sh("ip link del eth0");
    prompt.expect("error: interface eth0 went away or down");
    prompt.expect("pktsh> ");
    prompt.says("6 * 7", "\n42\r\n");
}

#[test]
fn a_public_address_is_asked_for_once() {
    let state = tempfile::tempdir().unwrap();
    let wire = Wire::new();
    wire.server_sh("ip addr add 11.0.0.1/32 dev lo");
    wire.client_sh(&format!("ip route add 11.0.0.1/32 via {SERVER}"));
    let mut prompt = Prompt::start(wire.client(PKTSH), state.path());
    let ping = r#"sr1(IP("11.0.0.1")/ICMP())[ICMP].type"#;
    prompt.types(ping);
    prompt.expect("11.0.0.1 is a public address. Probe it? [y/N] ");
    prompt.says("", "error: 11.0.0.1 is a public address");
    prompt.types(ping);
    prompt.expect("11.0.0.1 is a public address. Probe it? [y/N] ");
    prompt.says("y", "\n0\r\n");
    prompt.says(ping, "\n0\r\n");
}

#[test]
fn the_kernels_repairs_are_told() {
    let state = tempfile::tempdir().unwrap();
    let wire = Wire::new();
    let mut prompt = Prompt::start(wire.client(PKTSH), state.path());
    prompt.says(r#"sr1(IP("127.0.0.1", chksum=1)/ICMP())"#, "the kernel put the IP length and checksum right");
    prompt.types(r#"sr1(IP("127.0.0.1")/ICMP())"#);
    prompt.expect("1 sent, 1 answered");
    prompt.expect("(lo)");
    assert!(!prompt.seen.rsplit_once("1 sent").unwrap().1.contains("repair"));
}

#[test]
fn control_c_ends_a_sniffer_and_gives_what_it_heard() {
    let state = tempfile::tempdir().unwrap();
    let wire = Wire::new();
    let mut prompt = Prompt::start(wire.client(PKTSH), state.path());
    prompt.types(r#"let l = sniff(iface="eth0", filter="udp port 7777");"#);
    prompt.expect("listening until Ctrl-C; count= or timeout= set an end");
    let datagram = |port: u16| {
        let builder = etherparse::PacketBuilder::ethernet2([2, 0, 0, 9, 0, 2], [2, 0, 0, 9, 0, 1]);
        let mut frame = Vec::new();
        let udp = builder.ipv4([10, 9, 0, 2], [10, 9, 0, 1], 64).udp(5000, port);
        udp.write(&mut frame, b"hello").unwrap();
        frame
    };
    for port in [7777, 7778, 7777] {
        wire.server_sends(&datagram(port));
    }
    prompt.keys(CTRL_C);
    prompt.expect("2 packets in");
    prompt.expect("stopped by Ctrl-C");
    prompt.expect("pktsh> ");
    prompt.says("l.map(|p| p.dport)", "\n[7777, 7777]\r\n");

    // A sniffer of its own prints between the prompts.
    prompt.says(r#"let s = AsyncSniffer(iface="eth0", filter="icmp", prn=|p| "type " + p[ICMP].type); s.start()"#, "");
    prompt.says(&format!(r#"sr1(IP("{SERVER}")/ICMP())[ICMP].type"#), "\n0\r\n");
    prompt.says("s.stop().len()", "\n2\r\n");
    assert!(prompt.seen.contains("type 8"), "{}", prompt.seen);
}
