//! The plan of a laboratory: its hosts as data, read from TOML.

mod check;
mod device;
mod error;
mod names;
pub(in crate::lab) mod net;
mod services;
mod show;

use std::net::IpAddr;
use std::sync::LazyLock;

use serde::de::{Deserializer, Error as _};
use serde::{Deserialize, Serialize};
use toml::Spanned;

pub use error::PlanError;
pub use names::Alias;
use names::{Known, lab_addrs, lab_name};
pub use net::NetSpec;
pub use services::{Llmnr, Mdns, Netbios, UdpPort, UdpService};
pub use show::HostRow;

use crate::base::Mac;
use crate::base::ports::ports;
use crate::base::targets::Net;
use crate::lab::faults::Faults;
use crate::lab::filter::Filter;
use crate::lab::habits::Habit;
use crate::lab::nets::{self, Nets, Nic};
use crate::lab::tcp;

/// The built-in laboratory, by subject.
const BUILTIN: [&str; 5] = [
    include_str!("../hosts/network.toml"),
    include_str!("../hosts/stacks.toml"),
    include_str!("../hosts/filters.toml"),
    include_str!("../hosts/lan.toml"),
    include_str!("../hosts/odd.toml"),
];

/// The hosts of a laboratory, checked: every address is the laboratory's and taken once. The first one is `you.lab`.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    hosts: Vec<HostSpec>,
    nets: Nets,
}

/// One `[[host]]` of a plan.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    /// Its name, which ends in `.lab`.
    #[serde(deserialize_with = "lab_name")]
    pub name: String,
    /// Its addresses, all in the documentation networks: of each family one in each network. Those of one network share
    /// an interface, which has a link-local address beside them.
    #[serde(deserialize_with = "lab_addrs")]
    pub addrs: Vec<IpAddr>,
    /// One sentence on what can be learned from it.
    pub about: String,
    /// Whose TCP it speaks.
    #[serde(default)]
    pub personality: Personality,
    /// Open TCP ports, as `"22,80-90"`, where a program takes what comes and says nothing; the others are closed.
    #[serde(default)]
    pub tcp: Ports,
    /// Open TCP ports whose programs say something.
    #[serde(default)]
    pub serve: Vec<TcpPort>,
    /// Open UDP ports; the others are closed.
    #[serde(default)]
    pub udp: Vec<UdpPort>,
    /// The TTL, or hop limit, of what it sends; its personality's when none is given.
    pub ttl: Option<u8>,
    /// The TCP window that it announces, in bytes; its personality's when none is given.
    pub window: Option<u16>,
    /// How it numbers its IPv4 packets; as its personality when nothing is given.
    pub ip_id: Option<IpId>,
    /// The packet filter in front of it; none lets everything through.
    pub filter: Option<Filter>,
    /// Its cable, or its cables when it has several.
    #[serde(default)]
    pub link: Faults,
    /// Whether it forwards packets between its networks.
    #[serde(default)]
    pub forward: bool,
    /// How many ICMP errors it sends; none is no limit.
    pub icmp_limit: Option<Limit>,
    /// What it does of its own accord while somebody captures.
    #[serde(default)]
    pub habits: Vec<Habit>,
    /// The numbers of IP protocols that it takes in silence, beside those that every host speaks; all others are
    /// unreachable.
    #[serde(default, deserialize_with = "device::protocols")]
    pub protocols: Vec<u8>,
    /// Open SCTP ports; the others are closed. A host without this key does not speak SCTP.
    pub sctp: Option<Ports>,
    /// The hardware address of its first card; none makes one from its address.
    #[serde(default, deserialize_with = "device::mac")]
    pub mac: Option<Mac>,
    /// IPv4 addresses for which it answers ARP as for its own, whoever has them: those of another host, or of none.
    #[serde(default, deserialize_with = "device::claims")]
    pub claims: Vec<Net>,
    /// Whether it speaks IPv6 at all.
    #[serde(default = "yes")]
    pub ipv6: bool,
    /// Whether the name server knows it.
    #[serde(default = "yes")]
    pub dns: bool,
    /// How many TCP resets it sends (`net.inet.icmp.icmplim` of FreeBSD counts them, too); none is no limit.
    pub rst_limit: Option<Limit>,
    /// IP ids of its counter that are used up by traffic elsewhere, on average each second: an idle scan finds it busy.
    #[serde(default)]
    pub busy_per_second: u32,
    /// TCP ports that open some time after the first TCP segment has reached the host, see [`Opening`].
    #[serde(default)]
    pub opens: Vec<Opening>,
    /// The packet filter for what it forwards; none lets everything through.
    pub forward_filter: Option<Filter>,
    /// More of its addresses, each group with a name of its own.
    #[serde(default)]
    pub alias: Vec<Alias>,
}

/// Ports that open later. The time runs from the first TCP segment that the host takes, so that it is the same
/// whenever in a session a scan begins: the scan itself starts the clock.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Which ports, as `"22,80-90"`.
    pub ports: Ports,
    /// How long they stay closed, in seconds.
    pub after_s: u32,
}

/// Whose TCP a host speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Personality {
    /// RFC 9293 to the letter.
    #[default]
    Rfc9293,
    /// Linux 5 and 6.
    Linux,
    /// Windows 10 and 11.
    Windows,
    /// Windows XP.
    WindowsXp,
    /// FreeBSD 10 and later.
    Freebsd,
    /// macOS.
    Macos,
    /// OpenBSD.
    Openbsd,
    /// NetBSD.
    Netbsd,
    /// Cisco IOS.
    CiscoIos,
    /// IBM z/OS; OS/400 is alike.
    Zos,
    /// lwIP, of small devices.
    Lwip,
    /// `VxWorks`, of larger ones.
    Vxworks,
}

/// An open TCP port whose program says something.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TcpPort {
    /// The port.
    pub port: u16,
    /// What listens there.
    pub service: TcpService,
}

/// What a TCP port says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TcpService {
    /// This text, as soon as somebody has connected.
    Banner(String),
    /// What it is told (RFC 862).
    Echo,
    /// A page with the host's name (RFC 9112).
    Http,
    /// Nothing: it takes what comes.
    Sink,
}

/// How a host numbers its IPv4 packets; those of IPv6 have numbers only when they are fragments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum IpId {
    /// One more for each packet, to whomever it goes: an idle scan can count them.
    Counter,
    /// At random.
    Random,
    /// 0 where "don't fragment" is set, which RFC 6864 allows; counted elsewhere.
    Zero,
}

/// A bucket of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// How many may go out at once.
    pub burst: u32,
    /// How many more each second.
    pub per_second: u32,
}

/// A set of ports, written as `"22,80-90"`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports(Vec<u16>);

impl Ports {
    /// Whether `port` is one of them.
    pub fn contains(&self, port: u16) -> bool {
        self.0.binary_search(&port).is_ok()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let mut ports = ports(&String::deserialize(input)?).map_err(|e| D::Error::custom(format!("ports: {e}")))?;
        ports.sort_unstable();
        Ok(Self(ports))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    net: Vec<Spanned<NetSpec>>,
    #[serde(default)]
    host: Vec<Spanned<HostSpec>>,
}

impl Plan {
    /// The laboratory that is inside the program.
    ///
    /// # Panics
    ///
    /// Never: a test reads it.
    pub fn builtin() -> Self {
        static PLAN: LazyLock<Plan> =
            LazyLock::new(|| Plan::parse(&Plan::builtin_text()).expect("the built-in plan is right"));
        PLAN.clone()
    }

    /// The same as text: a file to begin with.
    pub fn builtin_text() -> String {
        BUILTIN.join("\n")
    }

    /// Reads a plan. The error names the place, what is wrong there, and the nearest right name.
    pub fn parse(text: &str) -> Result<Self, PlanError> {
        let file: File = toml::from_str(text).map_err(|error| PlanError::from_toml(text, &error))?;
        let mut plan = Self { hosts: vec![HostSpec::you()], nets: Nets::default() };
        for net in file.net {
            let start = net.span().start;
            plan.nets.add(net.get_ref()).map_err(|message| PlanError::at(text, start, message))?;
        }
        let mut starts = vec![0];
        for host in file.host {
            let start = host.span().start;
            let host = host.into_inner();
            plan.check(&host).map_err(|message| PlanError::at(text, start, message))?;
            plan.hosts.push(host);
            starts.push(start);
        }
        for (host, start) in plan.hosts.iter().zip(starts) {
            plan.check_names(host).map_err(|message| PlanError::at(text, start, message))?;
        }
        Ok(plan)
    }

    /// The hosts, `you.lab` first.
    pub fn hosts(&self) -> &[HostSpec] {
        &self.hosts
    }

    /// Its networks.
    pub(in crate::lab) fn nets(&self) -> &Nets {
        &self.nets
    }

    /// The host that `name` is one of the names of, in upper or lower case, with or without a final dot; `None` when no
    /// host has it.
    pub(in crate::lab) fn find(&self, name: &str) -> Option<&HostSpec> {
        self.find_known(name).map(|(host, _)| host)
    }

    /// The addresses that go by `name`, those of IPv4 first.
    pub(in crate::lab) fn addrs(&self, name: &str) -> Option<Vec<IpAddr>> {
        self.find_known(name).map(|(_, known)| known.addrs())
    }

    fn find_known(&self, name: &str) -> Option<(&HostSpec, Known<'_>)> {
        let name = name.strip_suffix('.').unwrap_or(name);
        let all = self.hosts.iter().flat_map(|host| host.names().map(move |known| (host, known)));
        all.into_iter().find(|(_, known)| known.name.eq_ignore_ascii_case(name))
    }

    /// All names.
    pub(in crate::lab) fn names(&self) -> impl Iterator<Item = Known<'_>> {
        self.hosts.iter().flat_map(HostSpec::names)
    }

    /// The cards of a host.
    pub(in crate::lab) fn nics(&self, host: &HostSpec) -> Vec<Nic> {
        Nic::of(host.all_addrs(), &self.nets, host.mac)
    }

    /// The host that serves names, if there is one.
    pub(in crate::lab) fn name_server(&self) -> Option<&HostSpec> {
        self.hosts.iter().find(|host| host.udp.iter().any(|open| open.service == UdpService::Dns))
    }
}

impl HostSpec {
    /// The student's own machine: Linux, nothing listening, on a cable without delay.
    fn you() -> Self {
        Self {
            name: "you.lab".to_owned(),
            addrs: vec![nets::YOU.into(), nets::YOU6.into()],
            about: "Your own machine: its kernel answers ARP and ping, and resets what no program asked for."
                .to_owned(),
            personality: Personality::Linux,
            tcp: Ports::default(),
            serve: Vec::new(),
            udp: Vec::new(),
            ttl: None,
            window: None,
            ip_id: None,
            filter: None,
            link: Faults::NONE,
            forward: false,
            icmp_limit: None,
            habits: Vec::new(),
            protocols: Vec::new(),
            sctp: None,
            mac: None,
            claims: Vec::new(),
            ipv6: true,
            dns: true,
            rst_limit: None,
            busy_per_second: 0,
            opens: Vec::new(),
            forward_filter: None,
            alias: Vec::new(),
        }
    }

    /// How its TCP and IP behave.
    pub(in crate::lab) fn stack(&self) -> &'static tcp::Stack {
        tcp::of(self.personality)
    }

    /// The TTL, or hop limit, of what it sends.
    pub(in crate::lab) fn ttl(&self) -> u8 {
        self.ttl.unwrap_or(self.stack().ttl)
    }

    /// The TCP window that it announces, in bytes: without timestamps and with them.
    pub(in crate::lab) fn window(&self) -> [u16; 2] {
        self.window.map_or(self.stack().window, |window| [window; 2])
    }

    /// How it numbers its IPv4 packets.
    pub(in crate::lab) fn ip_id(&self) -> IpId {
        self.ip_id.unwrap_or(self.stack().ip_id)
    }

    /// All open TCP ports.
    pub(in crate::lab) fn tcp_open(&self) -> Ports {
        let mut ports: Vec<u16> = self.tcp.0.iter().copied().chain(self.serve.iter().map(|open| open.port)).collect();
        ports.sort_unstable();
        ports.dedup();
        Ports(ports)
    }

    /// The program that listens at a TCP port, which may be one that has opened late; `None` where none does.
    pub(in crate::lab) fn listener(&self, port: u16, has_opened: bool) -> Option<tcp::Program> {
        let serves = self.serve.iter().find(|open| open.port == port);
        let is_open = has_opened || serves.is_some() || self.tcp.contains(port);
        is_open.then(|| tcp::Program::serve(serves.map(|open| &open.service), &self.name))
    }
}

fn yes() -> bool {
    true
}
