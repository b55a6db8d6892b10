//! One probe and its answer over a wire between two kernels.

use std::io::Read;
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, UdpSocket};

use etherparse::PacketBuilder;
use pktsh::engine::{Answers, Network, Options, exchange};
use pktsh::layers::{ip::IP, tcp::TCP};
use pktsh::net::live::LiveWorld;
use pktsh::packet::{Packet, Value, Wanted};
use pktsh::script::Signals;
use socket2::{Domain, Protocol, Socket, Type};

use crate::harness::{Measure, Peer, Row, Unit, each};
use crate::scapy::{self, Timed};
use crate::session;
use crate::wire::{CLIENT, CLIENT_MAC, SERVER, SERVER_MAC};

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
    ("Scapy: sr1(IP()/TCP())", || {
        scapy::measure(&Timed { statement: &format!("assert sr1({})", syn()), ..Timed::default() }, scapy::MICROS)
    }),
    ("Scapy: one L3socket kept open", || {
        let statement = &format!("assert s.sr1({}, verbose=0)", syn());
        scapy::measure(&Timed { before: "s = conf.L3socket()", statement, after: "s.close()" }, scapy::MICROS)
    }),
];

/// The probe as a script and Scapy write it.
fn syn() -> String {
    format!(r#"IP(dst="{SERVER}")/TCP(dport={PORT}, flags="S")"#)
}

fn in_the_library() -> Measure {
    let mut network = Network::new(vec![Box::new(LiveWorld::new(None))], 1);
    let options = Options { answers: Answers::First, ..Options::default() };
    let probe = move |network: &mut Network| {
        let set = |packet: &mut Packet, field, value| packet.set(0, field, &Wanted::Value(value)).unwrap();
        let (mut ip, mut tcp) = (Packet::new(&IP), Packet::new(&TCP));
        set(&mut ip, "dst", Value::text(SERVER));
        set(&mut tcp, "dport", Value::Int(PORT.into()));
        set(&mut tcp, "flags", Value::text("S"));
        let outcome = exchange(network, &[ip.stack(&tcp)], &options).unwrap();
        assert_eq!(outcome.answered.len(), 1, "{}", outcome.account);
    };
    probe(&mut network); // opens the link
    Box::new(move || {
        network.begin().unwrap();
        let took = each(LOOPS, || probe(&mut network));
        network.end().unwrap(); // hears nothing of the others' turns
        took * 1e6
    })
}

fn in_a_script() -> Measure {
    let (mut session, _) = session::session_with(vec![Box::new(LiveWorld::new(None))], Signals::default());
    let text = format!("for i in 0..{LOOPS} {{ if sr1({}) == None {{ throw \"no answer\"; }} }}", syn());
    let mut run = move || drop(session.script("probes", &text, &[]).unwrap());
    run();
    Box::new(move || each(1, &mut run) * 1e6 / f64::from(LOOPS))
}

/// The least that any program can do: the same frame again and again, and nothing looked at but the ports.
fn bare() -> Measure {
    const SPORT: u16 = 60999;
    let addr = |text: &str| text.parse::<Ipv4Addr>().unwrap().octets();
    let builder = PacketBuilder::ethernet2(CLIENT_MAC, SERVER_MAC).ipv4(addr(CLIENT), addr(SERVER), 64);
    let mut frame = Vec::new();
    builder.tcp(SPORT, PORT, 1000, 1024).syn().write(&mut frame, &[]).unwrap();
    let ports = [PORT.to_be_bytes(), SPORT.to_be_bytes()].concat();
    let turn = move |rounds| {
        let socket = packet_socket(); // a new one, which has heard nothing of the others' turns
        let mut bytes = [0; 2048];
        each(rounds, || {
            socket.send(&frame).unwrap();
            while (&socket).read(&mut bytes).unwrap() < 38 || bytes[34..38] != ports {}
        })
    };
    turn(LOOPS);
    Box::new(move || turn(LOOPS * 4) * 1e6)
}

/// A packet socket bound to the wire.
fn packet_socket() -> Socket {
    let all = Protocol::from(i32::from((libc::ETH_P_ALL as u16).to_be()));
    let socket = Socket::new(Domain::PACKET, Type::RAW, Some(all)).unwrap();
    // The first IPv4 frame heard gives the address to bind to: its interface and protocol.
    UdpSocket::bind("0.0.0.0:0").unwrap().send_to(b"x", (SERVER, 9)).unwrap();
    loop {
        let (_, address) = socket.peek_from(&mut [MaybeUninit::uninit(); 1]).unwrap();
        let mut bytes = [0; 2048];
        if (&socket).read(&mut bytes).unwrap() > 14 && bytes[12..14] == [8, 0] {
            socket.bind(&address).unwrap();
            return socket;
        }
    }
}
