//! What exchanges give: results, their answered rows, and lists of packets.

use std::rc::Rc;

use rhai::{Array, Dynamic, Engine, INT};

use super::Fallible;
use crate::packet::Packet;
use crate::script::func::say;
use crate::script::state::State;
use crate::script::table;

/// A probe with its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The probe, as sent.
    pub query: Packet,
    /// Its answer.
    pub answer: Packet,
}

/// The answered probes of an exchange, in the order of the answers.
#[derive(Clone, Debug, Default)]
pub struct Rows(pub Rc<Vec<Row>>);

/// Packets, as `r.unanswered` holds them.
#[derive(Clone, Debug, Default)]
pub struct Packets(pub Rc<Vec<Packet>>);

/// What `sr` gives: `.answered` (`.ans`) and `.unanswered` (`.unans`).
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Probes that were answered, with their answers.
    pub answered: Rows,
    /// Probes that were not.
    pub unanswered: Packets,
}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = std::vec::IntoIter<Row>;
    fn into_iter(self) -> Self::IntoIter {
        Rc::unwrap_or_clone(self.0).into_iter()
    }
}

impl IntoIterator for Packets {
    type Item = Packet;
    type IntoIter = std::vec::IntoIter<Packet>;
    fn into_iter(self) -> Self::IntoIter {
        Rc::unwrap_or_clone(self.0).into_iter()
    }
}

pub(super) fn register(engine: &mut Engine, state: &Rc<State>) {
    engine.register_type_with_name::<Results>("Results");
    engine.register_type_with_name::<Rows>("Answers");
    engine.register_type_with_name::<Row>("Answer");
    engine.register_type_with_name::<Packets>("Packets");
    engine.register_iterator::<Rows>().register_iterator::<Packets>();
    for name in ["answered", "ans"] {
        engine.register_get(name, |r: &mut Results| r.answered.clone());
    }
    for name in ["unanswered", "unans"] {
        engine.register_get(name, |r: &mut Results| r.unanswered.clone());
    }
    engine.register_get("query", |r: &mut Row| r.query.clone()).register_get("answer", |r: &mut Row| r.answer.clone());
    engine.register_indexer_get(|r: &mut Row, index: INT| match index {
        0 => Ok(r.query.clone()),
        1 => Ok(r.answer.clone()),
        _ => Err(say(format!("a row has [0], the query, and [1], the answer; found [{index}]"))),
    });
    engine.register_indexer_get(|r: &mut Results, index: INT| match index {
        0 => Ok(Dynamic::from(r.answered.clone())),
        1 => Ok(Dynamic::from(r.unanswered.clone())),
        _ => Err(say(format!("results have [0], the answered, and [1], the unanswered; found [{index}]"))),
    });
    engine.register_indexer_get(|r: &mut Rows, index: INT| at(&r.0, index));
    engine.register_indexer_get(|r: &mut Packets, index: INT| at(&r.0, index));
    for name in ["to_string", "to_debug"] {
        let shared = Rc::clone(state);
        engine.register_fn(name, move |r: &mut Row| {
            format!("{} | {}", shared.summary(&r.query), shared.summary(&r.answer))
        });
        let shared = Rc::clone(state);
        engine.register_fn(name, move |r: &mut Rows| table::rows(&shared, r));
        let shared = Rc::clone(state);
        engine.register_fn(name, move |r: &mut Packets| table::packets(&shared, r));
        let shared = Rc::clone(state);
        engine.register_fn(name, move |r: &mut Results| table::results(&shared, r));
    }
}

/// Item `index` of a list; a negative one counts from the end, as in Rhai's arrays.
fn at<T: Clone>(list: &[T], index: INT) -> Fallible<T> {
    let found = if index < 0 { list.len().checked_sub(index.unsigned_abs() as usize) } else { Some(index as usize) };
    found.and_then(|i| list.get(i)).cloned().ok_or_else(|| say(format!("no item {index} in a list of {}", list.len())))
}

/// The items of one of our lists; of results, the answered rows.
pub(in crate::script) fn items(given: &Dynamic) -> Option<Array> {
    if let Some(rows) = given.read_lock::<Rows>() {
        return Some(rows.0.iter().cloned().map(Dynamic::from).collect());
    }
    if let Some(results) = given.read_lock::<Results>() {
        return Some(results.answered.0.iter().cloned().map(Dynamic::from).collect());
    }
    given.read_lock::<Packets>().map(|packets| packets.0.iter().cloned().map(Dynamic::from).collect())
}
