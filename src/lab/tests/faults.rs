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

#[test]
fn a_network_has_faults_of_its_own_beside_the_cables_of_its_hosts() {
    let mut bench = Bench::with_faults("198.51.100.0/24", Faults { delay_us: 1000, ..Faults::NONE });
    let start = bench.link.now();
    bench.send(&echo(FAR, 64));
    assert_eq!((bench.all()[0].at - start).as_millis(), 12, "10 ms, and 1 ms more each way");
    let mut bench = Bench::with_faults("198.51.100.0/24", Faults { loss: 1.0, ..Faults::NONE });
    assert!(bench.ask(&echo(FAR, 64)).is_empty());
    assert_eq!(bench.ask(&echo(WEB, 64)).len(), 1, "another network");
    bench.lab.faults("192.0.2.0/24", Faults { duplicate: 1.0, ..Faults::NONE }).unwrap();
    assert_eq!(bench.ask(&echo(WEB, 64)).len(), 4, "doubled there and back");
    assert!(bench.lab.faults("198.51.0.0/16", Faults::NONE).is_err());
}

#[test]
fn a_cable_passes_so_many_frames_a_second() {
    let rate = Some(super::super::Limit { burst: 3, per_second: 1 });
    for name in ["web.lab", "192.0.2.0/24"] {
        let mut bench = Bench::with_faults(name, Faults { rate, ..Faults::default() });
        (0..10).for_each(|_| bench.send(&echo(WEB, 64)));
        let count = bench.incoming().len();
        // A host's cable counts each way, that of a network all frames on it.
        assert_eq!(count, if name == "web.lab" { 3 } else { 0 }, "{name}");
    }
}

#[test]
fn a_plan_gives_every_cable_its_faults_and_shows_them() {
    let plan = r#"
        [[net]]
        prefixes = ["203.0.113.0/24"]
        link = { loss = 0.5, rate = { burst = 10, per_second = 100 } }
        [[host]]
        name = "gw.lab"
        addrs = ["192.0.2.1", "203.0.113.1"]
        about = "A gateway."
        forward = true
        link = { delay_us = 500, jitter_us = 250, loss = 0.1, duplicate = 0.2, reorder = 0.3, rate = { burst = 1, per_second = 9 } }
        "#;
    let shown = Plan::parse(plan).unwrap().show("gw.lab").unwrap();
    let link =
        "0.5 ms each way, up to 0.25 ms more, 10% lost, 20% doubled, 30% reordered, 1 at once, then 9 each second";
    assert!(shown.contains(&format!("  link        {link}\n")), "{shown}");
    let net = "203.0.113.0/24, 2001:db8:2::/64: 0 ms each way, 50% lost, 10 at once, then 100 each second";
    assert!(shown.contains(&format!("  network     {net}\n")), "{shown}");
}
