//! The two that are compared: each a host, and the link by which it is spoken to.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::time::Duration;

use etherparse::{IpHeaders, PacketBuilder, PacketBuilderStep};
use pktsh::base::Time;
use pktsh::lab::{Lab, Plan};
use pktsh::net::live::LiveWorld;
use pktsh::net::{Capture, Event, Hear, Link, Polled, Via, World};

use super::support::wire::{CLIENT_MAC, SERVER_MAC};

/// By then, what has not come will not come: nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(5);

/// The prober's address on the wire. The client's machine does not have it, so nobody resets what was not asked for.
pub(crate) const PROBER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 100);

/// The laboratory's host, beside one that says nothing: the prober takes its address.
const HOSTS: &str = r#"
    [[host]]
    name = "linux.lab"
    addrs = ["192.0.2.11"]
    about = "The one that is looked at."
    personality = "linux"
    tcp = "80"
    serve = [{ port = 7, service = "echo" }, { port = 8080, service = "http" }]
    udp = [{ port = 9, service = "call" }]

    [[host]]
    name = "prober.lab"
    addrs = ["192.0.2.100"]
    about = "The one that looks."
    filter = { default = "drop" }
"#;

/// Somebody's addresses.
#[derive(Clone, Copy)]
struct Station {
    mac: [u8; 6],
    addr: Ipv4Addr,
}

/// A host to speak to, and who speaks.
pub(crate) struct Side {
    name: &'static str,
    host: Station,
    prober: Station,
    link: Box<dyn Link>,
    iface: u32,
    /// Hears in the link's place.
    ear: Option<Capture>,
    /// Frames from the host to the prober that nobody has looked at.
    heard: VecDeque<Vec<u8>>,
    pings: u16,
    /// Connections so far.
    connections: u16,
    plan: Option<Plan>,
}

impl Side {
    /// The kernel at the server's end of the wire.
    pub(crate) fn kernel() -> Self {
        let world = LiveWorld::new(None);
        let iface = world.interfaces().unwrap().iter().find(|iface| iface.name == "eth0").unwrap().index;
        Self {
            name: "the kernel",
            host: Station { mac: SERVER_MAC, addr: Ipv4Addr::new(10, 9, 0, 2) },
            prober: Station { mac: CLIENT_MAC, addr: PROBER },
            link: world.open().unwrap(),
            iface,
            ear: None,
            heard: VecDeque::new(),
            pings: 0,
            connections: 0,
            plan: None,
        }
    }

    /// The laboratory's Linux.
    pub(crate) fn laboratory() -> Self {
        let plan = Plan::parse(HOSTS).unwrap();
        let (link, ear) = open(&plan);
        Self {
            name: "the laboratory",
            host: Station { mac: [2, 0, 0, 0, 0, 11], addr: Ipv4Addr::new(192, 0, 2, 11) },
            prober: Station { mac: [2, 0, 0, 0, 0, 100], addr: Ipv4Addr::new(192, 0, 2, 100) },
            link,
            iface: 1,
            ear: Some(ear),
            heard: VecDeque::new(),
            pings: 0,
            connections: 0,
            plan: Some(plan),
        }
    }

    /// A port of the prober's that was not used before; and what was is forgotten, where that is cheap.
    pub(crate) fn renew(&mut self) -> u16 {
        if let Some(plan) = &self.plan {
            let (link, ear) = open(plan);
            (self.link, self.ear) = (link, Some(ear));
        }
        self.heard.clear();
        self.connections += 1;
        1024 + self.connections
    }

    pub(crate) fn now(&self) -> Time {
        self.link.now()
    }

    pub(crate) fn send(&mut self, frame: &[u8]) {
        self.link.send(Via::Frame(self.iface), frame, 0).unwrap();
    }

    /// The next frame for the prober; fails when none comes.
    pub(crate) fn hear(&mut self) -> Vec<u8> {
        let until = self.now() + PATIENCE;
        self.hear_until(until).unwrap_or_else(|| panic!("{} does not answer any more", self.name))
    }

    /// The next frame for the prober; `None` when none comes by then.
    pub(crate) fn hear_until(&mut self, until: Time) -> Option<Vec<u8>> {
        loop {
            if let Some(frame) = self.heard.pop_front() {
                return Some(frame);
            }
            let (heard, host, prober) = (&mut self.heard, self.host, self.prober);
            let ear = match &mut self.ear {
                Some(ear) => ear.link(),
                None => &mut *self.link,
            };
            let polled = ear.poll(until, &mut |event| {
                if let Event::Heard(frame) = event
                    && is_between(frame.bytes, host, prober)
                {
                    heard.push_back(frame.bytes.to_vec());
                }
            });
            if polled.unwrap() != Polled::Some {
                return None;
            }
        }
    }

    /// The beginning of a frame to the host.
    pub(crate) fn packet(&self) -> PacketBuilderStep<IpHeaders> {
        let (host, prober) = (self.host, self.prober);
        PacketBuilder::ethernet2(prober.mac, host.mac).ipv4(prober.addr.octets(), host.addr.octets(), 64)
    }

    /// Sends one frame and gives what comes back for it. A host takes its frames in order, so what it has to say to
    /// this one comes before its echo of the ping that follows: silence is known without waiting.
    pub(crate) fn exchange(&mut self, frame: &[u8]) -> Vec<Vec<u8>> {
        const PING: u16 = 0x7069;
        self.pings = self.pings.wrapping_add(1);
        let mut ping = Vec::new();
        self.packet().icmpv4_echo_request(PING, self.pings).write(&mut ping, b"that was all").unwrap();
        self.send(frame);
        self.send(&ping);
        let mut answers = Vec::new();
        loop {
            let frame = self.hear();
            let is_echo = frame[23] == 1 && frame[34] == 0 && frame[38..42] == ping[38..42];
            if is_echo {
                return answers;
            }
            answers.push(frame);
        }
    }
}

fn open(plan: &Plan) -> (Box<dyn Link>, Capture) {
    let lab = Lab::from_plan(plan.clone(), 1);
    (lab.open().unwrap(), lab.capture(&Hear::default()).unwrap())
}

/// Whether a frame is an IPv4 packet without options, from the one to the other.
fn is_between(frame: &[u8], from: Station, to: Station) -> bool {
    frame.len() >= 42
        && frame[12..15] == [8, 0, 0x45]
        && frame[26..30] == from.addr.octets()
        && frame[30..34] == to.addr.octets()
}
