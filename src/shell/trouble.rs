//! An error drawn as rustc draws them: the sentence, the user's own line, and a caret under the mistake.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::base::text::escape_lines;
use crate::script::{Place, Trouble};

/// The drawing, with colours; the stream that it is written to takes them out where nobody wants them.
pub(super) fn draw(trouble: &Trouble, width: usize) -> String {
    let title = Level::ERROR.primary_title(escape_lines(&trouble.message));
    let mut group = match &trouble.place {
        Some(place) => title.element(snippet(place)),
        None => Group::with_title(title),
    };
    if !trouble.calls.is_empty() {
        group = group.element(Level::NOTE.message(format!("in {}", escape_lines(&trouble.calls.join(", called by ")))));
    }
    Renderer::styled().term_width(width).render(&[group])
}

/// The line, and which characters of it to mark.
fn snippet(place: &Place) -> Snippet<'static, annotate_snippets::Annotation<'static>> {
    let line = place.text.lines().nth(place.line.saturating_sub(1)).unwrap_or("");
    let (line, start, end) = marked(line, place.column.saturating_sub(1), place.length.max(1));
    let mark = AnnotationKind::Primary.span(start..end);
    let snippet = Snippet::source(line).line_start(place.line).annotation(mark);
    // A line at the prompt needs no name, it is the one just typed.
    match &*place.name {
        "<prompt>" => snippet,
        name => snippet.path(escape_lines(name)),
    }
}

/// A line with its control characters written out, and the bytes of it to mark: `length` characters from `column`.
fn marked(line: &str, column: usize, length: usize) -> (String, usize, usize) {
    let at = |n: usize| line.char_indices().nth(n).map_or(line.len(), |(at, _)| at);
    let [before, word, after] =
        [&line[..at(column)], &line[at(column)..at(column + length)], &line[at(column + length)..]].map(escape_lines);
    // A mistake at the end of the line (something is missing there) is marked behind it.
    let word = if word.is_empty() { " ".to_owned() } else { word };
    let (start, end) = (before.len(), before.len() + word.len());
    (format!("{before}{word}{after}"), start, end)
}
