//! What would come of a code, and why: for `fob check --dry-run`. An oracle, so only for
//! root; nothing is spent, counted or written.

use subtle::ConstantTimeEq;

use crate::evidence::Hit;
use crate::look::{Look, Unusable};
use crate::range::Range;
use crate::{
    Admission, Attempt, Counter, Evidence, KeyedToken, Kind, Ledger, MAX_BASE, Now, Policy,
    Refusal, Source, Token, Verdict, admit, decide,
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
    /// What stands in front of it is wrong: the PIN, or the public id.
    FrontWrong,
    /// The token's last day is over.
    Expired,
    /// Tokens of its type don't count.
    Type,
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
            Self::FrontWrong => "front_wrong",
            Self::Expired => "expired",
            Self::Type => "type",
            Self::ClockUnset => "clock_unset",
            Self::Blocked => "blocked",
        }
    }
}

/// Judges an attempt as a login would, and finds out why. Pure: the ledger that a login
/// would write is dropped.
pub fn probe<'a>(
    policy: &Policy,
    evidence: &Evidence<'a>,
    ledger: &Ledger,
    now: &Now,
    source: Source,
    attempt: &Attempt,
) -> Probe<'a> {
    let hit = evidence.recovery().or_else(|| evidence.scratch());
    let recovery = hit.map(|Hit { set, position, .. }| {
        let mut after = ledger.clone();
        after.spend_recovery(set, position, evidence.file);
        if after.spent_recovery(set.id) == ledger.spent_recovery(set.id) {
            RecoverySight::Spent
        } else {
            RecoverySight::Unused
        }
    });
    let look = Look {
        policy,
        ledger,
        now,
        attempt,
    };
    Probe {
        outcome: outcome(policy, evidence, ledger, now, source, attempt),
        sights: evidence
            .tokens()
            .filter_map(|(token, fits)| look.sight(token, fits))
            .collect(),
        recovery,
    }
}

/// What a login would say. No [`Acceptance`](crate::Acceptance) leaves here: nothing was
/// spent.
fn outcome(
    policy: &Policy,
    evidence: &Evidence<'_>,
    ledger: &Ledger,
    now: &Now,
    source: Source,
    attempt: &Attempt,
) -> Result<String, Refusal> {
    let nowhere = |_: &Ledger| Ok::<(), std::convert::Infallible>(());
    let decision = match admit(policy, ledger.clone(), now, source, "", attempt) {
        Admission::Debit(debit) => {
            let Ok(debited) = debit.settle(nowhere);
            decide(policy, evidence, debited, now, attempt)
        }
        Admission::Refused(decision) => *decision,
    };
    match decision.settle(|ledger, _| nowhere(ledger)) {
        Ok(Verdict::Accepted(acceptance)) => Ok(acceptance.token),
        Ok(Verdict::Refused(refusal)) => Err(refusal),
    }
}

impl Look<'_> {
    fn sight<'t>(&self, token: KeyedToken<'t>, fits: bool) -> Option<Sight<'t>> {
        let floor = self.ledger.floor(token);
        let place = Place::of(self, token, floor)?;
        let seen = |found: Found, offset: i64| Sight {
            token: token.token(),
            found,
            offset,
            seconds: offset.saturating_mul(place.period),
        };
        let shown = self.shown(&token, &place, floor);
        if floor == Ledger::BLOCKED && self.is_typed(&token) {
            return Some(seen(Found::Blocked, 0));
        }
        let counter = shown?;
        let found = match self.unusable(&token) {
            _ if !fits => Found::FrontWrong,
            Some(Unusable::Disabled) => Found::Disabled,
            Some(Unusable::Type) => Found::Type,
            Some(Unusable::ClockUnset) => Found::ClockUnset,
            Some(Unusable::Expired) => Found::Expired,
            None if counter < floor || counter.next().is_none() => Found::Spent,
            None if counter < place.first => Found::TooOld,
            None if counter <= place.last => Found::Fresh,
            None if place.period > 0 => Found::TooNew,
            None => Found::Ahead,
        };
        Some(seen(found, counter.offset_from(place.zero)))
    }

    fn is_typed(&self, token: &Token) -> bool {
        match token.kind {
            Kind::Yubico { .. } => self.attempt.otp().is_some(),
            Kind::Hotp { .. } | Kind::Totp { .. } => self.attempt.code(token.digits).is_some(),
        }
    }

    /// Where the token shows what was typed. A fresh place before a spent one, and then the
    /// nearest.
    fn shown(&self, token: &Token, place: &Place, floor: Counter) -> Option<Counter> {
        if let Kind::Yubico { private_id, .. } = token.kind {
            return self.attempt.otp()?.counter(&token.secret, private_id);
        }
        let (codes, typed) = (token.codes(), self.attempt.code(token.digits)?);
        let hits = (place.from.0..=place.to.0)
            .map(Counter)
            .filter(|counter| bool::from(codes.at(*counter).ct_eq(&typed)));
        let nearest = |counter: &Counter| {
            let away = counter.offset_from(place.center).unsigned_abs();
            (*counter < floor, away)
        };
        hits.min_by_key(nearest)
    }
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
    fn of(look: &Look<'_>, token: KeyedToken<'_>, floor: Counter) -> Option<Self> {
        let window = Range::window(look.policy, look.ledger, look.now, token);
        match token.kind {
            Kind::Hotp { .. } => Some(Self {
                from: floor.moved(PRESSES.saturating_neg()),
                to: floor.moved(PRESSES),
                first: floor,
                last: window?.last,
                center: floor,
                zero: floor,
                period: 0,
            }),
            Kind::Totp { period, .. } => {
                let window = window?;
                let zero = window.expected?;
                let day = i64::from(MAX_BASE);
                let width = window.last.since(window.first) / 2;
                Some(Self {
                    from: zero.moved(day.saturating_neg()),
                    to: zero.moved(day),
                    first: window.first,
                    last: window.last,
                    center: window.first.moved(i64::try_from(width).unwrap_or_default()),
                    zero,
                    period: i64::try_from(period.seconds()).unwrap_or(i64::MAX),
                })
            }
            Kind::Yubico { .. } => Some(Self {
                from: floor,
                to: floor,
                first: floor,
                last: Counter(u64::MAX),
                center: floor,
                zero: floor,
                period: 0,
            }),
        }
    }
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
