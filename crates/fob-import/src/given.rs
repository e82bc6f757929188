//! A secret that somebody else made, known by its shape.

use fob_core::{Secret, URI_SCHEME};

use crate::otpauth::{self, Uri};

/// What was given.
#[derive(Debug)]
pub enum Given {
    /// The key alone.
    Secret(Secret),
    /// The key and what the maker says about the token.
    Uri(Box<Uri>),
}

impl Given {
    /// Recognises a secret by its shape. `base32:` and `hex:` in front say what it is; a
    /// URI says so itself. Else a 0, 1, 8 or 9 makes it hexadecimal, a letter beyond F
    /// base32; with neither it could be both, and isn't guessed.
    ///
    /// # Errors
    /// It is none, which is said without repeating it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let starts = |prefix: &str| {
            text.split_at_checked(prefix.len())
                .filter(|(front, _)| front.eq_ignore_ascii_case(prefix))
                .map(|(_, rest)| rest)
        };
        if starts(URI_SCHEME).is_some() {
            return otpauth::parse(text).map(|uri| Self::Uri(Box::new(uri)));
        }
        let secret = if let Some(rest) = starts("base32:") {
            Secret::from_base32(rest)
        } else if let Some(rest) = starts("hex:") {
            Secret::from_hex(rest)
        } else if text.contains(['0', '1', '8', '9']) {
            Secret::from_hex(text)
        } else if text
            .chars()
            .any(|c| c.is_ascii_alphabetic() && !c.is_ascii_hexdigit())
        {
            Secret::from_base32(text)
        } else {
            return Err("it could be base32 or hexadecimal: write base32: or hex: in front".into());
        };
        secret.map(Self::Secret).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Vec<u8> {
        match Given::parse(text).unwrap() {
            Given::Secret(secret) => secret.bytes().to_vec(),
            Given::Uri(uri) => uri.secret.bytes().to_vec(),
        }
    }

    #[test]
    fn shape_says_what_a_secret_is() {
        for text in [
            "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "gezd gnbv gy3t qojq gezd gnbv gy3t qojq\n",
            "base32:GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
            "3132333435363738393031323334353637383930",
            "31:32:33:34:35:36:37:38:39:30:31:32:33:34:35:36:37:38:39:30",
            "HEX:3132333435363738393031323334353637383930",
            "otpauth://totp/x?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
        ] {
            assert_eq!(key(text), b"12345678901234567890", "{text}");
        }
    }

    /// `ABCDEF234567` is a key in both alphabets, and not the same one.
    #[test]
    fn what_could_be_both_is_not_guessed() {
        let both = "abcdef234567abcdef234567";
        assert!(Given::parse(both).unwrap_err().contains("hex:"));
        assert_eq!(key(&format!("hex:{both}")).len(), 12);
        assert_eq!(key(&format!("base32:{both}")).len(), 15);
    }

    /// P8.
    #[test]
    fn what_is_no_secret_is_not_repeated() {
        for text in [
            "",
            "CANARY71",
            "CANARY0G8Z",
            "hex:CANARY",
            "otpauth://x/CANARY",
            "CANÄRY",
        ] {
            let error = Given::parse(text).unwrap_err();
            assert!(!error.contains("CANARY"), "{error}");
        }
    }
}
