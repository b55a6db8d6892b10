//! Scans of bad networks, in virtual time: loss, changed order, duplicates, limits, and faults of this machine. What is
//! told is right, or told as unsure. Each case comes from a seed, which its failure names.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/between.rs"]
mod between;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use between::{Between, Middle};
use pktsh::base::{Rng, Time};
use pktsh::engine::Network;
use pktsh::lab::{Lab, Plan};
use pktsh::net::faulty::{Faults, Faulty};
use pktsh::net::{Event, Link, LinkInfo, NetError, Polled, Via};
use pktsh::scan::kinds::Kind;
use pktsh::scan::targets::wanted;
use pktsh::scan::{Chosen, News, Request, Row, Scan, Scanner, State};

/// A network of one host.
fn plan(host: &str) -> Plan {
    Plan::parse(&format!(
        "[[host]]\nname = \"it.lab\"\naddrs = [\"192.0.2.10\"]\nabout = \"It.\"\npersonality = \"linux\"\n{host}"
    ))
    .unwrap()
}

type Wrap = Rc<dyn Fn(Box<dyn Link>) -> Box<dyn Link>>;

/// One scan of `it.lab`, and how it is disturbed.
struct Case {
    host: &'static str,
    kind: &'static str,
    ports: Vec<u16>,
    seed: u64,
    wrap: Wrap,
    tune: fn(&mut Request),
}

impl Case {
    fn new(host: &'static str, kind: &'static str, count: u16, seed: u64) -> Self {
        Self { host, kind, ports: (1..=count).collect(), seed, wrap: Rc::new(|link| link), tune: |_| {} }
    }

    fn with(self, fault: impl Fn(Box<dyn Link>) -> Box<dyn Link> + 'static) -> Self {
        Self { wrap: Rc::new(fault), ..self }
    }

    fn tuned(self, tune: fn(&mut Request)) -> Self {
        Self { tune, ..self }
    }

    fn run(self) -> Scan {
        let lab = Lab::from_plan(plan(self.host), self.seed);
        self.run_in(lab)
    }

    fn run_in(self, lab: Lab) -> Scan {
        let mut network = Network::new(vec![Box::new(lab)], self.seed);
        let mut request = Request::new();
        request.targets = wanted(&network, "it.lab", "", false, &|_| Err("no file".into())).unwrap();
        request.kinds = vec![(Chosen::of(Kind::named(self.kind).unwrap()), Arc::from(self.ports))];
        request.discover = false;
        (self.tune)(&mut request);
        let wrap = self.wrap;
        network.wrap_links(move |link| Ok(wrap(link)));
        let mut scanner = Scanner::new(&mut network, request).unwrap();
        while scanner.next(&mut network).unwrap() != News::Ended {}
        scanner.into_scan()
    }
}

/// Decides what becomes of each IPv4 packet that is sent.
struct Edited<S>(S);

enum Fate {
    Sent,
    Lost,
    Refused(NetError),
}

impl<S: FnMut(Time) -> Fate> Middle for Edited<S> {
    fn send(&mut self, link: &mut dyn Link, via: Via, bytes: &[u8], token: u64) -> Result<(), NetError> {
        let is_ip = bytes.get(12..14) == Some(&[8, 0]);
        match if is_ip { self.0(link.now()) } else { Fate::Sent } {
            Fate::Sent => link.send(via, bytes, token),
            Fate::Lost => Ok(()),
            Fate::Refused(error) => Err(error),
        }
    }
}

fn edited<S: FnMut(Time) -> Fate + 'static>(link: Box<dyn Link>, send: S) -> Box<dyn Link> {
    Box::new(Between { link, middle: Edited(send) })
}

/// Loses a share of what is sent, and nothing of what comes.
fn one_way(share: f64, seed: u64) -> impl Fn(Box<dyn Link>) -> Box<dyn Link> {
    move |link| {
        let mut rng = Rng::new(seed);
        edited(link, move |_| if rng.chance(share) { Fate::Lost } else { Fate::Sent })
    }
}

/// A host with some open ports, see [`is_open`]; the others are closed.
const EVEN: &str = "tcp = \"2,4,6,8,10,12,14,16,18,20,80,100,120,140,160,180\"";

fn is_open(port: u16) -> bool {
    port <= 20 && port.is_multiple_of(2) || port == 80 || (100..200).contains(&port) && port.is_multiple_of(20)
}

/// Ports of which a scan says something else than what they are: those that say so, and those that do not.
fn wrong(scan: &Scan) -> (Vec<u16>, Vec<u16>) {
    let is_wrong = |port: u16, state| state != if is_open(port) { State::Open } else { State::Closed };
    let rows = scan.rows.iter().filter(|row| is_wrong(row.port, row.state));
    let (told, untold): (Vec<_>, Vec<_>) = rows.partition(|row| !row.note.is_empty());
    (told.iter().map(|row| row.port).collect(), untold.iter().map(|row| row.port).collect())
}

#[test]
fn lost_probes_make_no_wrong_state() {
    for (share, seeds) in [(0.1, 0..40), (0.3, 100..140)] {
        for seed in seeds {
            let scan = Case::new(EVEN, "syn", 1000, seed).with(one_way(share, seed)).run();
            assert_eq!(scan.rows.len(), 1000, "seed {seed}");
            assert_eq!(wrong(&scan), (vec![], vec![]), "{share} lost, seed {seed}");
        }
    }
}

#[test]
fn with_a_third_lost_each_way_what_is_unsure_is_told_as_such() {
    for seed in 0..40 {
        let faults = Faults { loss: 0.3, ..Faults::default() };
        let case = Case::new(EVEN, "syn", 1000, seed);
        let scan = case.with(move |link| Box::new(Faulty::new(link, faults, seed))).run();
        if scan.rows.iter().all(|row| row.note.starts_with("not sent: ")) {
            continue; // its ARP replies were lost
        }
        let false_word = scan.rows.iter().find(|row| match row.state {
            State::Open => !is_open(row.port),
            State::Closed => is_open(row.port),
            _ => false,
        });
        assert_eq!(false_word, None, "seed {seed}");
        let (told, untold) = wrong(&scan);
        assert!(told.len() < 10 && untold.is_empty(), "seed {seed}: {told:?} {untold:?}");
    }
}

#[test]
fn changed_order_and_duplicates_change_nothing() {
    for seed in 0..500 {
        let faults = Faults { duplication: 0.3, delay: Duration::from_millis(seed % 40), ..Faults::default() };
        let case = Case::new(EVEN, "syn", 60, seed);
        let scan = case.with(move |link| Box::new(Faulty::new(link, faults, seed))).run();
        assert_eq!((wrong(&scan), scan.rows.len()), ((vec![], vec![]), 60), "seed {seed}");
        assert!(scan.rows.iter().all(|row| row.note.is_empty()), "seed {seed}");
    }
}

#[test]
fn bad_cables_make_no_false_word() {
    let host = "tcp = \"2,4,6,8,10,12,14,16,18,20,80\"\n[host.link]\nloss = 0.1\njitter_us = 3000\nduplicate = 0.1\nreorder = 0.2";
    for seed in 0..1000 {
        let scan = Case::new(host, "syn", 30, seed).run();
        let (told, untold) = wrong(&scan);
        let is_down = scan.hosts[0].presence.is_down();
        assert!(is_down || untold.is_empty() && told.len() < 3, "seed {seed}: {told:?} {untold:?}");
    }
}

/// A limit of a host, a scan, and what it ends with: the count of a state, the seconds it may take, the note.
type Limited = (&'static str, &'static str, u16, State, u64, Option<&'static str>);

#[test]
fn limits_are_kept_pace_with() {
    let icmp = Some("ICMP rate limited");
    let rows: &[Limited] = &[
        ("icmp_limit = { burst = 6, per_second = 1 }", "udp", 100, State::Closed, 105, icmp),
        ("icmp_limit = { burst = 50, per_second = 1000 }", "udp", 1000, State::Closed, 4, None),
        ("rst_limit = { burst = 200, per_second = 200 }", "syn", 1000, State::Closed, 6, Some("RST rate limited")),
        (
            "icmp_limit = { burst = 6, per_second = 1 }\n[host.filter]\ndefault = \"admin-prohibited\"",
            "syn",
            60,
            State::Filtered,
            60,
            icmp,
        ),
    ];
    for (host, kind, count, state, most, note) in rows {
        for seed in 0..20 {
            let scan = Case::new(host, kind, *count, seed).run();
            let right = scan.rows.iter().filter(|row| row.state == *state && row.ttl.is_some()).count();
            let took = scan.elapsed.as_secs();
            assert_eq!(right, usize::from(*count), "{host}, seed {seed}, {took} s");
            assert!(took <= *most, "{host}, seed {seed}: {took} s");
            if let Some(note) = note {
                assert!(scan.rows.iter().any(|row| *row.note == **note), "{host}, seed {seed}");
            }
        }
    }
}

/// Ports that are silent by themselves look like a limit, too: they are told apart, and no delay stays.
#[test]
fn a_limit_and_ports_that_are_silent_by_themselves() {
    const SINKS: &str = "icmp_limit = { burst = 6, per_second = 1 }\n\
        udp = [{ port = 4, service = \"sink\" }, { port = 50, service = \"sink\" }, { port = 79, service = \"sink\" }]";
    const HALF: &str = "rst_limit = { burst = 200, per_second = 200 }\n[host.filter]\ndefault = \"accept\"\n\
        rules = [{ action = \"drop\", traffic = \"tcp\", ports = \"300-799\" }]";
    let rows = [(SINKS, "udp", 80, State::OpenFiltered, 3, 85), (HALF, "syn", 1000, State::Filtered, 500, 20)];
    for (host, kind, count, silent, silent_count, most) in rows {
        for seed in 0..20 {
            let scan = Case::new(host, kind, count, seed).run();
            let of = |state| scan.rows.iter().filter(|row| row.state == state).count();
            let found = (of(State::Closed), of(silent));
            assert_eq!(found, (usize::from(count) - silent_count, silent_count), "{host}, seed {seed}");
            assert!(scan.elapsed.as_secs() <= most, "{host}, seed {seed}: {:?}", scan.elapsed);
            // Of resets, the loss alone may ask often enough.
            let may_stay = |row: &Row| row.state != State::OpenFiltered || &*row.note == "ICMP rate limited";
            let is_told = scan.rows.iter().all(may_stay);
            assert!(is_told, "{host}, seed {seed}");
        }
    }
}

#[test]
fn a_limit_that_takes_too_long_is_the_reason() {
    let host = "icmp_limit = { burst = 6, per_second = 1 }";
    for seed in 0..20 {
        let scan = Case::new(host, "udp", 100, seed).tuned(|r| r.host_timeout = Some(Duration::from_secs(20))).run();
        assert!(scan.rows.iter().all(|row| row.state == State::Closed), "seed {seed}");
        let left = &scan.unfinished[0];
        assert_eq!(left.ports.len() + scan.rows.len(), 100, "seed {seed}");
        assert!(scan.rows.len() >= 22 && *left.why == *"ICMP rate limited", "seed {seed}: {left:?}");
    }
}

#[test]
fn silence_alone_slows_nothing() {
    let rows = [
        ("tcp = \"80\"\n[host.filter]\ndefault = \"drop\"", 1300),
        (
            "tcp = \"80\"\n[host.filter]\ndefault = \"drop\"\nrules = [{ action = \"accept\", traffic = \"tcp\", ports = \"80\" }]",
            1300,
        ),
        (
            "tcp = \"80\"\n[host.filter]\ndefault = \"drop\"\nrules = [{ action = \"accept\", traffic = \"tcp\", ports = \"1-500\" }]",
            1300,
        ),
    ];
    for (host, most) in rows {
        for seed in 0..20 {
            let scan = Case::new(host, "syn", 1000, seed).run();
            let took = scan.elapsed.as_millis();
            assert!(took < most, "{host}, seed {seed}: {took} ms");
            assert!(scan.rows.iter().all(|row| row.note.is_empty()), "{host}, seed {seed}");
        }
    }
}

#[test]
fn rates_are_kept() {
    for (least, most) in [(None, Some(100.0)), (Some(5000.0), None), (Some(500.0), Some(500.0))] {
        let sent = Rc::new(RefCell::new(Vec::new()));
        let times = Rc::clone(&sent);
        let mut case = Case::new("[host.filter]\ndefault = \"drop\"", "syn", 1000, 7).with(move |link| {
            let times = Rc::clone(&times);
            edited(link, move |now| {
                times.borrow_mut().push(now);
                Fate::Sent
            })
        });
        case.tune = match (least, most) {
            (None, _) => |r| r.max_rate = Some(100.0),
            (_, None) => |r| r.min_rate = Some(5000.0),
            _ => |r| (r.min_rate, r.max_rate) = (Some(500.0), Some(500.0)),
        };
        case.run();
        let times = sent.borrow();
        // Of the first tries: the last wait for an answer is no sending.
        let rate = 999.0 / (times[999] - times[0]).as_secs_f64();
        assert!(least.is_none_or(|least: f64| rate > least * 0.95), "{rate}, not {least:?}");
        assert!(most.is_none_or(|most: f64| rate < most * 1.05), "{rate}, not {most:?}");
    }
}

fn refused(message: &str) -> NetError {
    NetError::System { doing: "sending 54 bytes".into(), message: message.into() }
}

#[test]
fn a_probe_that_never_left_is_sent_again() {
    for seed in 0..50 {
        let scan = Case::new(EVEN, "syn", 300, seed)
            .with(move |link| {
                let mut rng = Rng::new(seed);
                edited(link, move |_| if rng.chance(0.1) { Fate::Refused(refused("no room")) } else { Fate::Sent })
            })
            .run();
        assert_eq!(wrong(&scan), (vec![], vec![]), "seed {seed}");
        assert!(scan.rows.iter().all(|row| row.tries == 1) && scan.sent == 300, "seed {seed}: {}", scan.sent);
    }
    // What can never leave says so.
    let scan = Case::new(EVEN, "syn", 100, 1)
        .with(|link| edited(link, |_| Fate::Refused(refused("refused by this machine's own firewall"))))
        .run();
    for row in &scan.rows {
        assert!(row.note.starts_with("not sent: ") && row.tries == 0, "{row:?}");
    }
    assert!(scan.rows.len() == 100 && scan.sent == 0 && scan.elapsed < Duration::from_secs(2), "{:?}", scan.elapsed);
}

/// An interface that goes away for a while: what waits is told so once, as the kernel tells it, and nothing is sent.
struct Torn {
    link: Box<dyn Link>,
    from: Time,
    until: Time,
    is_told: bool,
}

fn gone() -> NetError {
    NetError::InterfaceGone { name: "lab0".into(), hint: "see `ip link`" }
}

impl Torn {
    fn is_gone(&self) -> bool {
        (self.from..self.until).contains(&self.link.now())
    }
}

impl Link for Torn {
    fn about(&self) -> &LinkInfo {
        self.link.about()
    }
    fn now(&self) -> Time {
        self.link.now()
    }
    fn send(&mut self, via: Via, bytes: &[u8], token: u64) -> Result<(), NetError> {
        if self.is_gone() { Err(gone()) } else { self.link.send(via, bytes, token) }
    }
    fn poll(&mut self, until: Time, on: &mut dyn FnMut(Event<'_>)) -> Result<Polled, NetError> {
        let is_lost = self.is_gone();
        if is_lost && !std::mem::replace(&mut self.is_told, true) {
            return Err(gone());
        }
        let until = if self.link.now() < self.from { until.min(self.from) } else { until };
        self.link.poll(until, &mut |event| {
            if !(is_lost && matches!(event, Event::Heard(_))) {
                on(event);
            }
        })
    }
}

/// A scan whose interface goes away after a time, for `long`.
fn torn(after: Duration, long: Duration) -> Scan {
    Case::new(EVEN, "syn", 300, 3)
        .with(move |link| {
            let from = link.now() + after;
            Box::new(Torn { link, from, until: from + long, is_told: false })
        })
        .run()
}

#[test]
fn an_interface_that_comes_back_is_used_again_and_one_that_does_not_ends_the_scan() {
    for after in [350, 450, 550] {
        let after = Duration::from_micros(after);
        let back = torn(after, Duration::from_secs(3));
        assert_eq!((wrong(&back), back.rows.len()), ((vec![], vec![]), 300), "{after:?}");
        let lost = torn(after, Duration::from_secs(1000));
        let left = &lost.unfinished[0];
        assert_eq!((wrong(&lost), lost.rows.len() + left.ports.len()), ((vec![], vec![]), 300), "{after:?}");
        assert!(left.why.contains("went away") && !lost.interrupted, "{left:?}");
        assert!(lost.elapsed < Duration::from_secs(8), "{:?}", lost.elapsed);
    }
    // So it is while hosts are asked whether they are there.
    let scan = far(|link| {
        let from = link.now() + Duration::from_millis(5);
        Box::new(Torn { link, from, until: Time::NEVER, is_told: false })
    });
    assert_eq!((scan.rows.len(), scan.unbegun, scan.interrupted), (0, 1, false));
}

/// One port of a host beyond the link, which is asked first whether it is there.
fn far(fault: impl Fn(Box<dyn Link>) -> Box<dyn Link> + 'static) -> Scan {
    let mut network = Network::new(vec![Box::new(Lab::new(1))], 1);
    network.wrap_links(move |link| Ok(fault(link)));
    let mut request = Request::new();
    request.targets = wanted(&network, "far.lab", "", false, &|_| Err("no file".into())).unwrap();
    request.kinds = vec![(Chosen::of(Kind::named("syn").unwrap()), Arc::from([80]))];
    let mut scanner = Scanner::new(&mut network, request).unwrap();
    while scanner.next(&mut network).unwrap() != News::Ended {}
    scanner.into_scan()
}

#[test]
fn a_host_is_found_as_soon_as_its_probes_can_leave() {
    let scan = far(|link| {
        let until = link.now() + Duration::from_millis(50);
        edited(link, move |now| if now < until { Fate::Refused(refused("no room")) } else { Fate::Sent })
    });
    assert_eq!(scan.rows[0].state, State::Open);
    assert!(scan.elapsed < Duration::from_millis(300), "{:?}", scan.elapsed);
}

/// Loses what comes while its capture is full, and counts it.
#[derive(Default)]
struct Full {
    heard: u64,
    lost: u64,
}

impl Middle for Full {
    fn hear(&mut self, event: Event<'_>, on: &mut dyn FnMut(Event<'_>)) {
        if !matches!(&event, Event::Heard(frame) if frame.bytes.get(12..14) == Some(&[8, 0])) {
            return on(event);
        }
        self.heard += 1;
        // All of the first two tries' answers of some ports.
        let is_full = (50..=200).contains(&self.heard) || (400..=700).contains(&self.heard);
        if is_full { self.lost += 1 } else { on(event) }
    }

    fn dropped(&self) -> u64 {
        self.lost
    }
}

#[test]
fn what_our_own_capture_lost_is_asked_again() {
    for seed in 0..20 {
        let case = Case::new(EVEN, "syn", 300, seed);
        let scan = case.with(|link| Box::new(Between { link, middle: Full::default() })).run();
        assert_eq!((wrong(&scan), scan.rows.len()), ((vec![], vec![]), 300), "seed {seed}");
    }
}

/// Presses Ctrl-C at the event of this number.
struct Pressed {
    flag: Arc<AtomicBool>,
    left: u64,
}

impl Middle for Pressed {
    fn hear(&mut self, event: Event<'_>, on: &mut dyn FnMut(Event<'_>)) {
        self.left = self.left.saturating_sub(1);
        self.flag.fetch_or(self.left == 0, Ordering::Relaxed);
        on(event);
    }
}

#[test]
fn ctrl_c_at_any_moment_loses_nothing_and_names_the_rest() {
    let host = "tcp = \"2,4,80\"\n[host.filter]\ndefault = \"drop\"\nrules = [{ action = \"accept\", traffic = \"tcp\", ports = \"1-30\" }]";
    for event in 1..200 {
        let lab = Lab::from_plan(plan(host), event);
        let flag = Arc::new(AtomicBool::new(false));
        lab.set_stop(Arc::clone(&flag));
        let scan = Case::new(host, "syn", 60, event)
            .with(move |link| Box::new(Between { link, middle: Pressed { flag: Arc::clone(&flag), left: event } }))
            .run_in(lab);
        let left: usize = scan.unfinished.iter().map(|left| left.ports.len()).sum();
        let unbegun = if scan.unbegun > 0 { 60 } else { 0 };
        assert_eq!(scan.rows.len() + left + unbegun, 60, "event {event}: {:?}", scan.unfinished);
    }
}
