//! The ledger as bytes: sections of tag, length and content, big-endian.
//!
//! A section with an unknown tag is carried through, so that going back to an older
//! version of the module loses nothing. See docs/file-formats.md.

use super::remembered::MAX_PLACES;
use super::{
    Entry, Known, Ledger, MAX_ENTRIES, MAX_RECOVERY_SETS, Notice, Owner, Remembered, SpentRecovery,
    Ticket,
};
use crate::throttle::Failures;
use crate::{Bypass, Counter, MAX_SOURCES, Place, Source, Throttle, TokenKey};

/// The most bytes that a ledger can take: what a slot has room for.
const MAX_LEDGER_BYTES: usize = 4000;

const OWNER: u8 = 1;
const TOKENS: u8 = 2;
const THROTTLE: u8 = 3;
const SOURCES: u8 = 4;
const KNOWN: u8 = 5;
const RECOVERY: u8 = 6;
const NOTICE: u8 = 7;
/// Only where there is a bypass code.
const BYPASS: u8 = 8;
/// Only where a place is remembered.
const PLACES: u8 = 9;

/// The bytes are no ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LedgerBytesError;

impl std::fmt::Display for LedgerBytesError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the bytes are no ledger")
    }
}

impl std::error::Error for LedgerBytesError {}

impl Ledger {
    /// The ledger as bytes.
    ///
    /// # Errors
    /// More than [`MAX_LEDGER_BYTES`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, LedgerBytesError> {
        let mut out = Vec::with_capacity(1024);
        section(&mut out, OWNER, |s| {
            s.extend(self.owner.uid.to_be_bytes());
            s.extend(self.owner.name.as_bytes());
        })?;
        section(&mut out, TOKENS, |s| {
            self.entries.iter().for_each(|entry| write_entry(s, entry))
        })?;
        section(&mut out, THROTTLE, |s| write_throttle(s, &self.throttle))?;
        section(&mut out, SOURCES, |s| {
            for failures in &self.throttle.sources {
                s.extend(failures.source.0);
                s.extend(failures.count.to_be_bytes());
                s.extend(failures.last.to_be_bytes());
            }
        })?;
        section(&mut out, KNOWN, |s| {
            self.throttle.known.iter().for_each(|k| s.extend(k.0))
        })?;
        section(&mut out, RECOVERY, |s| {
            for spent in &self.recovery {
                s.extend(spent.set);
                s.extend(spent.codes.to_be_bytes());
            }
        })?;
        section(&mut out, NOTICE, |s| {
            s.extend(self.last_success.to_be_bytes());
            s.extend(self.notice.failures.to_be_bytes());
            s.extend(self.notice.at.to_be_bytes());
            s.extend(self.notice.from.as_bytes());
        })?;
        if let Some(bypass) = &self.bypass {
            section(&mut out, BYPASS, |s| write_bypass(s, bypass))?;
        }
        if !self.remembered.entries.is_empty() {
            section(&mut out, PLACES, |s| write_places(s, &self.remembered))?;
        }
        for (tag, content) in &self.unknown {
            section(&mut out, *tag, |s| s.extend(content))?;
        }
        if out.len() > MAX_LEDGER_BYTES {
            Err(LedgerBytesError)
        } else {
            Ok(out)
        }
    }

    /// Reads a ledger.
    ///
    /// # Errors
    /// A section that is cut off, too long, twice there, or missing.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LedgerBytesError> {
        let mut ledger = Self::new(Owner {
            uid: 0,
            name: String::new(),
        });
        let mut seen = Vec::new();
        let mut rest = Reader(bytes);
        while !rest.0.is_empty() {
            let tag = u8::from_be_bytes(rest.array()?);
            let length = u16::from_be_bytes(rest.array()?);
            let content = Reader(rest.take(usize::from(length))?);
            if seen.contains(&tag) {
                return Err(LedgerBytesError);
            }
            seen.push(tag);
            ledger.read_section(tag, content)?;
        }
        let complete = (OWNER..=NOTICE).all(|tag| seen.contains(&tag));
        if complete {
            Ok(ledger)
        } else {
            Err(LedgerBytesError)
        }
    }

    fn read_section(&mut self, tag: u8, mut s: Reader<'_>) -> Result<(), LedgerBytesError> {
        match tag {
            OWNER => {
                self.owner.uid = u32::from_be_bytes(s.array()?);
                self.owner.name = s.text()?;
            }
            TOKENS => self.entries = s.list(MAX_ENTRIES, read_entry)?,
            THROTTLE => read_throttle(s, &mut self.throttle)?,
            SOURCES => self.throttle.sources = s.list(MAX_SOURCES, read_failures)?,
            KNOWN => self.throttle.known = s.list(MAX_SOURCES, |s| Ok(Source(s.array()?)))?,
            RECOVERY => self.recovery = s.list(MAX_RECOVERY_SETS, read_spent)?,
            NOTICE => {
                self.last_success = u64::from_be_bytes(s.array()?);
                self.notice = Notice {
                    failures: u32::from_be_bytes(s.array()?),
                    at: u64::from_be_bytes(s.array()?),
                    from: s.text()?,
                };
            }
            BYPASS => self.bypass = Some(read_bypass(s)?),
            PLACES => self.remembered = read_places(s)?,
            _ => self.unknown.push((tag, s.0.to_vec())),
        }
        Ok(())
    }
}

fn section(
    out: &mut Vec<u8>,
    tag: u8,
    fill: impl FnOnce(&mut Vec<u8>),
) -> Result<(), LedgerBytesError> {
    let mut content = Vec::new();
    fill(&mut content);
    let length = u16::try_from(content.len()).map_err(|_| LedgerBytesError)?;
    out.push(tag);
    out.extend(length.to_be_bytes());
    out.extend(content);
    Ok(())
}

fn write_entry(out: &mut Vec<u8>, entry: &Entry) {
    out.extend(entry.key.0);
    out.extend(entry.floor.0.to_be_bytes());
    out.extend(entry.last_used.to_be_bytes());
    out.extend(entry.drift.to_be_bytes());
    out.extend(entry.base.to_be_bytes());
    out.extend(entry.base_day.to_be_bytes());
    out.extend(entry.replays.to_be_bytes());
    out.push(u8::from(entry.timed));
}

fn read_entry(s: &mut Reader<'_>) -> Result<Entry, LedgerBytesError> {
    Ok(Entry {
        key: TokenKey(s.array()?),
        floor: Counter(u64::from_be_bytes(s.array()?)),
        last_used: u64::from_be_bytes(s.array()?),
        drift: i16::from_be_bytes(s.array()?),
        base: i16::from_be_bytes(s.array()?),
        base_day: u16::from_be_bytes(s.array()?),
        replays: u32::from_be_bytes(s.array()?),
        timed: s.array::<1>()? == [1],
    })
}

fn write_throttle(out: &mut Vec<u8>, throttle: &Throttle) {
    out.extend(throttle.boot_id);
    out.extend(throttle.faded.to_be_bytes());
    out.extend(throttle.strangers.to_be_bytes());
    out.extend(throttle.known_failures.to_be_bytes());
    out.push(u8::from(throttle.locked));
}

fn read_throttle(mut s: Reader<'_>, throttle: &mut Throttle) -> Result<(), LedgerBytesError> {
    throttle.boot_id = s.array()?;
    throttle.faded = u64::from_be_bytes(s.array()?);
    throttle.strangers = u16::from_be_bytes(s.array()?);
    throttle.known_failures = u16::from_be_bytes(s.array()?);
    throttle.locked = s.array::<1>()? != [0];
    s.end()
}

fn read_failures(s: &mut Reader<'_>) -> Result<Failures, LedgerBytesError> {
    Ok(Failures {
        source: Source(s.array()?),
        count: u16::from_be_bytes(s.array()?),
        last: u64::from_be_bytes(s.array()?),
    })
}

fn read_spent(s: &mut Reader<'_>) -> Result<SpentRecovery, LedgerBytesError> {
    Ok(SpentRecovery {
        set: s.array()?,
        codes: u16::from_be_bytes(s.array()?),
    })
}

fn write_bypass(out: &mut Vec<u8>, bypass: &Bypass) {
    out.extend(bypass.salt);
    out.extend(bypass.digest);
    out.extend(bypass.issued.to_be_bytes());
    out.extend(bypass.expires.to_be_bytes());
    out.push(bypass.uses);
    out.extend(bypass.by.as_bytes());
}

fn read_bypass(mut s: Reader<'_>) -> Result<Bypass, LedgerBytesError> {
    Ok(Bypass {
        salt: s.array()?,
        digest: s.array()?,
        issued: u64::from_be_bytes(s.array()?),
        expires: u64::from_be_bytes(s.array()?),
        uses: u8::from_be_bytes(s.array()?),
        by: s.text()?,
    })
}

fn write_places(out: &mut Vec<u8>, remembered: &Remembered) {
    out.extend(remembered.boot_id);
    out.extend(remembered.tokens);
    for known in &remembered.entries {
        out.extend(known.place.0);
        out.extend(known.ticket.0);
        out.extend(known.boot.to_be_bytes());
        out.extend(known.unix.to_be_bytes());
        out.extend(known.seconds.to_be_bytes());
        out.push(known.unconfirmed);
    }
}

/// A section without a place, which nobody writes, is as good as none.
fn read_places(mut s: Reader<'_>) -> Result<Remembered, LedgerBytesError> {
    let remembered = Remembered {
        boot_id: s.array()?,
        tokens: s.array()?,
        entries: s.list(MAX_PLACES, read_place)?,
    };
    let is_empty = remembered.entries.is_empty();
    Ok(if is_empty {
        Remembered::default()
    } else {
        remembered
    })
}

fn read_place(s: &mut Reader<'_>) -> Result<Known, LedgerBytesError> {
    Ok(Known {
        place: Place(s.array()?),
        ticket: Ticket(s.array()?),
        boot: u64::from_be_bytes(s.array()?),
        unix: u64::from_be_bytes(s.array()?),
        seconds: u32::from_be_bytes(s.array()?),
        unconfirmed: u8::from_be_bytes(s.array()?),
    })
}

/// What is left to read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], LedgerBytesError> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(LedgerBytesError)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LedgerBytesError> {
        self.take(N)?.try_into().map_err(|_| LedgerBytesError)
    }

    fn text(&mut self) -> Result<String, LedgerBytesError> {
        let bytes = self.take(self.0.len())?;
        String::from_utf8(bytes.to_vec()).map_err(|_| LedgerBytesError)
    }

    fn list<T>(
        &mut self,
        most: usize,
        read: impl Fn(&mut Self) -> Result<T, LedgerBytesError>,
    ) -> Result<Vec<T>, LedgerBytesError> {
        let mut items = Vec::new();
        while !self.0.is_empty() {
            items.push(read(self)?);
        }
        if items.len() > most {
            Err(LedgerBytesError)
        } else {
            Ok(items)
        }
    }

    fn end(&self) -> Result<(), LedgerBytesError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(LedgerBytesError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn full() -> Ledger {
        let entry = |n| Entry {
            key: TokenKey([n; 16]),
            floor: Counter(u64::MAX),
            drift: -2882,
            base: -2880,
            base_day: 20_000,
            last_used: 1_800_000_000,
            replays: 7,
            timed: n % 2 == 0,
        };
        let source = |n: u8| Source([n; 17]);
        Ledger {
            owner: Owner {
                uid: 1000,
                name: "x".repeat(255),
            },
            throttle: Throttle {
                boot_id: [9; 16],
                faded: 77,
                strangers: 80,
                known_failures: 20,
                locked: true,
                sources: (0..32)
                    .map(|n| Failures {
                        source: source(n),
                        count: 3,
                        last: 5,
                    })
                    .collect(),
                known: (0..8).map(source).collect(),
            },
            notice: Notice {
                failures: 3,
                at: 4,
                from: "f".repeat(64),
            },
            last_success: 12,
            bypass: Some(Bypass {
                salt: [1; 16],
                digest: [2; 16],
                issued: 3,
                expires: 4,
                uses: 5,
                by: "b".repeat(32),
            }),
            entries: (0..32).map(entry).collect(),
            recovery: (0..8)
                .map(|n| SpentRecovery {
                    set: [n; 16],
                    codes: 1023,
                })
                .collect(),
            remembered: Remembered {
                boot_id: [9; 16],
                tokens: [8; 16],
                entries: (0..16)
                    .map(|n| Known {
                        place: Place([n; 16]),
                        ticket: Ticket([n; 8]),
                        boot: u64::MAX,
                        unix: u64::MAX,
                        seconds: u32::MAX,
                        unconfirmed: 255,
                    })
                    .collect(),
            },
            unknown: vec![(200, vec![1, 2, 3])],
        }
    }

    #[test]
    fn fullest_ledger_fits_a_slot() {
        let bytes = full().to_bytes().unwrap();
        assert!(bytes.len() <= MAX_LEDGER_BYTES, "{}", bytes.len());
        assert_eq!(Ledger::from_bytes(&bytes).unwrap(), full());
    }

    #[test]
    fn ledger_that_fills_its_slot_is_written_and_a_larger_one_is_not() {
        let mut ledger = full();
        let room = MAX_LEDGER_BYTES - ledger.to_bytes().unwrap().len();
        ledger.unknown[0].1.resize(3 + room, 7);
        assert_eq!(ledger.to_bytes().unwrap().len(), MAX_LEDGER_BYTES);
        ledger.unknown[0].1.push(7);
        assert!(ledger.to_bytes().is_err());
    }

    /// Each section with a byte more at its end.
    #[test]
    fn byte_too_many_in_a_section_is_refused_or_part_of_a_text() {
        let bytes = full().to_bytes().unwrap();
        let mut start = 0;
        while start < bytes.len() {
            let length = usize::from(u16::from_be_bytes([bytes[start + 1], bytes[start + 2]]));
            let end = start + 3 + length;
            let mut longer = bytes.clone();
            longer.insert(end, b'y');
            longer[start + 1..start + 3]
                .copy_from_slice(&u16::try_from(length + 1).unwrap().to_be_bytes());
            match (bytes[start], Ledger::from_bytes(&longer)) {
                (OWNER | NOTICE | BYPASS | 200, read) => assert_ne!(read.ok(), Some(full())),
                (tag, read) => assert!(read.is_err(), "section {tag}"),
            }
            start = end;
        }
    }

    #[test]
    fn every_prefix_of_a_ledger_is_refused() {
        let bytes = Ledger::new(Owner {
            uid: 1,
            name: "a".into(),
        })
        .to_bytes()
        .unwrap();
        for length in 0..bytes.len() {
            assert!(
                Ledger::from_bytes(&bytes[..length]).is_err(),
                "{length} bytes"
            );
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Ledger::from_bytes(&bytes);
        }
    }
}
