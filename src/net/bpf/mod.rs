//! Capture filters: the language of pcap-filter(7), as tcpdump and Wireshark's capture dialog know it, compiled to the
//! classic Berkeley packet filter.
//!
//! ```
//! use pktsh::net::{Medium, bpf};
//!
//! let mut no_names = |name: &str| Err(format!("{name} is not known"));
//! let filter = bpf::compile("tcp dst port 80 or 443", Medium::Ip, bpf::Where::Bytes, &mut no_names)?;
//! assert!(!filter.matches(&[0x45, 0, 0, 20], 20));
//! # Ok::<(), bpf::FilterError>(())
//! ```
//!
//! Verdicts are those of tcpdump for the same frames; on a frame that was cut before the bytes that a filter asks for,
//! those of its code without the optimizer (`-O`), which asks in the order of the text. What differs:
//!
//! - BSD's loopback header is read in either byte order, and IPv6 in it is known by the numbers of all systems.
//! - The names of services and protocols are in tables here and do not depend on the machine's files.
//! - A filter that no frame of the medium can pass is no error: it passes none.
//! - `net 10/8` is understood, and a division by `ip[0]` is not taken for one by zero.
//! - For the kernel, `vlan` shifts what stands behind it in the text, as it does for files, also where it was not asked.
//!
//! The way of a text: `lex` makes tokens, `parse` (with `value` and `address`) a tree, `lower` (with `arithmetic`)
//! questions to bytes, `blocks` their order and short cuts, `assemble` instructions, and `vm` runs them.

mod address;
mod arithmetic;
mod assemble;
mod blocks;
mod display;
mod error;
mod insn;
mod lex;
mod logic;
mod lower;
mod names;
mod parse;
mod program;
#[cfg(test)]
mod tests;
mod tree;
mod value;
mod vm;

use std::net::IpAddr;

pub use display::{Hint, display_hint};
pub use error::FilterError;
pub use insn::Insn;
pub use program::{BadProgram, MAX_INSNS, Program};

use insn::VLAN_TAG_PRESENT;
use logic::Logic;
use lower::Lower;
use tree::Condition;

use crate::net::Medium;

/// Where a program will run, which decides where a VLAN tag is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// On whole frames, as capture files hold them: the tag is in the bytes.
    Bytes,
    /// On a packet socket of Linux: the kernel took the outermost tag out of the bytes and tells it beside them.
    Kernel,
}

/// The program of the filter `text` for frames of `medium`. An empty text accepts every frame.
///
/// `resolve` gives all addresses of a host's name; the filter looks for each of them.
pub fn compile(
    text: &str,
    medium: Medium,
    place: Where,
    resolve: &mut dyn FnMut(&str) -> Result<Vec<IpAddr>, String>,
) -> Result<Program, FilterError> {
    let translated = |error: FilterError| match display_hint(text) {
        Some(hint) => FilterError { message: hint.to_string(), at: hint.at },
        None => error,
    };
    let logic = match parse::parse(text, resolve).map_err(translated)? {
        Some(condition) => laid_out(&condition, medium, place)?,
        None => Logic::Known(true),
    };
    let (blocks, begin) = blocks::blocks(&logic);
    assemble::assemble(&blocks, begin).map_err(|count| {
        let message = format!("the filter needs {count} instructions, and the kernel takes {MAX_INSNS}");
        FilterError::new(message, &(0..text.len()))
    })
}

/// The questions that a condition asks of frames of one medium.
fn laid_out(condition: &Condition, medium: Medium, place: Where) -> Result<Logic, FilterError> {
    let mut lower = Lower::new(medium, false);
    let in_bytes = lower.condition(condition)?;
    if place == Where::Bytes || lower.vlans == 0 {
        return Ok(in_bytes);
    }
    // A tagged frame comes without its tag from most cards, and with it from a few: where the fields are then differs.
    let beside = Lower::new(medium, true).condition(condition)?;
    let is_beside = Logic::byte(VLAN_TAG_PRESENT, 1);
    Ok(Logic::any([Logic::all([is_beside.clone(), beside]), Logic::all([is_beside.negated(), in_bytes])]))
}
