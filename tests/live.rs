//! The live link between two real kernels.

#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test shows what ran inside, and fails by panicking")]

mod support;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use etherparse::{ArpHardwareId, ArpOperation, ArpPacket, EtherType, PacketBuilder, SlicedPacket, TransportSlice};
use pktsh::base::Mac;
use pktsh::net::live::{LiveWorld, drop_privileges};
use pktsh::net::tap::{Recording, Tap};
use pktsh::net::{Checksum, Event, Link, Medium, NetError, Polled, Reach, Slept, Via, World};
use support::heard::{Heard, hear};
use support::wire::{CLIENT_MAC, SERVER_MAC, inside, run};

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
/// The bit of `CAP_NET_RAW` (capability.h).
const NET_RAW: u64 = 1 << 13;
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);

impl Heard {
    /// Source port, destination port, SYN, ACK and RST of a TCP segment.
    fn tcp(&self) -> Option<(u16, u16, bool, bool, bool)> {
        let sliced = match self.medium {
            Medium::Ethernet => SlicedPacket::from_ethernet(&self.bytes),
            _ => SlicedPacket::from_ip(&self.bytes),
        };
        match sliced.ok()?.transport? {
            TransportSlice::Tcp(t) => Some((t.source_port(), t.destination_port(), t.syn(), t.ack(), t.rst())),
            _ => None,
        }
    }
}

/// Polls for `span` and counts the IPv4 packets of loopback (other interfaces carry what IPv6 has to say).
fn count(link: &mut dyn Link, span: Duration) -> u64 {
    let until = link.now() + span;
    let mut count = 0;
    let mut look = |event: Event<'_>| {
        if let Event::Heard(frame) = event {
            count += u64::from(frame.bytes.starts_with(&[0; 12]) && frame.bytes[12..14] == [8, 0]);
        }
    };
    while link.poll(until, &mut look).unwrap() == Polled::Some {}
    count
}

fn eth0(world: &LiveWorld) -> u32 {
    world.interfaces().unwrap().iter().find(|i| i.name == "eth0").unwrap().index
}

/// A SYN as an Ethernet frame from the client to the server.
fn syn_frame(sport: u16, dport: u16) -> Vec<u8> {
    let builder = PacketBuilder::ethernet2(CLIENT_MAC, SERVER_MAC);
    let builder = builder.ipv4(CLIENT.octets(), SERVER.octets(), 64).tcp(sport, dport, 1000, 1024).syn();
    let mut bytes = Vec::new();
    builder.write(&mut bytes, &[]).unwrap();
    bytes
}

/// A SYN as an IPv4 packet.
fn syn_packet(src: Ipv4Addr, dst: Ipv4Addr, sport: u16, dport: u16) -> Vec<u8> {
    let builder = PacketBuilder::ipv4(src.octets(), dst.octets(), 64).tcp(sport, dport, 1000, 1024).syn();
    let mut bytes = Vec::new();
    builder.write(&mut bytes, &[]).unwrap();
    bytes
}

#[test]
fn a_syn_is_answered_by_port_state() {
    inside("a_syn_is_answered_by_port_state", |wire| {
        let _web = wire.listen(80);
        let world = LiveWorld::new(None);
        let mut link = world.open().unwrap();
        let iface = eth0(&world);
        for (dport, syn, rst) in [(80, true, false), (81, false, true)] {
            let sent = link.now();
            link.send(Via::Frame(iface), &syn_frame(61001, dport), 0).unwrap();
            let answer = hear(&mut *link, |h| !h.outgoing && h.tcp().is_some_and(|t| t.0 == dport));
            assert_eq!(answer.tcp(), Some((dport, 61001, syn, true, rst)));
            assert_eq!((answer.iface, answer.medium, answer.vlan), (iface, Medium::Ethernet, None));
            assert_eq!(answer.wire_len, answer.bytes.len());
            assert!(sent <= answer.at && answer.at <= link.now(), "{sent} {} {}", answer.at, link.now());
        }
        // The client's kernel knows nothing of our SYN and resets the connection: heard, and marked as outgoing.
        link.send(Via::Frame(iface), &syn_frame(61002, 80), 0).unwrap();
        let reset = hear(&mut *link, |h| h.outgoing && h.tcp().is_some_and(|t| t.0 == 61002));
        assert_eq!(reset.tcp().map(|t| (t.2, t.4)), Some((false, true)), "our own SYN does not come back");
    });
}

#[test]
fn arp_finds_the_neighbor_and_the_kernel_tells_it_later() {
    inside("arp_finds_the_neighbor_and_the_kernel_tells_it_later", |wire| {
        let world = LiveWorld::new(None);
        let mut link = world.open().unwrap();
        let iface = eth0(&world);
        let arp = ArpPacket::new(
            ArpHardwareId::ETHERNET,
            EtherType::IPV4,
            ArpOperation::REQUEST,
            &CLIENT_MAC,
            &CLIENT.octets(),
            &[0; 6],
            &SERVER.octets(),
        );
        let mut bytes = Vec::new();
        PacketBuilder::ethernet2(CLIENT_MAC, [0xff; 6]).arp(arp.unwrap()).write(&mut bytes).unwrap();
        link.send(Via::Frame(iface), &bytes, 0).unwrap();
        let answer = hear(&mut *link, |h| !h.outgoing && h.bytes[12..14] == [8, 6]);
        assert_eq!(answer.bytes[20..22], [0, 2], "a reply");
        assert_eq!(answer.bytes[22..28], SERVER_MAC);

        let server = IpAddr::V4(SERVER);
        assert_eq!(world.neighbor(iface, IpAddr::from([10, 9, 0, 77])), None);
        wire.client_sh("ip neigh replace 10.9.0.2 lladdr 02:00:00:09:00:02 dev eth0");
        assert_eq!(world.neighbor(iface, server), Some(Mac(SERVER_MAC)));
        wire.client_sh("ip neigh replace 10.9.0.2 lladdr 02:00:00:09:00:22 dev eth0");
        assert_eq!(world.neighbor(iface, server).map(|m| m.0[5]), Some(0x22), "a change is noticed at once");
        wire.client_sh("ip neigh del 10.9.0.2 dev eth0");
        assert_eq!(world.neighbor(iface, server), None);
    });
}

#[test]
fn routes_are_the_kernels() {
    inside("routes_are_the_kernels", |wire| {
        let world = LiveWorld::new(None);
        let route = |dst: &str, iface| world.route(dst.parse().unwrap(), iface);
        let lan = route("10.9.0.2", None).unwrap();
        assert_eq!((lan.iface.name.as_str(), lan.source, lan.next_hop), ("eth0", CLIENT.into(), SERVER.into()));
        assert_eq!((lan.reach, lan.iface.mtu, lan.iface.mac), (Reach::Remote, 1500, Some(Mac(CLIENT_MAC))));
        assert!(lan.takes_frames());
        let v6 = route("fd00:9::2", None).unwrap();
        assert_eq!((v6.source.to_string(), v6.reach), ("fd00:9::1".to_owned(), Reach::Remote));
        for own in ["127.0.0.1", "10.9.0.1", "::1", "fd00:9::1"] {
            let local = route(own, None).unwrap();
            assert_eq!((local.reach, local.iface.name.as_str()), (Reach::Local, "lo"), "{own}");
            assert!(!local.takes_frames());
        }
        assert_eq!(route("10.9.0.255", None).unwrap().reach, Reach::Broadcast);
        assert_eq!(route("224.0.0.251", Some("eth0")).unwrap().reach, Reach::Multicast);
        assert_eq!(route("ff02::1", Some("eth0")).unwrap().reach, Reach::Multicast);

        let nowhere = route("203.0.113.9", None).unwrap_err();
        let text = "no route to 203.0.113.9: the kernel says \"Network is unreachable\"; see `ip route`";
        assert_eq!(nowhere.to_string(), text);
        wire.client_sh("ip route add 203.0.113.0/24 via 10.9.0.2");
        assert_eq!(route("203.0.113.9", None).unwrap().next_hop, IpAddr::V4(SERVER), "a new route is noticed at once");

        let unknown = world.resolve("nothing.invalid").unwrap_err().to_string();
        assert!(unknown.starts_with("cannot resolve \"nothing.invalid\": the resolver says"), "{unknown}");
        let wrong = route("10.9.0.2", Some("eht0")).unwrap_err();
        assert_eq!(wrong.to_string(), "no interface \"eht0\"; did you mean \"eth0\"?");
    });
}

#[test]
fn loopback_and_own_addresses_answer() {
    inside("loopback_and_own_addresses_answer", |_| {
        let _listener = std::net::TcpListener::bind("0.0.0.0:80").unwrap();
        let world = LiveWorld::new(None);
        let mut link = world.open().unwrap();
        for own in [Ipv4Addr::LOCALHOST, CLIENT] {
            for (dport, syn, rst) in [(80, true, false), (81, false, true)] {
                link.send(Via::Ip(None), &syn_packet(own, own, 61010, dport), 0).unwrap();
                let answer = hear(&mut *link, |h| h.tcp().is_some_and(|t| t.0 == dport && t.1 == 61010));
                assert_eq!(answer.tcp(), Some((dport, 61010, syn, true, rst)), "{own}");
                assert!(!answer.outgoing, "loopback's outgoing copies are left out");
            }
        }
        // IPv6, by its own raw socket.
        let mut bytes = Vec::new();
        let local = std::net::Ipv6Addr::LOCALHOST.octets();
        PacketBuilder::ipv6(local, local, 64).icmpv6_echo_request(7, 9).write(&mut bytes, b"x").unwrap();
        link.send(Via::Ip(None), &bytes, 0).unwrap();
        hear(&mut *link, |h| h.bytes.get(54) == Some(&129));
    });
}

#[test]
fn what_is_wrong_in_the_header_arrives_as_it_is() {
    inside("what_is_wrong_in_the_header_arrives_as_it_is", |wire| {
        let mut witness = wire.witness();
        let world = LiveWorld::new(None);
        let mut link = world.open().unwrap();
        let mut frame = syn_frame(61020, 80);
        frame[14] = 0x91; // version 9, header length 1
        frame[16..18].copy_from_slice(&[0, 5]); // total length 5
        frame[24..26].copy_from_slice(&[0xde, 0xad]); // header checksum
        frame.resize(60, 0xaa);
        let iface = eth0(&world);
        link.send(Via::Frame(iface), &frame, 0).unwrap();
        assert_eq!(witness.frame(|f| f[6..12] == CLIENT_MAC && f[12..14] == [8, 0]), frame);
        // A packet that the kernel sends for us comes out repaired.
        let mut packet = syn_packet(CLIENT, SERVER, 61021, 80);
        packet[2..4].copy_from_slice(&[0, 99]);
        packet[10..12].copy_from_slice(&[0xde, 0xad]);
        link.send(Via::Ip(Some(iface)), &packet, 0).unwrap();
        let repaired = witness.frame(|f| f[12..14] == [8, 0] && f[34..36] == 61021_u16.to_be_bytes());
        assert_eq!(repaired[16..18], [0, 40]);
        assert_ne!(repaired[24..26], [0xde, 0xad]);
        // Its outgoing copy is ours and does not come back; the answer comes.
        hear(&mut *link, |h| {
            let tcp = h.tcp();
            assert!(!h.outgoing || tcp.is_none_or(|t| t.0 != 61021), "{h:?}");
            tcp.is_some_and(|t| t.1 == 61021 && t.4)
        });
    });
}

#[test]
fn a_vlan_tag_is_told_beside_the_bytes() {
    inside("a_vlan_tag_is_told_beside_the_bytes", |wire| {
        let world = LiveWorld::new(None);
        let mut link = world.open().unwrap();
        let mut frame = Vec::new();
        let builder = PacketBuilder::ethernet2(SERVER_MAC, CLIENT_MAC).ipv4(SERVER.octets(), CLIENT.octets(), 64);
        builder.udp(9, 9).write(&mut frame, b"x").unwrap();
        frame.splice(12..12, [0x81, 0, 0x20, 5]); // 802.1Q: priority 1, VLAN 5
        wire.server_sends(&frame);
        let tagged = hear(&mut *link, |h| !h.outgoing && h.vlan.is_some());
        assert_eq!(tagged.vlan, Some(0x8100_2005));
        assert_eq!(tagged.bytes[12..14], [8, 0], "the tag is not in the bytes");
    });
}

#[test]
fn checksums_left_to_the_card_are_marked() {
    inside("checksums_left_to_the_card_are_marked", |wire| {
        let _web = wire.listen(80);
        let world = LiveWorld::new(None);
        let mut link = world.open().unwrap();
        for outgoing in [true, false] {
            std::net::TcpStream::connect((SERVER, 80)).unwrap();
            let syn = hear(&mut *link, |h| h.outgoing == outgoing && h.tcp().is_some_and(|t| t.2));
            assert_eq!(syn.checksum, Checksum::Partial, "outgoing: {outgoing}");
        }
        // An ICMP error is sent with its checksum.
        let udp = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        udp.send_to(b"x", (SERVER, 9)).unwrap();
        let unreachable = hear(&mut *link, |h| !h.outgoing && h.bytes.get(23) == Some(&1));
        assert_eq!(unreachable.checksum, Checksum::Ready);
    });
}

#[test]
fn a_long_frame_comes_whole() {
    inside("a_long_frame_comes_whole", |_| {
        let world = LiveWorld::new(None);
        let mut link = world.open().unwrap();
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut data = vec![7; 60_000];
        data[59_999] = 8;
        for len in [1000, 60_000, 1500, 3000] {
            udp.send_to(&data[60_000 - len..], ("127.0.0.1", 9)).unwrap();
            let heard = hear(&mut *link, |h| h.bytes.len() >= 14 + 28 + len);
            assert_eq!((heard.bytes.len(), heard.wire_len), (14 + 28 + len, 14 + 28 + len));
            assert_eq!(heard.bytes.last(), Some(&8));
        }
    });
}

#[test]
fn between_lines_nothing_is_captured_and_drops_are_counted() {
    inside("between_lines_nothing_is_captured_and_drops_are_counted", |_| {
        let world = LiveWorld::new(None);
        let mut link = world.open().unwrap();
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let burst = |count: usize| (0..count).for_each(|_| drop(udp.send_to(b"x", ("127.0.0.1", 9))));
        link.resume().unwrap();
        burst(10);
        assert!(count(&mut *link, Duration::from_millis(20)) >= 10);
        assert!(link.stats().received >= 10);

        burst(10); // left unread
        link.pause().unwrap();
        burst(5000);
        assert_eq!(link.stats().dropped, 0, "a closed filter drops nothing: it takes nothing");
        link.resume().unwrap();
        assert_eq!(count(&mut *link, Duration::from_millis(20)), 0, "what came before is forgotten");

        burst(5000); // each is heard on loopback, and each is answered by an ICMP error
        let (heard, stats) = (count(&mut *link, Duration::from_millis(20)), link.stats());
        assert!(heard >= 1000, "one ring at least: {heard}");
        assert!(stats.dropped >= 1000, "{stats:?}");
        assert!(stats.received >= heard, "{stats:?}");
        link.resume().unwrap();
        assert_eq!(link.stats().dropped, 0, "each line counts from zero");
    });
}

#[test]
fn an_interface_that_goes_away_is_an_error() {
    inside("an_interface_that_goes_away_is_an_error", |wire| {
        let world = LiveWorld::new(None);
        let mut link = world.open().unwrap();
        let iface = eth0(&world);
        wire.server_sh(
            "nft add table ip t; nft add chain ip t i '{ type filter hook input priority 0; policy drop; }'",
        );
        for change in ["ip link set eth0 down", "ip link del eth0"] {
            link.send(Via::Frame(iface), &syn_frame(61030, 80), 0).unwrap();
            // Later than the wait begins; the outcome is the same if it is not.
            let mut changing = wire.client("sh").args(["-c", &format!("sleep 0.1; {change}")]).spawn().unwrap();
            let until = link.now() + Duration::from_secs(20);
            let error = loop {
                match link.poll(until, &mut |_| {}) {
                    Ok(Polled::Some) => {}
                    Ok(other) => panic!("{other:?}: the wait did not notice `{change}`"),
                    Err(error) => break error,
                }
            };
            changing.wait().unwrap();
            let text = "interface eth0 went away or down: see `ip link`, or name another with `iface`";
            assert_eq!(error.to_string(), text);
            // And when it is noticed only by sending.
            let error = link.send(Via::Frame(iface), &syn_frame(61030, 80), 0).unwrap_err();
            assert!(matches!(error, NetError::InterfaceGone { .. }), "{error}");
            assert_eq!(count(&mut *link, Duration::from_millis(5)), 0, "the link goes on");
            wire.client_sh("ip link set eth0 up 2>/dev/null || true");
            link.resume().unwrap();
        }
        wire.client_sh("ip link set lo down");
        let error = world.route(SERVER.into(), None).unwrap_err();
        assert!(error.to_string().starts_with("no route to 10.9.0.2: "), "{error}");
    });
}

#[test]
fn what_the_kernel_refuses_is_said_in_words() {
    inside("what_the_kernel_refuses_is_said_in_words", |wire| {
        let world = LiveWorld::new(None);
        let mut link = world.open().unwrap();
        let iface = eth0(&world);
        let mut send = |via, bytes: &[u8]| link.send(via, bytes, 0).unwrap_err().to_string();
        let long = [&syn_frame(61040, 80)[..], &[0; 2000]].concat();
        let text = "sending 2054 bytes: longer than eth0 carries: its MTU is 1500 bytes";
        assert_eq!(send(Via::Frame(iface), &long), text);
        assert!(send(Via::Ip(None), &[0x45; 10]).contains("shorter than the IP header"));
        let mut bad = syn_packet(CLIENT, SERVER, 61040, 80);
        bad[0] = 0x4f;
        assert!(send(Via::Ip(None), &bad).contains("finds the header impossible"));
        wire.client_sh(
            "nft add table ip t; nft add chain ip t o '{ type filter hook output priority 0; policy drop; }'",
        );
        assert!(send(Via::Ip(None), &syn_packet(CLIENT, SERVER, 61040, 80)).contains("own firewall"));
    });
}

#[test]
fn ctrl_c_ends_a_wait() {
    inside("ctrl_c_ends_a_wait", |_| {
        let (read, write) = std::io::pipe().unwrap();
        let world = LiveWorld::new(Some(read.into()));
        let mut link = world.open().unwrap();
        std::io::Write::write_all(&mut &write, b"x").unwrap();
        let until = link.now() + Duration::from_secs(20);
        loop {
            match link.poll(until, &mut |_| {}).unwrap() {
                Polled::Some => {}
                polled => break assert_eq!(polled, Polled::Interrupted),
            }
        }
        assert_eq!(world.sleep(Duration::from_millis(1)), Slept::Whole, "one Ctrl-C ends one wait");

        // Also while there is always a frame to hand over, so that no call ever waits.
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
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
fn interfaces_without_a_link_layer_carry_packets() {
    inside("interfaces_without_a_link_layer_carry_packets", |wire| {
        let _tun = wire.tun();
        let world = LiveWorld::new(None);
        let route = world.route("10.9.1.2".parse().unwrap(), None).unwrap();
        assert_eq!((route.iface.name.as_str(), route.iface.medium, route.iface.mac), ("tun0", Medium::Ip, None));
        assert!(!route.takes_frames());
        let mut link = world.open().unwrap();
        let (src, dst) = (Ipv4Addr::new(10, 9, 1, 1), Ipv4Addr::new(10, 9, 1, 2));
        link.send(Via::Ip(Some(route.iface.index)), &syn_packet(src, dst, 61060, 81), 0).unwrap();
        let answer = hear(&mut *link, |h| {
            assert!(!h.outgoing || h.medium == Medium::Ethernet, "our own packet does not come back: {h:?}");
            h.tcp().is_some_and(|t| t.0 == 81)
        });
        assert_eq!((answer.medium, answer.iface, answer.bytes[0]), (Medium::Ip, route.iface.index, 0x45));
        assert_eq!(answer.tcp(), Some((81, 61060, false, true, true)));
        // What the kernel itself sends there is heard too.
        let udp = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
        udp.send_to(b"x", (dst, 9)).unwrap();
        let ours = hear(&mut *link, |h| h.medium == Medium::Ip && h.outgoing);
        assert_eq!((ours.bytes[9], ours.bytes.len()), (17, 29));
    });
}

#[test]
fn only_net_raw_is_kept_and_is_not_in_effect() {
    inside("only_net_raw_is_kept_and_is_not_in_effect", |_| {
        // Capabilities belong to a thread: this one has its own.
        let thread = std::thread::spawn(|| {
            let sets = |names: [&str; 4]| {
                let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
                let set = |name| status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
                names.map(|name| u64::from_str_radix(set(name).trim(), 16).unwrap())
            };
            let names = ["CapPrm:", "CapEff:", "CapInh:", "CapAmb:"];
            drop_privileges();
            assert_eq!(sets(names), [NET_RAW, 0, 0, 0]);
            let world = LiveWorld::new(None);
            let mut link = world.open().unwrap();
            assert_eq!(sets(names), [NET_RAW, 0, 0, 0], "raised only while the socket was opened");
            link.send(Via::Ip(None), &syn_packet(CLIENT, CLIENT, 61070, 81), 0).unwrap();
            hear(&mut *link, |h| h.tcp().is_some_and(|t| t.0 == 81));
            assert_eq!(sets(names), [NET_RAW, 0, 0, 0]);

            // What belongs to the user stays readable and writable.
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("history"), "sr1(p)").unwrap();
            assert_eq!(std::fs::read_to_string(folder.path().join("history")).unwrap(), "sr1(p)");
        });
        thread.join().unwrap();
    });
}

#[test]
fn without_the_capability_the_error_gives_the_command() {
    std::thread::spawn(|| {
        caps::clear(None, caps::CapSet::Effective).unwrap();
        caps::clear(None, caps::CapSet::Permitted).unwrap();
        drop_privileges();
        let error = LiveWorld::new(None).open().err().unwrap().to_string();
        let program = std::env::current_exe().unwrap();
        let line = format!("`sudo setcap cap_net_raw+ep {}`", program.display());
        assert!(error.starts_with("opening a packet socket needs CAP_NET_RAW"), "{error}");
        assert!(error.contains(&line), "{error}");
        // Everything that needs no privilege still works.
        let world = LiveWorld::new(None);
        assert!(world.interfaces().unwrap().iter().any(|i| i.loopback));
        assert_eq!(world.route("127.0.0.1".parse().unwrap(), None).unwrap().reach, Reach::Local);
    })
    .join()
    .unwrap();
}

#[test]
fn a_recording_is_read_by_wireshark() {
    inside("a_recording_is_read_by_wireshark", |wire| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("all.pcap");
        let recording = Recording::new("all.pcap", Box::new(std::fs::File::create(&file).unwrap())).unwrap();
        let world = LiveWorld::new(None);
        let mut link: Box<dyn Link> = Box::new(Tap::new(world.open().unwrap(), recording));
        link.resume().unwrap();
        link.send(Via::Frame(eth0(&world)), &syn_frame(61080, 81), 0).unwrap();
        let answer = hear(&mut *link, |h| h.tcp().is_some_and(|t| t.0 == 81));
        link.pause().unwrap();
        let fields = ["frame.time_epoch", "eth.src", "tcp.srcport", "tcp.flags", "tcp.checksum.status"];
        let mut tshark = wire.client("tshark");
        tshark.args(["-r", file.to_str().unwrap(), "-Y", "tcp", "-o", "tcp.check_checksum:TRUE", "-T", "fields"]);
        tshark.stderr(std::process::Stdio::null());
        let text = run(fields.iter().fold(&mut tshark, |command, field| command.args(["-e", field])));
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split('\t').collect()).collect();
        assert_eq!(rows.len(), 2, "{text}");
        assert_eq!(rows[0][1..], ["02:00:00:09:00:01", "61080", "0x0002", "1"]);
        assert_eq!(rows[1][1..4], ["02:00:00:09:00:02", "81", "0x0014"]);
        let wall = world.wall_zero() + answer.at.nanos();
        assert_eq!(rows[1][0], format!("{}.{:09}", wall / 1_000_000_000, wall % 1_000_000_000), "to the nanosecond");
        let info = run(wire.client("capinfos").arg(&file));
        assert!(info.contains("Ethernet") && info.contains("nanoseconds"), "{info}");
    });
}
