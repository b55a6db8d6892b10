//! The tokens of a text with their exact byte ranges, from Rhai's own lexer.
//!
//! `Engine::lex` gives positions in lines and columns of 16 bits that drift after some strings; here the same lexer
//! reads from a stream that knows its byte offset.

use std::ops::Range;

use rhai::{InputStream, LexError, Position, Token, TokenizeState, get_next_token};

/// One token and the bytes of the text that it stands for.
#[derive(Debug)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) at: Range<usize>,
}

/// What the lexer found in a text.
#[derive(Debug, Default)]
pub(super) struct Lexed {
    /// The tokens up to the end or to the first error; no comments, no end marker.
    pub(super) tokens: Vec<Lexeme>,
    /// The error that ended the lexing, and where it begins and the lexer stopped.
    pub(super) error: Option<(LexError, Range<usize>)>,
    /// The text ends inside a block comment.
    pub(super) open_comment: bool,
}

/// Reads all tokens of `text`, those inside `${...}` of interpolated strings too.
pub(super) fn lex(text: &str) -> Lexed {
    let mut stream = Stream { text, at: 0 };
    let mut state = TokenizeState { include_comments: true, ..TokenizeState::default() };
    let mut position = Position::START;
    let mut lexed = Lexed { tokens: Vec::with_capacity(text.len() / 4), ..Lexed::default() };
    let mut braces: Vec<bool> = Vec::new(); // open braces: does text of an interpolated string follow the closing one?
    loop {
        let resumed = state.is_within_text_terminated_by.is_some();
        let unary = state.next_token_cannot_be_unary;
        let before = stream.at;
        let (token, _) = get_next_token(&mut stream, &mut state, &mut position);
        // Between two tokens there is only whitespace, because comments are tokens here.
        let space = text[before..].len() - text[before..].trim_start_matches(|c: char| c.is_ascii_whitespace()).len();
        let start = if resumed { before } else { before + space };
        match &token {
            Token::EOF => {
                lexed.open_comment = state.comment_level > 0;
                return lexed;
            }
            Token::Comment(_) => {
                lexed.open_comment = state.comment_level > 0;
                state.next_token_cannot_be_unary = unary;
                if lexed.open_comment {
                    return lexed;
                }
                continue;
            }
            Token::LexError(error) => {
                lexed.error = Some(((**error).clone(), start..stream.at));
                return lexed;
            }
            // Back-ticks and raw strings that reach the end of the text come without an error.
            Token::StringConstant(_) if state.is_within_text_terminated_by.is_some() => {
                lexed.error = Some((LexError::UnterminatedString, start..stream.at));
                return lexed;
            }
            Token::LeftBrace => {
                braces.push(matches!(lexed.tokens.last(), Some(Lexeme { token: Token::InterpolatedString(_), .. })));
            }
            Token::MapStart => braces.push(false),
            Token::RightBrace if braces.pop() == Some(true) => {
                state.is_within_text_terminated_by = Some("`".into());
            }
            _ => (),
        }
        lexed.tokens.push(Lexeme { token, at: start..stream.at });
    }
}

struct Stream<'a> {
    text: &'a str,
    at: usize,
}

impl InputStream for Stream<'_> {
    /// The lexer gives back only what it has just read, last character first.
    fn unget(&mut self, c: char) {
        self.at -= c.len_utf8();
    }

    fn get_next(&mut self) -> Option<char> {
        let c = self.peek_next()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn peek_next(&mut self) -> Option<char> {
        match self.text.as_bytes().get(self.at)? {
            ascii @ 0..0x80 => Some(char::from(*ascii)),
            _ => self.text[self.at..].chars().next(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices(text: &str) -> Vec<&str> {
        lex(text).tokens.into_iter().map(|t| &text[t.at]).collect()
    }

    #[test]
    fn ranges_are_exact_even_where_positions_drift() {
        let rows: &[(&str, &[&str])] = &[
            ("a /* x */ +/* y */-1 // end", &["a", "+", "-1"]),
            ("`é\\${` x", &["`é\\${`", "x"]),
            ("`a${b}c${`d${e}`}f` g", &["`a$", "{", "b", "}", "c$", "{", "`d$", "{", "e", "}", "`", "}", "f`", "g"]),
            ("#\"a\"\nb\"# c", &["#\"a\"\nb\"#", "c"]),
            ("`${#{a: 1}}` z", &["`$", "{", "#{", "a", ":", "1", "}", "}", "`", "z"]),
            (
                "x !in y; !i; 1..2; 3.foo; 1e5; 0xff_ff; '\\n'",
                &[
                    "x", "!in", "y", ";", "!", "i", ";", "1", "..", "2", ";", "3", ".", "foo", ";", "1e5", ";",
                    "0xff_ff", ";", "'\\n'",
                ],
            ),
            ("f()\r\n.g()", &["f", "()", ".", "g", "()"]),
        ];
        for (text, wanted) in rows {
            assert_eq!(slices(text), *wanted, "{text}");
        }
    }

    #[test]
    fn an_open_comment_and_an_open_string_are_told() {
        assert!(lex("a /* b").open_comment);
        assert!(lex("a /* b /* c */").open_comment);
        assert!(!lex("a /* b */ c").open_comment);
        for text in ["x `abc", "x #\"abc", "x \"abc", "x `a${b} c"] {
            assert!(matches!(lex(text).error, Some((LexError::UnterminatedString, _))), "{text}");
        }
    }
}
