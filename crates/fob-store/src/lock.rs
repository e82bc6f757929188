//! Locks that the kernel drops with their process, waited for a limited time.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::{Fault, FaultKind};

/// How long anybody waits.
const DEADLINE: Duration = Duration::from_secs(5);
/// How often somebody who waits looks again: at first, and later.
const PAUSES: (Duration, Duration) = (Duration::from_micros(100), Duration::from_millis(4));

/// Takes the lock on an open file, waiting at most 5 s. `flock(2)` can't wait for a
/// limited time without a signal, which isn't ours to use; so it is asked again and again.
pub(crate) fn lock(mut file: File, path: &Path) -> Result<Flock<File>, Fault> {
    let since = Instant::now();
    let mut pause = PAUSES.0;
    loop {
        match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
            Ok(locked) => return Ok(locked),
            Err((back, Errno::EWOULDBLOCK | Errno::EINTR)) if since.elapsed() < DEADLINE => {
                file = back
            }
            Err((back, Errno::EWOULDBLOCK | Errno::EINTR)) => {
                let holder =
                    holder(&back).map_or_else(String::new, |pid| format!(" by process {pid}"));
                let what = format!("was locked for 5 s{holder}");
                return Err(Fault::at(FaultKind::LockTimeout, path, what));
            }
            Err((_, errno)) => {
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
pub fn lock_folder(path: &Path) -> Result<Flock<File>, Fault> {
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
