//! Everybody who has a token file.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::account::name_of_file;
use crate::folder::names;
use crate::{Fault, Store};

/// A file in the folder of the token files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// Whose it is. `None` if no login ever reads a file of that name.
    pub name: Option<String>,
}

impl Store {
    /// All token files that count, in no order, wherever they are. Names that begin with a
    /// dot are temporary files.
    ///
    /// # Errors
    /// A folder can't be read.
    pub fn people(&self) -> Result<Vec<Entry>, Fault> {
        let mut entries = files_of(&self.conf.tokens)?;
        if let Some(folder) = self.enrolled() {
            let names: BTreeSet<Option<String>> = entries.iter().map(|e| e.name.clone()).collect();
            let own = files_of(folder)?.into_iter();
            entries
                .extend(own.filter(|entry| entry.name.is_none() || !names.contains(&entry.name)));
        }
        Ok(entries)
    }

    /// The token files that logins made for people who have one of the administrator's too,
    /// which holds.
    ///
    /// # Errors
    /// A folder can't be read.
    pub fn overruled(&self) -> Result<Vec<Entry>, Fault> {
        let Some(folder) = self.enrolled() else {
            return Ok(Vec::new());
        };
        let mut entries = files_of(folder)?;
        let which = |path: &Path| path.symlink_metadata().map(|is| (is.dev(), is.ino())).ok();
        entries.retain(|entry| {
            let name = entry.path.file_name().unwrap_or_default();
            // The very same file, where fob.conf names one folder for both.
            let other = which(&self.conf.tokens.join(name));
            other.is_some() && other != which(&entry.path)
        });
        Ok(entries)
    }
}

fn files_of(folder: &Path) -> Result<Vec<Entry>, Fault> {
    let names = names(folder).map_err(|errno| Fault::reading(folder, errno))?;
    let visible = names
        .into_iter()
        .filter(|name| name.as_encoded_bytes().first() != Some(&b'.'));
    let entry = |file: OsString| Entry {
        path: folder.join(&file),
        name: file.to_str().and_then(name_of_file),
    };
    Ok(visible.map(entry).collect())
}
