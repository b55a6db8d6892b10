//! Properties of every layer: what is built is read again, what is read is given back, and nothing panics.

mod common;

use std::sync::Arc;

use common::checks::{given_back, is_filled, loosened, survives};
use common::{Manner, bytes, random};
use proptest::prelude::*;

use pktsh::base::Rng;
use pktsh::layers::{self, dissect};

use pktsh::packet::{Field, Layer, Nowhere, Packet, Slot, Value, Wanted};

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
                    Some(Slot::Set(_)) if is_filled(field) => {}
                    Some(Slot::Set(value)) if is_asked_for(&built, made, field) => drop(value),
                    Some(Slot::Set(value)) => prop_assert_eq!(Some(Slot::Set(value)), found.slot(index), "{}", field.name),
                    _ => {}
                }
            }
        }
        let shown = read.show(&Nowhere);
        prop_assert!(!shown.contains("incorrect"), "{}", shown);
        let again = loosened(&read);
        prop_assert_eq!(&again, &read);
    }

    #[test]
    fn lengths_and_checksums_follow_an_edit(seed: u64) {
        let rng = &mut Rng::new(seed);
        let read = {
            let built = common::packet(&common::specs(rng, Manner::Straight));
            dissect(built.layers()[0].desc(), &bytes(&built))
        };
        let at = rng.below(read.layers().len() as u64) as usize;
        let desc = read.layers()[at].desc();
        let upper = read.layers().get(at + 1).map(Layer::desc);
        let fresh = common::spec(rng, desc, &[], upper, Manner::Straight);
        let mut edited = read.clone();
        let Some((name, value)) = fresh.fields.into_iter().find(|(name, _)| read.layers()[at].index(name).is_some()) else {
            return Ok(());
        };
        edited.set(at, name, &Wanted::Value(value)).expect("it fits");
        let shown = dissect(read.layers()[0].desc(), &bytes(&edited)).show(&Nowhere);
        prop_assert!(!shown.contains("incorrect"), "{}.{name}\n{}", desc.name, shown);
        if let Some(at) = read.find(&layers::raw::RAW, 1).filter(|_| !read.layers().iter().any(|l| l.desc().quoted)) {
            let mut longer = read.clone();
            longer.set(at, "load", &Wanted::Value(Value::bytes(&[1; 77]))).expect("bytes fit");
            let shown = dissect(read.layers()[0].desc(), &bytes(&longer)).show(&Nowhere);
            prop_assert!(!shown.contains("incorrect"), "{}", shown);
        }
    }

    #[test]
    fn what_is_built_is_built_again(seed: u64) {
        for manner in [Manner::Straight, Manner::Wild, Manner::Chaos] {
            let packet = random(seed, manner);
            let built = packet.build(&Nowhere).expect("it can be built");
            prop_assert_eq!(&built.to_packet().bytes(&Nowhere).expect("it was built"), &built.bytes);
            prop_assert_eq!(built.to_packet().names(), in_order_of_sending(&packet));
            survives(&built.to_packet());
        }
    }

    #[test]
    fn a_cut_packet_is_given_back_as_it_came(seed: u64, ends in proptest::collection::vec(0usize..200, 20)) {
        for manner in [Manner::Straight, Manner::Wild, Manner::Chaos] {
            let packet = random(seed, manner);
            let whole = bytes(&packet);
            for end in &ends {
                given_back(packet.layers()[0].desc(), &whole[..end % (whole.len() + 1)]);
            }
        }
    }

    #[test]
    fn a_cut_packet_is_not_called_incorrect(seed: u64, keep in 0usize..400) {
        let packet = random(seed, Manner::Straight);
        let whole = bytes(&packet);
        let cut: Arc<[u8]> = whole[..keep % whole.len()].into();
        let read = dissect(packet.layers()[0].desc(), &cut);
        // Without the length of a network layer nothing says that it was cut.
        if read.layers().iter().any(|layer| layer.desc() == &layers::ip::IP || layer.desc() == &layers::ipv6::IPV6) {
            let shown = read.show(&Nowhere);
            prop_assert!(!shown.contains("incorrect"), "{}", shown);
        }
    }

    #[test]
    fn any_bytes_are_given_back_by_every_layer(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        for desc in layers::ALL {
            given_back(desc, &bytes);
        }
    }

    #[test]
    fn names_full_of_pointers_are_given_back(
        counts: [u8; 4], parts in proptest::collection::vec((any::<bool>(), 0u8..90, 0usize..6), 0..40),
    ) {
        let mut message = vec![0, 1, 0x81, 0x80];
        message.extend(counts.iter().flat_map(|count| [0, count & 3]));
        for (pointer, byte, kind) in parts {
            message.extend_from_slice(if pointer { &[0xc0, 0][..] } else { &[1, b'a', 0] });
            if let (true, Some(last)) = (pointer, message.last_mut()) {
                *last = byte;
            }
            // The rest of a question; of a record with an address, a name, a mail server, and a wrong length; nothing.
            message.extend_from_slice([
                b"\0\x01\0\x01".as_slice(),
                b"\0\x01\0\x01\0\0\0\0\0\x04abcd",
                b"\0\x05\0\x01\0\0\0\0\0\x02\xc0\x0c",
                b"\0\x0f\0\x01\0\0\0\0\0\x04\0\0\xc0\x0c",
                b"\0\x0f\0\x01\0\0\0\0\0\x07\0\0\xc0\x0cabc",
                b"",
            ][kind]);
        }
        given_back(&layers::dns::DNS, &message);
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

/// Whether the layer above gives a field its number.
fn is_asked_for(packet: &Packet, layer: &Layer, field: &Field) -> bool {
    let at = packet.layers().iter().position(|other| std::ptr::eq(other, layer));
    let upper = at.and_then(|at| packet.layers().get(at + 1));
    upper.is_some_and(|upper| upper.desc().number_over(layer.desc(), field.name).is_some())
}

fn in_order_of_sending(packet: &Packet) -> String {
    let (padding, rest): (Vec<_>, Vec<_>) = packet.layers().iter().partition(|layer| layer.desc().padding);
    rest.iter().chain(&padding).map(|layer| layer.desc().name).collect::<Vec<_>>().join(" / ")
}
