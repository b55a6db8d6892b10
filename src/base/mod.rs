//! Floor 0: plain values that everything above needs. No sockets, no clock, no chance.

pub mod checksum;
pub mod common;
pub mod mac;
pub mod nearest;
pub mod ports;
pub mod protocols;
pub mod rng;
pub mod services;
pub mod spec;
pub mod table;
pub mod targets;
pub mod text;
pub mod time;
pub mod walk;

pub use mac::Mac;
pub use rng::Rng;
pub use spec::SpecError;
pub use time::Time;
pub use walk::Walk;
