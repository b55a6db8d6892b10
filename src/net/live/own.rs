//! Packets that the kernel sends for us ([`Via::Ip`](crate::net::Via::Ip)): the capture hears them go out, and must not
//! take them for the kernel's own. (What goes out by the capture's own socket is not given back to it.)

use std::collections::VecDeque;

use crate::base::rng;
use crate::net::{Frame, Medium};

/// Packets whose outgoing copies may still come, at most.
const KEPT: usize = 64;

/// Marks of the packets that were sent.
#[derive(Default)]
pub(super) struct Own(VecDeque<u64>);

impl Own {
    /// Remembers an IP packet; the oldest is forgotten.
    pub(super) fn remember(&mut self, packet: &[u8]) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.extend(mark(packet));
    }

    /// Whether an outgoing frame is such a packet. It is forgotten then: the kernel may send the same.
    pub(super) fn is(&mut self, frame: &Frame<'_>) -> bool {
        if !frame.outgoing || self.0.is_empty() {
            return false;
        }
        let packet = if frame.medium == Medium::Ethernet { frame.bytes.get(14..) } else { Some(frame.bytes) };
        let at = packet.and_then(mark).and_then(|mark| self.0.iter().position(|m| *m == mark));
        at.is_some_and(|at| self.0.remove(at).is_some())
    }

    /// Forgets all.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

/// A hash of what the kernel leaves alone in a packet that it sends for us: the destination and all after the header.
fn mark(packet: &[u8]) -> Option<u64> {
    let (addr, len) = match packet.first()? >> 4 {
        6 => (24..40, 40),
        _ => (16..20, usize::from(packet[0] & 15) * 4),
    };
    Some(rng::hash(rng::hash(0, packet.get(addr)?), packet.get(len..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Time;
    use crate::net::Checksum;

    #[test]
    fn own_packets_are_known_again_after_the_kernel_repaired_them_and_only_once() {
        let mut packet = vec![0x45; 40];
        let mut own = Own::default();
        own.remember(&packet);
        packet[2..6].fill(0xee); // length and id
        packet[10..16].fill(0xdd); // checksum and source
        let frame = Frame {
            bytes: &packet,
            at: Time::ZERO,
            iface: 1,
            medium: Medium::Ip,
            outgoing: true,
            vlan: None,
            wire_len: 40,
            checksum: Checksum::Ready,
        };
        assert!(!own.is(&Frame { outgoing: false, ..frame }));
        assert!(own.is(&frame));
        assert!(!own.is(&frame));
    }

    #[test]
    fn memory_is_bounded_and_no_length_of_a_packet_matters() {
        let mut own = Own::default();
        for len in 0..200 {
            own.remember(&vec![0x4f; len]);
            own.remember(&vec![0x60; len]);
        }
        assert_eq!(own.0.len(), KEPT);
    }
}
