//! Options of IP and TCP headers: a table of kinds, read and written by one piece of code.

use std::net::Ipv4Addr;

use super::bits::mask;
use super::field::parse_number;
use super::value::Value;
use crate::base::nearest::did_you_mean;

/// The option kinds of one protocol. An option is a kind byte, a length byte and its value (RFC 791, RFC 9293 3.1).
#[derive(Debug, PartialEq, Eq)]
pub struct OptionTable(pub &'static [OptionKind]);

/// One option kind.
#[derive(Debug, PartialEq, Eq)]
pub struct OptionKind {
    /// The first byte.
    pub kind: u8,
    /// Scapy's name.
    pub name: &'static str,
    /// What its value is.
    pub shape: OptionShape,
}

/// What an option's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionShape {
    /// The kind byte alone, without a length.
    Single,
    /// Numbers of these widths in bytes; none for an option that only says yes.
    Numbers(&'static [u8]),
    /// Any count of 32-bit numbers.
    Words,
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
        self.0.first().map_or("", |kind| kind.name)
    }

    fn by_name(&self, name: &str) -> Option<&OptionKind> {
        self.0.iter().find(|k| k.name == name)
    }

    fn by_kind(&self, kind: u8) -> Option<&OptionKind> {
        self.0.iter().find(|k| k.kind == kind)
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
                    let hint = did_you_mean(name, self.0.iter().map(|k| k.name));
                    return Err(format!("no option \"{}\"{hint}", name.escape_debug()));
                }
            },
            Value::Int(number) => u8::try_from(*number).ok().and_then(|k| self.by_kind(k)).ok_or(*number),
            other => return Err(format!("an option begins with its name or number, found {}", other.kind())),
        };
        match known {
            Ok(known) => known.accept(value),
            Err(number) => accept_unknown(number, value),
        }
    }

    /// The bytes of a list that [`OptionTable::accept`] gave, padded with zeros to four bytes.
    pub fn encode(&self, items: &[Value], out: &mut Vec<u8>) {
        let start = out.len();
        for item in items {
            match item {
                Value::Bytes(raw) => out.extend_from_slice(raw),
                Value::List(pair) => self.encode_one(&pair[0], pair.get(1), out),
                other => self.encode_one(other, None, out),
            }
        }
        while !(out.len() - start).is_multiple_of(4) {
            out.push(0);
        }
    }

    fn encode_one(&self, kind: &Value, value: Option<&Value>, out: &mut Vec<u8>) {
        let known = match kind {
            Value::Text(name) => self.by_name(name),
            _ => None,
        };
        let number = known.map_or_else(|| kind.int().unwrap_or(0) as u8, |k| k.kind);
        out.push(number);
        if known.is_some_and(|k| k.shape == OptionShape::Single) {
            return;
        }
        let at = out.len();
        out.push(0);
        match (known.map(|k| k.shape), value) {
            (Some(OptionShape::Numbers(widths)), Some(value)) => {
                for (width, number) in widths.iter().zip(numbers(value)) {
                    out.extend_from_slice(&number.to_be_bytes()[8 - usize::from(*width)..]);
                }
            }
            (Some(OptionShape::Words), Some(value)) => {
                numbers(value).for_each(|n| out.extend_from_slice(&(n as u32).to_be_bytes()));
            }
            (Some(OptionShape::Route | OptionShape::SourceRoute), Some(Value::List(items))) => {
                out.push(items.first().and_then(Value::int).unwrap_or(ROUTE_START) as u8);
                for item in items.iter() {
                    if let Value::Ip4(addr) = item {
                        out.extend_from_slice(&addr.octets());
                    }
                }
            }
            (_, Some(Value::Bytes(bytes))) => out.extend_from_slice(bytes),
            _ => {}
        }
        out[at] = (out.len() - at + 1) as u8;
    }

    /// Reads options until the end-of-list option or the end. What is malformed stays as one blob, so nothing is lost.
    pub fn decode(&self, bytes: &[u8]) -> Vec<Value> {
        let mut items = Vec::new();
        let mut rest = bytes;
        while let Some(&kind) = rest.first() {
            let known = self.by_kind(kind);
            if known.is_some_and(|k| k.shape == OptionShape::Single) {
                items.push(Value::text(known.map_or("", |k| k.name)));
                rest = &rest[1..];
                if kind == 0 {
                    break;
                }
                continue;
            }
            let len = rest.get(1).map_or(0, |len| usize::from(*len));
            if len < 2 || len > rest.len() {
                items.push(Value::bytes(rest));
                return items;
            }
            items.push(decode_one(known, kind, &rest[2..len]));
            rest = &rest[len..];
        }
        // What follows the end of the list is padding, which encoding makes again, unless it is something else.
        let read = bytes.len() - rest.len();
        if rest.iter().any(|b| *b != 0) || read.next_multiple_of(4) != bytes.len().next_multiple_of(4) {
            items.push(Value::bytes(rest));
        }
        items
    }
}

impl OptionKind {
    fn accept(&self, value: Option<&Value>) -> Result<Value, String> {
        let name = Value::text(self.name);
        let wanted = |what: String| Err(format!("option \"{}\" takes {what}", self.name));
        let value = match (self.shape, value) {
            (OptionShape::Single | OptionShape::Numbers([]), None) => return Ok(name),
            (OptionShape::Single | OptionShape::Numbers([]), Some(Value::Bytes(b))) if b.is_empty() => return Ok(name),
            (OptionShape::Single | OptionShape::Numbers([]), Some(Value::Text(t))) if t.is_empty() => return Ok(name),
            (OptionShape::Single, Some(_)) => return wanted("no value".into()),
            // Bytes that do not have the option's own form are sent as they are.
            (_, Some(Value::Bytes(bytes))) => return accept_bytes(self.kind.into(), name, bytes, self.shape),
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
            (OptionShape::Words, Some(value)) => {
                let given: Vec<u64> = numbers(value).collect();
                let count = if let Value::List(items) = value { items.len() } else { 1 };
                if given.is_empty() || given.len() != count || given.iter().any(|n| *n > mask(32)) {
                    return wanted(format!("a list of 32-bit numbers, found {value}"));
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
            (OptionShape::Bytes, Some(other)) => return wanted(format!("bytes, found {}", other.kind())),
            (_, None) => return wanted(format!("a value: [\"{}\", value]", self.name)),
        };
        if encoded_len(&value, self.shape) > 253 {
            return wanted("253 bytes at most".into());
        }
        Ok(Value::List([name, value].into()))
    }
}

fn accept_unknown(number: u64, value: Option<&Value>) -> Result<Value, String> {
    if number > 255 {
        return Err(format!("an option's number is 0 to 255, found {number}"));
    }
    let bytes = match value {
        None => Value::bytes(&[]),
        Some(Value::Bytes(bytes)) if bytes.len() <= 253 => Value::Bytes(bytes.clone()),
        Some(Value::Text(text)) if text.len() <= 253 => Value::bytes(text.as_bytes()),
        Some(other) => return Err(format!("option {number} takes at most 253 bytes, found {other}")),
    };
    Ok(Value::List([Value::Int(number), bytes].into()))
}

fn accept_bytes(kind: u64, name: Value, bytes: &[u8], shape: OptionShape) -> Result<Value, String> {
    if bytes.len() > 253 {
        return Err(format!("option {name} takes at most 253 bytes, found {}", bytes.len()));
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

fn decode_one(known: Option<&OptionKind>, kind: u8, bytes: &[u8]) -> Value {
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
        Some(OptionShape::Route | OptionShape::SourceRoute) if bytes.len() % 4 == 1 => {
            let pointer = (u64::from(bytes[0]) != ROUTE_START).then_some(Value::Int(bytes[0].into()));
            let addrs = bytes[1..].chunks(4).map(|a| Value::Ip4(Ipv4Addr::new(a[0], a[1], a[2], a[3])));
            Value::List(pointer.into_iter().chain(addrs).collect())
        }
        Some(OptionShape::Bytes) => Value::bytes(bytes),
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

fn encoded_len(value: &Value, shape: OptionShape) -> usize {
    match (shape, value) {
        (OptionShape::Words | OptionShape::Route | OptionShape::SourceRoute, Value::List(items)) => items.len() * 4 + 1,
        (_, Value::Bytes(bytes)) => bytes.len(),
        _ => 8,
    }
}
