//! What can go wrong with a capture file, each with the next step.

use std::io;

use crate::net::Medium;

/// Why a capture file could not be read or written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    /// The system refused.
    #[error("cannot {doing} \"{name}\": {message}")]
    System {
        /// `"read"` or `"write"`.
        doing: &'static str,
        /// The file.
        name: String,
        /// What the system said.
        message: String,
    },
    /// The file is something else.
    #[error("\"{name}\" is no capture file (pcap or pcapng): {found}")]
    Foreign {
        /// The file.
        name: String,
        /// What is there instead.
        found: String,
    },
    /// Nothing can be appended: what is there would not be followed by it.
    #[error("cannot append to \"{name}\": {why}; write to a new file")]
    NoAppend {
        /// The file.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// A classic pcap file has packets of one link type.
    #[error(
        "\"{name}\" holds packets of {}, and this one is of {}: \
         a pcap file has one link type, a file with the ending .pcapng has as many as it needs",
        named(*.has), named(*.given)
    )]
    OneMedium {
        /// The file.
        name: String,
        /// What its header says.
        has: Medium,
        /// What was to be written.
        given: Medium,
    },
    /// A packet and its comment are more than readers take.
    #[error("cannot write a packet to \"{name}\": its comment of {len} bytes is too long")]
    LongComment {
        /// The file.
        name: String,
        /// The length of the comment.
        len: usize,
    },
}

impl FileError {
    /// A failure to read.
    pub(super) fn reading(name: &str, error: &io::Error) -> Self {
        Self::System { doing: "read", name: name.to_owned(), message: error.to_string() }
    }

    /// A failure to write.
    pub(super) fn writing(name: &str, error: &io::Error) -> Self {
        Self::System { doing: "write", name: name.to_owned(), message: error.to_string() }
    }
}

/// `link type 1 (Ethernet)`.
fn named(medium: Medium) -> String {
    match medium {
        Medium::Other(number) => format!("link type {number}"),
        known => format!("link type {} ({known:?})", known.link_type()),
    }
}
