//! Locks that the kernel drops with their process, waited for a limited time.
//!
//! Whoever needs several takes them in this order, or two would wait for each other until one
//! gives up: the folder of the stock, the folder of the token files, ledgers. Two ledgers are
//! never held at once.

use std::fs::File;
use std::ops::Deref;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
#[allow(deprecated, reason = "nix's newer guard panics where unlocking fails")]
use nix::fcntl::{FlockArg, flock};

use crate::{Fault, FaultKind};

/// How long anybody waits.
const DEADLINE: Duration = Duration::from_secs(5);
/// How often somebody who waits looks again: at first, and later.
const PAUSES: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(4));

/// A file that is locked until it is dropped.
#[derive(Debug)]
pub struct Locked(File);

impl Deref for Locked {
    type Target = File;

    fn deref(&self) -> &File {
        &self.0
    }
}

impl Drop for Locked {
    /// Closing the file unlocks it as well, unless a child that the host forked meanwhile has
    /// it too.
    fn drop(&mut self) {
        #[allow(deprecated, reason = "see above")]
        let _ = flock(self.0.as_raw_fd(), FlockArg::Unlock);
    }
}

/// Takes the lock on an open file, waiting at most 5 s. `flock(2)` can't wait for a
/// limited time without a signal, which isn't ours to use; so it is asked again and again.
pub(crate) fn lock(file: File, path: &Path) -> Result<Locked, Fault> {
    let since = Instant::now();
    let mut pause = PAUSES.0;
    loop {
        #[allow(deprecated, reason = "see above")]
        let taken = flock(file.as_raw_fd(), FlockArg::LockExclusiveNonblock);
        match taken {
            Ok(()) => return Ok(Locked(file)),
            Err(Errno::EWOULDBLOCK | Errno::EINTR) if since.elapsed() < DEADLINE => {}
            Err(Errno::EWOULDBLOCK | Errno::EINTR) => {
                let holder =
                    holder(&file).map_or_else(String::new, |pid| format!(" by process {pid}"));
                let what = format!("was locked for 5 s{holder}");
                return Err(Fault::at(FaultKind::LockTimeout, path, what));
            }
            Err(errno) => {
                return Err(Fault::at(FaultKind::StateUnreadable, path, errno.desc()));
            }
        }
        std::thread::sleep(pause);
        pause = pause.saturating_mul(2).min(PAUSES.1);
    }
}

/// Takes the lock on a folder, so that two edits of the files in it don't cross.
///
/// # Errors
/// The folder can't be opened, or somebody else holds the lock for 5 s.
pub fn lock_folder(path: &Path) -> Result<Locked, Fault> {
    let folder = File::open(path)
        .map_err(|error| Fault::at(FaultKind::StateUnreadable, path, error.kind()))?;
    lock(folder, path)
}

/// Who holds the lock, as far as /proc/locks tells.
fn holder(file: &File) -> Option<u32> {
    let inode = file.metadata().ok()?.ino();
    let locks = std::fs::read_to_string("/proc/locks").ok()?;
    // 1: FLOCK  ADVISORY  WRITE 4711 fe:00:1312 0 EOF
    locks.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, "FLOCK", _, _, pid, place, ..] = fields.as_slice() else {
            return None;
        };
        let same = place.rsplit(':').next()?.parse() == Ok(inode);
        pid.parse().ok().filter(|_| same)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn folder(name: &str) -> PathBuf {
        let name = format!("fob-lock-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    }

    /// P7, threats 4.4: nobody is waited for without an end, and the log names who it was.
    #[test]
    fn held_lock_is_waited_for_five_seconds_and_its_holder_named() {
        let (path, other) = (folder("held"), folder("other"));
        let held = lock_folder(&path).unwrap();
        assert_eq!(holder(&held), Some(std::process::id()));
        assert_eq!(holder(&File::open(&other).unwrap()), None);
        let since = Instant::now();
        let fault = lock_folder(&path).unwrap_err();
        assert!(since.elapsed() >= DEADLINE);
        let what = format!("was locked for 5 s by process {}", std::process::id());
        assert_eq!(fault, Fault::at(FaultKind::LockTimeout, &path, what));
        for path in [path, other] {
            std::fs::remove_dir(path).unwrap();
        }
    }

    /// P7: a child that the host forked while somebody logged in keeps nobody out.
    #[test]
    fn lock_ends_where_it_is_dropped_though_its_file_is_still_open() {
        let path = folder("dropped");
        let held = lock_folder(&path).unwrap();
        let _copy = held.try_clone().unwrap();
        drop(held);
        lock_folder(&path).unwrap();
        std::fs::remove_dir(&path).unwrap();
    }
}
