//! The names and addresses of hosts.

use std::net::IpAddr;

use serde::Deserialize;
use serde::de::{self, Deserializer, Error as _};

use super::HostSpec;
use crate::lab::nets;

/// Another name of a host, for addresses that it has in other networks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alias {
    /// The name, which ends in `.lab`.
    #[serde(deserialize_with = "lab_name")]
    pub name: String,
    /// The addresses that it stands for; no other name of the host does.
    #[serde(deserialize_with = "lab_addrs")]
    pub addrs: Vec<IpAddr>,
    /// One sentence on what can be learned from it.
    pub about: String,
}

impl HostSpec {
    /// Its names, each with the addresses that go by it; its own comes first.
    pub(in crate::lab) fn names(&self) -> impl Iterator<Item = Known<'_>> {
        let own = Known { name: &self.name, addrs: &self.addrs, about: &self.about };
        let others = self.alias.iter().map(|Alias { name, addrs, about }| Known { name, addrs, about });
        [own].into_iter().chain(others)
    }

    /// The addresses of all its names.
    pub(in crate::lab) fn all_addrs(&self) -> impl Iterator<Item = IpAddr> {
        self.names().flat_map(|known| known.addrs.iter().copied())
    }
}

/// One of the names of a host.
#[derive(Clone, Copy, Debug)]
pub(in crate::lab) struct Known<'a> {
    pub(in crate::lab) name: &'a str,
    addrs: &'a [IpAddr],
    pub(super) about: &'a str,
}

impl Known<'_> {
    /// The addresses that go by it, those of IPv4 first.
    pub(in crate::lab) fn addrs(&self) -> Vec<IpAddr> {
        let mut addrs = self.addrs.to_vec();
        addrs.sort_by_key(IpAddr::is_ipv6);
        addrs
    }
}

/// A name in `.lab`.
pub(super) fn lab_name<'de, D: Deserializer<'de>>(input: D) -> Result<String, D::Error> {
    let name = String::deserialize(input)?;
    let is_label = |label: &str| {
        // RFC 1035 section 2.3.4; hosts of Windows have underscores.
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
    };
    if nets::owns_name(&name) && name.len() <= 253 && name.split('.').all(is_label) {
        return Ok(name);
    }
    Err(D::Error::custom(format!(
        "a host's name is letters, digits and - and ends in .lab; \"{}\" is not",
        name.escape_debug()
    )))
}

/// Addresses in the documentation networks, one at least.
pub(super) fn lab_addrs<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<IpAddr>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct LabAddr(#[serde(deserialize_with = "lab_addr")] IpAddr);
    let addrs = Vec::<LabAddr>::deserialize(input)?;
    if addrs.is_empty() {
        return Err(D::Error::custom("a host has at least one address, as addrs = [\"192.0.2.50\"]"));
    }
    Ok(addrs.into_iter().map(|addr| addr.0).collect())
}

fn lab_addr<'de, D: Deserializer<'de>>(input: D) -> Result<IpAddr, D::Error> {
    let text = String::deserialize(input)?;
    let addr: IpAddr =
        text.parse().map_err(|_| de::Error::invalid_value(de::Unexpected::Str(&text), &"an IPv4 or IPv6 address"))?;
    match addr {
        _ if !nets::owns(addr) && addr.is_ipv4() => Err(D::Error::custom(format!(
            "{addr} is outside the laboratory: use 192.0.2.x, 198.51.100.x or 203.0.113.x"
        ))),
        _ if !nets::owns(addr) => Err(D::Error::custom(format!(
            "{addr} is outside the laboratory: use 2001:db8::x, 2001:db8:1::x or 2001:db8:2::x"
        ))),
        IpAddr::V4(v4) if matches!(v4.octets()[3], 0 | 255) => {
            Err(D::Error::custom(format!("{addr} is the address of a network or a broadcast; hosts have 1 to 254")))
        }
        // The hardware address of a host without IPv4 is made of these 16 bits.
        IpAddr::V6(v6) if !(1..=0xffff).contains(&(v6.to_bits() as u64)) => {
            Err(D::Error::custom(format!("{addr} has a number that no host has; hosts have ::1 to ::ffff")))
        }
        _ => Ok(addr),
    }
}
