//! What is in a folder.

use std::ffi::{OsStr, OsString};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use nix::dir::Dir;
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::close;

/// The names in a folder; none where there is no folder.
///
/// Not by `std::fs::read_dir`: it panics where the folder's `close` fails.
pub(crate) fn names(folder: &Path) -> Result<Vec<OsString>, Errno> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let opened = match open(folder, flags, Mode::empty()) {
        Err(Errno::ENOENT) => return Ok(Vec::new()),
        opened => opened?,
    };
    let descriptor = opened.as_raw_fd();
    let mut opened = Dir::from_fd(opened).inspect_err(|_| {
        // Nix 0.31 leaves it open, and nobody owns it any more.
        let _ = close(descriptor);
    })?;
    let mut names = Vec::new();
    for entry in opened.iter() {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        if name != "." && name != ".." {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder that can't be read isn't taken for an empty one.
    #[test]
    fn names_are_of_the_folder_alone_and_no_folder_has_none() {
        let folder = std::env::temp_dir().join(format!("fob-folder-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        for name in ["a", ".b"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        let mut found = names(&folder).unwrap();
        found.sort();
        assert_eq!(found, [".b", "a"]);
        assert_eq!(names(&folder.join("a")), Err(Errno::ENOTDIR));
        assert_eq!(names(&folder.join("c")), Ok(vec![]));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
