//! Where pam_fob keeps tokens and ledgers, and how it opens, locks and writes them.
//!
//! Everything is read from files that only root can have written: each file is checked on
//! its open descriptor, each folder above it on the way down. What changes at a login is in
//! one small file a person, the ledger, written in place and synced before anybody is let
//! in. [`Store::judge`] is a login from the lock to the verdict.
#![forbid(unsafe_code)]

mod account;
mod batch;
mod clock;
mod create;
mod dummy;
mod enrolment;
mod fault;
mod folder;
mod judge;
mod ledger_file;
mod lock;
#[cfg(any(test, feature = "model"))]
pub mod model;
mod new_codes;
mod own_addresses;
mod pages;
mod people;
mod places;
mod recall;
mod renamed;
#[cfg(test)]
mod root_folder;
mod seal;
mod session;
mod shell;
mod slot;
mod syslog;
mod terms;
mod trusted;
mod way;
mod zone;

pub use account::{Account, Who, file_name};
pub use batch::{Batch, Disk};
pub use clock::now;
pub use create::{create_file, create_folder, is_temporary, random, remove_file, replace_file};
pub use enrolment::{Claim, Confirmed, Enrolment, Receipt};
pub use fault::{Fault, FaultKind};
pub use judge::{DEFAULT_CONF, Judged, Store};
pub use ledger_file::LedgerFile;
pub use lock::{Locked, lock_folder};
pub use new_codes::NewCodes;
pub use people::Entry;
pub use recall::Recalled;
pub use shell::shell_word;
pub use syslog::{Level, log};
pub use terms::{Call, Pass, Terms};
pub use trusted::MAX_FILE;
