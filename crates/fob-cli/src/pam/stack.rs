//! The auth stack of a service, with everything that it includes.

use std::fs;
use std::path::{Path, PathBuf};

use super::line::{Control, Kind, Line, Placed};
use crate::stop::Stop;

/// As deep as Linux-PAM follows includes.
const MAX_DEPTH: usize = 32;
/// No PAM file is larger, in bytes.
const MAX_FILE: u64 = 262_144;

/// Where PAM files are: the first folder that has one wins.
#[derive(Debug, Clone)]
pub(crate) struct Folders(pub(crate) Vec<PathBuf>);

impl Default for Folders {
    fn default() -> Self {
        Self(vec!["/etc/pam.d".into(), "/usr/lib/pam.d".into()])
    }
}

/// The stack of a service.
#[derive(Debug, Default)]
pub(crate) struct Stack {
    /// The auth lines in their order.
    pub(crate) auth: Vec<Placed>,
    /// Lines that PAM can't read either, with their place.
    pub(crate) wrong: Vec<String>,
}

impl Folders {
    /// The names of all services that have a file.
    pub(crate) fn services(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .0
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok())
            .flat_map(|entries| entries.flatten())
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|name| {
                !name.starts_with('.') && !name.contains(".dpkg-") && !name.ends_with('~')
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The auth stack of `service`; that of `other` if it has no file.
    ///
    /// # Errors
    /// A file can't be read, or files include each other.
    pub(crate) fn stack(&self, service: &str) -> Result<Stack, Stop> {
        let mut stack = Stack::default();
        // PAM looks a service up in lower case.
        let service = service.to_ascii_lowercase();
        let found = self.has(&service).then(|| self.find(&service)).flatten();
        let path = found.or_else(|| self.find("other")).ok_or_else(|| {
            Stop::unknown(format!(
                "there is no PAM file for {service:?}, nor for \"other\""
            ))
        })?;
        self.read(&path, 0, 0, Some(Kind::Auth), &mut stack)?;
        Ok(stack)
    }

    /// Whether a service has a file of its own.
    pub(crate) fn has(&self, service: &str) -> bool {
        let service = service.to_ascii_lowercase();
        let plain = !service.is_empty() && !service.contains('/') && !service.starts_with('.');
        plain && self.find(&service).is_some()
    }

    fn find(&self, name: &str) -> Option<PathBuf> {
        if name.starts_with('/') {
            return Some(PathBuf::from(name));
        }
        let paths = self.0.iter().map(|folder| folder.join(name));
        paths.into_iter().find(|path| path.exists())
    }

    /// Adds the auth lines of a file. `@include` takes lines of every kind in.
    fn read(
        &self,
        path: &Path,
        level: usize,
        depth: usize,
        only: Option<Kind>,
        stack: &mut Stack,
    ) -> Result<(), Stop> {
        if level > MAX_DEPTH {
            let what = format!("{}: files include each other too deeply", path.display());
            return Err(
                Stop::unknown(what).remedy("PAM refuses such a stack; take the include out.")
            );
        }
        for (number, text) in lines(&text(path)?) {
            let place = format!("{}:{number}", path.display());
            if let Some(name) = text.trim().strip_prefix("@include") {
                self.read(
                    &self.included(name.trim(), &place)?,
                    level.saturating_add(1),
                    depth,
                    only,
                    stack,
                )?;
                continue;
            }
            let line = match Line::parse(&text) {
                Ok(None) => continue,
                Ok(Some(line)) => line,
                Err(wrong) => {
                    stack.wrong.push(format!("{place}: {wrong}"));
                    continue;
                }
            };
            if only.is_some_and(|only| line.kind != only) {
                continue;
            }
            let (deeper, included) = match line.control {
                Control::Include => (depth, self.included(&line.module, &place)?),
                Control::Substack => {
                    let included = self.included(&line.module, &place)?;
                    (depth.saturating_add(1), included)
                }
                _ => {
                    stack.auth.push(Placed::new(path, number, depth, line));
                    continue;
                }
            };
            // A substack is a line of its own to those that jump.
            if line.control == Control::Substack {
                stack.auth.push(Placed::new(path, number, depth, line));
            }
            self.read(&included, level.saturating_add(1), deeper, only, stack)?;
        }
        Ok(())
    }

    fn included(&self, name: &str, place: &str) -> Result<PathBuf, Stop> {
        self.find(name).ok_or_else(|| {
            Stop::unknown(format!("{place}: there is no PAM file {name:?}"))
                .remedy("PAM refuses everybody there; correct the include.")
        })
    }
}

/// Bytes that aren't UTF-8 become U+FFFD: libpam takes them, and they may stand in a comment.
fn text(path: &Path) -> Result<String, Stop> {
    let unreadable = |error: std::io::Error| Stop::unknown(format!("{}: {error}", path.display()));
    let size = fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_FILE {
        return Err(Stop::unknown(format!(
            "{}: is too large for a PAM file",
            path.display()
        )));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The lines with their numbers, continued ones joined, comments gone.
pub(super) fn lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut joined: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let plain = line.split('#').next().unwrap_or_default();
        let (start, mut whole) = joined.take().unwrap_or((number, String::new()));
        match plain.strip_suffix('\\') {
            Some(front) if plain.len() == line.len() => {
                whole.push_str(front);
                whole.push(' ');
                joined = Some((start, whole));
            }
            _ => {
                whole.push_str(plain);
                lines.push((start, whole));
            }
        }
    }
    lines.extend(joined);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Temporary(PathBuf);

    impl Temporary {
        fn with(name: &str, files: &[(&str, &str)]) -> Self {
            let folder =
                std::env::temp_dir().join(format!("fob-pam-{}-{name}", std::process::id()));
            fs::create_dir_all(&folder).unwrap();
            for (name, text) in files {
                fs::write(folder.join(name), text).unwrap();
            }
            Self(folder)
        }

        fn auth(&self, service: &str) -> Result<Vec<String>, String> {
            let stack = Folders(vec![self.0.clone()]).stack(service);
            let shown = |placed: &Placed| format!("{} {}", placed.number, placed.line.base());
            stack
                .map(|stack| stack.auth.iter().map(shown).collect())
                .map_err(|stop| stop.what)
        }
    }

    impl Drop for Temporary {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn includes_of_every_kind_are_followed() {
        let pam = Temporary::with(
            "includes",
            &[
                (
                    "sshd",
                    "# head\n@include common\nauth include more\nauth substack \\\n   sub\nsession required pam_x.so\n",
                ),
                (
                    "common",
                    "auth required pam_unix.so # comment\naccount required pam_a.so\n",
                ),
                (
                    "more",
                    "auth required pam_fob.so\nsession required pam_y.so\n",
                ),
                ("sub", "auth required pam_deny.so\n"),
                ("other", "auth required pam_warn.so\n"),
            ],
        );
        assert_eq!(
            pam.auth("sshd").unwrap(),
            ["1 pam_unix.so", "1 pam_fob.so", "4 sub", "1 pam_deny.so"]
        );
        assert_eq!(pam.auth("SSHD").unwrap().len(), 4);
        assert_eq!(pam.auth("unknown").unwrap(), ["1 pam_warn.so"]);
        assert_eq!(pam.auth("../sshd").unwrap(), ["1 pam_warn.so"]);
    }

    #[test]
    fn loops_and_missing_files_are_told() {
        let pam = Temporary::with(
            "loops",
            &[
                ("a", "@include b\n"),
                ("b", "auth include a\n"),
                ("c", "\nauth include nosuch\n"),
            ],
        );
        assert!(pam.auth("a").unwrap_err().contains("too deeply"));
        assert!(
            pam.auth("c")
                .unwrap_err()
                .contains("c:2: there is no PAM file")
        );
    }
}
