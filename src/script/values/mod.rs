//! The types that scripts meet: packets, layers, flags, and the results of exchanges.

mod captures;
mod construct;
mod fields;
mod flags;
mod lists;
mod packets;
mod results;
mod scans;

use std::rc::Rc;

use rhai::{Engine, EvalAltResult};

use super::state::State;
use super::trouble::Said;
use crate::base::Time;
use crate::packet::{LayerDesc, Random};

pub(super) use captures::{PcapReader, PcapWriter, all_packets, write_packet};
pub(super) use construct::constructors;
pub(super) use fields::layer_named;
pub use lists::Packets;
pub(super) use lists::{Counts, List, seen};
pub use results::{Results, Row, Rows};
pub(super) use scans::{Changes, Found, Port};

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// `auto`: the value that is computed at build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Auto;

/// A point in time of the session's clock.
#[derive(Clone, Copy, Debug)]
struct Timestamp(Time);

/// Registers every type with its operators and properties.
pub(super) fn register(engine: &mut Engine, state: &Rc<State>) {
    packets::register(engine, state);
    fields::register(engine, state);
    layer_types(engine);
    flags::register(engine);
    results::register(engine, state);
    scans::register(engine, state);
    lists::register(engine, state);
    captures::register(engine, state);
    engine.register_type_with_name::<Said>("Error");
    engine.register_fn("to_string", |s: &mut Said| s.message.clone());
    engine.register_fn("to_debug", |s: &mut Said| s.message.clone());
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

/// Layers as values (`p[TCP]`).
fn layer_types(engine: &mut Engine) {
    engine.register_type_with_name::<&'static LayerDesc>("Layer");
    engine.register_fn("to_string", |d: &mut &'static LayerDesc| d.name);
    engine.register_fn("to_debug", |d: &mut &'static LayerDesc| d.name);
    engine.register_fn("==", |a: &'static LayerDesc, b: &'static LayerDesc| a == b);
    engine.register_fn("!=", |a: &'static LayerDesc, b: &'static LayerDesc| a != b);
}
