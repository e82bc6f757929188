//! A temporary code that an administrator reads out over the phone.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

use crate::tag::tag;
use crate::{Code, Digits, Now, Reason};

/// How much of the name of whoever issued it is kept: as much as a login name has.
const MAX_BY: usize = 32;

/// A code that lets its person in a number of times until a time. Kept in the ledger, as
/// its uses are counted there; only as a digest, so that a copy of it doesn't say the code
/// at a glance. No slow hash: whoever reads ledgers is root, and the code is gone in hours.
#[derive(Clone, PartialEq, Eq)]
pub struct Bypass {
    pub(crate) salt: [u8; 16],
    pub(crate) digest: [u8; 16],
    pub(crate) issued: u64,
    pub(crate) expires: u64,
    pub(crate) uses: u8,
    pub(crate) by: String,
}

impl Bypass {
    /// How long a bypass code is: long enough for the throttle to keep guessers away (a
    /// chance of one in a million over the lifetime of 100 failures), short enough to be
    /// read out.
    pub(crate) const DIGITS: Digits = Digits::EIGHT;
    /// The longest that a bypass code can hold, in seconds: a week.
    pub const MAX_SECONDS: u64 = 7 * 86_400;
    /// The most uses of one.
    pub const MAX_USES: u8 = 20;

    /// A code that holds for `seconds` from now on and lets in `uses` times. `by` is who
    /// issued it, for the log. The numbers are held inside their limits.
    pub fn new(
        random: u64,
        salt: [u8; 16],
        now: &Now,
        seconds: u64,
        uses: u8,
        by: &str,
    ) -> (Self, Code) {
        let code = Code::truncated(random, Self::DIGITS);
        let plain = |c: &char| c.is_ascii_graphic();
        let bypass = Self {
            salt,
            digest: digest(&salt, &code),
            issued: now.unix,
            expires: now.unix.saturating_add(seconds.clamp(1, Self::MAX_SECONDS)),
            uses: uses.clamp(1, Self::MAX_USES),
            by: by.chars().filter(plain).take(MAX_BY).collect(),
        };
        (bypass, code)
    }

    /// Unix seconds at which it ends.
    pub fn expires(&self) -> u64 {
        self.expires
    }

    /// How often it still lets in.
    pub fn uses(&self) -> u8 {
        self.uses
    }

    /// Who issued it.
    pub fn by(&self) -> &str {
        &self.by
    }

    /// Why it lets nobody in any more, or not yet. Before it was issued, too: a clock that
    /// was set back doesn't make it last.
    pub fn ended(&self, now: &Now) -> Option<Reason> {
        if self.uses == 0 {
            Some(Reason::Spent)
        } else if !now.clock_is_set() {
            Some(Reason::ClockUnset)
        } else if !(self.issued..self.expires).contains(&now.unix) {
            Some(Reason::Expired)
        } else {
            None
        }
    }

    /// Whether this is the code.
    pub(crate) fn is(&self, typed: &Code) -> Choice {
        self.digest.ct_eq(&digest(&self.salt, typed))
    }
}

impl fmt::Debug for Bypass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Bypass(until {}, {} uses)", self.expires, self.uses)
    }
}

impl Drop for Bypass {
    fn drop(&mut self) {
        self.digest.zeroize();
    }
}

/// HMAC-SHA-256(salt, "fob bypass" ‖ digits as text), cut to 16 bytes.
fn digest(salt: &[u8; 16], code: &Code) -> [u8; 16] {
    tag(salt, &[b"fob bypass", code.to_text().as_bytes()])
}
