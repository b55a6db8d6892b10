//! Which addresses and names are the laboratory's, and the three segments they lie on.

use std::net::{IpAddr, Ipv4Addr};

use crate::base::Mac;

/// The /24 networks of RFC 5737, the first three bytes of each. The student's machine stands on the first.
const NETS: [[u8; 3]; 3] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];

/// Length of the prefix of every network of the laboratory, in bits.
pub(super) const PREFIX: u8 = 24;

/// The address of the student's own machine.
pub(super) const YOU: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// What the laboratory has, for errors.
pub(super) const ONLY: &str = "the laboratory has the documentation networks only: \
    192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24; `lab()` lists its hosts";

/// Whether `addr` lies in a documentation network: RFC 5737 for IPv4, `2001:db8::/32` (RFC 3849) for IPv6.
///
/// Such addresses exist nowhere else, so the laboratory may answer for them, and it answers for no others.
pub fn owns(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(addr) => segment(addr).is_some(),
        IpAddr::V6(addr) => addr.segments()[..2] == [0x2001, 0x0db8],
    }
}

/// Whether `name` ends in `.lab`, in upper or lower case, with or without a final dot.
pub fn owns_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
    name.len() > 4 && name[name.len() - 4..].eq_ignore_ascii_case(b".lab")
}

/// A cable with its stations: one of [`NETS`], or the loopback of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Segment(u8);

impl Segment {
    /// 192.0.2.0/24, where `lab0` is plugged in.
    pub(super) const HOME: Self = Self(0);
    /// No cable: frames from a machine to itself.
    pub(super) const LOOPBACK: Self = Self(u8::MAX);

    /// The address of all stations of the network (RFC 919, section 7).
    pub(super) fn broadcast(self) -> Option<Ipv4Addr> {
        NETS.get(usize::from(self.0)).map(|&[a, b, c]| Ipv4Addr::new(a, b, c, 255))
    }

    /// The hardware address given to `addr` when the plan sets none: `02:00:00:00:00:0a` for 192.0.2.10.
    pub(super) fn mac(self, addr: Ipv4Addr) -> Mac {
        Mac([2, 0, 0, 0, self.0, addr.octets()[3]])
    }
}

/// The segment that `addr` lies on; `None` when it is not the laboratory's.
pub(super) fn segment(addr: Ipv4Addr) -> Option<Segment> {
    let [a, b, c, _] = addr.octets();
    NETS.iter().position(|net| *net == [a, b, c]).map(|index| Segment(index as u8))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]
    use super::*;

    #[test]
    fn only_documentation_addresses_and_names_in_lab_are_owned() {
        for own in ["192.0.2.0", "192.0.2.255", "198.51.100.10", "203.0.113.7", "2001:db8::1"] {
            assert!(owns(own.parse().unwrap()), "{own}");
        }
        for other in ["192.0.3.1", "198.51.101.1", "10.0.0.1", "127.0.0.1", "255.255.255.255", "2001:db9::1", "::1"] {
            assert!(!owns(other.parse().unwrap()), "{other}");
        }
        assert!(owns_name("web.lab") && owns_name("WEB.LAB.") && owns_name("nothing.lab"));
        assert!(!owns_name("web.label") && !owns_name(".lab") && !owns_name("weblab") && !owns_name("é.la"));
    }
}
