//! Which addresses and names are the laboratory's, and the networks that they lie on.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::faults::Faults;
use crate::base::Mac;
use crate::net::Subnet;

/// The /24 networks of RFC 5737, the first three bytes of each. The student's machine stands on the first.
const NETS: [[u8; 3]; 3] = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];

/// The /64 networks beside them, on the same cables: `2001:db8::/64`, `2001:db8:1::/64` and `2001:db8:2::/64`. RFC 3849 sets
/// `2001:db8::/32` aside; what lies in it and in no network of the plan has no route.
const NETS6: [[u16; 4]; 3] = [[0x2001, 0xdb8, 0, 0], [0x2001, 0xdb8, 1, 0], [0x2001, 0xdb8, 2, 0]];

/// Length of the prefixes of RFC 5737, in bits.
pub(super) const PREFIX: u8 = 24;

/// Length of the prefix of every IPv6 network (RFC 4291 section 2.5.1); link-local addresses have it, too.
pub(super) const PREFIX6: u8 = 64;

/// Networks that a laboratory has at most.
pub(super) const MOST_NETS: usize = 64;

/// The address of the student's own machine.
pub(super) const YOU: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

/// Its IPv6 address.
pub(super) const YOU6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);

/// What the laboratory has, for errors.
pub(super) const ONLY: &str = "the laboratory has the documentation networks only: \
    192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24 and 2001:db8::/32; `lab()` lists its hosts";

/// Whether `addr` lies in a documentation network: RFC 5737 for IPv4, `2001:db8::/32` (RFC 3849) for IPv6.
///
/// Such addresses exist nowhere else, so the laboratory may answer for them, and it answers for no others.
pub fn owns(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(addr) => NETS.iter().any(|net| *net == addr.octets()[..3]),
        IpAddr::V6(addr) => addr.segments()[..2] == [0x2001, 0x0db8],
    }
}

/// Whether `name` ends in `.lab`, in upper or lower case, with or without a final dot.
pub fn owns_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name).as_bytes();
    name.len() > 4 && name[name.len() - 4..].eq_ignore_ascii_case(b".lab")
}

/// A cable with its stations, by its place in [`Nets`], or the loopback of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Segment(u8);

impl Segment {
    /// Its place.
    pub(super) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// 192.0.2.0/24, where `lab0` is plugged in.
    pub(super) const HOME: Self = Self(0);
    /// No cable: frames from a machine to itself.
    pub(super) const LOOPBACK: Self = Self(u8::MAX);
}

/// A network: a cable, and the addresses on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Net {
    pub(super) v4: Option<Subnet>,
    pub(super) v6: Option<Subnet>,
    /// What every frame on it meets, beside the cables of its two stations.
    pub(super) link: Faults,
}

impl Net {
    /// Whether one of its prefixes is this one.
    pub(super) fn is(&self, prefix: &Subnet) -> bool {
        [self.v4, self.v6].contains(&Some(*prefix))
    }
}

/// The networks of a laboratory: the three of RFC 5737, and those that a plan cuts out of them or adds.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Nets {
    all: Vec<Net>,
    /// Address, mask and place of the IPv4 prefixes, the longest first.
    v4: Vec<(u32, u32, Segment)>,
    /// The upper 64 bits and the place of those of IPv6.
    v6: Vec<(u64, Segment)>,
}

impl Default for Nets {
    fn default() -> Self {
        let net = |([a, b, c], [d, e, f, g]): ([u8; 3], [u16; 4])| Net {
            v4: Some(Subnet { addr: Ipv4Addr::new(a, b, c, 0).into(), prefix: PREFIX }),
            v6: Some(Subnet { addr: Ipv6Addr::new(d, e, f, g, 0, 0, 0, 0).into(), prefix: PREFIX6 }),
            link: Faults::NONE,
        };
        let mut nets = Self { all: Vec::new(), v4: Vec::new(), v6: Vec::new() };
        NETS.into_iter().zip(NETS6).for_each(|prefixes| nets.put(None, net(prefixes)));
        nets
    }
}

impl Nets {
    /// All, in the order of their [`Segment`]s.
    pub(super) fn all(&self) -> impl Iterator<Item = (Segment, &Net)> {
        (0..).map(Segment).zip(&self.all)
    }

    /// The segment with one of these prefixes.
    pub(super) fn find(&self, prefix: &Subnet) -> Option<Segment> {
        self.all().find(|(_, net)| net.is(prefix)).map(|(segment, _)| segment)
    }

    /// Adds a network behind the others, or replaces the one at `place`.
    pub(super) fn put(&mut self, place: Option<Segment>, net: Net) {
        match place.and_then(|segment| self.all.get_mut(segment.index())) {
            Some(old) => *old = net,
            None => self.all.push(net),
        }
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (segment, prefix) in self.all().flat_map(|(segment, net)| [(segment, net.v4), (segment, net.v6)]) {
            match prefix.map(|prefix| (prefix.addr, prefix.prefix)) {
                Some((IpAddr::V4(addr), len)) => v4.push((addr.to_bits(), mask4(len), segment)),
                Some((IpAddr::V6(addr), _)) => v6.push((upper(addr), segment)),
                None => {}
            }
        }
        v4.sort_by_key(|(_, mask, _)| std::cmp::Reverse(*mask));
        (self.v4, self.v6) = (v4, v6);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The network of `segment`; none is that of the loopback.
    pub(super) fn get(&self, segment: Segment) -> Option<&Net> {
        self.all.get(segment.index())
    }

    /// The segment that `addr` lies on, by the longest prefix; `None` when it is not the laboratory's, or on no cable.
    pub(super) fn segment(&self, addr: IpAddr) -> Option<Segment> {
        match addr {
            IpAddr::V4(addr) => {
                let there = self.v4.iter().find(|(net, mask, _)| addr.to_bits() & mask == *net);
                there.map(|(.., segment)| *segment)
            }
            IpAddr::V6(addr) => self.v6.iter().find(|(net, _)| *net == upper(addr)).map(|(_, segment)| *segment),
        }
    }
}

/// The bits of an IPv6 address that are its network.
fn upper(addr: Ipv6Addr) -> u64 {
    (addr.to_bits() >> PREFIX6) as u64
}

/// The mask of an IPv4 prefix.
fn mask4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32_u32.saturating_sub(prefix.into())).unwrap_or(0)
}

/// Whether `addr` means something on one cable only, so that its way out depends on the interface: a group, or a
/// link-local address of IPv6 (RFC 1112 section 7.1, RFC 4291 sections 2.5.6 and 2.7).
pub(super) fn needs_zone(addr: IpAddr) -> bool {
    addr.is_multicast() || matches!(addr, IpAddr::V6(addr) if addr.is_unicast_link_local())
}

/// Whether the student's machine has a way to `addr`, with the interface named or not.
pub(super) fn reaches(addr: IpAddr, has_zone: bool) -> bool {
    owns(addr) || (has_zone && needs_zone(addr))
}

/// Whether a packet to `addr` comes from a link-local address: RFC 6724 section 5, rule 2, prefers the same scope.
pub(super) fn is_link_local(addr: Ipv6Addr) -> bool {
    addr.is_unicast_link_local() || (addr.is_multicast() && addr.segments()[0] & 0x000f <= 2)
}

/// A network card of a host: one for each network that it stands in, with an address of each family or of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Nic {
    pub(super) segment: Segment,
    pub(super) v4: Option<Ipv4Addr>,
    pub(super) v6: Option<Ipv6Addr>,
    /// Length of the prefix of its IPv4 network, in bits.
    pub(super) prefix: u8,
    /// The hardware address that the plan gives it.
    pub(super) given: Option<Mac>,
}

impl Nic {
    /// The student's card.
    pub(super) const YOU: Self =
        Self { segment: Segment::HOME, v4: Some(YOU), v6: Some(YOU6), prefix: PREFIX, given: None };

    /// The cards for `addrs`, in the order of their networks' first addresses; the first has the hardware address
    /// `given`, if any.
    pub(super) fn of(addrs: impl Iterator<Item = IpAddr>, nets: &Nets, given: Option<Mac>) -> Vec<Self> {
        let mut nics: Vec<Self> = Vec::new();
        for addr in addrs {
            let Some(segment) = nets.segment(addr) else { continue };
            let at = nics.iter().position(|nic| nic.segment == segment).unwrap_or(nics.len());
            if at == nics.len() {
                let prefix = nets.get(segment).and_then(|net| net.v4).map_or(PREFIX, |net| net.prefix);
                nics.push(Self { segment, v4: None, v6: None, prefix, given: given.filter(|_| at == 0) });
            }
            match addr {
                IpAddr::V4(addr) => nics[at].v4 = Some(addr),
                IpAddr::V6(addr) => nics[at].v6 = Some(addr),
            }
        }
        nics
    }

    /// The address of all stations of its IPv4 network (RFC 919, section 7).
    pub(super) fn broadcast(&self) -> Option<Ipv4Addr> {
        self.v4.map(|addr| Ipv4Addr::from_bits(addr.to_bits() | !mask4(self.prefix)))
    }

    /// Its IPv6 network: the address, whose last 64 bits are zero.
    pub(super) fn network6(&self) -> Option<Ipv6Addr> {
        self.v6.map(|addr| Ipv6Addr::from_bits(addr.to_bits() >> PREFIX6 << PREFIX6))
    }

    /// Whether `addr` is its own.
    pub(super) fn has(&self, addr: IpAddr) -> bool {
        match addr {
            IpAddr::V4(addr) => self.v4 == Some(addr),
            IpAddr::V6(addr) => self.addrs6().any(|own| own == addr),
        }
    }

    /// Its hardware address: the one that it is given, or `02:00:00:00:00:0a` for 192.0.2.10. Without an IPv4 address
    /// it comes from the last 16 bits of the IPv6 address, `02:00:06:00:00:10` for `2001:db8::10`; a plan's addresses
    /// differ in these.
    pub(super) fn mac(&self) -> Mac {
        let made = || match (self.v4, self.v6.map(|addr| addr.octets())) {
            (Some(addr), _) => Mac([2, 0, 0, 0, self.segment.0, addr.octets()[3]]),
            (None, Some(octets)) => Mac([2, 0, 6, self.segment.0, octets[14], octets[15]]),
            (None, None) => Mac::ZERO,
        };
        self.given.unwrap_or_else(made)
    }

    /// Its link-local address: `fe80::/64` and the modified EUI-64 of the hardware address (RFC 4291 appendix A).
    pub(super) fn link_local(&self) -> Ipv6Addr {
        let [a, b, c, d, e, f] = self.mac().0;
        Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f])
    }

    /// Its addresses and the length of their prefixes: IPv4, IPv6, link-local.
    pub(super) fn subnets(&self) -> impl Iterator<Item = Subnet> + use<> {
        let v4 = self.v4.map(|addr| Subnet { addr: addr.into(), prefix: self.prefix });
        let v6 = self.v6.into_iter().chain([self.link_local()]);
        v4.into_iter().chain(v6.map(|addr| Subnet { addr: addr.into(), prefix: PREFIX6 }))
    }

    /// Its IPv6 addresses.
    pub(super) fn addrs6(&self) -> impl Iterator<Item = Ipv6Addr> + use<> {
        self.v6.into_iter().chain([self.link_local()])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail by a panic")]
    use super::*;

    #[test]
    fn cards_have_a_link_local_address_from_their_hardware_address() {
        // Addresses of a host; hardware and link-local address of each card.
        let rows = [
            ("192.0.2.10 2001:db8::10", "02:00:00:00:00:0a fe80::ff:fe00:a"),
            ("2001:db8:1::abcd", "02:00:06:01:ab:cd fe80::6ff:fe01:abcd"),
            (
                "192.0.2.1 198.51.100.1 2001:db8:1::1 2001:db8::1",
                "02:00:00:00:00:01 fe80::ff:fe00:1 02:00:00:00:01:01 fe80::ff:fe00:101",
            ),
        ];
        for (addrs, cards) in rows {
            let addrs: Vec<IpAddr> = addrs.split(' ').map(|addr| addr.parse().unwrap()).collect();
            let nics = Nic::of(addrs.iter().copied(), &Nets::default(), None);
            let found: Vec<_> = nics.iter().map(|nic| format!("{} {}", nic.mac(), nic.link_local())).collect();
            assert_eq!(found.join(" "), cards, "{addrs:?}");
            assert_eq!(nics.iter().flat_map(Nic::subnets).count(), addrs.len() + nics.len());
        }
    }

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
