//! `p.dport == "80"`: a comparison of a field with text, which Rhai answers with false when the field is a number.

use rhai::Token;

use super::pass::Pass;
use super::{DIFFERS, SAME};

impl Pass<'_> {
    /// Turns `path.name == "text"` at the operator `i` into a call that refuses to compare a number with text.
    pub(super) fn comparison(&mut self, i: usize) {
        let function = if self.tokens[i].token == Token::EqualsTo { SAME } else { DIFFERS };
        let (Some(start), true) = (self.path_before(i), matches!(self.token(i + 1), Some(Token::StringConstant(_))))
        else {
            return;
        };
        let binds_looser = |token: Option<&Token>| match token {
            None => true,
            Some(t) => {
                matches!(
                    t,
                    Token::And
                        | Token::Or
                        | Token::If
                        | Token::While
                        | Token::Until
                        | Token::Return
                        | Token::Equals
                        | Token::Comma
                        | Token::SemiColon
                        | Token::DoubleArrow
                        | Token::Pipe
                        | Token::Else
                        | Token::LeftParen
                        | Token::LeftBrace
                        | Token::LeftBracket
                        | Token::RightParen
                        | Token::RightBrace
                        | Token::RightBracket
                )
            }
        };
        if !binds_looser(start.checked_sub(1).and_then(|b| self.token(b))) || !binds_looser(self.token(i + 2)) {
            return;
        }
        self.insert(self.tokens[start].at.start, format!("{function}("));
        self.replace(self.tokens[i].at.clone(), ",");
        self.insert(self.tokens[i + 1].at.end, ")");
    }

    /// Where the path that ends before token `end` begins, if it ends in `.name`: `p.x`, `p[TCP].x`, `f(a).x`.
    fn path_before(&self, end: usize) -> Option<usize> {
        let is_name = |i: usize| matches!(self.token(i), Some(Token::Identifier(_) | Token::Reserved(_)));
        let is_dot = |i: usize| matches!(self.token(i), Some(Token::Period | Token::Elvis));
        let mut at = end.checked_sub(1).filter(|&i| is_name(i))?;
        if !at.checked_sub(1).is_some_and(is_dot) {
            return None;
        }
        loop {
            // `at` is a name; what stands before its period?
            let Some(dot) = at.checked_sub(1).filter(|&i| is_dot(i)) else { return Some(at) };
            at = dot.checked_sub(1)?;
            while matches!(self.token(at), Some(Token::RightParen | Token::RightBracket | Token::Unit)) {
                at = self.opening(at)?.checked_sub(1)?;
            }
            if !is_name(at) && self.token(at) != Some(&Token::Underscore) {
                return None;
            }
        }
    }

    /// The bracket that the one at token `close` closes.
    fn opening(&self, close: usize) -> Option<usize> {
        if self.token(close) == Some(&Token::Unit) {
            return Some(close);
        }
        let mut depth = 0usize;
        for i in (0..=close).rev() {
            match self.token(i)? {
                Token::RightParen | Token::RightBracket | Token::RightBrace => depth += 1,
                Token::LeftParen | Token::LeftBracket | Token::QuestionBracket | Token::LeftBrace | Token::MapStart => {
                    depth = depth.checked_sub(1)?;
                }
                _ => {}
            }
            if depth == 0 {
                return Some(i);
            }
        }
        None
    }
}
