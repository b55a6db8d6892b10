//! Packets and their operators: `/`, `==`, `in`, and `for` over a set.

use std::any::TypeId;
use std::rc::Rc;

use rhai::{Blob, Dynamic, Engine, EvalAltResult, ImmutableString, Module};

use super::{Fallible, layer_named};
use crate::layers::raw::RAW;
use crate::packet::{LayerDesc, Packet, Value, Wanted};
use crate::script::func::say;
use crate::script::state::State;

pub(super) fn register(engine: &mut Engine, state: &Rc<State>) {
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
    let shared = Rc::clone(state);
    engine.register_fn("+", move |a: ImmutableString, b: Packet| format!("{a}{}", shared.summary(&b)));
    let mut sets = Module::new();
    sets.set_iter(TypeId::of::<Packet>(), |set: Dynamic| Box::new(set.cast::<Packet>().expand().map(Dynamic::from)));
    engine.register_global_module(sets.into());
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

fn load(bytes: &[u8]) -> Packet {
    let mut packet = Packet::new(&RAW);
    // Raw takes any bytes.
    let _ = packet.set(0, "load", &Wanted::Value(Value::bytes(bytes)));
    packet
}
