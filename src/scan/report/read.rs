//! Reads a report of JSON lines back.

use std::collections::BTreeMap;
use std::io::{BufRead, Read};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::json::PING;
use crate::base::nearest::did_you_mean;
use crate::base::ports::Proto;
use crate::base::targets::Target;
use crate::scan::outcome::{Host, Presence, Row, Scan};
use crate::scan::pieces::Identity;
use crate::scan::state::{Reason, State};

/// The longest line, in bytes; the reports' own are below 2 KiB.
const MOST_LINE: u64 = 1 << 16;

/// The most ports of a file: 32 hosts with all of theirs. Each takes about 250 bytes of memory.
const MOST_ROWS: usize = 32 << 16;

/// The longest text in a line, in bytes, and the most verdicts of a port.
const MOST_TEXT: usize = 1024;
const MOST_VERDICTS: usize = 32;

/// The most words of what a scan was asked.
const MOST_WORDS: usize = 64;

/// How a journal begins.
pub(super) const HEAD: &str = "{\"scan\":{";

/// What is wrong with a file: the line, from 1, and what was wanted there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct ReadError {
    /// The line, from 1.
    pub line: usize,
    /// What was wanted, and what was found.
    pub what: String,
}

/// Reads what the report `json` writes. A file that was cut off reads as interrupted; hosts whose ports are listed count
/// as up. Keys that are not known are passed over.
pub fn read(input: impl BufRead) -> Result<Scan, ReadError> {
    Ok(read_lines(input, false)?.done())
}

/// What a file has that a scan is resumed from, see [`Journal`](super::Journal).
#[derive(Clone, Debug)]
pub struct Kept {
    /// What its scan was asked.
    pub identity: Identity,
    /// What it found.
    pub scan: Scan,
    /// Its length in bytes up to the end of the last whole line: behind it, something was being written when it ended.
    pub length: u64,
}

/// Reads what a [`Journal`](super::Journal) wrote; `None` when nothing was written but, perhaps, a part of its first line.
pub fn read_journal(mut input: impl BufRead) -> Result<Option<Kept>, ReadError> {
    let wrong = |what: String| ReadError { line: 1, what };
    let no_journal = || wrong(format!("a file that resume= has begun is wanted: its first line is {HEAD}..."));
    let begin = input.fill_buf().map_err(|e| wrong(format!("cannot be read: {e}")))?;
    let common = begin.iter().zip(HEAD.as_bytes()).take_while(|(a, b)| a == b).count();
    if common < HEAD.len().min(begin.len()) {
        return Err(no_journal());
    }
    let reading = read_lines(input, true)?;
    let length = reading.length;
    match &reading.identity {
        _ if length == 0 => Ok(None),
        Some(identity) => Ok(Some(Kept { identity: identity.clone(), length, scan: reading.done() })),
        None => Err(no_journal()),
    }
}

/// Reads all lines. The last one is passed over if it has no end and makes no sense, for it was being written; where
/// `only_whole` ones count, if it has no end.
fn read_lines(mut input: impl BufRead, only_whole: bool) -> Result<Reading, ReadError> {
    let mut reading = Reading { scan: Scan { interrupted: true, ..Scan::default() }, ..Reading::default() };
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let wrong = |what: String| ReadError { line: number, what };
        let read = Read::by_ref(&mut input).take(MOST_LINE).read_until(b'\n', &mut line);
        let length = read.map_err(|e| wrong(format!("cannot be read: {e}")))?;
        if length == 0 {
            break;
        }
        if length as u64 == MOST_LINE {
            return Err(wrong(format!("more than {MOST_LINE} bytes are too long for a line")));
        }
        if !line.trim_ascii().is_empty() {
            let is_whole = line.ends_with(b"\n");
            if !is_whole && only_whole {
                break;
            }
            let value = match serde_json::from_slice(&line) {
                Ok(value) => value,
                Err(_) if !is_whole && line.starts_with(b"{") => break,
                Err(e) => return Err(wrong(format!("no JSON: {e}"))),
            };
            let Value::Object(object) = value else {
                return Err(wrong("an object like {\"host\": .., \"port\": ..} is wanted".into()));
            };
            reading.line(&Keys(&object)).map_err(wrong)?;
            if !is_whole {
                break;
            }
        }
        reading.length += length as u64;
    }
    Ok(reading)
}

/// What is read so far.
#[derive(Default)]
struct Reading {
    scan: Scan,
    identity: Option<Identity>,
    /// Bytes of whole lines.
    length: u64,
    hosts: BTreeMap<Target, usize>,
    /// Texts that many lines share.
    words: BTreeMap<String, Arc<str>>,
}

impl Reading {
    fn line(&mut self, keys: &Keys<'_>) -> Result<(), String> {
        if let Some(totals) = keys.0.get("totals") {
            let totals = totals.as_object().ok_or_else(|| wanted("totals", "an object", totals))?;
            return self.totals(&Keys(totals));
        }
        if let Some(words) = keys.0.get("scan") {
            return self.begun(words);
        }
        if self.scan.rows.len() >= MOST_ROWS || self.hosts.len() >= MOST_ROWS {
            return Err(format!("more than {MOST_ROWS} ports are too many for a report to be read back"));
        }
        if keys.0.get("port").is_some_and(Value::is_null) && keys.text("kind")? == PING {
            return self.pinged(keys);
        }
        let host = self.host(keys)?;
        let mut row = self.verdict(keys, host)?;
        row.port = keys.number("port")?;
        row.proto = named("proto", keys.text("proto")?, &Proto::ALL, Proto::name)?;
        row.reason_ip = keys.address("reason_ip")?;
        row.ttl = keys.maybe_number("ttl")?;
        row.tries = keys.number("tries")?;
        row.rtt = keys.maybe_number("rtt_us")?.map(Duration::from_micros);
        row.service = self.word(keys.maybe_text("service")?.unwrap_or_default());
        row.note = self.word(keys.maybe_text("note")?.unwrap_or_default());
        row.verdicts = self.verdicts(keys, &row)?;
        self.scan.rows.push(row);
        Ok(())
    }

    /// What the scan of a journal was asked.
    fn begun(&mut self, words: &Value) -> Result<(), String> {
        let object = words.as_object().filter(|object| object.len() <= MOST_WORDS);
        let object = object.ok_or_else(|| wanted("scan", "an object of a few texts", words))?;
        let text = |key: &String| Ok((key.clone(), Keys(object).text(key)?.to_owned()));
        let identity = Identity(object.keys().map(text).collect::<Result<_, String>>()?);
        match &self.identity {
            Some(known) if *known != identity => Err("scan: the file has two, and they differ".into()),
            _ => {
                self.identity = Some(identity);
                Ok(())
            }
        }
    }

    /// The host of a line: the one of this address, or a new one.
    fn host(&mut self, keys: &Keys<'_>) -> Result<usize, String> {
        let text = keys.text("host")?;
        let (addr, zone) = text.split_once('%').map_or((text, None), |(addr, zone)| (addr, Some(zone)));
        let addr = addr.parse().map_err(|_| format!("host: \"{}\" is no address", text.escape_debug()))?;
        let target = Target { addr, zone: zone.map(Into::into) };
        if let Some(at) = self.hosts.get(&target) {
            return Ok(*at);
        }
        let at = self.scan.hosts.len();
        self.hosts.insert(target.clone(), at);
        self.scan.hosts.push(Host {
            target,
            name: keys.maybe_text("name")?.map(Into::into),
            others: Vec::new(),
            presence: Presence::Up,
            reason: Reason::UserSet,
            reason_ip: None,
            ttl: None,
            mac: None,
            iface: "".into(),
            rtt: None,
            began: 0,
            ended: 0,
        });
        Ok(at)
    }

    /// A host of a mere discovery.
    fn pinged(&mut self, keys: &Keys<'_>) -> Result<(), String> {
        let at = self.host(keys)?;
        let mac = keys.maybe_text("mac")?.map(|text| text.parse().map_err(|e| format!("mac: {e}"))).transpose()?;
        let states = [Presence::Up, Presence::Down];
        if let Some(host) = self.scan.hosts.get_mut(at) {
            host.presence = named("state", keys.text("state")?, &states, Presence::word)?;
            host.reason = named("reason", keys.text("reason")?, Reason::ALL, Reason::word)?;
            host.reason_ip = keys.address("reason_ip")?;
            host.ttl = keys.maybe_number("ttl")?;
            host.rtt = keys.maybe_number("rtt_us")?.map(|rtt| (Duration::from_micros(rtt), Duration::ZERO));
            host.mac = mac;
        }
        Ok(())
    }

    /// Kind, state and reason; the rest is empty.
    fn verdict(&mut self, keys: &Keys<'_>, host: usize) -> Result<Row, String> {
        Ok(Row {
            host,
            port: 0,
            proto: Proto::Tcp,
            kind: self.word(keys.text("kind")?),
            state: named("state", keys.text("state")?, &State::ALL, State::word)?,
            reason: named("reason", keys.text("reason")?, Reason::ALL, Reason::word)?,
            reason_ip: None,
            ttl: None,
            tries: 0,
            rtt: None,
            service: self.word(""),
            note: self.word(""),
            answer: None,
            verdicts: Vec::new(),
        })
    }

    fn verdicts(&mut self, keys: &Keys<'_>, row: &Row) -> Result<Vec<Row>, String> {
        let Some(value) = keys.0.get("verdicts") else { return Ok(Vec::new()) };
        let list = value.as_array().filter(|list| list.len() <= MOST_VERDICTS);
        let list = list.ok_or_else(|| wanted("verdicts", "a list of what each kind says", value))?;
        let verdict = |value: &Value| {
            let object = value.as_object().ok_or_else(|| wanted("verdicts", "objects", value))?;
            let verdict = self.verdict(&Keys(object), row.host).map_err(|e| format!("verdicts: {e}"))?;
            Ok(Row { port: row.port, proto: row.proto, ..verdict })
        };
        list.iter().map(verdict).collect()
    }

    fn totals(&mut self, keys: &Keys<'_>) -> Result<(), String> {
        self.scan.sent = keys.number("sent")?;
        self.scan.unbegun = keys.number("unbegun")?;
        let elapsed = keys.get("elapsed")?;
        let seconds = elapsed.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        self.scan.elapsed = seconds.ok_or_else(|| wanted("elapsed", "seconds", elapsed))?;
        let interrupted = keys.get("interrupted")?;
        self.scan.interrupted =
            interrupted.as_bool().ok_or_else(|| wanted("interrupted", "true or false", interrupted))?;
        Ok(())
    }

    fn word(&mut self, text: &str) -> Arc<str> {
        if let Some(word) = self.words.get(text) {
            return Arc::clone(word);
        }
        let word: Arc<str> = text.into();
        self.words.insert(text.to_owned(), Arc::clone(&word));
        word
    }

    /// The scan, in the order in which scans are.
    fn done(mut self) -> Scan {
        self.scan.about.targets = self.scan.hosts.len() as u64;
        // Of a port that is there twice, the later line counts: turned round, a stable order has it before the other.
        self.scan.rows.reverse();
        self.scan.rows.sort_by_key(|row| (row.host, row.proto, row.port));
        self.scan.rows.dedup_by_key(|row| (row.host, row.proto, row.port));
        self.scan
    }
}

/// The keys of a line.
struct Keys<'a>(&'a Map<String, Value>);

impl<'a> Keys<'a> {
    fn get(&self, key: &str) -> Result<&'a Value, String> {
        let hint = || did_you_mean(key, self.0.keys().map(String::as_str));
        self.0.get(key).ok_or_else(|| format!("{key} is missing{}", hint()))
    }

    fn text(&self, key: &str) -> Result<&'a str, String> {
        let value = self.get(key)?;
        value.as_str().filter(|text| text.len() <= MOST_TEXT).ok_or_else(|| wanted(key, "a short text", value))
    }

    fn number<N: TryFrom<u64>>(&self, key: &str) -> Result<N, String> {
        let value = self.get(key)?;
        value.as_u64().and_then(|n| n.try_into().ok()).ok_or_else(|| wanted(key, "a number", value))
    }

    /// Whether a key has a value: it may be missing, or null.
    fn has(&self, key: &str) -> bool {
        self.0.get(key).is_some_and(|value| !value.is_null())
    }

    fn maybe_text(&self, key: &str) -> Result<Option<&'a str>, String> {
        self.has(key).then(|| self.text(key)).transpose()
    }

    fn maybe_number<N: TryFrom<u64>>(&self, key: &str) -> Result<Option<N>, String> {
        self.has(key).then(|| self.number(key)).transpose()
    }

    fn address(&self, key: &str) -> Result<Option<IpAddr>, String> {
        let address =
            |text: &str| text.parse().map_err(|_| format!("{key}: \"{}\" is no address", text.escape_debug()));
        self.maybe_text(key)?.map(address).transpose()
    }
}

/// The item with this word.
fn named<T: Copy>(key: &str, word: &str, all: &[T], name: fn(T) -> &'static str) -> Result<T, String> {
    let found = all.iter().copied().find(|item| name(*item) == word);
    let hint = || did_you_mean(word, all.iter().map(|item| name(*item)));
    found.ok_or_else(|| format!("{key}: \"{}\" is not known{}", word.escape_debug(), hint()))
}

/// `ttl: a number is wanted, found "x"`.
fn wanted(key: &str, what: &str, found: &Value) -> String {
    let mut text = found.to_string();
    if text.chars().count() > 40 {
        text = text.chars().take(40).chain("..".chars()).collect();
    }
    format!("{key}: {what} is wanted, found {}", text.escape_debug())
}
