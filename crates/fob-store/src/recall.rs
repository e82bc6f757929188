//! Places where a code was given a while ago, so that none is asked now.

use fob_core::{Source, Stay, Ticket};

use crate::judge::{Person, check_owner};
use crate::{Fault, LedgerFile, Store, Who, clock};

/// The use of a remembered place, which counts as failed until it is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recalled {
    uid: u32,
    ticket: Ticket,
}

impl Recalled {
    /// Whose place it is.
    pub fn uid(self) -> u32 {
        self.uid
    }

    /// In a word, for whoever is to confirm it.
    pub fn to_text(self) -> String {
        let ticket = u64::from_be_bytes(self.ticket.0);
        format!("{}:{ticket:016x}", self.uid)
    }

    /// What such a word says. None if it is no such word.
    pub fn from_text(text: &str) -> Option<Self> {
        let (uid, ticket) = text.split_once(':')?;
        let ticket = u64::from_str_radix(ticket, 16).ok()?;
        let found = Self {
            uid: uid.parse().ok()?,
            ticket: Ticket(ticket.to_be_bytes()),
        };
        (found.to_text() == text).then_some(found)
    }
}

impl Store {
    /// Whether a code that the person gave is good for this login. Then this use of it is
    /// written down before anybody is let pass. Judged under the ledger's lock.
    ///
    /// # Errors
    /// Whatever keeps an attempt from being judged: who can't be remembered for certain
    /// isn't asked as if nothing were wrong.
    pub fn recall(&self, who: &Who, source: Source, stay: Stay) -> Result<Option<Recalled>, Fault> {
        if stay.place.is_none() || stay.seconds.is_none() {
            return Ok(None);
        }
        // The same work for those who are absent: they are asked no sooner.
        let person = self.person(who)?;
        let Some((mut file, mut ledger)) = LedgerFile::open_on(&self.way, &person.ledger)? else {
            return Ok(None);
        };
        check_owner(&person.ledger, &ledger, &person.owner)?;
        // Something may have been taken from the person meanwhile: then they are asked.
        if !person.read.still_holds() {
            return Ok(None);
        }
        let Person {
            file: tokens,
            owner,
            absent,
            ..
        } = &person;
        let now = clock::now();
        let ticket = ledger.use_place(&self.conf.policy, tokens, &now, source, stay);
        let Some(ticket) = ticket.filter(|_| absent.is_none()) else {
            return Ok(None);
        };
        file.debit(&ledger)?;
        Ok(Some(Recalled {
            uid: owner.uid,
            ticket,
        }))
    }

    /// The login that used a remembered place succeeded as a whole.
    ///
    /// # Errors
    /// The ledger can't be read or written. The use then goes on counting as failed.
    pub fn confirm(&self, recalled: Recalled) -> Result<(), Fault> {
        let path = self.ledger_path(recalled.uid);
        let Some((mut file, mut ledger)) = LedgerFile::open_on(&self.way, &path)? else {
            return Ok(());
        };
        if ledger.confirm(recalled.ticket) {
            file.debit(&ledger)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_is_read_as_it_was_written_and_no_other_is() {
        let recalled = Recalled {
            uid: 1000,
            ticket: Ticket([0, 1, 2, 3, 4, 5, 6, 255]),
        };
        assert_eq!(recalled.to_text(), "1000:00010203040506ff");
        assert_eq!(Recalled::from_text("1000:00010203040506ff"), Some(recalled));
        for other in [
            "",
            "1000",
            ":",
            "1000:",
            "1000:10203040506ff",
            "+1000:00010203040506ff",
            "1000:00010203040506FF",
            "../x:00010203040506ff",
            "4294967296:00010203040506ff",
        ] {
            assert_eq!(Recalled::from_text(other), None, "{other}");
        }
    }
}
