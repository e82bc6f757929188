//! A secret that somebody else made: read from a file or from stdin, never from the
//! command line, where every process could see it.

use std::fs::{File, Metadata};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fob_import::given::Given;
use zeroize::Zeroizing;

use crate::output::remark;
use crate::stop::Stop;
use crate::terminal::{self, Echo};

/// No file with one secret in it is larger, in bytes.
const MAX_FILE: u64 = 65_536;

/// Reads a file, or a line of stdin for `-`.
///
/// # Errors
/// It can't be read, or holds no secret.
pub(crate) fn read(path: &Path) -> Result<Given, Stop> {
    let text = if path == Path::new("-") {
        from_stdin()?
    } else {
        from_file(path)?
    };
    Given::parse(&text).map_err(|wrong| {
        Stop::unknown(format!("{}: {wrong}", path.display())).remedy(
            "A secret is base32, hexadecimal digits, or an otpauth:// URI; see fob-enroll(1).",
        )
    })
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
