//! Wireshark as witness: packets that we built, written as a pcap file by the test itself and read by tshark.

#[path = "support/capture.rs"]
mod capture;
mod common;
#[path = "support/session.rs"]
mod session;

use std::collections::{BTreeMap, BTreeSet};

use capture::Frames;
use common::bytes;
use pktsh::base::Mac;
use pktsh::layers::{ALL, dissect, medium_of, tcp::TCP_ERROR, udp::UDP_ERROR};
use pktsh::layers::{dot1q::DOT1Q, ether::ETHER, icmp::ICMP, ip::IP, ip::IP_ERROR, raw::RAW, tcp::TCP, udp::UDP};
use pktsh::packet::{Layer, LayerDesc, Packet, Slot, Value, Wanted};
use session::{lab_session, with_stack};

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
    let dir = tempfile::tempdir().expect("a temporary directory");
    let file = dir.path().join("packet.pcap");
    Frames { link_type: 1, frames: vec![bytes(packet).to_vec()] }.write(&file);
    capture::tshark(&file, "", fields)[0].iter().map(|values| values.join(",")).collect()
}

/// A line of script for every layer; Wireshark finds each well-formed and its checksums right.
const OURS: &[&str] = &[
    r#"ETHER/ARP(op=2, hwsrc="02:00:00:00:00:01", psrc="192.0.2.1", pdst="192.0.2.10")"#,
    r#"ETHER/Dot1Q(vlan=5)/IP4/UDP(sport=61000, dport=9)/"tagged""#,
    r#"Dot3(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")/LLC()/SNAP()/IP4/UDP(sport=61000, dport=9)/"snap""#,
    r#"CookedLinux(src="02:00:00:00:00:01", lladdrtype=1, lladdrlen=6)/IP4/UDP(sport=61000, dport=9)/"sll""#,
    r#"CookedLinuxV2(src="02:00:00:00:00:01", lladdrtype=1, lladdrlen=6)/IP6/UDP(sport=61000, dport=9)/"sll2""#,
    r#"Loopback()/IP6/UDP(sport=61000, dport=9)/"null""#,
    r#"LoopbackOpenBSD()/IP6/UDP(sport=61000, dport=9)/"loop""#,
    r#"IP4/TCP(sport=61000, dport=9, options=[["MSS", 1460], "SAckOK", ["Timestamp", [1, 0]]])/"raw""#,
    r#"ETHER/IP4/ICMP()/"ping""#,
    r#"ETHER/IP4/ICMP(type=3, code=3)/IPerror(src="192.0.2.10", dst="192.0.2.1")/UDPerror(sport=9, dport=61000, len=8)"#,
    r#"ETHER/IP4/ICMP(type=11)/IPerror(src="192.0.2.10", dst="192.0.2.1")/TCPerror(sport=9, dport=61000)"#,
    r#"ETHER/IP4/ICMP(type=11)/IPerror(src="192.0.2.10", dst="192.0.2.1")/ICMPerror(id=1, seq=2)"#,
    r#"ETHER/IP4/ICMP(type=3, code=2)/IPerror(src="192.0.2.10", dst="192.0.2.1")/SCTPerror(sport=9, dport=61000)"#,
    r#"ETHER/IP4/IGMP(type=0x16, gaddr="239.1.2.3")"#,
    r#"ETHER/IP4/IGMPv3_MQ(gaddr="239.1.2.3", srcaddrs=["192.0.2.7"])"#,
    r#"ETHER/IP4/IGMPv3_MR(records=[IGMPv3_MR_Group(maddr="239.1.2.3"), IGMPv3_MR_Group(maddr="239.1.2.4", srcaddrs=["192.0.2.7"])])"#,
    r#"ETHER/IP6/IPv6ExtHdrHopByHop(options=[["RouterAlert", 0]])/ICMPv6MLReport2(records=[ICMPv6MLDMultAddrRec(dst="ff02::fb", sources=["2001:db8::7"])])"#,
    r#"ETHER/IP6/IPv6ExtHdrDestOpt()/UDP(sport=61000, dport=9)/"options""#,
    r#"ETHER/IP6/IPv6ExtHdrRouting(type=2, addresses=["2001:db8::99"])/UDP(sport=61000, dport=9)/"routed""#,
    r#"ETHER/IP6/IPv6ExtHdrFragment(id=7)/UDP(sport=61000, dport=9)/"all of it""#,
    r#"ETHER/IP6/AH(spi=7, icv="0123456789abcdef")/UDP(sport=61000, dport=9)/"ah""#,
    r#"ETHER/IP6/ICMPv6Unknown(type=200, msgbody="whatever")"#,
    r#"ETHER/IP6/ICMPv6DestUnreach(code=4)/IPerror6(src="2001:db8::10", dst="2001:db8::1")/UDPerror(sport=9, dport=61000, len=8)"#,
    r#"ETHER/IP6/ICMPv6PacketTooBig()/IPerror6(src="2001:db8::10", dst="2001:db8::1")/TCPerror(sport=9, dport=61000)"#,
    r#"ETHER/IP6/ICMPv6TimeExceeded()/IPerror6(src="2001:db8::10", dst="2001:db8::1")/ICMPv6error(id=1)"#,
    r#"ETHER/IP6/ICMPv6ParamProblem()/IPerror6(src="2001:db8::10", dst="2001:db8::1")/UDPerror(sport=9, dport=61000, len=8)"#,
    r#"ETHER/IP6/ICMPv6EchoRequest(data="odd")"#,
    r#"ETHER/IP6/ICMPv6EchoReply(id=1, data="even")"#,
    r#"ETHER/IP6/ICMPv6ND_RS()/ICMPv6NDOptSrcLLAddr(lladdr="02:00:00:00:00:01")"#,
    r#"ETHER/IP6/ICMPv6ND_RA()/ICMPv6NDOptPrefixInfo(prefix="2001:db8::")/ICMPv6NDOptMTU()/ICMPv6NDOptRDNSS(dns=["2001:db8::53"])/ICMPv6NDOptDNSSL(searchlist=["lab"])"#,
    r#"ETHER/IP6/ICMPv6ND_NS(tgt="2001:db8::10")/ICMPv6NDOptUnknown(type=253, data="any length")"#,
    r#"ETHER/IP6/ICMPv6ND_NA(tgt="2001:db8::1")/ICMPv6NDOptDstLLAddr(lladdr="02:00:00:00:00:01")"#,
    r#"ETHER/IP6/ICMPv6ND_Redirect(tgt="fe80::1", dst="2001:db8::9")/ICMPv6NDOptRedirectedHdr(pkt=(IP6/UDP(sport=61000, dport=9)).bytes())"#,
    "ETHER/IP6/ICMPv6MLQuery()",
    r#"ETHER/IP6/ICMPv6MLReport(mladdr="ff02::fb")"#,
    r#"ETHER/IP6/ICMPv6MLDone(mladdr="ff02::fb")"#,
    r#"ETHER/IP6/ICMPv6MLQuery2(mladdr="ff02::fb", sources=["2001:db8::7"])"#,
    r#"ETHER/IP4/SCTP(sport=61000, dport=9)/SCTPChunkInit(init_tag=1, a_rwnd=1500, n_out_streams=1, n_in_streams=1, params=[["IPv4", "192.0.2.1"], ["supported-extensions", [64, 130, 192]]])"#,
    r#"ETHER/IP4/SCTP(sport=61000, dport=9, tag=1)/SCTPChunkInitAck(init_tag=1, a_rwnd=1500, n_out_streams=1, n_in_streams=1, params=[["state-cookie", "biscuit"]])"#,
    r#"ETHER/IP6/SCTP(sport=61000, dport=9, tag=1)/SCTPChunkCookieEcho(cookie="biscuit")/SCTPChunkData(beginning=1, ending=1, data="hello")"#,
    "ETHER/IP4/SCTP(sport=61000, dport=9, tag=1)/SCTPChunkCookieAck()/SCTPChunkSACK(cumul_tsn_ack=9, a_rwnd=1500, gap_ack_list=[0x20003])",
    r#"ETHER/IP4/SCTP(sport=61000, dport=9, tag=1)/SCTPChunkHeartbeatReq(params=[["heartbeat-info", "beat"]])/SCTPChunkHeartbeatAck(params=[["heartbeat-info", "beat"]])"#,
    r#"ETHER/IP4/SCTP(sport=61000, dport=9, tag=1)/SCTPChunkError(error_causes=unhex("000d0004"))/SCTPChunkAbort(TCB=1)"#,
    r#"ETHER/IP4/SCTP(sport=61000, dport=9, tag=1)/SCTPChunkShutdown()/SCTPChunkShutdownAck()/SCTPChunkShutdownComplete()/SCTPChunkUnknown(type=254, data="odd")"#,
    r#"ETHER/IP4/UDP(sport=61000)/DNS(qd=[DNSQR(qname="web.lab")])"#,
    r#"ETHER/IP6/TCP(sport=61000, flags="PA")/DNS(qr=1, qd=[DNSQR(qname="lab", qtype="MX")], an=[DNSRRMX(rrname="lab", preference=5, exchange="mail.lab")], ns=[DNSRRSOA(rrname="lab", mname="ns.lab", rname="root.lab")], ar=[DNSRR(rrname="mail.lab", rdata="192.0.2.10"), DNSRR(rrname="mail.lab", type="AAAA", rdata="2001:db8::10"), DNSRR(rrname="lab", type="TXT", rdata=["a text"]), DNSRRSRV(rrname="_sip._udp.lab", target="web.lab"), DNSRROPT(rdata=[["NSID", "ns1"]])])"#,
    r#"ETHER/IP4/UDP()/BOOTP(chaddr="02:00:00:00:00:01")/DHCP(options=[["message-type", "discover"], ["param_req_list", [1, 3, 6]], "end"])"#,
    "ETHER/IP4/UDP()/NTP()",
    r#"ETHER/IP4/GRE(chksum_present=1, key_present=1, key=7)/IP4/UDP(sport=61000, dport=9)/"gre""#,
    r#"ETHER/IP4/UDP(sport=61000)/VXLAN(vni=7)/ETHER/IP6/UDP(sport=61000, dport=9)/"vxlan""#,
    r#"ETHER/IP4/IP4/IP6/IP4/UDP(sport=61000, dport=9)/"tunnels""#,
    r#"ETHER/IP4/UDP(sport=61000, dport=9)/"short"/Padding("\x00\x00")"#,
];

/// What Wireshark calls wrong: something malformed, or a checksum.
const WRONG: &str = r#"_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || udp.checksum.status == "Bad"
    || icmp.checksum.status == "Bad" || icmpv6.checksum.status == "Bad" || igmp.checksum.status == "Bad"
    || sctp.checksum.status == "Bad" || gre.checksum.status == "Bad" || _ws.expert.severity == "Error""#;

/// The fields that say whether a checksum is good.
const STATUS: &[&str] = &[
    "ip.checksum.status",
    "tcp.checksum.status",
    "udp.checksum.status",
    "icmp.checksum.status",
    "icmpv6.checksum.status",
    "igmp.checksum.status",
    "sctp.checksum.status",
    "gre.checksum.status",
];

#[test]
fn tshark_finds_nothing_wrong_with_any_layer() {
    with_stack(|| {
        let (mut session, _) = lab_session();
        let short = [
            ("ETHER", r#"Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")"#),
            ("IP4", r#"IP(src="192.0.2.1", dst="192.0.2.10")"#),
            ("IP6", r#"IPv6(src="2001:db8::1", dst="2001:db8::10")"#),
        ];
        for (name, packet) in short {
            let _unit = session.line(&format!("let {name} = {packet}")).expect("it is a line");
        }
        let mut files: BTreeMap<u16, (Vec<Vec<u8>>, Vec<&str>)> = BTreeMap::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for line in OURS {
            let value = session.line(line).unwrap_or_else(|trouble| panic!("{line}\n{trouble}"));
            let packet = value.try_cast::<Packet>().unwrap_or_else(|| panic!("{line} is no packet"));
            let bytes = bytes(&packet);
            seen.extend(all_names(&dissect(packet.layers()[0].desc(), &bytes)));
            let medium = medium_of(packet.layers()[0].desc()).expect("a capture file may begin with it");
            let (frames, lines) = files.entry(medium.link_type()).or_default();
            frames.push(bytes.to_vec());
            lines.push(line);
        }
        let missing: Vec<&str> = ALL.iter().map(|desc| desc.name).filter(|name| !seen.contains(name)).collect();
        assert!(missing.is_empty(), "no packet has {missing:?}");
        for (link_type, (frames, lines)) in files {
            let dir = tempfile::tempdir().expect("a temporary directory");
            let file = dir.path().join("ours.pcap");
            let count = frames.len();
            Frames { link_type, frames }.write(&file);
            let columns = ["frame.number", "_ws.expert.message", "_ws.col.Info"];
            let wrong = capture::tshark(&file, &WRONG.replace('\n', " "), &columns);
            let line = |row: &Vec<Vec<String>>| row[0][0].parse::<usize>().map(|number| lines[number - 1]);
            assert!(wrong.is_empty(), "{:?}: {wrong:?}", wrong.iter().map(line).collect::<Vec<_>>());
            let states = capture::tshark(&file, "", STATUS);
            assert_eq!(states.len(), count);
            for (line, states) in lines.iter().zip(states) {
                let all: Vec<&String> = states.iter().flatten().collect();
                assert!(!all.is_empty() || line.contains("ARP") || line.contains("IP6"), "no checksum in {line}");
                let unverified = line.contains("error") || line.contains("chksum");
                assert!(unverified || all.iter().all(|state| *state == GOOD), "{line}: {states:?}");
            }
        }
    });
}

/// The names of a packet's layers and of the records in them.
fn all_names(packet: &Packet) -> Vec<&'static str> {
    let records = |layer: &Layer| -> Vec<&'static str> {
        let lists = layer.desc().fields.iter().filter_map(|field| match layer.get(field.name) {
            Some(Slot::Set(Value::List(items))) => Some(items),
            _ => None,
        });
        let name = |item: &Value| match item {
            Value::Packet(record) => Some(record.layers()[0].desc().name),
            _ => None,
        };
        lists.flat_map(|items| items.iter().filter_map(name).collect::<Vec<_>>()).collect()
    };
    packet.layers().iter().flat_map(|layer| records(layer).into_iter().chain([layer.desc().name])).collect()
}
