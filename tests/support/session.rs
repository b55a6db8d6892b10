//! A session in the laboratory whose words are kept instead of printed.
#![allow(dead_code, reason = "each test program uses its part")]

use std::cell::RefCell;
use std::rc::Rc;

use pktsh::engine::Network;
use pktsh::lab::Lab;
use pktsh::net::World;
use pktsh::script::{Console, Session, Settings, Signals};

/// What a session said.
#[derive(Clone, Default)]
pub(crate) struct Heard {
    /// Its output.
    pub(crate) printed: Rc<RefCell<Vec<String>>>,
    /// Its accounts and remarks.
    pub(crate) noted: Rc<RefCell<Vec<String>>>,
    /// Both, as they come on a screen.
    pub(crate) screen: Rc<RefCell<Vec<String>>>,
}

impl Console for Heard {
    fn print(&self, text: &str) {
        self.printed.borrow_mut().push(text.to_owned());
        self.screen.borrow_mut().push(text.to_owned());
    }
    fn note(&self, text: &str) {
        self.noted.borrow_mut().push(text.to_owned());
        self.screen.borrow_mut().push(text.to_owned());
    }
    fn width(&self) -> usize {
        120
    }
}

/// A session with the laboratory alone, and what it says.
pub(crate) fn lab_session() -> (Session, Heard) {
    session_with(vec![Box::new(Lab::new(1))], Signals::default())
}

/// A session with these worlds.
pub(crate) fn session_with(worlds: Vec<Box<dyn World>>, signals: Signals) -> (Session, Heard) {
    let heard = Heard::default();
    let session = Session::new(Settings {
        network: Network::new(worlds, 1),
        plan: Some(pktsh::lab::Plan::builtin()),
        console: Box::new(heard.clone()),
        signals,
        memory: || None,
        most_memory: 1 << 30,
        accounts: true,
        watchers: pktsh::scan::Watchers::default(),
        command: None,
    });
    (session, heard)
}

/// Runs `work` on a thread with the stack that the program gives its interpreter.
pub(crate) fn with_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(work).expect("a thread");
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
