//! One row of a layer's table: a field's name, shape, default and documentation.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::desc::LayerDesc;
use super::domain;
use super::flags::FlagNames;
use super::options::OptionTable;
use super::value::{Many, Slot, Value};
use super::{Packet, accept, bits};
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
    /// The layer that must lie below for the header to have it.
    pub above: Option<&'static LayerDesc>,
    /// How far it goes, where its shape does not say.
    pub extent: Extent,
    /// One sentence: meaning and unit.
    pub doc: &'static str,
}

/// What a field holds and how it stands on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An unsigned number of so many bits, big-endian.
    Bits(u8),
    /// The same, the lowest byte first.
    Little(u8),
    /// A fixed-point number: bits in all, and bits of the fraction; scripts see seconds.
    Fixed(u8, u8),
    /// A signed number of so many bits (two's complement).
    Signed(u8),
    /// Named bits, in so many bits.
    Flags(u8, FlagNames),
    /// An IPv4 address.
    Ip4,
    /// An IPv6 address.
    Ip6,
    /// A MAC address.
    Mac,
    /// A MAC address, or as many bytes as the named field says when that is not 6.
    HardwareAddr(&'static str),
    /// An IPv4 address, or as many bytes as the named field says when that is not 4.
    ProtocolAddr(&'static str),
    /// So many bytes, filled with zeros; scripts see text without them.
    Fill(u16),
    /// Bytes.
    Bytes,
    /// A domain name (RFC 1035 section 3.1), read with compression and written without.
    Name,
    /// Domain names, one after another.
    Names,
    /// Texts of 255 bytes at most, each behind its length (RFC 1035 section 3.3.14).
    Strings,
    /// Numbers of 32 bits.
    Words,
    /// IPv4 addresses.
    Ip4s,
    /// IPv6 addresses.
    Ip6s,
    /// Options.
    Options(&'static OptionTable),
    /// Packets of one layer each: records. Their kind, which may be refined.
    Packets(&'static LayerDesc),
}

/// How far a field goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// As its shape says: numbers, addresses, names; all others go on to the end of the header.
    Shape,
    /// To the end of the header; what has not the form of the shape is bytes.
    Rest,
    /// So many bytes as this earlier field says.
    Bytes(&'static str),
    /// So many items as this earlier field says.
    Count(&'static str),
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
    /// An IPv6 address.
    Ip6(Ipv6Addr),
    /// Text.
    Text(&'static str),
    /// A list of one record, with nothing set.
    One(&'static LayerDesc),
    /// No bytes, no options.
    Empty,
    /// Computed at build.
    Auto(Auto),
}

/// How an automatic value is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auto {
    /// Length of the header in units of so many bytes, less so many units; of the zeros that fill it, those that make
    /// the last unit whole.
    HeaderLen {
        /// Bytes of a unit.
        unit: u8,
        /// Units that are not counted.
        minus: u8,
    },
    /// Length of the layer and its payload in bytes.
    Length,
    /// Length of the payload in bytes.
    PayloadLen,
    /// Bytes of the header behind this field.
    After,
    /// Bytes of the named field.
    SizeOf(&'static str),
    /// Items of the named field.
    CountOf(&'static str),
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
    /// CRC32c over the layer and its payload, the lowest byte first (RFC 9260 section 6.8).
    Crc32c,
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
    /// Length of the header in 32-bit words (RFC 791 IHL, RFC 9293 data offset).
    pub const HEADER_WORDS: Self = Self::HeaderLen { unit: 4, minus: 0 };

    /// Whether it follows from the rest of the packet alone, so that a dissected value can be verified.
    pub fn is_computed(self) -> bool {
        !matches!(self, Self::SourceAddr | Self::SourceMac | Self::NextHopMac | Self::SourcePort | Self::Id)
    }

    /// Whether it follows from the header's own fields.
    pub fn is_local(self) -> bool {
        matches!(self, Self::HeaderLen { .. } | Self::After | Self::SizeOf(_) | Self::CountOf(_))
    }

    /// Whether it is a checksum.
    pub fn is_checksum(self) -> bool {
        matches!(self, Self::HeaderSum | Self::Sum | Self::PseudoSum { .. } | Self::Crc32c)
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
        let (names, extent) = (Names::None, Extent::Shape);
        Self { name, shape, preset, names, hex: false, when: None, above: None, extent, doc: "" }
    }

    /// A number of `bits` bits, 0 when nothing is set.
    pub const fn bits(name: &'static str, bits: u8) -> Self {
        Self::new(name, Shape::Bits(bits), Preset::Int(0))
    }

    /// Flags in `bits` bits, none set.
    pub const fn flags(name: &'static str, bits: u8, names: FlagNames) -> Self {
        Self::new(name, Shape::Flags(bits, names), Preset::Int(0))
    }

    /// A number of `bits` bits, the lowest byte first.
    pub const fn little(name: &'static str, bits: u8) -> Self {
        Self::new(name, Shape::Little(bits), Preset::Int(0))
    }

    /// A fixed-point number of `bits` bits, `fraction` of them behind the point.
    pub const fn fixed(name: &'static str, bits: u8, fraction: u8) -> Self {
        Self::new(name, Shape::Fixed(bits, fraction), Preset::Int(0))
    }

    /// A signed number of `bits` bits.
    pub const fn signed(name: &'static str, bits: u8) -> Self {
        Self::new(name, Shape::Signed(bits), Preset::Int(0))
    }

    /// An IPv6 address, `::` when nothing is set.
    pub const fn ip6(name: &'static str) -> Self {
        Self::new(name, Shape::Ip6, Preset::Ip6(Ipv6Addr::UNSPECIFIED))
    }

    /// So many bytes.
    pub const fn fill(name: &'static str, bytes: u16) -> Self {
        Self::new(name, Shape::Fill(bytes), Preset::Empty)
    }

    /// A domain name.
    pub const fn name(name: &'static str, default: &'static str) -> Self {
        Self::new(name, Shape::Name, Preset::Text(default))
    }

    /// A list of records, as many as `count` says.
    pub const fn records(name: &'static str, of: &'static LayerDesc, count: &'static str) -> Self {
        Self::new(name, Shape::Packets(of), Preset::Empty).extent(Extent::Count(count))
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

    /// There only when `layer` lies directly below.
    #[must_use]
    pub const fn above(mut self, layer: &'static LayerDesc) -> Self {
        self.above = Some(layer);
        self
    }

    /// That goes so far.
    #[must_use]
    pub const fn extent(mut self, extent: Extent) -> Self {
        self.extent = extent;
        self
    }

    /// Holding this when nothing is set.
    #[must_use]
    pub const fn preset(mut self, preset: Preset) -> Self {
        self.preset = preset;
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
            Preset::Ip6(addr) => Slot::Set(Value::Ip6(addr, None)),
            Preset::Text(text) => Slot::Set(Value::text(text)),
            Preset::One(desc) => Slot::Set(Value::List([Value::Packet(Arc::new(Packet::new(desc)))].into())),
            Preset::Empty if self.is_list() => Slot::Set(Value::List([].into())),
            Preset::Empty => match self.shape {
                Shape::Fill(bytes) => Slot::Set(Value::Bytes(vec![0; bytes.into()].into())),
                _ => Slot::Set(Value::Bytes([].into())),
            },
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

    /// Whether a list is one value of it, and not a set of several.
    pub fn is_list(&self) -> bool {
        use Shape::{Ip4s, Ip6s, Names, Options, Packets, Strings, Words};
        matches!(self.shape, Options(_) | Packets(_) | Words | Ip4s | Ip6s | Strings | Names)
    }

    /// Whether a slot says that the header ends before this field (see `Layer::loosen`).
    pub(crate) fn is_cut_off(&self, slot: &Slot) -> bool {
        let has_end = self.width().is_some() || self.shape == Shape::Name && self.extent == Extent::Shape;
        has_end && matches!(slot, Slot::Set(Value::Bytes(bytes)) if bytes.is_empty())
    }

    /// Whether every header of the layer has it.
    pub fn is_always(&self) -> bool {
        self.when.is_none() && self.above.is_none()
    }

    /// Width in bits where it is fixed.
    #[inline]
    pub fn width(&self) -> Option<u16> {
        if self.extent != Extent::Shape {
            return None;
        }
        match self.shape {
            Shape::Bits(bits)
            | Shape::Little(bits)
            | Shape::Fixed(bits, _)
            | Shape::Signed(bits)
            | Shape::Flags(bits, _) => Some(bits.into()),
            Shape::Ip4 => Some(32),
            Shape::Ip6 => Some(128),
            Shape::Mac => Some(48),
            Shape::Fill(bytes) => Some(bytes * 8),
            _ => None,
        }
    }

    /// Turns what a user wrote into what the field holds. `names` is the field's table of names, where it has one.
    ///
    /// Errors say what was found and what fits, without the field's name.
    pub fn accept(&self, value: &Value, names: NameTable) -> Result<Value, String> {
        if let (Value::Bytes(_), Extent::Rest) = (value, self.extent) {
            return Ok(value.clone());
        }
        match self.shape {
            Shape::Bits(bits) | Shape::Little(bits) => accept::number(value, bits, names).map(Value::Int),
            Shape::Fixed(bits, fraction) => accept::fixed(value, bits, fraction).map(Value::Int),
            Shape::Signed(bits) => accept::signed(value, bits, names).map(Value::Int),
            Shape::Flags(bits, flags) => match value {
                Value::Text(text) if parse_number(text).is_none() => flags.parse(text).map(Value::Int),
                other => accept::number(other, bits, &[]).map(Value::Int),
            },
            Shape::Ip4 => accept::ip4(value).map(Value::Ip4),
            Shape::Ip6 => accept::ip6(value),
            Shape::Mac => accept::mac(value).map(Value::Mac),
            Shape::HardwareAddr(_) => match value {
                Value::Bytes(bytes) if bytes.len() != 6 => Ok(value.clone()),
                other => accept::mac(other).map(Value::Mac),
            },
            Shape::ProtocolAddr(_) => match value {
                Value::Bytes(bytes) if bytes.len() != 4 => Ok(value.clone()),
                other => accept::ip4(other).map(Value::Ip4),
            },
            Shape::Fill(most) => accept::fill(value, most.into()),
            Shape::Bytes => accept::bytes(value),
            Shape::Name => match value {
                Value::Text(text) => domain::accept(text).map(|name| Value::text(&name)),
                other => accept::bytes(other),
            },
            Shape::Options(table) => match value {
                Value::List(items) => table.accept(items).map(|items| Value::List(items.into())),
                // Sent as they are, with nothing to fill them up.
                Value::Bytes(_) => Ok(value.clone()),
                other => {
                    Err(format!("expected a list of options like [\"{}\"], found {}", table.first_name(), other.kind()))
                }
            },
            Shape::Packets(of) => accept::list(value, |item| accept::record(item, of)),
            Shape::Strings => accept::list(value, accept::string),
            Shape::Names => accept::list(value, |item| match item {
                Value::Text(text) => domain::accept(text).map(|name| Value::text(&name)),
                other => accept::bytes(other),
            }),
            Shape::Words => {
                accept::list(value, |item| accept::piece(item, |i| accept::number(i, 32, &[]).map(Value::Int)))
            }
            Shape::Ip4s => accept::list(value, |item| accept::piece(item, |i| accept::ip4(i).map(Value::Ip4))),
            Shape::Ip6s => accept::list(value, |item| accept::piece(item, accept::ip6)),
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
                Value::Text(text) => match Net::parse(text).filter(|net| self.is_address() && net.count() > 1) {
                    Some(net) if net.count() > 1 << 20 => {
                        return Err(format!("{text} inside a list is too large; give it alone"));
                    }
                    Some(net) => {
                        let all = (0..net.count()).filter_map(|i| net.at(i)).map(Value::addr);
                        flat.extend(all.map(|addr| self.accept(&addr, names)).collect::<Result<Vec<_>, _>>()?);
                    }
                    None => flat.push(self.accept(item, names)?),
                },
                other => flat.push(self.accept(other, names)?),
            }
        }
        if flat.is_empty() {
            return Err("an empty list makes no packet; give at least one value".into());
        }
        Ok(Many::List(flat.into()))
    }

    /// Whether it holds an IP address, so that names are resolved and networks are sets.
    pub fn is_address(&self) -> bool {
        matches!(self.shape, Shape::Ip4 | Shape::Ip6 | Shape::ProtocolAddr(_))
    }

    /// The hardware address that a field holds which zeros fill, where it holds one.
    pub fn filled_mac(&self, bytes: &[u8]) -> Option<Mac> {
        let (mac, zeros) = bytes.split_first_chunk::<6>()?;
        (self.hex && zeros.iter().all(|b| *b == 0)).then_some(Mac(*mac))
    }

    /// A value as `show` prints it, with its name where it has one: `80 (http)`, `0x800 (IPv4)`, `SA`.
    pub fn display(&self, value: &Value, names: NameTable) -> String {
        match (value, self.shape) {
            (Value::Int(n), Shape::Flags(_, flags)) => super::flags::Flags { bits: *n, names: flags }.to_string(),
            (Value::Int(n), Shape::Fixed(_, fraction)) => decimal(*n, fraction),
            (Value::Int(n), Shape::Signed(bits)) => signed(*n, bits).to_string(),
            (Value::Int(n), _) => {
                let number = if self.hex { format!("{n:#x}") } else { n.to_string() };
                name_of(names, *n).map_or_else(|| number.clone(), |name| format!("{number} ({name})"))
            }
            (Value::Ip4(addr), _) => addr.to_string(),
            (Value::Ip6(..), _) => {
                value.target().map_or_else(String::new, |t| text::escape(&t.to_string()).into_owned())
            }
            (Value::Bytes(bytes), Shape::Fill(_)) => {
                self.filled_mac(bytes).map_or_else(|| text::quoted(trimmed(bytes)), |mac| mac.to_string())
            }
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

/// The number that a fixed-point field stands for.
pub fn seconds(raw: u64, fraction: u8) -> f64 {
    raw as f64 / (1u64 << fraction) as f64
}

/// The same in decimal, with as many digits as tell it from its neighbors; trailing zeros are left out.
pub fn decimal(raw: u64, fraction: u8) -> String {
    let digits = decimal_digits(fraction);
    let part = u128::from(raw & bits::mask(fraction.into())) * 10u128.pow(digits);
    let rounded = (part + (1 << fraction >> 1)) >> fraction;
    let text = format!("{}.{rounded:0width$}", raw >> fraction, width = digits as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How many decimal digits so many bits behind the point need: 10 to this power is more than 2 to that one.
fn decimal_digits(fraction: u8) -> u32 {
    u32::from(fraction) * 30_103 / 100_000 + 1
}

/// The number that the low `bits` bits stand for in two's complement.
pub fn signed(raw: u64, bits: u8) -> i64 {
    (raw << (64 - bits)) as i64 >> (64 - bits)
}

/// Bytes without the zeros at their end.
pub fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1);
    &bytes[..end]
}
