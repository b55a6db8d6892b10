//! The one pass over a script's tokens before Rhai compiles it: keyword arguments, `_`, the prompt's short forms, and
//! answers to habits from Python.
//!
//! It reads the tokens of Rhai's own lexer, changes no line of the text into another, and maps columns back, so that
//! errors point at what was typed. Text that needs no rewriting is handed on as it is.

mod calls;
mod compare;
mod constants;
mod edit;
mod hints;
mod lex;
mod loops;
mod pass;
mod prompt;
mod unfinished;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

pub use constants::{Constants, see_constants};
pub use edit::ColumnMap;
pub use unfinished::is_unfinished;

use super::names::Known;

/// The key that marks a map of keyword arguments: a caller's own map does not have it.
pub const KEYWORDS: &str = "\u{1}";
/// The variable that `_` stands for: the value of the line before.
pub const LAST: &str = "last_value__";
/// The function that `eval(e)` puts around `e`: it gives the text through this pass.
pub const SUGAR: &str = "sugar__";
/// The function around `list` in `for (a, b) in list`: an array of pairs, each an array (or a row) of two.
pub const PAIRS: &str = "pairs__";
/// The function around `value` in `switch value`: flags become text, for Rhai compares no types of ours there.
pub const CASE: &str = "case__";
/// `a == "text"`, for a field: an error when `a` is a number.
pub const SAME: &str = "same__";
/// `a != "text"`, the same.
pub const DIFFERS: &str = "differs__";

/// Where a text comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A line (or several) typed at the prompt: a bare name may call, `name?` asks for help.
    Prompt,
    /// A file, `-e`, an imported module or the text of an `eval`.
    Script,
}

/// A text that Rhai can compile.
#[derive(Clone, Debug)]
pub struct Sugared<'a> {
    /// The rewritten text (the typed one, when nothing was to be rewritten), line by line as it was typed.
    pub text: Cow<'a, str>,
    /// From places in `text` to places in what was typed.
    pub map: ColumnMap,
}

/// A mistake in a script, in words that name the next step, at a place in the text as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    /// What is wrong and what to write instead.
    pub message: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters to underline, at least 1.
    pub length: usize,
}

/// Rewrites `text` for Rhai.
pub fn sugar<'a>(text: &'a str, known: &Known, mode: Mode) -> Result<Sugared<'a>, Fault> {
    let text = without_interpreter_line(text);
    let lexed = lex::lex(text);
    let edits = pass::edits(text, &lexed, known, mode)?;
    if edits.is_empty() {
        return Ok(Sugared { text: Cow::Borrowed(text), map: ColumnMap::default() });
    }
    let (text, map) = edit::apply(text, edits);
    Ok(Sugared { text: Cow::Owned(text), map })
}

/// The text with an empty line in place of `#!/usr/bin/env pktsh`.
fn without_interpreter_line(text: &str) -> &str {
    if !text.starts_with("#!") {
        return text;
    }
    &text[text.find('\n').unwrap_or(text.len())..]
}
