//! What names, digests and fingerprints are made by.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// HMAC-SHA-256(`key`, all `parts` in a row), cut to N bytes, of 32.
pub(crate) fn tag<const N: usize>(key: &[u8], parts: &[&[u8]]) -> [u8; N] {
    let mut tag = [0; N];
    // HMAC takes keys of every length.
    if let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) {
        parts.iter().for_each(|part| mac.update(part));
        let whole = mac.finalize().into_bytes();
        tag.iter_mut().zip(whole).for_each(|(to, from)| *to = from);
    }
    tag
}
