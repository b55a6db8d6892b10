//! Hearing packets, and files of them: `sniff`, `AsyncSniffer`, `rdpcap`, `wrpcap`, `PcapReader`, `PcapWriter`, `wireshark`.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rhai::{Array, Dynamic, EvalAltResult, FnPtr, ImmutableString};

use super::{need, opt};
use crate::base::Time;
use crate::engine::{Ended, EngineError, Sieve, Sniff};
use crate::net::Hear;
use crate::net::capture::{Format, Kind as FileKind, Reader, Record, Store, Writer, read_file};
use crate::script::func::{Call, Func, Kind, Param, Reply, describe, say, say_at};
use crate::script::listen::{Caller, Intake, Sniffer, Wishes, pump};
use crate::script::state::State;
use crate::script::values::{Packets, PcapReader, PcapWriter, write_packet};

const FILE: Param = need("file", Kind::Text, "The file's name.");
const PACKETS: Param = need("packets", Kind::Any, "A packet, a list of packets, or answers.");

const LISTENING: &[Param] = &[
    opt("count", Kind::Count, "0", "Packets to wait for; 0 is no end (in the laboratory: 10)."),
    opt("timeout", Kind::Seconds, "None", "Seconds to listen."),
    opt("iface", Kind::Any, "None", "The interface, or a list of them; else all of the real network."),
    opt("filter", Kind::Text, "\"\"", "A capture filter in tcpdump's syntax, as \"tcp port 80\"."),
    opt(
        "prn",
        Kind::Function,
        "None",
        "Called with each packet; what it gives is printed. A sniffer's runs at the next network call.",
    ),
    opt("lfilter", Kind::Function, "None", "Only packets for which it says true count."),
    opt("stop_filter", Kind::Function, "None", "Ends with the packet for which it says true."),
    opt("store", Kind::Bool, "true", "Keep the packets; false for captures without an end."),
    opt("offline", Kind::Any, "None", "A capture file, or a list of packets, to go through instead of listening."),
    opt("write", Kind::Text, "None", "A capture file that gets each packet, too."),
];

pub(super) const ROWS: &[Func] = &[
    Func {
        name: "sniff",
        group: "captures",
        doc: "Listens until count packets, the timeout or Ctrl-C, and returns what has come.",
        params: LISTENING,
        more: false,
        gives: "a list of packets; its .received and .dropped count what came and what was lost",
        examples: &[r#"sniff(iface="lab0", timeout=1).len()"#],
        run: sniff,
    },
    Func {
        name: "AsyncSniffer",
        group: "captures",
        doc: "A sniffer that listens while the script goes on.",
        params: LISTENING,
        more: false,
        gives: "a sniffer: start(), stop(), .results, .running",
        examples: &[
            r#"let s = AsyncSniffer(iface="lab0"); s.start(); sr1(IP("web.lab")/ICMP()); s.stop().filter("icmp")"#,
        ],
        run: |call| {
            let (wishes, write) = wishes(call, 0)?;
            if call.take(8).is_some() {
                return Err(call.fail("a file has no need to be listened to; sniff(offline=..) goes through it"));
            }
            Ok(Dynamic::from(Sniffer::new(wishes, write)))
        },
    },
    Func {
        name: "start",
        group: "captures",
        doc: "Lets a sniffer begin to listen.",
        params: &[need("sniffer", Kind::Any, "What AsyncSniffer gave.")],
        more: false,
        gives: "None",
        examples: &[r#"let s = AsyncSniffer(iface="lab0"); s.start(); s.running"#],
        run: |call| sniffer(call)?.start(call.state).map(|()| Dynamic::UNIT),
    },
    Func {
        name: "stop",
        group: "captures",
        doc: "Stops a sniffer.",
        params: &[need("sniffer", Kind::Any, "What AsyncSniffer gave.")],
        more: false,
        gives: "the packets that it heard",
        examples: &[r#"let s = AsyncSniffer(iface="lab0"); s.start(); sr1(IP("web.lab")/ICMP()); s.stop().len()"#],
        run: |call| sniffer(call)?.stop(&Caller::Call(call.cx), call.state).map(Dynamic::from),
    },
    Func {
        name: "rdpcap",
        group: "captures",
        doc: "Reads a capture file: pcap or pcapng, also packed with gzip.",
        params: &[FILE, opt("count", Kind::Count, "0", "Packets at most; 0 is all.")],
        more: false,
        gives: "a list of packets",
        examples: &[r#"wrpcap("probe.pcap", IP("web.lab")/ICMP()); rdpcap("probe.pcap")"#],
        run: rdpcap,
    },
    Func {
        name: "wrpcap",
        group: "captures",
        doc: "Writes packets to a capture file: .pcapng, else pcap; .gz packs it.",
        params: &[
            FILE,
            PACKETS,
            opt("append", Kind::Bool, "false", "Go on with the file instead of making it anew."),
            opt("nano", Kind::Bool, "true", "Nanoseconds in pcap; false for microseconds."),
        ],
        more: false,
        gives: "None",
        examples: &[r#"wrpcap("probe.pcap", sr(IP("web.lab")/TCP(dport=[22, 23])))"#],
        run: wrpcap,
    },
    Func {
        name: "PcapReader",
        group: "captures",
        doc: "Reads a capture file packet by packet, in bounded memory.",
        params: &[FILE],
        more: false,
        gives: "a reader: a loop goes through it; next() gives a packet, or None at the end",
        examples: &[
            r#"wrpcap("probe.pcap", IP("web.lab")/ICMP()); for p in PcapReader("probe.pcap") { print(p.len()); }"#,
        ],
        run: |call| {
            let name = call.text(0).unwrap_or_default();
            let reader = Reader::open(Path::new(&*name)).map_err(|e| say_at(e.to_string(), &name))?;
            Ok(Dynamic::from(PcapReader::new(reader)))
        },
    },
    Func {
        name: "PcapWriter",
        group: "captures",
        doc: "Writes a capture file packet by packet.",
        params: &[
            FILE,
            opt("append", Kind::Bool, "false", "Go on with the file instead of making it anew."),
            opt("nano", Kind::Bool, "true", "Nanoseconds in pcap; false for microseconds."),
        ],
        more: false,
        gives: "a writer: write(packet), flush(), close()",
        examples: &[r#"let w = PcapWriter("probe.pcapng"); w.write(IP("web.lab")/ICMP()); w.close()"#],
        run: |call| {
            let writer = writer(call, 1)?;
            Ok(Dynamic::from(PcapWriter::new(writer)))
        },
    },
    Func {
        name: "wireshark",
        group: "captures",
        doc: "Opens packets in Wireshark, where it is installed.",
        params: &[PACKETS],
        more: false,
        gives: "None",
        examples: &[],
        run: wireshark,
    },
];

/// The arguments of [`LISTENING`] from `at` on.
fn wishes(call: &mut Call<'_, '_>, at: usize) -> Result<(Wishes, Option<Writer<File>>), Box<EvalAltResult>> {
    let function = |call: &mut Call<'_, '_>, at| call.take(at).and_then(Dynamic::try_cast::<FnPtr>);
    let wishes = Wishes {
        count: call.count(at).unwrap_or(0),
        timeout: call.seconds(at + 1),
        hear: Hear {
            ifaces: interfaces(call, at + 2)?,
            filter: call.text(at + 3).unwrap_or_default().into(),
            aside: false,
        },
        prn: function(call, at + 4),
        lfilter: function(call, at + 5),
        stop_filter: function(call, at + 6),
        store: call.take(at + 7).is_none_or(|v| v.as_bool().unwrap_or(true)),
    };
    // A filter that cannot be read is answered before anything is opened.
    Sieve::new(&call.state.network.borrow(), &wishes.hear.filter).map_err(|e| fault(&e, &wishes.hear.filter))?;
    let write = match call.text(at + 9) {
        Some(name) => {
            let format = Format::of_name(&name);
            Some(Writer::create(Path::new(&*name), format).map_err(|e| say_at(e.to_string(), &name))?)
        }
        None => None,
    };
    Ok((wishes, write))
}

fn interfaces(call: &mut Call<'_, '_>, at: usize) -> Result<Vec<String>, Box<EvalAltResult>> {
    let given = call.take(at).unwrap_or_default();
    let name = |item: &Dynamic| item.read_lock::<ImmutableString>().map(|name| name.to_string());
    let names = match given.read_lock::<Array>() {
        Some(items) => items.iter().map(name).collect(),
        None if given.is_unit() => Some(Vec::new()),
        None => name(&given).map(|name| vec![name]),
    };
    names.ok_or_else(|| call.fail(format!("iface takes a name or a list of names, found {}", describe(&given))))
}

/// An error of the engine, with the caret under the word that it is about.
pub(in crate::script) fn fault(error: &EngineError, filter: &str) -> Box<EvalAltResult> {
    match error.word(filter) {
        word if word.is_empty() => say(error.to_string()),
        word => say_at(error.to_string(), &word),
    }
}

fn sniff(call: &mut Call<'_, '_>) -> Reply {
    let offline = call.take(8);
    let (wishes, write) = wishes(call, 0)?;
    let mut intake = Intake::new(wishes.clone(), write);
    let dropped = match offline {
        Some(given) => {
            go_through(call, &given, &wishes, &mut intake)?;
            0
        }
        None => {
            pump(&Caller::Call(call.cx), call.state)?;
            call.state.may_wait()?;
            listen(call, &wishes, &mut intake)?
        }
    };
    intake.finish()?;
    Ok(Dynamic::from(intake.packets(dropped)))
}

/// Listens; gives how many packets the capture lost.
fn listen(call: &Call<'_, '_>, wishes: &Wishes, intake: &mut Intake) -> Result<u64, Box<EvalAltResult>> {
    let sniff = Sniff::open(&mut call.state.network.borrow_mut(), &wishes.hear);
    let mut sniff = sniff.map_err(|e| fault(&e, &wishes.hear.filter))?;
    let began = sniff.now();
    let has_no_end = wishes.timeout.is_none();
    let lab_hour = has_no_end && sniff.is_virtual();
    let until = wishes.timeout.or(lab_hour.then_some(LAB_TIME)).map_or(Time::NEVER, |span| began + span);
    if has_no_end && wishes.count == 0 && !sniff.is_virtual() {
        call.state.console.note("listening until Ctrl-C; count= or timeout= set an end");
    }
    let most = if lab_hour && wishes.count == 0 { LAB_COUNT } else { 0 };
    let ended = loop {
        let ended = hear(call, &mut sniff, until, wishes, intake)?;
        if most > 0 && intake.taken >= most {
            intake.is_over = true;
        }
        if ended != Ended::Done || intake.is_over || sniff.now() >= until {
            break ended;
        }
    };
    if ended == Ended::Interrupted {
        call.state.was_interrupted();
    }
    if lab_hour && !intake.is_over && sniff.now() >= until {
        call.state.console.note("an hour of the laboratory's time has passed; timeout= sets another end");
    }
    if !intake.is_over {
        let mut rest = Store::new();
        sniff.hear_the_rest(&mut |record| keep(&mut rest, record)).map_err(|e| say(e.to_string()))?;
        take_in(call, &rest, intake)?;
    }
    let (dropped, span) = (sniff.stats().dropped, sniff.now() - began);
    account(call.state, intake.taken, dropped, span, ended);
    Ok(dropped)
}

/// Where time is virtual, a wait without an end is one for so many packets.
const LAB_COUNT: u64 = 10;

/// And for so long: the hosts of the laboratory never cease to talk, and no time passes in which to press Ctrl-C.
const LAB_TIME: Duration = Duration::from_hours(1);

/// Waits once, and takes in what has come.
fn hear(
    call: &Call<'_, '_>,
    sniff: &mut Sniff,
    until: Time,
    wishes: &Wishes,
    intake: &mut Intake,
) -> Result<Ended, Box<EvalAltResult>> {
    let failed = |e: EngineError| say(e.to_string());
    if wishes.are_plain() {
        return sniff.hear(until, &mut |record| intake.take_plain(record)).map_err(failed);
    }
    // The functions run between two waits: they may use the network themselves.
    let mut batch = Store::new();
    let ended = sniff.hear(until, &mut |record| keep(&mut batch, record)).map_err(failed)?;
    take_in(call, &batch, intake)?;
    Ok(ended)
}

/// Lets the functions see what has come.
fn take_in(call: &Call<'_, '_>, batch: &Store, intake: &mut Intake) -> Result<(), Box<EvalAltResult>> {
    for record in batch.iter() {
        intake.take(&record, &Caller::Call(call.cx), call.state)?;
        if call.state.is_stopped() {
            break;
        }
    }
    Ok(())
}

/// Keeps a packet in a store without a bound.
fn keep(store: &mut Store, record: &Record<'_>) {
    let _ = store.push(record);
}

/// The line at the prompt that each capture ends in.
fn account(state: &State, taken: u64, dropped: u64, span: Duration, ended: Ended) {
    if !state.accounts.get() && dropped == 0 {
        return;
    }
    let many = if taken == 1 { "1 packet".to_owned() } else { format!("{taken} packets") };
    let mut text = format!("{many} in {}", crate::base::time::human(span));
    match ended {
        Ended::Interrupted => text.push_str("; stopped by Ctrl-C"),
        Ended::Never => text.push_str("; nothing more can come"),
        Ended::Done => {}
    }
    if dropped > 0 {
        let _ = write!(text, "; {dropped} lost, because the capture was full: filter= lets less come");
    }
    state.console.note(&text);
}

/// Goes through a file or a list as if it were heard.
fn go_through(
    call: &Call<'_, '_>,
    given: &Dynamic,
    wishes: &Wishes,
    intake: &mut Intake,
) -> Result<(), Box<EvalAltResult>> {
    let filter = &wishes.hear.filter;
    let network = &call.state.network;
    let mut sieve = Sieve::new(&network.borrow(), filter).map_err(|e| fault(&e, filter))?;
    let caller = Caller::Call(call.cx);
    if let Some(name) = given.read_lock::<ImmutableString>() {
        let mut reader = Reader::open(Path::new(&**name)).map_err(|e| say_at(e.to_string(), &name))?;
        while let Some(record) = reader.next() {
            let lets_through = sieve.lets_through(&network.borrow(), &record);
            if lets_through.map_err(|e| fault(&e, filter))? {
                intake.take(&record, &caller, call.state)?;
            }
            if intake.is_over || call.state.is_stopped() {
                break;
            }
        }
        if let Some(note) = reader.note() {
            call.state.console.note(&note);
        }
        return Ok(());
    }
    let packets = packets_of(call, given)?;
    let mut store = Store::new();
    for at in 0..packets.len() {
        write_packet(call.state, &packets, at, &mut |record| {
            keep(&mut store, record);
            Ok(())
        })?;
    }
    for record in store.iter() {
        if sieve.lets_through(&network.borrow(), &record).map_err(|e| fault(&e, filter))? {
            intake.take(&record, &caller, call.state)?;
        }
    }
    Ok(())
}

fn sniffer(call: &mut Call<'_, '_>) -> Result<Sniffer, Box<EvalAltResult>> {
    let given = call.take(0).unwrap_or_default();
    given.try_cast_result().map_err(|other| call.fail(format!("takes a sniffer, found {}", describe(&other))))
}

fn rdpcap(call: &mut Call<'_, '_>) -> Reply {
    let name = call.text(0).unwrap_or_default();
    let most = call.count(1).unwrap_or(0);
    let (store, note) = read_file(Path::new(&*name)).map_err(|e| say_at(e.to_string(), &name))?;
    if let Some(note) = note {
        call.state.console.note(&note);
    }
    let packets = Packets::captured(&[store.into()], None);
    let len = packets.len();
    Ok(Dynamic::from(match usize::try_from(most) {
        Ok(most) if 0 < most && most < len => packets.pick(0..most),
        _ => packets,
    }))
}

/// The file of argument 0, opened for writing: `append` and `nano` are the arguments from `at` on.
fn writer(call: &mut Call<'_, '_>, at: usize) -> Result<Writer<File>, Box<EvalAltResult>> {
    let name = call.text(0).unwrap_or_default();
    let path = Path::new(&*name);
    let append = call.is_true(at);
    let nano = call.take(at + 1).is_none_or(|v| v.as_bool().unwrap_or(true));
    let mut format = Format::of_name(&name);
    if !nano && format.kind == FileKind::PcapNanos {
        format.kind = FileKind::PcapMicros;
    }
    let opened = if append { Writer::append(path) } else { Writer::create(path, format) };
    opened.map_err(|e| say_at(e.to_string(), &name))
}

/// A packet, all of a set, a list, or the answers of an exchange.
fn packets_of(call: &Call<'_, '_>, given: &Dynamic) -> Result<Packets, Box<EvalAltResult>> {
    crate::script::values::all_packets(given)
        .ok_or_else(|| call.fail(format!("takes a packet, a list of packets, or answers, found {}", describe(given))))
}

fn wrpcap(call: &mut Call<'_, '_>) -> Reply {
    let given = call.take(1).unwrap_or_default();
    let packets = packets_of(call, &given)?;
    let mut writer = writer(call, 2)?;
    for at in 0..packets.len() {
        write_packet(call.state, &packets, at, &mut |record| writer.write(record))?;
    }
    writer.finish().map(|_| Dynamic::UNIT).map_err(|e| say(e.to_string()))
}

fn wireshark(call: &mut Call<'_, '_>) -> Reply {
    let given = call.take(0).unwrap_or_default();
    let packets = packets_of(call, &given)?;
    let mut command = Command::new("wireshark");
    command.args(["-k", "-i", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|e| {
        call.fail(format!("cannot start Wireshark ({e}); install it, or write the packets with wrpcap"))
    })?;
    let Some(pipe) = child.stdin.take() else { return Err(call.fail("Wireshark takes no input")) };
    let written = pcapng(call.state, &packets, pipe);
    std::thread::spawn(move || child.wait()); // so that it leaves nothing behind when it is closed
    written?;
    Ok(Dynamic::UNIT)
}

/// Writes packets as pcapng to Wireshark. Whoever closes it early wants no more of it.
fn pcapng(state: &State, packets: &Packets, out: impl Write) -> Result<(), Box<EvalAltResult>> {
    let mut is_closed = false;
    let Ok(mut writer) = Writer::new("the pipe to Wireshark", out, Format::PCAPNG) else { return Ok(()) };
    for at in 0..packets.len() {
        write_packet(state, packets, at, &mut |record| {
            is_closed |= writer.write(record).is_err();
            Ok(())
        })?;
        if is_closed {
            return Ok(());
        }
    }
    let _ = writer.finish();
    Ok(())
}
