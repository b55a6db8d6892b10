//! The only place that writes to the terminal: values to standard output, everything else to standard error.
//!
//! All text goes through [`escape_lines`]: bytes from the network, file names and error messages never reach the
//! terminal as control characters. Only the colours of an error are ours, and they come after.

use std::cell::Cell;
use std::io::{self, Write};
use std::panic::PanicHookInfo;
use std::rc::Rc;

use super::live::Live;
use super::signals::Stop;
use super::trouble::draw;
use crate::base::text::escape_lines;
use crate::script::{Console, Trouble};

/// Columns when there is no screen to ask.
const WIDTH: usize = 100;

/// Both outputs. Clones are one.
#[derive(Clone)]
pub(super) struct Terminal {
    stop: Stop,
    /// The exit code, once standard output takes no more.
    closed: Rc<Cell<Option<u8>>>,
    live: Live,
}

/// See [`Terminal::raw`].
pub(super) struct Raw(Terminal);

impl Write for Raw {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.0.is_closed() {
            self.0.write(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Terminal {
    /// The terminal of this process. `stop` ends the script when nobody reads its output any more.
    pub(super) fn new(stop: Stop) -> Self {
        Self { stop, closed: Rc::default(), live: Live::default() }
    }

    /// Writes `text` and a new line to standard output.
    pub(super) fn out(&self, text: &str) {
        if self.is_closed() {
            return;
        }
        let mut text = escape_lines(text);
        text.push('\n');
        let _ = self.write(text.as_bytes()); // said, and remembered
    }

    /// Writes bytes to standard output. An error ends what runs.
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let written = self.live.beside(|| {
            let mut out = io::stdout().lock();
            out.write_all(bytes).and_then(|()| out.flush())
        });
        match &written {
            Ok(()) => return written,
            // `pktsh .. | head`: nobody wants more, and that is no failure.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.closed.set(Some(0)),
            Err(error) => {
                last_words(&format!("error: cannot write to standard output: {error}"));
                self.closed.set(Some(1));
            }
        }
        self.stop.press();
        written
    }

    /// Standard output for a report, whose text is safe as it is.
    pub(super) fn raw(&self) -> Raw {
        Raw(self.clone())
    }

    /// The live line.
    pub(super) fn live(&self) -> Live {
        self.live.clone()
    }

    /// Whether standard output takes no more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.get().is_some()
    }

    /// Draws an error.
    pub(super) fn trouble(&self, trouble: &Trouble) {
        if !self.is_closed() {
            let _ = writeln!(anstream::stderr(), "{}", draw(trouble, self.width()));
        }
    }

    /// The exit code, after saying what went wrong.
    pub(super) fn finish(&self, result: Result<u8, Trouble>) -> u8 {
        let code = result.unwrap_or_else(|trouble| {
            self.trouble(&trouble);
            trouble.code
        });
        self.closed.get().unwrap_or(code)
    }
}

impl Console for Terminal {
    fn print(&self, text: &str) {
        self.out(text);
    }

    fn note(&self, text: &str) {
        self.live.beside(|| last_words(text));
    }

    fn width(&self) -> usize {
        // A terminal that does not know its width says 0.
        comfy_table::Table::new().width().filter(|&width| width > 0).map_or(WIDTH, |width| usize::from(width).max(20))
    }
}

/// Writes a line to standard error, if that can be written.
pub(super) fn last_words(text: &str) {
    let _ = writeln!(io::stderr(), "{}", escape_lines(text));
}

/// A panic is a fault of ours, and the session survives it: one line says where, unless a backtrace was asked for.
pub(super) fn quiet_panics() {
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|wanted| wanted != "0") {
        return;
    }
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic.location().map(|l| format!(" at {}:{}", l.file(), l.line())).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        last_words(&format!("fault{place}: {message}"));
    }));
}
