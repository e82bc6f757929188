//! What is printed: answers on stdout, everything else on stderr.

use std::io::{IsTerminal, Write, stderr, stdout};
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use zeroize::Zeroizing;

use crate::stop::Stop;

/// The last second whose year has four digits.
const LAST_SECOND: u64 = 253_402_300_799;

/// Prints a text and a line break on stdout.
///
/// # Errors
/// Nobody reads it, or the disk is full.
pub(crate) fn say(text: &str) -> Result<(), Stop> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.write_all(b"\n"))
        .and_then(|()| out.flush())
        .map_err(|error| Stop::unknown(format!("the output could not be written: {error}")))
}

/// Prints one JSON object on one line.
///
/// # Errors
/// Those of [`say`].
pub(crate) fn say_json(object: &impl Serialize) -> Result<(), Stop> {
    let text = serde_json::to_string(object)
        .map_err(|_| Stop::unknown("the answer could not be written as JSON"))?;
    say(&Zeroizing::new(text))
}

/// Tells a person something on stderr. Not an answer, so it doesn't matter who reads it.
pub(crate) fn remark(text: &str) {
    let _ = writeln!(stderr(), "{text}");
}

/// Tells why a verb ended: the problem, then what to do.
pub(crate) fn complain(stop: &Stop) {
    remark(&format!("fob: {}", stop.what));
    if let Some(remedy) = &stop.remedy {
        remark(&format!("     {remedy}"));
    }
}

/// Whether a person looks at stdout.
pub(crate) fn is_terminal() -> bool {
    stdout().is_terminal()
}

/// Unix seconds as `2026-01-31T12:00:00Z`; none for 0, which stands for "never".
pub(crate) fn time(unix: u64) -> Option<String> {
    let shown = Duration::from_secs(unix.min(LAST_SECOND));
    let time = UNIX_EPOCH.checked_add(shown).filter(|_| unix > 0)?;
    Some(humantime::format_rfc3339_seconds(time).to_string())
}

/// `1 code`, `2 codes`.
pub(crate) fn count(number: u64, what: &str) -> String {
    match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_and_zero_is_never() {
        assert_eq!(time(0), None);
        assert_eq!(time(1_767_225_600).as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(time(u64::MAX).as_deref(), Some("9999-12-31T23:59:59Z"));
    }
}
