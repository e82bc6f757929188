//! The two places of token files: the administrator's folder, and the one below the state
//! folder where logins enrol people, since login programs may not write to /etc (SELinux).
//! To everybody else they are one; where a person has a file in both, the administrator's
//! holds.

use std::path::{Path, PathBuf};

use fob_core::format::FreshLedger;
use nix::errno::Errno;
use zeroize::Zeroizing;

use crate::account::file_name;
use crate::trusted::{Kept, Stamp, is_there, read_stamped};
use crate::way::look_at;
use crate::{Fault, FaultKind, Store};

/// Where a token file was read, and how it stood then.
#[derive(Debug)]
pub(crate) struct Read {
    path: PathBuf,
    stamp: Stamp,
    /// What would have come before it, and wasn't there.
    missing: Option<PathBuf>,
}

impl Read {
    pub(crate) fn new(path: PathBuf, stamp: Stamp) -> Self {
        Self {
            path,
            stamp,
            missing: None,
        }
    }

    /// Whether reading it again would bring the same. What can't be looked at was changed.
    pub(crate) fn still_holds(&self) -> bool {
        let is_missing = |path: &PathBuf| look_at(path).err() == Some(Errno::ENOENT);
        self.missing.iter().all(is_missing) && self.stamp.still_fits(&self.path)
    }
}

impl Store {
    /// The path of a person's token file; where it will be, if there is none.
    pub fn token_path(&self, name: &str) -> PathBuf {
        let file = file_name(name);
        let usual = self.conf.tokens.join(&file);
        let own = self.enrolled().map(|folder| folder.join(&file));
        match own {
            Some(own) if look_at(&usual).err() == Some(Errno::ENOENT) && look_at(&own).is_ok() => {
                own
            }
            _ => usual,
        }
    }

    /// The folder of the people whom logins enrolled; it need not be there. The stock has
    /// none.
    pub fn enrolled(&self) -> Option<&Path> {
        self.enrolled.as_deref()
    }

    /// Reads a person's token file as it stands, for an edit. `None` if there is none.
    ///
    /// # Errors
    /// It can't be trusted.
    pub fn token_text(&self, name: &str) -> Result<Option<Zeroizing<String>>, Fault> {
        Ok(self.read_tokens(name)?.map(|(text, _)| text))
    }

    /// The same, for a login, which looks again whether it still holds.
    pub(crate) fn read_tokens(
        &self,
        name: &str,
    ) -> Result<Option<(Zeroizing<String>, Read)>, Fault> {
        let file = file_name(name);
        let path = self.conf.tokens.join(&file);
        if let Some((text, stamp)) = read_stamped(&self.way, &path, Kept::Secret)? {
            return Ok(Some((text, Read::new(path, stamp))));
        }
        let Some(folder) = self.enrolled() else {
            return Ok(None);
        };
        self.require_state(folder)?;
        let own = folder.join(&file);
        let found = unless_missing(read_stamped(&self.way, &own, Kept::Secret), None)?;
        Ok(found.map(|(text, stamp)| {
            let missing = Some(path);
            let read = Read {
                missing,
                ..Read::new(own, stamp)
            };
            (text, read)
        }))
    }

    /// Whether there is a token file of that name, whatever it is.
    pub(crate) fn has_token_file(&self, file: &str) -> Result<bool, Fault> {
        if is_there(&self.way, &self.conf.tokens.join(file))? {
            return Ok(true);
        }
        let Some(folder) = self.enrolled() else {
            return Ok(false);
        };
        self.require_state(folder)?;
        unless_missing(is_there(&self.way, &folder.join(file)), false)
    }

    /// Without the state folder, because its disk isn't mounted perhaps, everybody whom a
    /// login enrolled would look as if they never had been. An empty folder is left where a
    /// disk isn't mounted: so who wants lost ledgers refused must have made the folder of the
    /// enrolled.
    fn require_state(&self, enrolled: &Path) -> Result<(), Fault> {
        self.way.check_folder(&self.conf.state)?;
        if !self.must_have_enrolled() || enrolled.symlink_metadata().is_ok() {
            return Ok(());
        }
        let what = format!(
            "there is no such folder, and fresh_ledger = \"refuse\"; for the first time run: \
             install -d -m 0700 {}",
            enrolled.display()
        );
        Err(Fault::at(FaultKind::StateMissing, enrolled, what))
    }

    /// Whether the folder of the people whom logins enrolled must be there.
    pub fn must_have_enrolled(&self) -> bool {
        let refuses = self.conf.fresh_ledger == FreshLedger::Refuse;
        refuses && self.conf.rules.iter().any(|rule| rule.enrolls)
    }
}

/// Nobody was enrolled by a login yet, and so there is no folder.
pub(crate) fn unless_missing<T>(found: Result<T, Fault>, otherwise: T) -> Result<T, Fault> {
    match found {
        Err(fault) if fault.kind == FaultKind::StateMissing => Ok(otherwise),
        found => found,
    }
}
