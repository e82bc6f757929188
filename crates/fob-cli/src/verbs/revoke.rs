//! `fob revoke`: takes a token from a person, or all that they are enrolled with.
//!
//! The ledger stays: a token that comes back finds its floor. A bypass code doesn't stay.

use fob_store::{Account, Who, lock_folder, remove_file, shell_word};
use serde::Serialize;

use crate::cli::Revoke;
use crate::output::{remark, say, say_json};
use crate::stop::Stop;
use crate::token_edit::Edit;
use crate::verbs::{Desk, give_back};
use crate::{journal, people, terminal};

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    /// The token; none if all was revoked.
    id: Option<&'a str>,
    /// How many tokens are left.
    tokens: usize,
    /// Whether the person still has a token file.
    enrolled: bool,
}

pub(super) fn run(desk: &Desk, wish: &Revoke) -> Result<(), Stop> {
    // Somebody whose account is gone can still have a token file.
    let (name, account) = match desk.store.who(&wish.name)? {
        Who::Enrolled(account) => (account.name.clone(), Some(account)),
        Who::Absent(name, _) => (name, None),
    };
    if !is_there(desk, &name) {
        return Err(nothing_there(&name));
    }
    match &wish.id {
        Some(id) if wish.to_stock => give_back::run(desk, &name, id),
        Some(id) => revoke_token(desk, &name, id, wish.yes),
        None => revoke_all(desk, &name, account.as_ref(), wish.yes),
    }
}

fn revoke_token(desk: &Desk, name: &str, id: &str, yes: bool) -> Result<(), Stop> {
    let edit = Edit::begin(&desk.store, name)?;
    if !edit.has(id) {
        return Err(people::no_token(&edit.before, name, id));
    }
    drop(edit);
    let question = format!("The secret of {name}'s token {id:?} will be gone. Go on?");
    terminal::agree(&question, yes)?;
    let mut edit = Edit::begin(&desk.store, name)?;
    if edit.remove(id)? == 0 {
        return Err(people::no_token(&edit.before, name, id));
    }
    let tokens = edit.len();
    let after = edit.write()?;
    people::await_logins(&desk.store, name);
    journal::changed("revoke", name, &[("token", id)]);
    if tokens == 0 {
        let recovery = if after.recovery.is_some() {
            "can only use a recovery code now"
        } else {
            "has nothing that lets in now"
        };
        remark(&format!(
            "That was the last token. {name} stays enrolled and {recovery}.\n\
             To give a new one: fob enroll {name_word}\n\
             To ask {name} for no code where nullok allows it: fob revoke {name_word}",
            name_word = shell_word(name)
        ));
    }
    if desk.json {
        return say_json(&Answer {
            user: name,
            id: Some(id),
            tokens,
            enrolled: true,
        });
    }
    say(&format!("The token {id:?} of {name} is revoked."))
}

fn revoke_all(desk: &Desk, name: &str, account: Option<&Account>, yes: bool) -> Result<(), Stop> {
    let question = format!(
        "All tokens and recovery codes of {name} will be gone. Where the module has nullok,\n\
         {name} then gets in without a code; elsewhere not at all. Go on?"
    );
    terminal::agree(&question, yes)?;
    let lock = lock_folder(&desk.store.conf.tokens)?;
    if !is_there(desk, name) {
        return Err(nothing_there(name));
    }
    // Nor may a login that is under way bring one back. First, so that it can be tried again.
    account.map_or(Ok(()), |account| desk.store.void_pending(account.uid))?;
    // The administrator's file goes first; one that a login made may come to light then.
    while is_there(desk, name) {
        remove_file(&desk.store.token_path(name))?;
    }
    // Last: until now a login could have made a place to be remembered.
    if let Some(account) = account {
        end_leave(desk, account);
    }
    drop(lock);
    journal::changed("revoke", name, &[("token", "all")]);
    if desk.json {
        return say_json(&Answer {
            user: name,
            id: None,
            tokens: 0,
            enrolled: false,
        });
    }
    say(&format!("{name} is not enrolled any more."))
}

/// What is left in the ledger that would let the person in once they are enrolled again.
fn end_leave(desk: &Desk, account: &Account) {
    let ended = people::ledger(&desk.store, account).and_then(|opened| {
        let Some((mut file, mut ledger)) = opened else {
            return Ok(());
        };
        ledger.end_leave();
        Ok(file.settle(&ledger)?)
    });
    if let Err(stop) = ended {
        let name = &account.name;
        remark(&format!(
            "fob: warning: a bypass code of {name} would count again once {name} is enrolled:\n     {}",
            stop.what
        ));
    }
}

fn nothing_there(name: &str) -> Stop {
    Stop::no(format!("{name} is not enrolled")).remedy("To see who is, run: fob list")
}

/// Whether there is a token file, in whatever state: a damaged one can be revoked too.
fn is_there(desk: &Desk, name: &str) -> bool {
    std::fs::symlink_metadata(desk.store.token_path(name)).is_ok()
}
