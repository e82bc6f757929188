//! `fob check --dry-run`: what would come of a code, and why. Nothing is spent, counted,
//! written or logged.

use fob_core::{
    Attempt, Evidence, Found, Ledger, MAX_ANSWER, Probe, Reason, RecoverySight, Sight, Source,
    probe,
};
use fob_store::{now, shell_word};
use nix::unistd::getuid;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::output::{count, say, say_json, span, time};
use crate::people;
use crate::stop::Stop;
use crate::terminal::{self, Echo};
use crate::verbs::{Desk, check};

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    /// Whether a login from here would be let in now.
    accepted: bool,
    /// The token, or `recovery`, or `bypass`, that would let in.
    token: Option<&'a str>,
    reason: Option<&'a str>,
    wait: Option<u32>,
    /// Each token that shows the code somewhere.
    tokens: Vec<Seen<'a>>,
    /// `unused` or `spent`, for one of the person's recovery codes.
    recovery: Option<&'a str>,
}

#[derive(Serialize)]
struct Seen<'a> {
    id: &'a str,
    found: &'a str,
    /// totp: steps after this machine's clock; hotp: presses above the floor.
    offset: i64,
    seconds: i64,
}

pub(super) fn run(desk: &Desk, name: &str) -> Result<(), Stop> {
    let (account, file) = people::enrolled(&desk.store, name)?;
    let typed = terminal::ask("Code: ", Echo::Hidden)?;
    let typed = typed.ok_or_else(|| Stop::unknown("no code was given"))?;
    if typed.len() > MAX_ANSWER {
        return Err(Stop::no("that is longer than any answer can be"));
    }
    let attempt = Attempt::parse(&Zeroizing::new(typed.to_vec()));
    // Read under its lock and let go: as it is between two logins.
    let ledger = match people::ledger(&desk.store, &account)? {
        Some((_, ledger)) => ledger,
        None => {
            people::may_be_missing(&desk.store, &account)?;
            Ledger::new(people::owner(&account))
        }
    };
    let evidence = Evidence::gather(&file, &attempt);
    let source = Source::local(check::SERVICE, getuid().as_raw());
    let policy = &desk.store.conf.policy;
    let probe = probe(policy, &evidence, &ledger, &now(), source, &attempt);
    answer(desk, &account.name, &probe)
}

fn answer(desk: &Desk, user: &str, probe: &Probe<'_>) -> Result<(), Stop> {
    if desk.json {
        say_json(&json(user, probe))?;
    } else {
        for line in lines(user, probe) {
            say(&line)?;
        }
    }
    if probe.outcome.is_ok() {
        return Ok(());
    }
    Err(Stop::no(format!("this would not let {user} in")))
}

fn json<'a>(user: &'a str, probe: &'a Probe<'_>) -> Answer<'a> {
    let refusal = probe.outcome.as_ref().err();
    Answer {
        user,
        accepted: refusal.is_none(),
        token: probe.outcome.as_ref().ok().map(String::as_str),
        reason: refusal.map(|refusal| refusal.reason.word()),
        wait: refusal.map(|refusal| refusal.wait),
        tokens: probe
            .sights
            .iter()
            .map(|sight| Seen {
                id: &sight.token.id,
                found: sight.found.word(),
                offset: sight.offset,
                seconds: sight.seconds,
            })
            .collect(),
        recovery: probe.recovery.map(|sight| match sight {
            RecoverySight::Unused => "unused",
            RecoverySight::Spent => "spent",
        }),
    }
}

/// The throttle first: it is in the way of a right code too.
fn lines(user: &str, probe: &Probe<'_>) -> Vec<String> {
    let reason = probe.outcome.as_ref().err();
    let throttled = reason.and_then(|refusal| match refusal.reason {
        Reason::Throttled => Some(format!(
            "throttled: a code from here is looked at again in {}; to lift it: fob unlock {user}",
            span(refusal.wait.into()),
            user = shell_word(user)
        )),
        Reason::Locked => Some(format!(
            "locked; to lift it: fob unlock {user}",
            user = shell_word(user)
        )),
        Reason::Disabled if probe.sights.iter().all(|sight| !sight.token.disabled) => {
            Some(format!(
                "{user} is disabled; to undo: fob enable {user_word}",
                user_word = shell_word(user)
            ))
        }
        Reason::NoRoom => Some(format!(
            "the ledger has no room for another token; to forget revoked ones: \
             fob repair {user} --forget-revoked",
            user = shell_word(user)
        )),
        _ => None,
    });
    let mut lines: Vec<String> = throttled.into_iter().collect();
    match probe.recovery {
        Some(RecoverySight::Unused) => lines.push("recovery: right; not used yet".into()),
        Some(RecoverySight::Spent) => lines.push(format!(
            "recovery: right, but used already; for new ones: fob recovery {user}",
            user = shell_word(user)
        )),
        None => {}
    }
    lines.extend(probe.sights.iter().map(|sight| line(user, sight)));
    if probe.recovery.is_none() && probe.sights.is_empty() {
        lines.push(match reason.map(|refusal| refusal.reason) {
            None => "bypass: right".into(),
            Some(Reason::Expired) => "bypass: right, but its time is over".into(),
            Some(Reason::Spent) => "bypass: right, but used up".into(),
            _ if !now().clock_is_set() => {
                "this machine's clock was never set, so no code of a clock can be told".into()
            }
            Some(Reason::Malformed) => "this is neither a code nor a recovery code".into(),
            _ => format!("no token of {user} shows this, a day or 1000 presses around"),
        });
    }
    lines
}

fn line(user: &str, sight: &Sight<'_>) -> String {
    let id = &sight.token.id;
    // This machine's clock may be the one that is off: then a resync would spoil the token.
    let clock = time(now().unix).unwrap_or_default();
    let resync = format!(
        "to mend it: fob resync {user} {id}",
        id = shell_word(id),
        user = shell_word(user)
    );
    let resync_clock = format!(
        "or this machine's clock, {clock}, is off. If that is right: fob resync {user} {id}",
        id = shell_word(id),
        user = shell_word(user)
    );
    let off = span(sight.seconds.unsigned_abs());
    let presses = sight.offset.unsigned_abs();
    let away = count(presses, "press").replace("presss", "presses");
    let says = match sight.found {
        Found::Fresh if sight.seconds < 0 => format!("right; its clock is {off} slow"),
        Found::Fresh if sight.seconds > 0 => format!("right; its clock is {off} fast"),
        Found::Fresh if presses > 0 => format!("right; {away} lost"),
        Found::Fresh => "right".into(),
        Found::Spent if sight.seconds == 0 && presses > 0 => {
            format!("right, but spent: {away} before the next that counts")
        }
        Found::Spent if sight.seconds < 0 => {
            format!("right, but spent: it, or a later one, was used; or too old, shown {off} ago")
        }
        Found::Spent => "right, but spent: it, or a later one, was used; wait for the next".into(),
        // Right now by this machine's clock; the token is remembered as off.
        Found::TooOld | Found::TooNew if sight.offset == 0 => {
            format!("right by this machine's clock, but remembered as off by more; {resync}")
        }
        Found::TooOld => {
            format!(
                "right, but too old: shown {off} ago, or the token's clock is slow, {resync_clock}"
            )
        }
        Found::TooNew => {
            format!("right, but too early by {off}: the token's clock is fast, {resync_clock}")
        }
        Found::Ahead => {
            format!("right, but {away} ahead, more than may be lost; {resync}")
        }
        Found::Disabled => format!(
            "right, but disabled; to undo: fob enable {user} --id {id}",
            user = shell_word(user),
            id = shell_word(id)
        ),
        Found::FrontWrong => {
            "right, but not what stands in front of it: the PIN, or another key's public id".into()
        }
        Found::Expired => "right, but the token's last day is over".into(),
        Found::Type => format!(
            "right, but `types` in fob.conf leaves {} tokens out",
            sight.token.kind.name()
        ),
        Found::ClockUnset => "right, but this machine's clock was never set".into(),
        Found::Blocked => format!(
            "blocked, whatever it shows; once you know its counter N: \
             fob repair {user} --counter {id}=N",
            user = shell_word(user),
            id = shell_word(id)
        ),
    };
    format!("{id}: {says}")
}
