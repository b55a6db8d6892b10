//! Scans made by hand, for the reports.
#![allow(dead_code, reason = "each test program uses its part")]

use std::sync::Arc;
use std::time::Duration;

use pktsh::base::ports::Proto;
use pktsh::base::targets::Target;
use pktsh::scan::kinds::Kind;
use pktsh::scan::{About, Host, News, Presence, Reason, Row, Scan, State, Unfinished, Watch};

/// 2026-11-25 11:46:17 UTC, in nanoseconds.
const BEGAN: i64 = 1_795_607_177_000_000_000;

/// A kind by its name.
pub(crate) fn kind(name: &str) -> &'static Kind {
    Kind::named(name).expect("a kind")
}

/// A host that answered an ARP request.
pub(crate) fn host(addr: &str, name: Option<&str>) -> Host {
    Host {
        target: Target::from(addr.parse::<std::net::IpAddr>().expect("an address")),
        name: name.map(Into::into),
        others: Vec::new(),
        presence: Presence::Up,
        reason: Reason::ArpResponse,
        reason_ip: None,
        ttl: None,
        mac: "02:00:00:00:00:0a".parse().ok(),
        iface: "lab0".into(),
        rtt: Some((Duration::from_micros(300), Duration::from_micros(80))),
        began: BEGAN,
        ended: BEGAN + 1_500_000_000,
    }
}

/// A port of the first host.
pub(crate) fn row(port: u16, proto: Proto, kind: &str, state: State, reason: Reason) -> Row {
    let is_answered = reason != Reason::NoResponse;
    Row {
        host: 0,
        port,
        proto,
        kind: kind.into(),
        state,
        reason,
        reason_ip: None,
        ttl: is_answered.then_some(64),
        tries: if is_answered { 1 } else { 2 },
        rtt: is_answered.then(|| Duration::from_micros(310)),
        service: "".into(),
        note: "".into(),
        answer: None,
        verdicts: Vec::new(),
    }
}

/// One host with a name that is up, one that is down, and one behind a filter that Ctrl-C left unfinished: 30 ports are
/// closed, so they fold.
pub(crate) fn cut_off() -> Scan {
    let ports: Arc<[u16]> = (20..=53).chain([80, 443]).collect();
    let mut rows = vec![
        Row { service: "ssh".into(), ..row(22, Proto::Tcp, "syn", State::Open, Reason::SynAck) },
        Row {
            service: "telnet".into(),
            reason_ip: "192.0.2.1".parse().ok(),
            ttl: Some(63),
            ..row(23, Proto::Tcp, "syn", State::Filtered, Reason::PortUnreach)
        },
    ];
    rows.extend((24..=53).map(|port| row(port, Proto::Tcp, "syn", State::Closed, Reason::Reset)));
    rows.push(Row { service: "http".into(), ..row(80, Proto::Tcp, "syn", State::Filtered, Reason::NoResponse) });
    rows.push(Row {
        note: "a SYN/ACK with the wrong acknowledgement number was not believed".into(),
        service: "domain".into(),
        ..row(53, Proto::Udp, "udp", State::Open, Reason::UdpResponse)
    });
    rows.push(Row { host: 2, ..row(22, Proto::Tcp, "syn", State::Filtered, Reason::NoResponse) });
    let down =
        Host { presence: Presence::Down, reason: Reason::NoResponse, mac: None, rtt: None, ..host("192.0.2.9", None) };
    let late = Host { ended: 0, reason: Reason::EchoReply, ttl: Some(62), mac: None, ..host("2001:db8::7", None) };
    Scan {
        about: About {
            args: "pktsh scan --open web.lab".into(),
            began: BEGAN,
            kinds: vec![(kind("syn"), ports.clone()), (kind("udp"), [53][..].into())],
            remarks: vec!["no privilege for raw sockets: connect scan; see setcap in the README".into()],
            targets: 4,
        },
        hosts: vec![host("192.0.2.10", Some("web.lab")), down, late],
        rows,
        unfinished: vec![Unfinished { host: 2, kind: kind("syn"), ports: vec![80, 23, 24, 25], why: "".into() }],
        unbegun: 1,
        sent: 205,
        strays: vec!["192.0.2.66: TCP 80 > 40000 RST".into()],
        stray_count: 3,
        dropped: 0,
        elapsed: Duration::from_millis(1500),
        interrupted: true,
    }
}

/// Several kinds of one host, read together, and nothing else.
pub(crate) fn combined() -> Scan {
    let verdict = |kind: &str, state, reason| row(80, Proto::Tcp, kind, state, reason);
    let verdicts =
        vec![verdict("fin", State::OpenFiltered, Reason::NoResponse), verdict("ack", State::Unfiltered, Reason::Reset)];
    let rows = vec![
        Row {
            verdicts,
            service: "http".into(),
            note: "silent to FIN, and ACK comes through".into(),
            ..row(80, Proto::Tcp, "fin+ack", State::Open, Reason::NoResponse)
        },
        row(81, Proto::Tcp, "fin+ack", State::Closed, Reason::Reset),
    ];
    Scan {
        about: About { args: "pktsh scan -sF -sA web.lab".into(), began: BEGAN, targets: 1, ..About::default() },
        hosts: vec![host("192.0.2.10", Some("web.lab"))],
        rows,
        sent: 5,
        elapsed: Duration::from_millis(40),
        ..Scan::default()
    }
    .with_kinds(&["fin", "ack"], &[80, 81])
}

/// A host whose every word tries to get out of its place.
pub(crate) fn hostile() -> Scan {
    let evil = "=\u{1b}[2J\r\n<!-- \"&]]>\u{0}--,/\t\u{ffff}\u{202e}";
    let rows = vec![Row {
        service: evil.into(),
        note: evil.into(),
        kind: evil.into(),
        ..row(1, Proto::Ip, "protocol", State::OpenFiltered, Reason::NoResponse)
    }];
    Scan {
        about: About { args: evil.into(), targets: 1, remarks: vec![evil.into()], ..About::default() },
        hosts: vec![Host { iface: evil.into(), ..host("192.0.2.66", Some(evil)) }],
        rows,
        strays: vec![evil.into()],
        stray_count: 1,
        ..Scan::default()
    }
    .with_kinds(&["protocol"], &[1])
}

trait WithKinds {
    fn with_kinds(self, names: &[&str], ports: &[u16]) -> Self;
}

impl WithKinds for Scan {
    fn with_kinds(mut self, names: &[&str], ports: &[u16]) -> Self {
        self.about.kinds = names.iter().map(|name| (kind(name), ports.into())).collect();
        self
    }
}

/// Tells `watch` a finished scan as it would have gone.
pub(crate) fn tell(watch: &mut dyn Watch, scan: &Scan) {
    watch.news(scan, &News::Begun);
    for (at, host) in scan.hosts.iter().enumerate() {
        watch.news(scan, &News::Host(at));
        for row in scan.rows_of(at) {
            watch.news(scan, &News::Port(Box::new(row.clone())));
        }
        if host.presence == Presence::Up && scan.unfinished.iter().all(|part| part.host != at) {
            watch.news(scan, &News::Finished(at));
        }
    }
    watch.news(scan, &News::Ended);
}
