//! One probe and its answer over a wire between two kernels.

use std::io::Read;
use std::mem::MaybeUninit;
use std::net::UdpSocket;

use etherparse::PacketBuilder;
use pktsh::engine::{Answers, Network, Options, exchange};
use pktsh::layers::{ip::IP, tcp::TCP};
use pktsh::net::live::LiveWorld;
use pktsh::packet::{Packet, Value, Wanted};
use pktsh::script::Signals;
use socket2::{Domain, Protocol, Socket, Type};

use crate::harness::{Measure, Peer, Row, Unit, micros};
use crate::wire::{CLIENT_MAC, SERVER, SERVER_MAC};
use crate::{scapy, session};

/// A closed port of the server.
const PORT: u16 = 81;
const LOOPS: u32 = 5_000;

pub(crate) static ROWS: &[Row] = &[
    Row {
        name: "sr1: SYN to a closed port over veth, from Rust",
        asked: Some(25.0),
        unit: Unit::Micros,
        wired: true,
        ours: || Some(in_the_library()),
        peers: PEERS,
    },
    Row {
        name: "sr1: the same, from a script",
        asked: Some(25.0),
        unit: Unit::Micros,
        wired: true,
        ours: || Some(in_a_script()),
        peers: PEERS,
    },
];

const PEERS: &[Peer] = &[
    ("send and recv alone, AF_PACKET", || Some(bare())),
    ("Scapy: sr1(IP()/TCP())", || scapy::measure("", &format!("assert sr1({})", syn()), |seconds| seconds * 1e6)),
    (
        "Scapy: one L3PacketSocket kept open",
        || {
            let statement = format!("assert s.sr1({}, verbose=0)", syn());
            scapy::measure("s = conf.L3socket()", &statement, |seconds| seconds * 1e6)
        },
    ),
];

/// The probe as a script and Scapy write it.
fn syn() -> String {
    format!(r#"IP(dst="{SERVER}")/TCP(dport={PORT}, flags="S")"#)
}

fn in_the_library() -> Measure {
    let mut network = Network::new(vec![Box::new(LiveWorld::new(None))], 1);
    let options = Options { answers: Answers::First, ..Options::default() };
    micros(move || {
        let set = |packet: &mut Packet, field, value| packet.set(0, field, &Wanted::Value(value)).unwrap();
        let (mut ip, mut tcp) = (Packet::new(&IP), Packet::new(&TCP));
        set(&mut ip, "dst", Value::text(SERVER));
        set(&mut tcp, "dport", Value::Int(PORT.into()));
        set(&mut tcp, "flags", Value::text("S"));
        let outcome = exchange(&mut network, &ip.stack(&tcp), &options).unwrap();
        assert_eq!(outcome.answered.len(), 1, "{}", outcome.account);
    })
}

fn in_a_script() -> Measure {
    let (mut session, _) = session::session_with(vec![Box::new(LiveWorld::new(None))], Signals::default());
    let text = format!("for i in 0..{LOOPS} {{ if sr1({}) == None {{ throw \"no answer\"; }} }}", syn());
    let mut run = micros(move || drop(session.script("probes", &text, &[]).unwrap()));
    Box::new(move || run() / f64::from(LOOPS))
}

/// The least that any program can do: the same frame again and again, and nothing looked at but the port.
fn bare() -> Measure {
    let all = Protocol::from(i32::from((libc::ETH_P_ALL as u16).to_be()));
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(all)).unwrap();
    // The first frame heard on the wire gives the socket address to send to.
    UdpSocket::bind("0.0.0.0:0").unwrap().send_to(b"x", (SERVER, 9)).unwrap();
    let (_, address) = socket.recv_from(&mut [MaybeUninit::uninit(); 2048]).unwrap();
    socket.bind(&address).unwrap();
    let addr = |text: &str| text.parse::<std::net::Ipv4Addr>().unwrap().octets();
    let builder = PacketBuilder::ethernet2(CLIENT_MAC, SERVER_MAC).ipv4(addr(crate::wire::CLIENT), addr(SERVER), 64);
    let (mut frame, mut bytes) = (Vec::new(), [0; 2048]);
    builder.tcp(61050, PORT, 1000, 1024).syn().write(&mut frame, &[]).unwrap();
    micros(move || {
        socket.send(&frame).unwrap();
        while (&socket).read(&mut bytes).unwrap() < 36 || bytes[34..36] != PORT.to_be_bytes() {}
    })
}
