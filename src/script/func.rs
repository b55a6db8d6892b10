//! One row per function of the script surface. Registration, keyword checks, `help(f)` and `lsc()` read the same row.

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, INT, ImmutableString, Map, NativeCallContext, Position};

use super::state::State;
use super::sugar::KEYWORDS;
use super::trouble::Said;
use super::values::Packets;
use crate::base::nearest::did_you_mean;
use crate::packet::{LayerDesc, Packet};

/// What a function of ours gives back.
pub(super) type Reply = Result<Dynamic, Box<EvalAltResult>>;

/// A function that scripts call.
pub struct Func {
    /// Scapy's name, else Nmap's, else the RFC's.
    pub name: &'static str,
    /// The heading that `lsc()` lists it under.
    pub group: &'static str,
    /// What it does, in one sentence.
    pub doc: &'static str,
    /// Its parameters: positional ones in this order, any of them by keyword.
    pub params: &'static [Param],
    /// Whether more positional arguments may follow.
    pub more: bool,
    /// What it gives back, in a few words.
    pub gives: &'static str,
    /// Lines to try, all in the laboratory; a test runs them.
    pub examples: &'static [&'static str],
    /// The work.
    pub(super) run: fn(&mut Call<'_, '_>) -> Reply,
}

/// The arguments of a call: one place for each parameter, and those after the parameters.
type Bound = (Vec<Option<Dynamic>>, Vec<Dynamic>);

/// A parameter of a [`Func`].
#[derive(Clone, Copy)]
pub struct Param {
    /// Its name, also as keyword.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Its default as it would be typed; `None` when it must be given.
    pub default: Option<&'static str>,
    /// What it means, with its unit.
    pub doc: &'static str,
}

/// What a parameter takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A packet.
    Packet,
    /// A packet, or a list of packets.
    Packets,
    /// A layer: `TCP`.
    Layer,
    /// Seconds, whole or with a fraction.
    Seconds,
    /// A whole number, 0 or more.
    Count,
    /// `true` or `false`.
    Bool,
    /// Text.
    Text,
    /// A function or closure.
    Function,
    /// Anything; the function says what.
    Any,
}

impl Kind {
    /// As a message says it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Packet => "a packet like IP(\"web.lab\")/TCP()",
            Self::Packets => "a packet like IP(\"web.lab\")/TCP(), or a list of packets",
            Self::Layer => "a layer like TCP",
            Self::Seconds => "seconds like 2 or 0.5",
            Self::Count => "a whole number, 0 or more",
            Self::Bool => "true or false",
            Self::Text => "text in double quotes",
            Self::Function => "a function or closure like |p| p.summary()",
            Self::Any => "a value",
        }
    }

    fn accepts(self, value: &Dynamic) -> bool {
        match self {
            Self::Packet => value.is::<Packet>(),
            Self::Packets => packets(value).is_some(),
            Self::Layer => value.is::<&'static LayerDesc>(),
            Self::Seconds => seconds(value).is_some(),
            Self::Count => value.as_int().is_ok_and(|n| n >= 0),
            Self::Bool => value.is_bool(),
            Self::Text => value.is_string(),
            Self::Function => value.is::<FnPtr>(),
            Self::Any => true,
        }
    }
}

/// A packet, or the packets of a list.
fn packets(value: &Dynamic) -> Option<Vec<Packet>> {
    if let Some(packet) = value.read_lock::<Packet>() {
        return Some(vec![packet.clone()]);
    }
    if let Some(list) = value.read_lock::<Packets>() {
        return Some(list.clone().into_iter().collect());
    }
    let items = value.read_lock::<Array>()?;
    items.iter().map(|item| item.read_lock::<Packet>().map(|packet| packet.clone())).collect()
}

/// A span in seconds, 0 to about 31 years.
fn seconds(value: &Dynamic) -> Option<f64> {
    let seconds = value.as_float().ok().or_else(|| value.as_int().ok().map(|n| n as f64))?;
    (0.0..=1e9).contains(&seconds).then_some(seconds)
}

impl Func {
    /// `sr1(packet, timeout=2, ..)`, as `help` shows it.
    pub fn signature(&self) -> String {
        let mut params: Vec<String> = self
            .params
            .iter()
            .map(|p| p.default.map_or_else(|| p.name.to_owned(), |default| format!("{}={default}", p.name)))
            .collect();
        if self.more {
            params.push("..".into());
        }
        format!("{}({})", self.name, params.join(", "))
    }

    /// Puts the arguments of a call in the places of the parameters and checks them.
    fn bind(&self, given: &mut [&mut Dynamic]) -> Result<Bound, Box<EvalAltResult>> {
        let keywords = given.last().is_some_and(|last| is_keywords(last));
        let positional = given.len() - usize::from(keywords);
        let mut args: Vec<Option<Dynamic>> = vec![None; self.params.len()];
        let mut rest = Vec::new();
        for (i, value) in given[..positional].iter_mut().enumerate() {
            // The first argument may be the caller's variable itself; the others are copies already.
            let value = if i == 0 { value.clone() } else { std::mem::take(*value) }.flatten();
            match args.get_mut(i) {
                Some(slot) => *slot = Some(value),
                None if self.more => rest.push(value),
                None => {
                    let most = self.params.len();
                    return Err(say(format!(
                        "{} takes {most} argument{} at most, found {positional}: {}",
                        self.name,
                        if most == 1 { "" } else { "s" },
                        self.signature()
                    )));
                }
            }
        }
        if keywords && let Some(map) = given.last().and_then(|last| last.read_lock::<Map>()) {
            for (key, value) in map.iter().filter(|(key, _)| *key != KEYWORDS) {
                let Some(at) = self.params.iter().position(|p| p.name == key.as_str()) else {
                    return Err(self.no_keyword(key));
                };
                if args[at].replace(value.clone().flatten()).is_some() {
                    return Err(say_at(format!("{}: {key} is given twice", self.name), key));
                }
            }
        }
        for (param, value) in self.params.iter().zip(&mut args) {
            self.check(param, value)?;
        }
        Ok((args, rest))
    }

    fn check(&self, param: &Param, value: &mut Option<Dynamic>) -> Result<(), Box<EvalAltResult>> {
        match value {
            None if param.default.is_none() => Err(say(format!(
                "{}: {} is missing ({}): {}",
                self.name,
                param.name,
                param.kind.words(),
                self.signature()
            ))),
            // `None` for a parameter with a default means the default.
            Some(given) if given.is_unit() && param.default.is_some() && param.kind != Kind::Any => {
                *value = None;
                Ok(())
            }
            Some(given) if !param.kind.accepts(given) => {
                let found = describe(given);
                Err(say(format!("{}: {} takes {}, found {found}", self.name, param.name, param.kind.words())))
            }
            _ => Ok(()),
        }
    }

    fn no_keyword(&self, key: &str) -> Box<EvalAltResult> {
        let names = || self.params.iter().map(|p| p.name);
        let mut hint = did_you_mean(key, names());
        if hint.is_empty() {
            let names: Vec<&str> = names().collect();
            hint = format!("; it takes {}", if names.is_empty() { "none".into() } else { names.join(", ") });
        }
        say_at(format!("{}: no keyword \"{}\"{hint}", self.name, key.escape_debug()), key)
    }

    /// Calls it from Rhai.
    pub(super) fn call(&self, cx: &NativeCallContext<'_>, state: &State, given: &mut [&mut Dynamic]) -> Reply {
        if let Some(said) = given.first().and_then(|first| self.called_on_none(first, state)) {
            return Err(said);
        }
        let (args, rest) = self.bind(given)?;
        (self.run)(&mut Call { cx, state, func: self, args, rest })
    }

    /// A call on `None` where a packet or a result is wanted: the commonest mistake of a first script.
    fn called_on_none(&self, first: &Dynamic, state: &State) -> Option<Box<EvalAltResult>> {
        let wants_value = self.params.first().is_some_and(|p| p.default.is_none());
        let is_packet = self
            .params
            .first()
            .is_some_and(|p| matches!(p.kind, Kind::Packet | Kind::Packets) || self.group == "packets");
        (first.is_unit() && wants_value && is_packet).then(|| say(state.no_answer(&format!(".{}()", self.name))))
    }
}

/// Whether a value is the map of keyword arguments that the token pass made.
fn is_keywords(value: &Dynamic) -> bool {
    value.is_map() && value.read_lock::<Map>().is_some_and(|map| map.contains_key(KEYWORDS))
}

/// A call of a [`Func`], its arguments bound and checked.
pub(super) struct Call<'a, 'cx> {
    pub(super) cx: &'a NativeCallContext<'cx>,
    pub(super) state: &'a State,
    pub(super) func: &'a Func,
    args: Vec<Option<Dynamic>>,
    /// Positional arguments after the parameters.
    pub(super) rest: Vec<Dynamic>,
}

impl Call<'_, '_> {
    /// Argument `at`, taken out.
    pub(super) fn take(&mut self, at: usize) -> Option<Dynamic> {
        self.args.get_mut(at).and_then(Option::take)
    }

    pub(super) fn packet(&mut self, at: usize) -> Packet {
        // The binding has checked the kind of every argument that must be there.
        self.take(at).and_then(Dynamic::try_cast).unwrap_or_else(|| Packet::from_layers(Vec::new()))
    }

    pub(super) fn packets(&mut self, at: usize) -> Vec<Packet> {
        self.take(at).and_then(|given| packets(&given)).unwrap_or_default()
    }

    pub(super) fn text(&mut self, at: usize) -> Option<ImmutableString> {
        self.take(at).and_then(|v| v.into_immutable_string().ok())
    }

    pub(super) fn seconds(&mut self, at: usize) -> Option<std::time::Duration> {
        self.take(at).and_then(|v| seconds(&v)).map(std::time::Duration::from_secs_f64)
    }

    pub(super) fn count(&mut self, at: usize) -> Option<u64> {
        self.take(at).and_then(|v| v.as_int().ok()).map(|n| n as u64)
    }

    pub(super) fn is_true(&mut self, at: usize) -> bool {
        self.take(at).is_some_and(|v| v.as_bool().unwrap_or(false))
    }

    /// A value as `print` prints it, by the function that its type registered.
    pub(super) fn text_of(&self, value: Dynamic) -> Result<String, Box<EvalAltResult>> {
        self.cx.call_native_fn::<ImmutableString>("to_string", (value,)).map(Into::into)
    }

    /// An error that begins with the function's name.
    pub(super) fn fail(&self, message: impl std::fmt::Display) -> Box<EvalAltResult> {
        say(format!("{}: {message}", self.func.name))
    }
}

/// An error on its way to the user.
pub(super) fn say(message: impl Into<String>) -> Box<EvalAltResult> {
    let said = Said { message: message.into(), word: None };
    EvalAltResult::ErrorRuntime(Dynamic::from(said), Position::NONE).into()
}

/// The same, with the word that the caret belongs under.
pub(super) fn say_at(message: impl Into<String>, word: &str) -> Box<EvalAltResult> {
    let said = Said { message: message.into(), word: Some(word.to_owned()) };
    EvalAltResult::ErrorRuntime(Dynamic::from(said), Position::NONE).into()
}

/// The same error, with the caret under another word.
pub(super) fn at_word(error: EvalAltResult, word: &str) -> Box<EvalAltResult> {
    match error {
        EvalAltResult::ErrorRuntime(thrown, at) => match thrown.try_cast_result::<Said>() {
            Ok(said) => {
                EvalAltResult::ErrorRuntime(Dynamic::from(Said { word: Some(word.to_owned()), ..said }), at).into()
            }
            Err(thrown) => EvalAltResult::ErrorRuntime(thrown, at).into(),
        },
        other => other.into(),
    }
}

/// A value as a message names it: `the number 5`, `text "abc"`, `None`.
pub(super) fn describe(value: &Dynamic) -> String {
    if value.is_unit() {
        return "None".into();
    }
    if let Ok(n) = value.as_int() {
        return format!("the number {n}");
    }
    if let Some(text) = value.read_lock::<ImmutableString>() {
        let shown: String = text.chars().take(40).collect();
        return format!("text \"{}\"", shown.escape_debug());
    }
    if let Some(desc) = value.read_lock::<&'static LayerDesc>() {
        return format!("the layer {0} (write {0}() for a packet)", desc.name);
    }
    match value.type_name() {
        "f64" => format!("the number {value}"),
        "bool" => format!("{}", value.as_bool().unwrap_or_default()),
        "array" => "a list".into(),
        "map" => "a map".into(),
        "blob" => "bytes".into(),
        "Fn" => "a function".into(),
        "char" => "a character".into(),
        other if other == std::any::type_name::<Packet>() => "a packet".into(),
        other => format!("a value of type {}", other.rsplit("::").next().unwrap_or(other)),
    }
}

/// Whole numbers as scripts see them.
pub(super) fn int(n: impl TryInto<INT>) -> Dynamic {
    n.try_into().map_or(Dynamic::UNIT, Dynamic::from_int)
}
