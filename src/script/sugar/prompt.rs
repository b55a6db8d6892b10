//! The short forms of the prompt: `help`, `name?`.

use rhai::Token;

use super::lex::Lexeme;
use super::pass::{Pass, is_word};

impl Pass<'_> {
    /// `help` alone calls it, `name?` asks for help. True when the line is such a form.
    pub(super) fn prompt_line(&mut self) -> bool {
        let tokens = match self.tokens {
            [line @ .., Lexeme { token: Token::SemiColon, .. }] if !line.is_empty() => line,
            line => line,
        };
        match tokens {
            [one] if is_word(self.word(0)) => {
                let name = self.word(0);
                let shadowed = self.known.variables.contains(name) || self.known.constants.contains(name);
                if self.known.commands.contains(name) && !shadowed {
                    self.insert(one.at.end, "()");
                }
                true
            }
            [name, mark] if matches!(&mark.token, Token::Reserved(s) if **s == "?") && is_word(self.word(0)) => {
                // A word of Rhai's own, like print, is no value.
                let quote = if matches!(name.token, Token::Reserved(_)) { "\"" } else { "" };
                self.insert(name.at.start, format!("help({quote}"));
                self.replace(mark.at.clone(), format!("{quote})"));
                true
            }
            [path @ .., mark]
                if matches!(&mark.token, Token::Reserved(s) if **s == "?") && self.is_path(path.len()) =>
            {
                self.insert(path[0].at.start, "help(\"");
                self.replace(mark.at.clone(), "\")");
                true
            }
            _ => false,
        }
    }

    /// Are the first `count` tokens names joined by periods?
    fn is_path(&self, count: usize) -> bool {
        count % 2 == 1
            && (0..count).all(|i| match i % 2 {
                0 => is_word(self.word(i)),
                _ => self.token(i) == Some(&Token::Period),
            })
    }
}
