//! `pktsh lab list|show|check`: the laboratory, without a session.

use super::cli::LabCommand;
use super::print::Terminal;
use super::start::read_plan;
use crate::lab::Plan;
use crate::script::{Console, Trouble, table};

pub(super) fn run(terminal: &Terminal, command: &LabCommand) -> Result<u8, Trouble> {
    match command {
        LabCommand::List => terminal.out(&list(&Plan::builtin(), terminal.width())),
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

/// One row for each host.
fn list(plan: &Plan, width: usize) -> String {
    let rows = plan.list().into_iter().map(|host| {
        let addrs: Vec<String> = host.addrs.iter().map(ToString::to_string).collect();
        vec![host.name, addrs.join(", "), host.about]
    });
    table::table(width, &["host", "address", "about"], rows)
}
