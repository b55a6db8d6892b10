//! What is wrong in a plan, and where.

use crate::base::nearest::nearest;

/// The services that are no word alone, each with a value that it may have.
const EXAMPLES: [(&str, &str); 4] = [
    ("banner", r#""220 ready\r\n""#),
    ("llmnr", r#"{ name = "DESK" }"#),
    ("mdns", r#"{ name = "printer.local" }"#),
    ("netbios", r#"{ name = "NAS" }"#),
];

/// A plan that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}{}", self.hint())]
pub struct PlanError {
    /// What is wrong there.
    pub message: String,
    /// Line of the mistake, from 1.
    pub line: usize,
    /// Column of the mistake in characters, from 1.
    pub column: usize,
    /// The right name nearest to a wrong one.
    pub nearest: Option<String>,
}

impl PlanError {
    /// From byte `offset` of `text`.
    pub(super) fn at(text: &str, offset: usize, message: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.rsplit('\n').next().unwrap_or_default();
        Self { message, line: before.matches('\n').count() + 1, column: line.chars().count() + 1, nearest: None }
    }

    /// From the reader's error. Serde quotes the wrong name first and the right ones after it, all in backquotes.
    pub(super) fn from_toml(text: &str, error: &toml::de::Error) -> Self {
        let message = error.message().trim_end();
        let offset = error.span().map_or(0, |span| span.start);
        let mut found = Self::at(text, offset, message.to_owned());
        if message.starts_with("unknown field") || message.starts_with("unknown variant") {
            let mut quoted = message.split('`').skip(1).step_by(2);
            let wrong = quoted.next().unwrap_or_default();
            found.nearest = nearest(wrong, quoted).map(str::to_owned);
        }
        // One that is near enough spares the list of all.
        if let (Some(_), Some((wrong, _))) = (&found.nearest, message.split_once(", expected")) {
            found.message = wrong.to_owned();
        }
        let word = error.span().and_then(|span| text.get(span)).unwrap_or_default().trim_matches(['"', '\'']);
        let example = EXAMPLES.iter().find(|(name, _)| message.contains("unit variant") && *name == word);
        if let Some((name, value)) = example {
            found.message = format!("{name} needs to know what it says, as {{ {name} = {value} }}");
        }
        found
    }

    fn hint(&self) -> String {
        self.nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean \"{name}\"?"))
    }
}
