//! What users write, turned into what fields hold. Errors say what was found and what fits, without the field's name.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use super::Packet;
use super::bits;
use super::desc::{Header, LayerDesc};
use super::field::{NameTable, parse_number};
use super::value::Value;
use crate::base::Mac;
use crate::base::nearest::did_you_mean;

/// A number of so many bits, or the name of one.
pub(super) fn number(value: &Value, bits: u8, names: NameTable) -> Result<u64, String> {
    let number = match value {
        Value::Int(n) => *n,
        Value::Text(text) => match parse_number(text) {
            Some(n) => n,
            None => named_number(text, names)?,
        },
        other => return Err(format!("expected a number, found {}", other.kind())),
    };
    let most = bits::mask(usize::from(bits));
    if number > most {
        return Err(format!("{number} does not fit {bits} bits (0 to {most})"));
    }
    Ok(number)
}

/// A fixed-point number: its bits, or a number in decimal as text.
pub(super) fn fixed(value: &Value, bits: u8, fraction: u8) -> Result<u64, String> {
    let Value::Text(text) = value else { return number(value, bits, &[]) };
    let most = bits::mask((bits - fraction).into());
    from_decimal(text, fraction)
        .filter(|raw| *raw <= u128::from(bits::mask(bits.into())))
        .map(|raw| raw as u64)
        .ok_or_else(|| format!("expected a number of seconds from 0 to {most}, found \"{}\"", text.escape_debug()))
}

/// Fixed-point bits of `12` or `12.5`, rounded.
fn from_decimal(text: &str, fraction: u8) -> Option<u128> {
    const MOST_DIGITS: usize = 18;
    let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
    let is_digits = |text: &str| (1..=MOST_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(part) {
        return None;
    }
    let unit = 10u128.pow(part.len() as u32);
    let part = ((part.parse::<u128>().ok()? << fraction) + unit / 2) / unit;
    Some((whole.parse::<u128>().ok()? << fraction) + part)
}

/// A number in two's complement: its bits, or text with a sign.
pub(super) fn signed(value: &Value, bits: u8, names: NameTable) -> Result<u64, String> {
    match value {
        Value::Text(text) if text.starts_with('-') => {
            let least = -1i64 << (bits - 1);
            let given: i64 =
                text.parse().map_err(|_| format!("expected a number, found \"{}\"", text.escape_debug()))?;
            if given < least {
                return Err(format!("{given} does not fit {bits} bits ({least} to {})", -1 - least));
            }
            Ok(given as u64 & bits::mask(bits.into()))
        }
        other => number(other, bits, names),
    }
}

fn named_number(text: &str, names: NameTable) -> Result<u64, String> {
    if let Some((number, _)) = names.iter().find(|(_, name)| *name == text) {
        return Ok(*number);
    }
    let shown = text.escape_debug();
    if names.is_empty() {
        return Err(format!("expected a number, found text \"{shown}\""));
    }
    let hint = did_you_mean(text, names.iter().map(|(_, name)| *name));
    Err(format!("no name \"{shown}\"{}", if hint.is_empty() { "; give a number".into() } else { hint }))
}

/// An IPv4 address: text, a number, or four bytes.
pub(super) fn ip4(value: &Value) -> Result<Ipv4Addr, String> {
    match value {
        Value::Ip4(addr) => Ok(*addr),
        Value::Text(text) => text.parse().map_err(|_| {
            let other = text.parse::<Ipv6Addr>().map_or("", |_| "; IPv6(..) takes it");
            format!("expected an IPv4 address like \"192.0.2.10\", found \"{}\"{other}", text.escape_debug())
        }),
        Value::Int(n) => {
            u32::try_from(*n).map(Into::into).map_err(|_| format!("{n} does not fit 32 bits (0 to {})", u32::MAX))
        }
        Value::Bytes(bytes) => <[u8; 4]>::try_from(&bytes[..])
            .map(Into::into)
            .map_err(|_| format!("expected 4 bytes, found {}", bytes.len())),
        Value::Ip6(addr, _) => {
            Err(format!("expected an IPv4 address like \"192.0.2.10\", found \"{addr}\"; IPv6(..) takes it"))
        }
        other => Err(format!("expected an IPv4 address like \"192.0.2.10\", found {}", other.kind())),
    }
}

/// A MAC address: text or six bytes.
pub(super) fn mac(value: &Value) -> Result<Mac, String> {
    match value {
        Value::Mac(mac) => Ok(*mac),
        Value::Text(text) => text.parse().map_err(|e| format!("\"{}\" is {e}", text.escape_debug())),
        Value::Bytes(bytes) => {
            <[u8; 6]>::try_from(&bytes[..]).map(Mac).map_err(|_| format!("expected 6 bytes, found {}", bytes.len()))
        }
        other => Err(format!("expected a MAC address like \"02:00:00:00:00:0a\", found {}", other.kind())),
    }
}

/// An IPv6 address, with its zone.
pub(super) fn ip6(value: &Value) -> Result<Value, String> {
    const LIKE: &str = "expected an IPv6 address like \"2001:db8::10\"";
    match value {
        Value::Ip6(..) => Ok(value.clone()),
        Value::Text(text) => {
            let (addr, zone) = text.split_once('%').map_or((&**text, None), |(addr, zone)| (addr, Some(zone)));
            let addr = addr.parse().map_err(|_| {
                let other = text.parse::<Ipv4Addr>().map_or("", |_| "; IP(..) takes it");
                format!("{LIKE}, found \"{}\"{other}", text.escape_debug())
            })?;
            Ok(Value::Ip6(addr, zone.map(Arc::from)))
        }
        Value::Bytes(bytes) => match <[u8; 16]>::try_from(&bytes[..]) {
            Ok(bytes) => Ok(Value::Ip6(Ipv6Addr::from(bytes), None)),
            Err(_) => Err(format!("expected 16 bytes, found {}", bytes.len())),
        },
        Value::Ip4(addr) => Err(format!("{LIKE}, found \"{addr}\"; IP(..) takes it")),
        other => Err(format!("{LIKE}, found {}", other.kind())),
    }
}

/// Text or bytes.
pub(super) fn bytes(value: &Value) -> Result<Value, String> {
    match value {
        Value::Bytes(_) => Ok(value.clone()),
        Value::Text(text) => Ok(Value::bytes(text.as_bytes())),
        other => Err(format!("expected text or bytes, found {}", other.kind())),
    }
}

/// Text, bytes or a MAC address, filled with zeros to `most` bytes.
pub(super) fn fill(value: &Value, most: usize) -> Result<Value, String> {
    let value = match value {
        Value::Mac(mac) => Value::bytes(&mac.0),
        Value::Text(text) => {
            text.parse().map_or_else(|_| Value::bytes(text.as_bytes()), |mac: Mac| Value::bytes(&mac.0))
        }
        other => bytes(other)?,
    };
    match &value {
        Value::Bytes(bytes) if bytes.len() > most => Err(format!("{} bytes do not fit {most}", bytes.len())),
        Value::Bytes(bytes) => {
            let mut filled = bytes.to_vec();
            filled.resize(most, 0);
            Ok(Value::Bytes(filled.into()))
        }
        _ => Ok(value),
    }
}

/// A text behind a byte of length.
pub(super) fn string(value: &Value) -> Result<Value, String> {
    match bytes(value)? {
        Value::Bytes(bytes) if bytes.len() > 255 => {
            Err(format!("{} bytes do not fit 255; give several texts", bytes.len()))
        }
        fits => Ok(fits),
    }
}

/// A record: a packet whose layer is `of`, or one that it may be refined to; or bytes. A record has no records itself.
pub(super) fn record(value: &Value, of: &LayerDesc) -> Result<Value, String> {
    let has_records =
        |packet: &Packet| packet.all_layers().0.iter().any(|layer| layer.desc().header == Header::Records);
    match value {
        Value::Packet(packet) if has_records(packet) => Err(format!(
            "expected records like {}(), found {}, which has records itself; give its bytes",
            of.name,
            packet.names()
        )),
        Value::Packet(_) | Value::Bytes(_) => Ok(value.clone()),
        other => Err(format!("expected a list of records like [{}()], found {}", of.name, other.kind())),
    }
}

/// An item of a list of numbers or addresses; bytes that are none are sent as they are.
pub(super) fn piece(item: &Value, accept: impl Fn(&Value) -> Result<Value, String>) -> Result<Value, String> {
    match (item, accept(item)) {
        (Value::Bytes(_), Err(_)) => Ok(item.clone()),
        (_, taken) => taken,
    }
}

/// A list of items that `accept` takes; one item stands for a list of one.
pub(super) fn list(value: &Value, accept: impl Fn(&Value) -> Result<Value, String>) -> Result<Value, String> {
    let items = match value {
        Value::List(items) => items,
        one => std::slice::from_ref(one),
    };
    items.iter().map(accept).collect::<Result<Vec<_>, _>>().map(|items| Value::List(items.into()))
}
