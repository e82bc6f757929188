//! Locks that the kernel drops with their process, waited for a limited time.

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
