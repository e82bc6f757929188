//! The folder that the letters go to.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, OpenOptions, Permissions, set_permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fob_store::Disk;

use super::letters::PAGES;
use super::wish::Format;
use crate::stop::Stop;

/// How the file of all pages begins.
const HEAD: &str = include_str!("letters.html");

/// The folder of the letters. Dropped before it is kept, what was written is gone.
pub(super) struct Letters {
    path: PathBuf,
    disk: Disk,
    files: BTreeSet<String>,
    kept: bool,
}

impl Letters {
    /// Whether letters can be put there.
    ///
    /// # Errors
    /// There is something already, or it is somebody else's.
    pub(super) fn check(path: &Path) -> Result<(), Stop> {
        let wrong = |what: &str| {
            Err(Stop::unknown(format!("{}: {what}", path.display()))
                .remedy("Name a folder that doesn't exist yet."))
        };
        match std::fs::symlink_metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => wrong(&error.to_string()),
            Ok(about) if !about.is_dir() => wrong("is not a folder"),
            Ok(about) if about.uid() != 0 => wrong("does not belong to root"),
            Ok(_) => match std::fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
                Ok(true) => Ok(()),
                Ok(false) => wrong("is not empty"),
                Err(error) => wrong(&error.to_string()),
            },
        }
    }

    /// Makes the folder, which root alone can enter.
    ///
    /// # Errors
    /// Those of [`check`](Self::check); it can't be made.
    pub(super) fn begin(path: &Path, format: Format) -> Result<Self, Stop> {
        Self::check(path)?;
        let failed = |error: std::io::Error| Stop::unknown(format!("{}: {error}", path.display()));
        match DirBuilder::new().mode(0o700).create(path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(failed(error)),
            _ => set_permissions(path, Permissions::from_mode(0o700)).map_err(failed)?,
        }
        let mut folder = Self {
            path: path.to_owned(),
            disk: Disk::of(path)?,
            files: BTreeSet::new(),
            kept: false,
        };
        if format == Format::Html {
            folder.append(PAGES, HEAD.as_bytes())?;
        }
        Ok(folder)
    }

    /// Writes at the end of a file.
    ///
    /// # Errors
    /// It can't be written.
    pub(super) fn append(&mut self, file: &str, content: &[u8]) -> Result<(), Stop> {
        self.files.insert(file.into());
        let path = self.path.join(file);
        let mut options = OpenOptions::new();
        options.create(true).append(true).mode(0o600);
        options
            .open(&path)
            .and_then(|mut file| file.write_all(content))
            .map_err(|error| Stop::unknown(format!("{}: {error}", path.display())))
    }

    /// Makes the letters durable: from now on somebody may need them.
    ///
    /// # Errors
    /// The disk didn't confirm.
    pub(super) fn keep(&mut self) -> Result<(), Stop> {
        self.disk.sync()?;
        self.kept = true;
        Ok(())
    }

    /// Writes the report, which says that all went well.
    ///
    /// # Errors
    /// It can't be written.
    pub(super) fn report(&mut self, text: &str) -> Result<(), Stop> {
        self.append("report.csv", text.as_bytes())?;
        Ok(self.disk.sync()?)
    }
}

impl Drop for Letters {
    fn drop(&mut self) {
        if !self.kept {
            for file in &self.files {
                let _ = std::fs::remove_file(self.path.join(file));
            }
            let _ = std::fs::remove_dir(&self.path);
        }
    }
}
