//! Many files that appear complete: written and synced together, since a sync for each of
//! ten thousand files takes minutes.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use nix::unistd::{syncfs, unlink};

use crate::Fault;
use crate::create::{named_temporary, sync_folder};

/// The file system of a folder. Opened before anything is written there, so that a failed
/// write shows in the sync (Linux 5.8).
#[derive(Debug)]
pub struct Disk {
    folder: File,
    path: PathBuf,
}

impl Disk {
    /// The file system of `folder`.
    ///
    /// # Errors
    /// The folder can't be opened.
    pub fn of(folder: &Path) -> Result<Self, Fault> {
        Ok(Self {
            folder: File::open(folder).map_err(|error| Fault::writing(folder, error))?,
            path: folder.to_owned(),
        })
    }

    /// The file system of a folder that is open already; `path` is what it is called.
    pub fn of_open(folder: File, path: &Path) -> Self {
        let path = path.to_owned();
        Self { folder, path }
    }

    /// Makes all that was written there durable.
    ///
    /// # Errors
    /// The disk didn't confirm.
    pub fn sync(&self) -> Result<(), Fault> {
        syncfs(&self.folder).map_err(|errno| Fault::writing(&self.path, errno))
    }
}

/// Files that will replace others. Dropped, they are gone.
#[derive(Debug)]
pub struct Batch {
    /// The disks of their folders, each opened before anything is written there.
    disks: Vec<Disk>,
    /// The temporary names, in order, each with the name that it will have.
    files: Vec<(PathBuf, PathBuf)>,
}

impl Batch {
    /// No files yet; most will be in this folder.
    ///
    /// # Errors
    /// The folder can't be opened.
    pub fn begin(folder: &Path) -> Result<Self, Fault> {
        Ok(Self {
            disks: vec![Disk::of(folder)?],
            files: Vec::new(),
        })
    }

    /// Writes what will be at `path`, readable by root alone.
    ///
    /// # Errors
    /// It couldn't be written.
    pub fn add(&mut self, path: &Path, content: &[u8]) -> Result<(), Fault> {
        // Beside its place, for no file moves from one disk to another.
        let folder = path.parent().unwrap_or(Path::new("/"));
        if self.disks.iter().all(|disk| disk.path != folder) {
            self.disks.push(Disk::of(folder)?);
        }
        let (mut file, name) =
            named_temporary(folder).map_err(|errno| Fault::writing(path, errno))?;
        self.files.push((name.unwrap_or_default(), path.to_owned()));
        file.write_all(content)
            .map_err(|error| Fault::writing(path, error))
    }

    /// Makes them durable, then gives each its name; `done` is told the place of each.
    ///
    /// # Errors
    /// The disk didn't confirm, or a name couldn't be given: the files before it have theirs.
    pub fn commit(mut self, mut done: impl FnMut(usize)) -> Result<(), Fault> {
        self.disks.iter().try_for_each(Disk::sync)?;
        let mut files = std::mem::take(&mut self.files).into_iter().enumerate();
        let mut failed = None;
        for (place, (from, to)) in files.by_ref() {
            match std::fs::rename(&from, &to) {
                Ok(()) => done(place),
                Err(error) => {
                    failed = Some(Fault::writing(&to, error));
                    self.files.push((from, to));
                    break;
                }
            }
        }
        // Those that are left go when this is dropped.
        self.files.extend(files.map(|(_, file)| file));
        let named = || {
            let mut folders = self.disks.iter().map(|disk| &disk.path);
            folders.try_for_each(|folder| sync_folder(folder))
        };
        failed.map_or_else(named, Err)
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        for (temporary, _) in &self.files {
            let _ = unlink(temporary.as_path());
        }
    }
}
