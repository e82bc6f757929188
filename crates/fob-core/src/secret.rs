//! The key bytes that a token shares with this machine.

use std::fmt;

use zeroize::Zeroizing;

use crate::tag::tag;

/// Key bytes shared with a token (RFC 4226 section 5.1's K). Wiped when dropped;
/// `Debug` shows only the length.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

/// Why a text is no secret. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretError {
    /// The character at this position (from 1) does not belong to the alphabet.
    Character(usize),
    /// The text ends in the middle of a byte.
    Length,
    /// Fewer than [`Secret::MIN_BYTES`] bytes.
    Short,
    /// More than [`Secret::MAX_BYTES`] bytes.
    Long,
    /// All bytes are the same: a placeholder, not a key.
    Placeholder,
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Character(at) => write!(f, "character {at} of the secret is not allowed here"),
            Self::Length => write!(f, "the secret is cut off in the middle of a byte"),
            Self::Short => write!(f, "the secret is shorter than {} bytes", Secret::MIN_BYTES),
            Self::Long => write!(f, "the secret is longer than {} bytes", Secret::MAX_BYTES),
            Self::Placeholder => write!(f, "the secret is a placeholder (all bytes are the same)"),
        }
    }
}

impl std::error::Error for SecretError {}

impl Secret {
    /// The shortest secret that is read at all: old phone apps were given 80 bits.
    pub const MIN_BYTES: usize = 10;
    /// The shortest secret that RFC 4226 (R6) and NIST allow for a new token: 128 bits.
    pub const STRONG_BYTES: usize = 16;
    /// The longest secret that is read: the block of SHA-512.
    pub const MAX_BYTES: usize = 128;

    /// Takes raw key bytes.
    ///
    /// # Errors
    /// Too short, too long, or a placeholder.
    pub fn new(bytes: Vec<u8>) -> Result<Self, SecretError> {
        let bytes = Zeroizing::new(bytes);
        if bytes.len() < Self::MIN_BYTES {
            return Err(SecretError::Short);
        }
        if bytes.len() > Self::MAX_BYTES {
            return Err(SecretError::Long);
        }
        if bytes.iter().all(|byte| Some(byte) == bytes.first()) {
            return Err(SecretError::Placeholder);
        }
        Ok(Self(bytes))
    }

    /// Reads base32 (RFC 4648): either case; blanks, dashes and padding are passed over.
    ///
    /// # Errors
    /// Names the position of a character outside the alphabet, never the text.
    pub fn from_base32(text: &str) -> Result<Self, SecretError> {
        let clean = significant(text, |c| {
            c.is_ascii_alphabetic() || ('2'..='7').contains(&c)
        })?;
        // 1, 3 and 6 characters of a group of 8 hold no whole number of bytes.
        if matches!(clean.len() % 8, 1 | 3 | 6) {
            return Err(SecretError::Length);
        }
        base32::decode(base32::Alphabet::Rfc4648 { padding: false }, &clean)
            .ok_or(SecretError::Length)
            .and_then(Self::new)
    }

    /// Reads hexadecimal digits; either case; blanks, dashes and colons are passed over.
    ///
    /// # Errors
    /// Names the position of a character that is no hexadecimal digit, never the text.
    pub fn from_hex(text: &str) -> Result<Self, SecretError> {
        let clean = significant(text, |c| c.is_ascii_hexdigit())?;
        crate::format::hex_bytes(&clean)
            .ok_or(SecretError::Length)
            .and_then(Self::new)
    }

    /// The secret in base32, upper case, without padding: what phone apps take.
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(base32::encode(
            base32::Alphabet::Rfc4648 { padding: false },
            &self.0,
        ))
    }

    /// The raw key bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Tells secrets apart without keeping them: HMAC-SHA-256(secret, "fob secret"), cut to 16
    /// bytes. Zeros at the end of a key make no other HMAC, nor other codes.
    pub fn fingerprint(&self) -> [u8; 16] {
        tag(self.bytes(), &[b"fob secret"])
    }

    /// Whether the secret has the 128 bits that a new token must have.
    pub fn is_strong(&self) -> bool {
        self.0.len() >= Self::STRONG_BYTES
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// The characters that carry bits, upper case; separators are dropped.
fn significant(text: &str, allowed: fn(char) -> bool) -> Result<Zeroizing<String>, SecretError> {
    let mut clean = Zeroizing::new(String::with_capacity(text.len()));
    for (index, c) in text.chars().enumerate() {
        match c {
            c if allowed(c) => clean.push(c.to_ascii_uppercase()),
            ' ' | '\t' | '\r' | '\n' | '-' | '=' | ':' => {}
            _ => return Err(SecretError::Character(index.saturating_add(1))),
        }
    }
    Ok(clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_and_hex_name_the_same_bytes() {
        let a = Secret::from_base32("gezd gnbv-GY3TQOJQGEZDGNBVGY3TQOJQ====").unwrap();
        let b = Secret::from_hex("31323334353637383930 3132333435363738:3930").unwrap();
        assert_eq!(a.bytes(), b"12345678901234567890");
        assert_eq!(a.bytes(), b.bytes());
        assert_eq!(a.to_base32().as_str(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn bad_secrets_are_refused_and_the_place_is_named() {
        let refused = |text| Secret::from_base32(text).unwrap_err();
        assert_eq!(refused("GEZD1NBVGY3TQOJQ"), SecretError::Character(5));
        assert_eq!(refused("GEZDGNBVGY3TQOJQG"), SecretError::Length);
        assert_eq!(refused("GEZDGNBV"), SecretError::Short);
        assert_eq!(refused("AAAAAAAAAAAAAAAA"), SecretError::Placeholder);
        assert_eq!(refused(&"GEZDGNBV".repeat(26)), SecretError::Long);
        assert_eq!(Secret::from_hex("00").unwrap_err(), SecretError::Short);
        assert_eq!(Secret::from_hex("123").unwrap_err(), SecretError::Length);
    }

    /// P8.
    #[test]
    fn secrets_that_show_the_same_codes_have_the_same_fingerprint() {
        let of = |bytes: &[u8]| Secret::new(bytes.to_vec()).unwrap().fingerprint();
        assert_eq!(of(b"1234567890"), of(b"1234567890\0\0"));
        assert_ne!(of(b"1234567890"), of(b"12345678901"));
    }

    #[test]
    fn debug_shows_no_key() {
        let secret = Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(20 bytes)");
    }
}
