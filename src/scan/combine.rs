//! What several kinds of scan say of one port together.

use super::kinds::Kind;
use super::outcome::Row;
use super::state::State;

/// The row for a port of which several kinds have spoken, each with a row of its own.
///
/// A state leaves some of open, closed and filtered; what all kinds leave is what is known. Where they leave nothing
/// (a filter that lets some probes through and not others), the kind whose word weighs most is believed, the first of
/// equals. The note says how it came about.
pub(super) fn combine(mut rows: Vec<Row>) -> Row {
    if rows.len() == 1 {
        return rows.remove(0);
    }
    let weight = |row: &Row| Kind::named(&row.kind).map_or(2, |kind| kind.weight);
    let left = rows.iter().fold(0b111, |left, row| left & row.state.leaves());
    let (state, note) = match State::that_leaves(left) {
        Some(state) => (state, agreed(&rows, state)),
        None => {
            let heaviest = rows.iter().map(weight).max().unwrap_or(0);
            let believed = rows.iter().find(|row| weight(row) == heaviest).unwrap_or(&rows[0]);
            (believed.state, disagreed(&rows, believed))
        }
    };
    // The packet and the reason are those of the kind that says just this, or says the most.
    let decides = |row: &&Row| row.state == state;
    let by_answer = |row: &&Row| row.ttl.is_some();
    let shown = rows.iter().find(decides).or_else(|| rows.iter().find(by_answer)).unwrap_or(&rows[0]);
    let kind = rows.iter().map(|row| &*row.kind).collect::<Vec<_>>().join("+");
    Row {
        kind: kind.into(),
        state,
        note: note.into(),
        tries: rows.iter().map(|row| row.tries).sum(),
        verdicts: rows.clone(),
        ..shown.clone()
    }
}

fn said(rows: &[Row]) -> String {
    rows.iter().map(|row| format!("{} by {}", row.state, row.kind)).collect::<Vec<_>>().join(", ")
}

fn agreed(rows: &[Row], state: State) -> String {
    if rows.iter().all(|row| row.state == state) {
        return rows.iter().map(|row| &*row.note).find(|note| !note.is_empty()).unwrap_or_default().to_owned();
    }
    format!("{}: only {state} is both", said(rows))
}

/// A filter that tells probes apart is the usual reason; what the others found stands behind it.
fn disagreed(rows: &[Row], believed: &Row) -> String {
    let others: Vec<Row> = rows.iter().filter(|row| row.state != believed.state).cloned().collect();
    let behind = others.iter().fold(0b111, |left, row| left & row.state.leaves());
    let behind = State::that_leaves(behind).filter(|_| believed.state == State::Filtered);
    let behind = behind.map(|state| format!("; behind the filter it is {state}")).unwrap_or_default();
    format!("{}: a filter tells them apart{behind}", said(rows))
}
