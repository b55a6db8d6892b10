//! The idle scan's part of a run: what is asked of the zombie's path, its job, and what becomes of a useless zombie.

use std::net::IpAddr;
use std::sync::Arc;

use super::{BEAT, Group, Left, Request, Scanner, Stage, TRY_PORTS};
use crate::base::Rng;
use crate::base::targets::Target;
use crate::engine::{Ended, EngineError, Network, Path, Paths, Way, drive};
use crate::net::Reach;
use crate::scan::idle::{Goal, Idle, Setup, Zombie};
use crate::scan::kinds::Probe;
use crate::scan::outcome::News;

/// Refuses zombies that cannot work, whatever they count, and says what a target hears of us all the same.
pub(super) fn check(
    request: &mut Request,
    zombie: Option<&Path>,
    paths: &[Result<Path, EngineError>],
) -> Result<(), EngineError> {
    let (Some((target, _)), Some(path)) = (&request.zombie, zombie) else { return Ok(()) };
    let refuse = |why: String| Err(EngineError::Useless(why));
    let other = request.targets.iter().find(|wanted| wanted.target.addr.is_ipv6());
    if let Some(v6) = Some(target.addr).filter(IpAddr::is_ipv6).or(other.map(|wanted| wanted.target.addr)) {
        return refuse(format!(
            "{v6}: idle scans are IPv4 only here: IPv6 numbers fragments alone (RFC 8200 section 4.5)"
        ));
    }
    if path.route.reach != Reach::Remote {
        return refuse(format!(
            "the zombie {}: this machine and groups are no zombies; name a quiet host",
            target.addr
        ));
    }
    if request.targets.iter().any(|wanted| wanted.target == *target) {
        return refuse(format!("the zombie {} cannot be its own target: name another, or exclude it", target.addr));
    }
    let is_near = request
        .targets
        .iter()
        .zip(paths)
        .any(|(wanted, path)| path.as_ref().is_ok_and(|path| path.is_neighbor(wanted.target.addr)));
    if request.discover {
        request
            .remarks
            .push("discover=true: targets are asked first, so they hear of you and not of the zombie alone".into());
    } else if is_near {
        request.remarks.push("targets on this link hear your ARP request, and nothing else of you".into());
    }
    Ok(())
}

impl Scanner {
    /// Begins the idle scan of a group: finds the zombie's hardware address, and builds what is forged.
    pub(super) fn begin_idle(
        &mut self,
        network: &mut Network,
        group: Box<Group>,
        at: usize,
    ) -> Result<(), EngineError> {
        if let Some(why) = self.zombie_refused.clone() {
            return self.without_zombie(network, group, at, &why, None);
        }
        let (Some((zombie, port)), Some(path)) = (self.request.zombie.clone(), self.zombie.clone()) else {
            return Err(EngineError::Useless("an idle scan needs a zombie: zombie=\"zombie.lab\"".into()));
        };
        let iface = self.request.iface.clone();
        let routes = Paths { place: self.place, paths: vec![Ok(path)], ended: Ended::Done };
        let found = network.ways(std::slice::from_ref(&zombie), routes, iface.as_deref())?;
        if found.ended == Ended::Interrupted {
            let ports = self.left_of_members(&group, at);
            let left = Left { group: &group, kind: at, unfinished: &|at| ports[at].clone() };
            return self.interrupted(network, group.next, Some(left));
        }
        let [Ok(path)] = &found.paths[..] else { return Err(EngineError::Useless("the zombie has no route".into())) };
        if let Way::NoNeighbor(hop) = path.way {
            let why: Arc<str> = format!("the zombie {} is not there: {hop} does not answer ARP", zombie.addr).into();
            return self.without_zombie(network, group, at, &why, None);
        }
        let sports = self.sports(network, TRY_PORTS);
        let rng = Rng::new(self.rng.next_u64());
        let around = network.sending(self.place, iface.as_deref());
        let asked = Zombie::new(&zombie, port, path.way.clone(), &around)?;
        let mut goals = Vec::with_capacity(group.members.len());
        for member in &group.members {
            let target: &Target = &self.request.targets[member.target].target;
            let way = self.paths[member.target].clone()?.way;
            goals.push(Goal::new(target, &zombie, way, member.rtt, &around)?);
        }
        let setup = Setup {
            ports: Arc::clone(&self.request.kinds[at].1),
            retry: self.request.retry,
            timeout: self.request.timeout,
            timing: self.request.timing,
            max_rate: self.request.max_rate,
            host_timeout: self.request.host_timeout,
            sports,
        };
        let mut idle = Idle::new(setup, asked, goals, rng);
        for (goal, member) in group.members.iter().enumerate() {
            self.ports_out(member.target, at).into_iter().for_each(|port| idle.leave_out(goal, port));
        }
        self.stage = Stage::Idling(group, at, Box::new(idle));
        Ok(())
    }

    /// Goes on with an idle scan.
    pub(super) fn idle(
        &mut self,
        network: &mut Network,
        group: Box<Group>,
        kind: usize,
        mut idle: Box<Idle>,
    ) -> Result<(), EngineError> {
        let link = network.link(self.place)?;
        idle.pause_at = link.now() + BEAT;
        let result = drive(&mut *idle, link);
        let ended = self.ended(result)?;
        let chosen = self.request.kinds[kind].0;
        let name: Arc<str> = chosen.name().into();
        for it in idle.take_news() {
            self.row(group.members[it.goal].host, it.port, chosen, Arc::clone(&name), it.verdict, it.tries);
        }
        let is_last = kind + 1 == self.request.kinds.len();
        for at in (0..group.members.len()).filter(|at| is_last && idle.is_finished(*at)) {
            let host = group.members[at].host;
            if self.scan.hosts[host].ended == 0 {
                self.give_up(host, kind, idle.unfinished(at), "");
                self.finish_host(network, host);
            }
        }
        if ended == Ended::Interrupted || (ended == Ended::Never && !idle.is_over()) {
            self.count_idle(&idle);
            return self.interrupted(
                network,
                group.next,
                Some(Left { group: &group, kind, unfinished: &|at| idle.unfinished(at) }),
            );
        }
        if !idle.is_over() {
            let pace = self.pace(network, idle.pace());
            self.queue.push_back(News::Still(pace));
            self.stage = Stage::Idling(group, kind, idle);
            return Ok(());
        }
        self.count_idle(&idle);
        if let Some(why) = idle.refused() {
            let lab = "; in the laboratory, zombie.lab counts";
            let why = format!("{why}{}", if network.world(self.place).is_virtual() { lab } else { "" });
            return self.without_zombie(network, group, kind, &why, Some(&idle));
        }
        if !is_last {
            for (at, member) in group.members.iter().enumerate() {
                self.give_up(member.host, kind, idle.unfinished(at), "");
            }
        }
        self.begin_kind(network, group, kind + 1)
    }

    /// The zombie is of no use. Where nothing is known and nothing else is to be done, that is an error; else what is
    /// known is kept, the rest is named with the reason, and other kinds go on.
    fn without_zombie(
        &mut self,
        network: &mut Network,
        group: Box<Group>,
        kind: usize,
        why: &str,
        idle: Option<&Idle>,
    ) -> Result<(), EngineError> {
        let is_alone = self.request.kinds.iter().all(|(chosen, _)| chosen.kind.probe == Probe::Idle);
        if is_alone && self.scan.rows.is_empty() && self.rows.is_empty() {
            return Err(EngineError::Useless(why.to_owned()));
        }
        self.zombie_refused = Some(why.into());
        for (at, member) in group.members.iter().enumerate() {
            if self.scan.hosts[member.host].ended == 0 {
                let ports = idle.map_or_else(|| self.ports_left(member.target, kind), |idle| idle.unfinished(at));
                self.give_up(member.host, kind, ports, why);
            }
        }
        if is_alone {
            for member in &group.members {
                self.finish_host(network, member.host);
            }
            self.scan.unbegun = (self.request.targets.len() - group.next) as u64;
            return self.end(network);
        }
        self.begin_kind(network, group, kind + 1)
    }

    /// Adds what the job has counted.
    pub(super) fn count_idle(&mut self, idle: &Idle) {
        let pace = idle.pace();
        self.sent += pace.sent;
        self.done += pace.done;
        self.open += pace.open;
    }
}
