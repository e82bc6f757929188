//! Tokens and their codes.

use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fob_core::{Algorithm, Codes, Counter, Digits, Secret};

use super::Result;

const PERIOD: u64 = 30;

/// How a token gets its counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// From its button.
    Hotp,
    /// From the clock.
    Totp,
}

/// A token with six digits and SHA-1, which every system knows.
#[derive(Debug)]
pub(super) struct Token {
    /// How it gets its counter.
    pub(super) kind: Kind,
    /// The counter of its next code, if it is HOTP. Not 0, which one peer refuses.
    pub(super) counter: u64,
    secret: Secret,
}

impl Token {
    /// A token that nobody has seen.
    pub(super) fn new(kind: Kind) -> Result<Self> {
        let mut bytes = [0; 20];
        std::fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(Self {
            kind,
            counter: 1,
            secret: Secret::new(bytes.to_vec())?,
        })
    }

    pub(super) fn base32(&self) -> String {
        self.secret.to_base32().to_string()
    }

    pub(super) fn hex(&self) -> String {
        let digits = self.secret.bytes().iter();
        digits.map(|byte| format!("{byte:02x}")).collect()
    }

    /// The next code of an HOTP token.
    pub(super) fn press(&mut self) -> String {
        self.counter += 1;
        self.code(self.counter - 1)
    }

    /// What a TOTP token shows `offset` steps from now. Waits where that is about to change.
    pub(super) fn shown(&self, offset: i64) -> Result<String> {
        loop {
            let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
            if now % PERIOD < PERIOD - 2 {
                return Ok(self.code((now / PERIOD).saturating_add_signed(offset)));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// A code that is none of those that a token may show soon.
    pub(super) fn wrong(&self) -> Result<String> {
        let near: Vec<String> = match self.kind {
            Kind::Hotp => (0..200)
                .map(|ahead| self.code(self.counter + ahead))
                .collect(),
            Kind::Totp => (-20..20)
                .map(|offset| self.shown(offset))
                .collect::<Result<_>>()?,
        };
        let mut wrong = (0..=999_999).map(|code| format!("{code:06}"));
        let free = wrong.find(|code| !near.contains(code));
        free.ok_or_else(|| "every code is right".into())
    }

    fn code(&self, counter: u64) -> String {
        let code = Codes::new(&self.secret, Algorithm::Sha1, Digits::MIN).at(Counter(counter));
        code.to_text().to_string()
    }
}
