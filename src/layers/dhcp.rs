//! Bootstrap Protocol (RFC 951) and Dynamic Host Configuration Protocol (RFC 2131).

use super::udp::UDP;
use crate::packet::options::{OptionFormat, OptionKind, OptionShape, OptionTable};
use crate::packet::{Auto, Field, FlagNames, Header, LayerDesc, Names, Over, Summary};

/// BOOTP message: what DHCP stands on.
pub static BOOTP: LayerDesc = LayerDesc {
    name: "BOOTP",
    doc: "Bootstrap Protocol (RFC 951), which carries DHCP.",
    fields: &[
        Field::bits("op", 8)
            .default(1)
            .names(Names::Table(&[(1, "BOOTREQUEST"), (2, "BOOTREPLY")]))
            .doc("1 from a client, 2 from a server."),
        Field::bits("htype", 8).default(1).doc("Type of hardware address; 1 is Ethernet."),
        Field::bits("hlen", 8).default(6).doc("Length of the hardware address, in bytes."),
        Field::bits("hops", 8).doc("Relay agents passed."),
        Field::bits("xid", 32).hex().doc("Transaction: the answer repeats it."),
        Field::bits("secs", 16).doc("Seconds since the client began."),
        Field::flags("flags", 16, FLAGS).doc("B: the answer is to be broadcast (RFC 1542)."),
        Field::ip4("ciaddr", 0, 0, 0, 0).doc("The client's address, when it has one."),
        Field::ip4("yiaddr", 0, 0, 0, 0).doc("The client's address from now on (\"your\" address)."),
        Field::ip4("siaddr", 0, 0, 0, 0).doc("The next server."),
        Field::ip4("giaddr", 0, 0, 0, 0).doc("The relay agent."),
        Field::fill("chaddr", 16).hex().doc("The client's hardware address."),
        Field::fill("sname", 64).doc("The server's name."),
        Field::fill("file", 128).doc("The boot file."),
        Field::bits("options", 32).auto(Auto::Next(0)).hex().doc("The magic cookie before DHCP's options (RFC 2132)."),
    ],
    over: &[Over::new(&UDP, "dport", 67), Over::read(&UDP, "dport", 68), Over::write(&UDP, "sport", 68)],
    summary: Summary { within: "", alone: "BOOTP {name:op}", special: &[] },
    ..LayerDesc::EMPTY
};

/// Only the highest bit has a name.
const FLAGS: FlagNames = FlagNames(&["", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "B"]);

/// DHCP: the options behind a BOOTP message.
pub static DHCP: LayerDesc = LayerDesc {
    name: "DHCP",
    doc: "Dynamic Host Configuration Protocol (RFC 2131).",
    fields: &[Field::options("options", &OPTIONS)
        .doc("Options, as [[\"message-type\", \"discover\"], [\"requested_addr\", \"192.0.2.9\"], \"end\"].")],
    header: Header::Rest,
    over: &[Over::new(&BOOTP, "options", 0x6382_5363)],
    summary: Summary { within: "", alone: "DHCP", special: &[] },
    ..LayerDesc::EMPTY
};

const MESSAGES: &[(u64, &str)] = &[
    (1, "discover"),
    (2, "offer"),
    (3, "request"),
    (4, "decline"),
    (5, "ack"),
    (6, "nak"),
    (7, "release"),
    (8, "inform"),
    (9, "force_renew"),
    (10, "lease_query"),
    (11, "lease_unassigned"),
    (12, "lease_unknown"),
    (13, "lease_active"),
];

const fn option(kind: u16, name: &'static str, shape: OptionShape) -> OptionKind {
    OptionKind { kind, name, shape }
}

const BYTE: OptionShape = OptionShape::Numbers(&[1]);
const SHORT: OptionShape = OptionShape::Numbers(&[2]);
const LONG: OptionShape = OptionShape::Numbers(&[4]);

/// Options (RFC 2132 and the IANA list), with Scapy's names.
static OPTIONS: OptionTable = OptionTable {
    format: OptionFormat::DHCP,
    kinds: &[
        option(53, "message-type", OptionShape::Named(1, MESSAGES)),
        option(0, "pad", OptionShape::Single),
        option(255, "end", OptionShape::Single),
        option(1, "subnet_mask", OptionShape::Ip4s),
        option(2, "time_zone", LONG),
        option(3, "router", OptionShape::Ip4s),
        option(4, "time_server", OptionShape::Ip4s),
        option(6, "name_server", OptionShape::Ip4s),
        option(7, "log_server", OptionShape::Ip4s),
        option(12, "hostname", OptionShape::Text),
        option(13, "boot-size", SHORT),
        option(14, "dump_path", OptionShape::Text),
        option(15, "domain", OptionShape::Text),
        option(17, "root_disk_path", OptionShape::Text),
        option(19, "ip-forwarding", BYTE),
        option(22, "max_dgram_reass_size", SHORT),
        option(23, "default_ttl", BYTE),
        option(26, "interface-mtu", SHORT),
        option(28, "broadcast_address", OptionShape::Ip4s),
        option(33, "static-routes", OptionShape::Ip4s),
        option(35, "arp_cache_timeout", LONG),
        option(37, "tcp_ttl", BYTE),
        option(40, "NIS_domain", OptionShape::Text),
        option(41, "NIS_server", OptionShape::Ip4s),
        option(42, "NTP_server", OptionShape::Ip4s),
        option(43, "vendor_specific", OptionShape::Bytes),
        option(44, "NetBIOS_server", OptionShape::Ip4s),
        option(46, "NetBIOS_node_type", BYTE),
        option(50, "requested_addr", OptionShape::Ip4s),
        option(51, "lease_time", LONG),
        option(52, "dhcp-option-overload", BYTE),
        option(54, "server_id", OptionShape::Ip4s),
        option(55, "param_req_list", OptionShape::ByteList),
        option(56, "error_message", OptionShape::Text),
        option(57, "max_dhcp_size", SHORT),
        option(58, "renewal_time", LONG),
        option(59, "rebinding_time", LONG),
        option(60, "vendor_class_id", OptionShape::Text),
        option(61, "client_id", OptionShape::Bytes),
        option(66, "tftp_server_name", OptionShape::Text),
        option(67, "boot-file-name", OptionShape::Text),
        option(69, "SMTP_server", OptionShape::Ip4s),
        option(77, "user_class", OptionShape::Bytes),
        option(80, "rapid_commit", OptionShape::Numbers(&[])),
        option(81, "client_FQDN", OptionShape::Bytes),
        option(82, "relay_agent_information", OptionShape::Bytes),
        option(93, "pxe_client_architecture", SHORT),
        option(97, "pxe_client_machine_identifier", OptionShape::Bytes),
        option(108, "ipv6-only-preferred", LONG),
        option(114, "captive-portal", OptionShape::Text),
        option(116, "auto-config", BYTE),
        option(118, "subnet-selection", OptionShape::Ip4s),
        option(121, "classless_static_routes", OptionShape::Bytes),
        option(150, "tftp_server_address", OptionShape::Ip4s),
    ],
};
