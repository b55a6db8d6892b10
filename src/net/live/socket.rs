//! A packet socket (packet(7)), and the memory that it shares with the kernel: what both rings stand on.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use socket2::{Domain, Protocol, Socket, Type};

/// A packet socket. It captures nothing before [`Self::bind`].
pub(super) struct PacketSocket {
    socket: Socket,
    dropped: u64,
}

impl PacketSocket {
    /// Opens a socket with this version of the ring. Needs `CAP_NET_RAW` in effect.
    pub(super) fn open(version: libc::tpacket_versions) -> io::Result<Self> {
        // With protocol 0 nothing is captured before `bind` names one.
        let socket = Socket::new(Domain::PACKET, Type::RAW.nonblocking(), None::<Protocol>)?;
        let socket = Self { socket, dropped: 0 };
        socket.set(libc::PACKET_VERSION, &(version as libc::c_int))?;
        Ok(socket)
    }

    /// The socket; frames can be sent by it too (the kernel does not give them back to it).
    pub(super) fn socket(&self) -> &Socket {
        &self.socket
    }

    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }

    /// Sets an option of packet(7); `value` is of the type that it is described with there.
    pub(super) fn set<T>(&self, option: libc::c_int, value: &T) -> io::Result<()> {
        let len = size_of::<T>() as libc::socklen_t;
        // SAFETY: `value` is live for the call, and its size is given.
        let done = unsafe {
            libc::setsockopt(self.socket.as_raw_fd(), libc::SOL_PACKET, option, std::ptr::from_ref(value).cast(), len)
        };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Maps the ring, which has `len` bytes.
    pub(super) fn map(&self, len: usize) -> io::Result<Map> {
        // SAFETY: a fresh shared mapping; the kernel refuses a `len` that is not the ring's. Checked below.
        let at = unsafe {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(std::ptr::null_mut(), len, access, libc::MAP_SHARED, self.socket.as_raw_fd(), 0)
        };
        if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Map { at: at.cast(), len }) }
    }

    /// Starts the capture: on the interface with this index, or on all with 0.
    pub(super) fn bind(&self, iface: u32) -> io::Result<()> {
        let address = link_address(iface, (libc::ETH_P_ALL as u16).to_be());
        // SAFETY: `address` is a whole sockaddr_ll, and its size is given.
        let done = unsafe {
            libc::bind(self.socket.as_raw_fd(), (&raw const address).cast(), size_of_val(&address) as libc::socklen_t)
        };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Frames that found the ring full since [`Self::forget_dropped`] (`PACKET_STATISTICS`).
    pub(super) fn dropped(&mut self) -> u64 {
        // Version 3 counts one thing more behind these two, and gives as much as is asked for.
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

    /// Counts from zero.
    pub(super) fn forget_dropped(&mut self) {
        self.dropped();
        self.dropped = 0;
    }
}

/// Memory shared with the kernel.
pub(super) struct Map {
    at: *mut u8,
    len: usize,
}

// SAFETY: the mapping belongs to this value alone, and no thread has to be the one that made it.
unsafe impl Send for Map {}

impl Map {
    /// The byte at `offset`, from which as many follow as the mapping has.
    pub(super) fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset < self.len, "outside of the mapping");
        // SAFETY: `offset` lies within the mapping.
        unsafe { self.at.add(offset) }
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        // SAFETY: the mapping was made with this size, and what borrowed from it borrowed from `self`.
        unsafe { libc::munmap(self.at.cast(), self.len) };
    }
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
