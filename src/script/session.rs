//! A session: an engine with the surface registered, and what earlier lines left behind.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use rhai::{AST, Array, Blob, Dynamic, Engine, EvalAltResult, FnPtr, ImmutableString, Map, Scope};

use super::bounded;
use super::compile::{PROMPT, compile, trouble};
use super::func::Func;
use super::hidden;
use super::listen::{Caller, pump};
use super::modules::Files;
use super::names::Known;
use super::natives::Natives;
use super::state::{Console, Signals, State};
use super::sugar::{Constants, LAST, Mode, is_unfinished, see_constants};
use super::surface;
use super::trouble::Trouble;
use super::values::{self, Auto};
use crate::base::text::hex;
use crate::engine::Network;
use crate::lab::Plan;
use crate::layers;
use crate::packet::LayerDesc;
use crate::scan::Watchers;

/// How deep functions may call one another, and expressions nest: the same in debug and release builds.
const MOST_CALLS: usize = 64;
const MOST_NESTING: usize = 128;

/// What a session is made with.
pub struct Settings {
    /// Its networks.
    pub network: Network,
    /// The hosts of its laboratory, if it has one.
    pub plan: Option<Plan>,
    /// Where its words go.
    pub console: Box<dyn Console>,
    /// Who is told how scans go: reports, a live line.
    pub watchers: Watchers,
    /// Ctrl-C, counted by the signal handler.
    pub signals: Signals,
    /// Bytes of memory that the session's thread holds now, where that can be told; asked at every operation.
    pub memory: fn() -> Option<u64>,
    /// The most memory that a script may make the process use, in bytes.
    pub most_memory: u64,
    /// Whether each exchange ends in a line of account (at the prompt).
    pub accounts: bool,
    /// What reports give as the command of a scan, where it was not typed as a script.
    pub command: Option<String>,
}

/// An interpreter and everything that earlier lines left: variables, functions, networks.
pub struct Session {
    engine: Engine,
    state: Rc<State>,
    scope: Scope<'static>,
    /// Functions of earlier lines and scripts.
    functions: AST,
}

impl Session {
    /// A session with nothing in it. Opens no network and reads no file.
    pub fn new(settings: Settings) -> Self {
        let constants = Constants::default();
        let mut engine = Engine::new();
        let Settings { network, plan, console, watchers, signals, memory, most_memory, accounts, command } = settings;
        let state = State::new(network, plan, console, constants.clone(), watchers, signals);
        state.accounts.set(accounts);
        *state.command.borrow_mut() = command;
        limit(&mut engine, &state, memory, most_memory);
        values::register(&mut engine, &state);
        let mut natives = Natives::new();
        values::constructors(&mut natives, &state);
        surface::all().for_each(|func| add(&mut natives, &state, func));
        hidden::add(&mut natives, &state);
        bounded::register(&mut engine);
        natives.register_into(&mut engine);
        names_as_values(&state);
        see_constants(&mut engine, &constants);
        engine.set_module_resolver(Files::new(&state));
        let shared = Rc::clone(&state);
        engine.on_print(move |text| shared.console.print(text));
        let shared = Rc::clone(&state);
        engine.on_debug(move |text, _, _| shared.console.note(text));
        state.constant("args", Array::new().into());
        state.constant(LAST, Dynamic::UNIT);
        let mut known = Known::of(&engine);
        known.values = values_known();
        // Those that need an argument are values: the prompt shows what they take.
        let needs_nothing = |f: &&Func| f.params.iter().all(|p| p.default.is_some());
        known.commands = surface::all().filter(needs_nothing).map(|f| f.name.to_owned()).collect();
        *state.known.borrow_mut() = known;
        Self { engine, state, scope: Scope::new(), functions: AST::empty() }
    }

    /// Whether a text is the beginning of something: a bracket, a block, a text is still open.
    pub fn is_unfinished(&self, text: &str) -> bool {
        is_unfinished(&self.engine, text)
    }

    /// Runs what was typed at the prompt. Variables and functions stay, also when it ends in an error.
    pub fn line(&mut self, text: &str) -> Result<Dynamic, Trouble> {
        self.state.network.borrow().typed();
        let value = self.evaluate(PROMPT, text, Mode::Prompt)?;
        let caller = Caller::Prompt(&self.engine, &self.functions);
        pump(&caller, &self.state).map_err(|error| trouble(&self.state, *error))?;
        if !value.is_unit() {
            self.state.constant(LAST, value.clone());
        }
        Ok(value)
    }

    /// Runs a script with its arguments and gives the value of its last statement.
    pub fn script(&mut self, name: &str, text: &str, args: &[String]) -> Result<Dynamic, Trouble> {
        let args: Array = args.iter().map(|arg| ImmutableString::from(arg.as_str()).into()).collect();
        self.state.constant("args", args.into());
        self.evaluate(name, text, Mode::Script)
    }

    /// The exit code that `exit(code)` asked for, if it was called.
    pub fn exit_code(&self) -> Option<u8> {
        self.state.exit.get()
    }

    /// A value as the prompt shows it: a summary, a table, text in quotes; `None` for nothing.
    pub fn display(&self, value: &Dynamic) -> Option<String> {
        if value.is_unit() {
            return None;
        }
        if let Some(desc) = value.read_lock::<&'static LayerDesc>() {
            return Some(format!("{0}: {1} ls({0}) lists its fields.", desc.name, desc.doc));
        }
        let function = value.read_lock::<FnPtr>().and_then(|f| surface::all().find(|row| row.name == f.fn_name()));
        if let Some(func) = function {
            return Some(format!("{}: {} help({}) tells more.", func.signature(), func.doc, func.name));
        }
        if let Some(blob) = value.read_lock::<Blob>() {
            return Some(format!("unhex(\"{}\")", hex(&blob)));
        }
        if let Some(text) = value.read_lock::<Array>().and_then(|items| self.table(&items)) {
            return Some(text);
        }
        Some(self.text(value))
    }

    /// Names that can be completed or listed: functions, layers, variables.
    pub fn names(&self) -> Vec<String> {
        let known = self.state.known.borrow();
        let rows = surface::all().map(|f| f.name.to_owned());
        let layers = layers::ALL.iter().map(|d| d.name.to_owned());
        let own = known.functions.keys().chain(&known.variables).chain(&known.constants).cloned();
        rows.chain(layers).chain(own.filter(|name| !name.ends_with("__"))).collect()
    }

    /// A list of maps with the same keys as a table.
    fn table(&self, items: &Array) -> Option<String> {
        let keys: Vec<String> = items.first()?.read_lock::<Map>()?.keys().map(ToString::to_string).collect();
        let mut rows = Vec::with_capacity(items.len());
        for item in items {
            let map = item.read_lock::<Map>()?;
            if map.len() != keys.len() {
                return None;
            }
            let cells = keys.iter().map(|key| map.get(key.as_str()).map(|v| self.cell(v)));
            rows.push(cells.collect::<Option<Vec<String>>>()?);
        }
        let header: Vec<&str> = keys.iter().map(String::as_str).collect();
        Some(super::table::table(self.state.console.width(), &header, rows))
    }

    fn cell(&self, value: &Dynamic) -> String {
        match value.read_lock::<ImmutableString>() {
            Some(text) => crate::base::text::escape(&text).into_owned(),
            None => self.text(value),
        }
    }

    /// A value's text, by the function that its type registered.
    fn text(&self, value: &Dynamic) -> String {
        let text = self.engine.eval_fn_call::<ImmutableString>("to_debug", None, (value.clone(),));
        text.map_or_else(|_| value.to_string(), Into::into)
    }

    fn evaluate(&mut self, name: &str, text: &str, mode: Mode) -> Result<Dynamic, Trouble> {
        self.state.begin();
        let ast = compile(&self.engine, &self.state, name, text, mode)?;
        let mut whole = self.functions.clone();
        whole += ast;
        whole.set_source(name);
        self.state.network.borrow_mut().begin().map_err(|e| Trouble::new(e.to_string()))?;
        let run = || self.engine.eval_ast_with_scope::<Dynamic>(&mut self.scope, &whole);
        // A panic is a fault of ours; the session and what it holds survive it.
        let result = catch_unwind(AssertUnwindSafe(run));
        let ended = self.state.network.borrow_mut().end();
        whole.clear_statements();
        self.functions = whole;
        for learned in self.state.learned.borrow_mut().drain(..) {
            self.functions += learned;
        }
        self.remember();
        match result {
            Ok(Ok(value)) => ended.map(|()| value).map_err(|e| Trouble::new(e.to_string())),
            Ok(Err(error)) if matches!(*error, EvalAltResult::Exit(..)) => Ok(Dynamic::UNIT),
            Ok(Err(error)) => Err(trouble(&self.state, *error)),
            Err(_) => Err(Trouble::new("this is a fault in pktsh itself; please report the line that caused it")),
        }
    }

    /// Brings the known names up to date, and drops variables that a later `let` hides.
    fn remember(&mut self) {
        let hides = self.drop_hidden();
        let mut known = self.state.known.borrow_mut();
        known.learn(&self.functions);
        known.variables.clear();
        for (name, constant, value) in self.scope.iter_raw() {
            if !constant {
                known.variables.insert(name.to_owned());
            } else if known.constants.insert(name.to_owned()) || hides {
                self.state.constant(name, value.clone());
            }
        }
    }

    /// Drops variables that a later `let` of the same name hides. Copies them all, so only where there are any.
    fn drop_hidden(&mut self) -> bool {
        let names: BTreeSet<&str> = self.scope.iter_raw().map(|(name, ..)| name).collect();
        if names.len() == self.scope.len() {
            return false;
        }
        let mut seen = BTreeSet::new();
        let mut kept: Vec<(String, bool, Dynamic)> = Vec::new();
        // The newest first.
        for (name, constant, value) in self.scope.iter_raw() {
            if seen.insert(name) {
                kept.push((name.to_owned(), constant, value.clone()));
            }
        }
        self.scope.clear();
        for (name, constant, value) in kept.into_iter().rev() {
            if constant {
                self.scope.push_constant_dynamic(name, value);
            } else {
                self.scope.push_dynamic(name, value);
            }
        }
        true
    }
}

/// Rhai's own limits, Ctrl-C and the memory bound.
fn limit(engine: &mut Engine, state: &Rc<State>, memory: fn() -> Option<u64>, most: u64) {
    engine.set_max_call_levels(MOST_CALLS).set_max_expr_depths(MOST_NESTING, MOST_NESTING);
    let state = Rc::clone(state);
    #[allow(deprecated, reason = "rhai marks the callback as volatile; its version is pinned")]
    engine.on_progress(move |_| {
        if state.is_stopped() {
            return Some("stopped by Ctrl-C".into());
        }
        // At every operation: a text that is added to itself doubles in one.
        let is_much = memory().is_some_and(|used| used > most);
        is_much.then(|| format!("the script uses more than {} MiB of memory", most >> 20).into())
    });
}

/// Adds a row for every number of arguments that it can get.
fn add(natives: &mut Natives, state: &Rc<State>, func: &'static Func) {
    let most = func.params.len() + if func.more { 8 } else { 1 };
    for count in 0..=most.min(12) {
        let state = Rc::clone(state);
        natives.add_any(func.name, count, move |cx, args| func.call(cx, &state, args));
    }
}

/// Layers and functions by their bare names, `None` and `auto`: seen inside functions, too. (Not as constants of a
/// global module: Rhai writes those into functions as it compiles, also where an outer variable hides them.)
fn names_as_values(state: &State) {
    for desc in layers::ALL {
        state.constant(desc.name, Dynamic::from(*desc));
    }
    for func in surface::all() {
        if let Ok(pointer) = FnPtr::new(func.name) {
            state.constant(func.name, pointer.into());
        }
    }
    state.constant("None", Dynamic::UNIT);
    state.constant("auto", Dynamic::from(Auto));
}

fn values_known() -> BTreeSet<String> {
    let layers = layers::ALL.iter().map(|d| d.name);
    let functions = surface::all().map(|f| f.name);
    layers.chain(functions).chain(["None", "auto", "args", LAST]).map(str::to_owned).collect()
}
