//! Reports of scans made by hand: what people see, word for word, and what other programs read in them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/golden.rs"]
mod golden;
#[path = "support/scans.rs"]
mod scans;

use std::cell::RefCell;
use std::fs;
use std::io::{self, Write};
use std::process::Command;
use std::rc::Rc;

use golden::golden;
use pktsh::base::Rng;
use pktsh::scan::report::{FORMATS, Format, Look, Report, diff, json_lines, read, text};
use pktsh::scan::{News, Presence, Reason, Scan, State, Watch};
use proptest::prelude::*;
use scans::{combined, cut_off, hostile, tell};

/// What was written.
#[derive(Clone, Default)]
struct Sink(Rc<RefCell<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

fn format(name: &str) -> &'static Format {
    Format::named(name).unwrap()
}

/// The report of a scan that was told as it went.
fn told(name: &str, scan: &Scan, look: Look) -> String {
    let sink = Sink::default();
    let mut report = Report::new(format(name), "x", Box::new(sink.clone()), look);
    tell(&mut report, scan);
    assert_eq!(report.error(), None);
    sink.text()
}

#[test]
fn every_report_reads_as_it_should() {
    let endings = [("normal", "txt"), ("json", "json"), ("xml", "xml"), ("greppable", "gnmap"), ("csv", "csv")];
    for format in FORMATS {
        let (_, ending) = endings.iter().find(|(name, _)| *name == format.name).unwrap();
        for (scan, name) in [(cut_off(), "report"), (combined(), "report-combined"), (hostile(), "report-hostile")] {
            let found = told(format.name, &scan, Look::default());
            // A version number would make the files old with every release.
            golden(&format!("{name}.{ending}"), &found.replace(env!("CARGO_PKG_VERSION"), "VERSION"));
        }
    }
}

#[test]
fn a_whole_scan_as_text_is_what_came_piece_by_piece() {
    for scan in [cut_off(), combined()] {
        assert_eq!(text(&scan, 100) + "\n", told("normal", &scan, Look::default()));
        assert_eq!(json_lines(&scan), told("json", &scan, Look::default()));
    }
}

#[test]
fn only_open_ports_are_shown_where_that_is_asked_for() {
    let look = Look { open: true, ..Look::default() };
    for format in FORMATS {
        let found = told(format.name, &cut_off(), look);
        assert!(found.contains("22") && found.contains("ssh"), "{found}");
        assert!(!found.contains("telnet") && !found.contains("reset"), "{found}");
    }
}

#[test]
fn no_line_is_wider_than_the_screen() {
    for scan in [cut_off(), combined(), hostile()] {
        for width in 20..=140 {
            let text = text(&scan, width);
            let wide = text.lines().find(|line| line.chars().count() > width);
            assert_eq!(wide, None, "{width}");
        }
    }
}

#[test]
fn nothing_hostile_gets_through() {
    for format in FORMATS {
        let found = told(format.name, &hostile(), Look::default());
        let bad = found.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t') || *c == '\u{202e}');
        assert_eq!(bad, None, "{}: {found}", format.name);
    }
}

#[test]
fn json_reads_back() {
    for scan in [cut_off(), combined(), hostile()] {
        let again = read(json_lines(&scan).as_bytes()).unwrap();
        assert_eq!(json_lines(&again).lines().count(), json_lines(&scan).lines().count());
        for (old, new) in scan.rows.iter().zip(&again.rows) {
            assert_eq!(scan.hosts[old.host].target, again.hosts[new.host].target);
            assert_eq!((old.port, old.proto, old.state, old.reason), (new.port, new.proto, new.state, new.reason));
            assert_eq!((&old.kind, &old.note, &old.service), (&new.kind, &new.note, &new.service));
            assert_eq!((old.ttl, old.tries, old.rtt, old.reason_ip), (new.ttl, new.tries, new.rtt, new.reason_ip));
            assert_eq!(old.verdicts.len(), new.verdicts.len());
        }
        assert_eq!((again.sent, again.elapsed), (scan.sent, scan.elapsed));
        assert_eq!((again.interrupted, again.unbegun), (scan.interrupted, scan.unbegun));
    }
}

#[test]
fn a_mere_discovery_reads_back_with_its_hosts() {
    let mut scan = cut_off();
    (scan.rows, scan.unfinished, scan.about.kinds) = Default::default();
    let again = read(json_lines(&scan).as_bytes()).unwrap();
    let facts = |scan: &Scan| -> Vec<_> {
        scan.hosts.iter().map(|h| (h.target.clone(), h.presence, h.reason, h.ttl, h.mac, h.name.clone())).collect()
    };
    assert_eq!(facts(&again), facts(&scan));
    assert_eq!(again.hosts[1].presence, Presence::Down);
}

#[test]
fn a_wrong_line_is_named() {
    let good = json_lines(&cut_off());
    let line = good.lines().next().unwrap();
    let rows = [
        ("\"state\":\"open\"", "\"state\":\"opne\"", "line 2: state: \"opne\" is not known; did you mean \"open\"?"),
        ("\"port\":22", "\"port\":65536", "line 2: port: a number is wanted, found 65536"),
        ("\"port\":22", "\"prot\":22", "line 2: port is missing; did you mean \"prot\"?"),
        ("\"host\":\"192.0.2.10\"", "\"host\":\"192.0.2\"", "line 2: host: \"192.0.2\" is no address"),
        ("\"reason\":\"syn-ack\"", "\"reason\":7", "line 2: reason: a short text is wanted, found 7"),
        ("{", "[", "line 2: no JSON: "),
    ];
    for (from, to, wanted) in rows {
        let wrong = format!("{line}\n{}\n", line.replacen(from, to, 1));
        let said = read(wrong.as_bytes()).unwrap_err().to_string();
        assert!(said.starts_with(wanted), "{said}");
    }
    assert!(read("7\n".as_bytes()).unwrap_err().to_string().contains("an object"));
    assert!(read(&vec![b' '; 1 << 17][..]).unwrap_err().to_string().contains("too long"));
    assert!(read("".as_bytes()).unwrap().interrupted, "a file without totals was cut off");
}

proptest! {
    #[test]
    fn hostile_files_are_read_without_harm(seed: u64, changes in 1..20_usize) {
        let mut bytes = json_lines(&combined()).into_bytes();
        let mut rng = Rng::new(seed);
        for _ in 0..changes {
            let at = rng.below(bytes.len() as u64) as usize;
            bytes[at] = *b"{}[]\":,0\x00\xff\n9-".get(rng.below(14) as usize).unwrap_or(&b'e');
        }
        if let Ok(scan) = read(&bytes[..]) {
            let _ = (text(&scan, 80), json_lines(&scan));
        }
    }
}

#[test]
fn what_changed_is_told_by_host_and_port() {
    let old = read(json_lines(&cut_off()).as_bytes()).unwrap();
    let mut new = old.clone();
    new.rows[0].state = State::Closed;
    new.rows[1].state = State::Open;
    new.hosts[1].target = "192.0.2.77".parse::<std::net::IpAddr>().unwrap().into();
    new.rows.retain(|row| row.port != 80);
    golden("report-diff.txt", &diff(&old, &new).to_string());
    assert!(diff(&old, &old).is_empty());
}

/// A writer that takes no more.
struct Full(io::ErrorKind);

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_once_and_a_closed_pipe_is_no_failure() {
    for format in FORMATS {
        for (kind, wanted) in [(io::ErrorKind::StorageFull, true), (io::ErrorKind::BrokenPipe, false)] {
            let mut report = Report::new(format, "out.x", Box::new(Full(kind)), Look::default());
            tell(&mut report, &cut_off());
            let said = report.error();
            assert_eq!(said.is_some_and(|said| said.starts_with("cannot write \"out.x\": ")), wanted);
        }
    }
}

/// A program that reads Nmap's XML, on these files.
#[track_caller]
fn reads(program: &str, args: &[&str]) -> String {
    let done = Command::new(program).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    // ndiff ends with 1 where files differ.
    assert!(done.status.code().is_some_and(|code| code < 2), "{program} {args:?}: {text}{done:?}");
    assert_eq!(String::from_utf8_lossy(&done.stderr), "", "{program} {args:?}");
    text
}

const LIBNMAP: &str = "
import sys
from libnmap.parser import NmapParser
for name in sys.argv[1:]:
    report = NmapParser.parse_fromfile(name)
    print(report.scan_type, report.hosts_up, report.hosts_down, report.numservices, report.elapsed, report._runstats['finished']['exit'])
    for host in report.hosts:
        print(host.address, host.mac, host.hostnames, host.status, host.extraports_state)
        for service in host.services:
            print(' ', service.port, service.protocol, service.state, service.service, service.reason, service.reason_ttl, service.reason_ip)
";

#[test]
fn ndiff_and_libnmap_read_the_xml() {
    let folder = tempfile::tempdir().unwrap();
    let mut failed = cut_off();
    (failed.interrupted, failed.rows[0].state) = (false, State::Filtered);
    let paths: Vec<String> = [cut_off(), combined(), hostile(), failed]
        .iter()
        .enumerate()
        .map(|(at, scan)| {
            let path = folder.path().join(format!("{at}.xml"));
            fs::write(&path, told("xml", scan, Look::default())).unwrap();
            path.to_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(reads("ndiff", &[&paths[0], &paths[0]]), "");
    assert_ne!(reads("ndiff", &[&paths[1], &paths[2]]), "");
    let changed = reads("ndiff", &[&paths[0], &paths[3]]);
    let found: Vec<&str> = changed.lines().filter(|line| line.contains("22/tcp")).collect();
    assert_eq!(found, ["-22/tcp open     ssh", "+22/tcp filtered ssh"], "{changed}");
    let python = concat!(env!("CARGO_MANIFEST_DIR"), "/target/venv/bin/python3");
    let args: Vec<&str> = ["-c", LIBNMAP].into_iter().chain(paths.iter().map(String::as_str)).collect();
    golden("report-libnmap.txt", &reads(python, &args));
}

#[test]
fn xml_is_closed_also_when_the_scan_fails() {
    let sink = Sink::default();
    let mut report = Report::new(format("xml"), "x", Box::new(sink.clone()), Look::default());
    report.news(&cut_off(), &News::Begun);
    report.fail("the network is down");
    let found = sink.text();
    assert!(found.contains("exit=\"error\" errormsg=\"the network is down\""), "{found}");
    assert!(found.ends_with("</nmaprun>\n"), "{found}");
    report.fail("again");
    assert_eq!(sink.text(), found);
}

#[test]
fn every_word_of_a_state_and_a_reason_reads_back() {
    for state in State::ALL {
        assert_eq!(State::of_word(state.word()), Some(state));
    }
    for reason in Reason::ALL {
        assert_eq!(Reason::of_word(reason.word()), Some(*reason));
    }
}
