//! Files that appear complete or not at all.

use std::ffi::OsStr;
use std::fs::{File, Metadata, Permissions};
use std::io::{Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, open};
#[cfg(target_env = "gnu")]
use nix::fcntl::{RenameFlags, renameat2};
use nix::sys::stat::Mode;
use nix::unistd::{linkat, unlink};

use crate::Fault;
use crate::folder::names;
use crate::way::look_at;

/// How the names of temporary files begin.
const TEMPORARY: &str = ".new-";

/// Creates a file with this content, synced, readable by root alone. `false` if somebody
/// else was faster: theirs stays.
///
/// # Errors
/// Anything that kept it from being written; nothing is left behind.
pub fn create_file(path: &Path, content: &[u8]) -> Result<bool, Fault> {
    let failed = |errno: Errno| Fault::writing(path, errno);
    let folder = path.parent().unwrap_or(Path::new("/"));
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let flags = OFlag::O_TMPFILE | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    let (mut file, temporary) = match open(folder, flags, mode) {
        Ok(descriptor) => (File::from(descriptor), None),
        // Not every file system can have files without a name.
        Err(Errno::EOPNOTSUPP | Errno::EISDIR) => named_temporary(folder).map_err(failed)?,
        Err(errno) => return Err(failed(errno)),
    };
    let written = file
        .set_permissions(Permissions::from_mode(0o600))
        .and_then(|()| file.write_all(content))
        .and_then(|()| file.sync_all())
        .map_err(|error| Fault::writing(path, error));
    let named = written.and_then(|()| {
        let named = match &temporary {
            None => link_unnamed(&file, path),
            Some(name) => rename_to_new(name, path),
        };
        match named {
            Ok(()) => Ok(true),
            Err(Errno::EEXIST) => Ok(false),
            Err(errno) => Err(failed(errno)),
        }
    });
    if let Some(name) = temporary.filter(|_| named != Ok(true)) {
        let _ = unlink(name.as_path());
    }
    if named? {
        sync_folder(folder)?;
        return Ok(true);
    }
    Ok(false)
}

/// Gives a file without a name its name. Where the kernel wants a capability for that
/// (before 6.10), /proc does it without.
fn link_unnamed(file: &File, path: &Path) -> Result<(), Errno> {
    match linkat(file, "", AT_FDCWD, path, AtFlags::AT_EMPTY_PATH) {
        Err(Errno::ENOENT) => {
            let name = format!("/proc/self/fd/{}", file.as_raw_fd());
            linkat(
                AT_FDCWD,
                name.as_str(),
                AT_FDCWD,
                path,
                AtFlags::AT_SYMLINK_FOLLOW,
            )
        }
        linked => linked,
    }
}

/// Gives a temporary file a name that nothing has. Where the file system or the C library can't
/// do that in one step (NFS; musl), the file has two names for a moment, and for good if we are
/// killed then: whoever reads it takes the first one away.
fn rename_to_new(name: &Path, path: &Path) -> Result<(), Errno> {
    match rename_at_once(name, path) {
        Err(Errno::EINVAL | Errno::ENOSYS | Errno::EOPNOTSUPP) => {
            linkat(AT_FDCWD, name, AT_FDCWD, path, AtFlags::empty())?;
            let _ = unlink(name);
            Ok(())
        }
        renamed => renamed,
    }
}

#[cfg(target_env = "gnu")]
fn rename_at_once(name: &Path, path: &Path) -> Result<(), Errno> {
    renameat2(
        AT_FDCWD,
        name,
        AT_FDCWD,
        path,
        RenameFlags::RENAME_NOREPLACE,
    )
}

#[cfg(not(target_env = "gnu"))]
fn rename_at_once(_: &Path, _: &Path) -> Result<(), Errno> {
    Err(Errno::ENOSYS)
}

/// Whether it is the name of a temporary file, which a killed process may leave in a folder.
pub fn is_temporary(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(TEMPORARY.as_bytes())
}

/// Takes away the temporary name of a file that has another one by now: whoever made it was
/// killed before they came to that, or is about to. `false` if it has no such name.
pub(crate) fn remove_temporary_name(path: &Path, stat: &Metadata) -> Result<bool, Fault> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let names = names(folder).map_err(|errno| Fault::reading(folder, errno))?;
    let same = |other: &PathBuf| {
        let other = look_at(other);
        other.is_ok_and(|other| (other.dev(), other.ino()) == (stat.dev(), stat.ino()))
    };
    let mut others = names.into_iter().filter(|name| is_temporary(name));
    let Some(other) = others.find_map(|name| Some(folder.join(name)).filter(same)) else {
        return Ok(false);
    };
    match unlink(other.as_path()) {
        Ok(()) | Err(Errno::ENOENT) => Ok(true),
        Err(errno) => Err(Fault::writing(&other, errno)),
    }
}

/// Replaces a file as a whole, synced, readable by root alone: readers see the old one or
/// the new one.
///
/// # Errors
/// Anything that kept it from being written; the old one stays.
pub fn replace_file(path: &Path, content: &[u8]) -> Result<(), Fault> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let (mut file, name) = named_temporary(folder).map_err(|errno| Fault::writing(path, errno))?;
    let name = name.unwrap_or_default();
    let replaced = file
        .write_all(content)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::rename(&name, path))
        .map_err(|error| Fault::writing(path, error));
    if replaced.is_err() {
        let _ = unlink(name.as_path());
    }
    replaced.and_then(|()| sync_folder(folder))
}

/// Removes a file, durably.
///
/// # Errors
/// Anything that kept it from being removed.
pub fn remove_file(path: &Path) -> Result<(), Fault> {
    unlink(path).map_err(|errno| Fault::writing(path, errno))?;
    sync_folder(path.parent().unwrap_or(Path::new("/")))
}

/// Creates a folder that only root may enter, and those above it, where they are missing.
/// Each is durable.
///
/// # Errors
/// Anything that kept it from being created.
pub fn create_folder(path: &Path) -> Result<(), Fault> {
    create_with_mode(path, 0o700)
}

fn create_with_mode(path: &Path, mode: u32) -> Result<(), Fault> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new("/"));
    create_with_mode(parent, 0o755)?;
    match std::fs::DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(Fault::writing(path, error))
        }
        _ => sync_folder(parent),
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Fault> {
    File::open(folder)
        .and_then(|opened| opened.sync_all())
        .map_err(|error| Fault::writing(folder, error))
}

/// Bytes that nobody can guess.
///
/// # Errors
/// `/dev/urandom` can't be read.
pub fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let path = Path::new("/dev/urandom");
    let mut bytes = [0; N];
    File::open(path)
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|error| Fault::at(crate::FaultKind::StateUnreadable, path, error.kind()))?;
    Ok(bytes)
}

pub(crate) type Temporary = (File, Option<PathBuf>);

/// A file with a name that nothing reads: it begins with a dot.
pub(crate) fn named_temporary(folder: &Path) -> Result<Temporary, Errno> {
    let mode = Mode::S_IRUSR | Mode::S_IWUSR;
    let flags =
        OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_WRONLY | OFlag::O_CLOEXEC | OFlag::O_NOFOLLOW;
    let unique: [u8; 8] = random().map_err(|_| Errno::EIO)?;
    let name = folder.join(format!(
        "{TEMPORARY}{}",
        fob_core::format::hex_text(&unique)
    ));
    Ok((File::from(open(&name, flags, mode)?), Some(name)))
}
