//! Whom a verb is about, and what they have.

use fob_core::format::{FreshLedger, RefusedToken, TokenFile};
use fob_core::{Ledger, Owner, Token};
use fob_store::{Account, FaultKind, LedgerFile, Store, Who, shell_word};

use crate::output::remark;
use crate::stop::Stop;

/// The person called `name`.
///
/// # Errors
/// The system knows no such person, or its user database failed.
pub(crate) fn known(name: &str) -> Result<Account, Stop> {
    Account::look_up(name)?.ok_or_else(|| {
        Stop::unknown(format!("this system knows nobody called {name:?}"))
            .remedy("Create the account first, or correct the name.")
    })
}

/// The person called `name`, and their token file.
///
/// # Errors
/// Those of [`known`]; the file can't be used; the person isn't enrolled.
pub(crate) fn enrolled(store: &Store, name: &str) -> Result<(Account, TokenFile), Stop> {
    let account = known(name)?;
    let file = store.tokens(&account.name)?;
    let file = file.ok_or_else(|| not_enrolled_here(store, &account))?;
    Ok((account, file))
}

/// The person has no token file, but somebody had one who had the uid before: after a
/// `usermod -l`, which knows nothing of token files.
fn not_enrolled_here(store: &Store, account: &Account) -> Stop {
    let is = &account.name;
    match renamed(store, account) {
        Some(remedy) => Stop::no(format!("{is} is not enrolled")).remedy(remedy),
        None => not_enrolled(is),
    }
}

/// What to do about the token file of the name that the person's uid had before, if that
/// file is still there and nobody has the name.
pub(crate) fn renamed(store: &Store, account: &Account) -> Option<String> {
    let was = store.former_name(account).ok()??;
    let is = &account.name;
    if Account::look_up(&was).ok()?.is_some() {
        return None;
    }
    Some(format!(
        "Before, uid {} was {was:?}, who has a token file.\n     \
         If {is} is that person, run: fob rebind {is_word}\n     \
         If not, run first: fob revoke {was_word}",
        account.uid,
        is_word = shell_word(is),
        was_word = shell_word(&was)
    ))
}

/// The name of somebody with a token file; the account may be gone.
///
/// # Errors
/// There is no such file, or the user database failed.
pub(crate) fn holder(store: &Store, name: &str) -> Result<String, Stop> {
    let name = match store.who(name)? {
        Who::Enrolled(account) => account.name,
        Who::Absent(name, _) => name,
    };
    if std::fs::symlink_metadata(store.token_path(&name)).is_ok() {
        Ok(name)
    } else {
        Err(not_enrolled(&name))
    }
}

/// The names of all who have a token file.
///
/// # Errors
/// The folder can't be read.
pub(crate) fn holders(store: &Store) -> Result<Vec<String>, Stop> {
    let entries = store.people()?.into_iter();
    let mut names: Vec<String> = entries.filter_map(|entry| entry.name).collect();
    names.sort();
    Ok(names)
}

/// The person's token of that id, which must be usable.
///
/// # Errors
/// There is none.
pub(crate) fn token<'a>(file: &'a TokenFile, name: &str, id: &str) -> Result<&'a Token, Stop> {
    if let Some(token) = file.tokens.iter().find(|token| token.id == id) {
        return Ok(token);
    }
    let unusable = |refused: &&RefusedToken| refused.id.as_deref() == Some(id);
    Err(match file.refused.iter().find(unusable) {
        Some(refused) => Stop::unknown(format!(
            "{name}'s token {id:?} can't be used: {}",
            refused.error
        ))
        .remedy("Correct it in the token file first."),
        None => no_token(file, name, id),
    })
}

/// The person has no token of that id.
pub(crate) fn no_token(file: &TokenFile, name: &str, id: &str) -> Stop {
    let usable = file.tokens.iter().map(|token| token.id.as_str());
    let refused = file.refused.iter().filter_map(|token| token.id.as_deref());
    let ids: Vec<String> = usable.chain(refused).map(|id| format!("{id:?}")).collect();
    let stop = Stop::no(format!("{name} has no token {id:?}"));
    match ids.as_slice() {
        [] => stop.remedy(format!(
            "{name} has none at all; see: fob show {name_word}",
            name_word = shell_word(name)
        )),
        [one] => stop.remedy(format!("{name}'s only token is {one}.")),
        _ => stop.remedy(format!("{name}'s tokens are {}.", ids.join(", "))),
    }
}

/// The person has no token file.
pub(crate) fn not_enrolled(name: &str) -> Stop {
    Stop::no(format!("{name} is not enrolled"))
        .remedy(format!("Run: fob enroll {name}", name = shell_word(name)))
}

/// Whom a ledger belongs to.
pub(crate) fn owner(account: &Account) -> Owner {
    Owner {
        uid: account.uid,
        name: account.name.clone(),
    }
}

/// The person's ledger, locked. `None` if there is none.
///
/// # Errors
/// It can't be used, or it belonged to another name.
pub(crate) fn ledger(
    store: &Store,
    account: &Account,
) -> Result<Option<(LedgerFile, Ledger)>, Stop> {
    let opened = LedgerFile::open(&store.ledger_path(account.uid))?;
    if let Some((_, ledger)) = &opened {
        check_owner(ledger, account)?;
    }
    Ok(opened)
}

/// Waits for the logins that were being judged when a token file was changed: what was taken from
/// it lets nobody in once this is over. Those that are judged later read the new file.
pub(crate) fn await_logins(store: &Store, name: &str) {
    let opened = match Account::look_up(name) {
        Ok(Some(account)) => LedgerFile::open(&store.ledger_path(account.uid)).map(drop),
        // Nobody logs in by that name.
        Ok(None) => Ok(()),
        Err(fault) => Err(fault),
    };
    match opened {
        Err(fault) if matches!(fault.kind, FaultKind::LockTimeout | FaultKind::UserDatabase) => {
            remark(&format!(
                "fob: warning: a login of {name} that is under way may still go by what was before:\n     \
                 {}",
                fault.detail
            ));
        }
        // What keeps the ledger from being read refuses logins too.
        _ => {}
    }
}

/// The person's ledger, locked; created if there is none and may be none.
///
/// # Errors
/// Those of [`ledger`]; there is none beside an older token file where fob.conf says
/// `fresh_ledger = "refuse"`.
pub(crate) fn ledger_or_new(
    store: &Store,
    account: &Account,
    enrolled_before: bool,
) -> Result<(LedgerFile, Ledger), Stop> {
    if let Some(opened) = ledger(store, account)? {
        return Ok(opened);
    }
    if enrolled_before {
        may_be_missing(store, account)?;
    }
    let path = store.ledger_path(account.uid);
    let (file, ledger, _) = LedgerFile::open_or_create(&path, &owner(account))?;
    check_owner(&ledger, account)?;
    Ok((file, ledger))
}

/// Whether somebody who is enrolled may be without a ledger.
///
/// # Errors
/// fob.conf says `fresh_ledger = "refuse"`.
pub(crate) fn may_be_missing(store: &Store, account: &Account) -> Result<(), Stop> {
    if store.conf.fresh_ledger == FreshLedger::Accept {
        return Ok(());
    }
    let path = store.ledger_path(account.uid);
    let what = format!(
        "{}: there is no such ledger, and fresh_ledger = \"refuse\"",
        path.display()
    );
    Err(Stop::unknown(what).remedy(format!("Run: fob repair {}", shell_word(&account.name))))
}

/// Whether the ledger is that person's.
///
/// # Errors
/// It was made when the uid had another name.
pub(crate) fn check_owner(ledger: &Ledger, account: &Account) -> Result<(), Stop> {
    if ledger.owner == owner(account) {
        return Ok(());
    }
    let (was, is) = (&ledger.owner, &account.name);
    let what = format!(
        "the ledger of uid {} was made for {:?} (uid {}), and the name is {is:?} now",
        account.uid, was.name, was.uid
    );
    let remedy = format!(
        "If {is} is that person, run: fob rebind {is_word}\n     \
         If {is} is somebody new who has their uid, run first: fob revoke {}",
        shell_word(&was.name),
        is_word = shell_word(is)
    );
    Err(Stop::unknown(what).remedy(if was.name == *is {
        format!("Run: fob rebind {is}", is = shell_word(is))
    } else {
        remedy
    }))
}
