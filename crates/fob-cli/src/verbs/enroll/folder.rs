//! The folder that the letters go to.

use std::collections::BTreeSet;
use std::fs::{DirBuilder, File, Permissions};
use std::io::{ErrorKind, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fob_store::Disk;
use nix::fcntl::{OFlag, open, openat};
use nix::sys::stat::Mode;
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::letters::PAGES;
use super::wish::Format;
use crate::stop::Stop;

/// How the file of all pages begins.
const HEAD: &str = include_str!("letters.html");

/// The folder of the letters. Dropped before it is kept, what was written is gone.
///
/// Its name may stand where others can put another folder in its place (`/tmp`), so it is gone
/// by once: everything is written into the very folder that was found to be root's.
pub(super) struct Letters {
    path: PathBuf,
    folder: File,
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
            _ => {}
        }
        let opened = roots_own(path).map_err(failed)?;
        let mut folder = Self {
            path: path.to_owned(),
            disk: Disk::of_open(opened.try_clone().map_err(failed)?, path),
            folder: opened,
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
        let is_new = self.files.insert(file.into());
        let way = if is_new {
            OFlag::O_EXCL
        } else {
            OFlag::empty()
        };
        let flags = OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CLOEXEC;
        let mode = Mode::S_IRUSR | Mode::S_IWUSR;
        openat(&self.folder, file, flags | OFlag::O_NOFOLLOW | way, mode)
            .map_err(std::io::Error::from)
            .and_then(|opened: OwnedFd| File::from(opened).write_all(content))
            .map_err(|error| {
                let path = self.path.join(file);
                Stop::unknown(format!("{}: {error}", path.display()))
            })
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
                let _ = unlinkat(
                    self.folder.as_fd(),
                    file.as_str(),
                    UnlinkatFlags::NoRemoveDir,
                );
            }
            let _ = std::fs::remove_dir(&self.path);
        }
    }
}

/// Opens the folder, and closes it to all but root.
fn roots_own(path: &Path) -> std::io::Result<File> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let folder = File::from(open(path, flags, Mode::empty())?);
    if folder.metadata()?.uid() != 0 {
        return Err(std::io::Error::other("does not belong to root"));
    }
    folder.set_permissions(Permissions::from_mode(0o700))?;
    Ok(folder)
}
