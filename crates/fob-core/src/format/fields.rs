//! A TOML table whose fields are taken one by one, each error with its place.

use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zeroize::Zeroizing;

use crate::{SealKey, SealPlace, is_sealed};

/// No list of fob.conf is longer.
pub(super) const MAX_MEMBERS: usize = 256;

/// What is wrong in a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormatError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, with the field's name; never its value.
    pub message: String,
    /// What kind of trouble it is.
    pub cause: Cause,
}

/// What kind of trouble there is with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It says what it may not say.
    Content,
    /// It was written for a later version of pam_fob.
    NewerVersion,
    /// It has sealed values, and there is no key.
    NoSealKey,
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {}",
            self.line, self.column, self.message
        )
    }
}

impl std::error::Error for FormatError {}

/// The text that spans point into.
#[derive(Clone, Copy)]
pub(super) struct Source<'a>(pub(super) &'a str);

impl<'a> Source<'a> {
    pub(super) fn parse(self) -> Result<Fields<'a>, FormatError> {
        let root = DeTable::parse(self.0).map_err(|error| {
            // Only the message: the error's own text would print the line, secret and all.
            self.error(&error.span().unwrap_or(0..0), error.message())
        })?;
        let span = root.span();
        Ok(Fields {
            source: self,
            span,
            table: root.into_inner(),
        })
    }

    pub(super) fn error(self, span: &Range<usize>, message: impl Into<String>) -> FormatError {
        let before = self.0.get(..span.start).unwrap_or(self.0);
        let line_start = before.rfind('\n').map_or(0, |at| at.saturating_add(1));
        let column = before.get(line_start..).unwrap_or_default().chars().count();
        FormatError {
            line: before.matches('\n').count().saturating_add(1),
            column: column.saturating_add(1),
            message: message.into(),
            cause: Cause::Content,
        }
    }
}

/// The fields of a table that haven't been taken yet.
pub(super) struct Fields<'a> {
    source: Source<'a>,
    span: Range<usize>,
    table: DeTable<'a>,
}

/// A value and where it stands.
pub(super) struct Field<'a> {
    source: Source<'a>,
    pub(super) name: String,
    span: Range<usize>,
    value: DeValue<'a>,
}

impl<'a> Fields<'a> {
    /// The field called `name`, if it is there.
    pub(super) fn take(&mut self, name: &str) -> Option<Field<'a>> {
        let value = self.table.remove(name)?;
        Some(Field {
            source: self.source,
            name: name.into(),
            span: value.span(),
            value: value.into_inner(),
        })
    }

    /// The field called `name`, which must be there.
    pub(super) fn require(&mut self, name: &str) -> Result<Field<'a>, FormatError> {
        let missing = self
            .source
            .error(&self.span, format!("`{name}` is missing"));
        self.take(name).ok_or(missing)
    }

    /// Nothing may be left.
    pub(super) fn end(self) -> Result<(), FormatError> {
        match self.table.iter().next() {
            None => Ok(()),
            Some((key, _)) => {
                let message = format!("unknown field `{}`", printable(key.get_ref()));
                Err(self.source.error(&key.span(), message))
            }
        }
    }

    /// All fields, in the order of their names.
    pub(super) fn into_fields(self) -> impl Iterator<Item = Field<'a>> {
        let source = self.source;
        self.table.into_iter().map(move |(key, value)| Field {
            source,
            name: key.get_ref().to_string(),
            span: value.span(),
            value: value.into_inner(),
        })
    }
}

impl<'a> Field<'a> {
    /// An error about this field.
    pub(super) fn error(&self, message: impl fmt::Display) -> FormatError {
        self.source.error(
            &self.span,
            format!("`{}`: {message}", printable(&self.name)),
        )
    }

    pub(super) fn text(&self) -> Result<&str, FormatError> {
        match &self.value {
            DeValue::String(text) => Ok(text),
            _ => Err(self.error("must be a text in quotes")),
        }
    }

    /// A text that may be shown on one line.
    pub(super) fn line(&self, most: usize) -> Result<String, FormatError> {
        let text = self.text()?;
        if text.is_empty() || text.len() > most || text.chars().any(char::is_control) {
            return Err(self.error(format_args!(
                "must be 1 to {most} bytes without control characters"
            )));
        }
        Ok(text.into())
    }

    pub(super) fn flag(&self) -> Result<bool, FormatError> {
        match &self.value {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(self.error("must be true or false")),
        }
    }

    /// A whole number within `range`.
    pub(super) fn number(&self, range: std::ops::RangeInclusive<u64>) -> Result<u64, FormatError> {
        let number = match &self.value {
            DeValue::Integer(n) => u64::from_str_radix(n.as_str(), n.radix()).ok(),
            _ => None,
        };
        number.filter(|n| range.contains(n)).ok_or_else(|| {
            self.error(format_args!(
                "must be a whole number from {} to {}",
                range.start(),
                range.end()
            ))
        })
    }

    /// A time in seconds, as a number or as a text like `90s`, `15m`, `12h`, `1d`.
    pub(super) fn seconds(&self, range: std::ops::RangeInclusive<u64>) -> Result<u64, FormatError> {
        let DeValue::String(text) = &self.value else {
            return self.number(range);
        };
        let wrong = || self.error("must be a time like 90s, 15m, 12h or 1d within the limits");
        let unit = text.chars().last().ok_or_else(wrong)?;
        let count = text.strip_suffix(unit).unwrap_or_default();
        let factor = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let plain = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
        let count: Option<u64> = count.parse().ok().filter(|_| plain);
        count
            .and_then(|n| n.checked_mul(factor))
            .filter(|n| range.contains(n))
            .ok_or_else(wrong)
    }

    /// A text as it was before it was sealed; any other as it is.
    pub(super) fn opened(
        &self,
        key: Option<&SealKey>,
        place: SealPlace<'_>,
    ) -> Result<Zeroizing<String>, FormatError> {
        let text = self.text()?;
        if !is_sealed(text) {
            return Ok(Zeroizing::new(text.to_owned()));
        }
        let Some(key) = key else {
            return Err(FormatError {
                cause: Cause::NoSealKey,
                ..self.error("is sealed, and there is no key")
            });
        };
        key.open(text, place).ok_or_else(|| {
            self.error(
                "was sealed with another key, or for another person or token; bring back that key, or \
                 the name that the file or the token had, and see fob-unseal(1)",
            )
        })
    }

    /// Exactly `N` bytes in hexadecimal digits.
    pub(super) fn hex<const N: usize>(&self) -> Result<[u8; N], FormatError> {
        self.hex_of(self.text()?)
    }

    /// The same of a text that this field was opened to.
    pub(super) fn hex_of<const N: usize>(&self, text: &str) -> Result<[u8; N], FormatError> {
        super::hex_bytes(text)
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| self.error(format_args!("must be {N} bytes in hexadecimal digits")))
    }

    pub(super) fn table(self) -> Result<Fields<'a>, FormatError> {
        let wrong = self.error("must be a table");
        match self.value {
            DeValue::Table(table) => Ok(Fields {
                source: self.source,
                span: self.span,
                table,
            }),
            _ => Err(wrong),
        }
    }

    /// The members of a list, each under this field's name.
    pub(super) fn list(self) -> Result<Vec<Self>, FormatError> {
        let wrong = self.error("must be a list");
        let DeValue::Array(array) = self.value else {
            return Err(wrong);
        };
        let member = |value: Spanned<DeValue<'a>>| Self {
            source: self.source,
            name: self.name.clone(),
            span: value.span(),
            value: value.into_inner(),
        };
        Ok(array.into_iter().map(member).collect())
    }

    /// The members of a list, or this value by itself. An empty list is refused: it could
    /// mean nothing, or everything.
    pub(super) fn members(self) -> Result<Vec<Self>, FormatError> {
        if !matches!(self.value, DeValue::Array(_)) {
            return Ok(vec![self]);
        }
        let wrong = self.error(format_args!("must be a list of 1 to {MAX_MEMBERS}"));
        let list = self.list()?;
        if (1..=MAX_MEMBERS).contains(&list.len()) {
            Ok(list)
        } else {
            Err(wrong)
        }
    }

    /// The version of the file's format: 1.
    pub(super) fn version(&self) -> Result<(), FormatError> {
        match self.number(1..=u64::MAX)? {
            1 => Ok(()),
            _ => Err(FormatError {
                cause: Cause::NewerVersion,
                ..self.error("a later version of pam_fob wrote this")
            }),
        }
    }
}

/// A name from a file, cut and without control characters, so that it may be logged.
pub(super) fn printable(name: &str) -> String {
    name.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .take(40)
        .collect()
}
