//! What somebody confirmed in the middle of a login that isn't over: a token file that counts
//! once the whole stack has said yes.

use zeroize::Zeroizing;

use super::fields::{Fields, FormatError, Source};
use super::{hex_bytes, hex_text};
use crate::{Counter, Now, Owner};

/// A login is over after so many seconds, or never will be.
const MAX_AGE: u64 = 600;

/// An enrolment that was confirmed, and may yet come to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// Who is enrolled.
    pub owner: Owner,
    /// The floor above the code that confirmed it.
    pub floor: Counter,
    /// How far the token's clock was off then, in steps.
    pub offset: i32,
    /// Seconds since the boot when it was confirmed.
    pub boot: u64,
    /// Which boot.
    pub boot_id: [u8; 16],
    /// The token file.
    pub file: Zeroizing<String>,
}

impl Pending {
    /// Whether the login that it belongs to may still be under way.
    pub fn is_fresh(&self, now: &Now) -> bool {
        let age = now.boot.checked_sub(self.boot);
        self.boot_id == now.boot_id && age.is_some_and(|age| age <= MAX_AGE)
    }

    /// One line about it, then the token file.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!(
            "pending = {{ uid = {}, name = \"{}\", floor = {}, offset = \"{}\", boot = {}, boot_id = \"{}\" }}\n{}",
            self.owner.uid,
            hex_text(self.owner.name.as_bytes()),
            self.floor,
            self.offset,
            self.boot,
            hex_text(&self.boot_id),
            *self.file,
        ))
    }

    /// Reads it.
    ///
    /// # Errors
    /// Any field that isn't as [`to_text`](Self::to_text) writes it.
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        let (line, file) = text.split_once('\n').unwrap_or((text, ""));
        let mut root = Source(line).parse()?;
        let mut fields = root.require("pending")?.table()?;
        root.end()?;
        let mut number = |name: &str, most| fields.require(name)?.number(0..=most);
        let (uid, floor) = (number("uid", u32::MAX.into())?, number("floor", u64::MAX)?);
        let boot = number("boot", u64::MAX)?;
        let pending = Self {
            owner: Owner {
                uid: u32::try_from(uid).unwrap_or(u32::MAX),
                name: read_name(&mut fields)?,
            },
            floor: Counter(floor),
            offset: read_offset(&mut fields)?,
            boot,
            boot_id: fields.require("boot_id")?.hex()?,
            file: Zeroizing::new(file.to_owned()),
        };
        fields.end()?;
        Ok(pending)
    }
}

fn read_name(fields: &mut Fields<'_>) -> Result<String, FormatError> {
    let field = fields.require("name")?;
    let name = hex_bytes(field.text()?).and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| field.error("must be a name in hexadecimal digits"))
}

fn read_offset(fields: &mut Fields<'_>) -> Result<i32, FormatError> {
    let field = fields.require("offset")?;
    let offset = field.text()?.parse();
    offset.map_err(|_| field.error("must be a number of steps"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending() -> Pending {
        Pending {
            owner: Owner {
                uid: 2000,
                name: "DOM\\\"bob\" é".into(),
            },
            floor: Counter(59_000_001),
            offset: -1,
            boot: 77,
            boot_id: [5; 16],
            file: Zeroizing::new("version = 1\n".to_owned()),
        }
    }

    #[test]
    fn pending_enrolment_reads_back() {
        assert_eq!(Pending::parse(&pending().to_text()).unwrap(), pending());
    }

    #[test]
    fn every_cut_of_its_line_is_refused() {
        let text = pending().to_text();
        let line = text.find('\n').unwrap();
        for cut in 0..line {
            assert!(Pending::parse(&text[..cut]).is_err(), "{cut}");
        }
    }

    /// Of this boot, and ten minutes old at most; a clock that is set changes nothing.
    #[test]
    fn it_ends_with_its_login_or_its_boot() {
        let at = |boot, boot_id| Now {
            unix: 0,
            boot,
            boot_id,
        };
        assert!(pending().is_fresh(&at(77, [5; 16])) && pending().is_fresh(&at(677, [5; 16])));
        assert!(!pending().is_fresh(&at(678, [5; 16])));
        assert!(!pending().is_fresh(&at(76, [5; 16])) && !pending().is_fresh(&at(77, [6; 16])));
    }
}
