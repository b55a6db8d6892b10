//! The nearest name to one that does not exist.

/// The candidate most like `name`, if one is near enough to have been meant.
///
/// Upper and lower case count as alike; ties go to the first candidate.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let mut best: Option<(&str, f64)> = None;
    for candidate in candidates {
        let candidate_lower = candidate.to_lowercase();
        let mut likeness = strsim::jaro_winkler(&wanted, &candidate_lower);
        // Jaro's measure is blind to two letters exchanged in a word of three.
        if wanted.len() >= 3 && strsim::osa_distance(&wanted, &candidate_lower) == 1 {
            likeness = likeness.max(0.8);
        }
        if likeness > best.map_or(0.0, |(_, b)| b) {
            best = Some((candidate, likeness));
        }
    }
    best.filter(|&(_, likeness)| likeness >= 0.8).map(|(candidate, _)| candidate)
}

/// `; did you mean "timeout"?`, or nothing when no candidate is near.
pub fn did_you_mean<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |n| format!("; did you mean \"{n}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        assert_eq!(nearest("timout", ["retry", "timeout", "inter"]), Some("timeout"));
        assert_eq!(nearest("DPORT", ["sport", "dport"]), Some("dport"));
        assert_eq!(nearest("tpc", ["udp", "tcp"]), Some("tcp"));
        assert_eq!(nearest("zzz", ["sport", "dport"]), None);
    }
}
