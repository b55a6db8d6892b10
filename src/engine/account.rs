//! The one line that each exchange ends with at the prompt.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Ended;
use crate::base::time::human;

/// What can be said of an exchange: counts, times, and why there was no answer.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Packets of the call.
    pub packets: u64,
    /// Packets sent, tries included.
    pub sent: u64,
    /// Packets answered.
    pub answered: u64,
    /// From the first packet sent to the last answer.
    pub elapsed: Duration,
    /// Round trip of the last answer.
    pub round_trip: Option<Duration>,
    /// The timeout of one try.
    pub waited: Duration,
    /// Tries made.
    pub tries: u32,
    /// Whether answers were waited for.
    pub listened: bool,
    /// Packets from the first target that answered nothing.
    pub strays: u64,
    /// Where they came from.
    pub stray_source: Option<IpAddr>,
    /// Why the last of them was no answer.
    pub stray_reason: Option<String>,
    /// Packets not sent, because a neighbor did not answer.
    pub silent_neighbors: u64,
    /// The first such neighbor.
    pub silent_neighbor: Option<IpAddr>,
    /// Whether the kernel put right what a probe's IP header had wrong.
    pub repaired: bool,
    /// Frames lost by our own capture.
    pub dropped: u64,
    /// How it ended.
    pub ended: Option<Ended>,
    /// The interface.
    pub iface: Arc<str>,
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.listened, self.answered) {
            (false, _) => write!(f, "{} sent", self.sent)?,
            (true, 0) => self.say_silence(f)?,
            (true, n) if n == self.packets && self.packets == 1 => {
                write!(f, "{} sent, 1 answered, {}", self.sent, human(self.round_trip.unwrap_or_default()))?;
            }
            (true, n) => {
                write!(f, "{} sent, {n} answered, {} not, {}", self.sent, self.packets - n, human(self.elapsed))?;
            }
        }
        match self.ended {
            Some(Ended::Interrupted) => f.write_str("; stopped by Ctrl-C")?,
            Some(Ended::Never) => f.write_str("; nothing more can come")?,
            _ => {}
        }
        if self.dropped > 0 {
            write!(f, "; {} frames lost by our own capture, so answers may be missing", self.dropped)?;
        }
        if self.repaired {
            f.write_str(
                "; the kernel put the IP length and checksum right, as it does where it routes the packet itself",
            )?;
        }
        write!(f, " ({})", self.iface)
    }
}

impl Account {
    fn say_silence(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ended == Some(Ended::Interrupted) {
            return write!(f, "{} sent, none answered", self.sent);
        }
        if let (0, Some(neighbor)) = (self.sent, self.silent_neighbor) {
            let asked = asked_with(neighbor);
            return write!(f, "not sent: {neighbor} does not answer {asked}, so no host has that address");
        }
        let tries = if self.tries > 1 { format!(" ({} tries)", self.tries) } else { String::new() };
        write!(f, "no answer in {}{tries}", human(self.waited))?;
        if let Some(source) = self.stray_source.filter(|_| self.strays > 0) {
            let many = if self.strays == 1 { "1 packet".to_owned() } else { format!("{} packets", self.strays) };
            write!(f, "; {many} from {source} seen, none matched")?;
            if let Some(reason) = &self.stray_reason {
                write!(f, ": {reason}")?;
            }
        }
        Ok(())
    }
}

/// What a neighbor is asked for its hardware address with: ARP (RFC 826), or solicitations (RFC 4861 section 4.3).
pub fn asked_with(neighbor: IpAddr) -> &'static str {
    if neighbor.is_ipv4() { "ARP" } else { "neighbor solicitations" }
}
