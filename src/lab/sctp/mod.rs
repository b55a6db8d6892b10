//! The SCTP of a simulated host, by RFC 9260, with bytes of its own.
//!
//! Hosts only serve: they open no association, send no data, and take what comes in order. What is out of order is not
//! kept, so that the peer sends it again. Until a cookie comes back nothing is remembered (section 5.1.3).

mod cookie;
mod packet;

use std::collections::BTreeMap;
use std::time::Duration;

use super::tcp::Ends;
use crate::base::{Time, rng};
use cookie::{Cookie, signed};
use packet::{Answer, Block, Chunk, LONGEST, be16, be32, one, only, put};

pub(super) use packet::Packet;

/// The types of chunks (section 3.2).
mod kind {
    pub(super) const DATA: u8 = 0;
    pub(super) const INIT: u8 = 1;
    pub(super) const INIT_ACK: u8 = 2;
    pub(super) const SACK: u8 = 3;
    pub(super) const HEARTBEAT: u8 = 4;
    pub(super) const HEARTBEAT_ACK: u8 = 5;
    pub(super) const ABORT: u8 = 6;
    pub(super) const SHUTDOWN: u8 = 7;
    pub(super) const SHUTDOWN_ACK: u8 = 8;
    pub(super) const ERROR: u8 = 9;
    pub(super) const COOKIE_ECHO: u8 = 10;
    pub(super) const COOKIE_ACK: u8 = 11;
    pub(super) const SHUTDOWN_COMPLETE: u8 = 14;
}

/// The causes of errors (section 3.3.10).
mod cause {
    pub(super) const STALE_COOKIE: u16 = 3;
    pub(super) const UNRECOGNIZED_CHUNK: u16 = 6;
    pub(super) const NO_USER_DATA: u16 = 9;
}

/// The parameters of INIT and INIT ACK (section 3.3.2.1) that matter here.
mod parameter {
    pub(super) const STATE_COOKIE: u16 = 7;
    pub(super) const UNRECOGNIZED: u16 = 8;
    /// Addresses and their families, and the wish for a longer cookie: known, and of no consequence.
    pub(super) const KNOWN: [u16; 4] = [5, 6, 9, 12];
    /// A name instead of an address, which is no longer allowed (section 3.3.2.1.2).
    pub(super) const HOST_NAME: u16 = 11;
}

/// The T bit of ABORT and SHUTDOWN COMPLETE: the tag is that of the packet which is answered (section 8.5.1).
const T: u8 = 1;

/// What a peer must at least be able to receive at once, in bytes (section 3.3.2).
const LEAST_WINDOW: u32 = 1500;

/// The window and the streams that hosts announce: as Linux, whose default buffer leaves that much.
const WINDOW: u32 = 106_496;
const STREAMS_OUT: u16 = 10;
const STREAMS_IN: u16 = u16::MAX;

/// How long a cookie is good (section 16, Valid.Cookie.Life).
const COOKIE_LIFE: Duration = Duration::from_mins(1);

/// How long an association may be idle. A real host sends a HEARTBEAT every 30 s and gives up after ten without an
/// answer (section 16, HB.Interval and Association.Max.Retrans).
const IDLE: Duration = Duration::from_mins(5);

/// The associations of one host.
#[derive(Debug)]
pub(super) struct Associations {
    secret: u64,
    table: BTreeMap<Ends, Association>,
}

#[derive(Clone, Copy, Debug)]
struct Association {
    own_tag: u32,
    peer_tag: u32,
    /// The last TSN up to which everything has come.
    received: u32,
    /// A SHUTDOWN ACK went out.
    is_closing: bool,
    heard: Time,
}

impl Associations {
    /// Associations held at once; further ones are not made.
    const MOST: usize = 1024;

    /// `secret` makes tags and signs cookies.
    pub(super) fn new(secret: u64) -> Self {
        Self { secret, table: BTreeMap::new() }
    }

    /// The packet that answers `packet` at a port that is open or not.
    pub(super) fn receive(&mut self, packet: &Packet<'_>, is_open: bool, now: Time) -> Option<Vec<u8>> {
        if self.table.get(&packet.ends).is_some_and(|association| now - association.heard > IDLE) {
            self.table.remove(&packet.ends);
        }
        let is_there = self.table.contains_key(&packet.ends);
        match packet.chunks().next()?.kind {
            kind::INIT => self.begin(packet, is_open || is_there, now),
            kind::COOKIE_ECHO if is_open || is_there => self.establish(packet, now),
            _ if is_there => self.continue_with(packet, Answer::new(packet, 0), now),
            _ => out_of_the_blue(packet, is_open),
        }
    }

    /// Section 5.1: an INIT gets an INIT ACK with all that is to be remembered in its cookie, or an ABORT.
    fn begin(&self, packet: &Packet<'_>, is_open: bool, now: Time) -> Option<Vec<u8>> {
        let mut chunks = packet.chunks();
        let (init, None, 0) = (chunks.next()?.value, chunks.next(), packet.tag) else { return None }; // 8.5.1, A
        let (tag, window, tsn) = (be32(init, 0)?, be32(init, 4)?, be32(init, 12)?);
        let (streams_out, streams_in) = (be16(init, 8)?, be16(init, 10)?);
        if tag == 0 {
            return None;
        }
        let is_right = streams_out > 0 && streams_in > 0 && window >= LEAST_WINDOW;
        let Some(reported) = unrecognized(&init[16..]).filter(|_| is_open && is_right) else {
            return only(packet, tag, kind::ABORT, 0, &[]); // 8.4, 3
        };
        let drawn = rng::hash(self.secret, &signed(&packet.ends, &[&init[..16], &now.nanos().to_be_bytes()]));
        let cookie = Cookie { own_tag: (drawn as u32).max(1), peer_tag: tag, peer_tsn: tsn, made: now };
        let mut value = Vec::new();
        value.extend_from_slice(&cookie.own_tag.to_be_bytes());
        value.extend_from_slice(&WINDOW.to_be_bytes());
        value.extend_from_slice(&STREAMS_OUT.min(streams_in).to_be_bytes());
        value.extend_from_slice(&STREAMS_IN.to_be_bytes());
        value.extend_from_slice(&((drawn >> 32) as u32).to_be_bytes());
        put(&mut value, parameter::STATE_COOKIE, &cookie.seal(&packet.ends, self.secret));
        value.extend_from_slice(&reported);
        only(packet, tag, kind::INIT_ACK, 0, &value)
    }

    /// Sections 5.1.5 and 5.2.4: a cookie that this host has made comes back. A bad one is dropped in silence.
    fn establish(&mut self, packet: &Packet<'_>, now: Time) -> Option<Vec<u8>> {
        let cookie = Cookie::open(packet.chunks().next()?.value, &packet.ends, self.secret)?;
        if packet.tag != cookie.own_tag {
            return None;
        }
        let mut answer = Answer::new(packet, cookie.peer_tag);
        let old = self.table.get(&packet.ends);
        if old.is_none_or(|old| (old.own_tag, old.peer_tag) != (cookie.own_tag, cookie.peer_tag)) {
            let late = (now - cookie.made).saturating_sub(COOKIE_LIFE);
            if !late.is_zero() {
                let late = u32::try_from(late.as_micros()).unwrap_or(u32::MAX);
                let cause = one(cause::STALE_COOKIE, &late.to_be_bytes());
                return only(packet, cookie.peer_tag, kind::ERROR, 0, &cause);
            }
            self.make_room(now)?;
            let received = cookie.peer_tsn.wrapping_sub(1);
            let Cookie { own_tag, peer_tag, .. } = cookie;
            let association = Association { own_tag, peer_tag, received, is_closing: false, heard: now };
            self.table.insert(packet.ends, association);
        }
        answer.add(kind::COOKIE_ACK, 0, &[]);
        self.continue_with(packet, answer, now)
    }

    /// `None` when no further association can be held.
    fn make_room(&mut self, now: Time) -> Option<()> {
        if self.table.len() >= Self::MOST {
            self.table.retain(|_, association| now - association.heard <= IDLE);
        }
        (self.table.len() < Self::MOST).then_some(())
    }

    /// Adds to `answer` what an association says to a packet.
    fn continue_with(&mut self, packet: &Packet<'_>, mut answer: Answer, now: Time) -> Option<Vec<u8>> {
        let association = self.table.get_mut(&packet.ends)?;
        answer.tag = association.peer_tag;
        if !association.receive(packet, &mut answer, now) {
            self.table.remove(&packet.ends);
        }
        answer.finish()
    }
}

impl Association {
    /// Acts on the chunks of a packet, in order; `false` when the association is over.
    fn receive(&mut self, packet: &Packet<'_>, answer: &mut Answer, now: Time) -> bool {
        let (mut has_data, mut duplicates) = (false, Vec::new());
        for chunk in packet.chunks() {
            if packet.tag != self.tag_of(&chunk) {
                break; // 8.5
            }
            self.heard = now;
            match chunk.kind {
                kind::DATA if self.is_closing => {}
                kind::DATA => match (be32(chunk.value, 0), chunk.value.len()) {
                    (Some(tsn), 12) => {
                        answer.add(kind::ABORT, 0, &one(cause::NO_USER_DATA, &tsn.to_be_bytes()));
                        return false; // 6.2
                    }
                    (Some(tsn), 13..) => {
                        has_data = true;
                        duplicates.extend(self.take(tsn).map(u32::to_be_bytes));
                    }
                    _ => break,
                },
                kind::HEARTBEAT => answer.add(kind::HEARTBEAT_ACK, 0, chunk.value), // 8.3
                kind::SHUTDOWN => {
                    self.is_closing = true;
                    answer.add(kind::SHUTDOWN_ACK, 0, &[]); // 9.2
                }
                kind::ABORT => return false,
                kind::SHUTDOWN_COMPLETE if self.is_closing => return false,
                kind::INIT => break, // 6.10: it never comes with others
                kind::INIT_ACK..=kind::SHUTDOWN_COMPLETE => {}
                _ if !pass_over(&chunk, answer) => break,
                _ => {}
            }
        }
        if has_data {
            // No gaps, and so many duplicates (6.2).
            let head = [self.received, WINDOW, duplicates.len() as u32].map(u32::to_be_bytes).concat();
            answer.add(kind::SACK, 0, &[head, duplicates.concat()].concat());
        }
        true
    }

    /// Takes the data with this number if they are next; the number, if they came before.
    fn take(&mut self, tsn: u32) -> Option<u32> {
        if tsn == self.received.wrapping_add(1) {
            self.received = tsn;
            return None;
        }
        (tsn.wrapping_sub(self.received) as i32 <= 0).then_some(tsn)
    }

    /// The tag that the packet must have with this chunk in it (section 8.5.1).
    fn tag_of(&self, chunk: &Chunk<'_>) -> u32 {
        let has_t = matches!(chunk.kind, kind::ABORT | kind::SHUTDOWN_COMPLETE) && chunk.flags & T != 0;
        if has_t { self.peer_tag } else { self.own_tag }
    }
}

/// A chunk of an unknown type, whose upper bits say whether it is reported and whether those behind it are looked at
/// (section 3.2).
fn pass_over(chunk: &Chunk<'_>, answer: &mut Answer) -> bool {
    if chunk.kind & 0x40 != 0 {
        let quote = one(u16::from(chunk.kind) << 8 | u16::from(chunk.flags), chunk.value);
        answer.add(kind::ERROR, 0, &one(cause::UNRECOGNIZED_CHUNK, &quote));
    }
    chunk.kind & 0x80 != 0
}

/// Section 8.4: a packet that belongs to no association, with the rules in their order.
fn out_of_the_blue(packet: &Packet<'_>, is_open: bool) -> Option<Vec<u8>> {
    let has = |wanted: u8| packet.chunks().any(|chunk| chunk.kind == wanted);
    let first = packet.chunks().next()?.kind;
    let is_dropped = packet.tag == 0 // 8.5.1, A: only an INIT has none
        || [kind::ABORT, kind::SHUTDOWN_COMPLETE, kind::INIT].into_iter().any(has)
        || (first == kind::INIT_ACK && is_open); // 5.2.3; without a listener it is like any other
    if is_dropped {
        return None;
    }
    if has(kind::SHUTDOWN_ACK) {
        return only(packet, packet.tag, kind::SHUTDOWN_COMPLETE, T, &[]);
    }
    let is_late = |chunk: Chunk<'_>| chunk.kind == kind::ERROR && be16(chunk.value, 0) == Some(cause::STALE_COOKIE);
    if has(kind::COOKIE_ACK) || packet.chunks().any(is_late) {
        return None;
    }
    only(packet, packet.tag, kind::ABORT, T, &[])
}

/// Walks through the parameters of an INIT: those to be reported, as they go into the INIT ACK (section 3.2.1). `None`
/// when one is malformed or not allowed.
fn unrecognized(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut reported = Vec::new();
    while !rest.is_empty() {
        let block = Block::first(rest)?;
        let (kind, value) = (block.kind, block.value);
        rest = block.rest.unwrap_or_default(); // the last one may lack its padding: it is not counted (section 3.2)
        if kind == parameter::HOST_NAME {
            return None;
        }
        if parameter::KNOWN.contains(&kind) {
            continue;
        }
        if kind & 0x4000 != 0 && reported.len() + value.len() < LONGEST / 2 {
            put(&mut reported, parameter::UNRECOGNIZED, &one(kind, value));
        }
        if kind & 0x8000 == 0 {
            break;
        }
    }
    Some(reported)
}
