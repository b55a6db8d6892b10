//! VLAN tags (IEEE 802.1Q).

use super::ether::ETHER;
use super::names::ETHER_TYPES;
use crate::packet::{Auto, Carries, Field, LayerDesc, Names, Over, Summary};

/// A VLAN tag.
pub static DOT1Q: LayerDesc = LayerDesc {
    name: "Dot1Q",
    doc: "VLAN tag (IEEE 802.1Q).",
    fields: FIELDS,
    int_field: Some("vlan"),
    over: &[Over::new(&ETHER, "type", 0x8100), Over::new(&ETHER, "type", 0x88a8)],
    carries: Some(Carries { like: &ETHER, their: "type", field: "type" }),
    summary: Summary { within: "", alone: "802.1q vlan {vlan}", special: &[] },
    ..LayerDesc::EMPTY
};

const FIELDS: &[Field] = &[
    Field::bits("prio", 3).doc("Priority code point."),
    Field::bits("dei", 1).doc("Drop eligible indicator."),
    Field::bits("vlan", 12).default(1).doc("VLAN identifier."),
    Field::bits("type", 16)
        .auto(Auto::Next(0))
        .hex()
        .names(Names::Table(ETHER_TYPES))
        .doc("Protocol of the payload (EtherType)."),
];
