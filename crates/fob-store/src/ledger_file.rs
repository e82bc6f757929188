//! A ledger on disk: one small file a person, written in place.
//!
//! Three pages. The first has the file's version and, in a sector of its own, the *mark*:
//! the sequence number of the last slot that is known to be on the disk. The other two are
//! slots. The last durable record is never the one being written:
//!
//! - the newest slot is a debit: it is overwritten, without a sync;
//! - the newest is settled and marked: the other slot is written;
//! - the newest is settled and not marked, because its writer was killed: it is synced and
//!   marked first.
//!
//! An accept turns its debit into a settled slot in the same place, syncs, then moves the
//! mark. No valid slot, or none as new as the mark, is damage and never a fresh start.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use fob_core::{Ledger, Owner};
use nix::fcntl::{Flock, OFlag};
use nix::sys::resource::{Resource, getrlimit, rlim_t};
use nix::sys::stat::lstat;

use crate::create::{create_file, sync_folder};
use crate::slot::{Kind, PAGE, Page, Slot, VERSION, from_page, to_page};
use crate::trusted::{Kept, open_checked};
use crate::way::Way;
use crate::{Fault, FaultKind};

const MAGIC: &[u8; 8] = b"FOBLEDGE";
const MARK_AT: u64 = 512;
const SIZE: usize = 3 * PAGE;
/// Tries to get hold of a file that keeps being replaced.
const TRIES: u32 = 100;

/// A ledger file, locked. The lock goes with it.
#[derive(Debug)]
pub struct LedgerFile {
    file: Flock<File>,
    path: PathBuf,
    place: Place,
    kind: Kind,
    sequence: u64,
    mark: u64,
    /// The newest slot as it was read or written.
    page: Vec<u8>,
}

/// Which slot is the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    First,
    Second,
}

impl Place {
    fn offset(self) -> u64 {
        match self {
            Self::First => 4096,
            Self::Second => 8192,
        }
    }

    fn other(self) -> Self {
        match self {
            Self::First => Self::Second,
            Self::Second => Self::First,
        }
    }
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
            let same = lstat(path)
                .is_ok_and(|now| (now.st_dev, now.st_ino) == (opened.st_dev, opened.st_ino));
            if same {
                return Self::read(file, path).map(Some);
            }
        }
        Err(Fault::at(
            FaultKind::StateUnreadable,
            path,
            "is replaced again and again",
        ))
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
        self.write(Kind::Debit, ledger)
    }

    /// Writes a ledger and makes it durable.
    ///
    /// # Errors
    /// It couldn't be written, or the disk didn't confirm. What it spends is then spent as
    /// far as this machine remembers, and nobody is let in.
    pub fn settle(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        self.write(Kind::Settled, ledger)?;
        if let Err(error) = self.file.sync_data() {
            // The page may look clean now. As a debit it is written again by the next
            // attempt, and nobody trusts it to be on the disk.
            let _ = self.write_at(self.place, Kind::Debit, ledger);
            return Err(Fault::writing(&self.path, error));
        }
        self.move_mark();
        Ok(())
    }

    fn write(&mut self, kind: Kind, ledger: &Ledger) -> Result<(), Fault> {
        let place = match self.kind {
            Kind::Debit => self.place,
            Kind::Settled => {
                if self.mark != self.sequence {
                    self.settle_again()?;
                }
                self.place.other()
            }
        };
        self.write_at(place, kind, ledger)
    }

    /// Makes durable what its writer left without a mark: the slot, which is written once
    /// more, as a sync that failed before may have left it looking clean; and the file's
    /// name, as its creator may not have come to that.
    fn settle_again(&mut self) -> Result<(), Fault> {
        self.file
            .write_all_at(&self.page, self.place.offset())
            .and_then(|()| self.file.sync_data())
            .map_err(|error| Fault::writing(&self.path, error))?;
        sync_folder(self.path.parent().unwrap_or(Path::new("/")))?;
        self.move_mark();
        Ok(())
    }

    fn write_at(&mut self, place: Place, kind: Kind, ledger: &Ledger) -> Result<(), Fault> {
        let full = || Fault::at(FaultKind::StateWrite, &self.path, "has no room left");
        let sequence = self.sequence.checked_add(1).ok_or_else(full)?;
        let page = to_page(kind, sequence, ledger).ok_or_else(full)?;
        self.file
            .write_all_at(&page, place.offset())
            .map_err(|error| Fault::writing(&self.path, error))?;
        (self.place, self.kind, self.sequence) = (place, kind, sequence);
        self.page = page;
        Ok(())
    }

    /// The mark isn't synced, and may fail to be written: it only ever says less than the
    /// disk holds, and then the next attempt syncs first.
    fn move_mark(&mut self) {
        if self
            .file
            .write_all_at(&mark_bytes(self.sequence), MARK_AT)
            .is_ok()
        {
            self.mark = self.sequence;
        }
    }

    fn read(file: Flock<File>, path: &Path) -> Result<(Self, Ledger), Fault> {
        let damaged = |what: &str| Fault::at(FaultKind::StateDamaged, path, remedied(path, what));
        // One byte more, so that a longer file shows.
        let mut bytes = vec![0; SIZE.saturating_add(1)];
        let read = file.read_at(&mut bytes, 0);
        let length = read.map_err(|error| Fault::at(FaultKind::StateUnreadable, path, error))?;
        if length != SIZE {
            return Err(damaged("does not have the size of a ledger"));
        }
        let newer = || {
            Fault::at(
                FaultKind::NewerVersion,
                path,
                "a later version of pam_fob wrote this",
            )
        };
        let mark = read_head(&bytes).map_err(|problem| match problem {
            HeadProblem::Newer => newer(),
            HeadProblem::Damaged => damaged("is not a ledger"),
        })?;
        let content = |place: Place| {
            let start = usize::try_from(place.offset()).unwrap_or(SIZE);
            let content = bytes.get(start..).and_then(|rest| rest.get(..PAGE));
            content.unwrap_or_default()
        };
        let page = |place| (place, from_page(content(place)));
        let newest = newest([page(Place::First), page(Place::Second)]);
        let (place, slot) = match newest {
            Some((_, Page::Newer(_))) => return Err(newer()),
            Some((place, Page::Slot(slot))) if slot.sequence >= mark => (place, slot),
            _ => return Err(damaged("is damaged")),
        };
        let Slot {
            kind,
            sequence,
            ledger,
        } = *slot;
        Ok((
            Self {
                file,
                path: path.to_owned(),
                place,
                kind,
                sequence,
                mark,
                page: content(place).to_vec(),
            },
            ledger,
        ))
    }
}

/// The caller's `ulimit -f` may be any number. One inside the file would cut a write short,
/// and so tear a slot or the mark; somebody who runs su could wipe out the failures that way.
fn require_room(path: &Path) -> Result<(), Fault> {
    let limit = getrlimit(Resource::RLIMIT_FSIZE).map_err(|errno| Fault::writing(path, errno))?;
    if limit.0 < SIZE as rlim_t {
        let what = "the caller's limit on the size of files (ulimit -f) is too low";
        return Err(Fault::at(FaultKind::StateWrite, path, what));
    }
    Ok(())
}

/// What is wrong with a ledger, and what to do.
fn remedied(path: &Path, what: &str) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match name.parse::<u32>() {
        Ok(uid) => format!("{what}; run: fob repair NAME (the person with uid {uid})"),
        Err(_) => format!("{what}; remove the file, and it is made anew"),
    }
}

fn newest(pages: [(Place, Page); 2]) -> Option<(Place, Page)> {
    pages.into_iter().max_by_key(|(_, page)| match page {
        Page::Slot(slot) => Some(slot.sequence),
        Page::Newer(sequence) => Some(*sequence),
        Page::Damaged => None,
    })
}

/// A whole file with one settled slot.
fn complete(ledger: &Ledger, path: &Path) -> Result<Vec<u8>, Fault> {
    let mut bytes = vec![0; PAGE];
    put(&mut bytes, 0, MAGIC);
    put(&mut bytes, 8, &VERSION.to_be_bytes());
    // Not marked: its name isn't durable yet.
    put(&mut bytes, 512, &mark_bytes(0));
    let slot = to_page(Kind::Settled, 1, ledger);
    bytes.extend(slot.ok_or_else(|| Fault::at(FaultKind::StateWrite, path, "has no room left"))?);
    bytes.resize(SIZE, 0);
    Ok(bytes)
}

fn put(bytes: &mut [u8], at: usize, content: &[u8]) {
    let place = bytes.iter_mut().skip(at);
    place.zip(content).for_each(|(to, from)| *to = *from);
}

/// The sequence number and its complement.
fn mark_bytes(sequence: u64) -> [u8; 16] {
    let mut bytes = [0; 16];
    put(&mut bytes, 0, &sequence.to_be_bytes());
    put(&mut bytes, 8, &(!sequence).to_be_bytes());
    bytes
}

enum HeadProblem {
    Newer,
    Damaged,
}

/// The mark, if the first page is a ledger's.
fn read_head(bytes: &[u8]) -> Result<u64, HeadProblem> {
    let (magic, rest) = bytes.split_first_chunk::<8>().ok_or(HeadProblem::Damaged)?;
    let version = rest.first_chunk::<2>().ok_or(HeadProblem::Damaged)?;
    if magic != MAGIC {
        return Err(HeadProblem::Damaged);
    }
    if u16::from_be_bytes(*version) > VERSION {
        return Err(HeadProblem::Newer);
    }
    let mark = bytes
        .get(512..)
        .and_then(|rest| rest.split_first_chunk::<8>());
    let (sequence, rest) = mark.ok_or(HeadProblem::Damaged)?;
    let sequence = u64::from_be_bytes(*sequence);
    let complement = rest
        .first_chunk::<8>()
        .map(|bytes| u64::from_be_bytes(*bytes));
    if complement == Some(!sequence) {
        Ok(sequence)
    } else {
        Err(HeadProblem::Damaged)
    }
}
