//! Every figure of speed and size, each beside what it is compared with, in one run.
//!
//! ```text
//! cargo bench --bench peers                       all of them
//! cargo bench --bench peers -- library sr1        those with one of these words in their names
//! cargo bench --bench peers -- --write            writes benches/FIGURES.md as well
//! ```
//!
//! A figure is a [`Row`] of data in one of the files here; [`harness`] runs the rows.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program that prints figures, and ends when one cannot be taken"
)]

mod captures;
mod harness;
mod lab;
mod library;
mod program;
mod scan;
mod scapy;
mod script;
#[path = "../../tests/support/session.rs"]
mod session;
#[path = "../../tests/support/wire.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the tests, which use the rest")]
mod wire;
mod wired;

use harness::Row;

fn main() {
    let mut args = std::env::args().skip_while(|arg| arg != "--blast").skip(1);
    if let Some(most) = args.next() {
        return captures::send_blast(most.parse().unwrap());
    }
    let all = [program::ROWS, script::ROWS, library::ROWS, lab::ROWS, wired::ROWS, scan::ROWS, captures::ROWS];
    let rows: Vec<&Row> = all.into_iter().flatten().collect();
    harness::main(&rows);
}
