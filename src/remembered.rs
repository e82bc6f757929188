//! A code that was given a while ago, from the module's side: it is used in `pam_sm_authenticate`
//! and confirmed in `pam_sm_setcred`, which the application reaches only when the whole stack
//! said yes. Under sshd that is another process: what it needs goes in PAM's environment.

use fob_core::{Source, Stay};
use fob_store::{Account, Fault, Recalled, Store, Who};

use crate::ffi::{Host, shielded};
use crate::login::{self, Whose};

/// The variable. Its word is known to nobody else, so that nobody else can confirm anything.
pub(crate) const VARIABLE: &str = "PAM_FOB_REMEMBERED";

/// Whether the person need not be asked. Says so only once the use is written down.
pub(crate) fn recall(
    host: &Host,
    store: &Store,
    who: &Who,
    source: Source,
    stay: Stay,
) -> Result<bool, Fault> {
    if stay.seconds.is_none() {
        return Ok(false);
    }
    let recalled = shielded(|| store.recall(who, source, stay))?;
    if let Some(recalled) = recalled {
        host.put_env(VARIABLE, Some(&recalled.to_text()));
    }
    Ok(recalled.is_some())
}

/// The login succeeded as a whole. Takes the variable away, so that it isn't the session's.
pub(crate) fn confirm(host: &Host, words: &[String], whose: &Whose) -> Result<(), Fault> {
    let Some(text) = host.take_env(VARIABLE) else {
        return Ok(());
    };
    let Some(recalled) = Recalled::from_text(&text).filter(|found| whose.is(found.uid())) else {
        return Ok(());
    };
    Account::require_root()?;
    let store = login::open(words)?;
    shielded(|| store.confirm(recalled))
}
