//! Ledger files that nobody wrote.

use std::cell::RefCell;
use std::io;
use std::path::Path;

use fob_core::{Attempt, Counter, Evidence, Ledger, Now, Policy, Source, Stay, Ticket, Verdict};

use super::disk::Disk;
use super::people::{FILE, code, fob, owner};
use crate::judge::Judging;
use crate::pages::{MARK_AT, Medium, Pages, SIZE, complete, mark_bytes};
use crate::slot::{Kind, PAGE, Page, from_page, to_page};
use crate::{Fault, FaultKind};

/// Reads a ledger file made of these bytes: the numbers of the mark and of both slots, their
/// kinds, what is in each. Where it can be read, a login goes on from there: P1 holds of every
/// ledger.
pub fn read_file(bytes: &[u8]) {
    let Some((numbers, rest)) = bytes.split_first_chunk::<25>() else {
        return;
    };
    let number = |at: usize| u64::from_be_bytes(numbers[at..at + 8].try_into().unwrap());
    let (mark, first, second, kinds) = (number(0), number(8), number(16), numbers[24]);
    let mut file = complete(&Ledger::new(owner()), Path::new("/")).unwrap();
    mark_at(&mut file, mark);
    let (one, other) = rest.split_at(rest.len() / 2);
    for (place, number, content) in [(1, first, one), (2, second, other)] {
        let kind = if kinds & place == 0 {
            Kind::Debit
        } else {
            Kind::Settled
        };
        let ledger = Ledger::from_bytes(content);
        let page = ledger
            .ok()
            .and_then(|ledger| to_page(kind, number, &ledger));
        put_page(&mut file, place.into(), page.as_deref().unwrap_or(content));
    }
    // A file of another length, now and then.
    if kinds & 0x80 != 0 {
        file.truncate(SIZE - 1);
        assert!(Pages::read(&Bare::new(file), Path::new("/")).is_err());
        return;
    }
    log_in(&Bare::new(file));
}

/// Reads a ledger file that is just these bytes; or, where they are fewer than a page, a good
/// one that is edited: a place and a byte each. What is read is what a whole slot holds, and
/// never a fresh start (P9). A login goes on from there.
pub fn read_damaged(bytes: &[u8]) {
    let is_edited = bytes.len() < PAGE;
    let file = if is_edited {
        edited(bytes)
    } else {
        bytes.to_vec()
    };
    let disk = Bare::new(file.clone());
    let ledger = match Pages::read(&disk, Path::new("/")) {
        Ok((_, ledger)) => ledger,
        Err(fault) => {
            let kinds = [FaultKind::StateDamaged, FaultKind::NewerVersion];
            assert!(kinds.contains(&fault.kind), "{fault:?}");
            return;
        }
    };
    let holds = |place| match from_page(&file[place * PAGE..][..PAGE]) {
        Page::Slot(slot) => slot.ledger == ledger,
        _ => false,
    };
    assert!(file.len() == SIZE && (holds(1) || holds(2)), "P9: made up");
    assert!(
        !is_edited || ledger.floor(fob()) >= OLDER,
        "P9: a fresh start"
    );
    log_in(&disk);
}

/// The floors of the slots of a good file.
const OLDER: Counter = Counter(7);
pub(super) const NEWER: Counter = Counter(8);

/// A file in which both slots were settled, the second one later, as number `number`.
pub(super) fn good(number: u64) -> Vec<u8> {
    let mut file = complete(&Ledger::new(owner()), Path::new("/")).unwrap();
    for (place, floor, number) in [(1, OLDER, number - 1), (2, NEWER, number)] {
        let mut ledger = Ledger::new(owner());
        assert!(ledger.raise_floor(fob(), floor, 0, &NOW));
        let page = to_page(Kind::Settled, number, &ledger).unwrap();
        put_page(&mut file, place, &page);
    }
    mark_at(&mut file, number);
    file
}

fn edited(bytes: &[u8]) -> Vec<u8> {
    let Some((last, edits)) = bytes.split_first() else {
        return good(6);
    };
    let mut file = good(if last & 1 == 0 { 6 } else { u64::MAX });
    for edit in edits.chunks_exact(3) {
        let at = u16::from_be_bytes([edit[0], edit[1]]);
        file[usize::from(at) % SIZE] = edit[2];
    }
    file
}

fn mark_at(file: &mut [u8], number: u64) {
    let at = usize::try_from(MARK_AT).unwrap();
    file[at..at + 16].copy_from_slice(&mark_bytes(number));
}

fn put_page(file: &mut [u8], place: usize, page: &[u8]) {
    let length = page.len().min(PAGE);
    file[place * PAGE..][..length].copy_from_slice(&page[..length]);
}

const NOW: Now = Now {
    unix: 1_800_000_000,
    boot: 1000,
    boot_id: [1; 16],
};

/// The owner's next code lets in once at most, and is spent then.
fn log_in(disk: &Bare) {
    let mut typed = None;
    let mut accepted = 0;
    for _ in 0..2 {
        let Ok((mut pages, ledger)) = Pages::read(disk, Path::new("/")) else {
            assert_eq!(typed, None, "P4: what was written can't be read");
            return;
        };
        let floor = ledger.floor(fob());
        let (text, first) = typed.get_or_insert_with(|| (code(fob(), floor.0), floor));
        assert!(
            floor >= *first && (accepted == 0 || floor > *first),
            "P3: not written"
        );
        let attempt = Attempt::parse(text.as_bytes());
        let judging = Judging {
            policy: &Policy::default(),
            stay: Stay::default(),
            ticket: Ticket([0; 8]),
            evidence: &Evidence::gather(&FILE, &attempt),
            now: NOW,
            source: Source::remote("192.0.2.1"),
            from: "192.0.2.1",
            attempt: &attempt,
        };
        let verdict = judging.verdict(&mut pages, ledger);
        accepted += usize::from(matches!(verdict, Ok(Verdict::Accepted(_))));
    }
    assert!(accepted <= 1, "P1: a code twice");
}

/// A disk on which all goes well.
struct Bare(RefCell<Disk>);

impl Bare {
    fn new(file: Vec<u8>) -> Self {
        Self(RefCell::new(Disk::new(file)))
    }
}

impl Medium for &Bare {
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<usize> {
        super::medium::read(&self.0.borrow().cache, bytes, at)
    }

    fn write_all_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.0
            .borrow_mut()
            .write(bytes, usize::try_from(at).unwrap());
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.borrow_mut().sync();
        Ok(())
    }

    fn sync_name(&self, _: &Path) -> Result<(), Fault> {
        Ok(())
    }
}
