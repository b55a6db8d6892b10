//! What went wrong, in one sentence with the next step, and where.

use std::fmt;
use std::rc::Rc;

/// An error as the user sees it. The shell draws it with the line and a caret.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// One sentence: what was wanted, what was found, the next step or the nearest name.
    pub message: String,
    /// Where, when there is a line to point at.
    pub place: Option<Place>,
    /// Functions that were being called, the innermost first.
    pub calls: Vec<String>,
    /// The exit code of a script that ends so: 1 it failed, 2 it was misused.
    pub code: u8,
}

/// A place in a text that the user wrote.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file, or `<prompt>`.
    pub name: Rc<str>,
    /// The whole text.
    pub text: Rc<str>,
    /// Line in the text, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Characters to mark, at least 1.
    pub length: usize,
}

impl Trouble {
    /// A failure without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, calls: Vec::new(), code: 1 }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.place {
            Some(place) => write!(f, " ({}:{}:{})", place.name, place.line, place.column),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Trouble {}

/// An error from a function of ours on its way through Rhai. A script's `catch` sees its message.
#[derive(Clone, Debug)]
pub(super) struct Said {
    pub(super) message: String,
    /// The word that the caret belongs under, when it is not the function's name.
    pub(super) word: Option<String>,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
