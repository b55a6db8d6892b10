//! What a test keeps of the frames that a link hands over.

use std::time::Duration;

use pktsh::base::Time;
use pktsh::net::{Checksum, Event, Frame, Link, Medium, Polled};

/// A frame, kept.
#[derive(Clone)]
pub struct Heard {
    pub bytes: Vec<u8>,
    pub at: Time,
    pub iface: u32,
    pub medium: Medium,
    pub outgoing: bool,
    pub vlan: Option<u32>,
    pub wire_len: usize,
    pub checksum: Checksum,
}

impl std::fmt::Debug for Heard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { at, iface, outgoing, wire_len, .. } = self;
        write!(f, "\n{at} iface {iface}, outgoing {outgoing}, {wire_len} bytes:")?;
        self.bytes.iter().take(64).try_for_each(|b| write!(f, " {b:02x}"))
    }
}

impl Heard {
    pub fn keep(frame: &Frame<'_>) -> Self {
        let &Frame { bytes, at, iface, medium, outgoing, vlan, wire_len, checksum } = frame;
        Self { bytes: bytes.to_vec(), at, iface, medium, outgoing, vlan, wire_len, checksum }
    }
}

/// Polls until `last` finds its frame, for two seconds at most, and gives all frames.
#[track_caller]
pub fn hear_until(link: &mut dyn Link, last: impl Fn(&Heard) -> bool) -> Vec<Heard> {
    let until = link.now() + Duration::from_secs(2);
    let (mut seen, mut found) = (Vec::new(), false);
    while !found {
        let polled = link.poll(until, &mut |event| {
            if let Event::Heard(frame) = &event {
                let heard = Heard::keep(frame);
                found |= last(&heard);
                seen.push(heard);
            }
        });
        assert_eq!(polled.unwrap_or_else(|e| panic!("{e}")), Polled::Some, "nothing wanted came: {seen:?}");
    }
    seen
}

/// The first frame that is `wanted`.
#[track_caller]
pub fn hear(link: &mut dyn Link, wanted: impl Fn(&Heard) -> bool) -> Heard {
    hear_until(link, &wanted).into_iter().find(wanted).expect("it was found")
}
