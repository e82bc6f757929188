//! The log lines of the command: who changed what. In the style of the module's lines.

use std::fmt::Write;
use std::sync::OnceLock;

use fob_store::{Level, log};
use nix::unistd::{Uid, User, getuid};

/// The loginuid of a process that no login started.
const UNSET: u32 = u32::MAX;

/// Logs that `verb` changed something for `user`.
pub(crate) fn changed(verb: &str, user: &str, fields: &[(&str, &str)]) {
    let line = format!("changed verb={verb} user={}", escaped(user));
    send(Level::Info, line, fields);
}

/// Logs that `verb` changed nothing for `user`, and why.
pub(crate) fn unchanged(verb: &str, user: &str, reason: &str, fields: &[(&str, &str)]) {
    let line = format!(
        "unchanged verb={verb} user={} reason={reason}",
        escaped(user)
    );
    send(Level::Warning, line, fields);
}

/// Logs what came of an attempt: `accepted`, or `refused reason=…`.
pub(crate) fn judged(level: Level, outcome: &str, user: &str, fields: &[(&str, &str)]) {
    let line = format!("{outcome} user={} service=fob", escaped(user));
    send(level, line, fields);
}

fn send(level: Level, mut line: String, fields: &[(&str, &str)]) {
    // The same all the time, and not cheap to find out.
    static BY: OnceLock<String> = OnceLock::new();
    let by = BY.get_or_init(by).as_str();
    for (key, value) in fields.iter().chain(&[("by", by)]) {
        // Writing to a String doesn't fail.
        let _ = write!(line, " {key}={}", escaped(value));
    }
    log(level, "fob", &line);
}

/// Who runs the command: the person who logged in, as the kernel or sudo remembers them.
pub(crate) fn by() -> String {
    login_uid()
        .map(name)
        .or_else(|| std::env::var("SUDO_USER").ok())
        .unwrap_or_else(|| name(getuid()))
}

fn login_uid() -> Option<Uid> {
    let text = std::fs::read_to_string("/proc/self/loginuid").ok()?;
    let uid = text.trim().parse().ok().filter(|uid| *uid != UNSET)?;
    Some(Uid::from_raw(uid))
}

fn name(uid: Uid) -> String {
    match User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        _ => uid.to_string(),
    }
}

/// A word from outside: cut to 64 bytes, and what isn't plain ASCII as `\xNN`.
fn escaped(text: &str) -> String {
    if text.is_empty() {
        return "\"\"".into();
    }
    let escape = |byte: u8| {
        if byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\') {
            char::from(byte).to_string()
        } else {
            format!("\\x{byte:02x}")
        }
    };
    text.bytes().take(64).map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P12: nothing from outside can begin a field or a line of its own.
    #[test]
    fn words_from_outside_stay_one_word() {
        assert_eq!(escaped("my phone"), "my\\x20phone");
        assert_eq!(escaped("a\nb\"c"), "a\\x0ab\\x22c");
        assert_eq!(escaped(""), "\"\"");
        assert_eq!(escaped(&"x".repeat(100)).len(), 64);
    }
}
