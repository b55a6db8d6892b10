//! A sniffer's ring: `PACKET_RX_RING`, version 3 (the kernel's `Documentation/networking/packet_mmap.rst`).
//!
//! Version 3 fills blocks with frames of any length: none is cut, and one wait brings thousands of them. The price is
//! that a frame waits until its block is full or [`RETIRE`] has passed. An exchange cannot afford that (`ring`), a
//! sniffer can.

use std::io;
use std::mem::offset_of;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use socket2::SockFilter;

use super::ring::Slot;
use super::socket::{Map, PacketSocket};
use crate::net::bpf::Insn;

/// Bytes of one block: three of the longest frames that offload makes (64 KiB), or some 1800 of the shortest.
const BLOCK: usize = 256 << 10;
/// Blocks in the ring. Slow traffic uses one for each [`RETIRE`], so the reader may be away for 0.6 s.
const BLOCKS: usize = 64;
/// Bytes of the whole ring.
const RING: usize = BLOCK * BLOCKS;
/// How long the kernel keeps a block that is not full.
pub(super) const RETIRE: Duration = Duration::from_millis(10);

/// Where the words of a block's header lie.
const IN_HEADER: usize = offset_of!(libc::tpacket_block_desc, hdr);
const STATUS_AT: usize = IN_HEADER + offset_of!(libc::tpacket_hdr_v1, block_status);
const COUNT_AT: usize = IN_HEADER + offset_of!(libc::tpacket_hdr_v1, num_pkts);
const FIRST_AT: usize = IN_HEADER + offset_of!(libc::tpacket_hdr_v1, offset_to_first_pkt);
const OPENED_AT: usize = IN_HEADER + offset_of!(libc::tpacket_hdr_v1, ts_first_pkt);
/// Where `struct sockaddr_ll` lies behind a frame's header (`TPACKET3_HDRLEN`).
const ADDRESS_AT: usize = size_of::<libc::tpacket3_hdr>().next_multiple_of(libc::TPACKET_ALIGNMENT);

/// A packet socket with its ring of blocks.
pub(super) struct Blocks {
    map: Map,
    socket: PacketSocket,
    next: usize,
}

/// What a socket is to hear.
pub(super) struct Ear {
    /// The interface's index; 0 for all.
    pub(super) iface: u32,
    /// Of these, also frames to other stations (promiscuous mode, which ends with the socket).
    pub(super) promiscuous: Vec<u32>,
    /// The kernel's filter; without instructions everything is heard.
    pub(super) filter: Vec<Insn>,
}

impl Blocks {
    /// Opens the socket and its ring, and begins to hear. Needs `CAP_NET_RAW` in effect.
    pub(super) fn open(ear: &Ear) -> io::Result<Self> {
        let socket = PacketSocket::open(libc::tpacket_versions::TPACKET_V3)?;
        let request = libc::tpacket_req3 {
            tp_block_size: BLOCK as u32,
            tp_block_nr: BLOCKS as u32,
            tp_frame_size: BLOCK as u32, // of no meaning in this version, but checked
            tp_frame_nr: BLOCKS as u32,
            tp_retire_blk_tov: RETIRE.as_millis() as u32,
            tp_sizeof_priv: 0,
            tp_feature_req_word: 0,
        };
        socket.set(libc::PACKET_RX_RING, &request)?;
        let map = socket.map(RING)?;
        if !ear.filter.is_empty() {
            let filter: Vec<SockFilter> = ear.filter.iter().map(|i| SockFilter::new(i.code, i.jt, i.jf, i.k)).collect();
            let refused = |e| io::Error::other(format!("a filter of {} instructions: {e}", filter.len()));
            socket.socket().attach_filter(&filter).map_err(refused)?; // before the first frame can come
        }
        socket.bind(ear.iface)?;
        for &index in &ear.promiscuous {
            socket.set(libc::PACKET_ADD_MEMBERSHIP, &promiscuous(index))?;
        }
        Ok(Self { map, socket, next: 0 })
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.fd()
    }

    /// Whether a block is waiting.
    pub(super) fn is_ready(&self) -> bool {
        self.word(STATUS_AT).load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    /// Hands the frames of the next block to `look`, if there is one, and gives the block back to the kernel.
    pub(super) fn take(&mut self, look: impl FnMut(Slot<'_>)) -> bool {
        if !self.is_ready() {
            return false;
        }
        // SAFETY: a whole block of the mapping, which the kernel does not write while it is ours.
        let block = unsafe { std::slice::from_raw_parts(self.map.at(self.next * BLOCK), BLOCK) };
        Frames::of(block).for_each(look);
        self.word(COUNT_AT).store(0, Ordering::Relaxed); // it holds nothing: see `opened`
        self.word(STATUS_AT).store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % BLOCKS;
        true
    }

    /// Since when the kernel fills the next block, in seconds and nanoseconds of its wall clock; `None` when no frame
    /// is in it yet.
    pub(super) fn opened(&self) -> Option<(u32, u32)> {
        let word = |at| self.word(at).load(Ordering::Relaxed);
        (word(COUNT_AT) > 0).then(|| (word(OPENED_AT), word(OPENED_AT + size_of::<u32>())))
    }

    /// Takes an error off the socket, which would end every wait at once: whether the interface is gone or down.
    pub(super) fn is_cut_off(&self) -> bool {
        let error = self.socket.socket().take_error().ok().flatten();
        matches!(error.and_then(|e| e.raw_os_error()), Some(libc::ENETDOWN | libc::ENODEV))
    }

    /// Frames that found the ring full.
    pub(super) fn dropped(&mut self) -> u64 {
        self.socket.dropped()
    }

    #[allow(clippy::cast_ptr_alignment, reason = "blocks begin at whole pages, and their words at multiples of 4")]
    /// A word of the next block's header.
    fn word(&self, at: usize) -> &AtomicU32 {
        // SAFETY: within the mapping and aligned; the kernel writes these words whole, and we access them atomically.
        unsafe { AtomicU32::from_ptr(self.map.at(self.next * BLOCK + at).cast()) }
    }
}

fn promiscuous(index: u32) -> libc::packet_mreq {
    libc::packet_mreq {
        mr_ifindex: index as i32,
        mr_type: libc::PACKET_MR_PROMISC as u16,
        mr_alen: 0,
        mr_address: [0; 8],
    }
}

/// The frames of a block. Whatever its words say, nothing is read beyond it, and it comes to an end.
struct Frames<'a> {
    block: &'a [u8],
    at: usize,
    left: u32,
}

impl<'a> Frames<'a> {
    fn of(block: &'a [u8]) -> Self {
        let word = |at: usize| {
            let bytes = block.get(at..).and_then(<[u8]>::first_chunk);
            bytes.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
        };
        Self { block, at: word(FIRST_AT) as usize, left: word(COUNT_AT) }
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Slot<'a>;

    fn next(&mut self) -> Option<Slot<'a>> {
        self.left = self.left.checked_sub(1)?;
        let frame = self.block.get(self.at..)?;
        let (header, address) = headers(frame)?;
        let bytes = frame.get(usize::from(header.tp_mac)..)?;
        let bytes = &bytes[..bytes.len().min(header.tp_snaplen as usize)];
        match header.tp_next_offset {
            0 => self.left = 0,
            distance => self.at += distance as usize,
        }
        Some(Slot { header: in_version_2(&header), address, bytes })
    }
}

/// The two structures that a frame begins with.
fn headers(frame: &[u8]) -> Option<(libc::tpacket3_hdr, libc::sockaddr_ll)> {
    let bytes = frame.get(..ADDRESS_AT + size_of::<libc::sockaddr_ll>())?.as_ptr();
    // SAFETY: the bytes that are read were just found to be there; both structures are numbers of any value, and
    // nothing is asked of their alignment.
    unsafe {
        Some((
            bytes.cast::<libc::tpacket3_hdr>().read_unaligned(),
            bytes.add(ADDRESS_AT).cast::<libc::sockaddr_ll>().read_unaligned(),
        ))
    }
}

/// The same header as the other ring has it: version 3 only orders its fields otherwise.
fn in_version_2(header: &libc::tpacket3_hdr) -> libc::tpacket2_hdr {
    libc::tpacket2_hdr {
        tp_status: header.tp_status,
        tp_len: header.tp_len,
        tp_snaplen: header.tp_snaplen,
        tp_mac: header.tp_mac,
        tp_net: header.tp_net,
        tp_sec: header.tp_sec,
        tp_nsec: header.tp_nsec,
        tp_vlan_tci: header.hv1.tp_vlan_tci as u16,
        tp_vlan_tpid: header.hv1.tp_vlan_tpid,
        tp_padding: [0; 4],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts a word into a block.
    fn put(block: &mut [u8], at: usize, word: u32) {
        block[at..at + 4].copy_from_slice(&word.to_ne_bytes());
    }

    /// A block as the kernel fills it, with a frame of each of these lengths.
    fn block(lens: &[usize]) -> Vec<u8> {
        let mut block = vec![0; 4096];
        put(&mut block, COUNT_AT, lens.len() as u32);
        put(&mut block, FIRST_AT, 48);
        let mut at = 48;
        for (place, len) in lens.iter().enumerate() {
            let whole = (82 + len).next_multiple_of(8);
            let is_last = place + 1 == lens.len();
            put(&mut block, at, if is_last { 0 } else { whole as u32 });
            put(&mut block, at + offset_of!(libc::tpacket3_hdr, tp_snaplen), *len as u32);
            put(&mut block, at + offset_of!(libc::tpacket3_hdr, tp_mac), 82); // and 0 for tp_net
            block[at + 82..at + 82 + len].fill(place as u8);
            at += whole;
        }
        block
    }

    fn lens(block: &[u8]) -> Vec<usize> {
        Frames::of(block).map(|slot| slot.bytes.len()).collect()
    }

    #[test]
    fn a_block_gives_its_frames() {
        let block = block(&[60, 0, 1514]);
        assert_eq!(lens(&block), [60, 0, 1514]);
        let last = Frames::of(&block).last().expect("a frame");
        assert_eq!(last.bytes, [2; 1514]);
        assert_eq!((size_of::<libc::tpacket_block_desc>(), ADDRESS_AT), (48, 48), "as the kernel has it");
    }

    #[test]
    fn words_that_lie_lead_nowhere() {
        let whole = block(&[60, 60, 60]);
        let with = |at: usize, word: u32| {
            let mut block = whole.clone();
            put(&mut block, at, word);
            lens(&block)
        };
        for word in [0, 1, 47, 3999, 4090, 4096, 1 << 31, u32::MAX] {
            for at in (0..400).step_by(2) {
                assert!(with(at, word).len() <= 4096 && with(at, word).iter().all(|len| *len <= 4096));
            }
        }
        assert_eq!(with(COUNT_AT, u32::MAX), [60, 60, 60], "the last frame has no next one");
        assert_eq!(with(COUNT_AT, 2), [60, 60]);
        assert_eq!(with(FIRST_AT, 5000), [0; 0]);
        assert_eq!(with(48 + offset_of!(libc::tpacket3_hdr, tp_snaplen), u32::MAX)[0], 4096 - 48 - 82, "cut");
        assert_eq!(with(48, u32::MAX), [60], "the next one would lie outside");
        assert_eq!(lens(&[]), [0; 0]);
    }
}
