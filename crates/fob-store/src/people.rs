//! Everybody who has a token file.

use std::path::PathBuf;

use crate::account::name_of_file;
use crate::{Fault, FaultKind, Store};

/// A file in the folder of the token files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub path: PathBuf,
    /// Whose it is. `None` if no login ever reads a file of that name.
    pub name: Option<String>,
}

impl Store {
    /// All token files, in no order. Names that begin with a dot are temporary files.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn people(&self) -> Result<Vec<Entry>, Fault> {
        let folder = &self.conf.tokens;
        let failed =
            |error: std::io::Error| Fault::at(FaultKind::StateUnreadable, folder, error.kind());
        let mut entries = Vec::new();
        let list = match std::fs::read_dir(folder) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(entries),
            list => list.map_err(failed)?,
        };
        for entry in list {
            let entry = entry.map_err(failed)?;
            let file = entry.file_name();
            if file.as_encoded_bytes().first() != Some(&b'.') {
                entries.push(Entry {
                    path: entry.path(),
                    name: file.to_str().and_then(name_of_file),
                });
            }
        }
        Ok(entries)
    }
}
