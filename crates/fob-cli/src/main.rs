//! `fob`: enrols, shows, checks and revokes the tokens of pam_fob. See fob(1).
//!
//! Nothing here judges a code: that is `fob-core`'s, and where things are kept is
//! `fob-store`'s. A verb is a page in [`verbs`]. Each ends in 0 for yes, 1 for no, or 2 when
//! it couldn't tell.
#![forbid(unsafe_code)]

mod barred;
mod cli;
mod doctor;
mod everybody;
mod given;
#[cfg(test)]
mod handbook_tests;
mod help;
mod journal;
#[cfg(test)]
mod manual_tests;
mod output;
mod owners;
mod pam;
mod parallel;
mod people;
mod picture;
mod plan;
mod recovery_codes;
mod secret_page;
mod spent;
mod stock;
mod stop;
mod table;
mod terminal;
mod token_edit;
mod token_text;
mod verbs;

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match help::parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to stdout and is a yes; a wrong command line is a "couldn't tell".
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match verbs::run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(stop) => {
            output::complain(&stop);
            stop.exit_code()
        }
    }
}
