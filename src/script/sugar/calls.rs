//! Keyword arguments.

use rhai::Token;

use super::Fault;
use super::edit::Edit;
use super::pass::{Frame, Pass, is_word};
use crate::base::nearest::{did_you_mean, nearest};

/// How a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `f(x)`
    Plain,
    /// `p.f(x)`
    Method,
    /// `module::f(x)`
    Qualified,
}

/// A call whose parenthesis is open. All numbers count tokens.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: usize,
    pub(super) kind: Kind,
    /// Where the current argument begins.
    pub(super) argument: usize,
    /// The name of the current argument, if it has one.
    pub(super) keyword: Option<usize>,
    pub(super) arguments: Vec<Argument>,
}

/// An argument: its keyword, and the first and last token of its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Argument {
    keyword: Option<usize>,
    first: usize,
    last: usize,
}

impl Pass<'_> {
    fn call(&mut self) -> Option<&mut Call> {
        match self.frames.last_mut() {
            Some(Frame::Call(call)) => Some(call),
            _ => None,
        }
    }

    /// Token `i` begins an argument and `=` follows.
    pub(super) fn keyword(&mut self, i: usize) -> Result<usize, Fault> {
        let name = self.word(i);
        if !is_word(name) {
            return Err(self.fault_at(i, "a keyword is a plain name, as in `f(timeout=1)`; to compare, write `==`"));
        }
        let Some(call) = self.call() else { return Ok(i + 1) };
        call.keyword = Some(i);
        let earlier: Vec<usize> = call.arguments.iter().filter_map(|a| a.keyword).collect();
        if earlier.into_iter().any(|k| self.word(k) == name) {
            return Err(self.fault_at(i, format!("the keyword `{name}` is given twice")));
        }
        Ok(i + 2)
    }

    /// The current argument ends before token `end`.
    pub(super) fn end_argument(&mut self, end: usize) -> Result<(), Fault> {
        let Some(call) = self.call() else { return Ok(()) };
        let keyword = call.keyword.take();
        let first = keyword.map_or(call.argument, |k| k + 2);
        call.argument = end + 1;
        if first < end {
            let late = keyword.is_none() && call.arguments.last().is_some_and(|a| a.keyword.is_some());
            call.arguments.push(Argument { keyword, first, last: end - 1 });
            if late {
                let at = self.tokens[first].at.start..self.tokens[end - 1].at.end;
                return Err(self.fault(at, "an argument without a name stands after a keyword: put the keywords last"));
            }
            return Ok(());
        }
        match keyword.filter(|_| end < self.tokens.len()) {
            Some(k) => Err(self.fault_at(k, format!("the keyword `{0}` has no value: write `{0}=...`", self.word(k)))),
            None => Ok(()),
        }
    }

    /// Rewrites a call's keywords; `close` is its closing parenthesis, none when the text ends before.
    pub(super) fn finish_call(&mut self, mut call: Call, close: Option<usize>) -> Result<(), Fault> {
        if close.is_none() {
            let first = call.keyword.map_or(call.argument, |k| k + 2);
            if call.keyword.is_some() {
                call.arguments.push(Argument { keyword: call.keyword, first, last: self.tokens.len() - 1 });
            }
        }
        let Some(named) = call.arguments.iter().position(|a| a.keyword.is_some()) else { return Ok(()) };
        if close.is_some()
            && let Some(definitions) = self.definitions(&call)
        {
            return self.place(&call, named, &definitions);
        }
        self.gather(&call.arguments[named..], call.kind != Kind::Qualified, close.is_some());
        Ok(())
    }

    /// The parameters of the script's or session's functions with this name.
    fn definitions(&self, call: &Call) -> Option<Vec<Vec<String>>> {
        let name = self.word(call.name);
        if call.kind == Kind::Qualified || (call.kind == Kind::Method && self.known.builtins.contains(name)) {
            return None;
        }
        let of_text = self.functions.get(name).into_iter().flatten();
        let mut all: Vec<Vec<String>> = of_text.map(|p| p.iter().map(ToString::to_string).collect()).collect();
        all.extend(self.known.functions.get(name).into_iter().flatten().cloned());
        (!all.is_empty()).then_some(all)
    }

    /// Turns the named arguments into one map.
    fn gather(&mut self, named: &[Argument], marked: bool, closed: bool) {
        for (n, argument) in named.iter().enumerate() {
            let Some(keyword) = argument.keyword else { continue };
            let open = match (n, marked) {
                (0, true) => "#{\"\u{1}\": (), ",
                (0, false) => "#{",
                _ => "",
            };
            let key = format!("{open}\"{}\"", self.word(keyword));
            self.replace(self.tokens[keyword].at.clone(), key);
            self.replace(self.tokens[keyword + 1].at.clone(), ": ");
        }
        if let Some(last) = named.last().filter(|_| closed) {
            self.insert(self.tokens[last.last].at.end, "}");
        }
    }

    /// Puts the named arguments in the places of their parameters.
    fn place(&mut self, call: &Call, named: usize, definitions: &[Vec<String>]) -> Result<(), Fault> {
        let keywords = &call.arguments[named..];
        let word = |a: &Argument| a.keyword.map_or("", |k| self.word(k));
        for params in definitions.iter().filter(|p| p.len() == call.arguments.len()) {
            let order: Option<Vec<usize>> =
                params[named..].iter().map(|p| keywords.iter().position(|a| word(a) == p)).collect();
            if let Some(order) = order {
                self.reorder(keywords, &order);
                return Ok(());
            }
        }
        // A name like a parameter's is a slip, not an option for the last parameter's map.
        let no_parameter =
            |p: &[String]| keywords.iter().all(|a| nearest(word(a), p.iter().map(String::as_str)).is_none());
        if definitions.iter().any(|p| p.len() == named + 1 && no_parameter(p)) {
            self.gather(keywords, false, true);
            return Ok(());
        }
        Err(self.misplaced(call, named, definitions))
    }

    fn reorder(&mut self, keywords: &[Argument], order: &[usize]) {
        let range = |a: &Argument| self.tokens[a.first].at.start..self.tokens[a.last].at.end;
        let ranges: Vec<_> = keywords.iter().map(range).collect();
        for keyword in keywords.iter().filter_map(|a| a.keyword) {
            self.replace(self.tokens[keyword].at.clone(), "");
            self.replace(self.tokens[keyword + 1].at.clone(), "");
        }
        for (slot, value) in order.iter().enumerate().filter(|(slot, value)| slot != *value) {
            self.edits.push(Edit::Move(ranges[slot].clone(), ranges[*value].clone()));
        }
    }

    /// Why the keywords fit none of the definitions, told for the one that fits best.
    fn misplaced(&self, call: &Call, named: usize, definitions: &[Vec<String>]) -> Fault {
        let keywords = &call.arguments[named..];
        let word = |a: &Argument| a.keyword.map_or("", |k| self.word(k));
        let fitting = |params: &[String]| keywords.iter().filter(|a| params.iter().any(|p| p == word(a))).count();
        let params = definitions.iter().rev().max_by_key(|p| fitting(p)).map_or(&[][..], Vec::as_slice);
        let signature = format!("{}({})", self.word(call.name), params.join(", "));
        let at = |a: &Argument| a.keyword.unwrap_or(call.name);
        for keyword in keywords {
            let name = word(keyword);
            match params.iter().position(|p| p == name) {
                None => {
                    let meant = did_you_mean(name, params.iter().map(String::as_str));
                    return self.fault_at(at(keyword), format!("`{signature}` has no parameter \"{name}\"{meant}"));
                }
                Some(place) if place < named => {
                    let text = format!("`{signature}` is given \"{name}\" twice: by place and by name");
                    return self.fault_at(at(keyword), text);
                }
                Some(_) => (),
            }
        }
        let given = |p: &&String| keywords.iter().any(|a| word(a) == p.as_str());
        let missing: Vec<&str> = params.iter().skip(named).filter(|p| !given(p)).map(String::as_str).collect();
        self.fault_at(call.name, format!("`{signature}` is not given \"{}\"", missing.join("\", \"")))
    }

    /// Is the `=` at token `i` directly among a call's arguments, where it means nothing?
    pub(super) fn is_stray_equals(&self, i: usize) -> bool {
        let Some(Frame::Call(call)) = self.frames.last() else { return false };
        let closure = |n: usize| matches!(self.token(n), Some(Token::Pipe | Token::Or));
        call.keyword.is_none_or(|k| k + 1 != i) && !(call.argument..i).any(closure)
    }
}
