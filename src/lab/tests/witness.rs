//! Wireshark as witness: what the hosts send in IPv6 and DNS, written as a pcap file and read by tshark.
//!
//! What they say by other protocols is read in the tests of those.

use std::process::Command;

use super::six::*;
use super::*;

/// One question of each kind; the answers are told below in the same order.
fn probes() -> Vec<Vec<u8>> {
    let target_and_source = [&WEB6.octets()[..], &[1, 1, 2, 0, 0, 0, 0, 2]].concat();
    let solicited_node = "ff02::1:ff00:10".parse().unwrap();
    let dns = |name: &[u8], kind: u8| {
        [&[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1][..], name, &[0, kind, 0, 1, 0, 0, 41, 16, 0, 0, 0, 0, 0, 0, 0]]
            .concat()
    };
    vec![
        icmp6(YOU6, solicited_node, 255, etherparse::Icmpv6Type::NeighborSolicitation, &target_and_source),
        icmp6(YOU_LL, ROUTERS, 255, etherparse::Icmpv6Type::RouterSolicitation, &target_and_source[16..]),
        echo6(WEB6, 64),
        tcp6(WEB6, 81, "S"),
        tcp6(WEB6, 80, "S"),
        udp6(WEB6, 7, b"odd"),
        udp6(WEB6, 53, b""),
        echo6(FAR6, 1),
        raw6(WEB6, 64, 60, &[17, 0, 0x9e, 4, 0, 0, 0, 0]),
        udp6(DNS6, 53, &dns(b"\x03www\x03lab\0", 1)),
        udp6(DNS6, 53, &dns(b"\x05_http\x04_tcp\x03lab\0", 33)),
        udp6(DNS6, 53, &dns(b"\x07nothing\x03lab\0", 28)),
    ]
}

#[test]
fn tshark_reads_what_the_hosts_send() {
    let fields = [
        "ipv6.src",
        "ipv6.hlim",
        "icmpv6.type",
        "icmpv6.code",
        "icmpv6.checksum.status",
        "tcp.flags",
        "tcp.options.mss_val",
        "tcp.checksum.status",
        "udp.checksum.status",
    ];
    let answers = [
        "2001:db8::10|255|136|0|1||||",
        "fe80::ff:fe00:1|255|134|0|1||||",
        "2001:db8::10|64|129|0|1||||",
        "2001:db8::10|64||||0x0014||1|",
        "2001:db8::10|64||||0x0012|1440|1|",
        "2001:db8::10|64|||||||1",
        "2001:db8::10|64|1|4|1||||1", // of the datagram that it quotes
        "2001:db8::1|64|3|0|1||||",
        "2001:db8::10|64|4|2|1||||",
        "2001:db8::53|64|||||||1",
        "2001:db8::53|64|||||||1",
        "2001:db8::53|64|||||||1",
    ];
    assert_eq!(tshark(&fields), answers);
    let rest = ["icmpv6.nd.na.flag.s", "icmpv6.opt.prefix", "icmpv6.pointer"];
    let seen = tshark(&rest);
    assert_eq!(seen[0], "1||");
    assert_eq!(seen[1], "|2001:db8::|");
    assert_eq!(seen[8], "||42");
    let names = ["dns.flags.rcode", "dns.flags.authoritative", "dns.cname", "dns.a", "dns.srv.target", "dns.soa.mname"];
    assert_eq!(tshark(&names)[9..], ["0|1|web.lab|192.0.2.10||", "0|1||192.0.2.10|web.lab|", "3|1||||dns.lab"]);
    assert!(tshark(&["_ws.malformed"]).iter().all(String::is_empty));
}

/// The answers to [`probes`], each as the fields asked for, at their first place in it.
fn tshark(fields: &[&str]) -> Vec<String> {
    let mut bench = Bench::new();
    let answers = probes().into_iter().map(|probe| {
        bench.send(&probe);
        bench.incoming().remove(0)
    });
    read(&answers.collect::<Vec<_>>(), fields)
}

/// These frames as tshark reads them: a line for each, with the fields asked for, at their first place in it.
pub(super) fn read(frames: &[Vec<u8>], fields: &[&str]) -> Vec<String> {
    let mut file = Vec::new();
    // The header of a pcap file, of Ethernet, and of each packet (draft-ietf-opsawg-pcap section 4).
    for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 65535, 1u32] {
        file.extend_from_slice(&word.to_le_bytes());
    }
    for frame in frames {
        for word in [0, 0, frame.len() as u32, frame.len() as u32] {
            file.extend_from_slice(&word.to_le_bytes());
        }
        file.extend_from_slice(frame);
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("lab.pcap");
    std::fs::write(&path, file).unwrap();
    let mut command = Command::new("tshark");
    command.args([
        "-n",
        "-o",
        "tcp.check_checksum:TRUE",
        "-o",
        "udp.check_checksum:TRUE",
        "-o",
        "sctp.checksum:CRC 32c",
    ]);
    command.args(["-T", "fields", "-E", "separator=|", "-E", "occurrence=f", "-r"]).arg(&path);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().expect("tshark is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}
