//! Capture files: classic pcap with nanoseconds (draft-ietf-opsawg-pcap).
//!
//! Such a file has one link type, and ours is always Ethernet: a packet from an interface without a link-layer header
//! gets one with zero addresses, as loopback's have. So one file can hold what several interfaces carried.

use std::io::{self, Write};

use crate::net::{Frame, Medium};

/// `LINKTYPE_ETHERNET`.
const ETHERNET: u32 = 1;
/// The largest frame that readers must be ready for, as tcpdump writes it.
const SNAPLEN: u32 = 262_144;

/// A capture file that is being written.
#[derive(Debug)]
pub struct PcapWriter<W: Write> {
    out: W,
    record: Vec<u8>,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file's header.
    pub fn new(mut out: W) -> io::Result<Self> {
        let mut header = Vec::with_capacity(24);
        header.extend_from_slice(&0xa1b2_3c4d_u32.to_le_bytes()); // nanoseconds, little endian
        header.extend_from_slice(&[2, 0, 4, 0]); // version 2.4
        for word in [0, 0, SNAPLEN, ETHERNET] {
            header.extend_from_slice(&u32::to_le_bytes(word));
        }
        out.write_all(&header)?;
        Ok(Self { out, record: Vec::new() })
    }

    /// Writes one frame. `wall_zero` is the wall time of the frame's clock at zero, in nanoseconds since 1970.
    pub fn write(&mut self, wall_zero: i64, frame: &Frame<'_>) -> io::Result<()> {
        let wall = wall_zero.saturating_add(frame.at.nanos()).max(0);
        // Both addresses, and what follows them.
        let (addresses, tail) = match frame.medium {
            Medium::Ip => (&[0; 12][..], frame.bytes),
            _ => frame.bytes.split_at(frame.bytes.len().min(12)),
        };
        self.record.clear();
        self.record.resize(16, 0); // filled in below
        self.record.extend_from_slice(addresses);
        if let Some(tag) = frame.vlan {
            self.record.extend_from_slice(&tag.to_be_bytes()); // back where the kernel took it out
        }
        if frame.medium == Medium::Ip {
            let is_v6 = frame.bytes.first().is_some_and(|b| b >> 4 == 6);
            self.record.extend_from_slice(if is_v6 { &[0x86, 0xdd] } else { &[8, 0] });
        }
        self.record.extend_from_slice(tail);
        let added = self.record.len() - 16 - frame.bytes.len();
        self.record.truncate(16 + SNAPLEN as usize);
        let kept = self.record.len() - 16;
        let on_wire = (frame.wire_len + added).max(kept);
        let words = [wall / 1_000_000_000, wall % 1_000_000_000, kept as i64, on_wire as i64];
        for (place, word) in self.record.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&(word as u32).to_le_bytes());
        }
        self.out.write_all(&self.record)
    }

    /// Writes what is still in a buffer.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// The file, after the last frame.
    pub fn into_inner(self) -> W {
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Time;
    use crate::net::Checksum;

    fn record(medium: Medium, bytes: &[u8], vlan: Option<u32>, wire_len: usize) -> Vec<u8> {
        let frame = Frame {
            bytes,
            at: Time::from_nanos(1_000_000_007),
            iface: 1,
            medium,
            outgoing: false,
            vlan,
            wire_len,
            checksum: Checksum::Ready,
        };
        let mut writer = PcapWriter::new(Vec::new()).expect("memory");
        writer.write(5_000_000_000, &frame).expect("memory");
        writer.into_inner().split_off(24)
    }

    #[test]
    fn a_record_has_wall_time_and_both_lengths() {
        let mut bytes = [7; 60];
        bytes[12..14].copy_from_slice(&[8, 0]);
        let record = record(Medium::Ethernet, &bytes, None, 1514);
        assert_eq!(record[..16], [6, 0, 0, 0, 7, 0, 0, 0, 60, 0, 0, 0, 0xea, 5, 0, 0]);
        assert_eq!(record[16..], bytes);
    }

    #[test]
    fn a_vlan_tag_goes_back_to_its_place() {
        let mut bytes = [7; 60];
        bytes[12..14].copy_from_slice(&[8, 0]);
        let record = record(Medium::Ethernet, &bytes, Some(0x8100_2005), 60);
        assert_eq!(record[8..16], [64, 0, 0, 0, 64, 0, 0, 0]);
        assert_eq!(record[16 + 12..16 + 18], [0x81, 0, 0x20, 5, 8, 0]);
    }

    #[test]
    fn packets_without_a_link_layer_get_an_empty_one() {
        for (first, kind) in [(0x45, [8, 0]), (0x60, [0x86, 0xdd])] {
            let record = record(Medium::Ip, &[first, 1, 2], None, 3);
            assert_eq!(record[8..16], [17, 0, 0, 0, 17, 0, 0, 0]);
            assert_eq!(record[16..], [&[0; 12][..], &kind, &[first, 1, 2]].concat());
        }
    }

    #[test]
    fn a_frame_shorter_than_its_header_is_written_as_it_is() {
        for len in 0..14 {
            assert_eq!(record(Medium::Ethernet, &[9; 14][..len], None, len)[16..], [9; 14][..len]);
        }
    }
}
