//! Accounts that were renamed. `usermod -l` knows nothing of token files: they go by name, and
//! so whoever is renamed looks as if they had never been enrolled. The ledger goes by uid, and
//! says who had it.

use std::ffi::OsString;

use fob_core::{Ledger, Reason};

use crate::account::file_name;
use crate::folder::names;
use crate::judge::{check_owner, named, owner};
use crate::{Account, Fault, FaultKind, LedgerFile, Store, Who};

impl Store {
    /// Whether somebody without a token file may pass for that reason: not if they are enrolled
    /// under a name that they had before.
    ///
    /// # Errors
    /// They are, or may be: whose a ledger is that can't be read, nobody knows (P9).
    pub(crate) fn require_never_enrolled(&self, who: &Who) -> Result<(), Fault> {
        let Who::Absent(name, Reason::NotEnrolled) = who else {
            return Ok(());
        };
        let gone = || Fault::new(FaultKind::UserDatabase, "the person is gone");
        let account = Account::look_up(name)?.ok_or_else(gone)?;
        match self.former(&account)? {
            Some(ledger) => {
                let path = self.ledger_path(account.uid);
                check_owner(&path, &ledger, &owner(&account))
            }
            None => Ok(()),
        }
    }

    /// The name that the person's uid had before, if somebody of that name has a token file.
    ///
    /// # Errors
    /// The ledger under the uid can't be read.
    pub fn former_name(&self, account: &Account) -> Result<Option<String>, Fault> {
        let ledger = self.former(account)?;
        Ok(ledger.map(|ledger| ledger.owner.name))
    }

    /// The ledger under the person's uid, if it is that of somebody else who has a token file. A
    /// uid that was given to somebody new, after the one before was revoked, is nobody's matter.
    fn former(&self, account: &Account) -> Result<Option<Ledger>, Fault> {
        let peeked = LedgerFile::peek(&self.way, &self.ledger_path(account.uid));
        let Some(ledger) = peeked.map_err(|fault| named(fault, account))? else {
            return Ok(None);
        };
        let was = &ledger.owner.name;
        let is_enrolled = *was != account.name && self.has_token_file(&file_name(was))?;
        Ok(is_enrolled.then_some(ledger))
    }

    /// The uids that have a ledger.
    ///
    /// # Errors
    /// The state folder can't be read.
    pub fn ledger_uids(&self) -> Result<Vec<u32>, Fault> {
        let folder = &self.conf.state;
        let names = names(folder).map_err(|errno| Fault::reading(folder, errno))?;
        let uid = |name: OsString| name.to_str()?.parse().ok();
        Ok(names.into_iter().filter_map(uid).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use fob_core::Owner;

    use super::*;
    use crate::root_folder::RootFolder;

    fn root() -> Account {
        Account {
            uid: 0,
            name: "root".into(),
        }
    }

    fn may_pass(store: &Store) -> Result<(), Fault> {
        store.require_never_enrolled(&Who::Absent("root".into(), Reason::NotEnrolled))
    }

    fn of(path: &Path, name: &str) {
        let _ = std::fs::remove_file(path);
        let (uid, name) = (0, name.to_owned());
        LedgerFile::create(path, &Ledger::new(Owner { uid, name })).unwrap();
    }

    /// P9, P13: who had another name is no stranger, and a ledger that can't be read may be
    /// theirs. Who never was enrolled, or whose uid is a former person's, passes.
    #[test]
    #[ignore = "needs root: tests/root-units"]
    fn nobody_passes_as_not_enrolled_who_is_under_another_name() {
        let home = RootFolder::new();
        let (tokens, state) = (home.folder("tokens"), home.folder("state"));
        home.folder("state/tokens");
        let conf = format!("tokens = {tokens:?}\nstate = {state:?}\n");
        let store = Store::open(Some(&home.file("fob.conf", conf))).unwrap();
        let path = store.ledger_path(0);
        assert_eq!(may_pass(&store), Ok(()), "no ledger");
        of(&path, "root");
        assert_eq!(may_pass(&store), Ok(()), "their own");
        of(&path, "alice");
        assert_eq!(may_pass(&store), Ok(()), "of somebody who is gone");
        home.file("tokens/alice", "version = 1\n");
        let what = "the uid was \"alice\" when this was made; run: fob rebind root";
        let renamed = Fault::at(FaultKind::StateOwner, &path, what);
        assert_eq!(may_pass(&store), Err(renamed));
        assert_eq!(store.former_name(&root()), Ok(Some("alice".into())));
        assert_eq!(store.ledger_uids(), Ok(vec![0]));
        std::fs::write(&path, "rubbish").unwrap();
        let fault = may_pass(&store).unwrap_err();
        assert_eq!(fault.kind, FaultKind::StateDamaged);
        assert!(fault.detail.ends_with("fob repair root"), "{fault}");
    }
}
