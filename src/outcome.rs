//! What came of a login, and the one table of what PAM is told.

use fob_core::{Acceptance, Refusal};
use fob_store::{Fault, FaultKind, Pass};
use pamsm::PamError;

/// What came of a login.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// The code was right, and is durably spent.
    Accepted(Acceptance),
    /// It wasn't, or wasn't looked at.
    Refused(Refusal),
    /// No code was asked for, as the administrator has it.
    Ignored(Pass),
    /// The person confirmed a token of their own, which is theirs if the rest of the stack
    /// says yes. That verified nothing.
    Enrolling,
    /// No verdict could be reached.
    Fault(Fault),
    /// The conversation failed, was cancelled, or gave nothing.
    Conversation,
}

impl Outcome {
    /// The PAM code. `AUTHINFO_UNAVAIL` and `USER_UNKNOWN` are never used: common stacks
    /// map them to "ignore" and let the person in. `IGNORE` is never "success": nothing was
    /// verified.
    pub(crate) fn code(&self) -> PamError {
        match self {
            Self::Accepted(_) => PamError::SUCCESS,
            Self::Refused(_) => PamError::AUTH_ERR,
            Self::Ignored(_) | Self::Enrolling => PamError::IGNORE,
            Self::Fault(fault) if fault.kind == FaultKind::Config => PamError::SERVICE_ERR,
            Self::Fault(_) => PamError::SYSTEM_ERR,
            Self::Conversation => PamError::CONV_ERR,
        }
    }
}
