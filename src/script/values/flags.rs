//! Flags: compared with text and numbers in both directions, asked by letter (`f.SA`).

use rhai::{Engine, INT, ImmutableString};

use super::Fallible;
use crate::layers::tcp;
use crate::packet::Flags;
use crate::script::func::{say, say_at};

pub(super) fn register(engine: &mut Engine) {
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
    // As with the fields of packets, a property of its own is found faster.
    for letters in tcp::FLAGS.0.iter().chain(&["SA", "RA", "FA", "PA"]) {
        engine.register_get_set(
            *letters,
            move |f: &mut Flags| has(*f, letters),
            move |f: &mut Flags, on: bool| switch(f, letters, on),
        );
    }
    engine.register_indexer_set(|f: &mut Flags, text: ImmutableString, on: bool| switch(f, &text, on));
}

fn switch(flags: &mut Flags, text: &str, on: bool) -> Fallible<()> {
    let bits = parse(*flags, text)?;
    flags.bits = if on { flags.bits | bits } else { flags.bits & !bits };
    Ok(())
}

fn parse(flags: Flags, text: &str) -> Fallible<u64> {
    flags.names.parse(text).map_err(|what| {
        let meant = if flags.names != tcp::FLAGS && tcp::FLAGS.parse(text).is_ok() {
            "; TCP's flags are p[TCP].flags"
        } else {
            ""
        };
        say_at(format!("{what}{meant}"), text)
    })
}

fn same(flags: Flags, text: &str) -> Fallible<bool> {
    parse(flags, text).map(|bits| bits == flags.bits)
}

fn has(flags: Flags, text: &str) -> Fallible<bool> {
    parse(flags, text).map(|bits| flags.bits & bits == bits)
}
