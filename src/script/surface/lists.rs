//! Methods of lists of packets and answers.

use std::collections::BTreeMap;
use std::net::IpAddr;

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, ImmutableString, Map};

use super::packets::{DUMP, bytes_of, packet_of, print_or_give};
use super::{need, opt};
use crate::base::text;
use crate::engine::Sieve;
use crate::packet::Packet;
use crate::script::flows::{Flow, flow};
use crate::script::func::{Call, Func, Kind, Param, Reply, describe, int};
use crate::script::table;
use crate::script::values::{List, Packets, Row};

const PRN: Param =
    need("prn", Kind::Function, "Called with each item; for answers with the row, or with query and answer.");
const LIST: Param = need("list", Kind::Any, "Packets, answers or results.");
const PACKET_OR_LIST: Param = need("packet", Kind::Any, "A packet, or a list of packets or answers.");
const PRINTED: Param = opt("prn", Kind::Function, "None", "For a list: what to print of each item.");
const LFILTER: Param = opt("lfilter", Kind::Function, "None", "For a list: only items for which it says true.");

/// The groups of a method that takes lists.
const GROUP: &str = "packets";

pub(super) const ROWS: &[Func] = &[
    Func {
        name: "show",
        group: GROUP,
        doc: "Prints all layers and fields of a packet; of a list a numbered line each.",
        params: &[PACKET_OR_LIST, DUMP],
        more: false,
        gives: "None",
        examples: &[r#"(IP("web.lab")/TCP(dport=443)).show()"#],
        run: |call| {
            let given = call.take(0).unwrap_or_default();
            let text = match List::of(&given) {
                Some(list) => numbered(call, &list)?,
                None => packet_of(call, given)?.show(&call.state.network.borrow().looking()),
            };
            Ok(print_or_give(call, 1, text))
        },
    },
    Func {
        name: "hexdump",
        group: GROUP,
        doc: "Prints the bytes in hexadecimal and as text, of one packet or all of a list.",
        params: &[need("packet", Kind::Any, "A packet, bytes or text; or a list of packets or answers."), DUMP],
        more: false,
        gives: "None",
        examples: &[r#"hexdump(IP("web.lab")/ICMP())"#],
        run: hexdump,
    },
    Func {
        name: "summary",
        group: GROUP,
        doc: "One line on a packet; for a list, prints a line each.",
        params: &[PACKET_OR_LIST, PRINTED, LFILTER],
        more: false,
        gives: "the line; for a list None",
        examples: &[r#"(IP("web.lab")/TCP(80)).summary()"#],
        run: |call| {
            let given = call.take(0).unwrap_or_default();
            match List::of(&given) {
                Some(list) => print_lines(call, &list, false),
                None => Ok(call.state.summary(&packet_of(call, given)?).into()),
            }
        },
    },
    Func {
        name: "nsummary",
        group: GROUP,
        doc: "Prints a numbered line for each item of a list.",
        params: &[LIST, PRINTED, LFILTER],
        more: false,
        gives: "None",
        examples: &[r#"sr(IP("web.lab")/TCP(dport=[22, 23])).ans.nsummary()"#],
        run: |call| {
            let list = list_of(call)?;
            print_lines(call, &list, true)
        },
    },
    Func {
        name: "len",
        group: GROUP,
        doc: "Length of a packet in bytes, or of a list in items.",
        params: &[PACKET_OR_LIST],
        more: false,
        gives: "a number",
        examples: &[r#"(IP("web.lab")/TCP(80)).len()"#],
        run: |call| {
            let given = call.take(0).unwrap_or_default();
            if let Some(list) = List::of(&given) {
                return Ok(int(list.len()));
            }
            let packet = packet_of(call, given)?;
            call.state.bytes(&packet).map(|b| int(b.len())).map_err(|e| call.fail(e))
        },
    },
    Func {
        name: "is_empty",
        group: GROUP,
        doc: "Whether a list of packets or answers has no items.",
        params: &[LIST],
        more: false,
        gives: "true or false",
        examples: &[r#"sr(IP("web.lab")/TCP(80)).unans.is_empty()"#],
        run: |call| Ok((list_of(call)?.len() == 0).into()),
    },
    Func {
        name: "filter",
        group: GROUP,
        doc: "The items of a list that a function, or a capture filter, lets through.",
        params: &[
            LIST,
            need("by", Kind::Any, "A function or closure; or a capture filter like \"tcp port 80\", for packets."),
        ],
        more: false,
        gives: "a list of the same kind",
        examples: &[
            r#"sr(IP("web.lab")/TCP(dport=[22, 23])).ans.filter(|s, r| r[TCP].flags.SA).len()"#,
            r#"sr(IP("drop.lab")/TCP(dport=[22, 23]), timeout=1).unans.filter("tcp dst port 22").len()"#,
        ],
        run: filter,
    },
    Func {
        name: "map",
        group: GROUP,
        doc: "What a function gives for each item of a list.",
        params: &[LIST, PRN],
        more: false,
        gives: "a list",
        examples: &[r#"sr(IP("web.lab")/TCP(dport=[22, 23])).ans.map(|s, r| [s.dport, r[TCP].flags])"#],
        run: |call| {
            let (list, prn) = (list_of(call)?, call.take(1));
            list.iter().map(|item| apply(call, prn.as_ref(), &item)).collect::<Result<Array, _>>().map(Into::into)
        },
    },
    Func {
        name: "make_table",
        group: GROUP,
        doc: "Prints a table: a function says column, row and cell of each item.",
        params: &[LIST, need("prn", Kind::Function, "Gives [column, row, cell]."), DUMP],
        more: false,
        gives: "None",
        examples: &[
            r#"sr(IP(["web.lab", "noping.lab"])/TCP(dport=[80, 443])).ans.make_table(|s, r| [s.dst, s.dport, r[TCP].flags])"#,
        ],
        run: make_table,
    },
    Func {
        name: "sessions",
        group: GROUP,
        doc: "The packets of a list by conversation and direction.",
        params: &[LIST],
        more: false,
        gives: "a map of lists, by names like \"TCP 192.0.2.2:61000 > 192.0.2.10:80\"",
        examples: &[r#"sr(IP("drop.lab")/TCP(dport=[22, 23]), timeout=1).unans.sessions().len()"#],
        run: |call| {
            let mut sessions: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            let packets = packets_of(call)?;
            for at in 0..packets.len() {
                sessions.entry(flow(&packets.at(at)).to_string()).or_default().push(at);
            }
            let list = |places: Vec<usize>| Dynamic::from(packets.pick(places.into_iter()));
            Ok(sessions.into_iter().map(|(name, places)| (name.into(), list(places))).collect::<Map>().into())
        },
    },
    Func {
        name: "conversations",
        group: GROUP,
        doc: "Who speaks with whom in a list of packets, and how much.",
        params: &[LIST],
        more: false,
        gives: "a list of maps (a, b, proto, packets, bytes, seconds), the one with most bytes first",
        examples: &[r#"sr(IP("drop.lab")/TCP(dport=[22, 23]), timeout=1).unans.conversations()"#],
        run: conversations,
    },
];

fn list_of(call: &mut Call<'_, '_>) -> Result<List, Box<EvalAltResult>> {
    let given = call.take(0).unwrap_or_default();
    List::of(&given).ok_or_else(|| call.fail(format!("takes packets or answers, found {}", describe(&given))))
}

/// The packets of a list; of answers the answers.
fn packets_of(call: &mut Call<'_, '_>) -> Result<Packets, Box<EvalAltResult>> {
    Ok(match list_of(call)? {
        List::Packets(packets) => packets,
        List::Rows(rows) => Packets::from(rows.0.iter().map(|row| row.answer.clone()).collect::<Vec<_>>()),
    })
}

fn numbered(call: &Call<'_, '_>, list: &List) -> Result<String, Box<EvalAltResult>> {
    let lines = list.iter().enumerate().map(|(i, item)| Ok(format!("{i:04} {}", line_of(call, &item))));
    Ok(lines.collect::<Result<Vec<_>, Box<EvalAltResult>>>()?.join("\n"))
}

/// A packet's or a row's line.
fn line_of(call: &Call<'_, '_>, item: &Dynamic) -> String {
    if let Some(row) = item.read_lock::<Row>() {
        return format!("{} ==> {}", call.state.summary(&row.query), call.state.summary(&row.answer));
    }
    item.read_lock::<Packet>().map(|p| call.state.summary(&p)).unwrap_or_default()
}

fn hexdump(call: &mut Call<'_, '_>) -> Reply {
    let given = call.take(0).unwrap_or_default();
    let Some(list) = List::of(&given) else {
        let bytes = bytes_of(call, given)?;
        return Ok(print_or_give(call, 1, text::hexdump(&bytes)));
    };
    let mut dumps = Vec::with_capacity(list.len());
    for (i, item) in list.iter().enumerate() {
        let packet = item.read_lock::<Row>().map(|row| row.answer.clone());
        let packet = packet.or_else(|| item.read_lock::<Packet>().map(|p| p.clone()));
        let bytes = packet.map(|p| call.state.bytes(&p)).transpose().map_err(|e| call.fail(e))?;
        dumps.push(format!("{i:04} {}\n{}", line_of(call, &item), text::hexdump(&bytes.unwrap_or_default())));
    }
    Ok(print_or_give(call, 1, dumps.join("\n")))
}

/// `summary` and `nsummary` of a list: `prn` and `lfilter` are arguments 1 and 2.
fn print_lines(call: &mut Call<'_, '_>, list: &List, numbers: bool) -> Reply {
    let (prn, lfilter) = (call.take(1), call.take(2));
    for (i, item) in list.iter().enumerate() {
        if lfilter.is_some() && !says_true(call, lfilter.as_ref(), &item)? {
            continue;
        }
        let line = match &prn {
            None => line_of(call, &item),
            Some(_) => call.text_of(apply(call, prn.as_ref(), &item)?)?,
        };
        call.state.console.print(&if numbers { format!("{i:04} {line}") } else { line });
    }
    Ok(Dynamic::UNIT)
}

fn filter(call: &mut Call<'_, '_>) -> Reply {
    let list = list_of(call)?;
    let by = call.take(1).unwrap_or_default();
    if let Some(text) = by.read_lock::<ImmutableString>() {
        return match list {
            List::Packets(packets) => sift(call, &packets, &text).map(Dynamic::from),
            List::Rows(_) => Err(call.fail("a capture filter is for packets; for answers write |s, r| ..")),
        };
    }
    if !by.is::<FnPtr>() {
        let found = describe(&by);
        return Err(call.fail(format!("takes a function like |p| .., or a capture filter in quotes, found {found}")));
    }
    let mut kept = Vec::new();
    for (at, item) in list.iter().enumerate() {
        if says_true(call, Some(&by), &item)? {
            kept.push(at);
        }
    }
    Ok(list.pick(kept.into_iter()))
}

/// The packets that a capture filter lets through.
fn sift(call: &Call<'_, '_>, packets: &Packets, text: &str) -> Result<Packets, Box<EvalAltResult>> {
    let network = call.state.network.borrow();
    let mut sieve = Sieve::new(&network, text).map_err(|e| super::captures::fault(&e, text))?;
    let mut kept = Vec::new();
    for at in 0..packets.len() {
        let lets_through = match packets.record(at) {
            Some(record) => sieve.lets_through(&network, &record),
            None => sieve.lets_through_packet(&network, &packets.at(at), &network.looking()),
        };
        if lets_through.map_err(|e| super::captures::fault(&e, text))? {
            kept.push(at);
        }
    }
    Ok(packets.pick(kept.into_iter()))
}

fn make_table(call: &mut Call<'_, '_>) -> Reply {
    let (list, prn) = (list_of(call)?, call.take(1));
    let (mut columns, mut rows) = (Vec::new(), Vec::new());
    let mut cells: BTreeMap<(usize, usize), String> = BTreeMap::new();
    for item in list.iter() {
        let said = apply(call, prn.as_ref(), &item)?;
        let place = said.read_lock::<Array>().filter(|place| place.len() == 3).map(|place| place.clone());
        let Some(place) = place else {
            return Err(call.fail(format!("the function gives [column, row, cell], found {}", describe(&said))));
        };
        let column = index_of(&mut columns, call, &place[0])?;
        let row = index_of(&mut rows, call, &place[1])?;
        cells.insert((row, column), call.text_of(place[2].clone())?);
    }
    let order = |keys: &[Key]| {
        let mut order: Vec<usize> = (0..keys.len()).collect();
        order.sort_by(|a, b| keys[*a].cmp(&keys[*b]));
        order
    };
    let (across, down) = (order(&columns), order(&rows));
    let header: Vec<&str> = std::iter::once("").chain(across.iter().map(|c| columns[*c].2.as_str())).collect();
    let lines = down.iter().map(|row| {
        let cell = |column: &usize| cells.get(&(*row, *column)).cloned().unwrap_or_else(|| "-".into());
        std::iter::once(rows[*row].2.clone()).chain(across.iter().map(cell)).collect()
    });
    let text = table::plain(call.state.console.width(), &header, lines);
    Ok(print_or_give(call, 2, text))
}

/// A row's or a column's name, with the number or address that it is, so that 80 comes before 443.
type Key = (Option<i64>, Option<IpAddr>, String);

fn index_of(keys: &mut Vec<Key>, call: &Call<'_, '_>, value: &Dynamic) -> Result<usize, Box<EvalAltResult>> {
    let text = call.text_of(value.clone())?;
    let key = (value.as_int().ok(), text.parse().ok(), text);
    Ok(keys.iter().position(|known| *known == key).unwrap_or_else(|| {
        keys.push(key);
        keys.len() - 1
    }))
}

/// What was said between two ends.
#[derive(Default)]
struct Talk {
    packets: i64,
    bytes: i64,
    first: i64,
    last: i64,
}

fn conversations(call: &mut Call<'_, '_>) -> Reply {
    let packets = packets_of(call)?;
    let mut talks: BTreeMap<Flow, Talk> = BTreeMap::new();
    for at in 0..packets.len() {
        let packet = packets.at(at);
        let (wall, len) = packet.meta().map_or((0, 0), |meta| (meta.wall, meta.wire_len));
        let len = if len > 0 { len } else { call.state.bytes(&packet).map_err(|e| call.fail(e))?.len() };
        let talk =
            talks.entry(flow(&packet).both_ways()).or_insert(Talk { first: wall, last: wall, ..Talk::default() });
        talk.packets += 1;
        talk.bytes += len as i64;
        talk.first = talk.first.min(wall);
        talk.last = talk.last.max(wall);
    }
    let mut talks: Vec<(Flow, Talk)> = talks.into_iter().collect();
    talks.sort_by_key(|(_, talk)| std::cmp::Reverse(talk.bytes));
    let map = |(flow, talk): (Flow, Talk)| {
        let mut map = Map::new();
        map.insert("a".into(), flow.from.into());
        map.insert("b".into(), flow.to.into());
        map.insert("proto".into(), flow.proto.into());
        map.insert("packets".into(), talk.packets.into());
        map.insert("bytes".into(), talk.bytes.into());
        map.insert("seconds".into(), ((talk.last - talk.first) as f64 / 1e9).into());
        Dynamic::from(map)
    };
    Ok(talks.into_iter().map(map).collect::<Array>().into())
}

/// Whether a script's function says true of an item.
pub(super) fn says_true(
    call: &Call<'_, '_>,
    prn: Option<&Dynamic>,
    item: &Dynamic,
) -> Result<bool, Box<EvalAltResult>> {
    let said = apply(call, prn, item)?;
    said.as_bool().map_err(|_| call.fail(format!("the function says true or false, found {}", describe(&said))))
}

/// Calls a script's function with an item: a row goes as one parameter, or as query and answer.
pub(super) fn apply(call: &Call<'_, '_>, prn: Option<&Dynamic>, item: &Dynamic) -> Reply {
    let Some(prn) = prn.and_then(Dynamic::read_lock::<FnPtr>) else { return Err(call.fail("no function")) };
    let row = item.read_lock::<Row>().map(|row| row.clone());
    let Some(row) = row else { return one_parameter(call, &prn, item) };
    match parameters(call, &prn) {
        Some(2) => prn.call_raw(call.cx, None, [Dynamic::from(row.query), Dynamic::from(row.answer)]),
        Some(1) | None => prn.call_raw(call.cx, None, [item.clone()]),
        Some(n) => {
            Err(call
                .fail(format!("the function has {n} parameters; it gets the row, |row|, or query and answer, |s, r|")))
        }
    }
}

/// Calls a function with a packet. Counting its parameters takes longer than the call, so they are counted when it fails.
fn one_parameter(call: &Call<'_, '_>, prn: &FnPtr, packet: &Dynamic) -> Reply {
    prn.call_raw(call.cx, None, [packet.clone()]).map_err(|error| match parameters(call, prn) {
        Some(n) if n != 1 => call.fail(format!("the function has {n} parameters; it gets the packet, |p|")),
        _ => error,
    })
}

/// How many parameters a script's function still takes; `None` for a built-in.
fn parameters(call: &Call<'_, '_>, prn: &FnPtr) -> Option<usize> {
    let curried = prn.curry().len();
    let counts: Vec<usize> = call
        .cx
        .iter_namespaces()
        .flat_map(|module| {
            module.iter_script_fn_info().map(|(_, _, name, count, _)| (name.to_owned(), count)).collect::<Vec<_>>()
        })
        .filter(|(name, _)| name == prn.fn_name())
        .map(|(_, count)| count - curried.min(count))
        .collect();
    counts.iter().find(|n| **n == 2).or_else(|| counts.first()).copied()
}
