//! Lists of packets: made ones, and captured ones that are dissected when they are looked at.

use std::rc::Rc;
use std::sync::Arc;

use rhai::{Dynamic, Engine, INT};

use super::{Fallible, Row, Rows};
use crate::base::Time;
use crate::layers::{dissect, first_of};
use crate::net::Checksum;
use crate::net::capture::{Record, Store};
use crate::packet::{LayerDesc, Meta, Packet};
use crate::script::func::say;
use crate::script::state::State;
use crate::script::table;

/// A list of packets. Copies, parts and selections share what it holds.
#[derive(Clone, Debug, Default)]
pub struct Packets {
    parts: Rc<Vec<Part>>,
    len: usize,
    /// What a capture took in and lost, for its list.
    counts: Option<Counts>,
}

/// What a capture took in and lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::script) struct Counts {
    /// Packets that counted, also when they were not stored.
    pub(in crate::script) received: u64,
    /// Packets that came while the capture was full.
    pub(in crate::script) dropped: u64,
}

/// Packets of one kind that follow one another in a list.
#[derive(Clone, Debug)]
struct Part {
    /// Its first packet's place in the list.
    from: usize,
    held: Held,
}

/// What a part of a list holds.
#[derive(Clone, Debug)]
enum Held {
    /// Packets that were made, or came as answers.
    Made(Rc<Vec<Packet>>),
    /// All of a store.
    Whole(Arc<Store>),
    /// Places in a store.
    Picked(Arc<Store>, Rc<Vec<u32>>),
}

impl Held {
    fn len(&self) -> usize {
        match self {
            Self::Made(packets) => packets.len(),
            Self::Whole(store) => store.len(),
            Self::Picked(_, places) => places.len(),
        }
    }

    /// Those of its packets at these places, which are in order.
    fn pick(&self, places: &[usize]) -> Self {
        let place = |at: &usize| *at as u32;
        match self {
            Self::Made(packets) => Self::Made(Rc::new(places.iter().map(|at| packets[*at].clone()).collect())),
            Self::Whole(store) => Self::Picked(Arc::clone(store), Rc::new(places.iter().map(place).collect())),
            Self::Picked(store, known) => {
                Self::Picked(Arc::clone(store), Rc::new(places.iter().map(|at| known[*at]).collect()))
            }
        }
    }
}

impl From<Vec<Packet>> for Packets {
    fn from(packets: Vec<Packet>) -> Self {
        Self::of([Held::Made(Rc::new(packets))])
    }
}

impl Packets {
    fn of(held: impl IntoIterator<Item = Held>) -> Self {
        let (mut parts, mut len) = (Vec::new(), 0);
        for held in held {
            let count = held.len();
            if count > 0 {
                parts.push(Part { from: len, held });
                len += count;
            }
        }
        Self { parts: Rc::new(parts), len, counts: None }
    }

    /// All packets of stores, one after another.
    pub(in crate::script) fn captured(stores: &[Arc<Store>], counts: Option<Counts>) -> Self {
        Self { counts, ..Self::of(stores.iter().map(|store| Held::Whole(Arc::clone(store)))) }
    }

    fn counts(&self) -> Counts {
        self.counts.unwrap_or(Counts { received: self.len as u64, dropped: 0 })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The part that holds packet `at`, and its place there.
    fn part(&self, at: usize) -> (&Held, usize) {
        let part = &self.parts[self.parts.partition_point(|part| part.from <= at) - 1];
        (&part.held, at - part.from)
    }

    /// Packet `at`; the caller keeps below [`Packets::len`].
    pub(in crate::script) fn at(&self, at: usize) -> Packet {
        match (self.part(at), self.record(at)) {
            ((Held::Made(packets), at), _) => packets[at].clone(),
            (_, Some(record)) => seen(&record),
            (_, None) => Packet::from_layers(Vec::new()),
        }
    }

    /// The captured record at `at`, if it is one.
    pub(in crate::script) fn record(&self, at: usize) -> Option<Record<'_>> {
        match self.part(at) {
            (Held::Made(_), _) => None,
            (Held::Whole(store), at) => store.get(at),
            (Held::Picked(store, places), at) => store.get(places[at] as usize),
        }
    }

    /// The packets at these places, which are in order.
    pub(in crate::script) fn pick(&self, places: impl Iterator<Item = usize>) -> Self {
        let mut places = places.peekable();
        let mut held = Vec::new();
        for (i, part) in self.parts.iter().enumerate() {
            let end = self.parts.get(i + 1).map_or(self.len, |next| next.from);
            let mine: Vec<usize> =
                std::iter::from_fn(|| places.next_if(|at| *at < end)).map(|at| at - part.from).collect();
            held.push(if mine.len() == part.held.len() { part.held.clone() } else { part.held.pick(&mine) });
        }
        Self::of(held)
    }

    fn plus(&self, other: &Self) -> Self {
        let held = self.parts.iter().chain(&*other.parts).map(|part| part.held.clone());
        Self::of(held)
    }
}

/// A captured record as a packet.
pub(in crate::script) fn seen(record: &Record<'_>) -> Packet {
    let meta = Meta {
        at: Time::ZERO,
        wall: record.wall,
        iface: record.iface.map_or_else(Default::default, Into::into),
        wire_len: record.wire_len,
        outgoing: record.outgoing,
        offload: record.checksum == Checksum::Partial,
        query: None,
        comment: record.comment.map(Into::into),
    };
    dissect(first_of(record.medium, record.bytes), &record.bytes.into()).with_meta(meta)
}

/// Goes through a list, dissecting one packet after the other.
#[derive(Debug)]
pub struct Iter {
    packets: Packets,
    next: usize,
}

impl Iterator for Iter {
    type Item = Packet;

    fn next(&mut self) -> Option<Packet> {
        let at = self.next;
        self.next += 1;
        (at < self.packets.len()).then(|| self.packets.at(at))
    }
}

impl IntoIterator for Packets {
    type Item = Packet;
    type IntoIter = Iter;

    fn into_iter(self) -> Iter {
        Iter { packets: self, next: 0 }
    }
}

/// One of our lists, with its items as scripts see them.
pub(in crate::script) enum List {
    /// Packets.
    Packets(Packets),
    /// Answered probes.
    Rows(Rows),
}

impl List {
    /// The list that a value is; of results, the answered rows.
    pub(in crate::script) fn of(given: &Dynamic) -> Option<Self> {
        if let Some(packets) = given.read_lock::<Packets>() {
            return Some(Self::Packets(packets.clone()));
        }
        if let Some(results) = given.read_lock::<super::Results>() {
            return Some(Self::Rows(results.answered.clone()));
        }
        given.read_lock::<Rows>().map(|rows| Self::Rows(rows.clone()))
    }

    /// How many items there are.
    pub(in crate::script) fn len(&self) -> usize {
        match self {
            Self::Packets(packets) => packets.len(),
            Self::Rows(rows) => rows.0.len(),
        }
    }

    /// Item `at`; the caller keeps below [`List::len`].
    pub(in crate::script) fn at(&self, at: usize) -> Dynamic {
        match self {
            Self::Packets(packets) => Dynamic::from(packets.at(at)),
            Self::Rows(rows) => Dynamic::from(rows.0[at].clone()),
        }
    }

    /// All items.
    pub(in crate::script) fn iter(&self) -> impl Iterator<Item = Dynamic> + '_ {
        (0..self.len()).map(|at| self.at(at))
    }

    /// A list of the same kind with the items at these places.
    pub(in crate::script) fn pick(&self, places: impl Iterator<Item = usize>) -> Dynamic {
        match self {
            Self::Packets(packets) => Dynamic::from(packets.pick(places)),
            Self::Rows(rows) => Dynamic::from(Rows(Rc::new(places.map(|at| rows.0[at].clone()).collect()))),
        }
    }
}

pub(super) fn register(engine: &mut Engine, state: &Rc<State>) {
    engine.register_type_with_name::<Packets>("Packets").register_iterator::<Packets>();
    engine.register_get("received", |p: &mut Packets| p.counts().received as INT);
    engine.register_get("dropped", |p: &mut Packets| p.counts().dropped as INT);
    engine.register_indexer_get(|p: &mut Packets, index: INT| place(p.len(), index).map(|at| p.at(at)));
    engine.register_indexer_get(|p: &mut Packets, layer: &'static LayerDesc| {
        p.pick((0..p.len()).filter(|at| p.at(*at).layer(layer).is_some()))
    });
    engine.register_indexer_get(|p: &mut Packets, range: std::ops::Range<INT>| {
        p.pick(part(p.len(), range.start, range.end))
    });
    engine.register_indexer_get(|p: &mut Packets, range: std::ops::RangeInclusive<INT>| {
        p.pick(part(p.len(), *range.start(), range.end().saturating_add(1)))
    });
    engine.register_indexer_get(|r: &mut Rows, range: std::ops::Range<INT>| {
        Rows(Rc::new(part(r.0.len(), range.start, range.end).map(|at| r.0[at].clone()).collect()))
    });
    engine.register_indexer_get(|r: &mut Rows, range: std::ops::RangeInclusive<INT>| {
        let places = part(r.0.len(), *range.start(), range.end().saturating_add(1));
        Rows(Rc::new(places.map(|at| r.0[at].clone()).collect()))
    });
    engine.register_fn("+", |a: Packets, b: Packets| a.plus(&b));
    engine.register_fn("+", |a: Packets, b: Packet| a.plus(&Packets::from(vec![b])));
    engine.register_fn("+", |a: Rows, b: Rows| Rows(Rc::new(a.0.iter().chain(&*b.0).cloned().collect::<Vec<Row>>())));
    for name in ["to_string", "to_debug"] {
        let shared = Rc::clone(state);
        engine.register_fn(name, move |p: &mut Packets| table::packets(&shared, p));
    }
}

/// The place of item `index` in a list; a negative one counts from the end, as in Rhai's arrays.
pub(super) fn place(len: usize, index: INT) -> Fallible<usize> {
    let found = if index < 0 { len.checked_sub(index.unsigned_abs() as usize) } else { Some(index as usize) };
    found.filter(|at| *at < len).ok_or_else(|| say(format!("no item {index} in a list of {len}")))
}

/// The places from `start` to before `end`, as far as the list goes; negative ones count from its end.
fn part(len: usize, start: INT, end: INT) -> std::ops::Range<usize> {
    let at = |index: INT| if index < 0 { (len as INT + index).max(0) as usize } else { (index as usize).min(len) };
    at(start)..at(end).max(at(start))
}
