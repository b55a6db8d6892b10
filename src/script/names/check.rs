//! The walk over the parsed script.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt, StmtBlock};

use super::{Known, add_definition, functions, hints, top_level};
use crate::base::nearest::did_you_mean;
use crate::script::sugar::{CASE, DIFFERS, Fault, KEYWORDS, LAST, PAIRS, SAME, SUGAR, Sugared};

/// Functions that Rhai's evaluator knows without a registration.
const OF_RHAI: [&str; 11] =
    ["print", "debug", "eval", "type_of", "Fn", "call", "curry", "is_shared", "is_def_fn", "is_def_var", "contains"];

type Checked = Result<(), Fault>;

/// Refuses the first name that neither the script nor the session has, at its place in the text as it was typed.
///
/// `source` is the text that `ast` was parsed from. A script that calls `eval` may make names as it runs: it is let
/// through. Names after a `.` and names in other modules are left to Rhai.
pub fn check(ast: &AST, known: &Known, source: &Sugared<'_>) -> Checked {
    let (evaluates, sharing) = calls_of_note(ast);
    if evaluates {
        return Ok(());
    }
    let mut all = known.functions.clone();
    functions(ast).for_each(|(name, params)| add_definition(&mut all, name, params));
    let names = |constant: bool| top_level(ast).filter(move |(_, c)| *c == constant).map(|(name, _)| name.to_string());
    let mut checker = Checker {
        known,
        source,
        functions: all,
        constants: names(true).chain(known.constants.iter().cloned()).collect(),
        outside: names(false).chain(known.variables.iter().cloned()).collect(),
        scope: known.variables.iter().chain(&known.constants).cloned().collect(),
        in_function: false,
    };
    let mut first = checker.statements(ast.statements()).err();
    checker.in_function = true;
    for ((name, count), params) in bodies(ast) {
        let shares = sharing.contains(&name) || sharing.contains("call"); // `call!(f)`: any function
        if !shares {
            let other = checker.function(ast, &name, count, params).err();
            first = first.into_iter().chain(other).min_by_key(|f| (f.line, f.column));
        }
    }
    first.map_or(Ok(()), Err)
}

/// Whether the script calls `eval`, and the functions that it calls as `f!(...)`, with the caller's variables.
fn calls_of_note(ast: &AST) -> (bool, BTreeSet<String>) {
    let (mut evaluates, mut sharing) = (false, BTreeSet::new());
    ast.walk(&mut |path: &[ASTNode<'_>]| {
        let Some(ASTNode::Expr(Expr::FnCall(call, _)) | ASTNode::Stmt(Stmt::FnCall(call, _))) = path.last() else {
            return true;
        };
        evaluates |= call.name == "eval";
        if call.capture_parent_scope {
            sharing.insert(call.name.to_string());
        }
        true
    });
    (evaluates, sharing)
}

/// All function bodies, closures too, by name and number of parameters, with the names of these.
///
/// Methods for different types may share both: they are looked at together.
fn bodies(ast: &AST) -> BTreeMap<(String, usize), Vec<String>> {
    let mut bodies: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for f in ast.iter_functions() {
        let params = f.params.iter().map(ToString::to_string);
        bodies.entry((f.name.to_string(), f.params.len())).or_default().extend(params);
    }
    bodies
}

struct Checker<'a> {
    known: &'a Known,
    source: &'a Sugared<'a>,
    functions: BTreeMap<String, Vec<Vec<String>>>,
    /// Top-level constants: functions see them.
    constants: BTreeSet<String>,
    /// Top-level variables: functions do not see them.
    outside: BTreeSet<String>,
    /// The names in scope, the innermost last.
    scope: Vec<String>,
    in_function: bool,
}

impl Checker<'_> {
    fn function(&mut self, ast: &AST, name: &str, count: usize, params: Vec<String>) -> Checked {
        self.scope = params;
        // Rhai hands out a function's body only to a walk over a script that has no other.
        let mut alone = ast.clone_functions_only();
        alone.retain_functions(|_, _, n, c| n == name && c == count);
        let mut found = Ok(());
        alone.walk(&mut |path: &[ASTNode<'_>]| {
            if let [ASTNode::Stmt(statement)] = path {
                found = self.statement(statement);
            }
            found.is_ok()
        });
        found
    }

    fn statements(&mut self, statements: &[Stmt]) -> Checked {
        statements.iter().try_for_each(|s| self.statement(s))
    }

    fn block(&mut self, block: &StmtBlock, names: &[&str]) -> Checked {
        let outer = self.scope.len();
        self.scope.extend(names.iter().map(ToString::to_string));
        self.statements(block.statements())?;
        self.scope.truncate(outer);
        Ok(())
    }

    fn statement(&mut self, statement: &Stmt) -> Checked {
        match statement {
            Stmt::If(flow, _) | Stmt::While(flow, _) | Stmt::Do(flow, ..) => {
                self.expression(&flow.expr)?;
                self.block(&flow.body, &[])?;
                self.block(&flow.branch, &[])
            }
            Stmt::Switch(switch, _) => {
                self.expression(&switch.0)?;
                switch.1.expressions.iter().try_for_each(|arm| {
                    self.expression(&arm.lhs)?;
                    self.expression(&arm.rhs)
                })
            }
            Stmt::For(parts, _) => {
                let (item, counter, flow) = &**parts;
                self.expression(&flow.expr)?;
                let counter = counter.as_ref().map_or(item.as_str(), |c| c.as_str());
                self.block(&flow.body, &[item.as_str(), counter])
            }
            Stmt::Var(var, ..) => {
                self.expression(&var.1)?;
                self.scope.push(var.0.as_str().into());
                Ok(())
            }
            Stmt::Assignment(parts) => {
                self.expression(&parts.1.rhs)?;
                match &parts.1.lhs {
                    Expr::Variable(name, _, at) if name.2.is_empty() => self.variable(&name.1, *at, true),
                    place => self.expression(place),
                }
            }
            Stmt::FnCall(call, at) => self.call(call, *at),
            Stmt::Block(block) => self.block(block, &[]),
            Stmt::TryCatch(flow, _) => {
                self.block(&flow.body, &[])?;
                match &flow.expr {
                    Expr::Variable(name, ..) => self.block(&flow.branch, &[&name.1]),
                    _ => self.block(&flow.branch, &[]),
                }
            }
            Stmt::Expr(value) => self.expression(value),
            Stmt::BreakLoop(value, ..) | Stmt::Return(value, ..) => value.iter().try_for_each(|v| self.expression(v)),
            Stmt::Import(parts, _) => self.expression(&parts.0),
            Stmt::Export(parts, _) => self.variable(parts.0.as_str(), parts.0.pos, false),
            _ => Ok(()),
        }
    }

    fn expression(&mut self, expression: &Expr) -> Checked {
        match expression {
            Expr::Variable(name, _, at) if name.2.is_empty() => self.variable(&name.1, *at, false),
            Expr::Variable(name, _, at) if name.2.root() == "global" => self.global(&name.1, *at),
            Expr::FnCall(call, at) => self.call(call, *at),
            Expr::MethodCall(call, _) => self.expressions(&call.args),
            Expr::Dot(parts, ..) | Expr::Index(parts, ..) => {
                self.expression(&parts.lhs)?;
                self.expression(&parts.rhs)
            }
            Expr::Array(items, _) | Expr::InterpolatedString(items, _) => self.expressions(items),
            Expr::Map(map, _) => map.0.iter().try_for_each(|(_, value)| self.expression(value)),
            Expr::And(items, _) | Expr::Or(items, _) | Expr::Coalesce(items, _) => self.expressions(items),
            Expr::Stmt(block) => self.block(block, &[]),
            Expr::Custom(custom, _) => self.expressions(&custom.inputs),
            _ => Ok(()),
        }
    }

    fn expressions(&mut self, expressions: &[Expr]) -> Checked {
        expressions.iter().try_for_each(|e| self.expression(e))
    }

    fn is_variable(&self, name: &str) -> bool {
        name == LAST
            || self.scope.iter().any(|n| n == name)
            || self.known.values.contains(name)
            || (self.in_function && self.constants.contains(name))
    }

    fn variable(&self, name: &str, at: Position, assigned: bool) -> Checked {
        // An outer variable with the name of a built-in is what the writer of the function means.
        let is_outer = self.in_function && self.outside.contains(name) && !self.scope.iter().any(|n| n == name);
        if !is_outer && (self.is_variable(name) || (!assigned && self.functions.contains_key(name))) {
            return Ok(());
        }
        let message = if is_outer {
            outside(name)
        } else if let Some(hint) = hints::variable(name) {
            hint.into()
        } else if self.known.builtins.contains(name) && !assigned {
            format!("\"{name}\" is a function: call it as `{name}(...)`")
        } else {
            let sets = [&self.known.values, &self.constants];
            let candidates = self.scope.iter().chain(sets.into_iter().flatten()).map(String::as_str);
            let meant = did_you_mean(name, candidates.filter(|n| !is_made(n)));
            match (assigned, meant.is_empty()) {
                (true, _) => format!("\"{name}\" is not defined: write `let {name} = ...`{meant}"),
                (false, true) => {
                    format!("\"{name}\" is not defined: write `let {name} = ...` first, or put text in quotes")
                }
                (false, false) => format!("\"{name}\" is not defined{meant}"),
            }
        };
        Err(self.fault(at, name, message))
    }

    fn global(&self, name: &str, at: Position) -> Checked {
        if self.constants.contains(name) {
            return Ok(());
        }
        let meant = did_you_mean(name, self.constants.iter().map(String::as_str));
        Err(self.fault(at, name, format!("no constant \"{name}\" at the top level of this script{meant}")))
    }

    fn call(&mut self, call: &FnCallExpr, at: Position) -> Checked {
        self.expressions(&call.args)?;
        let name = call.name.as_str();
        let known = self.known.builtins.contains(name)
            || OF_RHAI.contains(&name)
            || [SUGAR, PAIRS, CASE, SAME, DIFFERS].contains(&name);
        if call.is_qualified() || call.is_operator_call() || known {
            return Ok(());
        }
        let count = call.args.len();
        let message = match self.functions.get(name) {
            Some(definitions) if definitions.iter().any(|p| p.len() == count) => return Ok(()),
            Some(definitions) => wrong_count(name, definitions, count),
            None if self.is_variable(name) => {
                let arguments = self.arguments(at).unwrap_or_else(|| "...".into());
                format!("\"{name}\" is a variable; call the closure in it as `{name}.call({arguments})`")
            }
            None if self.in_function && self.outside.contains(name) => outside(name),
            None => hints::function(name).map_or_else(|| self.no_function(name), Into::into),
        };
        Err(self.fault(at, name, message))
    }

    fn no_function(&self, name: &str) -> String {
        let candidates = self.known.builtins.iter().chain(self.functions.keys()).map(String::as_str);
        format!("no function \"{name}\"{}", did_you_mean(name, candidates.filter(|n| !is_made(n))))
    }

    /// What stands between the parentheses of the call at `at`, if that is simple.
    fn arguments(&self, at: Position) -> Option<String> {
        let line = self.source.text.lines().nth(at.line()? - 1)?;
        let call: String = line.chars().skip(at.position()? - 1).collect();
        let (_, arguments) = call.split_once('(')?;
        let (arguments, _) = arguments.split_once(')')?;
        let simple = !arguments.contains(['(', '"', '\'', '`', '{']) && !arguments.contains(KEYWORDS);
        simple.then(|| arguments.trim().to_string())
    }

    fn fault(&self, at: Position, name: &str, message: String) -> Fault {
        let (line, column) = self.source.map.original(at.line().unwrap_or(1), at.position().unwrap_or(1));
        let length = if name == LAST { 1 } else { name.chars().count().max(1) };
        Fault { message, line, column, length }
    }
}

fn outside(name: &str) -> String {
    format!(
        "functions see only their parameters: pass `{name}` as a parameter, return it, or use a closure \
         (a `const` at the top level is visible too)"
    )
}

fn wrong_count(name: &str, definitions: &[Vec<String>], count: usize) -> String {
    let forms: Vec<String> = definitions.iter().map(|p| format!("`{name}({})`", p.join(", "))).collect();
    let given = match count {
        0 => "no argument is".into(),
        1 => "1 argument is".into(),
        n => format!("{n} arguments are"),
    };
    format!("{given} given to {}", forms.join(" or "))
}

/// Names that the token pass makes, not users.
fn is_made(name: &str) -> bool {
    name.contains("__")
}
