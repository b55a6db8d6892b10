//! The two that ask: Nmap and we.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pktsh::base::targets::Target;
use pktsh::engine::Network;
use pktsh::layers::ip::IP;
use pktsh::layers::ipv6::IPV6;
use pktsh::packet::{Packet, Value, Wanted as Field};
use pktsh::scan::kinds::Kind;
use pktsh::scan::{Chosen, News, Request, Row, Scan, Scanner, Wanted};

/// What is said of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Said {
    /// State and reason, and who gave it where it was not the host: `filtered port-unreach from the router`.
    pub(crate) verdict: String,
    /// What else we say.
    pub(crate) note: String,
}

/// A question: a kind, a target, ports, and the TTL of the probes.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) kind: &'static Kind,
    pub(crate) target: String,
    pub(crate) ports: Vec<u16>,
    pub(crate) ttl: Option<u8>,
}

/// The answers, by port.
pub(crate) type Answers = BTreeMap<u16, Said>;

/// Runs a scan to its end.
pub(crate) fn run_scan(network: &mut Network, request: Request) -> Scan {
    let mut scanner = Scanner::new(network, request).unwrap();
    while scanner.next(network).unwrap() != News::Ended {}
    scanner.into_scan()
}

/// A request for these addresses.
pub(crate) fn request(targets: &[&str]) -> Request {
    let wanted = |text: &&str| Wanted { target: target(text), name: None, others: Vec::new() };
    Request { targets: targets.iter().map(wanted).collect(), ..Request::new() }
}

fn target(text: &str) -> Target {
    text.parse::<std::net::IpAddr>().unwrap().into()
}

/// What we say.
pub(crate) fn ours(network: &mut Network, question: &Question) -> Answers {
    ours_and_strays(network, question).0
}

/// The same, and what came that no probe had asked for.
pub(crate) fn ours_and_strays(network: &mut Network, question: &Question) -> (Answers, BTreeSet<String>) {
    let probe = question.ttl.map(|ttl| {
        let (desc, field) = if question.target.contains(':') { (&IPV6, "hlim") } else { (&IP, "ttl") };
        let mut packet = Packet::new(desc);
        packet.set(0, field, &Field::Value(Value::Int(ttl.into()))).unwrap();
        packet
    });
    let scan = run_scan(
        network,
        Request {
            kinds: vec![(Chosen::of(question.kind), question.ports.clone().into())],
            discover: false,
            retry: Some(1),
            timeout: Some(Duration::from_millis(400)),
            probe,
            ..request(&[&question.target])
        },
    );
    assert_eq!(scan.rows.len(), question.ports.len(), "{question:?}");
    (scan.rows.iter().map(|row| (row.port, said(row))).collect(), scan.strays.into_iter().collect())
}

/// What a row says.
fn said(row: &Row) -> Said {
    let by = row.reason_ip.map_or(String::new(), |addr| format!(" from {}", name(&addr.to_string())));
    Said { verdict: format!("{} {}{by}", row.state, row.reason), note: without_numbers(&row.note) }
}

/// What an address is in the networks of the test.
pub(crate) fn name(addr: &str) -> &str {
    match addr {
        "10.9.0.2" | "fd00:9::2" | "192.0.2.1" | "2001:db8::1" => "the router",
        "10.9.0.6" | "fd00:9::6" => "another",
        other => other,
    }
}

/// Numbers that are drawn anew for each scan, as `N`.
fn without_numbers(note: &str) -> String {
    let is_drawn = |word: &&str| {
        let plain = word.trim_end_matches(',');
        plain.starts_with("0x") || (plain.len() > 4 && plain.bytes().all(|b| b.is_ascii_digit()))
    };
    let words = note.split(' ').map(|word| match (is_drawn(&word), word.ends_with(',')) {
        (false, _) => word,
        (true, true) => "N,",
        (true, false) => "N",
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Asks Nmap all questions, several at a time: most of its time it waits.
pub(crate) fn nmap_all(questions: &[Question]) -> Vec<Answers> {
    let next = AtomicUsize::new(0);
    let mut all = vec![Answers::new(); questions.len()];
    std::thread::scope(|scope| {
        let work = || {
            let mut mine = Vec::new();
            while let Some((at, question)) =
                Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, questions.get(at)?)))
            {
                mine.push((at, nmap(question)));
            }
            mine
        };
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            for (at, answers) in worker.join().unwrap() {
                all[at] = answers;
            }
        }
    });
    all
}

/// What Nmap says.
fn nmap(question: &Question) -> Answers {
    let ports: Vec<String> = question.ports.iter().map(u16::to_string).collect();
    let mut command = Command::new("nmap");
    command.args([question.kind.nmap, "-n", "-Pn", "-vv", "--reason", "--max-retries", "1", "-oX", "-"]);
    command.args(["--min-rtt-timeout", "300ms", "--max-rtt-timeout", "500ms", "--initial-rtt-timeout", "500ms"]);
    command.args(["-p", &ports.join(",")]);
    if question.target.contains(':') {
        command.arg("-6");
    }
    if let Some(ttl) = question.ttl {
        command.args(["--ttl", &ttl.to_string()]);
    }
    let output = command.arg(&question.target).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let answers: Answers = text.split("<port ").skip(1).map(port).collect();
    let found: Vec<u16> = answers.keys().copied().collect();
    assert_eq!(found, question.ports, "{question:?}: {text}");
    answers
}

/// A port of Nmap's XML: `protocol="tcp" portid="22"><state state="open" reason="syn-ack" reason_ttl="64"/>`.
fn port(xml: &str) -> (u16, Said) {
    let value = |name: &str| {
        let state = xml.split("</port>").next()?;
        state.split_once(&format!(" {name}=\""))?.1.split('"').next()
    };
    let by = value("reason_ip").map_or(String::new(), |addr| format!(" from {}", name(addr)));
    let verdict = format!("{} {}{by}", value("state").unwrap(), value("reason").unwrap());
    (value("portid").unwrap().parse().unwrap(), Said { verdict, note: String::new() })
}
