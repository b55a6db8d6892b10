//! The cookie of an INIT ACK: all that a host wants to know when it comes back, so that until then it remembers nothing
//! (RFC 9260 section 5.1.3).

use super::packet::be32;
use crate::base::{Time, rng};
use crate::lab::tcp::Ends;

/// What a host wants to know when the peer comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cookie {
    pub(super) own_tag: u32,
    pub(super) peer_tag: u32,
    pub(super) peer_tsn: u32,
    pub(super) made: Time,
}

impl Cookie {
    /// Bytes before the signature.
    const LEN: usize = 20;

    /// As it goes out, signed for these ends.
    pub(super) fn seal(self, ends: &Ends, secret: u64) -> Vec<u8> {
        let mut bytes = [self.own_tag, self.peer_tag, self.peer_tsn].map(u32::to_be_bytes).concat();
        bytes.extend_from_slice(&self.made.nanos().to_be_bytes());
        let signature = rng::hash(secret, &signed(ends, &[&bytes]));
        bytes.extend_from_slice(&signature.to_be_bytes());
        bytes
    }

    /// Reads one that was signed for these ends.
    pub(super) fn open(bytes: &[u8], ends: &Ends, secret: u64) -> Option<Self> {
        let made = bytes.get(12..Self::LEN)?.try_into().ok().map(i64::from_be_bytes)?;
        let (own_tag, peer_tag, peer_tsn) = (be32(bytes, 0)?, be32(bytes, 4)?, be32(bytes, 8)?);
        let cookie = Self { own_tag, peer_tag, peer_tsn, made: Time::from_nanos(made) };
        (cookie.seal(ends, secret) == bytes).then_some(cookie)
    }
}

/// The bytes that a keyed hash is taken of.
pub(super) fn signed(ends: &Ends, parts: &[&[u8]]) -> Vec<u8> {
    let (key, len) = ends.bytes();
    let mut bytes = key[..len].to_vec();
    bytes.extend(parts.iter().copied().flatten());
    bytes
}
