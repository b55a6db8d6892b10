//! A session made from the command line's options: its networks, seed, recording.

use std::fs::{self, File};
use std::path::Path;

use rhai::Dynamic;

use super::cli::Options;
use super::live::Live;
use super::misuse;
use super::print::Terminal;
use super::prompt::ask_public;
use super::signals::Stop;
use crate::engine::Network;
use crate::lab::{Lab, Plan};
use crate::net::World;
use crate::net::tap::{Recording, Tap};
use crate::scan::Watchers;
use crate::script::{Session, Settings, Trouble};

/// The most memory that a script may make the process use, in bytes.
const MOST_MEMORY: u64 = 1 << 30;

/// The largest laboratory file that is read.
const MOST_PLAN: u64 = 1 << 20;

/// A session, and what has to be told when a line begins.
pub(super) struct Running {
    pub(super) session: Session,
    /// Whether the laboratory is in it.
    pub(super) has_lab: bool,
    stop: Stop,
    live: Live,
    /// Forgets what was pressed before, in the real network.
    forget: Box<dyn Fn()>,
}

impl Running {
    /// Runs a line of the prompt.
    pub(super) fn line(&mut self, text: &str) -> Result<Dynamic, Trouble> {
        self.begin();
        let result = self.session.line(text);
        self.live.clear(); // a scan may have failed
        result
    }

    /// Runs a script.
    pub(super) fn script(&mut self, name: &str, text: &str, args: &[String]) -> Result<Dynamic, Trouble> {
        self.begin();
        let result = self.session.script(name, text, args);
        self.live.clear();
        result
    }

    fn begin(&self) {
        self.stop.forget();
        (self.forget)();
    }
}

/// What a session is for.
#[derive(Default)]
pub(super) struct Purpose {
    /// Somebody types, and can be asked.
    pub(super) at_prompt: bool,
    /// Who is told how scans go, beside the live line.
    pub(super) watchers: Watchers,
    /// The command that reports name.
    pub(super) command: Option<String>,
}

/// Makes the session. Opens no socket: the real network is opened, and needs its privilege, at first use.
pub(super) fn start(options: &Options, terminal: &Terminal, stop: &Stop, purpose: Purpose) -> Result<Running, Trouble> {
    let seed = options.seed.unwrap_or(1);
    let mut worlds: Vec<Box<dyn World>> = Vec::new();
    let plan = if options.live { None } else { Some(plan(options)?) };
    if let Some(plan) = &plan {
        let lab = Lab::from_plan(plan.clone(), seed);
        lab.set_stop(stop.lab_flag());
        worlds.push(Box::new(lab));
    }
    let mut forget: Box<dyn Fn()> = Box::new(|| ());
    if options.lab.is_none() {
        forget = live(&mut worlds, options, stop)?;
    }
    // Two runs on the real network draw different ports: its wall clock is the key.
    let clock = worlds.last().map_or(0, |world| world.wall_zero() as u64);
    let mut network = Network::new(worlds, seed);
    if options.lab.is_none() {
        network.set_live_seed(options.seed.unwrap_or(clock));
    }
    if let Some(name) = &options.iface {
        network.set_iface(name).map_err(|e| misuse(e.to_string()))?;
    }
    if let Some(path) = &options.pcap {
        record(&mut network, path)?;
    }
    if options.public {
        network.allow_public(|_| true);
    } else if purpose.at_prompt {
        network.allow_public(ask_public());
    }
    purpose.watchers.borrow_mut().push(Box::new(terminal.live()));
    let session = Session::new(Settings {
        network,
        plan,
        console: Box::new(terminal.clone()),
        signals: stop.presses(),
        memory: held_bytes,
        most_memory: MOST_MEMORY,
        accounts: purpose.at_prompt,
        watchers: purpose.watchers,
        command: purpose.command,
    });
    Ok(Running { session, has_lab: !options.live, stop: stop.clone(), live: terminal.live(), forget })
}

/// The laboratory's hosts: those of a file of the user's own, or the built-in ones.
fn plan(options: &Options) -> Result<Plan, Trouble> {
    match &options.lab {
        Some(Some(path)) => read_plan(path),
        _ => Ok(Plan::builtin()),
    }
}

/// A laboratory file. A missing one is wrong usage, a wrong one a failure.
pub(super) fn read_plan(path: &Path) -> Result<Plan, Trouble> {
    let name = path.display();
    let wrong = |what: String| misuse(format!("cannot read \"{name}\": {what}"));
    let size = fs::metadata(path).map_err(|e| wrong(e.to_string()))?.len();
    if size > MOST_PLAN {
        return Err(wrong(format!("{size} bytes are too many for a laboratory file")));
    }
    let text = fs::read_to_string(path).map_err(|e| wrong(e.to_string()))?;
    Plan::parse(&text).map_err(|e| Trouble::new(format!("{name}: {e}")))
}

#[cfg(target_os = "linux")]
fn live(worlds: &mut Vec<Box<dyn World>>, _options: &Options, stop: &Stop) -> Result<Box<dyn Fn()>, Trouble> {
    let wake = stop.wake_pipe().map_err(|e| Trouble::new(format!("cannot make a pipe: {e}")))?;
    let world = crate::net::live::LiveWorld::new(Some(wake.into()));
    worlds.push(Box::new(world.clone()));
    Ok(Box::new(move || world.forget_interrupts()))
}

#[cfg(not(target_os = "linux"))]
fn live(_worlds: &mut Vec<Box<dyn World>>, options: &Options, _stop: &Stop) -> Result<Box<dyn Fn()>, Trouble> {
    match options.live {
        true => Err(misuse("the real network needs Linux; the laboratory is there without --live")),
        false => Ok(Box::new(|| ())),
    }
}

#[cfg(target_os = "linux")]
use crate::net::live::held_bytes;

#[cfg(not(target_os = "linux"))]
fn held_bytes() -> Option<u64> {
    None
}

/// `--pcap FILE`: everything that goes over a link is written there.
fn record(network: &mut Network, path: &Path) -> Result<(), Trouble> {
    let name = path.display().to_string();
    let file = File::create(path).map_err(|e| misuse(format!("cannot write \"{name}\": {e}")))?;
    let recording = Recording::new(name, Box::new(file)).map_err(|e| Trouble::new(e.to_string()))?;
    network.wrap_links(move |link| Ok(Box::new(Tap::new(link, recording.clone()))));
    Ok(())
}
