//! What a field may hold: one value, a set of values, or a value drawn at random.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::Packet;
use crate::base::targets::{Net, Target};
use crate::base::{Mac, Rng, text};

/// One value, as a user writes it or as a field holds it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// A number: every field of bits, flags included.
    Int(u64),
    /// An IPv4 address.
    Ip4(Ipv4Addr),
    /// A hardware address.
    Mac(Mac),
    /// Raw bytes.
    Bytes(Arc<[u8]>),
    /// Text: a name, a number, an address; a field turns it into what it holds.
    Text(Arc<str>),
    /// Several values that are one: options, and the values of an option.
    List(Arc<[Value]>),
    /// An IPv6 address, and its zone where the user named one; the zone is never on the wire.
    Ip6(Ipv6Addr, Option<Arc<str>>),
    /// A packet inside a field: a record.
    Packet(Arc<Packet>),
}

impl Value {
    /// The number, if it is one.
    pub fn int(&self) -> Option<u64> {
        match self {
            Self::Int(n) => Some(*n),
            _ => None,
        }
    }

    /// An address.
    pub fn addr(addr: IpAddr) -> Self {
        match addr {
            IpAddr::V4(addr) => Self::Ip4(addr),
            IpAddr::V6(addr) => Self::Ip6(addr, None),
        }
    }

    /// Where it leads, if it is an address.
    pub fn target(&self) -> Option<Target> {
        match self {
            Self::Ip4(addr) => Some(IpAddr::V4(*addr).into()),
            Self::Ip6(addr, zone) => Some(Target { addr: (*addr).into(), zone: zone.clone() }),
            _ => None,
        }
    }

    /// Raw bytes, copied.
    pub fn bytes(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.into())
    }

    /// Text, copied.
    pub fn text(text: &str) -> Self {
        Self::Text(text.into())
    }

    /// What kind of value it is, for messages: `a number`, `text`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "a number",
            Self::Ip4(_) => "an IPv4 address",
            Self::Ip6(..) => "an IPv6 address",
            Self::Packet(_) => "a packet",
            Self::Mac(_) => "a MAC address",
            Self::Bytes(_) => "bytes",
            Self::Text(_) => "text",
            Self::List(_) => "a list",
        }
    }
}

/// Written as it would be typed in a script; text and bytes are escaped.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => write!(f, "{n}"),
            Self::Ip4(addr) => write!(f, "\"{addr}\""),
            Self::Ip6(addr, None) => write!(f, "\"{addr}\""),
            Self::Ip6(addr, Some(zone)) => write!(f, "\"{addr}%{}\"", zone.escape_debug()),
            Self::Packet(packet) => f.write_str(&packet.command()),
            Self::Mac(mac) => write!(f, "\"{mac}\""),
            Self::Bytes(bytes) => f.write_str(&text::literal(bytes)),
            Self::Text(t) => f.write_str(&text::literal(t.as_bytes())),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    match item {
                        // In a list, text could be taken for a number or a name.
                        Self::Bytes(bytes) => write!(f, "unhex(\"{}\")", text::hex(bytes))?,
                        other => write!(f, "{other}")?,
                    }
                }
                f.write_str("]")
            }
        }
    }
}

/// Several values for one field: the packet is then a set of packets. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Many {
    /// These, in this order.
    List(Arc<[Value]>),
    /// All numbers from the first to the last.
    Range(u64, u64),
    /// All addresses of a network.
    Net(Net),
}

impl Many {
    /// How many values there are.
    pub fn count(&self) -> u64 {
        match self {
            Self::List(items) => items.len() as u64,
            Self::Range(low, high) => (high - low).saturating_add(1),
            Self::Net(net) => net.count(),
        }
    }

    /// The value at `index`, which the caller keeps below [`Many::count`]; the first one past the end.
    pub fn at(&self, index: u64) -> Value {
        match self {
            Self::List(items) => items[if index < items.len() as u64 { index as usize } else { 0 }].clone(),
            Self::Range(low, high) => Value::Int(if index <= high - low { low + index } else { *low }),
            Self::Net(net) => Value::addr(net.at(index).unwrap_or(net.first())),
        }
    }
}

impl fmt::Display for Many {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List(items) => Value::List(items.clone()).fmt(f),
            Self::Range(low, high) => write!(f, "{low}..={high}"),
            Self::Net(net) => write!(f, "\"{net}\""),
        }
    }
}

/// A value drawn anew for each packet that is sent; Scapy's `RandShort()` and its kin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Random {
    /// A number between two others, both included: `RandShort()`, `RandNum(a, b)`.
    Int(u64, u64),
    /// An address of a network: `RandIP("10.0.0.0/24")`.
    Addr(Net),
    /// A hardware address; the bytes that are `Some` are fixed: `RandMAC("02:00:*:*:*:*")`.
    Mac([Option<u8>; 6]),
    /// So many random bytes, letters and digits only if `letters`: `RandBin(n)`, `RandString(n)`.
    Bytes {
        /// How many.
        len: u32,
        /// Letters and digits only.
        letters: bool,
    },
    /// One of these: `RandChoice(a, b, ..)`.
    Choice(Arc<[Value]>),
}

impl Random {
    /// Draws a value.
    pub fn draw(&self, rng: &mut Rng) -> Value {
        match self {
            Self::Int(low, high) => Value::Int(rng.between(*low, *high)),
            Self::Addr(net) => Value::addr(net.draw(rng)),
            Self::Mac(pattern) => Value::Mac(Mac(pattern.map(|byte| byte.unwrap_or_else(|| rng.next_u64() as u8)))),
            Self::Bytes { len, letters } => {
                let mut bytes = vec![0; *len as usize];
                rng.fill(&mut bytes);
                if *letters {
                    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
                    for b in &mut bytes {
                        *b = LETTERS[usize::from(*b) % LETTERS.len()];
                    }
                }
                Value::Bytes(bytes.into())
            }
            Self::Choice(items) => items[rng.below(items.len() as u64) as usize].clone(),
        }
    }
}

/// As the call that makes it.
impl fmt::Display for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(0, 0xff) => f.write_str("RandByte()"),
            Self::Int(0, 0xffff) => f.write_str("RandShort()"),
            Self::Int(0, 0xffff_ffff) => f.write_str("RandInt()"),
            Self::Int(low, high) => write!(f, "RandNum({low}, {high})"),
            Self::Addr(net) => write!(f, "RandIP{}(\"{net}\")", if net.first().is_ipv6() { "6" } else { "" }),
            Self::Mac(pattern) => {
                let bytes: Vec<String> =
                    pattern.iter().map(|b| b.map_or_else(|| "*".to_owned(), |b| format!("{b:02x}"))).collect();
                write!(f, "RandMAC(\"{}\")", bytes.join(":"))
            }
            Self::Bytes { len, letters: true } => write!(f, "RandString({len})"),
            Self::Bytes { len, letters: false } => write!(f, "RandBin({len})"),
            Self::Choice(items) => {
                let items: Vec<String> = items.iter().map(ToString::to_string).collect();
                write!(f, "RandChoice({})", items.join(", "))
            }
        }
    }
}

/// What one field of a layer holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Slot {
    /// To be computed at build.
    Auto,
    /// Sent exactly so.
    Set(Value),
    /// One packet for each.
    Many(Many),
    /// Drawn for each packet.
    Random(Random),
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Set(value) => value.fmt(f),
            Self::Many(many) => many.fmt(f),
            Self::Random(random) => random.fmt(f),
        }
    }
}
