//! IEEE 802.3 with its length field, 802.2 LLC and SNAP (RFC 1042).

use super::ether::ETHER;
use super::names::ETHER_TYPES;
use crate::packet::{Auto, Carries, Field, LayerDesc, Length, Names, Over, Summary};

/// A frame whose type field is a length: 1500 or less (IEEE 802.3 section 3.2.6).
pub static DOT3: LayerDesc = LayerDesc {
    name: "Dot3",
    doc: "IEEE 802.3 frame with a length.",
    fields: &[
        Field::mac("dst", Auto::NextHopMac).doc("Destination; broadcast when nothing is set."),
        Field::mac("src", Auto::SourceMac).doc("Source; the interface's."),
        Field::bits("len", 16).auto(Auto::PayloadLen).doc("Length of the payload, in bytes."),
    ],
    text_field: Some("dst"),
    length: Some(Length::behind("len", 14)),
    then: Some(&LLC),
    summary: Summary { within: "", alone: "802.3 {src} > {dst}", special: &[] },
    ..LayerDesc::EMPTY
};

/// Logical link control with an unnumbered control field (IEEE 802.2).
pub static LLC: LayerDesc = LayerDesc {
    name: "LLC",
    doc: "Logical link control (IEEE 802.2).",
    fields: &[
        Field::bits("dsap", 8).auto(Auto::Next(0)).hex().doc("Destination service access point."),
        Field::bits("ssap", 8).hex().doc("Source service access point."),
        Field::bits("ctrl", 8).doc("Control; 3 is unnumbered information."),
    ],
    summary: Summary { within: "", alone: "LLC {dsap} {ssap} {ctrl}", special: &[] },
    ..LayerDesc::EMPTY
};

/// Subnetwork access protocol (RFC 1042).
pub static SNAP: LayerDesc = LayerDesc {
    name: "SNAP",
    doc: "Subnetwork access protocol (RFC 1042).",
    fields: &[
        Field::bits("OUI", 24).hex().doc("Whose code it is; 0 for EtherTypes."),
        Field::bits("code", 16)
            .auto(Auto::Next(0))
            .hex()
            .names(Names::Table(ETHER_TYPES))
            .doc("Protocol of the payload (EtherType)."),
    ],
    over: &[Over::new(&LLC, "dsap", 0xaa), Over::write(&LLC, "ssap", 0xaa), Over::write(&LLC, "ctrl", 3)],
    carries: Some(Carries { like: &ETHER, their: "type", field: "code" }),
    summary: Summary { within: "", alone: "SNAP {name:code}", special: &[] },
    ..LayerDesc::EMPTY
};
