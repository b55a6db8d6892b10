//! Takes the figures: each side warms up, then the sides take turns, and the median of the turns counts.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::wire::Wire;

/// Turns of each side.
const TURNS: usize = 7;
/// How long one turn of a [`rate`] takes, about.
const TURN: Duration = Duration::from_millis(300);

/// One figure.
pub(crate) struct Row {
    /// What is measured, in words.
    pub(crate) name: &'static str,
    /// What is asked of it, if anything.
    pub(crate) asked: Option<f64>,
    /// What it is counted in.
    pub(crate) unit: Unit,
    /// Whether it needs a wire: then it is taken at the client's end of one.
    pub(crate) wired: bool,
    /// Ours.
    pub(crate) ours: Start,
    /// What it is compared with.
    pub(crate) peers: &'static [Peer],
}

/// A name and a measure.
pub(crate) type Peer = (&'static str, Start);

/// Prepares a side of a comparison and warms it up; `None` when it is not on this machine.
pub(crate) type Start = fn() -> Option<Measure>;

/// Takes one turn and gives its figure.
pub(crate) type Measure = Box<dyn FnMut() -> f64>;

/// What a figure is counted in.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Unit {
    /// Times a second: more is better.
    PerSecond,
    /// Microseconds.
    Micros,
    /// Milliseconds.
    Millis,
    /// Millions of bytes.
    Megabytes,
    /// Bytes.
    Bytes,
    /// A share, in percent: more is better.
    Percent,
}

impl Unit {
    fn write(self, n: f64) -> String {
        match self {
            Self::PerSecond if n >= 1e6 => format!("{:.2} M/s", n / 1e6),
            Self::PerSecond if n >= 1e5 => format!("{:.0} k/s", n / 1e3),
            Self::PerSecond => format!("{:.1} k/s", n / 1e3),
            Self::Micros if n >= 1e4 => format!("{:.1} ms", n / 1e3),
            Self::Micros => format!("{n:.1} µs"),
            Self::Millis => format!("{n:.1} ms"),
            Self::Megabytes => format!("{n:.1} MB"),
            Self::Bytes => format!("{n:.0} bytes"),
            Self::Percent => format!("{n:.2} %"),
        }
    }

    fn asked(self, n: f64) -> String {
        let sign = if self.is_better_large() { "≥" } else { "≤" };
        format!("{sign} {}", self.write(n).replace(".00", "").replace(".0 ", " "))
    }

    /// How many times better `ours` is than `theirs`.
    fn ratio(self, ours: f64, theirs: f64) -> f64 {
        if self.is_better_large() { ours / theirs } else { theirs / ours }
    }

    fn is_better_large(self) -> bool {
        matches!(self, Self::PerSecond | Self::Percent)
    }
}

/// The figures of one side, sorted.
struct Figures(Vec<f64>);

impl Figures {
    fn median(&self) -> f64 {
        self.0[self.0.len() / 2]
    }

    fn write(&self, unit: Unit) -> String {
        let [low, high] = [self.0[0], self.0[self.0.len() - 1]].map(|n| unit.write(n));
        let (low, end) = low.split_once(' ').unwrap();
        let low = if high.ends_with(end) { low.to_owned() } else { format!("{low} {end}") };
        format!("{} ({low} to {high})", unit.write(self.median()))
    }
}

/// A measure of how often `work` runs in a second; it runs as often as fills a turn.
pub(crate) fn rate(mut work: impl FnMut() + 'static) -> Measure {
    let mut rounds = 1;
    // Warms up, and finds how many those are.
    while each(rounds, &mut work) * f64::from(rounds) < TURN.as_secs_f64() / 2.0 {
        rounds *= 2;
    }
    Box::new(move || 1.0 / each(rounds, &mut work))
}

/// Seconds for one run of `work`, over so many.
pub(crate) fn each(rounds: u32, mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..rounds).for_each(|_| work());
    start.elapsed().as_secs_f64() / f64::from(rounds)
}

/// What is on the command line.
struct Asked {
    words: Vec<String>,
    write: bool,
    inside: bool,
}

/// Takes the figures that the command line asks for.
pub(crate) fn main(rows: &[&Row]) {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let has = |flag: &str| args.iter().any(|arg| arg == flag);
    // `cargo bench` says `--bench`; `cargo test` does not, and only wants to see this build.
    if !has("--bench") || has("--test") {
        return;
    }
    let words = args.iter().filter(|arg| !arg.starts_with('-')).cloned().collect();
    let asked = Asked { words, write: has("--write"), inside: has("--inside") };
    let is_asked = |row: &Row| asked.words.is_empty() || asked.words.iter().any(|word| row.name.contains(&**word));
    let rows: Vec<&Row> = rows.iter().copied().filter(|row| is_asked(row)).collect();
    assert!(!asked.write || asked.words.is_empty(), "the file holds all figures: --write takes no names");
    if rows.iter().any(|row| row.wired) && !asked.inside {
        return again_inside(&args);
    }
    let mut table = Table::new();
    for row in rows {
        table.take(row);
    }
    if asked.write {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/FIGURES.md");
        std::fs::write(&file, table.page()).unwrap();
        println!("\nwritten to {}", file.display());
    }
}

/// Runs this program at the client's end of a wire.
fn again_inside(args: &[String]) {
    let wire = Wire::new();
    let program = std::env::current_exe().unwrap();
    let program = program.to_str().unwrap();
    // Where it may, it stays root: tcpdump wants to change its user, which a user namespace does not let it do.
    let may = wire.client_as_user("true").status().is_ok_and(|status| status.success());
    let mut command = if may { wire.client_as_user(program) } else { wire.client(program) };
    let status = command.args(args).arg("--inside").status().unwrap();
    assert!(status.success(), "the figures ended with {status}");
}

/// The figures as a table in Markdown, printed as they come.
struct Table {
    lines: String,
}

impl Table {
    fn new() -> Self {
        let mut table = Self { lines: String::new() };
        table.line(&["figure", "asked", "pktsh", "compared with", "its figure", "times better"].map(str::to_owned));
        table.line(&["---"; 6].map(str::to_owned));
        table
    }

    fn line(&mut self, cells: &[String; 6]) {
        let line = format!("| {} |", cells.join(" | "));
        println!("{line}");
        writeln!(self.lines, "{line}").unwrap();
    }

    /// One line for each peer.
    fn take(&mut self, row: &Row) {
        let ours = (row.ours)().unwrap_or_else(|| panic!("{} cannot be measured here", row.name));
        let (missing, present): (Vec<_>, Vec<_>) =
            row.peers.iter().map(|(name, start)| (*name, start())).partition(|(_, measure)| measure.is_none());
        let (names, measures): (Vec<_>, Vec<_>) = present.into_iter().unzip();
        let measures = std::iter::once(ours).chain(measures.into_iter().flatten()).collect();
        let mut figures = take_turns(measures).into_iter();
        let ours = figures.next().unwrap();
        let unit = row.unit;
        let asked = row.asked.map_or_else(String::new, |n| unit.asked(n));
        let mut left = [row.name.to_owned(), asked, ours.write(unit)];
        let mut say = |table: &mut Self, right: [String; 3]| {
            let [a, b, c] = std::mem::take(&mut left);
            let [d, e, f] = right;
            table.line(&[a, b, c, d, e, f]);
        };
        for (name, theirs) in names.into_iter().zip(figures) {
            let ratio = unit.ratio(ours.median(), theirs.median());
            let ratio = if ratio < 10.0 { format!("{ratio:.2}") } else { format!("{ratio:.0}") };
            say(self, [name.to_owned(), theirs.write(unit), ratio]);
        }
        for (name, _) in missing {
            say(self, [name.to_owned(), "not on this machine".to_owned(), String::new()]);
        }
        if row.peers.is_empty() {
            say(self, Default::default());
        }
    }

    /// What `benches/FIGURES.md` holds.
    fn page(&self) -> String {
        format!(
            "# Figures\n\nTaken by `cargo bench --bench peers -- --write` (two minutes; `benches/peers/`) on {}.\n\n\
             Each side warms up, then all sides of a row take turns, {TURNS} each: the median counts, with the range in \
             brackets. Figures depend on the machine and on what else it does; the last column says how many times \
             better pktsh is than what it is compared with in the same run. Below 1, pktsh is the slower one: \
             etherparse has the headers fixed at compile time, where a pktsh layer is a table that scripts fill by \
             name; and `send and recv alone` neither builds, routes, matches nor dissects.\n\n{}",
            machine(),
            self.lines
        )
    }
}

/// A B C A B C ..: whatever else the machine does meets all sides.
fn take_turns(mut measures: Vec<Measure>) -> Vec<Figures> {
    let mut figures: Vec<Vec<f64>> = vec![Vec::new(); measures.len()];
    for _ in 0..TURNS {
        for (measure, taken) in measures.iter_mut().zip(&mut figures) {
            taken.push(measure());
        }
    }
    for taken in &mut figures {
        taken.sort_by(f64::total_cmp);
    }
    figures.into_iter().map(Figures).collect()
}

/// Processor, cores, kernel, and the versions of what is compared with.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let model = info.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let scapy = crate::scapy::version().map_or_else(String::new, |v| format!(", Scapy {v}"));
    format!("{}, {cores} cores, Linux {}{scapy}", model.unwrap_or("an unknown processor"), kernel.trim())
}
