//! What the targets begin with, when no kept input is there yet: `tests/fuzz/run keep` writes it and keeps the best.
#![allow(dead_code, reason = "each target uses its part")]

#[path = "../../common/mod.rs"]
pub(crate) mod common;

use common::{Manner, random};
use pktsh::layers;
use pktsh::packet::{LayerDesc, Nowhere, Packet};

/// Writes the seeds of a target into the folder `FUZZ_SEEDS` and ends, if there is such a variable.
pub(crate) fn write(seeds: fn() -> Vec<Vec<u8>>) {
    let Some(folder) = std::env::var_os("FUZZ_SEEDS") else { return };
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    for (number, seed) in seeds().iter().enumerate() {
        let path = std::path::Path::new(&folder).join(format!("seed-{number:04}"));
        std::fs::write(path, seed).expect("the seed can be written");
    }
    std::process::exit(0);
}

/// Random packets, the same every time.
pub(crate) fn packets(count: u64) -> impl Iterator<Item = Packet> {
    let manners = [Manner::Straight, Manner::Straight, Manner::Wild, Manner::Chaos];
    (0..count).map(move |seed| random(seed, manners[seed as usize % manners.len()]))
}

/// A packet's bytes after the key of its first layer; nothing when it cannot be built alone.
pub(crate) fn keyed(packet: &Packet) -> Option<Vec<u8>> {
    let bytes = packet.bytes(&Nowhere).ok()?;
    Some([&key(packet.layers()[0].desc())[..], &bytes].concat())
}

/// The layer whose key is the nearest from `wanted` upward: each two bytes choose one, and the choice of a kept input
/// stays when layers come or move.
pub(crate) fn layer(wanted: [u8; 2]) -> &'static LayerDesc {
    let distance = |desc: &&LayerDesc| u16::from_be_bytes(key(desc)).wrapping_sub(u16::from_be_bytes(wanted));
    layers::ALL.iter().copied().min_by_key(distance).expect("there are layers")
}

/// The FNV-1a sum of a layer's name, folded to 16 bits.
fn key(desc: &LayerDesc) -> [u8; 2] {
    let sum = desc.name.bytes().fold(0x811c_9dc5_u32, |sum, byte| (sum ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    ((sum >> 16 ^ sum) as u16).to_be_bytes()
}
