//! Native functions over any values, gathered in one module: a module for each would make every look-up slower.

use std::any::TypeId;
use std::rc::Rc;

use rhai::{Dynamic, Engine, EvalAltResult, FuncRegistration, Module, NativeCallContext, RhaiFunc};

use super::func::say;

/// Native functions that are not registered yet.
pub(super) struct Natives(Module);

impl Natives {
    pub(super) fn new() -> Self {
        Self(Module::new())
    }

    /// Adds a function of `count` arguments of any types.
    pub(super) fn add_any(
        &mut self,
        name: &str,
        count: usize,
        run: impl Fn(&NativeCallContext<'_>, &mut [&mut Dynamic]) -> Result<Dynamic, Box<EvalAltResult>> + 'static,
    ) {
        self.add(name, &vec![TypeId::of::<Dynamic>(); count], run);
    }

    /// Adds a function of arguments of these types. It is pure in Rhai's sense: it changes none of them, so it may be
    /// called on constants.
    pub(super) fn add(
        &mut self,
        name: &str,
        types: &[TypeId],
        run: impl Fn(&NativeCallContext<'_>, &mut [&mut Dynamic]) -> Result<Dynamic, Box<EvalAltResult>> + 'static,
    ) {
        let func = RhaiFunc::Method {
            func: Rc::new(move |cx: Option<NativeCallContext<'_>>, args: &mut [&mut Dynamic]| match &cx {
                Some(cx) => run(cx, args),
                None => Err(say("called without a context")),
            }),
            has_context: true,
            is_pure: true,
            is_volatile: true,
        };
        FuncRegistration::new(name).in_global_namespace().set_into_module_raw(&mut self.0, types, func);
    }

    /// Registers all of them.
    pub(super) fn register_into(self, engine: &mut Engine) {
        engine.register_global_module(self.0.into());
    }
}
