//! Wireshark as witness: packets that we built, written as a pcap file by the test itself and read by tshark.

mod common;

use std::process::Command;

use common::bytes;
use pktsh::base::Mac;
use pktsh::layers::{dot1q::DOT1Q, ether::ETHER, icmp::ICMP, ip::IP, ip::IP_ERROR, raw::RAW, tcp::TCP, udp::UDP};
use pktsh::layers::{tcp::TCP_ERROR, udp::UDP_ERROR};
use pktsh::packet::{LayerDesc, Packet, Value, Wanted};

/// What tshark calls a checksum.
const BAD: &str = "0";
const GOOD: &str = "1";

#[test]
fn tshark_reads_a_segment_with_options() {
    let options = Value::List(
        vec![
            pair("MSS", Value::Int(1460)),
            Value::text("NOP"),
            pair("WScale", Value::Int(7)),
            Value::text("SAckOK"),
            pair("Timestamp", Value::List(vec![Value::Int(123_456), Value::Int(0)].into())),
        ]
        .into(),
    );
    let packet = ether().stack(&ip()).stack(&layer(
        &TCP,
        &[
            ("sport", Value::Int(61000)),
            ("dport", Value::text("http")),
            ("seq", Value::Int(4_000_000_000)),
            ("flags", Value::text("SEC")),
            ("options", options),
        ],
    ));
    let seen = tshark(
        &packet,
        &[
            "eth.src",
            "ip.src",
            "ip.dst",
            "ip.id",
            "ip.ttl",
            "ip.checksum.status",
            "tcp.srcport",
            "tcp.dstport",
            "tcp.seq_raw",
            "tcp.flags",
            "tcp.hdr_len",
            "tcp.options.mss_val",
            "tcp.options.wscale.shift",
            "tcp.options.timestamp.tsval",
            "tcp.checksum.status",
        ],
    );
    let wanted = [
        "02:00:00:00:00:01",
        "192.0.2.1",
        "192.0.2.10",
        "0x0007",
        "64",
        GOOD,
        "61000",
        "80",
        "4000000000",
        "0x00c2",
        "40",
        "1460",
        "7",
        "123456",
        GOOD,
    ];
    assert_eq!(seen, wanted);
}

#[test]
fn tshark_finds_the_wrong_checksum_wrong_and_the_right_one_right() {
    let segment = |fields: &[(&str, Value)]| {
        let fixed = [("sport", Value::Int(61000)), ("dport", Value::Int(80))];
        let all: Vec<(&str, Value)> = fixed.into_iter().chain(fields.iter().cloned()).collect();
        ether().stack(&ip()).stack(&layer(&TCP, &all)).stack(&layer(&RAW, &[("load", Value::text("odd"))]))
    };
    let asked = ["ip.checksum.status", "tcp.checksum.status", "tcp.len"];
    assert_eq!(tshark(&segment(&[]), &asked), [GOOD, GOOD, "3"]);
    assert_eq!(tshark(&segment(&[("chksum", Value::Int(0x1234))]), &asked), [GOOD, BAD, "3"]);
    let mut wrong = segment(&[]);
    wrong.set(1, "chksum", &Wanted::Value(Value::Int(0x1234))).expect("it fits");
    assert_eq!(tshark(&wrong, &asked), [BAD, GOOD, "3"]);
}

#[test]
fn tshark_reads_vlan_tags_and_a_datagram_in_them() {
    let packet = ether()
        .stack(&layer(&DOT1Q, &[("vlan", Value::Int(100)), ("prio", Value::Int(5))]))
        .stack(&layer(&DOT1Q, &[("vlan", Value::Int(200)), ("dei", Value::Int(1))]))
        .stack(&ip())
        .stack(&layer(&UDP, &[("sport", Value::Int(61001)), ("dport", Value::Int(9999))]))
        .stack(&layer(&RAW, &[("load", Value::text("hello"))]));
    let seen = tshark(
        &packet,
        &[
            "eth.type",
            "vlan.id",
            "vlan.priority",
            "vlan.dei",
            "udp.dstport",
            "udp.length",
            "udp.checksum.status",
            "data",
        ],
    );
    assert_eq!(seen, ["0x8100", "100,200", "5,0", "0,1", "9999", "13", GOOD, "68656c6c6f"]);
}

#[test]
fn tshark_reads_an_icmp_error_and_what_it_quotes() {
    let quoted_ip = [
        ("id", Value::Int(9)),
        ("src", Value::text("192.0.2.10")),
        ("dst", Value::text("192.0.2.1")),
        ("chksum", Value::Int(0xabcd)),
    ];
    let error = |code: u64| {
        let icmp =
            layer(&ICMP, &[("type", Value::Int(3)), ("code", Value::Int(code)), ("nexthopmtu", Value::Int(1400))]);
        ether().stack(&ip()).stack(&icmp).stack(&layer(&IP_ERROR, &quoted_ip))
    };
    let udp = layer(&UDP_ERROR, &[("sport", Value::Int(53)), ("dport", Value::Int(61002)), ("len", Value::Int(900))]);
    let asked = ["icmp.type", "icmp.code", "icmp.checksum.status", "icmp.mtu", "ip.src", "ip.proto"];
    let seen = tshark(&error(4).stack(&udp), &asked);
    assert_eq!(seen, ["3", "4", GOOD, "1400", "192.0.2.1,192.0.2.10", "1,17"]);
    assert_eq!(tshark(&error(4).stack(&udp), &["udp.srcport", "udp.dstport"]), ["53", "61002"]);

    let tcp = layer(&TCP_ERROR, &[("sport", Value::Int(443)), ("dport", Value::Int(61003)), ("seq", Value::Int(77))]);
    let seen = tshark(&error(13).stack(&tcp), &["icmp.code", "icmp.checksum.status", "tcp.srcport", "tcp.seq"]);
    assert_eq!(seen, ["13", GOOD, "443", "77"]);
}

fn ether() -> Packet {
    let mac = |last| Value::Mac(Mac([2, 0, 0, 0, 0, last]));
    layer(&ETHER, &[("src", mac(1)), ("dst", mac(2))])
}

fn ip() -> Packet {
    layer(&IP, &[("src", Value::text("192.0.2.1")), ("dst", Value::text("192.0.2.10")), ("id", Value::Int(7))])
}

fn layer(desc: &'static LayerDesc, fields: &[(&str, Value)]) -> Packet {
    let mut packet = Packet::new(desc);
    for (name, value) in fields {
        packet.set(0, name, &Wanted::Value(value.clone())).expect("the value fits");
    }
    packet
}

fn pair(name: &str, value: Value) -> Value {
    Value::List(vec![Value::text(name), value].into())
}

/// What tshark reads in a packet's fields; those that occur twice are joined by a comma.
fn tshark(packet: &Packet, fields: &[&str]) -> Vec<String> {
    let bytes = bytes(packet);
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("packet.pcap");
    // The file's header: magic, version 2.4, zone and accuracy 0, 65535 bytes of each packet, Ethernet.
    let mut pcap = Vec::new();
    for word in [0xa1b2_c3d4, 0x0002_0004, 0, 0, 65535, 1] {
        pcap.extend_from_slice(&u32::to_be_bytes(word));
    }
    // The packet's: seconds, microseconds, length here and on the wire.
    for word in [0, 0, bytes.len() as u32, bytes.len() as u32] {
        pcap.extend_from_slice(&word.to_be_bytes());
    }
    pcap.extend_from_slice(&bytes);
    std::fs::write(&file, pcap).expect("it can be written");

    let mut command = Command::new("tshark");
    command.args(["-n", "-T", "fields", "-E", "separator=|"]).arg("-r").arg(&file);
    for protocol in ["ip", "tcp", "udp"] {
        command.args(["-o", &format!("{protocol}.check_checksum:TRUE")]);
    }
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark is installed (Debian: apt-get install tshark)");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark: {errors}");
    text.trim_end_matches('\n').split('|').map(str::to_owned).collect()
}
