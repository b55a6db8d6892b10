//! What a job has settled becomes rows, and what it has not is named.

use std::sync::Arc;

use super::{Group, Scanner};
use crate::base::ports::Proto;
use crate::engine::Network;
use crate::scan::combine::combine;
use crate::scan::job::Sweep;
use crate::scan::outcome::{News, Row, Unfinished};
use crate::scan::probe::Chosen;
use crate::scan::read::Verdict;
use crate::scan::state::State;

impl Scanner {
    /// Ports of a host that get no row: it took too long, or `why`.
    pub(super) fn give_up(&mut self, host: usize, kind: usize, ports: Vec<u16>, why: &str) {
        if !ports.is_empty() {
            let kind = self.request.kinds[kind].0.kind;
            self.scan.unfinished.push(Unfinished { host, kind, ports, why: why.into() });
        }
    }

    /// Turns what a job has settled into rows.
    pub(super) fn take_rows(&mut self, group: &Group, kind: usize, sweep: &mut Sweep) {
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

    pub(super) fn row(&mut self, host: usize, port: u16, chosen: Chosen, kind: Arc<str>, verdict: Verdict, tries: u32) {
        let proto = chosen.kind.proto;
        let service = shared(self.request.services.name(proto, port).unwrap_or_default());
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
            note: shared(&verdict.note),
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

    pub(super) fn tell(&mut self, row: Row) {
        if self.request.only_open && row.state != State::Open {
            return;
        }
        self.rows.entry(row.host).or_default().push(row.clone());
        self.queue.push_back(News::Port(Box::new(row)));
    }

    /// Puts a host's rows in their place.
    pub(super) fn finish_host(&mut self, network: &Network, host: usize) {
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
        self.keep_stale(host);
        let mut rows = self.rows.remove(&host).unwrap_or_default();
        rows.sort_unstable_by_key(|row| (row.proto, row.port)); // in place: there may be many
        // The first host's are taken as they are: where there is but one, they are not held twice.
        if self.scan.rows.is_empty() {
            self.scan.rows = rows;
        } else {
            self.scan.rows.extend(rows);
        }
        self.queue.push_back(News::Finished(host));
    }
}

/// A text of a row. Most are empty, and all of those are one.
fn shared(text: &str) -> Arc<str> {
    if text.is_empty() { Arc::default() } else { text.into() }
}
