//! Packets in the library: built and dissected on one core, nothing sent.

use std::hint::black_box;
use std::net::Ipv4Addr;
use std::sync::Arc;

use etherparse::{PacketBuilder, SlicedPacket};
use pktsh::layers::{dissect, ether::ETHER, ip::IP, tcp::TCP};
use pktsh::packet::{Nowhere, Packet, Value, Wanted};

use crate::harness::{Row, Unit, rate};
use crate::scapy::{self, Timed};

const DST: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const SRC: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

pub(crate) static ROWS: &[Row] = &[
    Row {
        name: "library: IP/TCP made and built to bytes",
        asked: Some(500_000.0),
        unit: Unit::PerSecond,
        wired: false,
        ours: || Some(rate(|| drop(black_box(made(Some(61000)).bytes(&Nowhere).unwrap())))),
        peers: &[
            ("Scapy: bytes(IP()/TCP())", || {
                let statement = r#"bytes(IP(src="10.0.0.2", dst="10.0.0.1")/TCP(sport=61000, dport=80, flags="S"))"#;
                scapy::measure(&Timed { statement, ..Timed::default() }, scapy::RATE)
            }),
            ("etherparse: PacketBuilder", || {
                Some(rate(|| {
                    let builder = PacketBuilder::ipv4(SRC.octets(), black_box(DST).octets(), 64);
                    let builder = builder.tcp(61000, 80, 0, 8192).syn();
                    let mut bytes = Vec::with_capacity(builder.size(0));
                    builder.write(&mut bytes, &[]).unwrap();
                    black_box(bytes);
                }))
            }),
        ],
    },
    Row {
        name: "library: the same, source port and id drawn",
        asked: Some(500_000.0),
        unit: Unit::PerSecond,
        wired: false,
        ours: || Some(rate(|| drop(black_box(made(None).bytes(&Nowhere).unwrap())))),
        peers: &[("Scapy: RandShort()", || {
            let statement = r#"bytes(IP(src="10.0.0.2", dst="10.0.0.1", id=RandShort())/TCP(sport=RandShort(), dport=80, flags="S"))"#;
            scapy::measure(&Timed { statement, ..Timed::default() }, scapy::RATE)
        })],
    },
    Row {
        name: "library: Ether/IP/TCP dissected, 54 bytes",
        asked: Some(1_000_000.0),
        unit: Unit::PerSecond,
        wired: false,
        ours: || {
            let bytes: Arc<[u8]> = frame().into();
            Some(rate(move || drop(black_box(dissect(&ETHER, black_box(&bytes))))))
        },
        peers: &[
            ("Scapy: Ether(b)", || {
                let before = r#"b = bytes(Ether()/IP(dst="10.0.0.1")/TCP(flags="S"))"#;
                scapy::measure(&Timed { before, statement: "Ether(b)", after: "" }, scapy::RATE)
            }),
            ("etherparse: SlicedPacket", || {
                let bytes = frame();
                Some(rate(move || drop(black_box(SlicedPacket::from_ethernet(black_box(&bytes)).unwrap()))))
            }),
        ],
    },
];

/// A SYN, every object new; without a source port, that and the id are drawn.
fn made(sport: Option<u64>) -> Packet {
    let set = |packet: &mut Packet, field, value| packet.set(0, field, &Wanted::Value(value)).unwrap();
    let (mut ip, mut tcp) = (Packet::new(&IP), Packet::new(&TCP));
    set(&mut ip, "src", Value::Ip4(SRC));
    set(&mut ip, "dst", Value::Ip4(black_box(DST)));
    set(&mut tcp, "dport", Value::Int(80));
    set(&mut tcp, "flags", Value::text("S"));
    if let Some(port) = sport {
        set(&mut ip, "id", Value::Int(1));
        set(&mut tcp, "sport", Value::Int(port));
    }
    ip.stack(&tcp)
}

fn frame() -> Vec<u8> {
    let builder = PacketBuilder::ethernet2([2; 6], [4; 6]).ipv4(SRC.octets(), DST.octets(), 64);
    let mut bytes = Vec::new();
    builder.tcp(61000, 80, 0, 8192).syn().write(&mut bytes, &[]).unwrap();
    bytes
}
