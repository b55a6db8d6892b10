//! What a session shows as tables.

use super::state::State;
pub(crate) use crate::base::table::{plain, table};
use crate::lab::Plan;

use super::values::{Packets, Results, Rows};

/// More rows than a screen holds are counted, not printed.
const MOST_ROWS: usize = 1000;

/// The laboratory's hosts: name, first address, what can be learned there. `lab("host")` shows the other addresses.
pub(crate) fn hosts(plan: &Plan, width: usize) -> String {
    let rows = plan.list().into_iter().map(|host| {
        let first = host.addrs.first().map(ToString::to_string).unwrap_or_default();
        vec![host.name, first, host.about]
    });
    table(width, &["host", "address", "about"], rows)
}

/// Answered probes: number, probe, answer.
pub(super) fn rows(state: &State, rows: &Rows) -> String {
    let total = rows.0.len();
    if total == 0 {
        return "no answers".into();
    }
    let lines = rows
        .0
        .iter()
        .take(MOST_ROWS)
        .enumerate()
        .map(|(i, row)| vec![i.to_string(), state.summary(&row.query), state.summary(&row.answer)]);
    more(table(state.console.width(), &["", "probe", "answer"], lines), total)
}

/// Packets: number and summary.
pub(super) fn packets(state: &State, packets: &Packets) -> String {
    let total = packets.len();
    if total == 0 {
        return "no packets".into();
    }
    let lines = (0..total.min(MOST_ROWS)).map(|at| format!("{at:<4} {}", state.summary(&packets.at(at))));
    more(lines.collect::<Vec<_>>().join("\n"), total)
}

/// What `sr` brought: both lists.
pub(super) fn results(state: &State, results: &Results) -> String {
    let mut text = rows(state, &results.answered);
    if !results.unanswered.is_empty() {
        text = format!("{text}\nunanswered:\n{}", packets(state, &results.unanswered));
    }
    text
}

fn more(text: String, total: usize) -> String {
    if total > MOST_ROWS { format!("{text}\n.. and {} more", total - MOST_ROWS) } else { text }
}
