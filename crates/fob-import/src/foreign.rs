//! Files that nobody outside their maker's software can read, or that hold no secret.

/// How much of a file is looked at, in bytes.
const LOOK: usize = 65_536;

const SECURID: &str = "These are seeds of RSA SecurID. Its algorithm is not that of OATH, and the \
    seeds are encrypted for RSA's server: keep that server for these tokens, and give people new \
    ones with \"fob enroll\" or \"fob stock\".";
const DIGIPASS: &str = "This is a file of OneSpan (Vasco) Digipass. Only OneSpan's own software can \
    open it: ask OneSpan for the same tokens as PSKC (RFC 6030), if they are OATH tokens.";
const CHALLENGE: &str = "This is a file of yubico-pam's challenge-response. It holds answers, no \
    secret, and can't be carried over: enroll the YubiKeys anew.";
const PGP: &str = "This is encrypted with PGP. Decrypt it first: gpg --decrypt FILE > OTHER";
const ZIP: &str = "This is a ZIP archive, or a spreadsheet, which is one inside. Unpack it first, or \
    save the spreadsheet as CSV (UTF-8).";

/// Why a file can't be read that is known, and what to do instead. Ask only about files
/// that [`crate::detect`] finds nothing in.
pub fn foreign(bytes: &[u8]) -> Option<&'static str> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Some(ZIP);
    }
    let start = bytes.get(..bytes.len().min(LOOK)).unwrap_or_default();
    let start = String::from_utf8_lossy(start).to_ascii_lowercase();
    let text = start.trim_start_matches('\u{feff}').trim_start();
    let has = |piece: &str| text.contains(piece);
    if text.starts_with("-----begin pgp message") {
        Some(PGP)
    } else if has("<tknbatch") || has("<tkn ") || has("ctfdata=") || has("securid://ctf") {
        Some(SECURID)
    } else if is_challenge(text) {
        Some(CHALLENGE)
    } else if text.starts_with("dpx") || has("digipass") || has("vasco") {
        Some(DIGIPASS)
    } else {
        None
    }
}

/// `v2:challenge:response:salt:iterations:slot`, or `v1:...` without the hash.
fn is_challenge(text: &str) -> bool {
    let rest = text
        .strip_prefix("v1:")
        .or_else(|| text.strip_prefix("v2:"));
    let challenge = rest.and_then(|rest| rest.split_once(':'));
    challenge.is_some_and(|(challenge, _)| {
        challenge.len() >= 64 && challenge.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_read_are_told_apart() {
        let challenge = format!("v2:{}:{}:abcd:10000:2\n", "0f".repeat(63), "1e".repeat(20));
        for (bytes, why) in [
            ("<?xml version=\"1.0\"?>\n<TKNBatch><TKNHeader>", SECURID),
            ("http://127.0.0.1/securid/ctf?ctfData=2000", SECURID),
            (&challenge, CHALLENGE),
            ("-----BEGIN PGP MESSAGE-----\n", PGP),
            ("PK\u{3}\u{4}\u{14}", ZIP),
            ("DPX 4.0 DIGIPASS GO 6\n", DIGIPASS),
        ] {
            assert_eq!(foreign(bytes.as_bytes()), Some(why), "{bytes:?}");
        }
        for bytes in ["", "v2:abc:def", "serial,key\n", "<html>"] {
            assert_eq!(foreign(bytes.as_bytes()), None, "{bytes:?}");
        }
    }
}
