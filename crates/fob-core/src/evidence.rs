//! What an attempt is held against, with all that is slow already done: so that nobody
//! waits for it under the lock.

use crate::format::TokenFile;
use crate::yubico::YubicoOtp;
use crate::{Attempt, KeyedToken, Kind, Pin, RecoveryDigest, RecoverySet, Token};

/// What a person is enrolled with, beside what was typed.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The person's tokens and codes.
    pub file: &'a TokenFile,
    recovery: Option<Typed>,
    scratch: Option<Typed>,
    /// Each token, and whether what stands in front of its code is right.
    tokens: Vec<(KeyedToken<'a>, bool)>,
}

/// What was typed, read as a code of a set.
#[derive(Debug)]
struct Typed {
    digest: RecoveryDigest,
    length: usize,
}

/// A code of a set that was typed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit<'a> {
    pub(crate) set: &'a RecoverySet,
    pub(crate) position: usize,
    /// How many characters of what was typed were the code.
    pub(crate) length: usize,
}

impl<'a> Evidence<'a> {
    /// Stretches what was typed with the person's salts; for people without a set or a PIN
    /// with a salt of nobody's, so that it takes as long (P13).
    pub fn gather(file: &'a TokenFile, attempt: &Attempt) -> Self {
        let salt = |set: &Option<RecoverySet>| set.as_ref().map_or([0; 16], |set| set.salt);
        let mut fronts = Fronts::new(file, attempt.first().unwrap_or(attempt));
        let mut fits = |token| fronts.fit(token) && fronts.repeated(token, attempt);
        let tokens = file.tokens.iter();
        let tokens = tokens.map(|token| (token.into(), fits(token))).collect();
        Self {
            file,
            recovery: attempt.recovery().map(|code| Typed {
                digest: code.digest(&salt(&file.recovery)),
                length: attempt.recovery_length(),
            }),
            scratch: attempt.lone_code(RecoverySet::SCRATCH).map(|code| Typed {
                digest: RecoveryDigest::of_scratch(&code, &salt(&file.scratch)),
                length: RecoverySet::SCRATCH.count(),
            }),
            tokens,
        }
    }

    /// The tokens, and whether what stands in front of their code is right.
    pub(crate) fn tokens(&self) -> impl Iterator<Item = (KeyedToken<'a>, bool)> {
        self.tokens.iter().copied()
    }

    /// The recovery code that was typed.
    pub(crate) fn recovery(&self) -> Option<Hit<'a>> {
        hit(&self.file.recovery, &self.recovery)
    }

    /// The scratch code that was typed.
    pub(crate) fn scratch(&self) -> Option<Hit<'a>> {
        hit(&self.file.scratch, &self.scratch)
    }
}

fn hit<'a>(set: &'a Option<RecoverySet>, typed: &Option<Typed>) -> Option<Hit<'a>> {
    let (set, typed) = (set.as_ref()?, typed.as_ref()?);
    Some(Hit {
        set,
        position: set.position(&typed.digest)?,
        length: typed.length,
    })
}

/// Whether a PIN is the person's. Who has none may say anything where all are asked.
fn fits_pin(file: &TokenFile, typed: &[u8]) -> bool {
    match &file.pin {
        Some(pin) => pin.is(typed),
        None => {
            Pin::nobodys().is(typed);
            true
        }
    }
}

/// What stands in front of the codes, each judged once.
pub(crate) struct Fronts<'a> {
    file: &'a TokenFile,
    attempt: &'a Attempt,
    known: Vec<(&'a [u8], bool)>,
    /// Whether the PIN is right that was asked for on its own.
    asked: Option<bool>,
}

impl<'a> Fronts<'a> {
    fn new(file: &'a TokenFile, attempt: &'a Attempt) -> Self {
        Self {
            file,
            attempt,
            known: Vec::new(),
            asked: attempt.pin().map(|typed| fits_pin(file, typed)),
        }
    }

    /// How many characters of an attempt are the token's: its code and its public id.
    pub(crate) fn length(attempt: &Attempt, token: &Token) -> usize {
        let length = code_length(token);
        let front = attempt.front(length);
        let rest = without(front, token.public_id.as_deref());
        length.saturating_add(front.len().saturating_sub(rest.len()))
    }

    /// Whether the second of two codes in a row has nothing in front, or the same.
    fn repeated(&self, token: &Token, second: &Attempt) -> bool {
        let length = code_length(token);
        let front = without(second.front(length), token.public_id.as_deref());
        let first = without(self.attempt.front(length), token.public_id.as_deref());
        front.is_empty() || front == first
    }

    fn fit(&mut self, token: &Token) -> bool {
        let length = code_length(token);
        let is_there = match token.kind {
            Kind::Yubico { .. } => self.attempt.otp().is_some(),
            Kind::Hotp { .. } | Kind::Totp { .. } => self.attempt.code(token.digits).is_some(),
        };
        if !is_there {
            return false;
        }
        let front = without(self.attempt.front(length), token.public_id.as_deref());
        if let Some((_, fits)) = self.known.iter().find(|(known, _)| *known == front) {
            return *fits;
        }
        let fits = self.is_right(front);
        self.known.push((front, fits));
        fits
    }

    fn is_right(&self, front: &[u8]) -> bool {
        let bare = front.is_empty() || self.attempt.is_joined();
        match (self.asked, &self.file.pin) {
            (Some(asked), _) => asked && bare,
            (None, Some(pin)) => !front.is_empty() && pin.is(front),
            (None, None) if bare => true,
            (None, None) => {
                Pin::nobodys().is(front);
                false
            }
        }
    }
}

/// How many characters a token's code has.
fn code_length(token: &Token) -> usize {
    match token.kind {
        Kind::Yubico { .. } => YubicoOtp::CHARACTERS,
        Kind::Hotp { .. } | Kind::Totp { .. } => token.digits.count(),
    }
}

/// What is left of `front` without the public id at its end.
fn without<'a>(front: &'a [u8], public_id: Option<&str>) -> &'a [u8] {
    let id = public_id.unwrap_or_default().as_bytes();
    let cut = front.len().checked_sub(id.len());
    let parts = cut.and_then(|cut| front.split_at_checked(cut));
    match parts {
        Some((rest, end)) if end.eq_ignore_ascii_case(id) => rest,
        _ => front,
    }
}
