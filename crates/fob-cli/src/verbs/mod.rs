//! The verbs, one a page.

pub(crate) mod assign;
pub(crate) mod bypass;
pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod config;
mod config_tokens;
pub(crate) mod disable;
pub(crate) mod doctor;
mod dry_run;
pub(crate) mod enroll;
pub(crate) mod explain;
pub(crate) mod export;
mod forget;
mod forget_revoked;
mod give_back;
pub(crate) mod import;
pub(crate) mod list;
pub(crate) mod metrics;
pub(crate) mod pin;
mod rebind;
mod recovery;
pub(crate) mod rename;
mod repair;
pub(crate) mod resync;
mod revoke;
pub(crate) mod seal;
mod show;
mod unlock;

use fob_core::Token;
use fob_store::{Account, Store, shell_word};

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
    // What packages and people without rights may ask.
    match &cli.verb {
        Verb::Completions(wish) => return completions::run(wish),
        Verb::Config(wish) => return config::run(cli.conf.as_deref(), cli.json, wish),
        _ => {}
    }
    Account::require_root()?;
    let conf = cli.conf.as_deref().map(std::path::absolute).transpose();
    let conf = conf.map_err(|error| Stop::unknown(format!("--conf: {error}")))?;
    if let Verb::Explain(wish) = &cli.verb {
        return explain::run(cli.json, wish, conf.as_deref());
    }
    if let Verb::Doctor(wish) = &cli.verb {
        return doctor::run(cli.json, wish, conf.as_deref());
    }
    let desk = Desk {
        store: Store::open(conf.as_deref())?,
        json: cli.json,
    };
    match &cli.verb {
        Verb::Enroll(wish) => enroll::run(&desk, wish),
        Verb::Show(wish) => show::run(&desk, wish),
        Verb::List(wish) => list::run(&desk, wish),
        Verb::Metrics(wish) => metrics::run(&desk, wish),
        Verb::Resync(wish) => resync::run(&desk, wish),
        Verb::Bypass(wish) => bypass::run(&desk, wish),
        Verb::Import(wish) => import::run(&desk, wish),
        Verb::Pin(wish) => pin::run(&desk, wish),
        Verb::Rename(wish) => rename::run(&desk, wish),
        Verb::Assign(wish) => assign::run(&desk, wish),
        Verb::Export(wish) => export::run(&desk, wish),
        // Done above.
        Verb::Completions(_) | Verb::Config(_) | Verb::Explain(_) | Verb::Doctor(_) => Ok(()),
        Verb::Disable(wish) => disable::run(&desk, wish, true),
        Verb::Enable(wish) => disable::run(&desk, wish, false),
        Verb::Check(wish) => check::run(&desk, wish),
        Verb::Unlock(wish) => unlock::run(&desk, wish),
        Verb::Forget(wish) => forget::run(&desk, wish),
        Verb::Recovery(wish) => recovery::run(&desk, wish),
        Verb::Revoke(wish) => revoke::run(&desk, wish),
        Verb::Seal(wish) => seal::seal(&desk, wish),
        Verb::Unseal(wish) => seal::unseal(&desk, wish),
        Verb::Rebind(wish) => rebind::run(&desk, wish),
        Verb::Repair(wish) => repair::run(&desk, wish),
    }
}

/// A person was given a token that a ledger has blocked: none takes a floor back by itself.
fn token_is_blocked(user: &str, id: &str) -> String {
    format!(
        "{user}'s token {id:?} is blocked: somebody's ledger has it blocked, and nobody knows its \
         counter.\n  Find out a counter N that it has not reached, and run:\n    \
         fob repair {user} --counter {id}=N"
    )
}

/// The ledger can't remember another token.
fn no_room(user: &str, token: &Token) -> Stop {
    Stop::unknown(format!(
        "{user}'s ledger has no room to remember the token {:?}",
        token.id
    ))
    .remedy(format!(
        "It remembers 32 tokens, revoked ones too. To forget those: fob repair {} --forget-revoked",
        shell_word(user)
    ))
}
