//! A layer: its description, and the values that one packet gives to its fields.

use std::sync::Arc;

use super::bits;
use super::desc::LayerDesc;
use super::error::PacketError;
use super::field::{Field, NameTable, Names, When};
use super::read::Read;
use super::value::{Many, Random, Slot, Value};
use crate::base::Mac;

/// One layer of a packet.
#[derive(Clone, Debug)]
pub struct Layer {
    desc: &'static LayerDesc,
    body: Body,
    /// The layer below: a field may be there only above a certain one.
    under: Option<&'static LayerDesc>,
}

/// What stood behind the fields of a layer that was read, where that is not what building puts there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// Bytes that the header counts.
    pub(super) inside: Arc<[u8]>,
    /// What fills it, in the place of the zeros.
    pub(super) fill: Option<Arc<[u8]>>,
}

/// Where a layer's values come from.
#[derive(Clone, Debug)]
enum Body {
    /// Made by a user: what was set, sorted by field; everything else has its preset.
    Made {
        /// What was set.
        set: Vec<(u8, Slot)>,
        /// What stood behind the fields when it was read.
        tail: Tail,
    },
    /// Read from bytes, and kept as they were.
    Read(Read),
}

impl Layer {
    /// A layer with nothing set.
    pub fn new(desc: &'static LayerDesc) -> Self {
        Self { desc, body: Body::Made { set: Vec::new(), tail: Tail::default() }, under: None }
    }

    /// A layer that was read.
    pub(crate) fn read(desc: &'static LayerDesc, read: Read) -> Self {
        Self { desc, body: Body::Read(read), under: None }
    }

    /// Puts it on a layer.
    pub(super) fn put_on(&mut self, under: Option<&'static LayerDesc>) {
        self.under = under;
    }

    /// Its description.
    pub fn desc(&self) -> &'static LayerDesc {
        self.desc
    }

    /// What the dissector noted: that it was cut, or why it was not understood.
    pub fn note(&self) -> Option<&str> {
        self.body().and_then(|read| read.note.as_deref())
    }

    /// The bytes that it was read from, if it was, and not edited since.
    pub(super) fn body(&self) -> Option<&Read> {
        match &self.body {
            Body::Read(read) => Some(read),
            Body::Made { .. } => None,
        }
    }

    /// What follows the fields, in a layer that was made.
    pub(super) fn tail(&self) -> Option<&Tail> {
        match &self.body {
            Body::Made { tail, .. } => Some(tail),
            Body::Read(_) => None,
        }
    }

    /// The header's bytes, for a layer that was read and not edited since.
    pub fn header_bytes(&self) -> Option<&[u8]> {
        self.body().map(Read::header)
    }

    /// Where the header stands in its packet's bytes, for a layer that was read.
    pub fn range(&self) -> Option<(Arc<[u8]>, usize, usize)> {
        self.body().map(|read| (read.bytes.clone(), read.start as usize, read.end as usize))
    }

    /// The length of layer and payload in bytes, as the layer itself says it.
    pub(super) fn stated_len(&self) -> Option<usize> {
        let length = self.desc.length?;
        let stated = self.int(length.field)? as usize;
        (stated > 0 || length.plus == 0).then_some(stated + length.plus)
    }

    /// Ends the header of a layer that was read as a view over all that was left.
    pub(super) fn end_at(&mut self, end: usize, note: Option<String>) {
        if let Body::Read(read) = &mut self.body {
            read.end = end as u32;
            read.note = note.map(Into::into).or(read.note.take());
        }
    }

    /// Puts a note on a layer that was read.
    pub(super) fn set_note(&mut self, note: String) {
        if let Body::Read(read) = &mut self.body {
            read.note = Some(note.into());
        }
    }

    /// Whether it holds bytes as they were read.
    pub fn is_read(&self) -> bool {
        self.body().is_some()
    }

    /// The index of the field called `name` that this header has now (an ICMP header's fields depend on its type).
    pub fn index(&self, name: &str) -> Option<usize> {
        let fields = self.desc.fields;
        let mut found = fields.iter().enumerate().filter(|(_, f)| f.name == name).map(|(i, _)| i);
        found.find(|&i| self.has(&fields[i]))
    }

    /// The index of the field called `name` that can be set: one that needs a certain layer below can, too, while
    /// nothing lies there; it is sent when that layer does.
    pub(super) fn settable(&self, name: &str) -> Option<usize> {
        let waits = |field: &Field| self.under.is_none() && field.above.is_some() && field.name == name;
        self.index(name).or_else(|| self.desc.fields.iter().position(waits))
    }

    /// Whether the header has this field now.
    pub fn has(&self, field: &Field) -> bool {
        field.when.is_none_or(|when| self.holds(when)) && (field.above.is_none() || field.above == self.under)
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
            Body::Made { set, .. } => match set.binary_search_by_key(&(index as u8), |(i, _)| *i) {
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
            Body::Made { set, .. } => Some(set),
            Body::Read(_) => None,
        }
    }

    /// Sets field `index`; a layer that was read must have been loosened first (see `Packet::set`).
    pub(crate) fn put(&mut self, index: usize, slot: Slot) {
        if let Body::Made { set, .. } = &mut self.body {
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
            Wanted::Value(Value::List(items)) if !field.is_list() => {
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
        self.put(index, self.in_rest(index, slot));
        Ok(())
    }

    /// A number set in the field that holds the rest of a header that was cut (see `Layer::loosen`) goes into that rest.
    fn in_rest(&self, index: usize, slot: Slot) -> Slot {
        let held = self.set_slots().and_then(|set| set.iter().find(|(i, _)| usize::from(*i) == index));
        let width = self.desc.fields[index].width().map(usize::from);
        match (&slot, held, width) {
            (Slot::Set(Value::Int(n)), Some((_, Slot::Set(Value::Bytes(rest)))), Some(width))
                if (1..=64).contains(&width) && rest.len() * 8 >= width =>
            {
                let mut rest = rest.to_vec();
                bits::write(&mut rest, 0, width, *n);
                Slot::Set(Value::Bytes(rest.into()))
            }
            _ => slot,
        }
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

    /// Puts set values in the place of the bytes that were read.
    pub(super) fn remake(&mut self, set: Vec<(u8, Slot)>, tail: Tail) {
        self.body = Body::Made { set, tail };
    }
}

/// Field by field: two layers are equal when every field that they have holds the same.
impl PartialEq for Layer {
    fn eq(&self, other: &Self) -> bool {
        self.desc == other.desc
            && self.tail() == other.tail()
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
            Self::Addr(net) => vec![Value::addr(net.first())],
            Self::Mac(_) => vec![Value::Mac(Mac::ZERO)],
            Self::Bytes { .. } => vec![Value::bytes(&[])],
            Self::Choice(_) => Vec::new(),
        }
    }
}
