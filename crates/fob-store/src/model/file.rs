//! Ledger files that nobody wrote.

use std::cell::RefCell;
use std::io;
use std::path::Path;

use fob_core::{Attempt, Evidence, Ledger, Now, Policy, Source, Stay, Ticket, Verdict};

use super::disk::Disk;
use super::people::{FILE, code, fob, owner};
use crate::Fault;
use crate::judge::Judging;
use crate::pages::{MARK_AT, Medium, Pages, SIZE, complete, mark_bytes};
use crate::slot::{Kind, PAGE, to_page};

/// Reads a ledger file made of these bytes: the mark, the numbers of the slots, what is in each.
/// Where it can be read, a login goes on from there: P1 holds of every ledger.
pub fn read_file(bytes: &[u8]) {
    let Some((numbers, rest)) = bytes.split_first_chunk::<4>() else {
        return;
    };
    let [mark, first, second, kinds] = *numbers;
    let mut file = complete(&Ledger::new(owner()), Path::new("/")).unwrap();
    let at = usize::try_from(MARK_AT).unwrap();
    file[at..at + 16].copy_from_slice(&mark_bytes(mark.into()));
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
            .and_then(|ledger| to_page(kind, number.into(), &ledger));
        let page = page.unwrap_or_else(|| content.to_vec());
        let start = usize::from(place) * PAGE;
        let length = page.len().min(PAGE);
        file[start..start + length].copy_from_slice(&page[..length]);
    }
    // A file of another length, now and then.
    if kinds & 0x80 != 0 {
        file.truncate(SIZE - 1);
        assert!(Pages::read(&Bare(RefCell::new(Disk::new(file))), Path::new("/")).is_err());
        return;
    }
    log_in(&Bare(RefCell::new(Disk::new(file))), mark.into());
}

/// The owner's next code lets in once at most.
fn log_in(disk: &Bare, mark: u64) {
    let mut accepted = 0;
    let mut typed = None;
    for _ in 0..2 {
        let Ok((mut pages, ledger)) = Pages::read(disk, Path::new("/")) else {
            assert_eq!(typed, None, "P4: what was written can't be read");
            return;
        };
        let text = typed.get_or_insert_with(|| code(fob(), ledger.floor(fob()).0));
        let attempt = Attempt::parse(text.as_bytes());
        let judging = Judging {
            policy: &Policy::default(),
            stay: Stay::default(),
            ticket: Ticket([0; 8]),
            evidence: &Evidence::gather(&FILE, &attempt),
            now: Now {
                unix: 1_800_000_000,
                boot: mark,
                boot_id: [1; 16],
            },
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
