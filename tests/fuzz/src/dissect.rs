//! Any bytes as any layer: nothing is lost, nothing panics, and no text moves the reader's cursor.
//!
//! The first two bytes of an input choose the layer that the rest begins with.
#![no_main]

mod seeds;

use std::sync::atomic::{AtomicU8, Ordering};

use libfuzzer_sys::fuzz_target;
use pktsh::layers::{self, dissect};
use pktsh::packet::{Layer, LayerDesc, Nowhere, Packet};
use seeds::common::checks::{given_back, loosened, survives};

/// What libFuzzer takes for code that was reached. Layers are rows of tables, read by the same code: without it, an
/// input that is the first to reach one would not be kept.
// SAFETY: libFuzzer reads and clears bytes between the begin and the end of this section, and nothing else is in it.
#[used] // its readers are not Rust
#[unsafe(link_section = "__libfuzzer_extra_counters")]
static REACHED: [AtomicU8; 8192] = [const { AtomicU8::new(0) }; 8192];

fuzz_target!(init: seeds::write(packets), |input: &[u8]| {
    if let Some((key, bytes)) = input.split_first_chunk() {
        let first = seeds::layer(*key);
        given_back(first, bytes);
        again(first, bytes);
    }
});

/// An edit that changes nothing leaves a packet of which all can be asked, and so does reading it again.
fn again(first: &'static LayerDesc, bytes: &[u8]) {
    let packet = dissect(first, &bytes.into());
    reached(packet.layers());
    let edited = loosened(&packet);
    survives(&edited);
    survives(&edited.build(&Nowhere).expect("nothing was changed").to_packet());
}

/// Counts each layer with the one below it.
fn reached(layers: &[Layer]) {
    let mut below = 0;
    for layer in layers {
        let key = u16::from_be_bytes(seeds::key(layer.desc()));
        REACHED[usize::from(key ^ below) % REACHED.len()].store(1, Ordering::Relaxed);
        below = key.rotate_left(5);
    }
}

/// Every layer on its own, and stacks of all kinds.
fn packets() -> Vec<Vec<u8>> {
    let alone = layers::ALL.iter().map(|desc| Packet::new(desc));
    alone.chain(seeds::packets(400)).filter_map(|packet| seeds::keyed(&packet)).collect()
}
