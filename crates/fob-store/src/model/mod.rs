//! A machine that exists on paper: the real ledger and the real judgement, on a disk that is
//! killed, cut off and torn at every step, against a reference that knows only the rules.
//!
//! [`Pages`](crate::pages::Pages) and [`Judging`](crate::judge::Judging) are the module's own;
//! what is simulated is the disk under them, the lock round them, and the creation of the file.
//! Whatever could happen one way or another is asked of [`Chances`]: all of them in turn, at
//! random, or as the bytes of a fuzzer say.
//!
//! - P1: what was accepted is never accepted again.
//! - P2: without a fault in its own process an attempt gets the answer that the reference
//!   gives, whoever else is about.
//! - P3: when success is said, the disk has it, and a power cut at that instant proves it.
//! - P4: whatever happened, the next login reads the ledger: the newest one written, or after
//!   a power cut one as new as the last success.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "not in the module: a panic is how the model fails"
)]

mod chances;
mod disk;
mod file;
mod history;
mod medium;
mod people;
mod reference;
#[cfg(test)]
mod tests;
mod world;
mod zone_file;

pub use chances::{Bytes, Chances, Every};
pub use file::{read_damaged, read_file};
pub use history::{History, Rules};
pub use zone_file::read_zone;
