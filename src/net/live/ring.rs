//! The capture ring: `PACKET_RX_RING`, version 2 (the kernel's `Documentation/networking/packet_mmap.rst`).
//!
//! Version 2 hands over each frame as it comes (version 3 hands over blocks, by a timer). Its slots have one size.
//! Ours hold a frame of an ordinary 1500-byte network; a longer one (joined by receive offload, or on loopback) is cut
//! in its slot, and the kernel queues a whole copy on the socket (`PACKET_COPY_THRESH`), which is read instead.
//! When that queue is full too, the frame stays cut and its `wire_len` tells.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, Ordering};

use socket2::Socket;

use super::socket::{Map, PacketSocket};

/// Bytes of one slot, header included; must divide [`BLOCK`].
const SLOT: usize = 2048;
/// Bytes that the kernel allocates at once.
const BLOCK: usize = 1 << 17;
/// Bytes of the whole ring.
const RING: usize = 4 << 20;
/// Slots in the ring: the most that a burst may leave unread.
pub(super) const SLOTS: usize = RING / SLOT;
/// Where `struct sockaddr_ll` lies in a slot: after the header, aligned (`TPACKET2_HDRLEN`).
const ADDRESS_AT: usize = size_of::<libc::tpacket2_hdr>().next_multiple_of(libc::TPACKET_ALIGNMENT);
/// The longest frame that offload makes (64 KiB) with its link-layer header.
const LONGEST: usize = 65_536 + 64;

/// A packet socket that hears all interfaces, with its ring mapped.
pub(super) struct Ring {
    map: Map,
    socket: PacketSocket,
    next: usize,
    /// Whole copies of frames that were too long for their slot are read into this.
    long: Vec<u8>,
}

/// One captured frame, as the kernel describes it.
pub(super) struct Slot<'a> {
    pub(super) header: libc::tpacket2_hdr,
    pub(super) address: libc::sockaddr_ll,
    /// From the link-layer header on.
    pub(super) bytes: &'a [u8],
}

impl Ring {
    /// Opens the socket and its ring. Needs `CAP_NET_RAW` in effect.
    pub(super) fn open() -> io::Result<Self> {
        let socket = PacketSocket::open(libc::tpacket_versions::TPACKET_V2)?;
        socket.set(libc::PACKET_COPY_THRESH, &(1 as libc::c_int))?;
        let request = libc::tpacket_req {
            tp_block_size: BLOCK as u32,
            tp_block_nr: (RING / BLOCK) as u32,
            tp_frame_size: SLOT as u32,
            tp_frame_nr: SLOTS as u32,
        };
        socket.set(libc::PACKET_RX_RING, &request)?;
        let _ = socket.socket().set_recv_buffer_size(RING); // for whole copies; the kernel gives what `rmem_max` allows
        let map = socket.map(RING)?;
        socket.bind(0)?;
        Ok(Self { map, socket, next: 0, long: Vec::new() })
    }

    /// The socket; frames can be sent by it too (the kernel does not give them back to it).
    pub(super) fn socket(&self) -> &Socket {
        self.socket.socket()
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.fd()
    }

    /// Whether a frame is waiting.
    pub(super) fn is_ready(&self) -> bool {
        self.status().load(Ordering::Acquire) & libc::TP_STATUS_USER != 0
    }

    #[allow(clippy::cast_ptr_alignment, reason = "a slot begins at a multiple of 2048 in a mapping of whole pages")]
    /// Hands the next frame to `look`, if there is one, and gives its slot back to the kernel.
    pub(super) fn take(&mut self, look: impl FnOnce(&Slot<'_>)) -> bool {
        if !self.is_ready() {
            return false;
        }
        let base = self.slot();
        // SAFETY: the slot is ours until its status is given back; both structs lie within its first bytes, aligned.
        let (header, address) = unsafe {
            (base.cast::<libc::tpacket2_hdr>().read(), base.add(ADDRESS_AT).cast::<libc::sockaddr_ll>().read())
        };
        let start = usize::from(header.tp_mac).min(SLOT);
        let len = (header.tp_snaplen as usize).min(SLOT - start);
        let is_copied = header.tp_status & libc::TP_STATUS_COPY != 0;
        let whole = if is_copied { receive(self.socket.socket(), &mut self.long) } else { None };
        // SAFETY: `start + len` is within the slot, which the kernel does not write while it is ours.
        let cut = unsafe { std::slice::from_raw_parts(base.add(start), len) };
        look(&Slot { header, address, bytes: whole.unwrap_or(cut) });
        self.status().store(libc::TP_STATUS_KERNEL, Ordering::Release);
        self.next = (self.next + 1) % SLOTS;
        true
    }

    /// Captures nothing from now on.
    pub(super) fn close_filter(&self) -> io::Result<()> {
        let nothing = socket2::SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, 0);
        self.socket().attach_filter(&[nothing])
    }

    /// Captures everything again.
    pub(super) fn open_filter(&self) -> io::Result<()> {
        match self.socket().detach_filter() {
            Err(e) if e.raw_os_error() == Some(libc::ENOENT) => Ok(()), // there was none
            done => done,
        }
    }

    /// Forgets what was captured and counted so far.
    pub(super) fn forget(&mut self) {
        for _ in 0..SLOTS {
            if !self.take(|_| {}) {
                break;
            }
        }
        for _ in 0..SLOTS {
            if receive(self.socket.socket(), &mut self.long).is_none() {
                break;
            }
        }
        self.socket.forget_dropped();
    }

    /// Takes an error off the socket, which would end every wait at once.
    pub(super) fn clear_error(&self) {
        let _ = self.socket().take_error();
    }

    /// Frames that found the ring full since [`Ring::forget`].
    pub(super) fn dropped(&mut self) -> u64 {
        self.socket.dropped()
    }

    fn slot(&self) -> *mut u8 {
        self.map.at(self.next * SLOT)
    }

    fn status(&self) -> &AtomicU32 {
        // SAFETY: `tp_status` is the first word of a slot, aligned; both sides access it atomically.
        unsafe { AtomicU32::from_ptr(self.slot().cast()) }
    }
}

/// The whole copy of a long frame from the socket's queue; `None` when there is none.
fn receive<'a>(socket: &Socket, long: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    long.resize(LONGEST, 0);
    // `Read for &Socket` is recv(2): one frame for each call.
    let len = io::Read::read(&mut &*socket, long).ok()?;
    Some(&long[..len])
}
