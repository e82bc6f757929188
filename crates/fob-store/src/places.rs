//! The two places of token files: the administrator's folder, and the one below the state
//! folder where logins enrol people, since login programs may not write to /etc (SELinux).
//! To everybody else they are one; where a person has a file in both, the administrator's
//! holds.

use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::lstat;
use zeroize::Zeroizing;

use crate::account::file_name;
use crate::trusted::{Kept, is_there, read};
use crate::{Fault, FaultKind, Store};

impl Store {
    /// The path of a person's token file; where it will be, if there is none.
    pub fn token_path(&self, name: &str) -> PathBuf {
        let file = file_name(name);
        let usual = self.conf.tokens.join(&file);
        let own = self.enrolled().map(|folder| folder.join(&file));
        match own {
            Some(own) if lstat(&usual).err() == Some(Errno::ENOENT) && lstat(&own).is_ok() => own,
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
        let file = file_name(name);
        let usual = read(&self.way, &self.conf.tokens.join(&file), Kept::Secret)?;
        match (usual, self.enrolled()) {
            (None, Some(folder)) => {
                self.require_state()?;
                let own = read(&self.way, &folder.join(&file), Kept::Secret);
                unless_missing(own, None)
            }
            (usual, _) => Ok(usual),
        }
    }

    /// Whether there is a token file of that name, whatever it is.
    pub(crate) fn has_token_file(&self, file: &str) -> Result<bool, Fault> {
        if is_there(&self.way, &self.conf.tokens.join(file))? {
            return Ok(true);
        }
        let Some(folder) = self.enrolled() else {
            return Ok(false);
        };
        self.require_state()?;
        unless_missing(is_there(&self.way, &folder.join(file)), false)
    }

    /// Without the state folder, because its disk isn't mounted perhaps, everybody whom a
    /// login enrolled would look as if they never had been.
    fn require_state(&self) -> Result<(), Fault> {
        self.way.check_folder(&self.conf.state)
    }
}

/// Nobody was enrolled by a login yet, and so there is no folder.
pub(crate) fn unless_missing<T>(found: Result<T, Fault>, otherwise: T) -> Result<T, Fault> {
    match found {
        Err(fault) if fault.kind == FaultKind::StateMissing => Ok(otherwise),
        found => found,
    }
}
