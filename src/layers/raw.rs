//! Bytes that no other layer reads: payload, and padding after the packet.

use crate::packet::{Field, Header, LayerDesc, Summary};

/// Any bytes.
pub static RAW: LayerDesc = LayerDesc {
    name: "Raw",
    doc: "Bytes without a layer of their own.",
    fields: &[Field::bytes("load").doc("The bytes.")],
    text_field: Some("load"),
    header: Header::Rest,
    summary: Summary { within: "", alone: "Raw", special: &[] },
    ..LayerDesc::EMPTY
};

/// Bytes after the packet, counted in no length (Ethernet fills short frames to 60 bytes).
pub static PADDING: LayerDesc = LayerDesc {
    name: "Padding",
    doc: "Bytes after the packet, counted in no length.",
    fields: &[Field::bytes("load").doc("The bytes.")],
    text_field: Some("load"),
    header: Header::Rest,
    padding: true,
    summary: Summary { within: "", alone: "Padding", special: &[] },
    ..LayerDesc::EMPTY
};
