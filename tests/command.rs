//! `p.command()` is the line that makes `p` again: typed into a session, it does.

mod common;
#[path = "support/session.rs"]
mod support;

use common::{Manner, bytes, random};
use pktsh::layers::dissect;
use pktsh::packet::Packet;
use support::{lab_session, with_stack};

#[test]
fn the_command_of_a_packet_makes_it_again() {
    with_stack(|| {
        let (mut session, _) = lab_session();
        for seed in 0..600 {
            let manner = [Manner::Straight, Manner::Wild, Manner::Chaos][seed as usize % 3];
            let made = random(seed, manner);
            let read = dissect(made.layers()[0].desc(), &bytes(&made));
            for packet in [made, read] {
                let command = packet.command();
                let value = session.line(&command).unwrap_or_else(|t| panic!("seed {seed}: {command}\n{t}"));
                let again = value.try_cast::<Packet>().unwrap_or_else(|| panic!("seed {seed}: {command} is no packet"));
                assert_eq!(again.command(), command, "seed {seed}");
                assert_eq!(bytes(&again), bytes(&packet), "seed {seed}: {command}");
            }
        }
    });
}
