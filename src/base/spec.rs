//! The error of a specification: which part of the text is wrong, and where.

use std::ops::Range;

/// What is wrong with a text in which people write ports or targets.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SpecError {
    /// The wrong part in quotes, what is wrong with it, and the next step.
    pub message: String,
    /// Where the part lies in the text, in bytes: a caret goes there.
    pub at: Range<usize>,
}

/// A part of a text, and where it lies there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) text: &'a str,
    at: usize,
}

impl<'a> Part<'a> {
    /// The part of a whole text that begins at byte `at`.
    pub(super) fn new(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    /// Without blanks at its ends.
    pub(super) fn trim(self) -> Self {
        let text = self.text.trim_start();
        Self { text: text.trim_end(), at: self.at + self.text.len() - text.len() }
    }

    /// Without its first `bytes` bytes, which must end a character, and without blanks.
    pub(super) fn skip(self, bytes: usize) -> Self {
        Self { text: &self.text[bytes..], at: self.at + bytes }.trim()
    }

    /// Its first `bytes` bytes, which must end a character.
    pub(super) fn first(self, bytes: usize) -> Self {
        Self { text: &self.text[..bytes], at: self.at }
    }

    /// The error that names this part; an empty one is shown by `what` alone.
    pub(super) fn wrong(self, what: impl std::fmt::Display) -> SpecError {
        let at = self.at..self.at + self.text.len();
        let message = match self.text {
            "" => what.to_string(),
            text => format!("\"{}\": {what}", text.escape_debug()),
        };
        SpecError { message, at }
    }
}
