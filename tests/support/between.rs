//! A link with somebody in between, who changes what is sent or heard.

use pktsh::base::Time;
use pktsh::net::{Event, Link, LinkInfo, NetError, Polled, Stats, Via};

/// Who stands in between; by default nothing is changed.
pub(crate) trait Middle {
    /// Something is sent.
    fn send(&mut self, link: &mut dyn Link, via: Via, bytes: &[u8], token: u64) -> Result<(), NetError> {
        link.send(via, bytes, token)
    }

    /// Something is heard; `on` hears what is made of it.
    fn hear(&mut self, event: Event<'_>, on: &mut dyn FnMut(Event<'_>)) {
        on(event);
    }

    /// Frames that were lost here.
    fn dropped(&self) -> u64 {
        0
    }
}

/// The link.
pub(crate) struct Between<M> {
    pub(crate) link: Box<dyn Link>,
    pub(crate) middle: M,
}

impl<M: Middle> Link for Between<M> {
    fn about(&self) -> &LinkInfo {
        self.link.about()
    }

    fn now(&self) -> Time {
        self.link.now()
    }

    fn send(&mut self, via: Via, bytes: &[u8], token: u64) -> Result<(), NetError> {
        self.middle.send(&mut *self.link, via, bytes, token)
    }

    fn poll(&mut self, until: Time, on: &mut dyn FnMut(Event<'_>)) -> Result<Polled, NetError> {
        let middle = &mut self.middle;
        self.link.poll(until, &mut |event| middle.hear(event, on))
    }

    fn stats(&mut self) -> Stats {
        let stats = self.link.stats();
        Stats { dropped: stats.dropped + self.middle.dropped(), ..stats }
    }
}
