//! Fields and layers of packets: `p.dport`, `p[TCP]`, `p["TCP"]`, `p[0]`, and what is known of a packet beside them.

use std::rc::Rc;

use rhai::{Dynamic, Engine, EvalAltResult, INT, ImmutableString};

use super::Fallible;
use crate::base::nearest::did_you_mean;
use crate::layers;
use crate::packet::{LayerDesc, Packet, PacketError, Slot, Wanted};
use crate::script::convert::{dynamic, wanted};
use crate::script::func::{describe, say, say_at};
use crate::script::state::State;

pub(super) fn register(engine: &mut Engine, state: &Rc<State>) {
    seen(engine, "query", |p| p.meta().and_then(|m| m.query.clone()).map_or(Dynamic::UNIT, Dynamic::from));
    seen(engine, "time", |p| p.meta().map_or(Dynamic::UNIT, |m| Dynamic::from(m.wall as f64 / 1e9)));
    seen(engine, "iface", |p| p.meta().map_or(Dynamic::UNIT, |m| (*m.iface).into()));
    engine.register_get_set(
        "comment",
        |p: &mut Packet| p.meta().and_then(|m| m.comment.clone()).map_or(Dynamic::UNIT, |c| (*c).into()),
        |p: &mut Packet, given: Dynamic| -> Fallible<()> {
            match given.read_lock::<ImmutableString>() {
                Some(text) => p.set_comment(Some(&text)),
                None if given.is_unit() => p.set_comment(None),
                None => return Err(say(format!("comment takes text, found {}", describe(&given)))),
            }
            Ok(())
        },
    );
    seen(engine, "name", |p| p.layers().first().map_or("", |l| l.desc().name).into());
    engine.register_get_set(
        "payload",
        |p: &mut Packet| match p.layers().len() {
            0 | 1 => Dynamic::UNIT,
            _ => Dynamic::from(p.from_layer(1)),
        },
        |p: &mut Packet, given: Dynamic| -> Fallible<()> {
            match given.read_lock::<Packet>() {
                Some(inner) => p.replace(1, &inner),
                None if given.is_unit() => {}
                None => return Err(say(format!("payload takes a packet, found {}", describe(&given)))),
            }
            Ok(())
        },
    );
    engine.register_indexer_get(|p: &mut Packet, name: ImmutableString| -> Fallible<Dynamic> {
        match layers::by_name(&name) {
            Some(desc) => take_layer(p, desc).map(Dynamic::from),
            None => get_field(p, &name),
        }
    });
    let shared = Rc::clone(state);
    engine.register_indexer_set(move |p: &mut Packet, name: ImmutableString, given: Dynamic| -> Fallible<()> {
        match layers::by_name(&name).filter(|_| given.is::<Packet>()) {
            Some(desc) => put_layer(p, desc, &given),
            None => put_field(&shared, p, &name, &given),
        }
    });
    // The indexer would do for these, too; but Rhai makes an error of each property that is none before it asks there.
    for name in field_names() {
        let shared = Rc::clone(state);
        engine.register_get_set(
            name,
            move |p: &mut Packet| get_field(p, name),
            move |p: &mut Packet, given: Dynamic| put_field(&shared, p, name, &given),
        );
    }
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

/// The names of all fields of all layers.
fn field_names() -> std::collections::BTreeSet<&'static str> {
    layers::ALL.iter().flat_map(|desc| desc.fields).map(|field| field.name).collect()
}

fn get_field(packet: &Packet, name: &str) -> Fallible<Dynamic> {
    let at = owner(packet, name)?;
    let layer = &packet.layers()[at];
    let Some(index) = layer.index(name) else { return Err(say("no such field")) };
    Ok(packet.slot(at, index).map_or(Dynamic::UNIT, |slot| dynamic(&layer.desc().fields[index], slot)))
}

fn put_field(state: &State, packet: &mut Packet, name: &str, given: &Dynamic) -> Fallible<()> {
    let at = owner(packet, name)?;
    if is_handed_back(state, packet, at, name, given) {
        return Ok(());
    }
    set_field(state, packet, at, name, given)
}

/// A property that says what was seen. Rhai hands its value back after any method on it (`r.query.show()`).
fn seen(engine: &mut Engine, name: &'static str, get: fn(&Packet) -> Dynamic) {
    engine.register_get_set(
        name,
        move |p: &mut Packet| get(p),
        move |p: &mut Packet, given: Dynamic| -> Fallible<()> {
            let is_same = match (given.read_lock::<Packet>(), get(p).read_lock::<Packet>()) {
                (Some(given), Some(now)) => *given == *now,
                _ => given.to_string() == get(p).to_string(),
            };
            if is_same { Ok(()) } else { Err(say_at(format!("{name} says what was seen; it cannot be set"), name)) }
        },
    );
}

/// Rhai hands a field's value back after any method on it (`r.options.len()`): no edit of a layer that was read.
fn is_handed_back(state: &State, packet: &Packet, at: usize, name: &str, given: &Dynamic) -> bool {
    let layer = &packet.layers()[at];
    let Some(index) = layer.index(name).filter(|_| layer.is_read()) else { return false };
    let field = &layer.desc().fields[index];
    let Ok(Wanted::Value(given)) = wanted(state, field, given) else { return false };
    field.accept(&given, layer.names_of(field)).is_ok_and(|given| layer.slot(index) == Some(Slot::Set(given)))
}

fn owner(packet: &Packet, field: &str) -> Fallible<usize> {
    if let Some(at) = packet.owner(field) {
        return Ok(at);
    }
    // A field that one of the layers has at other times explains itself; else the nearest name of all.
    let layers = packet.own_layers();
    if let Some(layer) = layers.iter().find(|l| l.desc().has_field(field)) {
        return packet_error_of(packet, layer.desc(), field);
    }
    let names = layers.iter().flat_map(|l| l.desc().fields.iter().map(|f| f.name));
    let mut hint = did_you_mean(field, names);
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

fn no_layer(packet: &Packet, name: &str) -> Box<EvalAltResult> {
    let error = PacketError::NoLayer { wanted: name.to_owned(), found: packet.names() };
    say(format!("{error}; test p.haslayer({name}) first"))
}

pub(in crate::script) fn layer_named(name: &str) -> Fallible<&'static LayerDesc> {
    layers::by_name(name).ok_or_else(|| {
        let hint = did_you_mean(name, layers::ALL.iter().map(|d| d.name));
        say_at(format!("no layer \"{}\"{hint}", name.escape_debug()), name)
    })
}
