//! The file, and what opens it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use fob_core::Secret;
use fob_import::csv::Shape;
use fob_import::detect::{Format, detect};
use fob_import::users_oath::Layout;
use fob_import::{Batch, Key, MAX_FILE, Options, foreign, people, picture};
use fob_store::now;
use zeroize::Zeroizing;

use super::{Read, Wish};
use crate::given::warn_if_open;
use crate::stop::Stop;
use crate::terminal::{self, Echo};

pub(super) fn shape(name: &str) -> Result<Shape, String> {
    Shape::from_name(name).ok_or_else(|| {
        let names = Shape::ALL.map(Shape::name);
        format!("must be one of {}", names.join(", "))
    })
}

pub(super) fn layout(name: &str) -> Result<Layout, String> {
    Layout::from_name(name).ok_or_else(|| {
        let names = Layout::ALL.map(Layout::name);
        format!("must be one of {}", names.join(", "))
    })
}

/// Reads the file that the command line names; of pictures several, for an export of many
/// accounts is several QR codes.
///
/// # Errors
/// It can't be read; its format isn't clear; a key is missing.
pub(super) fn read(wish: &Wish) -> Result<Read, Stop> {
    let (said, paths) = split(&wish.words, Path::exists)?;
    let files: Result<Vec<_>, _> = paths.iter().map(|path| bytes(path)).collect();
    let files = files?;
    let (Some(first), Some(path)) = (files.first(), paths.first()) else {
        return Err(Stop::unknown("no file is named"));
    };
    let format = said.map_or_else(|| guess(first, path), Ok)?;
    if files.len() > 1 && format != Format::Picture {
        return Err(Stop::unknown(
            "one file is read at a time, except of pictures",
        ));
    }
    let options = Options {
        now: now().unix,
        key: key(wish.key_file.as_deref(), wish.passphrase_file.as_deref())?
            .map_or_else(|| asked(format, first), |key| Ok(Some(key)))?,
        shape: wish.shape,
        layout: wish.layout,
    };
    Ok(Read {
        format,
        batch: if format == Format::Picture {
            pictures(paths, &files, &options)?
        } else {
            batch(format, first, &options)
        },
        people: wish.people.as_deref().map(owners).transpose()?,
    })
}

/// The format, if the first of several words says it, and the files. A file that is called like
/// a format isn't meant by that word: `./csv` is.
fn split(
    words: &[PathBuf],
    exists: impl Fn(&Path) -> bool,
) -> Result<(Option<Format>, &[PathBuf]), Stop> {
    let [word, paths @ ..] = words else {
        return Ok((None, words));
    };
    if paths.is_empty() {
        return Ok((None, words));
    }
    match word.to_str().and_then(Format::from_name) {
        Some(format) => Ok((Some(format), paths)),
        None if exists(word) => Ok((None, words)),
        None => Ok((Some(format_of(word)?), paths)),
    }
}

/// What the QR codes of all pictures say.
fn pictures(
    paths: &[PathBuf],
    files: &[Zeroizing<Vec<u8>>],
    options: &Options,
) -> Result<Batch, Stop> {
    let mut uris = Vec::new();
    for (path, file) in paths.iter().zip(files) {
        let found = picture::uris(file).map_err(|problem| {
            let stop = Stop::unknown(format!("{}: {}", path.display(), problem.what));
            stop.remedy(problem.remedy.unwrap_or_default())
        })?;
        uris.extend(found);
    }
    Ok(picture::of_uris(&uris, options))
}

fn format_of(word: &Path) -> Result<Format, Stop> {
    let word = word.to_string_lossy();
    Format::from_name(&word).ok_or_else(|| {
        let names = Format::ALL.map(Format::name).join(", ");
        Stop::unknown(format!("{word:?} is no format")).remedy(format!("One of: {names}"))
    })
}

fn guess(bytes: &[u8], path: &Path) -> Result<Format, Stop> {
    let path = path.display();
    match detect(bytes).as_slice() {
        [format] => Ok(*format),
        [] if foreign(bytes).is_some() => {
            let why = foreign(bytes).unwrap_or_default();
            Err(Stop::unknown(format!("{path}: {why}")))
        }
        [] => {
            let names = Format::ALL.map(Format::name).join(", ");
            Err(
                Stop::unknown(format!("{path}: nothing that is known looks like this")).remedy(
                    format!("Say what it is: fob import FORMAT {path}, one of {names}"),
                ),
            )
        }
        several => {
            let names: Vec<&str> = several.iter().map(|format| format.name()).collect();
            Err(
                Stop::unknown(format!("{path}: this could be {}", names.join(" or ")))
                    .remedy(format!("Say which: fob import {} {path}", names.join("|"))),
            )
        }
    }
}

pub(super) fn batch(format: Format, bytes: &[u8], options: &Options) -> Batch {
    let read = match format {
        Format::GoogleAuthenticator => fob_import::google_authenticator::read,
        Format::UsersOath => fob_import::users_oath::read,
        Format::Csv => fob_import::csv::read,
        Format::Yubico => fob_import::yubico::read,
        Format::Pskc => fob_import::pskc::read,
        Format::Freeipa => fob_import::freeipa::read,
        Format::Alpine => fob_import::alpine::read,
        Format::Safeword => fob_import::safeword::read,
        Format::Dualshield => fob_import::dualshield::read,
        Format::Otpauth => fob_import::otpauth::read,
        Format::OtpauthMigration => fob_import::otpauth_migration::read,
        Format::Picture => fob_import::picture::read,
    };
    read(bytes, options)
}

fn owners(path: &Path) -> Result<people::People, Stop> {
    people::read(&bytes(path)?).map_err(|problems| {
        let told: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}: {}", problem.place, problem.what))
            .collect();
        Stop::unknown(format!("{}: {}", path.display(), told.join("; ")))
            .remedy("Each line is: serial,user")
    })
}

/// The key that the command line names.
pub(in crate::verbs) fn key(
    key: Option<&Path>,
    passphrase: Option<&Path>,
) -> Result<Option<Key>, Stop> {
    if let Some(path) = key {
        let key = Secret::from_hex(&line(path)?)
            .map_err(|error| Stop::unknown(format!("{}: {error}", path.display())))?;
        return Ok(Some(Key::Preshared(Zeroizing::new(key.bytes().to_vec()))));
    }
    let Some(path) = passphrase else {
        return Ok(None);
    };
    let text = line(path)?;
    if text.is_empty() {
        let what = format!("{}: its first line is empty", path.display());
        return Err(Stop::unknown(what).remedy("Write the passphrase on the first line."));
    }
    Ok(Some(Key::Passphrase(Zeroizing::new(
        text.as_bytes().to_vec(),
    ))))
}

/// The passphrase, if the file has one and a person is there to say it.
fn asked(format: Format, bytes: &[u8]) -> Result<Option<Key>, Stop> {
    let derived = b"DerivedKey";
    let is_derived = bytes.windows(derived.len()).any(|window| window == derived);
    if format != Format::Pskc || !is_derived || !terminal::is_person() {
        return Ok(None);
    }
    let typed = terminal::ask("Passphrase of the file: ", Echo::Hidden)?;
    Ok(typed.map(Key::Passphrase))
}

/// The first line of a file.
fn line(path: &Path) -> Result<Zeroizing<String>, Stop> {
    let bytes = bytes(path)?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Stop::unknown(format!("{}: is no text", path.display())))?;
    Ok(Zeroizing::new(
        text.lines().next().unwrap_or_default().into(),
    ))
}

fn bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let unreadable = |error| Stop::unknown(format!("{}: {error}", path.display()));
    let most = u64::try_from(MAX_FILE)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    // Room for all of it: a buffer that grew would leave secrets behind.
    let mut bytes = Zeroizing::new(Vec::new());
    if path == Path::new("-") {
        bytes.reserve_exact(65_536);
        std::io::stdin()
            .take(most)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        return Ok(bytes);
    }
    let file = File::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    if !about.is_file() {
        return Err(Stop::unknown(format!(
            "{}: is no plain file",
            path.display()
        )));
    }
    warn_if_open(path, &about);
    let size = usize::try_from(about.len().min(most)).unwrap_or(MAX_FILE);
    bytes.reserve_exact(size.saturating_add(1));
    file.take(most)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Also where the folder that one is in has something of that name.
    #[test]
    fn name_of_a_format_before_a_file_is_the_format() {
        let of = |words: &[&str], there: bool| {
            let words: Vec<PathBuf> = words.iter().map(PathBuf::from).collect();
            let (format, paths) = split(&words, |_| there).map_err(|stop| stop.what)?;
            Ok::<_, String>((format.map(Format::name), paths.len()))
        };
        for there in [false, true] {
            assert_eq!(of(&["csv", "file"], there), Ok((Some("csv"), 1)));
            assert_eq!(of(&["picture", "a", "b"], there), Ok((Some("picture"), 2)));
            assert_eq!(of(&["csv"], there), Ok((None, 1)));
        }
        assert_eq!(of(&["a.png", "b.png"], true), Ok((None, 2)));
        assert_eq!(of(&["./csv", "b.png"], true), Ok((None, 2)));
        assert!(
            of(&["cvs", "file"], false)
                .unwrap_err()
                .contains("no format")
        );
    }
}
