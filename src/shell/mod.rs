//! Floor 6: the prompt, printing, error carets, the command line.

use crate::engine::Network;
use crate::lab::Lab;
use crate::net::World;
use crate::script::{Console, Session, Settings};

struct Terminal;

impl Console for Terminal {
    fn print(&self, text: &str) {
        anstream::println!("{text}");
    }
    fn note(&self, text: &str) {
        anstream::eprintln!("{text}");
    }
    fn width(&self) -> usize {
        100
    }
}

/// Runs the program.
pub fn main() -> u8 {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let worlds: Vec<Box<dyn World>> = vec![Box::new(Lab::new(1)), Box::new(crate::net::live::LiveWorld::new(None))];
    let mut session = Session::new(Settings {
        network: Network::new(worlds, 1),
        console: Box::new(Terminal),
        signals: Default::default(),
        memory: || None,
        most_memory: 1 << 30,
        accounts: true,
    });
    let result = if args[0] == "-e" {
        let mut last = Ok(rhai::Dynamic::UNIT);
        for line in args[1].split("@@") {
            last = session.line(line);
            match &last {
                Ok(v) => {
                    if let Some(t) = session.display(v) {
                        anstream::println!("{t}")
                    }
                }
                Err(e) => anstream::eprintln!(
                    "error: {e} {:?} {:?}",
                    e.place.as_ref().map(|p| (p.line, p.column, p.length)),
                    e.calls
                ),
            }
        }
        last
    } else {
        let (name, text) = crate::script::recipes::find(&args[0]).expect("script");
        session.script(&name, &text, &args[1..])
    };
    match result {
        Ok(_) => 0,
        Err(e) => {
            anstream::eprintln!("error: {e}");
            1
        }
    }
}
