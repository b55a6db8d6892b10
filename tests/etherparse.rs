//! etherparse as witness: it reads what we build with the same values, and we read what its builder builds, and both
//! find each other's checksums right.

mod common;

use std::sync::Arc;

use common::{Manner, bytes, random};
use etherparse::checksum::Sum16BitWords;
use etherparse::{
    Icmpv4Slice, Icmpv6Slice, Ipv4HeaderSlice, Ipv6HeaderSlice, LaxNetSlice, LaxSlicedPacket, LinkExtSlice, LinkSlice,
    NetSlice, PacketBuilder, SlicedPacket, TcpOptionElement, TcpSlice, TransportSlice, UdpSlice, VlanId,
};
use proptest::prelude::*;

use pktsh::base::Mac;
use pktsh::layers::{
    dissect, dot1q::DOT1Q, ether::ETHER, icmp::ICMP, ip::IP, ipv6::IPV6, raw::RAW, tcp::TCP, udp::UDP,
};
use pktsh::packet::{Layer, LayerDesc, Nowhere, Packet, Slot, Value};

proptest! {
    #[test]
    fn etherparse_reads_what_we_build(seed: u64) {
        let built = random(seed, Manner::Straight);
        if !begins_alike(&built) {
            return Ok(());
        }
        let bytes = bytes(&built);
        let ours = dissect(built.layers()[0].desc(), &bytes);
        let strict = if ours.layers()[0].desc() == &ETHER {
            SlicedPacket::from_ethernet(&bytes)
        } else {
            SlicedPacket::from_ip(&bytes)
        };
        let theirs = strict.expect("etherparse reads what we build");
        if let Some(LinkSlice::Ethernet2(ethernet)) = &theirs.link {
            let ether = layer(&ours, &ETHER);
            prop_assert_eq!(ether.get("dst"), Some(Slot::Set(Value::Mac(Mac(ethernet.destination())))));
            prop_assert_eq!(ether.get("src"), Some(Slot::Set(Value::Mac(Mac(ethernet.source())))));
            prop_assert_eq!(number(ether, "type"), u64::from(ethernet.ether_type().0));
        }
        let tags = ours.layers().iter().take_while(|l| l.desc() != &IP && l.desc() != &IPV6).filter(|l| l.desc() == &DOT1Q);
        prop_assert_eq!(tags.clone().count(), theirs.link_exts.len());
        for (tag, ext) in tags.zip(&theirs.link_exts) {
            let LinkExtSlice::Vlan(vlan) = ext else { panic!("a VLAN tag, found {ext:?}") };
            prop_assert_eq!(number(tag, "vlan"), u64::from(vlan.vlan_identifier().value()));
            prop_assert_eq!(number(tag, "prio"), u64::from(vlan.priority_code_point().value()));
            prop_assert_eq!(number(tag, "dei"), u64::from(vlan.drop_eligible_indicator()));
        }
        match &theirs.net {
            Some(NetSlice::Ipv4(ip)) => same_ip(layer(&ours, &IP), &ip.header()),
            Some(NetSlice::Ipv6(ip)) => same_ip6(layer(&ours, &IPV6), &ip.header()),
            Some(NetSlice::Arp(arp)) => same_arp(&ours.layers()[ours.layers().len() - 1], arp),
            other => panic!("a network layer, found {other:?}"),
        }
        let ends = match &theirs.net {
            Some(NetSlice::Ipv4(ip)) => Ends::V4(ip.header().source(), ip.header().destination()),
            Some(NetSlice::Ipv6(ip)) => Ends::V6(ip.header().source(), ip.header().destination()),
            _ => return Ok(()),
        };
        match &theirs.transport {
            Some(TransportSlice::Tcp(tcp)) => same_tcp(&ours, tcp, &ends),
            Some(TransportSlice::Udp(udp)) => same_udp(&ours, udp, &ends),
            Some(TransportSlice::Icmpv4(icmp)) => same_icmp(layer(&ours, &ICMP), icmp),
            Some(TransportSlice::Icmpv6(icmp)) => same_icmp6(&ours, icmp, &ends),
            Some(TransportSlice::Igmp(igmp)) => {
                let ours = ours.layers().iter().find(|layer| layer.desc().name.starts_with("IGMP"));
                prop_assert_eq!(ours.and_then(|igmp| igmp.int("type")), Some(u64::from(igmp.slice()[0])));
                prop_assert_eq!(Sum16BitWords::new().add_slice(igmp.slice()).ones_complement(), 0, "the sum");
            }
            // It stops at a second network header, and reads no other transport.
            None => prop_assert!(["SCTP", "IGMP", "GRE", "IP /", "IPv6 /"].iter().any(|name| ours.names().contains(name)), "{}", ours.names()),
        }
    }

    #[test]
    fn a_cut_packet_is_read_alike(seed: u64, cut in 0usize..80) {
        let built = random(seed, Manner::Straight);
        if !begins_alike(&built) {
            return Ok(());
        }
        let whole = bytes(&built);
        let bytes: Arc<[u8]> = whole[..whole.len().saturating_sub(cut).max(1)].into();
        let ours = dissect(built.layers()[0].desc(), &bytes);
        let lax = if built.layers()[0].desc() == &ETHER {
            LaxSlicedPacket::from_ethernet(&bytes).ok()
        } else {
            LaxSlicedPacket::from_ip(&bytes).ok()
        };
        let Some(theirs) = lax else { return Ok(()) };
        match &theirs.net {
            Some(LaxNetSlice::Ipv4(ip)) => same_ip(layer(&ours, &IP), &ip.header()),
            Some(LaxNetSlice::Ipv6(ip)) => same_ip6(layer(&ours, &IPV6), &ip.header()),
            _ => {}
        }
        match &theirs.transport {
            Some(TransportSlice::Tcp(tcp)) => {
                prop_assert_eq!(number(layer(&ours, &TCP), "seq"), u64::from(tcp.sequence_number()));
            }
            Some(TransportSlice::Udp(udp)) => {
                prop_assert_eq!(number(layer(&ours, &UDP), "dport"), u64::from(udp.destination_port()));
            }
            _ => {}
        }
    }

    #[test]
    fn we_read_what_etherparse_builds(
        src: [u8; 4], dst: [u8; 4], ttl: u8, ports: (u16, u16), seq: u32, ack: Option<u32>, window: u16,
        flags: [bool; 8], urgent: Option<u16>, tag in proptest::option::of(0u16..4096),
        load in proptest::collection::vec(any::<u8>(), 0..60), kind in 0..4,
    ) {
        // What lies behind these is more than Raw to us.
        let has_reader = |port| [53, 67, 68, 123, 4789, 5353, 5355].contains(&port);
        prop_assume!(!has_reader(ports.0) && !has_reader(ports.1));
        let builder = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2]);
        let builder = match tag {
            Some(tag) => builder.single_vlan(VlanId::try_new(tag).expect("12 bits")).ipv4(src, dst, ttl),
            None => builder.ipv4(src, dst, ttl),
        };
        let mut out = Vec::new();
        match kind {
            0 => builder.udp(ports.0, ports.1).write(&mut out, &load),
            1 => builder.icmpv4_echo_request(ports.0, ports.1).write(&mut out, &load),
            2 => builder.icmpv4_echo_reply(ports.0, ports.1).write(&mut out, &load),
            _ => {
                let options = [
                    TcpOptionElement::MaximumSegmentSize(window),
                    TcpOptionElement::Noop,
                    TcpOptionElement::WindowScale(ttl),
                    TcpOptionElement::SelectiveAcknowledgementPermitted,
                    TcpOptionElement::Timestamp(seq, 0),
                ];
                let mut tcp = builder.tcp(ports.0, ports.1, seq, window).options(&options).expect("they fit");
                tcp = if flags[0] { tcp.fin() } else { tcp };
                tcp = if flags[1] { tcp.syn() } else { tcp };
                tcp = if flags[2] { tcp.rst() } else { tcp };
                tcp = if flags[3] { tcp.psh() } else { tcp };
                tcp = if let Some(ack) = ack { tcp.ack(ack) } else { tcp };
                tcp = if let Some(urgent) = urgent { tcp.urg(urgent) } else { tcp };
                tcp = if flags[6] { tcp.ece() } else { tcp };
                tcp = if flags[7] { tcp.cwr() } else { tcp };
                tcp.write(&mut out, &load)
            }
        }
        .expect("etherparse builds");
        let packet = dissect(&ETHER, &out.into());

        let shown = packet.show(&Nowhere);
        prop_assert!(!shown.contains("incorrect"), "{}", shown);
        if let Some(tag) = tag {
            prop_assert_eq!(number(layer(&packet, &DOT1Q), "vlan"), u64::from(tag));
        }
        let ip = layer(&packet, &IP);
        prop_assert_eq!(ip.get("src"), Some(Slot::Set(Value::Ip4(src.into()))));
        prop_assert_eq!(ip.get("dst"), Some(Slot::Set(Value::Ip4(dst.into()))));
        prop_assert_eq!(number(ip, "ttl"), u64::from(ttl));
        match kind {
            0 => {
                let udp = layer(&packet, &UDP);
                prop_assert_eq!((number(udp, "sport"), number(udp, "dport")), (ports.0.into(), ports.1.into()));
            }
            1 | 2 => {
                let icmp = layer(&packet, &ICMP);
                prop_assert_eq!((number(icmp, "id"), number(icmp, "seq")), (ports.0.into(), ports.1.into()));
                prop_assert_eq!(number(icmp, "type"), if kind == 1 { 8 } else { 0 });
            }
            _ => {
                let tcp = layer(&packet, &TCP);
                prop_assert_eq!((number(tcp, "sport"), number(tcp, "dport")), (ports.0.into(), ports.1.into()));
                prop_assert_eq!((number(tcp, "seq"), number(tcp, "ack")), (seq.into(), ack.unwrap_or(0).into()));
                prop_assert_eq!((number(tcp, "window"), number(tcp, "urgptr")), (window.into(), urgent.unwrap_or(0).into()));
                let set = [flags[0], flags[1], flags[2], flags[3], ack.is_some(), urgent.is_some(), flags[6], flags[7]];
                let wanted = set.iter().rev().fold(0, |bits, set| bits << 1 | u64::from(*set));
                prop_assert_eq!(number(tcp, "flags"), wanted);
                let options = tcp.get("options").expect("it is there").to_string();
                let wanted = format!(r#"[["MSS", {window}], "NOP", ["WScale", {ttl}], "SAckOK", ["Timestamp", [{seq}, 0]]"#);
                prop_assert!(options.starts_with(&wanted), "{}", options);
            }
        }
        let found = packet.layer(&RAW).and_then(|raw| raw.get("load"));
        prop_assert_eq!(found, (!load.is_empty()).then(|| Slot::Set(Value::bytes(&load))));
    }
}

fn layer<'a>(packet: &'a Packet, desc: &'static LayerDesc) -> &'a Layer {
    packet.layer(desc).unwrap_or_else(|| panic!("no {} in {}", desc.name, packet.names()))
}

fn number(layer: &Layer, field: &str) -> u64 {
    layer.int(field).unwrap_or_else(|| panic!("{}.{field} is no number", layer.desc().name))
}

fn same_ip(ours: &Layer, theirs: &Ipv4HeaderSlice) {
    let header = theirs.to_header();
    assert_eq!(number(ours, "ihl"), u64::from(theirs.ihl()));
    assert_eq!(number(ours, "tos"), u64::from(header.dscp.value()) << 2 | u64::from(header.ecn.value()));
    assert_eq!(number(ours, "len"), u64::from(header.total_len));
    assert_eq!(number(ours, "id"), u64::from(header.identification));
    assert_eq!(number(ours, "flags") & 1 == 1, header.more_fragments);
    assert_eq!(number(ours, "flags") & 2 == 2, header.dont_fragment);
    assert_eq!(number(ours, "frag"), u64::from(header.fragment_offset.value()));
    assert_eq!(number(ours, "ttl"), u64::from(header.time_to_live));
    assert_eq!(number(ours, "proto"), u64::from(header.protocol.0));
    assert_eq!(number(ours, "chksum"), u64::from(header.header_checksum));
    assert_eq!(ours.get("src"), Some(Slot::Set(Value::Ip4(header.source.into()))));
    assert_eq!(ours.get("dst"), Some(Slot::Set(Value::Ip4(header.destination.into()))));
    // Its header has no place for the reserved flag, so the sum is taken over the bytes: a right one sums to zero.
    assert_eq!(Sum16BitWords::new().add_slice(theirs.slice()).ones_complement(), 0, "the header's checksum");
}

/// The addresses of the network header.
enum Ends {
    V4([u8; 4], [u8; 4]),
    V6([u8; 16], [u8; 16]),
}

/// Whether both know the first layer.
fn begins_alike(packet: &Packet) -> bool {
    [&ETHER, &IP, &IPV6].contains(&packet.layers()[0].desc())
}

fn same_ip6(ours: &Layer, theirs: &Ipv6HeaderSlice) {
    assert_eq!(number(ours, "tc"), u64::from(theirs.traffic_class()));
    assert_eq!(number(ours, "fl"), u64::from(theirs.flow_label().value()));
    assert_eq!(number(ours, "plen"), u64::from(theirs.payload_length()));
    assert_eq!(number(ours, "nh"), u64::from(theirs.next_header().0));
    assert_eq!(number(ours, "hlim"), u64::from(theirs.hop_limit()));
    assert_eq!(ours.get("src"), Some(Slot::Set(Value::Ip6(theirs.source_addr(), None))));
    assert_eq!(ours.get("dst"), Some(Slot::Set(Value::Ip6(theirs.destination_addr(), None))));
}

fn same_icmp6(packet: &Packet, theirs: &Icmpv6Slice, ends: &Ends) {
    let ours = packet.layers().iter().find(|layer| layer.index("cksum").is_some()).expect("a message");
    assert_eq!(number(ours, "type"), u64::from(theirs.type_u8()));
    assert_eq!(number(ours, "cksum"), u64::from(theirs.checksum()));
    if let (Ends::V6(src, dst), false) = (ends, has_source_route(packet)) {
        assert!(theirs.is_checksum_valid(*src, *dst), "the message's checksum");
    }
}

fn same_arp(ours: &Layer, theirs: &etherparse::ArpPacketSlice) {
    let arp = theirs.to_packet();
    assert_eq!(number(ours, "hwtype"), u64::from(arp.hw_addr_type.0));
    assert_eq!(number(ours, "ptype"), u64::from(arp.proto_addr_type.0));
    assert_eq!(number(ours, "op"), u64::from(arp.operation.0));
    let mac = |bytes: &[u8]| Some(Slot::Set(Value::Mac(Mac(bytes.try_into().expect("six bytes")))));
    let addr = |bytes: &[u8]| Some(Slot::Set(Value::Ip4(<[u8; 4]>::try_from(bytes).expect("four bytes").into())));
    assert_eq!(ours.get("hwsrc"), mac(arp.sender_hw_addr()));
    assert_eq!(ours.get("psrc"), addr(arp.sender_protocol_addr()));
    assert_eq!(ours.get("hwdst"), mac(arp.target_hw_addr()));
    assert_eq!(ours.get("pdst"), addr(arp.target_protocol_addr()));
}

/// Under a source route the pseudo-header has the route's end as destination (RFC 1122 section 3.2.1.8, RFC 8200 section
/// 8.1), which etherparse does not know.
fn has_source_route(packet: &Packet) -> bool {
    packet.layers().iter().any(|layer| match layer.desc().name {
        "IP" => layer.get("options").is_some_and(|options| options.to_string().contains("SRR")),
        name => name == "IPv6ExtHdrRouting",
    })
}

fn same_tcp(packet: &Packet, theirs: &TcpSlice, ends: &Ends) {
    let ours = layer(packet, &TCP);
    let header = theirs.to_header();
    assert_eq!(number(ours, "sport"), u64::from(header.source_port));
    assert_eq!(number(ours, "dport"), u64::from(header.destination_port));
    assert_eq!(number(ours, "seq"), u64::from(header.sequence_number));
    assert_eq!(number(ours, "ack"), u64::from(header.acknowledgment_number));
    assert_eq!(number(ours, "dataofs"), u64::from(header.data_offset()));
    assert_eq!(number(ours, "window"), u64::from(header.window_size));
    assert_eq!(number(ours, "urgptr"), u64::from(header.urgent_pointer));
    assert_eq!(number(ours, "chksum"), u64::from(header.checksum));
    let flags =
        [header.fin, header.syn, header.rst, header.psh, header.ack, header.urg, header.ece, header.cwr, header.ns];
    assert_eq!(number(ours, "flags"), flags.iter().rev().fold(0, |bits, set| bits << 1 | u64::from(*set)));
    if !has_source_route(packet) && number(ours, "reserved") == 0 {
        let sum = match ends {
            Ends::V4(src, dst) => theirs.calc_checksum_ipv4(*src, *dst),
            Ends::V6(src, dst) => theirs.calc_checksum_ipv6(*src, *dst),
        };
        assert_eq!(sum, Ok(header.checksum));
    }
}

fn same_udp(packet: &Packet, theirs: &UdpSlice, ends: &Ends) {
    let ours = layer(packet, &UDP);
    let header = theirs.to_header();
    assert_eq!(number(ours, "sport"), u64::from(header.source_port));
    assert_eq!(number(ours, "dport"), u64::from(header.destination_port));
    assert_eq!(number(ours, "len"), u64::from(header.length));
    assert_eq!(number(ours, "chksum"), u64::from(header.checksum));
    if !has_source_route(packet) {
        let sum = match ends {
            Ends::V4(src, dst) => header.calc_checksum_ipv4_raw(*src, *dst, theirs.payload()),
            Ends::V6(src, dst) => header.calc_checksum_ipv6_raw(*src, *dst, theirs.payload()),
        };
        assert_eq!(sum, Ok(header.checksum));
    }
}

fn same_icmp(ours: &Layer, theirs: &Icmpv4Slice) {
    assert_eq!(number(ours, "type"), u64::from(theirs.type_u8()));
    assert_eq!(number(ours, "code"), u64::from(theirs.code_u8()));
    assert_eq!(number(ours, "chksum"), u64::from(theirs.checksum()));
    let [a, b, c, d] = theirs.bytes5to8();
    if ours.int("id").is_some() {
        assert_eq!(
            (number(ours, "id"), number(ours, "seq")),
            (u64::from(a) << 8 | u64::from(b), u64::from(c) << 8 | u64::from(d))
        );
    }
    assert_eq!(Sum16BitWords::new().add_slice(theirs.slice()).ones_complement(), 0, "the message's checksum");
}
