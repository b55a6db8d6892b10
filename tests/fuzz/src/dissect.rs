//! Any bytes as any layer: nothing is lost, nothing panics, and no text moves the reader's cursor.
//!
//! The first two bytes of an input choose the layer that the rest begins with.
#![no_main]

mod seeds;

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use pktsh::layers::{self, dissect};
use pktsh::packet::options::Fill;
use pktsh::packet::{Field, LayerDesc, Nowhere, Packet, Shape, Slot, Wanted};

fuzz_target!(init: seeds::write(packets), |input: &[u8]| {
    if let Some((key, bytes)) = input.split_first_chunk() {
        given_back(seeds::layer(*key), bytes);
    }
});

/// What is read is given back, also after an edit that changes nothing.
fn given_back(first: &'static LayerDesc, bytes: &[u8]) {
    let packet = dissect(first, &Arc::from(bytes));
    assert_eq!(packet.bytes(&Nowhere).expect("bytes that were read are only copied"), bytes);
    survives(&packet);
    let edited = loosened(&packet);
    survives(&edited);
    let again = edited.bytes(&Nowhere).expect("nothing was changed");
    let reread = dissect(first, &again.clone().into());
    survives(&reread);
    assert!(
        again == bytes || has_compressed_name(&packet),
        "an edit that changed nothing changed the bytes\n{}\n{}",
        packet.show(&Nowhere),
        reread.show(&Nowhere)
    );
}

/// The same packet after an edit that sets a field to what it holds.
fn loosened(packet: &Packet) -> Packet {
    let mut edited = packet.clone();
    let first = &packet.layers()[0];
    let holds = |wanted: &dyn Fn(&Field) -> bool| {
        first.desc().fields.iter().filter(|field| wanted(field)).find_map(|field| match first.get(field.name)? {
            Slot::Set(value) => Some((field.name, value)),
            _ => None,
        })
    };
    let is_explicit = |field: &Field| field.auto_rule().is_none_or(|rule| !rule.is_computed());
    let held = holds(&|field| is_explicit(field) && !is_filled(field)).or_else(|| holds(&|field| !is_filled(field)));
    if let Some((name, value)) = held {
        edited.set(0, name, &Wanted::Value(value)).expect("it fitted before");
    }
    edited
}

/// Whether building adds something at the end of a field: options that are set anew are filled up.
fn is_filled(field: &Field) -> bool {
    matches!(field.shape, Shape::Options(table) if table.format.fill != Fill::None)
}

/// Whether a domain name in the packet may be compressed: it then comes out at length (RFC 1035 section 4.1.4).
fn has_compressed_name(packet: &Packet) -> bool {
    packet.layers().iter().any(|layer| {
        let has_names = layer.desc().fields.iter().any(|field| matches!(field.shape, Shape::Name | Shape::Packets(_)));
        has_names && layer.header_bytes().is_some_and(|header| header.iter().any(|byte| *byte >= 0xc0))
    })
}

/// All that a user may ask of any packet.
fn survives(packet: &Packet) {
    for text in [packet.show(&Nowhere), packet.summary(&Nowhere), packet.command(), packet.names()] {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "a packet moves the reader's cursor: {text:?}");
    }
    assert_eq!(packet, &packet.clone());
    assert_eq!(packet.count(), 1);
}

/// Every layer on its own, and stacks of all kinds.
fn packets() -> Vec<Vec<u8>> {
    let alone = layers::ALL.iter().map(|desc| Packet::new(desc));
    alone.chain(seeds::packets(400)).filter_map(|packet| seeds::keyed(&packet)).collect()
}
