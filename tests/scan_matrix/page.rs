//! The page: port by port, what each kind finds, and where Nmap or the laboratory differs, with the reason.

use std::collections::{BTreeMap, BTreeSet};

use pktsh::base::ports::Proto;

use crate::asked::{Answers, Question, Said};
use crate::ports::Port;
use crate::reasons::{DIFFERENCES, WAVERING, WAVERS, Who};

/// A host that is asked by all kinds.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    /// Its ports.
    pub(crate) ports: Vec<(Proto, Vec<Port>)>,
    /// Each question, what we found, what Nmap found, and what we found in the laboratory.
    pub(crate) asked: Vec<Asked>,
}

/// A question and its answers.
pub(crate) struct Asked {
    pub(crate) question: Question,
    pub(crate) ours: Answers,
    /// What came to our ports that no probe had asked for.
    pub(crate) strays: BTreeSet<String>,
    pub(crate) nmaps: Answers,
    pub(crate) labs: Option<Answers>,
}

const HEAD: &str = "\
The scan matrix: what each kind of scan says of each port, and why. Nmap says the same, and so does the same scan in
the laboratory, except where a line tells what they say, with the number of the reason below. What stands in quotes is
the note of our row.

Written by `UPDATE_GOLDEN=1 cargo test --test scan_matrix`, which asks all three; the difference is then read, not believed.
";

/// The page, and what is wrong with it: differences without a reason, reasons without a difference.
pub(crate) fn page(sections: &[Section]) -> (String, Vec<String>) {
    let mut page = vec![HEAD.to_owned()];
    let (mut complaints, mut is_used) = (Vec::new(), vec![false; DIFFERENCES.len()]);
    for section in sections {
        page.push(format!("\n\n== {}\n", section.title));
        for (proto, ports) in &section.ports {
            for port in ports {
                page.push(format!("\n{} {} {}\n", proto.name(), port.0, port.1));
                let mut explain = |who: Who, kind: &str, ours: &Said, theirs: &Said| match DIFFERENCES
                    .iter()
                    .position(|row| row.fits(who, section.title, kind, port.0))
                {
                    Some(at) => {
                        is_used[at] = true;
                        format!("  [{who}: {} ({})]", theirs.verdict, at + 1)
                    }
                    None => {
                        complaints.push(format!(
                            "{}: {kind} {} ({}): {} \"{}\", {who}: {}",
                            section.title, port.0, port.1, ours.verdict, ours.note, theirs.verdict
                        ));
                        format!("  [{who}: {} (?)]", theirs.verdict)
                    }
                };
                page.push(lines(section, *proto, port.0, &mut explain));
            }
        }
        let unasked =
            section.asked.iter().flat_map(|asked| asked.strays.iter().map(|what| (asked.question.kind, what)));
        let unasked: Vec<String> = unasked.map(|(kind, what)| format!("    {:<34} {}\n", what, kind.name)).collect();
        if !unasked.is_empty() {
            page.push(format!("\nunasked\n{}", unasked.concat()));
        }
    }
    page.push("\n\n== why they differ\n".to_owned());
    for (number, row) in DIFFERENCES.iter().enumerate() {
        page.push(format!("\n({}) {}\n", number + 1, row.why));
        if !is_used[number] {
            complaints.push(format!("a reason that explains nothing: {}", row.why));
        }
    }
    page.push(format!("\n(*) {}\n", WAVERING.why));
    (page.concat(), complaints)
}

/// Kinds that say the same of a port share a line.
fn lines(
    section: &Section,
    proto: Proto,
    port: u16,
    explain: &mut dyn FnMut(Who, &str, &Said, &Said) -> String,
) -> String {
    let mut lines: Vec<(&str, String, Vec<&str>)> = Vec::new();
    let is_about = |asked: &&Asked| asked.question.kind.proto == proto && asked.ours.contains_key(&port);
    for asked in section.asked.iter().filter(is_about) {
        let kind = asked.question.kind.name;
        let ours = &asked.ours[&port];
        let mut rest = Vec::new();
        if !ours.note.is_empty() {
            rest.push(format!("  \"{}\"", ours.note));
        }
        let nmaps = &asked.nmaps[&port];
        let may_waver = WAVERING.fits(Who::Nmap, section.title, kind, port);
        if may_waver && [&ours.verdict, WAVERS].contains(&&*nmaps.verdict) {
            rest.push(format!("  [nmap: at times {WAVERS} (*)]"));
        } else if nmaps.verdict != ours.verdict {
            rest.push(explain(Who::Nmap, kind, ours, nmaps));
        }
        if let Some(labs) = asked.labs.as_ref().map(|labs| &labs[&port]).filter(|labs| labs.verdict != ours.verdict) {
            rest.push(explain(Who::Lab, kind, ours, labs));
        }
        let rest = rest.concat();
        match lines.iter_mut().find(|line| line.0 == ours.verdict && line.1 == rest) {
            Some((.., kinds)) => kinds.push(kind),
            None => lines.push((&ours.verdict, rest, vec![kind])),
        }
    }
    let text =
        |(verdict, rest, kinds): (&str, String, Vec<&str>)| format!("    {verdict:<34} {}{rest}\n", kinds.join(" "));
    lines.into_iter().map(text).collect::<Vec<_>>().concat()
}

/// What Nmap was measured to say, against what it says here: a port, a kind, a verdict.
pub(crate) fn measured(section: &Section, wanted: &BTreeMap<(u16, &'static str), &'static str>) -> Vec<String> {
    let mut wrong = Vec::new();
    for asked in &section.asked {
        let kind = asked.question.kind.name;
        for (port, said) in &asked.nmaps {
            match wanted.get(&(*port, kind)) {
                Some(verdict) if **verdict == *said.verdict => {}
                wanted => wrong.push(format!("{kind} {port}: measured {wanted:?}, and now {}", said.verdict)),
            }
        }
    }
    wrong
}
