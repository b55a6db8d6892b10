//! Packets of other programs, seen by both: what pktsh reads in a capture is what tshark prints.
//!
//! The captures are made here: a kernel, its programs and a name server talk in two namespaces while dumpcap listens
//! (`live`), and Scapy writes what they do not say by themselves (`tests/scapy/make.py`). [`TABLE`] says which field of
//! ours is which of Wireshark's; a layer without a row there, or one that no capture shows, fails the test.

#![allow(clippy::print_stdout, reason = "what a command said is part of a failure")]

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use pktsh::layers::{self, dissect, first_of};
use pktsh::net::Medium;
use pktsh::packet::field::{seconds, signed};
use pktsh::packet::{Field, Layer, Packet, Shape, Slot, Value};
use support::capture::{Capture, Frames, tshark};
use support::wire::{Running, SERVER, Wire, run};

/// How a value of ours is written as Wireshark does.
#[derive(Clone, Copy)]
enum Form {
    /// As it is: numbers, addresses, text; of a list, each item.
    Plain,
    /// A name without the dot at its end.
    Name,
    /// The bytes.
    Bytes,
    /// The bytes up to the zeros that fill them, as text.
    Filled,
    /// The first six bytes, as a MAC address.
    Mac,
    /// So many bits to the right, then this mask.
    Part(u8, u64),
    /// The numbers of the options.
    Kinds,
    /// The value of the option of this name.
    Option(&'static str),
    /// Half of each word: the upper one if true.
    Half(bool),
    /// The number as it stands on the wire.
    Raw,
    /// Text, as often as there is one.
    Texts,
}

use Form::{Bytes, Filled, Half, Kinds, Mac, Name, Option as Opt, Part, Plain, Raw, Texts};

/// A layer, and its fields: ours, Wireshark's, and how ours is written.
type Rows = (&'static str, &'static [(&'static str, &'static str, Form)]);

const IP: &[(&str, &str, Form)] = &[
    ("version", "ip.version", Plain),
    ("len", "ip.len", Plain),
    ("id", "ip.id", Plain),
    ("frag", "ip.frag_offset", Plain),
    ("ttl", "ip.ttl", Plain),
    ("proto", "ip.proto", Plain),
    ("chksum", "ip.checksum", Plain),
    ("src", "ip.src", Plain),
    ("dst", "ip.dst", Plain),
    ("flags", "ip.flags.df", Part(1, 1)),
    ("flags", "ip.flags.mf", Part(0, 1)),
    ("tos", "ip.dsfield", Plain),
    ("options", "ip.opt.type", Kinds),
];
const IPV6: &[(&str, &str, Form)] = &[
    ("version", "ipv6.version", Plain),
    ("version", "ip.version", Plain),
    ("tc", "ipv6.tclass", Plain),
    ("fl", "ipv6.flow", Plain),
    ("plen", "ipv6.plen", Plain),
    ("nh", "ipv6.nxt", Plain),
    ("hlim", "ipv6.hlim", Plain),
    ("src", "ipv6.src", Plain),
    ("dst", "ipv6.dst", Plain),
];
const TCP: &[(&str, &str, Form)] = &[
    ("sport", "tcp.srcport", Plain),
    ("dport", "tcp.dstport", Plain),
    ("seq", "tcp.seq_raw", Plain),
    ("ack", "tcp.ack_raw", Plain),
    ("flags", "tcp.flags", Plain),
    ("window", "tcp.window_size_value", Plain),
    ("chksum", "tcp.checksum", Plain),
    ("urgptr", "tcp.urgent_pointer", Plain),
    ("options", "tcp.option_kind", Kinds),
    ("options", "tcp.options.mss_val", Opt("MSS")),
    ("options", "tcp.options.wscale.shift", Opt("WScale")),
];
const UDP: &[(&str, &str, Form)] = &[
    ("sport", "udp.srcport", Plain),
    ("dport", "udp.dstport", Plain),
    ("len", "udp.length", Plain),
    ("chksum", "udp.checksum", Plain),
];
const ICMP: &[(&str, &str, Form)] = &[
    ("type", "icmp.type", Plain),
    ("code", "icmp.code", Plain),
    ("chksum", "icmp.checksum", Plain),
    ("id", "icmp.ident", Plain),
    ("seq", "icmp.seq", Plain),
    ("gw", "icmp.redir_gw", Plain),
    ("ts_ori", "icmp.originate_timestamp", Plain),
    ("addr_mask", "icmp.address_mask", Plain),
];
const MESSAGE: &[(&str, &str, Form)] =
    &[("type", "icmpv6.type", Plain), ("code", "icmpv6.code", Plain), ("cksum", "icmpv6.checksum", Plain)];
const ECHO: &[(&str, &str, Form)] = &[
    ("type", "icmpv6.type", Plain),
    ("code", "icmpv6.code", Plain),
    ("cksum", "icmpv6.checksum", Plain),
    ("id", "icmpv6.echo.identifier", Plain),
    ("seq", "icmpv6.echo.sequence_number", Plain),
];
const LISTENERS: &[(&str, &str, Form)] = &[
    ("type", "icmpv6.type", Plain),
    ("code", "icmpv6.code", Plain),
    ("cksum", "icmpv6.checksum", Plain),
    ("mrd", "icmpv6.mld.maximum_response_delay", Plain),
    ("mladdr", "icmpv6.mld.multicast_address", Plain),
];
const CHUNK: &[(&str, &str, Form)] =
    &[("type", "sctp.chunk_type", Plain), ("flags", "sctp.chunk_flags", Plain), ("len", "sctp.chunk_length", Plain)];
const SCTP: &[(&str, &str, Form)] = &[
    ("sport", "sctp.srcport", Plain),
    ("dport", "sctp.dstport", Plain),
    ("tag", "sctp.verification_tag", Plain),
    ("chksum", "sctp.checksum", Plain),
];
const SLL: &[(&str, &str, Form)] = &[
    ("pkttype", "sll.pkttype", Plain),
    ("lladdrtype", "sll.hatype", Plain),
    ("lladdrlen", "sll.halen", Plain),
    ("src", "sll.src.eth", Mac),
    ("proto", "sll.etype", Plain),
    ("ifindex", "sll.ifindex", Plain),
];

const TABLE: &[Rows] = &[
    ("Ether", &[("dst", "eth.dst", Plain), ("src", "eth.src", Plain), ("type", "eth.type", Plain)]),
    ("Dot3", &[("dst", "eth.dst", Plain), ("src", "eth.src", Plain), ("len", "eth.len", Plain)]),
    ("LLC", &[("dsap", "llc.dsap", Plain), ("ssap", "llc.ssap", Plain), ("ctrl", "llc.control", Plain)]),
    ("SNAP", &[("OUI", "llc.oui", Plain), ("code", "llc.type", Plain)]),
    (
        "Dot1Q",
        &[
            ("prio", "vlan.priority", Plain),
            ("dei", "vlan.dei", Plain),
            ("vlan", "vlan.id", Plain),
            ("type", "vlan.etype", Plain),
        ],
    ),
    ("CookedLinux", SLL),
    ("CookedLinuxV2", SLL),
    ("Loopback", &[("type", "null.family", Plain)]),
    ("LoopbackOpenBSD", &[("type", "null.family", Plain)]),
    (
        "ARP",
        &[
            ("hwtype", "arp.hw.type", Plain),
            ("ptype", "arp.proto.type", Plain),
            ("hwlen", "arp.hw.size", Plain),
            ("plen", "arp.proto.size", Plain),
            ("op", "arp.opcode", Plain),
            ("hwsrc", "arp.src.hw_mac", Plain),
            ("psrc", "arp.src.proto_ipv4", Plain),
            ("hwdst", "arp.dst.hw_mac", Plain),
            ("pdst", "arp.dst.proto_ipv4", Plain),
        ],
    ),
    ("IP", IP),
    ("IPerror", IP),
    ("ICMP", ICMP),
    ("ICMPerror", ICMP),
    ("IGMP", &[("type", "igmp.type", Plain), ("chksum", "igmp.checksum", Plain), ("gaddr", "igmp.maddr", Plain)]),
    (
        "IGMPv3_MQ",
        &[
            ("type", "igmp.type", Plain),
            ("chksum", "igmp.checksum", Plain),
            ("gaddr", "igmp.maddr", Plain),
            ("s", "igmp.s", Plain),
            ("qrv", "igmp.qrv", Plain),
            ("qqic", "igmp.qqic", Plain),
            ("numsrc", "igmp.num_src", Plain),
            ("srcaddrs", "igmp.saddr", Plain),
        ],
    ),
    (
        "IGMPv3_MR",
        &[("type", "igmp.type", Plain), ("chksum", "igmp.checksum", Plain), ("numgrp", "igmp.num_grp_recs", Plain)],
    ),
    (
        "IGMPv3_MR_Group",
        &[
            ("rtype", "igmp.record_type", Plain),
            ("auxdlen", "igmp.aux_data_len", Plain),
            ("numsrc", "igmp.num_src", Plain),
            ("maddr", "igmp.maddr", Plain),
            ("srcaddrs", "igmp.saddr", Plain),
        ],
    ),
    ("IPv6", IPV6),
    ("IPerror6", IPV6),
    (
        "IPv6ExtHdrHopByHop",
        &[
            ("nh", "ipv6.hopopts.nxt", Plain),
            ("len", "ipv6.hopopts.len", Plain),
            ("options", "ipv6.opt.type", Kinds),
            ("options", "ipv6.opt.router_alert", Opt("RouterAlert")),
        ],
    ),
    (
        "IPv6ExtHdrDestOpt",
        &[
            ("nh", "ipv6.dstopts.nxt", Plain),
            ("len", "ipv6.dstopts.len", Plain),
            ("options", "ipv6.opt.type", Kinds),
            ("options", "ipv6.opt.mipv6.home_address", Opt("HAO")),
        ],
    ),
    (
        "IPv6ExtHdrRouting",
        &[
            ("nh", "ipv6.routing.nxt", Plain),
            ("len", "ipv6.routing.len", Plain),
            ("type", "ipv6.routing.type", Plain),
            ("segleft", "ipv6.routing.segleft", Plain),
            ("addresses", "ipv6.routing.mipv6.home_address", Plain),
        ],
    ),
    (
        "IPv6ExtHdrFragment",
        &[
            ("nh", "ipv6.fraghdr.nxt", Plain),
            ("offset", "ipv6.fraghdr.offset", Plain),
            ("m", "ipv6.fraghdr.more", Plain),
            ("id", "ipv6.fraghdr.ident", Plain),
        ],
    ),
    (
        "AH",
        &[
            ("nh", "ah.next_header", Plain),
            ("spi", "ah.spi", Plain),
            ("seq", "ah.sequence", Plain),
            ("icv", "ah.icv", Bytes),
        ],
    ),
    (
        "ICMPv6Unknown",
        &[
            ("type", "icmpv6.type", Plain),
            ("code", "icmpv6.code", Plain),
            ("cksum", "icmpv6.checksum", Plain),
            ("msgbody", "icmpv6.data", Bytes),
        ],
    ),
    ("ICMPv6DestUnreach", MESSAGE),
    (
        "ICMPv6PacketTooBig",
        &[
            ("type", "icmpv6.type", Plain),
            ("code", "icmpv6.code", Plain),
            ("cksum", "icmpv6.checksum", Plain),
            ("mtu", "icmpv6.mtu", Plain),
        ],
    ),
    ("ICMPv6TimeExceeded", MESSAGE),
    (
        "ICMPv6ParamProblem",
        &[
            ("type", "icmpv6.type", Plain),
            ("code", "icmpv6.code", Plain),
            ("cksum", "icmpv6.checksum", Plain),
            ("ptr", "icmpv6.pointer", Plain),
        ],
    ),
    ("ICMPv6EchoRequest", ECHO),
    ("ICMPv6EchoReply", ECHO),
    ("ICMPv6error", ECHO),
    ("ICMPv6ND_RS", MESSAGE),
    (
        "ICMPv6ND_RA",
        &[
            ("type", "icmpv6.type", Plain),
            ("code", "icmpv6.code", Plain),
            ("cksum", "icmpv6.checksum", Plain),
            ("chlim", "icmpv6.nd.ra.cur_hop_limit", Plain),
            ("M", "icmpv6.nd.ra.flag.m", Plain),
            ("O", "icmpv6.nd.ra.flag.o", Plain),
            ("H", "icmpv6.nd.ra.flag.h", Plain),
            ("prf", "icmpv6.nd.ra.flag.prf", Plain),
            ("P", "icmpv6.nd.ra.flag.p", Plain),
            ("routerlifetime", "icmpv6.nd.ra.router_lifetime", Plain),
            ("reachabletime", "icmpv6.nd.ra.reachable_time", Plain),
            ("retranstimer", "icmpv6.nd.ra.retrans_timer", Plain),
        ],
    ),
    (
        "ICMPv6ND_NS",
        &[
            ("type", "icmpv6.type", Plain),
            ("code", "icmpv6.code", Plain),
            ("cksum", "icmpv6.checksum", Plain),
            ("tgt", "icmpv6.nd.ns.target_address", Plain),
        ],
    ),
    (
        "ICMPv6ND_NA",
        &[
            ("type", "icmpv6.type", Plain),
            ("code", "icmpv6.code", Plain),
            ("cksum", "icmpv6.checksum", Plain),
            ("R", "icmpv6.nd.na.flag.r", Plain),
            ("S", "icmpv6.nd.na.flag.s", Plain),
            ("O", "icmpv6.nd.na.flag.o", Plain),
            ("tgt", "icmpv6.nd.na.target_address", Plain),
        ],
    ),
    (
        "ICMPv6ND_Redirect",
        &[
            ("type", "icmpv6.type", Plain),
            ("code", "icmpv6.code", Plain),
            ("cksum", "icmpv6.checksum", Plain),
            ("tgt", "icmpv6.nd.rd.target_address", Plain),
            ("dst", "icmpv6.rd.na.destination_address", Plain),
        ],
    ),
    (
        "ICMPv6NDOptUnknown",
        &[("type", "icmpv6.opt.type", Plain), ("len", "icmpv6.opt.length", Plain), ("data", "icmpv6.data", Bytes)],
    ),
    (
        "ICMPv6NDOptSrcLLAddr",
        &[
            ("type", "icmpv6.opt.type", Plain),
            ("len", "icmpv6.opt.length", Plain),
            ("lladdr", "icmpv6.opt.src_linkaddr", Plain),
        ],
    ),
    (
        "ICMPv6NDOptDstLLAddr",
        &[
            ("type", "icmpv6.opt.type", Plain),
            ("len", "icmpv6.opt.length", Plain),
            ("lladdr", "icmpv6.opt.target_linkaddr", Plain),
        ],
    ),
    (
        "ICMPv6NDOptPrefixInfo",
        &[
            ("type", "icmpv6.opt.type", Plain),
            ("len", "icmpv6.opt.length", Plain),
            ("prefixlen", "icmpv6.opt.prefix.length", Plain),
            ("L", "icmpv6.opt.prefix.flag.l", Plain),
            ("A", "icmpv6.opt.prefix.flag.a", Plain),
            ("R", "icmpv6.opt.prefix.flag.r", Plain),
            ("validlifetime", "icmpv6.opt.prefix.valid_lifetime", Plain),
            ("preferredlifetime", "icmpv6.opt.prefix.preferred_lifetime", Plain),
            ("prefix", "icmpv6.opt.prefix", Plain),
        ],
    ),
    ("ICMPv6NDOptRedirectedHdr", &[("type", "icmpv6.opt.type", Plain), ("len", "icmpv6.opt.length", Plain)]),
    (
        "ICMPv6NDOptMTU",
        &[("type", "icmpv6.opt.type", Plain), ("len", "icmpv6.opt.length", Plain), ("mtu", "icmpv6.opt.mtu", Plain)],
    ),
    (
        "ICMPv6NDOptRDNSS",
        &[
            ("type", "icmpv6.opt.type", Plain),
            ("len", "icmpv6.opt.length", Plain),
            ("lifetime", "icmpv6.opt.rdnss.lifetime", Plain),
            ("dns", "icmpv6.opt.rdnss", Plain),
        ],
    ),
    (
        "ICMPv6NDOptDNSSL",
        &[
            ("type", "icmpv6.opt.type", Plain),
            ("len", "icmpv6.opt.length", Plain),
            ("lifetime", "icmpv6.opt.dnssl.lifetime", Plain),
            ("searchlist", "icmpv6.opt.dnssl", Name),
        ],
    ),
    ("ICMPv6MLQuery", LISTENERS),
    ("ICMPv6MLReport", LISTENERS),
    ("ICMPv6MLDone", LISTENERS),
    (
        "ICMPv6MLQuery2",
        &[
            ("type", "icmpv6.type", Plain),
            ("code", "icmpv6.code", Plain),
            ("cksum", "icmpv6.checksum", Plain),
            ("mladdr", "icmpv6.mld.multicast_address", Plain),
            ("S", "icmpv6.mld.flag.s", Plain),
            ("QRV", "icmpv6.mld.flag.qrv", Plain),
            ("QQIC", "icmpv6.mld.qqi", Plain),
            ("sources_number", "icmpv6.mld.nb_sources", Plain),
            ("sources", "icmpv6.mld.source_address", Plain),
        ],
    ),
    (
        "ICMPv6MLReport2",
        &[
            ("type", "icmpv6.type", Plain),
            ("res", "icmpv6.code", Plain),
            ("cksum", "icmpv6.checksum", Plain),
            ("records_number", "icmpv6.mldr.nb_mcast_records", Plain),
        ],
    ),
    (
        "ICMPv6MLDMultAddrRec",
        &[
            ("rtype", "icmpv6.mldr.mar.record_type", Plain),
            ("auxdata_len", "icmpv6.mldr.mar.aux_data_len", Plain),
            ("sources_number", "icmpv6.mldr.mar.nb_sources", Plain),
            ("dst", "icmpv6.mldr.mar.multicast_address", Plain),
            ("sources", "icmpv6.mldr.mar.source_address", Plain),
        ],
    ),
    ("TCP", TCP),
    (
        "TCPerror",
        &[
            ("sport", "tcp.srcport", Plain),
            ("dport", "tcp.dstport", Plain),
            ("ack", "tcp.ack_raw", Plain),
            ("flags", "tcp.flags", Plain),
            ("window", "tcp.window_size_value", Plain),
            ("chksum", "tcp.checksum", Plain),
            ("urgptr", "tcp.urgent_pointer", Plain),
        ],
    ),
    ("UDP", UDP),
    ("UDPerror", UDP),
    ("SCTP", SCTP),
    ("SCTPerror", SCTP),
    ("SCTPChunkUnknown", CHUNK),
    (
        "SCTPChunkData",
        &[
            ("type", "sctp.chunk_type", Plain),
            ("len", "sctp.chunk_length", Plain),
            ("delay_sack", "sctp.data_i_bit", Plain),
            ("unordered", "sctp.data_u_bit", Plain),
            ("beginning", "sctp.data_b_bit", Plain),
            ("ending", "sctp.data_e_bit", Plain),
            ("tsn", "sctp.data_tsn_raw", Plain),
            ("stream_id", "sctp.data_sid", Plain),
            ("stream_seq", "sctp.data_ssn", Plain),
            ("proto_id", "sctp.data_payload_proto_id", Plain),
        ],
    ),
    (
        "SCTPChunkInit",
        &[
            ("type", "sctp.chunk_type", Plain),
            ("flags", "sctp.chunk_flags", Plain),
            ("len", "sctp.chunk_length", Plain),
            ("init_tag", "sctp.init_initiate_tag", Plain),
            ("a_rwnd", "sctp.init_credit", Plain),
            ("n_out_streams", "sctp.init_nr_out_streams", Plain),
            ("n_in_streams", "sctp.init_nr_in_streams", Plain),
            ("init_tsn", "sctp.init_initial_tsn", Plain),
            ("params", "sctp.parameter_type", Kinds),
            ("params", "sctp.parameter_ipv4_address", Opt("IPv4")),
            ("params", "sctp.parameter_ipv6_address", Opt("IPv6")),
            ("params", "sctp.parameter_cookie_preservative_incr", Opt("cookie-preservative")),
        ],
    ),
    (
        "SCTPChunkInitAck",
        &[
            ("type", "sctp.chunk_type", Plain),
            ("flags", "sctp.chunk_flags", Plain),
            ("len", "sctp.chunk_length", Plain),
            ("init_tag", "sctp.initack_initiate_tag", Plain),
            ("a_rwnd", "sctp.initack_credit", Plain),
            ("n_out_streams", "sctp.initack_nr_out_streams", Plain),
            ("n_in_streams", "sctp.initack_nr_in_streams", Plain),
            ("init_tsn", "sctp.initack_initial_tsn", Plain),
            ("params", "sctp.parameter_type", Kinds),
            ("params", "sctp.parameter_state_cookie", Opt("state-cookie")),
        ],
    ),
    (
        "SCTPChunkSACK",
        &[
            ("type", "sctp.chunk_type", Plain),
            ("flags", "sctp.chunk_flags", Plain),
            ("len", "sctp.chunk_length", Plain),
            ("cumul_tsn_ack", "sctp.sack_cumulative_tsn_ack_raw", Plain),
            ("a_rwnd", "sctp.sack_a_rwnd", Plain),
            ("n_gap_ack", "sctp.sack_number_of_gap_blocks", Plain),
            ("n_dup_tsn", "sctp.sack_number_of_duplicated_tsns", Plain),
            ("gap_ack_list", "sctp.sack_gap_block_start", Half(true)),
            ("gap_ack_list", "sctp.sack_gap_block_end", Half(false)),
            ("dup_tsn_list", "sctp.sack_duplicate_tsn", Plain),
        ],
    ),
    (
        "SCTPChunkHeartbeatReq",
        &[
            ("type", "sctp.chunk_type", Plain),
            ("flags", "sctp.chunk_flags", Plain),
            ("len", "sctp.chunk_length", Plain),
            ("params", "sctp.parameter_type", Kinds),
            ("params", "sctp.parameter_heartbeat_information", Opt("heartbeat-info")),
        ],
    ),
    (
        "SCTPChunkHeartbeatAck",
        &[
            ("type", "sctp.chunk_type", Plain),
            ("flags", "sctp.chunk_flags", Plain),
            ("len", "sctp.chunk_length", Plain),
            ("params", "sctp.parameter_type", Kinds),
            ("params", "sctp.parameter_heartbeat_information", Opt("heartbeat-info")),
        ],
    ),
    (
        "SCTPChunkAbort",
        &[("type", "sctp.chunk_type", Plain), ("len", "sctp.chunk_length", Plain), ("TCB", "sctp.abort_t_bit", Plain)],
    ),
    (
        "SCTPChunkShutdown",
        &[
            ("type", "sctp.chunk_type", Plain),
            ("flags", "sctp.chunk_flags", Plain),
            ("len", "sctp.chunk_length", Plain),
            ("cumul_tsn_ack", "sctp.shutdown_cumulative_tsn_ack", Plain),
        ],
    ),
    ("SCTPChunkShutdownAck", CHUNK),
    ("SCTPChunkError", CHUNK),
    (
        "SCTPChunkCookieEcho",
        &[
            ("type", "sctp.chunk_type", Plain),
            ("flags", "sctp.chunk_flags", Plain),
            ("len", "sctp.chunk_length", Plain),
            ("cookie", "sctp.cookie", Bytes),
        ],
    ),
    ("SCTPChunkCookieAck", CHUNK),
    (
        "SCTPChunkShutdownComplete",
        &[
            ("type", "sctp.chunk_type", Plain),
            ("len", "sctp.chunk_length", Plain),
            ("TCB", "sctp.shutdown_complete_t_bit", Plain),
        ],
    ),
    (
        "DNS",
        &[
            ("length", "dns.length", Plain),
            ("id", "dns.id", Plain),
            ("qr", "dns.flags.response", Plain),
            ("opcode", "dns.flags.opcode", Plain),
            ("tc", "dns.flags.truncated", Plain),
            ("rd", "dns.flags.recdesired", Plain),
            ("z", "dns.flags.z", Plain),
            ("qdcount", "dns.count.queries", Plain),
            ("ancount", "dns.count.answers", Plain),
            ("nscount", "dns.count.auth_rr", Plain),
            ("arcount", "dns.count.add_rr", Plain),
        ],
    ),
    ("DNSQR", &[("qname", "dns.qry.name", Name), ("qtype", "dns.qry.type", Plain), ("qclass", "dns.qry.class", Plain)]),
    (
        "DNSRR",
        &[
            ("rrname", "dns.resp.name", Name),
            ("type", "dns.resp.type", Plain),
            ("rclass", "dns.resp.class", Plain),
            ("ttl", "dns.resp.ttl", Plain),
            ("rdlen", "dns.resp.len", Plain),
            ("rdata", "dns.txt", Texts),
        ],
    ),
    (
        "DNSRRMX",
        &[
            ("rrname", "dns.resp.name", Name),
            ("type", "dns.resp.type", Plain),
            ("rclass", "dns.resp.class", Plain),
            ("ttl", "dns.resp.ttl", Plain),
            ("rdlen", "dns.resp.len", Plain),
            ("preference", "dns.mx.preference", Plain),
            ("exchange", "dns.mx.mail_exchange", Name),
        ],
    ),
    (
        "DNSRRSOA",
        &[
            ("rrname", "dns.resp.name", Name),
            ("type", "dns.resp.type", Plain),
            ("rclass", "dns.resp.class", Plain),
            ("ttl", "dns.resp.ttl", Plain),
            ("rdlen", "dns.resp.len", Plain),
            ("mname", "dns.soa.mname", Name),
            ("rname", "dns.soa.rname", Name),
            ("serial", "dns.soa.serial_number", Plain),
            ("refresh", "dns.soa.refresh_interval", Plain),
            ("retry", "dns.soa.retry_interval", Plain),
            ("expire", "dns.soa.expire_limit", Plain),
            ("minimum", "dns.soa.minimum_ttl", Plain),
        ],
    ),
    (
        "DNSRRSRV",
        &[
            // Wireshark shows the name in three parts.
            ("type", "dns.resp.type", Plain),
            ("rclass", "dns.resp.class", Plain),
            ("ttl", "dns.resp.ttl", Plain),
            ("rdlen", "dns.resp.len", Plain),
            ("priority", "dns.srv.priority", Plain),
            ("weight", "dns.srv.weight", Plain),
            ("port", "dns.srv.port", Plain),
            ("target", "dns.srv.target", Name),
        ],
    ),
    (
        "DNSRROPT",
        &[
            ("rrname", "dns.resp.name", Name),
            ("type", "dns.resp.type", Plain),
            ("rclass", "dns.rr.udp_payload_size", Plain),
            ("extrcode", "dns.resp.ext_rcode", Plain),
            ("version", "dns.resp.edns0_version", Plain),
            ("z", "dns.resp.z", Plain),
            ("rdlen", "dns.resp.len", Plain),
            ("rdata", "dns.opt.code", Kinds),
        ],
    ),
    (
        "BOOTP",
        &[
            ("op", "dhcp.type", Plain),
            ("htype", "dhcp.hw.type", Plain),
            ("hlen", "dhcp.hw.len", Plain),
            ("hops", "dhcp.hops", Plain),
            ("xid", "dhcp.id", Plain),
            ("secs", "dhcp.secs", Plain),
            ("flags", "dhcp.flags", Plain),
            ("ciaddr", "dhcp.ip.client", Plain),
            ("yiaddr", "dhcp.ip.your", Plain),
            ("siaddr", "dhcp.ip.server", Plain),
            ("giaddr", "dhcp.ip.relay", Plain),
            ("chaddr", "dhcp.hw.mac_addr", Mac),
            ("sname", "dhcp.server", Filled),
            ("file", "dhcp.file", Filled),
        ],
    ),
    (
        "DHCP",
        &[
            ("options", "dhcp.option.type", Kinds),
            ("options", "dhcp.option.dhcp", Opt("message-type")),
            ("options", "dhcp.option.subnet_mask", Opt("subnet_mask")),
            ("options", "dhcp.option.router", Opt("router")),
            ("options", "dhcp.option.domain_name_server", Opt("name_server")),
            ("options", "dhcp.option.hostname", Opt("hostname")),
            ("options", "dhcp.option.domain_name", Opt("domain")),
            ("options", "dhcp.option.broadcast_address", Opt("broadcast_address")),
            ("options", "dhcp.option.requested_ip_address", Opt("requested_addr")),
            ("options", "dhcp.option.ip_address_lease_time", Opt("lease_time")),
            ("options", "dhcp.option.dhcp_server_id", Opt("server_id")),
            ("options", "dhcp.option.request_list_item", Opt("param_req_list")),
            ("options", "dhcp.option.renewal_time_value", Opt("renewal_time")),
            ("options", "dhcp.option.rebinding_time_value", Opt("rebinding_time")),
        ],
    ),
    (
        "NTP",
        &[
            ("leap", "ntp.flags.li", Plain),
            ("version", "ntp.flags.vn", Plain),
            ("mode", "ntp.flags.mode", Plain),
            ("stratum", "ntp.stratum", Plain),
            ("poll", "ntp.ppoll", Plain),
            ("precision", "ntp.precision", Raw),
            ("delay", "ntp.rootdelay", Raw),
            ("dispersion", "ntp.rootdispersion", Raw),
        ],
    ),
    (
        "GRE",
        &[
            ("proto", "gre.proto", Plain),
            ("chksum_present", "gre.flags.checksum", Plain),
            ("key_present", "gre.flags.key", Plain),
            ("seqnum_present", "gre.flags.sequence_number", Plain),
            ("chksum", "gre.checksum", Plain),
            ("key", "gre.key", Plain),
            ("sequence_number", "gre.sequence_number", Plain),
        ],
    ),
    ("VXLAN", &[("vni", "vxlan.vni", Plain), ("flags", "vxlan.flag_i", Part(3, 1))]),
];

/// Fields that are not compared in packets with a certain layer, and why.
const APART: &[(&str, &str, &str)] = &[
    ("SCTPChunkData", "sctp.chunk_flags", "each bit of the byte has a row of its own"),
    ("ICMPv6ND_NS", "icmpv6.data", "the option with a nonce has a field of its own"),
    ("SCTPChunkAbort", "sctp.chunk_flags", "the bit has a row of its own"),
    ("SCTPChunkShutdownComplete", "sctp.chunk_flags", "the bit has a row of its own"),
];

/// Layers behind which Wireshark reads on where bytes are bytes to us: the packet that a redirect is about.
const DEEPER: &[&str] = &["ICMPv6NDOptRedirectedHdr"];

/// Bytes without a form: nothing of Wireshark's stands for them.
const WITHOUT_ROW: &[&str] = &["Raw", "Padding"];

#[test]
fn every_layer_has_a_row_or_a_reason() {
    for desc in layers::ALL {
        let rows = TABLE.iter().filter(|(name, _)| *name == desc.name).count();
        let wanted = usize::from(!WITHOUT_ROW.contains(&desc.name));
        assert_eq!(rows, wanted, "{}", desc.name);
    }
    for (layer, rows) in TABLE {
        let desc = layers::by_name(layer).unwrap_or_else(|| panic!("no layer {layer}"));
        for (field, ..) in *rows {
            assert!(desc.has_field(field) || *field == "ifindex", "{layer} has no {field}");
        }
    }
}

/// The values of one packet's fields, by Wireshark's names for them.
fn ours(packet: &Packet, theirs: &str) -> Vec<String> {
    let mut values = Vec::new();
    packet.layers().iter().for_each(|layer| add(layer, theirs, &mut values));
    values
}

fn add(layer: &Layer, theirs: &str, values: &mut Vec<String>) {
    let rows = TABLE.iter().find(|(name, _)| *name == layer.desc().name).map_or(&[][..], |(_, rows)| rows);
    for field in layer.desc().fields.iter().filter(|field| layer.has(field)) {
        let Some(Slot::Set(value)) = layer.get(field.name) else { continue };
        for (_, _, form) in rows.iter().filter(|(name, wanted, _)| *name == field.name && *wanted == theirs) {
            write(field, &value, *form, values);
        }
        // Records stand in their place.
        if let (Shape::Packets(_), Value::List(items)) = (field.shape, &value) {
            for item in items.iter() {
                if let Value::Packet(record) = item {
                    add(&record.layers()[0], theirs, values);
                }
            }
        }
    }
}

fn write(field: &Field, value: &Value, form: Form, values: &mut Vec<String>) {
    match (form, value, field.shape) {
        (Form::Part(right, mask), Value::Int(n), _) => values.push((n >> right & mask).to_string()),
        (Form::Half(upper), Value::List(items), _) => {
            let half = |word: u64| if upper { word >> 16 } else { word & 0xffff };
            values.extend(items.iter().filter_map(Value::int).map(|word| half(word).to_string()));
        }
        (Form::Kinds, Value::List(items), Shape::Options(table)) => {
            values.extend(items.iter().filter(|item| !matches!(item, Value::Bytes(_))).map(|item| {
                let mut out = Vec::new();
                table.encode(std::slice::from_ref(item), 0, &mut out);
                let kind = &out[..table.format.width.into()];
                let kind = kind.iter().fold(0, |n, byte| n << 8 | u16::from(*byte));
                // Of DHCP's last option Wireshark shows no number.
                let is_last = kind == 255 && table.format.end == Some(255);
                if is_last { "0".to_owned() } else { kind.to_string() }
            }));
        }
        (Form::Option(name), Value::List(items), Shape::Options(table)) => {
            for item in items.iter() {
                let Value::List(pair) = item else { continue };
                if let [Value::Text(found), value] = &pair[..]
                    && **found == *name
                {
                    // Names of numbers are for people.
                    let number = table.kinds.iter().find(|kind| kind.name == name).map(|kind| kind.shape);
                    match (number, value) {
                        (Some(pktsh::packet::options::OptionShape::Named(_, names)), Value::Text(text)) => {
                            let row = names.iter().find(|(_, name)| **text == **name);
                            values.push(row.map_or_else(|| text.to_string(), |(n, _)| n.to_string()));
                        }
                        _ => plain(value, values),
                    }
                }
            }
        }
        (Form::Name, Value::List(items), _) => {
            items.iter().filter(|name| **name != Value::text(".")).for_each(|name| values.push(dotless(name)));
        }
        (Form::Name, name, _) => values.push(dotless(name)),
        (Form::Texts, Value::List(items), Shape::Strings) => {
            values.extend(items.iter().filter_map(|item| match item {
                Value::Bytes(text) => Some(String::from_utf8_lossy(text).into_owned()),
                _ => None,
            }));
        }
        (Form::Texts, ..) => {}
        (Form::Filled, Value::Bytes(bytes), _) => {
            let text: Vec<u8> = bytes.iter().copied().take_while(|byte| *byte != 0).collect();
            values.extend((!text.is_empty()).then(|| String::from_utf8_lossy(&text).into_owned()));
        }
        (Form::Mac, Value::Bytes(bytes), _) => {
            values.push(bytes[..6].iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"));
        }
        (Form::Raw, Value::Int(n), _) => values.push(n.to_string()),
        (_, Value::Int(n), Shape::Fixed(_, fraction)) => values.push(seconds(*n, fraction).to_string()),
        (_, Value::Int(n), Shape::Signed(bits)) => values.push(signed(*n, bits).to_string()),
        _ => plain(value, values),
    }
}

fn plain(value: &Value, values: &mut Vec<String>) {
    match value {
        Value::List(items) => items.iter().for_each(|item| plain(item, values)),
        Value::Bytes(bytes) => values.push(pktsh::base::text::hex(bytes)),
        other => values.push(other.to_string().trim_matches('"').to_owned()),
    }
}

fn dotless(name: &Value) -> String {
    match name.to_string().trim_matches('"') {
        "." => "<Root>".to_owned(),
        name => name.trim_end_matches('.').to_owned(),
    }
}

/// One form for all that Wireshark writes: hexadecimal numbers and `True` are numbers.
fn normal(theirs: &str) -> String {
    if let Some(digits) = theirs.strip_prefix("0x")
        && let Ok(number) = u64::from_str_radix(digits, 16)
    {
        return number.to_string();
    }
    match theirs {
        "True" => "1".to_owned(),
        "False" => "0".to_owned(),
        other => other.to_owned(),
    }
}

/// Reads a capture with both and compares; gives the layers that were seen, each in at least one field.
fn compare(file: &Path) -> BTreeSet<&'static str> {
    let capture = Frames::read(file);
    assert!(!capture.frames.is_empty(), "{} is empty", file.display());
    let fields: BTreeSet<&str> = TABLE.iter().flat_map(|(_, rows)| rows.iter().map(|(_, theirs, _)| *theirs)).collect();
    let fields: Vec<&str> = fields.into_iter().collect();
    let theirs = tshark(file, "", &fields);
    assert_eq!(theirs.len(), capture.frames.len(), "{}", file.display());
    let (mut seen, mut wrong) = (BTreeSet::new(), Vec::new());
    for (n, (frame, values)) in capture.frames.iter().zip(&theirs).enumerate() {
        let bytes: Arc<[u8]> = frame.as_slice().into();
        let packet = dissect(first_of(Medium::of_link_type(capture.link_type), &bytes), &bytes);
        let there = names(&packet);
        seen.extend(&there);
        for (field, values) in fields.iter().zip(values) {
            let ours = ours(&packet, field);
            let mut theirs: Vec<String> = values.iter().map(|value| normal(value)).collect();
            if there.iter().any(|name| DEEPER.contains(name)) {
                theirs.truncate(ours.len());
            }
            if APART.iter().any(|(layer, apart, _)| apart == field && there.contains(layer)) {
                continue;
            }
            if ours != theirs {
                wrong.push(format!("frame {}: {}: {field}: ours {ours:?}, tshark {theirs:?}", n + 1, packet.names()));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{}: {} differ\n{}",
        file.display(),
        wrong.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
    seen
}

/// The names of a packet's layers and of the records in them.
fn names(packet: &Packet) -> Vec<&'static str> {
    let mut names = Vec::new();
    for layer in packet.layers() {
        names.push(layer.desc().name);
        for field in layer.desc().fields {
            if let (Shape::Packets(_), Some(Slot::Set(Value::List(items)))) = (field.shape, layer.get(field.name)) {
                names.extend(items.iter().filter_map(|item| match item {
                    Value::Packet(record) => Some(record.layers()[0].desc().name),
                    _ => None,
                }));
            }
        }
    }
    names
}

#[test]
fn scapys_packets_of_every_layer_are_read_as_tshark_reads_them() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let venv = root.join("target/venv/bin/python3");
    let python = if venv.exists() { venv } else { "python3".into() };
    run(Command::new(python).arg(root.join("tests/scapy/make.py")).arg(dir.path()));
    let mut seen = BTreeSet::new();
    for name in ["ethernet", "null", "loop", "raw"] {
        seen.extend(compare(&dir.path().join(format!("{name}.pcap"))));
    }
    // The rest is heard on the wire.
    let missing: Vec<&str> = TABLE.iter().map(|(name, _)| *name).filter(|name| !seen.contains(name)).collect();
    assert_eq!(missing, ["CookedLinux", "CookedLinuxV2", "TCP", "DNSRRMX", "DNSRRSRV", "BOOTP", "DHCP"]);
}

/// A name server, a server of addresses, and a router.
fn dnsmasq(wire: &Wire, dir: &Path) -> Running {
    let mut command = wire.server("dnsmasq");
    command.args([
        "--no-daemon",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        "--user=root",
        "--group=",
        "--log-facility=-",
        "--interface=eth0",
        "--bind-interfaces",
        "--no-ping",
        "--local-ttl=60",
    ]);
    command.args([
        "--host-record=web.lab,192.0.2.10,2001:db8::10",
        "--cname=www.lab,web.lab",
        "--mx-host=lab,mail.lab,5",
        "--srv-host=_sip._udp.lab,web.lab,5060,1,2",
        "--txt-record=lab,v=spf1 -all,a second text",
        "--ptr-record=10.2.0.192.in-addr.arpa,web.lab",
        "--address=/lab/",
    ]);
    command.args([
        "--dhcp-authoritative",
        "--dhcp-range=10.9.0.50,10.9.0.60,255.255.255.0,10m",
        "--domain=lab",
        "--dhcp-range=fd00:9::,ra-only",
        "--enable-ra",
        "--dhcp-option=option6:dns-server,[fd00:9::2]",
        "--dhcp-option=option6:domain-search,lab",
    ]);
    command.arg(format!("--dhcp-leasefile={}", dir.join("leases").display()));
    Running::until_says(&mut command, "started")
}

/// What the client does while dumpcap listens, after the kernel's own words: names, an address, groups, and the last
/// datagram that ends the captures.
const CLIENT: &str = r#"
import socket, struct, sys, time

def name(text):
    return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".") if part) + b"\0"

def question(number, text, kind, edns=b""):
    return struct.pack("!HHHHHH", number, 0x100, 1, 0, 0, 1 if edns else 0) + name(text) + struct.pack("!HH", kind, 1) + edns

OPT = b"\0" + struct.pack("!HHIH", 41, 1232, 0x8000, 0)
ASKED = [("web.lab", 1, b""), ("www.lab", 28, OPT), ("lab", 15, b""), ("_sip._udp.lab", 33, b""), ("lab", 16, OPT),
         ("10.2.0.192.in-addr.arpa", 12, b""), ("nothing.lab", 1, b"")]

udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.settimeout(5)
udp.connect(("10.9.0.2", 53))
for number, (text, kind, edns) in enumerate(ASKED):
    udp.send(question(number, text, kind, edns))
    udp.recv(4096)
for text, kind in (("www.lab", 1), ("lab", 15)):
    tcp = socket.create_connection(("10.9.0.2", 53), timeout=5)
    asked = question(77, text, kind)
    tcp.sendall(struct.pack("!H", len(asked)) + asked)
    tcp.recv(4096)
    tcp.close()

# Nobody listens: errors come back.
for family, address in ((socket.AF_INET, "10.9.0.2"), (socket.AF_INET6, "fd00:9::2")):
    closed = socket.socket(family, socket.SOCK_DGRAM)
    closed.settimeout(5)
    closed.connect((address, 9999))
    closed.send(b"anybody?")
    try:
        closed.recv(100)
    except ConnectionRefusedError:
        pass

# Groups: the kernel tells the router.
eth0 = socket.if_nametoindex("eth0")
four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
four.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("239.1.2.3") + socket.inet_aton("10.9.0.1"))
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, "ff02::1234") + struct.pack("@I", eth0))

# A request for an address, and its answer (RFC 2131).
dhcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
dhcp.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
dhcp.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"eth0")
dhcp.bind(("", 68))
dhcp.settimeout(10)

def message(options):
    head = struct.pack("!BBBBIHH", 1, 1, 6, 0, 0x12345678, 3, 0x8000) + bytes(16)
    return head + bytes.fromhex("020000090001") + bytes(10 + 64 + 128) + bytes.fromhex("63825363") + options + b"\xff"

dhcp.sendto(message(bytes([53, 1, 1, 55, 4, 1, 3, 6, 15, 12, 4]) + b"host"), ("255.255.255.255", 67))
offer = dhcp.recv(4096)
yours = offer[16:20]
dhcp.sendto(message(bytes([53, 1, 3, 50, 4]) + yours + bytes([54, 4, 10, 9, 0, 2])), ("255.255.255.255", 67))
dhcp.recv(4096)
"#;

#[test]
fn what_programs_say_on_a_wire_is_read_as_tshark_reads_it() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let wire = Wire::new();
    let file = |name: &str| dir.path().join(format!("{name}.pcap"));
    let ethernet = Capture::start(wire.server("dumpcap"), "eth0", &[]);
    let cooked = Capture::start(wire.client("dumpcap"), "any", &["-y", "LINUX_SLL"]);
    let cooked2 = Capture::start(wire.client("dumpcap"), "any", &["-y", "LINUX_SLL2"]);

    let _server = dnsmasq(&wire, dir.path());
    run(wire.client("python3").args(["-c", &format!("{HEAR}{LINK}")]));
    wire.client_sh(&format!("ping -c 1 -W 5 {SERVER}; ping -6 -c 1 -W 5 fd00:9::2"));
    run(wire.client("python3").args(["-c", CLIENT]));
    wire.client_sh("echo 2 > /proc/sys/net/ipv4/conf/eth0/force_igmp_version");
    wire.client_sh("echo 1 > /proc/sys/net/ipv6/conf/eth0/force_mld_version");
    run(wire.client("python3").args(["-c", &format!("{HEAR}{GROUPS}")]));
    // A tunnel, whose ends say nothing by themselves: one of them is up first.
    let tunnel = |end: u8| {
        format!(
            "ip link add vx0 type vxlan id 42 remote 10.9.0.{} dstport 4789 dev eth0
             ip addr add 10.9.7.{end}/24 dev vx0; ip link set vx0 addrgenmode none; ip link set vx0 up",
            3 - end
        )
    };
    wire.server_sh(&tunnel(2));
    wire.client_sh(&tunnel(1));
    wire.client_sh("ping -c 1 -W 5 10.9.7.2");
    run(wire.client("python3").args(["-c", LAST]));

    let mut seen = BTreeSet::new();
    for (capture, name) in [(ethernet, "ethernet"), (cooked2, "cooked2"), (cooked, "cooked")] {
        capture.stop_after(b"the last datagram", &file(name));
        seen.extend(compare(&file(name)));
    }
    for name in LIVE {
        assert!(seen.contains(name), "{name} was not heard; these were: {seen:?}");
    }
}

/// `hear(pattern)` waits for a frame that goes over the wire.
const HEAR: &str = r#"
import os, re, socket, struct
frames = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
frames.bind(("eth0", 3))
frames.settimeout(10)

def hear(pattern):
    while True:
        try:
            if re.search(pattern, frames.recv(65536), re.DOTALL):
                return
        except OSError as e:
            if isinstance(e, TimeoutError):
                raise  # all other errors only say that the link was down
"#;

/// The link goes up: the kernel solicits routers and neighbors.
const LINK: &str = r#"
os.system("ip link set eth0 down; ip link set eth0 up; ip addr add fd00:9::1/64 dev eth0 nodad")
hear(rb"^.{12}\x86\xdd.{40}\x85\0")
"#;

/// Groups are joined and left by the older versions of IGMP and MLD.
const GROUPS: &str = r#"
eth0 = socket.if_nametoindex("eth0")
four = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
group = socket.inet_aton("239.7.7.7") + socket.inet_aton("10.9.0.1")
four.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, group)
hear(rb"\x16\0..\xef\x07\x07\x07$")
four.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, group)
hear(rb"\x17\0..\xef\x07\x07\x07$")
six = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
group = socket.inet_pton(socket.AF_INET6, "ff02::7777") + struct.pack("@I", eth0)
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)
hear(rb"\x83\0.*\x77\x77$")
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_LEAVE_GROUP, group)
hear(rb"\x84\0.*\x77\x77$")
"#;

/// Ends the captures.
const LAST: &str = r#"
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"the last datagram", ("10.9.0.2", 9))
"#;

/// The layers that kernels and their programs say here.
const LIVE: &[&str] = &[
    "Ether",
    "CookedLinux",
    "CookedLinuxV2",
    "ARP",
    "IP",
    "IPerror",
    "ICMP",
    "IGMP",
    "IGMPv3_MR",
    "IGMPv3_MR_Group",
    "IPv6",
    "IPerror6",
    "IPv6ExtHdrHopByHop",
    "ICMPv6DestUnreach",
    "ICMPv6EchoRequest",
    "ICMPv6EchoReply",
    "ICMPv6ND_RS",
    "ICMPv6ND_RA",
    "ICMPv6ND_NS",
    "ICMPv6ND_NA",
    "ICMPv6NDOptSrcLLAddr",
    "ICMPv6NDOptDstLLAddr",
    "ICMPv6NDOptPrefixInfo",
    "ICMPv6NDOptMTU",
    "ICMPv6NDOptRDNSS",
    "ICMPv6NDOptDNSSL",
    "ICMPv6MLReport",
    "ICMPv6MLDone",
    "ICMPv6MLReport2",
    "ICMPv6MLDMultAddrRec",
    "TCP",
    "UDP",
    "UDPerror",
    "DNS",
    "DNSQR",
    "DNSRR",
    "DNSRRMX",
    "DNSRRSRV",
    "DNSRROPT",
    "BOOTP",
    "DHCP",
    "VXLAN",
];
