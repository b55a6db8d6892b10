//! `pktsh scan`: its words become one script line; the screen and the reports watch how it goes.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::rc::Rc;

use super::misuse;
use super::print::{Terminal, last_words};
use super::scan_words::ScanWords;
use super::signals::{BY_SIGNAL, Stop};
use super::start::{Purpose, start};
use crate::base::services::Services;
use crate::scan::report::{Look, Report, Written, host_text, remarks, spaced, totals};
use crate::scan::{News, Scan, Watch};
use crate::script::{Console, Trouble};

/// Names of the standard output.
const STANDARD: [&str; 2] = ["-", "/dev/stdout"];

/// Runs a scan. Exit code 130 where Ctrl-C ended it, as shells count: all that was found is in the reports.
pub(super) fn run(terminal: &Terminal, stop: &Stop, words: &ScanWords, command: String) -> Result<u8, Trouble> {
    // The machine's own names of ports; without the file, the registry's are there.
    let services = Services::with_text(&fs::read_to_string("/etc/services").unwrap_or_default());
    let line = words.line(&services).map_err(misuse)?;
    let look = Look { width: terminal.width(), open: words.open };
    let standard = words.reports.iter().filter(|(_, path)| is_standard(path)).count();
    if standard > 1 {
        return Err(misuse("two reports cannot both go to standard output; write one of them to a file"));
    }
    let mut reports = Vec::new();
    for (format, path) in &words.reports {
        let name = path.display().to_string();
        reports.push(Report::new(format, name, open(terminal, path)?, look));
    }
    let interrupted = Rc::new(Cell::new(false));
    let screen = Screen {
        terminal: terminal.clone(),
        look,
        has_table: standard == 0,
        written: Written::default(),
        interrupted: Rc::clone(&interrupted),
    };
    let purpose = Purpose { command: Some(command), ..Purpose::default() };
    let watchers = Rc::clone(&purpose.watchers);
    watchers.borrow_mut().extend(reports.iter().map(|report| Box::new(report.clone()) as Box<dyn Watch>));
    watchers.borrow_mut().push(Box::new(screen));
    let result =
        start(&words.options, terminal, stop, purpose).and_then(|mut running| running.script("scan", &line, &[]));
    let why = result.as_ref().err().map_or_else(|| "the scan did not end".to_owned(), |e| e.message.clone());
    for report in &reports {
        report.fail(&why);
    }
    let _scan = result?;
    let mut errors = reports.iter().filter_map(Report::error);
    let first = errors.next();
    errors.for_each(|more| last_words(&format!("error: {more}")));
    match first {
        Some(error) => Err(Trouble::new(error)),
        None => Ok(if interrupted.get() { BY_SIGNAL } else { 0 }),
    }
}

fn is_standard(path: &Path) -> bool {
    STANDARD.iter().any(|name| path == Path::new(name))
}

fn open(terminal: &Terminal, path: &Path) -> Result<Box<dyn Write>, Trouble> {
    if is_standard(path) {
        return Ok(Box::new(terminal.raw()));
    }
    match File::create(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(misuse(format!("cannot write \"{}\": {error}", path.display()))),
    }
}

/// The table on standard output, remarks and totals on standard error.
struct Screen {
    terminal: Terminal,
    look: Look,
    /// No report has its place.
    has_table: bool,
    written: Written,
    interrupted: Rc<Cell<bool>>,
}

impl Watch for Screen {
    fn news(&mut self, scan: &Scan, news: &News) {
        if *news == News::Begun
            && let Some(text) = remarks(scan, self.look.width)
        {
            self.terminal.note(&text);
        }
        for at in self.written.due(scan, news) {
            if let Some(text) = host_text(scan, at, self.look).filter(|_| self.has_table) {
                self.terminal.out(&spaced(text));
            }
        }
        if *news == News::Ended {
            self.terminal.note(&totals(scan, self.look.width));
            self.interrupted.set(scan.interrupted);
        }
    }
}
