//! `otpauth://` URIs: how phone apps are told about a token.
//!
//! <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::{Kind, Secret, Token};

/// What every URI begins with, in either case.
pub const URI_SCHEME: &str = "otpauth://";

/// RFC 3986 section 2.3: all but what stays as it is.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Writes the URI of a token; `issuer` and `account` are what an app shows.
pub fn uri(token: &Token, issuer: &str, account: &str) -> Zeroizing<String> {
    let moving = match token.kind {
        // No app reads the URI of a Yubico OTP key; nobody is shown one.
        Kind::Hotp { counter } | Kind::Yubico { counter, .. } => format!("counter={counter}"),
        Kind::Totp { period, .. } => format!("period={}", period.seconds()),
    };
    Zeroizing::new(format!(
        "{}&algorithm={}&digits={}&{moving}",
        *brief_uri(token, issuer, account),
        token.algorithm.name().to_ascii_uppercase(),
        token.digits.count(),
    ))
}

/// The same without what every app takes for granted (SHA-1, six digits, 30 s), so that the
/// picture is small. Says too little of another token.
pub fn brief_uri(token: &Token, issuer: &str, account: &str) -> Zeroizing<String> {
    let issuer = utf8_percent_encode(issuer, ESCAPED).to_string();
    Zeroizing::new(format!(
        "{URI_SCHEME}{}/{issuer}:{}?secret={}&issuer={issuer}",
        token.kind.name(),
        utf8_percent_encode(account, ESCAPED),
        *token.secret.to_base32(),
    ))
}

impl Secret {
    /// The secret in groups of four, for those who type it.
    pub fn grouped(&self) -> Zeroizing<String> {
        let secret = self.to_base32();
        let mut text = Zeroizing::new(String::with_capacity(secret.len().saturating_mul(2)));
        for (index, c) in secret.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                text.push(' ');
            }
            text.push(c);
        }
        text
    }
}
