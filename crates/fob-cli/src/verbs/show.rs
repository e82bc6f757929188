//! `fob show`: what a person has, without secrets.

use std::fmt::Write;

use fob_core::format::TokenFile;
use fob_core::{Kind, Ledger, Now, RecoverySet, Source, Standing, Token};
use fob_store::{Account, now, shell_word};
use serde::Serialize;

use crate::cli::Person;
use crate::output::{count, say, say_json, time};
use crate::people;
use crate::stop::Stop;
use crate::verbs::Desk;

#[derive(Serialize)]
struct Answer {
    user: String,
    uid: u32,
    tokens: Vec<ShownToken>,
    unusable: Vec<Unusable>,
    recovery: Option<Recovery>,
    /// The codes that came from google-authenticator.
    scratch: Option<Recovery>,
    /// Whether a PIN stands in front of every code.
    pin: bool,
    /// Whether all that can be sealed in the token file is.
    sealed: bool,
    /// Whether the person as a whole is disabled.
    disabled: bool,
    bypass: Option<ShownBypass>,
    /// Places where no code is asked for a while.
    remembered: Places,
    last_success: Option<String>,
    failed_since: u32,
    last_failure: Option<LastFailure>,
    throttle: Throttle,
}

#[derive(Serialize)]
struct ShownToken {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digits: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    t0: Option<u64>,
    serial: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_id: Option<String>,
    /// The last day on which it lets in.
    expires: Option<String>,
    expired: bool,
    disabled: bool,
    /// The lowest counter, for TOTP the lowest step, still acceptable.
    floor: u64,
    blocked: bool,
    drift: i32,
    last_used: Option<String>,
}

#[derive(Serialize)]
struct Unusable {
    id: Option<String>,
    error: String,
}

#[derive(Serialize)]
struct Recovery {
    left: usize,
    of: usize,
}

#[derive(Serialize)]
struct ShownBypass {
    uses: u8,
    expires: Option<String>,
    issued_by: String,
    /// Whether it would let in now.
    usable: bool,
}

#[derive(Serialize)]
struct Places {
    places: usize,
    /// When the last of them ends, at the latest.
    until: Option<String>,
}

#[derive(Serialize)]
struct LastFailure {
    at: Option<String>,
    from: String,
}

#[derive(Serialize)]
struct Throttle {
    failures: u32,
    /// Nobody is let in until `fob unlock`.
    locked: bool,
    /// Nobody is let in from a place where no login succeeded lately.
    strangers_locked: bool,
    waiting: Vec<Waiting>,
}

#[derive(Serialize)]
struct Waiting {
    source: String,
    failures: u16,
    wait: u64,
}

pub(super) fn run(desk: &Desk, wish: &Person) -> Result<(), Stop> {
    let (account, file) = people::enrolled(&desk.store, &wish.name)?;
    let ledger = match people::ledger(&desk.store, &account)? {
        Some((_, ledger)) => ledger,
        None => Ledger::new(people::owner(&account)),
    };
    let answer = answer(desk, account, &file, ledger);
    if desk.json {
        say_json(&answer)
    } else {
        say(answer.page().trim_end())
    }
}

fn answer(desk: &Desk, account: Account, file: &TokenFile, mut ledger: Ledger) -> Answer {
    let now = now();
    ledger.throttle.refresh(&now);
    let policy = desk.store.conf.policy.throttle;
    // A source that nobody can be, and so a stranger.
    let stranger = Source::local("", u32::MAX);
    let unusable = file.refused.iter().map(|refused| Unusable {
        id: refused.id.clone(),
        error: refused.error.to_string(),
    });
    let left = |set: &RecoverySet| {
        let spent = ledger.spent_recovery(set.id).count_ones();
        let of = set.digests.len();
        let left = of.saturating_sub(usize::try_from(spent).unwrap_or(of));
        Recovery { left, of }
    };
    let recovery = file.recovery.as_ref().map(left);
    let scratch = file.scratch.as_ref().map(left);
    let sources = ledger.throttle.sources(policy, &now).into_iter();
    let waiting = sources.filter(|(_, _, wait)| *wait > 0);
    let places = ledger.places(file, &now);
    Answer {
        user: account.name,
        uid: account.uid,
        tokens: file
            .tokens
            .iter()
            .map(|token| shown(token, &ledger, &now))
            .collect(),
        unusable: unusable.collect(),
        recovery,
        scratch,
        pin: file.pin.is_some(),
        sealed: file.sealing.sealed > 0 && file.sealing.plain == 0,
        disabled: file.disabled,
        bypass: ledger.bypass.as_ref().map(|bypass| ShownBypass {
            uses: bypass.uses(),
            expires: time(bypass.expires()),
            issued_by: bypass.by().to_owned(),
            usable: bypass.ended(&now).is_none(),
        }),
        remembered: Places {
            places: places.len(),
            until: places.iter().max().and_then(|until| time(*until)),
        },
        last_success: time(ledger.last_success),
        failed_since: ledger.notice.failures,
        last_failure: (ledger.notice.failures > 0).then(|| LastFailure {
            at: time(ledger.notice.at),
            from: ledger.notice.from.clone(),
        }),
        throttle: Throttle {
            failures: ledger.throttle.failures(),
            locked: ledger.throttle.is_locked(),
            strangers_locked: ledger.throttle.standing(policy, &now, stranger) == Standing::Locked,
            waiting: waiting
                .map(|(source, failures, wait)| Waiting {
                    source: source.to_string(),
                    failures,
                    wait,
                })
                .collect(),
        },
    }
}

fn shown(token: &Token, ledger: &Ledger, now: &Now) -> ShownToken {
    let has_digits = !matches!(token.kind, Kind::Yubico { .. });
    let (period, t0) = match token.kind {
        Kind::Hotp { .. } | Kind::Yubico { .. } => (None, None),
        Kind::Totp { period, t0 } => (Some(period.seconds()), Some(t0)),
    };
    let entry = ledger.entry(token.key());
    let floor = ledger.floor(token);
    ShownToken {
        id: token.id.clone(),
        kind: token.kind.name(),
        digits: has_digits.then_some(token.digits.count()),
        algorithm: has_digits.then_some(token.algorithm.name()),
        period,
        t0,
        serial: token.serial.clone(),
        public_id: token.public_id.clone(),
        expires: token.expires.map(|day| day.to_string()),
        expired: token.expires.is_some_and(|day| now.unix >= day.end()),
        disabled: token.disabled,
        floor: floor.0,
        blocked: floor == Ledger::BLOCKED,
        drift: entry.map_or(0, |entry| entry.drift()),
        last_used: entry.and_then(|entry| time(entry.last_used)),
    }
}

impl Answer {
    fn page(&self) -> String {
        let never = || "never".to_owned();
        let mut page = format!("{} (uid {})\n", self.user, self.uid);
        let mut line = |text: String| {
            // Writing to a String doesn't fail.
            let _ = writeln!(page, "{text}");
        };
        if self.disabled {
            line(format!(
                "  disabled; to undo it: fob enable {}",
                shell_word(&self.user)
            ));
        }
        self.tokens.iter().for_each(|token| line(token.line()));
        for token in &self.unusable {
            let id = token.id.as_deref().unwrap_or("a token without a name");
            line(format!("  {id}: can't be used: {}", token.error));
        }
        if self.tokens.is_empty() {
            line("  no token that can be used".into());
        }
        match &self.recovery {
            Some(Recovery { left, of }) => line(format!("recovery codes: {left} of {of} left")),
            None => line("recovery codes: none".into()),
        }
        if let Some(Recovery { left, of }) = &self.scratch {
            line(format!("scratch codes: {left} of {of} left"));
        }
        if self.pin {
            line(format!(
                "PIN: set; to change it: fob pin {}",
                shell_word(&self.user)
            ));
        }
        if self.sealed {
            line("secrets: sealed".into());
        }
        if let Some(bypass) = &self.bypass {
            line(bypass.line());
        }
        if let Places {
            places,
            until: Some(until),
        } = &self.remembered
        {
            let places = count(u64::try_from(*places).unwrap_or(u64::MAX), "place");
            line(format!(
                "remembered: {places}, until {until}; to forget: fob forget {}",
                shell_word(&self.user)
            ));
        }
        let last = self.last_success.clone().unwrap_or_else(never);
        line(format!("last success: {last}"));
        line(format!("failed attempts since: {}", self.failed_since));
        if let Some(LastFailure { at, from }) = &self.last_failure {
            let at = at.clone().unwrap_or_else(never);
            let from = if from.is_empty() {
                "this machine"
            } else {
                from
            };
            line(format!("last failure: {at} from {from}"));
        }
        let throttle = &self.throttle;
        line(format!(
            "failures that count: {}{}",
            throttle.failures,
            throttle.state(&self.user)
        ));
        for Waiting {
            source,
            failures,
            wait,
        } in &throttle.waiting
        {
            let failures = count(u64::from(*failures), "failure");
            line(format!("  {source}: {failures}, must wait {wait} s"));
        }
        page
    }
}

impl ShownBypass {
    fn line(&self) -> String {
        let expires = self.expires.as_deref().unwrap_or_default();
        if self.usable {
            let uses = count(self.uses.into(), "use");
            format!(
                "bypass code: {uses} left until {expires}, issued by {}",
                self.issued_by
            )
        } else {
            format!("bypass code: over, issued by {}", self.issued_by)
        }
    }
}

impl Throttle {
    fn state(&self, user: &str) -> String {
        if self.locked {
            format!(
                ", locked; to lift it: fob unlock {user}",
                user = shell_word(user)
            )
        } else if self.strangers_locked {
            format!(
                ", locked for unknown addresses; to lift it: fob unlock {user}",
                user = shell_word(user)
            )
        } else {
            String::new()
        }
    }
}

impl ShownToken {
    /// What it is, with what isn't usual, then what the ledger knows.
    fn line(&self) -> String {
        let mut line = format!("  {}: {}", self.id, self.kind);
        let mut add = |text: String| {
            line.push_str(", ");
            line.push_str(&text);
        };
        if let Some(digits) = self.digits {
            add(format!("{digits} digits"));
        }
        if let Some(algorithm) = self.algorithm.filter(|name| *name != "sha1") {
            add(algorithm.into());
        }
        if let Some(period) = self.period.filter(|period| *period != 30) {
            add(format!("{period} s"));
        }
        if let Some(t0) = self.t0.filter(|t0| *t0 > 0) {
            add(format!("from {t0}"));
        }
        if let Some(serial) = &self.serial {
            add(format!("serial {serial}"));
        }
        if let Some(public_id) = &self.public_id {
            add(format!("public id {public_id}"));
        }
        if let Some(day) = &self.expires {
            let word = if self.expired {
                "expired after"
            } else {
                "expires"
            };
            add(format!("{word} {day}"));
        }
        if self.disabled {
            add("disabled".into());
        }
        if self.blocked {
            add("blocked".into());
        } else if self.period.is_none() {
            add(format!("next counter {}", self.floor));
        } else if self.floor > 0 {
            add(format!("next step {}", self.floor));
        }
        if self.drift != 0 {
            add(format!("drift {:+}", self.drift));
        }
        let used = self.last_used.as_deref().unwrap_or("never");
        add(format!("last used {used}"));
        line
    }
}
