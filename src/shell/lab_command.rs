//! `pktsh lab list|show|print|check`: the laboratory, without a session.

use std::path::Path;

use super::cli::LabCommand;
use super::print::Terminal;
use super::start::read_plan;
use crate::lab::Plan;
use crate::script::{Console, Trouble, table};

pub(super) fn run(terminal: &Terminal, command: &LabCommand) -> Result<u8, Trouble> {
    match command {
        LabCommand::List { file } => terminal.out(&table::hosts(&plan(file.as_deref())?, terminal.width())),
        LabCommand::Show { name, file } => {
            let text = plan(file.as_deref())?.show(name).map_err(|e| Trouble::new(e.to_string()))?;
            terminal.out(&text);
        }
        LabCommand::Print => terminal.out(Plan::builtin_text().trim_end()),
        LabCommand::Check { file } => {
            let plan = read_plan(file)?;
            terminal.out(&format!("{}: {} hosts, nothing wrong", file.display(), plan.hosts().len()));
        }
    }
    Ok(0)
}

/// The plan in `file`, or the built-in one.
fn plan(file: Option<&Path>) -> Result<Plan, Trouble> {
    file.map_or_else(|| Ok(Plan::builtin()), read_plan)
}
