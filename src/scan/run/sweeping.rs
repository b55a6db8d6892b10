//! One kind after another, each by a job of its own.

use std::sync::Arc;

use super::{BEAT, Group, Left, Member, Scanner, Stage, TRY_PORTS, link_of};
use crate::base::Rng;
use crate::base::common::top;
use crate::base::ports::Proto;
use crate::engine::{Ended, EngineError, Network, Way, drive};
use crate::net::{Link, NetError, Via};
use crate::scan::job::{Goal, Setup, Sweep};
use crate::scan::kinds::Probe;
use crate::scan::outcome::{MOST_STRAYS, News};
use crate::scan::probe::{Chosen, Template};
use crate::scan::timing::Rtt;

/// Our ports for datagrams: so many, that an answer from another port shows what it answers.
const DATAGRAM_PORTS: usize = 256;

impl Scanner {
    /// Begins the kind of this number for a group, or the next group.
    pub(super) fn begin_kind(
        &mut self,
        network: &mut Network,
        group: Box<Group>,
        at: usize,
    ) -> Result<(), EngineError> {
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
        let mut sweep = Sweep::new(setup, goals, Rtt::of(known), rng);
        for (goal, member) in group.members.iter().enumerate() {
            self.ports_out(member.target, at).into_iter().for_each(|port| sweep.leave_out(goal, port));
        }
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
        let way = if chosen.kind.probe == Probe::Connect { Way::Plain(Via::Ip(None)) } else { path.way.clone() };
        let scope = path.route.iface.index;
        Ok(Goal::new(target.clone(), way, path.is_local(), scope, templates, member.rtt))
    }

    pub(super) fn sweep(
        &mut self,
        network: &mut Network,
        mut group: Box<Group>,
        kind: usize,
        mut sweep: Box<Sweep>,
        mut dialer: Option<Box<dyn Link>>,
    ) -> Result<(), EngineError> {
        let link = link_of(network, self.place, &mut dialer)?;
        sweep.pause_at = link.now() + BEAT;
        sweep.overrun(link.stats().dropped, link.now());
        let ended = match drive(&mut *sweep, link) {
            Err(NetError::InterfaceGone { .. }) => {
                sweep.gone(link.now());
                Ended::Done
            }
            other => other?,
        };
        self.take_rows(&group, kind, &mut sweep);
        let is_last = kind + 1 == self.request.kinds.len();
        for at in sweep.take_finished() {
            let member = &mut group.members[at];
            let host = member.host;
            member.rtt = sweep.goals[at].rtt;
            if is_last && self.scan.hosts[host].ended == 0 {
                self.scan.hosts[host].rtt = member.rtt.known();
                self.give_up(host, kind, sweep.unfinished(at), sweep.limit(at));
                self.finish_host(network, host);
            }
        }
        if sweep.is_gone() {
            self.stopped_by = "the interface went away; see `ip link`".into();
        }
        if ended == Ended::Interrupted || sweep.is_gone() || (ended == Ended::Never && !sweep.is_over()) {
            self.count(&mut sweep);
            return self.interrupted(
                network,
                group.next,
                Some(Left { group: &group, kind, unfinished: &|at| sweep.unfinished(at) }),
            );
        }
        if !sweep.is_over() {
            let pace = self.pace(network, sweep.pace());
            self.queue.push_back(News::Still(pace));
            self.stage = Stage::Sweeping(group, kind, sweep, dialer);
            return Ok(());
        }
        self.count(&mut sweep);
        if !is_last {
            for (at, member) in group.members.iter().enumerate() {
                self.give_up(member.host, kind, sweep.unfinished(at), sweep.limit(at));
            }
        }
        self.begin_kind(network, group, kind + 1)
    }

    /// Adds what a job that ends has counted.
    pub(super) fn count(&mut self, sweep: &mut Sweep) {
        self.sent += sweep.sent;
        self.done += sweep.pace().done;
        self.open += sweep.open;
        self.scan.stray_count += sweep.stray_count;
        let room = MOST_STRAYS.saturating_sub(self.scan.strays.len());
        self.scan.strays.extend(sweep.strays.drain(..).take(room));
    }
}

/// Ports that often answer, of those that are scanned: open or closed, they give the first round trip.
fn likely(proto: Proto, ports: &[u16]) -> Arc<[u16]> {
    top(proto, 20).into_iter().filter(|port| ports.contains(port)).collect()
}
