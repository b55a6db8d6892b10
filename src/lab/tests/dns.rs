//! The name server: questions written by hand, answers read by simple-dns, the compression by hand again.

use simple_dns::rdata::RData;
use simple_dns::{Packet, PacketFlag, RCODE, ResourceRecord};

use super::six::*;
use super::*;

const SERVER: [u8; 4] = [192, 0, 2, 53];

const A: u16 = 1;
const NS: u16 = 2;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const PTR: u16 = 12;
const MX: u16 = 15;
const TXT: u16 = 16;
const AAAA: u16 = 28;
const SRV: u16 = 33;
const AXFR: u16 = 252;
const ANY: u16 = 255;

/// A question with identification 0x1234 and "recursion desired".
fn question(name: &str, kind: u16) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        message.push(label.len() as u8);
        message.extend_from_slice(label.as_bytes());
    }
    message.push(0);
    message.extend_from_slice(&[kind.to_be_bytes(), [0, 1]].concat());
    message
}

/// The same with an EDNS record that allows `size` bytes.
fn edns(mut message: Vec<u8>, size: u16, version: u8) -> Vec<u8> {
    message[11] = 1;
    message.extend_from_slice(&[0, 0, 41]);
    message.extend_from_slice(&size.to_be_bytes());
    message.extend_from_slice(&[0, version, 0, 0, 0, 0]);
    message
}

/// The message that comes back over IPv4, if one does.
fn ask(message: &[u8]) -> Option<Vec<u8>> {
    let mut bench = Bench::new();
    bench.send(&udp(SERVER, 53, message));
    let answer = bench.incoming().pop()?;
    assert!(describe(&answer).starts_with("192.0.2.53 ttl 64: udp 53 to 61000: "));
    Some(answer[42..].to_vec())
}

fn line(record: &ResourceRecord<'_>) -> String {
    let data = match &record.rdata {
        RData::A(a) => format!("A {}", std::net::Ipv4Addr::from_bits(a.address)),
        RData::AAAA(a) => format!("AAAA {}", std::net::Ipv6Addr::from_bits(a.address)),
        RData::CNAME(name) => format!("CNAME {}", name.0),
        RData::MX(mx) => format!("MX {} {}", mx.preference, mx.exchange),
        RData::NS(name) => format!("NS {}", name.0),
        RData::PTR(name) => format!("PTR {}", name.0),
        RData::SOA(soa) => format!("SOA {} {} {}", soa.mname, soa.rname, soa.serial),
        RData::SRV(srv) => format!("SRV {} {} {} {}", srv.priority, srv.weight, srv.port, srv.target),
        RData::TXT(txt) => {
            let text: Vec<_> = txt.iter_raw().map(|(key, _)| key.escape_ascii().to_string()).collect();
            format!("TXT {}", text.join(" "))
        }
        other => format!("{other:?}"),
    };
    assert_eq!(record.ttl, 300);
    format!("{} {data}", record.name)
}

/// An answer in words: code, `aa`, then the records of its three sections.
fn told(name: &str, kind: u16) -> Vec<String> {
    let bytes = ask(&question(name, kind)).unwrap();
    let answer = Packet::parse(&bytes).unwrap();
    assert_eq!(answer.id(), 0x1234);
    assert!(answer.has_flags(PacketFlag::RESPONSE | PacketFlag::RECURSION_DESIRED), "{name}");
    assert!(!answer.has_flags(PacketFlag::RECURSION_AVAILABLE) && !answer.has_flags(PacketFlag::TRUNCATION));
    assert_eq!(bytes[12..question(name, kind).len()], question(name, kind)[12..], "the question as it was asked");
    let authority = if answer.has_flags(PacketFlag::AUTHORITATIVE_ANSWER) { " aa" } else { "" };
    let mut lines = vec![format!("{:?}{authority}", answer.rcode())];
    lines.extend(answer.answers.iter().map(line));
    lines.extend(answer.name_servers.iter().map(|record| format!("authority {}", line(record))));
    lines.extend(answer.additional_records.iter().map(|record| format!("more {}", line(record))));
    lines
}

#[test]
fn questions_have_their_answers() {
    let start = "authority lab SOA dns.lab hostmaster.lab 1";
    let web = ["more web.lab A 192.0.2.10", "more web.lab AAAA 2001:db8::10"];
    let dns = ["more dns.lab A 192.0.2.53", "more dns.lab AAAA 2001:db8::53"];
    let rows: [(&str, u16, &[&str]); 27] = [
        ("web.lab", A, &["NoError aa", "web.lab A 192.0.2.10"]),
        ("WEB.Lab", A, &["NoError aa", "WEB.Lab A 192.0.2.10"]),
        ("web.lab", AAAA, &["NoError aa", "web.lab AAAA 2001:db8::10"]),
        ("far.lab", ANY, &["NoError aa", "far.lab A 198.51.100.10", "far.lab AAAA 2001:db8:1::10"]),
        ("gw.lab", A, &["NoError aa", "gw.lab A 192.0.2.1", "gw.lab A 198.51.100.1", "gw.lab A 203.0.113.1"]),
        ("you.lab", A, &["NoError aa", "you.lab A 192.0.2.2"]),
        ("www.lab", A, &["NoError aa", "www.lab CNAME web.lab", "web.lab A 192.0.2.10"]),
        ("www.lab", AAAA, &["NoError aa", "www.lab CNAME web.lab", "web.lab AAAA 2001:db8::10"]),
        ("www.lab", CNAME, &["NoError aa", "www.lab CNAME web.lab"]),
        ("www.lab", MX, &["NoError aa", "www.lab CNAME web.lab", start]),
        ("lab", SOA, &["NoError aa", "lab SOA dns.lab hostmaster.lab 1"]),
        ("lab", NS, &["NoError aa", "lab NS dns.lab", dns[0], dns[1]]),
        ("lab", MX, &["NoError aa", "lab MX 10 web.lab", web[0], web[1]]),
        ("lab", TXT, &["NoError aa", "lab TXT the laboratory of pktsh"]),
        ("_http._tcp.lab", SRV, &["NoError aa", "_http._tcp.lab SRV 0 5 80 web.lab", web[0], web[1]]),
        ("10.2.0.192.in-addr.arpa", PTR, &["NoError aa", "10.2.0.192.in-addr.arpa PTR web.lab"]),
        ("1.113.0.203.in-addr.arpa", PTR, &["NoError aa", "1.113.0.203.in-addr.arpa PTR gw.lab"]),
        ("web.lab", MX, &["NoError aa", start]),
        ("_tcp.lab", A, &["NoError aa", start]),
        ("nothing.lab", A, &["NameError aa", start]),
        ("www.web.lab", AAAA, &["NameError aa", start]),
        (
            "99.2.0.192.in-addr.arpa",
            PTR,
            &["NameError aa", "authority 2.0.192.in-addr.arpa SOA dns.lab hostmaster.lab 1"],
        ),
        ("example.com", A, &["Refused"]),
        ("label", A, &["Refused"]),
        ("", NS, &["Refused"]),
        ("1.0.0.10.in-addr.arpa", PTR, &["Refused"]),
        ("lab", AXFR, &["Refused"]),
    ];
    for (name, kind, wanted) in rows {
        assert_eq!(told(name, kind), wanted, "{name} {kind}");
    }
}

#[test]
fn every_host_but_a_nameless_one_has_a_name_for_each_of_its_addresses() {
    let lab = Lab::new(1);
    assert!(lab.plan().hosts().iter().any(|host| !host.dns));
    for host in lab.plan().hosts() {
        for addr in lab.resolve(&host.name).unwrap() {
            let (kind, reverse) = match addr {
                IpAddr::V4(addr) => {
                    let [a, b, c, d] = addr.octets();
                    (A, format!("{d}.{c}.{b}.{a}.in-addr.arpa"))
                }
                IpAddr::V6(addr) => {
                    let digits = addr.octets().iter().rev().map(|b| format!("{:x}.{:x}.", b & 15, b >> 4)).collect();
                    (AAAA, String::from_iter::<Vec<String>>(digits) + "ip6.arpa")
                }
            };
            if !host.dns {
                assert_eq!(told(&host.name, kind)[0], "NameError aa");
                assert_eq!(told(&reverse, PTR)[0], "NameError aa");
                continue;
            }
            let word = if kind == A { "A" } else { "AAAA" };
            assert!(told(&host.name, kind).contains(&format!("{} {word} {addr}", host.name)));
            assert_eq!(told(&reverse, PTR)[1..], [format!("{reverse} PTR {}", host.name)]);
        }
    }
}

#[test]
fn names_are_compressed() {
    let answer = ask(&question("www.lab", A)).unwrap();
    // The question ends at 25; its name stands at 12, "lab" at 16, and "web" before it at 37.
    let alias = [0xc0, 12, 0, 5, 0, 1, 0, 0, 1, 44, 0, 6, 3, b'w', b'e', b'b', 0xc0, 16];
    let address = [0xc0, 37, 0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 10];
    assert_eq!(answer[25..], [&alias[..], &address].concat());
}

#[test]
fn edns_is_answered_by_edns() {
    let size = |message: &[u8]| {
        let bytes = ask(message).unwrap();
        let answer = Packet::parse(&bytes).unwrap();
        (answer.opt().map(|opt| (opt.version, opt.udp_packet_size)), answer.rcode(), answer.answers.len())
    };
    let web = question("web.lab", A);
    assert_eq!(size(&web), (None, RCODE::NoError, 1));
    assert_eq!(size(&edns(web.clone(), 4096, 0)), (Some((0, 1232)), RCODE::NoError, 1));
    assert_eq!(size(&edns(web.clone(), 0, 0)), (Some((0, 1232)), RCODE::NoError, 1));
    assert_eq!(size(&edns(question("example.com", A), 512, 0)), (Some((0, 1232)), RCODE::Refused, 0));
    let mut wants_dnssec = edns(web.clone(), 1232, 0);
    let flags = wants_dnssec.len() - 4;
    wants_dnssec[flags] = 0x80;
    assert_eq!(size(&wants_dnssec), (Some((0, 1232)), RCODE::NoError, 1));
    // Version 1 is answered by code 16, of which the upper bits stand in the record (RFC 6891 section 6.1.3).
    let answer = ask(&edns(web.clone(), 1232, 1)).unwrap();
    assert_eq!(answer[2..12], [0x81, 0, 0, 1, 0, 0, 0, 0, 0, 1]);
    assert_eq!(answer[web.len()..], [0, 0, 41, 0x04, 0xd0, 1, 0, 0, 0, 0, 0]);
}

#[test]
fn a_type_without_a_name_is_one_without_records() {
    for kind in [65_280u16, 0, 54] {
        let bytes = ask(&question("web.lab", kind)).unwrap();
        assert_eq!(bytes[3] & 0x0f, 0);
        assert_eq!(bytes[4..12], [0, 1, 0, 0, 0, 1, 0, 0], "no answer, the start of the zone");
        assert_eq!(bytes[21..23], kind.to_be_bytes(), "the question as it was asked");
    }
}

#[test]
fn an_answer_that_is_too_long_is_cut() {
    // A server whose name takes 253 bytes, and a web.lab, so that all records of "lab" are there.
    let name = format!("{0}.{0}.{0}.{1}.lab", "a".repeat(63), "b".repeat(57));
    let plan = format!(
        r#"
        [[host]]
        name = "{name}"
        addrs = ["192.0.2.53", "198.51.100.53", "203.0.113.53", "2001:db8::53", "2001:db8:1::53", "2001:db8:2::53"]
        about = "A name server with a long name."
        udp = [{{ port = 53, service = "dns" }}]
        [[host]]
        name = "web.lab"
        addrs = ["192.0.2.10"]
        about = "A web server."
        "#
    );
    let mut bench = Bench::of(Lab::from_plan(Plan::parse(&plan).unwrap(), 1));
    let mut told = |message: &[u8]| {
        bench.send(&udp(SERVER, 53, message));
        let bytes = bench.incoming().pop().unwrap()[42..].to_vec();
        let answer = Packet::parse(&bytes).unwrap();
        (answer.has_flags(PacketFlag::TRUNCATION), answer.answers.len(), answer.additional_records.len())
    };
    assert_eq!(told(&question("lab", ANY)), (true, 0, 0));
    assert_eq!(told(&edns(question("lab", ANY), 513, 0)), (true, 0, 0));
    assert_eq!(told(&edns(question("lab", ANY), 1232, 0)), (false, 4, 7), "SOA, NS, TXT, MX and the addresses");
    assert_eq!(told(&question("lab", TXT)), (false, 1, 0));
    let longer = plan.replace(&name, &format!("c{name}"));
    assert!(Plan::parse(&longer).unwrap_err().to_string().contains("ends in .lab"), "253 bytes are the limit");
}

#[test]
fn what_is_no_question_gets_an_error_or_nothing() {
    let web = question("web.lab", A);
    let edit = |at: usize, bytes: &[u8]| {
        let mut message = web.clone();
        message[at..at + bytes.len()].copy_from_slice(bytes);
        message
    };
    let two = [&edit(4, &[0, 2])[..], &web[12..]].concat();
    let pointer = [&web[..12], &[0xc0, 12, 0, 1, 0, 1]].concat();
    let forward = [&web[..12], &[0xc0, 20, 0, 1, 0, 1, 0, 0, 0]].concat();
    let long = [&web[..12], &[64; 65], &[0, 0, 1, 0, 1]].concat();
    // What is sent, and the code that comes back.
    let rows: [(&str, Vec<u8>, Option<u8>); 13] = [
        ("the question itself", web.clone(), Some(0)),
        ("nothing", Vec::new(), None),
        ("half a header", web[..11].to_vec(), None),
        ("an answer", edit(2, &[0x80]), None),
        ("a header alone", web[..12].to_vec(), Some(1)),
        ("no question", edit(4, &[0, 0]), Some(1)),
        ("two questions", two, Some(1)),
        ("an answer in a question", edit(6, &[0, 1]), Some(1)),
        ("65,535 additional records", edit(10, &[0xff, 0xff]), Some(1)),
        ("a name that points at itself", pointer, Some(1)),
        ("a name that points forward", forward, Some(1)),
        ("a label of 64 bytes", long, Some(1)),
        ("a status request", edit(2, &[0x10]), Some(4)),
    ];
    for (what, message, code) in rows {
        let answer = ask(&message);
        assert_eq!(answer.as_ref().map(|bytes| bytes[3] & 0x0f), code, "{what}");
        assert!(answer.is_none_or(|bytes| bytes[..2] == [0x12, 0x34] && bytes[2] & 0x80 != 0), "{what}");
    }
    let mut chaos = web;
    *chaos.last_mut().unwrap() = 3;
    assert_eq!(ask(&chaos).unwrap()[3] & 0x0f, 5, "a class other than the Internet's is refused");
}

#[test]
fn the_server_answers_in_ipv6_as_well() {
    let mut bench = Bench::new();
    bench.send(&udp6(DNS6, 53, &question("web.lab", AAAA)));
    let answer = bench.incoming().remove(0);
    assert!(describe(&answer).starts_with("2001:db8::53 ttl 64: udp 53 to 61000: "));
    assert_eq!(answer[answer.len() - 16..], WEB6.octets());
}

proptest::proptest! {
    #[test]
    fn no_message_breaks_the_server(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let _ = ask(&bytes);
    }

    #[test]
    fn no_changed_question_breaks_it(at in 0..36usize, value in proptest::prelude::any::<u8>(), cut in 0..20usize) {
        let mut message = edns(question("web.lab", A), 1232, 0);
        message[at] = value;
        message.truncate(message.len() - cut);
        if let Some(answer) = ask(&message) {
            assert!(answer.len() >= 12 && answer.len() <= 1232);
        }
    }
}
