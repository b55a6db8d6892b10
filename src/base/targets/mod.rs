//! Targets as people write them: `web.lab, 192.0.2.0/24 10.0.0-3.1,7 @hosts.txt`.

mod net;
mod piece;

pub use net::{Net, Target};
pub use piece::{Octets, Piece};

use super::spec::{Part, SpecError};

/// Reads a list of targets with commas or blanks between them.
///
/// | form | what it stands for |
/// |---|---|
/// | `web.lab`, `192.0.2.7`, `2001:db8::7`, `fe80::1%eth0` | one target |
/// | `192.0.2.0/24`, `2001:db8::/64`, `web.lab/28` | a network, with its first and last address |
/// | `10.0.0-3.1,7`, `10.0.0.*`, `10.0.0.-9`, `10.0.0.250-` | all addresses whose four numbers fit |
/// | `10.0.0.1-10.0.1.9`, `2001:db8::1-2001:db8::9` | a run of addresses, both ends included |
/// | `@FILE` | the targets in a file, see [`from_file`] |
///
/// A comma within one of the four numbers belongs to it: `10.0.0.1,3` is two addresses, and so is
/// `10.0.0.1,10.0.0.3`. Errors name the part that is wrong.
pub fn targets(text: &str) -> Result<Vec<Piece>, SpecError> {
    let pieces = list(text, 0)?;
    if pieces.is_empty() {
        return Err(Part::new(text.trim(), 0).wrong(format!("no targets given; {}", piece::HOW)));
    }
    Ok(pieces)
}

/// Reads the targets of a file: blanks, commas or new lines between them, and comments from `#` to the end of a line.
/// There may be none. A file cannot name another one.
pub fn from_file(text: &str) -> Result<Vec<Piece>, SpecError> {
    let (mut pieces, mut at) = (Vec::new(), 0);
    for line in text.split_inclusive('\n') {
        let code = line.split('#').next().unwrap_or_default();
        pieces.extend(list(code, at)?);
        if let Some(name) = code.split_ascii_whitespace().find(|word| word.starts_with('@')) {
            let place = at + code.find(name).unwrap_or(0);
            return Err(Part::new(name, place).wrong("a file of targets names no other file; write its lines here"));
        }
        at += line.len();
    }
    Ok(pieces)
}

/// The targets of `text`, which begins at byte `start` of a whole.
fn list(text: &str, start: usize) -> Result<Vec<Piece>, SpecError> {
    let mut pieces = Vec::new();
    for word in words(text) {
        for part in parts(word.0, start + word.1) {
            pieces.push(piece::read(part)?);
        }
    }
    Ok(pieces)
}

/// The parts of a text between blanks, and where they lie.
fn words(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut at = 0;
    text.split(char::is_whitespace).filter_map(move |word| {
        let start = at;
        at += word.len() + text[at + word.len()..].chars().next().map_or(0, char::len_utf8);
        (!word.is_empty()).then_some((word, start))
    })
}

/// The targets of a word: cut at the commas, but not at those that lie within a number of an IPv4 address.
fn parts(word: &str, at: usize) -> Vec<Part<'_>> {
    // Begin, end, and the dots of what may be numbers of an address.
    let mut cuts: Vec<(usize, usize, Option<usize>)> = Vec::new();
    let mut start = 0;
    for piece in word.split(',') {
        let (end, dots) = (start + piece.len(), dots(piece));
        match (cuts.last_mut(), dots) {
            // All of it goes into the last of four numbers, or into what is missing of them.
            (Some((_, to, Some(before))), Some(more)) if *before > 0 && *before + more <= 3 => {
                *to = end;
                *before += more;
            }
            _ => cuts.push((start, end, dots)),
        }
        start = end + 1;
    }
    let filled = cuts.into_iter().filter(|(from, to, _)| from < to);
    filled.map(|(from, to, _)| Part::new(&word[from..to], at + from)).collect()
}

/// How many dots stand in a text of digits, dots, hyphens and stars; `None` for any other text.
fn dots(text: &str) -> Option<usize> {
    let is_numbers = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b".-*".contains(&b));
    is_numbers.then(|| text.matches('.').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How a text is understood: each piece as its own text, with its count.
    fn read(text: &str) -> Vec<String> {
        let pieces = targets(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        pieces.iter().map(|piece| format!("{piece} {}", piece.count())).collect()
    }

    #[test]
    fn the_forms_of_a_target() {
        let rows: [(&str, &[&str]); 22] = [
            ("web.lab", &["web.lab 0"]),
            ("a_b-c.example.org", &["a_b-c.example.org 0"]),
            ("web.lab/28", &["web.lab/28 0"]),
            ("192.0.2.7", &["192.0.2.7 1"]),
            ("192.0.2.7/30", &["192.0.2.4/30 4"]),
            ("2001:db8::/126", &["2001:db8::/126 4"]),
            ("[2001:db8::1]", &["2001:db8::1 1"]),
            ("fe80::1%eth0", &["fe80::1%eth0 1"]),
            ("fe80::%eth0/126", &["fe80::/126%eth0 4"]),
            ("10.0.0.*", &["10.0.0.0/24 256"]),
            ("10.*.0.1", &["10.0-255.0.1 256"]),
            ("10.0.0-1.1,3", &["10.0.0-1.1,3 4"]),
            ("10.0.0.-2", &["10.0.0.0-2 3"]),
            ("10.0.0.253-", &["10.0.0.253-255 3"]),
            ("10.0.0.-", &["10.0.0.0-255 256"]),
            ("10.0,5.0.1", &["10.0,5.0.1 2"]),
            ("10.0.0.1,2,3,7,5-6", &["10.0.0.1-3,5-7 6"]),
            ("10.0.0.1-10.0.0.9", &["10.0.0.1-10.0.0.9 9"]),
            ("2001:db8::1-2001:db8::9", &["2001:db8::1-2001:db8::9 9"]),
            ("10.0.0.1,10.0.0.2", &["10.0.0.1 1", "10.0.0.2 1"]),
            ("10.0.0.1,3,10.0.0.2", &["10.0.0.1,3 2", "10.0.0.2 1"]),
            (
                " web.lab, 10.0.0.1,\n drop.lab\t@a.txt,10.0.0.9-11,::1",
                &["web.lab 0", "10.0.0.1 1", "drop.lab 0", "@a.txt 0", "10.0.0.9-10.0.0.11 3", "::1 1"],
            ),
        ];
        for (text, wanted) in rows {
            assert_eq!(read(text), wanted, "{text}");
        }
    }

    #[test]
    fn a_piece_knows_its_addresses() {
        for text in ["10.0.0-1.1,3", "10.0.0.0/30", "10.0.0.250-10.0.1.5", "fe80::%eth0/126", "1.2-9,100.3.*"] {
            let piece = targets(text).expect(text).remove(0);
            let all: Vec<_> = (0..piece.count()).map(|index| piece.at(index).expect(text)).collect();
            assert!(all.is_sorted() && all.iter().all(|addr| piece.contains(*addr)), "{text}");
            assert_eq!(piece.at(piece.count()), None);
            assert_eq!(piece.at(u64::MAX), None);
        }
        let four = &targets("10.0.0-1.1,3").expect("octets")[0];
        let all: Vec<String> = (0..4).filter_map(|index| four.at(index)).map(|addr| addr.to_string()).collect();
        assert_eq!(all, ["10.0.0.1", "10.0.0.3", "10.0.1.1", "10.0.1.3"]);
        for (addr, wanted) in [("10.0.1.3", true), ("10.0.1.2", false), ("10.0.2.1", false), ("::1", false)] {
            assert_eq!(four.contains(addr.parse().expect(addr)), wanted, "{addr}");
        }
        let all = &targets("*.*.*.-,0").expect("all")[0];
        assert_eq!((all.count(), all.at(u64::from(u32::MAX))), (1 << 32, "255.255.255.255".parse().ok()));
    }

    #[test]
    fn a_wrong_part_is_named_with_the_next_step() {
        const HOW: &str = "write a name, an address, 192.0.2.0/24 or 10.0.0.1-20";
        let rows = [
            ("", "no targets given; write a name, an address, 192.0.2.0/24 or 10.0.0.1-20", 0..0),
            (" , ", "\",\": no targets given; write a name, an address, 192.0.2.0/24 or 10.0.0.1-20", 0..1),
            ("web.lab 10.0.0.0/33", "\"10.0.0.0/33\": a prefix of IPv4 is 0 to 32 bits", 8..19),
            ("::/129", "\"::/129\": a prefix of IPv6 is 0 to 128 bits", 0..6),
            ("web.lab/x", &format!("\"web.lab/x\": what follows / is no number of bits; {HOW}"), 0..9),
            ("10.0.0.9-3", "\"10.0.0.9-3\": backwards; did you mean \"3-9\"?", 0..10),
            ("10.9-0.0.1", "\"10.9-0.0.1\": backwards; did you mean \"0-9\"?", 0..10),
            ("10.0.0.9-10.0.0.3", "\"10.0.0.9-10.0.0.3\": backwards; did you mean \"10.0.0.3-10.0.0.9\"?", 0..17),
            ("::9-::1", "\"::9-::1\": backwards; did you mean \"::1-::9\"?", 0..7),
            ("a.lab,10.0.0.256", "\"10.0.0.256\": each of the four numbers is 0 to 255, found 256", 6..16),
            ("10.0.0.010", "\"10.0.0.010\": a number with a 0 before it may be octal; did you mean 10?", 0..10),
            ("10.0.0", "\"10.0.0\": an IPv4 address has four numbers, found 3", 0..6),
            ("10.0.0.1.2", "\"10.0.0.1.2\": an IPv4 address has four numbers, found 5", 0..10),
            ("10..0.1", "\"10..0.1\": a number is missing between two dots", 0..7),
            ("web.lab,3", "\"3\": an IPv4 address has four numbers, found 1", 8..9),
            ("10.0.0.1-2-3", "\"10.0.0.1-2-3\": two hyphens in one number", 0..12),
            ("10.0.0.1%eth0", "\"10.0.0.1%eth0\": only IPv6 addresses have a zone", 0..13),
            ("fe80::1%", "\"fe80::1%\": the zone is missing; write an interface, as fe80::1%eth0", 0..8),
            ("fe80::zz", &format!("\"fe80::zz\": that is no IPv6 address; {HOW}"), 0..8),
            ("*.lab", &format!("\"*.lab\": a name holds no *; {HOW}"), 0..5),
            ("-sS", "\"-sS\": no name begins with -; an option stands before its value, not within it", 0..3),
            ("http://web.lab/", &format!("\"http://web.lab/\": what follows / is no number of bits; {HOW}"), 0..15),
            ("@", "\"@\": the file's name is missing behind @", 0..1),
        ];
        for (text, message, at) in rows {
            let error = targets(text).expect_err(text);
            assert_eq!((error.message.as_str(), error.at), (message, at), "{text}");
        }
    }

    #[test]
    fn what_is_written_a_thousand_times_is_read_at_once() {
        let text = format!("10.0.0.1{}", ",5,-".repeat(100_000));
        assert_eq!(targets(&text).expect("one target")[0].count(), 256);
        assert_eq!(targets(&"::1,".repeat(100_000)).expect("many").len(), 100_000);
    }

    #[test]
    fn a_file_has_lines_and_comments() {
        let pieces = from_file("# hosts\nweb.lab 10.0.0.1,3 # two\n\n\t::1\r\n").expect("a file");
        assert_eq!(pieces.iter().map(ToString::to_string).collect::<Vec<_>>(), ["web.lab", "10.0.0.1,3", "::1"]);
        assert_eq!(from_file("# nothing\n"), Ok(Vec::new()));
        let error = from_file("web.lab\n 10.0.0.0/40").expect_err("a prefix");
        assert_eq!(error.at, 9..20);
        let error = from_file("web.lab\n@more.txt").expect_err("a file in a file");
        assert_eq!((error.at, error.message.contains("names no other file")), (8..17, true));
    }
}
