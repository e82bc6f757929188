//! Opening files that only root can have written: the way by [`crate::way`], the file itself
//! on its open descriptor.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use zeroize::Zeroizing;

use crate::create::remove_temporary_name;
use crate::way::{Way, look_at};
use crate::{Fault, FaultKind};

/// No token file or fob.conf is larger, in bytes.
pub const MAX_FILE: u64 = 65_536;

/// What has no name any more was replaced since it was opened, and what has a temporary name
/// beside its own was just made: it is opened again, at most as often as this.
const MOST_REPLACEMENTS: u32 = 16;

/// What a file must be like beyond belonging to root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Nobody else may read it, and its name is no symbolic link.
    Secret,
    /// Nobody else may write it. Its name may be a symbolic link (NixOS).
    Public,
}

/// Which file has a name, and how it stands: another one means that something was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    file: (u64, u64),
    changed: (i64, i64),
    size: u64,
}

impl Stamp {
    fn of(stat: &Metadata) -> Self {
        Self {
            file: (stat.dev(), stat.ino()),
            changed: (stat.ctime(), stat.ctime_nsec()),
            size: stat.len(),
        }
    }

    /// Whether the file at `path` is the one that was read, as it was read.
    pub(crate) fn still_fits(&self, path: &Path) -> bool {
        look_at(path).is_ok_and(|stat| Self::of(&stat) == *self)
    }
}

/// Reads a file as a whole. `None` if it isn't there.
///
/// # Errors
/// Any doubt about the file or a folder above it; a folder that isn't there.
pub(crate) fn read(way: &Way, path: &Path, kept: Kept) -> Result<Option<Zeroizing<String>>, Fault> {
    Ok(read_stamped(way, path, kept)?.map(|(text, _)| text))
}

/// The same, and which file it was.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_stamped(
    way: &Way,
    path: &Path,
    kept: Kept,
) -> Result<Option<(Zeroizing<String>, Stamp)>, Fault> {
    let Some((mut bytes, stat)) = read_with_stat(way, path, kept)? else {
        return Ok(None);
    };
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Some((Zeroizing::new(text), Stamp::of(&stat)))),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(Fault::at(
                FaultKind::StateDamaged,
                path,
                "is not UTF-8 text",
            ))
        }
    }
}

/// Reads a file that need not be text.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_bytes(
    way: &Way,
    path: &Path,
    kept: Kept,
) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
    Ok(read_with_stat(way, path, kept)?.map(|(bytes, _)| bytes))
}

type Content = (Zeroizing<Vec<u8>>, Metadata);

fn read_with_stat(way: &Way, path: &Path, kept: Kept) -> Result<Option<Content>, Fault> {
    let Some((mut file, stat)) = open_checked(way, path, kept, OFlag::O_RDONLY)? else {
        return Ok(None);
    };
    let size = stat.len();
    if size > MAX_FILE {
        return Err(Fault::at(
            FaultKind::StateDamaged,
            path,
            "is larger than 64 KiB",
        ));
    }
    let mut bytes = Zeroizing::new(vec![0; usize::try_from(size).unwrap_or_default()]);
    file.read_exact(&mut bytes)
        .map_err(|error| Fault::at(FaultKind::StateUnreadable, path, error.kind()))?;
    Ok(Some((bytes, stat)))
}

/// Opens a file and checks it and its way. `None` if it isn't there.
pub(crate) fn open_checked(
    way: &Way,
    path: &Path,
    kept: Kept,
    access: OFlag,
) -> Result<Option<(File, Metadata)>, Fault> {
    let resolved = match kept {
        Kept::Secret => {
            way.check_folder(path.parent().unwrap_or(Path::new("/")))?;
            None
        }
        Kept::Public => match way.resolve(path)? {
            Some(target) => Some(target),
            None => return Ok(None),
        },
    };
    let path = resolved.as_deref().unwrap_or(path);
    for _ in 0..MOST_REPLACEMENTS {
        let Some((file, stat)) = open_one(path, access)? else {
            return Ok(None);
        };
        let again = match stat.nlink() {
            0 => true,
            // Perhaps it was just made, or whoever made it was killed.
            2 if kept == Kept::Secret => {
                remove_temporary_name(path, &stat)?
                    || file.metadata().is_ok_and(|now| now.nlink() != 2)
            }
            _ => false,
        };
        if !again {
            check_file(path, &stat, kept)?;
            return Ok(Some((file, stat)));
        }
    }
    Err(Fault::at(
        FaultKind::StateUnreadable,
        path,
        "was replaced each time it was opened",
    ))
}

/// Opens what has this name now.
fn open_one(path: &Path, access: OFlag) -> Result<Option<(File, Metadata)>, Fault> {
    let flags = access | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    let file = match open(path, flags, Mode::empty()) {
        Ok(descriptor) => File::from(descriptor),
        Err(Errno::ENOENT) => return Ok(None),
        Err(Errno::ELOOP) => {
            return Err(Fault::at(
                FaultKind::StateTooOpen,
                path,
                "is a symbolic link",
            ));
        }
        Err(errno) => return Err(Fault::reading(path, errno)),
    };
    let stat = file
        .metadata()
        .map_err(|error| Fault::reading(path, error))?;
    Ok(Some((file, stat)))
}

/// Whether a file of that name is there, whatever it is. The folder is checked.
pub(crate) fn is_there(way: &Way, path: &Path) -> Result<bool, Fault> {
    way.check_folder(path.parent().unwrap_or(Path::new("/")))?;
    match look_at(path) {
        Ok(_) => Ok(true),
        // No file has a name that is too long.
        Err(Errno::ENOENT | Errno::ENAMETOOLONG) => Ok(false),
        Err(errno) => Err(Fault::reading(path, errno)),
    }
}

/// Whether a symbolic link has this name.
pub(crate) fn is_link(path: &Path) -> bool {
    look_at(path).is_ok_and(|stat| stat.is_symlink())
}

fn check_file(path: &Path, stat: &Metadata, kept: Kept) -> Result<(), Fault> {
    let wrong = |what| Err(Fault::at(FaultKind::StateTooOpen, path, what));
    let forbidden = match kept {
        Kept::Secret => 0o077,
        Kept::Public => 0o022,
    };
    let mode = stat.mode() & 0o7777;
    if !stat.is_file() {
        return wrong("is not a plain file".to_owned());
    }
    if stat.uid() != 0 {
        return wrong("does not belong to root; run: chown root: on it".to_owned());
    }
    if mode & forbidden != 0 {
        return wrong(format!(
            "is too open (mode {mode:04o}); run: chmod 600 on it"
        ));
    }
    if stat.nlink() != 1 && kept == Kept::Secret {
        return wrong("has a second name (a hard link)".to_owned());
    }
    Ok(())
}

#[cfg(test)]
#[path = "trusted_tests.rs"]
mod tests;
