//! The program itself: every form of its command line, its exit codes, and what it says about mistakes.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test prints what it ran and fails by panicking")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Output, Stdio};

use support::wire::{SERVER, Wire};

const PKTSH: &str = env!("CARGO_BIN_EXE_pktsh");

/// What the program did.
#[derive(Debug)]
struct Done {
    out: String,
    err: String,
    code: Option<i32>,
}

impl From<Output> for Done {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
    }
}

fn pktsh(args: &[&str]) -> Done {
    fed(args, "")
}

/// Runs it with `input` on standard input.
fn fed(args: &[&str], input: &str) -> Done {
    let mut command = Command::new(PKTSH);
    let mut child =
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes()); // it may end without reading
    child.wait_with_output().unwrap().into()
}

#[track_caller]
fn prints(args: &[&str], out: &str) {
    let done = pktsh(args);
    assert_eq!((done.out.as_str(), done.err.as_str(), done.code), (out, "", Some(0)), "{args:?}");
}

/// It ends with `code` after one error that holds `words`, and prints nothing else.
#[track_caller]
fn refuses(done: &Done, code: i32, words: &str) {
    assert_eq!(done.code, Some(code), "{done:?}");
    let first = done.err.lines().next().unwrap_or("");
    assert!(first.starts_with("error: ") && first.contains(words), "{words:?} is not in {}", done.err);
    assert_eq!(done.err.matches("error: ").count(), 1, "{}", done.err);
    assert_eq!(done.out, "");
}

#[test]
fn code_prints_its_value() {
    prints(&["-e", "1 + 1"], "2\n");
    prints(&["-e", "print(args[0], args.len())", "a", "b"], "a 2\n");
    prints(&["-e", "let quiet = 1;"], "");
    prints(&["-e", r#"sr1(IP("web.lab")/TCP(dport=80, flags="S"))[TCP].flags"#], "SA\n");
    prints(&["-e", "args", "recipes"], "[\"recipes\"]\n");
}

#[test]
fn a_file_prints_only_what_it_prints_and_gets_its_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.rhai");
    fs::write(&path, "#!/usr/bin/env pktsh\nfn all() { args }\nprint(all());\nsr1(IP(\"web.lab\")/ICMP())\n").unwrap();
    let path = path.to_str().unwrap();
    prints(&[path, "22,80", "--lab", "-e"], "[\"22,80\", \"--lab\", \"-e\"]\n");
    prints(&[path.strip_suffix(".rhai").unwrap()], "[]\n");
    prints(&["syn-scanner", "web.lab", "22"], &pktsh(&["syn-scanner.rhai", "web.lab", "22"]).out);
}

#[test]
fn standard_input_is_a_script() {
    for args in [&["-", "x"][..], &[]] {
        let done = fed(args, "print(\"in\");\n2");
        assert_eq!((done.out.as_str(), done.err.as_str(), done.code), ("in\n", "", Some(0)));
    }
    assert_eq!(fed(&["-", "x", "-y"], "print(args)").out, "[\"x\", \"-y\"]\n");
    refuses(&fed(&[], "print(1"), 1, "expecting ')'");
}

#[test]
fn exit_codes_are_the_scripts_own() {
    assert_eq!(pktsh(&["-e", "exit(3)"]).code, Some(3));
    assert_eq!(fed(&[], "exit(3); print(\"never\")").code, Some(3));
    prints(&["-e", "exit()"], "");
    refuses(&pktsh(&["-e", "exit(300)"]), 1, "an exit code is 0 to 255");
}

#[test]
fn help_and_version() {
    assert_eq!(pktsh(&["--version"]).out, format!("pktsh {}\n", env!("CARGO_PKG_VERSION")));
    let help = pktsh(&["--help"]);
    assert_eq!(help.code, Some(0));
    for words in ["Usage: pktsh [OPTIONS] ", "--lab[=<FILE>]", "--pcap", "Examples:", "Exit code:"] {
        assert!(help.out.contains(words), "{words} is not in {}", help.out);
    }
}

#[test]
fn the_recipes_are_listed_and_copied() {
    let list = pktsh(&["recipes"]).out;
    let names = ["syn-scanner", "fin-scanner", "xmas-scanner", "ack-scanner"];
    assert!(names.iter().all(|name| list.contains(name)), "{list}");
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("new/scripts");
    let args = ["recipes", "--copy", copy.to_str().unwrap()];
    assert_eq!(pktsh(&args).code, Some(0));
    for name in names {
        let source = fs::read_to_string(format!("{}/scripts/{name}.rhai", env!("CARGO_MANIFEST_DIR"))).unwrap();
        assert_eq!(fs::read_to_string(copy.join(name).with_extension("rhai")).unwrap(), source);
    }
    refuses(&pktsh(&args), 1, "is there already");
}

#[test]
fn the_laboratory_is_listed_shown_and_checked() {
    assert!(pktsh(&["lab", "list"]).out.contains("drop.lab"));
    assert!(pktsh(&["lab", "show", "web.lab"]).out.contains("192.0.2.10"));
    refuses(&pktsh(&["lab", "show", "wbe.lab"]), 1, "did you mean \"web.lab\"?");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.toml");
    let small = concat!(env!("CARGO_MANIFEST_DIR"), "/src/lab/tests/small.toml");
    fs::copy(small, &path).unwrap();
    let path = path.to_str().unwrap();
    let printed = folder.path().join("printed.toml");
    fs::write(&printed, pktsh(&["lab", "print"]).out).unwrap();
    assert!(pktsh(&["lab", "check", printed.to_str().unwrap()]).out.contains("nothing wrong"));
    assert_eq!(pktsh(&["lab", "list", printed.to_str().unwrap()]).out, pktsh(&["lab", "list"]).out);
    assert!(pktsh(&["lab", "check", path]).out.contains("nothing wrong"));
    let listed = pktsh(&["lab", "list", path]).out;
    assert!(listed.contains("web.lab") && !listed.contains("linux.lab"), "{listed}");
    assert!(pktsh(&["lab", "show", "far.lab", path]).out.contains("4.7 ms each way"));
    prints(&[&format!("--lab={path}"), "-e", "resolve(\"web.lab\")"], "\"192.0.2.10\"\n");
    fs::write(path, fs::read_to_string(small).unwrap().replacen("name =", "nmae =", 1)).unwrap();
    refuses(&pktsh(&["lab", "check", path]), 1, "did you mean \"name\"?");
    refuses(&pktsh(&[&format!("--lab={path}"), "-e", "1"]), 1, "did you mean \"name\"?");
    refuses(&pktsh(&["--lab=/nowhere.toml", "-e", "1"]), 2, "cannot read \"/nowhere.toml\"");
}

#[test]
fn a_seed_is_a_run() {
    let probe = r#"print(sr1(IP("web.lab")/TCP(dport=80, flags="S")).summary(), RandInt())"#;
    let run = |seed| pktsh(&["--seed", seed, "-e", probe]).out;
    assert_eq!(run("1"), pktsh(&["-e", probe]).out);
    assert_eq!(run("7"), run("7"));
    assert_ne!(run("7"), run("8"));
}

#[test]
fn a_recording_holds_the_probe_and_its_answer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.pcap");
    let code = r#"sr1(IP("web.lab")/TCP(dport=80, flags="S", sport=61234)); ()"#;
    prints(&["--pcap", path.to_str().unwrap(), "-e", code], "");
    let bytes = fs::read(&path).unwrap();
    assert_eq!(bytes[..4], [0x4d, 0x3c, 0xb2, 0xa1], "nanosecond pcap, little endian");
    let ports = [[0xef, 0x32, 0, 80], [0, 80, 0xef, 0x32]]; // 61234 to 80, and back
    assert!(ports.iter().all(|pair| bytes.windows(4).any(|w| w == pair)), "{bytes:02x?}");
    refuses(&pktsh(&["--pcap", "/nowhere/x.pcap", "-e", "1"]), 2, "cannot write \"/nowhere/x.pcap\"");
}

#[test]
fn wrong_usage_is_2() {
    for args in [&["--nonsense"][..], &["--seed", "x"], &["--lab", "--live"], &["lab"], &["-i", "lo", "-e", "1"]] {
        let done = pktsh(args);
        assert_eq!(done.code, Some(2), "{args:?}: {done:?}");
        assert!(done.err.starts_with("error: ") || done.err.contains("Usage:"), "{done:?}");
    }
    refuses(&pktsh(&["nofile.rhai"]), 2, "no script \"nofile.rhai\"");
    refuses(&pktsh(&["syn-scaner"]), 2, "did you mean \"syn-scanner\"?");
    refuses(&pktsh(&["/"]), 2, "no script \"/\"");
    refuses(&pktsh(&["--live", "-i", "nosuch0", "-e", "1"]), 2, "no interface \"nosuch0\"");
}

#[test]
fn bad_input_is_one_sentence() {
    for (code, words) in [
        (r#"sr1(IP("wbe.lab")/ICMP())"#, "cannot resolve \"wbe.lab\""),
        (r#"sr1(IP("wbe.lab")/ICMP())"#, "did you mean \"web.lab\"?"),
        ("IP().tttl", "\"tttl\" in IP; did you mean \"ttl\"?"),
        ("IP(tttl=1)", "did you mean \"ttl\"?"),
        ("IP(ttl=256)", "IP.ttl: 256 does not fit 8 bits"),
        ("let x = (1 + ", "incomplete"),
        ("ssr1(IP())", "did you mean \"sr1\"?"),
        (r#"run("syn-scaner")"#, "did you mean \"syn-scanner\"?"),
        (r#"sr1(IP("web.lab")/ICMP(), iface="lab1")"#, "did you mean \"lab0\"?"),
    ] {
        refuses(&pktsh(&["-e", code]), 1, words);
    }
    refuses(&pktsh(&["--lab", "-e", r#"sr1(IP("127.0.0.1")/ICMP())"#]), 1, "127.0.0.1 is not in this session");
}

#[test]
fn without_privilege_the_laboratory_works_and_the_rest_names_the_command() {
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let run = |code: &str| -> Done {
        let mut command = Command::new(if is_root { "setpriv" } else { PKTSH });
        if is_root {
            command.args(["--bounding-set=-all", "--inh-caps=-all", PKTSH]);
        }
        command.args(["-e", code]).output().unwrap().into()
    };
    let done = run(r#"sr1(IP("127.0.0.1")/ICMP())"#);
    refuses(&done, 1, "needs CAP_NET_RAW");
    assert!(done.err.contains("sudo setcap cap_net_raw+ep"), "{}", done.err);
    let done = run(r#"sr1(IP("web.lab")/ICMP())[ICMP].type"#);
    assert_eq!((done.out.as_str(), done.err.as_str(), done.code), ("0\n", "", Some(0)));
}

#[test]
fn a_mistake_is_shown_where_it_was_made() {
    let done = pktsh(&["-e", "sr1(IP(\"web.lab\")/TCP(80), timout=1)"]);
    let golden = "\
error: sr1: no keyword \"timout\"; did you mean \"timeout\"?
 --> -e:1:28
  |
1 | sr1(IP(\"web.lab\")/TCP(80), timout=1)
  |                            ^^^^^^
";
    assert_eq!(done.err, golden);
    let done = fed(&[], "// a comment\nfn ttl(p) {\n\tp.tttl\n}\nfn twice(p) { ttl(p) * 2 }\ntwice(IP())\n");
    let (first, rest) = done.err.split_once('\n').unwrap();
    assert!(first.starts_with("error: no field or method \"tttl\" in IP"), "{first}");
    let golden = " --> <stdin>:3:4
  |
3 |     p.tttl
  |       ^^^^
  |
  = note: in ttl, called by twice
";
    assert_eq!(rest, golden);
}

#[test]
fn nothing_that_moves_a_cursor_gets_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x\x1b[2J.rhai");
    fs::write(&path, "let x = \"\x1b[2J\u{202e}\u{9b}\"; IP(ttl=999)").unwrap();
    for done in [
        pktsh(&["-e", r#"print("\x1b[2J\r\x07")"#]),
        pktsh(&["-e", r#""\x1b[2J""#]),
        pktsh(&["-e", r#"let p = IP("web.lab")/UDP(7)/"\x1b[2J\x9b"; p.show(); print(p[Raw].load); p"#]),
        pktsh(&["-e", r#"[#{ a: "\x1b[2J" }]"#]),
        pktsh(&["-e", r#"throw "\x1b[2J""#]),
        pktsh(&["-e", r#"IP("\x1b[2J.lab")"#]),
        pktsh(&["-e", "IP(\x1b[2J)"]),
        pktsh(&[path.to_str().unwrap()]),
        pktsh(&["\x1b[2J"]),
    ] {
        let both = format!("{}{}", done.out, done.err);
        assert!(both.contains("[2J") || both.contains("1b5b324a"), "{both}");
        assert!(!both.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{both:?}");
    }
}

#[test]
fn a_closed_pipe_is_a_normal_end() {
    let code = "for i in 0..1000000000 { print(i) } exit(7)";
    let mut child =
        Command::new(PKTSH).args(["-e", code]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "0\n");
    let done: Done = child.wait_with_output().unwrap().into();
    assert_eq!((done.err.as_str(), done.code), ("", Some(0)));
}

#[test]
fn ctrl_c_ends_a_script_that_never_ends() {
    let mut command = Command::new(PKTSH);
    command.args(["-e", "print(\"running\"); loop { }"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert_eq!(line, "running\n");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert!(err.starts_with("error: stopped by Ctrl-C"), "{err}");
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_script_that_takes_all_memory_is_ended() {
    for code in [
        "let s = \"x\"; loop { s += s; }",
        "let l = []; loop { l.push(\"a text that lies on the heap by itself\".to_upper()); }",
        "let b = []; loop { b.push(blob(16000000)); }",
    ] {
        refuses(&pktsh(&["--lab", "-e", code]), 1, "more than 1024 MiB of memory");
    }
    refuses(&pktsh(&["-e", "blob(1000000000000)"]), 1, "blob: 1000000000000 is too many");
    refuses(&pktsh(&["-e", "let s = \"a\"; s.pad(1000000000000, 'b')"]), 1, "pad: 1000000000000 is too many");
    refuses(&pktsh(&["-e", "for (a, b) in 0..1000000000000 { }"]), 1, "for (a, b) takes 16777216 rounds at most");
}

#[test]
fn deep_recursion_is_an_error() {
    refuses(&pktsh(&["-e", "fn f(n) { f(n + 1) } f(0)"]), 1, "functions call one another too deeply");
}

#[test]
fn the_real_network_needs_its_options() {
    let wire = Wire::new();
    let run = |args: &[&str]| -> Done { wire.client(PKTSH).args(args).output().unwrap().into() };
    let ping = format!("sr1(IP(\"{SERVER}\")/ICMP())[ICMP].type");
    for args in [&["-e"][..], &["--live", "-e"], &["--live", "-i", "eth0", "-e"]] {
        let done = run(&[args, &[ping.as_str()]].concat());
        assert_eq!((done.out.as_str(), done.err.as_str(), done.code), ("0\n", "", Some(0)), "{args:?}");
    }
    // The interface holds for calls that name none.
    let silent = |iface| format!("sr1(IP(\"{SERVER}\")/ICMP(), timeout=0.2{iface}) == None");
    assert_eq!(run(&["--live", "-i", "lo", "-e", &silent("")]).out, "true\n");
    assert_eq!(run(&["--live", "-i", "lo", "-e", &silent(", iface=\"eth0\"")]).out, "false\n");
    refuses(&run(&["--lab", "-e", &ping]), 1, "is not in this session");

    // Runs on the real network do not repeat one another's ports, unless they are told to.
    let draw = format!("let q = sr1(IP(\"{SERVER}\")/TCP(dport=9, flags=\"S\")).query; print(q.sport, q.id)");
    assert_ne!(run(&["-e", &draw]).out, run(&["-e", &draw]).out);
    assert_eq!(run(&["--seed", "5", "-e", &draw]).out, run(&["--seed", "5", "-e", &draw]).out);

    // A public address, played by the server at the other end of the wire.
    wire.server_sh("ip addr add 11.0.0.1/32 dev lo");
    wire.client_sh(&format!("ip route add 11.0.0.1/32 via {SERVER}"));
    let public = "sr1(IP(\"11.0.0.1\")/ICMP())[ICMP].type";
    refuses(&run(&["-e", public]), 1, "11.0.0.1 is a public address: start pktsh with --public");
    assert_eq!(run(&["--public", "-e", public]).out, "0\n");
}

/// A program of that name which keeps what it gets stands in for Wireshark, whose window no test can see.
#[test]
fn wireshark_gets_the_packets_through_a_pipe() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let (program, kept) = (dir.path().join("wireshark"), dir.path().join("kept.pcapng"));
    assert!(Command::new("mkfifo").arg(&kept).status().unwrap().success());
    fs::write(&program, format!("#!/bin/sh\nexec cat > {}\n", kept.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", dir.path().display(), std::env::var("PATH").unwrap());
    let code = "wireshark(sr(IP(\"web.lab\")/TCP(dport=[22, 23])))";
    let mut child = Command::new(PKTSH).args(["--lab", "-e", code]).env("PATH", path).spawn().unwrap();
    let packets = fs::read(&kept).unwrap();
    assert!(child.wait().unwrap().success());
    let mut reader = pktsh::net::capture::Reader::new("kept", &packets[..]).unwrap();
    let mut count = 0;
    while reader.next().is_some() {
        count += 1;
    }
    assert_eq!(count, 4, "both probes and both answers");

    let empty = tempfile::tempdir().unwrap();
    let output = Command::new(PKTSH).args(["--lab", "-e", "wireshark(IP()/ICMP())"]).env("PATH", empty.path()).output();
    let said: Done = output.unwrap().into();
    assert!(said.err.contains("cannot start Wireshark") && said.err.contains("wrpcap"), "{}", said.err);
}
