//! The verbs, one a page.

mod check;
mod enroll;
mod rebind;
mod recovery;
mod repair;
mod revoke;
mod show;
mod unlock;

use fob_core::Token;
use fob_store::{Account, Store};

use crate::cli::{Cli, Verb};
use crate::stop::Stop;

/// What every verb needs.
pub(crate) struct Desk {
    /// Where this machine keeps its tokens and ledgers.
    pub(crate) store: Store,
    /// Whether a program reads the answer.
    pub(crate) json: bool,
}

/// Does what the command line says.
///
/// # Errors
/// The answer is no, or there is none.
pub(crate) fn run(cli: &Cli) -> Result<(), Stop> {
    Account::require_root().map_err(|fault| Stop::from(fault).remedy("Run it with sudo."))?;
    let conf = cli.conf.as_deref().map(std::path::absolute).transpose();
    let conf = conf.map_err(|error| Stop::unknown(format!("--conf: {error}")))?;
    let desk = Desk {
        store: Store::open(conf.as_deref())?,
        json: cli.json,
    };
    match &cli.verb {
        Verb::Enroll(wish) => enroll::run(&desk, wish),
        Verb::Show(wish) => show::run(&desk, wish),
        Verb::Check(wish) => check::run(&desk, wish),
        Verb::Unlock(wish) => unlock::run(&desk, wish),
        Verb::Recovery(wish) => recovery::run(&desk, wish),
        Verb::Revoke(wish) => revoke::run(&desk, wish),
        Verb::Rebind(wish) => rebind::run(&desk, wish),
        Verb::Repair(wish) => repair::run(&desk, wish),
    }
}

/// The ledger can't remember another token.
fn no_room(token: &Token) -> Stop {
    Stop::unknown(format!(
        "the ledger has no room to remember the token {:?}",
        token.id
    ))
    .remedy("It remembers 32 tokens, counter tokens for good; see fob(8).")
}
