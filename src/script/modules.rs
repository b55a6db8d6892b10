//! `import "file" as name`: modules are scripts like any other, with the same token pass and checks.

use std::path::{Path, PathBuf};
use std::rc::{Rc, Weak};

use rhai::{Dynamic, Engine, EvalAltResult, Module, ModuleResolver, Position, Scope, Shared};

use super::compile::compile;
use super::recipes;
use super::state::State;
use super::sugar::Mode;

/// Modules inside one another, at most: enough for people, an end for a module that imports itself.
const MOST_DEPTH: usize = 16;

/// Finds modules beside the script that imports them, then in the current folder.
pub(super) struct Files {
    state: Weak<State>,
}

impl Files {
    pub(super) fn new(state: &Rc<State>) -> Self {
        Self { state: Rc::downgrade(state) }
    }
}

impl ModuleResolver for Files {
    fn resolve(
        &self,
        engine: &Engine,
        source: Option<&str>,
        path: &str,
        pos: Position,
    ) -> Result<Shared<Module>, Box<EvalAltResult>> {
        let not_found = || Box::new(EvalAltResult::ErrorModuleNotFound(path.into(), pos));
        let state = self.state.upgrade().ok_or_else(not_found)?;
        let file = find(source, path).ok_or_else(not_found)?;
        let name = file.to_string_lossy().into_owned();
        let fail = |value: Dynamic| Box::new(EvalAltResult::ErrorRuntime(value, pos));
        if state.importing.get() >= MOST_DEPTH {
            return Err(fail(format!("\"{path}\" is imported inside itself").into()));
        }
        let text = recipes::read(&name).map_err(|e| fail(e.into()))?;
        let mut ast = compile(engine, &state, &name, &text, Mode::Script).map_err(|t| fail(Dynamic::from(t)))?;
        ast.set_source(name);
        state.importing.set(state.importing.get() + 1);
        let module = Module::eval_ast_as_new(Scope::new(), &ast, engine);
        state.importing.set(state.importing.get() - 1);
        module.map(Into::into)
    }
}

fn find(source: Option<&str>, path: &str) -> Option<PathBuf> {
    let beside = source.and_then(|s| Path::new(s).parent()).map(|folder| folder.join(path));
    let candidates = beside.into_iter().chain([PathBuf::from(path)]);
    candidates.flat_map(|c| [c.with_extension("rhai"), c]).find(|c| c.is_file())
}
