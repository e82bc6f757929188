//! What a ledger file holds, and in which order it is written.
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

use std::io;
use std::path::{Path, PathBuf};

use fob_core::Ledger;

use crate::slot::{Kind, PAGE, Page, Slot, VERSION, from_page, to_page};
use crate::{Fault, FaultKind};

const MAGIC: &[u8; 8] = b"FOBLEDGE";
pub(crate) const MARK_AT: u64 = 512;
pub(crate) const SIZE: usize = 3 * PAGE;

/// What a ledger is written to: an open file, or the simulated disk of the model.
pub(crate) trait Medium {
    /// Reads as many of these bytes as there are, however little comes at once; says how many.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize>;
    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    fn sync_data(&self) -> io::Result<()>;
    /// Makes the file's name durable.
    fn sync_name(&self, path: &Path) -> Result<(), Fault>;
}

/// A ledger's pages. Whoever has them has the lock.
#[derive(Debug)]
pub(crate) struct Pages<M> {
    medium: M,
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

impl<M: Medium> Pages<M> {
    /// Reads a ledger.
    ///
    /// # Errors
    /// Any doubt about its content.
    pub(crate) fn read(medium: M, path: &Path) -> Result<(Self, Ledger), Fault> {
        let damaged = |what: &str| Fault::at(FaultKind::StateDamaged, path, remedied(path, what));
        // One byte more, so that a longer file shows.
        let mut bytes = vec![0; SIZE.saturating_add(1)];
        let read = medium.read_at(&mut bytes, 0);
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
                medium,
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

    /// As [`LedgerFile::debit`](crate::LedgerFile::debit).
    pub(crate) fn debit(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        self.write(Kind::Debit, ledger)
    }

    /// As [`LedgerFile::settle`](crate::LedgerFile::settle).
    pub(crate) fn settle(&mut self, ledger: &Ledger) -> Result<(), Fault> {
        self.write(Kind::Settled, ledger)?;
        if let Err(error) = self.medium.sync_data() {
            // The page may look clean now. As a debit it is written again by the next
            // attempt, and nobody trusts it to be on the disk. The code is spent, and lets
            // nobody in: neither now, nor later by the place where it was given.
            let mut refused = ledger.clone();
            refused.forget_places();
            let _ = self.write_at(self.place, Kind::Debit, &refused);
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
        self.medium
            .write_all_at(&self.page, self.place.offset())
            .and_then(|()| self.medium.sync_data())
            .map_err(|error| Fault::writing(&self.path, error))?;
        self.medium.sync_name(&self.path)?;
        self.move_mark();
        Ok(())
    }

    fn write_at(&mut self, place: Place, kind: Kind, ledger: &Ledger) -> Result<(), Fault> {
        let full = || Fault::at(FaultKind::StateWrite, &self.path, "has no room left");
        let sequence = self.sequence.checked_add(1).ok_or_else(full)?;
        let page = to_page(kind, sequence, ledger).ok_or_else(full)?;
        self.medium
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
            .medium
            .write_all_at(&mark_bytes(self.sequence), MARK_AT)
            .is_ok()
        {
            self.mark = self.sequence;
        }
    }
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
pub(crate) fn complete(ledger: &Ledger, path: &Path) -> Result<Vec<u8>, Fault> {
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
pub(crate) fn mark_bytes(sequence: u64) -> [u8; 16] {
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

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
