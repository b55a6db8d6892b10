//! Taking up hosts: the ways to them, and who is there.

use super::{BEAT, GROUP, Group, Left, Member, Scanner, Stage, TRY_PORTS, link_of};
use crate::base::targets::Target;
use crate::engine::{Ended, EngineError, Network, Paths, Way, drive};
use crate::net::{Link, Reach};
use crate::scan::discover::{Door, Knock, Known};
use crate::scan::outcome::{Host, News, Presence};
use crate::scan::state::Reason;
use crate::scan::timing::Rtt;

impl Scanner {
    /// The ports of all kinds for one host.
    fn ports_of_host(&self) -> usize {
        self.request.kinds.iter().map(|(_, ports)| ports.len()).max().unwrap_or(1)
    }

    /// Takes up the next group: finds the ways, and who is there as far as the link itself tells.
    pub(super) fn take_up(&mut self, network: &mut Network, first: usize) -> Result<(), EngineError> {
        let total = self.request.targets.len();
        if first >= total {
            return self.end(network);
        }
        let size = (GROUP / self.ports_of_host().max(1)).clamp(1, 4096);
        let next = (first + size).min(total);
        let mut ended = Ended::Done;
        if !self.is_plain {
            // Nothing is sent to those of whom all is known.
            let asked: Vec<usize> = (first..next).filter(|target| !self.is_settled(*target)).collect();
            let targets: Vec<Target> = asked.iter().map(|at| self.request.targets[*at].target.clone()).collect();
            let paths = asked.iter().map(|at| self.paths[*at].clone()).collect();
            let routes = Paths { place: self.place, paths, ended };
            let found = network.ways(&targets, routes, self.request.iface.as_deref())?;
            ended = found.ended;
            asked.into_iter().zip(found.paths).for_each(|(at, path)| self.paths[at] = path);
        }
        if ended == Ended::Interrupted {
            return self.interrupted(network, first, None);
        }
        let (mut members, mut unknown, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for target in first..next {
            let host = self.scan.hosts.len();
            let is_open = !self.is_settled(target);
            let earlier = self.known_earlier(target);
            let is_up_earlier = earlier.as_ref().is_some_and(|known| known.presence == Presence::Up);
            let known = earlier.or_else(|| self.at_once(target));
            self.add_host(network, target, known.as_ref());
            match known {
                Some(_) if is_up_earlier && !(is_open && self.paths[target].is_ok()) => {
                    self.queue.push_back(News::Host(host));
                    self.take_earlier(target, host);
                    self.without_way(network, target, host);
                }
                Some(known) => {
                    if known.presence == Presence::Up {
                        let rtt = Rtt::of(known.rtt.map(|rtt| (rtt, rtt / 2)));
                        members.push(Member { host, target, rtt });
                    }
                    self.queue.push_back(News::Host(host));
                    self.take_earlier(target, host);
                }
                None => {
                    unknown.push(target);
                    asked.push(members.len());
                    members.push(Member { host, target, rtt: Rtt::default() });
                }
            }
        }
        let group = Box::new(Group { next, members, asked });
        if unknown.is_empty() {
            return self.begin_kind(network, group, 0);
        }
        let sports = self.sports(network, TRY_PORTS);
        let (timing, number) = (self.request.timing, self.rng.next_u64() as u32);
        let doors: Result<Vec<Door>, _> =
            unknown.into_iter().map(|target| self.door(network, target, number)).collect();
        let doors = doors?;
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

    fn door(&self, network: &Network, target: usize, number: u32) -> Result<Door, EngineError> {
        let wanted = &self.request.targets[target].target;
        match &self.paths[target] {
            Ok(path) if self.is_plain => Ok(Door::with_connections(wanted, path.route.iface.index)),
            Ok(path) => {
                let around = network.sending(self.place, self.request.iface.as_deref());
                Ok(Door::with_packets(wanted, path.way.clone(), number, &around)?)
            }
            Err(error) => Err(error.clone()),
        }
    }

    /// The wall time now.
    pub(super) fn wall(&self, network: &Network) -> i64 {
        let world = network.world(self.place);
        world.wall_zero().saturating_add(world.now().nanos())
    }

    pub(super) fn add_host(&mut self, network: &Network, target: usize, known: Option<&Known>) {
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
    pub(super) fn sports(&mut self, network: &Network, count: usize) -> Vec<u16> {
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

    pub(super) fn knock(
        &mut self,
        network: &mut Network,
        mut group: Box<Group>,
        mut knock: Box<Knock>,
        mut dialer: Option<Box<dyn Link>>,
    ) -> Result<(), EngineError> {
        let link = link_of(network, self.place, &mut dialer)?;
        knock.pause_at = link.now() + BEAT;
        let result = drive(&mut *knock, link);
        let ended = self.ended(result)?;
        for at in knock.take_news() {
            let (Some(known), Some(&member)) = (knock.doors[at].known.clone(), group.asked.get(at)) else { continue };
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
            return self.leave(network, group, &knock);
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

    /// Ends it while hosts are asked whether they are there: of some it is not known, and they count as not begun.
    pub(super) fn leave(
        &mut self,
        network: &mut Network,
        mut group: Box<Group>,
        knock: &Knock,
    ) -> Result<(), EngineError> {
        self.sent += knock.sent;
        let unknown = knock.doors.iter().zip(&group.asked).filter(|(door, _)| door.known.is_none());
        let unknown: Vec<usize> = unknown.map(|(_, &member)| group.members[member].host).collect();
        for &host in &unknown {
            self.scan.hosts[host].presence = Presence::Unknown;
        }
        group.members.retain(|member| self.scan.hosts[member.host].presence == Presence::Up);
        let ports = self.left_of_members(&group, 0);
        let next = group.next - unknown.len();
        self.interrupted(network, next, Some(Left { group: &group, kind: 0, unfinished: &|at| ports[at].clone() }))
    }
}
