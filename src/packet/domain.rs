//! Domain names (RFC 1035 section 3.1) as text with a final dot, and the compression of section 4.1.4.
//!
//! A byte of a label that is no plain character is written `\DDD`, a dot inside a label `\.` (section 5.1), so that
//! every name has a text and every text is one name.

use std::fmt::Write;

/// The longest name, its lengths included (RFC 1035 section 2.3.4).
const MOST_NAME: usize = 255;
/// The longest label.
const MOST_LABEL: usize = 63;
/// Pointers in one name, at most: one before each label of the longest name. More only cost time.
const MOST_POINTERS: usize = 127;

/// Reads the name that begins at `at` in `message`, from whose start pointers count; the part of it that lies here
/// ends before `stop`.
///
/// Gives the name and where it ends. A pointer must lead back before itself, so that reading always ends.
pub(super) fn read(message: &[u8], at: usize, stop: usize) -> Result<(String, usize), String> {
    let mut name = String::new();
    let (mut at, mut stop, mut total) = (at, stop.min(message.len()), 1);
    let (mut end, mut pointers) = (None, 0);
    loop {
        let len = *message.get(..stop).and_then(|m| m.get(at)).ok_or("a name is cut")?;
        match len >> 6 {
            0 if len == 0 => {
                name.push_str(if name.is_empty() { "." } else { "" });
                return Ok((name, end.unwrap_or(at + 1)));
            }
            0 => {
                let label = message[..stop].get(at + 1..at + 1 + usize::from(len)).ok_or("a label is cut")?;
                total += label.len() + 1;
                if total > MOST_NAME {
                    return Err(format!("a name is longer than {MOST_NAME} bytes"));
                }
                push_label(&mut name, label);
                at += 1 + label.len();
            }
            3 => {
                let low = *message.get(..stop).and_then(|m| m.get(at + 1)).ok_or("a pointer is cut")?;
                let to = usize::from(len & 0x3f) << 8 | usize::from(low);
                if to >= at {
                    return Err(format!("a pointer at byte {at} leads on to byte {to}, not back"));
                }
                pointers += 1;
                if pointers > MOST_POINTERS {
                    return Err(format!("a name has more than {MOST_POINTERS} pointers"));
                }
                end.get_or_insert(at + 2);
                // What lies before the pointer: so each one makes what is left shorter.
                (at, stop) = (to, at);
            }
            kind => return Err(format!("a label of the unknown kind {kind}")),
        }
    }
}

fn push_label(name: &mut String, label: &[u8]) {
    for &byte in label {
        match byte {
            b'.' | b'\\' => name.extend(['\\', byte.into()]),
            byte if byte.is_ascii_graphic() => name.push(byte.into()),
            byte => {
                let _ = write!(name, "\\{byte:03}");
            }
        }
    }
    name.push('.');
}

/// Checks a name as people write it and gives it in the form of [`read`]; the final dot may be left out.
pub(super) fn accept(text: &str) -> Result<String, String> {
    let labels = labels(text)?;
    let mut name = String::with_capacity(text.len() + 1);
    for label in &labels {
        push_label(&mut name, label);
    }
    Ok(if name.is_empty() { ".".to_owned() } else { name })
}

/// Adds a name that [`accept`] or [`read`] gave to `out`, without compression.
pub(super) fn write(name: &str, out: &mut Vec<u8>) {
    for label in labels(name).unwrap_or_default() {
        out.push(label.len() as u8);
        out.extend_from_slice(&label);
    }
    out.push(0);
}

/// The labels of a name. Errors say which does not fit, and how to send it all the same.
fn labels(text: &str) -> Result<Vec<Vec<u8>>, String> {
    const ANYWAY: &str = "give bytes to send it all the same";
    let shown = || text.escape_debug();
    if text.is_empty() || text == "." {
        return Ok(Vec::new());
    }
    let (mut labels, mut label, mut is_ended) = (Vec::new(), Vec::new(), false);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        is_ended = byte == b'.';
        match byte {
            b'.' => labels.push(std::mem::take(&mut label)),
            b'\\' => label.push(escaped(&mut bytes).ok_or_else(|| {
                format!("\"{}\": a backslash is followed by a character or three digits up to 255", shown())
            })?),
            byte => label.push(byte),
        }
    }
    if !is_ended {
        labels.push(label);
    }
    if let Some(wrong) = labels.iter().find(|l| l.is_empty() || l.len() > MOST_LABEL) {
        let len = wrong.len();
        return Err(format!("\"{}\": a label has 1 to {MOST_LABEL} bytes, found {len}; {ANYWAY}", shown()));
    }
    let total: usize = labels.iter().map(|l| l.len() + 1).sum::<usize>() + 1;
    if total > MOST_NAME {
        return Err(format!("\"{}\": a name has {MOST_NAME} bytes at most, found {total}; {ANYWAY}", shown()));
    }
    Ok(labels)
}

/// The byte that an escape stands for.
fn escaped(bytes: &mut std::str::Bytes<'_>) -> Option<u8> {
    let first = bytes.next()?;
    if !first.is_ascii_digit() {
        return Some(first);
    }
    let digits = [first, bytes.next()?, bytes.next()?];
    std::str::from_utf8(&digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_example_of_rfc_1035_section_4_1_4() {
        let mut message = vec![0; 20];
        message.extend_from_slice(b"\x01F\x03ISI\x04ARPA\x00");
        message.resize(40, 0);
        message.extend_from_slice(b"\x03FOO\xc0\x14");
        message.resize(64, 0);
        message.extend_from_slice(b"\xc0\x1a\x00");
        let stop = message.len();
        assert_eq!(read(&message, 20, stop), Ok(("F.ISI.ARPA.".into(), 32)));
        assert_eq!(read(&message, 40, stop), Ok(("FOO.F.ISI.ARPA.".into(), 46)));
        assert_eq!(read(&message, 64, stop), Ok(("ARPA.".into(), 66)));
        assert_eq!(read(&message, 66, stop), Ok((".".into(), 67)));
    }

    #[test]
    fn malformed_names_end_with_the_reason() {
        let rows: [(&[u8], &str); 6] = [
            (b"\xc0\x00", "a pointer at byte 0 leads on to byte 0, not back"),
            (b"\xc0\x02\xc0\x00", "leads on to byte 2"),
            (b"\x05ab", "a label is cut"),
            (b"\x01a", "a name is cut"),
            (b"\xc0", "a pointer is cut"),
            (b"\x80a", "a label of the unknown kind 2"),
        ];
        for (bytes, reason) in rows {
            assert!(read(bytes, 0, bytes.len()).is_err_and(|e| e.contains(reason)), "{bytes:?}");
        }
        let long = [&[63; 64][..]; 5].concat();
        assert_eq!(read(&long, 0, long.len()), Err("a name is longer than 255 bytes".into()));
    }

    #[test]
    fn what_people_write() {
        let rows = [
            ("www.example.com", "www.example.com."),
            ("a.", "a."),
            (".", "."),
            ("", "."),
            (r"a\.b.c", r"a\.b.c."),
            (r"\065", "A."),
        ];
        for (text, name) in rows {
            assert_eq!(accept(text).as_deref(), Ok(name), "{text}");
        }
        for wrong in ["a..b", ".a", r"a\25", r"a\999", &"x".repeat(64), &"abcdefg.".repeat(32)] {
            assert!(accept(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn every_name_has_one_text(labels in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..64), 0..4)) {
            let mut wire = Vec::new();
            for label in &labels {
                wire.push(label.len() as u8);
                wire.extend_from_slice(label);
            }
            wire.push(0);
            let (name, end) = read(&wire, 0, wire.len()).expect("it is short enough");
            prop_assert_eq!(end, wire.len());
            prop_assert_eq!(accept(&name), Ok(name.clone()));
            let mut again = Vec::new();
            write(&name, &mut again);
            prop_assert_eq!(again, wire);
        }

        #[test]
        fn any_bytes_have_an_end(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0usize..600) {
            if let Ok((name, _)) = read(&bytes, at, bytes.len()) {
                prop_assert!(accept(&name).is_ok());
            }
        }
    }
}
