//! The network to scan: devices as a home or an office has them, and the keys of a plan that make them.

use super::six::*;
use super::*;
use crate::net::Interface;

const TV: [u8; 4] = [192, 0, 2, 64];
const PHONE: [u8; 4] = [192, 0, 2, 63];
const CAMERA: [u8; 4] = [192, 0, 2, 65];
const CONTESTED: [u8; 4] = [192, 0, 2, 70];

#[test]
fn devices_answer_arp_with_the_hardware_address_of_their_vendor() {
    let rows = [
        ([192, 0, 2, 60], "3c:d9:2b:4f:10:60"), // Hewlett Packard
        ([192, 0, 2, 61], "00:11:32:a0:b1:61"), // Synology
        ([192, 0, 2, 62], "b8:27:eb:5c:02:62"), // Raspberry Pi
        (PHONE, "da:a1:19:3e:77:63"),           // the second bit of the first byte: drawn, not bought
        (TV, "8c:79:f5:21:c4:64"),              // Samsung
        (CAMERA, "00:40:8c:e7:35:65"),          // Axis
        ([192, 0, 2, 66], "d4:be:d9:88:6a:66"), // Dell
        ([192, 0, 2, 67], "24:0a:c4:7a:3f:67"), // Espressif
    ];
    let mut bench = Bench::new();
    for (addr, mac) in rows {
        let addr_text = IpAddr::from(addr).to_string();
        assert_eq!(bench.ask(&who_has(addr)), [format!("arp 2: {addr_text} is at {mac}")]);
    }
}

#[test]
fn every_hardware_address_is_of_one_station() {
    let plan = Plan::builtin();
    let mut macs: Vec<_> =
        plan.hosts().iter().flat_map(|host| plan.nics(host).into_iter().map(|nic| nic.mac())).collect();
    let count = macs.len();
    macs.sort();
    macs.dedup();
    assert_eq!(macs.len(), count);
}

#[test]
fn a_link_local_address_follows_from_the_hardware_address() {
    let printer: std::net::Ipv6Addr = "fe80::3ed9:2bff:fe4f:1060".parse().unwrap();
    let frame = echo6_from(YOU_LL, printer, 64);
    let mut bench = Bench::new();
    bench.link.send(Via::Ip(Some(1)), &frame[14..], 0).unwrap();
    assert_eq!(describe(&bench.incoming()[0]), format!("{printer} ttl 64: icmp6 129/0 with 3 bytes"));
    let shown = bench.lab.plan().show("printer.lab").unwrap();
    assert!(shown.contains(&printer.to_string()) && shown.contains("192.0.2.60  3c:d9:2b:4f:10:60"), "{shown}");
}

#[test]
fn who_is_silent_is_there_all_the_same() {
    // Probes by IP, and what comes back; all three answer ARP.
    let rows: [(Vec<u8>, &[&str]); 6] = [
        (echo(PHONE, 64), &[]),
        (tcp(PHONE, 80, "S"), &["192.0.2.63 ttl 64: RA seq 0 ack 1001 win 0"]),
        (echo(TV, 64), &[]),
        (tcp(TV, 80, "S"), &[]),
        (udp(TV, 5353, b""), &[]),
        (tcp(CAMERA, 554, "S"), &["192.0.2.65 ttl 64: SA seq ISS ack 1001 win 64240"]),
    ];
    for (frame, wanted) in rows {
        let mut bench = Bench::new();
        bench.send_ip(&frame[14..]);
        let lines: Vec<_> = bench.incoming().iter().map(|bytes| describe(bytes)).collect();
        assert_eq!(lines, wanted);
    }
}

#[test]
fn a_device_without_ipv6_is_not_found_by_it() {
    let mut bench = Bench::new();
    let lines = bench.ask(&echo6_from(YOU_LL, ALL, 1));
    let has = |text: &str| lines.iter().any(|line| line.starts_with(text));
    assert!(has("fe80::ba27:ebff:fe5c:262 "), "the Raspberry Pi: {lines:?}");
    assert!(!has("fe80::240:8cff:fee7:3565 "), "the camera: {lines:?}");
    assert!(!bench.lab.plan().show("camera.lab").unwrap().contains("fe80"));
}

#[test]
fn claimed_addresses_are_answered_for_as_well() {
    let mut bench = Bench::new();
    let twice = ["192.0.2.70 is at f8:b1:56:34:e0:70", "192.0.2.70 is at f8:b1:56:34:e0:71"];
    assert_eq!(bench.ask(&who_has(CONTESTED)), twice.map(|line| format!("arp 2: {line}")), "the owner first");
    assert_eq!(bench.ask(&who_has([192, 0, 2, 71])).len(), 1);
    for (last, count) in [(239, 0), (240, 1), (247, 1), (248, 0)] {
        let answers = bench.ask(&who_has([192, 0, 2, last]));
        assert_eq!(answers.len(), count, "{answers:?}");
        assert!(answers.iter().all(|line| line.ends_with("is at b0:be:76:5b:06:72")), "{answers:?}");
    }
    let shown = bench.lab.plan().show("proxy.lab").unwrap();
    assert!(shown.contains("claims      192.0.2.240/29, by ARP"), "{shown}");
}

#[test]
fn your_own_card_stays_as_it_was() {
    let Interface { mac, .. } = Bench::new().lab.interfaces().unwrap().remove(0);
    assert_eq!(mac.unwrap().to_string(), "02:00:00:00:00:02");
}

const GOOD: &str = r#"[[host]]
name = "a.lab"
addrs = ["192.0.2.50"]
about = "One host."
mac = "b8:27:eb:00:00:01"
sctp = "36412"
protocols = [47, 2, 47]
claims = ["192.0.2.51", "192.0.2.60-69"]
ipv6 = false
dns = false
udp = [
    { port = 123, service = "ntp" },
    { port = 137, service = { netbios = { name = "A" } } },
    { port = 5353, service = { mdns = { name = "a.local", offers = { "_ssh._tcp" = 22 } } } },
    { port = 5355, service = { llmnr = { name = "A" } } },
]
"#;

#[test]
fn a_device_is_shown_in_lines() {
    let shown = "\
a.lab
One host.

  address     192.0.2.50  b8:27:eb:00:00:01
  claims      192.0.2.51, by ARP
  claims      192.0.2.60-192.0.2.69, by ARP
  DNS         no name
  stack       rfc9293, TTL 64, window 64240, IP id zero
  tcp open    none
  udp open    123 ntp, 137 netbios A, 5353 mdns a.local, 5355 llmnr A
  sctp open   36412
  IP takes    protocols 2, 47 in silence
  link        0.15 ms each way";
    assert_eq!(Plan::parse(GOOD).unwrap().show("a.lab").unwrap(), shown);
}

#[test]
fn mistakes_in_a_device_are_named_with_their_place() {
    // What is written instead of what, and what the error says.
    let rows = [
        ("b8:27:eb:00:00:01", "b9:27:eb:00:00:01", "line 5, column 7", "of a group: the second digit is odd"),
        ("b8:27:eb:00:00:01", "00:00:00:00:00:00", "line 5, column 7", "no station's"),
        ("b8:27:eb:00:00:01", "b8:27:eb", "line 5, column 7", "six bytes like 02:00:00:00:00:0a"),
        ("b8:27:eb:00:00:01", "02:00:00:00:00:02", "line 1, column 1", "taken by you.lab; give it another"),
        ("36412", "sctp", "line 6, column 8", "sctp"),
        ("[47, 2, 47]", "[6]", "line 7, column 13", "every host speaks TCP"),
        ("[47, 2, 47]", "[132]", "line 7, column 13", "as sctp = \"36412\""),
        ("[47, 2, 47]", "[256]", "line 7, column 14", "256"),
        ("192.0.2.51", "192.0.2", "line 8, column 10", "an IPv4 address or a range of them"),
        ("192.0.2.51", "2001:db8::1", "line 8, column 10", "an IPv4 address or a range of them"),
        ("192.0.2.51", "198.51.100.1", "line 1, column 1", "it claims 198.51.100.1, which is in none of its networks"),
        ("60-69", "60-192.0.3.1", "line 1, column 1", "it claims 192.0.3.1"),
        ("\"192.0.2.50\"", "\"192.0.2.50\", \"2001:db8::50\"", "line 1, column 1", "and ipv6 = false"),
        ("ntp", "npt", "line 12, column 29", "did you mean \"ntp\"?"),
        ("{ netbios = { name = \"A\" } }", "\"netbios\"", "line 13, column 29", "as { netbios = { name = \"NAS\" } }"),
        ("netbios = { name = \"A\" }", "netbios = {}", "line 13, column 41", "missing field `name`"),
        ("netbios = { name = \"A\" }", "netbios = { name = \"a\" }", "line 13, column 50", "at most 15 capitals"),
        ("a.local", "a.lab", "line 14, column 48", "as \"printer.local\"; \"a.lab\" is not"),
        ("a.local", "a.b.local", "line 14, column 48", "and then .local"),
        ("_ssh._tcp", "ssh", "line 14, column 68", "\"ssh\" is not one"),
        ("llmnr = { name", "llmnr = { nane", "line 15, column 42: unknown field `nane`", "did you mean \"name\"?"),
        ("llmnr = { name = \"A\" }", "llmnr = { name = \"a.b\" }", "line 15, column 49", "\"a.b\" is not"),
    ];
    for (right, wrong, place, said) in rows {
        let text = GOOD.replace(right, wrong);
        assert_ne!(text, GOOD);
        let error = Plan::parse(&text).unwrap_err().to_string();
        assert!(error.starts_with(place) && error.contains(said), "{wrong}: {error}");
    }
    let twice = format!("{GOOD}{}", GOOD.replace("a.lab", "b.lab").replace("192.0.2.50", "192.0.2.52"));
    let error = Plan::parse(&twice).unwrap_err().to_string();
    assert_eq!(
        error,
        "line 17, column 1: b.lab: the hardware address b8:27:eb:00:00:01 is taken by a.lab; give it another"
    );
}
