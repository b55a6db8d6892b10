//! `pktsh scan`: its help, and what it says about mistakes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/golden.rs"]
mod golden;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use golden::golden;

fn pktsh(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pktsh"));
    command.env("COLUMNS", "100").args(args).output().unwrap()
}

#[test]
fn the_help_has_every_option() {
    let done = pktsh(&["scan", "--help"]);
    assert_eq!(done.status.code(), Some(0));
    golden("scan-help.txt", &String::from_utf8(done.stdout).unwrap());
}

#[test]
fn mistakes_are_named_and_exit_with_2() {
    let rows: &[&[&str]] = &[
        &["scan"],
        &["scan", "web.lab", "-p", "22,99999"],
        &["scan", "web.lab", "--prots", "22"],
        &["scan", "web.lab", "-sV"],
        &["scan", "web.lab", "-A"],
        &["scan", "web.lab", "--script=vuln"],
        &["scan", "web.lab", "-p"],
        &["scan", "192.0.2.0/33"],
        &["scan", "web.lab", "--retry", "many"],
        &["scan", "web.lab", "--json", "-", "--csv", "/dev/stdout"],
        &["scan", "web.lab", "--xml", "/nowhere/out.xml"],
        &["scan", "web.lab", "--lab", "--live"],
    ];
    let mut said = Vec::new();
    for args in rows {
        let done = pktsh(args);
        assert_eq!(done.status.code(), Some(2), "{args:?}: {done:?}");
        assert!(done.stdout.is_empty(), "{args:?}");
        said.push(format!("$ pktsh {}\n{}\n", args.join(" "), String::from_utf8(done.stderr).unwrap()));
    }
    golden("scan-mistakes.txt", &said.concat());
}

/// Scans of the laboratory, which are the same in every run: standard output, then standard error.
#[test]
fn scans_read_as_they_should() {
    let rows: &[&[&str]] = &[
        &["scan", "web.lab", "-p", "22,80,81"],
        &["scan", "web.lab", "-p", "1-100"],
        &["scan", "web.lab", "-p", "22,80,81", "--open"],
        &["scan", "-sn", "192.0.2.0/29"],
        &["scan", "192.0.2.99", "-F"],
        &["scan", "web.lab", "-sSA", "-p", "80,81"],
        &["scan", "web.lab", "-p", "22,80", "--json", "-"],
        &["scan", "web.lab", "-p22,80", "-oG", "/dev/stdout"],
        &["scan", "web.lab", "-p22,80", "--csv=-"],
        &["scan", "web.lab", "-p", "80", "--probe", "IP(ttl=12)/TCP(window=1024)"],
    ];
    let mut seen = Vec::new();
    for args in rows {
        let done = pktsh(args);
        assert_eq!(done.status.code(), Some(0), "{args:?}: {done:?}");
        let text = |bytes| String::from_utf8(bytes).unwrap();
        seen.push(format!("$ pktsh {}\n{}--\n{}\n", args.join(" "), text(done.stdout), text(done.stderr)));
    }
    golden("scan-runs.txt", &seen.concat().replace(env!("CARGO_PKG_VERSION"), "VERSION"));
}

#[test]
fn several_reports_are_written_at_once_and_name_the_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (xml, json, csv, pcap) = (path("a.xml"), path("a.json"), path("a.csv"), path("a.pcap"));
    let args = ["scan", "web.lab", "-p", "22,80", "-oX", &xml, "--json", &json, "--csv", &csv, "--pcap", &pcap];
    let done = pktsh(&args);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert!(String::from_utf8(done.stdout).unwrap().contains("22/tcp"), "the table is shown, too");
    assert!(fs::read_to_string(&xml).unwrap().contains("args=\"pktsh scan web.lab -p 22,80 -oX "));
    assert_eq!(fs::read_to_string(&json).unwrap().lines().count(), 3);
    assert_eq!(fs::read_to_string(&csv).unwrap().lines().count(), 3);
    assert!(fs::metadata(&pcap).unwrap().len() > 24, "packets are recorded");
}

#[test]
fn a_host_that_is_not_known_is_a_failure_and_closes_the_reports() {
    let done = pktsh(&["scan", "--lab", "wbe.lab", "-p", "22"]);
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    assert!(String::from_utf8(done.stderr).unwrap().starts_with("error: "));
}

/// A slow scan of loopback by connections, which needs no privilege: the first port that is told ends the wait.
#[test]
fn ctrl_c_keeps_what_was_found_and_closes_the_reports() {
    let folder = tempfile::tempdir().unwrap();
    let xml = folder.path().join("a.xml");
    let mut child = Command::new(env!("CARGO_BIN_EXE_pktsh"))
        .args(["scan", "127.0.0.1", "-sT", "-p", "1-2000", "--max-rate", "20", "--json", "-", "--xml"])
        .arg(&xml)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("{\"host\":\"127.0.0.1\",\"port\":"));
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    let last = lines.last().unwrap();
    let done = child.wait_with_output().unwrap();
    assert_eq!(done.status.code(), Some(130), "{done:?}");
    assert!(last.starts_with("{\"totals\":") && last.ends_with("\"interrupted\":true}}"), "{last}");
    let err = String::from_utf8(done.stderr).unwrap();
    assert!(err.contains("not finished: 127.0.0.1, connect: "), "{err}");
    let xml = fs::read_to_string(xml).unwrap();
    assert!(xml.contains("exit=\"error\" errormsg=\"interrupted; ") && xml.ends_with("</nmaprun>\n"), "{xml}");
}
