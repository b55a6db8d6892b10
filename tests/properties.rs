//! Properties of every layer: what is built is read again, what is read is given back, and nothing panics.

mod common;

use std::sync::Arc;

use common::{Manner, bytes, random};
use proptest::prelude::*;

use pktsh::layers::{self, dissect};
use pktsh::packet::{LayerDesc, Nowhere, Packet, Slot, Wanted};

proptest! {
    #[test]
    fn what_is_built_is_read_again(seed: u64) {
        let built = random(seed, Manner::Straight);
        let first = built.layers()[0].desc();
        let read = dissect(first, &bytes(&built));
        prop_assert_eq!(read.names(), built.names());
        for (made, found) in built.layers().iter().zip(read.layers()) {
            for (index, field) in made.desc().fields.iter().enumerate().filter(|(_, field)| made.has(field)) {
                match made.slot(index) {
                    // Options end with the padding that building adds.
                    Some(Slot::Set(_)) if field.name == "options" => {}
                    Some(Slot::Set(value)) => prop_assert_eq!(Some(Slot::Set(value)), found.slot(index), "{}", field.name),
                    _ => {}
                }
            }
        }
        let shown = read.show(&Nowhere);
        prop_assert!(!shown.contains("incorrect"), "{}", shown);
        let again = loosened(&read);
        prop_assert_eq!(&again, &read);
        // Every length and checksum was right, so all of them follow an edit: a byte of load more or less changes them.
        if let Some(at) = built.find(&layers::raw::RAW, 1).filter(|_| built.find(&layers::ip::IP_ERROR, 1).is_none()) {
            let mut longer = read.clone();
            longer.set(at, "load", &Wanted::Value(pktsh::packet::Value::bytes(&[1; 77]))).expect("bytes fit");
            let shown = dissect(first, &bytes(&longer)).show(&Nowhere);
            prop_assert!(!shown.contains("incorrect"), "{}", shown);
        }
    }

    #[test]
    fn what_is_built_is_built_again(seed: u64) {
        for manner in [Manner::Straight, Manner::Wild] {
            let packet = random(seed, manner);
            let built = packet.build(&Nowhere).expect("it can be built");
            prop_assert_eq!(&built.to_packet().bytes(&Nowhere).expect("it was built"), &built.bytes);
            prop_assert_eq!(built.to_packet().names(), in_order_of_sending(&packet));
            survives(&built.to_packet());
        }
    }

    #[test]
    fn a_cut_packet_is_given_back_as_it_came(seed: u64) {
        for manner in [Manner::Straight, Manner::Wild] {
            let packet = random(seed, manner);
            let whole = bytes(&packet);
            for end in 0..whole.len().min(200) {
                given_back(packet.layers()[0].desc(), &whole[..end]);
            }
        }
    }

    #[test]
    fn any_bytes_are_given_back_by_every_layer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for desc in layers::ALL {
            given_back(desc, &bytes);
        }
    }

    #[test]
    fn bytes_like_a_header_are_given_back(seed: u64, spoil in proptest::collection::vec((0usize..120, any::<u8>()), 1..4)) {
        let packet = random(seed, Manner::Straight);
        let mut bytes = bytes(&packet).to_vec();
        for (at, byte) in spoil {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        given_back(packet.layers()[0].desc(), &bytes);
    }
}

/// Dissecting never fails and loses nothing: not when the packet is built again, nor when an edit changed nothing.
fn given_back(first: &'static LayerDesc, bytes: &[u8]) {
    let shared: Arc<[u8]> = bytes.into();
    let packet = dissect(first, &shared);
    assert_eq!(packet.bytes(&Nowhere).expect("bytes that were read are only copied"), bytes);
    assert_eq!(
        common::hex(&loosened(&packet).bytes(&Nowhere).expect("nothing was changed")),
        common::hex(bytes),
        "{}\n{}",
        packet.show(&Nowhere),
        loosened(&packet).show(&Nowhere)
    );
    survives(&packet);
}

/// The same packet after an edit that sets a field to what it holds.
fn loosened(packet: &Packet) -> Packet {
    let mut edited = packet.clone();
    let first = &packet.layers()[0];
    let held = first.desc().fields.iter().find_map(|field| match first.get(field.name)? {
        // An address of another length than its kind is given as bytes, and so taken.
        Slot::Set(value) if field.auto_rule().is_none_or(|rule| !rule.is_computed()) => Some((field.name, value)),
        _ => None,
    });
    if let Some((name, value)) = held {
        edited.set(0, name, &Wanted::Value(value)).expect("it fitted before");
    }
    edited
}

/// All that a user may ask of any packet.
fn survives(packet: &Packet) {
    for text in [packet.show(&Nowhere), packet.summary(&Nowhere), packet.command(), packet.names()] {
        assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "a packet moves the reader's cursor: {text:?}");
    }
    assert_eq!(packet, &packet.clone());
    assert_eq!(packet.count(), 1);
}

fn in_order_of_sending(packet: &Packet) -> String {
    let (padding, rest): (Vec<_>, Vec<_>) = packet.layers().iter().partition(|layer| layer.desc().padding);
    rest.iter().chain(&padding).map(|layer| layer.desc().name).collect::<Vec<_>>().join(" / ")
}
