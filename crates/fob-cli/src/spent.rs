//! What anybody ever spent of a token. An entry of a ledger names the token and not its owner:
//! whoever gets a token that somebody had before begins where that one stopped.

use std::collections::HashMap;

use fob_core::{Counter, Kind, Ledger, RecoverySet, SpentRecovery, Token, TokenKey};
use fob_store::{LedgerFile, Store};

use crate::output::warn_of_unread;
use crate::parallel;
use crate::stop::Stop;

/// What all ledgers know.
#[derive(Default)]
pub(crate) struct Spent {
    tokens: HashMap<TokenKey, Known>,
    /// The codes of each set of recovery or scratch codes, as in a ledger.
    codes: HashMap<[u8; 16], u16>,
    /// Why some can't be read.
    unread: Vec<String>,
}

/// What is known of a token.
#[derive(Clone, Copy, Default)]
struct Known {
    /// The highest floor, blocked ones aside.
    floor: Counter,
    /// Whether somebody's ledger has it blocked.
    blocked: bool,
}

impl Spent {
    /// Reads all ledgers, each under its lock: a login that is under way is waited for. One
    /// that can't be read keeps nobody from working: see [`warn`](Self::warn).
    ///
    /// # Errors
    /// The folder can't be read.
    pub(crate) fn read(store: &Store) -> Result<Self, Stop> {
        let mut spent = Self::default();
        // A dry run makes no folder.
        if !store.conf.state.exists() {
            return Ok(spent);
        }
        let mut uids = store.ledger_uids()?;
        uids.sort_unstable();
        let ledgers = parallel::for_each(store, &uids, |store, uid| {
            LedgerFile::open(&store.ledger_path(*uid))
        });
        for ledger in ledgers {
            match ledger {
                Ok(Some((_, ledger))) => spent.learn(&ledger),
                Ok(None) => {}
                Err(fault) => spent.unread.push(fault.detail),
            }
        }
        Ok(spent)
    }

    fn learn(&mut self, ledger: &Ledger) {
        for entry in ledger.entries() {
            let known = self.tokens.entry(entry.key).or_default();
            if entry.floor == Ledger::BLOCKED {
                known.blocked = true;
            } else {
                known.floor = known.floor.max(entry.floor);
            }
        }
        for SpentRecovery { set, codes } in ledger.recovery_sets() {
            *self.codes.entry(*set).or_default() |= codes;
        }
    }

    /// Names the ledgers that can't be read.
    pub(crate) fn warn(&self) {
        let known = "Which codes such a person has used isn't known: give their tokens to nobody.";
        warn_of_unread(&self.unread, known);
    }

    /// No code of `token` below it may count for whoever gets it; 0 if nobody spent any.
    /// [`Ledger::BLOCKED`] where a ledger has it blocked.
    pub(crate) fn floor(&self, token: &Token) -> Counter {
        match self.known(token) {
            Known { blocked: true, .. } => Ledger::BLOCKED,
            Known { floor, .. } => floor,
        }
    }

    /// The same for a token from the stock. What was given back is blocked in its former
    /// owner's ledger, and the stock says where it stood.
    pub(crate) fn floor_from_stock(&self, token: &Token) -> Counter {
        self.known(token).floor
    }

    /// Lets a counter token that goes into the stock begin there. Says `false` if nobody knows
    /// where: a ledger has it blocked.
    pub(crate) fn advance(&self, token: &mut Token) -> bool {
        let floor = self.floor(token);
        match &mut token.kind {
            // Given out, it begins with a code that nobody was shown.
            Kind::Totp { .. } => return true,
            Kind::Hotp { counter } | Kind::Yubico { counter, .. } => {
                *counter = floor.max(*counter);
            }
        }
        floor != Ledger::BLOCKED
    }

    /// Which codes of the set of scratch codes with this id are spent. `None` if some were that
    /// came with the same secret, in another set: nobody can tell which those were.
    pub(crate) fn scratch(&self, id: &[u8; 16]) -> Option<u16> {
        let is_other = |set: &[u8; 16]| set != id && RecoverySet::are_of_one_secret(set, id);
        let mut sets = self.codes.iter();
        let unclear = sets.any(|(set, codes)| is_other(set) && *codes != 0);
        (!unclear).then(|| self.codes.get(id).copied().unwrap_or_default())
    }

    fn known(&self, token: &Token) -> Known {
        self.tokens.get(&token.key()).copied().unwrap_or_default()
    }
}
