//! The way to a file: folders that only root can have changed.
//!
//! A folder that belongs to root and that nobody else may write can be changed by root
//! alone. Checked from `/` down, each such folder vouches for the next name in it, so that
//! the way can't be swapped between the check and the opening. Root's own symbolic links
//! are followed.

use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::readlink;

use crate::{Fault, FaultKind};

/// Symbolic links on a way, at most; as in Linux.
const MAX_LINKS: u32 = 40;

/// What a way leads to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// A folder, which is checked like those above it.
    Folder,
    /// A file, whose name may be a symbolic link. On the way to it a folder may be sticky
    /// instead of root's alone, as /nix/store is: nobody can replace what is root's there.
    File,
}

/// The folders that were found in order during one login. Only root could have changed them
/// since, so that they needn't be looked at again.
#[derive(Debug, Clone, Default)]
pub(crate) struct Way(RefCell<BTreeSet<OsString>>);

impl Way {
    /// Checks a folder and all above it.
    pub(crate) fn check_folder(&self, path: &Path) -> Result<(), Fault> {
        match self.walk(path, End::Folder)? {
            Some(_) => Ok(()),
            None => Err(missing(path)),
        }
    }

    /// Where the name of a file leads. `None` if there is no such file.
    pub(crate) fn resolve(&self, path: &Path) -> Result<Option<PathBuf>, Fault> {
        self.walk(path, End::File)
    }

    /// Goes down from `/`, part by part. `None` if the last part isn't there.
    fn walk(&self, path: &Path, end: End) -> Result<Option<PathBuf>, Fault> {
        let mut at = PathBuf::from("/");
        let mut ahead = parts(path);
        let mut links = 0u32;
        if !self.knows(&at) {
            let stat = look_at(&at).map_err(|errno| Fault::reading(&at, errno))?;
            self.check_part(&at, &stat, end)?;
        }
        while let Some(part) = ahead.pop_front() {
            if part == ".." {
                at.pop();
                continue;
            }
            at.push(&part);
            if self.knows(&at) {
                continue;
            }
            let stat = match look_at(&at) {
                Ok(stat) => stat,
                Err(Errno::ENOENT) if ahead.is_empty() => return Ok(None),
                Err(Errno::ENOENT) => return Err(missing(&at)),
                Err(errno) => return Err(Fault::reading(&at, errno)),
            };
            if stat.is_symlink() {
                links = links.saturating_add(1);
                follow(&mut at, &mut ahead, &stat, links)?;
            } else if end == End::Folder || !ahead.is_empty() {
                self.check_part(&at, &stat, end)?;
            }
        }
        Ok(Some(at))
    }

    fn knows(&self, path: &Path) -> bool {
        let known = self.0.try_borrow();
        known.is_ok_and(|known| known.contains(path.as_os_str()))
    }

    /// A folder that only root can change.
    fn check_part(&self, path: &Path, stat: &Metadata, end: End) -> Result<(), Fault> {
        let wrong = |what| Err(Fault::at(FaultKind::StateTooOpen, path, what));
        let mode = stat.mode() & 0o7777;
        let sticky = end == End::File && mode & 0o1000 != 0;
        if stat.uid() != 0 {
            return wrong("does not belong to root; run: chown root: on it".to_owned());
        }
        if !stat.is_dir() {
            return wrong("is not a folder".to_owned());
        }
        if mode & 0o022 == 0 {
            if let Ok(mut known) = self.0.try_borrow_mut() {
                known.insert(path.into());
            }
            return Ok(());
        }
        if sticky {
            return Ok(());
        }
        wrong(format!(
            "others may write to it (mode {mode:04o}); run: chmod go-w on it"
        ))
    }
}

/// What has this name, be it a symbolic link. By the standard library, which knows inode numbers of
/// 64 bits on every processor.
pub(crate) fn look_at(path: &Path) -> Result<Metadata, Errno> {
    let looked = std::fs::symlink_metadata(path);
    // Where the system wasn't asked, the name was no name.
    looked.map_err(|error| Errno::try_from(error).unwrap_or(Errno::EINVAL))
}

/// Puts the target of a symbolic link in the place of the link.
fn follow(
    at: &mut PathBuf,
    ahead: &mut VecDeque<OsString>,
    stat: &Metadata,
    links: u32,
) -> Result<(), Fault> {
    if stat.uid() != 0 {
        return Err(Fault::at(
            FaultKind::StateTooOpen,
            at,
            "does not belong to root",
        ));
    }
    if links > MAX_LINKS {
        return Err(Fault::reading(at, Errno::ELOOP));
    }
    let target = PathBuf::from(readlink(at.as_path()).map_err(|errno| Fault::reading(at, errno))?);
    at.pop();
    if target.is_absolute() {
        *at = PathBuf::from("/");
    }
    parts(&target)
        .into_iter()
        .rev()
        .for_each(|part| ahead.push_front(part));
    Ok(())
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(part) => Some(part.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

fn missing(path: &Path) -> Fault {
    Fault::at(FaultKind::StateMissing, path, "there is no such folder")
}

#[cfg(test)]
#[path = "way_tests.rs"]
mod tests;
