//! A layer: its description, and the values that one packet gives to its fields.

use std::ptr;
use std::sync::Arc;

use super::bits;
use super::error::PacketError;
use super::field::{Field, NameTable, Names, Shape, When};
use super::value::{Many, Random, Slot, Value};
use crate::base::Mac;
use crate::base::nearest::did_you_mean;

/// Everything that is known of a protocol's header: one `static` in a file of `layers/`.
#[derive(Debug)]
pub struct LayerDesc {
    /// Scapy's name: `TCP`.
    pub name: &'static str,
    /// What it is, and the standard that says so.
    pub doc: &'static str,
    /// Its fields, in the order of the wire.
    pub fields: &'static [Field],
    /// The field that the one positional argument sets when it is text (`IP("web.lab")`).
    pub text_field: Option<&'static str>,
    /// The field that the one positional argument sets when it is a number (`TCP(80)`).
    pub int_field: Option<&'static str>,
    /// How a dissector finds the end of the header.
    pub header: Header,
    /// The field that gives the length of layer and payload in bytes; what follows is padding.
    pub length: Option<&'static str>,
    /// The fields that say whether the payload is a fragment: offset, and flags with the mask of "more fragments".
    pub fragment: Option<Fragment>,
    /// The layers that may lie below, and the number by which they name this one.
    pub over: &'static [Over],
    /// Source and destination fields, for a layer with network addresses: where the packet goes, and what the
    /// pseudo-header of the layer above begins with.
    pub ends: Option<(&'static str, &'static str)>,
    /// Whether it is a header quoted in an ICMP error: it may be cut, and its checksums cannot be verified.
    pub quoted: bool,
    /// Whether it is padding: sent after the packet and counted in no length.
    pub padding: bool,
    /// How a reply is told from other packets.
    pub pairs: Pairs,
    /// Its part of a one-line summary.
    pub summary: Summary,
}

/// How a dissector finds the end of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// After the last field.
    Fields,
    /// So many 32-bit words as this field says.
    Words(&'static str),
    /// It is all that is left.
    Rest,
}

/// Where a layer says that its payload is a fragment (RFC 791 section 3.1).
#[derive(Clone, Copy, Debug)]
pub struct Fragment {
    /// The field with the offset: when not 0, the payload begins in the middle of something.
    pub offset: &'static str,
    /// The flag field with "more fragments".
    pub flags: &'static str,
    /// The bit of "more fragments".
    pub more: u64,
}

/// A binding: below lies `under`, and its `field` holds `number`. It works in both directions.
#[derive(Debug)]
pub struct Over {
    /// The lower layer.
    pub under: &'static LayerDesc,
    /// Its field.
    pub field: &'static str,
    /// The number.
    pub number: u64,
}

/// How a reply is told from other packets: rules over one layer of the probe and the same layer of the reply.
#[derive(Debug)]
pub struct Pairs {
    /// Fields that cross over: the reply's first is the probe's second, and the other way round.
    pub swap: &'static [(&'static str, &'static str)],
    /// Fields that a reply repeats, where both headers have them.
    pub same: &'static [&'static str],
    /// Fields that a header quoted in an ICMP error must repeat.
    pub quoted: &'static [&'static str],
    /// What else must hold; the error says in a few words what does not.
    pub check: fn(probe: &Layer, probe_payload: usize, reply: &Layer) -> Result<(), String>,
}

/// A layer's part of a one-line summary. `{field}` stands for a field, `{name:field}` for the
/// name of its number, `{under.field}` for a field of the layer below, `{layer}` for the layer's name.
#[derive(Debug)]
pub struct Summary {
    /// When the layer below has the fields asked for; that layer then shows only its name.
    pub within: &'static str,
    /// Else.
    pub alone: &'static str,
    /// Else, when a field holds this number.
    pub special: &'static [(&'static str, u64, &'static str)],
}

impl LayerDesc {
    /// A description without anything, for `..LayerDesc::EMPTY`.
    pub const EMPTY: Self = Self {
        name: "",
        doc: "",
        fields: &[],
        text_field: None,
        int_field: None,
        header: Header::Fields,
        length: None,
        fragment: None,
        over: &[],
        ends: None,
        quoted: false,
        padding: false,
        pairs: Pairs { swap: &[], same: &[], quoted: &[], check: |_, _, _| Ok(()) },
        summary: Summary { within: "", alone: "", special: &[] },
    };

    /// The number by which `under` names this layer in `field`.
    pub fn number_over(&self, under: &Self, field: &str) -> Option<u64> {
        self.over.iter().find(|o| ptr::eq(o.under, under) && o.field == field).map(|o| o.number)
    }

    /// Whether any field has this name.
    pub fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|f| f.name == name)
    }

    /// The error for a name that is no field, with the nearest one or all of them.
    pub fn no_field(&self, name: &str) -> PacketError {
        let mut hint = did_you_mean(name, self.fields.iter().map(|f| f.name));
        if hint.is_empty() {
            let mut names: Vec<&str> = self.fields.iter().map(|f| f.name).collect();
            names.dedup();
            hint = format!("; its fields are {}", names.join(" "));
        }
        PacketError::NoField { layer: self.name, field: name.escape_debug().to_string(), hint }
    }
}

/// Two descriptions are the same when they are the same `static`.
impl PartialEq for LayerDesc {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self, other)
    }
}

/// One layer of a packet.
#[derive(Clone, Debug)]
pub struct Layer {
    desc: &'static LayerDesc,
    body: Body,
}

/// Where a layer's values come from.
#[derive(Clone, Debug)]
enum Body {
    /// Made by a user: what was set, sorted by field; everything else has its preset.
    Made(Vec<(u8, Slot)>),
    /// Read from bytes, and kept as they were.
    Read(Read),
}

/// The bytes of a dissected (or sent) layer.
#[derive(Clone, Debug)]
struct Read {
    /// The whole packet.
    bytes: Arc<[u8]>,
    /// Where the layer begins.
    start: u32,
    /// Where its header ends.
    end: u32,
    /// What a dissector had to say of it.
    note: Option<Arc<str>>,
}

impl Layer {
    /// A layer with nothing set.
    pub fn new(desc: &'static LayerDesc) -> Self {
        Self { desc, body: Body::Made(Vec::new()) }
    }

    /// A layer whose header is `bytes[start..end]`.
    pub(crate) fn read(
        desc: &'static LayerDesc,
        bytes: Arc<[u8]>,
        start: usize,
        end: usize,
        note: Option<Arc<str>>,
    ) -> Self {
        Self { desc, body: Body::Read(Read { bytes, start: start as u32, end: end as u32, note }) }
    }

    /// Its description.
    pub fn desc(&self) -> &'static LayerDesc {
        self.desc
    }

    /// What the dissector noted: that it was cut, or why it was not understood.
    pub fn note(&self) -> Option<&str> {
        match &self.body {
            Body::Read(read) => read.note.as_deref(),
            Body::Made(_) => None,
        }
    }

    /// The header's bytes, for a layer that was read and not edited since.
    pub fn header_bytes(&self) -> Option<&[u8]> {
        match &self.body {
            Body::Read(read) => Some(&read.bytes[read.start as usize..read.end as usize]),
            Body::Made(_) => None,
        }
    }

    /// Where the header stands in its packet's bytes, for a layer that was read.
    pub fn range(&self) -> Option<(Arc<[u8]>, usize, usize)> {
        match &self.body {
            Body::Read(read) => Some((read.bytes.clone(), read.start as usize, read.end as usize)),
            Body::Made(_) => None,
        }
    }

    /// Whether it holds bytes as they were read.
    pub fn is_read(&self) -> bool {
        matches!(self.body, Body::Read(_))
    }

    /// The index of the field called `name` that this header has now (an ICMP header's fields depend on its type).
    pub fn index(&self, name: &str) -> Option<usize> {
        let fields = self.desc.fields;
        let mut found = fields.iter().enumerate().filter(|(_, f)| f.name == name).map(|(i, _)| i);
        found.find(|&i| self.has(&fields[i]))
    }

    /// Whether the header has this field now.
    pub fn has(&self, field: &Field) -> bool {
        field.when.is_none_or(|when| self.holds(when))
    }

    fn holds(&self, when: When) -> bool {
        match self.get(when.field) {
            Some(Slot::Set(value)) => value.int().is_some_and(|n| when.any.contains(&n)) != when.not,
            Some(Slot::Many(many)) => {
                let checked = many.count().min(256);
                (0..checked).any(|i| many.at(i).int().is_some_and(|n| when.any.contains(&n)) != when.not)
            }
            Some(_) => true,
            None => false,
        }
    }

    /// What the field called `name` holds; `None` when the header has no such field now, or was cut before it.
    pub fn get(&self, name: &str) -> Option<Slot> {
        self.index(name).and_then(|i| self.slot(i))
    }

    /// The number that a field holds, if it holds exactly one.
    pub fn int(&self, name: &str) -> Option<u64> {
        match self.get(name) {
            Some(Slot::Set(Value::Int(n))) => Some(n),
            _ => None,
        }
    }

    /// What field `index` holds, its preset if nothing is set; `None` when the bytes end before it.
    pub fn slot(&self, index: usize) -> Option<Slot> {
        match &self.body {
            Body::Made(set) => match set.binary_search_by_key(&(index as u8), |(i, _)| *i) {
                Ok(at) if self.desc.fields[index].is_cut_off(&set[at].1) => None,
                Ok(at) => Some(set[at].1.clone()),
                Err(_) => Some(self.desc.fields[index].preset_slot()),
            },
            Body::Read(read) => self.decode(read, index).map(Slot::Set),
        }
    }

    /// What the user set, by index of field; `None` for a layer that was read.
    pub(crate) fn set_slots(&self) -> Option<&[(u8, Slot)]> {
        match &self.body {
            Body::Made(set) => Some(set),
            Body::Read(_) => None,
        }
    }

    /// Sets field `index`; a layer that was read must have been loosened first (see `Packet::set`).
    pub(crate) fn put(&mut self, index: usize, slot: Slot) {
        if let Body::Made(set) = &mut self.body {
            match set.binary_search_by_key(&(index as u8), |(i, _)| *i) {
                Ok(at) => set[at].1 = slot,
                Err(at) => set.insert(at, (index as u8, slot)),
            }
        }
    }

    /// Sets field `index` to what a user wrote, or to automatic.
    pub fn set(&mut self, index: usize, wanted: &Wanted) -> Result<(), PacketError> {
        let field = &self.desc.fields[index];
        let names = self.names_of(field);
        let wrong = |what| PacketError::BadValue { layer: self.desc.name, field: field.name, what };
        let slot = match wanted {
            Wanted::Auto if field.auto_rule().is_some() => Slot::Auto,
            Wanted::Auto => field.preset_slot(),
            Wanted::Value(Value::List(items)) if !matches!(field.shape, Shape::Options(_)) => {
                Slot::Many(field.accept_list(items, names).map_err(wrong)?)
            }
            Wanted::Value(value) => Slot::Set(field.accept(value, names).map_err(wrong)?),
            Wanted::Many(many) => {
                // The two ends of a range decide whether all of it fits.
                for end in [0, many.count() - 1] {
                    field.accept(&many.at(end), names).map_err(wrong)?;
                }
                Slot::Many(many.clone())
            }
            Wanted::Random(Random::Choice(items)) => {
                let items: Result<Vec<Value>, String> = items.iter().map(|i| field.accept(i, names)).collect();
                Slot::Random(Random::Choice(items.map_err(wrong)?.into()))
            }
            Wanted::Random(random) => {
                for example in random.extremes() {
                    field.accept(&example, names).map_err(wrong)?;
                }
                Slot::Random(random.clone())
            }
        };
        self.put(index, slot);
        Ok(())
    }

    /// The names of a field's numbers, which may depend on another field.
    pub fn names_of(&self, field: &Field) -> NameTable {
        match field.names {
            Names::None => &[],
            Names::Table(table) => table,
            Names::By(other, tables) => {
                let number = self.int(other);
                tables.iter().find(|(n, _)| Some(*n) == number).map_or(&[], |(_, table)| table)
            }
        }
    }

    /// Where field `index` begins, in bits from the start of the header, in a layer that was read.
    pub(crate) fn offset(&self, index: usize) -> usize {
        let fields = &self.desc.fields[..index];
        fields.iter().filter(|f| self.has(f)).map(|f| self.width(f)).sum()
    }

    /// The width of a field in bits, in a layer that was read. Fields that go on to the end count as nothing.
    fn width(&self, field: &Field) -> usize {
        match field.shape {
            Shape::HardwareAddr(of) | Shape::ProtocolAddr(of) => self.int(of).map_or(0, |n| n as usize * 8),
            _ => field.width().map_or(0, usize::from),
        }
    }

    fn decode(&self, read: &Read, index: usize) -> Option<Value> {
        let header = &read.bytes[read.start as usize..read.end as usize];
        let field = &self.desc.fields[index];
        let at = self.offset(index);
        match field.shape {
            Shape::Bits(bits) | Shape::Flags(bits, _) => bits::read(header, at, bits.into()).map(Value::Int),
            Shape::Bytes => header.get(at / 8..).map(Value::bytes),
            Shape::Options(table) => header.get(at / 8..).map(|bytes| Value::List(table.decode(bytes).into())),
            _ => {
                let bytes = header.get(at / 8..at / 8 + self.width(field) / 8)?;
                let is_hardware = matches!(field.shape, Shape::Mac | Shape::HardwareAddr(_));
                Some(match (is_hardware, <[u8; 6]>::try_from(bytes), <[u8; 4]>::try_from(bytes)) {
                    (true, Ok(mac), _) => Value::Mac(Mac(mac)),
                    (false, _, Ok(addr)) => Value::Ip4(addr.into()),
                    _ => Value::bytes(bytes),
                })
            }
        }
    }

    /// Turns bytes that were read into set values. `is_auto` says which automatic fields become automatic again.
    ///
    /// So that nothing is lost of a header that was cut, the field in which it ends holds the bytes that are left, the
    /// fields behind it none; and options that end inside a word are bytes, to which no padding is added.
    pub(crate) fn loosen(&mut self, is_auto: impl Fn(usize) -> bool) {
        let Some(header) = self.header_bytes() else { return };
        let fields: Vec<usize> = (0..self.desc.fields.len()).filter(|&i| self.has(&self.desc.fields[i])).collect();
        let is_ragged =
            |i: usize| matches!(self.desc.fields[i].shape, Shape::Options(_)) && !header.len().is_multiple_of(4);
        let last = fields.iter().position(|&i| self.slot(i).is_none() || is_ragged(i)).map(|mut last| {
            while last > 0 && !self.offset(fields[last]).is_multiple_of(8) {
                last -= 1;
            }
            last
        });
        let slot = |(n, &i): (usize, &usize)| {
            let slot = match last {
                Some(last) if n == last => {
                    Slot::Set(Value::bytes(header.get(self.offset(i) / 8..).unwrap_or_default()))
                }
                Some(last) if n > last => Slot::Set(Value::bytes(&[])),
                _ if is_auto(i) => Slot::Auto,
                _ => self.slot(i)?,
            };
            Some((i as u8, slot))
        };
        self.body = Body::Made(fields.iter().enumerate().filter_map(slot).collect());
    }
}

/// Field by field: two layers are equal when every field that they have holds the same.
impl PartialEq for Layer {
    fn eq(&self, other: &Self) -> bool {
        self.desc == other.desc
            && (0..self.desc.fields.len()).all(|i| {
                let field = &self.desc.fields[i];
                match (self.has(field), other.has(field)) {
                    (true, true) => self.slot(i) == other.slot(i),
                    (mine, theirs) => mine == theirs,
                }
            })
    }
}

/// What a user wants a field to hold.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// Computed at build; the preset where nothing can be computed.
    Auto,
    /// This value; a list of values for a set.
    Value(Value),
    /// All of these.
    Many(Many),
    /// A draw.
    Random(Random),
}

impl Random {
    /// Values that show whether all draws fit a field.
    fn extremes(&self) -> Vec<Value> {
        match self {
            Self::Int(low, high) => vec![Value::Int(*low), Value::Int(*high)],
            Self::Ip4(net) => vec![Value::Ip4(net.at(0).unwrap_or(std::net::Ipv4Addr::UNSPECIFIED))],
            Self::Mac(_) => vec![Value::Mac(Mac::ZERO)],
            Self::Bytes { .. } => vec![Value::bytes(&[])],
            Self::Choice(_) => Vec::new(),
        }
    }
}
