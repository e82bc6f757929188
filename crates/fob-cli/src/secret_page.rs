//! A secret as it is shown to its owner: a picture for the phone, a URI, and the letters.

use fob_core::{Kind, Token, uri};
use zeroize::Zeroizing;

use crate::output::remark;
use crate::picture;
use crate::stop::Stop;

/// A token, made ready to be shown.
pub(crate) struct SecretPage<'a> {
    token: &'a Token,
    /// What a phone reads.
    pub(crate) uri: Zeroizing<String>,
}

impl<'a> SecretPage<'a> {
    /// The page of `account`'s token.
    pub(crate) fn new(token: &'a Token, issuer: &str, account: &str) -> Self {
        Self {
            token,
            uri: uri(token, issuer, account),
        }
    }

    /// The URI, the secret in groups of four, and the picture: last, so that a screen of 24
    /// lines still shows all of it.
    ///
    /// # Errors
    /// The URI is too long for a picture.
    pub(crate) fn text(&self) -> Result<Zeroizing<String>, Stop> {
        let picture = picture::for_stdout(&self.uri)?;
        let page = Zeroizing::new(format!(
            "{}\n\nSecret: {}\n\n{}",
            *self.uri,
            *self.token.secret.grouped(),
            *picture
        ));
        Ok(page)
    }

    /// Warns about what a URI can't say.
    pub(crate) fn warn(&self) {
        if matches!(self.token.kind, Kind::Totp { t0, .. } if t0 > 0) {
            remark("fob: warning: an otpauth:// URI can't say --t0; set it in the token itself");
        }
    }
}
