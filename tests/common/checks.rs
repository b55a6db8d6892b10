//! What holds for every packet, wherever its bytes come from: for the properties and for the fuzz targets.

use std::sync::Arc;

use pktsh::layers::dissect;
use pktsh::packet::options::Fill;
use pktsh::packet::{Field, LayerDesc, Nowhere, Packet, Shape, Slot, Wanted};

use super::hex;

/// Dissecting never fails and loses nothing: not when the packet is built again, nor when an edit changed nothing.
pub(crate) fn given_back(first: &'static LayerDesc, bytes: &[u8]) {
    let shared: Arc<[u8]> = bytes.into();
    let packet = dissect(first, &shared);
    assert_eq!(packet.bytes(&Nowhere).expect("bytes that were read are only copied"), bytes);
    survives(&packet);
    let again = loosened(&packet).bytes(&Nowhere).expect("nothing was changed");
    let context = || format!("{}\n{}\n{}", first.name, packet.show(&Nowhere), loosened(&packet).show(&Nowhere));
    if !has_pointers(&packet) {
        assert_eq!(hex(&again), hex(bytes), "{}", context());
    }
}

/// The same packet after an edit that sets a field to what it holds.
pub(crate) fn loosened(packet: &Packet) -> Packet {
    let mut edited = packet.clone();
    let first = &packet.layers()[0];
    let holds = |wanted: &dyn Fn(&Field) -> bool| {
        first.desc().fields.iter().filter(|field| wanted(field)).find_map(|field| match first.get(field.name)? {
            // An address of another length than its kind is given as bytes, and so taken.
            Slot::Set(value) => Some((field.name, value)),
            _ => None,
        })
    };
    let is_explicit = |field: &Field| field.auto_rule().is_none_or(|rule| !rule.is_computed());
    // Options that are set anew are filled up, so another field is taken.
    let held = holds(&|field| is_explicit(field) && !is_filled(field)).or_else(|| holds(&|field| !is_filled(field)));
    if let Some((name, value)) = held {
        edited.set(0, name, &Wanted::Value(value)).expect("it fitted before");
    }
    edited
}

/// Whether a name in the first layer may be compressed: it comes out at length when the layer is edited (RFC 1035
/// section 4.1.4).
fn has_pointers(packet: &Packet) -> bool {
    let first = &packet.layers()[0];
    let has_names = first.desc().fields.iter().any(|field| matches!(field.shape, Shape::Name));
    has_names && first.header_bytes().is_some_and(|header| header.iter().any(|byte| *byte >= 0xc0))
}

/// Whether building adds something at the end of a field.
pub(crate) fn is_filled(field: &Field) -> bool {
    matches!(field.shape, Shape::Options(table) if table.format.fill != Fill::None)
}

/// All that a user may ask of any packet.
pub(crate) fn survives(packet: &Packet) {
    for text in [packet.show(&Nowhere), packet.summary(&Nowhere), packet.command(), packet.names()] {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "a packet moves the reader's cursor: {text:?}");
    }
    assert_eq!(packet, &packet.clone());
    assert_eq!(packet.count(), 1);
}
