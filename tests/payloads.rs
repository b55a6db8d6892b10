//! What a UDP scan says: Wireshark reads each payload as the protocol that it is meant to be, and the laboratory's
//! services answer those that they speak.

#![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]

#[path = "support/capture.rs"]
mod capture;

use std::net::IpAddr;
use std::time::Duration;

use capture::{Frames, tshark};
use etherparse::{PacketBuilder, SlicedPacket, TransportSlice};
use pktsh::base::Rng;
use pktsh::lab::Lab;
use pktsh::net::{Event, Polled, Via, World};
use pktsh::scan::payloads::{PAYLOADS, payload};

/// A datagram with the payload of `port`, of this seed, as an Ethernet frame.
fn frame(dst: [u8; 4], port: u16, seed: u64) -> Vec<u8> {
    let mut frame = Vec::new();
    let step = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 2], [2, 0, 0, 0, 0, dst[3]]).ipv4([192, 0, 2, 2], dst, 64);
    step.udp(61000, port).write(&mut frame, &payload(port, &mut Rng::new(seed))).unwrap();
    frame
}

#[test]
fn wireshark_reads_each_as_what_it_is_meant_to_be() {
    // Port; what stands behind UDP; a field that shows what is asked.
    let rows = [
        (53, "dns", "dns.qry.type", "2"),
        (69, "tftp", "tftp.opcode", "1"),
        (111, "rpc", "rpc.program", "100000"),
        (123, "ntp", "ntp.flags.mode", "3"),
        (137, "nbns", "nbns.type", "33"),
        (161, "snmp", "snmp.name", "1.3.6.1.2.1.1.1.0"),
        (443, "quic", "quic.version", "0x1a2a3a4a"),
        (500, "isakmp", "isakmp.exchangetype", "34"),
        (1900, "ssdp", "http.request.method", "M-SEARCH"),
        (3478, "stun", "stun.type", "0x0001"),
        (4500, "udpencap:isakmp", "isakmp.exchangetype", "34"),
        (5353, "mdns", "dns.qry.name", "_services._dns-sd._udp.local"),
        (5683, "coap", "coap.opt.uri_path", ".well-known,core"),
        (8443, "quic", "quic.version", "0x1a2a3a4a"),
    ];
    let all: usize = PAYLOADS.iter().map(|row| row.ports.len()).sum();
    assert_eq!(rows.len(), all, "each row is here");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("payloads.pcap");
    for (port, protocols, field, wanted) in rows {
        let frames = (0..20).map(|seed| frame([192, 0, 2, 10], port, seed)).collect();
        Frames { link_type: 1, frames }.write(&file);
        for seen in tshark(&file, "", &["frame.protocols", field, "_ws.malformed", "_ws.expert.message"]) {
            assert_eq!(seen[0], [format!("eth:ethertype:ip:udp:{protocols}")], "{port}");
            assert_eq!(seen[1].join(","), wanted, "{port} {field}");
            assert!(seen[2].is_empty(), "{port}: malformed: {:?}", seen[3]);
        }
    }
}

#[test]
fn the_laboratorys_services_answer() {
    for (name, port) in [("dns.lab", 53), ("udp.lab", 123), ("nas.lab", 137), ("nas.lab", 5353)] {
        let lab = Lab::new(1);
        let IpAddr::V4(addr) = lab.resolve(name).unwrap()[0] else { panic!("{name}") };
        let mut link = lab.open().unwrap();
        link.send(Via::Ip(None), &frame(addr.octets(), port, 7)[14..], 0).unwrap();
        let until = link.now() + Duration::from_secs(1);
        let mut answers = 0;
        let mut count = |event: Event<'_>| {
            if let Event::Heard(heard) = event
                && let Some(TransportSlice::Udp(udp)) = SlicedPacket::from_ethernet(heard.bytes).unwrap().transport
                && (udp.source_port(), udp.destination_port()) == (port, 61000)
            {
                answers += 1;
            }
        };
        while link.poll(until, &mut count).unwrap() == Polled::Some {}
        assert_eq!(answers, 1, "{name} {port}");
    }
}
