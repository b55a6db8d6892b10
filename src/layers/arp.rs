//! Address Resolution Protocol (RFC 826).

use super::ether::ETHER;
use super::names::ETHER_TYPES;
use crate::base::Mac;
use crate::packet::{Auto, Field, Layer, LayerDesc, Names, Over, Pairs, Preset, Shape, Summary};

/// ARP for any address sizes; Ethernet and IPv4 by default.
pub static ARP: LayerDesc = LayerDesc {
    name: "ARP",
    doc: "Address Resolution Protocol (RFC 826).",
    fields: FIELDS,
    text_field: Some("pdst"),
    over: &[Over::new(&ETHER, "type", 0x0806)],
    ends: Some(("psrc", "pdst")),
    pairs: Pairs { check, ..Pairs::NONE },
    summary: Summary {
        within: "",
        alone: "ARP {name:op} {pdst} says {psrc}",
        special: &[("op", 1, "ARP who has {pdst} says {psrc}"), ("op", 2, "ARP is at {hwsrc} says {psrc}")],
    },
    ..LayerDesc::EMPTY
};

const OPERATIONS: Names =
    Names::Table(&[(1, "who-has"), (2, "is-at"), (3, "RARP-req"), (4, "RARP-rep"), (8, "InARP-req"), (9, "InARP-rep")]);

const FIELDS: &[Field] = &[
    Field::bits("hwtype", 16).default(1).hex().names(Names::Table(&[(1, "Ethernet (10Mb)")])).doc("Hardware type."),
    Field::bits("ptype", 16).default(0x800).hex().names(Names::Table(ETHER_TYPES)).doc("Protocol type."),
    Field::bits("hwlen", 8).auto(Auto::WidthOf("hwsrc")).doc("Length of a hardware address, in bytes."),
    Field::bits("plen", 8).auto(Auto::WidthOf("psrc")).doc("Length of a protocol address, in bytes."),
    Field::bits("op", 16).default(1).names(OPERATIONS).doc("Operation."),
    Field::of("hwsrc", Shape::HardwareAddr("hwlen"), Preset::Auto(Auto::SourceMac)).doc("Sender's hardware address."),
    Field::of("psrc", Shape::ProtocolAddr("plen"), Preset::Auto(Auto::SourceAddr)).doc("Sender's protocol address."),
    Field::of("hwdst", Shape::HardwareAddr("hwlen"), Preset::Mac(Mac::ZERO)).doc("Target's hardware address."),
    Field::of("pdst", Shape::ProtocolAddr("plen"), Preset::Ip4(std::net::Ipv4Addr::UNSPECIFIED))
        .doc("Target's protocol address."),
];

/// A reply has the next operation and speaks for the address that was asked for.
fn check(probe: &Layer, _payload: usize, reply: &Layer) -> Result<(), String> {
    let (asked, answered) = (probe.int("op").unwrap_or(0), reply.int("op").unwrap_or(0));
    if answered != asked + 1 {
        return Err(format!("op {answered}, not {}", asked + 1));
    }
    if reply.get("psrc") != probe.get("pdst") {
        return Err("from another address".into());
    }
    Ok(())
}
