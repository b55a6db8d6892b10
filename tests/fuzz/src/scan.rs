//! Any answers to a scan: none stops it, or makes it panic; and any texts of targets, ports and reports.
//!
//! An input is a text for the specifications and the report's reader, whose first byte chooses the kind of scan as well;
//! three of its bytes at a time then change an answer that is heard: where, by which bits, and where it is cut.
#![no_main]

#[path = "../../support/between.rs"]
mod between;
mod seeds;

use std::cell::RefCell;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

use between::{Between, Middle};
use libfuzzer_sys::fuzz_target;
use pktsh::base::ports::PortSpec;
use pktsh::base::services::Services;
use pktsh::base::targets::{from_file, targets};
use pktsh::engine::Network;
use pktsh::lab::Lab;
use pktsh::net::{Event, Frame};
use pktsh::scan::kinds::{KINDS, Probe};
use pktsh::scan::report::read::read;
use pktsh::scan::targets::wanted;
use pktsh::scan::{Chosen, News, Request, Scanner};

/// More news than any scan of so few ports has.
const MOST_NEWS: usize = 10_000;

fuzz_target!(init: seeds::write(texts), |input: &[u8]| {
    let text = String::from_utf8_lossy(input);
    specifications(&text);
    let Some((&first, edits)) = input.split_first() else { return };
    let kind = &KINDS[usize::from(first) % KINDS.len()];
    let mut network = Network::new(vec![Box::new(Lab::new(1))], 1);
    let edits = Rc::new(RefCell::new(edits.to_vec()));
    network.wrap_links(move |link| Ok(Box::new(Between { link, middle: Edits(Rc::clone(&edits)) })));
    let hosts = if kind.probe == Probe::Idle { "linux.lab" } else { "linux.lab,reject.lab,2001:db8::36,far.lab" };
    let mut request = Request::new();
    request.targets = wanted(&network, hosts, "", false, &|_| Err(String::new())).expect("they are there");
    request.kinds = vec![(Chosen::of(kind), Arc::from([22, 80, 81, 1, 58, 132, 36412]))];
    request.zombie = (kind.probe == Probe::Idle).then(|| (IpAddr::from([192, 0, 2, 30]).into(), 80));
    let mut scanner = Scanner::new(&mut network, request).expect("it can begin");
    let mut news = 0;
    while scanner.next(&mut network).is_ok_and(|told| told != News::Ended) {
        news += 1;
        assert!(news < MOST_NEWS, "{}: it does not end", kind.name);
    }
});

/// Each is read, or refused with a place in the text.
fn specifications(text: &str) {
    let ports = PortSpec::parse(text, &Services::default()).err();
    for error in [ports, targets(text).err(), from_file(text).err()].into_iter().flatten() {
        assert!(text.get(error.at.clone()).is_some(), "{:?} is no part of {text:?}: {}", error.at, error.message);
        assert!(!error.message.chars().any(char::is_control), "{:?}", error.message);
    }
    let _ = read(text.as_bytes());
}

/// Changes frames before they are heard.
struct Edits(Rc<RefCell<Vec<u8>>>);

impl Middle for Edits {
    fn hear(&mut self, event: Event<'_>, on: &mut dyn FnMut(Event<'_>)) {
        let edit = next_edit(&mut self.0.borrow_mut());
        if let (Event::Heard(frame), Some([at, bits, end])) = (&event, edit) {
            let mut bytes = frame.bytes.to_vec();
            if let Some(byte) = bytes.get_mut(usize::from(at)) {
                *byte ^= bits;
            }
            bytes.truncate(usize::from(end).max(14));
            on(Event::Heard(Frame { bytes: &bytes, ..*frame }));
        }
        on(event);
    }
}

/// The next three bytes.
fn next_edit(edits: &mut Vec<u8>) -> Option<[u8; 3]> {
    let edit = *edits.first_chunk()?;
    edits.drain(..edit.len());
    Some(edit)
}

/// Texts of all forms, and an input for each kind.
fn texts() -> Vec<Vec<u8>> {
    let lines = [
        "22,80-90,http*,T:53,U:53,[-1024],-100,60000-",
        "web.lab 192.0.2.0/28, 10.0.0-3.1,7 2001:db8::1-2001:db8::9 fe80::1%lab0 @hosts.txt # more",
        r#"{"host":"192.0.2.20","port":80,"proto":"tcp","kind":"syn","state":"open","reason":"syn-ack","reason_ip":null,"ttl":64,"tries":1,"rtt_us":300,"service":"http"}"#,
    ];
    let kinds = (0..KINDS.len() as u8).map(|kind| [&[kind][..], &[34, 1, 255, 40, 128, 60, 23, 7, 255]].concat());
    lines.iter().map(|line| line.as_bytes().to_vec()).chain(kinds).collect()
}
