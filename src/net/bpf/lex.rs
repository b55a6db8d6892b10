//! The text of a filter as tokens.

use std::net::Ipv6Addr;
use std::ops::Range;

use super::error::FilterError;
use super::names;
use crate::base::Mac;
use crate::base::text::escape;

/// A token and the bytes of the text that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) at: Range<usize>,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word of the language or a sign, by its first spelling.
    Word(&'static str),
    /// A name of a host, a service or a protocol; also after a backslash.
    Name(String),
    Number(u32),
    /// One to four bytes of an IPv4 address.
    Dotted(Vec<u8>),
    V6(Ipv6Addr),
    Mac(Mac),
    /// The end of the text.
    End,
}

/// All tokens of `text`, the last one [`Kind::End`].
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        if matches!(c, ' ' | '\t' | '\r' | '\n') {
            at += 1;
            continue;
        }
        let (kind, len) =
            token(&text[at..]).map_err(|Wrong(message, len)| FilterError::new(message, &(at..at + len)))?;
        tokens.push(Token { kind, at: at..at + len });
        at += len;
    }
    tokens.push(Token { kind: Kind::End, at: at..at });
    Ok(tokens)
}

/// What is wrong with the next token, and how long it is.
struct Wrong(String, usize);

/// The token that `text` begins with, and its length.
fn token(text: &str) -> Result<(Kind, usize), Wrong> {
    if let Some(escaped) = text.strip_prefix('\\') {
        let len = escaped.find([' ', '!', '(', ')', '\n', '\t']).unwrap_or(escaped.len());
        return match len {
            0 => Err(Wrong("a name is wanted after \"\\\"".to_owned(), 1)),
            len => Ok((Kind::Name(escaped[..len].to_owned()), 1 + len)),
        };
    }
    if let Some(found) = colons(text)? {
        return Ok(found);
    }
    let word = word(text);
    if word.is_empty() {
        return sign(text);
    }
    Ok((of_word(word)?, word.len()))
}

/// An address with colons.
fn colons(text: &str) -> Result<Option<(Kind, usize)>, Wrong> {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
    let run = &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())];
    // One colon alone is that of `tcp[0:2]`.
    if run.matches(':').count() < 2 {
        return Ok(None);
    }
    if let Ok(mac) = run.parse() {
        return Ok(Some((Kind::Mac(mac), run.len())));
    }
    match run.parse() {
        Ok(addr) => Ok(Some((Kind::V6(addr), run.len()))),
        Err(_) => Err(Wrong(
            format!("\"{run}\" is no address; MAC addresses are written 02:00:00:00:00:0a, IPv6 addresses 2001:db8::1"),
            run.len(),
        )),
    }
}

/// Letters, digits and what may join them: `len`, `10.0.0.1`, `http-alt`.
fn word(text: &str) -> &str {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let run = &text[..text.find(|c| !is_part(c)).unwrap_or(text.len())];
    if run.starts_with(|c: char| c.is_ascii_alphanumeric()) { run.trim_end_matches(['-', '_']) } else { "" }
}

fn of_word(word: &str) -> Result<Kind, Wrong> {
    let synonym = names::SYNONYMS.iter().find(|(other, _)| *other == word).map(|(_, word)| *word);
    if let Some(known) = synonym.or_else(|| names::WORDS.iter().find(|known| **known == word).copied()) {
        return Ok(Kind::Word(known));
    }
    if let Some(protocol) = names::protocol(word) {
        return Ok(Kind::Word(protocol.word));
    }
    if let Some((_, value)) = names::CONSTANTS.iter().find(|(name, _)| *name == word) {
        return Ok(Kind::Number(*value));
    }
    if let Some(mac) = mac(word) {
        return Ok(Kind::Mac(mac));
    }
    if word.bytes().all(|b| b.is_ascii_digit()) || is_hex(word) {
        return number(word).map(Kind::Number).map_err(|message| Wrong(message, word.len()));
    }
    if let Some(bytes) = dotted(word) {
        return bytes.map(Kind::Dotted).map_err(|message| Wrong(message, word.len()));
    }
    Ok(Kind::Name(word.to_owned()))
}

fn is_hex(word: &str) -> bool {
    let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
    digits.is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_hexdigit()))
}

/// A number as in C: `10`, `0x0a`, `012`.
fn number(word: &str) -> Result<u32, String> {
    let (digits, base) = match (is_hex(word), word.strip_prefix('0')) {
        (true, _) => (&word[2..], 16),
        (_, Some(octal)) if !octal.is_empty() => (octal, 8),
        _ => (word, 10),
    };
    if base == 8 && digits.contains(['8', '9']) {
        return Err(format!("\"{word}\" begins with 0, so it is octal, and octal numbers have no 8 and 9"));
    }
    u32::from_str_radix(digits, base).map_err(|_| format!("\"{word}\" does not fit 32 bits"))
}

/// The bytes of `10.1` or `192.0.2.1`; `None` when it is a name.
fn dotted(word: &str) -> Option<Result<Vec<u8>, String>> {
    let parts: Vec<&str> = word.split('.').collect();
    let is_number = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !(2..=4).contains(&parts.len()) || !parts.iter().all(is_number) {
        return None;
    }
    let bytes: Result<Vec<u8>, _> = parts.iter().map(|part| part.parse()).collect();
    Some(bytes.map_err(|_| format!("\"{word}\" is no IPv4 address: each part is 0 to 255")))
}

/// A MAC address without colons: `02-00-00-00-00-0a`, `02.0.0.0.0.a`, `0200.0000.000a`, `02000000000a`.
fn mac(word: &str) -> Option<Mac> {
    if !word.bytes().all(|b| b.is_ascii_hexdigit() || matches!(b, b'-' | b'.')) {
        return None;
    }
    if let Ok(mac) = word.replace('.', "-").parse() {
        return (!word.contains('-') || !word.contains('.')).then_some(mac);
    }
    let is_cisco = word.len() == 14 && word.split('.').all(|part| part.len() == 4);
    let is_bare = word.len() == 12 && !word.contains(['.', '-']);
    let bytes = (is_cisco || is_bare).then(|| crate::base::text::unhex(&word.replace('.', "")).ok())??;
    bytes.try_into().ok().map(Mac)
}

fn sign(text: &str) -> Result<(Kind, usize), Wrong> {
    let Some(sign) = names::SIGNS.iter().find(|sign| text.starts_with(**sign)) else {
        let found = text.chars().next().unwrap_or_default();
        return Err(Wrong(
            format!("'{}' has no meaning in a filter", escape(found.encode_utf8(&mut [0; 4]))),
            found.len_utf8(),
        ));
    };
    let synonym = names::SYNONYMS.iter().find(|(other, _)| other == sign);
    Ok((Kind::Word(synonym.map_or(*sign, |(_, word)| *word)), sign.len()))
}
