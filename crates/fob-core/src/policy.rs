//! What the administrator decides about codes.

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
    /// How guessing is bounded.
    pub throttle: ThrottlePolicy,
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
