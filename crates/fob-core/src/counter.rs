//! The moving factor of a token.

use std::fmt;

/// RFC 4226's moving factor C; for TOTP, RFC 6238's T. 64 bits, from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter(pub u64);

impl Counter {
    /// The counter after this one. The very last has none, and so is never accepted:
    /// a spent counter must have a floor above it.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }

    /// This counter moved by `steps`, held inside the 64 bits.
    pub fn moved(self, steps: i64) -> Self {
        Self(self.0.saturating_add_signed(steps))
    }

    /// How many counters this one is after `earlier`; 0 if it isn't after it.
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// `self - other`, held inside an `i64`.
    pub fn offset_from(self, other: Self) -> i64 {
        let clamp = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        if self >= other {
            clamp(self.since(other))
        } else {
            clamp(other.since(self)).saturating_neg()
        }
    }
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
