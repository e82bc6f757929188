//! What is printed: answers on stdout, everything else on stderr.

use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};
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
        .map_err(|error| match error.kind() {
            ErrorKind::BrokenPipe => Stop::unread(),
            _ => Stop::unknown(format!("the output could not be written: {error}")),
        })
}

/// So many files that can't be read are named; of the others, how many.
const FEW_UNREAD: usize = 8;

/// Warns of files that can't be read, if there are any, and says what isn't `known` therefore.
pub(crate) fn warn_of_unread(unread: &[String], known: &str) {
    for unread in unread.iter().take(FEW_UNREAD) {
        remark(&format!("fob: warning: {unread}"));
    }
    let more = unread.len().saturating_sub(FEW_UNREAD);
    if more > 0 {
        remark(&format!("fob: warning: and {more} more; see: fob doctor"));
    }
    if !unread.is_empty() {
        remark(&format!("     {known}"));
    }
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
    let _ = writeln!(stderr(), "{}", plain(text));
}

/// A text as a terminal may have it: what came from a file moves no cursor and hides nothing.
pub(crate) fn plain(text: &str) -> String {
    text.replace(|c: char| c.is_control() && c != '\n', "\u{fffd}")
}

/// Tells why a verb ended: the problem, then what to do.
pub(crate) fn complain(stop: &Stop) {
    if stop.is_unread() {
        return;
    }
    remark(&format!("fob: {}", stop.what));
    if let Some(remedy) = &stop.remedy {
        remark(&format!("     {remedy}"));
    }
}

/// Whether a person looks at stdout.
pub(crate) fn is_terminal() -> bool {
    stdout().is_terminal()
}

/// Whether words may be coloured: a terminal shows them, it knows colours, and nobody set
/// `NO_COLOR` (no-color.org).
pub(crate) fn use_colours() -> bool {
    let is = |name: &str, wrong: fn(&std::ffi::OsStr) -> bool| {
        std::env::var_os(name).is_some_and(|value| wrong(&value))
    };
    is_terminal()
        && !is("NO_COLOR", |value| !value.is_empty())
        && !is("TERM", |value| value == "dumb")
}

/// Unix seconds as `2026-01-31T12:00:00Z`; none for 0, which stands for "never".
pub(crate) fn time(unix: u64) -> Option<String> {
    let shown = Duration::from_secs(unix.min(LAST_SECOND));
    let time = UNIX_EPOCH.checked_add(shown).filter(|_| unix > 0)?;
    Some(humantime::format_rfc3339_seconds(time).to_string())
}

/// A length of time as people say it: its two largest units.
pub(crate) fn span(seconds: u64) -> String {
    let mut rest = seconds;
    let mut parts = Vec::new();
    for (unit, length) in [("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)] {
        let number = rest.checked_div(length).unwrap_or_default();
        rest = rest.checked_rem(length).unwrap_or_default();
        if number > 0 {
            parts.push(format!("{number} {unit}"));
        }
    }
    parts.truncate(2);
    if parts.is_empty() {
        return "0 s".into();
    }
    parts.join(" ")
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
    fn spans_have_two_units_at_most() {
        assert_eq!(span(0), "0 s");
        assert_eq!(span(30), "30 s");
        assert_eq!(span(270), "4 min 30 s");
        assert_eq!(span(600), "10 min");
        assert_eq!(span(93_784), "1 d 2 h");
    }

    /// T32's class: a word from a file commands no terminal, in seven bits or in eight.
    #[test]
    fn control_characters_reach_no_terminal() {
        assert_eq!(
            plain("a\x1b[2J\u{9b}2J\rb\nc"),
            "a\u{fffd}[2J\u{fffd}2J\u{fffd}b\nc"
        );
    }

    #[test]
    fn times_are_utc_and_zero_is_never() {
        assert_eq!(time(0), None);
        assert_eq!(time(1_767_225_600).as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(time(u64::MAX).as_deref(), Some("9999-12-31T23:59:59Z"));
    }
}
