//! The capture ring: `PACKET_RX_RING`, version 2 (the kernel's `Documentation/networking/packet_mmap.rst`).
//!
//! Version 2 hands over each frame as it comes (version 3 hands over blocks, by a timer). Its slots have one size.
//! Ours hold a frame of an ordinary 1500-byte network; a longer one (joined by receive offload, or on loopback) is cut
//! in its slot, and the kernel queues a whole copy on the socket (`PACKET_COPY_THRESH`), which is read instead.
//! When that queue is full too, the frame stays cut and its `wire_len` tells.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::atomic::{AtomicU32, Ordering};

use socket2::{Domain, Protocol, Socket, Type};

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
    socket: Socket,
    map: *mut u8,
    next: usize,
    /// Whole copies of frames that were too long for their slot are read into this.
    long: Vec<u8>,
    dropped: u64,
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
        // With protocol 0 nothing is captured before the ring is ready and `bind` names the protocol.
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), None::<Protocol>)?;
        set(&socket, libc::PACKET_VERSION, &(libc::tpacket_versions::TPACKET_V2 as libc::c_int))?;
        set(&socket, libc::PACKET_COPY_THRESH, &(1 as libc::c_int))?;
        let request = libc::tpacket_req {
            tp_block_size: BLOCK as u32,
            tp_block_nr: (RING / BLOCK) as u32,
            tp_frame_size: SLOT as u32,
            tp_frame_nr: SLOTS as u32,
        };
        set(&socket, libc::PACKET_RX_RING, &request)?;
        let _ = socket.set_recv_buffer_size(RING); // for whole copies; the kernel gives what `rmem_max` allows
        // SAFETY: a fresh shared mapping of RING bytes, the size that the ring was just given; checked below.
        let map = unsafe {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(std::ptr::null_mut(), RING, access, libc::MAP_SHARED, socket.as_raw_fd(), 0)
        };
        if map == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let ring = Self { socket, map: map.cast(), next: 0, long: Vec::new(), dropped: 0 };
        ring.bind()?;
        Ok(ring)
    }

    /// Starts the capture, on all interfaces.
    fn bind(&self) -> io::Result<()> {
        let address = link_address(0, (libc::ETH_P_ALL as u16).to_be());
        // SAFETY: `address` is a whole sockaddr_ll, and its size is given.
        let done = unsafe {
            libc::bind(self.socket.as_raw_fd(), (&raw const address).cast(), size_of_val(&address) as libc::socklen_t)
        };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// The socket; frames can be sent by it too (the kernel does not give them back to it).
    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
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
        let whole = if is_copied { receive(&self.socket, &mut self.long) } else { None };
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
        self.socket.attach_filter(&[nothing])
    }

    /// Captures everything again.
    pub(super) fn open_filter(&self) -> io::Result<()> {
        match self.socket.detach_filter() {
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
            if receive(&self.socket, &mut self.long).is_none() {
                break;
            }
        }
        self.dropped();
        self.dropped = 0;
    }

    /// Takes an error off the socket, which would end every wait at once.
    pub(super) fn clear_error(&self) {
        let _ = self.socket.take_error();
    }

    /// Frames that found the ring full since [`Ring::forget`] (`PACKET_STATISTICS`).
    pub(super) fn dropped(&mut self) -> u64 {
        let mut stats = libc::tpacket_stats { tp_packets: 0, tp_drops: 0 };
        let mut len = size_of_val(&stats) as libc::socklen_t;
        // SAFETY: `stats` and `len` are live for the call, and `len` is the size of `stats`.
        let done = unsafe {
            let (fd, to) = (self.socket.as_raw_fd(), (&raw mut stats).cast());
            libc::getsockopt(fd, libc::SOL_PACKET, libc::PACKET_STATISTICS, to, &raw mut len)
        };
        if done == 0 {
            self.dropped += u64::from(stats.tp_drops); // reading resets the kernel's count
        }
        self.dropped
    }

    fn slot(&self) -> *mut u8 {
        // SAFETY: `next` is below SLOTS, so the slot lies within the mapping.
        unsafe { self.map.add(self.next * SLOT) }
    }

    fn status(&self) -> &AtomicU32 {
        // SAFETY: `tp_status` is the first word of a slot, aligned; both sides access it atomically.
        unsafe { AtomicU32::from_ptr(self.slot().cast()) }
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: the mapping was made by `open` with this size, and nothing borrows from it any more.
        unsafe { libc::munmap(self.map.cast(), RING) };
    }
}

/// The whole copy of a long frame from the socket's queue; `None` when there is none.
fn receive<'a>(socket: &Socket, long: &'a mut Vec<u8>) -> Option<&'a [u8]> {
    long.resize(LONGEST, 0);
    // `Read for &Socket` is recv(2): one frame for each call.
    let len = io::Read::read(&mut &*socket, long).ok()?;
    Some(&long[..len])
}

/// A packet socket's address: an interface (0: all) and an Ethernet type in network order (0: none).
pub(super) fn link_address(iface: u32, protocol: u16) -> libc::sockaddr_ll {
    libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: protocol,
        sll_ifindex: iface as i32,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 0,
        sll_addr: [0; 8],
    }
}

fn set<T>(socket: &Socket, option: libc::c_int, value: &T) -> io::Result<()> {
    let len = size_of::<T>() as libc::socklen_t;
    // SAFETY: `value` is live for the call, and its size is given; each caller passes the type that packet(7) names.
    let done = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_PACKET, option, std::ptr::from_ref(value).cast(), len)
    };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
