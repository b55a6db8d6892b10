//! What the functions of a session share: its networks, its terminal, and how it is stopped.

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rhai::{AST, Dynamic, EvalAltResult, Position};

use super::compile::Sources;
use super::listen::Sniffer;
use super::names::Known;
use super::sugar::Constants;
use crate::base::services::Services;
use crate::engine::{Account, Network};
use crate::lab::Plan;
use crate::packet::{Packet, PacketError};
use crate::scan::Watchers;

/// Where a session's words go. The shell implements it; nothing below the shell prints.
pub trait Console {
    /// A line of the script's own output.
    fn print(&self, text: &str);
    /// A line about what was done; never part of the output.
    fn note(&self, text: &str);
    /// Columns of the screen, for tables.
    fn width(&self) -> usize;
}

/// Ctrl-C, counted by the signal handler.
pub type Signals = Arc<AtomicUsize>;

/// What the functions of a session share.
pub(super) struct State {
    pub(super) network: RefCell<Network>,
    /// The hosts of the laboratory, if the session has one.
    pub(super) plan: Option<Plan>,
    pub(super) console: Box<dyn Console>,
    pub(super) constants: Constants,
    pub(super) known: RefCell<Known>,
    pub(super) sources: RefCell<Sources>,
    /// Modules that are being imported, one inside another.
    pub(super) importing: Cell<usize>,
    /// Functions of scripts that `run` ran: the session takes them over after the line.
    pub(super) learned: RefCell<Vec<AST>>,
    /// Set by `exit(code)`.
    pub(super) exit: Cell<Option<u8>>,
    /// Whether each exchange ends in a line of account.
    pub(super) accounts: Cell<bool>,
    /// Sniffers that are listening.
    pub(super) sniffers: RefCell<Vec<Sniffer>>,
    /// The line of the last exchange that brought no answer.
    pub(super) silent_line: Cell<Option<usize>>,
    /// Who is told how scans go.
    pub(super) watchers: Watchers,
    /// What reports give as the command of a scan, where it was not typed as a script.
    pub(super) command: RefCell<Option<String>>,
    /// Names of ports, with the machine's own over the registry's; read at first use.
    pub(super) services: OnceCell<Arc<Services>>,
    signals: Signals,
    /// Signals that a network call has taken as its own end.
    seen: Cell<usize>,
    /// A network call was ended by Ctrl-C: the next one ends the line.
    stopping: Cell<bool>,
}

impl State {
    pub(super) fn new(
        network: Network,
        plan: Option<Plan>,
        console: Box<dyn Console>,
        constants: Constants,
        watchers: Watchers,
        signals: Signals,
    ) -> Rc<Self> {
        Rc::new(Self {
            network: RefCell::new(network),
            plan,
            console,
            constants,
            known: RefCell::default(),
            sources: RefCell::default(),
            importing: Cell::new(0),
            learned: RefCell::default(),
            exit: Cell::new(None),
            accounts: Cell::new(false),
            sniffers: RefCell::default(),
            silent_line: Cell::new(None),
            watchers,
            command: RefCell::default(),
            services: OnceCell::new(),
            seen: Cell::new(signals.load(Ordering::Relaxed)),
            signals,
            stopping: Cell::new(false),
        })
    }

    /// A line or script begins: a Ctrl-C of before does not count.
    pub(super) fn begin(&self) {
        self.seen.set(self.signals.load(Ordering::Relaxed));
        self.stopping.set(false);
        self.exit.set(None);
    }

    /// Whether Ctrl-C asks for the end of the line: pressed while no network call waited, or twice.
    pub(super) fn is_stopped(&self) -> bool {
        self.signals.load(Ordering::Relaxed) > self.seen.get()
    }

    /// Refuses a network call after one that Ctrl-C has ended.
    pub(super) fn may_wait(&self) -> Result<(), Box<EvalAltResult>> {
        if self.stopping.get() || self.is_stopped() {
            return Err(EvalAltResult::ErrorTerminated("stopped by Ctrl-C".into(), Position::NONE).into());
        }
        Ok(())
    }

    /// A network call was ended by Ctrl-C and returns what has come.
    pub(super) fn was_interrupted(&self) {
        self.seen.set(self.signals.load(Ordering::Relaxed));
        self.stopping.set(true);
    }

    /// The account of an exchange, where the user wants one.
    pub(super) fn report(&self, account: &Account) {
        if self.accounts.get() {
            self.console.note(&account.to_string());
        }
    }

    /// What to say to somebody who uses `None` as a packet.
    pub(super) fn no_answer(&self, used: &str) -> String {
        let which = match self.silent_line.get() {
            Some(line) => {
                format!("there was no answer to the probe of {}", self.sources.borrow().name_of_line(line))
            }
            None => "there is no packet here".to_owned(),
        };
        let used = if used.is_empty() { ".show()" } else { used };
        format!("None{used}: {which}, so this is None; test `r == None` first, or write `r?{used}`")
    }

    /// One line on a packet.
    pub(super) fn summary(&self, packet: &Packet) -> String {
        packet.summary(&self.network.borrow().looking())
    }

    /// A packet's bytes, without sending anything.
    pub(super) fn bytes(&self, packet: &Packet) -> Result<Vec<u8>, PacketError> {
        packet.bytes(&self.network.borrow().looking())
    }

    /// The wall time now, in nanoseconds since 1970.
    pub(super) fn wall(&self) -> i64 {
        self.network.borrow().wall()
    }

    /// Names of ports: the registry's, and over them those of this machine's `/etc/services`.
    pub(super) fn services(&self) -> Arc<Services> {
        let read = || Arc::new(Services::with_text(&std::fs::read_to_string("/etc/services").unwrap_or_default()));
        Arc::clone(self.services.get_or_init(read))
    }

    /// Sets a name that scripts and their functions see.
    pub(super) fn constant(&self, name: &str, value: Dynamic) {
        self.constants.borrow_mut().insert(name.to_owned(), value);
    }
}
