//! The personalities answer as the majority of their prints in Nmap's `nmap-os-db`, and as Linux was measured to.

use super::*;

/// What a host says: `-` for nothing; `RA 0,s+1` for flags, sequence and acknowledgment number.
type Says = &'static str;

/// A host's last byte; NULL, SFPU and ACK to its open port, FPU and SYN to a closed one; how its IP ids go.
#[rustfmt::skip] // a table
const STACKS: [(u8, u16, [Says; 5], Says); 12] = [
    (10, 80, ["-", "SA ISS,s+1", "R a,0 win 0", "RA 0,s+1", "RA 0,s+1"], "zero"),
    (11, 22, ["-", "-", "R a,0 win 0", "RA 0,s+1", "RA 0,s+1"], "zero"),
    (12, 445, ["RA 0,s", "RA 0,s+2", "R a,a win 0", "RA 0,s+1", "RA 0,s+1"], "counter"),
    (13, 80, ["-", "SA ISS,s+1", "R a,0 win 0", "RA 0,s+1", "RA 0,s+1"], "zero"),
    (14, 80, ["RA 0,s", "SA ISS,s+1", "R a,0 win 0", "RA 0,s", "RA 0,s+1"], "random"),
    (15, 23, ["RA a,s", "SA ISS,s+1", "R a,0 win 0", "RA a,s", "RA a,s+1"], "random"),
    (16, 80, ["-", "SA ISS,s+1", "RA a,s win 5840", "RA a,s+1", "RA a,s+1"], "counter"),
    (17, 80, ["-", "-", "R a,0 win 8192", "RA 0,s", "RA 0,s+1"], "counter"),
    (18, 22, ["-", "-", "R a,0 win 0", "RA 0,s", "RA 0,s+1"], "random"),
    (19, 80, ["RA 0,s", "SA ISS,s+1", "R a,0 win 0", "RA 0,s", "RA 0,s+1"], "zero"),
    (28, 445, ["RA 0,s", "SA ISS,s+1", "R a,0 win 0", "RA 0,s+1", "RA 0,s+1"], "counter"),
    (29, 23, ["RA 0,s", "SA ISS,s+1", "R a,s win 0", "RA 0,s+1", "RA 0,s+1"], "counter"),
];

/// The answer to a probe with sequence number 1000 and 5000 in its acknowledgment field.
fn says(bench: &mut Bench, host: u8, port: u16, flags: &str) -> String {
    let mut probe = tcp([192, 0, 2, host], port, flags);
    probe[42..46].copy_from_slice(&5000u32.to_be_bytes()); // etherparse writes it only with ACK
    let segment = etherparse::TcpSlice::from_slice(&probe[34..]).unwrap();
    let sum = segment.calc_checksum_ipv4(YOU, [192, 0, 2, host]);
    probe[50..52].copy_from_slice(&sum.unwrap().to_be_bytes());
    bench.send(&probe);
    let Some(answer) = bench.incoming().into_iter().next() else { return "-".to_owned() };
    let word = |at: usize| u32::from_be_bytes(answer[at..at + 4].try_into().unwrap());
    let name = |n: u32| match n {
        1000..=1002 => ["s", "s+1", "s+2"][n as usize - 1000].to_owned(),
        5000 => "a".to_owned(),
        n => n.to_string(),
    };
    let (flags, seq) = match answer[47] {
        0x04 => ("R", name(word(38))),
        0x14 => ("RA", name(word(38))),
        0x12 => ("SA", "ISS".to_owned()),
        other => panic!("{other:#x}"),
    };
    let window = u16::from_be_bytes([answer[48], answer[49]]);
    let window = if port == 81 || flags == "SA" || (flags == "RA" && window == 0) {
        String::new()
    } else {
        format!(" win {window}")
    };
    format!("{flags} {seq},{}{window}", name(word(42)))
}

#[test]
fn every_stack_answers_as_its_prints_say() {
    for (host, open, wanted, _) in STACKS {
        let probes = [(open, ""), (open, "SFPU"), (open, "A"), (81, "FPU"), (81, "S")];
        for ((port, flags), wanted) in probes.into_iter().zip(wanted) {
            assert_eq!(says(&mut Bench::new(), host, port, flags), wanted, "192.0.2.{host}, {flags:?} to port {port}");
        }
    }
}

#[test]
fn a_window_scan_works_where_it_is_said_to() {
    let window =
        |host: u8, port| Bench::new().ask(&tcp([192, 0, 2, host], port, "A"))[0].rsplit(' ').next().unwrap().to_owned();
    assert_eq!([window(17, 80), window(17, 81)], ["8192", "0"]);
    assert_eq!([window(11, 22), window(11, 81)], ["0", "0"]);
    assert_eq!([window(16, 80), window(16, 81)], ["5840", "5840"]);
}

#[test]
fn ip_ids_count_are_random_or_zero() {
    for (host, _, _, kind) in STACKS {
        let mut bench = Bench::new();
        (0..8).for_each(|_| bench.send(&tcp([192, 0, 2, host], 81, "S")));
        let ids: Vec<u16> = bench.incoming().iter().map(|bytes| u16::from_be_bytes([bytes[18], bytes[19]])).collect();
        let steps: Vec<u16> = ids.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
        let found = match () {
            () if ids.iter().all(|id| *id == 0) => "zero",
            () if steps.iter().all(|step| *step == 1) => "counter",
            () => "random",
        };
        // Where "don't fragment" is not set, an id is needed (RFC 6864 section 4): NetBSD counts in its resets.
        let wanted = if host == 19 { "counter" } else { kind };
        assert_eq!(found, wanted, "192.0.2.{host}: {ids:?}");
    }
}
