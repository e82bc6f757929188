//! What a package says of its device, and the days on which a key counts.

use fob_core::Day;

use crate::dn;
use crate::xml::{self, Node};

/// The device of a package.
#[derive(Debug, Default)]
pub(super) struct Device {
    pub(super) serial: Option<String>,
    pub(super) maker: Option<String>,
    pub(super) user: Option<String>,
    pub(super) days: Days,
}

/// The first and the last day.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Days {
    pub(super) first: Option<Day>,
    pub(super) last: Option<Day>,
}

impl Device {
    /// The device of a package; in drafts it is its `DeviceId`.
    pub(super) fn of(package: Node<'_>) -> Result<Self, String> {
        let mut found = xml::one(package, "DeviceInfo")?;
        if found.is_none() {
            found = xml::one(package, "DeviceId")?;
        }
        let Some(info) = found else {
            return Ok(Self::default());
        };
        Ok(Self {
            serial: name(info, "SerialNo")?,
            maker: name(info, "Manufacturer")?,
            user: user(info)?,
            days: Days::of(info)?,
        })
    }
}

impl Days {
    /// Those of an element.
    pub(super) fn of(node: Node<'_>) -> Result<Self, String> {
        let mut last = day(node, "ExpiryDate")?;
        if last.is_none() {
            last = day(node, "Expiry")?; // of a draft
        }
        let first = day(node, "StartDate")?;
        Ok(Self { first, last })
    }

    /// The days that both allow.
    pub(super) fn and(self, other: Self) -> Self {
        let both = [self.last, other.last];
        Self {
            first: self.first.max(other.first),
            last: both.into_iter().flatten().min(),
        }
    }
}

/// The day of a date with time. The zone is passed over: a day more or less is no matter
/// with dates that are years away.
fn day(node: Node<'_>, name: &'static str) -> Result<Option<Day>, String> {
    let Some(text) = xml::text_of(node, name)? else {
        return Ok(None);
    };
    let (day, rest) = text.split_at_checked(10).unwrap_or_default();
    let is_end = rest.is_empty() || rest.starts_with(['T', 'Z', '+', '-']);
    let day = Day::parse(day).filter(|_| is_end);
    day.map(Some)
        .ok_or_else(|| format!("{name} is no date like 2027-01-31T00:00:00Z"))
}

/// A name, if it is there.
pub(super) fn name(node: Node<'_>, field: &'static str) -> Result<Option<String>, String> {
    let Some(text) = xml::text_of(node, field)? else {
        return Ok(None);
    };
    if text.chars().any(char::is_control) {
        return Err(format!(
            "{field} holds a line break or another control character"
        ));
    }
    Ok(Some(text.to_owned()))
}

/// The user: of a distinguished name (RFC 4514) its UID, else all of it.
pub(super) fn user(node: Node<'_>) -> Result<Option<String>, String> {
    let name = name(node, "UserId")?;
    Ok(name.map(|name| dn::attribute(&name, "UID").unwrap_or(name)))
}
