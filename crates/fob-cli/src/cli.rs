//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use fob_core::MAX_BASE;

use crate::verbs;

/// One-time codes for logins: enrols and looks after the tokens of pam_fob.
#[derive(Debug, Parser)]
#[command(
    name = "fob",
    version,
    disable_help_subcommand = true,
    after_help = "Exit: 0 yes or done, 1 no, 2 could not tell. Example: sudo fob enroll alice"
)]
pub(crate) struct Cli {
    /// Read this fob.conf, not /etc/fob/fob.conf
    #[arg(long, global = true, value_name = "PATH", display_order = 900)]
    pub(crate) conf: Option<PathBuf>,
    /// Print one JSON object; see fob(1)
    #[arg(long, global = true, display_order = 901)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Give a person, or many, a token
    #[command(alias = "enrol")]
    Enroll(Box<verbs::enroll::Wish>),
    /// Show a person's tokens, without their secrets
    #[command(after_help = "Example: fob show alice")]
    Show(Person),
    /// Everybody: tokens, last login, state
    List(verbs::list::Wish),
    /// Numbers for a monitoring system
    Metrics(verbs::metrics::Wish),
    /// Try a code as a login would; it is spent
    Check(verbs::check::Wish),
    /// Bring a token back in step by two codes in a row
    Resync(verbs::resync::Wish),
    /// Bring people over from another system
    Import(verbs::import::Wish),
    /// Set or remove what is typed before every code
    Pin(verbs::pin::Wish),
    /// A code to read out over the phone, for a while
    Bypass(verbs::bypass::Wish),
    /// Keep a token, or a person, from getting in
    Disable(verbs::disable::Wish),
    /// Undo disable
    Enable(verbs::disable::Wish),
    /// Call a token something else
    Rename(verbs::rename::Wish),
    /// Give a token from the stock to a person
    Assign(verbs::assign::Wish),
    /// Show a person's secrets again, for a new phone
    Export(verbs::export::Wish),
    /// What would happen at a login, step by step
    Explain(verbs::explain::Wish),
    /// Find what locks people out or lets them past
    Doctor(verbs::doctor::Wish),
    /// Put secrets under a key that is kept elsewhere
    Seal(verbs::seal::Wish),
    /// Undo seal
    Unseal(verbs::seal::UnsealWish),
    /// Look after fob.conf
    Config(verbs::config::Wish),
    /// Print completions for a shell
    Completions(verbs::completions::Wish),
    /// Forget a person's failed attempts
    #[command(after_help = "Example: fob unlock alice")]
    Unlock(Person),
    /// Ask for a code again wherever one is remembered
    #[command(after_help = "Example: fob forget alice")]
    Forget(Person),
    /// Print a new set of recovery codes; the old ones are void
    #[command(after_help = "Example: fob recovery alice")]
    Recovery(Sure),
    /// Take a token, or all, from a person
    Revoke(Revoke),
    /// Give a person the ledger and tokens of their uid's former name
    #[command(after_help = "Example: fob rebind carol")]
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
    /// Keep that token in the stock, for somebody else
    #[arg(long, requires = "id")]
    pub(crate) to_stock: bool,
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
    /// The clock of a totp token is at most so many steps fast
    #[arg(long = "drift", value_name = "ID=STEPS", value_parser = drift)]
    pub(crate) drifts: Vec<(String, i32)>,
    /// Make room: forget tokens that were revoked
    #[arg(long, conflicts_with_all = ["counters", "drifts"])]
    pub(crate) forget_revoked: bool,
    /// Don't ask
    #[arg(long)]
    pub(crate) yes: bool,
}

fn counter(text: &str) -> Result<(String, u64), &'static str> {
    let wrong = "must be the id of a token, =, and a number";
    let (id, number) = text.rsplit_once('=').ok_or(wrong)?;
    let number = number.parse().map_err(|_| wrong)?;
    Ok((id.into(), number))
}

fn drift(text: &str) -> Result<(String, i32), String> {
    let most = i32::from(MAX_BASE);
    let wrong = || format!("must be the id of a token, =, and -{most} to {most} steps");
    let (id, steps) = text.rsplit_once('=').ok_or_else(wrong)?;
    let steps: i32 = steps.parse().map_err(|_| wrong())?;
    if steps.abs() > most {
        return Err(wrong());
    }
    Ok((id.into(), steps))
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
    fn counters_name_their_token() {
        assert_eq!(counter("a=b=7"), Ok(("a=b".into(), 7)));
        assert!(counter("fob").is_err() && counter("fob=-1").is_err());
    }
}
