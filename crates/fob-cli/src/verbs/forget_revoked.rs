//! `fob repair --forget-revoked`: makes room in a full ledger.
//!
//! A ledger remembers counter tokens for good, revoked or not, so that none that comes back
//! brings used codes along. Somebody who had 32 could be given no other token any more, but for
//! this.

use fob_core::format::TokenFile;
use fob_store::{Account, lock_folder};
use serde::Serialize;

use crate::cli::Repair;
use crate::output::{count, say, say_json};
use crate::stop::Stop;
use crate::verbs::Desk;
use crate::{journal, people, terminal};

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    forgotten: usize,
}

pub(super) fn run(desk: &Desk, wish: &Repair) -> Result<(), Stop> {
    let account = people::known(&wish.name)?;
    let user = account.name.as_str();
    enrolled(desk, &account)?;
    let question = format!(
        "{user}'s ledger will remember only the tokens that {user} has now. Should one of the\n\
         others come back, codes of it that were used let in again. Go on?"
    );
    terminal::agree(&question, wish.yes)?;

    let _lock = lock_folder(&desk.store.conf.tokens)?;
    let file = enrolled(desk, &account)?;
    let mut forgotten = 0;
    if let Some((mut ledger_file, mut ledger)) = people::ledger(&desk.store, &account)? {
        forgotten = ledger.forget_others(&file.tokens);
        ledger_file.settle(&ledger)?;
    }
    journal::changed("repair", user, &[("forgotten", &forgotten.to_string())]);
    if desk.json {
        return say_json(&Answer { user, forgotten });
    }
    let tokens = count(
        u64::try_from(forgotten).unwrap_or(u64::MAX),
        "revoked token",
    );
    say(&format!("{user}: {tokens} forgotten."))
}

/// What the person has; nothing if they aren't enrolled. A token that can't be read can't be
/// told from one that was revoked.
fn enrolled(desk: &Desk, account: &Account) -> Result<TokenFile, Stop> {
    let file = desk.store.tokens(&account.name)?.unwrap_or_default();
    match file.refused.first() {
        None => Ok(file),
        Some(refused) => {
            let id = refused.id.as_deref().unwrap_or("a token without a name");
            let what = format!(
                "{id} can't be read, and would be forgotten: {}",
                refused.error
            );
            Err(Stop::unknown(what).remedy("Correct it or revoke it first."))
        }
    }
}
