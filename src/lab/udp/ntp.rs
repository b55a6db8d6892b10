//! The time (RFC 5905).

/// Length of a packet without extensions, in bytes (section 7.3).
const LEN: usize = 48;

/// Seconds from 1900, where the time of NTP begins, to 1970.
const TO_1970: i64 = 2_208_988_800;

/// Where the precision, the root delay and dispersion, the reference id, and the four timestamps lie.
const PRECISION: usize = 3;
const ROOT_DELAY: usize = 4;
const ROOT_DISPERSION: usize = 8;
const REFERENCE_ID: usize = 12;
const REFERENCE: usize = 16;
const ORIGIN: usize = 24;
const RECEIVE: usize = 32;
const TRANSMIT: usize = 40;

/// One server away from an atomic clock, whose address is the reference id (section 7.3).
const STRATUM: u8 = 2;
const CLOCK: [u8; 4] = [203, 0, 113, 123];

/// How often that clock is asked, in seconds.
const ASKED_EVERY: i64 = 64;

/// The answer at `wall`, in nanoseconds since 1970; `None` when the packet asks nothing.
pub(super) fn answer(packet: &[u8], wall: i64) -> Option<Vec<u8>> {
    let packet = packet.get(..LEN)?;
    let version = packet[0] >> 3 & 7;
    // The modes of section 3: a client is answered by a server, an active peer by a passive one. Version 1 had no modes
    // (RFC 1059 appendix B).
    let mode = match (version, packet[0] & 7) {
        (1, 0) | (1..=4, 3) => 4,
        (1..=4, 1) => 2,
        _ => return None,
    };
    let mut answer = vec![0; LEN];
    answer[..PRECISION].copy_from_slice(&[version << 3 | mode, STRATUM, packet[2]]);
    answer[PRECISION] = -20_i8 as u8; // about a microsecond
    answer[ROOT_DELAY + 2..ROOT_DISPERSION].copy_from_slice(&655_u16.to_be_bytes()); // 10 ms
    answer[ROOT_DISPERSION + 2..REFERENCE_ID].copy_from_slice(&66_u16.to_be_bytes()); // 1 ms
    answer[REFERENCE_ID..REFERENCE].copy_from_slice(&CLOCK);
    let asked = wall - wall.rem_euclid(ASKED_EVERY * 1_000_000_000);
    answer[REFERENCE..ORIGIN].copy_from_slice(&timestamp(asked));
    answer[ORIGIN..RECEIVE].copy_from_slice(&packet[TRANSMIT..]);
    answer[RECEIVE..TRANSMIT].copy_from_slice(&timestamp(wall));
    answer[TRANSMIT..].copy_from_slice(&timestamp(wall));
    Some(answer)
}

/// Seconds since 1900 and their 2^-32 parts (section 6); the seconds begin again at zero in 2036. The parts are rounded
/// up, so that who cuts them to nanoseconds has those that went in.
fn timestamp(wall: i64) -> [u8; 8] {
    let seconds = wall.div_euclid(1_000_000_000) + TO_1970;
    let part = (wall.rem_euclid(1_000_000_000) as u64) << 32;
    (((seconds as u64) << 32) | part.div_ceil(1_000_000_000)).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_seconds_since_1900_and_a_binary_fraction() {
        assert_eq!(timestamp(0), [0x83, 0xaa, 0x7e, 0x80, 0, 0, 0, 0]);
        assert_eq!(timestamp(1_500_000_000), [0x83, 0xaa, 0x7e, 0x81, 0x80, 0, 0, 0]);
        assert_eq!(timestamp((0x1_0000_0000 - TO_1970) * 1_000_000_000), [0; 8], "the second era");
    }
}
