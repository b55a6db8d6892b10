//! Reading pcapng.

use super::super::bytes::{Order, cut};
use super::super::decode::{Found, Step};
use super::super::{MOST_BLOCK, MOST_PACKET, SNAPLEN};
use super::{
    AROUND, BYTE_ORDER, CHECKSUM_NOT_READY, DIRECTION, ENHANCED_PACKET, EPB_FLAGS, Encoder, IF_NAME, IF_TSOFFSET,
    IF_TSRESOL, INTERFACE, MAGIC, OLD_PACKET, OPT_COMMENT, OPT_END, OUTBOUND, PACKET_HEAD, SECTION, SIMPLE_PACKET,
    padded,
};
use crate::net::{Checksum, Medium};

/// No section needs more interfaces, and a hostile one gets no more memory.
const MOST_INTERFACES: usize = 65_536;
/// The longest interface name that we keep, in bytes.
const MOST_NAME: usize = 256;

/// Reads a file.
#[derive(Debug)]
pub(in super::super) struct Decoder {
    order: Order,
    /// Whether the section's header leaves its length open, so that more may follow.
    is_open: bool,
    /// The interfaces of this section.
    interfaces: Vec<Interface>,
    /// The last packet's comments.
    comment: String,
}

#[derive(Debug)]
struct Interface {
    medium: Medium,
    snaplen: u32,
    name: Option<Box<str>>,
    clock: Clock,
}

impl Interface {
    /// Whether it is as [`Encoder`] describes its own: in nanoseconds, nothing cut.
    fn is_ours(&self) -> bool {
        let is_long = self.snaplen == 0 || self.snaplen as usize >= SNAPLEN;
        is_long && self.clock == Clock { tick: Tick::Nanos(1), zero: 0 }
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self { order: Order::Little, is_open: false, interfaces: Vec::new(), comment: String::new() }
    }
}

impl Decoder {
    pub(in super::super) fn step(&mut self, bytes: &[u8]) -> Step {
        if bytes.len() < AROUND {
            return Step::Need(AROUND);
        }
        let is_section = bytes.starts_with(&MAGIC);
        if is_section {
            let orders = [Order::Little, Order::Big];
            match orders.into_iter().find(|order| order.u32(bytes, 8) == BYTE_ORDER) {
                Some(order) => self.order = order,
                None => return Step::Broken("the section's byte order mark is wrong".to_owned()),
            }
        }
        let len = self.order.u32(bytes, 4) as usize;
        let least = if is_section { 28 } else { AROUND };
        if len < least || !len.is_multiple_of(4) || len > MOST_BLOCK {
            return Step::Broken(format!("a block of {len} bytes cannot be, the most are {MOST_BLOCK}"));
        }
        if bytes.len() < len {
            return Step::Need(len);
        }
        let again = self.order.u32(bytes, len - 4);
        if again as usize != len {
            return Step::Broken(format!("the block has {len} bytes by its begin, and {again} by its end"));
        }
        let body = &bytes[8..len - 4];
        let found = match self.order.u32(bytes, 0) {
            SECTION => self.section(body),
            INTERFACE => self.interface(body),
            ENHANCED_PACKET => self.packet(body, self.order.u32(body, 0)),
            // An interface number of 16 bits, and as many for a count of losses.
            OLD_PACKET => self.packet(body, u32::from(self.order.u16(body, 0))),
            SIMPLE_PACKET => self.simple_packet(body),
            _ => Ok(None), // names, statistics, and what others have made up
        };
        match found {
            Ok(None) => Step::Skip(len),
            Ok(Some(found)) => {
                let body = found.body.start + 8..found.body.end + 8;
                Step::Packet(Found { whole: len, body, ..found })
            }
            Err(what) => Step::Broken(what),
        }
    }

    pub(in super::super) fn name(&self, iface: u32) -> Option<&str> {
        self.interfaces.get(iface as usize)?.name.as_deref()
    }

    pub(in super::super) fn comment(&self) -> &str {
        &self.comment
    }

    /// Goes on with the file behind its last block: in the last section, unless its header has numbered its bytes.
    ///
    /// (Wireshark 4.0 gives packets of a second section the interface names of the first.)
    pub(in super::super) fn encoder(&self, out: &mut Vec<u8>) -> Encoder {
        if !self.is_open {
            return Encoder::new(self.order, out);
        }
        let mut encoder = Encoder::after(self.order, self.interfaces.len() as u32);
        for (number, interface) in self.interfaces.iter().enumerate().filter(|(_, interface)| interface.is_ours()) {
            encoder.knows(number as u32, interface.medium, interface.name.as_deref());
        }
        encoder
    }

    /// Whether these bytes begin a packet's block.
    pub(in super::super) fn is_packet(&self, bytes: &[u8]) -> bool {
        [ENHANCED_PACKET, SIMPLE_PACKET, OLD_PACKET].contains(&self.order.u32(bytes, 0))
    }

    /// A section header (section 4.1): interfaces are counted anew.
    fn section(&mut self, body: &[u8]) -> Result<Option<Found>, String> {
        self.interfaces.clear();
        self.is_open = self.order.u64(body, 8) == u64::MAX;
        match (self.order.u16(body, 4), self.order.u16(body, 6)) {
            (1, _) => Ok(None),
            (major, minor) => Err(format!("version {major}.{minor} of pcapng is unknown, 1.0 is known")),
        }
    }

    /// An interface description (section 4.2).
    fn interface(&mut self, body: &[u8]) -> Result<Option<Found>, String> {
        if body.len() < 8 {
            return Err("an interface without a link type".to_owned());
        }
        if self.interfaces.len() >= MOST_INTERFACES {
            return Err(format!("the section has more than {MOST_INTERFACES} interfaces"));
        }
        let order = self.order;
        let (mut name, mut resolution, mut offset) = (None, 6, 0);
        for (code, value) in options(order, &body[8..]) {
            match (code, value.len()) {
                (IF_NAME, _) => {
                    let text = String::from_utf8_lossy(value);
                    let text = cut(text.trim_end_matches('\0'), MOST_NAME);
                    name = (!text.is_empty()).then(|| text.into());
                }
                (IF_TSRESOL, 1) => resolution = value[0],
                (IF_TSOFFSET, 8) => offset = order.u64(value, 0) as i64,
                _ => {}
            }
        }
        self.interfaces.push(Interface {
            medium: Medium::of_link_type(order.u16(body, 0)),
            snaplen: order.u32(body, 4),
            name,
            clock: Clock::new(resolution, offset),
        });
        Ok(None)
    }

    /// An enhanced packet (section 4.3), or an obsolete one (appendix A).
    fn packet(&mut self, body: &[u8], iface: u32) -> Result<Option<Found>, String> {
        let order = self.order;
        let interface = interface(&self.interfaces, iface)?;
        if body.len() < PACKET_HEAD {
            return Err("the packet's block is too short".to_owned());
        }
        let [high, low, len, wire_len] = [4, 8, 12, 16].map(|at| order.u32(body, at));
        let range = PACKET_HEAD..PACKET_HEAD + checked(len, body.len() - PACKET_HEAD)?;
        let mut found = Found {
            whole: 0,
            wall: interface.clock.wall(u64::from(high) << 32 | u64::from(low)),
            wire_len: wire_len.max(len),
            medium: interface.medium,
            iface,
            outgoing: false,
            checksum: Checksum::Ready,
            has_comment: false,
            body: range,
        };
        let rest = body.get(padded(found.body.end)..).unwrap_or_default();
        if !rest.is_empty() {
            self.add_options(rest, &mut found);
        }
        Ok(Some(found))
    }

    fn add_options(&mut self, rest: &[u8], found: &mut Found) {
        for (code, value) in options(self.order, rest) {
            match (code, value.len()) {
                (OPT_COMMENT, 1..) => {
                    let text = String::from_utf8_lossy(value);
                    let text = text.trim_end_matches('\0');
                    if text.is_empty() {
                        continue;
                    }
                    if found.has_comment {
                        self.comment.push('\n');
                    } else {
                        self.comment.clear();
                    }
                    self.comment.push_str(text);
                    found.has_comment = true;
                }
                (EPB_FLAGS, 4) => {
                    let flags = self.order.u32(value, 0);
                    found.outgoing = flags & DIRECTION == OUTBOUND;
                    if flags & CHECKSUM_NOT_READY != 0 {
                        found.checksum = Checksum::Partial;
                    }
                }
                _ => {}
            }
        }
    }

    /// A simple packet (section 4.4): the first interface's, without a time.
    fn simple_packet(&self, body: &[u8]) -> Result<Option<Found>, String> {
        let interface = interface(&self.interfaces, 0)?;
        if body.len() < 4 {
            return Err("the packet's block is too short".to_owned());
        }
        let wire_len = self.order.u32(body, 0);
        let most = if interface.snaplen == 0 { u32::MAX } else { interface.snaplen };
        let len = checked(wire_len.min(most).min(body.len() as u32 - 4), body.len() - 4)?;
        Ok(Some(Found {
            whole: 0,
            body: 4..4 + len,
            wall: 0,
            wire_len,
            medium: interface.medium,
            iface: 0,
            outgoing: false,
            checksum: Checksum::Ready,
            has_comment: false,
        }))
    }
}

fn interface(all: &[Interface], number: u32) -> Result<&Interface, String> {
    all.get(number as usize)
        .ok_or_else(|| format!("it names interface {number}, and the section has described {} so far", all.len()))
}

/// A packet's length, when it can be.
fn checked(len: u32, room: usize) -> Result<usize, String> {
    let len = len as usize;
    if len > MOST_PACKET {
        return Err(format!("it claims {len} bytes, and {MOST_PACKET} are the most"));
    }
    if len > room {
        return Err(format!("it claims {len} bytes, and its block has room for {room}"));
    }
    Ok(len)
}

/// The options in `rest`, up to the first that is not whole (section 3.5).
fn options(order: Order, mut rest: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let (code, len) = (order.u16(rest, 0), order.u16(rest, 2) as usize);
        let value = rest.get(4..4 + len).filter(|_| code != OPT_END)?;
        rest = rest.get(4 + padded(len)..).unwrap_or_default();
        Some((code, value))
    })
}

/// How an interface's ticks become wall time (`if_tsresol` and `if_tsoffset`, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Clock {
    tick: Tick,
    /// In nanoseconds since 1970.
    zero: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tick {
    /// A tick is so many nanoseconds.
    Nanos(u64),
    /// So many ticks are a nanosecond.
    PerNano(u64),
    /// A tick is a second, halved so often.
    Halved(u8),
}

impl Clock {
    fn new(resolution: u8, offset: i64) -> Self {
        let tick = match resolution {
            0..=9 => Tick::Nanos(10_u64.pow(9 - u32::from(resolution))),
            10..=127 => Tick::PerNano(10_u64.checked_pow(u32::from(resolution) - 9).unwrap_or(u64::MAX)),
            _ => Tick::Halved(resolution & 0x7f),
        };
        Self { tick, zero: offset.saturating_mul(1_000_000_000) }
    }

    /// Nanoseconds since 1970, as near as 64 bits can say it.
    fn wall(self, ticks: u64) -> i64 {
        let nanos = match self.tick {
            Tick::Nanos(one) => u128::from(ticks) * u128::from(one),
            Tick::PerNano(many) => u128::from(ticks / many),
            Tick::Halved(times) => (u128::from(ticks) * 1_000_000_000) >> times,
        };
        let sum = i128::try_from(nanos).unwrap_or(i128::MAX).saturating_add(i128::from(self.zero));
        sum.clamp(i128::from(i64::MIN), i128::from(i64::MAX)) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_of_every_resolution_become_nanoseconds() {
        for (resolution, offset, ticks, wall) in [
            (6, 0, 1_700_000_000_123_456, 1_700_000_000_123_456_000),
            (9, 0, 1_700_000_000_123_456_789, 1_700_000_000_123_456_789),
            (0, 0, 1_700_000_000, 1_700_000_000_000_000_000),
            (9, -5, 7_000_000_000, 2_000_000_000),
            (3, 1_700_000_000, 5, 1_700_000_000_005_000_000),
            (12, 0, 1_234_567, 1234),
            (127, 0, 1_234_567, 0),
            (0x80, 0, 3, 3_000_000_000),
            (0x94, 0, 3 << 19, 1_500_000_000),
            (0xff, 0, u64::MAX, 0),
            (0, i64::MAX, u64::MAX, i64::MAX),
            (0, i64::MIN, 0, i64::MIN),
        ] {
            assert_eq!(Clock::new(resolution, offset).wall(ticks), wall, "{resolution:#x} {offset} {ticks}");
        }
    }

    #[test]
    fn options_end_where_they_are_cut() {
        let two = [1, 0, 3, 0, b'a', b'b', b'c', 0, 2, 0, 1, 0, 9];
        let found: Vec<_> = options(Order::Little, &two).collect();
        assert_eq!(found, [(1, &b"abc"[..]), (2, &[9])]);
        assert_eq!(options(Order::Little, &two[..12]).count(), 1);
        assert_eq!(options(Order::Little, &two[..6]).count(), 0);
        assert_eq!(options(Order::Big, &[0, 0, 0, 0, 0, 1, 0, 0]).count(), 0);
        assert_eq!(options(Order::Big, &[0, 1, 0, 0]).count(), 1);
    }
}
