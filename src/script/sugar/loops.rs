//! `for (a, b) in list`, which takes rows apart as in Python, and `switch flags`, which compares them as text.

use std::ops::Range;

use rhai::Token;

use super::pass::{Frame, Pass};
use super::{CASE, PAIRS};

/// `for (a, b) in list` whose block has not begun yet.
#[derive(Debug)]
pub(super) struct PairLoop {
    pub(super) depth: usize,
    header: Range<usize>,
    names: [usize; 2],
    list: usize,
}

impl Pass<'_> {
    pub(super) fn for_header(&mut self, i: usize) -> usize {
        let is_name = |t: &Token| matches!(t, Token::Identifier(_) | Token::Underscore);
        let [_, Some(Token::LeftParen), Some(a), Some(Token::Comma), Some(b), Some(Token::RightParen), Some(Token::In)] =
            [0, 1, 2, 3, 4, 5, 6].map(|n| self.token(i + n))
        else {
            return i + 1;
        };
        if !is_name(a) || !is_name(b) || (a == b && *a != Token::Underscore) {
            return i + 1;
        }
        let header = self.tokens[i + 1].at.start..self.tokens[i + 5].at.end;
        self.loops.push(PairLoop { depth: self.frames.len(), header, names: [i + 2, i + 4], list: i + 7 });
        i + 7
    }

    pub(super) fn open_block(&mut self, i: usize) {
        let interpolated = matches!(self.before(i), Some(Token::InterpolatedString(_)));
        let begins_block = !interpolated && !self.expects_operand(i);
        if begins_block
            && let Some((_, at)) = self.switches.pop_if(|(depth, at)| *depth == self.frames.len() && *at + 1 < i)
        {
            self.insert(self.tokens[at + 1].at.start, format!("{CASE}("));
            self.insert(self.tokens[i - 1].at.end, ")");
        }
        if begins_block && let Some(pair) = self.loops.pop_if(|l| l.depth == self.frames.len() && l.list < i) {
            self.made += 1;
            let row = format!("row__{}", self.made);
            self.replace(pair.header, row.clone());
            self.insert(self.tokens[pair.list].at.start, format!("{PAIRS}("));
            self.insert(self.tokens[i - 1].at.end, ")");
            for (n, name) in pair.names.into_iter().enumerate() {
                if self.tokens[name].token != Token::Underscore {
                    self.insert(self.tokens[i].at.end, format!(" let {} = {row}[{n}];", self.word(name)));
                }
            }
        }
        self.frames.push(Frame::Block);
    }
}
