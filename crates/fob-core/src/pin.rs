//! What a person knows beside what they have: a PIN in front of the code.

use std::fmt;

use hmac::Hmac;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// A few digits can't be made safe against whoever reads the file; this many rounds stay
/// under 5 ms and keep tables away.
const ROUNDS: u32 = 4096;

/// A PIN as the token file keeps it: stretched.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin {
    /// Random, so that equal PINs look different.
    pub salt: [u8; 16],
    /// PBKDF2-HMAC-SHA-256 of the PIN.
    pub digest: [u8; 16],
}

impl Pin {
    /// The shortest PIN, in bytes (NIST SP 800-63B section 3.1.1).
    pub const MIN: usize = 4;
    /// The longest, in bytes.
    pub const MAX: usize = 64;

    /// The PIN that was chosen. `None` unless it has [`Pin::MIN`] to [`Pin::MAX`] bytes,
    /// blanks and dashes aside, which don't count.
    pub fn new(chosen: &[u8], salt: [u8; 16]) -> Option<Self> {
        let length = significant(chosen).len();
        let fits = (Self::MIN..=Self::MAX).contains(&length);
        let digest = stretch(chosen, &salt).filter(|_| fits)?;
        Some(Self { salt, digest })
    }

    /// Whether this was typed. Takes as long for a wrong one.
    pub(crate) fn is(&self, typed: &[u8]) -> bool {
        stretch(typed, &self.salt).is_some_and(|digest| bool::from(digest.ct_eq(&self.digest)))
    }

    /// A PIN that nobody can type, for people who have none: the same work is done.
    pub(crate) fn nobodys() -> Self {
        Self {
            salt: [0; 16],
            digest: [0; 16],
        }
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin")
    }
}

/// Without blanks and dashes, which are forgiven in everything that is typed.
fn significant(typed: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut clean = Zeroizing::new(Vec::with_capacity(typed.len()));
    clean.extend(typed.iter().filter(|b| !matches!(b, b' ' | b'\t' | b'-')));
    clean
}

fn stretch(typed: &[u8], salt: &[u8; 16]) -> Option<[u8; 16]> {
    let mut digest = [0; 16];
    // HMAC takes keys of every length; were it not to, no PIN would match.
    pbkdf2::pbkdf2::<Hmac<Sha256>>(&significant(typed), salt, ROUNDS, &mut digest)
        .ok()
        .map(|()| digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pin_is_itself_alone() {
        let pin = Pin::new(b"4711", [7; 16]).unwrap();
        for typed in ["4711", "47 11", "47-11"] {
            assert!(pin.is(typed.as_bytes()), "{typed}");
        }
        for typed in ["", "4712", "04711", "47110", "\u{664}711"] {
            assert!(!pin.is(typed.as_bytes()), "{typed}");
        }
        assert_ne!(pin, Pin::new(b"4711", [8; 16]).unwrap());
        assert!(!Pin::nobodys().is(b""));
    }

    /// P8.
    #[test]
    fn debug_output_shows_nothing_of_a_pin() {
        let pin = Pin::new(b"4711", [7; 16]).unwrap();
        assert_eq!(format!("{pin:?}"), "Pin");
    }

    #[test]
    fn pin_has_4_to_64_bytes() {
        assert!(Pin::new(b"12-3", [0; 16]).is_none());
        assert!(Pin::new(&[b'1'; 65], [0; 16]).is_none());
        assert!(Pin::new(&[b'1'; 64], [0; 16]).is_some());
    }
}
