//! Room for ledgers.

use std::path::Path;

use nix::sys::statvfs::statvfs;

use super::Finding;

/// Enough for some eighty new ledgers, in bytes.
const LITTLE: u64 = 1 << 20;
const FEW_FILES: u64 = 100;

pub(super) fn examine(state: &Path) -> Option<Finding> {
    let shown = state.display();
    let stat = match statvfs(state) {
        Ok(stat) => stat,
        Err(nix::errno::Errno::ENOENT) => return None,
        Err(errno) => {
            return Some(Finding::unknown(
                "space.unknown",
                format!("{shown}: {}", errno.desc()),
            ));
        }
    };
    let bytes = stat.blocks_available().saturating_mul(stat.fragment_size());
    // A file system without a limit on files says 0 of 0.
    let few = stat.files() > 0 && stat.files_available() < FEW_FILES;
    Some(if bytes < LITTLE || few {
        let what = format!(
            "{shown}: {} KiB and {} files are left",
            bytes >> 10,
            stat.files_available()
        );
        Finding::warning("space.low", what).remedy(
            "Who has a ledger still gets in; who logs in for the first time doesn't. Make room.",
        )
    } else {
        Finding::fine(
            "space.enough",
            format!("{shown}: {} MiB are left", bytes >> 20),
        )
    })
}
