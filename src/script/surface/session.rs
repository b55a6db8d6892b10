//! The session itself: help, lists of what there is, running scripts, waiting, leaving.

use std::time::Duration;

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, ImmutableString, Position, Scope};

use super::{need, opt, sets};
use crate::layers;
use crate::net::Slept;
use crate::packet::{LayerDesc, Packet};
use crate::script::compile::compile;
use crate::script::func::{Call, Func, Kind, Reply, describe, say_at};
use crate::script::listen::{Caller, pump};
use crate::script::state::State;
use crate::script::{help, recipes, table};

pub(super) const ROWS: &[Func] = &[
    Func {
        name: "help",
        group: "session",
        doc: "Prints what there is, or what one function or layer does.",
        params: &[opt("name", Kind::Any, "None", "A function, a layer, or the name of one.")],
        more: false,
        gives: "None",
        examples: &["help()", "help(sr1)", "help(TCP)"],
        run: show_help,
    },
    Func {
        name: "ls",
        group: "session",
        doc: "Prints all layers, or the fields of one.",
        params: &[opt("layer", Kind::Any, "None", "A layer, its name, or a packet.")],
        more: false,
        gives: "None",
        examples: &["ls()", "ls(TCP)"],
        run: ls,
    },
    Func {
        name: "lsc",
        group: "session",
        doc: "Prints all functions with what they do.",
        params: &[],
        more: false,
        gives: "None",
        examples: &["lsc()"],
        run: |call| {
            call.state.console.print(&help::functions(call.state.console.width()));
            Ok(Dynamic::UNIT)
        },
    },
    Func {
        name: "lab",
        group: "session",
        doc: "Prints the laboratory's hosts, or all about one.",
        params: &[opt("host", Kind::Text, "None", "The host's name.")],
        more: false,
        gives: "None",
        examples: &["lab()", "lab(\"drop.lab\")"],
        run: |call| {
            let host = call.text(0);
            let Some(plan) = &call.state.plan else {
                return Err(call.fail("this session has no laboratory; --live leaves it out"));
            };
            let text = match host {
                Some(name) => plan.show(&name).map_err(|e| say_at(e.to_string(), &name))?,
                None => {
                    let (hosts, seed) =
                        (table::hosts(plan, call.state.console.width()), call.state.network.borrow().seed());
                    format!("{hosts}\nAll that happens here follows from the seed, {seed}; --seed gives another.")
                }
            };
            call.state.console.print(&text);
            Ok(Dynamic::UNIT)
        },
    },
    Func {
        name: "run",
        group: "session",
        doc: "Runs a script (a file, or a recipe's name) with its arguments; its functions stay.",
        params: &[need("script", Kind::Text, "The file, or the recipe.")],
        more: true,
        gives: "the script's value",
        examples: &[r#"run("syn-scanner", "web.lab", "22,80")"#],
        run,
    },
    Func {
        name: "resolve",
        group: "session",
        doc: "The first IPv4 address of a host name.",
        params: &[need("name", Kind::Text, "The name; an address is its own answer.")],
        more: false,
        gives: "text",
        examples: &[r#"resolve("web.lab")"#],
        run: |call| {
            let name = call.text(0).unwrap_or_default();
            sets::resolve(call, &name)
        },
    },
    Func {
        name: "sleep",
        group: "session",
        doc: "Waits; in the laboratory only the laboratory's clock moves.",
        params: &[need("seconds", Kind::Seconds, "How long.")],
        more: false,
        gives: "None",
        examples: &["sleep(0.5)"],
        run: |call| {
            let span = call.seconds(0).unwrap_or_default();
            pause(call.state, span)?;
            pump(&Caller::Call(call.cx), call.state).map(|()| Dynamic::UNIT)
        },
    },
    Func {
        name: "suppress_rst",
        group: "session",
        doc: "Keeps your own system from resetting connections made by hand.",
        params: &[need("port", Kind::Count, "The source port of your segments; it stays so while the session lasts.")],
        more: false,
        gives: "None",
        examples: &["suppress_rst(61234)"],
        run: suppress_rst,
    },
    Func {
        name: "print",
        group: "session",
        doc: "Prints values with a blank between them.",
        params: &[],
        more: true,
        gives: "None",
        examples: &[r#"print("ports", 22, 80)"#],
        run: |call| {
            let values = std::mem::take(&mut call.rest);
            let texts: Result<Vec<String>, Box<EvalAltResult>> = values.into_iter().map(|v| call.text_of(v)).collect();
            // Rhai prints what a function of this name gives back.
            Ok(texts?.join(" ").into())
        },
    },
    Func {
        name: "exit",
        group: "session",
        doc: "Ends the session or the script (also: quit, Ctrl-D).",
        params: &[opt("code", Kind::Count, "0", "The exit code, 0 to 255.")],
        more: false,
        gives: "nothing",
        examples: &[],
        run: leave,
    },
    Func {
        name: "quit",
        group: "session",
        doc: "The same as exit.",
        params: &[opt("code", Kind::Count, "0", "The exit code, 0 to 255.")],
        more: false,
        gives: "nothing",
        examples: &[],
        run: leave,
    },
];

fn leave(call: &mut Call<'_, '_>) -> Reply {
    let code = call.count(0).unwrap_or(0);
    let code = u8::try_from(code).map_err(|_| call.fail(format!("an exit code is 0 to 255, found {code}")))?;
    call.state.exit.set(Some(code));
    Err(EvalAltResult::Exit(Dynamic::UNIT, Position::NONE).into())
}

fn suppress_rst(call: &mut Call<'_, '_>) -> Reply {
    let given = call.count(0).unwrap_or_default();
    let refused = |why: String| say_at(format!("suppress_rst: {why}"), &given.to_string());
    let port = u16::try_from(given).ok().filter(|port| *port > 0);
    let port = port.ok_or_else(|| refused(format!("a port is 1 to 65535, found {given}")))?;
    call.state.network.borrow_mut().suppress_rst(port).map_err(|e| refused(e.to_string()))?;
    Ok(Dynamic::UNIT)
}

/// Lets time pass, until Ctrl-C.
pub(super) fn pause(state: &State, span: Duration) -> Result<(), Box<EvalAltResult>> {
    state.may_wait()?;
    if state.network.borrow().sleep(span) == Slept::Interrupted {
        state.was_interrupted();
        return state.may_wait();
    }
    Ok(())
}

fn show_help(call: &mut Call<'_, '_>) -> Reply {
    let given = call.take(0).unwrap_or_default();
    let width = call.state.console.width();
    let text = if given.is_unit() {
        help::overview()
    } else if let Some(desc) = layer(&given) {
        help::layer(desc, width)
    } else {
        let name = given
            .read_lock::<FnPtr>()
            .map(|f| f.fn_name().to_owned())
            .or_else(|| given.clone().into_immutable_string().ok().map(Into::into));
        let Some(name) = name else { return Err(call.fail(format!("takes a name, found {}", describe(&given)))) };
        help::function(&name).or_else(|| help::script_function(&call.state.known.borrow(), &name)).ok_or_else(|| {
            let names = super::all().map(|f| f.name).chain(layers::ALL.iter().map(|d| d.name));
            let hint = crate::base::nearest::did_you_mean(&name, names);
            say_at(format!("help: nothing is called \"{}\"{hint}", name.escape_debug()), &name)
        })?
    };
    call.state.console.print(&text);
    Ok(Dynamic::UNIT)
}

fn layer(given: &Dynamic) -> Option<&'static LayerDesc> {
    let by_name = || given.read_lock::<ImmutableString>().and_then(|name| layers::by_name(&name));
    given.read_lock::<&'static LayerDesc>().map(|desc| *desc).or_else(by_name)
}

fn ls(call: &mut Call<'_, '_>) -> Reply {
    let given = call.take(0).unwrap_or_default();
    let width = call.state.console.width();
    let text = if given.is_unit() {
        let rows = layers::ALL.iter().map(|d| vec![d.name.to_owned(), d.doc.to_owned()]);
        table::table(width, &["layer", "what it is"], rows)
    } else if let Some(desc) = layer(&given) {
        help::fields(desc, width)
    } else if let Some(packet) = given.read_lock::<Packet>() {
        packet.show(&call.state.network.borrow().looking())
    } else {
        return Err(call.fail(format!("takes a layer like TCP, found {}", describe(&given))));
    };
    call.state.console.print(&text);
    Ok(Dynamic::UNIT)
}

fn run(call: &mut Call<'_, '_>) -> Reply {
    let name = call.text(0).unwrap_or_default();
    let args: Array = std::mem::take(&mut call.rest);
    let (name, text) = recipes::find(&name).map_err(|e| say_at(e, &name))?;
    let engine = call.cx.engine();
    let ast = compile(engine, call.state, &name, &text, crate::script::sugar::Mode::Script)
        .map_err(|t| Box::new(EvalAltResult::ErrorRuntime(Dynamic::from(t), Position::NONE)))?;
    // The script's own arguments while it runs; the caller's afterwards.
    let before = call.state.constants.borrow_mut().insert("args".into(), args.into());
    let accounts = call.state.accounts.replace(false); // a script prints only what it prints
    let result = engine.eval_ast_with_scope(&mut Scope::new(), &ast);
    call.state.accounts.set(accounts);
    if let Some(before) = before {
        call.state.constant("args", before);
    }
    call.state.learned.borrow_mut().push(ast.clone_functions_only());
    result
}
