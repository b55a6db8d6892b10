//! The live Linux link: the machine's own network. The only real clock, the only sockets, the only `unsafe`.
//!
//! | file | what lives there |
//! |---|---|
//! | `blocks` | a sniffer's `TPACKET_V3` ring of 16 MiB |
//! | `clock` | monotonic time, and kernel stamps turned into it |
//! | `dial` | the `Link` that opens connections |
//! | `filter` | a capture filter for the kernel, for interfaces of several media |
//! | `frame` | what the ring holds, as frames |
//! | `kernel` | routes, neighbors and interfaces, asked of the kernel by netlink |
//! | `link` | the `Link`: one capture ring, three sockets to send by |
//! | `memory` | an allocator that counts what a thread holds |
//! | `own` | our packets, told from the kernel's |
//! | `ports` | which source ports the kernel leaves to us |
//! | `privilege` | CAP_NET_RAW, raised only in the call that opens a socket |
//! | `ring` | the exchange's `TPACKET_V2` ring of 4 MiB |
//! | `send` | frames and IP packets on their way out, and what the kernel says against them |
//! | `sniffer` | the `Link` that only hears |
//! | `socket` | a packet socket, and the memory that it shares with the kernel |
//! | `wait` | `ppoll`, and the pipe that Ctrl-C writes to |

#![allow(unsafe_code, reason = "mmap, setsockopt, ppoll and sockaddr_ll have no safe interface in std")]

mod blocks;
mod clock;
mod dial;
mod filter;
mod frame;
mod kernel;
mod link;
mod memory;
mod own;
mod ports;
mod privilege;
mod quiet;
mod ring;
mod send;
mod sniffer;
mod socket;
mod wait;

use std::cell::RefCell;
use std::io::ErrorKind;
use std::net::{IpAddr, ToSocketAddrs};
use std::ops::RangeInclusive;
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::time::Duration;

use crate::base::{Mac, Time, nearest};
use crate::net::{Capture, Hear, Interface, Link, NetError, Quiet, Route, Slept, World};
use clock::Clock;
use kernel::Kernel;
pub use memory::{Counting, held_bytes};
use ports::Ports;
pub use privilege::drop_privileges;
use wait::{Waited, wait};

/// The machine's own network. A cheap handle: clones share the clock and what the kernel has said.
#[derive(Clone)]
pub struct LiveWorld {
    inner: Rc<Inner>,
}

struct Inner {
    clock: Clock,
    wake: Option<OwnedFd>,
    kernel: RefCell<Kernel>,
    ports: RefCell<Ports>,
}

impl LiveWorld {
    /// A handle to the machine's network, with [`Time::ZERO`] now. Opens nothing: that happens at first use.
    ///
    /// `wake` is the end of a pipe to read from; every wait ends as interrupted when a byte arrives there.
    /// It is set to non-blocking, and read empty when it ends a wait.
    pub fn new(wake: Option<OwnedFd>) -> Self {
        if let Some(wake) = &wake {
            wait::make_nonblocking(wake);
        }
        let inner = Inner {
            clock: Clock::start(),
            wake,
            kernel: RefCell::new(Kernel::default()),
            ports: RefCell::new(Ports::default()),
        };
        Self { inner: Rc::new(inner) }
    }

    /// A line or script begins: a Ctrl-C from before it ends no wait of this one.
    pub fn forget_interrupts(&self) {
        if let Some(wake) = &self.inner.wake {
            wait::drain(wake);
        }
    }

    /// The interface called `name`; the error names the nearest.
    fn interface(&self, name: &str) -> Result<Interface, NetError> {
        let all = self.interfaces()?;
        all.iter().find(|i| i.name == name).cloned().ok_or_else(|| NetError::NoInterface {
            name: name.to_owned(),
            hint: nearest::did_you_mean(name, all.iter().map(|i| i.name.as_str())),
        })
    }
}

impl World for LiveWorld {
    /// All addresses: the laboratory, where it is there, comes first.
    fn owns(&self, _addr: IpAddr) -> bool {
        true
    }

    fn owns_name(&self, _name: &str) -> bool {
        true
    }

    fn is_virtual(&self) -> bool {
        false
    }

    fn now(&self) -> Time {
        self.inner.clock.now()
    }

    fn wall_zero(&self) -> i64 {
        self.inner.clock.wall_zero()
    }

    fn interfaces(&self) -> Result<Vec<Interface>, NetError> {
        Ok(self.inner.kernel.borrow_mut().interfaces()?.to_vec())
    }

    fn route(&self, dst: IpAddr, iface: Option<&str>) -> Result<Route, NetError> {
        let iface = iface.map(|name| self.interface(name)).transpose()?;
        self.inner.kernel.borrow_mut().route(dst, iface.as_ref())
    }

    fn neighbor(&self, iface: u32, addr: IpAddr) -> Option<Mac> {
        self.inner.kernel.borrow_mut().neighbor(iface, addr)
    }

    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, NetError> {
        resolve(name)
    }

    fn source_ports(&self) -> RangeInclusive<u16> {
        self.inner.ports.borrow_mut().range()
    }

    fn is_port_free(&self, protocol: u8, port: u16) -> bool {
        self.inner.ports.borrow_mut().is_free(protocol, port, self.now())
    }

    fn open(&self) -> Result<Box<dyn Link>, NetError> {
        Ok(Box::new(link::LiveLink::open(self.clone())?))
    }

    fn dialer(&self) -> Result<Box<dyn Link>, NetError> {
        Ok(Box::new(dial::Dialer::new(self.clone())))
    }

    fn capture(&self, hear: &Hear) -> Result<Capture, NetError> {
        Ok(Capture::Aside(Box::new(sniffer::Sniffer::open(self, hear)?)))
    }

    fn suppress_rst(&self, port: u16) -> Result<Quiet, NetError> {
        quiet::hold(port).map(Quiet::holding).map_err(|e| {
            let message = match e.kind() {
                ErrorKind::AddrInUse => "a program uses it; choose another source port".to_owned(),
                ErrorKind::PermissionDenied => "ports below 1024 need privilege; choose one above".to_owned(),
                _ => e.to_string(),
            };
            NetError::System { doing: format!("taking port {port}"), message }
        })
    }

    fn sleep(&self, span: Duration) -> Slept {
        let until = self.now() + span;
        loop {
            let left = until - self.now();
            if left.is_zero() {
                return Slept::Whole;
            }
            if wait(&[], self.inner.wake.as_ref(), left) == Waited::Interrupted {
                return Slept::Interrupted;
            }
        }
    }
}

/// The addresses of `name`, IPv4 first: people type names of hosts that answer both, and the recipes are IPv4's.
fn resolve(name: &str) -> Result<Vec<IpAddr>, NetError> {
    // `fe80::1%eth0` and `[::1]` are addresses too; the zone is the caller's `iface`.
    let text = name.trim_start_matches('[').trim_end_matches(']');
    let text = text.split_once('%').map_or(text, |(addr, _)| addr);
    if let Ok(addr) = text.parse() {
        return Ok(vec![addr]);
    }
    let unknown = |hint: String| NetError::UnknownName { name: name.to_owned(), hint };
    if name.is_empty() || name.contains('\0') {
        return Err(unknown("that is no host name".to_owned()));
    }
    let said = |e: std::io::Error| {
        let text = e.to_string();
        let reason = text.strip_prefix("failed to lookup address information: ").unwrap_or(&text).to_owned();
        unknown(format!("the resolver says \"{reason}\"; check the spelling, or write the address"))
    };
    let mut addrs = Vec::new();
    for addr in (name, 0).to_socket_addrs().map_err(said)?.map(|a| a.ip()) {
        if !addrs.contains(&addr) {
            addrs.push(addr);
        }
    }
    addrs.sort_by_key(IpAddr::is_ipv6);
    if addrs.is_empty() {
        return Err(unknown("it has no address".to_owned()));
    }
    Ok(addrs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_resolve_to_themselves_and_names_ipv4_first() {
        assert_eq!(resolve("127.0.0.1").ok(), Some(vec![IpAddr::from([127, 0, 0, 1])]));
        assert_eq!(resolve("fe80::1%lo").ok(), "fe80::1".parse().ok().map(|a| vec![a]));
        let local = resolve("localhost").map(|a| a[0]);
        assert!(local.is_ok_and(|a| a.is_loopback()));
        assert!(resolve("").is_err_and(|e| e.to_string() == "cannot resolve \"\": that is no host name"));
    }

    #[test]
    fn sleeping_takes_its_time_and_ctrl_c_ends_it() {
        let world = LiveWorld::new(None);
        let before = world.now();
        assert_eq!(world.sleep(Duration::from_millis(2)), Slept::Whole);
        assert!(world.now() - before >= Duration::from_millis(2));

        let (read, write) = std::io::pipe().expect("a pipe");
        let world = LiveWorld::new(Some(read.into()));
        std::io::Write::write_all(&mut &write, b"x").expect("a byte");
        assert_eq!(world.sleep(Duration::from_mins(1)), Slept::Interrupted);
        assert_eq!(world.sleep(Duration::from_millis(1)), Slept::Whole, "the pipe was emptied");
        std::io::Write::write_all(&mut &write, b"xx").expect("two bytes");
        world.forget_interrupts();
        assert_eq!(world.sleep(Duration::from_millis(1)), Slept::Whole, "that belonged to an earlier line");
    }
}
