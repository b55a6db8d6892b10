//! Edits of a text, and the map from places in the edited text back to the text that was typed.

use std::ops::Range;

/// One change. Edits are kept in the order of their places; a [`Edit::Move`] may hold others inside.
#[derive(Debug)]
pub(super) enum Edit {
    /// `text` instead of these bytes (an insertion, when the range is empty).
    Replace(Range<usize>, String),
    /// The bytes of the second range, edited, instead of those of the first.
    Move(Range<usize>, Range<usize>),
}

impl Edit {
    fn at(&self) -> &Range<usize> {
        match self {
            Self::Replace(at, _) | Self::Move(at, _) => at,
        }
    }
}

/// From places in the rewritten text to places in the text that was typed.
///
/// Lines and columns count from 1, columns in characters, as [`rhai::Position`] does.
#[derive(Clone, Debug, Default)]
pub struct ColumnMap(Vec<Segment>);

/// From this place of the output on, the text is a copy of the input from `typed` on, or was not typed at all.
#[derive(Clone, Copy, Debug)]
struct Segment {
    out: (usize, usize),
    typed: (usize, usize),
    copied: bool,
}

impl ColumnMap {
    /// Where the user typed what stands at `line` and `column` of the rewritten text.
    ///
    /// What was not typed maps to the place where it was inserted.
    pub fn original(&self, line: usize, column: usize) -> (usize, usize) {
        let column = column.max(1);
        let after = self.0.partition_point(|s| s.out <= (line, column));
        let Some(Segment { out, typed, copied }) = after.checked_sub(1).map(|i| self.0[i]) else {
            return (line, column);
        };
        match copied {
            false => typed,
            true if line == out.0 => (typed.0, typed.1 + column - out.1),
            true => (typed.0 + line - out.0, column),
        }
    }
}

/// Where the lines of a text begin.
pub(super) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
        Self { text, starts: std::iter::once(0).chain(ends.map(|(i, _)| i + 1)).collect() }
    }

    /// Line and column of a byte offset, both from 1, the column in characters.
    pub(super) fn place(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|s| *s <= at);
        (line, self.text[self.starts[line - 1]..at].chars().count() + 1)
    }
}

/// Applies `edits` to `text`.
pub(super) fn apply(text: &str, mut edits: Vec<Edit>) -> (String, ColumnMap) {
    // Moves first, for they take what is inside them along; then by place; insertions at one place stay in order.
    edits.sort_by_key(|e| (e.at().start, matches!(e, Edit::Replace(..)), e.at().end));
    let out = String::with_capacity(text.len() + 24 * edits.len());
    let mut writer = Writer { text, lines: Lines::new(text), edits: &edits, out, place: (1, 1), map: vec![] };
    writer.copy(&(0..text.len()));
    (writer.out, ColumnMap(writer.map))
}

struct Writer<'a> {
    text: &'a str,
    lines: Lines<'a>,
    edits: &'a [Edit],
    out: String,
    place: (usize, usize),
    map: Vec<Segment>,
}

impl Writer<'_> {
    /// Writes a range of the typed text with all edits that begin in it.
    fn copy(&mut self, range: &Range<usize>) {
        let first = self.edits.partition_point(|e| e.at().start < range.start);
        let mut at = range.start;
        for edit in &self.edits[first..] {
            let here = edit.at();
            if here.start >= range.end && range.end != self.text.len() {
                break;
            }
            // Skipped: what stands inside a range that was moved (written where it went), and the move of this range.
            let own = matches!(edit, Edit::Move(..)) && here == range;
            if here.start < at || own {
                continue;
            }
            self.write(at..here.start);
            match edit {
                Edit::Replace(_, text) => self.insert(text, here.start),
                Edit::Move(_, from) => self.copy(from),
            }
            at = here.end;
        }
        self.write(at..range.end);
    }

    fn insert(&mut self, text: &str, at: usize) {
        self.map.push(Segment { out: self.place, typed: self.lines.place(at), copied: false });
        self.push(text);
    }

    fn write(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.map.push(Segment { out: self.place, typed: self.lines.place(range.start), copied: true });
            self.push(&self.text[range]);
        }
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
        match text.rfind('\n') {
            Some(last) => {
                self.place.0 += text.bytes().filter(|b| *b == b'\n').count();
                self.place.1 = text[last + 1..].chars().count() + 1;
            }
            None => self.place.1 += text.chars().count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_map_back_through_insertions_and_moves() {
        //          0123456789
        let text = "f(b=é1, a=2\n) x";
        let edits = vec![
            Edit::Replace(2..4, String::new()),
            Edit::Replace(9..11, String::new()),
            Edit::Move(4..7, 11..12),
            Edit::Move(11..12, 4..7),
        ];
        let (out, map) = apply(text, edits);
        assert_eq!(out, "f(2, é1\n) x");
        assert_eq!(map.original(1, 1), (1, 1));
        assert_eq!(map.original(1, 3), (1, 11), "the 2");
        assert_eq!(map.original(1, 6), (1, 5), "the é");
        assert_eq!(map.original(2, 3), (2, 3), "the x");
    }

    #[test]
    fn insertions_at_one_place_keep_their_order() {
        let edits =
            vec![Edit::Replace(1..1, "A".into()), Edit::Replace(1..2, "B".into()), Edit::Replace(1..1, "C".into())];
        assert_eq!(apply("xyz", edits).0, "xACBz");
    }
}
