//! The conversation with the person, through the application's callback.
//!
//! pamsm's own conversation isn't used: it neither frees nor wipes what the application
//! allocated, and follows a NULL that an application may give.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::{ptr, slice};

use fob_core::MAX_ANSWER;
use zeroize::{Zeroize, Zeroizing};

/// What a person typed: at most 512 bytes, wiped when dropped.
pub(crate) struct Answer(Zeroizing<Vec<u8>>);

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoAnswer {
    /// The conversation failed, was cancelled, or gave NULL.
    Failed,
    /// Longer than any answer can be; not looked at.
    TooLong,
}

impl Answer {
    /// A copy of a C string.
    ///
    /// # Safety
    /// `text` is a C string.
    pub(super) unsafe fn copied(text: *const c_char) -> Result<Self, NoAnswer> {
        // SAFETY: the caller's promise.
        let bytes = unsafe { CStr::from_ptr(text) }.to_bytes();
        if bytes.len() > MAX_ANSWER {
            return Err(NoAnswer::TooLong);
        }
        let mut copy = Zeroizing::new(Vec::with_capacity(MAX_ANSWER));
        copy.extend_from_slice(bytes);
        Ok(Self(copy))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// How something is said, as Linux-PAM's `PAM_PROMPT_ECHO_OFF` and so on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Hidden = 1,
    Shown = 2,
    Notice = 4,
}

/// `struct pam_message`.
#[repr(C)]
struct Message {
    style: c_int,
    text: *const c_char,
}

/// `struct pam_response`.
#[repr(C)]
struct Response {
    text: *mut c_char,
    code: c_int,
}

/// `struct pam_conv`.
#[repr(C)]
pub(super) struct Conversation {
    callback: Option<
        unsafe extern "C" fn(c_int, *mut *const Message, *mut *mut Response, *mut c_void) -> c_int,
    >,
    data: *mut c_void,
}

/// Says one message and takes the answer, if one is given.
///
/// # Safety
/// `conversation` is NULL or the application's `struct pam_conv`.
pub(super) unsafe fn converse(
    conversation: *const Conversation,
    style: Style,
    text: &CStr,
) -> Result<Option<Answer>, NoAnswer> {
    // SAFETY: the caller's promise.
    let conversation = unsafe { conversation.as_ref() }.ok_or(NoAnswer::Failed)?;
    let callback = conversation.callback.ok_or(NoAnswer::Failed)?;
    let message = Message {
        style: style as c_int,
        text: text.as_ptr(),
    };
    let mut message: *const Message = &raw const message;
    let mut given = Given(ptr::null_mut());
    // SAFETY: one message, as the count says; it and the place for the response outlive the
    // call; `data` is what the application put beside its callback.
    let code = unsafe { callback(1, &raw mut message, &raw mut given.0, conversation.data) };
    if code != 0 {
        return Err(NoAnswer::Failed);
    }
    given.answer()
}

/// What the application allocated. Wiped and freed on every path.
struct Given(*mut Response);

impl Given {
    fn answer(&self) -> Result<Option<Answer>, NoAnswer> {
        let text = self.text();
        if text.is_null() {
            return Ok(None);
        }
        // SAFETY: a text that isn't NULL is a C string (pam_conv(3)).
        unsafe { Answer::copied(text) }.map(Some)
    }

    fn text(&self) -> *mut c_char {
        // SAFETY: what the application gave is NULL or one response, as one message was sent.
        unsafe { self.0.as_ref() }.map_or(ptr::null_mut(), |response| response.text)
    }
}

impl Drop for Given {
    fn drop(&mut self) {
        let text = self.text();
        if !text.is_null() {
            // SAFETY: a C string.
            let length = unsafe { CStr::from_ptr(text) }.to_bytes().len();
            // SAFETY: its bytes, which nobody else uses: pam_conv(3) gives them to us.
            unsafe { slice::from_raw_parts_mut(text.cast::<u8>(), length) }.zeroize();
            // SAFETY: pam_conv(3): allocated with malloc, and ours to free.
            unsafe { libc::free(text.cast()) };
        }
        // SAFETY: the same; free takes NULL.
        unsafe { libc::free(self.0.cast()) };
    }
}
