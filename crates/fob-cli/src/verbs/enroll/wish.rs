//! The command line of `fob enroll`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fob_core::{Algorithm, Day, Digits, Period};

use fob_import::otpauth::Mover;

/// Give a person, or many, a token
#[derive(Debug, Clone, Args)]
#[command(
    override_usage = "fob enroll [OPTIONS] <NAME>\n       fob enroll [OPTIONS] --from <FILE>",
    after_help = "Example: fob enroll alice\n         \
    fob enroll --from people.csv --letters /root/letters"
)]
pub(crate) struct Wish {
    // What it is, the usage line says; the help has to fit a screen.
    #[arg(value_name = "NAME", hide = true, required_unless_present = "from")]
    pub(crate) name: Option<String>,
    /// Everybody in a CSV file, without asking for codes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["name", "secret_file"])]
    pub(crate) from: Option<PathBuf>,
    /// Where their letters go; a new or empty folder
    #[arg(long, value_name = "DIR", requires = "from")]
    pub(crate) letters: Option<PathBuf>,
    /// html to print, or images: svg, png [default: html]
    #[arg(long, value_enum, requires = "letters", hide_possible_values = true)]
    pub(crate) format: Option<Format>,
    /// Pass over people who have the token already
    #[arg(long, requires = "from")]
    pub(crate) skip_enrolled: bool,
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
    /// The last day on which it lets in, as 2027-01-31
    #[arg(long, value_name = "DAY", value_parser = day)]
    pub(crate) expires: Option<Day>,
    /// What a YubiKey types in front of its hotp code
    #[arg(long, value_name = "ID", value_parser = public_id)]
    pub(crate) public_id: Option<String>,
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

/// What the letters are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Html,
    Svg,
    Png,
}

pub(super) fn mover(text: &str) -> Result<Mover, &'static str> {
    Mover::from_name(text).ok_or("must be totp or hotp")
}

pub(super) fn digits(text: &str) -> Result<Digits, &'static str> {
    let number = text.parse().ok();
    number.and_then(Digits::new).ok_or("must be 6 to 10")
}

pub(super) fn period(text: &str) -> Result<Period, &'static str> {
    let number = text.parse().ok();
    number
        .and_then(Period::new)
        .ok_or("must be 1 to 86400 seconds")
}

fn day(text: &str) -> Result<Day, &'static str> {
    Day::parse(text).ok_or("must be a day like 2027-01-31")
}

fn public_id(text: &str) -> Result<String, &'static str> {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric());
    let fits = plain && (1..=32).contains(&text.len());
    fits.then(|| text.to_ascii_lowercase())
        .ok_or("must be 1 to 32 letters and digits")
}

pub(super) fn algorithm(text: &str) -> Result<Algorithm, &'static str> {
    Algorithm::from_name(text).ok_or("must be sha1, sha256 or sha512")
}
