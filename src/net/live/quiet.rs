//! Keeps the kernel from resetting a hand-made connection, without a firewall rule.
//!
//! A kernel resets what comes for a port that no socket has. So an ordinary socket takes the port and listens, and what
//! is for it is dropped before TCP sees it: by a filter of one instruction (`SO_ATTACH_FILTER`) where the kernel
//! lets us, and by a least TTL of 255 (`IP_MINTTL`, RFC 5082), for which no privilege is needed. Where only the second
//! works, a neighbor whose packets have TTL 255 is still reset.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

use socket2::{Domain, SockFilter, Socket, Type};

/// A socket that holds `port` for both families, and hears nothing. [`io::ErrorKind::AddrInUse`] when a program has it.
pub(super) fn hold(port: u16) -> io::Result<Socket> {
    let v6 = Socket::new(Domain::IPV6, Type::STREAM, None).and_then(|socket| {
        socket.set_only_v6(false)?;
        set_least_ttl(&socket, libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT)?;
        Ok(socket)
    });
    match v6 {
        Ok(socket) => listen_to_nothing(socket, (Ipv6Addr::UNSPECIFIED, port).into()),
        Err(_) => {
            // A machine without IPv6.
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            listen_to_nothing(socket, (Ipv4Addr::UNSPECIFIED, port).into())
        }
    }
}

fn listen_to_nothing(socket: Socket, addr: SocketAddr) -> io::Result<Socket> {
    let nothing = SockFilter::new((libc::BPF_RET | libc::BPF_K) as u16, 0, 0, 0);
    // Before it can hear. Newer kernels want CAP_NET_ADMIN for a filter on TCP, which we never have.
    let _ = socket.attach_filter(&[nothing]);
    set_least_ttl(&socket, libc::IPPROTO_IP, libc::IP_MINTTL)?;
    socket.bind(&addr.into())?;
    socket.listen(1)?;
    Ok(socket)
}

/// Has the kernel drop all packets that have made a hop, or began with less than 255.
fn set_least_ttl(socket: &Socket, level: libc::c_int, option: libc::c_int) -> io::Result<()> {
    let least: libc::c_int = 255;
    let len = size_of_val(&least) as libc::socklen_t;
    // SAFETY: `least` is live for the call, and its size is given.
    let done = unsafe { libc::setsockopt(socket.as_raw_fd(), level, option, (&raw const least).cast(), len) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
