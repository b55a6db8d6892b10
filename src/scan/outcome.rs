//! What a scan found: hosts, and a row for each port.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::kinds::Kind;
use super::state::{Reason, State};
use crate::base::Mac;
use crate::base::ports::Proto;
use crate::base::targets::Target;

/// What one kind of scan, or several together, say of a port.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which of [`Scan::hosts`].
    pub host: usize,
    /// The port, or the IP protocol's number.
    pub port: u16,
    /// What the number belongs to.
    pub proto: Proto,
    /// Names of the kinds, joined by `+` where they were several.
    pub kind: Arc<str>,
    /// The state.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// Who said so, where it was not the host itself.
    pub reason_ip: Option<IpAddr>,
    /// The TTL or hop limit of the packet that decided.
    pub ttl: Option<u8>,
    /// Probes sent.
    pub tries: u32,
    /// From the probe to the packet that decided.
    pub rtt: Option<Duration>,
    /// The service that usually has this port; empty when none is known.
    pub service: Arc<str>,
    /// What Nmap's word leaves out: how the answer was read, what was not believed. Empty mostly.
    pub note: Arc<str>,
    /// The packet that decided, from its IP header on (the first 256 bytes).
    pub answer: Option<Arc<[u8]>>,
    /// What each kind says, where they were several.
    pub verdicts: Vec<Row>,
}

/// Whether a host is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It answered, or nobody asked it.
    Up,
    /// It did not.
    Down,
    /// The scan was ended before that was known; reports leave it out.
    Unknown,
}

impl Presence {
    /// `up`, `down` or `unknown`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nobody is there.
    pub fn is_down(self) -> bool {
        self == Self::Down
    }
}

/// A host of a scan.
#[derive(Clone, Debug, PartialEq)]
pub struct Host {
    /// Its address.
    pub target: Target,
    /// The name that it was asked for by, if it was one.
    pub name: Option<Arc<str>>,
    /// Other addresses of that name, which were not scanned.
    pub others: Vec<IpAddr>,
    /// Whether it is there.
    pub presence: Presence,
    /// Why it is thought so.
    pub reason: Reason,
    /// Who said so, where it was not the host itself.
    pub reason_ip: Option<IpAddr>,
    /// The TTL of the packet that said so.
    pub ttl: Option<u8>,
    /// Its hardware address, where it is on the same link.
    pub mac: Option<Mac>,
    /// The interface that leads there.
    pub iface: Arc<str>,
    /// The smoothed round trip and its variation.
    pub rtt: Option<(Duration, Duration)>,
    /// When its scan began and ended, as wall times in nanoseconds since 1970.
    pub began: i64,
    /// See `began`; 0 while it is not finished.
    pub ended: i64,
}

/// Ports of a host that were not finished, see [`Scan::unfinished`].
#[derive(Clone, Debug, PartialEq)]
pub struct Unfinished {
    /// Which of [`Scan::hosts`].
    pub host: usize,
    /// The kind.
    pub kind: &'static Kind,
    /// The ports.
    pub ports: Vec<u16>,
    /// Why, where neither Ctrl-C nor the time of the host ended it; empty mostly.
    pub why: Arc<str>,
}

/// What was asked of a scan, as reports tell it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// The command: `pktsh scan web.lab -p 22`, or `syn_scan("web.lab", ports=22)`.
    pub args: String,
    /// When it began, as wall time in nanoseconds since 1970.
    pub began: i64,
    /// The kinds, each with the ports that it is asked for (none for a mere host discovery).
    pub kinds: Vec<(&'static Kind, Arc<[u16]>)>,
    /// What the user should know before anything is sent: a kind that was chosen for want of privilege.
    pub remarks: Vec<String>,
    /// Addresses that are scanned.
    pub targets: u64,
}

/// The most unasked packets that are kept in words.
pub(super) const MOST_STRAYS: usize = 100;

/// What a scan found so far; all of it when it has ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scan {
    /// What was asked.
    pub about: About,
    /// The hosts, in the order of the targets. Those that are down are among them.
    pub hosts: Vec<Host>,
    /// The ports, grouped by host, each host's in the order of protocol and number.
    pub rows: Vec<Row>,
    /// What was not finished when it ended early.
    pub unfinished: Vec<Unfinished>,
    /// Targets that were not begun when it ended early.
    pub unbegun: u64,
    /// Packets sent.
    pub sent: u64,
    /// Packets heard that no probe had asked for, in words; a hundred at most.
    pub strays: Vec<String>,
    /// How many there were.
    pub stray_count: u64,
    /// Frames lost by our own capture.
    pub dropped: u64,
    /// From its beginning to its end.
    pub elapsed: Duration,
    /// Ctrl-C ended it.
    pub interrupted: bool,
}

impl Scan {
    /// The rows of a host.
    pub fn rows_of(&self, host: usize) -> impl Iterator<Item = &Row> {
        self.rows.iter().filter(move |row| row.host == host)
    }

    /// Both together; of a port that both know, what the later one says.
    #[must_use]
    pub fn join(&self, later: &Self) -> Self {
        Self::join_all([self, later])
    }

    /// All together; of a port that several know, what the last of them says. A host that is up in one of them is up.
    #[must_use]
    pub fn join_all<'a>(scans: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut scans = scans.into_iter();
        let mut whole = scans.next().cloned().unwrap_or_default();
        let mut hosts: BTreeMap<Target, usize> =
            whole.hosts.iter().enumerate().map(|(at, host)| (host.target.clone(), at)).collect();
        let mut rows: BTreeMap<_, Row> = BTreeMap::new();
        let key = |row: &Row| (row.host, row.proto, row.port);
        rows.extend(std::mem::take(&mut whole.rows).into_iter().map(|row| (key(&row), row)));
        for later in scans {
            let places: Vec<usize> = later.hosts.iter().map(|host| whole.place_of(host, &mut hosts)).collect();
            rows.extend(later.rows.iter().map(|row| {
                let verdicts = row.verdicts.iter().map(|v| Row { host: places[v.host], ..v.clone() }).collect();
                let row = Row { host: places[row.host], verdicts, ..row.clone() };
                (key(&row), row)
            }));
            whole.add_counts(later, &places);
        }
        whole.rows = rows.into_values().collect();
        whole
    }

    /// Where a host of a later scan stands among ours; it is added where it is new.
    fn place_of(&mut self, host: &Host, hosts: &mut BTreeMap<Target, usize>) -> usize {
        let place = *hosts.entry(host.target.clone()).or_insert(self.hosts.len());
        match self.hosts.get_mut(place) {
            None => self.hosts.push(host.clone()),
            Some(known) if known.presence != Presence::Up || host.presence == Presence::Up => *known = host.clone(),
            Some(_) => {}
        }
        place
    }

    /// Adds all but the hosts and rows of a later scan.
    fn add_counts(&mut self, later: &Self, places: &[usize]) {
        self.unfinished.extend(later.unfinished.iter().map(|u| Unfinished { host: places[u.host], ..u.clone() }));
        self.strays.extend(later.strays.iter().cloned());
        let kinds = later.about.kinds.iter().filter(|kind| !self.about.kinds.contains(kind)).cloned();
        self.about.kinds.extend(kinds.collect::<Vec<_>>());
        self.unbegun += later.unbegun;
        self.sent += later.sent;
        self.stray_count += later.stray_count;
        self.dropped += later.dropped;
        self.elapsed += later.elapsed;
        self.interrupted |= later.interrupted;
        self.about.targets = self.hosts.len() as u64 + self.unbegun;
    }

    /// Hosts in the order of their addresses, and the rows with them.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        let mut order: Vec<usize> = (0..self.hosts.len()).collect();
        order.sort_by(|a, b| self.hosts[*a].target.cmp(&self.hosts[*b].target));
        let mut places = vec![0; order.len()];
        order.iter().enumerate().for_each(|(place, host)| places[*host] = place);
        self.hosts = order.iter().map(|host| self.hosts[*host].clone()).collect();
        for row in &mut self.rows {
            row.host = places[row.host];
            row.verdicts.iter_mut().for_each(|verdict| verdict.host = row.host);
        }
        self.unfinished.iter_mut().for_each(|left| left.host = places[left.host]);
        self.rows.sort_by_key(|row| (row.host, row.proto, row.port));
        self
    }

    /// Ports in each state, in the order of [`State::ALL`].
    pub fn counts(&self) -> [u64; 6] {
        State::ALL.map(|state| self.rows.iter().filter(|row| row.state == state).count() as u64)
    }

    /// Hosts that are up, and those that are down.
    pub fn presence(&self) -> (u64, u64) {
        let count = |presence| self.hosts.iter().filter(|host| host.presence == presence).count() as u64;
        (count(Presence::Up), count(Presence::Down))
    }
}

/// Something that a running scan has to tell.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// It begins: [`Scan::about`] is complete.
    Begun,
    /// Of host `0` it is known whether it is there.
    Host(usize),
    /// A port is decided.
    Port(Box<Row>),
    /// A port that an earlier run had decided, see [`Scanner::resume`](super::Scanner::resume).
    Known(Box<Row>),
    /// All ports of a host are decided, and in [`Scan::rows`].
    Finished(usize),
    /// Some time has passed.
    Still(Pace),
    /// All is done: the [`Scan`] is complete.
    Ended,
}

/// How far a scan is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pace {
    /// Ports and hosts decided.
    pub done: u64,
    /// All that are to be decided; it may shrink when hosts are down.
    pub total: u64,
    /// Packets sent.
    pub sent: u64,
    /// Ports found open.
    pub open: u64,
    /// Since the scan began.
    pub elapsed: Duration,
}

/// Somebody who is told how a scan goes: a report, a live line.
pub trait Watch {
    /// Something has happened; `scan` is what is known by now.
    fn news(&mut self, scan: &Scan, news: &News);
}

/// Those who are told how the scans of a session go. Shared: they stay reachable to whoever put them there.
pub type Watchers = Rc<RefCell<Vec<Box<dyn Watch>>>>;
