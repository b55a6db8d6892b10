//! A session in the laboratory alone, and all that it prints.

use std::cell::RefCell;
use std::rc::Rc;

use pktsh::engine::Network;
use pktsh::lab::Lab;
use pktsh::script::{Console, Session, Settings};
use rhai::Dynamic;

/// Columns of the screen that is played.
const WIDTH: usize = 100;

/// A session in a fresh built-in laboratory, seed 1.
pub struct LabSession {
    /// The session itself.
    pub session: Session,
    screen: Screen,
}

/// What was printed: the script's output, and with `notes` the lines about what was done.
#[derive(Clone)]
struct Screen {
    text: Rc<RefCell<String>>,
    notes: bool,
}

impl Console for Screen {
    fn print(&self, text: &str) {
        *self.text.borrow_mut() += &format!("{text}\n");
    }

    fn note(&self, text: &str) {
        if self.notes {
            self.print(text);
        }
    }

    fn width(&self) -> usize {
        WIDTH
    }
}

impl LabSession {
    /// As a script has it: its output is what it prints.
    pub fn for_scripts() -> Self {
        Self::new(false)
    }

    /// As the prompt has it: each exchange ends in a line of account.
    pub fn for_lines() -> Self {
        Self::new(true)
    }

    fn new(accounts: bool) -> Self {
        let screen = Screen { text: Rc::default(), notes: accounts };
        let session = Session::new(Settings {
            network: Network::new(vec![Box::new(Lab::new(1))], 1),
            console: Box::new(screen.clone()),
            signals: Default::default(),
            memory: || None,
            most_memory: 1 << 30,
            accounts,
        });
        Self { session, screen }
    }

    /// Runs a script and gives what it printed; the error's words when it fails.
    pub fn script(&mut self, name: &str, text: &str, args: &[&str]) -> Result<String, String> {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        let result = self.session.script(name, text, &args);
        let printed = self.screen.text.take();
        result.map(|_| printed).map_err(|trouble| trouble.to_string())
    }

    /// Runs a line as the prompt does and gives what the screen shows: what it prints, then its value.
    pub fn line(&mut self, line: &str) -> Result<String, String> {
        let value: Dynamic = self.session.line(line).map_err(|trouble| trouble.to_string())?;
        let mut shown = self.screen.text.take();
        if let Some(value) = self.session.display(&value) {
            shown += &format!("{value}\n");
        }
        Ok(shown)
    }
}
