//! Exchanges over a scripted wire in virtual time: which reply answers which probe, when packets go out, how it ends.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use pktsh::base::{Mac, Time};
use pktsh::engine::{Answers, Ended, EngineError, Network, Options, Outcome, exchange};
use pktsh::layers::{self, ether::ETHER, icmp::ICMP, ip::IP, tcp::TCP, udp::UDP};
use pktsh::net::{
    Capture, Checksum, Event, Frame, Hear, Interface, Link, LinkInfo, Medium, NetError, Polled, Quiet, Reach, Route,
    Slept, Via, World,
};
use pktsh::packet::{LayerDesc, Nowhere, Packet, Value, Wanted};

const US: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const THEM: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
const MS: Duration = Duration::from_millis(1);

/// What the wire answers to a frame: frames, each after a delay.
type Script = Box<dyn FnMut(&Packet) -> Vec<(Duration, Packet)>>;

/// A machine with one interface, and a wire that answers by a script.
#[derive(Clone)]
struct Scripted(Rc<RefCell<Wire>>);

struct Wire {
    now: Time,
    script: Script,
    coming: BTreeMap<(Time, u64), Vec<u8>>,
    sent: Vec<(Time, Packet)>,
    /// When a Ctrl-C comes, or the interface goes.
    interrupt: Option<Time>,
    gone: Option<Time>,
}

impl Scripted {
    fn new(script: impl FnMut(&Packet) -> Vec<(Duration, Packet)> + 'static) -> Self {
        let script: Script = Box::new(script);
        let coming = BTreeMap::new();
        Self(Rc::new(RefCell::new(Wire { now: Time::ZERO, script, coming, sent: vec![], interrupt: None, gone: None })))
    }

    fn exchange(&self, packet: &Packet, options: &Options) -> Result<Outcome, EngineError> {
        exchange(&mut Network::new(vec![Box::new(self.clone())], 1), std::slice::from_ref(packet), options)
    }

    fn sent_at(&self) -> Vec<f64> {
        self.0.borrow().sent.iter().map(|(at, _)| at.seconds()).collect()
    }
}

impl World for Scripted {
    fn is_virtual(&self) -> bool {
        false
    }
    fn owns(&self, _addr: IpAddr) -> bool {
        true
    }
    fn owns_name(&self, _name: &str) -> bool {
        true
    }
    fn now(&self) -> Time {
        self.0.borrow().now
    }
    fn wall_zero(&self) -> i64 {
        0
    }
    fn interfaces(&self) -> Result<Vec<Interface>, NetError> {
        Ok(vec![eth0()])
    }
    fn route(&self, dst: IpAddr, _iface: Option<&str>) -> Result<Route, NetError> {
        let reach = if dst == IpAddr::from([10, 9, 0, 255]) { Reach::Broadcast } else { Reach::Remote };
        Ok(Route { iface: eth0(), source: US.into(), next_hop: dst, reach })
    }
    fn neighbor(&self, _iface: u32, _addr: IpAddr) -> Option<Mac> {
        Some(Mac([2, 0, 0, 0, 0, 2]))
    }
    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, NetError> {
        Err(NetError::UnknownName { name: name.into(), hint: String::new() })
    }
    fn source_ports(&self) -> RangeInclusive<u16> {
        61000..=65535
    }
    fn is_port_free(&self, _protocol: u8, _port: u16) -> bool {
        true
    }
    fn capture(&self, _hear: &Hear) -> Result<Capture, NetError> {
        Ok(Capture::Here(self.open()?))
    }
    fn open(&self) -> Result<Box<dyn Link>, NetError> {
        Ok(Box::new(self.clone()))
    }
    fn suppress_rst(&self, _port: u16) -> Result<Quiet, NetError> {
        Ok(Quiet::holding(()))
    }
    fn sleep(&self, _span: Duration) -> Slept {
        Slept::Whole
    }
}

fn eth0() -> Interface {
    let mac = Some(Mac([2, 0, 0, 0, 0, 1]));
    let medium = Medium::Ethernet;
    Interface { index: 2, name: "eth0".into(), mac, mtu: 1500, medium, loopback: false, up: true, addrs: vec![] }
}

impl Link for Scripted {
    fn about(&self) -> &LinkInfo {
        static ABOUT: LinkInfo = LinkInfo { world: "live", wall_zero: 0 };
        &ABOUT
    }
    fn now(&self) -> Time {
        self.0.borrow().now
    }
    fn send(&mut self, via: Via, bytes: &[u8], _token: u64) -> Result<(), NetError> {
        assert_eq!(via, Via::Frame(2));
        let wire = &mut *self.0.borrow_mut();
        let packet = layers::dissect(&ETHER, &Arc::from(bytes)).from_layer(1);
        for (i, (delay, answer)) in (wire.script)(&packet).into_iter().enumerate() {
            let frame = Packet::new(&ETHER).stack(&answer).bytes(&Nowhere).expect("an answer that can be built");
            wire.coming.insert((wire.now + delay, (wire.sent.len() * 100 + i) as u64), frame);
        }
        wire.sent.push((wire.now, packet));
        Ok(())
    }
    fn poll(&mut self, until: Time, on: &mut dyn FnMut(Event<'_>)) -> Result<Polled, NetError> {
        let next = {
            let wire = &mut *self.0.borrow_mut();
            let first = wire.coming.first_key_value().map(|((at, _), _)| *at);
            let ends = |end: Option<Time>| end.is_some_and(|at| at <= first.unwrap_or(Time::NEVER).min(until));
            if ends(wire.gone) {
                return Err(NetError::InterfaceGone { name: "eth0".into(), hint: "look at `ip link`" });
            }
            if ends(wire.interrupt) {
                return Ok(Polled::Interrupted);
            }
            match first.filter(|at| *at <= until) {
                None => {
                    wire.now = until;
                    return Ok(Polled::Timeout);
                }
                Some(at) => {
                    wire.now = at;
                    wire.coming.pop_first()
                }
            }
        };
        if let Some(((at, _), bytes)) = next {
            let (wire_len, medium, checksum) = (bytes.len(), Medium::Ethernet, Checksum::Ready);
            let frame = Frame { bytes: &bytes, at, iface: 2, medium, outgoing: false, vlan: None, wire_len, checksum };
            on(Event::Heard(frame));
        }
        Ok(Polled::Some)
    }
}

/// A packet of one layer with these fields.
fn layer(desc: &'static LayerDesc, fields: &[(&str, Value)]) -> Packet {
    let mut packet = Packet::new(desc);
    for (name, value) in fields {
        packet.set(0, name, &Wanted::Value(value.clone())).expect("a field that fits");
    }
    packet
}

fn int(n: u64) -> Value {
    Value::Int(n)
}

fn text(t: &str) -> Value {
    Value::text(t)
}

fn ip(src: Ipv4Addr, dst: Ipv4Addr) -> Packet {
    layer(&IP, &[("src", Value::Ip4(src)), ("dst", Value::Ip4(dst)), ("id", int(1))])
}

fn tcp(sport: u64, dport: u64, flags: &str, seq: u64, ack: u64) -> Packet {
    let ports = [("sport", int(sport)), ("dport", int(dport))];
    layer(&TCP, &[&ports[..], &[("flags", text(flags)), ("seq", int(seq)), ("ack", int(ack))]].concat())
}

fn udp(sport: u64, dport: u64) -> Packet {
    layer(&UDP, &[("sport", int(sport)), ("dport", int(dport))])
}

/// One probe, one reply 1 ms later: is it the answer? If not, the account's reason.
fn pairs(probe: &Packet, reply: &Packet) -> Result<(), String> {
    let reply = reply.clone();
    let wire = Scripted::new(move |_| vec![(MS, reply.clone())]);
    let outcome = wire.exchange(probe, &Options::default()).expect("it can be sent");
    match outcome.answered.len() {
        0 => Err(outcome.account.stray_reason.unwrap_or_else(|| "unrelated".into())),
        _ => Ok(()),
    }
}

#[test]
fn tcp_answers_by_rfc_9293() {
    let out = |flags, seq, ack| ip(US, THEM).stack(&tcp(50000, 80, flags, seq, ack));
    let back = |flags, seq, ack| ip(THEM, US).stack(&tcp(80, 50000, flags, seq, ack));
    let yes = Ok(());
    let no = |why: &str| Err(why.to_owned());
    assert_eq!(pairs(&out("S", 1000, 0), &back("SA", 7, 1001)), yes);
    assert_eq!(pairs(&out("S", 1000, 0), &back("RA", 0, 1001)), yes);
    assert_eq!(pairs(&out("S", 1000, 0), &back("S", 7, 0)), yes, "split handshake");
    assert_eq!(pairs(&out("S", 1000, 0), &back("A", 500, 77)), yes, "challenge ACK, RFC 5961");
    // NULL, Xmas and FIN with an acknowledgment field that is not 0: the reset has sequence number 0.
    for (flags, occupied) in [("", 0), ("FPU", 1), ("F", 1)] {
        assert_eq!(pairs(&out(flags, 1000, 12345), &back("RA", 0, 1000 + occupied)), yes, "{flags}");
        assert_eq!(pairs(&out(flags, 1000, 12345), &back("RA", 0, 1000)), yes, "macOS does not count FIN: {flags}");
    }
    assert_eq!(pairs(&out("A", 1000, 5000), &back("R", 5000, 0)), yes);
    assert_eq!(pairs(&out("A", 1000, 5000), &back("RA", 0, 1000)), yes, "lwIP");
    assert_eq!(pairs(&out("A", 1000, 5000), &back("R", 777, 0)), no("seq 777, not 5000"));
    assert_eq!(pairs(&out("S", 12344, 0), &back("RA", 0, 0)), no("ack 0, not 12345"));
    assert_eq!(pairs(&out("R", 1000, 0), &back("R", 0, 0)), no("nothing answers a reset"));
    assert_eq!(pairs(&out("S", 0xffff_ffff, 0), &back("SA", 7, 0)), yes, "the numbers are a circle");
    let data = out("S", 1000, 0).stack(&layer(&layers::raw::RAW, &[("load", text("abc"))]));
    assert_eq!(pairs(&data, &back("RA", 0, 1004)), yes, "data is acknowledged too");
    let other = ip(THEM, US).stack(&tcp(81, 50000, "SA", 7, 1001));
    assert_eq!(pairs(&out("S", 1000, 0), &other), no("unrelated"));
    let elsewhere = ip(Ipv4Addr::new(10, 9, 0, 3), US).stack(&tcp(80, 50000, "SA", 7, 1001));
    assert_eq!(pairs(&out("S", 1000, 0), &elsewhere), no("unrelated"));
}

#[test]
fn icmp_answers_by_type_identifier_and_sequence() {
    let icmp = |src, dst, kind: u64, id: u64, seq: u64| {
        ip(src, dst).stack(&layer(&ICMP, &[("type", int(kind)), ("id", int(id)), ("seq", int(seq))]))
    };
    assert_eq!(pairs(&icmp(US, THEM, 8, 5, 1), &icmp(THEM, US, 0, 5, 1)), Ok(()));
    assert_eq!(pairs(&icmp(US, THEM, 13, 5, 1), &icmp(THEM, US, 14, 5, 1)), Ok(()));
    assert_eq!(pairs(&icmp(US, THEM, 8, 5, 1), &icmp(THEM, US, 0, 6, 1)), Err("id 6, not 5".into()));
    let why = "type 8 does not answer type 8";
    assert_eq!(pairs(&icmp(US, THEM, 8, 5, 1), &icmp(THEM, US, 8, 5, 1)), Err(why.into()));
}

/// An ICMP error from `router` that quotes `quoted`, cut to the IP header and eight bytes.
fn error_quoting(router: Ipv4Addr, quoted: &Packet) -> Packet {
    error_quoting_bytes(router, quoted, 8)
}

/// The same, cut to the IP header and `count` bytes.
fn error_quoting_bytes(router: Ipv4Addr, quoted: &Packet, count: usize) -> Packet {
    let mut bytes = quoted.bytes(&Nowhere).expect("a probe that can be built");
    bytes.truncate(20 + count);
    ip(router, US)
        .stack(&layer(&ICMP, &[("type", int(3)), ("code", int(13))]))
        .stack(&layer(&layers::raw::RAW, &[("load", Value::bytes(&bytes))]))
}

#[test]
fn an_icmp_error_answers_the_probe_that_it_quotes() {
    let router = Ipv4Addr::new(10, 9, 9, 9);
    let probe = ip(US, THEM).stack(&tcp(50000, 80, "S", 1000, 0));
    assert_eq!(pairs(&probe, &error_quoting(router, &probe)), Ok(()));
    let other = ip(US, THEM).stack(&tcp(50001, 80, "S", 1000, 0));
    assert_eq!(pairs(&probe, &error_quoting(router, &other)), Err("unrelated".into()));
    let ping = |id| ip(US, THEM).stack(&layer(&ICMP, &[("id", int(id))]));
    assert_eq!(pairs(&ping(5), &error_quoting(router, &ping(5))), Ok(()));
    assert_eq!(pairs(&ping(5), &error_quoting(router, &ping(6))), Err("unrelated".into()));
    assert_eq!(pairs(&udp_probe(9), &error_quoting(router, &udp_probe(9))), Ok(()));
    // A quote that is shorter than it should be still decides by what it holds.
    assert_eq!(pairs(&ping(5), &error_quoting_bytes(router, &ping(5), 4)), Ok(()));
    assert_eq!(pairs(&probe, &error_quoting_bytes(router, &probe, 2)), Ok(()));
}

fn udp_probe(dport: u64) -> Packet {
    ip(US, THEM).stack(&udp(4444, dport))
}

#[test]
fn udp_answers_go_to_the_probe_of_their_port() {
    let probe = ip(US, THEM).stack(&{
        let mut set = udp(4444, 0);
        set.set(0, "dport", &Wanted::Value(Value::List([int(9001), int(9002), int(9009)].into()))).expect("a set");
        set
    });
    let wire = Scripted::new(|sent| {
        let dport = sent.layer(&UDP).and_then(|l| l.int("dport"));
        if dport == Some(9009) { vec![(MS, ip(THEM, US).stack(&udp(9009, 4444)))] } else { vec![] }
    });
    let outcome = wire.exchange(&probe, &Options::default()).expect("it can be sent");
    assert_eq!(outcome.answered.len(), 1);
    assert_eq!(outcome.answered[0].0.layer(&UDP).and_then(|l| l.int("dport")), Some(9009));
    assert_eq!(outcome.unanswered.len(), 2);
}

#[test]
fn echo_replies_go_to_the_request_of_their_number() {
    let mut probe = ip(US, THEM).stack(&layer(&ICMP, &[("id", int(5))]));
    probe.set(1, "seq", &Wanted::Value(Value::List([int(1), int(2), int(3)].into()))).expect("a set");
    let wire = Scripted::new(|sent| {
        let seq = sent.layer(&ICMP).and_then(|l| l.int("seq")).unwrap_or(0);
        let reply = layer(&ICMP, &[("type", int(0)), ("id", int(5)), ("seq", int(seq))]);
        vec![(MS * (10 - seq as u32), ip(THEM, US).stack(&reply))]
    });
    let outcome = wire.exchange(&probe, &Options::default()).expect("it can be sent");
    let seq = |packet: &Packet| packet.layer(&ICMP).and_then(|l| l.int("seq"));
    let pairs: Vec<_> = outcome.answered.iter().map(|(query, answer)| (seq(query), seq(answer))).collect();
    assert_eq!(pairs, [(Some(3), Some(3)), (Some(2), Some(2)), (Some(1), Some(1))]);
}

#[test]
fn anyone_may_answer_a_broadcast() {
    let probe = ip(US, Ipv4Addr::new(10, 9, 0, 255)).stack(&layer(&ICMP, &[("id", int(5))]));
    let answer = |last, delay: u32| {
        let reply = layer(&ICMP, &[("type", int(0)), ("id", int(5))]);
        (MS * delay, ip(Ipv4Addr::new(10, 9, 0, last), US).stack(&reply))
    };
    let wire = Scripted::new(move |_| vec![answer(7, 1), answer(8, 2)]);
    let outcome = wire.exchange(&probe, &Options { answers: Answers::All, ..Options::default() }).expect("sent");
    assert_eq!(outcome.answered.len(), 2, "all of them, with Answers::All");
}

#[test]
fn the_timeout_counts_from_the_last_packet_and_only_the_unanswered_go_again() {
    let mut probe = ip(US, THEM).stack(&tcp(50000, 0, "S", 1000, 0));
    probe.set(1, "dport", &Wanted::Value(Value::List([int(22), int(23), int(24)].into()))).expect("a set");
    let wire = Scripted::new(|sent| {
        let dport = sent.layer(&TCP).and_then(|l| l.int("dport")).unwrap_or(0);
        if dport == 23 { vec![(MS, ip(THEM, US).stack(&tcp(23, 50000, "RA", 0, 1001)))] } else { vec![] }
    });
    let options = Options { timeout: MS * 500, retry: 2, inter: MS * 100, ..Options::default() };
    let outcome = wire.exchange(&probe, &options).expect("it can be sent");
    assert_eq!(wire.sent_at(), [0.0, 0.1, 0.2, 0.7, 0.8, 1.3, 1.4]);
    assert!((World::now(&wire).seconds() - 1.9).abs() < 1e-9, "{}", World::now(&wire));
    assert_eq!((outcome.account.sent, outcome.account.tries, outcome.unanswered.len()), (7, 3, 2));
}

#[test]
fn the_first_answer_ends_sr1_after_all_is_sent() {
    let mut probe = ip(US, THEM).stack(&tcp(50000, 0, "S", 1000, 0));
    probe.set(1, "dport", &Wanted::Value(Value::List([int(22), int(23), int(24)].into()))).expect("a set");
    let wire = Scripted::new(|sent| {
        let dport = sent.layer(&TCP).and_then(|l| l.int("dport")).unwrap_or(0);
        vec![(MS * (30 - dport as u32), ip(THEM, US).stack(&tcp(dport, 50000, "RA", 0, 1001)))]
    });
    let outcome = wire.exchange(&probe, &Options { answers: Answers::First, ..Options::default() }).expect("sent");
    assert_eq!(wire.sent_at().len(), 3);
    assert_eq!(outcome.answered[0].1.layer(&TCP).and_then(|l| l.int("sport")), Some(24), "the fastest");
    assert!(World::now(&wire).seconds() < 0.01);
}

#[test]
fn ctrl_c_keeps_what_has_come_and_a_lost_interface_is_an_error() {
    let mut probe = ip(US, THEM).stack(&tcp(50000, 0, "S", 1000, 0));
    probe.set(1, "dport", &Wanted::Value(Value::List([int(22), int(23)].into()))).expect("a set");
    let answer = |sent: &Packet| {
        let dport = sent.layer(&TCP).and_then(|l| l.int("dport")).unwrap_or(0);
        if dport == 22 { vec![(MS, ip(THEM, US).stack(&tcp(22, 50000, "RA", 0, 1001)))] } else { vec![] }
    };
    let wire = Scripted::new(answer);
    wire.0.borrow_mut().interrupt = Some(Time::ZERO + MS * 300);
    let outcome = wire.exchange(&probe, &Options::default()).expect("Ctrl-C is no error");
    assert_eq!((outcome.ended, outcome.answered.len(), outcome.unanswered.len()), (Ended::Interrupted, 1, 1));
    assert_eq!(outcome.account.to_string(), "2 sent, 1 answered, 1 not, 1 ms; stopped by Ctrl-C (eth0)");

    let wire = Scripted::new(answer);
    wire.0.borrow_mut().gone = Some(Time::ZERO + MS * 300);
    let error = wire.exchange(&probe, &Options::default()).expect_err("the interface is gone");
    assert!(error.to_string().contains("eth0 went away"), "{error}");
}

#[test]
fn silence_is_explained_by_what_was_seen() {
    let probe = ip(US, THEM).stack(&tcp(50000, 80, "S", 12344, 0));
    let wire = Scripted::new(|_| (1..=3).map(|n| (MS * n, ip(THEM, US).stack(&tcp(80, 50000, "RA", 0, 0)))).collect());
    let outcome = wire.exchange(&probe, &Options { retry: 1, timeout: MS * 2000, ..Options::default() }).expect("sent");
    let wanted = "no answer in 2 s (2 tries); 6 packets from 10.9.0.2 seen, none matched: ack 0, not 12345 (eth0)";
    assert_eq!(outcome.account.to_string(), wanted);
}

#[test]
fn an_answer_remembers_its_probe_as_it_was_sent() {
    let probe = layer(&IP, &[("dst", Value::Ip4(THEM))]).stack(&layer(&TCP, &[("dport", int(80))]));
    let wire = Scripted::new(|sent| {
        let sport = sent.layer(&TCP).and_then(|l| l.int("sport")).unwrap_or(0);
        vec![(MS, ip(THEM, US).stack(&tcp(80, sport, "SA", 7, 1)))]
    });
    let outcome = wire.exchange(&probe, &Options::default()).expect("it can be sent");
    let (query, answer) = &outcome.answered[0];
    let sent = wire.0.borrow().sent[0].1.clone();
    assert_eq!(query.bytes(&Nowhere), sent.bytes(&Nowhere));
    let remembered = answer.meta().and_then(|m| m.query.as_ref()).expect("the probe");
    assert_eq!(remembered.bytes(&Nowhere), sent.bytes(&Nowhere));
    assert_eq!(answer.meta().map(|m| (m.wall, &*m.iface)), Some((1_000_000, "eth0")));
}
