//! `fob rebind`: gives a person the ledger that was made when their uid had another name.

use fob_core::Ledger;
use fob_store::{Account, LedgerFile};
use serde::Serialize;

use crate::cli::Sure;
use crate::output::{remark, say, say_json};
use crate::stop::Stop;
use crate::verbs::Desk;
use crate::{journal, people, terminal};

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    uid: u32,
    before: &'a str,
}

pub(super) fn run(desk: &Desk, wish: &Sure) -> Result<(), Stop> {
    let account = people::known(&wish.name)?;
    let (_, ledger) = foreign(desk, &account)?;
    let user = account.name.as_str();
    let question = format!(
        "The ledger of uid {} was made for {:?}. Is it {user}'s now?",
        account.uid, ledger.owner.name
    );
    drop(ledger);
    terminal::agree(&question, wish.yes)?;

    let (mut file, mut ledger) = foreign(desk, &account)?;
    let before = std::mem::replace(&mut ledger.owner, people::owner(&account)).name;
    // It may have been another person's.
    ledger.end_leave();
    file.settle(&ledger)?;
    journal::changed("rebind", user, &[("before", &before)]);
    if desk.json {
        return say_json(&Answer {
            user,
            uid: account.uid,
            before: &before,
        });
    }
    say(&format!(
        "The ledger of uid {} is {user}'s now; what was spent stays spent.",
        account.uid
    ))?;
    if let Some(take_over) = people::take_over(&desk.store, &before, user)? {
        remark(&format!(
            "The token file is still {before}'s. If {user} is the same person, run:\n  \
             {take_over}\nElse: fob revoke {before}"
        ));
    }
    Ok(())
}

/// The ledger under the person's uid, if it is somebody else's.
fn foreign(desk: &Desk, account: &Account) -> Result<(LedgerFile, Ledger), Stop> {
    let opened = LedgerFile::open(&desk.store.ledger_path(account.uid))?;
    let user = &account.name;
    match opened {
        None => Err(Stop::no(format!("{user} has no ledger yet"))),
        Some((_, ledger)) if ledger.owner == people::owner(account) => {
            Err(Stop::no(format!("the ledger is {user}'s already")))
        }
        Some(opened) => Ok(opened),
    }
}
