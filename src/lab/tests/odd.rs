//! Hosts that make a scan think twice.

use super::*;

const ZOMBIE: [u8; 4] = [192, 0, 2, 30];
const BUSY: [u8; 4] = [192, 0, 2, 31];
const LOSSY: [u8; 4] = [192, 0, 2, 32];
const RST_LIMIT: [u8; 4] = [192, 0, 2, 34];
const HONEYPOT: [u8; 4] = [192, 0, 2, 40];
const LATER: [u8; 4] = [192, 0, 2, 42];

impl Bench {
    /// The IP id of the reset that a SYN/ACK gets.
    fn id(&mut self, host: [u8; 4]) -> u16 {
        self.send(&tcp(host, 9, "SA"));
        let answer = self.incoming().remove(0);
        assert!(describe(&answer).contains(": R seq 5000"), "{}", describe(&answer));
        u16::from_be_bytes([answer[18], answer[19]])
    }

    /// By how much a zombie's ids grow while `target` gets a SYN in its name.
    fn idle(&mut self, zombie: [u8; 4], target: [u8; 4], port: u16) -> u16 {
        let before = self.id(zombie);
        let mut syn = Vec::new();
        let frame = PacketBuilder::ethernet2(mac(YOU), mac(target)).ipv4(zombie, target, 64);
        frame.tcp(61000, port, 1000, 1024).syn().write(&mut syn, b"").unwrap();
        assert!(self.ask(&syn).is_empty(), "the answer goes to the zombie");
        self.id(zombie).wrapping_sub(before)
    }
}

#[test]
fn an_idle_scan_finds_open_ports_by_the_ids_of_the_zombie() {
    let mut bench = Bench::new();
    for (target, port, steps) in [(WEB, 80, 2), (WEB, 81, 1), (DROP, 81, 1), (FAR, 80, 2), (FAR, 81, 1)] {
        assert_eq!(bench.idle(ZOMBIE, target, port), steps, "{target:?} port {port}");
    }
}

#[test]
fn a_busy_zombie_counts_fifty_a_second_by_itself() {
    let mut bench = Bench::new();
    let first = bench.id(BUSY);
    let steps: Vec<u16> = (0..5).map(|_| bench.id(BUSY).wrapping_sub(first)).collect();
    for (second, step) in (10u16..).step_by(10).zip(&steps) {
        // One for the probe itself, ten seconds between two of them.
        assert!((-1..=1).contains(&(i32::from(*step) - i32::from(50 * second + second / 10))), "{steps:?}");
    }
    assert!(bench.idle(BUSY, WEB, 81) > 100, "closed, and yet it counts");
    let mut again = Bench::new();
    assert_eq!(again.id(BUSY), first);
    assert_eq!((0..5).map(|_| again.id(BUSY).wrapping_sub(first)).collect::<Vec<_>>(), steps, "one seed, one course");
}

#[test]
fn a_honeypot_answers_syn_ack_at_every_port() {
    let mut bench = Bench::new();
    for port in [0, 1, 80, 8081, 65535] {
        let answer = bench.ask(&tcp(HONEYPOT, port, "S")).remove(0);
        assert!(answer.contains(": SA seq ISS ack 1001"), "{port}: {answer}");
    }
}

#[test]
fn a_port_opens_a_minute_after_the_first_segment_whenever_that_comes() {
    let mut bench = Bench::new();
    bench.lab.sleep(Duration::from_mins(2));
    let mut ask = |port| bench.ask(&tcp(LATER, port, "S")).remove(0);
    for _ in 0..6 {
        assert!(ask(8080).contains(": RA seq 0"), "closed; ten seconds pass");
    }
    assert!(ask(8080).contains(": SA seq ISS"));
    assert!(ask(8081).contains(": RA seq 0"));
}

#[test]
fn resets_are_limited_and_open_ports_are_not() {
    let mut bench = Bench::new();
    (1000..1300).for_each(|port| bench.send(&tcp(RST_LIMIT, port, "S")));
    bench.send(&tcp(RST_LIMIT, 80, "S"));
    let answers: Vec<_> = bench.incoming().iter().map(|bytes| describe(bytes)).collect();
    assert_eq!(answers.iter().filter(|line| line.contains(": RA ")).count(), 200);
    assert_eq!(answers.iter().filter(|line| line.contains(": SA ")).count(), 1);
    assert_eq!(bench.ask(&tcp(RST_LIMIT, 81, "S")).len(), 1, "ten seconds later");
}

#[test]
fn a_lossy_cable_loses_three_in_ten_each_way() {
    let mut bench = Bench::new();
    (0..400).for_each(|_| bench.send(&echo(LOSSY, 64)));
    let count = bench.incoming().len();
    assert!((170..222).contains(&count), "{count}: 49 % are to be expected");
}

#[test]
fn a_flood_of_answers_is_heard_whole() {
    let mut bench = Bench::new();
    let mut heard = 0;
    for port in 1..=65535u16 {
        bench.send(&tcp([192, 0, 2, 40], port, "S"));
    }
    let until = bench.link.now() + Duration::from_secs(1);
    let count = |event: &Event<'_>| matches!(event, Event::Heard(frame) if !frame.outgoing);
    while bench.link.poll(until, &mut |event| heard += usize::from(count(&event))).unwrap() == Polled::Some {}
    assert_eq!((heard, bench.link.stats().dropped), (65535, 0));
}
