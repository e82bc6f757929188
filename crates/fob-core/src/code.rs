//! The digits that a token shows.

use std::fmt;

use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroize;

/// How many digits a code has: 6 to 10.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Digits(u8);

impl Digits {
    /// The fewest digits that RFC 4226 (R4) allows.
    pub const MIN: Self = Self(6);
    /// The most that tokens usually have.
    pub const EIGHT: Self = Self(8);
    /// The most digits that 31 bits can fill.
    pub const MAX: Self = Self(10);

    /// `count` digits, if that is 6 to 10.
    pub fn new(count: u64) -> Option<Self> {
        let digits = Self(u8::try_from(count).ok()?);
        (Self::MIN..=Self::MAX).contains(&digits).then_some(digits)
    }

    /// The number of digits.
    pub fn count(self) -> usize {
        usize::from(self.0)
    }

    /// The number above the largest code: 10^digits.
    pub(crate) fn modulus(self) -> u64 {
        10u64.saturating_pow(u32::from(self.0))
    }
}

/// A code: its value, and how many digits it was written with. `012345` and
/// `12345` are different. Wiped when dropped; `Debug` shows only the length.
#[derive(Clone)]
pub struct Code {
    value: u64,
    digits: Digits,
}

impl Code {
    /// The code with this value, cut to `digits` (RFC 4226 section 5.3, step 3).
    pub(crate) fn truncated(value: u64, digits: Digits) -> Self {
        let value = value.checked_rem(digits.modulus()).unwrap_or_default();
        Self { value, digits }
    }

    /// A code that equals nothing that can be typed.
    pub(crate) fn untypable(digits: Digits) -> Self {
        Self {
            value: u64::MAX,
            digits,
        }
    }

    /// Reads exactly 6 to 10 ASCII digits and nothing else.
    pub fn parse(text: &[u8]) -> Option<Self> {
        let digits = Digits::new(u64::try_from(text.len()).ok()?)?;
        let mut value = 0u64;
        for byte in text {
            if !byte.is_ascii_digit() {
                return None;
            }
            let digit = u64::from(byte.wrapping_sub(b'0'));
            value = value.checked_mul(10)?.checked_add(digit)?;
        }
        Some(Self { value, digits })
    }

    /// How many digits it was written with.
    pub fn digits(&self) -> Digits {
        self.digits
    }

    /// The digits as a person reads them.
    pub fn to_text(&self) -> zeroize::Zeroizing<String> {
        let width = self.digits.count();
        zeroize::Zeroizing::new(format!("{:0width$}", self.value))
    }
}

/// Same value and same length, in constant time (CVE-2022-29185's class).
impl ConstantTimeEq for Code {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.value.ct_eq(&other.value) & self.digits.0.ct_eq(&other.digits.0)
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        self.value.zeroize();
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Code({} digits)", self.digits.0)
    }
}
