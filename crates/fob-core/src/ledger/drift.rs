//! How far a token's clock is off, followed from login to login.
//!
//! A remembered drift stays within [`MAX_DRIFT`] steps of its *base*, and the base moves no
//! faster than a bad clock does: else somebody who hands codes on ever later would teach
//! this machine to take old ones. `fob resync` alone sets the base at once.

use super::{Entry, Ledger};
use crate::{Counter, Day, Now, Period, Token};

/// How far a drift moves from its base, in steps (RFC 6238 section 6).
pub(crate) const MAX_DRIFT: i32 = 2;
/// No base is farther from 0, in steps: a day with the usual period.
pub const MAX_BASE: i16 = 2880;
/// What makers call usual, in seconds a year: two minutes.
const USUAL: u64 = 120;
/// A year in seconds.
const YEAR: u64 = 31_536_000;
/// The most steps that a base moves at once.
const MAX_MOVE: u64 = 10;

/// The steps that a usual clock may have gone wrong by in so many seconds.
pub(crate) fn usual_drift(seconds: u64, period: Period) -> u64 {
    let steps = YEAR.saturating_mul(period.seconds());
    seconds
        .saturating_mul(USUAL)
        .checked_div(steps)
        .unwrap_or_default()
}

impl Entry {
    /// Follows the token's clock, which was `offset` steps off at this login. A bad one
    /// goes wrong by a second a day.
    pub(super) fn follow(&mut self, offset: i32, period: Period, now: &Now) {
        let today = day(now);
        let days = u64::from(today.saturating_sub(self.base_day));
        let steps = days.checked_div(period.seconds()).unwrap_or_default();
        let most = i32::try_from(steps.min(MAX_MOVE)).unwrap_or_default();
        let base = i32::from(self.base);
        if most > 0 && offset != base {
            let nearest = base.saturating_sub(most)..=base.saturating_add(most);
            self.base = held(offset.clamp(*nearest.start(), *nearest.end()));
            self.base_day = today;
        }
        let base = i32::from(self.base);
        self.drift = held(offset.clamp(
            base.saturating_sub(MAX_DRIFT),
            base.saturating_add(MAX_DRIFT),
        ));
    }

    /// Takes `drift` for the token's, and stays near it from now on.
    fn rebase(&mut self, drift: i32, now: &Now) {
        self.base = held(drift);
        self.drift = self.base;
        self.base_day = day(now);
    }

    /// Takes the drift that somebody vouches for, if they do.
    pub(super) fn vouch(&mut self, drift: Option<i32>, now: &Now) {
        match drift {
            Some(drift) => self.rebase(drift, now),
            // What makes room goes by it.
            None => self.base_day = day(now),
        }
    }

    /// How far the token's clock was off at its last use, in steps.
    pub fn drift(&self) -> i32 {
        i32::from(self.drift)
    }
}

impl Ledger {
    /// Marks `token`'s codes below `floor` as spent, and takes `drift`, held to
    /// ±[`MAX_BASE`], for its clock's. Never lowers a floor. `enrolled` are the person's
    /// tokens; others make room. Says `false` if there is none.
    pub fn resync(
        &mut self,
        enrolled: &[Token],
        token: &Token,
        floor: Counter,
        drift: i32,
        now: &Now,
    ) -> bool {
        self.make_room(enrolled, now);
        let Some(entry) = self.raise(token.into(), floor, now) else {
            return false;
        };
        entry.last_used = now.unix;
        entry.rebase(drift, now);
        true
    }
}

fn held(steps: i32) -> i16 {
    let most = i32::from(MAX_BASE);
    i16::try_from(steps.clamp(most.saturating_neg(), most)).unwrap_or_default()
}

/// The day as the ledger counts it: since 1970, until 2149.
pub(super) fn day(now: &Now) -> u16 {
    Day::of(now.unix)
        .and_then(|day| u16::try_from(day.since_1970()).ok())
        .unwrap_or(u16::MAX)
}

#[cfg(test)]
#[path = "drift_tests.rs"]
mod tests;
