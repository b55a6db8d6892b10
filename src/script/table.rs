//! Tables as text, drawn by comfy-table.

use comfy_table::{ContentArrangement, Table, presets};

use super::state::State;
use crate::base::text::escape;
use crate::lab::Plan;

use super::values::{Packets, Results, Rows};

/// More rows than a screen holds are counted, not printed.
const MOST_ROWS: usize = 1000;

/// A table with a header in capitals, as wide as the screen at most.
pub(crate) fn table(width: usize, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let header: Vec<String> = header.iter().map(|h| h.to_uppercase()).collect();
    plain(width, &header.iter().map(String::as_str).collect::<Vec<_>>(), rows)
}

/// A table whose header is data.
pub(super) fn plain(width: usize, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(width).unwrap_or(u16::MAX)).force_no_tty();
    table.set_header(header.iter().map(|h| escape(h).into_owned()));
    for row in rows {
        table.add_row(row);
    }
    table.trim_fmt()
}

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
