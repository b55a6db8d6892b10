//! What is wrong with a filter, and where.

use std::ops::Range;

/// Why a text is no filter: what was wanted, what was found, and the nearest word or the next step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct FilterError {
    /// One sentence.
    pub message: String,
    /// The bytes of the text that it is about; empty at the text's end.
    pub at: Range<usize>,
}

impl FilterError {
    pub(super) fn new(message: impl Into<String>, at: &Range<usize>) -> Self {
        Self { message: message.into(), at: at.clone() }
    }

    /// The same for a result that fails.
    pub(super) fn err<T>(message: impl Into<String>, at: &Range<usize>) -> Result<T, Self> {
        Err(Self::new(message, at))
    }
}
