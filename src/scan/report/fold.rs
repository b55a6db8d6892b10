//! Ports that are counted instead of listed: more than a screen holds in one state, as Nmap folds them.

use crate::base::ports::Proto;
use crate::scan::outcome::Row;
use crate::scan::state::{Reason, State};

/// A state other than open with more ports than this is folded.
const MOST_LISTED: usize = 25;

/// The ports of one state.
#[derive(Debug, PartialEq)]
pub(super) struct Folded {
    pub(super) state: State,
    pub(super) count: usize,
    /// Why, the commonest first: reason, protocol, ports.
    pub(super) reasons: Vec<(Reason, Proto, Vec<u16>)>,
}

/// Parts rows into those to list and the states to count, in the order of [`State::ALL`].
pub(super) fn fold<'a>(rows: &[&'a Row]) -> (Vec<&'a Row>, Vec<Folded>) {
    let count = |state| rows.iter().filter(|row| row.state == state).count();
    let many: Vec<(State, usize)> = State::ALL
        .into_iter()
        .map(|state| (state, count(state)))
        .filter(|&(state, count)| state != State::Open && count > MOST_LISTED)
        .collect();
    let is_folded = |row: &&&Row| many.iter().any(|(state, _)| *state == row.state);
    let listed = rows.iter().filter(|row| !is_folded(row)).copied().collect();
    (listed, many.into_iter().map(|(state, count)| Folded { state, count, reasons: reasons(rows, state) }).collect())
}

fn reasons(rows: &[&Row], state: State) -> Vec<(Reason, Proto, Vec<u16>)> {
    let mut reasons: Vec<(Reason, Proto, Vec<u16>)> = Vec::new();
    for row in rows.iter().filter(|row| row.state == state) {
        match reasons.iter_mut().find(|(reason, proto, _)| (*reason, *proto) == (row.reason, row.proto)) {
            Some((.., ports)) => ports.push(row.port),
            None => reasons.push((row.reason, row.proto, vec![row.port])),
        }
    }
    reasons.sort_by_key(|(.., ports)| std::cmp::Reverse(ports.len()));
    reasons
}
