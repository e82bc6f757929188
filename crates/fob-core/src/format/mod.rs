//! The files that an administrator writes: token files and fob.conf, both TOML.
//!
//! Errors name line, column and field, and never repeat a value: it may be a secret.

mod conf;
mod fields;
mod new_file;
mod pending;
mod rules;
mod settings;
mod token_file;

pub use conf::{Conf, FreshLedger, Seal};
pub use fields::{Cause, FormatError};
pub use new_file::{file_head, first_file};
pub use pending::Pending;
pub use token_file::{MAX_TOKENS, RefusedToken, Sealing, TokenFile};

use zeroize::Zeroizing;

/// The bytes that hexadecimal digits stand for.
pub(crate) fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    let nibble = |digit: u8| {
        char::from(digit)
            .to_digit(16)
            .and_then(|n| u8::try_from(n).ok())
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for pair in pairs {
        let [high, low] = pair else { return None };
        bytes.push(nibble(*high)? << 4 | nibble(*low)?);
    }
    Some(std::mem::take(&mut *bytes))
}

/// Bytes as hexadecimal digits, lower case.
pub fn hex_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
