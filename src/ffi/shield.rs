//! What nobody may do to us while we hold a lock.
//!
//! Somebody who runs su or sudo is the real uid of its process, and may stop it with a
//! signal: with root's ledger locked, if that is whom they named. So while the ledger is
//! locked, signals wait, and the process is root's in every respect.

use std::ptr;

use fob_store::{Fault, FaultKind};
use libc::{c_long, uid_t};
use nix::errno::Errno;
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::unistd::Uid;

#[cfg(any(target_arch = "x86", target_arch = "arm"))]
const SETRESUID: c_long = libc::SYS_setresuid32;
#[cfg(not(any(target_arch = "x86", target_arch = "arm")))]
const SETRESUID: c_long = libc::SYS_setresuid;

/// Leaves an id as it is.
const SAME: uid_t = uid_t::MAX;

/// Runs `work` with signals held back and root as the real uid, and puts both back.
///
/// # Errors
/// Those of `work`; or the caller's real uid can't be changed, or put back: nobody gets in by
/// a process that is root in more respects than before.
pub(crate) fn shielded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let failed = |errno: Errno| Fault::new(FaultKind::NotRoot, errno.desc());
    let mut mask = Mask::hold().map_err(failed)?;
    let uid = RealUid::raise().map_err(failed)?;
    let result = work();
    mask.write_failed = result.is_err();
    uid.put_back().map_err(failed)?;
    result
}

/// The signal mask as it was.
struct Mask {
    before: SigSet,
    /// Something failed, perhaps a write beyond the caller's `ulimit -f`.
    write_failed: bool,
}

impl Mask {
    fn hold() -> nix::Result<Self> {
        let mut all = SigSet::all();
        // These come from our own faults; holding them back only hides where.
        for own in [
            Signal::SIGSEGV,
            Signal::SIGBUS,
            Signal::SIGILL,
            Signal::SIGFPE,
        ] {
            all.remove(own);
        }
        let before = all.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
        Ok(Self {
            before,
            write_failed: true,
        })
    }
}

impl Drop for Mask {
    fn drop(&mut self) {
        // Such a write has raised this, which would end the host.
        if self.write_failed && !self.before.contains(Signal::SIGXFSZ) {
            let xfsz = SigSet::from(Signal::SIGXFSZ);
            let at_once = libc::timespec {
                tv_sec: 0,
                tv_nsec: 0,
            };
            // SAFETY: set and time outlive the call; nothing is asked about the signal.
            unsafe { libc::sigtimedwait(xfsz.as_ref(), ptr::null_mut(), &raw const at_once) };
        }
        let _ = self.before.thread_set_mask();
    }
}

/// The real uid as it was, if it wasn't root's.
struct RealUid(Option<uid_t>);

impl RealUid {
    fn raise() -> nix::Result<Self> {
        let real = Uid::current();
        if real.is_root() {
            return Ok(Self(None));
        }
        set_real_uid(0)?;
        Ok(Self(Some(real.as_raw())))
    }

    /// Tries twice: the host would otherwise go on as root.
    fn put_back(mut self) -> nix::Result<()> {
        let Some(real) = self.0.take() else {
            return Ok(());
        };
        set_real_uid(real).or_else(|_| set_real_uid(real))
    }
}

impl Drop for RealUid {
    fn drop(&mut self) {
        // Only once a panic has kept it from being put back.
        if let Some(real) = self.0 {
            let _ = set_real_uid(real);
        }
    }
}

/// Sets the real uid of this thread alone: the library's function would send a signal to
/// every thread of the host.
fn set_real_uid(uid: uid_t) -> nix::Result<()> {
    // SAFETY: setresuid(2) takes three ids and touches no memory.
    let code = unsafe { libc::syscall(SETRESUID, uid, SAME, SAME) };
    Errno::result(code).map(drop)
}
