//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use fob_core::{Algorithm, Digits, Period};

use crate::otpauth::Mover;

/// One-time codes for logins: enrols and looks after the tokens of pam_fob.
#[derive(Debug, Parser)]
#[command(
    name = "fob",
    version,
    disable_help_subcommand = true,
    after_help = "Exit status: 0 yes or done, 1 no, 2 could not tell.\n\
                  Example: sudo fob enroll alice"
)]
pub(crate) struct Cli {
    /// Read this fob.conf, not /etc/fob/fob.conf
    #[arg(long, global = true, value_name = "PATH", display_order = 900)]
    pub(crate) conf: Option<PathBuf>,
    /// Print one JSON object; see fob(8)
    #[arg(long, global = true, display_order = 901)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Give a person a token
    Enroll(Box<Enroll>),
    /// Show a person's tokens, without their secrets
    #[command(after_help = "Example: fob show alice")]
    Show(Person),
    /// Try a code as a login would; it is spent
    #[command(after_help = "Example: fob check alice")]
    Check(Person),
    /// Forget a person's failed attempts
    #[command(after_help = "Example: fob unlock alice")]
    Unlock(Person),
    /// Print a new set of recovery codes; the old ones are void
    #[command(after_help = "Example: fob recovery alice")]
    Recovery(Sure),
    /// Take a token, or all, from a person
    Revoke(Revoke),
    /// Give a person the ledger of their uid's former name
    #[command(after_help = "Example: fob rebind alice")]
    Rebind(Sure),
    /// Replace a damaged ledger; nothing used can be used again
    Repair(Repair),
}

/// Whom it is about.
#[derive(Debug, Args)]
pub(crate) struct Person {
    /// The person's login name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

/// Whom it is about, and whether to ask.
#[derive(Debug, Args)]
pub(crate) struct Sure {
    /// The person's login name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Don't ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Give a person a token
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fob enroll alice                        a phone app; shows a QR code\n  \
    fob enroll bob --secret-file seed.txt --type hotp --serial 2601443")]
pub(crate) struct Enroll {
    /// The person's login name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What to call it [default: phone, or fob for hotp]
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// totp (time) or hotp (presses) [default: totp]
    #[arg(long = "type", value_name = "TYPE", value_parser = mover)]
    pub(crate) mover: Option<Mover>,
    /// Length of a code, 6 to 10 [default: 6]
    #[arg(long, value_name = "N", value_parser = digits)]
    pub(crate) digits: Option<Digits>,
    /// How long a totp code is shown [default: 30]
    #[arg(long, value_name = "SECONDS", value_parser = period)]
    pub(crate) period: Option<Period>,
    /// sha1, sha256 or sha512 [default: sha1]
    #[arg(long, value_name = "HASH", value_parser = algorithm)]
    pub(crate) algorithm: Option<Algorithm>,
    /// The next counter of a hotp token [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) counter: Option<u64>,
    /// Unix second where totp steps begin [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) t0: Option<u64>,
    /// What the maker printed on it
    #[arg(long, value_name = "TEXT")]
    pub(crate) serial: Option<String>,
    /// Take the secret from a file, or stdin for -
    #[arg(long, value_name = "FILE")]
    pub(crate) secret_file: Option<PathBuf>,
    /// What an app shows [default: this host]
    #[arg(long, value_name = "TEXT")]
    pub(crate) issuer: Option<String>,
    /// Show the secret also if it was given
    #[arg(long)]
    pub(crate) show: bool,
    /// Don't ask for a code
    #[arg(long)]
    pub(crate) no_confirm: bool,
    /// Make no recovery codes
    #[arg(long)]
    pub(crate) no_recovery: bool,
    /// Take a secret of fewer than 128 bits
    #[arg(long)]
    pub(crate) allow_weak: bool,
}

/// Take a token, or all, from a person
#[derive(Debug, Args)]
#[command(after_help = "Example: fob revoke alice --id phone")]
pub(crate) struct Revoke {
    /// The person's login name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// This token only; without it, everything
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Don't ask
    #[arg(long)]
    pub(crate) yes: bool,
}

/// Replace a damaged ledger; nothing used can be used again
#[derive(Debug, Args)]
#[command(after_help = "Example: fob repair bob --counter fob=1042")]
pub(crate) struct Repair {
    /// The person's login name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Codes of a hotp token from N on were never used
    #[arg(long = "counter", value_name = "ID=N", value_parser = counter)]
    pub(crate) counters: Vec<(String, u64)>,
    /// Don't ask
    #[arg(long)]
    pub(crate) yes: bool,
}

fn mover(text: &str) -> Result<Mover, &'static str> {
    Mover::from_name(text).ok_or("must be totp or hotp")
}

fn digits(text: &str) -> Result<Digits, &'static str> {
    let number = text.parse().ok();
    number.and_then(Digits::new).ok_or("must be 6 to 10")
}

fn period(text: &str) -> Result<Period, &'static str> {
    let number = text.parse().ok();
    number
        .and_then(Period::new)
        .ok_or("must be 1 to 86400 seconds")
}

fn algorithm(text: &str) -> Result<Algorithm, &'static str> {
    Algorithm::from_name(text).ok_or("must be sha1, sha256 or sha512")
}

fn counter(text: &str) -> Result<(String, u64), &'static str> {
    let wrong = "must be the id of a token, =, and a number";
    let (id, number) = text.rsplit_once('=').ok_or(wrong)?;
    let number = number.parse().map_err(|_| wrong)?;
    Ok((id.into(), number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_fits_a_screen() {
        let mut fob = Cli::command();
        fob.build();
        let mut helps = vec![fob.render_help()];
        helps.extend(fob.get_subcommands_mut().map(clap::Command::render_help));
        for help in helps {
            let text = help.to_string();
            assert!(text.lines().count() <= 32, "{text}");
            assert!(
                text.lines().all(|line| line.chars().count() <= 80),
                "{text}"
            );
        }
    }

    #[test]
    fn counters_name_their_token() {
        assert_eq!(counter("a=b=7"), Ok(("a=b".into(), 7)));
        assert!(counter("fob").is_err() && counter("fob=-1").is_err());
    }
}
