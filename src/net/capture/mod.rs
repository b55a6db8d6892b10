//! Captured packets: held in memory ([`Store`]), read from files ([`Reader`], [`read_file`]), written to them ([`Writer`]).
//!
//! The files are classic pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), plain or in gzip.
//! A classic file has one link type, pcapng has one for each interface. What a file's end or fault leaves unread is
//! told in a note, and never costs the packets before it.

mod bytes;
mod decode;
mod error;
mod foreign;
mod format;
mod pcap;
mod pcapng;
mod reader;
mod record;
mod sources;
mod store;
#[cfg(test)]
mod tests;
mod window;
mod writer;

pub use error::FileError;
pub use format::{Format, Kind};
pub use reader::{Reader, read_file, read_file_within};
pub use record::Record;
pub use store::{Full, Store};
pub use writer::Writer;

/// The most bytes of a packet that we write, as tcpdump has it; a longer packet is cut.
pub const SNAPLEN: usize = 262_144;
/// The most bytes of a packet that we read: the same, and something for those who count a header more.
const MOST_PACKET: usize = SNAPLEN + 4096;
/// The largest block of a pcapng file, as Wireshark has it.
const MOST_BLOCK: usize = 16 << 20;
/// What [`read_file`] holds at most, in bytes.
pub const MOST_HELD: usize = 1 << 30;
