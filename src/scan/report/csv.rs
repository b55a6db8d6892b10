//! A table for spreadsheets (RFC 4180): a head and a line for each port, in the columns of the JSON lines.

use std::io::{self, Write};

use csv::WriterBuilder;

use super::{Look, Writer};
use crate::base::text::escape;
use crate::scan::outcome::{News, Row, Scan};

const COLUMNS: [&str; 13] = [
    "host",
    "port",
    "proto",
    "kind",
    "state",
    "reason",
    "reason_ip",
    "ttl",
    "tries",
    "rtt_us",
    "service",
    "name",
    "note",
];

/// The report.
pub(super) struct Cells {
    look: Look,
}

impl Cells {
    pub(super) fn new(look: Look) -> Self {
        Self { look }
    }
}

impl Writer for Cells {
    fn news(&mut self, out: &mut dyn Write, scan: &Scan, news: &News) -> io::Result<()> {
        match news {
            News::Begun => line(out, &COLUMNS.map(str::to_owned)),
            News::Port(row) | News::Known(row) if self.look.shows(row) => {
                cells(scan, row).map_or(Ok(()), |cells| line(out, &cells))
            }
            _ => Ok(()),
        }
    }
}

fn line(out: &mut dyn Write, cells: &[String]) -> io::Result<()> {
    let mut writer = WriterBuilder::new().from_writer(out);
    writer.write_record(cells)?;
    writer.flush()
}

fn cells(scan: &Scan, row: &Row) -> Option<[String; COLUMNS.len()]> {
    let host = scan.hosts.get(row.host)?;
    Some([
        text(&host.target.to_string()),
        row.port.to_string(),
        row.proto.name().to_owned(),
        text(&row.kind),
        row.state.word().to_owned(),
        row.reason.word().to_owned(),
        row.reason_ip.map(|addr| addr.to_string()).unwrap_or_default(),
        row.ttl.map(|ttl| ttl.to_string()).unwrap_or_default(),
        row.tries.to_string(),
        row.rtt.map(|rtt| rtt.as_micros().to_string()).unwrap_or_default(),
        text(&row.service),
        text(host.name.as_deref().unwrap_or_default()),
        text(&row.note),
    ])
}

/// A text. One that a spreadsheet would take for a formula, and run, gets an apostrophe in front: names come from
/// strangers, and no name of ours begins so.
fn text(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@']);
    format!("{}{}", if is_formula { "'" } else { "" }, escape(text))
}
