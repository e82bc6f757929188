//! Opening files that only root can have written.
//!
//! A folder that belongs to root and that nobody else may write can be changed by root
//! alone. Checked from `/` down, each such folder vouches for the next name in it, so that
//! the way can't be swapped between the check and the opening. The file itself is checked
//! on its open descriptor.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, open, readlink};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat, lstat};
use zeroize::Zeroizing;

use crate::{Fault, FaultKind};

/// No token file or fob.conf is larger, in bytes.
const MAX_FILE: u64 = 65_536;
/// Symbolic links on a way, at most; as in Linux.
const MAX_LINKS: u32 = 40;

/// What a file must be like beyond belonging to root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Nobody else may read it, and its name is no symbolic link.
    Secret,
    /// Nobody else may write it. Its name may be a symbolic link (NixOS).
    Public,
}

/// Reads a file as a whole. `None` if it isn't there.
///
/// # Errors
/// Any doubt about the file or a folder above it; a folder that isn't there.
pub(crate) fn read(path: &Path, kept: Kept) -> Result<Option<Zeroizing<String>>, Fault> {
    let Some((mut file, stat)) = open_checked(path, kept, OFlag::O_RDONLY)? else {
        return Ok(None);
    };
    let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
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
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Some(Zeroizing::new(text))),
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

/// Opens a file and checks it and its way. `None` if it isn't there.
pub(crate) fn open_checked(
    path: &Path,
    kept: Kept,
    access: OFlag,
) -> Result<Option<(File, FileStat)>, Fault> {
    let path = &match kept {
        Kept::Secret => path.to_owned(),
        Kept::Public => resolve(path)?,
    };
    check_folder(path.parent().unwrap_or(Path::new("/")))?;
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
    let stat = fstat(&file).map_err(|errno| Fault::reading(path, errno))?;
    check_file(path, &stat, kept)?;
    Ok(Some((file, stat)))
}

/// Whether a file of that name is there, whatever it is. The folder is checked.
pub(crate) fn is_there(path: &Path) -> Result<bool, Fault> {
    check_folder(path.parent().unwrap_or(Path::new("/")))?;
    match lstat(path) {
        Ok(_) => Ok(true),
        // No file has a name that is too long.
        Err(Errno::ENOENT | Errno::ENAMETOOLONG) => Ok(false),
        Err(errno) => Err(Fault::reading(path, errno)),
    }
}

/// Checks a folder and all above it. Symbolic links among them must be root's too.
pub(crate) fn check_folder(path: &Path) -> Result<(), Fault> {
    walk(path).and_then(|walked| match walked {
        Walked::There(_) => Ok(()),
        Walked::Missing(part) => Err(Fault::at(
            FaultKind::StateMissing,
            &part,
            "there is no such folder",
        )),
    })
}

/// Where a path leads, its last part included, if every link on the way is root's.
fn resolve(path: &Path) -> Result<PathBuf, Fault> {
    match lstat(path) {
        Ok(stat) if kind(&stat) == SFlag::S_IFLNK => {
            let parent = path.parent().unwrap_or(Path::new("/"));
            check_folder(parent)?;
            if stat.st_uid != 0 {
                return Err(Fault::at(
                    FaultKind::StateTooOpen,
                    path,
                    "does not belong to root",
                ));
            }
            let target = readlink(path).map_err(|errno| Fault::reading(path, errno))?;
            let target = parent.join(target);
            let folder = target.parent().unwrap_or(Path::new("/"));
            match walk(folder)? {
                // A link to a link is more than any packaging does.
                Walked::There(folder) => Ok(folder.join(target.file_name().unwrap_or_default())),
                Walked::Missing(part) => Err(Fault::at(
                    FaultKind::StateMissing,
                    &part,
                    "there is no such folder",
                )),
            }
        }
        _ => Ok(path.to_owned()),
    }
}

enum Walked {
    There(PathBuf),
    Missing(PathBuf),
}

/// Goes down from `/`, part by part, through root's symbolic links.
fn walk(path: &Path) -> Result<Walked, Fault> {
    let mut at = PathBuf::from("/");
    let mut ahead = parts(path);
    let mut links = 0u32;
    check_part(
        &at,
        &lstat(&at).map_err(|errno| Fault::reading(&at, errno))?,
    )?;
    while let Some(part) = ahead.pop_front() {
        if part == ".." {
            at.pop();
            continue;
        }
        at.push(&part);
        let stat = match lstat(&at) {
            Ok(stat) => stat,
            Err(Errno::ENOENT) => return Ok(Walked::Missing(at)),
            Err(errno) => return Err(Fault::reading(&at, errno)),
        };
        check_part(&at, &stat)?;
        if kind(&stat) == SFlag::S_IFLNK {
            links = links.saturating_add(1);
            if links > MAX_LINKS {
                return Err(Fault::at(
                    FaultKind::StateUnreadable,
                    &at,
                    Errno::ELOOP.desc(),
                ));
            }
            let target = PathBuf::from(readlink(&at).map_err(|errno| Fault::reading(&at, errno))?);
            at.pop();
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            parts(&target)
                .into_iter()
                .rev()
                .for_each(|part| ahead.push_front(part));
        }
    }
    Ok(Walked::There(at))
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter_map(|component| match component {
            Component::Normal(part) => Some(part.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect()
}

/// A folder, or a symbolic link to one, that only root can change.
fn check_part(path: &Path, stat: &FileStat) -> Result<(), Fault> {
    let wrong = |what| Err(Fault::at(FaultKind::StateTooOpen, path, what));
    let link = kind(stat) == SFlag::S_IFLNK;
    if stat.st_uid != 0 {
        return wrong("does not belong to root; run: chown root: on it".to_owned());
    }
    if !link && kind(stat) != SFlag::S_IFDIR {
        return wrong("is not a folder".to_owned());
    }
    if !link && stat.st_mode & 0o022 != 0 {
        let mode = stat.st_mode & 0o7777;
        return wrong(format!(
            "others may write to it (mode {mode:04o}); run: chmod go-w on it"
        ));
    }
    Ok(())
}

fn check_file(path: &Path, stat: &FileStat, kept: Kept) -> Result<(), Fault> {
    let wrong = |what| Err(Fault::at(FaultKind::StateTooOpen, path, what));
    let forbidden = match kept {
        Kept::Secret => 0o077,
        Kept::Public => 0o022,
    };
    let mode = stat.st_mode & 0o7777;
    if kind(stat) != SFlag::S_IFREG {
        return wrong("is not a plain file".to_owned());
    }
    if stat.st_uid != 0 {
        return wrong("does not belong to root; run: chown root: on it".to_owned());
    }
    if mode & forbidden != 0 {
        return wrong(format!(
            "is too open (mode {mode:04o}); run: chmod 600 on it"
        ));
    }
    if stat.st_nlink != 1 && kept == Kept::Secret {
        return wrong("has a second name (a hard link)".to_owned());
    }
    Ok(())
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
}
