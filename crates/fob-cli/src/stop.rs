//! Why a verb ended without doing what it was asked.

use std::process::ExitCode;

use fob_store::{Fault, FaultKind};

/// Why a verb ended: the problem, then what to do. Nothing secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    answer: Answer,
    /// The problem.
    pub(crate) what: String,
    /// What to do.
    pub(crate) remedy: Option<String>,
    /// It is there already.
    pub(crate) is_there: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    No,
    Unknown,
    /// Nobody reads the output any more.
    Unread,
}

impl Stop {
    /// The answer is no: refused, not enrolled, cancelled.
    pub(crate) fn no(what: impl Into<String>) -> Self {
        Self {
            answer: Answer::No,
            what: what.into(),
            remedy: None,
            is_there: false,
        }
    }

    /// It couldn't be told, or couldn't be done.
    pub(crate) fn unknown(what: impl Into<String>) -> Self {
        Self {
            answer: Answer::Unknown,
            ..Self::no(what)
        }
    }

    /// Nobody reads the output any more, such as `head`.
    pub(crate) fn unread() -> Self {
        Self {
            answer: Answer::Unread,
            ..Self::no("nobody reads the output")
        }
    }

    /// Whether there is nothing to complain about.
    pub(crate) fn is_unread(&self) -> bool {
        self.answer == Answer::Unread
    }

    /// What was to be done is done already.
    pub(crate) fn already(what: impl Into<String>) -> Self {
        Self {
            is_there: true,
            ..Self::unknown(what)
        }
    }

    /// The same, with what to do.
    pub(crate) fn remedy(self, remedy: impl Into<String>) -> Self {
        Self {
            remedy: Some(remedy.into()),
            ..self
        }
    }

    /// 1 for no, 2 for unknown.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self.answer {
            Answer::No => 1,
            Answer::Unknown => 2,
            // As of a program that SIGPIPE ended.
            Answer::Unread => 141,
        })
    }
}

/// What to do about trouble, where it doesn't say so itself.
fn remedy(fault: &Fault) -> Option<&'static str> {
    if fault.detail.contains("run: ") {
        return None;
    }
    match fault.kind {
        FaultKind::Config => Some("Correct it; see fob.conf(5)."),
        FaultKind::StateDamaged => Some("Correct it; see fob-tokens(5)."),
        FaultKind::NewerVersion => Some("Bring pam_fob and fob up to date here."),
        FaultKind::StateTooOpen => Some("Put a plain file or folder of root's own there."),
        FaultKind::StateWrite => Some("Make room on the disk, or lift the limit; then try again."),
        FaultKind::LockTimeout => Some("Try again; if it stays so, end the process that holds it."),
        FaultKind::NotRoot => Some("Run it with sudo."),
        FaultKind::UserDatabase => Some("Find out what is wrong with: getent passwd"),
        FaultKind::StateMissing | FaultKind::StateUnreadable | FaultKind::StateOwner => None,
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        let remedy = remedy(&fault);
        Self {
            remedy: remedy.map(str::to_owned),
            ..Self::unknown(fault.detail)
        }
    }
}
