//! What becomes of captured packets: the script's functions, the list that is kept, the file that is written.

use std::cell::RefCell;
use std::fs::File;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rhai::{AST, Dynamic, Engine, EvalAltResult, FnPtr, ImmutableString, NativeCallContext};

use super::func::{Reply, describe, say};
use super::state::State;
use super::surface::fault;
use super::values::{Counts, Packets, seen};
use crate::engine::{Aside, EngineError, Sniff};
use crate::net::Hear;
use crate::net::capture::{FileError, Record, Store, Writer};

/// The most that a list of captured packets holds, in bytes: what a script may hold at all.
const MOST_KEPT: usize = 1 << 30;

type Fallible<T> = Result<T, Box<EvalAltResult>>;

/// Who calls the script's functions: a call that is running, or the prompt between two lines.
pub(super) enum Caller<'a, 'cx> {
    Call(&'a NativeCallContext<'cx>),
    Prompt(&'a Engine, &'a AST),
}

impl Caller<'_, '_> {
    fn call(&self, function: &FnPtr, packet: Dynamic) -> Reply {
        match self {
            Self::Call(cx) => function.call_raw(cx, None, [packet]),
            Self::Prompt(engine, functions) => function.call::<Dynamic>(engine, functions, (packet,)),
        }
    }

    fn text_of(&self, value: Dynamic) -> Fallible<ImmutableString> {
        match self {
            Self::Call(cx) => cx.call_native_fn("to_string", (value,)),
            Self::Prompt(engine, _) => engine.eval_fn_call("to_string", None, (value,)),
        }
    }
}

/// What a sniffer was asked for.
#[derive(Clone, Default)]
pub(super) struct Wishes {
    pub(super) hear: Hear,
    /// Packets after which it ends; 0 is no end.
    pub(super) count: u64,
    pub(super) timeout: Option<Duration>,
    pub(super) prn: Option<FnPtr>,
    pub(super) lfilter: Option<FnPtr>,
    pub(super) stop_filter: Option<FnPtr>,
    pub(super) store: bool,
}

impl Wishes {
    /// Whether packets need not be dissected.
    pub(super) fn are_plain(&self) -> bool {
        self.prn.is_none() && self.lfilter.is_none() && self.stop_filter.is_none()
    }
}

/// Takes captured packets in, as the wishes say.
pub(super) struct Intake {
    wishes: Wishes,
    writer: Option<Writer<File>>,
    kept: Store,
    /// What earlier looks have taken out of `kept`.
    before: Vec<Arc<Store>>,
    /// The wall time after which nothing counts any more, in nanoseconds since 1970.
    until: Option<i64>,
    /// Packets that counted.
    pub(super) taken: u64,
    /// Nothing more is wanted.
    pub(super) is_over: bool,
    /// Packets that found no room.
    lost: u64,
    failed: Option<FileError>,
}

impl Intake {
    pub(super) fn new(wishes: Wishes, writer: Option<Writer<File>>) -> Self {
        let kept = Store::bounded(MOST_KEPT);
        Self { wishes, writer, kept, before: Vec::new(), until: None, taken: 0, is_over: false, lost: 0, failed: None }
    }

    /// Takes a packet that no function is to see.
    pub(super) fn take_plain(&mut self, record: &Record<'_>) {
        if self.is_over {
            return;
        }
        self.taken += 1;
        self.is_over = self.taken == self.wishes.count;
        if self.wishes.store && self.kept.push(record).is_err() {
            self.lost += 1;
        }
        if let Some(Err(error)) = self.writer.as_mut().map(|writer| writer.write(record)) {
            self.failed = Some(error);
            self.is_over = true;
        }
    }

    /// Takes a packet, after the functions have seen it.
    pub(super) fn take(&mut self, record: &Record<'_>, caller: &Caller<'_, '_>, state: &State) -> Fallible<()> {
        self.is_over |= self.until.is_some_and(|until| record.wall > until);
        if self.wishes.are_plain() || self.is_over {
            self.take_plain(record);
            return Ok(());
        }
        let packet = Dynamic::from(seen(record));
        if let Some(lfilter) = &self.wishes.lfilter
            && !says_true("lfilter", &caller.call(lfilter, packet.clone())?)?
        {
            return Ok(());
        }
        self.take_plain(record);
        if let Some(prn) = &self.wishes.prn {
            let said = caller.call(prn, packet.clone())?;
            if !said.is_unit() {
                state.console.print(&caller.text_of(said)?);
            }
        }
        if let Some(stop) = &self.wishes.stop_filter {
            self.is_over |= says_true("stop_filter", &caller.call(stop, packet)?)?;
        }
        Ok(())
    }

    /// The packets kept so far; `dropped` were lost by the capture itself.
    pub(super) fn packets(&mut self, dropped: u64) -> Packets {
        if !self.kept.is_empty() {
            self.before.push(Arc::new(std::mem::replace(&mut self.kept, Store::bounded(MOST_KEPT))));
        }
        Packets::captured(&self.before, Some(Counts { received: self.taken, dropped: dropped + self.lost }))
    }

    /// Ends the file, if one is written; the first error of all writes is told here.
    pub(super) fn finish(&mut self) -> Fallible<()> {
        let finished = self.writer.take().map_or(Ok(()), |writer| writer.finish().map(drop));
        match self.failed.take().map_or(finished, Err) {
            Ok(()) => Ok(()),
            Err(error) => Err(say(error.to_string())),
        }
    }
}

fn says_true(name: &str, said: &Dynamic) -> Fallible<bool> {
    said.as_bool().map_err(|_| say(format!("{name} says true or false, found {}", describe(said))))
}

/// `AsyncSniffer(..)`: a capture that goes on while the script does something else.
#[derive(Clone)]
pub(super) struct Sniffer(Rc<RefCell<Running>>);

struct Running {
    wishes: Wishes,
    /// The file that is written to.
    write: Option<Writer<File>>,
    aside: Option<Aside>,
    intake: Option<Intake>,
    dropped: u64,
}

impl Sniffer {
    pub(super) fn new(wishes: Wishes, write: Option<Writer<File>>) -> Self {
        Self(Rc::new(RefCell::new(Running { wishes, write, aside: None, intake: None, dropped: 0 })))
    }

    /// Whether it is listening.
    pub(super) fn is_running(&self) -> bool {
        self.0.try_borrow().is_ok_and(|running| running.aside.is_some())
    }

    /// Begins to listen, with an empty list.
    pub(super) fn start(&self, state: &State) -> Fallible<()> {
        let mut running = self.0.borrow_mut();
        if running.aside.is_some() {
            return Err(say("this sniffer is running; stop() gives its packets"));
        }
        let hear = Hear { aside: true, ..running.wishes.hear.clone() };
        let sniff = Sniff::open(&mut state.network.borrow_mut(), &hear);
        let mut sniff = sniff.map_err(|e| fault(&e, &hear.filter))?;
        let write = running.write.take();
        let mut intake = Intake::new(running.wishes.clone(), write);
        let span = |timeout: Duration| i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX);
        intake.until = running.wishes.timeout.map(|timeout| sniff.wall().saturating_add(span(timeout)));
        running.intake = Some(intake);
        running.aside = Some(sniff.aside());
        running.dropped = 0;
        drop(running);
        state.sniffers.borrow_mut().push(self.clone());
        Ok(())
    }

    /// Stops listening and gives what has come.
    pub(super) fn stop(&self, caller: &Caller<'_, '_>, state: &State) -> Fallible<Packets> {
        let aside = self.0.borrow_mut().aside.take();
        match aside {
            Some(aside) => self.end(aside, caller, state)?,
            // It has ended by itself.
            None if self.0.borrow().intake.as_ref().is_some_and(|intake| intake.is_over) => {}
            None => return Err(say("this sniffer is not running; start() begins to listen")),
        }
        Ok(self.packets())
    }

    /// Ends the capture, and takes in the rest.
    fn end(&self, aside: Aside, caller: &Caller<'_, '_>, state: &State) -> Fallible<()> {
        state.sniffers.borrow_mut().retain(|other| !Rc::ptr_eq(&other.0, &self.0));
        let (store, failed, dropped) = aside.stop();
        self.0.borrow_mut().dropped = dropped;
        self.take(&store, failed, caller, state)?;
        self.0.borrow_mut().intake.as_mut().map_or(Ok(()), Intake::finish)
    }

    /// What it has kept so far.
    pub(super) fn packets(&self) -> Packets {
        let mut running = self.0.borrow_mut();
        let dropped = running.dropped;
        running.intake.as_mut().map(|intake| intake.packets(dropped)).unwrap_or_default()
    }

    /// Takes in what has come, and lets the functions see it. Does nothing while one of them is running.
    pub(super) fn pump(&self, caller: &Caller<'_, '_>, state: &State) -> Fallible<()> {
        let Ok(mut running) = self.0.try_borrow_mut() else { return Ok(()) };
        let Some((store, failed)) = running.aside.as_mut().map(Aside::take) else { return Ok(()) };
        drop(running);
        self.take(&store, failed, caller, state)?;
        let mut running = self.0.borrow_mut();
        let is_over = running.intake.as_ref().is_some_and(|intake| intake.is_over);
        let ended = running.aside.take_if(|_| is_over);
        drop(running);
        ended.map_or(Ok(()), |aside| self.end(aside, caller, state))
    }

    fn take(&self, store: &Store, failed: Option<EngineError>, caller: &Caller<'_, '_>, state: &State) -> Fallible<()> {
        if let Some(error) = failed {
            state.console.note(&format!("the sniffer ended early: {error}"));
        }
        // Out of its place meanwhile: the functions may ask the sniffer something.
        let Some(mut intake) = self.0.borrow_mut().intake.take() else { return Ok(()) };
        let taken = store.iter().try_for_each(|record| intake.take(&record, caller, state));
        self.0.borrow_mut().intake = Some(intake);
        taken
    }
}

/// Lets all running sniffers take in what has come: before each network call, and at the prompt.
pub(super) fn pump(caller: &Caller<'_, '_>, state: &State) -> Fallible<()> {
    let running: Vec<Sniffer> = state.sniffers.borrow().clone();
    running.iter().try_for_each(|sniffer| sniffer.pump(caller, state))
}
