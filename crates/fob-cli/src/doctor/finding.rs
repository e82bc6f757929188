//! One thing that was found.

use std::path::{Path, PathBuf};

use fob_store::shell_word;

/// How bad it is, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// As it should be.
    Fine,
    /// Good to know.
    Note,
    /// It couldn't be looked at.
    Unknown,
    /// May lock somebody out, or let somebody past.
    Warning,
    /// Does.
    Error,
}

impl Level {
    /// The word in the output.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Note => "note",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A change that mends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fix {
    /// Gives it to root.
    Own(PathBuf),
    /// Sets its mode.
    Mode(PathBuf, u32),
    /// Makes the folder, for root alone.
    Create(PathBuf),
    /// Removes it.
    Remove(PathBuf),
}

impl Fix {
    /// The command that does the same.
    pub(crate) fn command(&self) -> String {
        match self {
            Self::Own(path) => format!("chown root:root {}", quoted(path)),
            Self::Mode(path, mode) => format!("chmod {mode:04o} {}", quoted(path)),
            Self::Create(path) => format!("mkdir -p -m 0700 {}", quoted(path)),
            Self::Remove(path) => format!("rm {}", quoted(path)),
        }
    }
}

fn quoted(path: &Path) -> String {
    shell_word(&path.display().to_string()).into_owned()
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// Names this kind of finding, for programs.
    pub(crate) code: &'static str,
    pub(crate) what: String,
    /// What to do.
    pub(crate) remedy: Option<String>,
    pub(crate) fix: Option<Fix>,
}

impl Finding {
    fn new(level: Level, code: &'static str, what: impl Into<String>) -> Self {
        Self {
            level,
            code,
            what: what.into(),
            remedy: None,
            fix: None,
        }
    }

    pub(crate) fn fine(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Fine, code, what)
    }

    pub(crate) fn note(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Note, code, what)
    }

    pub(crate) fn unknown(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Unknown, code, what)
    }

    pub(crate) fn warning(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Warning, code, what)
    }

    pub(crate) fn error(code: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Error, code, what)
    }

    /// The same, with what to do.
    pub(crate) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    /// The same, with a change that `--fix` makes.
    pub(crate) fn fix(self, fix: Fix) -> Self {
        Self {
            remedy: Some(format!("Run: {}", fix.command())),
            fix: Some(fix),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_of_a_fix_survives_a_shell() {
        let fix = Fix::Mode("/etc/fob/it's here".into(), 0o600);
        assert_eq!(fix.command(), "chmod 0600 '/etc/fob/it'\\''s here'");
    }
}
