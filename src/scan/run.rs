//! A scan from its first target to its last port: groups of hosts, discovery, one kind after another.
//!
//! [`Scanner::next`] does a piece of the work and returns with what there is to tell. No link is borrowed between two
//! calls, so whoever is told may use the network itself.

mod idling;

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::combine::combine;
use super::discover::{Door, Knock, Known};
use super::idle::Idle;
use super::job::{Goal, Setup, Sweep};
use super::kinds::Probe;
use super::outcome::{About, Host, News, Pace, Presence, Row, Scan, Unfinished};
use super::probe::{Chosen, Template};
use super::read::Verdict;
use super::state::{Reason, State};
use super::timing::{Rtt, Timing};
use crate::base::ports::Proto;
use crate::base::services::Services;
use crate::base::targets::Target;
use crate::base::{Rng, Time};
use crate::engine::{Ended, EngineError, Network, Path, Paths, Way, drive};
use crate::net::{Link, NetError, Reach};
use crate::packet::Packet;

/// An address to be scanned, and the name that it was asked for by.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The address.
    pub target: Target,
    /// The name, if it was one.
    pub name: Option<Arc<str>>,
    /// The name's other addresses, which are not scanned.
    pub others: Vec<IpAddr>,
}

/// What a scan is asked to do.
#[derive(Clone, Debug)]
pub struct Request {
    /// How the user wrote it, for reports.
    pub args: String,
    /// What the user should know, for reports.
    pub remarks: Vec<String>,
    /// The addresses.
    pub targets: Vec<Wanted>,
    /// The kinds, each with its ports; none for host discovery alone.
    pub kinds: Vec<(Chosen, Arc<[u16]>)>,
    /// Whether hosts are asked first if they are there; if not, all are taken to be.
    pub discover: bool,
    /// How often a silent port is asked again; `None`: once more than was ever needed, see [`Timing::retries`].
    pub retry: Option<u32>,
    /// How long to wait for an answer; `None`: as the round trips say.
    pub timeout: Option<Duration>,
    /// Probes a second, at least.
    pub min_rate: Option<f64>,
    /// Probes a second, at most.
    pub max_rate: Option<f64>,
    /// The template.
    pub timing: &'static Timing,
    /// When a host is given up, with what it has.
    pub host_timeout: Option<Duration>,
    /// The only interface.
    pub iface: Option<String>,
    /// What all probes are made from.
    pub probe: Option<Packet>,
    /// Names of services.
    pub services: Arc<Services>,
    /// Whether only open ports are kept.
    pub only_open: bool,
    /// What takes the place of `kinds` where the system refuses raw packets.
    pub fallback: Option<(Chosen, Arc<[u16]>)>,
    /// The zombie of an idle scan, and its port.
    pub zombie: Option<(Target, u16)>,
}

impl Request {
    /// A request with no targets and no kinds, and everything else as usual.
    pub fn new() -> Self {
        Self {
            args: String::new(),
            remarks: Vec::new(),
            targets: Vec::new(),
            kinds: Vec::new(),
            discover: true,
            retry: None,
            timeout: None,
            min_rate: None,
            max_rate: None,
            timing: Timing::normal(),
            host_timeout: None,
            iface: None,
            probe: None,
            services: Arc::default(),
            only_open: false,
            fallback: None,
            zombie: None,
        }
    }
}

impl Default for Request {
    fn default() -> Self {
        Self::new()
    }
}

/// The most ports times hosts of one group: so much is held in memory at a time.
const GROUP: usize = 1 << 18;

/// The most rows that a scan keeps.
pub const MOST_ROWS: u64 = 1 << 23;

/// How often it reports that it is still at work.
const BEAT: Duration = Duration::from_millis(100);

/// Our ports for a kind: one for each try, or many for datagrams.
const TRY_PORTS: usize = 24;
/// See [`TRY_PORTS`].
const DATAGRAM_PORTS: usize = 256;

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
    queue: VecDeque<News>,
    began: Time,
    rng: Rng,
    /// Our ports that an earlier kind has used: a filter may remember them.
    used: Vec<u16>,
    /// Rows of hosts that are not finished.
    rows: BTreeMap<usize, Vec<Row>>,
    /// What the kinds so far say of a port that others have still to speak of.
    partial: BTreeMap<(usize, Proto, u16), Vec<Row>>,
    done: u64,
    open: u64,
    /// Packets of jobs that have ended.
    sent: u64,
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
}

/// One of them.
struct Member {
    host: usize,
    target: usize,
    rtt: Rtt,
}

impl Scanner {
    /// Prepares a scan; sends nothing yet.
    ///
    /// [`EngineError::Mixed`], [`EngineError::Public`] or a missing route as for any exchange.
    pub fn new(network: &mut Network, mut request: Request) -> Result<Self, EngineError> {
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
                (Some(kind), _) => request.kinds = vec![kind],
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
            queue: VecDeque::new(),
            used: Vec::new(),
            rows: BTreeMap::new(),
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

    /// The ports of all kinds for one host.
    fn ports_of_host(&self) -> usize {
        self.request.kinds.iter().map(|(_, ports)| ports.len()).max().unwrap_or(1)
    }

    /// Takes up the next group: finds the ways, and who is there as far as the link itself tells.
    fn take_up(&mut self, network: &mut Network, first: usize) -> Result<(), EngineError> {
        let total = self.request.targets.len();
        if first >= total {
            return self.end(network);
        }
        let size = (GROUP / self.ports_of_host().max(1)).clamp(1, 4096);
        let next = (first + size).min(total);
        let targets: Vec<Target> = self.request.targets[first..next].iter().map(|w| w.target.clone()).collect();
        let mut ended = Ended::Done;
        if !self.is_plain {
            let paths = self.paths[first..next].to_vec();
            let routes = Paths { place: self.place, paths, ended };
            let found = network.ways(&targets, routes, self.request.iface.as_deref())?;
            ended = found.ended;
            self.paths[first..next].clone_from_slice(&found.paths);
        }
        if ended == Ended::Interrupted {
            return self.interrupted(network, first, None);
        }
        let (mut members, mut doors) = (Vec::new(), Vec::new());
        for target in first..next {
            let host = self.scan.hosts.len();
            let known = self.at_once(target);
            self.add_host(network, target, known.as_ref());
            match known {
                Some(known) => {
                    if known.presence == Presence::Up {
                        let rtt = Rtt::of(known.rtt.map(|rtt| (rtt, rtt / 2)));
                        members.push(Member { host, target, rtt });
                    }
                    self.queue.push_back(News::Host(host));
                }
                None => {
                    doors.push(self.door(network, target)?);
                    members.push(Member { host, target, rtt: Rtt::default() });
                }
            }
        }
        let group = Box::new(Group { next, members });
        if doors.is_empty() {
            return self.begin_kind(network, group, 0);
        }
        let sports = self.sports(network, TRY_PORTS);
        let (timing, number) = (self.request.timing, self.rng.next_u64() as u32);
        let knock = Knock::new(doors, timing, self.request.timeout, self.request.max_rate, sports, number);
        let dialer = if self.is_plain { Some(network.world(self.place).dialer()?) } else { None };
        self.stage = Stage::Knocking(group, Box::new(knock), dialer);
        Ok(())
    }

    /// What is known of a host without asking it: its own link has told, or nobody wants to know.
    fn at_once(&self, target: usize) -> Option<Known> {
        let Ok(path) = &self.paths[target] else { return Some(Known::down(Reason::NoRoute)) };
        let addr = self.request.targets[target].target.addr;
        match path.route.reach {
            Reach::Broadcast | Reach::Multicast => return Some(Known::down(Reason::NoResponse)),
            Reach::Local => return Some(Known::up(Reason::LocalhostResponse)),
            Reach::Remote => {}
        }
        if !self.request.discover {
            return Some(Known { rtt: path.rtt, ..Known::up(Reason::UserSet) });
        }
        match (&path.way, path.is_neighbor(addr) && !self.is_plain) {
            (Way::NoNeighbor(_), _) => Some(Known::down(Reason::NoResponse)),
            (_, true) => {
                let reason = if addr.is_ipv4() { Reason::ArpResponse } else { Reason::NdResponse };
                Some(Known { rtt: path.rtt, ..Known::up(reason) })
            }
            (_, false) => None,
        }
    }

    fn door(&self, network: &Network, target: usize) -> Result<Door, EngineError> {
        let wanted = &self.request.targets[target].target;
        match &self.paths[target] {
            Ok(path) if self.is_plain => Ok(Door::with_connections(wanted, path.route.iface.index)),
            Ok(path) => {
                let around = network.sending(self.place, self.request.iface.as_deref());
                Ok(Door::with_packets(wanted, path.way.clone(), &around)?)
            }
            Err(error) => Err(error.clone()),
        }
    }

    /// The wall time now.
    fn wall(&self, network: &Network) -> i64 {
        let world = network.world(self.place);
        world.wall_zero().saturating_add(world.now().nanos())
    }

    fn add_host(&mut self, network: &Network, target: usize, known: Option<&Known>) {
        let wanted = &self.request.targets[target];
        let path = self.paths[target].as_ref().ok();
        let unknown = Known::down(Reason::NoResponse);
        let known = known.unwrap_or(&unknown);
        let is_neighbor = path.is_some_and(|path| path.is_neighbor(wanted.target.addr));
        self.scan.hosts.push(Host {
            target: wanted.target.clone(),
            name: wanted.name.clone(),
            others: wanted.others.clone(),
            presence: known.presence,
            reason: known.reason,
            reason_ip: known.by,
            ttl: known.ttl,
            mac: path.filter(|_| is_neighbor).and_then(|path| path.mac),
            iface: path.map(|path| path.route.iface.name.as_str().into()).unwrap_or_default(),
            rtt: known.rtt.map(|rtt| (rtt, rtt / 2)),
            began: self.wall(network),
            ended: 0,
        });
    }

    /// So many free ports of ours, one after another, that no earlier kind has used.
    fn sports(&mut self, network: &Network, count: usize) -> Vec<u16> {
        let world = network.world(self.place);
        let range = world.source_ports();
        let (low, high) = (u64::from(*range.start()), u64::from(*range.end()));
        let mut port = self.rng.between(low, high);
        let mut sports = Vec::with_capacity(count);
        for _ in low..=high {
            let ours = port as u16;
            if !self.used.contains(&ours) && world.is_port_free(6, ours) && world.is_port_free(17, ours) {
                sports.push(ours);
            }
            if sports.len() == count {
                break;
            }
            port = if port == high { low } else { port + 1 };
        }
        if sports.len() < count {
            // Every port was used once: the oldest may come again.
            self.used.clear();
        }
        if sports.is_empty() {
            sports.push(low as u16);
        }
        self.used.extend_from_slice(&sports);
        sports
    }

    fn knock(
        &mut self,
        network: &mut Network,
        mut group: Box<Group>,
        mut knock: Box<Knock>,
        mut dialer: Option<Box<dyn Link>>,
    ) -> Result<(), EngineError> {
        let link: &mut dyn Link = match &mut dialer {
            Some(link) => &mut **link,
            None => network.link(self.place)?,
        };
        knock.pause_at = link.now() + BEAT;
        let ended = drive(&mut *knock, link)?;
        let waiting: Vec<usize> =
            group.members.iter().enumerate().filter(|(_, m)| self.is_waiting(m)).map(|(i, _)| i).collect();
        for at in knock.take_news() {
            let (Some(known), Some(&member)) = (knock.doors[at].known.clone(), waiting.get(at)) else { continue };
            let member = &mut group.members[member];
            if let Some(rtt) = known.rtt {
                member.rtt.sample(rtt);
            }
            let host = &mut self.scan.hosts[member.host];
            (host.presence, host.reason, host.reason_ip) = (known.presence, known.reason, known.by);
            (host.ttl, host.rtt) = (known.ttl, member.rtt.known());
            self.queue.push_back(News::Host(member.host));
        }
        if ended == Ended::Interrupted || (ended == Ended::Never && !knock.is_over()) {
            self.sent += knock.sent;
            return self.interrupted(network, group.next - group.members.len().min(group.next), None);
        }
        if !knock.is_over() {
            let pace = self.pace(network, knock.pace());
            self.queue.push_back(News::Still(pace));
            self.stage = Stage::Knocking(group, knock, dialer);
            return Ok(());
        }
        self.sent += knock.sent;
        group.members.retain(|member| self.scan.hosts[member.host].presence == Presence::Up);
        self.begin_kind(network, group, 0)
    }

    /// Whether a member was asked by a [`Knock`]: its own link has not told.
    fn is_waiting(&self, member: &Member) -> bool {
        self.at_once(member.target).is_none()
    }

    /// Begins the kind of this number for a group, or the next group.
    fn begin_kind(&mut self, network: &mut Network, group: Box<Group>, at: usize) -> Result<(), EngineError> {
        let Some((chosen, ports)) = self.request.kinds.get(at).cloned() else {
            self.stage = Stage::Between(group.next);
            for member in &group.members {
                self.finish_host(network, member.host);
            }
            return Ok(());
        };
        if group.members.is_empty() {
            self.stage = Stage::Between(group.next);
            return Ok(());
        }
        if chosen.kind.probe == Probe::Idle {
            return self.begin_idle(network, group, at);
        }
        let count = if chosen.kind.proto == Proto::Udp { DATAGRAM_PORTS } else { TRY_PORTS };
        let sports = self.sports(network, count);
        let mut goals = Vec::with_capacity(group.members.len());
        for member in &group.members {
            goals.push(self.goal(network, member, chosen, &ports)?);
        }
        let setup = Setup {
            chosen,
            likely: likely(chosen.kind.proto, &ports),
            ports,
            retry: self.request.retry,
            timeout: self.request.timeout,
            timing: self.request.timing,
            min_rate: self.request.min_rate,
            max_rate: self.request.max_rate,
            host_timeout: self.request.host_timeout,
            key: (self.rng.next_u64(), self.rng.next_u64()),
            sports,
        };
        let rng = Rng::new(self.rng.next_u64());
        let known = goals.iter().filter_map(|goal| goal.rtt.known()).max_by_key(|(rtt, _)| *rtt);
        let sweep = Sweep::new(setup, goals, Rtt::of(known), rng);
        let is_connect = chosen.kind.probe == Probe::Connect;
        let dialer = if is_connect { Some(network.world(self.place).dialer()?) } else { None };
        self.stage = Stage::Sweeping(group, at, Box::new(sweep), dialer);
        Ok(())
    }

    fn goal(&self, network: &Network, member: &Member, chosen: Chosen, ports: &[u16]) -> Result<Goal, EngineError> {
        let target = self.request.targets[member.target].target.clone();
        let path = self.paths[member.target].clone()?;
        let around = network.sending(self.place, self.request.iface.as_deref());
        let user = self.request.probe.as_ref();
        let template = |port| Template::new(chosen, &target, port, user, &around);
        let templates = match chosen.kind.probe {
            Probe::Connect | Probe::Idle => Vec::new(),
            Probe::Protocol => ports.iter().map(|&port| template(port)).collect::<Result<_, _>>()?,
            _ => vec![template(0)?],
        };
        let way =
            if chosen.kind.probe == Probe::Connect { Way::Plain(crate::net::Via::Ip(None)) } else { path.way.clone() };
        let scope = path.route.iface.index;
        Ok(Goal::new(target.clone(), way, path.is_local(), scope, templates, member.rtt))
    }

    fn sweep(
        &mut self,
        network: &mut Network,
        mut group: Box<Group>,
        kind: usize,
        mut sweep: Box<Sweep>,
        mut dialer: Option<Box<dyn Link>>,
    ) -> Result<(), EngineError> {
        let link: &mut dyn Link = match &mut dialer {
            Some(link) => &mut **link,
            None => network.link(self.place)?,
        };
        sweep.pause_at = link.now() + BEAT;
        let ended = drive(&mut *sweep, link)?;
        self.take_rows(&group, kind, &mut sweep);
        let is_last = kind + 1 == self.request.kinds.len();
        for (at, member) in group.members.iter_mut().enumerate() {
            member.rtt = sweep.goals[at].rtt;
            if is_last && sweep.is_finished(at) && self.scan.hosts[member.host].ended == 0 {
                self.scan.hosts[member.host].rtt = member.rtt.known();
                self.give_up(member.host, kind, sweep.unfinished(at), "");
                self.finish_host(network, member.host);
            }
        }
        if ended == Ended::Interrupted || (ended == Ended::Never && !sweep.is_over()) {
            self.count(&mut sweep);
            return self.interrupted(network, group.next, Some((&group, kind, &|at| sweep.unfinished(at))));
        }
        if !sweep.is_over() {
            let pace = self.pace(network, sweep.pace());
            self.queue.push_back(News::Still(pace));
            self.stage = Stage::Sweeping(group, kind, sweep, dialer);
            return Ok(());
        }
        self.count(&mut sweep);
        if !is_last {
            for at in 0..group.members.len() {
                self.give_up(group.members[at].host, kind, sweep.unfinished(at), "");
            }
        }
        self.begin_kind(network, group, kind + 1)
    }

    /// Adds what a job that ends has counted.
    fn count(&mut self, sweep: &mut Sweep) {
        self.sent += sweep.sent;
        self.done += sweep.pace().done;
        self.open += sweep.open;
        self.scan.stray_count += sweep.stray_count;
        let room = 100usize.saturating_sub(self.scan.strays.len());
        self.scan.strays.extend(sweep.strays.drain(..).take(room));
    }

    /// Ports of a host that get no row: it took too long, or `why`.
    fn give_up(&mut self, host: usize, kind: usize, ports: Vec<u16>, why: &str) {
        if !ports.is_empty() {
            let kind = self.request.kinds[kind].0.kind;
            self.scan.unfinished.push(Unfinished { host, kind, ports, why: why.into() });
        }
    }

    /// Turns what a job has settled into rows.
    fn take_rows(&mut self, group: &Group, kind: usize, sweep: &mut Sweep) {
        let chosen = self.request.kinds[kind].0;
        let name: Arc<str> = chosen.name().into();
        for unit in sweep.take_news() {
            let (at, place) = sweep.of_unit(unit);
            let Some(verdict) = sweep.units[unit as usize].verdict.take() else { continue };
            let port = sweep.setup.ports[place];
            let tries = sweep.units[unit as usize].tries.into();
            self.row(group.members[at].host, port, chosen, Arc::clone(&name), *verdict, tries);
        }
    }

    fn row(&mut self, host: usize, port: u16, chosen: Chosen, kind: Arc<str>, verdict: Verdict, tries: u32) {
        let proto = chosen.kind.proto;
        let service = self.request.services.name(proto, port).unwrap_or_default().into();
        let answer = (!verdict.packet.is_empty()).then(|| verdict.packet.into());
        let row = Row {
            host,
            port,
            proto,
            kind,
            state: verdict.state,
            reason: verdict.reason,
            reason_ip: verdict.by,
            ttl: verdict.ttl,
            tries,
            rtt: verdict.rtt,
            service,
            note: verdict.note.into(),
            answer,
            verdicts: Vec::new(),
        };
        let others = self.request.kinds.iter().filter(|(other, _)| other.kind.proto == proto).count();
        if others == 1 {
            return self.tell(row);
        }
        let said = self.partial.entry((host, proto, port)).or_default();
        said.push(row);
        if said.len() == others {
            let said = self.partial.remove(&(host, proto, port)).unwrap_or_default();
            self.tell(combine(said));
        }
    }

    fn tell(&mut self, row: Row) {
        if self.request.only_open && row.state != State::Open {
            return;
        }
        self.rows.entry(row.host).or_default().push(row.clone());
        self.queue.push_back(News::Port(Box::new(row)));
    }

    /// Ends it here: what is known is kept, and [`Scanner::next`] tells it.
    pub fn stop(&mut self, network: &mut Network) -> Result<(), EngineError> {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::New | Stage::Between(0) => self.interrupted(network, 0, None),
            Stage::Between(next) => self.interrupted(network, next, None),
            Stage::Knocking(group, knock, _) => {
                self.sent += knock.sent;
                self.interrupted(network, group.next, None)
            }
            Stage::Sweeping(group, kind, mut sweep, _) => {
                self.count(&mut sweep);
                self.interrupted(network, group.next, Some((&group, kind, &|at| sweep.unfinished(at))))
            }
            Stage::Idling(group, kind, idle) => {
                self.count_idle(&idle);
                self.interrupted(network, group.next, Some((&group, kind, &|at| idle.unfinished(at))))
            }
            Stage::Over => Ok(()),
        }
    }

    /// Puts a host's rows in their place.
    fn finish_host(&mut self, network: &Network, host: usize) {
        if self.scan.hosts[host].ended != 0 {
            return;
        }
        self.scan.hosts[host].ended = self.wall(network);
        // Ports of which not all kinds have spoken: what is known of them is kept.
        let of_host = (host, Proto::ALL[0], 0)..(host + 1, Proto::ALL[0], 0);
        let known: Vec<_> = self.partial.range(of_host).map(|(key, _)| *key).collect();
        for rows in known.iter().filter_map(|key| self.partial.remove(key)).collect::<Vec<_>>() {
            self.tell(combine(rows));
        }
        let mut rows = self.rows.remove(&host).unwrap_or_default();
        rows.sort_by_key(|row| (row.proto, row.port));
        self.scan.rows.extend(rows);
        self.queue.push_back(News::Finished(host));
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
    fn interrupted(
        &mut self,
        network: &mut Network,
        next: usize,
        at: Option<(&Group, usize, &dyn Fn(usize) -> Vec<u16>)>,
    ) -> Result<(), EngineError> {
        self.scan.interrupted = true;
        self.scan.unbegun = (self.request.targets.len() - next.min(self.request.targets.len())) as u64;
        if let Some((group, kind, unfinished)) = at {
            for (at, member) in group.members.iter().enumerate() {
                if self.scan.hosts[member.host].ended != 0 {
                    continue;
                }
                self.give_up(member.host, kind, unfinished(at), "");
                for later in kind + 1..self.request.kinds.len() {
                    let ports = self.request.kinds[later].1.to_vec();
                    self.give_up(member.host, later, ports, "");
                }
            }
            for member in &group.members {
                self.finish_host(network, member.host);
            }
        }
        self.end(network)
    }

    fn end(&mut self, network: &mut Network) -> Result<(), EngineError> {
        self.scan.sent = self.sent;
        self.scan.elapsed = network.world(self.place).now() - self.began;
        // Hosts finish in any order; the rows are in that of the targets.
        self.scan.rows.sort_by_key(|row| (row.host, row.proto, row.port));
        if !self.is_plain {
            self.scan.dropped = network.link(self.place)?.stats().dropped;
        }
        self.stage = Stage::Over;
        self.queue.push_back(News::Ended);
        Ok(())
    }
}

/// Ports that often answer, of those that are scanned: open or closed, they give the first round trip.
fn likely(proto: Proto, ports: &[u16]) -> Arc<[u16]> {
    crate::base::common::top(proto, 20).into_iter().filter(|port| ports.contains(port)).collect()
}
