//! Every rule of the pass is a row: what is typed, and what Rhai gets or what the user is told.

use std::borrow::Cow;

use proptest::prelude::*;
use rhai::{Array, Dynamic, Engine, FnPtr, NativeCallContext};

use super::*;

/// A session that has met `fn probe_port(ip, port)`, `fn both(a)`, `fn both(a, b)` and `fn options(target, how)`.
fn known() -> Known {
    let names = |all: &[&str]| all.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut known = Known {
        commands: names(&["exit", "help", "lab"]).into_iter().collect(),
        builtins: names(&["IP", "TCP", "exit", "f", "g", "help", "is_up", "lab", "show", "sr", "sr1"])
            .into_iter()
            .collect(),
        variables: names(&["p", "lab"]).into_iter().collect(),
        ..Known::default()
    };
    known.functions.insert("probe_port".into(), vec![names(&["ip", "port"])]);
    known.functions.insert("both".into(), vec![names(&["a"]), names(&["a", "b"])]);
    known.functions.insert("options".into(), vec![names(&["target", "how"])]);
    known
}

/// Rows are written with `@{` for the head of a marked map.
fn marked(text: &str) -> String {
    text.replace("@{", "#{\"\u{1}\": (), ")
}

fn becomes(mode: Mode, rows: &[(&str, &str)]) {
    for (typed, wanted) in rows {
        match sugar(typed, &known(), mode) {
            Ok(sugared) => assert_eq!(sugared.text, marked(wanted), "{typed}"),
            Err(fault) => panic!("{typed}: {fault:?}"),
        }
    }
}

fn unchanged(texts: &[&str]) {
    for text in texts {
        let sugared = sugar(text, &known(), Mode::Script);
        assert!(matches!(&sugared, Ok(Sugared { text: Cow::Borrowed(t), .. }) if t == text), "{text}: {sugared:?}");
    }
}

fn told(mode: Mode, rows: &[(&str, &str, &str)]) {
    for (typed, at, wanted) in rows {
        let Err(fault) = sugar(typed, &known(), mode) else { panic!("{typed} is not refused") };
        assert!(fault.message.contains(wanted), "{typed}: {fault}");
        let line = typed.lines().nth(fault.line - 1).unwrap_or("");
        let marked: String = line.chars().skip(fault.column - 1).take(fault.length).collect();
        assert_eq!(marked, *at, "{typed}: {fault:?}");
    }
}

#[test]
fn a_switch_gets_flags_as_text() {
    becomes(
        Mode::Script,
        &[
            ("switch p[TCP].flags { \"SA\" => 1 }", "switch case__(p[TCP].flags) { \"SA\" => 1 }"),
            (
                "f(switch a { 1 => { b = 1 }, _ => { c = 2 } })",
                "f(switch case__(a) { 1 => { b = 1 }, _ => { c = 2 } })",
            ),
            (
                "switch x { 1 | 2 => y = 1, 3 if z => y = 2, _ => y = 3 }",
                "switch case__(x) { 1 | 2 => y = 1, 3 if z => y = 2, _ => y = 3 }",
            ),
            ("switch #{a: 1}.a { 1 => 2 }", "switch case__(#{a: 1}.a) { 1 => 2 }"),
            ("switch f(|x| { x }) { 1 => 2 }", "switch case__(f(|x| { x })) { 1 => 2 }"),
        ],
    );
}

#[test]
fn a_field_compared_with_text_is_asked_about() {
    becomes(
        Mode::Script,
        &[
            ("p.dport == \"80\"", "same__(p.dport , \"80\")"),
            ("if p[TCP].dport != \"x\" && y {}", "if differs__(p[TCP].dport , \"x\") && y {}"),
            ("f(sr1(p, a)?.name == \"x\")", "f(same__(sr1(p, a)?.name , \"x\"))"),
        ],
    );
    unchanged(&["x == \"80\"", "a + p.x == \"ax\"", "p.x == \"a\" + b", "p.f() == \"x\"", "p[0] == \"x\""]);
}

#[test]
fn keywords_become_one_marked_map() {
    becomes(
        Mode::Script,
        &[
            ("f(x=1)", "f(@{\"x\": 1})"),
            ("f(a, x=1)", "f(a, @{\"x\": 1})"),
            ("f(a, x = 1, y=2 , )", "f(a, @{\"x\" :  1, \"y\": 2} , )"),
            ("f(match=1, in=2, fn=3)", "f(@{\"match\": 1, \"in\": 2, \"fn\": 3})"),
            ("f(def=1)", "f(@{\"def\": 1})"),
            ("f(x=g(y=2), z=[g(k=3)])", "f(@{\"x\": g(@{\"y\": 2}), \"z\": [g(@{\"k\": 3})]})"),
            ("sr1(IP(dst=\"a\")/TCP(dport=80))", "sr1(IP(@{\"dst\": \"a\"})/TCP(@{\"dport\": 80}))"),
            ("p.show(dump=true).g(x=1)", "p.show(@{\"dump\": true}).g(@{\"x\": 1})"),
            ("p?.show(dump=true)", "p?.show(@{\"dump\": true})"),
            ("print(f(x=1))", "print(f(@{\"x\": 1}))"),
            ("f!(x=1)", "f!(@{\"x\": 1})"),
            ("f(cb=|a, b| a + b, n=1)", "f(@{\"cb\": |a, b| a + b, \"n\": 1})"),
            ("f(cb=|| g(x=1))", "f(@{\"cb\": || g(@{\"x\": 1})})"),
            ("f(|x| { a = g(k=x); a }, n=1)", "f(|x| { a = g(@{\"k\": x}); a }, @{\"n\": 1})"),
            ("f(if a { b = 1; b } else { 2 }, x=3)", "f(if a { b = 1; b } else { 2 }, @{\"x\": 3})"),
            ("f(x={ a = 1; a })", "f(@{\"x\": { a = 1; a }})"),
            ("f(x=switch a { 1 => g(k=2), _ => 3 })", "f(@{\"x\": switch case__(a) { 1 => g(@{\"k\": 2}), _ => 3 }})"),
            ("`${f(x=1)} and ${g(`${f(y=2)}`)}`", "`${f(@{\"x\": 1})} and ${g(`${f(@{\"y\": 2})}`)}`"),
            ("f(\n    1, // one\n    x=2, // two\n)", "f(\n    1, // one\n    @{\"x\": 2}, // two\n)"),
            ("f(x\n=\n1)", "f(@{\"x\"\n: \n1})"),
            ("f(x=1) + f(y=2)", "f(@{\"x\": 1}) + f(@{\"y\": 2})"),
            ("m::f(x=1)", "m::f(#{\"x\": 1})"),
            ("é(x=1)", "é(x=1)"),
        ],
    );
}

#[test]
fn what_only_looks_like_a_keyword_stays() {
    unchanged(&[
        "f(a == 1)",
        "f(a == 1, b != 2, c <= 3)",
        "f(|x| { a = 1 })",
        "f(|x| a = 1)",
        "f(1, |x, y| a = x)",
        "f({ a = 1; a })",
        "f(if a { b = 1 } else { c = 2 })",
        "f(#{a: 1})",
        "f(\"a=1\", `b=2`, 'c', #\"d=\"4\"\"#) // e=5",
        "/* f(x=1) */ f(1) // f(x=1)",
        "if (a) { b = 1 }",
        "let x = (y); x = 2; x += 3",
        "for i in 0..3 { x = i }",
        "for (v, i) in",
        "while (x) { y = 1 }",
        "fn h(a, b) { a = b; a }",
        "try { x = 1 } catch (e) { y = e }",
        "let c = |a| b = a;",
        "f()",
        "",
        " \n\t",
        "// only a comment",
    ]);
}

#[test]
fn keywords_of_the_scripts_own_functions_find_their_places() {
    becomes(
        Mode::Script,
        &[
            ("probe_port(ip=\"x\", port=80)", "probe_port(\"x\", 80)"),
            ("probe_port(port=80, ip=\"x\")", "probe_port(\"x\", 80)"),
            ("probe_port(\"x\", port = 80)", "probe_port(\"x\",   80)"),
            ("probe_port(port=f(a=1), ip=probe_port(port=2, ip=1))", "probe_port(probe_port(1, 2), f(@{\"a\": 1}))"),
            ("probe_port(port=80, // why\n    ip=[1,\n 2])", "probe_port([1,\n 2], // why\n    80)"),
            ("both(a=1)", "both(1)"),
            ("both(b=1, a=_)", "both(last_value__, 1)"),
            ("options(\"x\", timeout=1, retry=2)", "options(\"x\", #{\"timeout\": 1, \"retry\": 2})"),
            ("fn is_up(ip) { true } is_up(ip=1)", "fn is_up(ip) { true } is_up(1)"),
            ("later(b=1, a=2); fn later(a, b) {}", "later(2, 1); fn later(a, b) {}"),
            ("is_up(ip=1)", "is_up(@{\"ip\": 1})"),
            ("p.probe_port(ip=1, port=2)", "p.probe_port(1, 2)"),
            ("fn show(x) {} p.show(x=1)", "fn show(x) {} p.show(@{\"x\": 1})"),
        ],
    );
    told(
        Mode::Script,
        &[
            ("probe_port(\"x\", prot=80)", "prot", "has no parameter \"prot\"; did you mean \"port\"?"),
            ("probe_port(\"x\", zz=80, port=1)", "zz", "`probe_port(ip, port)` has no parameter \"zz\""),
            ("probe_port(\"x\", ip=1)", "ip", "\"ip\" twice"),
            ("probe_port(port=1)", "probe_port", "`probe_port(ip, port)` is not given \"ip\""),
        ],
    );
}

#[test]
fn mistakes_with_keywords_are_told() {
    told(
        Mode::Script,
        &[
            ("f(x=1, 2 + 3)", "2 + 3", "put the keywords last"),
            ("f(1, x=1,\n  x=2)", "x", "the keyword `x` is given twice"),
            ("f(x=)", "x", "has no value: write `x=...`"),
            ("f(x=, y=1)", "x", "has no value"),
            ("f(a.b=1)", "=", "a keyword is a plain name"),
            ("f(\"x\"=1)", "\"x\"", "a keyword is a plain name"),
            ("f(_=1)", "_", "a keyword is a plain name"),
            ("f(x=y=1)", "=", "a keyword is a plain name"),
            ("f(x: 1)", ":", "`x=...`"),
        ],
    );
}

#[test]
fn the_last_value_and_unused_names() {
    becomes(
        Mode::Script,
        &[
            ("_", "last_value__"),
            ("f(_, x=_)[_]", "f(last_value__, @{\"x\": last_value__})[last_value__]"),
            ("switch x { 1 => _, _ => _ }", "switch case__(x) { 1 => last_value__, _ => last_value__ }"),
            ("switch x { _ if y => 1 }", "switch case__(x) { _ if y => 1 }"),
            ("for _ in 0..3 {}", "for unused__1 in 0..3 {}"),
            ("let _ = 1", "let unused__1 = 1"),
            ("fn h(_, b, _) { _ }", "fn h(unused__1, b, unused__2) { last_value__ }"),
            ("f(|_, b| b)", "f(|unused__1, b| b)"),
            ("`${_}`", "`${last_value__}`"),
        ],
    );
}

#[test]
fn eval_and_pairs() {
    becomes(
        Mode::Script,
        &[
            ("eval(\"f(x=1)\")", "eval(sugar__(\"f(x=1)\"))"),
            ("let y = eval(g(x=1) + eval(b));", "let y = eval(sugar__(g(@{\"x\": 1}) + eval(sugar__(b))));"),
            ("p.eval(1)", "p.eval(1)"),
            (
                "for (s, r) in ans { print(s) }",
                "for row__1 in pairs__(ans) { let s = row__1[0]; let r = row__1[1]; print(s) }",
            ),
            (
                "for (s, _) in f(x=1).ans {\n  for (a, b) in s.g(|v| { v }) {}\n}",
                "for row__1 in pairs__(f(@{\"x\": 1}).ans) { let s = row__1[0];\n  \
             for row__2 in pairs__(s.g(|v| { v })) { let a = row__2[0]; let b = row__2[1];}\n}",
            ),
            ("for (a,\nb) in _ {}", "for row__1\n in pairs__(last_value__) { let a = row__1[0]; let b = row__1[1];}"),
            ("for (a, b) in [`${x}`] {}", "for row__1 in pairs__([`${x}`]) { let a = row__1[0]; let b = row__1[1];}"),
            ("for (a, b) in `${x}` {}", "for row__1 in pairs__(`${x}`) { let a = row__1[0]; let b = row__1[1];}"),
        ],
    );
}

#[test]
fn short_forms_of_the_prompt() {
    becomes(
        Mode::Prompt,
        &[
            ("help", "help()"),
            (" exit ; ", " exit() ; "),
            ("lab", "lab"), // a variable of the session goes first
            ("p", "p"),
            ("nothing", "nothing"),
            ("sr1?", "help(sr1)"),
            ("sr1 ?;", "help(sr1 );"),
            ("p.show?", "help(\"p.show\")"),
            ("f(x=1)", "f(@{\"x\": 1})"),
            ("#!/usr/bin/env pktsh\nexit", "\nexit()"),
        ],
    );
    becomes(Mode::Script, &[("help", "help"), ("#!/usr/bin/env pktsh\nf(x=1)", "\nf(@{\"x\": 1})"), ("#!x", "")]);
}

#[test]
fn habits_from_python_are_answered() {
    told(
        Mode::Prompt,
        &[
            (
                "ans, unans = sr(p, timeout=1)",
                "ans",
                "write `let r = sr(p, timeout=1);`, then `let ans = r.ans;` and `let unans = r.unans;`",
            ),
            ("let a, _ = f(1); 2", "let", "write `let r = f(1);`, then `let a = r[0];`"),
            ("(a, b, c) = x", "(", "`let a = r[0];` and `let b = r[1];` and `let c = r[2];`"),
            ("f(flags='FPU')", "'FPU'", "write \"FPU\""),
            ("x = ''", "'", "write \"\""),
            ("def probe(x):", "def", "write `fn probe(...) { ... }`"),
            ("if a and b {}", "and", "`&&`"),
            ("if f(a) or b {}", "or", "`||`"),
            ("if not a {}", "not", "`!`"),
            ("if a not in b {}", "not", "`!in`"),
            ("if a is None {}", "is", "`==`"),
            ("if a {} elif b {}", "elif", "`else if"),
            ("if a == 1:\n  b", ":", "`if a == 1 { ... }`"),
            ("if a {} else:\n  b", ":", "braces"),
            ("for x in y:", ":", "`for x in y { ... }`"),
            ("for a, b in c {}", "for", "`for (a, b) in"),
            ("x[0:2]", ":", "`1..3`"),
            ("let x = {\"a\": 1}", ":", "`#{\"a\": ...}`"),
            ("x = 1 # one", "#", "`//`"),
            ("import scapy", "import", "nothing is to be imported"),
            ("from scapy.all import *", "from", "nothing is to be imported"),
            ("import mine as m", "import", "`import \"mine\" as mine;`"),
            ("lambda x: x", "lambda", "`|x| ...`"),
            ("f(prn=lambda p: 1)", "lambda", "`|x| ...`"),
            ("fn h(a, b=1) {}", "fn", "no default value"),
            ("fn h(a: int) {}", "fn", "no type"),
            ("x++", "++", "`+= 1`"),
            ("f\"{x}\"", "f", "back-ticks"),
            ("b\"x\"", "b", "unhex"),
            ("help sr1", "help", "write `help(sr1)`"),
            ("help 'sr1'", "'sr1'", "write \"sr1\""),
            ("print \"x\";", "print", "write `print(\"x\")`"),
            ("a ? b : c", "?", "`if x { a } else { b }`"),
            ("x = null", "null", "`None`"),
        ],
    );
    unchanged(&["import \"x\" as y;", "let path = \"x\"; import path as y;", "let def = 1; let and = def; f(or)"]);
}

#[test]
fn positions_are_those_of_the_typed_text() {
    let typed = "let é = f(x=1, y=2) + oops;\nprobe_port(port=bad, ip=worse)";
    let sugared = sugar(typed, &known(), Mode::Script).expect("it is right");
    for (name, line) in [("f", 1), ("oops", 1), ("bad", 2), ("worse", 2), ("probe_port", 2)] {
        let column = |text: &str| {
            let line = text.lines().nth(line - 1).expect("the line is there");
            line[..line.find(name).expect("the name is there")].chars().count() + 1
        };
        assert_eq!(sugared.map.original(line, column(&sugared.text)), (line, column(typed)), "{name}");
    }
    let plain = sugar("x", &known(), Mode::Script).expect("it is right");
    assert_eq!(plain.map.original(1, 0), (1, 1));
    assert_eq!(plain.map.original(7, 3), (7, 3));
}

#[test]
fn rhai_understands_what_comes_out() {
    let mut engine = Engine::new();
    engine.register_fn("f", |m: rhai::Map| format!("{:?}", m.keys().collect::<Vec<_>>()));
    engine.register_fn("pairs__", |a: Array| {
        a.into_iter().enumerate().map(|(i, v)| Dynamic::from(vec![v, (i as i64).into()])).collect::<Array>()
    });
    engine.register_fn("sugar__", |text: &str| {
        sugar(text, &Known::default(), Mode::Script).map_or_else(|f| f.message, |s| s.text.into_owned())
    });
    for (typed, wanted) in [
        ("f(x=1, match=2)", "[\"\\u{1}\", \"match\", \"x\"]"),
        ("fn g(a, b) { a - b } `${g(b=1, a=10)}`", "9"),
        ("let t = 0; for (v, i) in [5, 6] { t += v * i } `${t}`", "6"),
        ("eval(\"f(x=1)\")", "[\"\\u{1}\", \"x\"]"),
        ("fn g(o) { `${o}` } g(a=1)", "#{\"a\": 1}"),
        ("let t = 0; for _ in 0..3 { t += 1 } `${t}`", "3"),
    ] {
        let sugared = sugar(typed, &Known::of(&engine), Mode::Script).expect("it is right");
        assert_eq!(engine.eval::<String>(&sugared.text).ok().as_deref(), Some(wanted), "{typed}: {}", sugared.text);
    }
}

#[test]
fn constants_of_the_file_are_seen_in_its_functions() {
    let mut engine = Engine::new();
    let constants = Constants::default();
    see_constants(&mut engine, &constants);
    engine.register_fn("each", |context: NativeCallContext, f: FnPtr| f.call_within_context::<i64>(&context, (5_i64,)));
    for (text, wanted) in [
        ("const X = 3; fn g() { X } fn f() { g() + 1 } f()", 4),
        ("const X = [1, 2]; fn f() { X[1] + X.len() } f()", 4),
        ("const X = 3; fn f() { let c = |a| { let d = |b| a + b + X; d.call(10) }; c.call(1) } f()", 14),
        ("const X = 3; fn f() { each(|a| a + X) } f()", 8),
        ("const X = 3; fn h(a) { a + X } fn f() { each(h) } f()", 8),
        ("const X = 3; fn f() { eval(\"X + 1\") } f()", 4),
        ("const X = 3; fn f(X) { X } fn g() { let X = 9; X } f(5) + g()", 14),
        ("const X = 3; fn f() { this + X } let a = 1; a.f()", 4),
    ] {
        assert_eq!(engine.eval::<i64>(text).ok(), Some(wanted), "{text}");
    }
    assert!(engine.eval::<i64>("let X = 3; fn f() { X } f()").is_err(), "variables stay outside");
    constants.borrow_mut().insert("OLD".into(), 7_i64.into());
    assert_eq!(
        engine.eval::<i64>("fn f() { [1].map(|v| v + OLD)[0] } f()").ok(),
        Some(8),
        "a constant of an earlier line"
    );
}

#[test]
fn unfinished_texts_wait_for_more() {
    let engine = Engine::new();
    for text in [
        "fn f(x) {",
        "sr1(IP(dst=\"a\")/TCP(dport=80,",
        "f(x=",
        "let x =",
        "1 +",
        "[1,",
        "#{a: 1,",
        "`abc",
        "`a ${b",
        "`a ${b} c",
        "#\"abc",
        "/* abc",
        "if x",
        "if x {} else",
        "p.",
        "for (a, b) in x",
        "for (a, b) in x {",
        "let x = \"a\\",
        "f(1, // one",
        "x = switch y { 1 => 2,",
    ] {
        assert!(is_unfinished(&engine, text), "{text}");
    }
    for text in [
        "",
        "1 + 1",
        "f(x=1)",
        "let x = 1;",
        "f(x=1, 2)",
        "\"abc",
        "f(\"abc",
        "f(]",
        "1 2",
        "}",
        "def f(x):",
        "x ? y",
        "/* a */",
        "fn f() {} f(", // the last needs more
    ] {
        assert_eq!(is_unfinished(&engine, text), text.ends_with("f("), "{text}");
    }
}

/// Pieces that texts are thrown together from.
const PIECES: &[&str] = &[
    "f(",
    "probe_port(",
    "eval(",
    "x=",
    "port=",
    "ip = ",
    "1",
    "\"a\"",
    "'ab'",
    "'c'",
    "`t",
    "`",
    "${",
    "}",
    "{",
    "#{",
    "[",
    "]",
    ")",
    "()",
    "(",
    ",",
    ";",
    "|",
    "||",
    "|a, b|",
    "_",
    "=",
    "==",
    "=>",
    "for (a, b) in ",
    "for ",
    "in ",
    "let ",
    "const ",
    "fn g(a, b) ",
    "fn ",
    ".",
    "::",
    "!",
    "?",
    "if ",
    "else ",
    "switch x ",
    "and ",
    "not ",
    "import ",
    "é",
    "\n",
    " ",
    "// c\n",
    "/*",
    "*/",
    "#\"",
    "\"#",
    ":",
    "x",
    "\\${",
    "#",
    "\"",
];

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_is_too_odd(text in ".{0,60}") {
        let _ = sugar(&text, &known(), Mode::Prompt);
    }

    #[test]
    fn no_soup_of_tokens_is_too_odd(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        let text = pieces.concat();
        for mode in [Mode::Prompt, Mode::Script] {
            if let Ok(sugared) = sugar(&text, &known(), mode) {
                prop_assert_eq!(sugared.text.matches('\n').count(), text.matches('\n').count());
            }
        }
        is_unfinished(&Engine::new_raw(), &text);
    }

    #[test]
    fn what_rhai_reads_as_typed_stays_as_typed(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..7)) {
        let text = pieces.concat();
        let sweet = ["_", "eval", "for (", "import"].iter().any(|s| text.contains(s));
        if !sweet && Engine::new().compile(&text).is_ok() {
            let sugared = sugar(&text, &Known::default(), Mode::Script);
            prop_assert!(matches!(&sugared, Ok(s) if s.text == text), "{text}: {sugared:?}");
        }
    }

    #[test]
    fn keyword_calls_compile_and_map_back(
        names in prop::collection::btree_set("[a-z]{3,6}_", 1..5),
        positional in 0usize..3,
        nested in prop::bool::ANY,
        space in prop::sample::select(&["", " ", "\n", " /* c */ "][..]),
    ) {
        let value = if nested { "g(q=[1, 2], r=|a, b| a)" } else { "1" };
        let mut arguments = vec!["2".to_string(); positional];
        arguments.extend(names.iter().map(|n| format!("{n}{space}={space}{value}")));
        let text = format!("f({}) + marker", arguments.join(&format!(",{space}")));
        let sugared = sugar(&text, &Known::default(), Mode::Script).expect("it is right");
        prop_assert!(Engine::new().compile(&*sugared.text).is_ok(), "{}", sugared.text);
        let place = |text: &str| edit::Lines::new(text).place(text.find("marker").unwrap_or(0));
        let (line, column) = place(&sugared.text);
        prop_assert_eq!(sugared.map.original(line, column), place(&text));
    }
}
