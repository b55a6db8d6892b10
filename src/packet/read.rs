//! Layers that were read: where their fields stand in the bytes, and what they hold.

use std::sync::{Arc, LazyLock, OnceLock};

use super::dissect::header_end;
use super::field::{Extent, Field, Shape};
use super::layer::{Layer, Tail};
use super::value::{Slot, Value};
use super::{Header, LayerDesc, Packet, bits, domain};
use crate::base::Mac;

/// The bytes of a dissected (or sent) layer.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    /// The whole packet.
    pub(super) bytes: Arc<[u8]>,
    /// Where the layer begins.
    pub(super) start: u32,
    /// Where its header ends.
    pub(super) end: u32,
    /// Where the message begins in which the pointers of domain names count, for a record of it.
    message: u32,
    /// Bytes of the name that the header begins with: all that follows it in a record asks for them.
    first_name: OnceLock<u32>,
    /// The lists of records, in the order of the fields, each found once; copies share them.
    lists: Arc<[OnceLock<Records>]>,
    /// What a dissector had to say of it.
    pub(super) note: Option<Arc<str>>,
}

impl Read {
    /// The header `bytes[start..end]` of a layer.
    pub(super) fn new(desc: &LayerDesc, bytes: Arc<[u8]>, start: usize, end: usize, note: Option<Arc<str>>) -> Self {
        let lists = if desc.header == Header::Records {
            desc.fields.iter().filter(|field| is_list_of_records(field)).map(|_| OnceLock::new()).collect()
        } else {
            no_lists()
        };
        let first_name = OnceLock::new();
        Self { bytes, start: start as u32, end: end as u32, message: start as u32, first_name, lists, note }
    }

    /// Where the message begins in whose names pointers count, in the packet's bytes.
    pub(super) fn message(&self) -> usize {
        self.message as usize
    }

    /// Where the layer stands in that message.
    pub(super) fn place(&self) -> usize {
        (self.start - self.message) as usize
    }

    pub(super) fn header(&self) -> &[u8] {
        &self.bytes[self.start as usize..self.end as usize]
    }
}

/// The lists of a layer that has none, without an allocation for each.
fn no_lists() -> Arc<[OnceLock<Records>]> {
    static NONE: LazyLock<Arc<[OnceLock<Records>]>> = LazyLock::new(|| Arc::new([]));
    NONE.clone()
}

fn is_list_of_records(field: &Field) -> bool {
    matches!(field.shape, Shape::Packets(_))
}

/// A list of records as far as it could be read; behind them, what is malformed.
#[derive(Clone, Debug)]
struct Records {
    items: Arc<[Value]>,
    /// Where the first malformed one begins, or the next field; counted from the start of the header, in bytes.
    end: usize,
    /// Why it ended early.
    flaw: Option<String>,
}

impl Records {
    /// Bytes that the list takes from byte `at` of the header on: all that is left, when one is malformed.
    fn width(&self, read: &Read, at: usize) -> usize {
        if self.flaw.is_some() { read.header().len().saturating_sub(at) } else { self.end - at }
    }
}

impl Layer {
    /// Where field `index` begins, in bits from the start of the header. (In a layer that was made, fields of any
    /// width count as nothing.)
    pub(crate) fn offset(&self, index: usize) -> usize {
        let fields = self.desc().fields[..index].iter().filter(|f| self.has(f));
        fields.fold(0, |at, field| at + self.measure(field, at))
    }

    /// The width in bits of a field that begins at bit `at`. Those that go on to the end count as nothing.
    fn measure(&self, field: &Field, at: usize) -> usize {
        if let Some(width) = field.width() {
            return width.into();
        }
        let number = |of| self.int(of).map_or(0, |n| n as usize);
        match (field.extent, field.shape) {
            (Extent::Bytes(of), _) | (Extent::Shape, Shape::HardwareAddr(of) | Shape::ProtocolAddr(of)) => {
                number(of) * 8
            }
            (Extent::Count(of), Shape::Ip4s | Shape::Words) => number(of) * 32,
            (Extent::Count(of), Shape::Ip6s) => number(of) * 128,
            (_, Shape::Packets(_)) => {
                self.body().map_or(0, |read| self.list(read, field, at / 8).map_or(0, |l| l.width(read, at / 8)) * 8)
            }
            (Extent::Shape, Shape::Name) => self.body().map_or(0, |read| self.name_width(read, at / 8) * 8),
            _ => 0,
        }
    }

    /// Bytes that the name at byte `at` of the header takes; all that is left when it is malformed.
    fn name_width(&self, read: &Read, at: usize) -> usize {
        let width = || {
            let left = self.content(read).len().saturating_sub(at);
            self.name(read, at).map_or(left, |(_, width)| width)
        };
        if at == 0 { *read.first_name.get_or_init(|| width() as u32) as usize } else { width() }
    }

    /// The name at byte `at` of the header, and how many bytes it takes there.
    fn name(&self, read: &Read, at: usize) -> Result<(String, usize), String> {
        let message = self.message(read);
        let begin = (read.start as usize + at).checked_sub(message).ok_or("a name stands before its message")?;
        let stop = read.start as usize + self.content(read).len() - message;
        let (name, end) = domain::read(&read.bytes[message..], begin, stop)?;
        Ok((name, end - begin))
    }

    /// Where the message begins in which the pointers of this layer's names count.
    fn message(&self, read: &Read) -> usize {
        let from = self.desc().names_from.and_then(|name| self.index(name));
        from.map_or(read.message as usize, |index| read.start as usize + self.offset(index) / 8)
    }

    /// The header without the zeros that fill it.
    fn content<'a>(&self, read: &'a Read) -> &'a [u8] {
        let header = read.header();
        match self.desc().header {
            Header::Units { field, unit, plus } if self.desc().align > 1 => {
                let said = self.int(field).map_or(header.len(), |n| n as usize * usize::from(unit) + usize::from(plus));
                if said >= header.len() {
                    return header;
                }
                // All fields here that have a width or a count stand before what goes on to the end.
                let least = self.offset(self.desc().fields.len()) / 8;
                &header[..said.max(least).min(header.len())]
            }
            _ => header,
        }
    }

    /// The bytes of a field that has no fixed width and begins at byte `at`.
    fn region<'a>(&self, read: &'a Read, field: &Field, at: usize) -> Option<&'a [u8]> {
        // A field that says how long a header is must not ask for that length itself.
        let content = if field.width().is_some() { read.header() } else { self.content(read) };
        match (field.extent, field.shape, field.width()) {
            (_, _, Some(bits)) => content.get(at..at + usize::from(bits) / 8),
            (Extent::Bytes(_) | Extent::Count(_), ..)
            | (Extent::Shape, Shape::HardwareAddr(_) | Shape::ProtocolAddr(_), _) => {
                content.get(at..at + self.measure(field, at * 8) / 8)
            }
            (Extent::Shape, Shape::Name, _) => content.get(at..at + self.name_width(read, at)),
            _ => content.get(at..),
        }
    }

    /// What field `index` holds; `None` when the bytes end before it.
    pub(super) fn decode(&self, read: &Read, index: usize) -> Option<Value> {
        let field = &self.desc().fields[index];
        let at = self.offset(index);
        match field.shape {
            Shape::Bits(width) | Shape::Flags(width, _) | Shape::Fixed(width, _) | Shape::Signed(width) => {
                return bits::read(read.header(), at, width.into()).map(Value::Int);
            }
            Shape::Packets(_) => {
                let list = self.list(read, field, at / 8).filter(|_| at / 8 <= read.header().len());
                return list.map(|list| Value::List(list.items.clone()));
            }
            _ => {}
        }
        let bytes = self.region(read, field, at / 8)?;
        let whole = |wanted: Option<Value>| Some(wanted.unwrap_or_else(|| Value::bytes(bytes)));
        match field.shape {
            Shape::Little(_) => Some(Value::Int(bytes.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))),
            Shape::Mac | Shape::HardwareAddr(_) => whole(bytes.try_into().ok().map(|mac| Value::Mac(Mac(mac)))),
            Shape::Ip4 | Shape::ProtocolAddr(_) => whole(<[u8; 4]>::try_from(bytes).ok().map(|a| Value::Ip4(a.into()))),
            Shape::Ip6 => whole(<[u8; 16]>::try_from(bytes).ok().map(|a| Value::Ip6(a.into(), None))),
            Shape::Name => {
                let name = self.name(read, at / 8).ok().filter(|(_, width)| *width == bytes.len());
                whole(name.map(|(name, _)| Value::text(&name)))
            }
            Shape::Options(table) => Some(Value::List(table.decode(bytes, at / 8).into())),
            Shape::Words => Some(pieces(bytes, 4, |w| {
                <[u8; 4]>::try_from(w).ok().map(|w| Value::Int(u32::from_be_bytes(w).into()))
            })),
            Shape::Ip4s => Some(pieces(bytes, 4, |a| <[u8; 4]>::try_from(a).ok().map(|a| Value::Ip4(a.into())))),
            Shape::Ip6s => {
                Some(pieces(bytes, 16, |a| <[u8; 16]>::try_from(a).ok().map(|a| Value::Ip6(a.into(), None))))
            }
            Shape::Strings => Some(strings(bytes)),
            Shape::Names => Some(names(bytes)),
            _ => Some(Value::bytes(bytes)),
        }
    }

    /// The records of a field that begins at byte `at` of the header.
    fn list<'a>(&self, read: &'a Read, field: &Field, at: usize) -> Option<&'a Records> {
        let (Shape::Packets(desc), Extent::Count(of)) = (field.shape, field.extent) else { return None };
        let mut lists = self.desc().fields.iter().filter(|field| is_list_of_records(field));
        let nth = lists.position(|other| std::ptr::eq(other, field))?;
        let count = self.int(of).map_or(0, |n| n as usize);
        read.lists.get(nth).map(|list| list.get_or_init(|| self.records(read, desc, at, count)))
    }

    /// Whether a name in it has a pointer.
    pub(super) fn is_compressed(&self) -> bool {
        let Some(read) = self.body() else { return false };
        self.desc().fields.iter().enumerate().filter(|(_, field)| field.shape == Shape::Name && self.has(field)).any(
            |(index, field)| {
                let bytes = self.region(read, field, self.offset(index) / 8).unwrap_or_default();
                matches!(self.decode(read, index), Some(Value::Text(name)) if !is_plain(&name, bytes))
            },
        )
    }

    /// Up to `count` records of the kind `desc` from byte `at` of the header on.
    fn records(&self, read: &Read, desc: &'static LayerDesc, at: usize, count: usize) -> Records {
        let message = self.message(read);
        let content = self.content(read);
        let stop = read.start as usize + content.len();
        let (mut items, mut end) = (Vec::new(), at);
        let flaw = loop {
            if items.len() == count {
                break None;
            }
            let begin = read.start as usize + end;
            if begin >= stop {
                break Some(format!("{} of {count} are here", items.len()));
            }
            match record(&read.bytes, desc, begin, stop, message) {
                Ok(layer) => {
                    end = layer.body().map_or(stop, |r| r.end as usize) - read.start as usize;
                    items.push(Value::Packet(Arc::new(Packet::from_layers(vec![layer]))));
                }
                Err(flaw) => break Some(format!("number {}: {flaw}", items.len() + 1)),
            }
        };
        if flaw.is_some() {
            items.push(Value::bytes(&content[end.min(content.len())..]));
        }
        Records { items: items.into(), end, flaw }
    }

    /// What is wrong with the first list of records that is not as it says, in words.
    pub(super) fn flaw(&self) -> Option<String> {
        let read = self.body()?;
        self.desc().fields.iter().enumerate().find_map(|(index, field)| {
            let Extent::Count(of) = field.extent else { return None };
            let flaw = self.list(read, field, self.offset(index) / 8)?.flaw.as_ref()?;
            Some(format!("{of} says {} in {}; {flaw}", self.int(of).unwrap_or(0), field.name))
        })
    }

    /// Turns bytes that were read into set values. `is_auto` says which automatic fields become automatic again.
    ///
    /// So that nothing is lost of a header that was cut, the field in which it ends holds the bytes that are left, the
    /// fields behind it none; options that end inside a word are bytes, to which no padding is added; and what stands
    /// behind the last field stays there.
    pub(crate) fn loosen(&mut self, is_auto: impl Fn(usize) -> bool) {
        let Some(header) = self.header_bytes() else { return };
        let fields: Vec<usize> = (0..self.desc().fields.len()).filter(|&i| self.has(&self.desc().fields[i])).collect();
        let is_ragged = |i: usize| match self.desc().fields[i].shape {
            Shape::Options(table) => !table.ends_evenly(header.len()),
            _ => false,
        };
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
        let set = fields.iter().enumerate().filter_map(slot).collect();
        let tail = if last.is_none() { self.tail_read() } else { Tail::default() };
        self.remake(set, tail);
    }
}

impl Layer {
    /// What stands behind the last field, where that is not what building adds.
    fn tail_read(&self) -> Tail {
        let Some(read) = self.body() else { return Tail::default() };
        let (header, align) = (read.header(), usize::from(self.desc().align.max(1)));
        let fields = self.fields_end().min(header.len());
        let content = self.content(read).len().max(fields);
        let fill = &header[content..];
        let is_usual = header.len() == content.next_multiple_of(align) && fill.iter().all(|b| *b == 0);
        Tail { inside: header[fields..content].into(), fill: (!is_usual).then(|| fill.into()) }
    }
}

/// The record that begins at `begin`, as its own layer; of the refined kind if that fits exactly, else of the kind
/// `desc`.
fn record(
    bytes: &Arc<[u8]>,
    desc: &'static LayerDesc,
    begin: usize,
    stop: usize,
    message: usize,
) -> Result<Layer, String> {
    let read = |desc: &'static LayerDesc| {
        let mut read = Read::new(desc, bytes.clone(), begin, stop, None);
        read.message = message as u32;
        let (end, note) = header_end(desc, None, &read, stop)?;
        if let Some(note) = note {
            return Err(note);
        }
        read.end = end as u32;
        Ok(Layer::read(desc, read))
    };
    let refined = desc.refine.and_then(|refine| refine(&bytes[begin..stop])).filter(|fine| *fine != desc);
    let fits = |layer: &Layer| layer.tail_read() == Tail::default();
    match refined.map(read) {
        Some(Ok(layer)) if fits(&layer) => Ok(layer),
        _ => read(desc),
    }
}

impl Layer {
    /// Where the last field ends, in bytes; where one goes on to the end, the end of what is not fill.
    fn fields_end(&self) -> usize {
        let is_open = self.desc().fields.iter().any(|f| {
            let is_fixed = f.width().is_some() || matches!(f.extent, Extent::Bytes(_) | Extent::Count(_));
            self.has(f) && !is_fixed && !(f.extent == Extent::Shape && f.shape == Shape::Name)
        });
        if is_open {
            self.body().map_or(0, |read| self.content(read).len())
        } else {
            self.offset(self.desc().fields.len()) / 8
        }
    }
}

/// A list of items of one width; what is left over stays bytes.
fn pieces(bytes: &[u8], width: usize, item: impl Fn(&[u8]) -> Option<Value>) -> Value {
    Value::List(bytes.chunks(width).map(|chunk| item(chunk).unwrap_or_else(|| Value::bytes(chunk))).collect())
}

/// Texts behind their lengths; one that is cut stays as it is, with its length, inside a list of its own.
fn strings(bytes: &[u8]) -> Value {
    let (mut items, mut rest) = (Vec::new(), bytes);
    while let Some((&len, tail)) = rest.split_first() {
        let Some(text) = tail.get(..len.into()) else {
            items.push(Value::List([Value::bytes(rest)].into()));
            break;
        };
        items.push(Value::bytes(text));
        rest = &tail[text.len()..];
    }
    Value::List(items.into())
}

/// Whether a name stands in `bytes` without pointers.
fn is_plain(name: &str, bytes: &[u8]) -> bool {
    let mut plain = Vec::with_capacity(bytes.len());
    domain::write(name, &mut plain);
    plain == bytes
}

/// Names one after another, without pointers; from a malformed one on, bytes.
fn names(bytes: &[u8]) -> Value {
    let (mut items, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        match domain::read(&bytes[at..], 0, bytes.len() - at) {
            // Pointers have no place here: nothing says from where they count.
            Ok((name, end)) if is_plain(&name, &bytes[at..at + end]) => {
                items.push(Value::text(&name));
                at += end;
            }
            _ => {
                items.push(Value::bytes(&bytes[at..]));
                break;
            }
        }
    }
    Value::List(items.into())
}
