//! All that changes at a login: floors, drift, throttle, spent recovery codes, places.

mod bytes;
mod drift;
mod remembered;

pub use bytes::LedgerBytesError;
pub use drift::MAX_BASE;
pub(crate) use drift::usual_drift;
pub(crate) use remembered::{Known, Remembered, Visit};
pub use remembered::{MAX_UNCONFIRMED, Stay, Ticket};

use crate::format::TokenFile;
use crate::{
    Bypass, Counter, KeyedToken, Kind, Now, Period, RecoverySet, Throttle, Token, TokenKey,
};

/// How many tokens a ledger can hold, those included that are no longer enrolled: a
/// token that comes back must find its floor.
pub const MAX_ENTRIES: usize = 32;
/// How many sets of recovery codes a ledger remembers.
const MAX_RECOVERY_SETS: usize = 8;
/// An entry of a time-based token that is no longer enrolled may go after so many
/// seconds: by then its codes are far in the past.
const STALE_AFTER: u64 = 30 * 86_400;
/// So many steps beyond its drift a token may have been accepted, and may be once it comes back:
/// the window at its widest each time, and what the drift is held to.
const WIDEST: u64 = 24;

/// Whose ledger it is: who had the uid when it was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The uid.
    pub uid: u32,
    /// The name that the user database gave for it.
    pub name: String,
}

/// What a ledger knows about one token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Which token.
    pub key: TokenKey,
    /// The lowest counter still acceptable. Never falls.
    pub floor: Counter,
    /// Unix seconds of its last use; 0 before the first.
    pub last_used: u64,
    /// How far its clock was off at its last use, in steps.
    pub(crate) drift: i16,
    /// What the drift stays near, in steps.
    pub(crate) base: i16,
    /// The day on which the base was set, since 1970.
    pub(crate) base_day: u16,
    /// Bit n: the code of counter `floor - 1 - n` came again and was counted.
    pub(crate) replays: u32,
    /// Whether it is a TOTP token, whose codes grow old by themselves.
    pub(crate) timed: bool,
}

impl Entry {
    /// Whether all that was spent is too old to be accepted, should the token come back. Its
    /// period isn't known here; the longest is a day.
    fn is_stale(&self, now: &Now) -> bool {
        let fast = u64::try_from(self.drift).unwrap_or_default();
        let steps = fast.saturating_add(WIDEST);
        let age = now.unix.saturating_sub(self.last_seen());
        self.timed && age > STALE_AFTER.max(steps.saturating_mul(Period::MAX_SECONDS))
    }

    /// When its floor was last raised, in Unix seconds: at its last use, or on the day on which
    /// somebody vouched for it.
    fn last_seen(&self) -> u64 {
        let day = u64::from(self.base_day).saturating_mul(86_400);
        self.last_used.max(day)
    }

    fn new(token: KeyedToken<'_>, floor: Counter, now: &Now) -> Self {
        Self {
            key: token.key(),
            floor,
            last_used: 0,
            drift: 0,
            base: 0,
            base_day: drift::day(now),
            replays: 0,
            timed: token.kind.is_timed(),
        }
    }
}

/// The spent codes of one set of recovery codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpentRecovery {
    /// Which set.
    pub set: [u8; 16],
    /// Bit n: the n-th code of the set is spent.
    pub codes: u16,
}

/// What the person is told at the next success.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notice {
    /// Failed attempts since the last success.
    pub failures: u32,
    /// Unix seconds of the last of them.
    pub at: u64,
    /// `PAM_RHOST` of the last of them, cut to 64 bytes; empty for this machine.
    pub from: String,
}

/// All that changes at a person's logins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    /// Whose it is.
    pub owner: Owner,
    /// The failures.
    pub throttle: Throttle,
    /// What the person is told at the next success.
    pub notice: Notice,
    /// Unix seconds of the last success; 0 before the first.
    pub last_success: u64,
    /// The temporary code of this person, if one was issued; kept when it is used up.
    pub bypass: Option<Bypass>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) recovery: Vec<SpentRecovery>,
    pub(crate) remembered: Remembered,
    /// Sections that a later version wrote: carried through.
    pub(crate) unknown: Vec<(u8, Vec<u8>)>,
}

impl Ledger {
    /// A clock that is further behind the last success is worth a word, in seconds.
    const BEHIND: u64 = 120;

    /// By how many seconds the clock is behind the last success: it was set back, and codes of
    /// this minute are those of another to it.
    pub fn clock_behind(&self, now: &Now) -> Option<u64> {
        let behind = self.last_success.saturating_sub(now.unix);
        (behind >= Self::BEHIND).then_some(behind)
    }

    /// The floor of a token that was blocked: no counter is above it.
    pub const BLOCKED: Counter = Counter(u64::MAX);

    /// The ledger of somebody who never logged in.
    pub fn new(owner: Owner) -> Self {
        Self {
            owner,
            throttle: Throttle::default(),
            notice: Notice::default(),
            last_success: 0,
            bypass: None,
            entries: Vec::new(),
            recovery: Vec::new(),
            remembered: Remembered::default(),
            unknown: Vec::new(),
        }
    }

    /// What it knows about `token`, if it was ever used.
    pub fn entry(&self, key: TokenKey) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// What it knows about each token that was ever used, enrolled or not.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The lowest counter of `token` still acceptable: the ledger's, or the one that the
    /// token file starts at, whichever is higher.
    pub fn floor<'t>(&self, token: impl Into<KeyedToken<'t>>) -> Counter {
        let token = token.into();
        let start = match token.kind {
            Kind::Hotp { counter } | Kind::Yubico { counter, .. } => counter,
            Kind::Totp { .. } => Counter(0),
        };
        self.entry(token.key())
            .map_or(start, |entry| entry.floor.max(start))
    }

    /// The sets of which codes are spent, enrolled or not.
    pub fn recovery_sets(&self) -> &[SpentRecovery] {
        &self.recovery
    }

    /// Which codes of the recovery set with this id are spent.
    pub fn spent_recovery(&self, set: [u8; 16]) -> u16 {
        self.recovery
            .iter()
            .find(|spent| spent.set == set)
            .map_or(0, |spent| spent.codes)
    }

    /// How many recovery and scratch codes of a person are left; none for one without.
    pub fn recovery_left(&self, file: &TokenFile) -> Option<usize> {
        let sets = [&file.recovery, &file.scratch].into_iter().flatten();
        sets.map(|set| {
            let spent = self.spent_recovery(set.id).count_ones();
            let spent = usize::try_from(spent).unwrap_or(usize::MAX);
            set.digests.len().saturating_sub(spent)
        })
        .reduce(usize::saturating_add)
    }

    /// Marks `token`'s codes below `floor` as spent, and follows its clock, which is
    /// `offset` steps off. Never lowers a floor. Says `false` if the ledger has no room for
    /// another token.
    pub fn raise_floor<'t>(
        &mut self,
        token: impl Into<KeyedToken<'t>>,
        floor: Counter,
        offset: i32,
        now: &Now,
    ) -> bool {
        let token = token.into();
        let Some(entry) = self.raise(token, floor, now) else {
            return false;
        };
        entry.last_used = now.unix;
        if let Kind::Totp { period, .. } = token.kind {
            entry.follow(offset, period, now);
        }
        true
    }

    /// The same where no code was typed, but somebody vouches for it: the file of another
    /// system, or an administrator. The token isn't used by it. Its clock is `drift` steps off,
    /// held to ±[`MAX_BASE`], or as it was known.
    pub fn vouch_floor(
        &mut self,
        token: &Token,
        floor: Counter,
        drift: Option<i32>,
        now: &Now,
    ) -> bool {
        let Some(entry) = self.raise(token.into(), floor, now) else {
            return false;
        };
        entry.vouch(drift, now);
        true
    }

    /// The entry of `token`, with `floor` for its floor unless that is lower. `None` if the
    /// ledger has no room for another.
    fn raise(&mut self, token: KeyedToken<'_>, floor: Counter, now: &Now) -> Option<&mut Entry> {
        let key = token.key();
        let place = match self.entries.iter().position(|entry| entry.key == key) {
            Some(place) => place,
            None if self.entries.len() >= MAX_ENTRIES => return None,
            None => {
                self.entries.push(Entry::new(token, floor, now));
                self.entries.len().saturating_sub(1)
            }
        };
        let entry = self.entries.get_mut(place)?;
        let raised = u32::try_from(floor.since(entry.floor)).ok();
        entry.replays = raised
            .and_then(|n| entry.replays.checked_shl(n))
            .unwrap_or(0);
        entry.floor = entry.floor.max(floor);
        Some(entry)
    }

    /// Makes room for the tokens of `enrolled` by forgetting time-based tokens that are
    /// enrolled no longer and whose codes are long past. An HOTP floor is never forgotten.
    pub fn make_room(&mut self, enrolled: &[Token], now: &Now) {
        if self.entries.len() < MAX_ENTRIES {
            return;
        }
        let keys: Vec<TokenKey> = enrolled.iter().map(Token::key).collect();
        let oldest = self
            .entries
            .iter()
            .filter(|entry| entry.is_stale(now) && !keys.contains(&entry.key))
            .min_by_key(|entry| entry.last_seen())
            .map(|entry| entry.key);
        self.entries.retain(|entry| Some(entry.key) != oldest);
    }

    /// Forgets all tokens but those of `enrolled`, counter tokens too; says how many. Whoever
    /// wants that knows that none of them comes back, or what its counter is then.
    pub fn forget_others(&mut self, enrolled: &[Token]) -> usize {
        let keys: Vec<TokenKey> = enrolled.iter().map(Token::key).collect();
        let before = self.entries.len();
        self.entries.retain(|entry| keys.contains(&entry.key));
        before.saturating_sub(self.entries.len())
    }

    /// Refuses every code of a counter token: nobody knows any more which were used.
    /// Says `false` if the ledger has no room for another token.
    pub fn block(&mut self, token: &Token, now: &Now) -> bool {
        self.vouch_floor(token, Self::BLOCKED, None, now)
    }

    /// Gives a blocked token the floor that somebody vouches for. The one floor that falls:
    /// nobody ever spent a code below it, so far as this ledger knows. Says `false`, and
    /// changes nothing, unless the token is blocked.
    pub fn unblock(&mut self, token: &Token, floor: Counter) -> bool {
        let key = token.key();
        let blocked = |entry: &&mut Entry| entry.key == key && entry.floor == Self::BLOCKED;
        let Some(entry) = self.entries.iter_mut().find(blocked) else {
            return false;
        };
        entry.floor = floor;
        entry.replays = 0;
        true
    }

    /// Ends what lets somebody in though no token of theirs does: a bypass code, and the places
    /// that are remembered.
    pub fn end_leave(&mut self) {
        self.bypass = None;
        self.forget_places();
    }

    /// Spends all codes that `file` has beside its tokens.
    pub fn void_recovery(&mut self, file: &TokenFile) {
        for set in [&file.recovery, &file.scratch].into_iter().flatten() {
            (0..set.digests.len()).for_each(|position| self.spend_recovery(set, position, file));
        }
    }

    /// Spends those codes of `set` whose bits are in `codes`.
    pub fn spend_codes(&mut self, set: &RecoverySet, codes: u16, file: &TokenFile) {
        let is_spent = |n: &usize| {
            codes
                .checked_shr(u32::try_from(*n).unwrap_or(16))
                .unwrap_or(0)
                & 1
                == 1
        };
        let spent = (0..set.digests.len()).filter(is_spent);
        spent.for_each(|position| self.spend_recovery(set, position, file));
    }

    /// Notes that the spent code of `counter` came again; `true` the first time. A code
    /// counts once for its counter, so that a double press or a race locks nobody.
    pub(crate) fn note_replay(&mut self, key: TokenKey, counter: Counter) -> bool {
        let Some(entry) = self.entries.iter_mut().find(|entry| entry.key == key) else {
            return true;
        };
        let back = entry.floor.since(counter).saturating_sub(1);
        let Some(bit) = u32::try_from(back).ok().and_then(|n| 1u32.checked_shl(n)) else {
            return true;
        };
        let first = entry.replays & bit == 0;
        entry.replays |= bit;
        first
    }

    /// Spends the n-th code of a recovery set. Where there is no room for another, the oldest
    /// is forgotten that `file` has no longer.
    pub(crate) fn spend_recovery(&mut self, set: &RecoverySet, position: usize, file: &TokenFile) {
        let bit = u32::try_from(position)
            .ok()
            .and_then(|n| 1u16.checked_shl(n))
            .unwrap_or(0);
        if let Some(spent) = self.recovery.iter_mut().find(|spent| spent.set == set.id) {
            spent.codes |= bit;
            return;
        }
        if self.recovery.len() >= MAX_RECOVERY_SETS {
            let enrolled = [&file.recovery, &file.scratch];
            let is_old = |spent: &SpentRecovery| {
                let mut sets = enrolled.into_iter().flatten();
                sets.all(|set| set.id != spent.set)
            };
            if let Some(oldest) = self.recovery.iter().position(is_old) {
                self.recovery.remove(oldest);
            }
        }
        self.recovery.push(SpentRecovery {
            set: set.id,
            codes: bit,
        });
    }
}

#[cfg(test)]
mod tests;
