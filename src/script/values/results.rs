//! What exchanges give: results, and their answered rows.

use std::rc::Rc;

use rhai::{Dynamic, Engine, INT};

use super::Packets;
use super::lists::place;
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

pub(super) fn register(engine: &mut Engine, state: &Rc<State>) {
    engine.register_type_with_name::<Results>("Results");
    engine.register_type_with_name::<Rows>("Answers");
    engine.register_type_with_name::<Row>("Answer");
    engine.register_iterator::<Rows>();
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
    engine.register_indexer_get(|r: &mut Rows, index: INT| place(r.0.len(), index).map(|at| r.0[at].clone()));
    for name in ["to_string", "to_debug"] {
        let shared = Rc::clone(state);
        engine.register_fn(name, move |r: &mut Row| {
            format!("{} | {}", shared.summary(&r.query), shared.summary(&r.answer))
        });
        let shared = Rc::clone(state);
        engine.register_fn(name, move |r: &mut Rows| table::rows(&shared, r));
        let shared = Rc::clone(state);
        engine.register_fn(name, move |r: &mut Results| table::results(&shared, r));
    }
}
