//! Places that a person gave a code at, and for how long that is good: `remember` of a rule.
//!
//! A remembered place is worth a code, so it is kept as a code is: in the ledger, and only
//! as long as nothing speaks against it. It ends with its time by either clock, with the
//! boot, with any change of the token file, and with a refused attempt from there. The time
//! runs from the code; using the place doesn't prolong it.
//!
//! The module sees no password. So each use counts as a failed one until the application
//! says that the whole login succeeded; a place with [`MAX_UNCONFIRMED`] of those is worth
//! nothing any more. Otherwise whoever shares it could guess the password for ever.

use crate::format::TokenFile;
use crate::look::unusable;
use crate::{Attempt, Ledger, Now, Place, Policy, Source, Standing};

/// How many places are remembered for one person.
pub(super) const MAX_PLACES: usize = 16;
/// Uses of a place that nobody confirmed before a code is asked again: as many failures as
/// the throttle keeps for the sources that succeeded.
pub const MAX_UNCONFIRMED: u8 = 20;

/// Names one entry, so that a use of it can be confirmed. Nobody can guess it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(pub [u8; 8]);

/// Where a login comes from, as far as that is to be remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stay {
    /// The place; none where it can't be told for certain.
    pub place: Option<Place>,
    /// For how many seconds a code is good there; none where no rule says so.
    pub seconds: Option<u32>,
}

/// Where an attempt comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) source: Source,
    place: Option<Place>,
    /// What was known of the place before the attempt.
    before: Option<Known>,
    /// For how long a success is to be remembered, and as what.
    wish: Option<(u32, Ticket)>,
}

impl Visit {
    pub(crate) fn from(source: Source) -> Self {
        Self {
            source,
            place: None,
            before: None,
            wish: None,
        }
    }

    /// The visit of a place. It is forgotten in `after`, where the attempt counts as failed;
    /// like a failure, unless the answer can't be one.
    pub(crate) fn at(
        self,
        stay: Stay,
        ticket: Ticket,
        attempt: &Attempt,
        after: &mut Ledger,
    ) -> Self {
        let place = stay.place.filter(|_| !attempt.is_malformed());
        Self {
            place,
            before: place.and_then(|place| after.remembered.take(place)),
            wish: stay.seconds.map(|seconds| (seconds, ticket)),
            ..self
        }
    }

    /// What a success makes of the place. One by a bypass code is for once: the code has
    /// uses of its own.
    pub(crate) fn succeed(self, next: &mut Ledger, file: &TokenFile, now: &Now, by_bypass: bool) {
        if let Some(before) = self.before {
            next.remembered.put(before);
        }
        let wish = self.place.zip(self.wish).filter(|_| !by_bypass);
        if let Some((place, (seconds, ticket))) = wish {
            next.remember(file, now, place, seconds, ticket);
        }
    }
}

/// The places of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Remembered {
    /// The boot in which the codes were given.
    pub(crate) boot_id: [u8; 16],
    /// What the token file said.
    pub(crate) tokens: [u8; 16],
    /// Oldest first.
    pub(crate) entries: Vec<Known>,
}

/// A place where a code was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) place: Place,
    pub(crate) ticket: Ticket,
    /// Boot seconds of the code.
    pub(crate) boot: u64,
    /// Unix seconds of the code.
    pub(crate) unix: u64,
    /// How long the rule of that moment let it be good.
    pub(crate) seconds: u32,
    /// Uses that weren't confirmed.
    pub(crate) unconfirmed: u8,
}

impl Known {
    /// Whether it is good now. A clock that went back ends nothing: the boot clock goes on.
    fn holds(&self, now: &Now) -> bool {
        let seconds = u64::from(self.seconds);
        let age = now.boot.checked_sub(self.boot);
        age.is_some_and(|age| age < seconds)
            && now.unix.saturating_sub(self.unix) < seconds
            && self.unconfirmed < MAX_UNCONFIRMED
    }
}

impl Remembered {
    /// Whether its times and places belong to this boot and this token file. A boot without
    /// an id is no boot that anything was seen in.
    fn is_of(&self, file: &TokenFile, now: &Now) -> bool {
        now.boot_id != [0; 16] && self.boot_id == now.boot_id && self.tokens == file.digest
    }

    /// Takes a place out. Says what was known of it.
    pub(crate) fn take(&mut self, place: Place) -> Option<Known> {
        let at = self.entries.iter().position(|known| known.place == place)?;
        Some(self.entries.remove(at))
    }

    /// Puts a place in; beyond [`MAX_PLACES`] the oldest goes.
    pub(crate) fn put(&mut self, known: Known) {
        self.take(known.place);
        let later = |other: &Known| other.boot > known.boot;
        let at = self.entries.iter().position(later);
        self.entries.insert(at.unwrap_or(self.entries.len()), known);
        let surplus = self.entries.len().saturating_sub(MAX_PLACES);
        self.entries.drain(..surplus);
    }
}

impl Ledger {
    /// Whether a code that the person gave a while ago is good for this login: nobody need
    /// be asked. Never for somebody whose code wouldn't let them in now.
    pub fn remembers(
        &self,
        policy: &Policy,
        file: &TokenFile,
        now: &Now,
        source: Source,
        stay: Stay,
    ) -> bool {
        self.known(policy, file, now, source, stay).is_some()
    }

    /// Uses the place, if it is remembered: a use that counts as failed until
    /// [`confirm`](Self::confirm). Must be written before anybody is let pass.
    pub fn use_place(
        &mut self,
        policy: &Policy,
        file: &TokenFile,
        now: &Now,
        source: Source,
        stay: Stay,
    ) -> Option<Ticket> {
        let ticket = self.known(policy, file, now, source, stay)?;
        let known = self.entry_of(ticket)?;
        known.unconfirmed = known.unconfirmed.saturating_add(1);
        Some(ticket)
    }

    /// One use of that place was part of a login that succeeded. Says `false`, and changes
    /// nothing, if there is no such entry any more.
    pub fn confirm(&mut self, ticket: Ticket) -> bool {
        let Some(known) = self.entry_of(ticket) else {
            return false;
        };
        known.unconfirmed = known.unconfirmed.saturating_sub(1);
        true
    }

    /// Until when each remembered place is good at the latest, in Unix seconds.
    pub fn places(&self, file: &TokenFile, now: &Now) -> Vec<u64> {
        let all = &self.remembered;
        let held = all.entries.iter().filter(|known| known.holds(now));
        let until = held.map(|known| known.unix.saturating_add(known.seconds.into()));
        until.filter(|_| all.is_of(file, now)).collect()
    }

    /// Forgets every place.
    pub fn forget_places(&mut self) {
        self.remembered = Remembered::default();
    }

    fn known(
        &self,
        policy: &Policy,
        file: &TokenFile,
        now: &Now,
        source: Source,
        stay: Stay,
    ) -> Option<Ticket> {
        let (place, seconds) = (stay.place?, stay.seconds?);
        let known = self.remembered.entries.iter().find(|k| k.place == place)?;
        let shorter = Known {
            seconds: known.seconds.min(seconds),
            ..*known
        };
        let holds = shorter.holds(now) && self.remembered.is_of(file, now);
        let gets_in = holds && self.could_get_in(policy, file, now, source);
        gets_in.then_some(known.ticket)
    }

    /// Whether a right code would let the person in now.
    fn could_get_in(&self, policy: &Policy, file: &TokenFile, now: &Now, source: Source) -> bool {
        let mut throttle = self.throttle.clone();
        throttle.refresh(now);
        let is_free = throttle.standing(policy.throttle, now, source) == Standing::Free;
        let usable = file.tokens.iter().filter(|token| {
            unusable(policy, now, token).is_none() && self.floor(*token) != Self::BLOCKED
        });
        let least = usize::from(policy.min_tokens.max(1));
        is_free && !file.disabled && usable.count() >= least
    }

    fn entry_of(&mut self, ticket: Ticket) -> Option<&mut Known> {
        let mut entries = self.remembered.entries.iter_mut();
        entries.find(|known| known.ticket == ticket)
    }

    /// Remembers that a code was given at `place`.
    pub(crate) fn remember(
        &mut self,
        file: &TokenFile,
        now: &Now,
        place: Place,
        seconds: u32,
        ticket: Ticket,
    ) {
        if now.boot_id == [0; 16] {
            return;
        }
        if !self.remembered.is_of(file, now) {
            self.remembered = Remembered {
                boot_id: now.boot_id,
                tokens: file.digest,
                entries: Vec::new(),
            };
        }
        self.remembered.put(Known {
            place,
            ticket,
            boot: now.boot,
            unix: now.unix,
            seconds,
            unconfirmed: 0,
        });
    }
}

#[cfg(test)]
#[path = "remembered_tests.rs"]
mod tests;
