//! A [`Link`] that writes down every frame that goes through it: `--pcap FILE`.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use super::capture::{FileError, Format, Record, Writer};
use super::{Checksum, Event, Frame, Link, LinkInfo, Medium, NetError, Polled, Stats, Via};
use crate::base::Time;

/// A capture file that several links may write to, in turns, in the format of its name: all as Ethernet, see
/// [`Record::in_ethernet`].
#[derive(Clone)]
pub struct Recording {
    inner: Rc<RefCell<Inner>>,
}

struct Inner {
    writer: Writer<Box<dyn Write>>,
    failed: Option<FileError>,
    /// For a frame with its VLAN tag, and for one with an Ethernet header.
    scratch: [Vec<u8>; 2],
}

impl Inner {
    fn write(&mut self, wall_zero: i64, frame: &Frame<'_>) -> Result<(), FileError> {
        let [tagged, wrapped] = &mut self.scratch;
        self.writer.write(&Record::of_frame(frame, wall_zero, None, tagged).in_ethernet(wrapped))
    }
}

impl Recording {
    /// Begins a recording. `name` is the file's, for errors.
    pub fn new(name: impl Into<String>, out: Box<dyn Write>) -> Result<Self, NetError> {
        let name = name.into();
        let format = Format::of_name(&name);
        let mut writer = Writer::new(name, out, format)?;
        writer.set_medium(Medium::Ethernet)?;
        Ok(Self { inner: Rc::new(RefCell::new(Inner { writer, failed: None, scratch: Default::default() })) })
    }

    fn write(&self, wall_zero: i64, frame: &Frame<'_>) {
        let mut inner = self.inner.borrow_mut();
        if inner.failed.is_none() {
            inner.failed = inner.write(wall_zero, frame).err();
        }
    }

    /// Writes what is in the buffer; the first error of all writes is told here, once for each call.
    pub fn flush(&self) -> Result<(), NetError> {
        let mut inner = self.inner.borrow_mut();
        if inner.failed.is_none() {
            inner.failed = inner.writer.flush().err();
        }
        match &inner.failed {
            Some(e) => Err(e.clone().into()),
            None => Ok(()),
        }
    }
}

/// A link and its recording. Sent frames are written when they are handed over, heard ones when they are delivered.
pub struct Tap {
    link: Box<dyn Link>,
    recording: Recording,
}

impl Tap {
    /// Records all that goes through `link`.
    pub fn new(link: Box<dyn Link>, recording: Recording) -> Self {
        Self { link, recording }
    }
}

impl Link for Tap {
    fn about(&self) -> &LinkInfo {
        self.link.about()
    }

    fn now(&self) -> Time {
        self.link.now()
    }

    fn send(&mut self, via: Via, bytes: &[u8], token: u64) -> Result<(), NetError> {
        let at = self.link.now(); // before the answer's stamp, not after it
        self.link.send(via, bytes, token)?;
        let (iface, medium) = match via {
            Via::Frame(iface) => (iface, Medium::Ethernet),
            Via::Ip(iface) => (iface.unwrap_or(0), Medium::Ip),
            Via::Connect(_) => return Ok(()), // its frames are the system's
        };
        let (wire_len, checksum) = (bytes.len(), Checksum::Ready);
        let frame = Frame { bytes, at, iface, medium, outgoing: true, vlan: None, wire_len, checksum };
        self.recording.write(self.link.about().wall_zero, &frame);
        Ok(())
    }

    fn poll(&mut self, until: Time, on: &mut dyn FnMut(Event<'_>)) -> Result<Polled, NetError> {
        let (recording, wall_zero) = (&self.recording, self.link.about().wall_zero);
        self.link.poll(until, &mut |event| {
            if let Event::Heard(frame) = &event {
                recording.write(wall_zero, frame);
            }
            on(event);
        })
    }

    fn resume(&mut self) -> Result<(), NetError> {
        self.link.resume()
    }

    fn pause(&mut self) -> Result<(), NetError> {
        self.link.pause()?;
        self.recording.flush()
    }

    fn stats(&mut self) -> Stats {
        self.link.stats()
    }
}
