//! Target and port specifications as people write them: `192.0.2.0/24`, `10.0.0.1-20`, `22,80-90`.

use std::fmt;
use std::net::Ipv4Addr;

/// A run of IPv4 addresses, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Net {
    first: u32,
    last: u32,
}

impl Net {
    /// One address.
    pub fn single(addr: Ipv4Addr) -> Self {
        Self { first: addr.into(), last: addr.into() }
    }

    /// Reads `a.b.c.d`, `a.b.c.d/n`, `a.b.c.*` (any trailing stars), `a.b.c.d-e` or `a.b.c.d-e.f.g.h`.
    ///
    /// `None` when the text has none of these shapes (it may be a host name).
    /// A network keeps its network and broadcast addresses, as Scapy's and Nmap's do.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(addr) = text.parse::<Ipv4Addr>() {
            return Some(Self::single(addr));
        }
        if let Some((addr, prefix)) = text.split_once('/') {
            let addr = u32::from(addr.parse::<Ipv4Addr>().ok()?);
            let prefix = prefix.parse::<u32>().ok().filter(|p| *p <= 32 && !text.ends_with('+'))?;
            let host_bits = u32::MAX.checked_shr(prefix).unwrap_or(0);
            return Some(Self { first: addr & !host_bits, last: addr | host_bits });
        }
        if let Some((low, high)) = text.split_once('-') {
            let first = low.parse::<Ipv4Addr>().ok()?;
            let last = match high.parse::<Ipv4Addr>() {
                Ok(last) => last,
                Err(_) => {
                    let [a, b, c, _] = first.octets();
                    Ipv4Addr::new(a, b, c, high.parse().ok()?)
                }
            };
            return (first <= last).then(|| Self { first: first.into(), last: last.into() });
        }
        let stars = text.matches('*').count();
        if (1..=4).contains(&stars) && text.ends_with(&".*".repeat(stars)[usize::from(stars == 4)..]) {
            let low: Ipv4Addr = text.replace('*', "0").parse().ok()?;
            let high: Ipv4Addr = text.replace('*', "255").parse().ok()?;
            return Some(Self { first: low.into(), last: high.into() });
        }
        None
    }

    /// How many addresses there are, at least one.
    pub fn count(self) -> u64 {
        u64::from(self.last - self.first) + 1
    }

    /// The address at `index`, counted from the lowest; `None` past the end.
    pub fn at(self, index: u64) -> Option<Ipv4Addr> {
        (index < self.count()).then(|| Ipv4Addr::from(self.first + index as u32))
    }

    /// Whether `addr` is one of them.
    pub fn contains(self, addr: Ipv4Addr) -> bool {
        (self.first..=self.last).contains(&u32::from(addr))
    }
}

/// As `a.b.c.d`, `a.b.c.d/n` where it is a whole network, else `first-last`.
impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = (Ipv4Addr::from(self.first), Ipv4Addr::from(self.last));
        let host_bits = self.first ^ self.last;
        let is_network = host_bits & host_bits.wrapping_add(1) == 0 && self.first & host_bits == 0;
        match (first == last, is_network) {
            (true, _) => write!(f, "{first}"),
            (_, true) => write!(f, "{first}/{}", host_bits.leading_zeros()),
            _ => write!(f, "{first}-{last}"),
        }
    }
}

/// Reads a list of ports: `22,80-90`, `-` for all (1-65535), `-1024`, `60000-`.
///
/// The order written is kept and duplicates are dropped. Errors name the part that is wrong.
pub fn ports(text: &str) -> Result<Vec<u16>, String> {
    let mut seen = vec![false; 65536];
    let mut list = Vec::new();
    for part in text.split(',').map(str::trim) {
        let (low, high) = match part.split_once('-') {
            Some((low, high)) => {
                (port_or(low, 1).map_err(|e| said(part, e))?, port_or(high, 65535).map_err(|e| said(part, e))?)
            }
            None => {
                let port = port_or(part, u32::MAX).map_err(|e| said(part, e))?;
                (port, port)
            }
        };
        if low > high {
            return Err(said(part, "the first port is above the last one"));
        }
        for port in low..=high {
            if !std::mem::replace(&mut seen[port as usize], true) {
                list.push(port as u16);
            }
        }
    }
    Ok(list)
}

fn said(part: &str, what: &str) -> String {
    format!("ports: \"{}\": {what}; write ports as \"22,80-90\"", part.escape_debug())
}

fn port_or(text: &str, empty: u32) -> Result<u32, &'static str> {
    if text.is_empty() {
        return if empty == u32::MAX { Err("a port number is missing") } else { Ok(empty) };
    }
    match text.parse::<u32>() {
        Ok(port) if port <= 65535 => Ok(port),
        Ok(_) => Err("a port is 0 to 65535"),
        Err(_) => Err("that is no port number"),
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
        ];
        for (text, first, count) in rows {
            let net = Net::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(net.at(0), first.parse().ok(), "{text}");
            assert_eq!(net.count(), count, "{text}");
            assert_eq!(Net::parse(&net.to_string()), Some(net), "{net}");
        }
        for wrong in ["web.lab", "192.0.2.0/33", "10.0.0.9-3", "10.*.0.1", "1.2.3", "", "a-b.lab", "x/24"] {
            assert_eq!(Net::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_shapes_of_a_port_list() {
        assert_eq!(ports("80,22, 80,20-22"), Ok(vec![80, 22, 20, 21]));
        assert_eq!(ports("-").map(|p| p.len()), Ok(65535));
        assert_eq!(ports("65534-"), Ok(vec![65534, 65535]));
        for wrong in ["", "22,", "90-80", "65536", "http", "1-2-3"] {
            assert!(ports(wrong).is_err_and(|e| e.contains("22,80-90")), "{wrong}");
        }
    }
}
