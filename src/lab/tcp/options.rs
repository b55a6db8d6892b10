//! The options of a SYN, and those with which a host answers it (RFC 9293 section 3.2, RFC 7323, RFC 2018).

use etherparse::{TcpOptionElement, TcpOptionsIterator};

use super::Segment;

/// What a SYN offers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    /// The largest segment that the peer takes, in bytes of data.
    pub(super) mss: Option<u16>,
    /// It shifts its windows.
    pub(super) scale: Option<u8>,
    /// It understands selective acknowledgments.
    pub(super) sack: bool,
    /// It stamps its segments; the value of its stamp.
    pub(super) timestamp: Option<u32>,
}

impl Offer {
    /// What the SYN of an active open offers, as far as its stack knows it.
    pub(super) const ALL: Self = Self { mss: None, scale: Some(0), sack: true, timestamp: Some(0) };

    /// Reads the options up to the first one that is broken.
    pub(super) fn of(segment: &Segment<'_>) -> Self {
        let mut offer = Self::default();
        for option in TcpOptionsIterator::from_slice(segment.options).map_while(Result::ok) {
            match option {
                TcpOptionElement::MaximumSegmentSize(mss) => offer.mss = Some(mss),
                TcpOptionElement::WindowScale(shift) => offer.scale = Some(shift.min(14)), // RFC 7323 section 2.3
                TcpOptionElement::SelectiveAcknowledgementPermitted => offer.sack = true,
                TcpOptionElement::Timestamp(value, _) => offer.timestamp = Some(value),
                _ => {}
            }
        }
        offer
    }
}

/// A part of a SYN/ACK's options, as stacks arrange them in words of four bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// The maximum segment size, always.
    Mss,
    /// The shift of the windows, one byte of padding before it.
    NopScale(u8),
    /// Selective acknowledgments and timestamps in one, or one of them with padding in the other's place.
    SackTimestamp,
    /// The same, but selective acknowledgments alone end the list.
    SackEolTimestamp,
    /// Selective acknowledgments, padding before.
    NopNopSack,
    /// Selective acknowledgments, padding behind.
    SackNopNop,
    /// Selective acknowledgments, and the end of the list behind.
    SackEolEol,
    /// Timestamps, padding before.
    NopNopTimestamp,
}

const EOL: u8 = 0;
const NOP: u8 = 1;
const MSS: u8 = 2;
const SCALE: u8 = 3;
const SACK: u8 = 4;
const TIMESTAMP: u8 = 8;

/// Options as they lie in a header: at most 40 bytes, whole words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::lab) struct Options {
    bytes: [u8; 40],
    len: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { bytes: [EOL; 40], len: 0 }
    }
}

impl Options {
    /// The bytes.
    pub(in crate::lab) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The answer to an offer: of `units` what the peer offered as well. A maximum segment size of `mss`, and a timestamp
    /// of `stamp`.
    pub(super) fn answer(units: &[Unit], offer: &Offer, mss: u16, stamp: u32) -> Self {
        let mut options = Self::default();
        for unit in units {
            match (unit, offer.sack, offer.timestamp) {
                (Unit::Mss, ..) => {
                    let [high, low] = mss.to_be_bytes();
                    options.put(&[MSS, 4, high, low]);
                }
                (Unit::NopScale(shift), ..) if offer.scale.is_some() => options.put(&[NOP, SCALE, 3, *shift]),
                (Unit::SackTimestamp | Unit::SackEolTimestamp, true, Some(echo)) => {
                    options.put_stamp([SACK, 2], stamp, echo);
                }
                (Unit::SackTimestamp | Unit::SackEolTimestamp | Unit::NopNopTimestamp, _, Some(echo)) => {
                    options.put_stamp([NOP, NOP], stamp, echo);
                }
                (Unit::SackTimestamp | Unit::NopNopSack, true, _) => options.put(&[NOP, NOP, SACK, 2]),
                (Unit::SackNopNop, true, _) => options.put(&[SACK, 2, NOP, NOP]),
                (Unit::SackEolTimestamp | Unit::SackEolEol, true, _) => options.put(&[SACK, 2, EOL, EOL]),
                _ => {}
            }
        }
        options
    }

    /// A timestamp alone, as in every segment of a connection that has them (RFC 7323 section 3.2).
    pub(super) fn stamp(stamp: u32, echo: u32) -> Self {
        let mut options = Self::default();
        options.put_stamp([NOP, NOP], stamp, echo);
        options
    }

    fn put_stamp(&mut self, before: [u8; 2], stamp: u32, echo: u32) {
        self.put(&before);
        self.put(&[TIMESTAMP, 10]);
        self.put(&stamp.to_be_bytes());
        self.put(&echo.to_be_bytes());
    }

    /// Adds bytes; there is room for all that [`Unit`]s can ask for.
    fn put(&mut self, bytes: &[u8]) {
        if let Some(room) = self.bytes.get_mut(self.len..self.len + bytes.len()) {
            room.copy_from_slice(bytes);
            self.len += bytes.len();
        }
    }
}
