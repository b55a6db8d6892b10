//! `send`, `sendp`, `sr`, `sr1`, `srp`, `srp1`.

use std::rc::Rc;

use rhai::{Dynamic, EvalAltResult};

use super::{need, opt};
use crate::engine::{self, Answers, Ended, EngineError, Options, Outcome};
use crate::packet::Packet;
use crate::script::func::{Call, Func, Kind, Param, Reply, say};
use crate::script::listen::{Caller, pump};
use crate::script::values::{Packets, Results, Row, Rows};

const PACKET: Param = need("packet", Kind::Packets, "The packet, set of packets, or list of them, to send.");
const TIMEOUT: Param = opt("timeout", Kind::Seconds, "2", "Seconds to wait, counted from the last packet sent.");
const RETRY: Param = opt("retry", Kind::Count, "0", "How often to send again what was not answered.");
const INTER: Param = opt("inter", Kind::Seconds, "0", "Seconds between two packets.");
const IFACE: Param = opt("iface", Kind::Text, "None", "The only interface to use; else the route decides.");
const VERBOSE: Param = opt("verbose", Kind::Bool, "true", "At the prompt: end in one line of account.");
const MULTI: Param = opt(
    "multi",
    Kind::Bool,
    "false",
    "For sr and srp: keep several answers to one packet, and wait the whole timeout.",
);
const COUNT: Param = opt("count", Kind::Count, "1", "How often to send it.");

const ASKING: &[Param] = &[PACKET, TIMEOUT, RETRY, INTER, IFACE, VERBOSE, MULTI];
const SENDING: &[Param] = &[PACKET, COUNT, INTER, IFACE, VERBOSE];

pub(super) const ROWS: &[Func] = &[
    Func {
        name: "sr1",
        group: "exchange",
        doc: "Sends a packet at layer 3 and returns its first answer, or None.",
        params: ASKING,
        more: false,
        gives: "the answer, or None; answer.query is the probe as sent",
        examples: &[
            r#"sr1(IP("web.lab")/TCP(dport=80, flags="S"))"#,
            r#"sr1(IP("drop.lab")/TCP(22), timeout=1, retry=1)"#,
        ],
        run: |call| ask(call, false, true),
    },
    Func {
        name: "sr",
        group: "exchange",
        doc: "Sends packets at layer 3 and pairs them with their answers.",
        params: ASKING,
        more: false,
        gives: "results: .answered (.ans) and .unanswered (.unans)",
        examples: &[r#"sr(IP("web.lab")/TCP(dport=[22, 23, 80], flags="S")).ans"#],
        run: |call| ask(call, false, false),
    },
    Func {
        name: "srp1",
        group: "exchange",
        doc: "Sends a frame at layer 2 and returns its first answer, or None.",
        params: ASKING,
        more: false,
        gives: "the answer with its link-layer header, or None",
        examples: &[r#"srp1(Ether(dst="ff:ff:ff:ff:ff:ff")/ARP("192.0.2.10"))"#],
        run: |call| ask(call, true, true),
    },
    Func {
        name: "srp",
        group: "exchange",
        doc: "Sends frames at layer 2 and pairs them with their answers.",
        params: ASKING,
        more: false,
        gives: "results: .answered (.ans) and .unanswered (.unans)",
        examples: &[r#"srp(Ether(dst="ff:ff:ff:ff:ff:ff")/ARP(pdst="192.0.2.0/28"), timeout=1).ans.len()"#],
        run: |call| ask(call, true, false),
    },
    Func {
        name: "send",
        group: "exchange",
        doc: "Sends packets at layer 3 and waits for nothing.",
        params: SENDING,
        more: false,
        gives: "None",
        examples: &[r#"send(IP("web.lab")/UDP(dport=7)/"hello")"#],
        run: |call| tell(call, false),
    },
    Func {
        name: "sendp",
        group: "exchange",
        doc: "Sends frames at layer 2 and waits for nothing.",
        params: SENDING,
        more: false,
        gives: "None",
        examples: &[r#"sendp(Ether()/IP("web.lab")/ICMP())"#],
        run: |call| tell(call, true),
    },
];

fn ask(call: &mut Call<'_, '_>, frames: bool, first: bool) -> Reply {
    let packets = call.packets(0);
    let default = Options::default();
    let options = Options {
        timeout: call.seconds(1).unwrap_or(default.timeout),
        retry: call.count(2).map_or(default.retry, |n| u32::try_from(n).unwrap_or(u32::MAX)),
        inter: call.seconds(3).unwrap_or(default.inter),
        iface: call.text(4).map(Into::into),
        answers: match (first, call.is_true(6)) {
            (true, _) => Answers::First,
            (false, true) => Answers::All,
            (false, false) => Answers::OneEach,
        },
        frames,
    };
    let verbose = call.take(5).is_none_or(|v| v.as_bool().unwrap_or(true));
    let outcome = exchange(call, &packets, &options, verbose)?;
    if first {
        let answer = outcome.answered.into_iter().next().map(|(_, answer)| answer);
        if answer.is_none() {
            call.state.silent_line.set(call.cx.call_position().line());
        }
        return Ok(answer.map_or(Dynamic::UNIT, Dynamic::from));
    }
    let rows = outcome.answered.into_iter().map(|(query, answer)| Row { query, answer }).collect();
    Ok(Dynamic::from(Results { answered: Rows(Rc::new(rows)), unanswered: Packets::from(outcome.unanswered) }))
}

fn tell(call: &mut Call<'_, '_>, frames: bool) -> Reply {
    let packets = call.packets(0);
    let count = call.count(1).unwrap_or(1);
    let options = Options {
        inter: call.seconds(2).unwrap_or_default(),
        iface: call.text(3).map(Into::into),
        answers: Answers::None,
        frames,
        ..Options::default()
    };
    let verbose = call.take(4).is_none_or(|v| v.as_bool().unwrap_or(true));
    let mut sent = 0;
    for round in 0..count {
        if round > 0 && !options.inter.is_zero() {
            super::session::pause(call.state, options.inter)?;
        }
        let outcome = exchange(call, &packets, &options, false)?;
        sent += outcome.account.sent;
        if verbose && round + 1 == count {
            call.state.report(&engine::Account { sent, ..outcome.account });
        }
    }
    Ok(Dynamic::UNIT)
}

fn exchange(
    call: &Call<'_, '_>,
    packets: &[Packet],
    options: &Options,
    verbose: bool,
) -> Result<Outcome, Box<EvalAltResult>> {
    pump(&Caller::Call(call.cx), call.state)?;
    call.state.may_wait()?;
    let outcome = engine::exchange(&mut call.state.network.borrow_mut(), packets, options);
    let outcome = outcome.map_err(|error| fault(call, &error))?;
    if outcome.ended == Ended::Interrupted {
        call.state.was_interrupted();
    }
    if verbose {
        call.state.report(&outcome.account);
    }
    Ok(outcome)
}

pub(super) fn fault(call: &Call<'_, '_>, error: &EngineError) -> Box<EvalAltResult> {
    match error {
        EngineError::Net(_) | EngineError::Public(_) | EngineError::NoWorld { .. } => say(error.to_string()),
        _ => call.fail(error),
    }
}
