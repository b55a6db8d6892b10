//! Between Rhai's values and what fields hold.

use std::net::IpAddr;
use std::sync::Arc;

use rhai::{Array, Blob, Dynamic, INT, ImmutableString};

use super::func::describe;
use super::state::State;
use super::values::Auto;
use crate::base::targets::Net;
use crate::packet::field::{seconds, signed, trimmed};
use crate::packet::{Field, Flags, Many, Packet, Random, Shape, Slot, Value, Wanted};

/// What a script gives to a field. Errors say what was found, without the field's name.
pub(super) fn wanted(state: &State, field: &Field, given: &Dynamic) -> Result<Wanted, String> {
    if given.is_unit() || given.is::<Auto>() {
        return Ok(Wanted::Auto);
    }
    if let Some(random) = given.read_lock::<Random>() {
        return Ok(Wanted::Random(random.clone()));
    }
    if let Some(range) = given.read_lock::<std::ops::RangeInclusive<INT>>() {
        return span(*range.start(), *range.end());
    }
    if let Some(range) = given.read_lock::<std::ops::Range<INT>>() {
        return span(range.start, range.end - 1);
    }
    if let Some(number) = number(field, given)? {
        return Ok(Wanted::Value(Value::Int(number)));
    }
    let value = value(given)?;
    let is_v6 = field.shape == Shape::Ip6;
    match (&value, field.is_address()) {
        (Value::Text(text), true) => address(state, text, is_v6),
        (Value::List(items), true) => {
            let named = |item: &Value| match item {
                Value::Text(text) => match address(state, text, is_v6)? {
                    Wanted::Value(value) => Ok(value),
                    _ => Ok(item.clone()),
                },
                other => Ok(other.clone()),
            };
            Ok(Wanted::Value(Value::List(items.iter().map(named).collect::<Result<_, String>>()?)))
        }
        _ => Ok(Wanted::Value(value)),
    }
}

/// Ports as people write them, of a number, a range, text, or a list of these: `22,80-90`. `None` for anything else.
pub(super) fn ports_text(given: &Dynamic) -> Option<String> {
    match given.read_lock::<Array>() {
        Some(items) => Some(items.iter().map(port_text).collect::<Option<Vec<_>>>()?.join(",")),
        None => port_text(given),
    }
}

/// The same of what is no list. (Lists in lists could be as deep as the stack.)
fn port_text(given: &Dynamic) -> Option<String> {
    if let Some(range) = given.read_lock::<std::ops::RangeInclusive<INT>>() {
        return Some(format!("{}-{}", range.start(), range.end()));
    }
    if let Some(range) = given.read_lock::<std::ops::Range<INT>>() {
        return Some(format!("{}-{}", range.start, range.end.saturating_sub(1)));
    }
    let is_port = given.is_int() || given.is_string();
    is_port.then(|| given.to_string())
}

fn span(low: INT, high: INT) -> Result<Wanted, String> {
    match (u64::try_from(low), u64::try_from(high)) {
        (Ok(low), Ok(high)) if low <= high => Ok(Wanted::Many(Many::Range(low, high))),
        _ => {
            Err(format!("the range {low}..={high} holds no number that fits; write it from low to high, like 1..=1024"))
        }
    }
}

/// What a field that stands for a number of another kind holds: seconds, or a number below 0.
fn number(field: &Field, given: &Dynamic) -> Result<Option<u64>, String> {
    let float = given.as_float().ok().or_else(|| given.as_int().ok().map(|n| n as f64));
    match (field.shape, float) {
        (Shape::Fixed(bits, fraction), Some(number)) => {
            let most = seconds(u64::MAX >> (64 - bits), fraction);
            if !(0.0..=most).contains(&number) {
                return Err(format!("{number} does not fit (0 to {most})"));
            }
            Ok(Some((number * (1u64 << fraction) as f64) as u64))
        }
        (Shape::Signed(bits), _) => match given.as_int() {
            Ok(n) if n < 0 && n >= -1 << (bits - 1) => Ok(Some(n as u64 & (u64::MAX >> (64 - bits)))),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

/// An address, a network or a host name.
fn address(state: &State, text: &str, is_v6: bool) -> Result<Wanted, String> {
    if let Some(net) = Net::parse(text) {
        return Ok(if net.count() == 1 {
            Wanted::Value(Value::addr(net.first()))
        } else {
            Wanted::Many(Many::Net(net))
        });
    }
    // An address with a zone is the field's to read.
    if text.split_once('%').is_some_and(|(addr, _)| addr.parse::<IpAddr>().is_ok()) {
        return Ok(Wanted::Value(Value::text(text)));
    }
    let found = state.network.borrow().resolve(text).map_err(|e| e.to_string())?;
    let addr = found.iter().find(|addr| addr.is_ipv6() == is_v6);
    addr.map(|addr| Wanted::Value(Value::addr(*addr)))
        .ok_or_else(|| format!("\"{text}\" has no {} address", if is_v6 { "IPv6" } else { "IPv4" }))
}

/// A script's value as a field's input.
pub(super) fn value(given: &Dynamic) -> Result<Value, String> {
    if let Ok(n) = given.as_int() {
        return u64::try_from(n).map(Value::Int).map_err(|_| format!("{n} is below 0"));
    }
    if let Some(text) = given.read_lock::<ImmutableString>() {
        return Ok(Value::text(&text));
    }
    if let Ok(c) = given.as_char() {
        return Ok(Value::text(c.encode_utf8(&mut [0; 4])));
    }
    if let Some(blob) = given.read_lock::<Blob>() {
        return Ok(Value::bytes(&blob));
    }
    if let Some(items) = given.read_lock::<Array>() {
        return items.iter().map(value).collect::<Result<_, String>>().map(Value::List);
    }
    if let Some(flags) = given.read_lock::<Flags>() {
        return Ok(Value::Int(flags.bits));
    }
    if let Some(range) = given.read_lock::<std::ops::RangeInclusive<INT>>() {
        return many_value(span(*range.start(), *range.end())?);
    }
    if let Some(range) = given.read_lock::<std::ops::Range<INT>>() {
        return many_value(span(range.start, range.end - 1)?);
    }
    if let Some(packet) = given.read_lock::<Packet>() {
        return Ok(Value::Packet(Arc::new(packet.clone())));
    }
    Err(format!("expected a value, found {}", describe(given)))
}

/// A range inside a list, written out.
fn many_value(wanted: Wanted) -> Result<Value, String> {
    match wanted {
        Wanted::Many(many) if many.count() <= 65536 => Ok(Value::List((0..many.count()).map(|i| many.at(i)).collect())),
        _ => Err("a range inside a list holds 65536 numbers at most".into()),
    }
}

/// What a field holds, as scripts see it: numbers, text, blobs, lists; `None` for what is computed at build.
pub(super) fn dynamic(field: &Field, slot: Slot) -> Dynamic {
    match slot {
        Slot::Auto => Dynamic::UNIT,
        Slot::Set(value) => from_value(field, value),
        Slot::Random(random) => Dynamic::from(random),
        Slot::Many(Many::Range(low, high)) => Dynamic::from(low as INT..=high as INT),
        Slot::Many(Many::Net(net)) => net.to_string().into(),
        Slot::Many(Many::List(items)) => items.iter().map(|v| from_value(field, v.clone())).collect::<Array>().into(),
    }
}

fn from_value(field: &Field, value: Value) -> Dynamic {
    match (value, field.shape) {
        (Value::Int(bits), Shape::Flags(_, names)) => Dynamic::from(Flags { bits, names }),
        (Value::Int(n), Shape::Fixed(_, fraction)) => Dynamic::from(seconds(n, fraction)),
        (Value::Int(n), Shape::Signed(bits)) => Dynamic::from_int(signed(n, bits)),
        (Value::Int(n), _) => Dynamic::from_int(n as INT),
        (Value::Ip4(addr), _) => addr.to_string().into(),
        (addr @ Value::Ip6(..), _) => addr.target().map_or(Dynamic::UNIT, |target| target.to_string().into()),
        (Value::Mac(mac), _) => mac.to_string().into(),
        (Value::Bytes(bytes), Shape::Fill(_)) => filled(field, &bytes),
        (Value::Bytes(bytes), _) => Dynamic::from_blob(bytes.to_vec()),
        (Value::Text(text), _) => Dynamic::from(ImmutableString::from(&*text)),
        (Value::List(items), _) => items.iter().map(|v| from_value(field, v.clone())).collect::<Array>().into(),
        (Value::Packet(packet), _) => Dynamic::from(Packet::clone(&packet)),
    }
}

/// A field that zeros fill: a MAC address where it is one, text where it is plain, else all its bytes.
fn filled(field: &Field, bytes: &[u8]) -> Dynamic {
    if let Some(mac) = field.filled_mac(bytes) {
        return mac.to_string().into();
    }
    match std::str::from_utf8(trimmed(bytes)) {
        Ok(text) if !text.chars().any(char::is_control) => text.into(),
        _ => Dynamic::from_blob(bytes.to_vec()),
    }
}
