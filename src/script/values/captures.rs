//! Capture files that are read and written packet by packet, and sniffers.

use std::cell::RefCell;
use std::fs::File;
use std::rc::Rc;

use rhai::{Array, Dynamic, Engine};

use super::{Fallible, Packets, Results, Row, Rows, seen};
use crate::layers::medium_of;
use crate::net::capture::{FileError, Reader, Record, Writer};
use crate::packet::Packet;
use crate::script::func::{describe, say};
use crate::script::listen::Sniffer;
use crate::script::state::State;

/// `PcapReader(file)`. Copies read on from where the others are.
#[derive(Clone)]
pub(in crate::script) struct PcapReader(Rc<RefCell<Reader<File>>>);

impl PcapReader {
    pub(in crate::script) fn new(reader: Reader<File>) -> Self {
        Self(Rc::new(RefCell::new(reader)))
    }
}

impl Iterator for PcapReader {
    type Item = Packet;

    fn next(&mut self) -> Option<Packet> {
        self.0.borrow_mut().next().map(|record| seen(&record))
    }
}

/// `PcapWriter(file)`. It ends with `close()`, or with the last copy of it.
#[derive(Clone)]
pub(in crate::script) struct PcapWriter(Rc<RefCell<Option<Writer<File>>>>);

impl PcapWriter {
    pub(in crate::script) fn new(writer: Writer<File>) -> Self {
        Self(Rc::new(RefCell::new(Some(writer))))
    }

    fn with<T>(&self, run: impl FnOnce(&mut Writer<File>) -> Fallible<T>) -> Fallible<T> {
        match &mut *self.0.borrow_mut() {
            Some(writer) => run(writer),
            None => Err(say("this file is closed; PcapWriter(name, append=true) goes on with it")),
        }
    }
}

pub(super) fn register(engine: &mut Engine, state: &Rc<State>) {
    engine.register_type_with_name::<PcapReader>("PcapReader").register_iterator::<PcapReader>();
    engine.register_fn("next", |reader: &mut PcapReader| Iterator::next(reader).map_or(Dynamic::UNIT, Dynamic::from));
    engine
        .register_get("note", |reader: &mut PcapReader| reader.0.borrow().note().map_or(Dynamic::UNIT, Dynamic::from));
    engine.register_type_with_name::<PcapWriter>("PcapWriter");
    let shared = Rc::clone(state);
    engine.register_fn("write", move |writer: &mut PcapWriter, given: Dynamic| -> Fallible<()> {
        let Some(packets) = all_packets(&given) else {
            return Err(say(format!("write takes packets, found {}", describe(&given))));
        };
        writer.with(|writer| {
            (0..packets.len())
                .try_for_each(|at| write_packet(&shared, &packets, at, &mut |record| writer.write(record)))
        })
    });
    engine.register_fn("flush", |writer: &mut PcapWriter| {
        writer.with(|writer| writer.flush().map_err(|e| say(e.to_string())))
    });
    engine.register_fn("close", |writer: &mut PcapWriter| -> Fallible<()> {
        let finished = writer.0.borrow_mut().take().map_or(Ok(()), |writer| writer.finish().map(drop));
        finished.map_err(|e| say(e.to_string()))
    });
    engine.register_type_with_name::<Sniffer>("Sniffer");
    engine.register_get("results", |sniffer: &mut Sniffer| sniffer.packets());
    engine.register_get("running", |sniffer: &mut Sniffer| sniffer.is_running());
    for name in ["to_string", "to_debug"] {
        engine.register_fn(name, |reader: &mut PcapReader| format!("reader of \"{}\"", reader.0.borrow().name()));
        engine.register_fn(name, |_: &mut PcapWriter| "writer of a capture file");
        engine.register_fn(name, |sniffer: &mut Sniffer| {
            let how = if sniffer.is_running() { "running: stop() ends it" } else { "not running: start() begins" };
            format!("sniffer, {how}")
        });
    }
}

/// The packets of a value: a packet, all of a set, a list of packets, answers, or an array of these.
pub(in crate::script) fn all_packets(given: &Dynamic) -> Option<Packets> {
    if let Some(packet) = given.read_lock::<Packet>() {
        return Some(packet.expand().collect::<Vec<_>>().into());
    }
    if let Some(packets) = given.read_lock::<Packets>() {
        return Some(packets.clone());
    }
    let both = |row: &Row| [row.query.clone(), row.answer.clone()];
    if let Some(results) = given.read_lock::<Results>() {
        let answered = results.answered.0.iter().flat_map(both);
        return Some(in_time(answered.chain(results.unanswered.clone()).collect()));
    }
    if let Some(rows) = given.read_lock::<Rows>() {
        return Some(in_time(rows.0.iter().flat_map(both).collect()));
    }
    let items = given.read_lock::<Array>()?;
    let mut all = Vec::new();
    for item in items.iter() {
        all.extend(all_packets(item)?);
    }
    Some(all.into())
}

/// In the order in which they were sent and received.
fn in_time(mut packets: Vec<Packet>) -> Packets {
    packets.sort_by_key(|packet| packet.meta().map_or(0, |meta| meta.wall));
    packets.into()
}

/// Hands packet `at` of a list to a capture file, as it was captured, or built.
pub(in crate::script) fn write_packet(
    state: &State,
    packets: &Packets,
    at: usize,
    write: &mut dyn FnMut(&Record<'_>) -> Result<(), FileError>,
) -> Fallible<()> {
    let failed = |e: FileError| say(e.to_string());
    if let Some(record) = packets.record(at) {
        return write(&record).map_err(failed);
    }
    let packet = packets.at(at);
    let names = || packet.names();
    let Some(medium) = packet.layers().first().and_then(|first| medium_of(first.desc())) else {
        return Err(say(format!("{0} is not what a capture begins with: write Ether()/{0} or IP()/{0}", names())));
    };
    let bytes = state.bytes(&packet).map_err(|e| say(e.to_string()))?;
    let mut record = Record::new(&bytes, state.wall(), medium);
    if let Some(meta) = packet.meta() {
        record.wall = if meta.wall != 0 { meta.wall } else { record.wall };
        record.wire_len = meta.wire_len.max(bytes.len());
        record.iface = Some(&*meta.iface).filter(|name| !name.is_empty());
        record.outgoing = meta.outgoing;
        record.comment = meta.comment.as_deref();
    }
    write(&record).map_err(failed)
}
