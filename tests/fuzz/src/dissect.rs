//! Any bytes as any layer: nothing is lost, nothing panics, and no text moves the reader's cursor.
//!
//! The first two bytes of an input choose the layer that the rest begins with.
#![no_main]

mod seeds;

use libfuzzer_sys::fuzz_target;
use pktsh::layers::{self, dissect};
use pktsh::packet::{LayerDesc, Nowhere, Packet};
use seeds::common::checks::{given_back, loosened, survives};

fuzz_target!(init: seeds::write(packets), |input: &[u8]| {
    if let Some((key, bytes)) = input.split_first_chunk() {
        let first = seeds::layer(*key);
        given_back(first, bytes);
        again(first, bytes);
    }
});

/// An edit that changes nothing leaves a packet of which all can be asked, and so does reading it again.
fn again(first: &'static LayerDesc, bytes: &[u8]) {
    let edited = loosened(&dissect(first, &bytes.into()));
    survives(&edited);
    survives(&edited.build(&Nowhere).expect("nothing was changed").to_packet());
}

/// Every layer on its own, and stacks of all kinds.
fn packets() -> Vec<Vec<u8>> {
    let alone = layers::ALL.iter().map(|desc| Packet::new(desc));
    alone.chain(seeds::packets(400)).filter_map(|packet| seeds::keyed(&packet)).collect()
}
