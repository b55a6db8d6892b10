//! Whether a text at the prompt waits for more lines.

use rhai::{Engine, LexError, ParseErrorType, Position};

use super::{Mode, lex, sugar};
use crate::script::names::Known;

/// Does `text` only lack its end: a closing bracket, brace, back-tick or comment, or the rest of a statement?
///
/// Rhai's parser decides. A `"` left open is not unfinished, for no further line can close it, unless a `\` ends its line.
pub fn is_unfinished(engine: &Engine, text: &str) -> bool {
    if lex::lex(text).open_comment {
        return true;
    }
    let Ok(sugared) = sugar(text, &Known::default(), Mode::Prompt) else { return false };
    let Err(error) = engine.compile(&*sugared.text) else { return false };
    let rest = from(&sugared.text, error.1);
    match *error.0 {
        ParseErrorType::BadInput(LexError::UnterminatedString) => match rest.chars().next() {
            Some('"' | '\'') => text.ends_with('\\') || text.ends_with("\\\n"),
            _ => true,
        },
        _ => rest.trim().is_empty(),
    }
}

/// The text from a position on.
fn from(text: &str, position: Position) -> &str {
    let (Some(line), column) = (position.line(), position.position().unwrap_or(1)) else { return text };
    let start = text.split_inclusive('\n').take(line - 1).map(str::len).sum();
    let at = text[start..].char_indices().nth(column - 1).map_or(text.len(), |(i, _)| start + i);
    &text[at..]
}
