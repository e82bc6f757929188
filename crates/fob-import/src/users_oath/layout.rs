//! Which program keeps a users file.

/// Whose layout a file has: they look alike, and mean different things by the counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// OATH Toolkit's pam_oath: counter last used, last code, its time.
    OathToolkit,
    /// mod_authn_otp since it counts failures: counter to be used next, failures, last code,
    /// its time, address.
    ModAuthnOtp,
    /// mod_authn_otp before that: counter to be used next, last code, its time, address.
    OldModAuthnOtp,
}

impl Layout {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::OathToolkit, Self::ModAuthnOtp, Self::OldModAuthnOtp];

    /// What the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::OathToolkit => "oath-toolkit",
            Self::ModAuthnOtp => "mod-authn-otp",
            Self::OldModAuthnOtp => "mod-authn-otp-old",
        }
    }

    /// The layout of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|layout| layout.name() == name)
    }

    /// What a line must be. None if nothing in it tells.
    pub(super) fn of(fields: &[&str]) -> Option<Self> {
        let is_time = |at: usize| fields.get(at).is_some_and(|field| is_time(field));
        if is_time(7) {
            Some(Self::ModAuthnOtp)
        } else if is_time(6) && fields.len() > 7 {
            Some(Self::OldModAuthnOtp)
        } else if is_time(6) {
            Some(Self::OathToolkit)
        } else {
            None
        }
    }

    /// Where the last code stands.
    pub(super) fn last_code(self) -> usize {
        match self {
            Self::OathToolkit | Self::OldModAuthnOtp => 5,
            Self::ModAuthnOtp => 6,
        }
    }
}

/// `2026-11-24T01:02:03L`.
fn is_time(field: &str) -> bool {
    let shape = field
        .bytes()
        .map(|b| if b.is_ascii_digit() { b'0' } else { b });
    shape.eq(*b"0000-00-00T00:00:00L")
}
