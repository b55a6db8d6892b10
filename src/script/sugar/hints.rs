//! Habits from Python and other languages that Rhai cannot read, answered with what to write instead.
//!
//! Each row holds only where Rhai itself would refuse the text, so no valid script meets one.

use rhai::{LexError, Token};

use super::pass::{Frame, Pass, is_word};

/// `'FPU'` is no character.
pub(super) fn lexical(error: &LexError) -> Option<String> {
    let LexError::MalformedChar(text) = error else { return None };
    let text = if text.contains(['"', '\\', '\n']) { "..." } else { text };
    Some(format!("text stands in double quotes: write \"{text}\""))
}

/// What to write instead of what begins at token `i`, if Rhai cannot read it.
pub(super) fn at(pass: &Pass<'_>, i: usize) -> Option<String> {
    match pass.token(i)? {
        Token::Identifier(_) => word(pass, i),
        Token::Reserved(symbol) => reserved(pass, i, symbol),
        Token::Let | Token::Const | Token::LeftParen | Token::LeftBracket | Token::Underscore => several_names(pass, i),
        Token::For => for_without_parentheses(pass, i),
        Token::Fn => parameters(pass, i),
        Token::Import => import(pass, i),
        Token::Colon => colon(pass, i),
        Token::Equals if pass.is_stray_equals(i) => {
            Some("a keyword is a plain name, as in `f(timeout=1)`; to compare, write `==`".into())
        }
        _ => None,
    }
}

fn is_operand(token: Option<&Token>) -> bool {
    matches!(
        token,
        Some(
            Token::Identifier(_)
                | Token::IntegerConstant(_)
                | Token::FloatConstant(_)
                | Token::StringConstant(_)
                | Token::InterpolatedString(_)
                | Token::CharConstant(_)
                | Token::True
                | Token::False
                | Token::Underscore
        )
    )
}

/// A word at token `i` that is no operator in Rhai.
fn word(pass: &Pass<'_>, i: usize) -> Option<String> {
    let name = pass.word(i);
    let before = pass.before(i);
    let next = pass.token(i + 1);
    let after_operand =
        is_operand(before) || matches!(before, Some(Token::RightParen | Token::RightBracket | Token::Unit));
    let says = |text: &str| Some(text.to_string());
    match name {
        "and" if after_operand => return says("write `&&` for \"and\""),
        "or" if after_operand => return says("write `||` for \"or\""),
        "not" if after_operand && next == Some(&Token::In) => return says("write `!in` for \"not in\""),
        "not" if is_operand(next) => return says("write `!` for \"not\""),
        "def" if is_operand(next) => {
            return Some(format!("write `fn {}(...) {{ ... }}` to define a function", pass.word(i + 1)));
        }
        "elif" if is_operand(next) => return says("write `else if ... { ... }` for \"elif\""),
        "raise" if is_operand(next) => return says("write `throw` for \"raise\""),
        "lambda" if is_operand(next) || next == Some(&Token::Colon) => {
            return says("write `|x| ...` for a function without a name");
        }
        "from" if is_operand(next) && pass.starts_statement(i) => return Some(module(pass.word(i + 1))),
        "f" | "b" | "r" | "u" if pass.tokens.get(i + 1).is_some_and(|t| t.at.start == pass.tokens[i].at.end) => {
            if matches!(next, Some(Token::StringConstant(_) | Token::InterpolatedString(_))) {
                return Some(prefixed(name).into());
            }
        }
        _ => (),
    }
    several_names(pass, i).or_else(|| without_parentheses(pass, i))
}

fn prefixed(prefix: &str) -> &'static str {
    match prefix {
        "f" => "write text with values between back-ticks: `port ${p} is open`",
        "b" => "write bytes as `unhex(\"ff 00\")`, or `\"text\".to_blob()`",
        "r" => "write text without escapes as `#\"...\"#`",
        _ => "text needs no letter before its quotes",
    }
}

/// Words and symbols that Rhai reserves and does not use.
fn reserved(pass: &Pass<'_>, i: usize, symbol: &str) -> Option<String> {
    let text = match symbol {
        "#" | "#!" => "comments begin with `//`",
        "++" => "write `+= 1` for \"++\"",
        "--" => "write `-= 1` for \"--\"",
        "?" => "write `if x { a } else { b }` to choose between two values",
        "is" => "write `==` for \"is\", and `!=` for \"is not\"",
        "null" | "nil" => "write `None` for no value",
        "print" => return without_parentheses(pass, i).or_else(|| print_as_value(pass, i)),
        _ => return None,
    };
    Some(text.into())
}

/// `help sr1`: a function's name, then a value on the same line.
fn without_parentheses(pass: &Pass<'_>, i: usize) -> Option<String> {
    let name = pass.word(i);
    if !pass.starts_statement(i) || !is_operand(pass.token(i + 1)) {
        return None;
    }
    let is_function = name == "print"
        || pass.known.builtins.contains(name)
        || pass.known.functions.contains_key(name)
        || pass.functions.contains_key(name);
    let rest = &pass.text[pass.tokens[i].at.end..];
    let rest = rest.lines().next().unwrap_or("").trim().trim_end_matches(';');
    (is_function && !rest.is_empty()).then(|| format!("a call has parentheses: write `{name}({rest})`"))
}

/// `prn=print`: other functions' names are values, but this one is a word of Rhai's own.
fn print_as_value(pass: &Pass<'_>, i: usize) -> Option<String> {
    let goes_on = [Token::LeftParen, Token::Unit, Token::Bang, Token::Colon];
    let is_method = matches!(pass.before(i), Some(Token::Period | Token::Elvis | Token::DoubleColon | Token::Fn));
    let is_value = !is_method && !pass.token(i + 1).is_some_and(|next| goes_on.contains(next));
    is_value.then(|| "`print` by itself is no value: write `|x| print(x)`, or `help(\"print\")`".into())
}

/// `ans, unans = sr(p)`, also with `let` or brackets.
fn several_names(pass: &Pass<'_>, i: usize) -> Option<String> {
    if !pass.starts_statement(i) {
        return None;
    }
    let mut at = i;
    for skip in [[Token::Let, Token::Const], [Token::LeftParen, Token::LeftBracket]] {
        at += usize::from(pass.token(at).is_some_and(|t| skip.contains(t)));
    }
    let mut names = Vec::new();
    while matches!(pass.token(at), Some(Token::Identifier(_) | Token::Underscore)) {
        names.push(pass.word(at));
        at += 1;
        match pass.token(at) {
            Some(Token::Comma) => at += 1,
            _ => break,
        }
    }
    at += usize::from(matches!(pass.token(at), Some(Token::RightParen | Token::RightBracket)));
    if names.len() < 2 || pass.token(at) != Some(&Token::Equals) {
        return None;
    }
    let value = statement_from(pass, at + 1);
    let parts: &[&str] = match names.len() {
        2 if matches!(pass.word(at + 1), "sr" | "srp") => &["r.ans", "r.unans"],
        _ => &["r[0]", "r[1]", "r[2]", "r[3]", "r[4]", "r[5]", "r[6]", "r[7]"],
    };
    let wanted = names.iter().zip(parts).filter(|(name, _)| **name != "_");
    let lets: Vec<String> = wanted.map(|(name, part)| format!("`let {name} = {part};`")).collect();
    Some(format!("one name takes one value: write `let r = {value};`, then {}", lets.join(" and ")))
}

/// The text of a statement from token `i` on, as far as its line goes.
fn statement_from<'a>(pass: &Pass<'a>, i: usize) -> &'a str {
    let Some(first) = pass.tokens.get(i) else { return "..." };
    let line = pass.text[first.at.start..].lines().next().unwrap_or("").len() + first.at.start;
    let in_line = pass.tokens[i..].iter().take_while(|t| t.at.end <= line && t.token != Token::SemiColon);
    in_line.last().map_or("...", |last| &pass.text[first.at.start..last.at.end])
}

fn for_without_parentheses(pass: &Pass<'_>, i: usize) -> Option<String> {
    let [a, b] = [pass.word(i + 1), pass.word(i + 3)];
    let pair = pass.token(i + 2) == Some(&Token::Comma) && pass.token(i + 4) == Some(&Token::In);
    (pair && is_word(a) && is_word(b))
        .then(|| format!("two names stand in parentheses: `for ({a}, {b}) in ... {{ ... }}`"))
}

/// `fn f(x=1)` and `fn f(x: int)`.
fn parameters(pass: &Pass<'_>, i: usize) -> Option<String> {
    let end = i + 3 + pass.tokens.get(i + 3..)?.iter().take_while(|t| is_parameter(&t.token)).count();
    if pass.token(i + 2) != Some(&Token::LeftParen) {
        return None;
    }
    match pass.token(end)? {
        Token::Equals => {
            Some("a parameter has no default value: define the function a second time with fewer parameters".into())
        }
        Token::Colon => Some("a parameter has no type: write its name alone".into()),
        _ => None,
    }
}

fn is_parameter(token: &Token) -> bool {
    matches!(token, Token::Identifier(_) | Token::Comma | Token::Underscore)
}

fn import(pass: &Pass<'_>, i: usize) -> Option<String> {
    let name = pass.word(i + 1);
    let declared = || {
        let is_name = |t: &super::lex::Lexeme| pass.text[t.at.clone()] == *name;
        pass.tokens[..i].iter().any(is_name)
            || [&pass.known.variables, &pass.known.constants, &pass.known.values].iter().any(|k| k.contains(name))
    };
    let ends = match pass.token(i + 2) {
        None | Some(Token::SemiColon | Token::As | Token::Period | Token::Comma | Token::Multiply) => true,
        Some(_) => false,
    };
    (matches!(pass.token(i + 1), Some(Token::Identifier(_))) && ends && !declared()).then(|| module(name))
}

fn module(name: &str) -> String {
    match name {
        "scapy" | "socket" | "struct" | "time" | "random" | "sys" | "os" => {
            "nothing is to be imported: the functions are all here (`help()` lists them)".into()
        }
        _ => format!("a module is a file, named in quotes: `import \"{name}\" as {name};`"),
    }
}

/// A `:` outside a map.
fn colon(pass: &Pass<'_>, i: usize) -> Option<String> {
    let begins_line =
        |n: &usize| *n == 0 || pass.text[pass.tokens[n - 1].at.end..pass.tokens[*n].at.start].contains('\n');
    match pass.frames.last() {
        Some(Frame::Map) => return None,
        Some(Frame::Bracket) => return Some("a range is written `1..3`, with the end left out, or `1..=3`".into()),
        Some(Frame::Call(call)) if call.argument + 1 == i => {
            return Some(format!("a keyword is written with `=`: `{}=...`", pass.word(i - 1)));
        }
        _ => (),
    }
    let line = (0..=i).rev().find(begins_line)?;
    let block =
        ["if", "while", "for", "else", "elif", "loop", "try", "except", "finally", "def", "fn", "class", "with"];
    if block.contains(&pass.word(line)) || matches!(pass.before(i), Some(Token::Else | Token::Try)) {
        let head = pass.text[pass.tokens[line].at.start..pass.tokens[i].at.start].trim();
        return Some(format!("a block stands in braces: `{head} {{ ... }}`"));
    }
    let begins_map = i.checked_sub(2).is_some_and(|n| pass.tokens[n].token == Token::LeftBrace);
    (begins_map && pass.frames.last().is_some())
        .then(|| format!("a map begins with `#{{`: `#{{{}: ...}}`", pass.word(i - 1)))
}
