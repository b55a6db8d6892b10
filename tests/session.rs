//! What a session keeps, and how it is stopped: Ctrl-C, runaway scripts, imports, arguments.

#[path = "support/session.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use pktsh::engine::Network;
use pktsh::lab::Lab;
use pktsh::script::{Session, Settings};
use support::{Heard, lab_session, session_with, with_stack};

/// A session whose waits end at once, as if Ctrl-C were pressed in each.
fn interrupted() -> (Session, Heard, Arc<AtomicBool>) {
    let lab = Lab::new(1);
    let stop = Arc::new(AtomicBool::new(true));
    lab.set_stop(Arc::clone(&stop));
    let (session, heard) = session_with(vec![Box::new(lab)], Arc::new(AtomicUsize::new(0)));
    (session, heard, stop)
}

#[test]
fn ctrl_c_ends_the_wait_and_the_next_call_ends_the_line() {
    with_stack(|| {
        let (mut session, heard, stop) = interrupted();
        let _ = session
            .line("let r = 5; r = sr(IP(\"drop.lab\")/TCP(dport=[22, 23])); let after = 1")
            .expect("no error by itself");
        assert!(heard.noted.borrow()[0].contains("stopped by Ctrl-C"), "{:?}", heard.noted.borrow());
        let trouble =
            session.line("let n = 0; for i in 0..100 { n = i; sr1(IP(\"drop.lab\")/TCP(22)); }").expect_err("ends");
        assert!(trouble.message.contains("stopped by Ctrl-C"), "{trouble}");
        stop.store(false, Ordering::Relaxed);
        let show = |session: &mut Session, line: &str| {
            let value = session.line(line).unwrap_or_else(|t| panic!("{line}: {t}"));
            session.display(&value)
        };
        assert_eq!(show(&mut session, "n").as_deref(), Some("1"), "one call ended the wait, the next one the loop");
        assert_eq!(show(&mut session, "[after, r.unans.len()]").as_deref(), Some("[1, 2]"), "the assignment completed");
        assert_eq!(
            show(&mut session, "sr1(IP(\"web.lab\")/TCP(22))[TCP].flags").as_deref(),
            Some("SA"),
            "the next line works"
        );
    });
}

#[test]
fn a_runaway_script_is_stopped() {
    with_stack(|| {
        let signals = Arc::new(AtomicUsize::new(0));
        let (mut session, _) = session_with(vec![Box::new(Lab::new(1))], Arc::clone(&signals));
        for line in ["loop { }", "let i = 0; while true { try { i += 1; } catch { } }", "fn f() { loop { } } f()"] {
            let pressed = Arc::clone(&signals);
            // The session counts the signals that came before a line as old, so press until it stops.
            let done = Arc::new(AtomicBool::new(false));
            let ended = Arc::clone(&done);
            let presser = std::thread::spawn(move || {
                while !ended.load(Ordering::Relaxed) {
                    pressed.fetch_add(1, Ordering::Relaxed);
                    std::thread::yield_now();
                }
            });
            let trouble = session.line(line).expect_err("it has no other end");
            done.store(true, Ordering::Relaxed);
            presser.join().expect("the thread that presses");
            assert!(trouble.message.contains("stopped by Ctrl-C"), "{line}: {trouble}");
        }
    });
}

#[test]
fn memory_is_bounded() {
    with_stack(|| {
        let settings = Settings {
            network: Network::new(vec![Box::new(Lab::new(1))], 1),
            plan: Some(pktsh::lab::Plan::builtin()),
            console: Box::new(Heard::default()),
            signals: Arc::default(),
            memory: || Some(2 << 30),
            most_memory: 1 << 30,
            accounts: false,
            watchers: pktsh::scan::Watchers::default(),
            command: None,
        };
        let trouble = Session::new(settings).line("let a = []; loop { a.push(1); }").expect_err("it grows for ever");
        assert!(trouble.message.contains("1024 MiB"), "{trouble}");
    });
}

#[test]
fn imported_scripts_get_the_sugar_too() {
    with_stack(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let module = folder.path().join("probes.rhai");
        std::fs::write(&module, "fn syn(port) { TCP(dport=port, flags=\"S\") }\nfn bad() { TCP(dprot=1) }\n")
            .expect("written");
        let main = folder.path().join("main.rhai");
        let text = "import \"probes\" as probes;\nprint(probes::syn(22).dport);\nprobes::bad()";
        std::fs::write(&main, text).expect("written");
        let (mut session, heard) = lab_session();
        let trouble = session.script(&main.to_string_lossy(), text, &[]).expect_err("bad() is bad");
        assert_eq!(*heard.printed.borrow(), ["22"]);
        assert!(trouble.message.contains("did you mean \"dport\"?"), "{trouble}");
        let place = trouble.place.expect("a place");
        assert!(place.name.ends_with("probes.rhai") && place.line == 2, "{}:{}", place.name, place.line);
        let trouble = session.line("import \"nosuch\" as n;").expect_err("there is none");
        assert!(trouble.message.contains("nosuch.rhai"), "{trouble}");
        std::fs::write(folder.path().join("ring.rhai"), "import \"ring\" as r;").expect("written");
        let ring = folder.path().join("ring.rhai").to_string_lossy().into_owned();
        let trouble = session.script(&ring, "import \"ring\" as r;", &[]).expect_err("it never ends");
        assert!(trouble.message.contains("imported inside itself"), "{trouble}");
    });
}

#[test]
fn arguments_are_seen_in_functions_and_errors_in_earlier_functions_point_there() {
    with_stack(|| {
        let (mut session, heard) = lab_session();
        let args = ["web.lab".to_owned(), "22,80".to_owned()];
        let text = "#!/usr/bin/env pktsh\nfn host() { args.get(0) }\nprint(host(), args[1], args.len());";
        let _ = session.script("test.rhai", text, &args).unwrap_or_else(|t| panic!("{t}"));
        assert_eq!(*heard.printed.borrow(), ["web.lab 22,80 2"]);
        let _ = session.line("fn f(p) {\n  p.tll\n}").expect("a function");
        let _ = session.line("1 + 1").expect("another line");
        let trouble = session.line("f(IP())").expect_err("tll is no field");
        let place = trouble.place.expect("a place");
        assert_eq!((place.line, place.column, place.length), (2, 5, 3));
        assert!(place.text.contains("p.tll"));
        assert_eq!(trouble.calls, ["f"]);
    });
}

#[test]
fn one_seed_is_one_course_of_events() {
    with_stack(|| {
        let run = || {
            let (mut session, heard) = lab_session();
            let _ = session.line("run(\"syn-scanner\", \"drop.lab\", \"22-25,80\")").expect("a recipe");
            let _ = session.line("sr(IP(\"192.0.2.0/28\")/TCP(dport=[22, 80])).ans.show()").expect("an exchange");
            let printed = heard.printed.borrow().clone();
            (printed, heard.noted.borrow().clone())
        };
        let first = run();
        assert!(first.0.len() > 3 && first == run(), "{first:?}");
    });
}
