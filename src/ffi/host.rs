//! The PAM handle, as far as a login needs it. Everything that libpam lends is copied at
//! once: a later call may free it.

use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;

use pamsm::Pam;
use zeroize::Zeroize;

use super::conversation::{Answer, NoAnswer, Style, converse};

// Item numbers of Linux-PAM's _pam_types.h.
const PAM_SERVICE: c_int = 1;
const PAM_USER: c_int = 2;
const PAM_TTY: c_int = 3;
const PAM_RHOST: c_int = 4;
const PAM_CONV: c_int = 5;
const PAM_AUTHTOK: c_int = 6;
const PAM_RUSER: c_int = 8;
const PAM_SUCCESS: c_int = 0;

/// No item is taken longer than this, in bytes.
const MAX_ITEM: usize = 1024;

unsafe extern "C" {
    fn pam_get_user(handle: *mut c_void, user: *mut *const c_char, prompt: *const c_char) -> c_int;
    fn pam_get_item(handle: *const c_void, kind: c_int, item: *mut *const c_void) -> c_int;
    fn pam_set_item(handle: *mut c_void, kind: c_int, item: *const c_void) -> c_int;
    fn pam_fail_delay(handle: *mut c_void, microseconds: c_uint) -> c_int;
    fn pam_getenv(handle: *mut c_void, name: *const c_char) -> *const c_char;
    fn pam_putenv(handle: *mut c_void, assignment: *const c_char) -> c_int;
}

/// The application that called, through its PAM handle.
pub(crate) struct Host {
    handle: *mut c_void,
    silent: bool,
}

/// `PAM_SERVICE`, `PAM_RHOST`, `PAM_TTY`, `PAM_RUSER`.
type Origin = (
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
);

impl Host {
    pub(super) fn new(pam: Pam, silent: bool) -> Self {
        // SAFETY: `Pam` is `repr(transparent)` over the handle that libpam passed in, a
        // pointer; pamsm has no way to get it out.
        let handle = unsafe { std::mem::transmute::<Pam, *mut c_void>(pam) };
        Self { handle, silent }
    }

    /// `PAM_USER`; asks for it where the application hasn't set it. Never changes it.
    pub(crate) fn user(&self) -> Option<String> {
        let mut user = ptr::null();
        // SAFETY: the handle is libpam's; `user` outlives the call; no prompt of our own.
        let code = unsafe { pam_get_user(self.handle, &raw mut user, ptr::null()) };
        if code != PAM_SUCCESS {
            return None;
        }
        // SAFETY: on success libpam lends a string that stays until the next call.
        unsafe { copied(user) }
    }

    /// `PAM_USER` as it stands; never asks for it.
    pub(crate) fn named_user(&self) -> Option<String> {
        // SAFETY: the item is a string or NULL, lent until the next call.
        unsafe { copied(self.item(PAM_USER).cast()) }
    }

    /// Where the attempt comes from.
    pub(crate) fn origin(&self) -> Origin {
        let text = |kind| {
            // SAFETY: these four items are strings or NULL, lent until the next call.
            unsafe { copied(self.item(kind).cast()) }
        };
        (
            text(PAM_SERVICE),
            text(PAM_RHOST),
            text(PAM_TTY),
            text(PAM_RUSER),
        )
    }

    /// The real uid of the process: who called su or sudo.
    pub(crate) fn real_uid(&self) -> u32 {
        nix::unistd::Uid::current().as_raw()
    }

    /// Asks the person for one answer.
    pub(crate) fn ask(&self, prompt: &str, echo: bool) -> Result<Answer, NoAnswer> {
        let style = if echo { Style::Shown } else { Style::Hidden };
        self.converse(style, prompt)?.ok_or(NoAnswer::Failed)
    }

    /// Whether the application wants people to be told nothing.
    pub(crate) fn is_silent(&self) -> bool {
        self.silent
    }

    /// Tells the person something, unless the application wants silence.
    pub(crate) fn tell(&self, text: &str) {
        if !self.silent {
            // Nobody is refused because a message couldn't be shown.
            let _ = self.converse(Style::Notice, text);
        }
    }

    /// The password that an earlier module asked for.
    pub(crate) fn authtok(&self) -> Result<Option<Answer>, NoAnswer> {
        let item = self.item(PAM_AUTHTOK).cast::<c_char>();
        if item.is_null() {
            return Ok(None);
        }
        // SAFETY: the item is a string that libpam keeps until it is set again.
        unsafe { Answer::copied(item) }.map(Some)
    }

    /// Hands a password on to the next module.
    pub(crate) fn set_authtok(&self, password: &[u8]) {
        // A NUL can't be in it: it came as a C string.
        let Ok(text) = CString::new(password) else {
            return;
        };
        // SAFETY: the handle is libpam's; the string outlives the call, and libpam copies it.
        let _ = unsafe { pam_set_item(self.handle, PAM_AUTHTOK, text.as_ptr().cast()) };
        let mut bytes = text.into_bytes_with_nul();
        bytes.zeroize();
    }

    /// Asks libpam to answer a failed login no sooner than this.
    pub(crate) fn fail_delay(&self, microseconds: u32) {
        // SAFETY: the handle is libpam's.
        let _ = unsafe { pam_fail_delay(self.handle, microseconds) };
    }

    /// Sets a variable of PAM's environment, or without a value takes it away; says whether
    /// that could be done. It goes from one part of a login to the next, though another process
    /// runs that (sshd), and on into the session. Never the process's own environment.
    pub(crate) fn put_env(&self, name: &str, value: Option<&str>) -> bool {
        let assignment = match value {
            Some(value) => format!("{name}={value}"),
            None => name.to_owned(),
        };
        let Ok(text) = CString::new(assignment) else {
            return false;
        };
        // SAFETY: the handle is libpam's; the string outlives the call, and libpam copies it.
        let code = unsafe { pam_putenv(self.handle, text.as_ptr()) };
        code == PAM_SUCCESS
    }

    /// A copy of a variable of PAM's environment.
    pub(crate) fn env(&self, name: &str) -> Option<String> {
        let name = CString::new(name).ok()?;
        // SAFETY: the handle is libpam's; the name outlives the call.
        let value = unsafe { pam_getenv(self.handle, name.as_ptr()) };
        // SAFETY: libpam lends a string until the variable is set again, or gives NULL.
        unsafe { copied(value) }
    }

    /// The same, taken away, so that nobody finds it later.
    pub(crate) fn take_env(&self, name: &str) -> Option<String> {
        let value = self.env(name)?;
        self.put_env(name, None);
        Some(value)
    }

    fn converse(&self, style: Style, text: &str) -> Result<Option<Answer>, NoAnswer> {
        let text = CString::new(text).map_err(|_| NoAnswer::Failed)?;
        // SAFETY: the item is the application's `struct pam_conv`, or NULL.
        unsafe { converse(self.item(PAM_CONV).cast(), style, &text) }
    }

    /// An item, or NULL.
    fn item(&self, kind: c_int) -> *const c_void {
        let mut item = ptr::null();
        // SAFETY: the handle is libpam's; `item` outlives the call.
        let code = unsafe { pam_get_item(self.handle, kind, &raw mut item) };
        if code == PAM_SUCCESS {
            item
        } else {
            ptr::null()
        }
    }
}

/// A copy of a C string, cut to [`MAX_ITEM`]; what isn't UTF-8 is replaced. `None` for NULL.
///
/// # Safety
/// `text` is NULL or a C string.
unsafe fn copied(text: *const c_char) -> Option<String> {
    if text.is_null() {
        return None;
    }
    // SAFETY: the caller's promise.
    let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
    let cut = bytes.get(..MAX_ITEM).unwrap_or(bytes);
    Some(String::from_utf8_lossy(cut).into_owned())
}
