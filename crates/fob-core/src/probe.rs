//! What would come of a code, and why: for `fob check --dry-run`. An oracle, so only for
//! root; nothing is spent, counted or written.

use subtle::ConstantTimeEq;

use crate::{
    Admission, Attempt, Counter, Evidence, Kind, Ledger, MAX_BASE, Now, Policy, Refusal, Source,
    Token, Verdict, admit, decide, step,
};

/// How far from the floor of a counter token a code is looked for.
const PRESSES: i64 = 1000;

/// What would come of an attempt.
#[derive(Debug)]
pub struct Probe<'a> {
    /// The token, or `recovery`, that would let the person in; else why nothing would.
    pub outcome: Result<String, Refusal>,
    /// Where tokens show the code, the nearest place of each.
    pub sights: Vec<Sight<'a>>,
    /// What it is as a recovery code, if it is one of the person's.
    pub recovery: Option<RecoverySight>,
}

/// A right recovery code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoverySight {
    /// Not used yet.
    Unused,
    /// Used.
    Spent,
}

/// A token that shows the code, or could.
#[derive(Debug, Clone, Copy)]
pub struct Sight<'a> {
    /// The token.
    pub token: &'a Token,
    /// What that means.
    pub found: Found,
    /// TOTP: steps after the machine's clock. HOTP: presses above the floor.
    pub offset: i64,
    /// Seconds that stand for the offset; 0 for HOTP.
    pub seconds: i64,
}

/// What a code means that a token shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// In the window, and fresh.
    Fresh,
    /// Below the floor.
    Spent,
    /// Before the window.
    TooOld,
    /// After the window.
    TooNew,
    /// Beyond so many presses as may be lost.
    Ahead,
    /// The token is disabled.
    Disabled,
    /// The machine's clock was never set.
    ClockUnset,
    /// The token is blocked, whatever it shows.
    Blocked,
}

impl Found {
    /// The word in `--json`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Spent => "spent",
            Self::TooOld => "too_old",
            Self::TooNew => "too_new",
            Self::Ahead => "ahead",
            Self::Disabled => "disabled",
            Self::ClockUnset => "clock_unset",
            Self::Blocked => "blocked",
        }
    }
}

/// Judges an attempt as a login would, and finds out why. Pure: the ledger that a login
/// would write is dropped.
pub fn probe<'a>(
    policy: &Policy,
    evidence: Evidence<'a>,
    ledger: &Ledger,
    now: &Now,
    source: Source,
    attempt: &Attempt,
) -> Probe<'a> {
    let sights = evidence.tokens.iter();
    let position = evidence
        .recovery
        .zip(evidence.stretched)
        .and_then(|(set, typed)| Some((set.id, set.position(typed)?)));
    let recovery = position.map(|(set, position)| {
        let mut after = ledger.clone();
        after.spend_recovery(set, position);
        if after.spent_recovery(set) == ledger.spent_recovery(set) {
            RecoverySight::Spent
        } else {
            RecoverySight::Unused
        }
    });
    Probe {
        outcome: outcome(policy, evidence, ledger, now, source, attempt),
        sights: sights
            .filter_map(|token| sight(policy, ledger, now, attempt, token))
            .collect(),
        recovery,
    }
}

/// What a login would say. No [`Acceptance`](crate::Acceptance) leaves here: nothing was
/// spent.
fn outcome(
    policy: &Policy,
    evidence: Evidence<'_>,
    ledger: &Ledger,
    now: &Now,
    source: Source,
    attempt: &Attempt,
) -> Result<String, Refusal> {
    let nowhere = |_: &Ledger| Ok::<(), std::convert::Infallible>(());
    let debit = match admit(policy, ledger.clone(), now, source, "", attempt) {
        Admission::Debit(debit) => debit,
        Admission::Refused(refusal) => return Err(refusal),
    };
    let Ok(debited) = debit.settle(nowhere);
    let decision = decide(policy, evidence, debited, now, attempt);
    match decision.settle(|ledger, _| nowhere(ledger)) {
        Ok(Verdict::Accepted(acceptance)) => Ok(acceptance.token),
        Ok(Verdict::Refused(refusal)) => Err(refusal),
    }
}

fn sight<'a>(
    policy: &Policy,
    ledger: &Ledger,
    now: &Now,
    attempt: &Attempt,
    token: &'a Token,
) -> Option<Sight<'a>> {
    let typed = attempt.code(token.digits)?;
    let floor = ledger.floor(token);
    let place = Place::of(policy, ledger, now, token, floor)?;
    let seen = |found: Found, offset: i64| Sight {
        token,
        found,
        offset,
        seconds: offset.saturating_mul(place.period),
    };
    if floor == Ledger::BLOCKED {
        return Some(seen(Found::Blocked, 0));
    }
    let hits = (place.from.0..=place.to.0)
        .map(Counter)
        .filter(|counter| bool::from(token.code(*counter).ct_eq(typed)));
    // A fresh place before a spent one, and then the nearest.
    let nearest = |counter: &Counter| {
        let away = counter.offset_from(place.center).unsigned_abs();
        (*counter < floor, away)
    };
    let counter = hits.min_by_key(nearest)?;
    let found = if token.disabled {
        Found::Disabled
    } else if place.period > 0 && !now.clock_is_set() {
        Found::ClockUnset
    } else if counter < floor || counter.next().is_none() {
        Found::Spent
    } else if counter < place.first {
        Found::TooOld
    } else if counter <= place.last {
        Found::Fresh
    } else if place.period > 0 {
        Found::TooNew
    } else {
        Found::Ahead
    };
    Some(seen(found, counter.offset_from(place.zero)))
}

/// Where a token's codes are looked for.
struct Place {
    from: Counter,
    to: Counter,
    /// What a login accepts: from here,
    first: Counter,
    /// to here.
    last: Counter,
    /// What is most likely shown.
    center: Counter,
    /// Where offsets are counted from.
    zero: Counter,
    /// Seconds of a step; 0 for HOTP.
    period: i64,
}

impl Place {
    fn of(
        policy: &Policy,
        ledger: &Ledger,
        now: &Now,
        token: &Token,
        floor: Counter,
    ) -> Option<Self> {
        match token.kind {
            Kind::Hotp { .. } => Some(Self {
                from: floor.moved(PRESSES.saturating_neg()),
                to: floor.moved(PRESSES),
                first: floor,
                last: floor.moved(i64::from(policy.look_ahead)),
                center: floor,
                zero: floor,
                period: 0,
            }),
            Kind::Totp { period, t0 } => {
                let zero = step(now.unix, t0, period)?;
                let drift = ledger.entry(token.key()).map_or(0, |entry| entry.drift);
                let center = zero.moved(i64::from(drift));
                let window = i64::from(policy.window);
                let day = i64::from(MAX_BASE);
                Some(Self {
                    from: zero.moved(day.saturating_neg()),
                    to: zero.moved(day),
                    first: center.moved(window.saturating_neg()),
                    last: center.moved(window),
                    center,
                    zero,
                    period: i64::try_from(period.seconds()).unwrap_or(i64::MAX),
                })
            }
        }
    }
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
