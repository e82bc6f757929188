//! `fob rebind`: gives a person the ledger that was made when their uid had another name.

use fob_core::Ledger;
use fob_store::{Account, LedgerFile, file_name};
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
    let (old, new) = (desk.store.token_path(&before), desk.store.token_path(user));
    if old.exists() && !new.exists() && Account::look_up(&before)?.is_none() {
        let (old, new) = (old.display(), old.with_file_name(file_name(user)));
        remark(&format!(
            "The token file is still {before}'s. If {user} is the same person, run:\n  \
             mv {old} {}\nElse: fob revoke {before}",
            new.display()
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
