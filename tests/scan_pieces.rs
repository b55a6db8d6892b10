//! Scans in pieces: shared by many machines, stopped and resumed, put together again. The whole is the measure.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/session.rs"]
mod session;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pktsh::base::Rng;
use pktsh::base::ports::Proto;
use pktsh::engine::Network;
use pktsh::lab::Lab;
use pktsh::scan::kinds::Kind;
use pktsh::scan::report::{Journal, json_lines, read, read_journal};
use pktsh::scan::targets::wanted;
use pktsh::scan::{Chosen, Host, News, Presence, Request, Row, Scan, Scanner, Shard};
use session::{lab_session, with_stack};

/// What is scanned: targets, kinds, ports.
struct Case {
    targets: &'static str,
    kinds: &'static [&'static str],
    ports: &'static [u16],
    discover: bool,
}

/// Hosts that are up, silent, filtered, far and not there; kinds of one and of two transports; hosts alone.
const CASES: &[Case] = &[
    Case { targets: "web.lab", kinds: &["syn"], ports: &[22, 80, 81, 443, 8080, 1, 2, 3, 4, 5, 6], discover: true },
    Case { targets: "192.0.2.8-15, far.lab", kinds: &["syn"], ports: &[22, 80, 81], discover: true },
    Case { targets: "stateless.lab, web.lab", kinds: &["syn", "ack", "fin"], ports: &[80, 8080, 8081], discover: true },
    Case { targets: "web.lab, 192.0.2.99", kinds: &["syn", "udp"], ports: &[53, 80, 123], discover: false },
    Case { targets: "192.0.2.8-15", kinds: &[], ports: &[], discover: true },
    Case { targets: "web.lab", kinds: &["idle"], ports: &[22, 80, 81, 82], discover: false },
];

fn request(network: &Network, case: &Case, shard: Option<Shard>) -> Request {
    let mut request = Request::new();
    request.targets = wanted(network, case.targets, "", false, &|_| Err("no file".into())).unwrap();
    let kind = |name: &&str| (Chosen::of(Kind::named(name).unwrap()), Arc::from(case.ports));
    request.kinds = case.kinds.iter().map(kind).collect();
    request.discover = case.discover;
    if case.kinds.contains(&"idle") {
        let zombie = wanted(network, "zombie.lab", "", false, &|_| Err("no file".into())).unwrap();
        request.zombie = Some((zombie[0].target.clone(), 80));
    }
    request.shard = shard;
    request
}

fn network(seed: u64) -> Network {
    Network::new(vec![Box::new(Lab::new(seed))], seed)
}

fn scan(case: &Case, shard: Option<Shard>, seed: u64) -> Scan {
    let mut network = network(seed);
    let request = request(&network, case, shard);
    let mut scanner = Scanner::new(&mut network, request).unwrap();
    while scanner.next(&mut network).unwrap() != News::Ended {}
    scanner.into_scan()
}

/// A row without what hangs on the moment (how long the answer took, how many tries it needed), and without what a file
/// does not keep: the packet, and of each kind's verdict all but its word and reason.
fn timeless(row: &Row) -> Row {
    let word = |row: &Row| Row { ttl: None, reason_ip: None, service: "".into(), note: "".into(), ..timeless(row) };
    let verdicts = row.verdicts.iter().map(word).collect();
    Row { host: 0, tries: 0, rtt: None, answer: None, verdicts, ..row.clone() }
}

type Rows = BTreeMap<(String, Proto, u16), Row>;

/// What was found, and who is there.
fn found(scan: &Scan) -> (Rows, BTreeMap<String, Presence>) {
    let mut rows = Rows::new();
    for row in &scan.rows {
        let key = (scan.hosts[row.host].target.to_string(), row.proto, row.port);
        assert!(rows.insert(key, timeless(row)).is_none(), "{row:?} is there twice");
    }
    let hosts: BTreeMap<String, Presence> =
        scan.hosts.iter().map(|host: &Host| (host.target.to_string(), host.presence)).collect();
    assert_eq!(hosts.len(), scan.hosts.len(), "a host is there twice");
    (rows, hosts)
}

#[test]
fn pieces_together_are_the_whole() {
    for (at, case) in CASES.iter().enumerate() {
        let whole = scan(case, None, 1);
        assert!(!whole.hosts.is_empty() && !whole.interrupted);
        for of in [1, 2, 3, 5, 16, 100] {
            // Each machine has its own seed, and knows of no other.
            let pieces: Vec<Scan> =
                (1..=of).map(|piece| scan(case, Some(Shard::new(piece, of).unwrap()), piece as u64)).collect();
            let rows: usize = pieces.iter().map(|piece| piece.rows.len()).sum();
            assert_eq!(rows, whole.rows.len(), "case {at}: each port is in one of {of} pieces");
            let merged = Scan::join_all(&pieces).sorted();
            assert_eq!(found(&merged), found(&whole), "case {at}, {of} pieces");
            let order: Vec<_> = merged.hosts.iter().map(|host| &host.target).collect();
            assert!(order.is_sorted(), "case {at}: hosts are in order");
            let back = pieces.iter().map(|piece| read(json_lines(piece).as_bytes()).unwrap());
            let back = Scan::join_all(&back.collect::<Vec<_>>());
            assert_eq!(back.rows.len(), whole.rows.len(), "case {at}: by their files, too");
        }
    }
}

#[test]
fn pieces_are_equally_large_and_look_for_few_hosts_twice() {
    let case = Case { targets: "192.0.2.0/26", kinds: &["syn"], ports: &[22, 80, 81, 443], discover: false };
    let pieces: Vec<Scan> = (1..=5).map(|piece| scan(&case, Some(Shard::new(piece, 5).unwrap()), 1)).collect();
    let hosts: usize = pieces.iter().map(|piece| piece.hosts.len()).sum();
    let whole = scan(&case, None, 1);
    assert!(hosts <= whole.hosts.len() + 4, "{hosts}");
    assert!(pieces.iter().all(|piece| (12..=14).contains(&piece.hosts.len())));
}

/// A file in memory, of which a copy is kept.
#[derive(Clone, Default)]
struct Disk(Rc<RefCell<Vec<u8>>>);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How a run ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// By Ctrl-C after so many news.
    Stopped(usize),
    /// At once, after so many news, so many bytes into a line.
    Killed(usize, usize),
    /// By itself.
    Done,
}

/// Runs a scan with a file from which it is resumed. Gives what it found, and what of it was told.
fn run(case: &Case, disk: &Disk, end: End, seed: u64) -> (Scan, Vec<Row>) {
    let mut network = network(seed);
    let request = request(&network, case, None);
    let mut scanner = Scanner::new(&mut network, request).unwrap();
    let bytes = disk.0.borrow().clone();
    let kept = read_journal(&*bytes).unwrap();
    disk.0.borrow_mut().truncate(kept.as_ref().map_or(0, |kept| kept.length as usize));
    let mut journal = match kept {
        Some(kept) => {
            assert_eq!(scanner.identity().differences(&kept.identity), [""; 0]);
            let journal = Journal::go_on(Box::new(disk.clone()), &kept.scan);
            scanner.resume(kept.scan);
            journal
        }
        None => Journal::begin(Box::new(disk.clone()), scanner.identity()),
    };
    let mut told = Vec::new();
    for count in 0.. {
        match end {
            End::Stopped(most) if count == most => scanner.stop(&mut network).unwrap(),
            End::Killed(most, bytes) if count == most => {
                let length = disk.0.borrow().len();
                disk.0.borrow_mut().truncate(length.saturating_sub(bytes));
                break;
            }
            _ => {}
        }
        let news = scanner.next(&mut network).unwrap();
        journal.news(scanner.scan(), &news);
        match news {
            News::Port(row) | News::Known(row) => told.push(*row),
            News::Ended => break,
            _ => {}
        }
    }
    assert!(journal.take_error().is_none());
    (scanner.into_scan(), told)
}

#[test]
fn a_scan_that_was_stopped_anywhere_goes_on_to_the_same_end() {
    for (at, case) in CASES.iter().enumerate() {
        let (whole, told) = run(case, &Disk::default(), End::Done, 1);
        let news = told.len() + 2 * whole.hosts.len() + 12;
        let ends = (0..news).flat_map(|k| [End::Stopped(k), End::Killed(k, 0), End::Killed(k, 1), End::Killed(k, 30)]);
        for end in ends {
            let disk = Disk::default();
            run(case, &disk, end, 1);
            // Once more, somewhere else; then to the end.
            let (second, _) = run(case, &disk, End::Stopped(4), 2);
            let kept = found(&read_journal(&**disk.0.borrow()).unwrap().unwrap().scan);
            let partial = found(&second);
            assert!(kept.0.keys().all(|key| partial.0.contains_key(key)), "case {at}: what was known is told");
            let (last, told) = run(case, &disk, End::Done, 3);
            assert_eq!(found(&last), found(&whole), "case {at}");
            assert_eq!(told.len(), whole.rows.len(), "case {at}: each port is told once");
            assert!(last.unfinished.is_empty() && last.unbegun == 0 && !last.interrupted, "case {at}");
            let kept = read(&**disk.0.borrow()).unwrap();
            assert_eq!(found(&kept), found(&whole), "case {at}: the file is the whole report");
            // There is nothing left to do.
            let (again, _) = run(case, &disk, End::Done, 4);
            assert_eq!((found(&again), again.sent), (found(&whole), last.sent), "case {at}");
        }
    }
}

#[test]
fn what_is_known_is_not_asked_again() {
    let case = &CASES[0];
    let disk = Disk::default();
    let (first, _) = run(case, &disk, End::Stopped(8), 1);
    let known = first.rows.len() as u64;
    assert!(known > 2);
    let (last, _) = run(case, &disk, End::Done, 1);
    let whole = run(case, &Disk::default(), End::Done, 1).0;
    assert!(last.sent - first.sent <= whole.sent - known, "{} after {}", last.sent, first.sent);
    assert!(last.elapsed >= first.elapsed);
}

#[test]
fn a_host_that_took_too_long_goes_on() {
    let case = Case { targets: "web.lab", kinds: &["syn"], ports: &[1, 2, 3, 4], discover: true };
    let mut network = network(1);
    let mut request = request(&network, &case, None);
    // Ten ports a second: time for two of them.
    (request.max_rate, request.host_timeout) = (Some(10.0), Some(Duration::from_millis(150)));
    let mut scanner = Scanner::new(&mut network, request.clone()).unwrap();
    while scanner.next(&mut network).unwrap() != News::Ended {}
    let cut = scanner.into_scan();
    assert!(!cut.unfinished.is_empty() && !cut.rows.is_empty());
    request.host_timeout = None;
    let mut scanner = Scanner::new(&mut network, request).unwrap();
    scanner.resume(cut);
    while scanner.next(&mut network).unwrap() != News::Ended {}
    assert_eq!(scanner.scan().rows.len(), 4);
    assert!(scanner.scan().unfinished.is_empty());
}

/// What a scan of `web.lab` writes to the file it is resumed from.
fn journal_of_web() -> String {
    let disk = Disk::default();
    run(&CASES[0], &disk, End::Done, 1);
    String::from_utf8(disk.0.take()).unwrap()
}

#[test]
fn hostile_files_are_refused_or_passed_over() {
    let good = journal_of_web();
    let (head, rest) = good.split_once('\n').unwrap();
    let refused = [
        ("words\n".to_owned(), "a file that resume= has begun is wanted"),
        // No line of a file that is not ours is thought to be torn, and cut off.
        ("words".to_owned(), "a file that resume= has begun is wanted"),
        (rest.to_owned(), "a file that resume= has begun is wanted"),
        ("{\"scan\":{}".repeat(10_000), "too long for a line"),
        (format!("{head}\n[1]\n"), "line 2: an object"),
        (format!("{head}\n\0\0\0\n"), "line 2: no JSON"),
        (format!("{head}\n{{\"scan\":{{\"targets\":\"other\"}}}}\n"), "line 2: scan: the file has two"),
        ("{\"scan\":{\"targets\":1}}\n".to_owned(), "targets: a short text is wanted"),
    ];
    for (text, wanted) in refused {
        let said = read_journal(text.as_bytes()).map(drop).map_err(|e| e.to_string());
        assert!(said.as_ref().is_err_and(|said| said.contains(wanted)), "{wanted}: {said:?}");
    }
    for torn in ["", "{", "{\"scan\":{\"tar", head] {
        assert!(read_journal(torn.as_bytes()).unwrap().is_none_or(|kept| kept.length == 0), "{torn}");
    }
    // Hosts and ports that were never asked for, states of nothing, and the same line many times.
    let strange = rest.lines().next().unwrap().replace("192.0.2.", "198.51.100.");
    let port = rest.lines().find(|line| line.contains("\"port\":80,")).unwrap();
    let other = port.replace("\"port\":80,", "\"port\":4444,");
    let text = format!("{head}\n{strange}\n{other}\n{}", format!("{port}\n").repeat(50));
    let disk = Disk(Rc::new(RefCell::new(text.into_bytes())));
    let (scan, told) = run(&CASES[0], &disk, End::Done, 1);
    let whole = run(&CASES[0], &Disk::default(), End::Done, 1).0;
    assert_eq!(found(&scan), found(&whole));
    assert_eq!(told.len(), whole.rows.len());
}

#[test]
fn files_cut_and_turned_over_stop_nothing() {
    let good = journal_of_web().into_bytes();
    let mut rng = Rng::new(7);
    for _ in 0..2000 {
        let mut bytes = good.clone();
        bytes.truncate(rng.below(good.len() as u64 + 1) as usize);
        for _ in 0..rng.below(4) {
            let at = rng.below(bytes.len().max(1) as u64) as usize;
            if let Some(byte) = bytes.get_mut(at) {
                *byte = rng.next_u64() as u8;
            }
        }
        if let Ok(Some(kept)) = read_journal(&*bytes) {
            assert!(kept.length as usize <= bytes.len());
            let mut network = network(1);
            let request = request(&network, &CASES[0], None);
            let mut scanner = Scanner::new(&mut network, request).unwrap();
            scanner.resume(kept.scan);
            while scanner.next(&mut network).unwrap() != News::Ended {}
            assert_eq!(scanner.scan().rows.len(), CASES[0].ports.len());
        }
    }
}

#[test]
fn scripts_share_resume_and_merge() {
    with_stack(|| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web.json").display().to_string();
        let (mut session, heard) = lab_session();
        let lines = [
            ("let whole = scan(\"web.lab\", ports=\"1-100\");", ""),
            ("let parts = [1, 2, 3].map(|i| scan(\"web.lab\", ports=\"1-100\", shard=[i, 3]));", ""),
            ("print(diff(whole, merge(parts)).is_empty())", "true"),
            ("print(parts.map(|part| part.len))", "[33, 33, 34]"),
            ("print(merge(parts[0], parts[1], [parts[2]]).len)", "100"),
            ("print(scan(\"web.lab\", ports=80, shard=\"3/3\").len)", "1"),
            ("print(scan(\"web.lab\", ports=80, shard=\"1/3\").len)", "0"),
            (
                &format!("print(scan(\"web.lab\", ports=\"22,80,81\", resume=\"{path}\", open=true).ports(\"open\"))"),
                "",
            ),
            (&format!("print(read_count(\"{path}\"))"), "error"),
            (&format!("print(merge(\"{path}\").len)"), "3"),
            (&format!("scan(\"web.lab\", ports=\"22,80\", resume=\"{path}\")"), "error"),
            ("scan(\"web.lab\", shard=[0, 3])", "error"),
            ("scan(\"web.lab\", shard=3)", "error"),
            ("merge([])", "error"),
            ("merge(3)", "error"),
        ];
        let mut said = Vec::new();
        for (line, wanted) in lines {
            heard.printed.borrow_mut().clear();
            match session.line(line) {
                Ok(_) => {
                    let printed = heard.printed.borrow().join("\n");
                    assert!(wanted.is_empty() || printed == wanted, "{line}: {printed}");
                }
                Err(error) => {
                    assert_eq!(wanted, "error", "{line}: {}", error.message);
                    said.push(error.message.replace(&path, "FILE"));
                }
            }
        }
        for wanted in [
            "resume: \"FILE\": it is of another scan: ports of syn: the file has 3 (22 to 81; #",
            "shard: pieces are counted from 1: of 3 there are 1 to 3, and no 0",
            "scan: shard takes \"1/4\" or [1, 4], found",
            "merge: takes scans or files, found an empty list",
            "merge: takes a scan or the name of a file, found",
        ] {
            assert!(said.iter().any(|said| said.contains(wanted)), "{wanted}: {said:#?}");
        }
    });
}

fn pktsh(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pktsh")).env("COLUMNS", "100").args(args).output().unwrap()
}

#[test]
fn the_command_line_shares_and_resumes() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (a, b, all, kept) = (path("1.json"), path("2.json"), path("all.json"), path("kept.json"));
    let words = ["scan", "web.lab", "-p", "1-100"];
    for (shard, file) in [("1/2", &a), ("2/2", &b)] {
        let done = pktsh(&[&words[..], &["--shard", shard, "--json", file]].concat());
        assert_eq!(done.status.code(), Some(0), "{done:?}");
        assert_eq!(fs::read_to_string(file).unwrap().lines().count(), 51);
    }
    let done = pktsh(&["-e", "merge(args).save(\"ALL\")".replace("ALL", &all).as_str(), &a, &b]);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    assert_eq!(fs::read_to_string(&all).unwrap().lines().count(), 101);
    // Stopped by force in the middle of a line, the same command goes on.
    let resume = [&words[..], &["--resume", &kept]].concat();
    let whole = pktsh(&resume);
    assert_eq!(whole.status.code(), Some(0), "{whole:?}");
    let text = fs::read_to_string(&kept).unwrap();
    fs::write(&kept, &text[..text.len() / 2]).unwrap();
    let again = pktsh(&resume);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    assert_eq!(again.stdout, whole.stdout, "the same table");
    assert!(String::from_utf8(again.stderr).unwrap().contains("resumed: an earlier run had "));
    // Another scan's file stays as it is.
    let before = fs::read(&kept).unwrap();
    let other = pktsh(&["scan", "web.lab", "-p", "22", "--resume", &kept]);
    assert_eq!(other.status.code(), Some(1), "{other:?}");
    assert!(String::from_utf8(other.stderr).unwrap().contains("it is of another scan: ports of syn: the file has 100"));
    assert_eq!(fs::read(&kept).unwrap(), before);
    let same = pktsh(&[&resume[..], &["--json", &kept]].concat());
    assert_eq!(same.status.code(), Some(2), "{same:?}");
    assert_eq!(fs::read(&kept).unwrap(), before);
}

/// A slow scan of loopback by connections is killed when it has told its first ports, and the same command goes on.
#[test]
fn a_scan_that_is_killed_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept.json").to_str().unwrap().to_owned();
    let words = ["scan", "127.0.0.1", "-sT", "-p", "1-400", "--json", "-", "--resume", &kept];
    let mut child = Command::new(env!("CARGO_BIN_EXE_pktsh"))
        .args([&words[..], &["--max-rate", "40"]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().take(20).all(|line| line.is_ok()), "the file is written every tenth of a second");
    // Meanwhile nobody else may write the file.
    let second = pktsh(&words);
    assert_eq!(second.status.code(), Some(1), "{second:?}");
    assert!(String::from_utf8(second.stderr).unwrap().contains("another scan writes it now"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(fs::read_to_string(&kept).unwrap().lines().count() > 2, "what was found is there");
    let done = pktsh(&words);
    assert_eq!(done.status.code(), Some(0), "{done:?}");
    let ports = |text: &str| text.lines().filter(|line| line.contains("\"proto\":\"tcp\"")).count();
    assert_eq!(ports(&String::from_utf8(done.stdout).unwrap()), 400);
    assert_eq!(ports(&fs::read_to_string(&kept).unwrap()), 400);
}
