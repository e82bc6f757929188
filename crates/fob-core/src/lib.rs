//! What a one-time code is, and whether it may let somebody in.
//!
//! Pure: no clock, no file, no environment, no log. Everything that changes at a
//! login is in a [`Ledger`]; everything that an administrator decides is in a
//! [`Policy`]; what a person typed is an [`Attempt`]. [`admit`] says whether the
//! attempt may be looked at, [`decide`] whether it lets the person in. Both hand
//! back a sealed value that opens only once the ledger that belongs to it has
//! been written.
#![forbid(unsafe_code)]

mod arguments;
mod attempt;
#[cfg(test)]
mod bounds_tests;
mod bypass;
mod code;
mod counter;
mod day;
mod decide;
mod evidence;
mod foreign_words;
pub mod format;
mod ledger;
mod look;
mod oath;
#[cfg(test)]
mod person;
mod pin;
mod place;
mod policy;
mod probe;
mod qr;
mod range;
mod recovery;
mod resync;
pub mod rule;
mod seal;
mod secret;
mod settings;
mod source;
mod tag;
mod texts;
mod throttle;
mod token;
#[cfg(test)]
mod tokens_tests;
mod uri;
mod verdict;
mod yubico;

pub use arguments::Arguments;
pub use attempt::{Attempt, MAX_ANSWER};
pub use bypass::Bypass;
pub use code::{Code, Digits};
pub use counter::Counter;
pub use day::Day;
pub use decide::{Admission, Debit, Debited, Decision, Durability, admit, confirm, decide};
pub use evidence::Evidence;
pub use ledger::{
    Entry, Ledger, LedgerBytesError, MAX_BASE, MAX_ENTRIES, MAX_UNCONFIRMED, Notice, Owner,
    SpentRecovery, Stay, Ticket,
};
pub use oath::{Algorithm, Codes, step};
pub use pin::Pin;
pub use place::{Place, Session};
pub use policy::{Now, Policy, PolicyChange, RELEASE_EPOCH, ThrottlePolicy, Types};
pub use probe::{Found, Probe, RecoverySight, Sight, probe};
pub use qr::{Drawing, Ink, Qr};
pub use range::{MAX_AHEAD, MAX_WINDOW, window_steps};
pub use recovery::{MAX_SCRATCH, RECOVERY_CODES, RecoveryCode, RecoveryDigest, RecoverySet};
pub use resync::{Pair, PairSearch};
pub use seal::{SealKey, SealPlace, is_sealed};
pub use secret::{Secret, SecretError};
pub use settings::{FirstPass, PinEntry, Settings};
pub use source::{Source, address};
pub use texts::{Text, Texts};
pub use throttle::{MAX_SOURCES, Standing, Throttle};
pub use token::{KeyedToken, Kind, Period, PrivateId, Token, TokenKey};
pub use uri::{URI_SCHEME, brief_uri, uri};
pub use verdict::{Acceptance, Reason, Refusal, Verdict};
