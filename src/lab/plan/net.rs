//! The networks of a plan: `[[net]]`.

use std::net::{IpAddr, Ipv4Addr};

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, de};

use crate::lab::faults::{self, Faults};
use crate::lab::nets::{self, MOST_NETS, Net, Nets, PREFIX, PREFIX6, Segment};
use crate::net::Subnet;

/// The longest prefix of an IPv4 network that still has two hosts.
const LONGEST: u8 = 30;

/// One `[[net]]` of a plan: a network that is cut out of 198.51.100.0/24 or 203.0.113.0/24 or lies elsewhere in
/// `2001:db8::/32`, or one of the three that are always there, to say what its cable does.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NetSpec {
    /// Its prefixes: one of IPv4, as `"203.0.113.64/28"`, one of IPv6, as `"2001:db8:3::/64"`, or both. An address
    /// belongs to the network with the longest prefix that fits.
    #[serde(deserialize_with = "prefixes")]
    pub prefixes: Vec<Subnet>,
    /// What its cable does to each frame, beside the cables of the two hosts; without it, nothing.
    #[serde(default = "faults::none", deserialize_with = "faults::of_net")]
    pub link: Faults,
}

impl Nets {
    /// Takes one more network in. The error says what is wrong with it.
    pub(super) fn add(&mut self, new: &NetSpec) -> Result<(), String> {
        let prefix = |is_ipv6: bool| new.prefixes.iter().copied().find(|prefix| prefix.addr.is_ipv6() == is_ipv6);
        let (v4, v6) = (prefix(false), prefix(true));
        let first = *new.prefixes.first().ok_or("a network has a prefix")?;
        let Some((place, old)) = self.all().find(|(_, net)| new.prefixes.iter().any(|prefix| net.is(prefix))) else {
            if let Some(inside) = new.prefixes.iter().find(|prefix| self.segment(prefix.addr) == Some(Segment::HOME)) {
                return Err(format!("{}: the network of lab0 cannot be divided", text(inside)));
            }
            if self.len() >= MOST_NETS {
                return Err(format!("a laboratory has {MOST_NETS} networks at most"));
            }
            self.put(None, Net { v4, v6, link: new.link });
            return Ok(());
        };
        let is_base = Self::default().find(&first).is_some();
        if let Some(other) = new.prefixes.iter().find(|prefix| !old.is(prefix)) {
            let known = old.v4.or(old.v6).unwrap_or(first);
            return Err(format!("{} is not on the cable of {}", text(other), text(&known)));
        }
        if !is_base || old.link != Faults::NONE {
            return Err(format!("the network {} is there twice", text(&first)));
        }
        let net = Net { link: new.link, ..*old };
        self.put(Some(place), net);
        Ok(())
    }
}

/// `203.0.113.64/28`.
pub(super) fn text(prefix: &Subnet) -> String {
    format!("{}/{}", prefix.addr, prefix.prefix)
}

/// Reads `203.0.113.64/28` or `2001:db8:3::/64`.
pub(in crate::lab) fn prefix(text: &str) -> Option<Subnet> {
    let (addr, len) = text.split_once('/')?;
    Some(Subnet { addr: addr.parse().ok()?, prefix: len.parse().ok()? })
}

fn prefixes<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Subnet>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Prefix(#[serde(deserialize_with = "lab_prefix")] Subnet);
    let all: Vec<Subnet> = Vec::<Prefix>::deserialize(input)?.into_iter().map(|prefix| prefix.0).collect();
    let count = |is_ipv6: bool| all.iter().filter(|prefix| prefix.addr.is_ipv6() == is_ipv6).count();
    match (count(false), count(true)) {
        (0 | 1, 1) | (1, 0) => Ok(all),
        _ => Err(D::Error::custom("a network has one prefix of IPv4, one of IPv6, or one of each")),
    }
}

/// A prefix in the documentation networks whose other bits are zero.
fn lab_prefix<'de, D: Deserializer<'de>>(input: D) -> Result<Subnet, D::Error> {
    let written = String::deserialize(input)?;
    let wanted = "a prefix as 203.0.113.64/28 or 2001:db8:3::/64";
    let found = prefix(&written).ok_or_else(|| de::Error::invalid_value(de::Unexpected::Str(&written), &wanted))?;
    let right = match found.addr {
        _ if !nets::owns(found.addr) => {
            return Err(D::Error::custom(format!("{written} is outside the laboratory; {}", nets::ONLY)));
        }
        IpAddr::V4(addr) if (PREFIX..=LONGEST).contains(&found.prefix) => {
            let mask = u32::MAX << (32 - found.prefix);
            Ipv4Addr::from_bits(addr.to_bits() & mask).into()
        }
        IpAddr::V6(addr) if found.prefix == PREFIX6 => {
            std::net::Ipv6Addr::from_bits(addr.to_bits() >> PREFIX6 << PREFIX6).into()
        }
        IpAddr::V4(_) => {
            return Err(D::Error::custom(format!("{written}: a prefix of IPv4 has {PREFIX} to {LONGEST} bits here")));
        }
        IpAddr::V6(_) => {
            return Err(D::Error::custom(format!("{written}: a prefix of IPv6 has {PREFIX6} bits here")));
        }
    };
    if found.addr != right {
        let nearest = text(&Subnet { addr: right, ..found });
        return Err(D::Error::custom(format!("{written} has bits behind its prefix; did you mean {nearest}?")));
    }
    Ok(found)
}
