//! `pktsh lab list|show|check`: the laboratory, without a session.

use super::cli::LabCommand;
use super::print::Terminal;
use super::start::read_plan;
use crate::lab::Plan;
use crate::script::{Console, Trouble, table};

pub(super) fn run(terminal: &Terminal, command: &LabCommand) -> Result<u8, Trouble> {
    match command {
        LabCommand::List => terminal.out(&table::hosts(&Plan::builtin(), terminal.width())),
        LabCommand::Show { name } => {
            let text = Plan::builtin().show(name).map_err(|e| Trouble::new(e.to_string()))?;
            terminal.out(&text);
        }
        LabCommand::Check { file } => {
            let plan = read_plan(file)?;
            terminal.out(&format!("{}: {} hosts, nothing wrong", file.display(), plan.hosts().len()));
        }
    }
    Ok(0)
}
