//! Floor 1: the seam to a network. [`World`] is what an operating system does for us, [`Link`] carries frames.
//!
//! Two worlds stand behind it: the machine's own network ([`live`], Linux only) and the laboratory
//! ([`crate::lab`]). Nothing here knows what a packet is: bytes are the common language.

pub mod bpf;
pub mod capture;
pub(crate) mod connect;
mod error;
pub mod faulty;
pub mod iface;
#[cfg(target_os = "linux")]
pub mod live;
pub mod tap;

use std::any::Any;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

pub use connect::{ConnectError, Dial};
pub use error::NetError;
pub use iface::{Interface, Medium, Subnet};

use crate::base::{Mac, Time};

/// A network and the machine that stands in it: the live one, or the laboratory. A session may hold both.
pub trait World {
    /// Whether its time jumps to the next event instead of passing, and nothing of it leaves this process.
    fn is_virtual(&self) -> bool;

    /// Whether packets to `addr` are this world's: the first world of a session that says so takes them.
    fn owns(&self, addr: IpAddr) -> bool;

    /// Whether `name` is this world's to resolve.
    fn owns_name(&self, name: &str) -> bool;

    /// The world's clock, the same that its links show.
    fn now(&self) -> Time;

    /// The wall time of [`Time::ZERO`], in nanoseconds since 1970 UTC.
    fn wall_zero(&self) -> i64;

    /// All interfaces, in the order of their indexes.
    fn interfaces(&self) -> Result<Vec<Interface>, NetError>;

    /// Where a packet to `dst` leaves, from which address, and to which neighbor: as the machine decides.
    ///
    /// `iface` restricts the answer to one interface. [`NetError::NoRoute`] when nothing fits.
    fn route(&self, dst: IpAddr, iface: Option<&str>) -> Result<Route, NetError>;

    /// The hardware address of a neighbor on interface `iface` (an index), if it is known without asking the wire.
    fn neighbor(&self, iface: u32, addr: IpAddr) -> Option<Mac>;

    /// The addresses of a host name, first choice first; an address as text is its own answer.
    ///
    /// [`NetError::UnknownName`] when there is none.
    fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, NetError>;

    /// The source ports that automatic values are drawn from: the kernel takes none of these by itself.
    fn source_ports(&self) -> RangeInclusive<u16>;

    /// Whether no socket of this machine uses `port` of IP protocol `protocol` (6 TCP, 17 UDP).
    fn is_port_free(&self, protocol: u8, port: u16) -> bool;

    /// Opens a link that carries the frames of all interfaces. The session keeps it; opening is what needs privilege.
    fn open(&self) -> Result<Box<dyn Link>, NetError>;

    /// Opens a link that makes TCP connections as any program of this machine does, which needs no privilege: it is sent
    /// [`Via::Connect`], and tells [`Event::Connected`] or [`Event::Refused`]. A connection is reset as soon as it is
    /// there. [`Link::pause`] gives up those that are still wanted.
    fn dialer(&self) -> Result<Box<dyn Link>, NetError> {
        Err(connect::no_dialer())
    }

    /// Opens a link that only hears: it refuses to send. The filter is in force before the first frame, and the link
    /// hears from the moment it is open, without [`Link::resume`].
    fn capture(&self, hear: &Hear) -> Result<Capture, NetError>;

    /// Keeps this machine's own TCP silent at `port`: it no longer resets what answers a hand-made connection from
    /// there. It lasts as long as the value that is given.
    ///
    /// [`NetError::System`] when a program has the port.
    fn suppress_rst(&self, port: u16) -> Result<Quiet, NetError>;

    /// Lets `span` pass: for real in the live world, at once in the laboratory.
    fn sleep(&self, span: Duration) -> Slept;
}

/// The silence of a port, see [`World::suppress_rst`]; it ends when this is dropped.
pub struct Quiet(#[expect(dead_code, reason = "it is held, and ends what it stands for when dropped")] Box<dyn Any>);

impl Quiet {
    /// A silence that lasts as long as `held`.
    pub fn holding(held: impl Any) -> Self {
        Self(Box::new(held))
    }
}

/// What a capture is to hear.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hear {
    /// Names of the interfaces; none stands for all of the world's.
    pub ifaces: Vec<String>,
    /// A capture filter in tcpdump's syntax; an empty one lets everything through.
    pub filter: String,
    /// A thread of its own polls the link: Ctrl-C does not end its waits.
    pub aside: bool,
}

/// An open capture.
pub enum Capture {
    /// A link whose time passes only while somebody polls it: the laboratory's.
    Here(Box<dyn Link>),
    /// A link that may be polled by another thread.
    Aside(Box<dyn Link + Send>),
}

impl Capture {
    /// Its link.
    pub fn link(&mut self) -> &mut dyn Link {
        match self {
            Self::Here(link) => &mut **link,
            Self::Aside(link) => &mut **link,
        }
    }
}

/// How a [`World::sleep`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slept {
    /// The whole span passed.
    Whole,
    /// Ctrl-C came first.
    Interrupted,
}

/// How a packet to one destination leaves this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The interface that it leaves by.
    pub iface: Interface,
    /// The source address that the machine would use.
    pub source: IpAddr,
    /// The address whose hardware address is needed: the gateway, or the destination itself.
    pub next_hop: IpAddr,
    /// What kind of destination it is.
    pub reach: Reach,
}

/// The kinds of destination that take different ways out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Another host.
    Remote,
    /// This machine: loopback, or an own address.
    Local,
    /// Every station of the link (also a subnet's broadcast address).
    Broadcast,
    /// A multicast group.
    Multicast,
}

impl Route {
    /// Whether frames with a link-layer header can go this way; if not, packets go out as [`Via::Ip`].
    pub fn takes_frames(&self) -> bool {
        self.reach != Reach::Local && self.iface.medium == Medium::Ethernet && !self.iface.loopback
    }
}

/// An open way to send and receive frames, and the only clock that a job sees.
pub trait Link {
    /// What the link is.
    fn about(&self) -> &LinkInfo;

    /// The time now.
    fn now(&self) -> Time;

    /// Sends `bytes`, or queues them: [`Link::poll`] flushes. `token` comes back in [`Event::Failed`].
    fn send(&mut self, via: Via, bytes: &[u8], token: u64) -> Result<(), NetError>;

    /// Sends many in order, in few calls of the system where the link can; `failed` is told of each that it refuses.
    fn send_all(&mut self, frames: &mut dyn Iterator<Item = (Via, &[u8], u64)>, failed: &mut dyn FnMut(u64, NetError)) {
        for (via, bytes, token) in frames {
            if let Err(error) = self.send(via, bytes, token) {
                failed(token, error);
            }
        }
    }

    /// Flushes what was queued, waits for something to come until `until` at most, and hands over all that is there.
    fn poll(&mut self, until: Time, on: &mut dyn FnMut(Event<'_>)) -> Result<Polled, NetError>;

    /// A line or script begins: forget what was captured before, count from zero.
    fn resume(&mut self) -> Result<(), NetError> {
        Ok(())
    }

    /// A line or script has ended: capture nothing until [`Link::resume`].
    fn pause(&mut self) -> Result<(), NetError> {
        Ok(())
    }

    /// What was received and lost since the last [`Link::resume`].
    fn stats(&mut self) -> Stats {
        Stats::default()
    }
}

/// What [`Link::about`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkInfo {
    /// `"live"` or `"lab"`.
    pub world: &'static str,
    /// The wall time of [`Time::ZERO`], in nanoseconds since 1970 UTC.
    pub wall_zero: i64,
}

/// The way out for bytes that are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// A whole frame with its link-layer header, out of the interface with this index.
    Frame(u32),
    /// An IPv4 or IPv6 packet, routed by the kernel: loopback, own addresses, interfaces without a link-layer header.
    ///
    /// The kernel then repairs total length and header checksum. The index restricts the interface.
    Ip(Option<u32>),
    /// No bytes, but a connection of the machine's own TCP: only a [dialer](World::dialer) takes it.
    Connect(Dial),
}

/// Something that happened on a link.
#[derive(Debug)]
pub enum Event<'a> {
    /// A frame came in (or the kernel sent it, see [`Frame::outgoing`]).
    Heard(Frame<'a>),
    /// A frame sent with this token could not go out.
    Failed {
        /// The token given to [`Link::send`].
        token: u64,
        /// Why.
        error: NetError,
    },
    /// A connection came about; it has been reset since.
    Connected {
        /// The token given to [`Link::send`].
        token: u64,
        /// When.
        at: Time,
    },
    /// A connection did not come about.
    Refused {
        /// The token given to [`Link::send`].
        token: u64,
        /// When that was known.
        at: Time,
        /// Why.
        why: ConnectError,
    },
}

/// A captured frame. The bytes are borrowed from the link's buffer.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The bytes as captured, link-layer header included when `medium` has one.
    pub bytes: &'a [u8],
    /// When it came, by the kernel's stamp.
    pub at: Time,
    /// Index of the interface.
    pub iface: u32,
    /// What the bytes begin with.
    pub medium: Medium,
    /// Sent by this machine's kernel. (What this link itself sent does not come back.)
    pub outgoing: bool,
    /// The 802.1Q tag that the kernel took out of the bytes: the TCI in the low half, the TPID in the high half.
    pub vlan: Option<u32>,
    /// Length on the wire, more than `bytes.len()` when the capture cut it.
    pub wire_len: usize,
    /// Whether the transport checksum has been computed.
    pub checksum: Checksum,
}

/// What is known of a captured frame's transport checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// It is in the bytes.
    Ready,
    /// Left to a network card that the packet never met (`TP_STATUS_CSUMNOTREADY`): the field holds no checksum.
    Partial,
}

/// How a [`Link::poll`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Polled {
    /// At least one event was handed over.
    Some,
    /// `until` came first.
    Timeout,
    /// Nothing can come any more (the laboratory only, for a wait without end).
    Never,
    /// Ctrl-C was pressed.
    Interrupted,
}

/// Counts since the last [`Link::resume`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames that were handed over.
    pub received: u64,
    /// Frames that came while the capture buffer was full.
    pub dropped: u64,
}
