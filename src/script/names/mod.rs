//! Looks at a parsed script before it runs and refuses names that do not exist, with the nearest one that does.
//!
//! Rhai itself finds an unknown name only when it reaches it, after packets have gone out.

mod check;
mod hints;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, ASTFlags, Engine, Stmt};

pub use check::check;

/// The names that a session knows. One is kept for a session; [`learn`](Known::learn) brings it up to date.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Functions of the engine, by name.
    pub builtins: BTreeSet<String>,
    /// Functions that a line with their bare name calls, at the prompt.
    pub commands: BTreeSet<String>,
    /// Constants of global modules: layers, `None`, `args`, the built-ins' bare names.
    pub values: BTreeSet<String>,
    /// Functions of earlier lines and scripts: the parameters of each definition.
    pub functions: BTreeMap<String, Vec<Vec<String>>>,
    /// Constants of earlier lines.
    pub constants: BTreeSet<String>,
    /// Variables of earlier lines.
    pub variables: BTreeSet<String>,
}

impl Known {
    /// Knows the functions of `engine`, Rhai's own among them, and nothing else.
    pub fn of(engine: &Engine) -> Self {
        let names = engine.collect_fn_metadata(
            None,
            |f| (f.namespace.is_empty() && is_name(&f.metadata.name)).then(|| f.metadata.name.to_string()),
            true,
        );
        Self { builtins: names.into_iter().collect(), ..Self::default() }
    }

    /// Whether any function has this name, built in or of the session.
    pub fn has_function(&self, name: &str) -> bool {
        self.builtins.contains(name) || self.functions.contains_key(name)
    }

    /// Adds what a line or script defines at its top level.
    pub fn learn(&mut self, ast: &AST) {
        for (name, params) in functions(ast) {
            add_definition(&mut self.functions, name, params);
        }
        for (name, constant) in top_level(ast) {
            let (mut to, mut from) = (&mut self.variables, &mut self.constants);
            if constant {
                std::mem::swap(&mut to, &mut from);
            }
            from.remove(name);
            to.insert(name.into());
        }
    }
}

/// Adds a definition, in place of one with as many parameters; sorted by their number, for Rhai's order is chance.
fn add_definition(functions: &mut BTreeMap<String, Vec<Vec<String>>>, name: String, params: Vec<String>) {
    let definitions = functions.entry(name).or_default();
    definitions.retain(|d| d.len() != params.len());
    definitions.push(params);
    definitions.sort_by_key(Vec::len);
}

/// Can a user write this name? Operators, getters and closures have others.
fn is_name(name: &str) -> bool {
    name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

/// The functions that a script defines, with their parameters; no closures.
fn functions(ast: &AST) -> impl Iterator<Item = (String, Vec<String>)> {
    ast.iter_functions()
        .filter(|f| is_name(f.name))
        .map(|f| (f.name.to_string(), f.params.iter().map(ToString::to_string).collect()))
}

/// The names that a script defines at its top level, and whether each is a constant.
fn top_level(ast: &AST) -> impl Iterator<Item = (&str, bool)> {
    ast.statements().iter().filter_map(|statement| match statement {
        Stmt::Var(var, flags, _) => Some((var.0.as_str(), flags.contains(ASTFlags::CONSTANT))),
        _ => None,
    })
}
