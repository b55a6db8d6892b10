//! A scan that was stopped goes on: what an earlier run had found is taken over, and only the rest is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::{Earlier, Group, Member, Scanner};
use crate::base::ports::Proto;
use crate::engine::Network;
use crate::scan::discover::Known;
use crate::scan::outcome::{News, Presence, Row, Scan};
use crate::scan::pieces::ports_of_a_host;
use crate::scan::state::Reason;

impl Scanner {
    /// Takes over what an earlier run of the same scan had found, before the first [`Scanner::next`]. Its hosts are not
    /// looked for again, and its ports are not asked again but those of which not all kinds had spoken. What is no part
    /// of this scan is passed over. [`News::Known`] tells its ports.
    pub fn resume(&mut self, earlier: Scan) {
        let numbers = self.request.targets.iter().enumerate();
        let numbers: BTreeMap<_, usize> = numbers.map(|(at, wanted)| (wanted.target.clone(), at)).collect();
        let mine: BTreeSet<(Proto, u16)> = ports_of_a_host(&self.request).collect();
        let names = Proto::ALL.map(|proto| self.kinds_of(proto));
        let places: Vec<Option<usize>> = earlier.hosts.iter().map(|h| numbers.get(&h.target).copied()).collect();
        for (host, place) in earlier.hosts.into_iter().zip(&places) {
            if let Some(place) = place {
                self.earlier.insert(*place, Earlier { host, rows: Vec::new(), partial: Vec::new() });
            }
        }
        let mut known = 0;
        for row in earlier.rows {
            let whole = Proto::ALL.iter().zip(&names).any(|(proto, name)| *proto == row.proto && **name == *row.kind);
            let Some(&Some(place)) = places.get(row.host) else { continue };
            let Some(it) = self.earlier.get_mut(&place) else { continue };
            let left_out = self.left_out.entry(it.host.target.clone()).or_default();
            let port = (row.proto, row.port);
            if !mine.contains(&port) || left_out.contains(&port) {
                continue;
            }
            it.host.presence = Presence::Up;
            if whole {
                left_out.insert(port);
                it.rows.push(row);
                known += 1;
            } else {
                it.partial.push(row);
            }
        }
        (self.sent, self.spent) = (earlier.sent, earlier.elapsed);
        if !self.earlier.is_empty() {
            let hosts = self.earlier.len();
            self.scan.about.remarks.push(format!("resumed: an earlier run had {known} ports of {hosts} hosts"));
        }
    }

    /// What rows of ports of this sort call their kinds, when all have spoken.
    fn kinds_of(&self, proto: Proto) -> String {
        let kinds = self.request.kinds.iter().filter(|(chosen, _)| chosen.kind.proto == proto);
        kinds.map(|(chosen, _)| chosen.name()).collect::<Vec<_>>().join("+")
    }

    /// The ports of a kind that a target is still to be asked for.
    pub(super) fn ports_left(&self, target: usize, kind: usize) -> Vec<u16> {
        let (chosen, ports) = &self.request.kinds[kind];
        let left_out = self.left_out.get(&self.request.targets[target].target);
        let is_left = |port: &u16| left_out.is_none_or(|out| !out.contains(&(chosen.kind.proto, *port)));
        ports.iter().copied().filter(is_left).collect()
    }

    /// The same for all of a group.
    pub(super) fn left_of_members(&self, group: &Group, kind: usize) -> Vec<Vec<u16>> {
        let is_kind = kind < self.request.kinds.len();
        let ports = |member: &Member| if is_kind { self.ports_left(member.target, kind) } else { Vec::new() };
        group.members.iter().map(ports).collect()
    }

    /// The ports of a kind that a target is not to be asked for.
    pub(super) fn ports_out(&self, target: usize, kind: usize) -> Vec<u16> {
        let (chosen, ports) = &self.request.kinds[kind];
        let Some(out) = self.left_out.get(&self.request.targets[target].target) else { return Vec::new() };
        ports.iter().copied().filter(|port| out.contains(&(chosen.kind.proto, *port))).collect()
    }

    /// Whether an earlier run has left nothing to be asked of a target.
    pub(super) fn is_settled(&self, target: usize) -> bool {
        let Some(Earlier { host, .. }) = self.earlier.get(&target) else { return false };
        host.presence.is_down() || (0..self.request.kinds.len()).all(|kind| self.ports_left(target, kind).is_empty())
    }

    /// What an earlier run knew of a target's presence.
    pub(super) fn known_earlier(&self, target: usize) -> Option<Known> {
        let Earlier { host, .. } = self.earlier.get(&target)?;
        let rtt = host.rtt.map(|(rtt, _)| rtt);
        Some(Known { presence: host.presence, reason: host.reason, by: host.reason_ip, ttl: host.ttl, rtt })
    }

    /// Takes over the ports of a target, whose host has this number now.
    pub(super) fn take_earlier(&mut self, target: usize, host: usize) {
        let Some(Earlier { host: known, rows, partial }) = self.earlier.remove(&target) else { return };
        let it = &mut self.scan.hosts[host];
        it.mac = it.mac.or(known.mac);
        for row in rows {
            let row = renumbered(row, host);
            self.done += 1;
            self.open += u64::from(row.state == crate::scan::State::Open);
            self.rows.entry(host).or_default().push(row.clone());
            self.queue.push_back(News::Known(Box::new(row)));
        }
        if !partial.is_empty() {
            self.stale.insert(host, partial);
        }
    }

    /// A host is finished: ports that an earlier run knew in part, and of which nothing is known now, are as they were.
    pub(super) fn keep_stale(&mut self, host: usize) {
        let Some(stale) = self.stale.remove(&host) else { return };
        let rows = self.rows.entry(host).or_default();
        let known: BTreeSet<_> = rows.iter().map(|row| (row.proto, row.port)).collect();
        for row in stale.into_iter().filter(|row| !known.contains(&(row.proto, row.port))) {
            let row = renumbered(row, host);
            rows.push(row.clone());
            self.queue.push_back(News::Known(Box::new(row)));
        }
    }

    /// It ends before all hosts of an earlier run were taken up: what is known of them is kept.
    pub(super) fn keep_earlier(&mut self, network: &Network) {
        let targets: Vec<usize> = self.earlier.keys().copied().collect();
        for target in targets {
            let Some(known) = self.known_earlier(target) else { continue };
            let host = self.scan.hosts.len();
            self.add_host(network, target, Some(&known));
            self.take_earlier(target, host);
            self.queue.push_back(News::Host(host));
            if known.presence == Presence::Up {
                for kind in 0..self.request.kinds.len() {
                    self.give_up(host, kind, self.ports_left(target, kind), "");
                }
                self.finish_host(network, host);
            }
            self.scan.unbegun = self.scan.unbegun.saturating_sub(1);
        }
    }

    /// There is no way to a host of an earlier run: the rest of it is named.
    pub(super) fn without_way(&mut self, network: &Network, target: usize, host: usize) {
        let why = if self.is_settled(target) { "" } else { Reason::NoRoute.word() };
        for kind in 0..self.request.kinds.len() {
            self.give_up(host, kind, self.ports_left(target, kind), why);
        }
        self.finish_host(network, host);
    }
}

/// A row under another host's number.
fn renumbered(mut row: Row, host: usize) -> Row {
    row.host = host;
    row.verdicts.iter_mut().for_each(|verdict| verdict.host = host);
    row
}
