#![allow(clippy::arithmetic_side_effects)]

use std::cell::{Cell, RefCell};
use std::io;
use std::path::Path;

use fob_core::{Ledger, Owner};
use sha2::{Digest, Sha256};

use super::{MARK_AT, Medium, Pages, SIZE, complete, mark_bytes};
use crate::slot::{Kind, PAGE, to_page};
use crate::{Fault, FaultKind};

const PATH: &str = "/state/1000";

/// A disk on which all goes well, and which counts what it is asked for.
struct Disk {
    bytes: RefCell<Vec<u8>>,
    syncs: Cell<u32>,
    names: Cell<u32>,
}

impl Disk {
    fn new(bytes: Vec<u8>) -> Self {
        Self {
            bytes: RefCell::new(bytes),
            syncs: Cell::new(0),
            names: Cell::new(0),
        }
    }

    /// How often it was asked to make content and name durable, since the last time.
    fn asked(&self) -> (u32, u32) {
        (self.syncs.take(), self.names.take())
    }
}

impl Medium for &Disk {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        let content = self.bytes.borrow();
        let rest = &content[usize::try_from(at).unwrap()..];
        let length = rest.len().min(bytes.len());
        bytes[..length].copy_from_slice(&rest[..length]);
        Ok(length)
    }

    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let at = usize::try_from(at).unwrap();
        self.bytes.borrow_mut()[at..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.syncs.set(self.syncs.get() + 1);
        Ok(())
    }

    fn sync_name(&self, _: &Path) -> Result<(), Fault> {
        self.names.set(self.names.get() + 1);
        Ok(())
    }
}

fn ledger(name: &str) -> Ledger {
    Ledger::new(Owner {
        uid: 1000,
        name: name.into(),
    })
}

fn fresh() -> Vec<u8> {
    complete(&ledger("alice"), Path::new(PATH)).unwrap()
}

/// Whose ledger it is, as the next login reads it.
fn name(bytes: &[u8], path: &str) -> Result<String, Fault> {
    let disk = Disk::new(bytes.to_vec());
    let (_, ledger) = Pages::read(&disk, Path::new(path))?;
    Ok(ledger.owner.name)
}

/// A fresh ledger with these bytes in another place.
fn with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut file = fresh();
    file[at..at + bytes.len()].copy_from_slice(bytes);
    file
}

/// Threats 4.1: both slots bad, or none as new as the mark: never a fresh start.
#[test]
fn damaged_ledger_is_refused_and_the_remedy_said() {
    let mark = usize::try_from(MARK_AT).unwrap();
    assert_eq!(name(&fresh(), PATH), Ok("alice".into()));
    let marked = with(mark, &mark_bytes(1));
    assert_eq!(name(&marked, PATH), Ok("alice".into()));
    let mut longer = fresh();
    longer.push(0);
    let size = "does not have the size of a ledger";
    for (file, what) in [
        (with(mark, &mark_bytes(2)), "is damaged"),
        (with(PAGE, &[0; PAGE]), "is damaged"),
        (with(mark, &[0; 16]), "is not a ledger"),
        (with(mark + 15, &[0]), "is not a ledger"),
        (with(0, b"FOBLEDGF"), "is not a ledger"),
        (fresh()[1..].to_vec(), size),
        (longer, size),
        (vec![], size),
    ] {
        let what = format!("{what}; run: fob repair NAME (the person with uid 1000)");
        let fault = Fault::at(FaultKind::StateDamaged, Path::new(PATH), what);
        assert_eq!(name(&file, PATH), Err(fault));
    }
    let dummy = "/state/dummy-1f";
    let what = format!("{size}; remove the file, and it is made anew");
    let fault = Fault::at(FaultKind::StateDamaged, Path::new(dummy), what);
    assert_eq!(name(&[], dummy), Err(fault));
}

/// P9: a ledger that a later version wrote isn't taken for damaged, and nobody repairs it.
#[test]
fn ledger_of_a_later_version_is_refused_as_such() {
    let newer = |number| {
        let mut page = to_page(Kind::Settled, number, &ledger("bob")).unwrap();
        page[5] = 2;
        let end = 36 + ledger("bob").to_bytes().unwrap().len();
        let hash = Sha256::new().chain_update(&page[..20]);
        let hash = hash.chain_update(&page[36..end]).finalize();
        page[20..36].copy_from_slice(&hash[..16]);
        page
    };
    for file in [with(8, &[0, 2]), with(2 * PAGE, &newer(2))] {
        let fault = name(&file, PATH).unwrap_err();
        assert_eq!(fault.kind, FaultKind::NewerVersion);
    }
    // One that came back: what this version wrote since is what counts.
    let earlier = with(2 * PAGE, &newer(0));
    assert_eq!(name(&earlier, PATH), Ok("alice".into()));
}

/// P9: no number comes after the last one. Nothing is written then, and nothing is lost.
#[test]
fn ledger_whose_numbers_are_used_up_refuses_and_stays_as_it_is() {
    for kind in [Kind::Debit, Kind::Settled] {
        let mut file = with(usize::try_from(MARK_AT).unwrap(), &mark_bytes(u64::MAX));
        let page = to_page(kind, u64::MAX, &ledger("bob")).unwrap();
        file[PAGE..2 * PAGE].copy_from_slice(&page);
        let disk = Disk::new(file.clone());
        let (mut pages, _) = Pages::read(&disk, Path::new(PATH)).unwrap();
        for written in [pages.debit(&ledger("eve")), pages.settle(&ledger("eve"))] {
            let fault = Fault::at(FaultKind::StateWrite, Path::new(PATH), "has no room left");
            assert_eq!(written, Err(fault));
        }
        assert_eq!(*disk.bytes.borrow(), file);
    }
}

/// P3, P4: an accept is one sync, a refusal none; but what a killed writer left is made
/// durable first, and its name with it.
#[test]
fn disk_is_asked_once_for_an_accept_and_never_for_a_refusal() {
    let disk = Disk::new(fresh());
    let read = || Pages::read(&disk, Path::new(PATH)).unwrap().0;
    let mut pages = read();
    pages.debit(&ledger("alice")).unwrap();
    assert_eq!(disk.asked(), (1, 1));
    pages.settle(&ledger("alice")).unwrap();
    assert_eq!(disk.asked(), (1, 0));
    for mut pages in [pages, read()] {
        pages.debit(&ledger("alice")).unwrap();
        pages.debit(&ledger("alice")).unwrap();
        assert_eq!(disk.asked(), (0, 0));
    }
}

/// P4: whatever is written, the slot of the last success stays as it is until another is durable.
#[test]
fn slot_that_was_settled_last_is_not_written_to() {
    let disk = Disk::new(fresh());
    let slots = || {
        let bytes = disk.bytes.borrow();
        [1, 2].map(|place| bytes[place * PAGE..][..PAGE].to_vec())
    };
    let mut pages = Pages::read(&disk, Path::new(PATH)).unwrap().0;
    let mut settled = 0;
    for _ in 0..3 {
        let before = slots();
        pages.debit(&ledger("alice")).unwrap();
        pages.debit(&ledger("alice")).unwrap();
        pages.settle(&ledger("alice")).unwrap();
        assert_eq!(slots()[settled], before[settled]);
        settled = 1 - settled;
        assert_ne!(slots()[settled], before[settled]);
    }
    assert_eq!(disk.bytes.borrow().len(), SIZE);
}
