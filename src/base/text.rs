//! Text that came from the network, made safe for a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// `text` with every control character, and every character that reorders a line, written as `\x1b` or `\u{202e}`.
///
/// Nothing that a packet holds can then move the cursor, change colours or hide a word. New lines are escaped too.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) && (c as u32) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c if is_unsafe(c) => {
                let _ = write!(out, "\\u{{{:x}}}", c as u32);
            }
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Like [`escape`], but keeps new lines and tabs: for text of several lines.
pub fn escape_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for part in text.split_inclusive(['\n', '\t']) {
        let tail = part.strip_suffix(['\n', '\t']).unwrap_or(part);
        out.push_str(&escape(tail));
        out.push_str(&part[tail.len()..]);
    }
    out
}

/// Control characters (C0, DEL, C1) and the bidirectional and invisible format characters.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Bytes as a quoted Rhai string when they are printable text, else as `unhex("..")`: the form that makes them again.
pub fn literal(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(is_unsafe) => {
            format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
        }
        _ => format!("unhex(\"{}\")", hex(bytes)),
    }
}

/// Bytes in quotes for reading: printable ASCII as it is, all others as `\x1b`.
pub fn quoted(bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|b| b.escape_ascii().to_string()).collect();
    format!("\"{escaped}\"")
}

/// Lower-case hexadecimal without spaces.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// Bytes from hexadecimal text; blanks, `:` and `-` between bytes are passed over.
///
/// Errors name the character that is no hexadecimal digit, or say that a digit is missing.
pub fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let mut digits = Vec::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_whitespace() && !matches!(c, ':' | '-')) {
        let digit = c.to_digit(16).ok_or_else(|| format!("'{}' is no hexadecimal digit", c.escape_default()))?;
        digits.push(digit as u8);
    }
    if digits.len() % 2 == 1 {
        return Err(format!("{} hexadecimal digits; two make a byte, so one is missing", digits.len()));
    }
    Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// A hex dump in Scapy's form: offset, sixteen bytes in upper case, the same as text.
pub fn hexdump(bytes: &[u8]) -> String {
    let mut lines = Vec::with_capacity(bytes.len() / 16 + 1);
    for (row, chunk) in bytes.chunks(16).enumerate() {
        let hex: Vec<String> = chunk.iter().map(|b| format!("{b:02X}")).collect();
        let text: String =
            chunk.iter().map(|&b| if b.is_ascii_graphic() || b == b' ' { b as char } else { '.' }).collect();
        lines.push(format!("{:04x}  {:<47}  {text}", row * 16, hex.join(" ")));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_gets_through() {
        assert_eq!(escape("a\x1b[2J\u{9b}\u{202e}b"), "a\\x1b[2J\\x9b\\u{202e}b");
        assert_eq!(escape("plain é"), "plain é");
        assert_eq!(escape_lines("a\x07\n\tb"), "a\\x07\n\tb");
    }

    #[test]
    fn hex_reads_what_it_writes() {
        assert_eq!(unhex("ff 00:0a"), Ok(vec![0xff, 0, 10]));
        assert_eq!(hex(&[0xff, 0, 10]), "ff000a");
        assert!(unhex("f").is_err_and(|e| e.contains("missing")));
        assert!(unhex("0g").is_err_and(|e| e.contains("'g'")));
    }

    #[test]
    fn a_hexdump_row_has_scapys_columns() {
        assert_eq!(hexdump(b"GET /\x00"), "0000  47 45 54 20 2F 00                                GET /.");
    }
}
