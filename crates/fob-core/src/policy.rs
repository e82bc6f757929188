//! What the administrator decides about codes.

use crate::Kind;

/// 2026-01-01: no clock of a working machine is earlier than the first release, so an
/// earlier one was never set and its TOTP codes prove nothing.
pub const RELEASE_EPOCH: u64 = 1_767_225_600;

/// How codes are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// TOTP: steps accepted on each side of the expected one. 0 to 10; RFC 6238 section
    /// 5.2 recommends 1.
    pub window: u8,
    /// HOTP: presses that may have been lost, RFC 4226 section 7.4's s. 1 to 100.
    pub look_ahead: u8,
    /// Whether the clocks of tokens are followed.
    pub follows_drift: bool,
    /// Whether a code beyond the window may be made right by the one after it.
    pub resync_at_prompt: bool,
    /// The types of token that count.
    pub types: Types,
    /// How many tokens that count a person must have before one lets them in. 1 to 16.
    pub min_tokens: u8,
    /// How guessing is bounded.
    pub throttle: ThrottlePolicy,
}

/// What one place says about how codes are judged. `None` leaves the word to whoever comes
/// before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PolicyChange {
    /// As [`Policy::window`].
    pub window: Option<u8>,
    /// As [`Policy::look_ahead`].
    pub look_ahead: Option<u8>,
    /// As [`Policy::follows_drift`].
    pub follows_drift: Option<bool>,
    /// As [`Policy::resync_at_prompt`].
    pub resync_at_prompt: Option<bool>,
    /// As [`Policy::types`].
    pub types: Option<Types>,
    /// As [`Policy::min_tokens`].
    pub min_tokens: Option<u8>,
    /// As [`ThrottlePolicy::free`].
    pub free: Option<u16>,
    /// As [`ThrottlePolicy::max_wait`].
    pub max_wait: Option<u32>,
    /// As [`ThrottlePolicy::lifetime`].
    pub lifetime: Option<u16>,
}

impl PolicyChange {
    /// This change, with every word that `over` says taken from there.
    pub(crate) fn overlaid(self, over: Self) -> Self {
        Self {
            window: over.window.or(self.window),
            look_ahead: over.look_ahead.or(self.look_ahead),
            follows_drift: over.follows_drift.or(self.follows_drift),
            resync_at_prompt: over.resync_at_prompt.or(self.resync_at_prompt),
            types: over.types.or(self.types),
            min_tokens: over.min_tokens.or(self.min_tokens),
            free: over.free.or(self.free),
            max_wait: over.max_wait.or(self.max_wait),
            lifetime: over.lifetime.or(self.lifetime),
        }
    }

    /// `usual` with this change.
    pub(crate) fn applied(self, usual: Policy) -> Policy {
        let throttle = usual.throttle;
        Policy {
            window: self.window.unwrap_or(usual.window),
            look_ahead: self.look_ahead.unwrap_or(usual.look_ahead),
            follows_drift: self.follows_drift.unwrap_or(usual.follows_drift),
            resync_at_prompt: self.resync_at_prompt.unwrap_or(usual.resync_at_prompt),
            types: self.types.unwrap_or(usual.types),
            min_tokens: self.min_tokens.unwrap_or(usual.min_tokens),
            throttle: ThrottlePolicy {
                free: self.free.unwrap_or(throttle.free),
                max_wait: self.max_wait.unwrap_or(throttle.max_wait),
                lifetime: self.lifetime.unwrap_or(throttle.lifetime),
            },
        }
    }
}

/// Types of token: what each can be told by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Types(u8);

impl Types {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self(0b111);
    const NAMES: [&'static str; 3] = ["hotp", "totp", "yubico"];

    /// The type of that name, as token files write it.
    pub fn of(name: &str) -> Option<Self> {
        let place = Self::NAMES.iter().position(|known| *known == name)?;
        let place = u32::try_from(place).ok()?;
        1u8.checked_shl(place).map(Self)
    }

    /// These types and those.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether tokens of this kind are among them.
    pub fn has(self, kind: Kind) -> bool {
        Self::of(kind.name()).is_some_and(|one| self.0 & one.0 != 0)
    }

    /// Their names.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let named = move |name: &&str| Self::of(name).is_some_and(|one| self.0 & one.0 != 0);
        Self::NAMES.into_iter().filter(named)
    }
}

/// How guessing is bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottlePolicy {
    /// Failures from a source before it must wait. 1 to 100.
    pub free: u16,
    /// The longest wait, in seconds. 1 s to a day.
    pub max_wait: u32,
    /// Failures in a row before codes are refused for good. 10 to 100 (NIST SP 800-63B).
    pub lifetime: u16,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            window: 1,
            look_ahead: 10,
            follows_drift: true,
            resync_at_prompt: false,
            types: Types::ALL,
            min_tokens: 1,
            throttle: ThrottlePolicy {
                free: 5,
                max_wait: 900,
                lifetime: 100,
            },
        }
    }
}

impl ThrottlePolicy {
    /// What is kept for the sources that succeeded before: a fifth of the lifetime.
    pub(crate) fn kept_for_known(self) -> u16 {
        self.lifetime.checked_div(5).unwrap_or_default()
    }

    /// What strangers may use up.
    pub(crate) fn open_to_strangers(self) -> u16 {
        self.lifetime.saturating_sub(self.kept_for_known())
    }
}

/// The moment an attempt is judged at, read once, after the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// Unix seconds; 0 for a clock before 1970.
    pub unix: u64,
    /// Seconds since this boot, suspended time included: nobody can set this clock.
    pub boot: u64,
    /// Names this boot.
    pub boot_id: [u8; 16],
}

impl Now {
    /// Whether somebody or something set the machine's clock.
    pub fn clock_is_set(&self) -> bool {
        self.unix >= RELEASE_EPOCH
    }
}
