//! What changed between two scans.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crate::base::ports::Proto;
use crate::base::targets::Target;
use crate::base::text::escape;
use crate::scan::outcome::{Presence, Row, Scan};
use crate::scan::state::State;

/// What changed between two scans. Ports are matched by address, protocol and number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diff {
    /// Hosts that are up now, and were not.
    pub come: Vec<Target>,
    /// Hosts that were up, and are not.
    pub gone: Vec<Target>,
    /// Ports of hosts that are in both, whose state is another.
    pub changes: Vec<Change>,
    /// Ports of such hosts that only one of the scans asked for.
    pub apart: usize,
    /// One of the scans was interrupted: what it lacks may be there.
    pub is_partial: bool,
}

/// A port whose state changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The host.
    pub host: Target,
    /// The port.
    pub port: u16,
    /// What the number belongs to.
    pub proto: Proto,
    /// The kinds of the new scan that say so.
    pub kind: Arc<str>,
    /// What it was.
    pub old: State,
    /// What it is.
    pub new: State,
}

impl Diff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.come.is_empty() && self.gone.is_empty() && self.changes.is_empty()
    }
}

/// Compares two scans.
pub fn diff(old: &Scan, new: &Scan) -> Diff {
    let (before, after) = (up(old), up(new));
    let (was, is) = (ports(old), ports(new));
    let is_in_both = |host: &&Target| before.contains(host) && after.contains(host);
    let changes = is.iter().filter_map(|((host, proto, port), now)| {
        let then = was.get(&(*host, *proto, *port)).filter(|then| then.state != now.state)?;
        let kind = Arc::clone(&now.kind);
        Some(Change { host: (*host).clone(), port: *port, proto: *proto, kind, old: then.state, new: now.state })
    });
    let apart = was.keys().filter(|key| !is.contains_key(key)).chain(is.keys().filter(|key| !was.contains_key(key)));
    Diff {
        come: after.difference(&before).map(|host| (*host).clone()).collect(),
        gone: before.difference(&after).map(|host| (*host).clone()).collect(),
        changes: changes.collect(),
        apart: apart.filter(|(host, ..)| is_in_both(host)).count(),
        is_partial: old.interrupted || new.interrupted,
    }
}

fn up(scan: &Scan) -> BTreeSet<&Target> {
    scan.hosts.iter().filter(|host| host.presence == Presence::Up).map(|host| &host.target).collect()
}

fn ports(scan: &Scan) -> BTreeMap<(&Target, Proto, u16), &Row> {
    let target = |row: &Row| scan.hosts.get(row.host).map(|host| &host.target);
    scan.rows.iter().filter_map(|row| Some(((target(row)?, row.proto, row.port), row))).collect()
}

/// A line for each host and port: `+ 192.0.2.10`, `- 192.0.2.11`, `192.0.2.12 80/tcp closed -> open`.
impl fmt::Display for Diff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts = [("+", &self.come, "has come"), ("-", &self.gone, "is gone")];
        let mut lines: Vec<String> = hosts
            .iter()
            .flat_map(|(sign, hosts, word)| {
                hosts.iter().map(move |host| format!("{sign} {} {word}", escape(&host.to_string())))
            })
            .collect();
        lines.extend(self.changes.iter().map(|c| {
            let host = c.host.to_string();
            format!("{} {}/{} {} -> {} ({})", escape(&host), c.port, c.proto.name(), c.old, c.new, escape(&c.kind))
        }));
        if self.is_empty() {
            lines.push("nothing changed".into());
        }
        if self.apart > 0 {
            let s = if self.apart == 1 { " is" } else { "s are" };
            lines.push(format!("{} port{s} in one of the scans only", self.apart));
        }
        if self.is_partial {
            lines.push("one of the scans was interrupted: what it lacks may be there".into());
        }
        f.write_str(&lines.join("\n"))
    }
}
