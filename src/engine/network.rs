//! The networks of a session: its worlds, their open links, and what was learned of their neighbors.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::error::EngineError;
use crate::base::rng::mix;
use crate::base::targets::Target;
use crate::base::{Mac, Rng, Time};
use crate::net::{Link, NetError, Quiet, Reach, Route, Slept, World};
use crate::packet::Surroundings;

/// How long an answer to our own ARP request is believed.
const NEIGHBOR_LIFE: Duration = Duration::from_mins(1);

/// The worlds of a session. The destination decides which one a packet goes to: the first that owns the address.
pub struct Network {
    places: Vec<Place>,
    seed: u64,
    /// The key of draws that go to the real network.
    live_seed: u64,
    /// The only interface of the session, where one was named.
    iface: Option<String>,
    sent: Cell<u64>,
    /// The ports at which this machine resets nothing, in all worlds.
    quiet: BTreeMap<u16, Vec<Quiet>>,
    wrap: Box<Wrap>,
    allow_public: Box<dyn FnMut(IpAddr) -> bool>,
}

type Wrap = dyn Fn(Box<dyn Link>) -> Result<Box<dyn Link>, NetError>;

/// One world, and what the session holds of it.
pub(super) struct Place {
    pub(super) world: Box<dyn World>,
    pub(super) link: Option<Box<dyn Link>>,
    neighbors: Neighbors,
}

/// What our own ARP requests were answered: by interface and address, with the time.
#[derive(Default)]
pub(super) struct Neighbors(BTreeMap<(u32, IpAddr), (Mac, Time)>);

impl Neighbors {
    pub(super) fn learn(&mut self, iface: u32, addr: IpAddr, mac: Mac, now: Time) {
        self.0.insert((iface, addr), (mac, now));
    }
}

impl Network {
    /// A session's networks, the first that owns an address takes it. `seed` is the key of all draws.
    pub fn new(worlds: Vec<Box<dyn World>>, seed: u64) -> Self {
        let place = |world| Place { world, link: None, neighbors: Neighbors::default() };
        Self {
            places: worlds.into_iter().map(place).collect(),
            seed,
            live_seed: seed,
            iface: None,
            sent: Cell::new(0),
            quiet: BTreeMap::new(),
            wrap: Box::new(Ok),
            allow_public: Box::new(|_| false),
        }
    }

    /// Puts every link that is opened from now on through `wrap`: a recorder, a fault injector.
    pub fn wrap_links(&mut self, wrap: impl Fn(Box<dyn Link>) -> Result<Box<dyn Link>, NetError> + 'static) {
        self.wrap = Box::new(wrap);
    }

    /// The key of draws that go to the real network, where it is not the session's: two runs that draw the same
    /// ports within minutes meet the connections of one another. The laboratory's draws stay with the session's seed.
    pub fn set_live_seed(&mut self, seed: u64) {
        self.live_seed = seed;
    }

    /// Uses only the interface `name`, except in calls that name another. [`NetError::NoInterface`] when there is none.
    pub fn set_iface(&mut self, name: &str) -> Result<(), EngineError> {
        self.place_with(name)?;
        self.iface = Some(name.to_owned());
        Ok(())
    }

    /// The interface that a call uses which names `iface`, or none.
    pub(super) fn iface(&self, iface: Option<&str>) -> Option<String> {
        iface.map(str::to_owned).or_else(|| self.iface.clone())
    }

    /// Who decides whether a public address may be probed; by default nobody may.
    pub fn allow_public(&mut self, ask: impl FnMut(IpAddr) -> bool + 'static) {
        self.allow_public = Box::new(ask);
    }

    /// The key of all draws, and of the laboratory's course of events.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Keeps this machine's own TCP silent at `port` for the rest of the session, see [`World::suppress_rst`].
    pub fn suppress_rst(&mut self, port: u16) -> Result<(), EngineError> {
        if !self.quiet.contains_key(&port) {
            let held: Result<_, NetError> = self.worlds().map(|world| world.suppress_rst(port)).collect();
            self.quiet.insert(port, held?);
        }
        Ok(())
    }

    /// All worlds.
    pub fn worlds(&self) -> impl Iterator<Item = &dyn World> {
        self.places.iter().map(|p| &*p.world)
    }

    /// A line or script begins: what came before it is forgotten.
    pub fn begin(&mut self) -> Result<(), NetError> {
        self.links().try_for_each(|link| link.resume())
    }

    /// A line is typed at the prompt: in the laboratory a second passes, as it does for the one who types.
    pub fn typed(&self) {
        self.virtual_worlds().for_each(|world| {
            world.sleep(Duration::from_secs(1));
        });
    }

    /// The clock that scripts see: the real one once the live network is used or is all there is, else the laboratory's.
    pub fn now(&self) -> Time {
        let live = self.places.iter().find(|p| !p.world.is_virtual() && p.link.is_some());
        live.or(self.places.first()).map_or(Time::ZERO, |p| p.world.now())
    }

    /// The wall time of [`Network::now`], in nanoseconds since 1970.
    pub fn wall(&self) -> i64 {
        let live = self.places.iter().find(|p| !p.world.is_virtual() && p.link.is_some());
        live.or(self.places.first()).map_or(0, |p| p.world.wall_zero().saturating_add(p.world.now().nanos()))
    }

    fn virtual_worlds(&self) -> impl Iterator<Item = &dyn World> {
        self.worlds().filter(|world| world.is_virtual())
    }

    /// A line or script has ended: nothing is captured until the next one.
    pub fn end(&mut self) -> Result<(), NetError> {
        self.links().try_for_each(|link| link.pause())
    }

    fn links(&mut self) -> impl Iterator<Item = &mut Box<dyn Link>> {
        self.places.iter_mut().filter_map(|p| p.link.as_mut())
    }

    /// Lets time pass: in the laboratory always; for real unless the laboratory is all that the session has used.
    pub fn sleep(&self, span: Duration) -> Slept {
        let has_used = |is_virtual| self.places.iter().any(|p| p.world.is_virtual() == is_virtual && p.link.is_some());
        let lab_only = has_used(true) && !has_used(false);
        let mut ended = Slept::Whole;
        for world in self.worlds().filter(|world| world.is_virtual() || !lab_only) {
            if world.sleep(span) == Slept::Interrupted {
                ended = Slept::Interrupted;
            }
        }
        ended
    }

    /// The addresses of a name, from the world that owns it.
    pub fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, EngineError> {
        let owner = self.places.iter().find(|p| p.world.owns_name(name));
        match owner {
            Some(place) => Ok(place.world.resolve(name)?),
            None => {
                let hint = "no network of this session knows such names; see --lab and --live".to_owned();
                Err(NetError::UnknownName { name: name.to_owned(), hint }.into())
            }
        }
    }

    /// The place that takes packets to `addr`.
    pub(super) fn place_of(&self, addr: IpAddr) -> Result<usize, EngineError> {
        self.places.iter().position(|p| p.world.owns(addr)).ok_or(EngineError::NoWorld {
            addr,
            hint: "the laboratory holds the documentation networks 192.0.2.0/24, 198.51.100.0/24 and 203.0.113.0/24 \
                   and the names in .lab; --lab leaves out all others",
        })
    }

    /// The place that has an interface of this name.
    pub(super) fn place_with(&self, iface: &str) -> Result<usize, EngineError> {
        let mut names = Vec::new();
        for (i, place) in self.places.iter().enumerate() {
            for found in place.world.interfaces()? {
                if found.name == iface {
                    return Ok(i);
                }
                names.push(found.name);
            }
        }
        let hint = crate::base::nearest::did_you_mean(iface, names.iter().map(String::as_str));
        let hint = if hint.is_empty() { format!("; there are {}", names.join(", ")) } else { hint };
        Err(NetError::NoInterface { name: iface.to_owned(), hint }.into())
    }

    /// The place whose wire is to be heard: that of the interfaces named, else that of the session's only interface,
    /// else the first real one, else the laboratory.
    pub(super) fn place_to_hear(&self, ifaces: &[String]) -> Result<usize, EngineError> {
        let mut place = None;
        for name in ifaces.iter().chain(self.iface.iter().filter(|_| ifaces.is_empty())) {
            let at = self.place_with(name)?;
            if place.is_some_and(|before| before != at) {
                return Err(EngineError::MixedIfaces(ifaces.join(", ")));
            }
            place = Some(at);
        }
        let real = || self.places.iter().position(|p| !p.world.is_virtual());
        Ok(place.or_else(real).unwrap_or(0))
    }

    /// The link of the place at `index`, opened at first use, and what is known of its neighbors.
    pub(super) fn open(&mut self, index: usize) -> Result<(&mut Neighbors, &mut dyn Link), EngineError> {
        let Place { world, link, neighbors } = &mut self.places[index];
        let link = match link {
            Some(link) => link,
            None => {
                let mut opened = (self.wrap)(world.open()?)?;
                opened.resume()?;
                link.insert(opened)
            }
        };
        Ok((neighbors, link.as_mut()))
    }

    /// The link of the place at `index`, opened at first use.
    pub fn link(&mut self, index: usize) -> Result<&mut dyn Link, EngineError> {
        Ok(self.open(index)?.1)
    }

    /// The world of the place at `index`.
    pub fn world(&self, index: usize) -> &dyn World {
        &*self.places[index].world
    }

    /// A number that was never given before, from the key of the draws into the place at `index`.
    pub fn draw(&self, index: usize) -> u64 {
        let is_lab = self.places[index].world.is_virtual();
        self.next_key(if is_lab { self.seed } else { self.live_seed })
    }

    pub(super) fn place(&self, index: usize) -> &Place {
        &self.places[index]
    }

    /// Refuses a public address of the live world that nobody allowed.
    pub(super) fn check_public(&mut self, index: usize, addr: IpAddr) -> Result<(), EngineError> {
        if self.places[index].world.is_virtual() || !is_public(addr) || (self.allow_public)(addr) {
            return Ok(());
        }
        Err(EngineError::Public(addr))
    }

    /// Surroundings for looking at a packet: draws depend on the seed and the packet alone.
    pub fn looking(&self) -> Around<'_> {
        self.routing(None)
    }

    /// Surroundings for finding routes by `iface`.
    pub(super) fn routing<'a>(&'a self, iface: Option<&'a str>) -> Around<'a> {
        Around::new(self, iface, self.seed)
    }

    /// Surroundings for sending into the world at `place`: draws are new each time.
    pub fn sending<'a>(&'a self, place: usize, iface: Option<&'a str>) -> Around<'a> {
        let is_lab = self.places[place].world.is_virtual();
        let mut around = Around::new(self, iface, if is_lab { self.seed } else { self.live_seed });
        around.fresh = true;
        around
    }

    /// A source of draws for one packet whose world is not known yet.
    pub(super) fn draws(&self) -> Rng {
        Rng::new(self.next_key(self.seed))
    }

    fn next_key(&self, seed: u64) -> u64 {
        self.sent.set(self.sent.get() + 1);
        mix(seed ^ mix(self.sent.get()))
    }
}

impl Place {
    /// A neighbor's hardware address, from the machine's table or from what we asked ourselves.
    pub(super) fn neighbor(&self, iface: u32, addr: IpAddr) -> Option<Mac> {
        let ours = self.neighbors.0.get(&(iface, addr)).filter(|(_, at)| self.world.now() - *at < NEIGHBOR_LIFE);
        ours.map(|(mac, _)| *mac).or_else(|| self.world.neighbor(iface, addr))
    }
}

/// A place and the route there, or why there is none.
type Found = Result<(usize, Route), EngineError>;

/// What a packet's build may ask: routes and neighbors, each asked of the machine once.
pub struct Around<'a> {
    network: &'a Network,
    iface: Option<&'a str>,
    key: u64,
    fresh: bool,
    routes: RefCell<BTreeMap<Target, Found>>,
}

impl<'a> Around<'a> {
    fn new(network: &'a Network, iface: Option<&'a str>, key: u64) -> Self {
        Self { network, iface, key, fresh: false, routes: RefCell::default() }
    }

    /// The place and route to `dst`.
    pub(super) fn route(&self, dst: &Target) -> Found {
        if let Some(known) = self.routes.borrow().get(dst) {
            return known.clone();
        }
        let found = self.find_route(dst);
        self.routes.borrow_mut().insert(dst.clone(), found.clone());
        found
    }

    fn find_route(&self, dst: &Target) -> Found {
        let iface = dst.zone.as_deref().or(self.iface);
        let at = match iface {
            Some(iface) => self.network.place_with(iface)?,
            None => self.network.place_of(dst.addr)?,
        };
        Ok((at, self.network.place(at).world.route(dst.addr, iface)?))
    }

    fn route_or_default(&self, dst: Option<&Target>) -> Option<(usize, Route)> {
        self.route(dst?).ok()
    }
}

/// The hardware address of a multicast group: RFC 1112 section 6.4, the low 23 bits of the group; RFC 2464 section 7,
/// the low 32.
fn group_mac(group: IpAddr) -> Mac {
    match group {
        IpAddr::V4(group) => {
            let [_, b, c, d] = group.octets();
            Mac([0x01, 0x00, 0x5e, b & 0x7f, c, d])
        }
        IpAddr::V6(group) => {
            let [.., a, b, c, d] = group.octets();
            Mac([0x33, 0x33, a, b, c, d])
        }
    }
}

impl Surroundings for Around<'_> {
    fn source_addr(&self, dst: &Target) -> Option<IpAddr> {
        Some(self.route(dst).ok()?.1.source)
    }

    fn source_mac(&self, dst: Option<&Target>) -> Option<Mac> {
        if let Some((_, route)) = self.route_or_default(dst) {
            return route.iface.mac;
        }
        let place = self.network.place(self.network.place_with(self.iface?).ok()?);
        place.world.interfaces().ok()?.into_iter().find(|i| Some(i.name.as_str()) == self.iface)?.mac
    }

    fn next_hop_mac(&self, dst: Option<&Target>) -> Option<Mac> {
        let (at, route) = self.route_or_default(dst)?;
        match route.reach {
            Reach::Multicast => Some(group_mac(route.next_hop)),
            Reach::Remote => self.network.place(at).neighbor(route.iface.index, route.next_hop),
            _ => None,
        }
    }

    fn source_port(&self, rng: &mut Rng, protocol: u8, dst: Option<&Target>) -> u16 {
        let at = self.route_or_default(dst).map_or(0, |(at, _)| at);
        let Some(place) = self.network.places.get(at) else { return 0 };
        let range = place.world.source_ports();
        let mut draw = || rng.between(u64::from(*range.start()), u64::from(*range.end())) as u16;
        // A machine with no free port in 64 draws has other troubles; the last draw is used then.
        let mut port = draw();
        for _ in 0..64 {
            if !self.fresh || place.world.is_port_free(protocol, port) {
                break;
            }
            port = draw();
        }
        port
    }

    fn draw_key(&self) -> u64 {
        if self.fresh { self.network.next_key(self.key) } else { self.key }
    }
}

/// Whether an address belongs to the public Internet: globally routed unicast (IANA special-purpose registries).
fn is_public(addr: IpAddr) -> bool {
    match addr {
        IpAddr::V4(a) => {
            let [x, y, ..] = a.octets();
            let shared = x == 100 && y & 0xc0 == 64; // RFC 6598
            let benchmark = x == 198 && y & 0xfe == 18; // RFC 2544
            !(a.is_private()
                || a.is_loopback()
                || a.is_link_local()
                || a.is_documentation()
                || a.is_multicast()
                || a.is_broadcast()
                || x == 0
                || x >= 240
                || shared
                || benchmark)
        }
        IpAddr::V6(a) => a.segments()[0] & 0xe000 == 0x2000 && a.segments()[..2] != [0x2001, 0xdb8],
    }
}
