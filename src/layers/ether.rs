//! Ethernet II (IEEE 802.3 clause 3).

use super::llc::DOT3;
use super::names::ETHER_TYPES;
use super::tunnels::GRE;
use crate::packet::{Auto, Field, LayerDesc, Names, Over, Pairs, Summary};

/// Ethernet II frame header, without preamble and checksum.
pub static ETHER: LayerDesc = LayerDesc {
    name: "Ether",
    doc: "Ethernet II frame (IEEE 802.3).",
    fields: FIELDS,
    text_field: Some("dst"),
    refine: Some(by_length),
    over: &[Over::new(&GRE, "proto", 0x6558)],
    pairs: Pairs { check: same_type, ..Pairs::NONE },
    summary: Summary { within: "", alone: "{src} > {dst} ({name:type})", special: &[] },
    ..LayerDesc::EMPTY
};

const FIELDS: &[Field] = &[
    Field::mac("dst", Auto::NextHopMac).doc("Destination; the next hop's, or broadcast while that is unknown."),
    Field::mac("src", Auto::SourceMac).doc("Source; the interface's."),
    Field::bits("type", 16)
        .auto(Auto::Next(0x9000))
        .hex()
        .names(Names::Table(ETHER_TYPES))
        .doc("Protocol of the payload (EtherType)."),
];

/// IEEE 802.3 section 3.2.6: up to 1500 it is a length.
fn by_length(bytes: &[u8]) -> Option<&'static LayerDesc> {
    let number = u16::from_be_bytes([*bytes.get(12)?, *bytes.get(13)?]);
    (number <= 1500).then_some(&DOT3)
}

/// Addresses are not compared: an answer to a broadcast comes from somebody, and may come through a bridge.
fn same_type(probe: &crate::packet::Layer, _payload: usize, reply: &crate::packet::Layer) -> Result<(), String> {
    match (probe.int("type"), reply.int("type")) {
        (a, b) if a == b => Ok(()),
        (Some(a), Some(b)) => Err(format!("type {b:#x}, not {a:#x}")),
        _ => Err("no type".into()),
    }
}
