//! Attempts, counted in the lines that the module logged. See docs/log.md.

use std::collections::BTreeMap;

use super::text::{Metric, Sample};

const NAME: &str = "fob_attempts_total";
/// The first words of lines about an attempt.
const OUTCOMES: [&str; 5] = [
    "accepted",
    "refused",
    "ignored",
    "enrolled",
    "enrolment_lost",
];

/// How many attempts came to what, by service, outcome and reason.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Attempts(BTreeMap<[String; 3], u64>);

impl Attempts {
    /// Counts a line, if it is one of the module's about an attempt.
    pub(super) fn count(&mut self, line: &str) {
        if let Some(attempt) = attempt(line) {
            self.add(attempt.map(str::to_owned), 1);
        }
    }

    fn add(&mut self, attempt: [String; 3], more: u64) {
        let count = self.0.entry(attempt).or_default();
        *count = count.saturating_add(more);
    }

    /// Takes up what [`Attempts::metric`] was written as. Lines of anything else are passed over.
    pub(super) fn recall(&mut self, text: &str) {
        for line in text.lines() {
            if let Some((attempt, count)) = recalled(line) {
                self.add(attempt, count);
            }
        }
    }

    pub(super) fn metric(&self) -> Metric {
        let samples = self
            .0
            .iter()
            .map(|([service, outcome, reason], count)| Sample {
                labels: vec![
                    ("service", service.clone()),
                    ("outcome", outcome.clone()),
                    ("reason", reason.clone()),
                ],
                value: *count,
            });
        Metric {
            name: NAME,
            kind: "counter",
            help: "Attempts in the lines of the log that were read.",
            samples: samples.collect(),
        }
    }
}

/// Service, outcome and reason of a line as syslog files and journalctl show it.
///
/// What stands before the first colon and blank is the time, the host, and who logged. So a
/// name in another program's message passes for none of ours.
fn attempt(line: &str) -> Option<[&str; 3]> {
    let (origin, message) = line.split_once(": ")?;
    let (before, part) = origin
        .split_once("(pam_fob:")
        .unwrap_or((origin, "pam_fob"));
    let tag = before.split_whitespace().last()?;
    let mut words = message.split_whitespace();
    let outcome = words.next().filter(|word| OUTCOMES.contains(word))?;
    let reason = words.next().and_then(|word| word.strip_prefix("reason="));
    let reason = reason.filter(|word| word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
    let reason = reason.unwrap_or_default();
    // A fault in the module is logged without a service.
    let is_panic = || tag.split('[').next() == Some("pam_fob") && reason == "panic";
    if part == "pam_fob" {
        return is_panic().then_some(["", outcome, reason]);
    }
    let (part, pid) = part.split_once(')')?;
    let is_pid = pid.is_empty()
        || pid
            .strip_prefix('[')?
            .strip_suffix(']')?
            .bytes()
            .all(|b| b.is_ascii_digit());
    let is_ours = matches!(part, "auth" | "setcred") && is_pid;
    is_ours.then_some([tag, outcome, reason])
}

/// A sample of the text format.
fn recalled(line: &str) -> Option<([String; 3], u64)> {
    let rest = line.strip_prefix(NAME)?.strip_prefix("{service=\"")?;
    let (service, rest) = rest.split_once("\",outcome=\"")?;
    let (outcome, rest) = rest.split_once("\",reason=\"")?;
    let (reason, count) = rest.split_once("\"} ")?;
    // A service in the log has no quotes; a backslash is in front of a byte's digits.
    let service = service.replace("\\\\", "\\");
    Some((
        [service, outcome.into(), reason.into()],
        count.parse().ok()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::metrics::text::text;

    const REFUSED: &str = "refused reason=wrong user=alice service=sshd rhost=192.0.2.7";

    fn seen(line: &str) -> Option<[&str; 3]> {
        attempt(line)
    }

    #[test]
    fn line_is_known_by_who_logged_it() {
        let ours = Some(["sshd", "refused", "wrong"]);
        for origin in [
            "Nov 25 16:00:01 host sshd(pam_fob:auth)[4711]: ",
            "2026-11-25T16:00:01.123456+00:00 host sshd(pam_fob:auth)[4711]: ",
            "sshd(pam_fob:auth): ",
        ] {
            assert_eq!(seen(&format!("{origin}{REFUSED}")), ours, "{origin}");
        }
        let panic = "Nov 25 16:00:01 host pam_fob[12]: refused reason=panic";
        assert_eq!(seen(panic), Some(["", "refused", "panic"]));
        let enrolled = "Nov 25 16:00:01 host sshd(pam_fob:setcred)[1]: enrolled user=a";
        assert_eq!(seen(enrolled), Some(["sshd", "enrolled", ""]));
    }

    /// T32's class: names of strangers stand in other programs' lines.
    #[test]
    fn line_of_another_program_is_none_of_ours() {
        for origin in [
            "Nov 25 16:00:01 host sshd[9]: Invalid user x(pam_fob:auth)[1]: ",
            "Nov 25 16:00:01 host sshd[9]: Invalid user pam_fob[1]: ",
            "Nov 25 16:00:01 host sshd(pam_unix:auth)[9]: ",
            "Nov 25 16:00:01 host sshd(pam_fob:auth)[x]: ",
            "Nov 25 16:00:01 host fob[9]: ",
            "Nov 25 16:00:01 host pam_fob[9]: ",
        ] {
            assert_eq!(seen(&format!("{origin}{REFUSED}")), None, "{origin}");
        }
        let debug = "Nov 25 16:00:01 host sshd(pam_fob:auth)[1]: debug tokens=/x";
        assert_eq!(seen(debug), None);
        for text in ["", ": ", "(pam_fob:auth): ", "Nov 25 host"] {
            assert_eq!(seen(text), None, "{text}");
        }
    }

    #[test]
    fn counts_go_on_from_the_file() {
        let mut first = Attempts::default();
        let line = |service: &str| format!("{service}(pam_fob:auth)[1]: {REFUSED}");
        for service in ["sshd", "sshd", "odd\\x20one"] {
            first.count(&line(service));
        }
        let mut second = Attempts::default();
        second.recall(&text(&[first.metric()]));
        assert_eq!(first, second);
        second.count(&line("sshd"));
        let text = text(&[second.metric()]);
        assert!(text.contains("service=\"sshd\",outcome=\"refused\",reason=\"wrong\"} 3\n"));
    }
}
