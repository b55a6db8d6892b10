//! A scan's course, told to all who watch it; and the file that it can go on from.

use std::fs::{OpenOptions, TryLockError};
use std::io::{BufReader, BufWriter, Seek, SeekFrom};

use rhai::{Dynamic, FnPtr};

use super::Fallible;
use super::request::at;
use crate::scan::report::{Journal, read_journal};
use crate::scan::{News, Request, Scan, Scanner, State};
use crate::script::func::{Call, say_at};
use crate::script::listen::{Caller, pump};
use crate::script::surface::exchange::fault;
use crate::script::values::Port;

/// Opens the file of `resume=`: what it has is taken over, and what is found is written behind it.
fn resumed(path: &str, scanner: &mut Scanner) -> Fallible<Journal> {
    let fail = |what: String| say_at(format!("resume: \"{}\": {what}", path.escape_debug()), path);
    let io = |e: std::io::Error| fail(e.to_string());
    let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
    if let Err(TryLockError::WouldBlock) = file.try_lock() {
        return Err(fail(
            "another scan writes it now; give each scan, and each piece of one, a file of its own".into(),
        ));
    }
    let kept = read_journal(BufReader::new(&file)).map_err(|e| fail(e.to_string()))?;
    let length = kept.as_ref().map_or(0, |kept| kept.length);
    if let Some(kept) = &kept {
        let differences = scanner.identity().differences(&kept.identity);
        if !differences.is_empty() {
            return Err(fail(format!("it is of another scan: {}", differences.join("; "))));
        }
    }
    file.set_len(length).map_err(io)?;
    file.seek(SeekFrom::Start(length)).map_err(io)?;
    let out = Box::new(BufWriter::new(file));
    let Some(kept) = kept else { return Ok(Journal::begin(out, scanner.identity())) };
    let journal = Journal::go_on(out, &kept.scan);
    scanner.resume(kept.scan);
    Ok(journal)
}

/// Runs a scan to its end, telling all who watch it.
pub(super) fn perform(call: &mut Call<'_, '_>, mut request: Request, prn: Option<&FnPtr>) -> Fallible<Scan> {
    pump(&Caller::Call(call.cx), call.state)?;
    call.state.may_wait()?;
    let state = call.state;
    let resume = call.text(at(call, "resume"));
    // A port that is not open is kept in the file, or it would be asked again.
    let only_open = request.only_open;
    request.only_open &= resume.is_none();
    let begun = Scanner::new(&mut state.network.borrow_mut(), request);
    let mut scanner = begun.map_err(|error| fault(call, &error))?;
    let mut journal = resume.as_ref().map(|path| resumed(path, &mut scanner)).transpose()?;
    let mut failed = None;
    loop {
        let news = scanner.next(&mut state.network.borrow_mut());
        let news = news.map_err(|error| fault(call, &error))?;
        state.watchers.borrow_mut().iter_mut().for_each(|watch| watch.news(scanner.scan(), &news));
        if let (Some(path), Some(journal)) = (&resume, &mut journal) {
            journal.news(scanner.scan(), &news);
            if let Some(error) = journal.take_error() {
                let path = path.escape_debug();
                state.console.note(&format!("cannot write \"{path}\": {error}; the scan goes on, the file does not"));
            }
        }
        match &news {
            News::Port(row) if failed.is_none() && (!only_open || row.state == State::Open) => {
                if let Some(prn) = prn {
                    let port = Port::of(scanner.scan(), row);
                    failed = prn.call_raw(call.cx, None, [Dynamic::from(port)]).err();
                    if failed.is_some() {
                        scanner.stop(&mut state.network.borrow_mut()).map_err(|e| fault(call, &e))?;
                    }
                }
            }
            News::Ended => break,
            _ => {}
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    if scanner.scan().interrupted {
        state.was_interrupted();
    }
    let mut scan = scanner.into_scan();
    scan.rows.retain(|row| !only_open || row.state == State::Open);
    Ok(scan)
}
