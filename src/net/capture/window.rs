//! A window on a stream: the bytes that have been read and not yet used.

use std::io::{self, Read};

/// The first window, and the size up to which windows double.
const FIRST: usize = 64 << 10;
const MOST: usize = 4 << 20;

/// Bytes of a stream. They move when more are asked for, and never else.
#[derive(Debug, Default)]
pub(super) struct Window {
    bytes: Vec<u8>,
    /// What is unread: `bytes[start..end]`.
    start: usize,
    end: usize,
    /// The place of `bytes[0]` in the stream.
    passed: u64,
    /// Somebody points into the bytes: they are set aside instead of overwritten.
    held: bool,
    aside: Option<Vec<u8>>,
}

impl Window {
    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// All that is in the window, also what has been used.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Where the unread bytes begin in [`Self::bytes`].
    pub(super) fn start(&self) -> usize {
        self.start
    }

    /// The place of the unread bytes in the stream.
    pub(super) fn offset(&self) -> u64 {
        self.passed + self.start as u64
    }

    pub(super) fn skip(&mut self, len: usize) {
        self.start = self.end.min(self.start + len);
    }

    /// Keeps the bytes of now: they will be found by [`Self::set_aside`].
    pub(super) fn hold(&mut self) {
        self.held = true;
    }

    /// Bytes that were held when the window went on, once.
    pub(super) fn set_aside(&mut self) -> Option<Vec<u8>> {
        self.aside.take()
    }

    /// The first `len` of [`Self::bytes`].
    pub(super) fn into_bytes(mut self, len: usize) -> Vec<u8> {
        self.bytes.truncate(len);
        self.bytes.shrink_to_fit();
        self.bytes
    }

    /// Reads until `need` bytes are unread; false when the stream ends before.
    pub(super) fn fill(&mut self, stream: &mut impl Read, need: usize) -> io::Result<bool> {
        if self.start + need > self.bytes.len() {
            self.make_room(need);
        }
        while self.end - self.start < need {
            match stream.read(&mut self.bytes[self.end..]) {
                Ok(0) => return Ok(false),
                Ok(len) => self.end += len,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    /// Moves the unread bytes to the front of a window with room for `need`.
    fn make_room(&mut self, need: usize) {
        let len = self.end - self.start;
        let wanted = (self.bytes.len() * 2).clamp(FIRST, MOST).max(need);
        if self.held || wanted > self.bytes.len() {
            let mut next = vec![0; wanted]; // fresh pages of the system: nothing is written until bytes are read
            next[..len].copy_from_slice(self.unread());
            let mut old = std::mem::replace(&mut self.bytes, next);
            if self.held {
                old.truncate(self.start);
                self.aside = Some(old);
            }
        } else {
            self.bytes.copy_within(self.start..self.end, 0);
        }
        self.passed += self.start as u64;
        self.held = false;
        (self.start, self.end) = (0, len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time, and now and then an interruption.
    struct Drops(u8);

    impl Read for Drops {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.0 = self.0.wrapping_add(1);
            match self.0 % 5 {
                0 => Err(io::ErrorKind::Interrupted.into()),
                _ => {
                    out[0] = self.0;
                    Ok(1)
                }
            }
        }
    }

    #[test]
    fn bytes_come_as_they_are_needed_and_move_forward() {
        let mut window = Window::default();
        let mut stream = Drops(0);
        for round in 0..100_000_u64 {
            assert!(window.fill(&mut stream, 3).expect("no error"));
            assert_eq!(window.unread().len(), 3);
            assert_eq!(window.offset(), round * 3);
            window.skip(3);
        }
        assert!(window.bytes().len() <= 4 * FIRST, "{}", window.bytes().len());
    }

    #[test]
    fn what_is_held_is_set_aside() {
        let mut window = Window::default();
        let text: Vec<u8> = (0..FIRST + 100).map(|i| i as u8).collect();
        let mut stream = &text[..];
        assert!(window.fill(&mut stream, 10).expect("no error"));
        window.skip(FIRST - 1);
        window.hold();
        assert!(window.fill(&mut stream, 50).expect("no error"));
        assert_eq!(window.set_aside().as_deref(), Some(&text[..FIRST - 1]));
        assert_eq!(window.set_aside(), None);
        assert_eq!(window.unread(), &text[FIRST - 1..]);
        assert!(!window.fill(&mut stream, 102).expect("no error"));
        assert_eq!(window.into_bytes(1), text[FIRST - 1..FIRST]);
    }
}
