//! Where two codes in a row stand: what brings a token back in step (RFC 4226 section 7.4,
//! RFC 6238 section 6). One code could be right by chance far away; two hardly can.

use subtle::ConstantTimeEq;

use crate::range::Range;
use crate::{Attempt, Code, Counter, KeyedToken, Kind, Ledger, MAX_BASE, Now, step};

/// How far below the floor of a counter token codes are recognised as spent.
const LOOK_BACK: i64 = 1000;

/// Where two codes are looked for.
#[derive(Debug, Clone, Copy)]
pub struct PairSearch<'a> {
    /// The token that shows them.
    pub token: KeyedToken<'a>,
    /// What is spent.
    pub ledger: &'a Ledger,
    /// Now.
    pub now: &'a Now,
    /// HOTP: how many presses above the floor. TOTP: how many steps to each side of now;
    /// [`MAX_BASE`] at most.
    pub range: u32,
}

/// Where two codes stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pair {
    /// Side by side, and neither is spent.
    Found {
        /// The lowest counter that is acceptable once both are spent.
        floor: Counter,
        /// How far the token's clock is off, in steps; 0 for a counter.
        drift: i32,
    },
    /// Side by side, and the first is spent.
    Spent {
        /// The counter of the second.
        second: Counter,
    },
    /// Nowhere in the range.
    NotFound,
}

impl PairSearch<'_> {
    /// Looks for the two codes. What it finds is never below the floor.
    pub fn find(&self, first: &Attempt, second: &Attempt) -> Pair {
        match self.positions() {
            Some(range) => self.find_in(range, first, second),
            None => Pair::NotFound,
        }
    }

    /// Looks for the two codes in a range.
    pub(crate) fn find_in(&self, range: Range, first: &Attempt, second: &Attempt) -> Pair {
        let typed = [first, second].map(|attempt| {
            let code = attempt.code(self.token.digits);
            code.unwrap_or_else(|| Code::untypable(self.token.digits))
        });
        let (codes, floor) = (self.token.codes(), self.ledger.floor(self.token));
        let mut spent = Pair::NotFound;
        let mut before = false;
        for counter in range.counters() {
            let code = codes.at(counter);
            let [is_first, is_second] = typed.each_ref().map(|typed| bool::from(code.ct_eq(typed)));
            if before && is_second {
                // The first of the two is one below.
                match counter.next().filter(|_| counter > floor) {
                    Some(next) => {
                        let drift = range.offset(counter);
                        return Pair::Found { floor: next, drift };
                    }
                    None => spent = Pair::Spent { second: counter },
                }
            }
            before = is_first;
        }
        spent
    }

    fn positions(&self) -> Option<Range> {
        let range = i64::from(self.range);
        match self.token.kind {
            Kind::Hotp { .. } => {
                let floor = self.ledger.floor(self.token);
                Some(Range {
                    first: floor.moved(LOOK_BACK.saturating_neg()),
                    // The floor's own code counts, and the pair may begin at the range's end.
                    last: floor.moved(range.saturating_add(1)),
                    expected: None,
                })
            }
            Kind::Totp { period, t0 } => {
                let expected = step(self.now.unix, t0, period)?;
                let range = range.min(i64::from(MAX_BASE));
                Some(Range {
                    first: expected.moved(range.saturating_neg()),
                    last: expected.moved(range),
                    expected: Some(expected),
                })
            }
            Kind::Yubico { .. } => None,
        }
    }
}

#[cfg(test)]
#[path = "resync_tests.rs"]
mod tests;
