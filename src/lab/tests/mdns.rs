//! Names without a server: mDNS (RFC 6762), DNS-SD (RFC 6763), LLMNR (RFC 4795).

use std::net::Ipv6Addr;

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, OPCODE, Packet, PacketFlag, QTYPE, Question, ResourceRecord, TYPE};

use super::six::*;
use super::witness::read;
use super::*;

const GROUP: [u8; 4] = [224, 0, 0, 251];
const GROUP6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
const LLMNR: [u8; 4] = [224, 0, 0, 252];
const LLMNR6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 1, 3);
const PRINTER: [u8; 4] = [192, 0, 2, 60];
const PI: [u8; 4] = [192, 0, 2, 62];

const PI_REVERSE: &str = "62.2.0.192.in-addr.arpa";
const SERVICES: &str = "_services._dns-sd._udp.local";

/// A question with the number 77.
fn question(name: &str, kind: TYPE, wants_unicast: bool) -> Packet<'static> {
    let mut query = Packet::new_query(77);
    let name = Name::new(name).unwrap().into_owned();
    query.questions.push(Question::new(name, QTYPE::TYPE(kind), CLASS::IN.into(), wants_unicast));
    query
}

/// An IPv4 packet to `dst` with that message, from this port, on the link alone.
fn packet(dst: [u8; 4], from: u16, to: u16, message: &Packet<'_>) -> Vec<u8> {
    let mut frame = Vec::new();
    ip(dst, 255).udp(from, to).write(&mut frame, &message.build_bytes_vec().unwrap()).unwrap();
    frame.split_off(14)
}

fn packet6(dst: Ipv6Addr, from: u16, to: u16, message: &Packet<'_>) -> Vec<u8> {
    let mut frame = Vec::new();
    ip6(YOU_LL, dst, 255).udp(from, to).write(&mut frame, &message.build_bytes_vec().unwrap()).unwrap();
    frame.split_off(14)
}

/// A message that came back: where it went, its number, and its records in words.
#[derive(Debug, PartialEq)]
struct Told {
    to: String,
    id: u16,
    questions: usize,
    lines: Vec<String>,
}

fn ask_on(bench: &mut Bench, packet: &[u8]) -> Vec<Told> {
    bench.link.send(Via::Ip(Some(1)), packet, 0).unwrap();
    bench.incoming().iter().map(|frame| told(frame)).collect()
}

fn ask(packet: &[u8]) -> Vec<Told> {
    ask_on(&mut Bench::new(), packet)
}

fn told(frame: &[u8]) -> Told {
    let line = describe(frame);
    let hops = line.split(' ').nth(2).unwrap();
    assert_eq!(hops, "255:", "it comes from the link: {line}");
    let (at, dst) = match frame[12..14] {
        [8, 0] => (42, IpAddr::from(<[u8; 4]>::try_from(&frame[30..34]).unwrap())),
        _ => (62, IpAddr::from(<[u8; 16]>::try_from(&frame[38..54]).unwrap())),
    };
    let message = Packet::parse(&frame[at..]).unwrap();
    assert!(message.has_flags(PacketFlag::RESPONSE));
    let port = u16::from_be_bytes(frame[at - 6..at - 4].try_into().unwrap());
    let answers = message.answers.iter().map(|record| words("", record));
    let lines = answers.chain(message.additional_records.iter().map(|record| words("+ ", record))).collect();
    Told { to: format!("{dst} {port}"), id: message.id(), questions: message.questions.len(), lines }
}

/// `name ttl TYPE data`, with a `!` for the bit that flushes caches.
fn words(mark: &str, record: &ResourceRecord<'_>) -> String {
    let data = match &record.rdata {
        RData::A(a) => format!("A {}", std::net::Ipv4Addr::from_bits(a.address)),
        RData::AAAA(a) => format!("AAAA {}", Ipv6Addr::from_bits(a.address)),
        RData::PTR(name) => format!("PTR {}", name.0),
        RData::SRV(srv) => format!("SRV {} {} {} {}", srv.priority, srv.weight, srv.port, srv.target),
        RData::TXT(txt) => format!("TXT {}", txt.iter_raw().count()),
        RData::NSEC(nsec) => format!("NSEC {:?}", nsec.type_bit_maps[0].bitmap),
        other => format!("{other:?}"),
    };
    format!("{mark}{} {}{} {data}", record.name, record.ttl, if record.cache_flush { "!" } else { "" })
}

#[test]
fn a_question_from_the_port_is_answered_to_the_group() {
    let answers = ask(&packet(GROUP, 5353, 5353, &question("RaspberryPi.local", TYPE::A, false)));
    assert_eq!(answers.len(), 1, "from the one host of that name");
    let answer = &answers[0];
    assert_eq!((answer.to.as_str(), answer.id, answer.questions), ("224.0.0.251 5353", 0, 0));
    assert_eq!(answer.lines[0], "raspberrypi.local 120! A 192.0.2.62");
    let more = [
        "+ raspberrypi.local 120! AAAA 2001:db8::62",
        "+ raspberrypi.local 120! AAAA fe80::ba27:ebff:fe5c:262",
        "+ raspberrypi.local 120! NSEC [64, 0, 0, 8]", // A is type 1, AAAA type 28
    ];
    assert_eq!(answer.lines[1..], more);

    let mut bench = Bench::new();
    bench
        .link
        .send(Via::Ip(Some(1)), &packet6(GROUP6, 5353, 5353, &question("raspberrypi.local", TYPE::A, false)), 0)
        .unwrap();
    let frame = bench.incoming().remove(0);
    assert_eq!(frame[..6], [0x33, 0x33, 0, 0, 0, 0xfb]);
    assert!(describe(&frame).starts_with("fe80::ba27:ebff:fe5c:262 ttl 255: udp 5353 to 5353"));
    assert_eq!(told(&frame).lines[0], answer.lines[0], "the same records, whichever way they are asked for");
}

#[test]
fn the_frame_of_a_group_has_its_hardware_address() {
    let mut bench = Bench::new();
    bench.link.send(Via::Ip(Some(1)), &packet(GROUP, 5353, 5353, &question("nas.local", TYPE::A, false)), 0).unwrap();
    assert_eq!(bench.incoming()[0][..12], [1, 0, 0x5e, 0, 0, 0xfb, 0, 0x11, 0x32, 0xa0, 0xb1, 0x61]);
}

#[test]
fn unicast_is_answered_to_who_asked() {
    // Where the question goes, from which port, whether it asks for unicast; where the answer goes, its number, how
    // many questions it repeats, its first record.
    let plain = "raspberrypi.local 10 A 192.0.2.62";
    let full = "raspberrypi.local 120! A 192.0.2.62";
    let rows = [
        (GROUP, 5353, true, "192.0.2.2 5353", 0, 0, full),      // section 5.4
        (PI, 5353, false, "192.0.2.2 5353", 0, 0, full),        // section 5.5
        (GROUP, 61000, false, "192.0.2.2 61000", 77, 1, plain), // section 6.7
        (GROUP, 61000, true, "192.0.2.2 61000", 77, 1, plain),
        (PI, 61000, false, "192.0.2.2 61000", 77, 1, plain),
    ];
    for (dst, port, wants_unicast, to, id, questions, first) in rows {
        let answers = ask(&packet(dst, port, 5353, &question("raspberrypi.local", TYPE::A, wants_unicast)));
        assert_eq!(answers.len(), 1, "{dst:?} {port}");
        let answer = &answers[0];
        assert_eq!((answer.to.as_str(), answer.id, answer.questions), (to, id, questions), "{dst:?} {port}");
        assert_eq!(answer.lines[0], first);
    }
    let answer = ask(&packet6(GROUP6, 61000, 5353, &question("raspberrypi.local", TYPE::A, false))).remove(0);
    assert_eq!(answer.to, format!("{YOU_LL} 61000"));
}

#[test]
fn questions_have_the_answers_that_the_host_knows() {
    let reverse6 = "2.6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
    let pi = "raspberrypi.local";
    // Name and type, and the first record of each answer.
    let rows: [(&str, TYPE, &[&str]); 13] = [
        (PI_REVERSE, TYPE::PTR, &["62.2.0.192.in-addr.arpa 120! PTR raspberrypi.local"]),
        (reverse6, TYPE::PTR, &[&format!("{reverse6} 120! PTR raspberrypi.local")]),
        ("66.2.0.192.in-addr.arpa", TYPE::PTR, &[]), // desktop.lab does not speak it
        ("2.2.0.192.in-addr.arpa", TYPE::PTR, &[]),
        (pi, TYPE::AAAA, &["raspberrypi.local 120! AAAA 2001:db8::62"]),
        (pi, TYPE::TXT, &["raspberrypi.local 120! NSEC [64, 0, 0, 8]"]), // section 6.1
        ("esp-7a3f67.local", TYPE::A, &["esp-7a3f67.local 120! A 192.0.2.67"]),
        ("heating.local", TYPE::A, &[]), // its name in DNS is another
        ("pi.lab", TYPE::A, &[]),
        ("_ssh._tcp.local", TYPE::PTR, &["_ssh._tcp.local 4500 PTR raspberrypi._ssh._tcp.local"]),
        (
            "_http._tcp.local",
            TYPE::PTR,
            &["_http._tcp.local 4500 PTR HP4F1060._http._tcp.local", "_http._tcp.local 4500 PTR nas._http._tcp.local"],
        ),
        ("HP4F1060._ipp._tcp.local", TYPE::SRV, &["HP4F1060._ipp._tcp.local 120! SRV 0 0 631 HP4F1060.local"]),
        ("HP4F1060._ipp._tcp.local", TYPE::TXT, &["HP4F1060._ipp._tcp.local 4500! TXT 0"]),
    ];
    for (name, kind, wanted) in rows {
        let mut found: Vec<_> = ask(&packet(GROUP, 5353, 5353, &question(name, kind, false)))
            .into_iter()
            .map(|answer| answer.lines[0].clone())
            .collect();
        found.sort();
        assert_eq!(found, wanted, "{name} {kind:?}");
    }
}

#[test]
fn services_are_found_with_all_that_is_needed_to_use_them() {
    let all = ask(&packet(GROUP, 5353, 5353, &question(SERVICES, TYPE::PTR, false)));
    let mut kinds: Vec<_> = all.iter().flat_map(|answer| &answer.lines).filter(|line| !line.starts_with('+')).collect();
    kinds.sort();
    kinds.dedup();
    let wanted = ["_http._tcp.local", "_ipp._tcp.local", "_smb._tcp.local", "_ssh._tcp.local"];
    assert_eq!(kinds, wanted.map(|kind| format!("{SERVICES} 4500 PTR {kind}")).iter().collect::<Vec<_>>());

    let answer = ask(&packet(GROUP, 5353, 5353, &question("_ipp._tcp.local", TYPE::PTR, false))).remove(0);
    let has = |line: &str| answer.lines.iter().any(|found| found == line);
    assert!(has("+ HP4F1060._ipp._tcp.local 120! SRV 0 0 631 HP4F1060.local"), "{answer:?}");
    assert!(has("+ HP4F1060._ipp._tcp.local 4500! TXT 0") && has("+ HP4F1060.local 120! A 192.0.2.60"), "{answer:?}");
}

#[test]
fn what_others_may_answer_as_well_takes_a_while() {
    let mut bench = Bench::new();
    bench
        .link
        .send(Via::Ip(Some(1)), &packet(GROUP, 5353, 5353, &question("_http._tcp.local", TYPE::PTR, false)), 0)
        .unwrap();
    let times: Vec<_> = bench.all().iter().map(|heard| (heard.at - Time::ZERO).as_micros() - 300).collect();
    assert_eq!(times.len(), 2);
    assert!(times.iter().all(|time| (20_000..=120_000).contains(time)), "RFC 6762 section 6: {times:?}");
    let now = bench.link.now();
    bench.link.send(Via::Ip(Some(1)), &packet(GROUP, 5353, 5353, &question("nas.local", TYPE::A, false)), 0).unwrap();
    assert_eq!(bench.all()[0].at - now, Duration::from_micros(300), "its own name at once");
}

#[test]
fn what_is_known_or_was_just_told_is_not_told_again() {
    let query = question("raspberrypi.local", TYPE::A, false);
    let known = |ttl| {
        let mut query = query.clone();
        let name = Name::new("RASPBERRYPI.local").unwrap();
        let data = RData::A(simple_dns::rdata::A { address: 0xc000_023e });
        query.answers.push(ResourceRecord::new(name, CLASS::IN, ttl, data));
        ask(&packet(GROUP, 5353, 5353, &query)).len()
    };
    assert_eq!((known(120), known(60), known(59)), (0, 0, 1), "RFC 6762 section 7.1");

    let mut bench = Bench::new();
    // Milliseconds of waiting before each question, and how often it is answered.
    for (pause, count) in [(0, 1), (1, 0), (997, 0), (2, 1)] {
        bench.lab.sleep(Duration::from_millis(pause));
        let start = bench.link.now();
        bench.link.send(Via::Ip(Some(1)), &packet(GROUP, 5353, 5353, &query), 0).unwrap();
        let mut heard = 0;
        while bench.link.poll(Time::NEVER, &mut |_| heard += 1).unwrap() == Polled::Some {}
        assert_eq!(heard, count, "once a second (section 6), at {start}");
    }
    // Who asks for an answer to itself gets it every time.
    let unicast = packet(GROUP, 5353, 5353, &question("raspberrypi.local", TYPE::A, true));
    for _ in 0..3 {
        assert_eq!(ask_on(&mut bench, &unicast).len(), 1);
    }
}

#[test]
fn what_asks_nothing_gets_nothing() {
    let query = question("raspberrypi.local", TYPE::A, false);
    let count = |query: &Packet<'_>| ask(&packet(GROUP, 5353, 5353, query)).len();
    assert_eq!(count(&query), 1);
    let mut response = query.clone();
    response.set_flags(PacketFlag::RESPONSE);
    assert_eq!(count(&response), 0);
    let mut other = query.clone();
    *other.opcode_mut() = OPCODE::ServerStatusRequest;
    assert_eq!(count(&other), 0, "RFC 6762 section 18.3");
    let mut error = query.clone();
    *error.rcode_mut() = simple_dns::RCODE::ServerFailure;
    assert_eq!(count(&error), 0, "section 18.11");
    assert_eq!(count(&Packet::new_query(1)), 0);
    // From another network it would have to come through a router, which a question does not (section 11).
    let mut far = packet(PRINTER, 5353, 5353, &question("HP4F1060.local", TYPE::A, false));
    far[12..16].copy_from_slice(&FAR);
    far[26..28].fill(0); // no checksum
    assert!(ask(&far).is_empty());
}

#[test]
fn a_group_of_ipv4_is_heard_by_its_members_and_answered_by_no_error() {
    let mut bench = Bench::new();
    let ask = |bench: &mut Bench, frame: &[u8]| {
        bench.link.send(Via::Ip(Some(1)), &frame[14..], 0).unwrap();
        bench.incoming().len()
    };
    for frame in [echo(GROUP, 64), udp(GROUP, 99, b""), tcp(GROUP, 22, "S"), tcp(GROUP, 99, "S")] {
        assert_eq!(ask(&mut bench, &frame), 0, "RFC 1122 sections 3.2.2, 3.2.2.6 and 4.2.3.10");
    }
    let query = question("raspberrypi.local", TYPE::A, true);
    assert!(ask_on(&mut bench, &packet([224, 0, 0, 1], 5353, 5353, &query)).is_empty(), "another group");
    assert!(ask_on(&mut bench, &packet(LLMNR, 5353, 5353, &query)).is_empty());
}

#[test]
fn llmnr_is_answered_to_who_asked_all() {
    let lines = |packet: &[u8]| ask(packet).into_iter().map(|told| (told.to, told.id, told.lines)).collect::<Vec<_>>();
    let a = vec!["DESKTOP-7QK2 30 A 192.0.2.66".to_owned()];
    let asked = question("desktop-7qk2", TYPE::A, false);
    let to_you = ("192.0.2.2 61000".to_owned(), 77, a);
    assert_eq!(lines(&packet(LLMNR, 61000, 5355, &asked)), [to_you]);
    let reverse = question("66.2.0.192.in-addr.arpa", TYPE::PTR, false);
    assert_eq!(lines(&packet(LLMNR, 61000, 5355, &reverse))[0].2, ["66.2.0.192.in-addr.arpa 30 PTR DESKTOP-7QK2"]);
    let other = question("DESKTOP-7QK2", TYPE::TXT, false);
    assert_eq!(lines(&packet(LLMNR, 61000, 5355, &other))[0].2, [""; 0], "the name is its own, the type has no record");
    let answers = ask(&packet6(LLMNR6, 61000, 5355, &question("DESKTOP-7QK2", TYPE::AAAA, false)));
    assert_eq!(answers[0].lines.len(), 2);
    assert_eq!(answers[0].to, format!("{YOU_LL} 61000"));

    assert!(
        lines(&packet([192, 0, 2, 66], 61000, 5355, &asked)).is_empty(),
        "unicast is for TCP (RFC 4795 section 2.4)"
    );
    assert!(lines(&packet(LLMNR, 61000, 5355, &question("nobody", TYPE::A, false))).is_empty());
    assert!(lines(&packet(GROUP, 61000, 5355, &asked)).is_empty(), "another group");
    let mut two = asked.clone();
    two.questions.push(two.questions[0].clone());
    assert!(lines(&packet(LLMNR, 61000, 5355, &two)).is_empty(), "section 2.1.1");
}

#[test]
fn tshark_reads_the_names() {
    let mut bench = Bench::new();
    let mut heard = |packet: &[u8]| {
        bench.link.send(Via::Ip(Some(1)), packet, 0).unwrap();
        bench.incoming().remove(0)
    };
    let frames = [
        heard(&packet(GROUP, 5353, 5353, &question("nas.local", TYPE::A, false))),
        heard(&packet6(GROUP6, 5353, 5353, &question("_ipp._tcp.local", TYPE::PTR, false))),
        heard(&packet(GROUP, 61000, 5353, &question(PI_REVERSE, TYPE::PTR, false))),
        heard(&packet(GROUP, 5353, 5353, &question("raspberrypi.local", TYPE::TXT, false))),
        heard(&packet(LLMNR, 61000, 5355, &question("DESKTOP-7QK2", TYPE::A, false))),
    ];
    let fields = ["udp.checksum.status", "dns.id", "dns.flags.authoritative", "dns.resp.name", "dns.resp.type"];
    let seen = read(&frames, &fields);
    let wanted = [
        "1|0x0000|1|nas.local|1",
        "1|0x0000|1|_ipp._tcp.local|12",
        "1|0x004d|1|62.2.0.192.in-addr.arpa|12",
        "1|0x0000|1|raspberrypi.local|47",
        "1|0x004d||DESKTOP-7QK2|1",
    ];
    assert_eq!(seen, wanted);
    let seen =
        read(&frames, &["dns.a", "dns.ptr.domain_name", "dns.srv.port", "dns.resp.cache_flush", "_ws.malformed"]);
    let wanted = [
        "192.0.2.61|||1|",
        "192.0.2.60|HP4F1060._ipp._tcp.local|631|0|",
        "192.0.2.62|raspberrypi.local||0|",
        "192.0.2.62|||1|",
        "192.0.2.66||||",
    ];
    assert_eq!(seen, wanted);
}
