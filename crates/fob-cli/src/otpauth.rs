//! How phone apps are told about a token.

pub(crate) use fob_import::otpauth::{Mover, SCHEME, Uri, parse, print};

use fob_core::Token;
use zeroize::Zeroizing;

/// The secret in groups of four, for those who type it.
pub(crate) fn grouped(token: &Token) -> Zeroizing<String> {
    let secret = token.secret.to_base32();
    let mut text = Zeroizing::new(String::with_capacity(secret.len().saturating_mul(2)));
    for (index, c) in secret.chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            text.push(' ');
        }
        text.push(c);
    }
    text
}
