//! Tokens as a tree: the grammar of pcap-filter(7).
//!
//! Two of its rules are worth a note. `and` and `or` have one precedence and go from left to right. And a value without
//! qualifiers takes those of the value before it: `tcp dst port 80 or 443`.

use std::net::IpAddr;
use std::ops::Range;

use super::error::FilterError;
use super::lex::{Kind, Token, tokens};
use super::names::{self, Protocol};
use super::tree::{Ask, Condition, Direction, Join};
use super::value::Term;
use super::vm::Compare;
use crate::base::nearest::did_you_mean;
use crate::base::text::escape;

/// How deep brackets, and expressions in them, may be nested.
pub(super) const NESTING: usize = 64;

/// The addresses of a host's name.
pub(super) type Resolve<'a> = &'a mut dyn FnMut(&str) -> Result<Vec<IpAddr>, String>;

/// What stands before a value, and holds for the values after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Qualifiers {
    pub(super) protocol: Option<&'static Protocol>,
    pub(super) direction: Direction,
    pub(super) wanted: Wanted,
}

/// The kinds of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Host,
    Net,
    Port,
    PortRange,
    Number,
}

impl Wanted {
    const WORDS: &'static [(&'static str, Self, &'static str)] = &[
        ("host", Self::Host, "an address or a host's name"),
        ("net", Self::Net, "a network like 10.0.0.0/8"),
        ("port", Self::Port, "a port's number or name"),
        ("portrange", Self::PortRange, "a range like 80-90"),
        ("proto", Self::Number, "a protocol's number, or its name after \"\\\""),
    ];

    fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, ..)| *known == word).map(|(_, wanted, _)| *wanted)
    }

    /// Its word.
    pub(super) fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, wanted, _)| *wanted == self).map_or("", |(word, ..)| word)
    }

    /// What fits it.
    pub(super) fn fits(self) -> &'static str {
        Self::WORDS.iter().find(|(_, wanted, _)| *wanted == self).map_or("", |(.., fits)| fits)
    }
}

/// A condition, and the qualifiers that hold for a value after it.
struct Told {
    condition: Condition,
    carried: Option<Qualifiers>,
}

/// What can stand between two joins, or alone in brackets.
enum Item {
    Told(Told),
    /// A number or an expression without comparison: brackets around it may be arithmetic.
    Term(Term),
}

pub(super) struct Parser<'a> {
    pub(super) text: &'a str,
    pub(super) resolve: Resolve<'a>,
    tokens: Vec<Token>,
    next: usize,
    depth: usize,
}

/// The tree of `text`; `None` when there is no word in it.
pub(super) fn parse(text: &str, resolve: Resolve<'_>) -> Result<Option<Condition>, FilterError> {
    let mut parser = Parser { text, resolve, tokens: tokens(text)?, next: 0, depth: 0 };
    if parser.peek().kind == Kind::End {
        return Ok(None);
    }
    let item = parser.chain(None)?;
    let told = parser.told(item, None)?;
    match parser.peek().kind {
        Kind::End => Ok(Some(told.condition)),
        _ => Err(parser.left_over()),
    }
}

// The tokens.
impl Parser<'_> {
    pub(super) fn peek(&self) -> &Token {
        self.ahead(0)
    }

    fn ahead(&self, count: usize) -> &Token {
        // There is always an end, and nothing is taken after it.
        &self.tokens[(self.next + count).min(self.tokens.len() - 1)]
    }

    pub(super) fn bump(&mut self) -> Token {
        let token = self.peek().clone();
        self.next = (self.next + 1).min(self.tokens.len() - 1);
        token
    }

    pub(super) fn word(&self) -> Option<&'static str> {
        self.word_ahead(0)
    }

    fn word_ahead(&self, count: usize) -> Option<&'static str> {
        match self.ahead(count).kind {
            Kind::Word(word) => Some(word),
            _ => None,
        }
    }

    pub(super) fn eat(&mut self, word: &str) -> bool {
        let is_next = self.word() == Some(word);
        self.next += usize::from(is_next);
        is_next
    }

    pub(super) fn expect(&mut self, word: &str, why: &str) -> Result<(), FilterError> {
        if self.eat(word) { Ok(()) } else { Err(self.wanted(&format!("\"{word}\" {why}"))) }
    }

    /// The error that something else was wanted than what comes next.
    pub(super) fn wanted(&self, what: &str) -> FilterError {
        let token = self.peek();
        FilterError::new(format!("{what} is wanted, not {}", self.found(token)), &token.at)
    }

    pub(super) fn found(&self, token: &Token) -> String {
        match token.kind {
            Kind::End => "the end".to_owned(),
            _ => format!("\"{}\"", escape(&self.text[token.at.clone()])),
        }
    }

    /// Where what began at `start` ends: with the last token taken.
    pub(super) fn since(&self, start: usize) -> Range<usize> {
        start..self.tokens[self.next.saturating_sub(1)].at.end.max(start)
    }

    /// Does `inner` one level deeper.
    pub(super) fn nested<T>(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<T, FilterError>,
    ) -> Result<T, FilterError> {
        if self.depth == NESTING {
            return FilterError::err(format!("this is nested more than {NESTING} deep"), &self.peek().at);
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }
}

// Conditions.
impl Parser<'_> {
    /// Conditions with `and` and `or` between them; or, in brackets, arithmetic alone.
    fn chain(&mut self, carried: Option<Qualifiers>) -> Result<Item, FilterError> {
        let first = self.item(carried)?;
        if matches!(first, Item::Term(_)) && self.word() == Some(")") {
            return Ok(first);
        }
        let Told { condition, mut carried } = self.told(first, carried)?;
        let mut others = Vec::new();
        while let Some(join) = self.join() {
            let item = self.item(carried)?;
            let told = self.told(item, carried)?;
            others.push((join, told.condition));
            carried = told.carried;
        }
        Ok(Item::Told(Told { condition: Condition::chain(condition, others), carried }))
    }

    fn join(&mut self) -> Option<Join> {
        if self.eat("and") { Some(Join::And) } else { self.eat("or").then_some(Join::Or) }
    }

    /// One condition, or arithmetic. A bare value is allowed where there are qualifiers to carry over.
    fn item(&mut self, carried: Option<Qualifiers>) -> Result<Item, FilterError> {
        if let Some(is_not) = self.nots() {
            let item = self.item(carried)?;
            let told = self.told(item, carried)?;
            return Ok(Item::Told(if is_not { negated(told) } else { told }));
        }
        let token = self.peek().clone();
        match token.kind {
            Kind::Word("(") => self.group(carried),
            Kind::Word("-" | "len") | Kind::Number(_) => self.relation(None),
            Kind::Word("less" | "greater") => self.length(),
            Kind::Word("vlan") => self.vlan(),
            Kind::Word(word) if names::protocol(word).is_some() && self.word_ahead(1) == Some("[") => {
                self.relation(None)
            }
            Kind::Word(word) if begins_head(word) => self.head().map(Item::Told),
            Kind::Name(_) | Kind::Dotted(_) | Kind::V6(_) | Kind::Mac(_) => match carried {
                Some(qualifiers) => self.value(qualifiers).map(Item::Told),
                None => Err(self.no_word(&token)),
            },
            _ => Err(self.wanted("a condition like \"tcp port 80\"")),
        }
    }

    /// Whether the `not`s that come now are odd in number; `None` when there are none.
    fn nots(&mut self) -> Option<bool> {
        let mut count = 0;
        while self.eat("not") {
            count += 1;
        }
        (count > 0).then_some(count % 2 == 1)
    }

    fn group(&mut self, carried: Option<Qualifiers>) -> Result<Item, FilterError> {
        let start = self.bump().at.start;
        let item = self.nested(|parser| parser.chain(carried))?;
        self.expect(")", "for the \"(\" before")?;
        match item {
            Item::Told(Told { condition, .. }) => Ok(Item::Told(Told { condition, carried })),
            Item::Term(term) => self.relation(Some(term.in_brackets(self.since(start)))),
        }
    }

    /// A condition, when `item` is one or a number that qualifiers are carried over to.
    fn told(&mut self, item: Item, carried: Option<Qualifiers>) -> Result<Told, FilterError> {
        let term = match item {
            Item::Told(told) => return Ok(told),
            Item::Term(term) => term,
        };
        match (term.number(), carried) {
            (Some(number), Some(qualifiers)) => {
                let ask = self.ask(&Token { kind: Kind::Number(number), at: term.at.clone() }, qualifiers)?;
                Ok(Told { condition: Condition::Ask(ask, term.at), carried })
            }
            _ => {
                let found = escape(&self.text[term.at.clone()]).into_owned();
                let what = format!("\"{found}\" is a number: a comparison like \"= 5\" is wanted after it");
                FilterError::err(what, &term.at)
            }
        }
    }

    /// Arithmetic, and the comparison when one follows. `left` was read before.
    fn relation(&mut self, left: Option<Term>) -> Result<Item, FilterError> {
        let left = match left {
            Some(term) => self.arithmetic_after(term, 0)?,
            None => self.arithmetic(0)?,
        };
        // "Less" is "not greater or equal".
        let (compare, holds) = match self.word() {
            Some("=") => (Compare::Equal, true),
            Some("!=") => (Compare::Equal, false),
            Some(">") => (Compare::Greater, true),
            Some("<=") => (Compare::Greater, false),
            Some(">=") => (Compare::GreaterEqual, true),
            Some("<") => (Compare::GreaterEqual, false),
            _ => return Ok(Item::Term(left)),
        };
        self.bump();
        let right = self.arithmetic(0)?;
        let at = left.at.start..right.at.end;
        Ok(asked(Ask::Relation(left.value, compare, right.value, holds), at))
    }

    /// `less N`, `greater N`: of at most, of at least that length.
    fn length(&mut self) -> Result<Item, FilterError> {
        let word = self.bump();
        let (compare, holds) = match word.kind {
            Kind::Word("less") => (Compare::Greater, false),
            _ => (Compare::GreaterEqual, true),
        };
        let Kind::Number(number) = self.peek().kind else { return Err(self.wanted("a length in bytes")) };
        self.bump();
        let (length, number) = (super::tree::Value::Length, super::tree::Value::Number(number));
        Ok(asked(Ask::Relation(length, compare, number, holds), self.since(word.at.start)))
    }

    fn vlan(&mut self) -> Result<Item, FilterError> {
        let start = self.bump().at.start;
        let Kind::Number(number) = self.peek().kind else {
            return Ok(asked(Ask::Vlan(None), self.since(start)));
        };
        let at = self.bump().at;
        if number > 0xfff {
            return FilterError::err(format!("VLAN {number} does not exist: they are 0 to 4095"), &at);
        }
        Ok(asked(Ask::Vlan(Some(number)), self.since(start)))
    }

    /// Qualifiers and a value, or a protocol alone.
    fn head(&mut self) -> Result<Told, FilterError> {
        let start = self.peek().at.start;
        let protocol = self.word().and_then(names::protocol);
        if protocol.is_some() {
            self.bump();
        }
        let cast = match self.word() {
            Some("broadcast") => Some(Ask::Broadcast(protocol)),
            Some("multicast") => Some(Ask::Multicast(protocol)),
            _ => None,
        };
        if let Some(ask) = cast {
            self.bump();
            return Ok(Told { condition: Condition::Ask(ask, self.since(start)), carried: None });
        }
        let direction = self.direction();
        let wanted = self.word().and_then(Wanted::of_word);
        if direction.is_some() && wanted == Some(Wanted::Number) {
            return FilterError::err("a protocol has no direction: leave \"src\" and \"dst\" out", &self.since(start));
        }
        if wanted.is_some() {
            self.bump();
        }
        match (protocol, direction, wanted) {
            (Some(protocol), None, None) => self.protocol(protocol, start),
            _ => {
                let wanted = wanted.unwrap_or(Wanted::Host);
                let direction = direction.unwrap_or(Direction::Either);
                let mut told = self.value(Qualifiers { protocol, direction, wanted })?;
                if let Condition::Ask(_, at) = &mut told.condition {
                    at.start = start;
                }
                Ok(told)
            }
        }
    }

    fn protocol(&mut self, protocol: &'static Protocol, start: usize) -> Result<Told, FilterError> {
        let word = protocol.word;
        if protocol.over == names::Over::Nothing {
            return Err(self.wanted(&format!("\"host\", \"src\", \"dst\", \"proto\" or \"[\" after \"{word}\"")));
        }
        match self.peek().kind {
            Kind::Dotted(_) | Kind::V6(_) | Kind::Name(_) => Err(self.wanted(&format!("\"host\" after \"{word}\""))),
            Kind::Number(_) | Kind::Mac(_) => {
                Err(self.wanted(&format!("\"port\", \"host\" or \"and\" after \"{word}\"")))
            }
            _ => Ok(Told { condition: Condition::Ask(Ask::Protocol(protocol), self.since(start)), carried: None }),
        }
    }

    /// `src`, `dst`, `src or dst`, `dst and src`.
    fn direction(&mut self) -> Option<Direction> {
        let (one, other) = match self.word() {
            Some("src") => (Direction::Source, "dst"),
            Some("dst") => (Direction::Destination, "src"),
            _ => return None,
        };
        self.bump();
        let both = match self.word() {
            Some("or") => Direction::Either,
            Some("and") => Direction::Both,
            _ => return Some(one),
        };
        if self.word_ahead(1) != Some(other) {
            return Some(one);
        }
        self.bump();
        self.bump();
        Some(both)
    }

    /// A value, or several in brackets: `port 80`, `port (80 or 443)`, `host not web.lab`.
    fn value(&mut self, qualifiers: Qualifiers) -> Result<Told, FilterError> {
        if let Some(is_not) = self.nots() {
            let told = self.nested(|parser| parser.value(qualifiers))?;
            return Ok(if is_not { negated(told) } else { told });
        }
        let carried = Some(qualifiers);
        if self.eat("(") {
            let condition = self.nested(|parser| parser.values(qualifiers))?;
            self.expect(")", "for the \"(\" before")?;
            return Ok(Told { condition, carried });
        }
        let token = self.peek().clone();
        match token.kind {
            Kind::Word(word) if qualifiers.wanted == Wanted::Number && names::protocol(word).is_some() => {
                let what = format!("\"{word}\" is a word of the language; as a name it is written \"\\{word}\"");
                return FilterError::err(what, &token.at);
            }
            Kind::Word(_) | Kind::End => {
                return Err(self.wanted(&format!(
                    "{} after \"{}\"",
                    qualifiers.wanted.fits(),
                    qualifiers.wanted.word()
                )));
            }
            _ => {}
        }
        self.bump();
        let ask = self.ask(&token, qualifiers)?;
        Ok(Told { condition: Condition::Ask(ask, self.since(token.at.start)), carried })
    }

    fn values(&mut self, qualifiers: Qualifiers) -> Result<Condition, FilterError> {
        let first = self.value(qualifiers)?.condition;
        let mut others = Vec::new();
        while let Some(join) = self.join() {
            others.push((join, self.value(qualifiers)?.condition));
        }
        Ok(Condition::chain(first, others))
    }
}

// What is wrong.
impl Parser<'_> {
    /// Something follows a whole condition.
    fn left_over(&self) -> FilterError {
        match self.word() {
            Some(")") => FilterError::new("no \"(\" was written for this \")\"", &self.peek().at),
            _ => self.wanted("\"and\" or \"or\""),
        }
    }

    /// A name stands where a word of the language is wanted.
    fn no_word(&self, token: &Token) -> FilterError {
        let text = &self.text[token.at.clone()];
        if !matches!(token.kind, Kind::Name(_)) {
            return FilterError::new(format!("\"host\", \"net\" or the like is wanted before \"{text}\""), &token.at);
        }
        if let Some((word, instead)) = names::REFUSED.iter().find(|(word, _)| *word == text) {
            return FilterError::new(format!("\"{word}\" is not known here; {instead}"), &token.at);
        }
        let known = names::WORDS.iter().copied().chain(names::PROTOCOLS.iter().map(|row| row.word));
        let head = text.split('-').next().unwrap_or_default();
        let hint = if text.contains('-') && (head == "len" || head.parse::<u32>().is_ok()) {
            "; put blanks around \"-\", it joins a name otherwise".to_owned()
        } else {
            match did_you_mean(text, known) {
                hint if hint.is_empty() => "; a host is written \"host NAME\"".to_owned(),
                hint => hint,
            }
        };
        FilterError::new(format!("\"{}\" is no word of the filter language{hint}", escape(text)), &token.at)
    }
}

/// The words that a head begins with.
fn begins_head(word: &str) -> bool {
    let is_other = ["src", "dst", "broadcast", "multicast"].contains(&word);
    is_other || Wanted::of_word(word).is_some() || names::protocol(word).is_some()
}

fn asked(ask: Ask, at: Range<usize>) -> Item {
    Item::Told(Told { condition: Condition::Ask(ask, at), carried: None })
}

fn negated(told: Told) -> Told {
    Told { condition: Condition::Not(Box::new(told.condition)), ..told }
}
