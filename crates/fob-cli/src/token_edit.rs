//! Changing a token file: under the folder's lock, read, change, replace.

use std::fs::File;
use std::path::Path;

use fob_core::format::{MAX_TOKENS, TokenFile};
use fob_core::{Counter, Kind, RecoverySet, Token};
use fob_store::{MAX_FILE, Store, lock_folder, remove_file, replace_file};
use nix::fcntl::Flock;

use crate::stop::Stop;
use crate::token_text::{NoList, TokenText};

/// Names that a killed `fob` may leave in the folder; see `fob_store::replace_file`.
const LEFTOVER: &str = ".new-";
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
    text: TokenText,
    /// The ids of the tokens that must be usable afterwards.
    kept: Vec<String>,
    _lock: Flock<File>,
}

impl<'a> Edit<'a> {
    /// Locks the folder and reads the file.
    ///
    /// # Errors
    /// The file can't be trusted, or isn't right: it is never edited on a guess.
    pub(crate) fn begin(store: &'a Store, name: &'a str) -> Result<Self, Stop> {
        let lock = lock_folder(&store.conf.tokens)?;
        let text = store.token_text(name)?;
        sweep(&store.conf.tokens);
        let was_there = text.is_some();
        let text = text.unwrap_or_else(|| TokenText::first(name));
        let before = store.parse(name, &text)?;
        let text = TokenText::parse(&text).ok_or_else(|| {
            let path = store.token_path(name);
            Stop::unknown(format!("{}: fob can't edit this file", path.display()))
                .remedy("Edit it by hand.")
        })?;
        Ok(Self {
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
        check_label("id", &token.id)?;
        token
            .serial
            .as_ref()
            .map_or(Ok(()), |serial| check_label("serial", serial))?;
        if token.id == "recovery" {
            return Err(Stop::unknown("\"recovery\" means the recovery codes")
                .remedy("Choose another name with --id."));
        }
        if self.text.ids().iter().any(|id| *id == token.id) {
            return Err(
                Stop::unknown(format!("{name} has a token {:?} already", token.id))
                    .remedy("Choose another name with --id, or revoke that token first."),
            );
        }
        let bytes = token.secret.bytes();
        if let Some(twin) = self
            .before
            .tokens
            .iter()
            .find(|other| other.secret.bytes() == bytes)
        {
            return Err(
                Stop::unknown(format!("{name}'s token {:?} has the same secret", twin.id))
                    .remedy(format!("It is enrolled already; see: fob show {name}")),
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

    /// Puts a set of recovery codes in, in the place of an older one.
    pub(crate) fn set_recovery(&mut self, set: &RecoverySet) -> Result<(), Stop> {
        Ok(self.text.set_recovery(set)?)
    }

    /// How many tokens it has, usable or not.
    pub(crate) fn len(&self) -> usize {
        self.text.ids().len()
    }

    /// Replaces the file, if it still says what it must.
    ///
    /// # Errors
    /// It couldn't be written, or the edit would have done damage; the old one stays.
    pub(crate) fn write(self) -> Result<TokenFile, Stop> {
        let text = self.text.to_text();
        let after = self.store.parse(self.name, &text).map_err(|_| damaging())?;
        let usable = |id: &String| after.tokens.iter().any(|token| token.id == *id);
        if !self.kept.iter().all(usable) {
            return Err(damaging());
        }
        if u64::try_from(text.len()).map_or(true, |size| size > MAX_FILE) {
            return Err(Stop::unknown("the token file would be larger than 64 KiB")
                .remedy("Shorten its comments, or revoke a token."));
        }
        replace_file(&self.store.token_path(self.name), text.as_bytes())?;
        Ok(after)
    }
}

/// Removes what a killed `fob` left: half a token file is still full of secrets. Under the
/// lock nobody else has such a file.
fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(LEFTOVER) {
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
