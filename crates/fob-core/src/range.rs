//! Where a token's codes are looked for.

use crate::ledger::usual_drift;
use crate::{Counter, KeyedToken, Kind, Ledger, MAX_BASE, Now, Period, Policy, step};

/// How far back an HOTP code is recognised as spent rather than wrong.
const HOTP_LOOK_BACK: i64 = 10;
/// The most steps to each side of the expected one that any time-based token is given.
pub const MAX_WINDOW: u64 = 10;
/// Beyond what a clock may have gone wrong by, two steps more are looked at where two codes
/// in a row are asked for.
const BEYOND: u64 = 2;
/// The most steps to each side, then.
const MAX_BEYOND: u64 = 24;
/// No code of a time-based token counts that is more steps after the machine's clock: the
/// farthest drift that a ledger remembers, and the widest search round it.
pub const MAX_AHEAD: u64 = MAX_BASE.unsigned_abs() as u64 + MAX_BEYOND;
/// The steps that may go by from the first of two codes in a row to the second.
const WAIT: i64 = 2;
/// How many presses may have been lost, where two codes in a row are asked for.
const PRESSES: i64 = 100;

/// The positions of a token that are looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Range {
    pub(crate) first: Counter,
    pub(crate) last: Counter,
    /// The step of the machine's clock; none for HOTP.
    pub(crate) expected: Option<Counter>,
}

/// How many steps to each side of where its clock is a time-based token is accepted now.
pub fn window_steps<'t>(
    policy: &Policy,
    ledger: &Ledger,
    now: &Now,
    token: impl Into<KeyedToken<'t>>,
) -> u64 {
    let token = token.into();
    match token.kind {
        Kind::Totp { period, .. } => {
            let usual = drifted(ledger, now, token, period);
            u64::from(policy.window)
                .saturating_add(usual)
                .min(MAX_WINDOW)
        }
        Kind::Hotp { .. } | Kind::Yubico { .. } => 0,
    }
}

impl Range {
    /// Where one code is enough. None for a token without codes of digits, and for a clock
    /// before T0.
    pub(crate) fn window(
        policy: &Policy,
        ledger: &Ledger,
        now: &Now,
        token: KeyedToken<'_>,
    ) -> Option<Self> {
        match token.kind {
            Kind::Hotp { .. } => {
                let floor = ledger.floor(token);
                Some(Self {
                    first: floor.moved(HOTP_LOOK_BACK.saturating_neg()),
                    last: floor.moved(i64::from(policy.look_ahead)),
                    expected: None,
                })
            }
            Kind::Totp { period, t0 } => {
                let window = window_steps(policy, ledger, now, token);
                Self::around(ledger, now, token, (period, t0), window)
            }
            Kind::Yubico { .. } => None,
        }
    }

    /// The same, for two codes in a row: the first was in the range when it was typed, and
    /// the clock went on while the second was waited for.
    pub(crate) fn while_waiting(self, floor: Counter) -> Self {
        match self.expected {
            Some(_) => Self {
                first: self.first.moved(WAIT.saturating_neg()).max(floor),
                ..self
            },
            None => self,
        }
    }

    /// Where two codes in a row bring a token back in step: for clocks 2 steps and what they
    /// usually go wrong by, for counters 100 presses.
    pub(crate) fn resync(ledger: &Ledger, now: &Now, token: KeyedToken<'_>) -> Option<Self> {
        match token.kind {
            Kind::Hotp { .. } => {
                let floor = ledger.floor(token);
                Some(Self {
                    first: floor,
                    // The pair may begin at the range's end.
                    last: floor.moved(PRESSES.saturating_add(1)),
                    expected: None,
                })
            }
            Kind::Totp { period, t0 } => {
                let steps = BEYOND.saturating_add(drifted(ledger, now, token, period));
                let range = Self::around(ledger, now, token, (period, t0), steps.min(MAX_BEYOND))?;
                Some(Self {
                    first: range.first.max(ledger.floor(token)),
                    ..range
                })
            }
            Kind::Yubico { .. } => None,
        }
    }

    fn around(
        ledger: &Ledger,
        now: &Now,
        token: KeyedToken<'_>,
        (period, t0): (Period, u64),
        steps: u64,
    ) -> Option<Self> {
        let expected = step(now.unix, t0, period)?;
        let drift = ledger.entry(token.key()).map_or(0, |entry| entry.drift());
        let center = expected.moved(i64::from(drift));
        let steps = i64::try_from(steps).unwrap_or_default();
        Some(Self {
            first: center.moved(steps.saturating_neg()),
            last: center.moved(steps),
            expected: Some(expected),
        })
    }

    /// The counters, in their order.
    pub(crate) fn counters(self) -> impl Iterator<Item = Counter> {
        (self.first.0..=self.last.0).map(Counter)
    }

    /// How far the token's clock is off if it shows the code of `counter` now.
    pub(crate) fn offset(&self, counter: Counter) -> i32 {
        let offset = self
            .expected
            .map_or(0, |expected| counter.offset_from(expected));
        i32::try_from(offset).unwrap_or_default()
    }
}

/// The steps that a token's clock has usually gone wrong by since its last use. A token
/// that was never used is taken to be right: its window doesn't grow in a drawer.
fn drifted(ledger: &Ledger, now: &Now, token: KeyedToken<'_>, period: Period) -> u64 {
    let entry = ledger.entry(token.key());
    entry
        .filter(|entry| entry.last_used > 0)
        .map_or(0, |entry| {
            usual_drift(now.unix.saturating_sub(entry.last_used), period)
        })
}
