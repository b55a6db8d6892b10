//! The types that scripts meet: packets, layers, flags, and the results of exchanges.

use std::rc::Rc;

use rhai::{Blob, Dynamic, Engine, EvalAltResult, FuncRegistration, INT, ImmutableString, Map};

use super::convert::{dynamic, wanted};
use super::func::{describe, say, say_at};
use super::state::State;
use super::sugar::KEYWORDS;
use crate::layers::{self, raw::RAW};
use crate::packet::{Flags, LayerDesc, Packet, PacketError, Random, Value, Wanted};

/// A point in time of the session's clock.
#[derive(Clone, Copy, Debug)]
struct Timestamp(crate::base::Time);

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// `auto`: the value that is computed at build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Auto;

/// A probe with its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The probe, as sent.
    pub query: Packet,
    /// Its answer.
    pub answer: Packet,
}

/// The answered probes of an exchange, in the order of the answers.
#[derive(Clone, Debug, Default)]
pub struct Rows(pub Rc<Vec<Row>>);

/// Packets, as `r.unanswered` holds them.
#[derive(Clone, Debug, Default)]
pub struct Packets(pub Rc<Vec<Packet>>);

/// What `sr` gives: `.answered` (`.ans`) and `.unanswered` (`.unans`).
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Probes that were answered, with their answers.
    pub answered: Rows,
    /// Probes that were not.
    pub unanswered: Packets,
}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = std::vec::IntoIter<Row>;
    fn into_iter(self) -> Self::IntoIter {
        Rc::unwrap_or_clone(self.0).into_iter()
    }
}

impl IntoIterator for Packets {
    type Item = Packet;
    type IntoIter = std::vec::IntoIter<Packet>;
    fn into_iter(self) -> Self::IntoIter {
        Rc::unwrap_or_clone(self.0).into_iter()
    }
}

/// Registers every type with its operators and properties.
pub(super) fn register(engine: &mut Engine, state: &Rc<State>) {
    packets(engine, state);
    fields(engine, state);
    layer_types(engine);
    flags(engine);
    results(engine, state);
    engine.register_type_with_name::<super::trouble::Said>("Error");
    engine.register_fn("to_string", |s: &mut super::trouble::Said| s.message.clone());
    engine.register_fn("to_debug", |s: &mut super::trouble::Said| s.message.clone());
    clock(engine, state);
    engine.register_type_with_name::<Auto>("Auto").register_fn("to_string", |_: &mut Auto| "auto");
    engine.register_fn("to_debug", |_: &mut Auto| "auto");
    engine.register_fn("==", |_: Auto, _: Auto| true).register_fn("!=", |_: Auto, _: Auto| false);
    engine.register_type_with_name::<Random>("Random").register_fn("to_string", |r: &mut Random| r.to_string());
    engine.register_fn("to_debug", |r: &mut Random| r.to_string());
}

/// `timestamp()` and `.elapsed` in place of Rhai's: the laboratory's time is not the machine's.
fn clock(engine: &mut Engine, state: &Rc<State>) {
    let shared = Rc::clone(state);
    engine.register_type_with_name::<Timestamp>("Timestamp");
    engine.register_fn("timestamp", move || Timestamp(shared.network.borrow().now()));
    let shared = Rc::clone(state);
    engine.register_get("elapsed", move |t: &mut Timestamp| (shared.network.borrow().now() - t.0).as_secs_f64());
    for name in ["to_string", "to_debug"] {
        engine.register_fn(name, |t: &mut Timestamp| t.0.to_string());
    }
    engine.register_fn("-", |later: Timestamp, earlier: Timestamp| (later.0 - earlier.0).as_secs_f64());
}

fn packets(engine: &mut Engine, state: &Rc<State>) {
    engine.register_type_with_name::<Packet>("Packet");
    for name in ["to_string", "to_debug"] {
        let state = Rc::clone(state);
        engine.register_fn(name, move |p: &mut Packet| state.summary(p));
    }
    engine.register_fn("==", |a: Packet, b: Packet| a == b).register_fn("!=", |a: Packet, b: Packet| a != b);
    engine.register_fn("/", |a: Packet, b: Packet| a.stack(&b));
    engine.register_fn("/", |a: Packet, b: ImmutableString| a.stack(&load(b.as_bytes())));
    engine.register_fn("/", |a: Packet, b: Blob| a.stack(&load(&b)));
    engine.register_fn("/", |a: ImmutableString, b: Packet| load(a.as_bytes()).stack(&b));
    engine.register_fn("/", |a: Blob, b: Packet| load(&a).stack(&b));
    engine.register_fn("/", |_: Packet, b: &'static LayerDesc| -> Fallible<Packet> {
        Err(say(format!("{0} is the layer itself: write {0}() to stack one on the packet", b.name)))
    });
    engine.register_fn("/", |a: &'static LayerDesc, _: Packet| -> Fallible<Packet> {
        Err(say(format!("{0} is the layer itself: write {0}() to make a packet of it", a.name)))
    });
    engine.register_fn("+", |_: Packet, b: ImmutableString| -> Fallible<Packet> { Err(plus(&b)) });
    engine.register_fn("+", |_: Packet, _: Packet| -> Fallible<Packet> {
        Err(say("packets are stacked with /, like IP()/TCP(); [a, b] makes a list of two"))
    });
    engine.register_fn("+", |a: ImmutableString, b: Packet| format!("{a}{}", b.names()));
    engine.register_iterator_fn();
    engine.register_fn("contains", |p: &mut Packet, desc: &'static LayerDesc| p.layer(desc).is_some());
    engine.register_fn("contains", |p: &mut Packet, name: ImmutableString| -> Fallible<bool> {
        Ok(p.layer(layer_named(&name)?).is_some())
    });
}

fn plus(text: &str) -> Box<EvalAltResult> {
    say(format!(
        "/ binds closer than +, so a packet is added to text here: write p/(\"..\" + \"{}\")",
        text.escape_debug()
    ))
}

/// Sets as things to loop over.
trait RegisterSets {
    fn register_iterator_fn(&mut self);
}

impl RegisterSets for Engine {
    fn register_iterator_fn(&mut self) {
        self.register_iterator::<Rows>();
        self.register_iterator::<Packets>();
        let mut module = rhai::Module::new();
        module.set_iter(std::any::TypeId::of::<Packet>(), |value: Dynamic| {
            let set = value.cast::<Packet>().expand();
            Box::new(set.map(Dynamic::from))
        });
        self.register_global_module(module.into());
    }
}

fn load(bytes: &[u8]) -> Packet {
    let mut packet = Packet::new(&RAW);
    // Raw takes any bytes.
    let _ = packet.set(0, "load", &Wanted::Value(Value::bytes(bytes)));
    packet
}

/// Fields and layers of packets: `p.dport`, `p[TCP]`, `p["TCP"]`, `p[0]`.
fn fields(engine: &mut Engine, state: &Rc<State>) {
    engine.register_get("query", |p: &mut Packet| {
        p.meta().and_then(|m| m.query.clone()).map_or(Dynamic::UNIT, Dynamic::from)
    });
    engine
        .register_get("time", |p: &mut Packet| p.meta().map_or(Dynamic::UNIT, |m| Dynamic::from(m.wall as f64 / 1e9)));
    engine.register_get("iface", |p: &mut Packet| p.meta().map_or(Dynamic::UNIT, |m| (*m.iface).into()));
    engine.register_get("payload", |p: &mut Packet| match p.layers().len() {
        0 | 1 => Dynamic::UNIT,
        _ => Dynamic::from(p.from_layer(1)),
    });
    engine.register_get("name", |p: &mut Packet| p.layers().first().map_or("", |l| l.desc().name));
    engine.register_indexer_get(|p: &mut Packet, name: ImmutableString| -> Fallible<Dynamic> {
        if let Some(desc) = layers::by_name(&name) {
            return take_layer(p, desc).map(Dynamic::from);
        }
        let at = owner(p, &name)?;
        let layer = &p.layers()[at];
        let Some(index) = layer.index(&name) else { return Err(say("no such field")) };
        Ok(layer.slot(index).map_or(Dynamic::UNIT, |slot| dynamic(&layer.desc().fields[index], slot)))
    });
    let shared = Rc::clone(state);
    engine.register_indexer_set(move |p: &mut Packet, name: ImmutableString, given: Dynamic| -> Fallible<()> {
        if let (Some(desc), true) = (layers::by_name(&name), given.is::<Packet>()) {
            return put_layer(p, desc, &given);
        }
        let at = owner(p, &name)?;
        set_field(&shared, p, at, &name, &given)
    });
    engine.register_indexer_get(|p: &mut Packet, desc: &'static LayerDesc| take_layer(p, desc));
    engine.register_indexer_set(|p: &mut Packet, desc: &'static LayerDesc, given: Dynamic| put_layer(p, desc, &given));
    engine.register_indexer_get(|p: &mut Packet, index: INT| -> Fallible<Packet> {
        let count = p.layers().len();
        match usize::try_from(index) {
            Ok(i) if i < count => Ok(p.from_layer(i)),
            _ => {
                Err(say(format!("no layer {index} in {}: they count from 0 to {}", p.names(), count.saturating_sub(1))))
            }
        }
    });
    engine.register_indexer_set(|p: &mut Packet, index: INT, given: Packet| p.replace(index as usize, &given));
}

fn owner(packet: &Packet, field: &str) -> Fallible<usize> {
    if let Some(at) = packet.owner(field) {
        return Ok(at);
    }
    // A field that one of the layers has at other times explains itself; else the nearest name of all.
    let layers = packet.layers();
    if let Some(layer) = layers.iter().find(|l| l.desc().has_field(field)) {
        return packet_error_of(packet, layer.desc(), field);
    }
    let names = layers.iter().flat_map(|l| l.desc().fields.iter().map(|f| f.name));
    let mut hint = crate::base::nearest::did_you_mean(field, names);
    if hint.is_empty() && layers.len() == 1 {
        return Err(say_at(layers[0].desc().no_field(field).to_string(), field));
    }
    if hint.is_empty() {
        hint = "; p.show() lists the fields".into();
    }
    Err(say_at(format!("no field or method \"{}\" in {}{hint}", field.escape_debug(), packet.names()), field))
}

fn packet_error_of(packet: &Packet, desc: &'static LayerDesc, field: &str) -> Fallible<usize> {
    let at = packet.find(desc, 1).unwrap_or(0);
    match packet.clone().set(at, field, &Wanted::Auto) {
        Err(error) => Err(say_at(error.to_string(), field)),
        Ok(()) => Ok(at),
    }
}

pub(super) fn set_field(state: &State, packet: &mut Packet, at: usize, name: &str, given: &Dynamic) -> Fallible<()> {
    let layer = &packet.layers()[at];
    let desc = layer.desc();
    let field = layer.index(name).or_else(|| desc.fields.iter().position(|f| f.name == name)).map(|i| &desc.fields[i]);
    let Some(field) = field else { return Err(say_at(desc.no_field(name).to_string(), name)) };
    let wanted = wanted(state, field, given).map_err(|what| say_at(format!("{}.{name}: {what}", desc.name), name))?;
    packet.set(at, name, &wanted).map_err(|error| {
        let hint = upper_hint(packet, at, name, &wanted, &error);
        say_at(format!("{error}{hint}"), name)
    })
}

/// `p.flags = "SA"` on IP/TCP sets IP's flags: names the layer that would have taken the value.
fn upper_hint(packet: &Packet, at: usize, name: &str, wanted: &Wanted, error: &PacketError) -> String {
    if !matches!(error, PacketError::BadValue { .. }) {
        return String::new();
    }
    let takes = |upper: usize| packet.clone().set(upper, name, wanted).is_ok();
    let upper = (at + 1..packet.layers().len()).find(|&i| packet.layers()[i].index(name).is_some() && takes(i));
    upper.map_or_else(String::new, |i| format!("; did you mean p[{}].{name}?", packet.layers()[i].desc().name))
}

fn take_layer(packet: &Packet, desc: &'static LayerDesc) -> Fallible<Packet> {
    packet.find(desc, 1).map(|at| packet.from_layer(at)).ok_or_else(|| no_layer(packet, desc.name))
}

fn put_layer(packet: &mut Packet, desc: &'static LayerDesc, given: &Dynamic) -> Fallible<()> {
    let Some(inner) = given.read_lock::<Packet>() else {
        return Err(say(format!("p[{}] takes a packet, found {}", desc.name, describe(given))));
    };
    let at = packet.find(desc, 1).ok_or_else(|| no_layer(packet, desc.name))?;
    packet.replace(at, &inner);
    Ok(())
}

pub(super) fn no_layer(packet: &Packet, name: &str) -> Box<EvalAltResult> {
    let error = PacketError::NoLayer { wanted: name.to_owned(), found: packet.names() };
    say(format!("{error}; test p.haslayer({name}) first"))
}

pub(super) fn layer_named(name: &str) -> Fallible<&'static LayerDesc> {
    layers::by_name(name).ok_or_else(|| {
        let hint = crate::base::nearest::did_you_mean(name, layers::ALL.iter().map(|d| d.name));
        say_at(format!("no layer \"{}\"{hint}", name.escape_debug()), name)
    })
}

/// Layers as functions (`TCP(dport=80)`) and as values (`p[TCP]`).
fn layer_types(engine: &mut Engine) {
    engine.register_type_with_name::<&'static LayerDesc>("Layer");
    engine.register_fn("to_string", |d: &mut &'static LayerDesc| d.name);
    engine.register_fn("to_debug", |d: &mut &'static LayerDesc| d.name);
    engine.register_fn("==", |a: &'static LayerDesc, b: &'static LayerDesc| a == b);
    engine.register_fn("!=", |a: &'static LayerDesc, b: &'static LayerDesc| a != b);
}

/// Registers the constructors of all layers. They are called more than anything else, so they skip the rows' binding.
pub(super) fn constructors(engine: &mut Engine, state: &Rc<State>) {
    for desc in layers::ALL {
        for count in 0..=2 {
            let state = Rc::clone(state);
            let types = vec![std::any::TypeId::of::<Dynamic>(); count];
            register_raw(engine, desc.name, &types, move |_, args| construct(&state, desc, args).map(Dynamic::from));
        }
    }
}

/// Registers a native function over any values. It is pure in Rhai's sense: it changes none of its arguments.
pub(super) fn register_raw(
    engine: &mut Engine,
    name: &str,
    types: &[std::any::TypeId],
    run: impl Fn(&rhai::NativeCallContext<'_>, &mut [&mut Dynamic]) -> Fallible<Dynamic> + 'static,
) {
    let mut module = std::mem::take(&mut NewModule(rhai::Module::new()).0);
    let func = rhai::RhaiFunc::Method {
        func: Rc::new(move |cx: Option<rhai::NativeCallContext<'_>>, args: &mut [&mut Dynamic]| match &cx {
            Some(cx) => run(cx, args),
            None => Err(say("called without a context")),
        }),
        has_context: true,
        is_pure: true,
        is_volatile: true,
    };
    FuncRegistration::new(name).in_global_namespace().set_into_module_raw(&mut module, types, func);
    engine.register_global_module(module.into());
}

struct NewModule(rhai::Module);

fn construct(state: &State, desc: &'static LayerDesc, args: &[&mut Dynamic]) -> Fallible<Packet> {
    let keywords = args.last().and_then(|last| last.read_lock::<Map>());
    let positional = args.len() - usize::from(keywords.is_some());
    let mut packet = Packet::new(desc);
    if let Some(map) = keywords {
        // In the order of the table: a field may depend on an earlier one.
        let mut named: Vec<(usize, &str, &Dynamic)> = Vec::with_capacity(map.len());
        for (key, value) in map.iter().filter(|(key, _)| *key != KEYWORDS) {
            let Some(at) = desc.fields.iter().position(|f| f.name == key.as_str()) else {
                return Err(say_at(desc.no_field(key).to_string(), key));
            };
            named.push((at, key, value));
        }
        named.sort_unstable_by_key(|(at, ..)| *at);
        for (_, key, value) in named {
            set_field(state, &mut packet, 0, key, value)?;
        }
    }
    match positional {
        0 => Ok(packet),
        1 => first_argument(state, desc, packet, args[0]),
        n => Err(say(format!(
            "{} takes one argument without a name, found {n}; name the fields: {}",
            desc.name,
            example(desc)
        ))),
    }
}

fn example(desc: &LayerDesc) -> String {
    let fields: Vec<String> = desc.fields.iter().take(2).map(|f| format!("{}=..", f.name)).collect();
    format!("{}({})", desc.name, fields.join(", "))
}

/// The one argument without a name: text and numbers go to their field, a blob is dissected.
fn first_argument(state: &State, desc: &'static LayerDesc, mut packet: Packet, given: &Dynamic) -> Fallible<Packet> {
    if let Some(bytes) = given.read_lock::<Blob>()
        && desc.header != crate::packet::Header::Rest
    {
        return Ok(layers::dissect(desc, &bytes.as_slice().into()));
    }
    let field = match (given.as_int().is_ok(), desc.int_field) {
        (true, Some(field)) => field,
        _ if given.is_map() || given.is_unit() || given.is::<Packet>() => "",
        (true, None) => "",
        (false, _) => desc.text_field.unwrap_or(""),
    };
    if field.is_empty() {
        let found = describe(given);
        return Err(say(format!("{}: name the field that {found} is for, like {}", desc.name, example(desc))));
    }
    set_field(state, &mut packet, 0, field, given)?;
    Ok(packet)
}

fn flags(engine: &mut Engine) {
    engine.register_type_with_name::<Flags>("Flags");
    engine.register_fn("to_string", |f: &mut Flags| f.to_string());
    engine.register_fn("to_debug", |f: &mut Flags| f.to_string());
    engine.register_fn("to_int", |f: &mut Flags| f.bits as INT);
    engine
        .register_fn("==", |a: Flags, b: Flags| a.bits == b.bits)
        .register_fn("!=", |a: Flags, b: Flags| a.bits != b.bits);
    engine
        .register_fn("==", |a: Flags, b: INT| a.bits as INT == b)
        .register_fn("!=", |a: Flags, b: INT| a.bits as INT != b);
    engine
        .register_fn("==", |a: INT, b: Flags| b.bits as INT == a)
        .register_fn("!=", |a: INT, b: Flags| b.bits as INT != a);
    engine.register_fn("==", |a: Flags, b: ImmutableString| same(a, &b));
    engine.register_fn("!=", |a: Flags, b: ImmutableString| same(a, &b).map(|same| !same));
    engine.register_fn("==", |a: ImmutableString, b: Flags| same(b, &a));
    engine.register_fn("!=", |a: ImmutableString, b: Flags| same(b, &a).map(|same| !same));
    engine
        .register_fn("&", |a: Flags, b: INT| a.bits as INT & b)
        .register_fn("&", |a: INT, b: Flags| b.bits as INT & a);
    engine
        .register_fn("|", |a: Flags, b: INT| a.bits as INT | b)
        .register_fn("|", |a: INT, b: Flags| b.bits as INT | a);
    engine.register_fn("&", |a: Flags, b: ImmutableString| -> Fallible<Flags> {
        Ok(Flags { bits: a.bits & parse(a, &b)?, ..a })
    });
    engine.register_fn("|", |a: Flags, b: ImmutableString| -> Fallible<Flags> {
        Ok(Flags { bits: a.bits | parse(a, &b)?, ..a })
    });
    engine.register_fn("&", |a: Flags, _: bool| -> Fallible<bool> {
        Err(say(format!(
            "== binds closer than &, so flags meet true or false here: write (f & 0x12) == 0x12, or f.{a}"
        )))
    });
    engine.register_fn("contains", |f: &mut Flags, text: ImmutableString| has(*f, &text));
    engine.register_indexer_get(|f: &mut Flags, text: ImmutableString| has(*f, &text));
}

fn parse(flags: Flags, text: &str) -> Fallible<u64> {
    flags.names.parse(text).map_err(|what| {
        let tcp = crate::layers::tcp::FLAGS;
        let meant = if flags.names != tcp && tcp.parse(text).is_ok() { "; TCP's flags are p[TCP].flags" } else { "" };
        say_at(format!("{what}{meant}"), text)
    })
}

fn same(flags: Flags, text: &str) -> Fallible<bool> {
    parse(flags, text).map(|bits| bits == flags.bits)
}

fn has(flags: Flags, text: &str) -> Fallible<bool> {
    parse(flags, text).map(|bits| flags.bits & bits == bits)
}

fn results(engine: &mut Engine, state: &Rc<State>) {
    engine.register_type_with_name::<Results>("Results");
    engine.register_type_with_name::<Rows>("Answers");
    engine.register_type_with_name::<Row>("Answer");
    engine.register_type_with_name::<Packets>("Packets");
    for name in ["answered", "ans"] {
        engine.register_get(name, |r: &mut Results| r.answered.clone());
    }
    for name in ["unanswered", "unans"] {
        engine.register_get(name, |r: &mut Results| r.unanswered.clone());
    }
    engine.register_get("query", |r: &mut Row| r.query.clone()).register_get("answer", |r: &mut Row| r.answer.clone());
    engine.register_indexer_get(|r: &mut Row, index: INT| match index {
        0 => Ok(r.query.clone()),
        1 => Ok(r.answer.clone()),
        _ => Err(say(format!("a row has [0], the query, and [1], the answer; found [{index}]"))),
    });
    engine.register_indexer_get(|r: &mut Results, index: INT| match index {
        0 => Ok(Dynamic::from(r.answered.clone())),
        1 => Ok(Dynamic::from(r.unanswered.clone())),
        _ => Err(say(format!("results have [0], the answered, and [1], the unanswered; found [{index}]"))),
    });
    engine.register_indexer_get(|r: &mut Rows, index: INT| at(&r.0, index));
    engine.register_indexer_get(|r: &mut Packets, index: INT| at(&r.0, index));
    for name in ["to_string", "to_debug"] {
        let shared = Rc::clone(state);
        engine.register_fn(name, move |r: &mut Row| {
            format!("{} | {}", shared.summary(&r.query), shared.summary(&r.answer))
        });
        let shared = Rc::clone(state);
        engine.register_fn(name, move |r: &mut Rows| super::table::rows(&shared, r));
        let shared = Rc::clone(state);
        engine.register_fn(name, move |r: &mut Packets| super::table::packets(&shared, r));
        let shared = Rc::clone(state);
        engine.register_fn(name, move |r: &mut Results| super::table::results(&shared, r));
    }
}

/// Item `index` of a list; a negative one counts from the end, as in Rhai's arrays.
fn at<T: Clone>(list: &[T], index: INT) -> Fallible<T> {
    let found = if index < 0 { list.len().checked_sub(index.unsigned_abs() as usize) } else { Some(index as usize) };
    found.and_then(|i| list.get(i)).cloned().ok_or_else(|| say(format!("no item {index} in a list of {}", list.len())))
}
