//! Why no verdict could be reached.

use std::fmt;
use std::io;
use std::path::Path;

use nix::errno::Errno;

/// Why no verdict could be reached. Never lets anybody in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of trouble it is.
    pub kind: FaultKind,
    /// The file, what is wrong with it, and what to do. Nothing secret.
    pub detail: String,
}

/// What kind of trouble it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// An argument or fob.conf is wrong.
    Config,
    /// A file or folder isn't where it must be.
    StateMissing,
    /// It can't be read.
    StateUnreadable,
    /// Others than root own it or may write it, or it is no plain file.
    StateTooOpen,
    /// Its content is damaged.
    StateDamaged,
    /// It can't be written, or the disk didn't confirm.
    StateWrite,
    /// The ledger was another person's when it was created.
    StateOwner,
    /// Somebody held the ledger's lock for too long.
    LockTimeout,
    /// A later version of pam_fob wrote it.
    NewerVersion,
    /// The caller isn't root.
    NotRoot,
    /// The system's user database failed.
    UserDatabase,
}

impl FaultKind {
    /// The word in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::StateMissing => "state_missing",
            Self::StateUnreadable => "state_unreadable",
            Self::StateTooOpen => "state_too_open",
            Self::StateDamaged => "state_damaged",
            Self::StateWrite => "state_write",
            Self::StateOwner => "state_owner",
            Self::LockTimeout => "lock_timeout",
            Self::NewerVersion => "newer_version",
            Self::NotRoot => "not_root",
            Self::UserDatabase => "user_database",
        }
    }
}

impl Fault {
    /// A fault of this kind.
    pub fn new(kind: FaultKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
        }
    }

    /// A fault about a file.
    pub(crate) fn at(kind: FaultKind, path: &Path, what: impl fmt::Display) -> Self {
        Self::new(kind, format!("{}: {what}", path.display()))
    }

    /// A system call that failed while reading.
    pub(crate) fn reading(path: &Path, error: impl Into<io::Error>) -> Self {
        Self::failed(FaultKind::StateUnreadable, path, error.into())
    }

    /// A system call that failed while writing.
    pub(crate) fn writing(path: &Path, error: impl Into<io::Error>) -> Self {
        Self::failed(FaultKind::StateWrite, path, error.into())
    }

    fn failed(kind: FaultKind, path: &Path, error: io::Error) -> Self {
        match Errno::try_from(error) {
            Ok(errno) => Self::at(kind, path, errno.desc()),
            Err(error) => Self::at(kind, path, error),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Fault {}
