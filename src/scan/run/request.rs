//! What a scan is asked to do.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::base::services::Services;
use crate::base::targets::Target;
use crate::packet::Packet;
use crate::scan::pieces::Shard;
use crate::scan::probe::Chosen;
use crate::scan::timing::Timing;

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
    /// Which piece of it is done here; `None`: all.
    pub shard: Option<Shard>,
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
            shard: None,
        }
    }
}

impl Default for Request {
    fn default() -> Self {
        Self::new()
    }
}
