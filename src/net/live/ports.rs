//! Source ports that the kernel leaves to us.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::base::Time;

/// Ports in a block at least, so that automatic values do not collide at once.
const ENOUGH: u16 = 1024;
/// How long a port stays known as free: asking costs some 5 µs.
const KNOWN: Duration = Duration::from_secs(1);

/// What is known of this machine's ports.
#[derive(Default)]
pub(super) struct Ports {
    range: Option<RangeInclusive<u16>>,
    free: BTreeMap<(u8, u16), Time>,
}

impl Ports {
    /// A block of ports outside of those that the kernel takes for its own connections.
    pub(super) fn range(&mut self) -> RangeInclusive<u16> {
        let read = || outside(&std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default());
        self.range.get_or_insert_with(read).clone()
    }

    /// Whether no socket uses the port: tried by binding one to it, on all addresses.
    ///
    /// (Reading `/proc/net/tcp` walks the kernel's whole table: 10 ms on a machine with few connections.)
    pub(super) fn is_free(&mut self, protocol: u8, port: u16, now: Time) -> bool {
        let kind = match i32::from(protocol) {
            libc::IPPROTO_TCP => Type::STREAM,
            libc::IPPROTO_UDP => Type::DGRAM,
            _ => return true,
        };
        if self.free.get(&(protocol, port)).is_some_and(|at| now - *at < KNOWN) {
            return true;
        }
        let is_free = can_bind(kind, port);
        if is_free {
            self.free.insert((protocol, port), now);
        } else {
            self.free.remove(&(protocol, port));
        }
        is_free
    }
}

/// Whether a socket can have the port. An IPv6 socket on all addresses also meets those of IPv4.
fn can_bind(kind: Type, port: u16) -> bool {
    let bind = |domain, addr: SocketAddr| Socket::new(domain, kind, None).and_then(|s| s.bind(&addr.into()));
    match bind(Domain::IPV6, (Ipv6Addr::UNSPECIFIED, port).into()) {
        Ok(()) => true,
        Err(e) if e.raw_os_error() == Some(libc::EADDRINUSE) => false,
        Err(_) => bind(Domain::IPV4, (Ipv4Addr::UNSPECIFIED, port).into()) // no IPv6 here
            .map_or_else(|e| e.raw_os_error() != Some(libc::EADDRINUSE), |()| true),
    }
}

/// The block above the kernel's range (`low high`, as the file has it), or the one below if that is too small.
fn outside(range: &str) -> RangeInclusive<u16> {
    let mut ends = range.split_whitespace().filter_map(|end| end.parse::<u16>().ok());
    let (low, high) = (ends.next().unwrap_or(32768), ends.next().unwrap_or(60999));
    if high <= u16::MAX - ENOUGH {
        return high + 1..=u16::MAX;
    }
    // Above 1024: lower source ports look like services to firewalls.
    let below = low.saturating_sub(4 * ENOUGH).max(1025)..=low.saturating_sub(1);
    if below.len() >= 16 { below } else { 61000..=u16::MAX }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_lies_outside_of_the_kernels() {
        let rows = [
            ("32768\t60999\n", 61000..=65535),
            ("1024 60000", 60001..=65535),
            ("10000 65535", 5904..=9999),
            ("2000 65000", 1025..=1999),
            ("1024 65535", 61000..=65535),
            ("", 61000..=65535),
        ];
        for (text, block) in rows {
            assert_eq!(outside(text), block, "{text}");
        }
    }

    #[test]
    fn a_port_in_use_is_not_free() {
        let tcp = std::net::TcpListener::bind("127.0.0.1:0").expect("a listener");
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let (tcp, udp) = (tcp.local_addr().map(|a| a.port()), udp.local_addr().map(|a| a.port()));
        let mut ports = Ports::default();
        assert!(!ports.is_free(6, tcp.expect("a port"), Time::ZERO));
        assert!(!ports.is_free(17, udp.expect("a port"), Time::ZERO));
        assert!(ports.is_free(1, 7, Time::ZERO));
    }
}
