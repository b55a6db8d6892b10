//! One row of a layer's table: a field's name, shape, default and documentation.

use std::net::Ipv4Addr;

use super::flags::FlagNames;
use super::options::OptionTable;
use super::value::{Many, Slot, Value};
use crate::base::nearest::did_you_mean;
use crate::base::targets::Net;
use crate::base::{Mac, text};

/// A field of a layer. Tables are made with the `const` builders below: `Field::bits("dport", 16).default(80)`.
#[derive(Debug)]
pub struct Field {
    /// Scapy's name, else the RFC's.
    pub name: &'static str,
    /// What it holds.
    pub shape: Shape,
    /// What it holds when nothing is set.
    pub preset: Preset,
    /// Names of its numbers.
    pub names: Names,
    /// Whether people read it in hexadecimal.
    pub hex: bool,
    /// The condition under which the header has this field at all.
    pub when: Option<When>,
    /// One sentence: meaning and unit.
    pub doc: &'static str,
}

/// What a field holds and how it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An unsigned number of so many bits, big-endian.
    Bits(u8),
    /// Named bits, in so many bits.
    Flags(u8, FlagNames),
    /// An IPv4 address.
    Ip4,
    /// A MAC address.
    Mac,
    /// A MAC address, or as many bytes as the named field says when that is not 6.
    HardwareAddr(&'static str),
    /// An IPv4 address, or as many bytes as the named field says when that is not 4.
    ProtocolAddr(&'static str),
    /// All bytes up to the end of the layer.
    Bytes,
    /// Options up to the end of the header, padded with zeros to four bytes.
    Options(&'static OptionTable),
}

/// What a field holds when nothing is set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// A number.
    Int(u64),
    /// An IPv4 address.
    Ip4(Ipv4Addr),
    /// A MAC address.
    Mac(Mac),
    /// No bytes, no options.
    Empty,
    /// Computed at build.
    Auto(Auto),
}

/// How an automatic value is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auto {
    /// Length of the header in 32-bit words (RFC 791 IHL, RFC 9293 data offset).
    HeaderWords,
    /// Length of the layer and its payload in bytes.
    Length,
    /// Number of the next layer, by its binding to this one; this number when there is none.
    Next(u64),
    /// Width in bytes of the named field's value.
    WidthOf(&'static str),
    /// Internet checksum over the header.
    HeaderSum,
    /// Internet checksum over the layer and its payload.
    Sum,
    /// Internet checksum over pseudo-header, layer and payload; 0 when no network layer lies directly below.
    PseudoSum {
        /// A sum of 0 is sent as 0xffff (RFC 768: 0 means "no checksum").
        zero_as_ones: bool,
    },
    /// The address from which this machine would reach the destination.
    SourceAddr,
    /// The hardware address of the interface by which this machine would reach the destination.
    SourceMac,
    /// The hardware address of the next hop; broadcast while it is unknown.
    NextHopMac,
    /// Drawn from the session's source ports.
    SourcePort,
    /// Drawn, 1 to 65535.
    Id,
}

impl Auto {
    /// Whether it follows from the rest of the packet alone, so that a dissected value can be verified.
    pub fn is_computed(self) -> bool {
        !matches!(self, Self::SourceAddr | Self::SourceMac | Self::NextHopMac | Self::SourcePort | Self::Id)
    }

    /// Whether it is a checksum.
    pub fn is_checksum(self) -> bool {
        matches!(self, Self::HeaderSum | Self::Sum | Self::PseudoSum { .. })
    }
}

/// A table of a field's numbers and their names.
pub type NameTable = &'static [(u64, &'static str)];

/// Names of a field's numbers.
#[derive(Clone, Copy, Debug)]
pub enum Names {
    /// None.
    None,
    /// One table.
    Table(NameTable),
    /// A table for each number of another field (ICMP codes by type).
    By(&'static str, &'static [(u64, NameTable)]),
}

/// A field is there only when another one holds one of these numbers (or none of them, if `not`).
#[derive(Clone, Copy, Debug)]
pub struct When {
    /// The other field, which stands earlier in the table.
    pub field: &'static str,
    /// Its numbers.
    pub any: &'static [u64],
    /// Turns the condition round.
    pub not: bool,
}

impl Field {
    const fn new(name: &'static str, shape: Shape, preset: Preset) -> Self {
        Self { name, shape, preset, names: Names::None, hex: false, when: None, doc: "" }
    }

    /// A number of `bits` bits, 0 when nothing is set.
    pub const fn bits(name: &'static str, bits: u8) -> Self {
        Self::new(name, Shape::Bits(bits), Preset::Int(0))
    }

    /// Flags in `bits` bits, none set.
    pub const fn flags(name: &'static str, bits: u8, names: FlagNames) -> Self {
        Self::new(name, Shape::Flags(bits, names), Preset::Int(0))
    }

    /// An IPv4 address.
    pub const fn ip4(name: &'static str, a: u8, b: u8, c: u8, d: u8) -> Self {
        Self::new(name, Shape::Ip4, Preset::Ip4(Ipv4Addr::new(a, b, c, d)))
    }

    /// A MAC address.
    pub const fn mac(name: &'static str, auto: Auto) -> Self {
        Self::new(name, Shape::Mac, Preset::Auto(auto))
    }

    /// A field of this shape, with this preset.
    pub const fn of(name: &'static str, shape: Shape, preset: Preset) -> Self {
        Self::new(name, shape, preset)
    }

    /// The bytes up to the end of the layer.
    pub const fn bytes(name: &'static str) -> Self {
        Self::new(name, Shape::Bytes, Preset::Empty)
    }

    /// Options up to the end of the header.
    pub const fn options(name: &'static str, table: &'static OptionTable) -> Self {
        Self::new(name, Shape::Options(table), Preset::Empty)
    }

    /// With a number as default.
    #[must_use]
    pub const fn default(mut self, number: u64) -> Self {
        self.preset = Preset::Int(number);
        self
    }

    /// Computed at build.
    #[must_use]
    pub const fn auto(mut self, auto: Auto) -> Self {
        self.preset = Preset::Auto(auto);
        self
    }

    /// With names for its numbers.
    #[must_use]
    pub const fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// Shown in hexadecimal.
    #[must_use]
    pub const fn hex(mut self) -> Self {
        self.hex = true;
        self
    }

    /// There only when `field` holds one of `any`.
    #[must_use]
    pub const fn when(mut self, field: &'static str, any: &'static [u64]) -> Self {
        self.when = Some(When { field, any, not: false });
        self
    }

    /// There only when `field` holds none of `any`.
    #[must_use]
    pub const fn unless(mut self, field: &'static str, any: &'static [u64]) -> Self {
        self.when = Some(When { field, any, not: true });
        self
    }

    /// With its documentation.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// The preset as a slot.
    pub fn preset_slot(&self) -> Slot {
        match self.preset {
            Preset::Int(n) => Slot::Set(Value::Int(n)),
            Preset::Ip4(addr) => Slot::Set(Value::Ip4(addr)),
            Preset::Mac(mac) => Slot::Set(Value::Mac(mac)),
            Preset::Empty if matches!(self.shape, Shape::Options(_)) => Slot::Set(Value::List([].into())),
            Preset::Empty => Slot::Set(Value::Bytes([].into())),
            Preset::Auto(_) => Slot::Auto,
        }
    }

    /// How its numbers are computed, for an automatic field.
    pub fn auto_rule(&self) -> Option<Auto> {
        match self.preset {
            Preset::Auto(auto) => Some(auto),
            _ => None,
        }
    }

    /// Whether a slot says that the header ends before this field (see `Layer::loosen`).
    pub(crate) fn is_cut_off(&self, slot: &Slot) -> bool {
        self.width().is_some() && matches!(slot, Slot::Set(Value::Bytes(bytes)) if bytes.is_empty())
    }

    /// Width in bits where it is fixed.
    pub fn width(&self) -> Option<u8> {
        match self.shape {
            Shape::Bits(bits) | Shape::Flags(bits, _) => Some(bits),
            Shape::Ip4 => Some(32),
            Shape::Mac => Some(48),
            _ => None,
        }
    }

    /// Turns what a user wrote into what the field holds. `names` is the field's table of names, where it has one.
    ///
    /// Errors say what was found and what fits, without the field's name.
    pub fn accept(&self, value: &Value, names: NameTable) -> Result<Value, String> {
        match self.shape {
            Shape::Bits(bits) => accept_number(value, bits, names).map(Value::Int),
            Shape::Flags(bits, flags) => match value {
                Value::Text(text) if parse_number(text).is_none() => flags.parse(text).map(Value::Int),
                other => accept_number(other, bits, &[]).map(Value::Int),
            },
            Shape::Ip4 => accept_ip4(value).map(Value::Ip4),
            Shape::Mac => accept_mac(value).map(Value::Mac),
            Shape::HardwareAddr(_) => match value {
                Value::Bytes(bytes) if bytes.len() != 6 => Ok(value.clone()),
                other => accept_mac(other).map(Value::Mac),
            },
            Shape::ProtocolAddr(_) => match value {
                Value::Bytes(bytes) if bytes.len() != 4 => Ok(value.clone()),
                other => accept_ip4(other).map(Value::Ip4),
            },
            Shape::Bytes => match value {
                Value::Bytes(_) => Ok(value.clone()),
                Value::Text(text) => Ok(Value::bytes(text.as_bytes())),
                other => Err(format!("expected text or bytes, found {}", other.kind())),
            },
            Shape::Options(table) => match value {
                Value::List(items) => table.accept(items).map(|items| Value::List(items.into())),
                other => {
                    Err(format!("expected a list of options like [\"{}\"], found {}", table.first_name(), other.kind()))
                }
            },
        }
    }

    /// Turns a list that a user wrote into a set of values, each as [`Field::accept`] takes it; lists may be nested.
    pub fn accept_list(&self, items: &[Value], names: NameTable) -> Result<Many, String> {
        let mut flat = Vec::with_capacity(items.len());
        for item in items {
            match item {
                Value::List(inner) => match self.accept_list(inner, names)? {
                    Many::List(inner) => flat.extend_from_slice(&inner),
                    other => flat.extend((0..other.count()).map(|i| other.at(i))),
                },
                Value::Text(text) if self.shape == Shape::Ip4 && Net::parse(text).is_some_and(|n| n.count() > 1) => {
                    let many = Many::Net(Net::parse(text).unwrap_or(Net::single(Ipv4Addr::UNSPECIFIED)));
                    if many.count() > 1 << 20 {
                        return Err(format!("{text} inside a list is too large; give it alone"));
                    }
                    flat.extend((0..many.count()).map(|i| many.at(i)));
                }
                other => flat.push(self.accept(other, names)?),
            }
        }
        if flat.is_empty() {
            return Err("an empty list makes no packet; give at least one value".into());
        }
        Ok(Many::List(flat.into()))
    }

    /// A value as `show` prints it, with its name where it has one: `80 (http)`, `0x800 (IPv4)`, `SA`.
    pub fn display(&self, value: &Value, names: NameTable) -> String {
        match (value, self.shape) {
            (Value::Int(n), Shape::Flags(_, flags)) => super::flags::Flags { bits: *n, names: flags }.to_string(),
            (Value::Int(n), _) => {
                let number = if self.hex { format!("{n:#x}") } else { n.to_string() };
                name_of(names, *n).map_or_else(|| number.clone(), |name| format!("{number} ({name})"))
            }
            (Value::Ip4(addr), _) => addr.to_string(),
            (Value::Mac(mac), _) => mac.to_string(),
            (Value::Text(t), _) => text::escape(t).into_owned(),
            (Value::Bytes(bytes), _) => text::quoted(bytes),
            (other, _) => other.to_string(),
        }
    }
}

/// The name of a number.
pub fn name_of(names: NameTable, number: u64) -> Option<&'static str> {
    names.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
}

/// Text that is a number: `80`, `0x1f`.
pub fn parse_number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None if text.starts_with('+') => None,
        None => text.parse().ok(),
    }
}

fn accept_number(value: &Value, bits: u8, names: NameTable) -> Result<u64, String> {
    let number = match value {
        Value::Int(n) => *n,
        Value::Text(text) => match parse_number(text) {
            Some(n) => n,
            None => named_number(text, names)?,
        },
        other => return Err(format!("expected a number, found {}", other.kind())),
    };
    let most = super::bits::mask(usize::from(bits));
    if number > most {
        return Err(format!("{number} does not fit {bits} bits (0 to {most})"));
    }
    Ok(number)
}

fn named_number(text: &str, names: NameTable) -> Result<u64, String> {
    if let Some((number, _)) = names.iter().find(|(_, name)| *name == text) {
        return Ok(*number);
    }
    let shown = text.escape_debug();
    if names.is_empty() {
        return Err(format!("expected a number, found text \"{shown}\""));
    }
    let hint = did_you_mean(text, names.iter().map(|(_, name)| *name));
    Err(format!("no name \"{shown}\"{}", if hint.is_empty() { "; give a number".into() } else { hint }))
}

fn accept_ip4(value: &Value) -> Result<Ipv4Addr, String> {
    match value {
        Value::Ip4(addr) => Ok(*addr),
        Value::Text(text) => text
            .parse()
            .map_err(|_| format!("expected an IPv4 address like \"192.0.2.10\", found \"{}\"", text.escape_debug())),
        Value::Int(n) => {
            u32::try_from(*n).map(Into::into).map_err(|_| format!("{n} does not fit 32 bits (0 to {})", u32::MAX))
        }
        Value::Bytes(bytes) => <[u8; 4]>::try_from(&bytes[..])
            .map(Into::into)
            .map_err(|_| format!("expected 4 bytes, found {}", bytes.len())),
        other => Err(format!("expected an IPv4 address like \"192.0.2.10\", found {}", other.kind())),
    }
}

fn accept_mac(value: &Value) -> Result<Mac, String> {
    match value {
        Value::Mac(mac) => Ok(*mac),
        Value::Text(text) => text.parse().map_err(|e| format!("\"{}\" is {e}", text.escape_debug())),
        Value::Bytes(bytes) => {
            <[u8; 6]>::try_from(&bytes[..]).map(Mac).map_err(|_| format!("expected 6 bytes, found {}", bytes.len()))
        }
        other => Err(format!("expected a MAC address like \"02:00:00:00:00:0a\", found {}", other.kind())),
    }
}
