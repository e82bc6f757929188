//! What came of an attempt.

use crate::{Counter, Day, Notice};

/// What came of an attempt that could be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It let the person in, and what it spent is durable.
    Accepted(Acceptance),
    /// It didn't.
    Refused(Refusal),
}

/// Proof that an attempt was accepted. Made in one place, by [`decide`](crate::decide),
/// and handed out only once the spent code is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acceptance {
    /// The token's id, or `recovery`, `scratch` or `bypass`.
    pub(crate) token: String,
    /// The counter that matched; none for a recovery code.
    pub(crate) counter: Option<Counter>,
    /// How far the token's clock is off, in steps; 0 for a counter.
    pub(crate) drift: i32,
    /// How many characters of what was typed were the code; of the first, where a token
    /// showed two in a row.
    pub(crate) length: usize,
    /// What happened since the last success.
    pub(crate) notice: Notice,
    /// Recovery codes left, scratch codes included; none for people without.
    pub(crate) recovery_left: Option<usize>,
    /// Whether one of those was used.
    pub(crate) is_recovery: bool,
    /// Who issued the bypass code, if that is what was used.
    pub(crate) issued_by: Option<String>,
    /// The last day of the token, if it has one.
    pub(crate) expires: Option<Day>,
    /// How far the token's clock was off at this login, in seconds.
    pub(crate) clock_off: u64,
}

/// A clock that is off by so many seconds is worth a word.
const WORTH_A_WORD: u64 = 120;

impl Acceptance {
    /// Who issued the bypass code, if that is what was used.
    pub fn issued_by(&self) -> Option<&str> {
        self.issued_by.as_deref()
    }

    /// The token's id, or `recovery`, `scratch` or `bypass`.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The counter that matched; none for a recovery code.
    pub fn counter(&self) -> Option<Counter> {
        self.counter
    }

    /// How far the token's clock is off, in steps; 0 for a counter.
    pub fn drift(&self) -> i32 {
        self.drift
    }

    /// How many characters of what was typed were the code; of the first, where a token
    /// showed two in a row.
    pub fn length(&self) -> usize {
        self.length
    }

    /// What happened since the last success.
    pub fn notice(&self) -> &Notice {
        &self.notice
    }

    /// Recovery codes left, scratch codes included; none for people without.
    pub fn recovery_left(&self) -> Option<usize> {
        self.recovery_left
    }

    /// The last day on which the token lets anybody in, if it has one.
    pub fn expires(&self) -> Option<Day> {
        self.expires
    }

    /// By how many minutes the token's clock is off, if that is worth a word.
    pub fn minutes_off(&self) -> Option<u64> {
        let is_off = self.clock_off >= WORTH_A_WORD;
        is_off.then(|| self.clock_off.saturating_add(30) / 60)
    }

    /// Whether a recovery code or a scratch code was used.
    pub fn is_recovery(&self) -> bool {
        self.is_recovery
    }
}

/// A refusal, and how long to wait if that is why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// Seconds until the next attempt is looked at; 0 unless throttled.
    pub wait: u32,
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, wait: 0 }
    }
}

/// Why an attempt was refused. The person is never told which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// No token shows that code.
    Wrong,
    /// A token shows it beyond the window: the next one would make it right.
    OutOfWindow,
    /// The code was right once.
    Spent,
    /// Too many failures from there: not looked at.
    Throttled,
    /// Too many failures in all: not looked at until `fob unlock`.
    Locked,
    /// Neither a code nor a recovery code.
    Malformed,
    /// Longer than any answer can be.
    TooLong,
    /// The person has no token.
    NotEnrolled,
    /// The system knows no such person.
    NoSuchUser,
    /// A rule of fob.conf lets nobody in from there.
    Denied,
    /// The token that shows it, or the person, is disabled.
    Disabled,
    /// The time of the token that shows it, or of the bypass code, is over.
    Expired,
    /// Tokens of this type don't count in this service.
    Type,
    /// The person has fewer tokens that count than this service wants.
    TooFewTokens,
    /// The machine's clock was never set.
    ClockUnset,
    /// The ledger has no room to remember another token: so its code can't be accepted.
    NoRoom,
}

impl Reason {
    /// The word in the log.
    pub fn word(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::OutOfWindow => "out_of_window",
            Self::Spent => "spent",
            Self::Throttled => "throttled",
            Self::Locked => "locked",
            Self::Malformed => "malformed",
            Self::TooLong => "too_long",
            Self::NotEnrolled => "not_enrolled",
            Self::NoSuchUser => "no_such_user",
            Self::Denied => "denied",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
            Self::Type => "type",
            Self::TooFewTokens => "too_few_tokens",
            Self::ClockUnset => "clock_unset",
            Self::NoRoom => "no_room",
        }
    }
}
