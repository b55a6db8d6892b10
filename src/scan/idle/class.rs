//! How a host numbers its IP packets, read off a few of them.

/// How the identifications of a host's packets follow one another.
#[derive(Debug)]
pub(super) struct Class {
    /// Nmap's name for it.
    pub(super) name: &'static str,
    /// What that says of the host, for one whom it helps no further.
    pub(super) doc: &'static str,
    /// Whether it is this one; the first that fits is it.
    fits: fn(&Ids<'_>) -> bool,
    /// For those that count: how many packets the host has sent from one identification to a later one. `None` when
    /// no whole number fits.
    pub(super) steps: Option<fn(u16, u16) -> Option<u16>>,
}

/// Identifications in the order of their packets, each with the next.
struct Ids<'a>(&'a [(u16, u16)]);

impl Ids<'_> {
    fn steps(&self) -> impl Iterator<Item = u16> {
        self.0.iter().map(|(id, next)| next.wrapping_sub(*id))
    }

    fn swapped(&self) -> impl Iterator<Item = u16> {
        self.0.iter().map(|(id, next)| next.swap_bytes().wrapping_sub(id.swap_bytes()))
    }
}

const NONE: Class = Class { name: "", doc: "", fits: |_| false, steps: None };

/// The classes, in the order in which Nmap tests for them.
///
/// Steps are taken modulo 2^16 before anything is asked of them, which Nmap does not do: a counter that wraps during
/// the test is a counter, and not "randomized". A counter whose bytes are swapped is known by swapping them back, so a
/// carry between its bytes is no break either.
pub(super) const CLASSES: &[Class] = &[
    Class {
        name: "all zeros",
        doc: "it numbers nothing, as Linux does for packets that may not be fragmented",
        fits: |ids| ids.0.iter().all(|pair| *pair == (0, 0)),
        ..NONE
    },
    Class {
        name: "constant",
        doc: "all its packets have the same number",
        fits: |ids| ids.steps().all(|step| step == 0),
        ..NONE
    },
    Class {
        name: "randomized",
        doc: "its numbers are drawn, as OpenBSD and FreeBSD do",
        fits: |ids| ids.steps().any(|step| step > 20_000),
        ..NONE
    },
    Class {
        name: "random positive increments",
        doc: "its numbers rise by steps that are drawn",
        fits: |ids| ids.steps().any(|step| step > 1000 && !(step % 256 == 0 && step <= 25_600)),
        ..NONE
    },
    Class {
        name: "broken little-endian incremental",
        doc: "it counts its packets, and writes the bytes of the number in the wrong order",
        fits: |ids| ids.swapped().all(|step| (1..=20).contains(&step)),
        steps: Some(|id, next| Some(next.swap_bytes().wrapping_sub(id.swap_bytes()))),
    },
    Class {
        name: "incrementing by 2",
        doc: "it counts its packets by twos",
        fits: |ids| ids.steps().all(|step| step % 2 == 0),
        steps: Some(|id, next| Some(next.wrapping_sub(id)).filter(|steps| steps % 2 == 0).map(|steps| steps / 2)),
    },
    Class {
        name: "incremental",
        doc: "it counts its packets",
        fits: |ids| ids.steps().all(|step| step < 10),
        steps: Some(|id, next| Some(next.wrapping_sub(id))),
    },
    Class {
        name: "busy or unknown",
        doc: "it counts, but sends too much by itself, or it numbers its packets in a way of its own",
        fits: |_| true,
        ..NONE
    },
];

/// The class of a host that numbered its packets so: pairs of an identification and the next one.
pub(super) fn classify(ids: &[(u16, u16)]) -> &'static Class {
    let ids = Ids(ids);
    CLASSES.iter().find(|class| (class.fits)(&ids)).unwrap_or(&CLASSES[CLASSES.len() - 1])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(ids: &[u16]) -> &'static Class {
        classify(&ids.windows(2).map(|pair| (pair[0], pair[1])).collect::<Vec<_>>())
    }

    #[test]
    fn classes_are_told_by_the_steps() {
        let rows: &[(&str, &[u16])] = &[
            ("all zeros", &[0, 0, 0, 0, 0, 0]),
            ("constant", &[7, 7, 7, 7, 7, 7]),
            ("randomized", &[3, 40_000, 12, 900, 61_000, 5]),
            ("randomized", &[500, 400, 300, 200, 100, 1]),
            ("random positive increments", &[0, 1200, 2100, 5000, 5010, 9000]),
            ("broken little-endian incremental", &[0x0100, 0x0200, 0x0300, 0x0500, 0x0600, 0x0700]),
            ("incrementing by 2", &[10, 12, 14, 16, 20, 22]),
            ("incremental", &[10, 11, 12, 13, 15, 16]),
            ("busy or unknown", &[10, 60, 111, 162, 213, 264]),
            // Wrapping, and the carry of a counter whose bytes are swapped.
            ("incremental", &[65_533, 65_534, 65_535, 0, 1, 2]),
            ("incrementing by 2", &[65_532, 65_534, 0, 2, 4, 6]),
            ("broken little-endian incremental", &[0xfe00, 0xff00, 0x0001, 0x0101, 0x0201, 0x0301]),
            ("broken little-endian incremental", &[0xfeff, 0xffff, 0x0000, 0x0100, 0x0200, 0x0300]),
        ];
        for (name, ids) in rows {
            assert_eq!(class(ids).name, *name, "{ids:x?}");
        }
    }

    #[test]
    fn only_counters_count() {
        let counts: Vec<&str> = CLASSES.iter().filter(|class| class.steps.is_some()).map(|class| class.name).collect();
        assert_eq!(counts, ["broken little-endian incremental", "incrementing by 2", "incremental"]);
        let steps = |ids: &[u16], from, to| class(ids).steps.map(|steps| steps(from, to));
        assert_eq!(steps(&[1, 2, 3], 65_535, 2), Some(Some(3)));
        assert_eq!(steps(&[2, 4, 6], 65_534, 4), Some(Some(3)));
        assert_eq!(steps(&[2, 4, 6], 2, 5), Some(None), "half a packet");
        assert_eq!(steps(&[0x0100, 0x0200, 0x0300], 0xff00, 0x0201), Some(Some(3)));
    }
}
