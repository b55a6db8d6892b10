//! What people and programs are told of a scan: a table, JSON lines, Nmap's XML and greppable text, CSV.
//!
//! | file | what lives there |
//! |---|---|
//! | `table` | the text that a user sees: a block for each host, a foot |
//! | `json`, `read` | one object a line, and reading that back |
//! | `journal` | the file that a scan is resumed from |
//! | `xml`, `greppable`, `csv` | what other programs read |
//! | `fold` | ports of a state that are counted instead of listed |
//! | `diff` | what changed between two scans |
//! | `when` | wall times as text |

mod csv;
pub mod diff;
mod fold;
mod greppable;
mod journal;
pub mod json;
pub mod read;
pub mod table;
mod when;
mod xml;

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

pub use diff::{Change, Diff, diff};
pub use journal::Journal;
pub use json::lines as json_lines;
pub use read::{Kept, ReadError, read, read_journal};
pub use table::{host_text, remarks, spaced, text, totals};

use super::outcome::{News, Presence, Row, Scan, Watch};
use super::state::State;

/// A form of report: a row of [`FORMATS`].
#[derive(Debug)]
pub struct Format {
    /// The option on the command line: `xml`.
    pub name: &'static str,
    /// Nmap's option, where it has one.
    pub nmap: Option<&'static str>,
    /// What it is.
    pub doc: &'static str,
    writer: fn(Look) -> Box<dyn Writer>,
}

/// All forms.
pub static FORMATS: &[Format] = &[
    Format {
        name: "normal",
        nmap: Some("-oN"),
        doc: "Write the table that the screen shows to FILE",
        writer: |look| Box::new(table::Blocks::new(look)),
    },
    Format {
        name: "json",
        nmap: None,
        doc: "Write one JSON object a line to FILE, as ports are decided, and the totals in the last",
        writer: |look| Box::new(json::Lines::new(look)),
    },
    Format {
        name: "xml",
        nmap: Some("-oX"),
        doc: "Write Nmap's XML to FILE, which other tools read",
        writer: |look| Box::new(xml::Document::new(look)),
    },
    Format {
        name: "greppable",
        nmap: Some("-oG"),
        doc: "Write Nmap's greppable form to FILE, a line for each host",
        writer: |look| Box::new(greppable::Lines::new(look)),
    },
    Format {
        name: "csv",
        nmap: None,
        doc: "Write a table for spreadsheets to FILE",
        writer: |look| Box::new(csv::Cells::new(look)),
    },
];

impl Format {
    /// The form of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }
}

/// How a report looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns of the table.
    pub width: usize,
    /// Only ports that are open, or may be.
    pub open: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { width: 100, open: false }
    }
}

impl Look {
    /// Whether a row is shown.
    fn shows(self, row: &Row) -> bool {
        !self.open || matches!(row.state, State::Open | State::OpenFiltered)
    }

    /// The rows of a host that are shown.
    fn rows(self, scan: &Scan, host: usize) -> Vec<&Row> {
        scan.rows_of(host).filter(|row| self.shows(row)).collect()
    }
}

/// Writes one form of report.
trait Writer {
    /// Something has happened.
    fn news(&mut self, out: &mut dyn Write, scan: &Scan, news: &News) -> io::Result<()>;

    /// The scan failed and [`News::Ended`] will not come: closes what is open.
    fn fail(&mut self, _out: &mut dyn Write, _why: &str) -> io::Result<()> {
        Ok(())
    }
}

/// A report that is written while the scan runs. Clones are one.
#[derive(Clone)]
pub struct Report {
    inner: Rc<RefCell<Inner>>,
}

struct Inner {
    /// The file's name, for errors.
    name: String,
    out: Box<dyn Write>,
    writer: Box<dyn Writer>,
    failed: Option<io::Error>,
    ended: bool,
}

impl Inner {
    fn write(&mut self, work: impl FnOnce(&mut dyn Writer, &mut dyn Write) -> io::Result<()>) {
        if self.failed.is_none() && !self.ended {
            // At once: who reads along sees what is found, and an end by force loses nothing.
            self.failed = work(&mut *self.writer, &mut self.out).and_then(|()| self.out.flush()).err();
        }
    }
}

impl Report {
    /// Begins a report. `name` is the file's, for errors; nothing is written yet.
    pub fn new(format: &Format, name: impl Into<String>, out: Box<dyn Write>, look: Look) -> Self {
        let (name, writer) = (name.into(), (format.writer)(look));
        Self { inner: Rc::new(RefCell::new(Inner { name, out, writer, failed: None, ended: false })) }
    }

    /// Closes a report whose scan failed with `why`; one that is complete stays as it is.
    pub fn fail(&self, why: &str) {
        let mut inner = self.inner.borrow_mut();
        inner.write(|writer, out| writer.fail(out, why));
        inner.ended = true;
    }

    /// The first error of all writes. A reader that has gone away (a closed pipe) is none.
    pub fn error(&self) -> Option<String> {
        let inner = self.inner.borrow();
        let error = inner.failed.as_ref().filter(|e| e.kind() != io::ErrorKind::BrokenPipe)?;
        Some(format!("cannot write \"{}\": {error}", inner.name))
    }
}

impl Watch for Report {
    fn news(&mut self, scan: &Scan, news: &News) {
        let mut inner = self.inner.borrow_mut();
        inner.write(|writer, out| writer.news(out, scan, news));
        inner.ended |= *news == News::Ended;
    }
}

/// Which hosts have been written: each is once, when it is finished, or at the end.
#[derive(Default)]
pub struct Written(Vec<bool>);

impl Written {
    /// The hosts that are due at this news.
    pub fn due(&mut self, scan: &Scan, news: &News) -> Vec<usize> {
        let is_down = |at: &usize| scan.hosts.get(*at).is_some_and(|host| host.presence.is_down());
        // A mere discovery has no ports to wait for.
        let is_known = |at: &usize| is_down(at) || scan.about.kinds.is_empty();
        let due: Vec<usize> = match news {
            News::Finished(at) => vec![*at],
            News::Host(at) => [*at].into_iter().filter(is_known).collect(),
            News::Ended => (0..scan.hosts.len()).filter(|at| scan.hosts[*at].presence != Presence::Unknown).collect(),
            _ => Vec::new(),
        };
        self.0.resize(self.0.len().max(scan.hosts.len()), false);
        due.into_iter().filter(|at| self.0.get_mut(*at).is_some_and(|done| !std::mem::replace(done, true))).collect()
    }
}
