//! A secret that somebody else made: read from a file or from stdin, never from the
//! command line, where every process could see it.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fob_core::{Secret, URI_SCHEME};
use fob_import::otpauth::{self, Uri};
use zeroize::Zeroizing;

use crate::output::remark;
use crate::stop::Stop;
use crate::terminal::{self, Echo};

/// No file with one secret in it is larger, in bytes.
const MAX_FILE: u64 = 65_536;

/// What was given.
#[derive(Debug)]
pub(crate) enum Given {
    /// The key alone.
    Secret(Secret),
    /// The key and what the maker says about the token.
    Uri(Box<Uri>),
}

impl Given {
    /// Reads a file, or a line of stdin for `-`.
    ///
    /// # Errors
    /// It can't be read, or holds no secret.
    pub(crate) fn read(path: &Path) -> Result<Self, Stop> {
        let text = if path == Path::new("-") {
            from_stdin()?
        } else {
            from_file(path)?
        };
        Self::parse(&text).map_err(|wrong| {
            Stop::unknown(format!("{}: {wrong}", path.display())).remedy(
                "A secret is base32, hexadecimal digits, or an otpauth:// URI; see fob-enroll(1).",
            )
        })
    }

    /// Recognises a secret by its shape. `base32:` and `hex:` in front say what it is; a
    /// URI says so itself. Else a 0, 1, 8 or 9 makes it hexadecimal, a letter beyond F
    /// base32; with neither it could be both, and isn't guessed.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
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

fn from_stdin() -> Result<Zeroizing<String>, Stop> {
    let line = terminal::ask("Secret: ", Echo::Hidden)?
        .ok_or_else(|| Stop::unknown("there was no secret on stdin"))?;
    text(line)
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, Stop> {
    let unreadable = |error| Stop::unknown(format!("{}: {error}", path.display()));
    let file = File::open(path).map_err(unreadable)?;
    warn_if_open(path, &file.metadata().map_err(unreadable)?);
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    file.take(MAX_FILE)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    text(bytes)
}

/// Warns if others can read a file with secrets.
pub(crate) fn warn_if_open(path: &Path, file: &Metadata) {
    let mode = file.permissions().mode();
    if mode & 0o044 != 0 {
        remark(&format!(
            "fob: warning: {} can be read by others (mode {:04o})",
            path.display(),
            mode & 0o7777
        ));
    }
}

fn text(mut bytes: Zeroizing<Vec<u8>>) -> Result<Zeroizing<String>, Stop> {
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(Stop::unknown("the secret is no text"))
        }
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
