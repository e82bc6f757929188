//! One enrolled generator of codes.

use std::fmt;
use std::ops::Deref;

use crate::tag::tag;
use crate::{Algorithm, Code, Codes, Counter, Day, Digits, Secret};

/// How long a TOTP code is shown: 1 s to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(u32);

impl Period {
    /// RFC 6238 section 5.2's default, 30 s.
    pub const DEFAULT: Self = Self(30);
    /// The longest, a day.
    pub const MAX_SECONDS: u64 = 86_400;

    /// A period of so many seconds, if that is 1 to 86 400.
    pub fn new(seconds: u64) -> Option<Self> {
        let fits = (1..=Self::MAX_SECONDS).contains(&seconds);
        u32::try_from(seconds).ok().filter(|_| fits).map(Self)
    }

    /// Its length in seconds.
    pub fn seconds(self) -> u64 {
        u64::from(self.0)
    }
}

/// What moves a token on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Each press (RFC 4226).
    Hotp {
        /// The lowest counter that was acceptable when the token was enrolled.
        counter: Counter,
    },
    /// Time (RFC 6238).
    Totp {
        /// RFC 6238's X.
        period: Period,
        /// RFC 6238's T0, in Unix seconds.
        t0: u64,
    },
    /// Each touch of a YubiKey that types Yubico OTPs: 32 characters under AES-128.
    Yubico {
        /// What every OTP of the key holds.
        private_id: PrivateId,
        /// The lowest counter that was acceptable when the key was enrolled.
        counter: Counter,
    },
}

/// The six bytes that tell a right Yubico OTP from chance. `Debug` shows none of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PrivateId(pub [u8; 6]);

impl fmt::Debug for PrivateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PrivateId")
    }
}

impl Kind {
    /// The name in a token file and in an `otpauth://` URI.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hotp { .. } => "hotp",
            Self::Totp { .. } => "totp",
            Self::Yubico { .. } => "yubico",
        }
    }

    /// Whether time moves it, so that its codes grow old by themselves.
    pub fn is_timed(self) -> bool {
        matches!(self, Self::Totp { .. })
    }
}

/// A generator that belongs to a person: a key fob, a YubiKey slot, a phone app.
#[derive(Debug, Clone)]
pub struct Token {
    /// What people call it; unique for its owner.
    pub id: String,
    /// What moves it on.
    pub kind: Kind,
    /// The hash under its HMAC.
    pub algorithm: Algorithm,
    /// How many digits it shows.
    pub digits: Digits,
    /// The key that it shares with this machine.
    pub secret: Secret,
    /// What the maker printed on it.
    pub serial: Option<String>,
    /// The public id that a YubiKey may type in front of its code, in lower case.
    pub public_id: Option<String>,
    /// The last day on which it lets anybody in.
    pub expires: Option<Day>,
    /// Kept, but lets nobody in.
    pub disabled: bool,
}

/// What ties an entry of the ledger to a token: neither its id nor its owner's name,
/// so that a renamed or re-added token keeps its floor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenKey(pub [u8; 16]);

/// A token with its key, which takes an HMAC to compute: known once, for all that a login asks
/// its ledger.
#[derive(Debug, Clone, Copy)]
pub struct KeyedToken<'t> {
    token: &'t Token,
    key: TokenKey,
}

impl<'t> KeyedToken<'t> {
    /// The token.
    pub fn token(self) -> &'t Token {
        self.token
    }

    /// What ties an entry of the ledger to it.
    pub fn key(self) -> TokenKey {
        self.key
    }
}

impl<'t> From<&'t Token> for KeyedToken<'t> {
    fn from(token: &'t Token) -> Self {
        let key = token.key();
        Self { token, key }
    }
}

impl Deref for KeyedToken<'_> {
    type Target = Token;

    fn deref(&self) -> &Token {
        self.token
    }
}

impl Token {
    /// The codes that it shows. A YubiKey that types Yubico OTPs shows none.
    pub fn codes(&self) -> Codes {
        match self.kind {
            Kind::Hotp { .. } | Kind::Totp { .. } => {
                Codes::new(&self.secret, self.algorithm, self.digits)
            }
            Kind::Yubico { .. } => Codes::untypable(self.digits),
        }
    }

    /// The one that it shows at `counter`.
    pub fn code(&self, counter: Counter) -> Code {
        self.codes().at(counter)
    }

    /// HMAC-SHA-256(secret, "fob ledger" ‖ type ‖ period ‖ T0), cut to 16 bytes.
    pub fn key(&self) -> TokenKey {
        let (period, t0) = match self.kind {
            Kind::Hotp { .. } | Kind::Yubico { .. } => (0, 0),
            Kind::Totp { period, t0 } => (period.seconds(), t0),
        };
        let name = self.kind.name().as_bytes();
        let (period, t0) = (period.to_be_bytes(), t0.to_be_bytes());
        TokenKey(tag(
            self.secret.bytes(),
            &[b"fob ledger", name, &period, &t0],
        ))
    }
}
