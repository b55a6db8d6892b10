//! Frames and IP packets on their way out.

use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::time::Duration;

use socket2::{Domain, MsgHdr, Protocol, SockAddr, Socket, Type};

use super::privilege::with_net_raw;
use super::socket::link_address;
use super::wait::wait_writable;
use crate::net::{Interface, NetError};

/// How long a full send buffer may stay full before the interface counts as stuck.
const PATIENCE: Duration = Duration::from_millis(500);

/// The raw sockets that send IP packets; each is opened when first needed, and kept.
#[derive(Default)]
pub(super) struct IpSockets {
    v4: Option<Socket>,
    v6: Option<Socket>,
}

impl IpSockets {
    /// Sends an IP packet as its own header says, out of `iface` if one is given.
    pub(super) fn send(&mut self, iface: Option<u32>, bytes: &[u8], wake: Option<&OwnedFd>) -> Result<(), SendError> {
        let Some(packet) = Destination::read(bytes, iface) else { return Err(SendError::TooShort) };
        let (slot, open): (_, fn() -> _) = match packet {
            Destination::V4(_) => (&mut self.v4, open_v4),
            Destination::V6(_) => (&mut self.v6, open_v6),
        };
        if slot.is_none() {
            *slot = Some(with_net_raw("opening a raw IP socket", open).map_err(SendError::Open)?);
        }
        let socket = slot.as_ref().expect("it was just opened");
        let (addr, control) = packet.parts(iface);
        let buffers = [IoSlice::new(bytes)];
        let mut message = MsgHdr::new().with_addr(&addr).with_buffers(&buffers);
        if iface.is_some() {
            message = message.with_control(&control);
        }
        patiently(socket, wake, || socket.sendmsg(&message, libc::MSG_DONTWAIT)).map_err(SendError::Refused)
    }
}

/// Sends a whole frame out of `iface`.
pub(super) fn send_frame(socket: &Socket, iface: u32, bytes: &[u8], wake: Option<&OwnedFd>) -> Result<(), SendError> {
    // Without a protocol here, the kernel takes it from the Ethernet header.
    let address = link_address(iface, 0);
    patiently(socket, wake, || {
        // SAFETY: `bytes` and `address` are live for the call, and their sizes are given.
        let sent = unsafe {
            let (to, len) = ((&raw const address).cast(), size_of_val(&address) as libc::socklen_t);
            libc::sendto(socket.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), libc::MSG_DONTWAIT, to, len)
        };
        usize::try_from(sent).map_err(|_| io::Error::last_os_error())
    })
    .map_err(SendError::Refused)
}

/// The most frames that go to the kernel in one call.
pub(super) const BATCH: usize = 64;

/// Frames that wait to be handed to the kernel together.
#[derive(Default)]
pub(super) struct Queue {
    bytes: Vec<u8>,
    /// The interface, the token, and where the frame ends in `bytes`.
    frames: Vec<(u32, u64, usize)>,
}

impl Queue {
    pub(super) fn push(&mut self, iface: u32, bytes: &[u8], token: u64) {
        self.bytes.extend_from_slice(bytes);
        self.frames.push((iface, token, self.bytes.len()));
    }

    pub(super) fn is_full(&self) -> bool {
        self.frames.len() >= BATCH
    }

    pub(super) fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Sends all frames in order, and is empty then. What the kernel refuses is told to `failed`: interface, token,
    /// length.
    pub(super) fn send(
        &mut self,
        socket: &Socket,
        wake: Option<&OwnedFd>,
        mut failed: impl FnMut(u32, u64, usize, SendError),
    ) {
        let mut next = 0;
        while next < self.frames.len() {
            // One frame is as well sent alone: an exchange's single probe pays for no batch.
            let is_last = next + 1 == self.frames.len();
            match if is_last { 0 } else { self.send_some(socket, next) } {
                0 => {
                    // Or the first of them is refused, or the buffer is full: alone, and patiently.
                    let (iface, token, _) = self.frames[next];
                    let bytes = self.frame(next);
                    if let Err(error) = send_frame(socket, iface, bytes, wake) {
                        failed(iface, token, bytes.len(), error);
                    }
                    next += 1;
                }
                sent => next += sent,
            }
        }
        self.bytes.clear();
        self.frames.clear();
    }

    fn frame(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).map_or(0, |before| self.frames[before].2);
        &self.bytes[start..self.frames[at].2]
    }

    /// Hands frames from `first` on to the kernel in one `sendmmsg(2)`; how many it took.
    fn send_some(&self, socket: &Socket, first: usize) -> usize {
        let count = (self.frames.len() - first).min(BATCH);
        let at = |i: usize| first + i.min(count - 1);
        // Without a protocol here, the kernel takes it from the Ethernet header.
        let mut names: [libc::sockaddr_ll; BATCH] = std::array::from_fn(|i| link_address(self.frames[at(i)].0, 0));
        let mut parts: [libc::iovec; BATCH] = std::array::from_fn(|i| {
            let frame = self.frame(at(i));
            libc::iovec { iov_base: frame.as_ptr().cast_mut().cast(), iov_len: frame.len() }
        });
        let (names, parts) = (names.as_mut_ptr(), parts.as_mut_ptr());
        let mut messages: [libc::mmsghdr; BATCH] = std::array::from_fn(|i| {
            // SAFETY: all zeros is a `msghdr` without name, parts and control; the fields are set below.
            let mut message: libc::mmsghdr = unsafe { std::mem::zeroed() };
            // SAFETY: `i` is less than the length of both arrays.
            (message.msg_hdr.msg_name, message.msg_hdr.msg_iov) = unsafe { (names.add(i).cast(), parts.add(i)) };
            message.msg_hdr.msg_namelen = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
            message.msg_hdr.msg_iovlen = 1;
            message
        });
        // SAFETY: the first `count` messages point to names, parts and frames that are live for the call; the kernel
        // only reads the frames.
        let sent = unsafe {
            libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count as libc::c_uint, libc::MSG_DONTWAIT)
        };
        usize::try_from(sent).unwrap_or(0)
    }
}

/// Why something was not sent.
#[derive(Debug)]
pub(super) enum SendError {
    /// The socket could not be opened.
    Open(NetError),
    /// Less than the IP header that says where it goes.
    TooShort,
    /// The kernel refused it.
    Refused(io::Error),
}

impl SendError {
    /// In words: `len` bytes, out of `iface` where it is known (`Err`: its index, when it does not exist any more).
    pub(super) fn explain(self, len: usize, iface: Option<Result<Interface, u32>>) -> NetError {
        let error = match self {
            Self::Open(error) => return error,
            Self::TooShort => return system(len, "shorter than the IP header that says where it goes".to_owned()),
            Self::Refused(error) => error,
        };
        let name = match &iface {
            Some(Ok(iface)) => iface.name.clone(),
            Some(Err(index)) => format!("number {index}"),
            None => "of the route".to_owned(),
        };
        match error.raw_os_error() {
            Some(libc::ENETDOWN | libc::ENXIO | libc::ENODEV) => gone(name),
            Some(libc::EMSGSIZE) => match iface {
                Some(Ok(iface)) => system(len, format!("longer than {name} carries: its MTU is {} bytes", iface.mtu)),
                _ => system(len, "longer than the interface carries; see its MTU in `ip link`".to_owned()),
            },
            Some(libc::EPERM) => {
                system(len, "refused by this machine's own firewall; see `nft list ruleset`".to_owned())
            }
            Some(libc::EINVAL) => system(len, format!("the kernel finds the header impossible ({error})")),
            Some(libc::ENOBUFS | libc::EAGAIN) => {
                system(len, format!("interface {name} takes no more for now: send slower, with `inter`"))
            }
            _ => NetError::system(format!("sending {len} bytes"), &error),
        }
    }
}

/// [`NetError::InterfaceGone`] with the next step.
pub(super) fn gone(name: String) -> NetError {
    NetError::InterfaceGone { name, hint: "see `ip link`, or name another with `iface`" }
}

fn system(len: usize, message: String) -> NetError {
    NetError::System { doing: format!("sending {len} bytes"), message }
}

/// Repeats `send` while the socket's buffer is full, for a while.
fn patiently(socket: &Socket, wake: Option<&OwnedFd>, send: impl Fn() -> io::Result<usize>) -> io::Result<()> {
    loop {
        match send() {
            Ok(_) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                if !wait_writable(socket.as_fd(), wake, PATIENCE) {
                    return Err(e);
                }
            }
            Err(e) => return Err(e),
        }
    }
}

/// Where an IP packet goes, by its own header. What is not version 6 is sent as IPv4.
enum Destination {
    V4(Ipv4Addr),
    V6(SocketAddrV6),
}

impl Destination {
    fn read(bytes: &[u8], iface: Option<u32>) -> Option<Self> {
        if bytes.first()? >> 4 == 6 {
            let addr: [u8; 16] = bytes.get(24..40)?.try_into().ok()?;
            let addr = Ipv6Addr::from(addr);
            let scope = if addr.is_unicast_link_local() || addr.is_multicast() { iface.unwrap_or(0) } else { 0 };
            return Some(Self::V6(SocketAddrV6::new(addr, 0, 0, scope)));
        }
        let addr: [u8; 4] = bytes.get(16..20)?.try_into().ok()?;
        Some(Self::V4(addr.into()))
    }

    /// The socket address, and a control message (`IP_PKTINFO`, `IPV6_PKTINFO`) that names the interface.
    fn parts(&self, iface: Option<u32>) -> (SockAddr, Vec<u8>) {
        let index = iface.unwrap_or(0).to_ne_bytes();
        match self {
            // struct in_pktinfo: index, source, destination.
            Self::V4(addr) => {
                (SocketAddrV4::new(*addr, 0).into(), control(libc::IPPROTO_IP, libc::IP_PKTINFO, &[&index, &[0; 8]]))
            }
            // struct in6_pktinfo: source, index.
            Self::V6(addr) => ((*addr).into(), control(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &[&[0; 16], &index])),
        }
    }
}

/// One control message (`struct cmsghdr`): length, level, kind, then the data, padded.
fn control(level: i32, kind: i32, data: &[&[u8]]) -> Vec<u8> {
    let mut bytes = [&[0; size_of::<usize>()][..], &level.to_ne_bytes(), &kind.to_ne_bytes()].concat();
    for part in data {
        bytes.extend_from_slice(part);
    }
    let len = bytes.len();
    bytes[..size_of::<usize>()].copy_from_slice(&len.to_ne_bytes());
    bytes.resize(len.next_multiple_of(size_of::<usize>()), 0);
    bytes
}

/// `IPPROTO_RAW` (raw(7)): the header is ours, and nothing is received.
fn open_v4() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(libc::IPPROTO_RAW)))?;
    socket.set_header_included_v4(true)?;
    socket.set_broadcast(true)?;
    Ok(socket)
}

fn open_v6() -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::from(libc::IPPROTO_RAW)))?;
    socket.set_header_included_v6(true)?;
    Ok(socket)
}
