//! The one log line of an attempt. See docs/log.md.

use std::fmt::Write;

use fob_core::format::RefusedToken;
use fob_store::{Call, Level, log};

use crate::outcome::Outcome;

/// Where an attempt came from, as PAM tells it.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    pub(crate) user: String,
    pub(crate) service: String,
    pub(crate) rhost: Option<String>,
    pub(crate) tty: Option<String>,
    pub(crate) ruser: Option<String>,
    /// The rule of fob.conf that is about it.
    pub(crate) rule: Option<String>,
}

impl Caller {
    /// As rules look at it.
    pub(crate) fn call(&self) -> Call<'_> {
        Call {
            user: &self.user,
            service: &self.service,
            rhost: self.rhost.as_deref(),
            tty: self.tty.as_deref(),
        }
    }
}

/// What the log should mention besides the outcome.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    /// The ledger was created for this attempt.
    pub(crate) fresh: bool,
    /// Tokens that this version can't use.
    pub(crate) refused: Vec<RefusedToken>,
}

/// Logs the outcome of an attempt.
pub(crate) fn record(caller: &Caller, outcome: &Outcome, remarks: &Remarks) {
    let (level, mut line) = head(outcome);
    let or_dash = |item: &Option<String>| item.as_deref().map_or_else(|| "-".into(), escaped);
    field(&mut line, "user", &escaped(&caller.user));
    field(&mut line, "service", &escaped(&caller.service));
    field(&mut line, "rhost", &or_dash(&caller.rhost));
    field(&mut line, "tty", &or_dash(&caller.tty));
    field(&mut line, "ruser", &or_dash(&caller.ruser));
    if let Some(rule) = &caller.rule {
        field(&mut line, "rule", &quoted(rule));
    }
    match outcome {
        Outcome::Accepted(acceptance) => {
            field(&mut line, "token", &escaped(acceptance.token()));
            if let Some(counter) = acceptance.counter() {
                field(&mut line, "counter", &counter.to_string());
                field(&mut line, "drift", &acceptance.drift().to_string());
            }
            let left = acceptance.recovery_left();
            if let Some(left) = left.filter(|_| acceptance.is_recovery()) {
                field(&mut line, "left", &left.to_string());
            }
            if let Some(issuer) = acceptance.issued_by() {
                field(&mut line, "issued_by", &escaped(issuer));
            }
        }
        Outcome::Refused(refusal) if refusal.wait > 0 => {
            field(&mut line, "wait", &refusal.wait.to_string());
        }
        Outcome::Fault(fault) => field(&mut line, "detail", &quoted(&fault.detail)),
        _ => {}
    }
    if remarks.fresh {
        field(&mut line, "ledger", "fresh");
    }
    for token in &remarks.refused {
        let id = token.id.as_deref().unwrap_or("?");
        field(
            &mut line,
            "unusable",
            &quoted(&format!("{id}: {}", token.error)),
        );
    }
    send(level, caller, &line);
}

/// Logs what `debug` asks for.
pub(crate) fn debug(caller: &Caller, text: &str) {
    send(Level::Info, caller, &format!("debug {text}"));
}

/// Logs a panic, without what it said: that could hold what was typed.
pub(crate) fn panic() {
    log(Level::Error, "pam_fob", "refused reason=panic");
}

fn send(level: Level, caller: &Caller, line: &str) {
    log(
        level,
        &format!("{}(pam_fob:auth)", escaped(&caller.service)),
        line,
    );
}

fn head(outcome: &Outcome) -> (Level, String) {
    match outcome {
        Outcome::Accepted(_) => (Level::Info, "accepted".into()),
        Outcome::Refused(refusal) => (
            Level::Warning,
            format!("refused reason={}", refusal.reason.word()),
        ),
        Outcome::Ignored(pass) => (Level::Info, format!("ignored reason={}", pass.word())),
        Outcome::Fault(fault) => (
            Level::Error,
            format!("refused reason={}", fault.kind.word()),
        ),
        Outcome::Conversation => (Level::Warning, "refused reason=conv".into()),
    }
}

fn field(line: &mut String, key: &str, value: &str) {
    // Writing to a String doesn't fail.
    let _ = write!(line, " {key}={value}");
}

/// A name from outside: cut to 64 bytes, and what isn't plain ASCII as `\xNN`.
pub(crate) fn escaped(text: &str) -> String {
    if text.is_empty() {
        return "\"\"".into();
    }
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    escape(text, 64, plain)
}

/// A sentence of our own, as it is but for control characters.
pub(crate) fn escaped_path(text: &str) -> String {
    escape(text, 400, |byte| matches!(byte, b' '..=b'~'))
}

/// A sentence of our own with names in it: cut to 400 bytes, in quotes.
fn quoted(text: &str) -> String {
    let plain = |byte: &u8| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
    format!("\"{}\"", escape(text, 400, plain))
}

fn escape(text: &str, most: usize, plain: impl Fn(&u8) -> bool) -> String {
    let escape = |byte: u8| {
        if plain(&byte) {
            char::from(byte).to_string()
        } else {
            format!("\\x{byte:02x}")
        }
    };
    text.bytes().take(most).map(escape).collect()
}
