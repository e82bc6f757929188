//! A slot of the ledger file: one page that is whole or not there.

use fob_core::Ledger;
use sha2::{Digest, Sha256};

/// The size of a slot, and of the page that the kernel copies a write into at once.
pub(crate) const PAGE: usize = 4096;
/// The format that this version reads and writes.
pub(crate) const VERSION: u16 = 1;

const MAGIC: &[u8; 4] = b"FOBS";
const HEAD: usize = 20;
const CHECK: usize = 16;

/// What a slot holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An attempt that counts as failed; perhaps not durable.
    Debit,
    /// An attempt that was accepted; durable once the mark says so.
    Settled,
}

/// A slot that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) kind: Kind,
    pub(crate) sequence: u64,
    pub(crate) ledger: Ledger,
}

/// What a page turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Page {
    Slot(Box<Slot>),
    /// Whole, but of a later version.
    Newer(u64),
    /// Torn, stale or never written.
    Damaged,
}

/// A slot as a page. `None` if the ledger is too large for it.
pub(crate) fn to_page(kind: Kind, sequence: u64, ledger: &Ledger) -> Option<Vec<u8>> {
    let payload = ledger.to_bytes().ok()?;
    let length = u32::try_from(payload.len()).ok()?;
    let mut page = Vec::with_capacity(PAGE);
    page.extend(MAGIC);
    page.extend(VERSION.to_be_bytes());
    page.extend([
        match kind {
            Kind::Debit => 1,
            Kind::Settled => 2,
        },
        0,
    ]);
    page.extend(sequence.to_be_bytes());
    page.extend(length.to_be_bytes());
    let check = checksum(&page, &payload);
    page.extend(check);
    page.extend(payload);
    page.resize(PAGE, 0);
    Some(page)
}

/// Reads a page.
pub(crate) fn from_page(page: &[u8]) -> Page {
    read(page).unwrap_or(Page::Damaged)
}

fn read(page: &[u8]) -> Option<Page> {
    let (head, rest) = page.split_at_checked(HEAD)?;
    let (check, rest) = rest.split_at_checked(CHECK)?;
    let (magic, numbers) = head.split_first_chunk::<4>()?;
    let (version, numbers) = numbers.split_first_chunk::<2>()?;
    let (kind, numbers) = numbers.split_first_chunk::<2>()?;
    let (sequence, length) = numbers.split_first_chunk::<8>()?;
    let length = usize::try_from(u32::from_be_bytes(*length.first_chunk::<4>()?)).ok()?;
    if magic != MAGIC {
        return None;
    }
    let payload = rest.get(..length)?;
    if checksum(head, payload) != check {
        return None;
    }
    let sequence = u64::from_be_bytes(*sequence);
    if u16::from_be_bytes(*version) > VERSION {
        return Some(Page::Newer(sequence));
    }
    let kind = match kind {
        [1, 0] => Kind::Debit,
        [2, 0] => Kind::Settled,
        _ => return None,
    };
    let ledger = Ledger::from_bytes(payload).ok()?;
    Some(Page::Slot(Box::new(Slot {
        kind,
        sequence,
        ledger,
    })))
}

fn checksum(head: &[u8], payload: &[u8]) -> [u8; CHECK] {
    let hash = Sha256::new()
        .chain_update(head)
        .chain_update(payload)
        .finalize();
    let mut check = [0; CHECK];
    check.iter_mut().zip(hash).for_each(|(to, from)| *to = from);
    check
}

#[cfg(test)]
mod tests {
    use super::*;
    use fob_core::Owner;

    fn page() -> Vec<u8> {
        let ledger = Ledger::new(Owner {
            uid: 1000,
            name: "alice".into(),
        });
        to_page(Kind::Settled, 7, &ledger).unwrap()
    }

    #[test]
    fn slot_reads_back() {
        let ledger = Ledger::new(Owner {
            uid: 1000,
            name: "alice".into(),
        });
        for (kind, sequence) in [(Kind::Debit, 0), (Kind::Settled, u64::MAX)] {
            let page = to_page(kind, sequence, &ledger).unwrap();
            assert_eq!(page.len(), PAGE);
            let slot = Slot {
                kind,
                sequence,
                ledger: ledger.clone(),
            };
            assert_eq!(from_page(&page), Page::Slot(Box::new(slot)));
        }
    }

    /// Threats 4.1: a torn write leaves a slot that isn't there.
    #[test]
    fn every_torn_write_is_noticed() {
        let ledger = Ledger::new(Owner {
            uid: 1000,
            name: "alina".into(),
        });
        let (old, new) = (page(), to_page(Kind::Debit, 9, &ledger).unwrap());
        let end = 36 + ledger.to_bytes().unwrap().len();
        for cut in 1..end {
            let torn = [&new[..cut], &old[cut..]].concat();
            let whole = torn == old || torn == new;
            assert!(whole || from_page(&torn) == Page::Damaged, "cut at {cut}");
        }
    }

    /// Threats 4.1: so does a flipped bit.
    #[test]
    fn every_flipped_bit_is_noticed() {
        let whole = page();
        let end = 36
            + Ledger::new(Owner {
                uid: 1000,
                name: "alice".into(),
            })
            .to_bytes()
            .unwrap()
            .len();
        for bit in 0..end * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(from_page(&flipped), Page::Damaged, "bit {bit}");
        }
    }

    #[test]
    fn slot_of_a_later_version_is_not_damaged() {
        let mut newer = page();
        newer[5] = 2;
        let check = checksum(
            &newer[..HEAD],
            &newer[HEAD + CHECK..][..Ledger::new(Owner {
                uid: 1000,
                name: "alice".into(),
            })
            .to_bytes()
            .unwrap()
            .len()],
        );
        newer[HEAD..HEAD + CHECK].copy_from_slice(&check);
        assert_eq!(from_page(&newer), Page::Newer(7));
    }
}
