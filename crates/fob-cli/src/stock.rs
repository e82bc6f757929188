//! The stock: tokens that nobody has yet. One token file each, called by the serial instead
//! of a person.

use std::collections::HashSet;
use std::path::PathBuf;

use fob_core::Token;
use fob_core::format::TokenFile;
use fob_store::{Batch, Fault, Store, create_folder, remove_file, replace_file};
use zeroize::Zeroizing;

use crate::people;
use crate::stop::Stop;
use crate::token_edit::Folder;
use crate::token_text::{NoList, TokenText};

/// A serial, and its token or why it has none.
pub(crate) type Kept = (String, Result<Token, String>);

/// The stock, locked. Its lock is the first of all; the order is in `fob-store`'s `lock.rs`.
pub(crate) struct Stock {
    store: Store,
    _lock: Folder,
}

impl Stock {
    /// Makes the folder if there is none, and locks it.
    ///
    /// # Errors
    /// It can't be made, or somebody else holds the lock.
    pub(crate) fn open(store: &Store) -> Result<Self, Stop> {
        let store = store.stock();
        create_folder(&store.conf.tokens)?;
        let lock = Folder::lock(&store)?;
        Ok(Self { store, _lock: lock })
    }

    /// The token of that serial. `None` if there is none.
    ///
    /// # Errors
    /// The file can't be trusted, isn't right, or doesn't have that token alone.
    pub(crate) fn find(&self, serial: &str) -> Result<Option<Token>, Stop> {
        let Some(mut file) = self.store.tokens(serial)? else {
            return Ok(None);
        };
        let is_alone = file.tokens.len() == 1 && file.refused.is_empty();
        let token = file.tokens.pop().filter(|_| is_alone);
        let token = token.filter(|token| token.serial.as_deref().is_none_or(|s| s == serial));
        let mut token = token.ok_or_else(|| self.no_single_token(serial, &file))?;
        token.serial = Some(serial.into());
        Ok(Some(token))
    }

    /// Puts a token in, in the place of an older one of that serial. While it is `held`,
    /// nobody is given it.
    ///
    /// # Errors
    /// It couldn't be written.
    pub(crate) fn put(&self, serial: &str, token: &Token, held: bool) -> Result<(), Stop> {
        let (path, text) = self.file(serial, token, held)?;
        Ok(replace_file(&path, text.as_bytes())?)
    }

    /// The file of a token, and what it is to say.
    fn file(
        &self,
        serial: &str,
        token: &Token,
        held: bool,
    ) -> Result<(PathBuf, Zeroizing<String>), Stop> {
        let path = self.store.token_path(serial);
        let plain = text(serial, token, held);
        let text = plain.as_ref().map(TokenText::to_text);
        // What is written must say the same, to the last counter.
        let same = |read: &Token| read.key() == token.key() && read.kind == token.kind;
        let text = text.ok().filter(|text| {
            let file = TokenFile::parse(text).unwrap_or_default();
            file.tokens.first().is_some_and(same)
        });
        let text = text.ok_or_else(|| {
            let what = format!("{}: no file can hold this token", path.display());
            Stop::unknown(what)
        })?;
        let Some(key) = self.store.seal_key()? else {
            return Ok((path, text));
        };
        let mut sealed = plain?;
        sealed.seal(serial, key)?;
        Ok((path, sealed.to_text()))
    }

    /// Puts many new tokens in at once. None takes the place of another, whose secret would be
    /// lost.
    ///
    /// # Errors
    /// There is one of that serial, or one couldn't be written: then none was, unless the folder
    /// failed in the middle of giving them their names.
    pub(crate) fn put_all(&self, tokens: &[(String, Token)]) -> Result<(), Stop> {
        let mut batch = Batch::begin(&self.store.conf.tokens)?;
        let mut paths = HashSet::new();
        for (serial, token) in tokens {
            let (path, text) = self.file(serial, token, false)?;
            if !paths.insert(path.clone()) || path.symlink_metadata().is_ok() {
                let what = format!("{}: another token has this serial", path.display());
                return Err(Stop::unknown(what).remedy("See: fob assign --list"));
            }
            batch.add(&path, text.as_bytes())?;
        }
        Ok(batch.commit(|_| {})?)
    }

    /// Takes a token out.
    ///
    /// # Errors
    /// It couldn't be removed.
    pub(crate) fn remove(&self, serial: &str) -> Result<(), Fault> {
        remove_file(&self.store.token_path(serial))
    }

    /// What is in it, by serial: a token, or why there is none.
    ///
    /// # Errors
    /// The folder can't be read.
    pub(crate) fn list(&self) -> Result<Vec<Kept>, Stop> {
        let serials = people::holders(&self.store)?;
        let found = |serial: String| {
            let token = match self.find(&serial) {
                Ok(token) => token.ok_or_else(|| "the file's name is no serial".to_owned()),
                Err(stop) => Err(stop.what),
            };
            (serial, token)
        };
        Ok(serials.into_iter().map(found).collect())
    }

    /// The path of a token's file.
    pub(crate) fn path(&self, serial: &str) -> String {
        self.store.token_path(serial).display().to_string()
    }

    fn no_single_token(&self, serial: &str, file: &TokenFile) -> Stop {
        let path = self.path(serial);
        let what = match file.refused.first() {
            Some(refused) => format!("{path}: {}", refused.error),
            None => format!("{path}: must have one token, and of that serial"),
        };
        Stop::unknown(what).remedy("Correct the file.")
    }
}

fn text(serial: &str, token: &Token, held: bool) -> Result<TokenText, NoList> {
    let plain: String = serial.chars().filter(|c| !c.is_control()).collect();
    let first = format!("# The token {plain}, in stock.\nversion = 1\n");
    let mut text = TokenText::parse(&first).ok_or(NoList)?;
    text.add(token)?;
    text.set_disabled(Some(&token.id), held)?;
    Ok(text)
}
