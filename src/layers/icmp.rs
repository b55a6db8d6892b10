//! Internet Control Message Protocol (RFC 792).

use super::ip::{IP, IP_ERROR};
use crate::packet::field::NameTable;
use crate::packet::{Auto, Field, Layer, LayerDesc, Names, Over, Pairs, Preset, Shape, Summary};

/// ICMP header: the fields depend on the type.
pub static ICMP: LayerDesc = LayerDesc {
    name: "ICMP",
    doc: "Internet Control Message Protocol (RFC 792).",
    fields: FIELDS,
    text_field: Some("type"),
    int_field: Some("type"),
    over: &[Over::new(&IP, "proto", 1)],
    pairs: Pairs { same: &["id", "seq"], quoted: &["type", "code", "id", "seq"], check, ..Pairs::NONE },
    summary: SUMMARY,
    ..LayerDesc::EMPTY
};

/// The ICMP header quoted in an ICMP error.
pub static ICMP_ERROR: LayerDesc = LayerDesc {
    name: "ICMPerror",
    doc: "The ICMP header quoted in an ICMP error (RFC 792).",
    fields: FIELDS,
    over: &[Over::new(&IP_ERROR, "proto", 1)],
    quoted: true,
    pairs: Pairs { same: &["id", "seq"], ..Pairs::NONE },
    summary: SUMMARY,
    ..LayerDesc::EMPTY
};

const SUMMARY: Summary = Summary {
    within: "{layer} {under.src} > {under.dst} {name:type} {name:code}",
    alone: "{layer} {name:type} {name:code}",
    special: &[],
};

const FIELDS: &[Field] = &[
    Field::bits("type", 8).default(8).names(Names::Table(TYPES)).doc("Type of message."),
    Field::bits("code", 8).names(Names::By("type", CODES)).doc("Code; its meaning depends on the type."),
    Field::bits("chksum", 16).auto(Auto::Sum).hex().doc("Checksum over the whole message."),
    Field::bits("id", 16)
        .auto(Auto::Id)
        .hex()
        .when("type", ASKING)
        .doc("Identifier; drawn for each packet that is sent."),
    Field::bits("seq", 16).hex().when("type", ASKING).doc("Sequence number."),
    Field::bits("ts_ori", 32).when("type", TIMESTAMPS).doc("Originate timestamp, in ms since midnight UT."),
    Field::bits("ts_rx", 32).when("type", TIMESTAMPS).doc("Receive timestamp, in ms since midnight UT."),
    Field::bits("ts_tx", 32).when("type", TIMESTAMPS).doc("Transmit timestamp, in ms since midnight UT."),
    Field::of("gw", Shape::Ip4, Preset::Ip4(std::net::Ipv4Addr::UNSPECIFIED))
        .when("type", &[5])
        .doc("Gateway to use instead."),
    Field::bits("ptr", 8).when("type", &[12]).doc("Offset of the byte that is wrong."),
    Field::bits("reserved", 8).when("type", &[3, 11]).doc("Not used."),
    Field::bits("length", 8).when("type", &[3, 11, 12]).doc("Length of the quoted packet, in words (RFC 4884)."),
    Field::of("addr_mask", Shape::Ip4, Preset::Ip4(std::net::Ipv4Addr::UNSPECIFIED))
        .when("type", &[17, 18])
        .doc("Address mask (RFC 950)."),
    Field::bits("nexthopmtu", 16).when("type", &[3]).doc("MTU of the next hop, in bytes (RFC 1191)."),
    Field::bits("unused", 16).when("type", &[11, 12]).doc("Not used."),
    Field::bits("unused", 32).unless("type", &[0, 3, 5, 8, 11, 12, 13, 14, 15, 16, 17, 18]).doc("Not used."),
];

/// Types with an identifier and a sequence number (RFC 792, RFC 950, RFC 1788).
const ASKING: &[u64] = &[0, 8, 13, 14, 15, 16, 17, 18, 37, 38];
const TIMESTAMPS: &[u64] = &[13, 14];

const TYPES: NameTable = &[
    (0, "echo-reply"),
    (3, "dest-unreach"),
    (4, "source-quench"),
    (5, "redirect"),
    (8, "echo-request"),
    (9, "router-advertisement"),
    (10, "router-solicitation"),
    (11, "time-exceeded"),
    (12, "parameter-problem"),
    (13, "timestamp-request"),
    (14, "timestamp-reply"),
    (15, "information-request"),
    (16, "information-response"),
    (17, "address-mask-request"),
    (18, "address-mask-reply"),
    (30, "traceroute"),
    (31, "datagram-conversion-error"),
    (32, "mobile-host-redirect"),
    (33, "ipv6-where-are-you"),
    (34, "ipv6-i-am-here"),
    (35, "mobile-registration-request"),
    (36, "mobile-registration-reply"),
    (37, "domain-name-request"),
    (38, "domain-name-reply"),
    (39, "skip"),
    (40, "photuris"),
];

const CODES: &[(u64, NameTable)] = &[
    (
        3,
        &[
            (0, "network-unreachable"),
            (1, "host-unreachable"),
            (2, "protocol-unreachable"),
            (3, "port-unreachable"),
            (4, "fragmentation-needed"),
            (5, "source-route-failed"),
            (6, "network-unknown"),
            (7, "host-unknown"),
            (9, "network-prohibited"),
            (10, "host-prohibited"),
            (11, "TOS-network-unreachable"),
            (12, "TOS-host-unreachable"),
            (13, "communication-prohibited"),
            (14, "host-precedence-violation"),
            (15, "precedence-cutoff"),
        ],
    ),
    (5, &[(0, "network-redirect"), (1, "host-redirect"), (2, "TOS-network-redirect"), (3, "TOS-host-redirect")]),
    (11, &[(0, "ttl-zero-during-transit"), (1, "ttl-zero-during-reassembly")]),
    (12, &[(0, "ip-header-bad"), (1, "required-option-missing")]),
    (
        40,
        &[
            (0, "bad-spi"),
            (1, "authentication-failed"),
            (2, "decompression-failed"),
            (3, "decryption-failed"),
            (4, "need-authentification"),
            (5, "need-authorization"),
        ],
    ),
];

/// Which type answers which (RFC 792, RFC 950, RFC 1788).
const ANSWERS: &[(u64, u64)] = &[(8, 0), (13, 14), (15, 16), (17, 18), (33, 34), (35, 36), (37, 38)];

fn check(probe: &Layer, _payload: usize, reply: &Layer) -> Result<(), String> {
    let (asked, answered) = (probe.int("type").unwrap_or(0), reply.int("type").unwrap_or(0));
    if !ANSWERS.contains(&(asked, answered)) {
        return Err(format!("type {answered} does not answer type {asked}"));
    }
    Ok(())
}
