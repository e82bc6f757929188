//! A ledger on disk: one small file a person, written in place. What is in it:
//! [`crate::pages`].

use std::fs::File;
use std::io;
use std::ops::Deref;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use fob_core::{Ledger, Owner};
use nix::fcntl::OFlag;
use nix::sys::resource::{Resource, getrlimit, rlim_t};

use crate::create::{create_file, sync_folder};
use crate::lock::Locked;
use crate::pages::{Medium, Pages, SIZE, complete};
use crate::trusted::{Kept, open_checked};
use crate::way::{Way, look_at};
use crate::{Fault, FaultKind};

/// Tries to get hold of a file that keeps being replaced.
const TRIES: u32 = 100;
/// How often a ledger that looks damaged is read where it isn't locked.
const PEEKS: u32 = 3;

/// A ledger file, locked. The lock goes with it.
#[derive(Debug)]
pub struct LedgerFile {
    pages: Pages<Locked>,
}

impl LedgerFile {
    /// Locks the ledger and reads it. `None` if there is none.
    ///
    /// # Errors
    /// Any doubt about the file, its content, or its lock.
    pub fn open(path: &Path) -> Result<Option<(Self, Ledger)>, Fault> {
        Self::open_on(&Way::default(), path)
    }

    pub(crate) fn open_on(way: &Way, path: &Path) -> Result<Option<(Self, Ledger)>, Fault> {
        for _ in 0..TRIES {
            let Some((file, opened)) = open_checked(way, path, Kept::Secret, OFlag::O_RDWR)? else {
                return Ok(None);
            };
            require_room(path)?;
            let file = crate::lock::lock(file, path)?;
            // What was opened may have been replaced while we waited.
            let same = look_at(path)
                .is_ok_and(|now| (now.dev(), now.ino()) == (opened.dev(), opened.ino()));
            if same {
                let (pages, ledger) = Pages::read(file, path)?;
                return Ok(Some((Self { pages }, ledger)));
            }
        }
        Err(Fault::at(
            FaultKind::StateUnreadable,
            path,
            "is replaced again and again",
        ))
    }

    /// Reads the ledger without its lock, and without what writing takes: whoever is to be
    /// kept waiting by nobody needs no more. `None` if there is none.
    ///
    /// What a writer leaves half done is what a killed one would: the slot before it counts.
    ///
    /// # Errors
    /// Any doubt about the file or its content.
    pub(crate) fn peek(way: &Way, path: &Path) -> Result<Option<Ledger>, Fault> {
        let mut peeked = Self::peek_once(way, path);
        for _ in 1..PEEKS {
            match &peeked {
                // Read while the mark was written, perhaps.
                Err(fault) if fault.kind == FaultKind::StateDamaged => {
                    peeked = Self::peek_once(way, path);
                }
                _ => break,
            }
        }
        peeked
    }

    fn peek_once(way: &Way, path: &Path) -> Result<Option<Ledger>, Fault> {
        let Some((file, _)) = open_checked(way, path, Kept::Secret, OFlag::O_RDONLY)? else {
            return Ok(None);
        };
        let (_, ledger) = Pages::read(&file, path)?;
        Ok(Some(ledger))
    }

    /// Creates a ledger, complete and durable; if somebody else was faster, theirs stays.
    ///
    /// # Errors
    /// Any doubt about the folder, or anything that kept it from being written.
    pub fn create(path: &Path, ledger: &Ledger) -> Result<(), Fault> {
        Way::default().check_folder(path.parent().unwrap_or(Path::new("/")))?;
        create_file(path, &complete(ledger, path)?).map(drop)
    }

    /// Puts a new ledger in the place of a damaged one. Whoever waits for the old one's
    /// lock starts over.
    ///
    /// # Errors
    /// Anything that kept it from being written; the old one stays.
    pub fn replace(path: &Path, ledger: &Ledger) -> Result<(), Fault> {
        Way::default().check_folder(path.parent().unwrap_or(Path::new("/")))?;
        crate::replace_file(path, &complete(ledger, path)?)
    }

    /// Locks the ledger and reads it; creates it for `owner` if there is none. Says whether
    /// it is fresh.
    ///
    /// # Errors
    /// Any doubt about the file, its content, or its lock.
    pub fn open_or_create(path: &Path, owner: &Owner) -> Result<(Self, Ledger, bool), Fault> {
        Self::open_or_create_on(&Way::default(), path, owner)
    }

    pub(crate) fn open_or_create_on(
        way: &Way,
        path: &Path,
        owner: &Owner,
    ) -> Result<(Self, Ledger, bool), Fault> {
        if let Some((file, ledger)) = Self::open_on(way, path)? {
            return Ok((file, ledger, false));
        }
        Self::create(path, &Ledger::new(owner.clone()))?;
        match Self::open_on(way, path)? {
            Some((file, ledger)) => Ok((file, ledger, true)),
            None => Err(Fault::at(FaultKind::StateMissing, path, "vanished")),
        }
    }

    /// Writes down an attempt that counts as failed. Not synced: a killed process keeps its
    /// page cache.
    ///
    /// # Errors
    /// It couldn't be written.
    pub fn debit(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        self.pages.debit(ledger)
    }

    /// Writes a ledger and makes it durable.
    ///
    /// # Errors
    /// It couldn't be written, or the disk didn't confirm. What it spends is then spent as
    /// far as this machine remembers, and nobody is let in.
    pub fn settle(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        self.pages.settle(ledger)
    }

    pub(crate) fn pages(&mut self) -> &mut Pages<Locked> {
        &mut self.pages
    }
}

impl<F: Deref<Target = File>> Medium for F {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let (mut rest, mut next) = (bytes, at);
        while !rest.is_empty() {
            match FileExt::read_at(&**self, rest, next) {
                Ok(0) => break,
                Ok(length) => {
                    rest = rest.get_mut(length..).unwrap_or_default();
                    next = next.saturating_add(length as u64);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(usize::try_from(next.saturating_sub(at)).unwrap_or_default())
    }

    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        FileExt::write_all_at(&**self, bytes, at)
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn sync_name(&self, path: &Path) -> Result<(), Fault> {
        sync_folder(path.parent().unwrap_or(Path::new("/")))
    }
}

/// The caller's `ulimit -f` may be any number. One inside the file would cut a write short,
/// and so tear a slot or the mark; somebody who runs su could wipe out the failures that way.
pub(crate) fn require_room(path: &Path) -> Result<(), Fault> {
    let limit = getrlimit(Resource::RLIMIT_FSIZE).map_err(|errno| Fault::writing(path, errno))?;
    if limit.0 < SIZE as rlim_t {
        let what = "the caller's limit on the size of files (ulimit -f) is too low";
        return Err(Fault::at(FaultKind::StateWrite, path, what));
    }
    Ok(())
}

#[cfg(test)]
#[path = "ledger_file_tests.rs"]
mod tests;
