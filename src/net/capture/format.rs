//! The formats that we write, and which one a file's name asks for.

/// A format of capture files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// What stands in the file.
    pub kind: Kind,
    /// Whether it is packed with gzip (RFC 1952).
    pub gzip: bool,
}

/// What stands in a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Classic pcap with nanoseconds.
    PcapNanos,
    /// Classic pcap with microseconds.
    PcapMicros,
    /// pcapng: interfaces with names, directions and comments.
    Pcapng,
}

impl Format {
    /// Classic pcap with nanoseconds, not packed.
    pub const PCAP: Self = Self { kind: Kind::PcapNanos, gzip: false };
    /// pcapng, not packed.
    pub const PCAPNG: Self = Self { kind: Kind::Pcapng, gzip: false };

    /// The format that the ending asks for: `.pcapng` that one, all other pcap with nanoseconds; `.gz` after it packs.
    pub fn of_name(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let (inner, gzip) = match name.strip_suffix(".gz") {
            Some(inner) => (inner, true),
            None => (name.as_str(), false),
        };
        let kind = if inner.ends_with(".pcapng") { Kind::Pcapng } else { Kind::PcapNanos };
        Self { kind, gzip }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_decides() {
        for (name, kind, gzip) in [
            ("a.pcap", Kind::PcapNanos, false),
            ("a", Kind::PcapNanos, false),
            ("dir.pcapng/a.cap", Kind::PcapNanos, false),
            ("a.pcap.gz", Kind::PcapNanos, true),
            ("a.PcapNG", Kind::Pcapng, false),
            ("a.pcapng.gz", Kind::Pcapng, true),
            ("pcapng", Kind::PcapNanos, false),
            ("", Kind::PcapNanos, false),
        ] {
            assert_eq!(Format::of_name(name), Format { kind, gzip }, "{name}");
        }
    }
}
