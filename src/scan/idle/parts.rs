//! What a measurement is made of: the zombie, the targets, what is forged in their names.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Duration;

use super::FORGERIES;
use crate::base::Time;
use crate::base::targets::Target;
use crate::engine::Way;
use crate::layers::tcp::{ACK, RST, SYN, TCP};
use crate::packet::{Packet, PacketError, Surroundings, Value};
use crate::scan::probe::{Template, layer};
use crate::scan::timing::Rtt;

/// The zombie.
pub(in crate::scan) struct Zombie {
    pub(super) addr: IpAddr,
    pub(super) port: u16,
    pub(super) way: Way,
    pub(super) question: Template,
}

impl Zombie {
    /// A zombie that is asked at `port`.
    pub(in crate::scan) fn new(
        target: &Target,
        port: u16,
        way: Way,
        around: &dyn Surroundings,
    ) -> Result<Self, PacketError> {
        let question = Template::plain(&segment(SYN | ACK)?, target, around)?;
        Ok(Self { addr: target.addr, port, way, question })
    }
}

/// A TCP header with these flags whose ports are written later.
fn segment(flags: u64) -> Result<Packet, PacketError> {
    layer(&TCP, &[("dport", Value::Int(0)), ("flags", Value::Int(flags))])
}

/// A host that is scanned.
pub(in crate::scan) struct Goal {
    pub(super) addr: IpAddr,
    pub(super) way: Way,
    /// A SYN in the zombie's name.
    pub(super) syn: Template,
    /// A RST in the zombie's name.
    pub(super) rst: Template,
    /// A SYN/ACK to the zombie in the target's name.
    pub(super) forgery: Template,
    pub(super) rtt: Rtt,
    pub(super) decided: BTreeSet<u16>,
    /// It took too long.
    pub(super) is_given_up: bool,
}

impl Goal {
    /// A target; `zombie` is the one in whose name it is asked.
    pub(in crate::scan) fn new(
        target: &Target,
        zombie: &Target,
        way: Way,
        rtt: Rtt,
        around: &dyn Surroundings,
    ) -> Result<Self, PacketError> {
        let in_its_name = |flags| -> Result<Template, PacketError> {
            Ok(Template::plain(&segment(flags)?, target, around)?.in_the_name_of(zombie.addr))
        };
        let forgery = Template::plain(&segment(SYN | ACK)?, zombie, around)?.in_the_name_of(target.addr);
        let (syn, rst) = (in_its_name(SYN)?, in_its_name(RST)?);
        Ok(Self { addr: target.addr, way, syn, rst, forgery, rtt, decided: BTreeSet::new(), is_given_up: false })
    }
}

/// What is forged between two questions.
pub(super) enum Forged {
    Nothing,
    /// SYN/ACKs to the zombie in the target's name.
    SynAcks,
    /// A SYN to each of these ports of the target, in the zombie's name.
    Syns(Vec<u16>),
}

impl Forged {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Nothing => 0,
            Self::SynAcks => FORGERIES as usize,
            Self::Syns(ports) => ports.len(),
        }
    }
}

/// One measurement: what is sent, how far apart, and the wait before the zombie is asked.
pub(super) struct Measure {
    /// SYNs of the last one, port and number, that are taken back first: where the zombie's own reset was lost, the
    /// target would send its answer again and again (RFC 9293 section 3.8.1), and each would count.
    pub(super) resets: Vec<(u16, u32)>,
    pub(super) forged: Forged,
    pub(super) gap: Duration,
    pub(super) wait: Duration,
}

impl Measure {
    /// Nothing is sent before the question.
    pub(super) fn calm(wait: Duration) -> Self {
        Self { resets: Vec::new(), forged: Forged::Nothing, gap: Duration::ZERO, wait }
    }

    /// Packets before the question.
    pub(super) fn len(&self) -> usize {
        self.resets.len() + self.forged.len()
    }
}

/// A question to the zombie, by which its answer is known.
pub(super) struct Question {
    pub(super) sport: u16,
    pub(super) number: u32,
    pub(super) sent: Time,
}
