//! Random packets for the tests: drawn from the layers' own tables, the same for the same seed.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod checks;
mod draw;
mod stacks;

use std::sync::Arc;

use pktsh::base::Rng;
use pktsh::packet::{LayerDesc, Nowhere, Packet, Value, Wanted};

pub(crate) use draw::spec;
use stacks::{any_stack, chaos, wire_stack};

/// How far a random packet may stray.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// A packet as it is seen on a wire: what can be computed is computed, and what was built can be read again.
    Straight,
    /// Some layers in any order, and wrong values in every field.
    Wild,
    /// All layers in any order, and wrong values in every field.
    Chaos,
}

/// One layer and what was set in it.
pub(crate) struct Spec {
    pub(crate) desc: &'static LayerDesc,
    pub(crate) fields: Vec<(&'static str, Value)>,
}

/// A random packet, as what to set in which layer.
pub(crate) fn specs(rng: &mut Rng, manner: Manner) -> Vec<Spec> {
    let stack = match manner {
        Manner::Chaos => chaos(rng),
        Manner::Wild if rng.chance(0.4) => any_stack(rng),
        _ => wire_stack(rng, manner),
    };
    let upper = stack.iter().skip(1).map(|(desc, _)| Some(*desc)).chain([None]);
    stack.iter().zip(upper).map(|((desc, fixed), upper)| spec(rng, desc, fixed, upper, manner)).collect()
}

/// The packet that `specs` describe.
pub(crate) fn packet(specs: &[Spec]) -> Packet {
    let layer = |spec: &Spec| {
        let mut packet = Packet::new(spec.desc);
        for (name, value) in &spec.fields {
            packet.set(0, name, &Wanted::Value(value.clone())).expect("the value fits");
        }
        packet
    };
    let (first, rest) = specs.split_first().expect("a packet has a layer");
    rest.iter().fold(layer(first), |packet, upper| packet.stack(&layer(upper)))
}

/// A random packet of `seed`.
pub(crate) fn random(seed: u64, manner: Manner) -> Packet {
    packet(&specs(&mut Rng::new(seed), manner))
}

/// The bytes of a packet, without a network around it.
pub(crate) fn bytes(packet: &Packet) -> Arc<[u8]> {
    packet.bytes(&Nowhere).expect("it can be built").into()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    pktsh::base::text::hex(bytes)
}
