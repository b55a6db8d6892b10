//! Wall times as text.

const DAY: i64 = 86_400;
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [(&str, i64); 12] = [
    ("Jan", 31),
    ("Feb", 28),
    ("Mar", 31),
    ("Apr", 30),
    ("May", 31),
    ("Jun", 30),
    ("Jul", 31),
    ("Aug", 31),
    ("Sep", 30),
    ("Oct", 31),
    ("Nov", 30),
    ("Dec", 31),
];

/// Whole seconds of a wall time in nanoseconds since 1970.
pub(super) fn seconds(nanos: i64) -> i64 {
    nanos.div_euclid(1_000_000_000)
}

/// `Wed Nov 25 11:46:17 2026 UTC`, the form of C's `ctime` with its zone, of a wall time in nanoseconds since 1970.
pub(super) fn text(nanos: i64) -> String {
    let seconds = seconds(nanos).max(0);
    let (mut day, second) = (seconds / DAY, seconds % DAY);
    let weekday = DAYS[(day % 7) as usize];
    let mut year = 1970;
    while day >= 365 + leap(year) {
        day -= 365 + leap(year);
        year += 1;
    }
    let mut name = "";
    for (month, days) in MONTHS {
        name = month;
        let days = days + if month == "Feb" { leap(year) } else { 0 };
        if day < days {
            break;
        }
        day -= days;
    }
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{weekday} {name} {:2} {hour:02}:{minute:02}:{second:02} {year} UTC", day + 1)
}

/// Days that a year has above 365.
fn leap(year: i64) -> i64 {
    i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0))
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn days_are_those_of_the_calendar() {
        let rows = [
            (0, "Thu Jan  1 00:00:00 1970 UTC"),
            (951_782_400, "Tue Feb 29 00:00:00 2000 UTC"),
            (1_795_607_177, "Wed Nov 25 11:46:17 2026 UTC"),
            (4_107_542_399, "Sun Feb 28 23:59:59 2100 UTC"),
            (4_107_542_400, "Mon Mar  1 00:00:00 2100 UTC"),
        ];
        for (seconds, wanted) in rows {
            assert_eq!(text(seconds * 1_000_000_000), wanted);
        }
        assert_eq!(text(i64::MIN), text(0));
        assert!(text(i64::MAX).ends_with(" 2262 UTC"));
    }
}
