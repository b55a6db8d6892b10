//! The prompt: lines are read with rustyline, run by the session, and their values shown.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::env;
use std::io::IsTerminal;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{Behavior, CompletionType, Config, Context, Editor, Helper};

use super::print::Terminal;
use super::start::Running;
use crate::script::{Console, Trouble};

const PROMPT: &str = "pktsh> ";
/// Before the further lines of something unfinished; as wide as the prompt.
const MORE: &str = "   ... ";
/// Lines that the history keeps.
const MOST_HISTORY: usize = 10_000;

/// Reads and runs lines until `exit` or Ctrl-D, and gives the exit code.
pub(super) fn run(running: &mut Running, terminal: &Terminal) -> Result<u8, Trouble> {
    let mut lines = Lines::new().map_err(|e| Trouble::new(format!("cannot read from the terminal: {e}")))?;
    terminal.note(&welcome(running));
    loop {
        lines.names.replace(running.session.names());
        let text = match lines.read(|text| running.session.is_unfinished(text)) {
            Ok(text) if text.trim().is_empty() => continue,
            Ok(text) => text,
            Err(ReadlineError::Interrupted) => continue, // Ctrl-C takes the line back
            Err(ReadlineError::Eof) => return Ok(0),
            Err(error) => return Err(Trouble::new(format!("cannot read from the terminal: {error}"))),
        };
        lines.keep(&text);
        match running.line(&text) {
            Ok(value) => {
                if let Some(text) = running.session.display(&value) {
                    terminal.out(&text);
                }
            }
            Err(trouble) => terminal.trouble(&trouble),
        }
        if let Some(code) = running.session.exit_code() {
            return Ok(code);
        }
        if terminal.is_closed() {
            return Ok(0);
        }
    }
}

fn welcome(running: &Running) -> String {
    let lab = if running.has_lab { ", lab0 is the laboratory (web.lab, drop.lab ..)" } else { "" };
    format!("pktsh {}: help() explains{lab}, exit leaves", env!("CARGO_PKG_VERSION"))
}

/// Asks at the terminal whether a public address may be probed, once for each.
pub(super) fn ask_public() -> impl FnMut(IpAddr) -> bool {
    let mut allowed = BTreeSet::new();
    move |addr| {
        let question = format!("{addr} is a public address. Probe it? [y/N] ");
        let is_yes = |answer: String| matches!(answer.trim().to_lowercase().as_str(), "y" | "yes");
        let ask = || Editor::<(), DefaultHistory>::new()?.readline(&question).map(is_yes);
        if !allowed.contains(&addr) && ask().unwrap_or(false) {
            allowed.insert(addr);
        }
        allowed.contains(&addr)
    }
}

/// The terminal's lines, with their history.
struct Lines {
    editor: Editor<Names, DefaultHistory>,
    history: Option<PathBuf>,
    /// What Tab completes.
    names: Rc<RefCell<Vec<String>>>,
}

impl Lines {
    fn new() -> rustyline::Result<Self> {
        // With standard output in a file, the editing goes to the terminal itself and the values to the file.
        let behavior = if std::io::stdout().is_terminal() { Behavior::Stdio } else { Behavior::PreferTerm };
        let config = Config::builder()
            .behavior(behavior)
            .completion_type(CompletionType::List)
            .max_history_size(MOST_HISTORY)?
            .build();
        let names = Rc::new(RefCell::new(Vec::new()));
        let mut editor = Editor::with_config(config)?;
        editor.set_helper(Some(Names(names.clone())));
        let history = history_file();
        if let Some(path) = &history {
            let _ = editor.load_history(path); // there is none the first time
        }
        Ok(Self { editor, history, names })
    }

    /// Reads one line, and more while it is unfinished.
    fn read(&mut self, is_unfinished: impl Fn(&str) -> bool) -> rustyline::Result<String> {
        let mut text = self.editor.readline(PROMPT)?;
        while is_unfinished(&text) {
            let more = self.editor.readline(MORE)?;
            text.push('\n');
            text.push_str(&more);
        }
        Ok(text)
    }

    /// Adds what was typed to the history, at once: a crash loses none.
    fn keep(&mut self, text: &str) {
        let is_new = self.editor.add_history_entry(text).unwrap_or(false);
        if let Some(path) = self.history.as_deref().filter(|_| is_new) {
            let _ = make_folder(path).and_then(|()| self.editor.append_history(path).map_err(std::io::Error::other));
        }
    }
}

/// `$XDG_STATE_HOME/pktsh/history` or `~/.local/state/pktsh/history` (XDG Base Directory Specification 0.8).
fn history_file() -> Option<PathBuf> {
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(state.join("pktsh/history"))
}

/// Makes the folder of `path`, for its owner alone. rustyline makes the file so.
fn make_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    path.parent().map_or(Ok(()), |folder| builder.create(folder))
}

/// Completes names of functions, layers and variables. Nothing is evaluated for it.
struct Names(Rc<RefCell<Vec<String>>>);

impl Completer for Names {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let word = line[..pos].rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
        let start = pos - word.len();
        if word.is_empty() || line[..start].ends_with('.') {
            return Ok((pos, Vec::new()));
        }
        let names: BTreeSet<String> = self.0.borrow().iter().filter(|name| name.starts_with(word)).cloned().collect();
        let pair = |name: String| Pair { display: name.clone(), replacement: name };
        Ok((start, names.into_iter().map(pair).collect()))
    }
}

impl Helper for Names {}
impl Highlighter for Names {}
impl Validator for Names {}

impl Hinter for Names {
    type Hint = String;
}
