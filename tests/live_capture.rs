//! Captures of the live network: links that only hear.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test shows what ran inside, and fails by panicking")]

mod support;

use std::net::{Ipv4Addr, UdpSocket};
use std::sync::atomic::Ordering;
use std::time::Duration;

use etherparse::PacketBuilder;
use pktsh::net::live::{LiveWorld, drop_privileges};
use pktsh::net::{Capture, Checksum, Event, Hear, Link, Medium, NetError, Polled, Stats, Via, World};
use support::heard::{Heard, hear, hear_until};
use support::wire::{CLIENT_MAC, SERVER_MAC, inside, run};

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);

impl Heard {
    /// Source and destination port, where it is UDP in IPv4 without options.
    fn udp(&self) -> Option<(u16, u16)> {
        let packet = match self.medium {
            Medium::Ethernet if self.bytes.get(12..14)? == [8, 0] => &self.bytes[14..],
            Medium::Ip => &self.bytes,
            _ => return None,
        };
        let port = |at: usize| Some(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]));
        (packet.first()? == &0x45 && packet.get(9)? == &17).then_some((port(20)?, port(22)?))
    }
}

/// A capture of these interfaces, as a session's own thread polls it.
fn capture(world: &LiveWorld, ifaces: &[&str], filter: &str) -> Box<dyn Link + Send> {
    open(world, ifaces, filter).unwrap_or_else(|e| panic!("{e}"))
}

fn open(world: &LiveWorld, ifaces: &[&str], filter: &str) -> Result<Box<dyn Link + Send>, NetError> {
    let ifaces = ifaces.iter().map(|name| (*name).to_owned()).collect();
    match world.capture(&Hear { ifaces, filter: filter.to_owned(), aside: false })? {
        Capture::Aside(link) => Ok(link),
        Capture::Here(_) => panic!("the live world's time passes by itself"),
    }
}

fn index(world: &LiveWorld, name: &str) -> u32 {
    world.interfaces().unwrap().iter().find(|i| i.name == name).unwrap().index
}

/// A frame with a UDP datagram.
fn datagram(from: ([u8; 6], Ipv4Addr), to: ([u8; 6], Ipv4Addr), ports: (u16, u16)) -> Vec<u8> {
    let mut bytes = Vec::new();
    let builder = PacketBuilder::ethernet2(from.0, to.0).ipv4(from.1.octets(), to.1.octets(), 64);
    builder.udp(ports.0, ports.1).write(&mut bytes, b"eighteen and more").unwrap();
    bytes
}

fn from_server(sport: u16) -> Vec<u8> {
    datagram((SERVER_MAC, SERVER), (CLIENT_MAC, CLIENT), (sport, 9))
}

fn to_server(sport: u16) -> Vec<u8> {
    datagram((CLIENT_MAC, CLIENT), (SERVER_MAC, SERVER), (sport, 9))
}

/// Nobody at the server's end has this address, so nobody answers.
fn to_nobody(sport: u16) -> Vec<u8> {
    datagram((CLIENT_MAC, CLIENT), ([2, 0, 0, 9, 0, 99], SERVER), (sport, 9))
}

#[test]
fn a_frame_comes_as_it_was_on_the_wire() {
    inside("a_frame_comes_as_it_was_on_the_wire", |wire| {
        let world = LiveWorld::new(None);
        for ifaces in [&["eth0"][..], &[], &["eth0", "eth0"]] {
            let mut link = capture(&world, ifaces, "");
            assert_eq!((link.about().world, link.about().wall_zero), ("live", world.wall_zero()));
            let sent = link.now();
            wire.server_sends(&from_server(7001));
            let heard = hear(&mut *link, |h| h.udp() == Some((7001, 9)));
            assert_eq!((&heard.bytes, heard.wire_len), (&from_server(7001), from_server(7001).len()));
            assert_eq!((heard.iface, heard.medium), (index(&world, "eth0"), Medium::Ethernet));
            assert_eq!((heard.outgoing, heard.vlan, heard.checksum), (false, None, Checksum::Ready));
            assert!(sent <= heard.at && heard.at <= link.now(), "{sent} {} {}", heard.at, link.now());
            assert!(link.stats().received > 0);
            assert_eq!(link.stats().dropped, 0);
        }
    });
}

#[test]
fn a_vlan_tag_is_told_beside_the_bytes() {
    inside("a_vlan_tag_is_told_beside_the_bytes", |wire| {
        let mut link = capture(&LiveWorld::new(None), &["eth0"], "");
        let mut frame = from_server(7002);
        frame.splice(12..12, [0x88, 0xa8, 0x20, 5]); // 802.1ad: priority 1, VLAN 5
        wire.server_sends(&frame);
        let tagged = hear(&mut *link, |h| h.vlan.is_some());
        assert_eq!(tagged.vlan, Some(0x88a8_2005));
        assert_eq!(tagged.bytes, from_server(7002), "the tag is not in the bytes");
    });
}

#[test]
fn what_this_machine_sends_is_heard_as_outgoing() {
    inside("what_this_machine_sends_is_heard_as_outgoing", |wire| {
        let _web = wire.listen(80);
        let world = LiveWorld::new(None);
        let mut exchange = world.open().unwrap();
        let mut link = capture(&world, &["eth0"], "");
        let eth0 = index(&world, "eth0");
        exchange.send(Via::Frame(eth0), &to_server(7003), 0).unwrap();
        let own = hear(&mut *link, |h| h.udp() == Some((7003, 9)));
        assert_eq!((own.bytes, own.outgoing), (to_server(7003), true));
        exchange.send(Via::Ip(None), &to_server(7004)[14..], 0).unwrap();
        assert!(hear(&mut *link, |h| h.udp() == Some((7004, 9))).outgoing);
        // Also what the kernel sends by itself, with a checksum that is left to a card.
        std::net::TcpStream::connect((SERVER, 80)).unwrap();
        let syn = hear(&mut *link, |h| h.outgoing && h.bytes.get(23) == Some(&6));
        assert_eq!(syn.checksum, Checksum::Partial);
    });
}

#[test]
fn loopback_is_heard_once_and_long_frames_come_whole() {
    inside("loopback_is_heard_once_and_long_frames_come_whole", |_| {
        let world = LiveWorld::new(None);
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = udp.local_addr().unwrap().port();
        let mut data = vec![7; 60_000];
        data[59_999] = 8;
        for ifaces in [&["lo"][..], &[], &["lo", "eth0"]] {
            let mut link = capture(&world, ifaces, "");
            // More than a block holds.
            for len in [1000, 60_000, 1500, 3000, 60_000, 60_000, 60_000, 60_000, 18] {
                udp.send_to(&data[60_000 - len..], ("127.0.0.1", 9)).unwrap();
            }
            let heard = hear_until(&mut *link, |h| h.udp() == Some((port, 9)) && h.wire_len == 14 + 28 + 18);
            let data: Vec<&Heard> = heard.iter().filter(|h| h.udp() == Some((port, 9))).collect();
            let lens: Vec<usize> = data.iter().map(|h| h.bytes.len() - 14 - 28).collect();
            assert_eq!(lens, [1000, 60_000, 1500, 3000, 60_000, 60_000, 60_000, 60_000, 18], "{ifaces:?}");
            assert!(data.iter().all(|h| h.bytes.last() == Some(&8) && h.wire_len == h.bytes.len() && !h.outgoing));
        }
    });
}

#[test]
fn of_several_interfaces_only_the_named_are_heard() {
    inside("of_several_interfaces_only_the_named_are_heard", |wire| {
        wire.client_sh("ip link add near type veth peer name far; ip link set near up; ip link set far up");
        let _tun = wire.tun();
        let world = LiveWorld::new(None);
        let mut exchange = world.open().unwrap();
        let mut link = capture(&world, &["lo", "eth0", "tun0"], "");
        exchange.send(Via::Frame(index(&world, "near")), &to_nobody(7005), 0).unwrap();
        exchange.send(Via::Frame(index(&world, "eth0")), &to_nobody(7006), 0).unwrap();
        let udp = UdpSocket::bind("0.0.0.0:0").unwrap();
        udp.send_to(b"x", ("10.9.1.2", 9)).unwrap();
        udp.send_to(b"x", ("127.0.0.1", 9)).unwrap();
        let port = udp.local_addr().unwrap().port();
        let lo = index(&world, "lo");
        let heard = hear_until(&mut *link, |h| h.iface == lo && h.udp() == Some((port, 9)));
        let find = |ports| heard.iter().filter(move |h| h.udp() == Some(ports)).map(|h| (h.iface, h.medium));
        assert_eq!(find((7005, 9)).count(), 0);
        assert_eq!(find((7006, 9)).collect::<Vec<_>>(), [(index(&world, "eth0"), Medium::Ethernet)]);
        let udp: Vec<_> = find((port, 9)).collect();
        assert_eq!(udp, [(index(&world, "tun0"), Medium::Ip), (lo, Medium::Ethernet)]);
        let unnamed = [index(&world, "near"), index(&world, "far")];
        assert!(heard.iter().all(|h| !unnamed.contains(&h.iface)));
    });
}

#[test]
fn a_filter_holds_from_the_first_frame_on() {
    inside("a_filter_holds_from_the_first_frame_on", |wire| {
        let _tun = wire.tun();
        let world = LiveWorld::new(None);
        let udp = UdpSocket::bind("0.0.0.0:0").unwrap();
        let (other, is_over) = (udp.try_clone().unwrap(), std::sync::atomic::AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..2_000_000 {
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    let _ = other.send_to(b"x", ("127.0.0.1", 9));
                }
            });
            let everywhere = [&["lo"][..], &[], &["lo", "tun0"], &["lo", "eth0", "tun0"]];
            for ifaces in everywhere {
                let mut link = capture(&world, ifaces, "udp dst port 7 or (udp and ip[8] < 3)");
                let to = if ifaces.contains(&"tun0") { "10.9.1.2" } else { "127.0.0.1" };
                udp.send_to(b"x", (to, 7)).unwrap();
                let heard = hear_until(&mut *link, |h| h.udp().is_some_and(|ports| ports.1 == 7));
                assert!(heard.iter().all(|h| h.udp().is_some_and(|ports| ports.1 == 7)), "{ifaces:?}: {heard:?}");
            }
            is_over.store(true, Ordering::Relaxed);
        });
        // On tun alone, whose packets begin with the IP header.
        let mut link = capture(&world, &["tun0"], "dst host 10.9.1.2 and udp port 7");
        for port in [8, 7] {
            udp.send_to(b"x", ("10.9.1.2", port)).unwrap();
        }
        let heard = hear_until(&mut *link, |h| h.udp().is_some_and(|ports| ports.1 == 7));
        assert_eq!((heard.len(), heard[0].medium), (1, Medium::Ip));
    });
}

#[test]
fn a_filter_for_tags_finds_them_beside_the_bytes() {
    inside("a_filter_for_tags_finds_them_beside_the_bytes", |wire| {
        let world = LiveWorld::new(None);
        let mut link = capture(&world, &["eth0"], "vlan 5 and udp src port 7012");
        let tagged = |sport, tag: [u8; 4]| [&from_server(sport)[..12], &tag, &from_server(sport)[12..]].concat();
        for (sport, vlan) in [(7012, 4), (7013, 5), (7012, 5)] {
            wire.server_sends(&from_server(sport));
            wire.server_sends(&tagged(sport, [0x81, 0, 0, vlan]));
        }
        let heard = hear_until(&mut *link, |h| h.udp() == Some((7012, 9)));
        assert_eq!((heard.len(), heard[0].vlan), (1, Some(0x8100_0005)));
    });
}

#[test]
fn what_came_before_the_end_of_a_wait_is_handed_over() {
    inside("what_came_before_the_end_of_a_wait_is_handed_over", |_| {
        let world = LiveWorld::new(None);
        let mut exchange = world.open().unwrap();
        let mut link = capture(&world, &["eth0"], "");
        let eth0 = index(&world, "eth0");
        for sport in 7100..7110 {
            exchange.send(Via::Frame(eth0), &to_nobody(sport), 0).unwrap();
            let (until, mut count) = (link.now(), 0);
            let mut look = |event: Event<'_>| {
                if let Event::Heard(frame) = event {
                    count += u32::from(Heard::keep(&frame).udp() == Some((sport, 9)));
                }
            };
            while link.poll(until, &mut look).unwrap() == Polled::Some {}
            assert_eq!(count, 1, "the kernel kept it in a block that was not full");
        }
    });
}

#[test]
fn a_full_ring_is_counted_and_recovers() {
    inside("a_full_ring_is_counted_and_recovers", |_| {
        let world = LiveWorld::new(None);
        let mut exchange = world.open().unwrap();
        exchange.pause().unwrap();
        let mut link = capture(&world, &["eth0"], "");
        let eth0 = index(&world, "eth0");
        let (frame, count) = (to_nobody(7007), 300_000);
        for _ in 0..count {
            exchange.send(Via::Frame(eth0), &frame, 0).unwrap();
        }
        let mut heard = 0;
        let until = link.now();
        let mut look = |event: Event<'_>| {
            if let Event::Heard(frame) = event {
                heard += u64::from(Heard::keep(&frame).udp() == Some((7007, 9)));
            }
        };
        while link.poll(until, &mut look).unwrap() == Polled::Some {}
        let Stats { received, dropped } = link.stats();
        // A block holds 1820 of them, or what came until its time was over.
        assert!(heard > 0 && heard <= 64 * 1820, "one ring at most: {heard}");
        assert!(received >= heard && heard + dropped >= count, "{received} {dropped}");
        exchange.send(Via::Frame(eth0), &to_nobody(7008), 0).unwrap();
        hear(&mut *link, |h| h.udp() == Some((7008, 9)));
        assert_eq!(link.stats().dropped, dropped, "counted once");
    });
}

#[test]
fn a_thread_of_its_own_may_poll_it() {
    inside("a_thread_of_its_own_may_poll_it", |_| {
        let (read, write) = std::io::pipe().unwrap();
        let world = LiveWorld::new(Some(read.into()));
        let mut exchange = world.open().unwrap();
        let hear_aside = Hear { ifaces: vec!["eth0".to_owned()], filter: String::new(), aside: true };
        let Capture::Aside(mut link) = world.capture(&hear_aside).unwrap() else { panic!("not aside") };
        std::io::Write::write_all(&mut &write, b"x").unwrap(); // Ctrl-C is not its business
        let thread = std::thread::spawn(move || hear(&mut *link, |h| h.udp() == Some((7009, 9))));
        exchange.send(Via::Frame(index(&world, "eth0")), &to_nobody(7009), 0).unwrap();
        assert_eq!(thread.join().unwrap().bytes, to_nobody(7009));
    });
}

#[test]
fn ctrl_c_ends_its_wait() {
    inside("ctrl_c_ends_its_wait", |_| {
        let (read, write) = std::io::pipe().unwrap();
        let world = LiveWorld::new(Some(read.into()));
        let mut link = capture(&world, &[], "");
        std::io::Write::write_all(&mut &write, b"x").unwrap();
        let until = link.now() + Duration::from_secs(20);
        loop {
            match link.poll(until, &mut |_| {}).unwrap() {
                Polled::Some => {}
                polled => break assert_eq!(polled, Polled::Interrupted),
            }
        }
        // Also while there is always a frame to hand over.
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        std::io::Write::write_all(&mut &write, b"x").unwrap();
        let until = link.now() + Duration::from_secs(2);
        let polled = loop {
            udp.send_to(b"x", ("127.0.0.1", 9)).unwrap_or(0);
            match link.poll(until, &mut |_| {}).unwrap() {
                Polled::Some => assert!(link.now() < until, "Ctrl-C was not seen"),
                polled => break polled,
            }
        };
        assert_eq!(polled, Polled::Interrupted);
    });
}

#[test]
fn an_interface_that_goes_away_ends_its_capture() {
    inside("an_interface_that_goes_away_ends_its_capture", |wire| {
        let world = LiveWorld::new(None);
        let mut exchange = world.open().unwrap();
        for change in ["ip link set eth0 down", "ip link del eth0"] {
            let mut link = capture(&world, &["eth0"], "");
            exchange.send(Via::Frame(index(&world, "eth0")), &to_nobody(7010), 0).unwrap();
            // Later than the wait begins; the outcome is the same if it is not.
            let mut changing = wire.client("sh").args(["-c", &format!("sleep 0.1; {change}")]).spawn().unwrap();
            let until = link.now() + Duration::from_secs(20);
            let mut heard = 0;
            let error = loop {
                match link.poll(until, &mut |_| heard += 1) {
                    Ok(Polled::Some) => {}
                    Ok(other) => panic!("{other:?}: the wait did not notice `{change}`"),
                    Err(error) => break error,
                }
            };
            changing.wait().unwrap();
            assert!(heard > 0, "what came before is handed over first");
            let text = "interface eth0 went away or down: see `ip link`, or name another with `iface`";
            assert_eq!(error.to_string(), text);
            let until = link.now() + Duration::from_millis(1);
            assert_eq!(link.poll(until, &mut |_| {}).unwrap(), Polled::Timeout, "it is told once");
            wire.client_sh("ip link set eth0 up 2>/dev/null || true");
        }
    });
}

#[test]
fn mistakes_are_answered_in_words() {
    inside("mistakes_are_answered_in_words", |wire| {
        let world = LiveWorld::new(None);
        let said = |ifaces: &[&str]| open(&world, ifaces, "").err().unwrap().to_string();
        assert_eq!(said(&["eht0"]), "no interface \"eht0\"; did you mean \"eth0\"?");
        wire.client_sh("ip link set eth0 down");
        for ifaces in [&["eth0"][..], &["lo", "eth0"]] {
            assert_eq!(said(ifaces), "opening a capture: interface eth0 is down; try `ip link set eth0 up`");
        }
        let refused = open(&world, &["lo"], "udp prot 53").err().unwrap();
        assert!(matches!(&refused, NetError::Filter { at, .. } if *at == (4..8)), "{refused:?}");
        let mut link = capture(&world, &[], "");
        let error = link.send(Via::Ip(None), &[0x45; 20], 0).unwrap_err();
        assert_eq!(error.to_string(), "sending 20 bytes: a capture only hears; the session's own link sends");
    });
}

#[test]
fn a_named_interface_hears_what_is_for_others() {
    inside("a_named_interface_hears_what_is_for_others", |wire| {
        let world = LiveWorld::new(None);
        let promiscuity = |name| {
            let text = run(wire.client("ip").args(["-details", "link", "show", name]));
            text.split_once("promiscuity ").unwrap().1.split(' ').next().unwrap().to_owned()
        };
        let link = capture(&world, &["eth0", "lo"], "");
        assert_eq!((promiscuity("eth0"), promiscuity("lo")), ("1".to_owned(), "0".to_owned()));
        drop(link);
        assert_eq!(promiscuity("eth0"), "0", "it ends with the capture");
        let _all = capture(&world, &[], "");
        assert_eq!(promiscuity("eth0"), "0");
    });
}

#[test]
fn without_the_capability_the_error_gives_the_command() {
    std::thread::spawn(|| {
        caps::clear(None, caps::CapSet::Effective).unwrap();
        caps::clear(None, caps::CapSet::Permitted).unwrap();
        drop_privileges();
        let error = open(&LiveWorld::new(None), &["lo"], "").err().unwrap().to_string();
        let program = std::env::current_exe().unwrap();
        let line = format!("`sudo setcap cap_net_raw+ep {}`", program.display());
        assert!(error.starts_with("opening a capture needs CAP_NET_RAW"), "{error}");
        assert!(error.contains(&line), "{error}");
    })
    .join()
    .unwrap();
}

#[test]
fn the_capability_is_raised_only_while_it_opens() {
    inside("the_capability_is_raised_only_while_it_opens", |_| {
        std::thread::spawn(|| {
            drop_privileges();
            let world = LiveWorld::new(None);
            let effective = || caps::has_cap(None, caps::CapSet::Effective, caps::Capability::CAP_NET_RAW).unwrap();
            assert!(!effective());
            let mut link = capture(&world, &["eth0", "lo"], "");
            assert!(!effective());
            let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
            udp.send_to(b"x", ("127.0.0.1", 9)).unwrap();
            hear(&mut *link, |h| h.udp() == Some((udp.local_addr().unwrap().port(), 9)));
            let _ = link.stats();
            assert!(!effective());
        })
        .join()
        .unwrap();
    });
}
