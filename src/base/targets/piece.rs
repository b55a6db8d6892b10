//! One target of a list.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use super::net::{Net, width};
use crate::base::spec::{Part, SpecError};

/// The next step when no better one is known.
pub(super) const HOW: &str = "write a name, an address, 192.0.2.0/24 or 10.0.0.1-20";

/// A target, or many that are written as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A host name, to be resolved.
    Name(String),
    /// The network of so many bits around the address of a name: `web.lab/28`. See [`Net::around`].
    NameNet(String, u32),
    /// One address, a network or a run of addresses.
    Net(Net),
    /// The same, in a zone: an interface's name (RFC 4007).
    Zoned(Net, Arc<str>),
    /// IPv4 addresses by their four numbers.
    Octets(Octets),
    /// A file with more of them, by its path.
    File(String),
}

impl Piece {
    /// How many addresses there are, `u64::MAX` where there are more; 0 while a name or a file stands for them.
    pub fn count(&self) -> u64 {
        match self {
            Self::Name(_) | Self::NameNet(..) | Self::File(_) => 0,
            Self::Net(net) | Self::Zoned(net, _) => net.count(),
            Self::Octets(octets) => octets.count(),
        }
    }

    /// The address at `index`, counted from the lowest; `None` past the end.
    pub fn at(&self, index: u64) -> Option<IpAddr> {
        match self {
            Self::Name(_) | Self::NameNet(..) | Self::File(_) => None,
            Self::Net(net) | Self::Zoned(net, _) => net.at(index),
            Self::Octets(octets) => octets.at(index).map(IpAddr::V4),
        }
    }

    /// Whether `addr` is one of them, in whatever zone.
    pub fn contains(&self, addr: IpAddr) -> bool {
        match (self, addr) {
            (Self::Net(net) | Self::Zoned(net, _), addr) => net.contains(addr),
            (Self::Octets(octets), IpAddr::V4(addr)) => octets.contains(addr),
            _ => false,
        }
    }

    /// The zone that its addresses are meant in.
    pub fn zone(&self) -> Option<&Arc<str>> {
        if let Self::Zoned(_, zone) = self { Some(zone) } else { None }
    }
}

/// In a form that is read as the same.
impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::NameNet(name, prefix) => write!(f, "{name}/{prefix}"),
            Self::Net(net) => net.fmt(f),
            Self::Zoned(net, zone) => write!(f, "{net}%{zone}"),
            Self::Octets(octets) => octets.fmt(f),
            Self::File(path) => write!(f, "@{path}"),
        }
    }
}

/// IPv4 addresses whose four numbers are each one of some: `10.0.0-3.1,7`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Octets([Vec<u8>; 4]);

impl Octets {
    /// How many addresses there are, at least one.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|values| values.len() as u64).product()
    }

    /// The address at `index`, counted from the lowest; `None` past the end.
    pub fn at(&self, mut index: u64) -> Option<Ipv4Addr> {
        let mut octets = [0; 4];
        for (octet, values) in octets.iter_mut().zip(&self.0).rev() {
            let count = values.len() as u64;
            *octet = *values.get((index % count.max(1)) as usize)?;
            index /= count;
        }
        (index == 0).then(|| octets.into())
    }

    /// Whether `addr` is one of them.
    pub fn contains(&self, addr: Ipv4Addr) -> bool {
        addr.octets().iter().zip(&self.0).all(|(octet, values)| values.binary_search(octet).is_ok())
    }
}

/// As it is written, with runs as ranges.
impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, values) in self.0.iter().enumerate() {
            f.write_str(if place > 0 { "." } else { "" })?;
            let runs = values.chunk_by(|a, b| b - a == 1);
            for (index, run) in runs.enumerate() {
                f.write_str(if index > 0 { "," } else { "" })?;
                match run {
                    [first, .., last] => write!(f, "{first}-{last}")?,
                    _ => run.iter().try_for_each(|value| value.fmt(f))?,
                }
            }
        }
        Ok(())
    }
}

/// Reads one target; it is not empty.
pub(super) fn read(part: Part<'_>) -> Result<Piece, SpecError> {
    let text = part.text;
    if let Some(path) = text.strip_prefix('@') {
        return match path {
            "" => Err(part.wrong("the file's name is missing behind @")),
            path => Ok(Piece::File(path.to_owned())),
        };
    }
    if text.starts_with('-') && !text.contains('.') {
        return Err(part.wrong("no name begins with -; an option stands before its value, not within it"));
    }
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if let Some(net) = Net::parse(bare) {
        return Ok(Piece::Net(net));
    }
    match bare {
        _ if bare.contains('%') => zoned(part, bare),
        _ if bare.contains('/') => network(part, bare).map(|(name, prefix)| Piece::NameNet(name.to_owned(), prefix)),
        _ if bare.bytes().all(|b| b.is_ascii_digit() || b".-*,".contains(&b)) => numbers(part, bare),
        _ if bare.contains(':') => Err(no_ipv6(part, bare)),
        _ => name(part, bare).map(|name| Piece::Name(name.to_owned())),
    }
}

/// `fe80::1%eth0` and `fe80::%eth0/64` (RFC 4007 section 11).
fn zoned(part: Part<'_>, text: &str) -> Result<Piece, SpecError> {
    let (addr, zone) = text.split_once('%').unwrap_or((text, ""));
    let (zone, prefix) = zone.split_once('/').map_or((zone, None), |(zone, prefix)| (zone, Some(prefix)));
    if zone.is_empty() {
        return Err(part.wrong("the zone is missing; write an interface, as fe80::1%eth0"));
    }
    let whole = prefix.map_or_else(|| addr.to_owned(), |prefix| format!("{addr}/{prefix}"));
    match Net::parse(&whole) {
        Some(net) if net.first().is_ipv6() => Ok(Piece::Zoned(net, zone.into())),
        Some(_) => Err(part.wrong("only IPv6 addresses have a zone")),
        None if whole.contains('/') => Err(network(part, &whole).err().unwrap_or_else(|| no_ipv6(part, addr))),
        None => Err(no_ipv6(part, addr)),
    }
}

/// The name and the number of bits of `name/24`. The errors are also those of an address that [`Net::parse`] refused.
fn network<'a>(part: Part<'_>, text: &'a str) -> Result<(&'a str, u32), SpecError> {
    let (before, bits) = text.split_once('/').unwrap_or((text, ""));
    let digits = !bits.is_empty() && bits.bytes().all(|b| b.is_ascii_digit());
    if !digits {
        return Err(part.wrong(format!("what follows / is no number of bits; {HOW}")));
    }
    let (family, most) = match before.parse::<IpAddr>() {
        Ok(addr) => (if addr.is_ipv4() { "IPv4" } else { "IPv6" }, width(addr)),
        Err(_) => ("IPv6", 128),
    };
    match bits.parse().ok().filter(|bits| *bits <= most) {
        Some(bits) if before.bytes().all(|b| b.is_ascii_digit() || b".-*,".contains(&b)) => {
            numbers(part, before)?;
            Err(part.wrong(format!("a prefix of {bits} bits follows one address; {HOW}")))
        }
        Some(_) if before.contains(':') => Err(no_ipv6(part, before)),
        Some(bits) => Ok((name(part, before)?, bits)),
        None => Err(part.wrong(format!("a prefix of {family} is 0 to {most} bits"))),
    }
}

/// Four numbers, or a run of addresses that [`Net::parse`] refused.
fn numbers(part: Part<'_>, text: &str) -> Result<Piece, SpecError> {
    if let Some((low, high)) = text.split_once('-')
        && let (Ok(low), Ok(high)) = (low.parse::<Ipv4Addr>(), high.parse::<Ipv4Addr>())
    {
        return Err(part.wrong(format!("backwards; did you mean \"{high}-{low}\"?")));
    }
    let places: Vec<&str> = text.split('.').collect();
    let Ok(places) = <[&str; 4]>::try_from(places) else {
        let found = text.matches('.').count() + 1;
        return Err(part.wrong(format!("an IPv4 address has four numbers, found {found}")));
    };
    let mut octets = [const { Vec::new() }; 4];
    for (octet, text) in octets.iter_mut().zip(places) {
        *octet = octet_of(part, text)?;
    }
    Ok(Piece::Octets(Octets(octets)))
}

/// One of the four numbers: a list of numbers and ranges, sorted.
fn octet_of(part: Part<'_>, text: &str) -> Result<Vec<u8>, SpecError> {
    let mut values = [false; 256];
    for item in text.split(',') {
        let (low, high) = match item.split_once('-') {
            _ if item.is_empty() => return Err(part.wrong("a number is missing between two dots")),
            _ if item == "*" => (0, 255),
            None => (number(part, item)?, number(part, item)?),
            Some((low, high)) => {
                let low = if low.is_empty() { 0 } else { number(part, low)? };
                (low, if high.is_empty() { 255 } else { number(part, high)? })
            }
        };
        if low > high {
            return Err(part.wrong(format!("backwards; did you mean \"{high}-{low}\"?")));
        }
        values[low.into()..=high.into()].fill(true);
    }
    Ok((0..=255).filter(|value| values[usize::from(*value)]).collect())
}

fn number(part: Part<'_>, text: &str) -> Result<u8, SpecError> {
    match text.parse::<u8>() {
        _ if text.contains('-') => Err(part.wrong("two hyphens in one number")),
        _ if !text.bytes().all(|b| b.is_ascii_digit()) => Err(part.wrong("a * stands for a whole number")),
        Ok(value) if text.len() > 1 && text.starts_with('0') => {
            Err(part.wrong(format!("a number with a 0 before it may be octal; did you mean {value}?")))
        }
        Ok(value) => Ok(value),
        Err(_) => Err(part.wrong(format!("each of the four numbers is 0 to 255, found {text}"))),
    }
}

/// A text with a colon that [`Net::parse`] refused.
fn no_ipv6(part: Part<'_>, text: &str) -> SpecError {
    let ends = text.split_once('-').map(|(low, high)| (low.parse::<IpAddr>(), high.parse::<IpAddr>()));
    match ends {
        Some((Ok(low), Ok(high))) if low > high && width(low) == width(high) => {
            part.wrong(format!("backwards; did you mean \"{high}-{low}\"?"))
        }
        Some((Ok(_), Ok(_))) => part.wrong("the two ends are of different families"),
        _ => part.wrong(format!("that is no IPv6 address; {HOW}")),
    }
}

/// A host name: whatever a resolver may know, but nothing that is meant otherwise.
fn name<'a>(part: Part<'_>, text: &'a str) -> Result<&'a str, SpecError> {
    let is_odd = |c: char| c.is_control() || "*:%/@[]\"'".contains(c);
    match text.chars().find(|c| is_odd(*c)) {
        Some(c) => Err(part.wrong(format!("a name holds no {}; {HOW}", c.escape_debug()))),
        None if text.is_empty() => Err(part.wrong(format!("a name is missing; {HOW}"))),
        None => Ok(text),
    }
}
