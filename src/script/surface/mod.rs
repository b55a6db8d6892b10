//! The rows of the script surface, a file per subject. A new function is a row here and nothing else.

mod captures;
mod exchange;
mod lists;
mod packets;
pub mod scans;
mod session;
mod sets;

pub(super) use captures::fault;

use super::func::{Func, Kind, Param};

/// All functions but the layers' constructors, in the order of `lsc()`.
pub fn all() -> impl Iterator<Item = &'static Func> {
    exchange::ROWS
        .iter()
        .chain(packets::ROWS)
        .chain(lists::ROWS)
        .chain(captures::ROWS)
        .chain(scans::ROWS)
        .chain(sets::ROWS)
        .chain(session::ROWS)
}

/// A parameter that must be given.
const fn need(name: &'static str, kind: Kind, doc: &'static str) -> Param {
    Param { name, kind, default: None, doc }
}

/// A parameter with a default, written as it would be typed.
const fn opt(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Param {
    Param { name, kind, default: Some(default), doc }
}
