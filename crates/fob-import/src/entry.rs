//! What an entry of a file becomes.

use std::fmt::Display;

use fob_core::{Algorithm, Digits, Kind, Period, Secret, Token};

use crate::{Batch, Found, Problem, Used};

/// The longest id and the longest serial, in bytes.
const MAX_NAME: usize = 64;
/// The longest name that is repeated of a line that isn't read in full: a secret is longer.
const MAX_TOLD: usize = 19;
/// What a file of seeds leaves open.
const USES_UNKNOWN: &str = "The file doesn't say which codes were used since it was \
    written. The first code that is accepted spends all before it; until then, an older one that \
    nobody used here would be accepted too.";

/// An entry that is being read.
#[derive(Debug)]
pub(crate) struct Entry<'b> {
    pub(crate) batch: &'b mut Batch,
    /// Where in the file it is.
    pub(crate) place: String,
}

impl Entry<'_> {
    /// A field's value; or a problem, and nothing.
    pub(crate) fn take<T>(&mut self, field: &str, value: Result<T, impl Display>) -> Option<T> {
        value.map_err(|what| self.wrong(field, what)).ok()
    }

    /// Notes what is wrong with a field.
    pub(crate) fn wrong(&mut self, field: &str, what: impl Display) {
        self.batch
            .problem(self.place.as_str(), format!("{field}: {what}"));
    }

    /// Notes what is wrong with the entry, and what to do about it.
    pub(crate) fn refuse(&mut self, what: impl Into<String>, remedy: &str) {
        self.batch.refuse(Problem {
            place: self.place.clone(),
            what: what.into(),
            remedy: Some(remedy.into()),
        });
    }

    /// Notes that it can't be used.
    pub(crate) fn drop_it(&mut self, what: &str, why: impl Into<String>) {
        // In a damaged line a secret may be where the name should be.
        let what = if what.len() > MAX_TOLD { "" } else { what };
        self.batch.drop_entry(self.place.as_str(), what, why);
    }
}

/// A token of the file that nothing else is known of.
pub(crate) fn found(place: String, token: Token) -> Found {
    Found {
        place,
        user: None,
        token,
        issuer: None,
        used: Used::default(),
        pin: None,
        scratch: Vec::new(),
        remarks: Vec::new(),
    }
}

/// A token with six digits under SHA-1.
pub(crate) fn token(kind: Kind, secret: Secret) -> Token {
    Token {
        id: String::new(),
        kind,
        algorithm: Algorithm::Sha1,
        digits: Digits::MIN,
        secret,
        serial: None,
        public_id: None,
        expires: None,
        disabled: false,
    }
}

/// An id after the maker's number, if that fits.
pub(crate) fn id(what: &str, number: &str) -> String {
    let id = format!("{what}-{number}");
    if number.is_empty() || id.len() > MAX_NAME {
        String::new()
    } else {
        id
    }
}

/// A serial, if there is one.
pub(crate) fn serial(text: &str) -> Result<Option<String>, String> {
    if text.len() > MAX_NAME {
        return Err(format!("is longer than {MAX_NAME} bytes"));
    }
    if text.chars().any(char::is_control) {
        return Err("holds a line break or another control character".into());
    }
    Ok(Some(text.to_owned()).filter(|text| !text.is_empty()))
}

/// How many digits a code has.
pub(crate) fn digits(text: &str) -> Result<Digits, &'static str> {
    let count = text.parse().map_err(|_| "must be 6 to 10")?;
    Digits::new(count).ok_or("must be 6 to 10")
}

/// The hash of `HmacSHA256` and the like.
pub(crate) fn hmac(text: &str) -> Result<Algorithm, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "hmacsha1" => Ok(Algorithm::Sha1),
        "hmacsha256" => Ok(Algorithm::Sha256),
        "hmacsha512" => Ok(Algorithm::Sha512),
        _ => Err("must be HmacSHA1, HmacSHA256 or HmacSHA512"),
    }
}

/// How long a code is shown, in seconds.
pub(crate) fn period(text: &str) -> Result<Period, &'static str> {
    let seconds = text.parse().ok();
    seconds
        .and_then(Period::new)
        .ok_or("must be 1 to 86400 seconds")
}

/// How many steps a clock is off by so many seconds.
pub(crate) fn steps(seconds: i64, period: Period) -> Result<i32, &'static str> {
    let period = i64::try_from(period.seconds()).unwrap_or(i64::MAX);
    let half = period.checked_div(2).unwrap_or_default();
    let steps = seconds.saturating_add(half).checked_div_euclid(period);
    let steps = steps.and_then(|steps| i32::try_from(steps).ok());
    steps.ok_or("is too large")
}

/// A serial, which must be there.
pub(crate) fn serial_required(text: &str) -> Result<String, String> {
    serial(text)?.ok_or_else(|| "is empty".into())
}

/// What a counter that isn't 0 says: the codes before it are spent.
pub(crate) fn used(token: &Token) -> Used {
    let floor = match token.kind {
        Kind::Hotp { counter } => Some(counter).filter(|counter| counter.0 > 0),
        Kind::Totp { .. } | Kind::Yubico { .. } => None,
    };
    Used { floor, drift: 0 }
}

/// Says what a file of seeds leaves open, if it has tokens that a press moves on.
pub(crate) fn remark_uses(batch: &mut Batch) {
    let is_pressed = |found: &Found| !found.token.kind.is_timed();
    if batch.tokens.iter().any(is_pressed) {
        batch.remarks.push(USES_UNKNOWN.into());
    }
}
