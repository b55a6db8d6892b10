//! A captured packet, as files and stores give it.

use crate::net::{Checksum, Frame, Medium};

/// A captured packet. Its bytes and texts are borrowed from where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The bytes as captured, link-layer header and VLAN tag included.
    pub bytes: &'a [u8],
    /// When it came, in nanoseconds since 1970 UTC; 0 in files that do not say it.
    pub wall: i64,
    /// Length on the wire: more than `bytes.len()` when the capture cut it, and never less.
    pub wire_len: usize,
    /// What the bytes begin with.
    pub medium: Medium,
    /// The interface's name, where it is known.
    pub iface: Option<&'a str>,
    /// Sent by the machine that captured it.
    pub outgoing: bool,
    /// Whether the transport checksum has been computed.
    pub checksum: Checksum,
    /// What somebody noted; several comments are lines of one text.
    pub comment: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// A packet of which only the bytes and the time are known.
    pub fn new(bytes: &'a [u8], wall: i64, medium: Medium) -> Self {
        Self {
            bytes,
            wall,
            wire_len: bytes.len(),
            medium,
            iface: None,
            outgoing: false,
            checksum: Checksum::Ready,
            comment: None,
        }
    }

    /// A frame of a link whose clock shows zero at `wall_zero` (in nanoseconds since 1970 UTC).
    ///
    /// The VLAN tag that the kernel took out goes back behind the addresses (IEEE 802.1Q); `scratch` then holds the
    /// bytes.
    pub fn of_frame(frame: &Frame<'a>, wall_zero: i64, iface: Option<&'a str>, scratch: &'a mut Vec<u8>) -> Self {
        let tag = frame.vlan.filter(|_| frame.medium == Medium::Ethernet && frame.bytes.len() >= 12);
        let bytes = match tag {
            Some(tag) => {
                let (addresses, rest) = frame.bytes.split_at(12);
                joined(scratch, &[addresses, &tag.to_be_bytes(), rest])
            }
            None => frame.bytes,
        };
        Self {
            wire_len: frame.wire_len.max(frame.bytes.len()) + (bytes.len() - frame.bytes.len()),
            iface,
            outgoing: frame.outgoing,
            checksum: frame.checksum,
            ..Self::new(bytes, wall_zero.saturating_add(frame.at.nanos()), frame.medium)
        }
    }

    /// The same as an Ethernet frame, for a file of one link type that several interfaces share.
    ///
    /// A packet without a link-layer header gets one with zero addresses, as loopback's have; `scratch` then holds
    /// the bytes.
    #[must_use]
    pub fn in_ethernet(self, scratch: &'a mut Vec<u8>) -> Self {
        if self.medium != Medium::Ip {
            return Self { medium: Medium::Ethernet, ..self };
        }
        let is_v6 = self.bytes.first().is_some_and(|b| b >> 4 == 6);
        let kind = if is_v6 { [0x86, 0xdd] } else { [8, 0] };
        let bytes = joined(scratch, &[&[0; 12], &kind, self.bytes]);
        Self { bytes, wire_len: self.wire_len + 14, medium: Medium::Ethernet, ..self }
    }
}

fn joined<'a>(scratch: &'a mut Vec<u8>, parts: &[&[u8]]) -> &'a [u8] {
    scratch.clear();
    for part in parts {
        scratch.extend_from_slice(part);
    }
    scratch
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Time;

    fn frame(medium: Medium, bytes: &[u8], vlan: Option<u32>, wire_len: usize) -> Frame<'_> {
        let at = Time::from_nanos(1_000_000_007);
        Frame { bytes, at, iface: 1, medium, outgoing: true, vlan, wire_len, checksum: Checksum::Partial }
    }

    fn in_ethernet(frame: &Frame<'_>) -> (Vec<u8>, usize) {
        let (mut one, mut two) = (Vec::new(), Vec::new());
        let record = Record::of_frame(frame, 0, None, &mut one).in_ethernet(&mut two);
        assert_eq!(record.medium, Medium::Ethernet);
        (record.bytes.to_vec(), record.wire_len)
    }

    #[test]
    fn a_frame_becomes_a_record() {
        let bytes = [7; 60];
        let mut scratch = Vec::new();
        let frame = frame(Medium::Ethernet, &bytes, None, 1514);
        let record = Record::of_frame(&frame, 5_000_000_000, Some("eth0"), &mut scratch);
        let wanted = Record {
            bytes: &bytes,
            wall: 6_000_000_007,
            wire_len: 1514,
            medium: Medium::Ethernet,
            iface: Some("eth0"),
            outgoing: true,
            checksum: Checksum::Partial,
            comment: None,
        };
        assert_eq!(record, wanted);
        assert_eq!(Record::of_frame(&frame, i64::MAX, None, &mut Vec::new()).wall, i64::MAX);
    }

    #[test]
    fn a_vlan_tag_goes_back_to_its_place() {
        let mut bytes = [7; 60];
        bytes[12..14].copy_from_slice(&[8, 0]);
        let (tagged, wire_len) = in_ethernet(&frame(Medium::Ethernet, &bytes, Some(0x8100_2005), 60));
        assert_eq!((tagged.len(), wire_len), (64, 64));
        assert_eq!(tagged[12..18], [0x81, 0, 0x20, 5, 8, 0]);
        assert_eq!(tagged[18..], bytes[14..]);
    }

    #[test]
    fn packets_without_a_link_layer_get_an_empty_one() {
        for (first, kind) in [(0x45, [8, 0]), (0x60, [0x86, 0xdd])] {
            let (bytes, wire_len) = in_ethernet(&frame(Medium::Ip, &[first, 1, 2], None, 3));
            assert_eq!(wire_len, 17);
            assert_eq!(bytes, [&[0; 12][..], &kind, &[first, 1, 2]].concat());
        }
    }

    #[test]
    fn a_frame_shorter_than_its_header_stays_as_it_is() {
        for len in 0..14 {
            assert_eq!(in_ethernet(&frame(Medium::Ethernet, &[9; 14][..len], None, len)), (vec![9; len], len));
        }
        assert_eq!(in_ethernet(&frame(Medium::Ethernet, &[9; 11], Some(1), 11)).0, [9; 11]);
    }
}
