//! The values in a key's `Data`, each plain or encrypted.

use super::lock::{Lock, Opened};
use crate::xml::{self, Node};

/// A key's `Data`, and what opens it.
#[derive(Clone, Copy)]
pub(super) struct Data<'a> {
    pub(super) node: Node<'a>,
    pub(super) lock: Option<&'a Lock>,
}

/// A value as it is in the file.
enum Value<'a> {
    Plain(&'a str),
    Opened(Opened),
}

impl<'a> Data<'a> {
    /// The secret.
    pub(super) fn secret(self) -> Result<Opened, String> {
        match self.value("Secret")?.ok_or("is missing")? {
            Value::Plain(text) => Ok(Opened {
                bytes: xml::base64(text)?,
                is_open: false,
            }),
            Value::Opened(opened) => Ok(opened),
        }
    }

    /// A number from 0; nothing if it is missing.
    pub(super) fn number(self, name: &'static str) -> Result<Option<u64>, String> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::Plain(text)) => {
                let number = text.parse().map_err(|_| "is no whole number from 0")?;
                Ok(Some(number))
            }
            Some(Value::Opened(opened)) => big_endian(&opened.bytes).map(Some),
        }
    }

    /// A plain text; nothing if it is missing or empty.
    pub(super) fn text(self, name: &'static str) -> Result<Option<&'a str>, String> {
        match self.value(name)? {
            None => Ok(None),
            Some(Value::Plain(text)) => Ok(Some(text).filter(|text| !text.is_empty())),
            Some(Value::Opened(_)) => Err("is encrypted, and only a number from 0 can be".into()),
        }
    }

    fn value(self, name: &'static str) -> Result<Option<Value<'a>>, String> {
        let Some(node) = xml::one(self.node, name)? else {
            return Ok(None);
        };
        let plain = xml::one(node, "PlainValue")?;
        let encrypted = xml::one(node, "EncryptedValue")?;
        match (plain, encrypted, self.lock) {
            (Some(_), Some(_), _) => Err("is there both plain and encrypted".into()),
            (None, None, _) => Err("has neither PlainValue nor EncryptedValue".into()),
            (Some(plain), None, _) => Ok(Some(Value::Plain(xml::text(plain)?))),
            (None, Some(_), None) => Err("is encrypted, but the file has no EncryptionKey".into()),
            (None, Some(encrypted), Some(lock)) => {
                let mac = xml::text_of(node, "ValueMAC")?;
                Ok(Some(Value::Opened(lock.open(encrypted, mac)?)))
            }
        }
    }
}

/// An encrypted number is big-endian, of four or eight bytes (RFC 6030), or fewer.
fn big_endian(bytes: &[u8]) -> Result<u64, String> {
    let is_standard = matches!(bytes.len(), 4 | 8);
    if !is_standard && bytes.iter().all(u8::is_ascii_digit) {
        return Err(
            "is encrypted digits, which may be meant as text or as bytes; it must be \
            plain, or of 4 or 8 bytes"
                .into(),
        );
    }
    if bytes.len() > 8 {
        return Err("is an encrypted number of more than 8 bytes".into());
    }
    Ok(bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte)))
}
