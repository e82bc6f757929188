//! `make bench`: measures pam_fob against what Debian ships for one-time codes,
//! libpam-google-authenticator and libpam-oath, in a throwaway machine.
//!
//! The systems log in in turns (A B C, C A B, B A C, ...), and what is compared are medians
//! of one run: a machine that is busy for a while is busy for all of them. Every login's
//! result is checked; one that isn't as expected ends the run. A budget that is missed stands
//! in the table and is no error. Exits with 2 if nothing could be measured.
//!
//! `outside` prepares the machine and starts this program again in it, `inside` measures.
//! Each budget has a file of its own in `logins/rows/`.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a program for developers: it prints, and a wrong index may end it"
)]

#[path = "logins/mod.rs"]
mod logins;

use std::process::ExitCode;

fn main() -> ExitCode {
    match logins::main() {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::from(2)
        }
    }
}
