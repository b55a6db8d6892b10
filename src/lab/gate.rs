//! What a host does with a packet at one of its filters.

use super::datagram::{Datagram, Transport};
use super::filter::{Action, Gate};
use super::host::Host;
use super::out::Scene;
use super::plan::HostSpec;
use super::tcp;
use super::track::{Seen, State, Tracker};
use crate::base::Time;

/// The filters of a host.
pub(super) struct Gates {
    /// For what is for the host, and for what it forwards.
    gates: [Option<Gate>; 2],
    /// What they remember, if one asks for it.
    tracker: Option<Tracker>,
}

/// Which filter.
#[derive(Clone, Copy, Debug)]
pub(super) enum Door {
    Input,
    Forward,
}

impl Gates {
    pub(super) fn new(spec: &HostSpec) -> Self {
        let gates = [&spec.filter, &spec.forward_filter].map(|filter| filter.clone().map(Gate::new));
        let tracker = gates.iter().flatten().any(Gate::needs_state).then(Tracker::default);
        Self { gates, tracker }
    }

    /// What the filter says of a packet.
    pub(super) fn judge(
        &mut self,
        door: Door,
        datagram: &Datagram<'_>,
        transport: &Transport<'_>,
        now: Time,
    ) -> Action {
        let Some(gate) = &mut self.gates[door as usize] else { return Action::Accept };
        let Some(tracker) = &mut self.tracker else { return gate.decide(transport, None, now) };
        let carried = datagram.carried.as_ref();
        let seen = carried.and_then(|c| Seen::of(datagram.src, datagram.dst, c.protocol, c.payload));
        let state = seen.map_or(State::Invalid, |seen| tracker.look(&seen, gate.is_loose(), now));
        let action = gate.decide(transport, Some(state), now);
        if let (Action::Accept, State::New, Some(seen)) = (action, state, seen) {
            tracker.keep(&seen, now);
        }
        action
    }

    /// A packet that the host itself sends.
    pub(super) fn note(&mut self, packet: impl FnOnce() -> Option<Seen>, now: Time) {
        if let Some(tracker) = &mut self.tracker
            && let Some(seen) = packet()
            && tracker.look(&seen, true, now) == State::New
        {
            tracker.keep(&seen, now);
        }
    }
}

impl Host {
    /// Does to a packet what the filter wants that does not accept it.
    pub(super) fn refuse(
        &mut self,
        action: Action,
        datagram: &Datagram<'_>,
        transport: &Transport<'_>,
        scene: &mut Scene<'_>,
    ) {
        match (action, transport) {
            (Action::TcpReset, Transport::Tcp(tcp)) => {
                let segment = datagram.segment_of(tcp);
                let reset = tcp::closed(self.spec.stack(), &segment, false);
                self.replies.extend(reset.map(|reset| (segment.ends, reset)));
                self.send_replies(Some(datagram), scene);
            }
            _ => {
                if let Some(why) = action.why() {
                    self.error(datagram, why, scene);
                }
            }
        }
    }
}
