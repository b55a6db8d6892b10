//! Failures of the network, from the seed.

use super::*;

/// Twenty echoes, and what came of them.
fn echoes(seed: u64, faults: Faults) -> Vec<Heard> {
    let mut bench = Bench::of(Lab::new(seed));
    bench.lab.faults("web.lab", faults).unwrap();
    (0..20).for_each(|_| bench.send(&echo(WEB, 64)));
    bench.all()
}

#[test]
fn one_seed_is_one_course_of_events() {
    let faults = Faults { loss: 0.2, duplicate: 0.2, reorder: 0.2, jitter_us: 500, ..Faults::default() };
    assert_eq!(echoes(1, faults), echoes(1, faults));
    assert_ne!(echoes(1, faults), echoes(2, faults));
}

#[test]
fn loss_duplication_and_delay_can_be_asked_for() {
    let answers = |faults| echoes(1, faults).into_iter().filter(|h| !h.outgoing).collect::<Vec<_>>();
    assert!(answers(Faults { loss: 1.0, ..Faults::default() }).is_empty());
    let some = answers(Faults { loss: 0.3, ..Faults::default() }).len();
    assert!((4..16).contains(&some), "{some}: about half survive both ways");
    assert_eq!(answers(Faults { duplicate: 1.0, ..Faults::default() }).len(), 80, "doubled there and back");
    let slow = answers(Faults { delay_us: 20_000, ..Faults::default() });
    assert_eq!(slow[0].at, Time::from_nanos(40_000_000));
}

#[test]
fn reordered_frames_are_overtaken() {
    let mut bench = Bench::with_faults("web.lab", Faults { reorder: 0.5, ..Faults::default() });
    (1000..1020u16).for_each(|port| bench.send(&tcp(WEB, port, "S")));
    let order: Vec<u16> = bench.incoming().iter().map(|bytes| u16::from_be_bytes([bytes[34], bytes[35]])).collect();
    assert_eq!(order.len(), 20);
    assert!(!order.is_sorted(), "{order:?}");
}

#[test]
fn an_unknown_host_is_named_with_the_nearest() {
    let error = Lab::new(1).faults("wep.lab", Faults::NONE).unwrap_err().to_string();
    assert!(error.contains("wep.lab") && error.contains("did you mean \"web.lab\"?"), "{error}");
}
