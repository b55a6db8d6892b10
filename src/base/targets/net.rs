//! Single targets, and runs of addresses: `192.0.2.0/24`, `10.0.0.1-20`.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use crate::base::Rng;

/// A destination: an address, and the zone in which a link-local IPv6 address is meant (RFC 4007), an interface's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// The address.
    pub addr: IpAddr,
    /// The zone: `eth0` of `fe80::1%eth0`.
    pub zone: Option<Arc<str>>,
}

impl From<IpAddr> for Target {
    fn from(addr: IpAddr) -> Self {
        Self { addr, zone: None }
    }
}

/// As RFC 4007 section 11 writes it: `fe80::1%eth0`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.zone {
            Some(zone) => write!(f, "{}%{zone}", self.addr),
            None => self.addr.fmt(f),
        }
    }
}

/// A run of addresses of one family, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Net {
    first: IpAddr,
    last: IpAddr,
}

impl Net {
    /// One address.
    pub fn single(addr: IpAddr) -> Self {
        Self { first: addr, last: addr }
    }

    /// The network of `prefix` bits that `addr` lies in; `None` when an address of its family has fewer bits.
    pub fn around(addr: IpAddr, prefix: u32) -> Option<Self> {
        let host_bits = mask(width(addr).checked_sub(prefix)?);
        let number = number(addr);
        Some(Self { first: like(addr, number & !host_bits), last: like(addr, number | host_bits) })
    }

    /// Reads `a.b.c.d`, `a.b.c.d/n`, `a.b.c.*` (any trailing stars), `a.b.c.d-e` or `a.b.c.d-e.f.g.h`; of IPv6 an
    /// address, `2001:db8::/64` or `2001:db8::1-2001:db8::9`.
    ///
    /// `None` when the text has none of these shapes (it may be a host name).
    /// A network keeps its network and broadcast addresses, as Scapy's and Nmap's do.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(addr) = text.parse() {
            return Some(Self::single(addr));
        }
        if let Some((addr, prefix)) = text.split_once('/') {
            let addr: IpAddr = addr.parse().ok()?;
            return Self::around(addr, prefix.parse().ok().filter(|_| !text.contains('+'))?);
        }
        if let Some((low, high)) = text.split_once('-') {
            let first: IpAddr = low.parse().ok()?;
            let last = match (high.parse::<IpAddr>(), first) {
                (Ok(last), _) => last,
                (Err(_), IpAddr::V4(first)) => {
                    let [a, b, c, _] = first.octets();
                    Ipv4Addr::new(a, b, c, high.parse().ok()?).into()
                }
                (Err(_), IpAddr::V6(_)) => return None,
            };
            return (width(first) == width(last) && first <= last).then_some(Self { first, last });
        }
        let stars = text.matches('*').count();
        if (1..=4).contains(&stars) && text.ends_with(&".*".repeat(stars)[usize::from(stars == 4)..]) {
            let low: Ipv4Addr = text.replace('*', "0").parse().ok()?;
            let high: Ipv4Addr = text.replace('*', "255").parse().ok()?;
            return Some(Self { first: low.into(), last: high.into() });
        }
        None
    }

    /// How many addresses there are, at least one; `u64::MAX` where there are more.
    pub fn count(self) -> u64 {
        u64::try_from(number(self.last) - number(self.first)).unwrap_or(u64::MAX).saturating_add(1)
    }

    /// The address at `index`, counted from the lowest; `None` past the end.
    pub fn at(self, index: u64) -> Option<IpAddr> {
        let offset = u128::from(index);
        (offset <= number(self.last) - number(self.first)).then(|| like(self.first, number(self.first) + offset))
    }

    /// The lowest address.
    pub fn first(self) -> IpAddr {
        self.first
    }

    /// One of its addresses.
    pub fn draw(self, rng: &mut Rng) -> IpAddr {
        let span = number(self.last) - number(self.first);
        let offset = match u64::try_from(span) {
            Ok(span) if span < u64::MAX => u128::from(rng.below(span + 1)),
            _ => (u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())) % span.saturating_add(1),
        };
        like(self.first, number(self.first) + offset)
    }

    /// Whether `addr` is one of them.
    pub fn contains(self, addr: IpAddr) -> bool {
        width(addr) == width(self.first) && (self.first..=self.last).contains(&addr)
    }
}

/// Bits of an address.
pub(super) fn width(addr: IpAddr) -> u32 {
    if addr.is_ipv4() { 32 } else { 128 }
}

/// The lowest `bits` bits.
fn mask(bits: u32) -> u128 {
    u128::MAX.checked_shr(128 - bits).unwrap_or(0)
}

fn number(addr: IpAddr) -> u128 {
    match addr {
        IpAddr::V4(addr) => u32::from(addr).into(),
        IpAddr::V6(addr) => addr.into(),
    }
}

/// The address with this number, of the family of `addr`.
fn like(addr: IpAddr, number: u128) -> IpAddr {
    match addr {
        IpAddr::V4(_) => Ipv4Addr::from(number as u32).into(),
        IpAddr::V6(_) => Ipv6Addr::from(number).into(),
    }
}

/// As one address, `a.b.c.d/n` where it is a whole network, else `first-last`.
impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (number(self.first), number(self.last));
        let host_bits = first ^ last;
        let is_network = host_bits & host_bits.wrapping_add(1) == 0 && first & host_bits == 0;
        match (first == last, is_network) {
            (true, _) => self.first.fmt(f),
            (_, true) => write!(f, "{}/{}", self.first, host_bits.leading_zeros() - (128 - width(self.first))),
            _ => write!(f, "{}-{}", self.first, self.last),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shapes_of_a_net() {
        let rows = [
            ("192.0.2.7", "192.0.2.7", 1),
            ("192.0.2.7/30", "192.0.2.4", 4),
            ("10.0.0.0/8", "10.0.0.0", 1 << 24),
            ("0.0.0.0/0", "0.0.0.0", 1 << 32),
            ("10.0.0.1-20", "10.0.0.1", 20),
            ("10.0.0.250-10.0.1.5", "10.0.0.250", 12),
            ("10.0.0.*", "10.0.0.0", 256),
            ("10.0.*.*", "10.0.0.0", 65536),
            ("*.*.*.*", "0.0.0.0", 1 << 32),
            ("2001:db8::7", "2001:db8::7", 1),
            ("2001:db8::7/126", "2001:db8::4", 4),
            ("2001:db8::/64", "2001:db8::", u64::MAX),
            ("::/0", "::", u64::MAX),
            ("2001:db8::9-2001:db8::c", "2001:db8::9", 4),
        ];
        for (text, first, count) in rows {
            let net = Net::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(net.at(0), first.parse().ok(), "{text}");
            assert_eq!(net.count(), count, "{text}");
            assert_eq!(Net::parse(&net.to_string()), Some(net), "{net}");
        }
        for wrong in
            ["web.lab", "192.0.2.0/33", "10.0.0.9-3", "10.*.0.1", "1.2.3", "", "a-b.lab", "x/24", "::1/129", "::1-5"]
        {
            assert_eq!(Net::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn draws_lie_in_their_net() {
        let mut rng = Rng::new(1);
        for text in ["192.0.2.4/30", "10.0.0.1", "2001:db8::/32", "::/0", "0.0.0.0/0"] {
            let net = Net::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert!((0..100).all(|_| net.contains(net.draw(&mut rng))), "{text}");
        }
    }
}
