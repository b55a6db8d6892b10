//! The file that a scan is resumed from: the JSON lines of a report, with what was asked before them, and all hosts.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use super::json::{host, port, safe, totals};
use crate::base::targets::Target;
use crate::scan::outcome::{News, Scan};
use crate::scan::pieces::Identity;

/// Writes that file while the scan runs: a first line that says what is asked, then a line for each host and port as it
/// is decided. It is a report like that of `json`, which all that reads those reads, too; a line that an end by force
/// has cut off is asked again, and no more.
pub struct Journal {
    out: Box<dyn Write>,
    /// Hosts whose line is written.
    hosts: BTreeSet<Target>,
    failed: Option<io::Error>,
}

impl Journal {
    /// Begins a file.
    pub fn begin(out: Box<dyn Write>, identity: &Identity) -> Self {
        let words: Map<String, Value> =
            identity.0.iter().map(|(name, value)| (name.clone(), (&**value).into())).collect();
        let mut journal = Self { out, hosts: BTreeSet::new(), failed: None };
        journal.write([json!({ "scan": words })]);
        journal.flush();
        journal
    }

    /// Goes on with a file whose scan is known.
    pub fn go_on(out: Box<dyn Write>, known: &Scan) -> Self {
        Self { out, hosts: known.hosts.iter().map(|host| host.target.clone()).collect(), failed: None }
    }

    /// Something has happened.
    pub fn news(&mut self, scan: &Scan, news: &News) {
        match news {
            News::Host(at) => {
                let new = scan.hosts.get(*at).filter(|host| self.hosts.insert(host.target.clone()));
                self.write(new.map(host));
            }
            News::Port(row) => self.write(port(scan, row)),
            News::Ended => self.write([totals(scan)]),
            _ => {}
        }
        // An end by force costs what has come since the last of these, and it is asked again.
        if matches!(news, News::Still(_) | News::Finished(_) | News::Ended) {
            self.flush();
        }
    }

    /// The first error of all writes, once.
    pub fn take_error(&mut self) -> Option<io::Error> {
        let error = self.failed.take()?;
        // Nothing more is written: a hole would read as if it had been asked.
        self.out = Box::new(io::sink());
        Some(error)
    }

    fn write(&mut self, lines: impl IntoIterator<Item = Value>) {
        for line in lines {
            if self.failed.is_none() {
                self.failed = writeln!(self.out, "{}", safe(&line)).err();
            }
        }
    }

    fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.out.flush().err();
        }
    }
}
