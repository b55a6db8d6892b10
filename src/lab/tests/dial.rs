//! What a `connect()` of the student's machine looks like on the wire, and what ends it.

use std::net::SocketAddr;
use std::time::Duration;

use etherparse::{Icmpv4Slice, Icmpv6Slice, PacketBuilder};

use super::{Bench, Heard, WEB, YOU, describe, keep, mac};
use crate::base::Time;
use crate::lab::dial::{icmpv4, icmpv6};
use crate::net::ConnectError::{self, Denied, HostDown, HostUnreachable, NetUnreachable, NoNet, Other};
use crate::net::ConnectError::{ProtoUnreachable, Refused};
use crate::net::{Dial, Event, Polled, Via, World};

/// Dials, and tells what became of it and what went over the wire meanwhile, until nothing more comes.
fn dialled(bench: &mut Bench, to: &str) -> (Vec<String>, Vec<Heard>) {
    let mut link = bench.lab.dialer().unwrap();
    let until = link.now() + Duration::from_mins(3);
    link.send(Via::Connect(Dial { to: to.parse().unwrap(), until }), &[], 7).unwrap();
    let mut told = Vec::new();
    let polled = link.poll(until, &mut |event| told.push(format!("{event:?}"))).unwrap();
    assert_eq!(polled == Polled::Some, !told.is_empty());
    let mut heard = Vec::new();
    while bench.link.poll(until, &mut |event| keep(&event, &mut heard)).unwrap() == Polled::Some {}
    (told, heard)
}

fn lines(heard: &[Heard]) -> Vec<String> {
    heard.iter().map(|h| format!("{} {}", if h.outgoing { '>' } else { '<' }, describe(&h.bytes))).collect()
}

#[test]
fn a_connection_is_opened_and_reset() {
    let mut bench = Bench::new();
    let (told, heard) = dialled(&mut bench, "192.0.2.10:80");
    assert!(told[0].starts_with("Connected { token: 7"), "{told:?}");
    let flags: Vec<String> = lines(&heard).iter().map(|line| line.split(' ').skip(4).take(1).collect()).collect();
    assert_eq!(flags, ["S", "SA", "A", "RA"], "{:?}", lines(&heard));
    // As Linux calls: its window, and its options in their order (RFC 9293 section 3.2, RFC 7323).
    let syn = etherparse::SlicedPacket::from_ethernet(&heard[0].bytes).unwrap();
    let Some(etherparse::TransportSlice::Tcp(tcp)) = syn.transport else { panic!("no TCP") };
    let kinds: Vec<String> = tcp.options_iterator().map(|option| format!("{:?}", option.unwrap())).collect();
    assert_eq!(tcp.window_size(), 64240);
    assert!(kinds[0].starts_with("MaximumSegmentSize(1460)") && kinds[1].starts_with("Selective"), "{kinds:?}");
}

#[test]
fn a_syn_comes_again_until_the_system_gives_up() {
    let mut bench = Bench::new();
    let start = bench.lab.now();
    let (told, heard) = dialled(&mut bench, "192.0.2.20:8080");
    assert!(told[0].ends_with("why: TimedOut }"), "{told:?}");
    let seconds: Vec<u64> = heard.iter().map(|h| (h.at - start).as_secs()).collect();
    assert_eq!(seconds, [0, 1, 3, 7, 15, 31]);
}

/// Sends `flags` with these numbers from web.lab's port 9 to the connection in `syn`.
fn answer(bench: &Bench, syn: &[u8], flags: &str, seq: u32, ack: u32) {
    let port = u16::from_be_bytes([syn[34], syn[35]]);
    let step = PacketBuilder::ethernet2(mac(WEB), mac(YOU)).ipv4(WEB, YOU, 64).tcp(9, port, seq, 1024);
    let mut frame = Vec::new();
    super::with_flags(step, flags, ack).write(&mut frame, b"").unwrap();
    bench.lab.wire.borrow_mut().act(0, |host, scene| host.receive(super::super::nets::Segment::HOME, &frame, scene));
}

#[test]
fn only_a_reset_that_acknowledges_the_syn_is_believed() {
    let rows = [("R", 0, None), ("RA", 5, None), ("RA", 1, Some(Err(Refused))), ("SA", 1, Some(Ok(())))];
    for (flags, after, wanted) in rows {
        let mut bench = Bench::with_faults("web.lab", super::Faults { loss: 1.0, ..super::Faults::NONE });
        let mut link = bench.lab.dialer().unwrap();
        let to: SocketAddr = "192.0.2.10:9".parse().unwrap();
        let until = link.now() + Duration::from_millis(500);
        link.send(Via::Connect(Dial { to, until }), &[], 0).unwrap();
        assert_eq!(link.poll(Time::ZERO, &mut |event| panic!("{event:?}")).unwrap(), Polled::Timeout);
        let mut heard = Vec::new();
        bench.link.poll(Time::ZERO, &mut |event| keep(&event, &mut heard)).unwrap();
        let syn = &heard[0].bytes;
        let seq = u32::from_be_bytes([syn[38], syn[39], syn[40], syn[41]]);
        answer(&bench, syn, flags, 77, seq.wrapping_add(after));
        let mut told = None;
        link.poll(until, &mut |event| {
            told = Some(match event {
                Event::Connected { .. } => Ok(()),
                Event::Refused { why, .. } => Err(why),
                other => panic!("{other:?}"),
            });
        })
        .unwrap();
        assert_eq!(told, wanted, "{flags} ack +{after}");
    }
}

#[test]
fn icmp_errors_mean_what_linux_makes_of_them() {
    // Type and code; what becomes of a connection, in both families. The table of nmap's ports by connect(), and
    // icmp_err_convert.
    let v4: [(u8, u8, Option<ConnectError>); 21] = [
        (3, 0, Some(NetUnreachable)),
        (3, 1, Some(HostUnreachable)),
        (3, 2, Some(ProtoUnreachable)),
        (3, 3, Some(Refused)),
        (3, 4, None),
        (3, 5, Some(Other(95))),
        (3, 6, Some(NetUnreachable)),
        (3, 7, Some(HostDown)),
        (3, 8, Some(NoNet)),
        (3, 9, Some(NetUnreachable)),
        (3, 10, Some(HostUnreachable)),
        (3, 11, Some(NetUnreachable)),
        (3, 12, Some(HostUnreachable)),
        (3, 13, Some(HostUnreachable)),
        (3, 15, Some(HostUnreachable)),
        (3, 16, None),
        (11, 0, Some(HostUnreachable)),
        (12, 0, Some(Other(71))),
        (4, 0, None),
        (5, 1, None),
        (0, 0, None),
    ];
    let mut syn = Vec::new();
    PacketBuilder::ipv4(YOU, WEB, 64).tcp(40000, 80, 5, 1024).syn().write(&mut syn, b"").unwrap();
    for (kind, code, wanted) in v4 {
        let message = [&[kind, code, 0, 0, 0, 0, 0, 0][..], &syn[..28]].concat();
        let found = icmpv4(&Icmpv4Slice::from_slice(&message).unwrap());
        assert_eq!(found.map(|(.., why)| why), wanted, "{kind}/{code}");
        if let Some((ends, seq, _)) = found {
            assert_eq!((ends.local, ends.local_port, ends.peer_port, seq), (YOU.into(), 40000, 80, 5));
        }
        assert!(icmpv4(&Icmpv4Slice::from_slice(&message[..35]).unwrap()).is_none(), "seven bytes tell no number");
    }
    let v6: [(u8, u8, Option<ConnectError>); 12] = [
        (1, 0, Some(NetUnreachable)),
        (1, 1, Some(Denied)),
        (1, 2, Some(HostUnreachable)),
        (1, 3, Some(HostUnreachable)),
        (1, 4, Some(Refused)),
        (1, 5, Some(Denied)),
        (1, 6, Some(Denied)),
        (1, 7, Some(Other(71))),
        (2, 0, None),
        (3, 0, Some(HostUnreachable)),
        (4, 1, Some(Other(71))),
        (128, 0, None),
    ];
    let mut syn = Vec::new();
    PacketBuilder::ipv6([1; 16], [2; 16], 64).tcp(40000, 80, 5, 1024).syn().write(&mut syn, b"").unwrap();
    for (kind, code, wanted) in v6 {
        let message = [&[kind, code, 0, 0, 0, 0, 0, 0][..], &syn].concat();
        let found = icmpv6(&Icmpv6Slice::from_slice(&message).unwrap());
        assert_eq!(found.map(|(.., why)| why), wanted, "{kind}/{code}");
    }
}
