//! `fob import`: brings people over from another system, or takes in what a maker of tokens
//! sent.
//!
//! Everything is checked first; one problem, and nothing is written, but for homes that are
//! left out as was wished. Then the ledgers are
//! made durable, so that no code that was used there counts here, and then the token files.

mod homes;
mod plan;
mod report;
pub(super) mod source;
mod unassigned;
mod write;

use std::path::PathBuf;

use clap::Args;
use fob_import::detect::Format;

use crate::stock::Stock;
use crate::stop::Stop;
use crate::terminal;
use crate::token_edit::Folder;
use crate::verbs::Desk;
use plan::Plan;
use report::Report;

/// What is wished.
#[derive(Debug, Args)]
#[command(
    override_usage = "fob import [OPTIONS] [FORMAT] <FILE>...\n       fob import --all-users",
    after_help = "Formats: google-authenticator, users-oath, pskc, csv, yubico, alpine,\n  \
        safeword, dualshield, freeipa, otpauth, otpauth-migration, picture\n\
        Example: fob import google-authenticator /home/bob/.google_authenticator \\\n             \
        --user bob --dry-run"
)]
pub(crate) struct Wish {
    /// The format, if it isn't clear, and the file; - for stdin
    #[arg(value_name = "FILE", num_args = 1.., required_unless_present = "all_users", hide = true)]
    words: Vec<PathBuf>,
    /// ~/.google_authenticator of everybody who has one
    #[arg(long, conflicts_with_all = ["words", "user", "people"])]
    all_users: bool,
    /// Whose they are, if the file doesn't say it
    #[arg(long, value_name = "NAME", conflicts_with = "people")]
    user: Option<String>,
    /// Whose each serial is: a file of serial,user
    #[arg(long, value_name = "FILE")]
    people: Option<PathBuf>,
    /// What to call the token
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// The key of an encrypted file, in hexadecimal
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    key_file: Option<PathBuf>,
    /// The passphrase of one
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Whose columns a csv file has: entra, linotp, ...
    #[arg(long, value_name = "NAME", value_parser = source::shape)]
    shape: Option<fob_import::csv::Shape>,
    /// Whose layout a users file has: oath-toolkit, ...
    #[arg(long, value_name = "NAME", value_parser = source::layout)]
    layout: Option<fob_import::users_oath::Layout>,
    /// Leave out people whom this system doesn't know
    #[arg(long)]
    skip_unknown: bool,
    /// Of --all-users: leave out homes with a problem
    #[arg(long, requires = "all_users")]
    skip_broken: bool,
    /// Take secrets of fewer than 128 bits
    #[arg(long)]
    allow_weak: bool,
    /// Show who would get what, and end there
    #[arg(long, conflicts_with = "yes")]
    dry_run: bool,
    /// Don't ask
    #[arg(long)]
    yes: bool,
}

pub(super) fn run(desk: &Desk, wish: &Wish) -> Result<(), Stop> {
    let read = if wish.all_users {
        homes::read(desk)?
    } else {
        source::read(wish)?
    };
    let (format, dry) = (read.format, wish.dry_run);
    if !dry {
        write::create_folders(desk)?;
    }
    let mut plan = Plan::new(desk, wish, read)?;
    // A dry run makes no folder.
    let is_there = !plan.stock.is_empty() && desk.store.conf.stock.exists();
    let stock = is_there.then(|| Stock::open(&desk.store)).transpose()?;
    plan.check(desk, stock.as_ref())?;
    // Not held while a person thinks.
    drop(stock);
    if wish.skip_broken {
        plan.leave_out_broken();
    }
    if dry || !desk.json {
        Report::new(&plan, format).show(desk.json, dry)?;
    }
    plan.end()?;
    if dry {
        return Ok(());
    }
    terminal::agree("Import them?", wish.yes)?;
    // Between the question and the lock somebody else may have been at work.
    let gets = !plan.stock.is_empty();
    let stock = gets.then(|| Stock::open(&desk.store)).transpose()?;
    let folder = Folder::lock(&desk.store)?;
    plan.check(desk, stock.as_ref())?;
    plan.end()?;
    write::all(desk, &folder, stock.as_ref(), &plan, format)?;
    drop((folder, stock));
    Report::new(&plan, format).done(desk.json, wish)
}

/// What was read, and from where.
struct Read {
    format: Format,
    batch: fob_import::Batch,
    people: Option<fob_import::people::People>,
}
