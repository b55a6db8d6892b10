//! Network interfaces, as both worlds describe them.

use std::net::IpAddr;

use crate::base::Mac;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The kernel's index; unique in its world.
    pub index: u32,
    /// `eth0`, `lo`, `lab0`.
    pub name: String,
    /// Its hardware address, where it has one.
    pub mac: Option<Mac>,
    /// The largest IP packet it carries, in bytes.
    pub mtu: u32,
    /// What its frames begin with.
    pub medium: Medium,
    /// Whether it is a loopback interface.
    pub loopback: bool,
    /// Whether it is up.
    pub up: bool,
    /// Its addresses with their networks.
    pub addrs: Vec<Subnet>,
}

/// An address and the prefix length of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subnet {
    /// The interface's address.
    pub addr: IpAddr,
    /// Length of the network prefix, in bits.
    pub prefix: u8,
}

/// What captured bytes begin with. A live link gives the first two; the others are met in capture files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Medium {
    /// An Ethernet header (also on Linux' loopback, with zero addresses).
    Ethernet,
    /// The IP header itself, of version 4 or 6 (tun, `WireGuard`, PPP).
    Ip,
    /// Linux' "cooked" header of 16 bytes (tcpdump's `-i any` of old).
    Sll,
    /// Linux' "cooked" header of 20 bytes (tcpdump's `-i any`).
    Sll2,
    /// BSD's loopback: an address family of 4 bytes, in the order of the machine that captured it.
    Null,
    /// `OpenBSD`'s loopback: the same in network order.
    Loop,
    /// Something else, by its number in the list of link types.
    Other(u16),
}

impl Medium {
    /// The media with a number of their own in capture files (`LINKTYPE_` of the tcpdump.org list), the one to write
    /// first.
    const LINK_TYPES: &'static [(u16, Self)] = &[
        (1, Self::Ethernet),
        (101, Self::Ip),
        (113, Self::Sll),
        (276, Self::Sll2),
        (0, Self::Null),
        (108, Self::Loop),
        (12, Self::Ip),
        (14, Self::Ip),
        (228, Self::Ip),
        (229, Self::Ip),
    ];

    /// The medium with this number in a capture file.
    pub fn of_link_type(number: u16) -> Self {
        Self::LINK_TYPES.iter().find(|(n, _)| *n == number).map_or(Self::Other(number), |(_, medium)| *medium)
    }

    /// Its number in capture files.
    pub fn link_type(self) -> u16 {
        match self {
            Self::Other(number) => number,
            known => Self::LINK_TYPES.iter().find(|(_, medium)| *medium == known).map_or(0, |(n, _)| *n),
        }
    }
}
