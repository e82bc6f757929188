//! The rules, as plainly as they can be said; nothing of this is shared with what decides.

use fob_core::{Counter, Ledger, Now, RELEASE_EPOCH};

use super::people::{SET, code, fob, paper, phone, place};

/// RFC 4226's s, and RFC 6238's step on each side.
const LOOK_AHEAD: u64 = 10;
const WINDOW: u64 = 1;
/// What a clock may go wrong by: 120 s a year, in steps of 30 s; and the most of it.
const USUAL: (u64, u64) = (4, 31_536_000);
const MOST: u64 = 10;

/// What can be spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Spent {
    Press(u64),
    Step(u64),
    Paper(u8),
}

/// What is spent, and when a clock was last seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) presses: u64,
    pub(super) steps: u64,
    pub(super) seen: Option<u64>,
    pub(super) papers: u16,
}

impl Known {
    /// What a ledger says.
    pub(super) fn of(ledger: &Ledger) -> Self {
        let seen = ledger.entry(phone().key()).map(|entry| entry.last_used);
        let spent = ledger.spent_recovery(SET);
        let Counter(presses) = ledger.floor(fob());
        let Counter(steps) = ledger.floor(phone());
        Self {
            presses,
            steps,
            seen,
            papers: (0..10)
                .filter(|n| spent & (1 << place(*n)) != 0)
                .fold(0, |all, n| all | 1 << n),
        }
    }

    /// What is let in by this text now, if anything is.
    pub(super) fn judge(&self, text: &str, now: &Now) -> Option<Spent> {
        if let Some(n) = (0..10).find(|n| *paper(*n).to_text() == text) {
            return (self.papers & (1 << n) == 0).then_some(Spent::Paper(n));
        }
        let press = (self.presses..=self.presses.saturating_add(LOOK_AHEAD))
            .find(|counter| code(fob(), *counter) == text);
        if let Some(counter) = press {
            return Some(Spent::Press(counter));
        }
        let step = now.unix / 30;
        let window = self.window(now);
        let is_set = now.unix >= RELEASE_EPOCH;
        (step.saturating_sub(window)..=step.saturating_add(window))
            .find(|step| is_set && *step >= self.steps && code(phone(), *step) == text)
            .map(Spent::Step)
    }

    fn window(&self, now: &Now) -> u64 {
        let away = self.seen.map_or(0, |seen| now.unix.saturating_sub(seen));
        (WINDOW + away.saturating_mul(USUAL.0) / USUAL.1).min(MOST)
    }

    /// The same, with this spent as well.
    pub(super) fn after(&self, spent: Spent, now: &Now) -> Self {
        let mut after = self.clone();
        match spent {
            Spent::Press(counter) => after.presses = counter + 1,
            Spent::Step(step) => (after.steps, after.seen) = (step + 1, Some(now.unix)),
            Spent::Paper(n) => after.papers |= 1 << n,
        }
        after
    }

    /// Whether all that `other` knows as spent is spent here.
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.presses >= other.presses
            && self.steps >= other.steps
            && self.papers & other.papers == other.papers
    }
}
