//! The walk over the tokens that finds what is to be rewritten.

use std::collections::BTreeMap;
use std::ops::Range;

use rhai::Token;

use super::calls::{Call, Kind};
use super::edit::{Edit, Lines};
use super::hints;
use super::lex::{Lexed, Lexeme};
use super::loops::PairLoop;
use super::{Fault, LAST, Mode, SUGAR};
use crate::script::names::Known;

/// Brackets deeper than this are refused: Rhai's parser stops far earlier.
const DEEPEST: usize = 500;

/// All edits that `text` needs.
pub(super) fn edits(text: &str, lexed: &Lexed, known: &Known, mode: Mode) -> Result<Vec<Edit>, Fault> {
    let mut pass = Pass {
        text,
        tokens: &lexed.tokens,
        known,
        functions: BTreeMap::new(),
        edits: Vec::new(),
        frames: Vec::new(),
        loops: Vec::new(),
        switches: Vec::new(),
        after_block: false,
        made: 0,
    };
    if mode == Mode::Prompt && lexed.error.is_none() && pass.prompt_line() {
        return Ok(pass.edits);
    }
    pass.collect_functions();
    let mut i = 0;
    while i < pass.tokens.len() {
        i = pass.step(i)?;
    }
    if let Some((error, at)) = &lexed.error
        && let Some(message) = hints::lexical(error)
    {
        return Err(pass.fault(at.clone(), message));
    }
    while let Some(frame) = pass.frames.pop() {
        if let Frame::Call(call) = frame {
            pass.finish_call(call, None)?;
        }
    }
    Ok(pass.edits)
}

/// An open bracket.
#[derive(Debug)]
pub(super) enum Frame {
    Call(Call),
    Paren,
    Bracket,
    Map,
    /// A block, also that of `${...}`.
    Block,
}

/// The header of a function: its name and parameters, and the token after it.
struct Header {
    name: usize,
    params: Vec<usize>,
    end: usize,
}

pub(super) struct Pass<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a [Lexeme],
    pub(super) known: &'a Known,
    /// The functions of this text: the parameters of each definition.
    pub(super) functions: BTreeMap<&'a str, Vec<Vec<&'a str>>>,
    pub(super) edits: Vec<Edit>,
    pub(super) frames: Vec<Frame>,
    pub(super) loops: Vec<PairLoop>,
    /// `switch` whose block has not begun yet: how many brackets were open, and its token.
    pub(super) switches: Vec<(usize, usize)>,
    /// Did the last closing brace end a block (and not a map)?
    after_block: bool,
    /// How many names this pass has made up.
    pub(super) made: usize,
}

impl<'a> Pass<'a> {
    pub(super) fn token(&self, i: usize) -> Option<&'a Token> {
        self.tokens.get(i).map(|t| &t.token)
    }

    pub(super) fn before(&self, i: usize) -> Option<&'a Token> {
        self.token(i.checked_sub(1)?)
    }

    pub(super) fn word(&self, i: usize) -> &'a str {
        self.tokens.get(i).map_or("", |t| &self.text[t.at.clone()])
    }

    pub(super) fn fault(&self, at: Range<usize>, message: impl Into<String>) -> Fault {
        let (line, column) = Lines::new(self.text).place(at.start);
        let first_line = self.text[at].lines().next().unwrap_or("").trim_end(); // some symbols take a blank along
        Fault { message: message.into(), line, column, length: first_line.chars().count().max(1) }
    }

    pub(super) fn fault_at(&self, i: usize, message: impl Into<String>) -> Fault {
        self.fault(self.tokens[i].at.clone(), message)
    }

    /// Replaces bytes of the text, and keeps the line breaks among them.
    pub(super) fn replace(&mut self, at: Range<usize>, text: impl Into<String>) {
        let mut text = text.into();
        text.extend(self.text[at.clone()].chars().filter(|c| *c == '\n'));
        self.edits.push(Edit::Replace(at, text));
    }

    pub(super) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.edits.push(Edit::Replace(at..at, text.into()));
    }

    /// Does an expression begin at token `i`, rather than go on?
    pub(super) fn expects_operand(&self, i: usize) -> bool {
        match self.before(i) {
            None | Some(Token::DoubleArrow | Token::Else) => true,
            Some(Token::RightBrace) => self.after_block,
            Some(token) => token.is_next_unary(),
        }
    }

    pub(super) fn starts_statement(&self, i: usize) -> bool {
        matches!(self.frames.last(), None | Some(Frame::Block))
            && match self.before(i) {
                None | Some(Token::SemiColon | Token::LeftBrace) => true,
                Some(Token::RightBrace) => self.after_block,
                Some(_) => false,
            }
    }

    fn collect_functions(&mut self) {
        for i in 0..self.tokens.len() {
            if self.tokens[i].token == Token::Fn
                && let Some(Header { name, params, .. }) = self.header(i)
            {
                let params = params.into_iter().map(|p| self.word(p)).collect();
                self.functions.entry(self.word(name)).or_default().push(params);
            }
        }
    }

    /// Reads `fn name(a, b)` or `fn type.name(a, b)` at the token `fn`.
    fn header(&self, at: usize) -> Option<Header> {
        let name = if self.token(at + 2) == Some(&Token::Period) { at + 3 } else { at + 1 };
        if !is_word(self.word(name)) {
            return None;
        }
        if self.token(name + 1) == Some(&Token::Unit) {
            return Some(Header { name, params: Vec::new(), end: name + 2 });
        }
        let mut params = Vec::new();
        let mut i = name + 1;
        loop {
            match self.token(i)? {
                Token::LeftParen if i == name + 1 => (),
                Token::Comma => (),
                Token::Identifier(_) | Token::Reserved(_) | Token::Underscore if i > name + 1 => params.push(i),
                Token::RightParen => return Some(Header { name, params, end: i + 1 }),
                _ => return None,
            }
            i += 1;
        }
    }

    /// Looks at token `i` and returns the next one to look at.
    fn step(&mut self, i: usize) -> Result<usize, Fault> {
        if let Some(Frame::Call(call)) = self.frames.last()
            && call.argument == i
            && self.token(i + 1) == Some(&Token::Equals)
        {
            return self.keyword(i);
        }
        if let Some(message) = hints::at(self, i) {
            return Err(self.fault_at(i, message));
        }
        match &self.tokens[i].token {
            Token::Fn => return Ok(self.function_header(i)),
            Token::EqualsTo | Token::NotEqualsTo => self.comparison(i),
            Token::Switch => self.switches.push((self.frames.len(), i)),
            Token::For => return Ok(self.for_header(i)),
            Token::Pipe if self.expects_operand(i) => return Ok(self.closure_parameters(i)),
            Token::Underscore => self.underscore(i),
            Token::LeftParen => self.open_paren(i),
            Token::LeftBracket | Token::QuestionBracket => self.frames.push(Frame::Bracket),
            Token::MapStart => self.frames.push(Frame::Map),
            Token::LeftBrace => self.open_block(i),
            Token::Comma => self.comma(i)?,
            Token::RightParen | Token::RightBracket | Token::RightBrace => self.close(i)?,
            _ => (),
        }
        if self.frames.len() > DEEPEST {
            let text = format!("more than {DEEPEST} brackets are open here: use variables for the parts");
            return Err(self.fault_at(i, text));
        }
        Ok(i + 1)
    }

    fn function_header(&mut self, i: usize) -> usize {
        let Some(header) = self.header(i) else { return i + 1 };
        header.params.iter().for_each(|p| self.unused(*p));
        header.end
    }

    fn closure_parameters(&mut self, i: usize) -> usize {
        let is_list = |t: &&Lexeme| matches!(t.token, Token::Identifier(_) | Token::Underscore | Token::Comma);
        let end = i + 1 + self.tokens[i + 1..].iter().take_while(is_list).count();
        if self.token(end) != Some(&Token::Pipe) {
            return i + 1;
        }
        (i + 1..end).for_each(|p| self.unused(p));
        end + 1
    }

    /// Gives the `_` at token `i` (if it is one) a name of its own, for it names what is not used.
    fn unused(&mut self, i: usize) {
        if self.tokens[i].token == Token::Underscore {
            self.made += 1;
            self.replace(self.tokens[i].at.clone(), format!("unused__{}", self.made));
        }
    }

    fn underscore(&mut self, i: usize) {
        match (self.before(i), self.token(i + 1)) {
            (Some(Token::Let | Token::Const | Token::For), _) => self.unused(i),
            (_, Some(Token::DoubleArrow | Token::If)) => (), // the default of a switch
            _ => self.replace(self.tokens[i].at.clone(), LAST),
        }
    }

    fn open_paren(&mut self, i: usize) {
        let Some(name) = self.called(i) else {
            return self.frames.push(Frame::Paren);
        };
        let kind = match self.before(name) {
            Some(Token::Period | Token::Elvis) => Kind::Method,
            Some(Token::DoubleColon) => Kind::Qualified,
            _ => Kind::Plain,
        };
        if kind == Kind::Plain && self.word(name) == "eval" {
            self.insert(self.tokens[i].at.end, format!("{SUGAR}("));
        }
        self.frames.push(Frame::Call(Call { name, kind, argument: i + 1, keyword: None, arguments: Vec::new() }));
    }

    /// The name before the parenthesis at token `i`, if it calls.
    fn called(&self, i: usize) -> Option<usize> {
        let name = match self.before(i)? {
            Token::Bang => i.checked_sub(2)?, // `f!(x)` calls with the caller's scope
            _ => i - 1,
        };
        matches!(self.token(name)?, Token::Identifier(_) | Token::Reserved(_) | Token::Custom(_))
            .then_some(name)
            .filter(|n| is_word(self.word(*n)))
    }

    fn comma(&mut self, i: usize) -> Result<(), Fault> {
        if matches!(self.frames.last(), Some(Frame::Call(_))) {
            self.end_argument(i)?;
        }
        Ok(())
    }

    fn close(&mut self, i: usize) -> Result<(), Fault> {
        let fits = match (&self.tokens[i].token, self.frames.last()) {
            (Token::RightParen, Some(Frame::Call(_))) => {
                self.end_argument(i)?;
                true
            }
            (Token::RightParen, Some(Frame::Paren)) | (Token::RightBracket, Some(Frame::Bracket)) => true,
            (Token::RightBrace, Some(frame @ (Frame::Block | Frame::Map))) => {
                self.after_block = matches!(frame, Frame::Block);
                true
            }
            _ => false, // Rhai will say so
        };
        if fits && let Some(Frame::Call(call)) = self.frames.pop() {
            let evaluates = call.kind == Kind::Plain && self.word(call.name) == "eval";
            self.finish_call(call, Some(i))?;
            if evaluates {
                self.insert(self.tokens[i].at.start, ")");
            }
        }
        self.loops.retain(|l| l.depth <= self.frames.len());
        self.switches.retain(|(depth, _)| *depth <= self.frames.len());
        Ok(())
    }
}

/// May this be the name of a keyword? Reserved words may.
pub(super) fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_alphanumeric() || c == '_')
        && text.contains(char::is_alphabetic)
}
