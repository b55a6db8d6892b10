//! The command line's words.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};

use super::nmap_words::translate;
use super::scan_words::ScanWords;

const USAGE: &str = "\
pktsh [OPTIONS]                        the prompt
       pktsh [OPTIONS] FILE [ARGS]...         run a script (- is standard input), or a recipe by its name
       pktsh [OPTIONS] -e CODE [ARGS]...      run CODE and print its value
       pktsh scan TARGET... [-p PORTS] ...    which ports are open; pktsh scan --help
       pktsh recipes [--copy DIR]             the scripts inside the program
       pktsh lab list | show NAME [FILE]      the laboratory's hosts, or those of a file of one's own
       pktsh lab print | check FILE           the laboratory as a file to begin with, and whether one is right";

const EXAMPLES: &str = "\
Examples:
  pktsh                                        type help() there; Ctrl-D leaves
  pktsh syn-scanner web.lab 22,80,443          a recipe, in the laboratory, without root
  pktsh scan web.lab -p 22,80,443
  pktsh -e 'sr1(IP(\"web.lab\")/ICMP()).summary()'
  pktsh --pcap probe.pcap my-scan.rhai 192.0.2.10
  echo 'print(1 + 1)' | pktsh

Hosts in .lab and the documentation networks (192.0.2.0/24, 198.51.100.0/24, 203.0.113.0/24) are simulated.
A script called like a command (scan, recipes, lab) is run as ./recipes.
Exit code: 0 done, 1 the script or the network failed, 2 wrong usage.";

const SCAN_EXAMPLES: &str = "\
Examples:
  pktsh scan web.lab                           the usual 100 ports, in the laboratory
  pktsh scan web.lab,drop.lab -p 22,80,8000-8100 --open
  pktsh scan 192.0.2.0/24 --kind ping          which hosts are up (-sn)
  pktsh scan fw.lab --kind syn,ack,fin         several kinds, read together
  pktsh scan localhost -p- --json - | head     one object a line, as they come
  pktsh scan web.lab -sS -sU -oX out.xml       Nmap's letters work
  pktsh scan web.lab --probe 'IP(ttl=12)/TCP(window=1024)'

The table goes to standard output, or the report that is written to - or /dev/stdout in
its place; the live line and the totals go to standard error.
Ctrl-C ends a scan: what was found is shown and in the reports, which are closed.
Exit code: 0 done, 1 the scan failed, 2 wrong usage, 130 ended by Ctrl-C.";

/// An interactive packet shell: build packets, send them, read the answers.
#[derive(Debug, Parser)]
#[command(name = "pktsh", version, override_usage = USAGE, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub(super) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,

    #[command(flatten)]
    pub(super) options: Options,

    /// Run CODE and print its value
    #[arg(short = 'e', value_name = "CODE")]
    code: Option<String>,

    /// The whole line as it was typed, for reports
    #[arg(skip)]
    pub(super) typed: String,

    /// A script or recipe and its arguments (`args` in the script)
    #[arg(value_name = "FILE", trailing_var_arg = true)]
    words: Vec<String>,
}

/// The words of the command line, Nmap's of a scan put into ours.
fn ours(mut words: Vec<OsString>) -> Result<Vec<OsString>, clap::Error> {
    scan_first(&mut words);
    if words.get(1).is_none_or(|word| word != "scan") {
        return Ok(words);
    }
    let nmap = words.split_off(2).into_iter().map(|word| word.to_string_lossy().into_owned());
    match translate(nmap) {
        Ok(ours) => words.extend(ours.into_iter().map(OsString::from)),
        Err(said) => {
            let mut command = Cli::command();
            command.build();
            let scan = command.find_subcommand_mut("scan").cloned();
            return Err(scan.unwrap_or(command).error(ErrorKind::InvalidValue, said));
        }
    }
    Ok(words)
}

/// `pktsh --live scan ..` is `pktsh scan --live ..`: a scan takes the options of a session, too.
fn scan_first(words: &mut [OsString]) {
    let options = Options::augment_args(clap::Command::new("pktsh"));
    let named = |word: &str| {
        let name = word.split('=').next().unwrap_or_default();
        options.get_arguments().find(|arg| {
            arg.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long))
                || arg.get_short().is_some_and(|short| name.strip_prefix('-') == Some(&short.to_string()))
        })
    };
    let mut at = 1;
    while let Some(word) = words.get(at).and_then(|word| word.to_str()).filter(|word| word.starts_with('-')) {
        let Some(arg) = named(word) else { return };
        let takes_next = arg.get_action().takes_values() && !arg.is_require_equals_set() && !word.contains('=');
        at += 1 + usize::from(takes_next);
    }
    if words.get(at).is_some_and(|word| word == "scan") {
        words[1..=at].rotate_right(1);
    }
}

/// The line as it was typed, with the program's bare name. Words with blanks are in quotes.
fn typed(words: &[OsString]) -> String {
    let words = words.iter().skip(1).map(|word| {
        let word = word.to_string_lossy();
        if word.is_empty() || word.contains(char::is_whitespace) { format!("'{word}'") } else { word.into_owned() }
    });
    std::iter::once("pktsh".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// What a session is made with.
#[derive(Args, Clone, Debug)]
pub(super) struct Options {
    /// Only the laboratory; with =FILE one of your own
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, conflicts_with = "live")]
    #[allow(clippy::option_option, reason = "clap's form for an option whose value may be left out")]
    pub(super) lab: Option<Option<PathBuf>>,

    /// Only the real network
    #[arg(long)]
    pub(super) live: bool,

    /// The interface to use, with --live
    #[arg(short, long, value_name = "IFACE", requires = "live")]
    pub(super) iface: Option<String>,

    /// Where random values start: the same number, the same run [default: 1 in the laboratory, the clock elsewhere]
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,

    /// Record all packets in a capture file
    #[arg(long, value_name = "FILE")]
    pub(super) pcap: Option<PathBuf>,

    /// Public addresses may be probed without asking
    #[arg(long)]
    pub(super) public: bool,
}

/// Commands.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Find out which ports of which hosts are open
    #[command(after_help = SCAN_EXAMPLES)]
    Scan(ScanWords),
    /// List the scripts inside the program, or copy them
    Recipes {
        /// Write them into this folder
        #[arg(long, value_name = "DIR")]
        copy: Option<PathBuf>,
    },
    /// The laboratory: its hosts, a file of one's own
    Lab {
        #[command(subcommand)]
        command: LabCommand,
    },
}

/// What `pktsh lab` does.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum LabCommand {
    /// List the hosts
    List {
        /// Those of this laboratory file
        file: Option<PathBuf>,
    },
    /// Show everything about one host
    Show {
        /// Its name, as web.lab
        name: String,
        /// The laboratory file that it is in
        file: Option<PathBuf>,
    },
    /// Print the built-in laboratory as a file, to begin with
    Print,
    /// Check a laboratory file
    Check {
        /// The file, as --lab=FILE takes it
        file: PathBuf,
    },
}

/// What to do.
#[derive(Debug)]
pub(super) enum Task {
    Prompt,
    Code { code: String, args: Vec<String> },
    Script { name: String, args: Vec<String> },
    Command(Command),
}

impl Cli {
    /// Reads the command line. `Err` is the exit code after clap has said what is wrong, or has shown the help.
    pub(super) fn read() -> Result<Self, u8> {
        let words: Vec<OsString> = std::env::args_os().collect();
        let typed = typed(&words);
        let read = ours(words).and_then(Self::try_parse_from).map_err(|error| {
            let _ = error.print(); // a closed pipe is no failure
            u8::try_from(error.exit_code()).unwrap_or(2)
        });
        read.map(|cli| Self { typed, ..cli })
    }

    /// What the words ask for. Input that is no terminal is a script.
    pub(super) fn task(&self, is_terminal: bool) -> Task {
        let mut words = self.words.iter().cloned();
        match (&self.command, &self.code) {
            (Some(command), _) => Task::Command(command.clone()),
            (None, Some(code)) => Task::Code { code: code.clone(), args: words.collect() },
            (None, None) => match words.next() {
                Some(name) => Task::Script { name, args: words.collect() },
                None if is_terminal => Task::Prompt,
                None => Task::Script { name: "-".into(), args: Vec::new() },
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_s_options_may_come_before_a_scan() {
        let rows = [
            ("pktsh --live -i eth0 scan 10.0.0.1 -p 22", "pktsh scan --live -i eth0 10.0.0.1 -p 22"),
            ("pktsh --lab=a.toml --seed 7 scan x.lab", "pktsh scan --lab=a.toml --seed 7 x.lab"),
            ("pktsh --lab scan web.lab", "pktsh scan --lab web.lab"),
            ("pktsh --pcap scan port-scan.rhai", "pktsh --pcap scan port-scan.rhai"),
            ("pktsh -e scan scan", "pktsh -e scan scan"),
            ("pktsh --seed", "pktsh --seed"),
        ];
        for (typed, wanted) in rows {
            let mut words: Vec<OsString> = typed.split(' ').map(OsString::from).collect();
            scan_first(&mut words);
            assert_eq!(words, wanted.split(' ').map(OsString::from).collect::<Vec<_>>(), "{typed}");
        }
    }
}
