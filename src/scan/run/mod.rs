//! A scan from its first target to its last port: groups of hosts, discovery, one kind after another.
//!
//! [`Scanner::next`] does a piece of the work and returns with what there is to tell. No link is borrowed between two
//! calls, so whoever is told may use the network itself.
//!
//! | file | what lives there |
//! |---|---|
//! | `request` | what a scan is asked to do |
//! | `arrive` | taking up hosts: the ways to them, and who is there |
//! | `sweeping` | one kind after another |
//! | `idling` | the kind that reads a zombie's counter |
//! | `rows` | what was settled becomes rows |
//! | `earlier` | what an earlier run of the same scan had found |

mod arrive;
mod earlier;
mod idling;
mod request;
mod rows;
mod sweeping;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

pub use request::{Request, Wanted};

use super::discover::Knock;
use super::idle::Idle;
use super::job::Sweep;
use super::kinds::Probe;
use super::outcome::{About, Host, News, Pace, Row, Scan};
use super::pieces::{Identity, LeftOut, cut};
use super::probe::Chosen;
use super::timing::Rtt;
use crate::base::ports::Proto;
use crate::base::targets::Target;
use crate::base::{Rng, Time};
use crate::engine::{Ended, EngineError, Network, Path, Paths};
use crate::net::{Link, NetError};

/// The most ports times hosts of one group: so much is held in memory at a time.
const GROUP: usize = 1 << 18;

/// The most rows that a scan keeps.
pub const MOST_ROWS: u64 = 1 << 23;

/// How often it reports that it is still at work.
const BEAT: Duration = Duration::from_millis(100);

/// Our ports for a kind: one for each try.
const TRY_PORTS: usize = 24;

/// A running scan.
pub struct Scanner {
    request: Request,
    scan: Scan,
    place: usize,
    /// The system makes the connections, so that no privilege is needed.
    is_plain: bool,
    paths: Vec<Result<Path, EngineError>>,
    /// The path to the zombie.
    zombie: Option<Path>,
    /// Why it is of no use, once that is known.
    zombie_refused: Option<Arc<str>>,
    stage: Stage,
    /// Why it ends early, where it was not Ctrl-C.
    stopped_by: Arc<str>,
    queue: VecDeque<News>,
    began: Time,
    rng: Rng,
    /// Our ports that an earlier kind has used: a filter may remember them.
    used: Vec<u16>,
    /// Rows of hosts that are not finished.
    rows: BTreeMap<usize, Vec<Row>>,
    /// What the kinds so far say of a port that others have still to speak of.
    partial: BTreeMap<(usize, Proto, u16), Vec<Row>>,
    /// What makes this scan this one.
    identity: Identity,
    /// Ports of hosts that are another's to ask, or known.
    left_out: BTreeMap<Target, LeftOut>,
    /// What an earlier run had found, by the number of the target.
    earlier: BTreeMap<usize, Earlier>,
    /// Its ports of which not all kinds had spoken, by host: they count until it is known better.
    stale: BTreeMap<usize, Vec<Row>>,
    /// How long it took.
    spent: Duration,
    done: u64,
    open: u64,
    /// Packets of jobs that have ended.
    sent: u64,
}

/// A host of an earlier run, and its ports.
struct Earlier {
    host: Host,
    rows: Vec<Row>,
    /// Ports of which not all kinds had spoken.
    partial: Vec<Row>,
}

/// What a scan is doing.
enum Stage {
    /// Nothing yet.
    New,
    /// It takes up the targets from this one on.
    Between(usize),
    /// It asks who is there.
    Knocking(Box<Group>, Box<Knock>, Option<Box<dyn Link>>),
    /// It scans, by the kind of this number.
    Sweeping(Box<Group>, usize, Box<Sweep>, Option<Box<dyn Link>>),
    /// It reads a zombie's counter, for the kind of this number.
    Idling(Box<Group>, usize, Box<Idle>),
    /// All is done.
    Over,
}

/// Hosts that are scanned together.
struct Group {
    /// The next target after them.
    next: usize,
    members: Vec<Member>,
    /// Those who were asked whether they are there, in the order of the doors.
    asked: Vec<usize>,
}

/// One of them.
struct Member {
    host: usize,
    target: usize,
    rtt: Rtt,
}

/// What a scan leaves that ends in the middle of a kind.
#[derive(Clone, Copy)]
struct Left<'a> {
    group: &'a Group,
    /// The number of the kind.
    kind: usize,
    /// The ports of a member of the group that this kind has not settled.
    unfinished: &'a dyn Fn(usize) -> Vec<u16>,
}

impl Scanner {
    /// Prepares a scan; sends nothing yet.
    ///
    /// [`EngineError::Mixed`], [`EngineError::Public`] or a missing route as for any exchange.
    pub fn new(network: &mut Network, mut request: Request) -> Result<Self, EngineError> {
        let mut identity = Identity::of(&request);
        let left_out = request.shard.map(|shard| cut(&mut request, shard)).unwrap_or_default();
        let ports: u64 = request.kinds.iter().map(|(_, ports)| ports.len() as u64).sum();
        let rows = (request.targets.len() as u64).saturating_mul(ports);
        if rows > MOST_ROWS {
            return Err(EngineError::TooMany(rows, MOST_ROWS));
        }
        let targets: Vec<Target> = request.targets.iter().map(|wanted| wanted.target.clone()).collect();
        let zombie = request.zombie.as_ref().map(|(zombie, _)| zombie.clone());
        let reached: Vec<Target> = targets.iter().cloned().chain(zombie).collect();
        let Paths { place, mut paths, .. } = network.routes(&reached, request.iface.as_deref())?;
        let zombie = paths.split_off(targets.len()).pop().transpose()?;
        idling::check(&mut request, zombie.as_ref(), &paths)?;
        let connects = |(chosen, _): &(Chosen, _)| chosen.kind.probe == Probe::Connect;
        let mut is_plain = !request.kinds.is_empty() && request.kinds.iter().all(connects);
        if !is_plain && let Err(error) = network.link(place) {
            let EngineError::Net(NetError::NoPrivilege { hint, .. }) = &error else { return Err(error) };
            match (request.fallback.take(), request.kinds.is_empty()) {
                (Some(kind), _) => {
                    // Of the same ports, so that the pieces stay what they are.
                    request.kinds = vec![kind];
                    identity.fall_back(&request);
                }
                (None, true) => {}
                (None, false) => return Err(error),
            }
            request.remarks.push(format!("connections by the system: raw packets need CAP_NET_RAW ({hint})"));
            is_plain = true;
        }
        let world = network.world(place);
        let about = About {
            args: request.args.clone(),
            began: world.wall_zero().saturating_add(world.now().nanos()),
            kinds: request.kinds.iter().map(|(chosen, ports)| (chosen.kind, Arc::clone(ports))).collect(),
            remarks: request.remarks.clone(),
            targets: targets.len() as u64,
        };
        Ok(Self {
            began: world.now(),
            rng: Rng::new(network.draw(place)),
            request,
            scan: Scan { about, ..Scan::default() },
            place,
            is_plain,
            paths,
            zombie,
            zombie_refused: None,
            stage: Stage::New,
            stopped_by: "".into(),
            queue: VecDeque::new(),
            used: Vec::new(),
            rows: BTreeMap::new(),
            identity,
            left_out,
            earlier: BTreeMap::new(),
            stale: BTreeMap::new(),
            spent: Duration::ZERO,
            partial: BTreeMap::new(),
            done: 0,
            open: 0,
            sent: 0,
        })
    }

    /// What is known so far.
    pub fn scan(&self) -> &Scan {
        &self.scan
    }

    /// What makes this scan this one and no other.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// All that was found.
    pub fn into_scan(self) -> Scan {
        self.scan
    }

    /// Goes on until there is something to tell; [`News::Ended`] is the last, and comes again if asked.
    pub fn next(&mut self, network: &mut Network) -> Result<News, EngineError> {
        loop {
            if let Some(news) = self.queue.pop_front() {
                return Ok(news);
            }
            match std::mem::replace(&mut self.stage, Stage::Over) {
                Stage::New => {
                    self.queue.push_back(News::Begun);
                    self.stage = Stage::Between(0);
                }
                Stage::Between(next) => self.take_up(network, next)?,
                Stage::Knocking(group, knock, dialer) => self.knock(network, group, knock, dialer)?,
                Stage::Sweeping(group, kind, sweep, dialer) => self.sweep(network, group, kind, sweep, dialer)?,
                Stage::Idling(group, kind, idle) => self.idle(network, group, kind, idle)?,
                Stage::Over => return Ok(News::Ended),
            }
        }
    }

    /// Ends it here: what is known is kept, and [`Scanner::next`] tells it.
    pub fn stop(&mut self, network: &mut Network) -> Result<(), EngineError> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::New | Stage::Between(0) => self.interrupted(network, 0, None),
            Stage::Between(next) => self.interrupted(network, next, None),
            Stage::Knocking(group, knock, _) => self.leave(network, group, &knock),
            Stage::Sweeping(group, kind, mut sweep, _) => {
                self.count(&mut sweep);
                self.interrupted(
                    network,
                    group.next,
                    Some(Left { group: &group, kind, unfinished: &|at| sweep.unfinished(at) }),
                )
            }
            Stage::Idling(group, kind, idle) => {
                self.count_idle(&idle);
                self.interrupted(
                    network,
                    group.next,
                    Some(Left { group: &group, kind, unfinished: &|at| idle.unfinished(at) }),
                )
            }
            Stage::Over => Ok(()),
        }
    }

    /// How a job ended. An interface that went away ends the scan with what it has.
    fn ended(&mut self, result: Result<Ended, NetError>) -> Result<Ended, EngineError> {
        match result {
            Err(error @ NetError::InterfaceGone { .. }) => {
                self.stopped_by = error.to_string().into();
                Ok(Ended::Interrupted)
            }
            other => Ok(other?),
        }
    }

    fn pace(&self, network: &Network, of_job: Pace) -> Pace {
        let kinds: u64 = self.request.kinds.iter().map(|(_, ports)| ports.len() as u64).sum();
        let total = (self.request.targets.len() as u64).saturating_mul(kinds.max(1));
        Pace {
            done: self.done + of_job.done,
            total,
            sent: self.sent + of_job.sent,
            open: self.open + of_job.open,
            elapsed: network.world(self.place).now() - self.began,
        }
    }

    /// Ctrl-C: what is known is kept, and what is not is named.
    fn interrupted(&mut self, network: &mut Network, next: usize, left: Option<Left<'_>>) -> Result<(), EngineError> {
        let why = Arc::clone(&self.stopped_by);
        self.scan.interrupted = why.is_empty();
        self.scan.unbegun = (self.request.targets.len() - next.min(self.request.targets.len())) as u64;
        if let Some(Left { group, kind, unfinished }) = left {
            for (at, member) in group.members.iter().enumerate() {
                if self.scan.hosts[member.host].ended != 0 {
                    continue;
                }
                self.give_up(member.host, kind, unfinished(at), &why);
                for later in kind + 1..self.request.kinds.len() {
                    let ports = self.ports_left(member.target, later);
                    self.give_up(member.host, later, ports, &why);
                }
            }
            for member in &group.members {
                self.finish_host(network, member.host);
            }
        }
        self.end(network)
    }

    fn end(&mut self, network: &mut Network) -> Result<(), EngineError> {
        self.keep_earlier(network);
        self.scan.sent = self.sent;
        self.scan.elapsed = self.spent + (network.world(self.place).now() - self.began);
        // Hosts finish in any order; the rows are in that of the targets.
        self.scan.rows.sort_unstable_by_key(|row| (row.host, row.proto, row.port));
        if !self.is_plain {
            self.scan.dropped = network.link(self.place)?.stats().dropped;
        }
        self.stage = Stage::Over;
        self.queue.push_back(News::Ended);
        Ok(())
    }
}

/// The link of a job: the dialer where it has one, else that of the place.
fn link_of<'a>(
    network: &'a mut Network,
    place: usize,
    dialer: &'a mut Option<Box<dyn Link>>,
) -> Result<&'a mut dyn Link, EngineError> {
    match dialer {
        Some(link) => Ok(&mut **link),
        None => network.link(place),
    }
}
