//! What keeps a token from letting anybody in, whatever code it shows.

use std::fmt::{Display, Formatter};

use fob_core::{Kind, Ledger, Now, Token};

/// Why a token lets nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Barred {
    Disabled,
    /// Nobody knows its counter.
    Blocked,
    Expired,
    /// It goes by a clock, and this machine's was never set.
    ClockUnset,
}

impl Barred {
    /// Why the token lets nobody in; none if a right code of it does.
    pub(crate) fn of(token: &Token, ledger: &Ledger, now: &Now) -> Option<Self> {
        if token.disabled {
            Some(Self::Disabled)
        } else if ledger.floor(token) == Ledger::BLOCKED {
            Some(Self::Blocked)
        } else if token.expires.is_some_and(|day| now.unix >= day.end()) {
            Some(Self::Expired)
        } else if matches!(token.kind, Kind::Totp { .. }) && !now.clock_is_set() {
            Some(Self::ClockUnset)
        } else {
            None
        }
    }
}

impl Display for Barred {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Disabled => "disabled",
            Self::Blocked => "blocked, see fob-repair(1)",
            Self::Expired => "its last day is over",
            Self::ClockUnset => "this machine's clock was never set",
        })
    }
}
