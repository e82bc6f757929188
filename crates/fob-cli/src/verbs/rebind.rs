//! `fob rebind`: gives a person what was theirs when their uid had another name: the ledger,
//! and the token file, which goes by name.
//!
//! First the token file is there under the new name, then it is gone under the old one, then
//! the ledger is the person's. Until the last step they are refused, and killed in between, the
//! same command goes on. Were the ledger first, who is enrolled would look as if they weren't.

use std::path::PathBuf;

use fob_core::Ledger;
use fob_store::{Account, LedgerFile, Store, create_file, file_name, remove_file, shell_word};
use serde::Serialize;

use crate::cli::Sure;
use crate::output::{remark, say, say_json};
use crate::stop::Stop;
use crate::token_edit::{Edit, Folder};
use crate::verbs::Desk;
use crate::{journal, people, terminal};

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    uid: u32,
    before: &'a str,
    /// Whether the token file came along.
    moved: bool,
}

pub(super) fn run(desk: &Desk, wish: &Sure) -> Result<(), Stop> {
    let store = &desk.store;
    let account = people::known(&wish.name)?;
    let (uid, user) = (account.uid, account.name.as_str());
    let before = foreign(desk, &account)?.1.owner.name;
    let file = FormerFile::of(store, &before, user)?;
    terminal::agree(&question(&account, &before, file.as_ref()), wish.yes)?;

    // Between the question and the lock somebody else may have been at work.
    let folder = file.as_ref().map(|_| Folder::lock(store)).transpose()?;
    let (mut ledger_file, mut ledger) = foreign(desk, &account)?;
    if ledger.owner.name != before || FormerFile::of(store, &before, user)? != file {
        let what = "somebody else was at work meanwhile: nothing was changed";
        return Err(Stop::unknown(what).remedy("Try again."));
    }
    let moved = match file.as_ref().zip(folder.as_ref()) {
        Some((file, folder)) => file.hand_over(store, folder, &before, user)?,
        None => false,
    };
    ledger.owner = people::owner(&account);
    // It may have been another person's.
    ledger.end_leave();
    ledger_file.settle(&ledger)?;
    let mut fields = vec![("before", before.as_str())];
    fields.extend(moved.then_some(("file", "moved")));
    journal::changed("rebind", user, &fields);
    if desk.json {
        return say_json(&Answer {
            user,
            uid,
            before: &before,
            moved,
        });
    }
    say(&format!(
        "The ledger of uid {uid} is {user}'s now; what was spent stays spent."
    ))?;
    if moved {
        let path = store.token_path(user);
        say(&format!("The token file is, too: {}", path.display()))?;
    } else if let Some(file) = file {
        remark(&format!(
            "{user} has a token file of their own, and {before}'s is still there: {}\n             To remove it, run: fob revoke {before_word}",
            file.from.display(),
            before_word = shell_word(&before)
        ));
    }
    Ok(())
}

fn question(account: &Account, before: &str, file: Option<&FormerFile>) -> String {
    let (uid, user) = (account.uid, &account.name);
    if file.is_none_or(|file| file.is_taken) {
        return format!("The ledger of uid {uid} was made for {before:?}. Is it {user}'s now?");
    }
    format!(
        "The ledger of uid {uid} was made for {before:?}, who has a token file. Both will be {user}'s.\n         If {user} is somebody else, say no, and run first: fob revoke {before_word}\n         Is {user} the same person?",
        before_word = shell_word(before)
    )
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

/// The token file of a name that nobody has any more.
#[derive(Debug, PartialEq, Eq)]
struct FormerFile {
    from: PathBuf,
    to: PathBuf,
    /// Whether there is a file under the new name.
    is_taken: bool,
}

impl FormerFile {
    /// `None` if the name is the same, has no token file, or is somebody's.
    ///
    /// # Errors
    /// The user database failed.
    fn of(store: &Store, was: &str, is: &str) -> Result<Option<Self>, Stop> {
        let (from, theirs) = (store.token_path(was), store.token_path(is));
        if was == is || !from.exists() || Account::look_up(was)?.is_some() {
            return Ok(None);
        }
        let is_taken = theirs.symlink_metadata().is_ok();
        let to = from.with_file_name(file_name(is));
        Ok(Some(Self { from, to, is_taken }))
    }

    /// Makes it that of `is`; what is sealed in it is sealed anew. Says `false` if they have
    /// another, which stays; one that a killed run of this left is no other.
    fn hand_over(&self, store: &Store, folder: &Folder, was: &str, is: &str) -> Result<bool, Stop> {
        if self.is_taken {
            let read = |name| Edit::one_of_many(folder, store, name);
            let is_copy = read(was)
                .and_then(|old| Ok(old.says_the_same_as(&read(is)?)))
                .unwrap_or(false);
            if !is_copy {
                return Ok(false);
            }
        } else {
            let edit = Edit::one_of_many(folder, store, was)?;
            edit.require_opened()?;
            let (text, _) = edit.finish_for(is)?;
            if !create_file(&self.to, text.as_bytes())? {
                let what = format!("{}: is there already", self.to.display());
                return Err(Stop::unknown(what).remedy("Try again."));
            }
        }
        remove_file(&self.from)?;
        Ok(true)
    }
}
