//! The idle scan: in the laboratory, and with a real Linux that one rule makes a zombie, beside Nmap's.

#![cfg(target_os = "linux")]
#![allow(
    dead_code,
    unreachable_pub,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test prints what it ran, fails by panicking, and uses its part of the support"
)]

#[path = "support/session.rs"]
mod session;
#[path = "support/wire.rs"]
mod wire;

use std::fmt::Write;
use std::process::Stdio;

use pktsh::engine::Network;
use pktsh::lab::Lab;
use pktsh::scan::kinds::Kind;
use pktsh::scan::targets::wanted;
use pktsh::scan::{Chosen, News, Request, Scanner};
use session::lab_session;
use wire::{CLIENT, SERVER, Wire, run};

const PKTSH: &str = env!("CARGO_BIN_EXE_pktsh");

/// What a value prints in a laboratory of its own, or the words of its error.
fn say(value: &str) -> Result<String, String> {
    let (mut session, heard) = lab_session();
    let result = session.script("scan", &format!("print({value});"), &[]);
    result.map(|_| heard.printed.take().join("\n")).map_err(|trouble| trouble.message)
}

#[test]
fn it_finds_what_a_syn_scan_finds() {
    // More than one group of 60 ports, and one that is half open.
    for (target, ports) in [
        ("web.lab", "1-150,443"),
        ("linux.lab", "1-150"),
        ("windows.lab", "1-150,3389"),
        ("far.lab", "1-100"),
        ("honeypot.lab", "1-70"),
        ("drop.lab", "20-90"),
    ] {
        let open = |call: &str| say(&format!("{call}.ports(\"open\")")).unwrap();
        let syn = open(&format!("syn_scan(\"{target}\", ports=\"{ports}\")"));
        assert!(syn.len() > 2, "{target}: {syn}");
        for zombie in ["zombie.lab", "windows.lab"] {
            if zombie != target {
                let idle = open(&format!("idle_scan(\"{target}\", ports=\"{ports}\", zombie=\"{zombie}\")"));
                assert_eq!(idle, syn, "{target} by {zombie}");
            }
        }
    }
}

#[test]
fn rows_tell_who_said_so() {
    let scan = "idle_scan(\"web.lab\", zombie=\"zombie.lab\", ports=\"80,81\")";
    let said = say(scan).unwrap();
    let row = |port: &str| said.lines().find(|line| line.trim().starts_with(port)).unwrap_or_default();
    assert!(row("80/tcp").contains("open             http     ipid-change from 192.0.2.30  64 "), "{said}");
    assert!(row("81/tcp").contains("closed|filtered           no-ipid-change "), "{said}");
}

/// Each zombie that cannot be used is refused in words that say why, and what works.
#[test]
fn useless_zombies_are_refused() {
    let rows = [
        ("busy.lab", "the zombie 192.0.2.31 is not idle: it sent 2"),
        ("linux.lab", "is of the class \"all zeros\": it numbers nothing, as Linux does"),
        ("openbsd.lab", "is of the class \"randomized\": its numbers are drawn"),
        ("192.0.2.99", "the zombie 192.0.2.99 is not there: 192.0.2.99 does not answer ARP"),
        ("web.lab", "the zombie 192.0.2.10 cannot be its own target"),
        ("you.lab", "this machine and groups are no zombies"),
        ("2001:db8::30", "idle scans are IPv4 only here"),
        ("zombi.lab", "did you mean \"zombie.lab\"?"),
    ];
    for (zombie, wanted) in rows {
        let said = say(&format!("idle_scan(\"web.lab\", zombie=\"{zombie}\", ports=\"80,81\")")).unwrap_err();
        assert!(said.contains(wanted), "{zombie}: {said}");
    }
    let busy = say("idle_scan(\"web.lab\", zombie=\"busy.lab\", ports=80)").unwrap_err();
    assert!(busy.ends_with("; in the laboratory, zombie.lab counts"), "{busy}");
}

/// A useless zombie costs the other kinds nothing.
#[test]
fn other_kinds_keep_their_rows() {
    let said = say("scan(\"web.lab\", kind=[\"idle\", \"syn\"], zombie=\"busy.lab\", ports=\"80,81\")").unwrap();
    assert!(said.contains("80/tcp  open ") && said.contains("81/tcp  closed "), "{said}");
    assert!(said.contains("not finished: web.lab, idle: 80-81 (the zombie 192.0.2.31 is not idle"), "{said}");
}

/// The target hears of the zombie alone, unless it is to be asked first.
#[test]
fn the_target_hears_of_the_zombie_alone() {
    let line = |more: &str| format!("idle_scan(\"far.lab\", zombie=\"zombie.lab\", ports=\"80\"{more})");
    let quiet = say(&line("")).unwrap();
    assert!(quiet.contains("is up: user-set") && !quiet.contains("hear"), "{quiet}");
    let asked = say(&line(", discover=true")).unwrap();
    assert!(asked.contains("they hear of you") && asked.contains("is up: echo-reply"), "{asked}");
    let near = say("idle_scan(\"web.lab\", zombie=\"zombie.lab\", ports=80)").unwrap();
    assert!(near.starts_with("targets on this link hear your ARP request, and nothing else of you"), "{near}");
}

/// The rule that makes a Linux a zombie: its packets are numbered one after another. `numgen` writes 32 bits, so a map
/// makes 16 of them; it ends before the test can come to its end.
fn counting_rule() -> String {
    let mut map = String::new();
    (0..2048).for_each(|n| write!(map, "{n} : {n}, ").unwrap());
    format!(
        "table ip z {{
             chain out {{
                 type filter hook output priority 0
                 ip id set numgen inc mod 2048 map {{ {map} }}
             }}
         }}
"
    )
}

#[test]
fn a_real_linux_becomes_a_zombie() {
    let wire = Wire::new();
    let rules = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&rules, counting_rule()).unwrap();
    let _zombie = wire.zombie(&format!("nft -f {}", rules.path().display()));
    wire.server_sh(
        "nft add table ip t
         nft 'add chain ip t in { type filter hook input priority 0; policy accept; }'
         nft 'add rule ip t in tcp dport 83 drop'
         nft 'add rule ip t in tcp dport 85 reject with tcp reset'",
    );
    let _listening = [80, 83, 85, 90, 200].map(|port| wire.listen(port));
    let ports = "70-220";

    let nmap = run(wire.client("nmap").args(["-n", "-Pn", "-sI", "10.9.0.3", "-p", ports, "-oG", "-", SERVER]));
    let listed = nmap.lines().find_map(|line| line.split_once("Ports: ")).expect("nmap's list of ports").1;
    let theirs: Vec<&str> =
        listed.split(", ").filter(|port| port.contains("/open/")).filter_map(|port| port.split('/').next()).collect();
    assert_eq!(theirs, ["80", "90", "200"]);

    let mut witness = wire.witness();
    let code = format!(
        "let s = idle_scan(\"{SERVER}\", zombie=\"10.9.0.3\", ports=\"{ports}\"); \
         print(s.ports(\"open\")); print(s.counts[\"closed|filtered\"])"
    );
    let output = wire.client(PKTSH).args(["-e", &code]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said, "[80, 90, 200]\n148\n");

    // All that the target heard in IPv4 has the zombie's address.
    let first = witness.frame(|frame| frame[12..14] == [8, 0]);
    assert_eq!(first[26..30], [10, 9, 0, 3], "not {CLIENT}");
}

/// Without the rule its resets are numbered 0, and both say so.
#[test]
fn a_plain_linux_is_no_zombie() {
    let wire = Wire::new();
    let _zombie = wire.zombie("true");
    let code = format!("idle_scan(\"{SERVER}\", zombie=\"10.9.0.3\", ports=\"80\")");
    let output = wire.client(PKTSH).args(["-e", &code]).stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the zombie 10.9.0.3 is of the class \"all zeros\""), "{said}");
    let nmap = wire.client("nmap").args(["-n", "-Pn", "-sI", "10.9.0.3", "-p", "80", SERVER]).output().unwrap();
    let theirs = [nmap.stdout, nmap.stderr].concat();
    assert!(String::from_utf8_lossy(&theirs).contains("All zeros"), "{}", String::from_utf8_lossy(&theirs));
}

/// Ctrl-C keeps what is known and names the rest.
#[test]
fn what_is_known_is_kept_when_it_is_stopped() {
    let mut network = Network::new(vec![Box::new(Lab::new(1))], 1);
    let none = |_: &str| Err("no file".to_owned());
    let wanted = |name| wanted(&network, name, "", false, &none).unwrap();
    let mut request = Request::new();
    request.targets = wanted("linux.lab");
    request.zombie = Some((wanted("zombie.lab")[0].target.clone(), 80));
    request.discover = false;
    request.kinds = vec![(Chosen::of(Kind::named("idle").unwrap()), (1..=200).collect())];
    let mut scanner = Scanner::new(&mut network, request).unwrap();
    while !matches!(scanner.next(&mut network).unwrap(), News::Port(_)) {}
    scanner.stop(&mut network).unwrap();
    while scanner.next(&mut network).unwrap() != News::Ended {}
    let scan = scanner.into_scan();
    let left: usize = scan.unfinished.iter().map(|part| part.ports.len()).sum();
    assert!(scan.interrupted && !scan.rows.is_empty() && left > 0);
    assert_eq!(scan.rows.len() + left, 200);
}
