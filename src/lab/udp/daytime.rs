//! The date and the time as text (RFC 867).

const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `Thursday, January 1, 2026 00:00:00-UTC`, in the form of the RFC; `wall` is in nanoseconds since 1970.
pub(super) fn text(wall: i64) -> String {
    let seconds = wall.div_euclid(1_000_000_000);
    let (days, second) = (seconds.div_euclid(86400), seconds.rem_euclid(86400));
    let (year, month, day) = date(days);
    let weekday = WEEKDAYS[days.rem_euclid(7) as usize];
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday}, {} {day}, {year} {hour:02}:{minute:02}:{second:02}-UTC\r\n", MONTHS[month])
}

/// Year, month from 0 and day from 1, so many days after the first day of 1970. Counts in years that begin in March,
/// so that the leap day is the last, and in eras of 400 years, which have 146,097 days.
fn date(days: i64) -> (i64, usize, i64) {
    let days = days + 719_468; // from the first of March of the year 0
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153; // from March; five months have 153 days
    let in_month = day - (153 * month + 2) / 5 + 1;
    let after_december = i64::from(month >= 10);
    (era * 400 + year + after_december, ((month + 2) % 12) as usize, in_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        // Seconds since 1970; the text, as `date -u` has it.
        let rows = [
            (0, "Thursday, January 1, 1970 00:00:00-UTC\r\n"),
            (951_782_399, "Monday, February 28, 2000 23:59:59-UTC\r\n"),
            (951_782_400, "Tuesday, February 29, 2000 00:00:00-UTC\r\n"),
            (951_868_800, "Wednesday, March 1, 2000 00:00:00-UTC\r\n"),
            (1_767_225_600, "Thursday, January 1, 2026 00:00:00-UTC\r\n"),
            (4_107_542_399, "Sunday, February 28, 2100 23:59:59-UTC\r\n"),
            (4_107_542_400, "Monday, March 1, 2100 00:00:00-UTC\r\n"),
        ];
        for (seconds, wanted) in rows {
            assert_eq!(text(seconds * 1_000_000_000), wanted);
        }
    }
}
