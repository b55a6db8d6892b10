//! The arithmetic of comparisons: `tcp[13] & 2 != 0`.

use std::ops::Range;

use super::error::FilterError;
use super::lex::Kind;
use super::names::{self, Begin};
use super::parse::{NESTING, Parser};
use super::tree::Value;
use super::vm::Alu;

/// Arithmetic that was read.
pub(super) struct Term {
    pub(super) value: Value,
    pub(super) at: Range<usize>,
    /// How deep the tree is.
    depth: usize,
    /// Whether it is a number as written, so that it can also be a port or a protocol.
    is_plain: bool,
}

impl Term {
    /// The same in brackets that stand at `at`.
    pub(super) fn in_brackets(self, at: Range<usize>) -> Self {
        Self { at, ..self }
    }

    /// The number, when nothing but a number was written.
    pub(super) fn number(&self) -> Option<u32> {
        match self.value {
            Value::Number(number) if self.is_plain => Some(number),
            _ => None,
        }
    }
}

/// How tightly operators bind, to the left and to the right.
///
/// `%` and `^` take all that follows as their right side: libpcap's grammar gives them no rank, so that its parser
/// always goes on reading. `7 % 2 + 1` is 7 % 3 there, and so it is here.
const OPERATORS: &[(&str, Alu, u8, u8)] = &[
    ("|", Alu::Or, 1, 2),
    ("&", Alu::And, 3, 4),
    ("<<", Alu::Lsh, 5, 6),
    (">>", Alu::Rsh, 5, 6),
    ("+", Alu::Add, 7, 8),
    ("-", Alu::Sub, 7, 8),
    ("*", Alu::Mul, 9, 10),
    ("/", Alu::Div, 9, 10),
    ("%", Alu::Mod, 12, 0),
    ("^", Alu::Xor, 12, 0),
];

/// The rank of the sign of `-5`.
const SIGN: u8 = 11;

impl Parser<'_> {
    /// Arithmetic whose operators bind at least as tightly as `rank`.
    pub(super) fn arithmetic(&mut self, rank: u8) -> Result<Term, FilterError> {
        self.nested(|parser| {
            let first = parser.operand()?;
            parser.arithmetic_after(first, rank)
        })
    }

    /// The same, its first operand already read.
    pub(super) fn arithmetic_after(&mut self, first: Term, rank: u8) -> Result<Term, FilterError> {
        let mut left = first;
        while let Some((_, alu, _, right_rank)) = self
            .word()
            .and_then(|word| OPERATORS.iter().find(|(sign, _, left_rank, _)| *sign == word && *left_rank >= rank))
        {
            self.bump();
            let right = self.arithmetic(*right_rank)?;
            left = applied(*alu, left, right)?;
        }
        Ok(left)
    }

    fn operand(&mut self) -> Result<Term, FilterError> {
        let token = self.peek().clone();
        let start = token.at.start;
        let (value, depth) = match token.kind {
            Kind::Number(number) => {
                self.bump();
                return Ok(Term { value: Value::Number(number), at: token.at, depth: 0, is_plain: true });
            }
            Kind::Word("len") => {
                self.bump();
                (Value::Length, 0)
            }
            Kind::Word("-") => {
                self.bump();
                let inner = self.arithmetic(SIGN)?;
                (negative(inner.value), inner.depth + 1)
            }
            Kind::Word("(") => {
                self.bump();
                let inner = self.arithmetic(0)?;
                self.expect(")", "for the \"(\" before")?;
                return Ok(inner.in_brackets(self.since(start)));
            }
            Kind::Word(word) if names::protocol(word).is_some() => self.bytes()?,
            _ => return Err(self.wanted("a number, \"len\" or bytes like \"tcp[13]\"")),
        };
        let term = Term { value, at: self.since(start), depth, is_plain: false };
        bounded(term)
    }

    /// `tcp[13]`, `ip[2:2]`.
    fn bytes(&mut self) -> Result<(Value, usize), FilterError> {
        let word = self.bump();
        let protocol = match word.kind {
            Kind::Word(word) => names::protocol(word),
            _ => None,
        };
        let Some(protocol) = protocol else { return Err(self.wanted("a protocol")) };
        self.expect("[", &format!("after \"{}\"", protocol.word))?;
        if protocol.begin == Begin::Nowhere {
            let what = format!("\"{}[..]\" cannot be: where its header begins varies", protocol.word);
            return FilterError::err(what, &word.at);
        }
        let offset = self.arithmetic(0)?;
        let size = if self.eat(":") { self.size()? } else { 1 };
        self.expect("]", "for the \"[\" before")?;
        Ok((Value::Bytes { protocol, offset: Box::new(offset.value), size }, offset.depth + 1))
    }

    fn size(&mut self) -> Result<u8, FilterError> {
        match self.peek().kind {
            Kind::Number(size @ (1 | 2 | 4)) => {
                self.bump();
                Ok(size as u8)
            }
            _ => Err(self.wanted("a size of 1, 2 or 4")),
        }
    }
}

fn negative(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::Number(number.wrapping_neg()),
        value => Value::Negative(Box::new(value)),
    }
}

fn applied(alu: Alu, left: Term, right: Term) -> Result<Term, FilterError> {
    let at = left.at.start..right.at.end;
    match (alu, &right.value) {
        (Alu::Div | Alu::Mod, Value::Number(0)) => return FilterError::err("this divides by zero", &right.at),
        (Alu::Lsh | Alu::Rsh, Value::Number(count @ 32..)) => {
            return FilterError::err(format!("numbers have 32 bits, so a shift is 0 to 31, not {count}"), &right.at);
        }
        _ => {}
    }
    let depth = left.depth.max(right.depth) + 1;
    let known = match (&left.value, &right.value) {
        (Value::Number(left), Value::Number(right)) => alu.apply(*left, *right),
        _ => None,
    };
    match known {
        Some(number) => Ok(Term { value: Value::Number(number), at, depth: 0, is_plain: false }),
        None => {
            let value = Value::Alu(alu, Box::new(left.value), Box::new(right.value));
            bounded(Term { value, at, depth, is_plain: false })
        }
    }
}

/// The term, unless it is so deep that walking it could go wrong.
fn bounded(term: Term) -> Result<Term, FilterError> {
    if term.depth > NESTING {
        return FilterError::err(format!("more than {NESTING} operators stand in one expression"), &term.at);
    }
    Ok(term)
}
