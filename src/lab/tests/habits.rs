//! What hosts do of their own accord, and how it is heard.

use super::*;
use crate::net::Hear;

/// A host that calls, one that serves, and nothing else.
const PLAN: &str = r#"
[[host]]
name = "server.lab"
addrs = ["192.0.2.50"]
about = "Serves."
serve = [{ port = 80, service = "http" }]
udp = [{ port = 53, service = "dns" }]

[[host]]
name = "caller.lab"
addrs = ["192.0.2.51"]
about = "Calls."
udp = [{ port = 9, service = "call" }]
habits = [HABITS]
"#;

fn lab(habits: &str) -> Lab {
    Lab::from_plan(Plan::parse(&PLAN.replace("HABITS", habits)).unwrap(), 1)
}

/// What a capture hears in so many seconds, with the seconds.
fn heard(lab: &Lab, seconds: u64) -> Vec<(i64, Vec<u8>)> {
    let mut capture = lab.capture(&Hear::default()).unwrap();
    let link = capture.link();
    let until = link.now() + Duration::from_secs(seconds);
    let mut heard = Vec::new();
    while link.poll(until, &mut |event| keep(&event, &mut heard)).unwrap() == Polled::Some {}
    heard.into_iter().map(|h| (h.at.nanos() / 1_000_000_000, h.bytes)).collect()
}

#[test]
fn each_habit_is_a_whole_exchange_between_real_hosts() {
    // A habit that is followed every two seconds; what is heard of it within three.
    let rows = [
        ("{ every_ms = 2000, does = { arp = \"server.lab\" } }", vec!["arp 1", "arp 2"]),
        ("{ every_ms = 2000, does = { dns = \"server.lab\" } }", vec!["udp 49153 to 53", "udp 53 to 49153"]),
        ("{ every_ms = 2000, does = \"mdns\" }", vec!["udp 5353 to 5353"]),
    ];
    for (habit, wanted) in rows {
        let heard = heard(&lab(habit), 2);
        assert_eq!(heard.len(), wanted.len(), "{habit}");
        for ((_, bytes), wanted) in heard.iter().zip(wanted) {
            assert!(describe(bytes).contains(wanted), "{habit}: {}", describe(bytes));
        }
    }
    let heard = heard(&lab("{ every_ms = 2000, does = { http = \"server.lab\" } }"), 2);
    let flags: Vec<u8> = heard.iter().map(|(_, bytes)| bytes[47]).collect();
    assert_eq!(flags, [0x02, 0x12, 0x10, 0x18, 0x10, 0x18, 0x11, 0x10, 0x10, 0x11, 0x10], "a whole conversation");
    assert!(heard[3].1.ends_with(b"\r\n\r\n") && heard[5].1.windows(10).any(|w| w == b"server.lab"));
}

#[test]
fn habits_come_again_and_at_the_same_times_for_one_seed() {
    let seconds = || -> Vec<i64> {
        let heard = heard(&lab("{ every_ms = 10000, does = { arp = \"server.lab\" } }"), 60);
        heard.into_iter().map(|(at, _)| at).collect()
    };
    assert_eq!(seconds().len(), 12);
    assert_eq!(seconds(), seconds());
}

#[test]
fn nothing_happens_when_nobody_captures_and_links_that_send_hear_no_others() {
    let lab = lab("{ every_ms = 1000, does = { http = \"server.lab\" } }");
    let mut link = lab.open().unwrap();
    assert_eq!(link.poll(Time::NEVER, &mut |_| {}).unwrap(), Polled::Never);
    assert!(!heard(&lab, 10).is_empty());
    let mut bench = Bench { lab: lab.clone(), link };
    assert!(bench.all().is_empty(), "what two others say to each other");
    assert_eq!(bench.link.poll(Time::NEVER, &mut |_| {}).unwrap(), Polled::Never, "and they have ceased");
}

#[test]
fn a_host_calls_back_and_both_may_open_at_once() {
    let mut bench = Bench::of(lab(""));
    bench.lab.wire.borrow_mut().hosts[0].quiet.insert(61000); // our own system would reset it
    let called = bench.ask(&udp([192, 0, 2, 51], 9, b"call me"));
    assert_eq!(called.len(), 4, "a SYN, and again after 1, 3 and 7 s: {called:?}");
    assert!(called[0].starts_with("192.0.2.51 ttl 64: S seq ISS ack 0 win "), "{called:?}");
    let answer = bench.ask(&tcp([192, 0, 2, 51], 7, "S"));
    assert!(answer[0].starts_with("192.0.2.51 ttl 64: SA seq ISS ack 1001"), "simultaneous open: {answer:?}");
}

#[test]
fn habits_name_hosts_that_are_there() {
    let error = Plan::parse(&PLAN.replace("HABITS", "{ every_ms = 1, does = { http = \"sever.lab\" } }")).unwrap_err();
    let said = error.to_string();
    assert!(said.starts_with("line 9, column 1: caller.lab: no host \"sever.lab\""), "{said}");
    assert!(said.contains("did you mean \"server.lab\"?"), "{said}");
}
