//! The fields of a line.

use fob_core::{Counter, PrivateId, Secret};

/// The longest public id, in characters of modhex.
const MAX_PUBLIC_ID: usize = 32;
/// What stands for 0 to f on every keyboard.
const MODHEX: &str = "cbdefghijklnrtuv";
/// The step and the greatest of the start counters that a YubiKey can be given.
const START_STEP: u64 = 16;
const START_MAX: u64 = 0xffff * START_STEP;

/// How a YubiKey types the public id in front of an OATH-HOTP code. The log always has it
/// in modhex.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Typed {
    /// As the log has it.
    Modhex,
    /// So many characters as the log has them, and then the digits that they stand for.
    Digits {
        /// How many stay as they are.
        after: usize,
    },
}

impl Typed {
    /// From the flags `OATH_FIXED_MODHEX1`, `2` and that of both, which is both bits.
    pub(crate) fn of(first: bool, second: bool, all: bool) -> Self {
        match (first, second, all) {
            (_, _, true) | (true, true, _) => Self::Modhex,
            (true, _, _) => Self::Digits { after: 2 },
            (_, true, _) => Self::Digits { after: 4 },
            _ => Self::Digits { after: 0 },
        }
    }

    /// What the tool does if nobody chose: maker and type in modhex, then digits. What
    /// can't be digits was chosen to be modhex.
    pub(crate) fn guess(public_id: &str) -> Self {
        let mut rest = public_id.chars().skip(4);
        if rest.all(|c| value(c).is_some_and(|value| value < 10)) {
            Self::Digits { after: 4 }
        } else {
            Self::Modhex
        }
    }
}

fn value(c: char) -> Option<u32> {
    let c = c.to_ascii_lowercase();
    MODHEX
        .chars()
        .zip(0..)
        .find_map(|(of, value)| (of == c).then_some(value))
}

/// The public id as it is typed, in lower case; nothing if there is none.
pub(crate) fn typed(text: &str, typed: Typed) -> Result<Option<String>, String> {
    let text: String = text.chars().filter(|c| *c != ' ').collect();
    if text.len() > MAX_PUBLIC_ID || text.len() % 2 != 0 {
        return Err(format!(
            "must be 0 to {MAX_PUBLIC_ID} characters, two for each byte"
        ));
    }
    let kept = match typed {
        Typed::Modhex => text.len(),
        Typed::Digits { after } => after,
    };
    let character = |(at, c): (usize, char)| {
        let digit = char::from_digit(value(c)?, 16)?;
        Some(if at < kept {
            c.to_ascii_lowercase()
        } else {
            digit
        })
    };
    let id: Option<String> = text.chars().enumerate().map(character).collect();
    let id = id.ok_or_else(|| format!("must be modhex, the letters {MODHEX}"))?;
    Ok(Some(id).filter(|id| !id.is_empty()))
}

/// The six bytes of a private id.
pub(crate) fn private_id(text: &str) -> Result<PrivateId, &'static str> {
    let is_hex = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let wrong = "must be 12 hexadecimal digits";
    let number = u64::from_str_radix(text, 16).map_err(|_| wrong)?;
    let [_, _, id @ ..] = number.to_be_bytes();
    is_hex.then_some(PrivateId(id)).ok_or(wrong)
}

/// The key of AES-128.
pub(crate) fn aes_key(text: &str) -> Result<Secret, String> {
    let secret = Secret::from_hex(text).map_err(|error| error.to_string())?;
    if secret.bytes().len() == 16 {
        Ok(secret)
    } else {
        Err("must be 16 bytes, 32 hexadecimal digits".into())
    }
}

/// Whether it is a start counter, and not a private id.
pub(crate) fn is_number(text: &str) -> bool {
    text.len() < 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The counter that an OATH-HOTP slot starts with.
pub(crate) fn start(text: &str) -> Result<Counter, String> {
    let start = text.parse().ok().filter(|start| {
        let whole = start % START_STEP == 0;
        whole && *start <= START_MAX
    });
    start
        .map(Counter)
        .ok_or_else(|| format!("must be a multiple of {START_STEP} up to {START_MAX}"))
}
