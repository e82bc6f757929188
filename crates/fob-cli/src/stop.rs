//! Why a verb ended without doing what it was asked.

use std::process::ExitCode;

use fob_store::Fault;

/// Why a verb ended: the problem, then what to do. Nothing secret.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stop {
    answer: Answer,
    /// The problem.
    pub(crate) what: String,
    /// What to do.
    pub(crate) remedy: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    No,
    Unknown,
}

impl Stop {
    /// The answer is no: refused, not enrolled, cancelled.
    pub(crate) fn no(what: impl Into<String>) -> Self {
        Self {
            answer: Answer::No,
            what: what.into(),
            remedy: None,
        }
    }

    /// It couldn't be told, or couldn't be done.
    pub(crate) fn unknown(what: impl Into<String>) -> Self {
        Self {
            answer: Answer::Unknown,
            ..Self::no(what)
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
        })
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::unknown(fault.detail)
    }
}
