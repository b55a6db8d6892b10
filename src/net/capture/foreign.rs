//! What a file is that is no capture file.

use super::bytes::cut;

/// How files of other kinds begin, and what to do with them.
const KINDS: &[(&[u8], &str)] = &[
    (&[0x1f, 0x8b], "there is gzip inside of gzip: unpack it once with gunzip"),
    (&[0xfd, b'7', b'z', b'X', b'Z'], "it is packed with xz: unpack it with unxz"),
    (&[0x28, 0xb5, 0x2f, 0xfd], "it is packed with zstd: unpack it with unzstd"),
    (&[4, 0x22, 0x4d, 0x18], "it is packed with lz4: unpack it with unlz4"),
    (b"BZh", "it is packed with bzip2: unpack it with bunzip2"),
    (b"PK\x03\x04", "it is a zip archive: unpack it with unzip"),
    (b"snoop\0", "it is a snoop file: convert it with editcap -F pcapng"),
    (b"GMBU", "it is a file of Microsoft's Network Monitor: convert it with editcap -F pcapng"),
    (b"RTSS", "it is a file of Microsoft's Network Monitor: convert it with editcap -F pcapng"),
    (b"\x7fELF", "it is a program"),
];

/// What the file is that begins with `first`, in words.
pub(super) fn found(first: &[u8], is_gzip: bool) -> String {
    let inside = if is_gzip { "inside of gzip, " } else { "" };
    if first.is_empty() {
        return format!("{inside}it is empty");
    }
    if let Some((_, what)) = KINDS.iter().find(|(magic, _)| first.starts_with(magic)) {
        return (*what).to_owned();
    }
    let first = &first[..first.len().min(64)];
    match text_of(first) {
        Some(text) if text.trim_start().starts_with(['{', '[']) => format!("{inside}it looks like JSON: {text:?}"),
        Some(text) => format!("{inside}it begins with the text {text:?}"),
        None => {
            let hex: Vec<String> = first.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            format!("{inside}it begins with the bytes {}", hex.join(" "))
        }
    }
}

/// The first line, when it is text.
fn text_of(first: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(first) {
        Ok(text) => text,
        // The last character may have been cut.
        Err(e) if e.error_len().is_none() => std::str::from_utf8(&first[..e.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    let is_plain = text.chars().all(|c| !c.is_control() || c.is_ascii_whitespace());
    let line = text.trim_start().lines().next().unwrap_or(text);
    (is_plain && !text.is_empty()).then(|| cut(line, 40))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_said() {
        for (first, words) in [
            (&b""[..], "it is empty"),
            (b"{\"a\": 1}\n", "it looks like JSON: \"{\\\"a\\\": 1}\""),
            (b"  No.  Time\nx", "it begins with the text \"No.  Time\""),
            (b"\x00\x01\x02", "it begins with the bytes 00 01 02"),
            (b"\x1f\x8b\x08", "there is gzip inside of gzip: unpack it once with gunzip"),
            (b"gr\xc3", "it begins with the text \"gr\""),
            (b"\xc3", "it begins with the bytes c3"),
        ] {
            assert_eq!(found(first, false), words);
        }
        assert_eq!(found(b"hello", true), "inside of gzip, it begins with the text \"hello\"");
    }
}
