//! From a text to what Rhai runs: the token pass, the parser, the check of names; and back from Rhai's positions to
//! what the user typed.

use std::rc::Rc;

use rhai::{AST, Engine, EvalAltResult, ParseError, ParseErrorType, Position};

use super::func::describe;
use super::names;
use super::state::State;
use super::sugar::{ColumnMap, Fault, Mode, sugar};
use super::trouble::{Place, Said, Trouble};
use crate::base::nearest::did_you_mean;

/// The texts of a session. Each begins at a line number of its own, so that a position names its text, too:
/// functions of earlier lines stay callable, and their errors point at the line that defined them.
#[derive(Debug, Default)]
pub(super) struct Sources {
    list: Vec<Source>,
}

#[derive(Debug)]
struct Source {
    name: Rc<str>,
    text: Rc<str>,
    map: ColumnMap,
    /// Lines before its first one.
    base: usize,
}

/// The name of a text that was typed at the prompt.
pub(super) const PROMPT: &str = "<prompt>";

/// Rhai counts lines to 65,535; after that the numbers begin again, and the oldest texts are forgotten.
const MOST_LINES: usize = 60_000;

impl Sources {
    fn next_base(&mut self, lines: usize) -> usize {
        let base = self.list.last().map_or(0, |s| s.base + s.text.lines().count().max(1));
        if base + lines > MOST_LINES {
            self.list.clear();
            return 0;
        }
        base
    }

    /// What was written on a line: its text at the prompt, its number in a script.
    pub(super) fn name_of_line(&self, line: usize) -> String {
        match self.place(line, 1, 1, true) {
            Some(place) if &*place.name == PROMPT => {
                let text = place.text.lines().nth(place.line - 1).unwrap_or("").trim();
                format!("`{}`", text.chars().take(60).collect::<String>())
            }
            Some(place) => format!("line {}", place.line),
            None => format!("line {line}"),
        }
    }

    /// The place that a position in rewritten text means, to be marked over `length` characters.
    fn place(&self, line: usize, column: usize, length: usize, rewritten: bool) -> Option<Place> {
        let source = self.list.iter().rfind(|s| s.base < line)?;
        let (line, column) = if rewritten { source.map.original(line, column) } else { (line, column) };
        let line = line.checked_sub(source.base).filter(|l| *l > 0)?;
        Some(Place { name: source.name.clone(), text: source.text.clone(), line, column: column.max(1), length })
    }
}

/// Compiles a text for the session: rewritten, parsed, and with all names known.
pub(super) fn compile(engine: &Engine, state: &State, name: &str, text: &str, mode: Mode) -> Result<AST, Trouble> {
    // `#!/usr/bin/env pktsh` is a comment for us.
    let text: Rc<str> = text.strip_prefix("#!").map_or_else(|| text.into(), |rest| format!("//{rest}").into());
    let base = state.sources.borrow_mut().next_base(text.lines().count());
    let padded = format!("{}{text}", "\n".repeat(base));
    let source = Source { name: name.into(), text: text.clone(), map: ColumnMap::default(), base };
    state.sources.borrow_mut().list.push(source);

    let known = state.known.borrow();
    let sugared = sugar(&padded, &known, mode).map_err(|fault| at_fault(state, fault))?;
    if let Some(source) = state.sources.borrow_mut().list.last_mut() {
        source.map = sugared.map.clone();
    }
    let ast = engine.compile(&*sugared.text).map_err(|error| parse_trouble(state, &error))?;
    names::check(&ast, &known, &sugared).map_err(|fault| at_fault(state, fault))?;
    Ok(ast)
}

fn at_fault(state: &State, fault: Fault) -> Trouble {
    let place = state.sources.borrow().place(fault.line, fault.column, fault.length.max(1), false);
    Trouble { place, ..Trouble::new(fault.message) }
}

fn parse_trouble(state: &State, error: &ParseError) -> Trouble {
    let mut message = match error.err_type() {
        ParseErrorType::MismatchedType(..) => NOT_A_CONDITION.to_owned(),
        other => other.to_string(),
    };
    if let Some(first) = message.get(..1) {
        message = format!("{}{}", first.to_lowercase(), &message[1..]);
    }
    Trouble { place: place_of(state, error.position(), None), ..Trouble::new(message) }
}

/// Where a position points, over the whole word there; or over `word`, if it comes soon after.
fn place_of(state: &State, position: Position, word: Option<&str>) -> Option<Place> {
    let (line, column) = (position.line()?, position.position().unwrap_or(1));
    let mut place = state.sources.borrow().place(line, column, 1, true)?;
    let text = place.text.clone();
    if let Some((line, column)) = word.and_then(|word| find_word(&text, place.line, place.column, word)) {
        (place.line, place.column) = (line, column);
        place.length = word.map_or(1, |w| w.chars().count()).max(1);
        return Some(place);
    }
    let rest = text.lines().nth(place.line - 1).unwrap_or("").chars().skip(place.column - 1);
    place.length = rest.take_while(|c| c.is_alphanumeric() || *c == '_').count().max(1);
    Some(place)
}

/// The first `word` at or after a place, in its line or the few that a call may go on over.
fn find_word(text: &str, line: usize, column: usize, word: &str) -> Option<(usize, usize)> {
    if word.is_empty() {
        return None;
    }
    for (i, content) in text.lines().enumerate().skip(line - 1).take(8) {
        let skip = if i + 1 == line { column - 1 } else { 0 };
        let start = content.char_indices().nth(skip).map_or(content.len(), |(at, _)| at);
        let found = content[start..].match_indices(word).find(|(at, _)| {
            let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let end = start + at + word.len();
            !is_part(content[..start + at].chars().next_back()) && !is_part(content[end..].chars().next())
        });
        if let Some((at, _)) = found {
            return Some((i + 1, content[..start + at].chars().count() + 1));
        }
    }
    None
}

/// What Rhai says went wrong, in our words and at the user's place.
pub(super) fn trouble(state: &State, error: EvalAltResult) -> Trouble {
    let mut calls = Vec::new();
    let mut error = error;
    loop {
        error = match error {
            EvalAltResult::ErrorInFunctionCall(name, _, inner, _) => {
                if !name.starts_with("anon$") {
                    calls.insert(0, name);
                }
                *inner
            }
            EvalAltResult::ErrorInModule(_, inner, _) => *inner,
            other => break in_words(state, other, calls),
        };
    }
}

fn in_words(state: &State, error: EvalAltResult, calls: Vec<String>) -> Trouble {
    let position = error.position();
    let mut word = None;
    let message = match error {
        EvalAltResult::ErrorRuntime(thrown, _) => match thrown.try_cast_result::<Trouble>() {
            Ok(trouble) => return Trouble { calls, ..trouble },
            Err(thrown) => match thrown.try_cast_result::<Said>() {
                Ok(said) => {
                    word = said.word;
                    said.message
                }
                Err(thrown) if thrown.is_unit() => "the script threw an error without a word".to_owned(),
                Err(thrown) => thrown.to_string(),
            },
        },
        other => translate(state, &other),
    };
    Trouble { place: place_of(state, position, word.as_deref()), calls, ..Trouble::new(message) }
}

const NOT_A_CONDITION: &str = "a condition is true or false: compare the value, like `x != 0`";

/// Rhai's own errors in the words of a beginner's next step.
fn translate(state: &State, error: &EvalAltResult) -> String {
    match error {
        EvalAltResult::ErrorDotExpr(what, _) | EvalAltResult::ErrorIndexingType(what, _)
            if what.contains("'()'") || what.starts_with("()") =>
        {
            let name = what.split('\'').nth(1).filter(|_| what.starts_with("Unknown property"));
            state.no_answer(&name.map_or_else(|| "[..]".to_owned(), |name| format!(".{name}")))
        }
        EvalAltResult::ErrorDotExpr(what, _) if what.starts_with("Unknown property") && what.contains("'array'") => {
            let name = what.split('\'').nth(1).unwrap_or_default();
            format!("a list has no \"{name}\", its items may: take one first, like [0].{name}")
        }
        EvalAltResult::ErrorPropertyNotFound(name, _) if name == "()" => state.no_answer(""),
        EvalAltResult::ErrorFunctionNotFound(signature, _) => not_found(state, signature),
        EvalAltResult::ErrorMismatchDataType(wanted, found, _) if wanted == "bool" => match found.rsplit("::").next() {
            Some("Packet" | "()") => {
                "a condition is true or false: ask `if r != None` whether there was an answer".into()
            }
            _ => format!("{NOT_A_CONDITION}; found {}", article(found)),
        },
        EvalAltResult::ErrorMismatchDataType(wanted, found, _) if !wanted.is_empty() => {
            format!("expected {}, found {}", article(wanted), article(found))
        }
        EvalAltResult::ErrorStackOverflow(_) => {
            "functions call one another too deeply; does a recursion miss its end?".into()
        }
        EvalAltResult::ErrorTerminated(why, _) if why.is_string() => why.to_string(),
        EvalAltResult::ErrorTerminated(why, _) => describe(why),
        EvalAltResult::ErrorModuleNotFound(name, _) => format!("no module \"{name}\": there is no file {name}.rhai"),
        other => {
            let mut bare = other.to_string();
            if let Some(at) = bare.rfind(" (line ") {
                bare.truncate(at);
            }
            bare
        }
    }
}

/// `show (())`: a function that exists, called on something else.
fn not_found(state: &State, signature: &str) -> String {
    let (name, arguments) = signature.split_once(" (").unwrap_or((signature, ""));
    let arguments = arguments.strip_suffix(')').unwrap_or(arguments);
    if name == "/" && arguments.ends_with(", ()") {
        return "there is no packet after the /: a method binds closer, so write (a/b).show() for a/b.show()".into();
    }
    if arguments.starts_with("()") {
        let used = if name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            format!(".{name}()")
        } else {
            format!(" {name} ..")
        };
        return state.no_answer(&used);
    }
    if matches!(name, "&" | "|") && arguments.contains("bool") {
        return format!("== binds closer than {name}, so a number meets true or false here: write (a {name} b) == c");
    }
    if name == "!" {
        return format!("! turns true into false; {} is neither: compare it, like `x == 0`", article(arguments));
    }
    let kinds: Vec<String> = arguments.split(", ").filter(|a| !a.is_empty()).map(article).collect();
    match name.chars().next() {
        Some(c) if (c.is_alphabetic() || c == '_') && !state.known.borrow().has_function(name) => {
            let known = state.known.borrow();
            let hint = did_you_mean(name, known.builtins.iter().chain(known.functions.keys()).map(String::as_str));
            format!("no function or method \"{name}\"{hint}")
        }
        Some(c) if c.is_alphabetic() || c == '_' => {
            format!("{name} does not take {}", if kinds.is_empty() { "nothing".into() } else { kinds.join(", ") })
        }
        _ => format!("{name} does not work between {}", kinds.join(" and ")),
    }
}

/// A type as people say it.
fn article(kind: &str) -> String {
    let plain = kind.rsplit("::").next().unwrap_or(kind);
    match plain {
        "i64" | "INT" => "a number".into(),
        "f64" => "a number with a fraction".into(),
        "string" | "&str | ImmutableString | String" | "ImmutableString" => "text".into(),
        "()" => "None".into(),
        "bool" => "true or false".into(),
        "array" | "Array" => "a list".into(),
        "map" | "Map" => "a map".into(),
        "Fn" => "a function".into(),
        other if other.starts_with(['A', 'E', 'I', 'O', 'U', 'a', 'e', 'i', 'o', 'u']) => format!("an {other}"),
        other => format!("a {other}"),
    }
}
