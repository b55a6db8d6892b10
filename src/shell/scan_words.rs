//! The words of `pktsh scan`: an option for each keyword of the scans, and the script line that they become.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use super::cli::Options;
use super::nmap_words::{PING, dashed};
use crate::base::nearest::did_you_mean;
use crate::base::ports::PortSpec;
use crate::base::services::Services;
use crate::base::targets::targets;
use crate::base::text::{escape, is_unsafe, literal};
use crate::scan::Shard;
use crate::scan::kinds::KINDS;
use crate::scan::report::{FORMATS, Format};
use crate::script::Kind;
use crate::script::surface;
use crate::script::surface::scans::{KEYWORDS, Keyword};

/// What `pktsh scan` is asked for.
#[derive(Clone, Debug)]
pub(super) struct ScanWords {
    /// What the session is made with.
    pub(super) options: Options,
    /// Reports: the form, and the file.
    pub(super) reports: Vec<(&'static Format, PathBuf)>,
    /// Only open ports are shown.
    pub(super) open: bool,
    targets: Vec<String>,
    /// Keywords and their values as they were typed.
    given: Vec<(&'static str, Kind, Vec<String>)>,
}

/// The keywords of `scan` that are options here: not what the session has an option for, and no functions.
fn own_keywords(command: &Command) -> Vec<&'static Keyword> {
    let params = surface::all().find(|func| func.name == "scan").map_or(&[][..], |func| func.params);
    let is_its = |key: &&Keyword| params.iter().any(|param| param.name == key.param.name);
    let is_taken = |key: &&Keyword| command.get_arguments().any(|arg| arg.get_id() == key.param.name);
    let is_free = |key: &&Keyword| !is_taken(key) && key.param.kind != Kind::Function && key.param.default.is_some();
    KEYWORDS.iter().filter(is_its).filter(is_free).collect()
}

impl Args for ScanWords {
    fn augment_args(command: Command) -> Command {
        let command = Options::augment_args(command);
        let targets = Arg::new("targets").value_name("TARGET").required(true).action(ArgAction::Append).num_args(1..);
        let targets = targets.help("Names, addresses, networks, ranges; @FILE has one a line [Nmap: -iL FILE]");
        let keywords = own_keywords(&command);
        let command = keywords.into_iter().fold(command.arg(targets), |command, key| command.arg(option(key)));
        FORMATS.iter().fold(command, |command, format| command.arg(report(format)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// The option of a keyword.
fn option(key: &'static Keyword) -> Arg {
    let Keyword { param, nmap } = key;
    let (long_ones, letters): (Vec<_>, Vec<_>) =
        nmap.iter().map(|(option, _)| *option).partition(|option| option.starts_with("--"));
    let letters = letters.join(" ");
    let hint = if letters.is_empty() { String::new() } else { format!(" [Nmap: {letters}]") };
    let long = dashed(param.name);
    let same = long_ones.iter().filter_map(|option| option.strip_prefix("--")).chain([param.name]);
    let same: Vec<&str> = same.filter(|name| *name != long).collect();
    let arg = Arg::new(param.name).long(long).aliases(same).help(format!("{}{hint}", param.doc.trim_end_matches('.')));
    match param.kind {
        // `--open`, `--open=false`.
        Kind::Bool => arg.num_args(0..=1).require_equals(true).default_missing_value("true").value_name("BOOL"),
        _ => arg.action(ArgAction::Append).allow_hyphen_values(true).value_name(value_name(param.kind)),
    }
}

fn value_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Count => "N",
        Kind::Seconds => "SECONDS",
        Kind::Packet => "PACKET",
        _ => "WORD",
    }
}

fn report(format: &'static Format) -> Arg {
    let hint = format.nmap.map_or_else(String::new, |letters| format!(" [Nmap: {letters}]"));
    let arg = Arg::new(format.name).long(format.name).value_name("FILE").help(format!("{}{hint}", format.doc));
    arg.value_parser(clap::value_parser!(PathBuf)).action(ArgAction::Append)
}

impl FromArgMatches for ScanWords {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let texts = |name: &str| -> Vec<String> {
            let values = matches.try_get_many::<String>(name).ok().flatten();
            values.map(|values| values.cloned().collect()).unwrap_or_default()
        };
        let options = Options::from_arg_matches(matches)?;
        let keywords = own_keywords(&Options::augment_args(Command::new("scan")));
        let given: Vec<_> =
            keywords.into_iter().map(|key| (key.param.name, key.param.kind, texts(key.param.name))).collect();
        let files = |format: &'static Format| {
            let paths = matches.get_many::<PathBuf>(format.name).into_iter().flatten();
            paths.map(move |path| (format, path.clone()))
        };
        Ok(Self {
            options,
            reports: FORMATS.iter().flat_map(files).collect(),
            open: texts("open").iter().any(|value| value == "true"),
            targets: texts("targets"),
            given: given.into_iter().filter(|(.., values)| !values.is_empty()).collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl ScanWords {
    /// The script line that does it: `scan("web.lab", kind=["syn"], ports="22,80")`. `Err` says which value is wrong.
    pub(super) fn line(&self, services: &Services) -> Result<String, String> {
        check("targets", &self.targets, services)?;
        self.given.iter().try_for_each(|(name, _, values)| check(name, values, services))?;
        self.check_resume()?;
        let names = self.given.iter().filter(|(name, ..)| *name == "kind").flat_map(|(.., values)| values);
        let kinds: Vec<&str> = names.flat_map(|value| value.split([',', '+'])).map(str::trim).collect();
        if kinds.len() > 1 && kinds.contains(&PING) {
            return Err("ping looks for hosts only, and before every scan: leave it out, or all other kinds".into());
        }
        let is_ping = |(name, _, values): &&(&str, Kind, Vec<String>)| *name == "kind" && *values == [PING];
        let function = if self.given.iter().any(|given| is_ping(&given)) { "ping_scan" } else { "scan" };
        let mut args = vec![list(&self.targets.iter().map(|text| quoted(text)).collect::<Result<Vec<_>, _>>()?)];
        for (name, kind, values) in self.given.iter().filter(|given| !is_ping(given)) {
            let values = values.iter().map(|value| typed(name, *kind, value)).collect::<Result<Vec<_>, _>>()?;
            args.push(format!("{name}={}", list(&values)));
        }
        Ok(format!("{function}({})", args.join(", ")))
    }

    /// A report is begun anew: it would empty the file that the scan goes on from.
    fn check_resume(&self) -> Result<(), String> {
        let files: Vec<&str> =
            self.given.iter().filter(|(name, ..)| *name == "resume").flat_map(|given| &given.2).map(|s| &**s).collect();
        let [file] = files[..] else {
            return if files.is_empty() { Ok(()) } else { Err("--resume takes one file".into()) };
        };
        let same = |path: &PathBuf| {
            path == Path::new(file)
                || path.canonicalize().is_ok_and(|a| Path::new(file).canonicalize().is_ok_and(|b| a == b))
        };
        match self.reports.iter().find(|(_, path)| same(path)) {
            Some((format, _)) => Err(format!(
                "--resume and --{} cannot share \"{}\": the first is a report of its own, in JSON lines",
                format.name,
                escape(file)
            )),
            None => Ok(()),
        }
    }
}

/// One value, or a list of several.
fn list(values: &[String]) -> String {
    match values {
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    }
}

/// Text as a script has it.
fn quoted(text: &str) -> Result<String, String> {
    if text.contains(is_unsafe) {
        return Err(format!("\"{}\": control characters are no part of a word", escape(text)));
    }
    Ok(literal(text.as_bytes()))
}

/// A value as a script has it.
fn typed(name: &str, kind: Kind, text: &str) -> Result<String, String> {
    let typed = match kind {
        Kind::Count => text.parse::<u32>().ok().map(|n| n.to_string()),
        Kind::Seconds => text.parse::<f64>().ok().filter(|n| (0.0..=1e9).contains(n)).map(|n| n.to_string()),
        Kind::Bool => text.parse::<bool>().ok().map(|b| b.to_string()),
        Kind::Packet => Some(text.to_owned()),
        _ => Some(quoted(text)?),
    };
    let wrong = || format!("--{} takes {}, found \"{}\"", dashed(name), kind.words(), escape(text));
    typed.ok_or_else(wrong)
}

/// Looks at one value of an option.
type Check = fn(&str, &Services) -> Result<(), String>;

/// What is looked at before anything is opened: a wrong word is wrong usage, not a failure of the scan.
const CHECKS: &[(&str, Check)] = &[
    ("targets", |text, _| targets(text).map(drop).map_err(|e| e.to_string())),
    ("exclude", |text, _| targets(text).map(drop).map_err(|e| e.to_string())),
    ("ports", |text, services| PortSpec::parse(text, services).map(drop).map_err(|e| e.to_string())),
    ("shard", |text, _| text.parse::<Shard>().map(drop).map_err(|e| format!("--shard: {e}"))),
    ("kind", |text, _| text.split([',', '+']).try_for_each(|name| kind(name.trim()))),
];

/// Looks for a kind.
fn kind(name: &str) -> Result<(), String> {
    let names = || KINDS.iter().map(|kind| kind.name).chain([PING]);
    if names().any(|known| known == name) {
        return Ok(());
    }
    let hint = did_you_mean(name, names());
    let hint = if hint.is_empty() { format!("; there are {}", names().collect::<Vec<_>>().join(", ")) } else { hint };
    Err(format!("no kind of scan \"{}\"{hint}", escape(name)))
}

/// Looks at the values of an option.
fn check(name: &str, values: &[String], services: &Services) -> Result<(), String> {
    let checks = CHECKS.iter().filter(|(checked, _)| *checked == name);
    let mut all = checks.flat_map(|(_, check)| values.iter().map(move |value| check(value, services)));
    all.try_for_each(|checked| checked)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::shell::nmap_words::translate;

    #[derive(Parser)]
    struct Words {
        #[command(flatten)]
        scan: ScanWords,
    }

    fn line(words: &str) -> Result<String, String> {
        let words = words.split(' ').map(|word| word.replace('_', " "));
        let ours = translate(words)?;
        let read = Words::try_parse_from(std::iter::once("scan".to_owned()).chain(ours)).map_err(|e| e.to_string())?;
        read.scan.line(&Services::default())
    }

    /// What is typed (with `_` for a blank), and the script line.
    const ROWS: &[(&str, &str)] = &[
        ("web.lab", r#"scan("web.lab")"#),
        ("web.lab 192.0.2.0/24", r#"scan(["web.lab", "192.0.2.0/24"])"#),
        ("web.lab -p 22,80", r#"scan("web.lab", ports="22,80")"#),
        ("-sS web.lab -p-", r#"scan("web.lab", ports="-", kind="syn")"#),
        ("web.lab -sSU", r#"scan("web.lab", kind=["syn", "udp"])"#),
        ("web.lab --kind syn,fin", r#"scan("web.lab", kind="syn,fin")"#),
        ("web.lab --kind syn --kind fin", r#"scan("web.lab", kind=["syn", "fin"])"#),
        ("-sn 192.0.2.0/24", r#"ping_scan("192.0.2.0/24")"#),
        ("web.lab --top-ports 10", r#"scan("web.lab", top_ports=10)"#),
        ("web.lab --timeout .5 --retry 03", r#"scan("web.lab", retry=3, timeout=0.5)"#),
        ("web.lab -Pn -6 --open -n", r#"scan("web.lab", discover=false, ipv6=true, open=true)"#),
        ("web.lab --discover=false --open=false", r#"scan("web.lab", discover=false, open=false)"#),
        ("-T4 -iL hosts.txt", r#"scan("@hosts.txt", timing="4")"#),
        ("web.lab --probe IP(ttl=12)/TCP()", r#"scan("web.lab", probe=IP(ttl=12)/TCP())"#),
        ("-sI zombie.lab:81 web.lab", r#"scan("web.lab", kind="idle", zombie="zombie.lab", zombie_port=81)"#),
        ("web.lab -oX out.xml --json -", r#"scan("web.lab")"#),
        ("web.lab --shard 1/4 --resume a.json", r#"scan("web.lab", shard="1/4", resume="a.json")"#),
        ("10.0.0.0/30 --exclude 10.0.0.1,10.0.0.2", r#"scan("10.0.0.0/30", exclude="10.0.0.1,10.0.0.2")"#),
    ];

    #[test]
    fn words_become_a_script_line() {
        for (words, wanted) in ROWS {
            assert_eq!(line(words).as_deref(), Ok(*wanted), "{words}");
        }
    }

    #[test]
    fn wrong_words_are_named() {
        let rows = [
            ("web.lab -p 99999", "99999"),
            ("web.lab --retry many", "--retry takes a whole number, 0 or more, found \"many\""),
            ("web.lab --timeout nan", "--timeout takes seconds like 2 or 0.5, found \"nan\""),
            ("web.lab --open=perhaps", "--open takes true or false, found \"perhaps\""),
            ("192.0.2.0/33", "192.0.2.0/33"),
            ("web.lab --exclude 1.2.3.4/99", "1.2.3.4/99"),
            ("web.lab --zombie s\u{1b}yn", "control characters"),
            ("web.lab --shard 5/4", "--shard: pieces are counted from 1: of 4 there are 1 to 4, and no 5"),
            ("web.lab --shard 1:4", "--shard: a piece and their number are wanted, like 1/4, found \"1:4\""),
            ("web.lab --resume a --resume b", "--resume takes one file"),
            ("web.lab --resume a.json --json a.json", "--resume and --json cannot share \"a.json\""),
            ("web.lab --kind snyc", "no kind of scan \"snyc\"; did you mean \"syn\"?"),
            ("web.lab --kind zzz", "no kind of scan \"zzz\"; there are syn, connect"),
            ("web.lab --kind syn,ping", "ping looks for hosts only"),
            ("web.lab --prots 22", "--ports"),
        ];
        for (words, wanted) in rows {
            let said = line(words);
            assert!(said.as_ref().is_err_and(|said| said.contains(wanted)), "{words}: {said:?}");
        }
    }

    #[test]
    fn a_value_cannot_leave_its_quotes() {
        assert_eq!(
            line(r#"web.lab --zombie x");_exit(3);("#).as_deref(),
            Ok(r#"scan("web.lab", zombie="x\"); exit(3);(")"#)
        );
        assert_eq!(line(r"web.lab --zombie x\").as_deref(), Ok(r#"scan("web.lab", zombie="x\\")"#));
    }

    #[test]
    fn every_keyword_is_an_option() {
        let command = ScanWords::augment_args(Command::new("scan"));
        for key in own_keywords(&Command::new("scan")) {
            let has = command.get_arguments().any(|arg| arg.get_id() == key.param.name && arg.get_long().is_some());
            assert!(has, "{}", key.param.name);
        }
        command.debug_assert();
    }
}
