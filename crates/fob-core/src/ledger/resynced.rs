//! Tokens whose clocks are far off, as two codes in a row showed.
//!
//! A remembered drift moves by logins, and so stays within two steps of its *base*: nobody
//! walks it away by codes alone. The base is 0, unless `fob resync` found another.

use super::{Entry, Ledger};
use crate::{Counter, Now, Token, TokenKey};

/// How far a drift moves from its base, in steps (RFC 6238 section 6).
pub(crate) const MAX_DRIFT: i32 = 2;
/// No base is farther from 0, in steps: a day with the usual period.
pub const MAX_BASE: i16 = 2880;
/// How many bases a ledger holds: one for each token that a person may have.
pub(crate) const MAX_RESYNCED: usize = 16;

/// The base of one token's drift.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Resynced {
    pub(crate) key: TokenKey,
    pub(crate) base: i16,
}

impl Ledger {
    /// What the drift of a token stays near, in steps. A base that the drift isn't near was
    /// left by a version that doesn't know of it, and means nothing.
    pub(crate) fn base(&self, key: TokenKey) -> i32 {
        let drift = self.entry(key).map(|entry| entry.drift);
        self.resynced
            .iter()
            .find(|resynced| resynced.key == key)
            .map(|resynced| i32::from(resynced.base))
            .filter(|base| {
                drift.is_some_and(|drift| drift.abs_diff(*base) <= MAX_DRIFT.unsigned_abs())
            })
            .unwrap_or(0)
    }

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
        let most = i32::from(MAX_BASE);
        let drift = drift.clamp(most.saturating_neg(), most);
        self.make_room(enrolled, now);
        if !self.raise_floor(token, floor, drift, now) {
            return false;
        }
        let key = token.key();
        self.resynced.retain(|resynced| resynced.key != key);
        if drift.unsigned_abs() <= MAX_DRIFT.unsigned_abs() {
            return true;
        }
        if self.resynced.len() >= MAX_RESYNCED {
            let keys: Vec<TokenKey> = enrolled.iter().map(Token::key).collect();
            self.resynced
                .retain(|resynced| keys.contains(&resynced.key));
        }
        let base = i16::try_from(drift).unwrap_or_default();
        self.resynced.push(Resynced { key, base });
        self.resynced.len() <= MAX_RESYNCED
    }

    /// Forgets the bases of tokens without an entry.
    pub(super) fn forget_bases(&mut self) {
        let entries: &[Entry] = &self.entries;
        self.resynced
            .retain(|resynced| entries.iter().any(|entry| entry.key == resynced.key));
    }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use crate::{Algorithm, Digits, Kind, Owner, Period, Secret};

    const NOW: Now = Now {
        unix: 1_800_000_000,
        boot: 1,
        boot_id: [1; 16],
    };

    fn token(seed: u8) -> Token {
        Token {
            id: format!("t{seed}"),
            kind: Kind::Totp {
                period: Period::DEFAULT,
                t0: 0,
            },
            algorithm: Algorithm::Sha1,
            digits: Digits::MIN,
            secret: Secret::new((seed..seed + 20).collect()).unwrap(),
            serial: None,
            disabled: false,
        }
    }

    fn ledger() -> Ledger {
        Ledger::new(Owner {
            uid: 1,
            name: "alice".into(),
        })
    }

    #[test]
    fn base_is_kept_only_where_the_drift_is_far() {
        let (mut ledger, token) = (ledger(), token(1));
        let key = token.key();
        for (drift, base) in [(-20, -20), (2, 0), (9_999, 2880), (-9_999, -2880), (-2, 0)] {
            assert!(ledger.resync(&[], &token, Counter(5), drift, &NOW));
            assert_eq!(ledger.base(key), base);
            let read = Ledger::from_bytes(&ledger.to_bytes().unwrap()).unwrap();
            assert_eq!(read, ledger);
        }
    }

    /// P1.
    #[test]
    fn floor_never_falls() {
        let (mut ledger, token) = (ledger(), token(1));
        assert!(ledger.resync(&[], &token, Counter(50), 9, &NOW));
        assert!(ledger.resync(&[], &token, Counter(40), -9, &NOW));
        assert_eq!(ledger.floor(&token), Counter(50));
    }

    /// A version that knows no base holds the drift to ±2, and carries the base through.
    #[test]
    fn base_of_another_drift_means_nothing() {
        let (mut ledger, token) = (ledger(), token(1));
        assert!(ledger.resync(&[], &token, Counter(5), -20, &NOW));
        assert!(ledger.raise_floor(&token, Counter(6), -2, &NOW));
        assert_eq!(ledger.base(token.key()), 0);
    }

    #[test]
    fn tokens_of_today_always_find_room_for_their_base() {
        let mut ledger = ledger();
        let old: Vec<Token> = (0..16).map(token).collect();
        let new: Vec<Token> = (100..116).map(token).collect();
        for token in &old {
            assert!(ledger.resync(&old, token, Counter(5), 9, &NOW));
        }
        for token in &new {
            assert!(ledger.resync(&new, token, Counter(5), 9, &NOW));
            assert_eq!(ledger.base(token.key()), 9);
        }
        assert!(ledger.resynced.len() <= MAX_RESYNCED);
    }
}
