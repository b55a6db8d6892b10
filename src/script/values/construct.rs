//! Layers as functions: `TCP(dport=80)`. They are called more than anything else, so they skip the rows' binding.

use std::rc::Rc;

use rhai::{Blob, Dynamic, Map};

use super::Fallible;
use super::fields::set_field;
use crate::layers;
use crate::packet::{Header, LayerDesc, Packet};
use crate::script::func::{at_word, describe, say, say_at};
use crate::script::natives::Natives;
use crate::script::state::State;
use crate::script::sugar::KEYWORDS;

/// Adds the constructors of all layers.
pub(in crate::script) fn constructors(natives: &mut Natives, state: &Rc<State>) {
    for desc in layers::ALL {
        for count in 0..=2 {
            let state = Rc::clone(state);
            natives.add_any(desc.name, count, move |_, args| construct(&state, desc, args).map(Dynamic::from));
        }
    }
}

fn construct(state: &State, desc: &'static LayerDesc, args: &[&mut Dynamic]) -> Fallible<Packet> {
    let keywords = args.last().and_then(|last| last.read_lock::<Map>());
    let positional = args.len() - usize::from(keywords.is_some());
    let mut packet = Packet::new(desc);
    if let Some(map) = keywords {
        // In the order of the table: a field may depend on an earlier one.
        let mut named: Vec<(usize, &str, &Dynamic)> = Vec::with_capacity(map.len());
        for (key, value) in map.iter().filter(|(key, _)| *key != KEYWORDS) {
            let Some(at) = desc.fields.iter().position(|f| f.name == key.as_str()) else {
                return Err(say_at(desc.no_field(key).to_string(), key));
            };
            named.push((at, key, value));
        }
        named.sort_unstable_by_key(|(at, ..)| *at);
        for (_, key, value) in named {
            set_field(state, &mut packet, 0, key, value)?;
        }
    }
    match positional {
        0 => Ok(packet),
        1 => first_argument(state, desc, packet, args[0]),
        n => Err(say(format!(
            "{} takes one argument without a name, found {n}; name the fields: {}",
            desc.name,
            example(desc)
        ))),
    }
}

fn example(desc: &LayerDesc) -> String {
    let fields: Vec<String> = desc.fields.iter().take(2).map(|f| format!("{}=..", f.name)).collect();
    format!("{}({})", desc.name, fields.join(", "))
}

/// The one argument without a name: text and numbers go to their field, a blob is dissected.
fn first_argument(state: &State, desc: &'static LayerDesc, mut packet: Packet, given: &Dynamic) -> Fallible<Packet> {
    if let Some(bytes) = given.read_lock::<Blob>()
        && desc.header != Header::Rest
    {
        return Ok(layers::dissect(desc, &bytes.as_slice().into()));
    }
    let field = match (given.as_int().is_ok(), desc.int_field) {
        (true, Some(field)) => field,
        _ if given.is_map() || given.is_unit() || given.is::<Packet>() => "",
        (true, None) => "",
        (false, _) => desc.text_field.unwrap_or(""),
    };
    if field.is_empty() {
        let found = describe(given);
        return Err(say(format!("{}: name the field that {found} is for, like {}", desc.name, example(desc))));
    }
    set_field(state, &mut packet, 0, field, given).map_err(|error| at_word(*error, &given.to_string()))?;
    Ok(packet)
}
