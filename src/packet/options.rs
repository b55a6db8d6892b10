//! Options of headers and messages: a table of kinds, read and written by one piece of code.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::accept;
use super::bits::mask;
use super::field::{NameTable, name_of, parse_number};
use super::value::Value;
use crate::base::nearest::did_you_mean;

/// The option kinds of one protocol.
#[derive(Debug, PartialEq, Eq)]
pub struct OptionTable {
    /// How an option stands on the wire.
    pub format: OptionFormat,
    /// The kinds.
    pub kinds: &'static [OptionKind],
}

/// How an option stands on the wire: its kind, its length, its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OptionFormat {
    /// Bytes of the kind, and bytes of the length.
    pub width: u8,
    /// Whether the length counts kind and length, too.
    pub counts_itself: bool,
    /// The kind that ends the list.
    pub end: Option<u16>,
    /// What is added so that the list ends at a multiple of so many bytes.
    pub fill: Fill,
    /// Each value is followed by zeros up to a multiple of so many bytes.
    pub align: u8,
}

/// What is added at the end of a list of options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill {
    /// Nothing.
    None,
    /// Zeros, to a multiple of four bytes.
    Zeros,
    /// The options `Pad1` and `PadN`, to a multiple of eight bytes of the header (RFC 8200 section 4.2).
    Pads,
}

impl OptionFormat {
    /// Kind and length a byte each, the length counts both, and zeros fill four bytes (RFC 791, RFC 9293 section 3.1).
    pub const TCP_IP: Self = Self { width: 1, counts_itself: true, end: Some(0), fill: Fill::Zeros, align: 1 };
    /// A byte each, and the length counts the value alone (RFC 8200 section 4.2).
    pub const IPV6: Self = Self { width: 1, counts_itself: false, end: None, fill: Fill::Pads, align: 1 };
    /// The same, with 255 at the end and nothing to fill (RFC 2132 section 2).
    pub const DHCP: Self = Self { width: 1, counts_itself: false, end: Some(255), fill: Fill::None, align: 1 };
    /// Two bytes each, the length counts both, and zeros fill each to four bytes (RFC 9260 section 3.2.1).
    pub const SCTP: Self = Self { width: 2, counts_itself: true, end: None, fill: Fill::None, align: 4 };
    /// Two bytes each, and the length counts the value alone (RFC 6891 section 6.1.2).
    pub const EDNS: Self = Self { width: 2, counts_itself: false, end: None, fill: Fill::None, align: 1 };

    /// The length field for a value of so many bytes.
    fn length(self, value: usize) -> usize {
        value + if self.counts_itself { 2 * usize::from(self.width) } else { 0 }
    }

    /// The most bytes of a value.
    fn most(self) -> usize {
        mask(8 * usize::from(self.width)) as usize - self.length(0)
    }
}

/// One option kind.
#[derive(Debug, PartialEq, Eq)]
pub struct OptionKind {
    /// The number.
    pub kind: u16,
    /// Scapy's name.
    pub name: &'static str,
    /// What its value is.
    pub shape: OptionShape,
}

/// What an option's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionShape {
    /// The kind alone, without a length.
    Single,
    /// A number of so many bytes, which has names.
    Named(u8, NameTable),
    /// Text, when it is plain; else bytes.
    Text,
    /// An IPv4 address, or several.
    Ip4s,
    /// An IPv6 address.
    Ip6,
    /// Numbers of these widths in bytes; none for an option that only says yes.
    Numbers(&'static [u8]),
    /// Any count of 32-bit numbers.
    Words,
    /// Any count of numbers of a byte.
    ByteList,
    /// A pointer byte, then IPv4 addresses (RFC 791 record route).
    Route,
    /// The same, and the last address is where the packet is going (RFC 791 source routes).
    SourceRoute,
    /// Bytes.
    Bytes,
}

/// The pointer of a route option that nothing has been recorded in: the first address (RFC 791 3.1).
const ROUTE_START: u64 = 4;

impl OptionTable {
    /// The name of the first kind, for an example in a message.
    pub fn first_name(&self) -> &'static str {
        self.kinds.first().map_or("", |kind| kind.name)
    }

    fn by_name(&self, name: &str) -> Option<&OptionKind> {
        self.kinds.iter().find(|k| k.name == name)
    }

    fn by_kind(&self, kind: u16) -> Option<&OptionKind> {
        self.kinds.iter().find(|k| k.kind == kind)
    }

    /// Whether the option of this name says where the packet is going.
    pub fn is_source_route(&self, name: &str) -> bool {
        self.by_name(name).is_some_and(|k| k.shape == OptionShape::SourceRoute)
    }

    /// Checks a list as written: `"NOP"`, `["MSS", 1460]`, `[254, blob]`, or a blob that is sent as it is.
    ///
    /// Gives the same list in one form. Errors name the option and what fits.
    pub fn accept(&self, items: &[Value]) -> Result<Vec<Value>, String> {
        items.iter().map(|item| self.accept_one(item)).collect()
    }

    fn accept_one(&self, item: &Value) -> Result<Value, String> {
        let (kind, value) = match item {
            Value::Bytes(_) => return Ok(item.clone()),
            Value::List(pair) => match &pair[..] {
                [kind] => (kind, None),
                [kind, value] => (kind, Some(value)),
                _ => return Err(format!("an option is [name, value], found {item}")),
            },
            other => (other, None),
        };
        let known = match kind {
            Value::Text(name) => match (self.by_name(name), parse_number(name)) {
                (Some(known), _) => Ok(known),
                (None, Some(number)) => Err(number),
                (None, None) => {
                    let hint = did_you_mean(name, self.kinds.iter().map(|k| k.name));
                    return Err(format!("no option \"{}\"{hint}", name.escape_debug()));
                }
            },
            Value::Int(number) => u16::try_from(*number).ok().and_then(|k| self.by_kind(k)).ok_or(*number),
            other => return Err(format!("an option begins with its name or number, found {}", other.kind())),
        };
        match known {
            Ok(known) => known.accept(value, self.format.most()),
            Err(number) => accept_unknown(number, value, self.format),
        }
    }

    /// Whether a list that ends at byte `end` of a header would get nothing added.
    pub(super) fn ends_evenly(&self, end: usize) -> bool {
        match self.format.fill {
            Fill::None => true,
            Fill::Zeros => end.is_multiple_of(4),
            Fill::Pads => end.is_multiple_of(8),
        }
    }

    /// Writes a list that [`OptionTable::accept`] gave, and what fills it up; the header began at `header`.
    pub fn encode(&self, items: &[Value], header: usize, out: &mut Vec<u8>) {
        let start = out.len();
        for item in items {
            if !matches!(item, Value::Bytes(_)) {
                // Before each, not after it: RFC 9260 section 3.2 counts no zeros behind the last one.
                out.resize(start + (out.len() - start).next_multiple_of(self.format.align.into()), 0);
            }
            match item {
                Value::Bytes(raw) => out.extend_from_slice(raw),
                Value::List(pair) => self.encode_one(&pair[0], pair.get(1), out),
                other => self.encode_one(other, None, out),
            }
        }
        let unit = match self.format.fill {
            Fill::None => return,
            Fill::Zeros => 4,
            Fill::Pads => 8,
        };
        let missing = (out.len() - header).next_multiple_of(unit) - (out.len() - header);
        if self.format.fill == Fill::Pads && missing > 1 {
            out.extend([1, missing as u8 - 2]);
            out.resize(out.len() + missing - 2, 0);
        } else {
            out.resize(out.len() + missing, 0);
        }
    }

    fn encode_one(&self, kind: &Value, value: Option<&Value>, out: &mut Vec<u8>) {
        let known = match kind {
            Value::Text(name) => self.by_name(name),
            _ => None,
        };
        let number = known.map_or_else(|| kind.int().unwrap_or(0), |k| k.kind.into());
        let width = usize::from(self.format.width);
        let put = |number: u64, out: &mut Vec<u8>| out.extend_from_slice(&number.to_be_bytes()[8 - width..]);
        put(number, out);
        if known.is_some_and(|k| k.shape == OptionShape::Single) {
            return;
        }
        let at = out.len();
        put(0, out);
        if let Some(value) = value {
            encode_value(known.map(|k| k.shape), value, out);
        }
        let len = self.format.length(out.len() - at - width) as u64;
        out[at..at + width].copy_from_slice(&len.to_be_bytes()[8 - width..]);
    }

    /// Reads options until the one that ends the list, or the end of `bytes`, which begin at byte `at` of their header.
    /// What is malformed stays as one blob, so nothing is lost.
    pub fn decode(&self, bytes: &[u8], at: usize) -> Vec<Value> {
        let mut items = Vec::new();
        let mut rest = bytes;
        let width = usize::from(self.format.width);
        let number = |bytes: &[u8], at: usize| {
            bytes.get(at..at + width).map(|n| n.iter().fold(0u16, |n, b| n << 8 | u16::from(*b)))
        };
        // Zeros behind an option belong to it only when another option follows.
        let mut unread = rest;
        while let Some(kind) = number(rest, 0) {
            let known = self.by_kind(kind);
            if let Some(single) = known.filter(|k| k.shape == OptionShape::Single) {
                items.push(Value::text(single.name));
                rest = &rest[width..];
                unread = rest;
                if self.format.end == Some(kind) {
                    break;
                }
                continue;
            }
            let value = number(rest, width)
                .and_then(|len| usize::from(len).checked_sub(self.format.length(0)))
                .and_then(|len| rest.get(2 * width..2 * width + len));
            let Some(value) = value else { break };
            items.push(decode_one(known, kind, value));
            rest = &rest[2 * width + value.len()..];
            unread = rest;
            let fill = value.len().next_multiple_of(self.format.align.into()) - value.len();
            match rest.get(..fill) {
                Some(zeros) if rest.len() > fill && zeros.iter().all(|b| *b == 0) => rest = &rest[fill..],
                Some([]) => {}
                _ => break,
            }
        }
        if !unread.is_empty() && !self.is_fill(at + bytes.len(), unread) {
            items.push(Value::bytes(unread));
        }
        items
    }

    /// Whether what follows the last option, up to byte `end` of the header, is what encoding adds again.
    fn is_fill(&self, end: usize, rest: &[u8]) -> bool {
        self.format.fill == Fill::Zeros
            && rest.iter().all(|b| *b == 0)
            && (end - rest.len()).next_multiple_of(4) == end.next_multiple_of(4)
    }
}

fn encode_value(shape: Option<OptionShape>, value: &Value, out: &mut Vec<u8>) {
    match (shape, value) {
        (Some(OptionShape::Numbers(widths)), Value::Int(_) | Value::List(_) | Value::Text(_)) => {
            for (width, number) in widths.iter().zip(numbers(value)) {
                out.extend_from_slice(&number.to_be_bytes()[8 - usize::from(*width)..]);
            }
        }
        (Some(OptionShape::Named(width, names)), Value::Int(_) | Value::Text(_)) => {
            let number = accept::number(value, width * 8, names).unwrap_or(0);
            out.extend_from_slice(&number.to_be_bytes()[8 - usize::from(width)..]);
        }
        (Some(OptionShape::Words), Value::Int(_) | Value::List(_) | Value::Text(_)) => {
            numbers(value).for_each(|n| out.extend_from_slice(&(n as u32).to_be_bytes()));
        }
        (Some(OptionShape::ByteList), Value::Int(_) | Value::List(_) | Value::Text(_)) => {
            out.extend(numbers(value).map(|n| n as u8));
        }
        (Some(OptionShape::Route | OptionShape::SourceRoute), Value::List(items)) => {
            out.push(items.first().and_then(Value::int).unwrap_or(ROUTE_START) as u8);
            items.iter().for_each(|item| put_addr(item, out));
        }
        (_, Value::List(items)) => items.iter().for_each(|item| put_addr(item, out)),
        (_, Value::Bytes(bytes)) => out.extend_from_slice(bytes),
        (_, Value::Text(text)) => out.extend_from_slice(text.as_bytes()),
        (_, addr) => put_addr(addr, out),
    }
}

fn put_addr(addr: &Value, out: &mut Vec<u8>) {
    match addr {
        Value::Ip4(addr) => out.extend_from_slice(&addr.octets()),
        Value::Ip6(addr, _) => out.extend_from_slice(&addr.octets()),
        _ => {}
    }
}

impl OptionKind {
    fn accept(&self, value: Option<&Value>, most: usize) -> Result<Value, String> {
        let name = Value::text(self.name);
        let wanted = |what: String| Err(format!("option \"{}\" takes {what}", self.name));
        let value = match (self.shape, value) {
            (OptionShape::Single | OptionShape::Numbers([]), None) => return Ok(name),
            (OptionShape::Single | OptionShape::Numbers([]), Some(Value::Bytes(b))) if b.is_empty() => return Ok(name),
            (OptionShape::Single | OptionShape::Numbers([]), Some(Value::Text(t))) if t.is_empty() => return Ok(name),
            (OptionShape::Single, Some(_)) => return wanted("no value".into()),
            // Bytes that do not have the option's own form are sent as they are.
            (_, Some(Value::Bytes(bytes))) => return accept_bytes(self.kind.into(), name, bytes, self.shape, most),
            (OptionShape::Numbers([]), Some(_)) => return wanted("no value, or bytes to send a wrong one".into()),
            (OptionShape::Numbers(widths), Some(value)) => {
                let given: Vec<u64> = numbers(value).collect();
                let bits = |w: &u8| usize::from(*w) * 8;
                if given.len() != widths.len() || given.iter().zip(widths).any(|(n, w)| *n > mask(bits(w))) {
                    let widths: Vec<String> = widths.iter().map(|w| format!("a number of {} bits", bits(w))).collect();
                    return wanted(format!("{}, found {value}", widths.join(" and ")));
                }
                value.clone()
            }
            (OptionShape::Words | OptionShape::ByteList, Some(value)) => {
                let bits = if self.shape == OptionShape::Words { 32 } else { 8 };
                let given: Vec<u64> = numbers(value).collect();
                let count = if let Value::List(items) = value { items.len() } else { 1 };
                if given.is_empty() || given.len() != count || given.iter().any(|n| *n > mask(bits)) {
                    return wanted(format!("a list of {bits}-bit numbers, found {value}"));
                }
                value.clone()
            }
            (OptionShape::Route | OptionShape::SourceRoute, Some(Value::List(items))) => accept_route(items)
                .ok_or_else(|| {
                    format!(
                        "option \"{}\" takes a list of IPv4 addresses, found {}",
                        self.name,
                        Value::List(items.clone())
                    )
                })?,
            (OptionShape::Route | OptionShape::SourceRoute, _) => return wanted("a list of IPv4 addresses".into()),
            (OptionShape::Bytes, Some(Value::Text(text))) => Value::bytes(text.as_bytes()),
            (OptionShape::Text, Some(Value::Text(_))) => value.cloned().unwrap_or(Value::bytes(&[])),
            (OptionShape::Text, Some(other)) => return wanted(format!("text, found {}", other.kind())),
            (OptionShape::Named(width, names), Some(value)) => {
                let number = accept::number(value, width * 8, names);
                named(number.map_err(|e| format!("option \"{}\": {e}", self.name))?, names)
            }
            (OptionShape::Ip4s, Some(value)) => {
                let wrong = |e| format!("option \"{}\": {e}", self.name);
                let addr = |item: &Value| accept::ip4(item).map(Value::Ip4).map_err(wrong);
                match value {
                    Value::List(items) => Value::List(items.iter().map(addr).collect::<Result<_, _>>()?),
                    one => addr(one)?,
                }
            }
            (OptionShape::Ip6, Some(value)) => {
                accept::ip6(value).map_err(|e| format!("option \"{}\": {e}", self.name))?
            }
            (OptionShape::Bytes, Some(other)) => return wanted(format!("bytes, found {}", other.kind())),
            (_, None) => return wanted(format!("a value: [\"{}\", value]", self.name)),
        };
        let mut encoded = Vec::new();
        encode_value(Some(self.shape), &value, &mut encoded);
        if encoded.len() > most {
            return wanted(format!("{most} bytes at most"));
        }
        Ok(Value::List([name, value].into()))
    }
}

fn accept_unknown(number: u64, value: Option<&Value>, format: OptionFormat) -> Result<Value, String> {
    let highest = mask(8 * usize::from(format.width));
    if number > highest {
        return Err(format!("an option's number is 0 to {highest}, found {number}"));
    }
    let most = format.most();
    let bytes = match value {
        None => Value::bytes(&[]),
        Some(Value::Bytes(bytes)) if bytes.len() <= most => Value::Bytes(bytes.clone()),
        Some(Value::Text(text)) if text.len() <= most => Value::bytes(text.as_bytes()),
        Some(other) => return Err(format!("option {number} takes at most {most} bytes, found {other}")),
    };
    Ok(Value::List([Value::Int(number), bytes].into()))
}

fn accept_bytes(kind: u64, name: Value, bytes: &[u8], shape: OptionShape, most: usize) -> Result<Value, String> {
    if bytes.len() > most {
        return Err(format!("option {name} takes at most {most} bytes, found {}", bytes.len()));
    }
    let first = if shape == OptionShape::Bytes { name } else { Value::Int(kind) };
    Ok(Value::List([first, Value::bytes(bytes)].into()))
}

/// A list of addresses as text or value, with a pointer in front when it is not [`ROUTE_START`].
fn accept_route(items: &[Value]) -> Option<Value> {
    let mut list = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        list.push(match item {
            Value::Int(pointer) if i == 0 && *pointer < 256 => item.clone(),
            Value::Text(text) => Value::Ip4(text.parse::<Ipv4Addr>().ok()?),
            Value::Ip4(_) => item.clone(),
            _ => return None,
        });
    }
    Some(Value::List(list.into()))
}

fn decode_one(known: Option<&OptionKind>, kind: u16, bytes: &[u8]) -> Value {
    let number = |width: usize, at: usize| bytes[at..at + width].iter().fold(0, |n, b| n << 8 | u64::from(*b));
    let value = match known.map(|k| k.shape) {
        Some(OptionShape::Numbers([])) if bytes.is_empty() => {
            return Value::text(known.map_or("", |k| k.name));
        }
        Some(OptionShape::Numbers(widths)) if widths.iter().map(|w| usize::from(*w)).sum::<usize>() == bytes.len() => {
            let mut at = 0;
            let mut list = Vec::with_capacity(widths.len());
            for width in widths {
                list.push(Value::Int(number((*width).into(), at)));
                at += usize::from(*width);
            }
            if list.len() == 1 { list.remove(0) } else { Value::List(list.into()) }
        }
        Some(OptionShape::Words) if !bytes.is_empty() && bytes.len().is_multiple_of(4) => {
            Value::List((0..bytes.len() / 4).map(|i| Value::Int(number(4, i * 4))).collect())
        }
        Some(OptionShape::ByteList) if !bytes.is_empty() => {
            Value::List(bytes.iter().map(|b| Value::Int((*b).into())).collect())
        }
        Some(OptionShape::Route | OptionShape::SourceRoute) if bytes.len() % 4 == 1 => {
            let pointer = (u64::from(bytes[0]) != ROUTE_START).then_some(Value::Int(bytes[0].into()));
            let addrs = bytes[1..].chunks(4).map(|a| Value::Ip4(Ipv4Addr::new(a[0], a[1], a[2], a[3])));
            Value::List(pointer.into_iter().chain(addrs).collect())
        }
        Some(OptionShape::Bytes) => Value::bytes(bytes),
        Some(OptionShape::Named(width, names)) if bytes.len() == usize::from(width) => {
            named(number(width.into(), 0), names)
        }
        Some(OptionShape::Text) if is_plain(bytes) => Value::text(&String::from_utf8_lossy(bytes)),
        Some(OptionShape::Ip4s) if !bytes.is_empty() && bytes.len().is_multiple_of(4) => {
            let addr = |a: &[u8]| Value::Ip4(Ipv4Addr::new(a[0], a[1], a[2], a[3]));
            if bytes.len() == 4 { addr(bytes) } else { Value::List(bytes.chunks(4).map(addr).collect()) }
        }
        Some(OptionShape::Ip6) if bytes.len() == 16 => {
            <[u8; 16]>::try_from(bytes).map_or(Value::bytes(bytes), |a| Value::Ip6(Ipv6Addr::from(a), None))
        }
        _ => return Value::List([Value::Int(kind.into()), Value::bytes(bytes)].into()),
    };
    Value::List([Value::text(known.map_or("", |k| k.name)), value].into())
}

/// The numbers of a number or a list of numbers; text that is a number counts.
fn numbers(value: &Value) -> impl Iterator<Item = u64> + '_ {
    let items: &[Value] = match value {
        Value::List(items) => items,
        other => std::slice::from_ref(other),
    };
    items.iter().filter_map(|item| match item {
        Value::Text(text) => parse_number(text),
        other => other.int(),
    })
}

/// A number by its name, where it has one.
fn named(number: u64, names: NameTable) -> Value {
    name_of(names, number).map_or(Value::Int(number), Value::text)
}

/// Whether bytes can be shown as text and read back: printable, and not taken for a number or an address.
fn is_plain(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|b| b.is_ascii_graphic() || *b == b' ')
}
