//! The TCP of a simulated host: what it answers to a segment, and what it says of its own accord (RFC 9293).
//!
//! | file | what lives there |
//! |---|---|
//! | `stacks` | how one TCP differs from another: a row for each personality |
//! | `table` | the connections of a host; the ports where nothing is connected: CLOSED and LISTEN |
//! | `connection` | one connection, from SYN-SENT to TIME-WAIT |
//! | `speak` | what a connection sends, and when it sends it again |
//! | `linux` | where Linux does it in its own way |
//! | `options` | the options of a SYN and of its answer |
//! | `program` | what listens at a port and what calls one: echo, HTTP, a banner |

mod connection;
mod linux;
mod options;
mod program;
mod speak;
mod stacks;
mod table;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use options::Options;
pub(super) use program::Program;
pub(super) use stacks::{Stack, of};
pub(super) use table::{Connections, closed};

/// The control bits, as they lie in the header.
pub(super) mod flag {
    pub(in crate::lab) const FIN: u8 = 0x01;
    pub(in crate::lab) const SYN: u8 = 0x02;
    pub(in crate::lab) const RST: u8 = 0x04;
    pub(in crate::lab) const PSH: u8 = 0x08;
    pub(in crate::lab) const ACK: u8 = 0x10;
    pub(in crate::lab) const ECE: u8 = 0x40;
    pub(in crate::lab) const CWR: u8 = 0x80;
}
use flag::{FIN, SYN};

/// The maximum segment size that hosts announce to `peer`: Ethernet's 1500 bytes less two headers (RFC 9293 section
/// 3.7.1).
pub(super) fn mss(peer: IpAddr) -> u16 {
    if peer.is_ipv4() { 1460 } else { 1440 }
}

/// A segment as it came, its header and checksum found right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) ends: Ends,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
    /// As they lie in the header.
    pub(super) options: &'a [u8],
    pub(super) data: &'a [u8],
}

/// The four numbers that name a connection, from the host's side. The ports come first: they differ most, and decide
/// the order at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ends {
    pub(super) peer_port: u16,
    pub(super) local_port: u16,
    pub(super) peer: IpAddr,
    pub(super) local: IpAddr,
}

impl Ends {
    /// The ends as bytes, and how many these are: what a keyed hash is taken of.
    pub(super) fn bytes(&self) -> ([u8; 36], usize) {
        let (mut bytes, mut len) = ([0; 36], 0);
        let mut put = |part: &[u8]| {
            bytes[len..len + part.len()].copy_from_slice(part);
            len += part.len();
        };
        for addr in [self.peer, self.local] {
            match addr {
                IpAddr::V4(addr) => put(&addr.octets()),
                IpAddr::V6(addr) => put(&addr.octets()),
            }
        }
        put(&self.peer_port.to_be_bytes());
        put(&self.local_port.to_be_bytes());
        (bytes, len)
    }
}

impl Segment<'_> {
    fn has(&self, flags: u8) -> bool {
        self.flags & flags != 0
    }

    /// SEG.LEN: the data, and one each for SYN and FIN (RFC 9293 section 3.3.1).
    fn len(&self) -> u32 {
        self.data.len() as u32 + u32::from(self.has(SYN)) + u32::from(self.has(FIN))
    }

    /// The number after its last one.
    fn end(&self) -> u32 {
        self.seq.wrapping_add(self.len())
    }
}

/// A segment that goes out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    pub(super) window: u16,
    pub(super) options: Options,
    pub(super) data: Vec<u8>,
}

/// The segments that a connection sends, in their order.
pub(super) type Replies = Vec<(Ends, Reply)>;

/// Whether sequence number `a` comes before `b`, modulo 2^32 (section 3.4).
fn is_before(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) < 0
}
