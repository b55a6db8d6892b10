//! Functions that the token pass writes into scripts, and ours in the place of Rhai's own.

use std::any::TypeId;
use std::rc::Rc;

use rhai::{Array, Blob, Dynamic, EvalAltResult, INT, ImmutableString};

use super::bounded;
use super::func::{describe, say};
use super::natives::Natives;
use super::state::State;
use super::sugar::{CASE, DIFFERS, Mode, PAIRS, SAME, SUGAR, sugar};
use super::surface;
use super::values::List;

/// What the token pass writes into scripts, and where Rhai has a function of its own that ours replaces.
pub(super) fn add(natives: &mut Natives, state: &Rc<State>) {
    let shared = Rc::clone(state);
    natives.add_any(SUGAR, 1, move |_, args| {
        let Some(text) = args[0].read_lock::<ImmutableString>() else { return Ok(args[0].clone()) };
        let known = shared.known.borrow();
        sugar(&text, &known, Mode::Script).map(|s| s.text.into_owned().into()).map_err(|fault| say(fault.message))
    });
    natives.add_any(PAIRS, 1, |_, args| pairs(args[0]));
    for name in ["print", "to_string"] {
        natives.add(name, &[TypeId::of::<()>()], |_, _| Ok("None".into()));
    }
    natives.add_any(CASE, 1, |_, args| {
        let flags = args[0].read_lock::<crate::packet::Flags>().map(|flags| flags.to_string());
        Ok(flags.map_or_else(|| args[0].clone(), Dynamic::from))
    });
    for (name, operator) in [(SAME, "=="), (DIFFERS, "!=")] {
        natives.add_any(name, 2, move |cx, args| compare(cx, operator, args));
    }
    // Rhai's own refuse constants, which `args` and the constants of a file are.
    let get = |list: &Array, at: INT| usize::try_from(at).ok().and_then(|at| list.get(at)).cloned();
    natives.add("get", &[TypeId::of::<Array>(), TypeId::of::<INT>()], move |_, args| {
        let at = args[1].as_int().unwrap_or(-1);
        Ok(args[0].read_lock::<Array>().and_then(|list| get(&list, at)).unwrap_or(Dynamic::UNIT))
    });
    for seconds in [TypeId::of::<INT>(), TypeId::of::<f64>()] {
        let Some(func) = surface::all().find(|f| f.name == "sleep") else { continue };
        let state = Rc::clone(state);
        natives.add("sleep", &[seconds], move |cx, args| func.call(cx, &state, args));
    }
}

/// A field compared with text. A number is never equal to text, so nobody means that.
fn compare(
    cx: &rhai::NativeCallContext<'_>,
    operator: &str,
    args: &mut [&mut Dynamic],
) -> Result<Dynamic, Box<EvalAltResult>> {
    if let (Ok(number), Some(text)) = (args[0].as_int(), args[1].read_lock::<ImmutableString>()) {
        let shown = text.escape_debug();
        return Err(say(format!(
            "{number} is a number and \"{shown}\" is text, which are never equal: compare it with a number"
        )));
    }
    // A payload is bytes; text stands for its own, in UTF-8.
    if let (Some(bytes), Some(text)) = (args[0].read_lock::<Blob>(), args[1].read_lock::<ImmutableString>()) {
        return Ok(((*bytes == text.as_bytes()) == (operator == "==")).into());
    }
    cx.call_native_fn_raw(operator, true, &mut [&mut args[0].clone(), &mut args[1].clone()])
}

/// `for (s, r) in list`: rows come as query and answer, other items with their number, as in Rhai.
fn pairs(list: &Dynamic) -> Result<Dynamic, Box<EvalAltResult>> {
    let numbered = |items: &mut dyn Iterator<Item = Dynamic>| -> Array {
        items.enumerate().map(|(i, item)| Array::from([item, Dynamic::from_int(i as INT)]).into()).collect()
    };
    match List::of(list) {
        Some(packets @ List::Packets(_)) => return Ok(numbered(&mut packets.iter()).into()),
        Some(rows) => return Ok(rows.iter().collect::<Array>().into()),
        None => {}
    }
    if let Some(items) = list.read_lock::<Array>() {
        return Ok(numbered(&mut items.iter().cloned()).into());
    }
    if let Some(set) = list.read_lock::<crate::packet::Packet>() {
        return Ok(numbered(&mut set.expand().map(Dynamic::from)).into());
    }
    if let Some(text) = list.read_lock::<ImmutableString>() {
        return Ok(numbered(&mut text.chars().map(Dynamic::from)).into());
    }
    let range = list
        .read_lock::<std::ops::Range<INT>>()
        .map(|r| (*r).clone())
        .or_else(|| list.read_lock::<std::ops::RangeInclusive<INT>>().map(|r| *r.start()..r.end().saturating_add(1)));
    match range {
        Some(range) if range.end.saturating_sub(range.start) > bounded::MOST => {
            Err(say(format!("for (a, b) takes {} rounds at most; write `for a in ..` for more", bounded::MOST)))
        }
        Some(range) => Ok(numbered(&mut range.map(Dynamic::from_int)).into()),
        None => Err(say(format!("for (a, b) needs a list, found {}", describe(list)))),
    }
}
