//! Nmap's options on our command line. They have several letters behind one hyphen, which no parser of ours takes:
//! they are put into our own words before. The tables are those of the kinds, the keywords and the reports.

use crate::scan::kinds::KINDS;
use crate::scan::report::FORMATS;
use crate::script::surface::scans::KEYWORDS;

/// The kind that only looks which hosts are up.
pub(super) const PING: &str = "ping";

/// Letters behind `-s` that are no kind of scan of a port.
const OTHER_SCANS: &[(&str, &str)] = &[("-sn", PING), ("-sP", PING)];

/// What pktsh does not do. Each may have letters behind it.
const REFUSED: &[&str] =
    &["-sV", "-sC", "-O", "-A", "--script", "--version-intensity", "--osscan-guess", "--traceroute"];

/// What pktsh does anyway, or has no use for.
const IGNORED: &[&str] = &["-v", "-vv", "-vvv", "-d", "-dd", "-n", "-r", "--reason", "--privileged"];

/// What one of Nmap's options becomes.
enum Means {
    /// Words of ours.
    Words(Vec<String>),
    /// This, with the next word, or the rest of this one, behind it.
    With(&'static str, String),
}

/// The words of `pktsh scan` with Nmap's put into ours. `Err` is what to say.
pub(super) fn translate(words: impl IntoIterator<Item = String>) -> Result<Vec<String>, String> {
    let mut ours = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        if word == "--" {
            ours.push(word);
            ours.extend(words.by_ref());
        } else if let Some(refused) = REFUSED.iter().find(|option| is_refused(&word, option)) {
            return Err(format!(
                "{refused}: pktsh scans ports and no more; --xml FILE feeds tools that look at services and systems"
            ));
        } else if !IGNORED.contains(&word.as_str()) {
            match scans(&word).or_else(|| fixed(&word)).or_else(|| valued(&word)) {
                None => ours.push(word),
                Some(Means::Words(more)) => ours.extend(more),
                Some(Means::With(prefix, value)) => {
                    let value = if value.is_empty() { words.next() } else { Some(value) };
                    let value = value.ok_or_else(|| format!("{word}: a value is missing behind it"))?;
                    ours.extend(own(prefix, &value));
                }
            }
        }
    }
    Ok(ours)
}

/// `--script=vuln`, `-sV`, also among the letters of `-sSV`.
fn is_refused(word: &str, option: &str) -> bool {
    let letters = option.strip_prefix("-s").filter(|letter| letter.len() == 1);
    let among = letters.is_some_and(|letter| word.strip_prefix("-s").is_some_and(|rest| rest.contains(letter)));
    among || word == option || word.strip_prefix(option).is_some_and(|rest| rest.starts_with('='))
}

/// `-sS`, `-sSU`: a kind for each letter. `-sI` takes the zombie.
fn scans(word: &str) -> Option<Means> {
    let letters = word.strip_prefix("-s").filter(|letters| !letters.is_empty())?;
    let mut kinds = Vec::new();
    for letter in letters.chars() {
        let option = format!("-s{letter}");
        let own = KINDS.iter().map(|kind| (kind.nmap, kind.name));
        let (_, kind) = own.chain(OTHER_SCANS.iter().copied()).find(|(nmap, _)| *nmap == option)?;
        kinds.push(format!("--kind={kind}"));
    }
    match letters {
        "I" => Some(Means::With(ZOMBIE, String::new())),
        // Which zombie is not said.
        _ if letters.contains('I') => None,
        _ => Some(Means::Words(kinds)),
    }
}

/// An option without a value of its own: `-Pn`, `-F`, `-p-`.
fn fixed(word: &str) -> Option<Means> {
    let (name, _, value) = letters().find(|(_, nmap, value)| *nmap == word && !["", LIST].contains(value))?;
    Some(Means::Words(vec![format!("--{}={value}", dashed(name))]))
}

/// An option with a value, behind it or in the next word: `-p 22`, `-p22`, `-oX FILE`, `-iL FILE`.
fn valued(word: &str) -> Option<Means> {
    let keys = letters().filter_map(|(name, nmap, value)| match value {
        LIST => Some((nmap, LIST)),
        "" => Some((nmap, name)),
        _ => None,
    });
    let files = FORMATS.iter().filter_map(|format| Some((format.nmap?, format.name)));
    let (nmap, name) =
        keys.chain(files).filter(|(nmap, _)| word.starts_with(nmap)).max_by_key(|(nmap, _)| nmap.len())?;
    Some(Means::With(name, word[nmap.len()..].to_owned()))
}

/// Nmap's letters for the keywords: the keyword, the letters, the value. Its long options are aliases of ours.
fn letters() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let all = KEYWORDS.iter().flat_map(|key| key.nmap.iter().map(|(nmap, value)| (key.param.name, *nmap, *value)));
    all.filter(|(_, nmap, _)| !nmap.starts_with("--"))
}

/// What is not `--name=value`.
const LIST: &str = "@";
const ZOMBIE: &str = "zombie";

/// An option with its value in our words.
fn own(name: &str, value: &str) -> Vec<String> {
    match name {
        LIST => vec![format!("@{value}")],
        ZOMBIE => {
            let (zombie, port) = value.rsplit_once(':').filter(|(host, _)| !host.contains(':')).unwrap_or((value, ""));
            let port = (!port.is_empty()).then(|| format!("--zombie-port={port}"));
            ["--kind=idle".to_owned(), format!("--zombie={zombie}")].into_iter().chain(port).collect()
        }
        name => vec![format!("--{}={value}", dashed(name))],
    }
}

/// A keyword as an option: `top-ports`.
pub(super) fn dashed(name: &str) -> String {
    name.replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nmap's words, and ours.
    const ROWS: &[(&str, &str)] = &[
        ("-sS", "--kind=syn"),
        ("-sT", "--kind=connect"),
        ("-sA", "--kind=ack"),
        ("-sW", "--kind=window"),
        ("-sM", "--kind=maimon"),
        ("-sF", "--kind=fin"),
        ("-sN", "--kind=null"),
        ("-sX", "--kind=xmas"),
        ("-sU", "--kind=udp"),
        ("-sY", "--kind=sctp-init"),
        ("-sZ", "--kind=sctp-cookie"),
        ("-sO", "--kind=protocol"),
        ("-sn", "--kind=ping"),
        ("-sSU", "--kind=syn --kind=udp"),
        ("-sI zombie.lab", "--kind=idle --zombie=zombie.lab"),
        ("-sI zombie.lab:81 web.lab", "--kind=idle --zombie=zombie.lab --zombie-port=81 web.lab"),
        ("-sI 2001:db8::7", "--kind=idle --zombie=2001:db8::7"),
        ("-p 22,80", "--ports=22,80"),
        ("-p22", "--ports=22"),
        ("-p-", "--ports=-"),
        ("-p -100", "--ports=-100"),
        ("-p-100", "--ports=-100"),
        ("-F", "--top-ports=100"),
        ("-Pn", "--discover=false"),
        ("-n -v -r --reason", ""),
        ("-6", "--ipv6=true"),
        ("-T4", "--timing=4"),
        ("-oX out.xml", "--xml=out.xml"),
        ("-oX -", "--xml=-"),
        ("-oG out -oNout", "--greppable=out --normal=out"),
        ("-iL hosts.txt", "@hosts.txt"),
        ("--open --top-ports 10 --exclude a", "--open --top-ports 10 --exclude a"),
        ("--kind syn web.lab", "--kind syn web.lab"),
        ("-sQ", "-sQ"),
        ("-sSI", "-sSI"),
        ("-- -sS", "-- -sS"),
    ];

    #[test]
    fn nmaps_words_become_ours() {
        for (nmap, ours) in ROWS {
            let translated = translate(nmap.split_whitespace().map(str::to_owned));
            assert_eq!(translated.map(|words| words.join(" ")), Ok((*ours).to_owned()), "{nmap}");
        }
        for kind in KINDS.iter().filter(|kind| kind.name != "idle") {
            let translated = translate([kind.nmap.to_owned()]);
            assert_eq!(translated, Ok(vec![format!("--kind={}", kind.name)]));
        }
    }

    #[test]
    fn what_is_not_done_is_said() {
        for word in ["-sV", "-sSV", "-sC", "-O", "-A", "--script", "--script=vuln", "--traceroute"] {
            let said = translate(["web.lab".to_owned(), word.to_owned()]);
            assert!(said.as_ref().is_err_and(|said| said.contains("--xml FILE")), "{word}: {said:?}");
        }
        assert!(translate(["-p".to_owned()]).is_err_and(|said| said.contains("a value is missing")));
    }
}
