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

/// Nothing, where one of the kinds says it alone; else how they come to it.
fn agreed(rows: &[Row], state: State) -> String {
    if let Some(row) = rows.iter().find(|row| row.state == state) {
        return row.note.to_string();
    }
    let said: Vec<String> = rows.iter().map(|row| format!("{} by {}", row.state, row.kind)).collect();
    format!("{} leave only {state}", said.join(" and "))
}

/// A filter that tells probes apart is the usual reason; what the others found stands behind it.
fn disagreed(rows: &[Row], believed: &Row) -> String {
    let others = rows.iter().filter(|row| row.state != believed.state);
    let behind = State::that_leaves(others.fold(0b111, |left, row| left & row.state.leaves()));
    match behind.filter(|_| believed.state == State::Filtered) {
        Some(state) => format!("a filter tells them apart; behind it: {state}"),
        None => "a filter or the stack tells them apart".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ports::Proto;
    use crate::scan::Reason;

    fn row((kind, state): (&str, State)) -> Row {
        Row {
            host: 0,
            port: 80,
            proto: Proto::Tcp,
            kind: kind.into(),
            state,
            reason: Reason::NoResponse,
            reason_ip: None,
            ttl: None,
            tries: 1,
            rtt: None,
            service: "".into(),
            note: "".into(),
            answer: None,
            verdicts: Vec::new(),
        }
    }

    #[test]
    fn what_several_kinds_leave_is_what_is_known() {
        use State::{Closed, ClosedFiltered, Filtered, Open, OpenFiltered, Unfiltered};
        type Case = (&'static [(&'static str, State)], State, &'static str);
        let cases: &[Case] = &[
            (
                &[("fin", OpenFiltered), ("ack", Unfiltered)],
                Open,
                "open|filtered by fin and unfiltered by ack leave only open",
            ),
            (&[("syn", Open), ("ack", Unfiltered)], Open, ""),
            (&[("fin", Closed), ("ack", Unfiltered)], Closed, ""),
            (&[("fin", OpenFiltered), ("ack", Filtered)], Filtered, ""),
            (
                &[("idle", ClosedFiltered), ("ack", Unfiltered)],
                Closed,
                "closed|filtered by idle and unfiltered by ack leave only closed",
            ),
            (
                &[("idle", ClosedFiltered), ("fin", OpenFiltered)],
                Filtered,
                "closed|filtered by idle and open|filtered by fin leave only filtered",
            ),
            (&[("syn", Filtered), ("ack", Unfiltered)], Filtered, "a filter tells them apart; behind it: unfiltered"),
            (
                &[("fin", OpenFiltered), ("ack", Unfiltered), ("syn", Filtered)],
                Filtered,
                "a filter tells them apart; behind it: open",
            ),
            (&[("window", Open), ("syn", Closed)], Closed, "a filter or the stack tells them apart"),
            (&[("syn", Open)], Open, ""),
        ];
        for (said, state, note) in cases {
            let whole = combine(said.iter().copied().map(row).collect());
            assert_eq!((whole.state, &*whole.note), (*state, *note), "{said:?}");
            assert_eq!(whole.tries, said.len() as u32);
        }
    }
}
