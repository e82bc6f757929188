//! What a person has, and whether it lets in now.

use fob_core::format::TokenFile;
use fob_core::{Counter, Kind, Ledger, Now, Token, step, window_steps};
use fob_store::Store;

use crate::barred::Barred;
use crate::output::time;

/// A thing that a person has.
pub(super) struct Has {
    /// Its name, for what is no token.
    pub(super) code: Option<&'static str>,
    pub(super) detail: String,
    pub(super) lets_in: bool,
}

/// Each thing that the person has.
pub(super) fn all(store: &Store, file: &TokenFile, ledger: &Ledger, now: &Now) -> Vec<Has> {
    let tokens = file.tokens.iter();
    let mut all: Vec<_> = tokens
        .map(|token| token_state(store, token, ledger, now))
        .map(|(detail, lets_in)| Has {
            code: None,
            detail,
            lets_in,
        })
        .collect();
    let sets = [
        ("recovery", "recovery code", &file.recovery),
        ("scratch", "scratch code", &file.scratch),
    ];
    for (name, code, set) in sets {
        let Some(set) = set else {
            continue;
        };
        let spent = ledger.spent_recovery(set.id).count_ones();
        let spent = usize::try_from(spent).unwrap_or(usize::MAX);
        let left = set.digests.len().saturating_sub(spent);
        all.push(Has {
            code: Some(code),
            detail: format!("{name} codes: {left} left"),
            lets_in: left > 0,
        });
    }
    if let Some(bypass) = &ledger.bypass {
        let ended = bypass.ended(now);
        let state = ended.map_or("may be used", |_| "is over");
        all.push(Has {
            code: Some("bypass code"),
            detail: format!("bypass code: {state}"),
            lets_in: ended.is_none(),
        });
    }
    all
}

fn token_state(store: &Store, token: &Token, ledger: &Ledger, now: &Now) -> (String, bool) {
    let (id, floor) = (&token.id, ledger.floor(token));
    if let Some(barred) = Barred::of(token, ledger, now) {
        return (format!("{id}: {barred}"), false);
    }
    if !store.conf.policy.types.has(token.kind) {
        let what = format!(
            "{id}: {} tokens do not count in this service",
            token.kind.name()
        );
        return (what, false);
    }
    match token.kind {
        Kind::Yubico { .. } => (format!("{id}: what the YubiKey types at a touch"), true),
        Kind::Hotp { .. } => {
            let ahead = store.conf.policy.look_ahead;
            let last = floor.moved(i64::from(ahead));
            (
                format!("{id}: the codes of the counters {floor} to {last}"),
                true,
            )
        }
        Kind::Totp { period, t0 } => {
            let drift = ledger.entry(token.key()).map_or(0, |entry| entry.drift());
            let steps = window_steps(&store.conf.policy, ledger, now, token);
            let last = step(now.unix, t0, period)
                .unwrap_or(Counter(0))
                .moved(drift.into())
                .moved(i64::try_from(steps).unwrap_or(i64::MAX));
            // After an import, a repair, or from another person: all that may have been shown.
            if floor > last {
                let second = floor.0.saturating_mul(period.seconds()).saturating_add(t0);
                let from = time(second).unwrap_or_default();
                return (format!("{id}: codes count from {from} on"), true);
            }
            let around = steps.saturating_mul(period.seconds());
            let drift = match drift {
                0 => String::new(),
                steps => format!(", drift {steps:+} steps"),
            };
            (
                format!("{id}: the code of this moment, or of {around} s round it{drift}"),
                true,
            )
        }
    }
}
