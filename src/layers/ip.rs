//! Internet Protocol version 4 (RFC 791).

use super::cooked::LOOPBACK;
use super::ether::ETHER;
use super::icmp::ICMP;
use super::names::IP_PROTOCOLS;
use crate::packet::options::{OptionFormat, OptionKind, OptionShape, OptionTable};
use crate::packet::{
    Auto, Field, FlagNames, Fragment, Header, Layer, LayerDesc, Length, Names, Over, Pairs, Preset, Shape, Summary,
};

/// IPv4 header with options.
pub static IP: LayerDesc = LayerDesc {
    name: "IP",
    doc: "Internet Protocol version 4 (RFC 791).",
    fields: FIELDS,
    text_field: Some("dst"),
    header: Header::words("ihl"),
    length: Some(Length::of("len")),
    fragment: Some(FRAGMENT),
    over: &[Over::new(&ETHER, "type", 0x0800), Over::new(&IP, "proto", 4), Over::new(&LOOPBACK, "type", 2)],
    ends: Some(("src", "dst")),
    pairs: Pairs { quoted: QUOTED, check: same_protocol, ..Pairs::NONE },
    summary: SUMMARY,
    ..LayerDesc::EMPTY
};

/// The IPv4 header quoted in an ICMP error (RFC 792, RFC 1812 section 4.3.2.3).
pub static IP_ERROR: LayerDesc = LayerDesc {
    name: "IPerror",
    doc: "The IPv4 header quoted in an ICMP error (RFC 792).",
    fields: FIELDS,
    header: Header::words("ihl"),
    length: Some(Length::of("len")),
    fragment: Some(FRAGMENT),
    over: &[
        Over::new(&ICMP, "type", 3),
        Over::new(&ICMP, "type", 4),
        Over::new(&ICMP, "type", 5),
        Over::new(&ICMP, "type", 11),
        Over::new(&ICMP, "type", 12),
        Over::new(&IP_ERROR, "proto", 4),
    ],
    ends: Some(("src", "dst")),
    quoted: true,
    summary: Summary { alone: "{layer} {src} > {dst} {name:proto}", ..SUMMARY },
    ..LayerDesc::EMPTY
};

const FRAGMENT: Fragment = Fragment { offset: "frag", flags: "flags", more: 1 };
const QUOTED: &[&str] = &["src", "dst", "proto"];
const SUMMARY: Summary = Summary { within: "", alone: "{src} > {dst} {name:proto}", special: &[] };

const FIELDS: &[Field] = &[
    Field::bits("version", 4).default(4).doc("IP version."),
    Field::bits("ihl", 4).auto(Auto::HEADER_WORDS).doc("Length of the header, in 32-bit words."),
    Field::bits("tos", 8).hex().doc("Type of service: DSCP (6 bits) and ECN (2 bits), RFC 2474, RFC 3168."),
    Field::bits("len", 16).auto(Auto::Length).doc("Length of header and payload, in bytes."),
    Field::bits("id", 16).auto(Auto::Id).doc("Identification; drawn for each packet that is sent."),
    Field::flags("flags", 3, FlagNames(&["MF", "DF", "evil"])).doc("More fragments, don't fragment, reserved."),
    Field::bits("frag", 13).doc("Fragment offset, in units of 8 bytes."),
    Field::bits("ttl", 8).default(64).doc("Time to live, in hops."),
    Field::bits("proto", 8).auto(Auto::Next(0)).names(Names::Table(IP_PROTOCOLS)).doc("Protocol of the payload."),
    Field::bits("chksum", 16).auto(Auto::HeaderSum).hex().doc("Checksum over the header."),
    Field::of("src", Shape::Ip4, Preset::Auto(Auto::SourceAddr)).doc("Source; the address that the route gives."),
    Field::ip4("dst", 127, 0, 0, 1).doc("Destination."),
    Field::options("options", &OPTIONS).doc("Options, as [\"NOP\", [\"RR\", [\"0.0.0.0\"]]]; padded to 4 bytes."),
];

/// Options of IPv4 (RFC 791 section 3.1 and the IANA list); numbers include the copy bit and the class.
static OPTIONS: OptionTable = OptionTable {
    format: OptionFormat::TCP_IP,
    kinds: &[
        OptionKind { kind: 1, name: "NOP", shape: OptionShape::Single },
        OptionKind { kind: 0, name: "EOL", shape: OptionShape::Single },
        OptionKind { kind: 7, name: "RR", shape: OptionShape::Route },
        OptionKind { kind: 131, name: "LSRR", shape: OptionShape::SourceRoute },
        OptionKind { kind: 137, name: "SSRR", shape: OptionShape::SourceRoute },
        OptionKind { kind: 68, name: "Timestamp", shape: OptionShape::Bytes },
        OptionKind { kind: 82, name: "Traceroute", shape: OptionShape::Bytes },
        OptionKind { kind: 130, name: "Security", shape: OptionShape::Bytes },
        OptionKind { kind: 136, name: "Stream_Id", shape: OptionShape::Numbers(&[2]) },
        OptionKind { kind: 148, name: "Router_Alert", shape: OptionShape::Numbers(&[2]) },
    ],
};

fn same_protocol(probe: &Layer, _payload: usize, reply: &Layer) -> Result<(), String> {
    match (probe.int("proto"), reply.int("proto")) {
        (a, b) if a == b => Ok(()),
        (Some(a), Some(b)) => Err(format!("protocol {b}, not {a}")),
        _ => Err("no protocol".into()),
    }
}
