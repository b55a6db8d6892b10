//! Lists of ports and hosts, and values drawn at random.

use rhai::{Array, Dynamic, EvalAltResult, ImmutableString};

use super::{need, opt};
use crate::base::ports;
use crate::base::targets::Net;
use crate::base::text::escape;
use crate::packet::{Random, Value};
use crate::script::convert::{ports_text, value};
use crate::script::func::{Call, Func, Kind, Param, Reply, describe, say};

const LOW: Param = need("low", Kind::Count, "The least number.");
const HIGH: Param = need("high", Kind::Count, "The greatest number.");

pub(super) const ROWS: &[Func] = &[
    Func {
        name: "ports",
        group: "sets",
        doc: "A list of ports from \"22,80-90,http*\", a number or a list; \"-\" means 1 to 65535.",
        params: &[need("ports", Kind::Any, "The ports.")],
        more: false,
        gives: "a list of numbers",
        examples: &[r#"ports("22,80-83")"#, r#"ports("ssh,http*,U:ntp")"#],
        run: ports,
    },
    Func {
        name: "hosts",
        group: "sets",
        doc: "The addresses of \"192.0.2.0/30\", \"192.0.2.1-9\", \"192.0.2.*\" or a name, as a list.",
        params: &[need("hosts", Kind::Text, "The hosts, with commas between several.")],
        more: false,
        gives: "a list of text",
        examples: &[r#"hosts("192.0.2.0/30")"#, r#"hosts("web.lab, drop.lab")"#],
        run: hosts,
    },
    Func {
        name: "RandByte",
        group: "sets",
        doc: "A number of 8 bits, drawn for each packet that is sent.",
        params: &[],
        more: false,
        gives: "a random value",
        examples: &[r#"IP("web.lab", ttl=RandByte())"#],
        run: |_| Ok(Dynamic::from(Random::Int(0, 0xff))),
    },
    Func {
        name: "RandShort",
        group: "sets",
        doc: "A number of 16 bits, drawn for each packet that is sent.",
        params: &[],
        more: false,
        gives: "a random value",
        examples: &["TCP(sport=RandShort())"],
        run: |_| Ok(Dynamic::from(Random::Int(0, 0xffff))),
    },
    Func {
        name: "RandInt",
        group: "sets",
        doc: "A number of 32 bits, drawn for each packet that is sent.",
        params: &[],
        more: false,
        gives: "a random value",
        examples: &["TCP(seq=RandInt())"],
        run: |_| Ok(Dynamic::from(Random::Int(0, 0xffff_ffff))),
    },
    Func {
        name: "RandNum",
        group: "sets",
        doc: "A number between two others, both included, drawn for each packet that is sent.",
        params: &[LOW, HIGH],
        more: false,
        gives: "a random value",
        examples: &["TCP(sport=RandNum(1024, 2048))"],
        run: |call| {
            let (low, high) = (call.count(0).unwrap_or(0), call.count(1).unwrap_or(0));
            if low > high {
                return Err(call.fail(format!("{low} is above {high}; give the lower number first")));
            }
            Ok(Dynamic::from(Random::Int(low, high)))
        },
    },
    Func {
        name: "RandIP",
        group: "sets",
        doc: "An IPv4 address of a network, drawn for each packet that is sent.",
        params: &[opt("net", Kind::Text, "\"0.0.0.0/0\"", "The network.")],
        more: false,
        gives: "a random value",
        examples: &[r#"IP(src=RandIP("192.0.2.0/24"), dst="web.lab")"#],
        run: |call| rand_ip(call, "0.0.0.0/0", "192.0.2.0/24"),
    },
    Func {
        name: "RandIP6",
        group: "sets",
        doc: "An IPv6 address of a network, drawn for each packet that is sent.",
        params: &[opt("net", Kind::Text, "\"::/0\"", "The network.")],
        more: false,
        gives: "a random value",
        examples: &[r#"IPv6(src=RandIP6("2001:db8::/64"), dst="web.lab")"#],
        run: |call| rand_ip(call, "::/0", "2001:db8::/64"),
    },
    Func {
        name: "RandMAC",
        group: "sets",
        doc: "A MAC address, drawn for each packet that is sent; * in the pattern is any byte.",
        params: &[opt("pattern", Kind::Text, "\"*:*:*:*:*:*\"", "Six bytes, like \"02:00:*:*:*:*\".")],
        more: false,
        gives: "a random value",
        examples: &[r#"Ether(src=RandMAC("02:00:00:*:*:*"))"#],
        run: rand_mac,
    },
    Func {
        name: "RandString",
        group: "sets",
        doc: "So many letters and digits, drawn for each packet that is sent.",
        params: &[need("len", Kind::Count, "How many, 65535 at most.")],
        more: false,
        gives: "a random value",
        examples: &[r#"IP("web.lab")/UDP(7)/Raw(load=RandString(8))"#],
        run: |call| rand_bytes(call, true),
    },
    Func {
        name: "RandBin",
        group: "sets",
        doc: "So many bytes, drawn for each packet that is sent.",
        params: &[need("len", Kind::Count, "How many, 65535 at most.")],
        more: false,
        gives: "a random value",
        examples: &[r#"IP("web.lab")/UDP(7)/Raw(load=RandBin(8))"#],
        run: |call| rand_bytes(call, false),
    },
    Func {
        name: "RandChoice",
        group: "sets",
        doc: "One of the arguments, drawn for each packet that is sent.",
        params: &[need("first", Kind::Any, "The first of them.")],
        more: true,
        gives: "a random value",
        examples: &["TCP(dport=RandChoice(22, 80, 443))"],
        run: |call| {
            let first = call.take(0).unwrap_or_default();
            let all = std::iter::once(first).chain(std::mem::take(&mut call.rest));
            let items: Result<Vec<Value>, String> = all.map(|v| value(&v)).collect();
            items.map(|items| Dynamic::from(Random::Choice(items.into()))).map_err(|e| call.fail(e))
        },
    },
];

fn ports(call: &mut Call<'_, '_>) -> Reply {
    let given = call.take(0).unwrap_or_default();
    let text = ports_text(&given).ok_or_else(|| no_ports(&given))?;
    let list = ports::ports(&text).map_err(|e| call.fail(e))?;
    Ok(list.into_iter().map(|p| Dynamic::from_int(p.into())).collect::<Array>().into())
}

/// What `given` is, where ports are wanted.
pub(super) fn no_ports(given: &Dynamic) -> Box<EvalAltResult> {
    say(format!("ports: takes \"22,80-90\", a number, a range or a list of them, found {}", describe(given)))
}

/// A list that a script holds should fit into memory many times over.
const MOST_HOSTS: u64 = 1 << 20;

fn hosts(call: &mut Call<'_, '_>) -> Reply {
    let text = call.text(0).unwrap_or_default();
    let mut list = Array::new();
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        match Net::parse(part) {
            Some(net) if net.count() > MOST_HOSTS => {
                let count = net.count();
                return Err(call.fail(format!("{} has {count} addresses; a list holds {MOST_HOSTS}", escape(part))));
            }
            Some(net) => list.extend((0..net.count()).filter_map(|i| net.at(i)).map(|a| a.to_string().into())),
            None => list.push(resolve(call, part)?),
        }
    }
    Ok(list.into())
}

/// The first IPv4 address of a name, as text.
pub(super) fn resolve(call: &Call<'_, '_>, name: &str) -> Reply {
    let found =
        call.state.network.borrow().resolve(name).map_err(|e| crate::script::func::say_at(e.to_string(), name))?;
    let first = found.iter().find(|a| a.is_ipv4()).or(found.first());
    Ok(first.map_or(Dynamic::UNIT, |addr| ImmutableString::from(addr.to_string()).into()))
}

/// An address of the network of argument 0, of the family of `all`; `like` is one for the message.
fn rand_ip(call: &mut Call<'_, '_>, all: &str, like: &str) -> Reply {
    let text = call.text(0).unwrap_or_else(|| all.into());
    let is_v6 = all.contains(':');
    let net = Net::parse(&text).filter(|net| net.first().is_ipv6() == is_v6);
    net.map(|net| Dynamic::from(Random::Addr(net)))
        .ok_or_else(|| call.fail(format!("\"{}\" is no network like \"{like}\"", text.escape_debug())))
}

fn rand_mac(call: &mut Call<'_, '_>) -> Reply {
    let text = call.text(0).unwrap_or_else(|| "*:*:*:*:*:*".into());
    let bytes: Option<Vec<Option<u8>>> = text
        .split(':')
        .map(|part| if part == "*" { Some(None) } else { u8::from_str_radix(part, 16).ok().map(Some) })
        .collect();
    match bytes.and_then(|b| <[Option<u8>; 6]>::try_from(b).ok()) {
        Some(pattern) => Ok(Dynamic::from(Random::Mac(pattern))),
        None => {
            Err(call.fail(format!("\"{}\" is no pattern of six bytes like \"02:00:*:*:*:*\"", text.escape_debug())))
        }
    }
}

fn rand_bytes(call: &mut Call<'_, '_>, letters: bool) -> Reply {
    match call.count(0).and_then(|len| u16::try_from(len).ok()) {
        Some(len) => Ok(Dynamic::from(Random::Bytes { len: len.into(), letters })),
        None => Err(call.fail("a packet holds 65535 bytes at most")),
    }
}
