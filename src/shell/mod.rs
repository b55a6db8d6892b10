//! Floor 6: the prompt, printing, error carets, the command line.
//!
//! | file | what lives there |
//! |---|---|
//! | `cli` | the command line's words |
//! | `start` | a session made from the options: its networks, seed, recording |
//! | `signals` | Ctrl-C, and the thread that scripts run on |
//! | `prompt` | reading lines: history, completion, multi-line input |
//! | `print` | the only place that writes to the terminal |
//! | `trouble` | an error drawn with the user's line and a caret |
//! | `live` | the live line of a scan |
//! | `scan_command`, `scan_words`, `nmap_words` | `pktsh scan`: its words, and Nmap's, become a script line |
//! | `lab_command`, `recipes_command` | the commands that need no session |

mod cli;
mod lab_command;
mod live;
mod nmap_words;
mod print;
mod prompt;
mod recipes_command;
mod scan_command;
mod scan_words;
mod signals;
mod start;
mod trouble;

use std::io::{IsTerminal, Read};

use crate::script::{Trouble, recipes};
use cli::{Cli, Command, Options, Task};
use print::Terminal;
use signals::Stop;
use start::Purpose;

/// Runs the program and gives its exit code: 0 done, 1 the script or the network failed, 2 wrong usage.
pub fn main() -> u8 {
    // Capabilities belong to threads, so this comes before there are others.
    #[cfg(target_os = "linux")]
    crate::net::live::drop_privileges();
    let cli = match Cli::read() {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let stop = Stop::default();
    signals::on_a_deep_stack(&stop.clone(), move || {
        let terminal = Terminal::new(stop.clone());
        print::quiet_panics();
        let result = run(&cli, &terminal, &stop);
        terminal.finish(result)
    })
}

fn run(cli: &Cli, terminal: &Terminal, stop: &Stop) -> Result<u8, Trouble> {
    let options = &cli.options;
    match cli.task(std::io::stdin().is_terminal()) {
        Task::Command(Command::Recipes { copy }) => recipes_command::run(terminal, copy.as_deref()),
        Task::Command(Command::Lab { command }) => lab_command::run(terminal, &command),
        Task::Command(Command::Scan(words)) => scan_command::run(terminal, stop, &words, cli.typed.clone()),
        Task::Prompt => prompt::run(
            &mut start::start(options, terminal, stop, Purpose { at_prompt: true, ..Purpose::default() })?,
            terminal,
        ),
        Task::Code { code, args } => evaluate(options, terminal, stop, &code, &args),
        Task::Script { name, args } => {
            let (name, text) = read(&name)?;
            let mut running = start::start(options, terminal, stop, Purpose::default())?;
            let _value = running.script(&name, &text, &args)?;
            Ok(running.session.exit_code().unwrap_or(0))
        }
    }
}

/// `-e CODE`: runs it and prints its value.
fn evaluate(options: &Options, terminal: &Terminal, stop: &Stop, code: &str, args: &[String]) -> Result<u8, Trouble> {
    let mut running = start::start(options, terminal, stop, Purpose::default())?;
    let value = running.script("-e", code, args)?;
    if let Some(text) = running.session.display(&value) {
        terminal.out(&text);
    }
    Ok(running.session.exit_code().unwrap_or(0))
}

/// The text of a script, and the name that messages use for it. `-` is standard input.
fn read(name: &str) -> Result<(String, String), Trouble> {
    if name != "-" {
        return recipes::find(name).map_err(misuse);
    }
    let mut bytes = Vec::new();
    let most = recipes::MOST_BYTES;
    let wrong = |what: String| Trouble::new(format!("cannot read standard input: {what}"));
    std::io::stdin().take(most + 1).read_to_end(&mut bytes).map_err(|e| wrong(e.to_string()))?;
    if bytes.len() as u64 > most {
        return Err(wrong(format!("more than {most} bytes are too many for a script")));
    }
    let text = String::from_utf8(bytes);
    let text = text.map_err(|e| wrong(format!("it is no UTF-8 text (byte {})", e.utf8_error().valid_up_to())))?;
    Ok(("<stdin>".into(), text))
}

/// A mistake on the command line.
fn misuse(message: impl Into<String>) -> Trouble {
    Trouble { code: 2, ..Trouble::new(message) }
}
