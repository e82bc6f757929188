//! Reads the files that people come with: those of other second factors, of makers of
//! tokens and of phone apps.
//!
//! Pure: bytes in, tokens out; no clock, no file, no log. Every reader takes any bytes,
//! without a panic and in bounded time and memory, and has one shape:
//! `read(bytes, &Options) -> Batch`. What can't be read is said in full, with the place, so
//! that a file is mended in one go; nothing secret is ever part of what is said.
#![forbid(unsafe_code)]

pub mod alpine;
mod cell;
pub mod columns;
pub mod csv;
pub mod detect;
mod dn;
pub mod dualshield;
mod entry;
mod foreign;
pub mod freeipa;
pub mod given;
pub mod google_authenticator;
mod ldif;
#[cfg(test)]
mod mutants;
pub mod otpauth;
pub mod otpauth_migration;
pub mod people;
pub mod picture;
pub mod pskc;
pub mod records;
mod rows;
pub mod safeword;
#[cfg(test)]
mod samples;
mod text;
mod twins;
pub mod users_oath;
mod xml;
pub mod yubico;

pub use foreign::foreign;

use fob_core::{Counter, Token};
use zeroize::Zeroizing;

/// The largest file that is read, in bytes: ten thousand tokens in the wordiest format.
pub const MAX_FILE: usize = 64 * 1024 * 1024;
/// The most tokens that are read from one file.
pub const MAX_TOKENS: usize = 100_000;
/// The most problems that are told one by one.
pub const MAX_PROBLEMS: usize = 100;

/// What a reader must know beside the bytes.
#[derive(Debug, Default)]
pub struct Options {
    /// Now, in Unix seconds: codes that could be used already are spent.
    pub now: u64,
    /// What opens an encrypted file.
    pub key: Option<Key>,
    /// Whose columns a CSV file has; recognised where it isn't said.
    pub shape: Option<csv::Shape>,
    /// Whose layout a users file has; recognised where it isn't said.
    pub layout: Option<users_oath::Layout>,
}

/// What opens an encrypted file.
#[derive(Clone)]
pub enum Key {
    /// The key itself: 16, 24 or 32 bytes.
    Preshared(Zeroizing<Vec<u8>>),
    /// A text that the key is derived from.
    Passphrase(Zeroizing<Vec<u8>>),
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Preshared(_) => "Preshared",
            Self::Passphrase(_) => "Passphrase",
        })
    }
}

/// What a file holds.
#[derive(Debug, Default)]
pub struct Batch {
    /// The tokens that can be used, in the order of the file.
    pub tokens: Vec<Found>,
    /// What the file rightly holds and can't be used here, such as another kind of token.
    pub dropped: Vec<Dropped>,
    /// What is wrong. With any of these nothing of the file may be imported.
    pub problems: Vec<Problem>,
    /// How many problems more there are than are told.
    pub more_problems: usize,
    /// What the administrator should know about the file as a whole.
    pub remarks: Vec<String>,
}

/// A token of a file.
#[derive(Debug)]
pub struct Found {
    /// Where in the file it is: `line 7`, `KeyPackage 3`.
    pub place: String,
    /// Whose it is, if the file says so, as the file says it.
    pub user: Option<String>,
    /// The token. Its id is a suggestion, or empty.
    pub token: Token,
    /// Who issued it, or who made it, if the file says so.
    pub issuer: Option<String>,
    /// What is spent.
    pub used: Used,
    /// The PIN in front of the code, in clear.
    pub pin: Option<Zeroizing<String>>,
    /// Emergency codes that weren't used yet: eight digits each.
    pub scratch: Vec<Zeroizing<String>>,
    /// What will be otherwise than it was, in sentences for the administrator.
    pub remarks: Vec<String>,
}

/// What was used of a token at its old place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used {
    /// The lowest counter (for TOTP: step) that may still be accepted, if any is spent.
    pub floor: Option<Counter>,
    /// How far the token's clock is off, in steps.
    pub drift: i32,
}

/// Something that isn't imported, though nothing is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Where in the file it is.
    pub place: String,
    /// What it is: its serial, id or kind.
    pub what: String,
    /// Why it can't be used.
    pub why: String,
}

/// Something wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the file it is; empty for the file as a whole.
    pub place: String,
    /// What is wrong, naming the field; never a secret.
    pub what: String,
    /// What to do about it, if that isn't plain.
    pub remedy: Option<String>,
}

impl Batch {
    /// Notes something wrong at a place.
    pub(crate) fn problem(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.refuse(Problem {
            place: place.into(),
            what: what.into(),
            remedy: None,
        });
    }

    /// Notes a problem; only counts it once there are a hundred.
    pub(crate) fn refuse(&mut self, problem: Problem) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(problem);
        } else {
            self.more_problems = self.more_problems.saturating_add(1);
        }
    }

    /// Notes something that can't be used.
    pub(crate) fn drop_entry(
        &mut self,
        place: impl Into<String>,
        what: impl Into<String>,
        why: impl Into<String>,
    ) {
        self.dropped.push(Dropped {
            place: place.into(),
            what: what.into(),
            why: why.into(),
        });
    }
}
