//! The names of a host by `NetBIOS`: the node status of RFC 1002, section 4.2.17 and 4.2.18, with bytes of its own.

use crate::base::Mac;
use crate::lab::plan::Netbios;

/// Length of the header, and of a name in its first-level encoding with the length before it and the root behind it
/// (RFC 1001 section 14.1), in bytes.
const HEADER: usize = 12;
const NAME: usize = 34;

/// Of a name before it is encoded, the last byte being its suffix.
const PLAIN: usize = 16;

/// The bits that tell an answer and an operation other than a query.
const RESPONSE: u8 = 0x80;
const OPCODE: u8 = 0x78;

/// Type NBSTAT, class IN.
const NBSTAT: [u8; 4] = [0, 0x21, 0, 1];

/// Length of the statistics behind the names, in bytes; they begin with the hardware address.
const STATISTICS: usize = 46;

/// Flags of a name: it is active, and it is a group's.
const ACTIVE: u8 = 0x04;
const GROUP: u8 = 0x80;

/// The suffixes that each name has: workstation and file server.
const WORKSTATION: u8 = 0x00;
const SERVER: u8 = 0x20;

/// The answer to a question for the status of this node: of all names (`*`) or of one that it has. `None` for all else.
pub(super) fn answer(question: &[u8], names: &Netbios, mac: Mac) -> Option<Vec<u8>> {
    let name = question.get(HEADER..HEADER + NAME)?;
    let is_question = question[2] & (RESPONSE | OPCODE) == 0 && question[4..HEADER] == [0, 1, 0, 0, 0, 0, 0, 0];
    if !is_question || question.get(HEADER + NAME..HEADER + NAME + 4)? != NBSTAT {
        return None;
    }
    let asked = decode(name)?;
    let rows = [(&names.name, WORKSTATION, 0), (&names.group, WORKSTATION, GROUP), (&names.name, SERVER, 0)];
    let rows = rows.map(|(name, suffix, flag)| (plain(name, suffix), flag));
    if asked != plain_bytes(b"*", 0, 0) && !rows.iter().any(|(row, _)| *row == asked) {
        return None;
    }
    let mut data = vec![rows.len() as u8];
    for (row, flag) in rows {
        data.extend_from_slice(&row);
        data.extend_from_slice(&[flag | ACTIVE, 0]);
    }
    data.extend_from_slice(&mac.0);
    data.resize(data.len() + STATISTICS - mac.0.len(), 0);

    let mut answer = question[..2].to_vec();
    answer.extend_from_slice(&[0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0]); // an answer, authoritative, one record
    answer.extend_from_slice(name);
    answer.extend_from_slice(&NBSTAT);
    answer.extend_from_slice(&[0; 4]); // TTL
    answer.extend_from_slice(&(data.len() as u16).to_be_bytes());
    answer.extend_from_slice(&data);
    Some(answer)
}

/// The 16 bytes of a name, each of which is written as two letters from A on, one for each half.
fn decode(name: &[u8]) -> Option<[u8; PLAIN]> {
    let [32, letters @ .., 0] = name else { return None };
    let mut plain = [0; PLAIN];
    for (byte, pair) in plain.iter_mut().zip(letters.chunks_exact(2)) {
        let half = |letter: u8| letter.checked_sub(b'A').filter(|half| *half < 16);
        *byte = half(pair[0])? << 4 | half(pair[1])?;
    }
    Some(plain)
}

fn plain(name: &str, suffix: u8) -> [u8; PLAIN] {
    plain_bytes(name.as_bytes(), b' ', suffix)
}

/// A name of up to 15 bytes, filled up, and its suffix.
fn plain_bytes(name: &[u8], filler: u8, suffix: u8) -> [u8; PLAIN] {
    let mut plain = [filler; PLAIN];
    let len = name.len().min(PLAIN - 1);
    plain[..len].copy_from_slice(&name[..len]);
    plain[PLAIN - 1] = suffix;
    plain
}
