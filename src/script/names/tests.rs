//! Every rule of the check is a row.

use rhai::Engine;

use super::*;
use crate::script::sugar::{Mode, sugar};

fn known() -> Known {
    let engine = Engine::new();
    let mut known = Known::of(&engine);
    for name in ["IP", "TCP", "ICMP", "sr1", "syn_scan", "ports", "hosts", "resolve", "sniff", "ls"] {
        known.builtins.insert(name.into());
        known.values.insert(name.into());
    }
    known.values.extend(["args", "None"].map(String::from));
    known.variables.extend(["host", "found"].map(String::from));
    known.constants.insert("LIMIT".into());
    known.functions.insert("probe_port".into(), vec![vec!["ip".into(), "port".into()]]);
    known
}

fn judge(text: &str) -> Result<(), String> {
    let known = known();
    let sugared = sugar(text, &known, Mode::Script).map_err(|f| f.message)?;
    let ast = Engine::new().compile(&*sugared.text).map_err(|e| e.to_string())?;
    check(&ast, &known, &sugared).map_err(|f| {
        let line = text.lines().nth(f.line - 1).unwrap_or("");
        let at: String = line.chars().skip(f.column - 1).take(f.length).collect();
        format!("{at}| {}", f.message)
    })
}

#[test]
fn unknown_names_are_refused_with_the_nearest() {
    for (text, wanted) in [
        ("synn_scan(1)", "synn_scan| no function \"synn_scan\"; did you mean \"syn_scan\"?"),
        ("let port = 1; prot + 1", "prot| \"prot\" is not defined; did you mean \"port\"?"),
        ("sr1(IP(dst=hots), timeout=1)", "hots| \"hots\" is not defined; did you mean \"host\"?"),
        ("f(x=1)", "f| no function \"f\""),
        ("qqq = 5", "qqq| \"qqq\" is not defined: write `let qqq = ...`"),
        ("hst = 5", "hst| \"hst\" is not defined: write `let hst = ...`; did you mean \"host\"?"),
        ("qqq += 5", "qqq| \"qqq\" is not defined: write `let qqq = ...`"),
        ("qqq.x = 5", "qqq| \"qqq\" is not defined"),
        ("print(web.lab)", "web| \"web\" is not defined: write `let web = ...` first, or put text in quotes"),
        ("print(x); let x = 1;", "x| \"x\" is not defined"),
        ("if true { let a = host; print(a) } a", "a| \"a\" is not defined"),
        ("for i in 0..3 {} i", "i| \"i\" is not defined"),
        ("try { 1 } catch (e) { e } e", "e| \"e\" is not defined"),
        ("let c = |x| x + yyy; c.call(1)", "yyy| \"yyy\" is not defined"),
        ("fn f() { |x| x + yyy } f()", "yyy| \"yyy\" is not defined"),
        ("fn f(a) { bbb } f(1)", "bbb| \"bbb\" is not defined"),
        ("`${bbb}`", "bbb| \"bbb\" is not defined"),
        ("#{a: bbb}", "bbb| \"bbb\" is not defined"),
        ("[1][bbb]", "bbb| \"bbb\" is not defined"),
        ("host.x(bbb).y[ccc]", "bbb| \"bbb\" is not defined"),
        ("switch host { 1 => bbb, _ => 2 }", "bbb| \"bbb\" is not defined"),
        ("while host == bbb { }", "bbb| \"bbb\" is not defined"),
        ("fn b() { |x| q1 } fn a() { q2 } q3", "q1| \"q1\" is not defined"),
        ("global::X", "X| no constant \"X\""),
        ("let x = True;", "True| write `true`"),
        ("str(host)", "str| write `x.to_string()`"),
        ("let x = len;", "len| \"len\" is a function: call it as `len(...)`"),
    ] {
        let told = judge(text).expect_err(text);
        assert!(told.starts_with(wanted), "{text}: {told}");
    }
}

#[test]
fn functions_see_only_their_parameters() {
    for text in [
        "let qorts = [1]; fn f() { qorts } f()",
        "fn f() { print(found) } f()",
        "fn f() { found = 1 } f()",
        "fn f() { [1].map(|x| x + found) } f()",
        "let g = |x| x; fn f() { g(1) } f()",
    ] {
        let told = judge(text).expect_err(text);
        assert!(told.contains("functions see only their parameters: pass `"), "{text}: {told}");
        assert!(told.contains("return it, or use a closure"), "{text}: {told}");
    }
}

#[test]
fn calls_that_cannot_be_are_told() {
    for (text, wanted) in [
        ("let f = |p| p; f(80)", "f| \"f\" is a variable; call the closure in it as `f.call(80)`"),
        ("let f = |p| p;\n  f(host, 80 )", "f| \"f\" is a variable; call the closure in it as `f.call(host, 80)`"),
        ("let f = |p| p; f(g(1))", "g| no function \"g\""),
        ("let f = |p| p; f(len(\"a\"))", "f| \"f\" is a variable; call the closure in it as `f.call(...)`"),
        ("probe_port(\"x\")", "probe_port| 1 argument is given to `probe_port(ip, port)`"),
        ("fn g() {} fn g(a, b) {} g(1)", "g| 1 argument is given to `g()` or `g(a, b)`"),
    ] {
        let told = judge(text).expect_err(text);
        assert!(told.starts_with(wanted), "{text}: {told}");
    }
}

#[test]
fn right_scripts_are_let_through() {
    for text in [
        "let ports = ports(args.get(1) ?? LIMIT); ports.len()",
        "const A = [1]; fn f() { A.len() + LIMIT } f()",
        "fn f() { [1].map(|x| x + A) } const A = 1; f()",
        "const A = 1; fn f() { global::A } f()",
        "let n = 0; let add = |x| n += x; add.call(1); n",
        "let c = |x| { let d = |y| x + y + host; d }; c",
        "fn f(x) { if x == 0 { return 1; } let y = x - 1; y * f(y) } f(3)",
        "fn f() { this.x = 1; this } host.f()",
        "fn g(a) { a } let h = g; [1].map(g); h.call(1)",
        "fn g(a) { a + b } let b = 1; g!(1)",
        "eval(\"let z = 1;\"); z",
        "sniff(prn=ls)",
        "for (s, r) in host { print(s + r) }",
        "for _ in 0..3 { _ }",
        "try { throw 1 } catch (e) { print(e) }",
        "try { throw 1 } catch { }",
        "import \"x\" as m; m::f(1); m::X",
        "export let a = 1; export a as b;",
        "let x = switch host { 1 => 2, 3..5 => 4, _ if_ok => 5 };".replace(" _ if_ok => 5", " _ => 5").as_str(),
        "let x = 1; let x = x + 1; { let y = x; y } x",
        "do { let q = 1; } while host == 1; loop { break host; }",
        "let m = #{a: 1}; m.a.b.c; m?.d; m[\"a\"]; m.e = 2",
        "type_of(host) + Fn(\"x\").call(1) + is_def_var(\"y\") + is_def_fn(\"f\", 1); debug(1)",
        "1 in [1] && !(2 in [1]) || 3 !in [1]",
        "let v = if host == 1 { let t = 2; t } else { 3 }; v",
        "fn int.f(a) { a } fn string.f(b) { b } 1.f(2)",
        "private fn f() { 1 } f()",
        "probe_port(port=1, ip=2)",
        "let s = \"a\"; s += `${s}${host}`; s",
        "x_y(); fn x_y() { 1 }",
        "fn f() { bar } let bar = 1; let g = Fn(\"f\"); call!(g)",
    ] {
        assert_eq!(judge(text), Ok(()), "{text}");
    }
}

#[test]
fn a_session_learns_line_by_line() {
    let engine = Engine::new();
    let mut known = Known::of(&engine);
    for line in [
        "let a = 1; const B = 2;",
        "fn f(x) { x }",
        "fn f(y) { y } fn f(p, q) {} let c = |z| z;",
        "const a = 3; let B = 4;",
    ] {
        known.learn(&engine.compile(line).expect("it is right"));
    }
    assert_eq!(known.functions["f"], [vec!["y".to_string()], vec!["p".into(), "q".into()]]);
    assert_eq!(known.functions.len(), 1, "closures have no name");
    assert_eq!(known.constants.iter().collect::<Vec<_>>(), ["a"]);
    assert_eq!(known.variables.iter().collect::<Vec<_>>(), ["B", "c"]);
    assert!(["print", "len", "push", "range", "contains"].iter().all(|n| known.builtins.contains(*n)));
    assert!(known.builtins.iter().all(|n| is_name(n)));
}
