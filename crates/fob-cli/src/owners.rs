//! Whose each secret is. A ledger protects one person: a token that two people have would let
//! each in with what the other spent.

use std::collections::HashMap;

use fob_core::{Token, TokenKey};
use fob_store::Store;

use crate::output::warn_of_unread;
use crate::stop::Stop;
use crate::{parallel, people};

/// Everybody's tokens.
#[derive(Default)]
pub(crate) struct Owners {
    /// By the secrets' fingerprints.
    tokens: HashMap<[u8; 16], Vec<Owner>>,
    /// What can't be read, and why.
    unread: Vec<String>,
}

/// Who has a token.
pub(crate) struct Owner {
    pub(crate) name: String,
    /// What they call it.
    pub(crate) id: String,
    pub(crate) key: TokenKey,
}

impl Owners {
    /// Reads all token files. One that can't be read keeps nobody from working, for ever
    /// perhaps: see [`warn`](Self::warn).
    ///
    /// # Errors
    /// The folder can't be read.
    pub(crate) fn read(store: &Store) -> Result<Self, Stop> {
        let names = people::holders(store)?;
        let mut owners = Self::default();
        let read = parallel::for_each(store, &names, |store, name| tokens_of(store, name));
        for (tokens, unread) in read {
            for (fingerprint, owner) in tokens {
                owners.tokens.entry(fingerprint).or_default().push(owner);
            }
            owners.unread.extend(unread);
        }
        Ok(owners)
    }

    /// Names the files that can't be read.
    pub(crate) fn warn(&self) {
        let known = "Whether such a person has the same token isn't known.";
        warn_of_unread(&self.unread, known);
    }

    /// All who have the secret of `token`.
    pub(crate) fn of(&self, token: &Token) -> &[Owner] {
        let owners = self.tokens.get(&token.secret.fingerprint());
        owners.map_or(&[], Vec::as_slice)
    }

    /// Somebody else than `name` who has the secret of `token`.
    pub(crate) fn other_than(&self, name: &str, token: &Token) -> Option<&Owner> {
        self.of(token).iter().find(|owner| owner.name != name)
    }

    /// Whether `name` may have `token`.
    ///
    /// # Errors
    /// Somebody else has it.
    pub(crate) fn admit(&self, name: &str, token: &Token) -> Result<(), Stop> {
        let Some(Owner { name, id, .. }) = self.other_than(name, token) else {
            return Ok(());
        };
        let what = format!("{name} has this token, as {id:?}");
        let remedy = format!("Take it from {name} first: fob revoke {name} --id {id}");
        Err(Stop::no(what).remedy(remedy))
    }
}

/// A person's tokens, by their fingerprints, and what of the file can't be read.
fn tokens_of(store: &Store, name: &str) -> (Vec<([u8; 16], Owner)>, Vec<String>) {
    let file = match store.tokens(name) {
        Ok(file) => file.unwrap_or_default(),
        Err(fault) => return (Vec::new(), vec![fault.detail]),
    };
    let path = store.token_path(name);
    let refused = file.refused.iter().map(|token| {
        let id = token.id.as_deref().unwrap_or("a token without a name");
        format!("{}: {id} can't be read: {}", path.display(), token.error)
    });
    let unread = refused.collect();
    let tokens = file.tokens.into_iter().map(|token| {
        let owner = Owner {
            name: name.to_owned(),
            key: token.key(),
            id: token.id,
        };
        (token.secret.fingerprint(), owner)
    });
    (tokens.collect(), unread)
}
