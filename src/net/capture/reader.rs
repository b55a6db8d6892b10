//! Reading capture files, from anything that gives bytes.

use std::fs::File;
use std::io::{self, Chain, Cursor, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::decode::{Decoder, Found, Step};
use super::window::Window;
use super::{FileError, MOST_HELD, Record, Store, foreign};

/// How gzip begins (RFC 1952 section 2.3.1).
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads the packets of a capture file one by one: pcap of either byte order and precision, pcapng, both also in gzip.
///
/// It takes what it needs for the next packet and never holds much more, so it may stand at the end of a pipe.
#[derive(Debug)]
pub struct Reader<R: Read> {
    name: String,
    stream: Stream<R>,
    pub(super) window: Window,
    pub(super) decoder: Decoder,
    count: u64,
    is_over: bool,
    note: Option<String>,
}

impl Reader<File> {
    /// Opens a file.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|e| FileError::reading(&name, &e))?;
        Self::new(name, file)
    }
}

impl<R: Read> Reader<R> {
    /// Reads `stream`, up to the first packet. `name` is the file's, for errors.
    pub fn new(name: impl Into<String>, stream: R) -> Result<Self, FileError> {
        let name = name.into();
        let failed = |e: &io::Error| FileError::reading(&name, e);
        let mut stream = Stream::new(stream).map_err(|e| failed(&e))?;
        let mut window = Window::default();
        window.fill(&mut stream, 4).map_err(|e| failed(&said(e, stream.is_gzip())))?;
        let magic = window.unread().first_chunk().copied();
        let Some(decoder) = magic.and_then(Decoder::of_magic) else {
            return Err(FileError::Foreign { found: foreign::found(window.unread(), stream.is_gzip()), name });
        };
        Ok(Self { name, stream, window, decoder, count: 0, is_over: false, note: None })
    }

    /// The next packet; nothing at the end, and where the file is broken: [`Self::note`] tells.
    pub fn next(&mut self) -> Option<Record<'_>> {
        let found = self.advance()?;
        Some(self.record(&found))
    }

    /// What was wrong with the file, once [`Self::next`] has given nothing.
    pub fn note(&self) -> Option<String> {
        self.note.clone()
    }

    /// The packets read so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The name given at the beginning.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the file is packed with gzip.
    pub fn is_gzip(&self) -> bool {
        self.stream.is_gzip()
    }

    /// Steps behind the next packet. Its bytes stand in the window until the next step.
    pub(super) fn advance(&mut self) -> Option<Found> {
        while !self.is_over {
            match self.decoder.step(self.window.unread()) {
                Step::Need(len) => self.fill(len),
                Step::Skip(len) => self.window.skip(len),
                Step::Broken(what) => self.end(format!("{} is broken: {what}", self.place())),
                Step::Packet(mut found) => {
                    let start = self.window.start();
                    found.body = found.body.start + start..found.body.end + start;
                    self.window.skip(found.whole);
                    self.count += 1;
                    return Some(found);
                }
            }
        }
        None
    }

    /// The packet at which [`Self::advance`] has just been.
    pub(super) fn record(&self, found: &Found) -> Record<'_> {
        Record {
            bytes: self.window.bytes().get(found.body.clone()).unwrap_or_default(),
            wall: found.wall,
            wire_len: found.wire_len as usize,
            medium: found.medium,
            iface: self.decoder.name(found.iface),
            outgoing: found.outgoing,
            checksum: found.checksum,
            comment: found.has_comment.then(|| self.decoder.comment()),
        }
    }

    fn fill(&mut self, need: usize) {
        match self.window.fill(&mut self.stream, need) {
            Ok(true) => {}
            Ok(false) => match self.window.unread().len() {
                0 => self.is_over = true,
                len => self.end(format!("the file ends inside {}: {len} of {need} bytes are here", self.place())),
            },
            Err(e) => {
                let e = said(e, self.is_gzip());
                self.end(format!("reading ended at {}: {e}", self.place()));
            }
        }
    }

    fn end(&mut self, note: String) {
        self.is_over = true;
        self.note = Some(note);
    }

    /// `packet 17 (at byte 2048)`.
    fn place(&self) -> String {
        let place = self.decoder.place(self.window.unread(), self.count);
        let unpacked = if self.is_gzip() { " of what gzip holds" } else { "" };
        format!("{place} (at byte {}{unpacked})", self.window.offset())
    }
}

/// Reads a whole file into a store, [`MOST_HELD`] bytes at most. The note tells what could not be read.
pub fn read_file(path: &Path) -> Result<(Store, Option<String>), FileError> {
    read_file_within(path, MOST_HELD)
}

/// The same with another bound, in bytes.
pub fn read_file_within(path: &Path, most: usize) -> Result<(Store, Option<String>), FileError> {
    Ok(Store::read(Reader::open(path)?, most))
}

/// The bytes of a file, unpacked.
#[derive(Debug)]
enum Stream<R: Read> {
    Plain(Begun<R>),
    Gzip(Box<MultiGzDecoder<Begun<R>>>),
}

/// A stream whose first two bytes have been looked at.
type Begun<R> = Chain<Cursor<Vec<u8>>, R>;

impl<R: Read> Stream<R> {
    fn new(mut stream: R) -> io::Result<Self> {
        let mut first = Vec::new();
        stream.by_ref().take(GZIP.len() as u64).read_to_end(&mut first)?;
        let is_gzip = first == GZIP;
        let begun = Cursor::new(first).chain(stream);
        Ok(if is_gzip { Self::Gzip(Box::new(MultiGzDecoder::new(begun))) } else { Self::Plain(begun) })
    }

    fn is_gzip(&self) -> bool {
        matches!(self, Self::Gzip(_))
    }
}

impl<R: Read> Read for Stream<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(out),
            Self::Gzip(stream) => stream.read(out),
        }
    }
}

/// An error of the unpacker in plain words.
fn said(error: io::Error, is_gzip: bool) -> io::Error {
    match error.kind() {
        kind @ io::ErrorKind::UnexpectedEof if is_gzip => io::Error::new(kind, "the gzip data ends early"),
        kind @ (io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) if is_gzip => {
            io::Error::new(kind, format!("the gzip data is broken ({error})"))
        }
        _ => error,
    }
}
