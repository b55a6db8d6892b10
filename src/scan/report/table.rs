//! What a user sees: a block for each host as it is finished, and a foot.

use std::io::{self, Write};

use super::fold::{Folded, fold};
use super::{Look, Writer, Written};
use crate::base::ports::ports_text;
use crate::base::table::{plain, wrapped};
use crate::base::text::escape;
use crate::base::time::human;
use crate::scan::outcome::{Host, News, Presence, Row, Scan};
use crate::scan::state::State;

/// Below this width, TTL, tries and round trip are left out.
const NARROW: usize = 60;

/// More strays than this are counted only.
const MOST_STRAYS: usize = 10;

/// The report in a file: all of it.
pub(super) struct Blocks {
    look: Look,
    written: Written,
}

impl Blocks {
    pub(super) fn new(look: Look) -> Self {
        Self { look, written: Written::default() }
    }
}

impl Writer for Blocks {
    fn news(&mut self, out: &mut dyn Write, scan: &Scan, news: &News) -> io::Result<()> {
        if *news == News::Begun {
            remarks(scan, self.look.width).map_or(Ok(()), |text| writeln!(out, "{text}"))?;
        }
        for at in self.written.due(scan, news) {
            host_text(scan, at, self.look).map_or(Ok(()), |text| writeln!(out, "{}", spaced(text)))?;
        }
        if *news == News::Ended { writeln!(out, "{}", totals(scan, self.look.width)) } else { Ok(()) }
    }
}

/// A whole scan: remarks, a block for each host, the totals.
pub fn text(scan: &Scan, width: usize) -> String {
    let look = Look { width, ..Look::default() };
    let blocks = (0..scan.hosts.len()).filter_map(|at| host_text(scan, at, look).map(spaced));
    remarks(scan, width).into_iter().chain(blocks).chain([totals(scan, width)]).collect::<Vec<_>>().join("\n")
}

/// What the user should know before anything is sent.
pub fn remarks(scan: &Scan, width: usize) -> Option<String> {
    let lines: Vec<String> = scan.about.remarks.iter().map(|remark| wrapped(width, &escape(remark))).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A host's block; `None` for one that is only counted: it is down, and was not the only target.
pub fn host_text(scan: &Scan, at: usize, look: Look) -> Option<String> {
    let host = scan
        .hosts
        .get(at)
        .filter(|host| host.presence == Presence::Up || (host.presence.is_down() && scan.about.targets <= 1))?;
    let rows = look.rows(scan, at);
    let (listed, folded) = fold(&rows);
    let mut parts = vec![wrapped(look.width, &head(host))];
    if !host.others.is_empty() {
        let others = host.others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        parts.push(wrapped(look.width, &format!("other addresses of the name, not scanned: {others}")));
    }
    parts.extend(not_shown(&folded).map(|text| wrapped(look.width, &text)));
    if !listed.is_empty() {
        parts.push(ports(&listed, look.width));
    }
    let lines = parts.iter().flat_map(|part| part.lines()).map(str::trim_end);
    Some(lines.collect::<Vec<_>>().join("\n"))
}

/// A block with an empty line below it; a single line needs none.
pub fn spaced(block: String) -> String {
    if block.contains('\n') { block + "\n" } else { block }
}

/// `web.lab (192.0.2.10) is up: arp-response, ttl 64, 0.3 ms, 02:00:00:00:00:0a, lab0`.
fn head(host: &Host) -> String {
    let addr = host.target.to_string();
    let who = host.name.as_ref().map_or_else(|| addr.clone(), |name| format!("{name} ({addr})"));
    let by = host.reason_ip.map_or_else(String::new, |addr| format!(" from {addr}"));
    let facts = [
        Some(format!("{}{by}", host.reason)),
        host.ttl.map(|ttl| format!("ttl {ttl}")),
        host.rtt.map(|(rtt, _)| human(rtt)),
        host.mac.map(|mac| mac.to_string()),
        Some(host.iface.to_string()).filter(|name| !name.is_empty()),
    ];
    let facts = facts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    escape(&format!("{who} is {}: {facts}", host.presence.word())).into_owned()
}

/// `Not shown: 97 closed (reset 95, port-unreach 2)`.
fn not_shown(folded: &[Folded]) -> Option<String> {
    let states = folded.iter().map(|folded| {
        let mut reasons: Vec<(&str, usize)> = Vec::new();
        for (reason, _, ports) in &folded.reasons {
            match reasons.iter_mut().find(|(word, _)| *word == reason.word()) {
                Some((_, count)) => *count += ports.len(),
                None => reasons.push((reason.word(), ports.len())),
            }
        }
        let words = match &reasons[..] {
            [(word, _)] => (*word).to_owned(),
            many => many.iter().map(|(word, count)| format!("{word} {count}")).collect::<Vec<_>>().join(", "),
        };
        format!("{} {} ({words})", folded.count, folded.state)
    });
    (!folded.is_empty()).then(|| format!("Not shown: {}", states.collect::<Vec<_>>().join("; ")))
}

/// A column: its head, what it holds, and whether it is left out on a narrow screen.
struct Column {
    head: &'static str,
    cell: fn(&Row) -> String,
    is_detail: bool,
}

const fn column(head: &'static str, cell: fn(&Row) -> String) -> Column {
    Column { head, cell, is_detail: false }
}

const fn detail(head: &'static str, cell: fn(&Row) -> String) -> Column {
    Column { head, cell, is_detail: true }
}

const PORT: Column = column("PORT", |row| format!("{}/{}", row.port, row.proto.name()));
const STATE: Column = column("STATE", |row| row.state.to_string());
const SERVICE: Column = column("SERVICE", |row| row.service.to_string());
const REASON: Column = column("REASON", reason);
const KINDS: Column = column("KINDS", |row| match &row.verdicts[..] {
    [] => format!("{} {}", row.kind, row.state),
    verdicts => verdicts.iter().map(|row| format!("{} {}", row.kind, row.state)).collect::<Vec<_>>().join(", "),
});
const TTL: Column = detail("TTL", |row| row.ttl.map_or_else(String::new, |ttl| ttl.to_string()));
const TRIES: Column = detail("TRIES", |row| row.tries.to_string());
const RTT: Column = detail("RTT", |row| row.rtt.map_or_else(String::new, human));
const NOTE: Column = column("NOTE", |row| row.note.to_string());

fn ports(rows: &[&Row], width: usize) -> String {
    let is_combined = rows.iter().any(|row| !row.verdicts.is_empty());
    let has_note = rows.iter().any(|row| !row.note.is_empty());
    let columns = [PORT, STATE, SERVICE, if is_combined { KINDS } else { REASON }, TTL, TRIES, RTT, NOTE];
    let is_shown = |column: &Column| (column.head != NOTE.head || has_note) && !(column.is_detail && width < NARROW);
    let columns: Vec<Column> = columns.into_iter().filter(is_shown).collect();
    let heads: Vec<&str> = columns.iter().map(|column| column.head).collect();
    let lines = rows.iter().map(|row| columns.iter().map(|c| escape(&(c.cell)(row)).into_owned()).collect());
    plain(width, &heads, lines)
}

/// `port-unreach from 192.0.2.1`.
fn reason(row: &Row) -> String {
    row.reason_ip.map_or_else(|| row.reason.to_string(), |addr| format!("{} from {addr}", row.reason))
}

/// The foot: counts, packets and time, what was not finished, what came uncalled.
pub fn totals(scan: &Scan, width: usize) -> String {
    let (up, down) = scan.presence();
    let counts = State::ALL.iter().zip(scan.counts()).filter(|(_, count)| *count > 0);
    let mut facts: Vec<String> = counts.map(|(state, count)| format!("{count} {state}")).collect();
    facts.push(format!("{} up", counted(up, "host")));
    if down > 0 {
        facts.push(format!("{down} down"));
    }
    let sent = format!("{} sent in {}", counted(scan.sent, "packet"), human(scan.elapsed));
    let mut lines = vec![format!("{}; {sent}", facts.join(", "))];
    if scan.interrupted {
        lines.push("interrupted: what was found until then is above".into());
    }
    lines.extend(unfinished(scan));
    if scan.unbegun > 0 {
        lines.push(format!("not begun: {}", counted(scan.unbegun, "target")));
    }
    if scan.dropped > 0 {
        lines.push(format!("our own capture lost {}: some answers may be missing", counted(scan.dropped, "frame")));
    }
    if scan.stray_count > 0 {
        lines.push(format!("{} that no probe asked for:", counted(scan.stray_count, "packet")));
        lines.extend(scan.strays.iter().take(MOST_STRAYS).cloned());
        let more = scan.stray_count.saturating_sub(MOST_STRAYS.min(scan.strays.len()) as u64);
        lines.extend((more > 0).then(|| format!(".. and {more} more")));
    }
    lines.iter().map(|line| wrapped(width, &escape(line))).collect::<Vec<_>>().join("\n")
}

/// `not finished: web.lab, syn: 22,80-90`, and the reason where there is one.
fn unfinished(scan: &Scan) -> impl Iterator<Item = String> {
    scan.unfinished.iter().filter_map(|part| {
        let host = scan.hosts.get(part.host)?;
        let name = host.name.as_ref().map_or_else(|| host.target.to_string(), ToString::to_string);
        let ports = ports_text(&part.ports).replace(',', ", ");
        let why = if part.why.is_empty() { String::new() } else { format!(" ({})", part.why) };
        Some(format!("not finished: {name}, {}: {ports}{why}", part.kind.name))
    })
}

/// `1 host`, `2 hosts`.
fn counted(count: u64, word: &str) -> String {
    format!("{count} {word}{}", if count == 1 { "" } else { "s" })
}
