//! Values of token files under a key that isn't kept with them, so that a copied backup is
//! worth nothing. See docs/decisions/0009-sealed-secrets.md.

use std::fmt;

use base32::Alphabet;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

/// What a sealed value begins with. Neither base32 nor hexadecimal digits have a colon.
const MARK: &str = "sealed:";
const ALPHABET: Alphabet = Alphabet::Rfc4648 { padding: false };
/// Names this use of the key, and its version.
const PURPOSE: &[u8] = b"pam_fob seal 1";

/// Whether a value of a token file is sealed.
pub fn is_sealed(value: &str) -> bool {
    value.starts_with(MARK)
}

/// Where a value belongs. It opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SealPlace<'a> {
    /// Whose token file it is; in the stock the serial.
    pub holder: &'a str,
    /// The table: `token`, `pin`, `recovery` or `scratch`.
    pub table: &'a str,
    /// The token's id; empty in the other tables.
    pub id: &'a str,
}

impl SealPlace<'_> {
    /// No part has a NUL, so that no two places read the same.
    fn bytes(&self) -> Vec<u8> {
        let parts = [self.holder, self.table, self.id].map(str::as_bytes);
        let [holder, table, id] = parts;
        [PURPOSE, holder, table, id].join(&0)
    }
}

/// The key of all sealed values of a machine. Wiped when dropped; `Debug` doesn't show it.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; SealKey::BYTES]>);

impl SealKey {
    /// The length of a key, in bytes.
    pub const BYTES: usize = 32;
    /// The length of a nonce, in bytes: long enough to be drawn at random.
    pub const NONCE_BYTES: usize = 24;

    /// A key of these bytes, which must be random.
    pub fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads a key file: one line of base32 (RFC 4648). `None` if it is anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(base32::decode(ALPHABET, text.trim_end())?);
        // All zeros is what a disk gives back for a file that was lost in a power cut.
        let is_blank = bytes.iter().all(|byte| *byte == 0);
        let key = <[u8; Self::BYTES]>::try_from(bytes.as_slice()).ok()?;
        (!is_blank).then(|| Self::new(key))
    }

    /// What a key file holds.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(base32::encode(ALPHABET, self.0.as_slice()));
        text.push('\n');
        text
    }

    /// Seals a value for its place: XChaCha20-Poly1305. `nonce` must be random.
    pub fn seal(
        &self,
        value: &str,
        place: SealPlace<'_>,
        nonce: [u8; Self::NONCE_BYTES],
    ) -> Option<String> {
        let payload = Payload {
            msg: value.as_bytes(),
            aad: &place.bytes(),
        };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).ok()?;
        let bytes = [nonce.as_slice(), &sealed].concat();
        Some(format!("{MARK}{}", base32::encode(ALPHABET, &bytes)))
    }

    /// Opens a sealed value. `None` if it was sealed with another key or for another place,
    /// or is damaged.
    pub fn open(&self, sealed: &str, place: SealPlace<'_>) -> Option<Zeroizing<String>> {
        let bytes = base32::decode(ALPHABET, sealed.strip_prefix(MARK)?)?;
        let (nonce, msg) = bytes.split_first_chunk::<{ Self::NONCE_BYTES }>()?;
        let aad = &place.bytes();
        let opened = self
            .cipher()
            .decrypt(&XNonce::from(*nonce), Payload { msg, aad });
        // What is authentic was text when it was sealed.
        let text = String::from_utf8(opened.ok()?).ok()?;
        Some(Zeroizing::new(text))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.0))
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PLACE: SealPlace<'_> = SealPlace {
        holder: "alice",
        table: "token",
        id: "phone",
    };

    fn key(byte: u8) -> SealKey {
        SealKey::new([byte; 32])
    }

    /// The bytes are those that libsodium makes (PyNaCl 1.6.2,
    /// `crypto_aead_xchacha20poly1305_ietf_encrypt`).
    #[test]
    fn sealed_value_is_xchacha20_poly1305() {
        let sealed = key(7).seal("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", PLACE, [9; 24]);
        assert_eq!(
            sealed.unwrap(),
            "sealed:BEEQSCIJBEEQSCIJBEEQSCIJBEEQSCIJBEEQSCPZG64M4O7EHM2LGSZ3NA4TYTN2NW3O3XQHF7P3PYOUFMEIE2IZBISMBRZXRGYF7JQD5IQ6S723RQHA"
        );
    }

    /// A value that is copied to another person or token is worth nothing there.
    #[test]
    fn sealed_value_opens_in_its_place_alone() {
        let sealed = key(7).seal("GEZDGNBV", PLACE, [9; 24]).unwrap();
        assert_eq!(*key(7).open(&sealed, PLACE).unwrap(), "GEZDGNBV");
        assert!(key(8).open(&sealed, PLACE).is_none());
        let elsewhere = [
            SealPlace {
                holder: "bob",
                ..PLACE
            },
            SealPlace { id: "fob", ..PLACE },
            SealPlace {
                table: "pin",
                ..PLACE
            },
            SealPlace {
                holder: "alic",
                table: "etoken",
                ..PLACE
            },
        ];
        for place in elsewhere {
            assert!(key(7).open(&sealed, place).is_none(), "{place:?}");
        }
    }

    #[test]
    fn key_file_is_one_line_of_base32() {
        let text = key(7).to_text();
        assert_eq!(text.len(), 53);
        assert!(SealKey::from_text(&text).is_some());
        assert!(SealKey::from_text(text.trim_end()).is_some());
        for wrong in ["", "\n", &text[1..], &text.repeat(2), &key(0).to_text()] {
            assert!(SealKey::from_text(wrong).is_none(), "{wrong}");
        }
        assert_eq!(format!("{:?}", key(7)), "SealKey");
    }

    proptest! {
        #[test]
        fn no_damage_opens(at in 7usize..60, c in "[A-Z2-7]") {
            let sealed = key(7).seal("GEZDGNBV", PLACE, [9; 24]).unwrap();
            let mut damaged = sealed.clone();
            damaged.replace_range(at..=at, &c);
            prop_assert_eq!(key(7).open(&damaged, PLACE).is_some(), damaged == sealed);
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = key(7).open(&format!("sealed:{text}"), PLACE);
            let _ = SealKey::from_text(&text);
        }
    }
}
