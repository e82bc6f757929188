//! The one log line of an attempt. See docs/log.md.

use std::fmt::Write;

use fob_core::format::RefusedToken;
use fob_store::{Call, Claim, Fault, Level, log};

use crate::outcome::Outcome;

/// Where an attempt came from, as PAM tells it.
#[derive(Debug, Default)]
pub(crate) struct Caller {
    pub(crate) user: String,
    pub(crate) service: String,
    pub(crate) rhost: Option<String>,
    pub(crate) tty: Option<String>,
    pub(crate) ruser: Option<String>,
    /// The real uid of the process.
    pub(crate) uid: u32,
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
            uid: self.uid,
        }
    }

    /// Whether this is an X display, as of a greeter: it has no characters of equal width, and
    /// LightDM hands on a kilobyte at most.
    pub(crate) fn at_display(&self) -> bool {
        let tty = self.tty.as_deref();
        tty.is_some_and(|tty| tty.starts_with(':'))
    }
}

/// What the log should mention besides the outcome.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    /// The ledger was created for this attempt.
    pub(crate) fresh: bool,
    /// By how many seconds the clock is behind the person's last success.
    pub(crate) clock_behind: Option<u64>,
    /// Tokens that this version can't use.
    pub(crate) refused: Vec<RefusedToken>,
    /// Why somebody who could have been enrolled wasn't.
    pub(crate) enrolment: Option<&'static str>,
}

/// Logs the outcome of an attempt.
pub(crate) fn record(caller: &Caller, outcome: &Outcome, remarks: &Remarks) {
    let (level, head) = head(outcome);
    let mut line = origin(&head, &caller.user, caller);
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
    if let Some(behind) = remarks.clock_behind {
        field(&mut line, "clock_behind", &behind.to_string());
    }
    for token in &remarks.refused {
        let id = token.id.as_deref().unwrap_or("?");
        field(
            &mut line,
            "unusable",
            &quoted(&format!("{id}: {}", token.error)),
        );
    }
    if let Some(enrolment) = remarks.enrolment {
        field(&mut line, "enrolment", enrolment);
    }
    send(level, caller, "auth", &line);
}

/// Logs what became of an enrolment in the middle of a login.
pub(crate) fn enrolled(caller: &Caller, became: &Result<Claim, Fault>) {
    let (level, head, user, more) = match became {
        Ok(Claim::Enrolled(user, token)) => (
            Level::Info,
            "enrolled",
            user,
            Some(("token", escaped(token))),
        ),
        Ok(Claim::Late(user)) => (Level::Warning, "enrolment_lost reason=late", user, None),
        Ok(Claim::Gone) => (
            Level::Warning,
            "enrolment_lost reason=gone",
            &caller.user,
            None,
        ),
        Err(fault) => {
            let reason = format!("enrolment_lost reason={}", fault.kind.word());
            let mut line = origin(&reason, &caller.user, caller);
            field(&mut line, "detail", &quoted(&fault.detail));
            return send(Level::Error, caller, "setcred", &line);
        }
    };
    let mut line = origin(head, user, caller);
    if let Some((key, value)) = more {
        field(&mut line, key, &value);
    }
    send(level, caller, "setcred", &line);
}

/// Logs what `debug` asks for.
pub(crate) fn debug(caller: &Caller, text: &str) {
    send(Level::Info, caller, "auth", &format!("debug {text}"));
}

/// Logs a panic, without what it said: that could hold what was typed.
pub(crate) fn panic() {
    log(Level::Error, "pam_fob", "refused reason=panic");
}

/// The beginning of a line: what happened, to whom, and where from.
fn origin(head: &str, user: &str, caller: &Caller) -> String {
    let mut line = head.to_owned();
    let or_dash = |item: &Option<String>| item.as_deref().map_or_else(|| "-".into(), escaped);
    field(&mut line, "user", &escaped(user));
    field(&mut line, "service", &escaped(&caller.service));
    field(&mut line, "rhost", &or_dash(&caller.rhost));
    field(&mut line, "tty", &or_dash(&caller.tty));
    field(&mut line, "ruser", &or_dash(&caller.ruser));
    line
}

/// `part` is what libpam calls the function, as pam_syslog(3) writes it.
fn send(level: Level, caller: &Caller, part: &str, line: &str) {
    let tag = format!("{}(pam_fob:{part})", escaped(&caller.service));
    log(level, &tag, line);
}

fn head(outcome: &Outcome) -> (Level, String) {
    match outcome {
        Outcome::Accepted(_) => (Level::Info, "accepted".into()),
        Outcome::Refused(refusal) => (
            Level::Warning,
            format!("refused reason={}", refusal.reason.word()),
        ),
        Outcome::Ignored(pass) => (Level::Info, format!("ignored reason={}", pass.word())),
        Outcome::Enrolling => (Level::Info, "ignored reason=enrolling".into()),
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
