//! Floor 0: plain values that everything above needs. No sockets, no clock, no chance.

pub mod checksum;
pub mod mac;
pub mod nearest;
pub mod ports;
pub mod rng;
pub mod targets;
pub mod text;
pub mod time;

pub use mac::Mac;
pub use rng::Rng;
pub use time::Time;
