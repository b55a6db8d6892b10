//! The loop that joins a job and a link. There is no other.

use super::{Job, Outbox, Wake};
use crate::net::{Event, Link, NetError, Polled};

/// How a [`drive`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The job was done.
    Done,
    /// Ctrl-C; the job holds what has come so far.
    Interrupted,
    /// Nothing can come any more (the laboratory only).
    Never,
}

/// Runs `job` on `link` until it is done, Ctrl-C is pressed, or the link fails.
///
/// A frame that cannot be sent is the job's to judge ([`Event::Failed`]); an error of the link itself ends the loop.
pub fn drive(job: &mut dyn Job, link: &mut dyn Link) -> Result<Ended, NetError> {
    let mut out = Outbox::default();
    loop {
        let now = link.now();
        let Wake::At(mut wake) = job.step(now, &mut out) else { return Ok(Ended::Done) };
        out.send(link, &mut |token, error| {
            job.event(now, &Event::Failed { token, error });
            // It may want something else now.
            wake = now;
        });
        match link.poll(wake, &mut |event| {
            let at = match &event {
                Event::Heard(frame) => frame.at,
                Event::Connected { at, .. } | Event::Refused { at, .. } => *at,
                Event::Failed { .. } => now,
            };
            job.event(at, &event);
        })? {
            Polled::Some | Polled::Timeout => {}
            Polled::Never => return Ok(Ended::Never),
            Polled::Interrupted => return Ok(Ended::Interrupted),
        }
    }
}
