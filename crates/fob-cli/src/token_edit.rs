//! Changing a token file: under the folder's lock, read, change, replace.

use std::path::Path;

use fob_core::format::{MAX_TOKENS, Sealing, TokenFile, file_head};
use fob_core::{Counter, Kind, Pin, RecoverySet, Token};
use fob_store::{
    Locked, MAX_FILE, Store, is_temporary, lock_folder, remove_file, replace_file, shell_word,
};
use zeroize::Zeroizing;

use crate::output::count;
use crate::people;
use crate::stop::Stop;
use crate::token_text::{NoList, TokenText};

/// No id or serial is longer, in bytes.
const MAX_LABEL: usize = 64;
/// The largest whole number of a TOML file that every program reads.
const MAX_NUMBER: u64 = i64::MAX.unsigned_abs();

/// An edit of one person's token file. Nobody else can edit a token file meanwhile.
pub(crate) struct Edit<'a> {
    store: &'a Store,
    name: &'a str,
    /// What the file says; nothing if there is none.
    pub(crate) before: TokenFile,
    /// Whether there is a file.
    pub(crate) was_there: bool,
    /// How many of its values are sealed.
    pub(crate) sealing: Sealing,
    /// How many of those no key opens.
    unopened: usize,
    text: TokenText,
    /// Whether what is written is sealed.
    seal: bool,
    /// The ids of the tokens that must be usable afterwards.
    kept: Vec<String>,
    /// Its own lock; none if it is one of many under a [`Folder`].
    _lock: Option<Folder>,
}

/// The lock on the folder of the token files.
pub(crate) struct Folder(#[allow(dead_code, reason = "held")] Locked);

impl Folder {
    /// Locks the folder, and removes what a killed `fob` left there.
    ///
    /// # Errors
    /// Somebody else holds the lock.
    pub(crate) fn lock(store: &Store) -> Result<Self, Stop> {
        let lock = lock_folder(&store.conf.tokens)?;
        let folders = [Some(store.conf.tokens.as_path()), store.enrolled()];
        folders.into_iter().flatten().for_each(sweep);
        Ok(Self(lock))
    }
}

impl<'a> Edit<'a> {
    /// Locks the folder and reads the file.
    ///
    /// # Errors
    /// The file can't be trusted, or isn't right: it is never edited on a guess.
    pub(crate) fn begin(store: &'a Store, name: &'a str) -> Result<Self, Stop> {
        let lock = Folder::lock(store)?;
        Self::read(store, name, Some(lock))
    }

    /// Reads the file, one of many under the lock of the folder.
    ///
    /// # Errors
    /// Those of [`begin`](Self::begin).
    pub(crate) fn one_of_many(
        _lock: &Folder,
        store: &'a Store,
        name: &'a str,
    ) -> Result<Self, Stop> {
        Self::read(store, name, None)
    }

    fn read(store: &'a Store, name: &'a str, lock: Option<Folder>) -> Result<Self, Stop> {
        let text = store.token_text(name)?;
        let was_there = text.is_some();
        let text = text.unwrap_or_else(|| file_head(name));
        let before = store.parse(name, &text)?;
        let mut text = TokenText::parse(&text).ok_or_else(|| {
            let path = store.token_path(name);
            Stop::unknown(format!("{}: fob can't edit this file", path.display()))
                .remedy("Edit it by hand.")
        })?;
        let sealing = text.sealing(name);
        if let Ok(Some(key)) = store.seal_key() {
            text.open(name, key);
        }
        Ok(Self {
            sealing,
            unopened: text.sealing(name).sealed,
            seal: store.conf.seal.is_some(),
            store,
            name,
            kept: before.tokens.iter().map(|token| token.id.clone()).collect(),
            before,
            was_there,
            text,
            _lock: lock,
        })
    }

    /// Whether `token` may be added.
    ///
    /// # Errors
    /// Its id or its secret is taken, there are too many, or a field can't be written.
    pub(crate) fn admit(&self, token: &Token) -> Result<(), Stop> {
        let name = self.name;
        self.check_id(&token.id)?;
        token
            .serial
            .as_ref()
            .map_or(Ok(()), |serial| check_label("serial", serial))?;
        let bytes = token.secret.bytes();
        if let Some(twin) = self
            .before
            .tokens
            .iter()
            .find(|other| other.secret.bytes() == bytes)
        {
            return Err(
                Stop::unknown(format!("{name}'s token {:?} has the same secret", twin.id)).remedy(
                    format!(
                        "It is enrolled already; see: fob show {name}",
                        name = shell_word(name)
                    ),
                ),
            );
        }
        if self.text.ids().len() >= MAX_TOKENS {
            return Err(Stop::unknown(format!(
                "{name} has {MAX_TOKENS} tokens already, the most there can be"
            ))
            .remedy("Revoke one first."));
        }
        let (Kind::Hotp {
            counter: Counter(number),
        }
        | Kind::Yubico {
            counter: Counter(number),
            ..
        }
        | Kind::Totp { t0: number, .. }) = token.kind;
        if number > MAX_NUMBER {
            return Err(Stop::unknown(format!(
                "a token file holds no number above {MAX_NUMBER}"
            )));
        }
        Ok(())
    }

    /// Adds a token.
    ///
    /// # Errors
    /// Those of [`admit`](Self::admit).
    pub(crate) fn add(&mut self, token: &Token) -> Result<(), Stop> {
        self.admit(token)?;
        self.text.add(token)?;
        self.kept.push(token.id.clone());
        Ok(())
    }

    /// Removes the tokens with this id, usable or not; says how many.
    pub(crate) fn remove(&mut self, id: &str) -> Result<usize, Stop> {
        self.kept.retain(|other| other != id);
        Ok(self.text.remove(id)?)
    }

    /// Calls a token something else, usable or not.
    ///
    /// # Errors
    /// There is no such token or more than one, or the new id can't be taken.
    pub(crate) fn rename(&mut self, id: &str, new: &str) -> Result<(), Stop> {
        self.require(id)?;
        self.check_id(new)?;
        if self.text.is_sealed(id)? {
            let what = format!("the seal of {id:?} can't be opened, and is made for that id");
            return Err(Stop::unknown(what).remedy("Bring back the key that it was sealed with."));
        }
        self.text.rename(id, new)?;
        self.kept
            .iter_mut()
            .filter(|kept| *kept == id)
            .for_each(|kept| *kept = new.into());
        Ok(())
    }

    /// Says `disabled` of a token, or without an id of the whole person, or takes it back;
    /// says whether that changes anything.
    ///
    /// # Errors
    /// There is no such token, or more than one.
    pub(crate) fn set_disabled(&mut self, id: Option<&str>, disabled: bool) -> Result<bool, Stop> {
        id.map_or(Ok(()), |id| self.require(id))?;
        if self.text.is_disabled(id)? == disabled {
            return Ok(false);
        }
        self.text.set_disabled(id, disabled)?;
        Ok(true)
    }

    /// There must be one token with this id, usable or not.
    pub(crate) fn require(&self, id: &str) -> Result<(), Stop> {
        let name = self.name;
        match self.text.ids().iter().filter(|other| **other == id).count() {
            1 => Ok(()),
            0 => Err(people::no_token(&self.before, name, id)),
            _ => {
                let path = self.store.token_path(name);
                let what = format!("{}: two tokens are called {id:?}", path.display());
                Err(Stop::unknown(what).remedy("Call one of them something else, by hand."))
            }
        }
    }

    /// Whether a token may be called so.
    fn check_id(&self, id: &str) -> Result<(), Stop> {
        let name = self.name;
        check_label("id", id)?;
        if matches!(id, "recovery" | "scratch" | "bypass") {
            return Err(
                Stop::unknown(format!("{id:?} means codes that belong to no token"))
                    .remedy("Choose another id."),
            );
        }
        if self.text.ids().contains(&id) {
            return Err(Stop::already(format!("{name} has a token {id:?} already"))
                .remedy("Choose another id, or revoke that token first."));
        }
        Ok(())
    }

    /// Puts a set of recovery codes in, in the place of an older one.
    pub(crate) fn set_recovery(&mut self, set: &RecoverySet) -> Result<(), Stop> {
        Ok(self.text.set_recovery(set)?)
    }

    /// Puts a set of scratch codes in, in the place of an older one.
    pub(crate) fn set_scratch(&mut self, set: &RecoverySet) -> Result<(), Stop> {
        Ok(self.text.set_scratch(set)?)
    }

    /// Puts a PIN in, in the place of an older one; or takes it out.
    pub(crate) fn set_pin(&mut self, pin: Option<&Pin>) -> Result<(), Stop> {
        Ok(self.text.set_pin(pin)?)
    }

    /// Whether it has a token with this id, usable or not.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.text.ids().contains(&id)
    }

    /// How many tokens it has, usable or not.
    pub(crate) fn len(&self) -> usize {
        self.text.ids().len()
    }

    /// Whether the key opens all that is sealed.
    ///
    /// # Errors
    /// It doesn't.
    pub(crate) fn require_opened(&self) -> Result<(), Stop> {
        if self.unopened == 0 {
            return Ok(());
        }
        let path = self.store.token_path(self.name).display().to_string();
        let values = u64::try_from(self.unopened).unwrap_or(u64::MAX);
        let number = count(values, "sealed value");
        Err(
            Stop::unknown(format!("{path}: {number} can't be opened with this key"))
                .remedy("Bring back the key that they were sealed with, or revoke those tokens."),
        )
    }

    /// Whether two files say the same, whoever what is sealed in them is sealed for.
    pub(crate) fn says_the_same_as(&self, other: &Self) -> bool {
        let is_open = self.unopened == 0 && other.unopened == 0;
        is_open && *self.text.to_text() == *other.text.to_text()
    }

    /// Whether what is written is to be sealed; else as fob.conf says.
    pub(crate) fn set_sealed(&mut self, sealed: bool) {
        self.seal = sealed;
    }

    /// Replaces the file, if it still says what it must.
    ///
    /// # Errors
    /// It couldn't be written, or the edit would have done damage; the old one stays.
    pub(crate) fn write(self) -> Result<TokenFile, Stop> {
        let (text, after) = self.finish()?;
        replace_file(&self.store.token_path(self.name), text.as_bytes())?;
        Ok(after)
    }

    /// The file's new text, if it still says what it must.
    ///
    /// # Errors
    /// The edit would have done damage.
    pub(crate) fn finish(&self) -> Result<(Zeroizing<String>, TokenFile), Stop> {
        self.finish_for(self.name)
    }

    /// The same as the token file of `name`: what is sealed opens for one name alone. What no
    /// key opens would be lost; see [`require_opened`](Self::require_opened).
    ///
    /// # Errors
    /// Those of [`finish`](Self::finish).
    pub(crate) fn finish_for(&self, name: &str) -> Result<(Zeroizing<String>, TokenFile), Stop> {
        let mut text = self.text.clone();
        if self.seal {
            if let Some(key) = self.store.seal_key()? {
                text.seal(name, key)?;
            }
        }
        let text = text.to_text();
        let after = self.store.parse(name, &text).map_err(|_| damaging())?;
        let usable = |id: &String| after.tokens.iter().any(|token| token.id == *id);
        if !self.kept.iter().all(usable) {
            return Err(damaging());
        }
        if u64::try_from(text.len()).map_or(true, |size| size > MAX_FILE) {
            return Err(Stop::unknown("the token file would be larger than 64 KiB")
                .remedy("Shorten its comments, or revoke a token."));
        }
        Ok((text, after))
    }
}

/// Removes what a killed `fob` left: half a token file is still full of secrets. Under the
/// lock nobody else has such a file.
fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if is_temporary(&entry.file_name()) {
            let _ = remove_file(&entry.path());
        }
    }
}

fn check_label(what: &str, text: &str) -> Result<(), Stop> {
    if text.is_empty() || text.len() > MAX_LABEL || text.chars().any(char::is_control) {
        let limits = format!("1 to {MAX_LABEL} bytes without control characters");
        return Err(Stop::unknown(format!("the {what} must be {limits}")));
    }
    Ok(())
}

fn damaging() -> Stop {
    Stop::unknown("this edit would have damaged the token file, so it was not made")
        .remedy("Edit the file by hand.")
}

impl From<NoList> for Stop {
    fn from(_: NoList) -> Self {
        damaging()
    }
}
