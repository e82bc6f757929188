//! The six functions that libpam calls.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use pamsm::{Pam, PamError, PamFlags, PamServiceModule};

use super::{Host, wipe};
use crate::{journal, login};

struct PamFob;

impl PamServiceModule for PamFob {
    fn authenticate(pam: Pam, flags: PamFlags, words: Vec<String>) -> PamError {
        guarded(|| {
            let host = Host::new(pam, flags.contains(PamFlags::SILENT));
            login::authenticate(&host, &words).code()
        })
    }

    /// What was left for the end of a login; anything but success fails the whole login.
    fn setcred(pam: Pam, flags: PamFlags, words: Vec<String>) -> PamError {
        if !flags.intersects(PamFlags::DELETE_CRED | PamFlags::REFRESH_CRED) {
            guarded(|| {
                let host = Host::new(pam, flags.contains(PamFlags::SILENT));
                login::establish(&host, &words);
                PamError::SUCCESS
            });
        }
        PamError::SUCCESS
    }

    fn acct_mgmt(_: Pam, _: PamFlags, _: Vec<String>) -> PamError {
        PamError::IGNORE
    }

    fn open_session(_: Pam, _: PamFlags, _: Vec<String>) -> PamError {
        PamError::IGNORE
    }

    fn close_session(_: Pam, _: PamFlags, _: Vec<String>) -> PamError {
        PamError::IGNORE
    }

    fn chauthtok(_: Pam, _: PamFlags, _: Vec<String>) -> PamError {
        PamError::IGNORE
    }
}

pamsm::pam_module!(PamFob);

/// Does the work, and wipes what it left on the stack.
fn guarded(entry: impl FnOnce() -> PamError) -> PamError {
    let answer = caught(entry);
    wipe::stack();
    answer
}

/// Turns a panic into `PAM_ABORT`. Without this it would end sshd or sudo, and tell
/// standard error what was typed. Never inlined, so that all of its stack is below that of
/// who wipes it.
#[inline(never)]
fn caught(entry: impl FnOnce() -> PamError) -> PamError {
    static SILENCE: Once = Once::new();
    // This module's own hook: its standard library is linked into it.
    SILENCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
    catch_unwind(AssertUnwindSafe(entry)).unwrap_or_else(|payload| {
        // Dropping it could panic again.
        std::mem::forget(payload);
        let logged = catch_unwind(journal::panic);
        logged.map_or(PamError::ABORT, |()| PamError::ABORT)
    })
}
