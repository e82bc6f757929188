//! `otpauth-migration://` URIs, one a line: what phone apps show as QR codes when accounts
//! are moved to another phone. `data` is base64 of a protobuf message; see protobuf's own
//! encoding guide for the wire format.
//!
//! The messages are read by hand, in fifty lines: a protobuf library would leave the secrets
//! in buffers that nobody wipes.

use std::collections::BTreeMap;

use data_encoding::BASE64_NOPAD;
use fob_core::{Algorithm, Counter, Digits, Kind, Period, Secret, Token};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::entry::{self, Entry, found};
use crate::{Batch, Found, MAX_TOKENS, Options, text, twins};

/// What every URI begins with.
const SCHEME: &str = "otpauth-migration://";
/// No export has more parts.
const MAX_PARTS: u64 = 1000;

/// Reads URIs; all parts of an export must be there.
pub fn read(bytes: &[u8], _: &Options) -> Batch {
    let mut batch = Batch::default();
    let Some(text) = text::of(bytes, &mut batch) else {
        return batch;
    };
    let mut parts: BTreeMap<u64, Export> = BTreeMap::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("line {number}");
        match data(line).and_then(|data| Part::read(&data, &place, &mut batch)) {
            Ok(part) => parts.entry(part.id).or_default().add(&part),
            Err(what) => batch.problem(place, what),
        }
    }
    for export in parts.values() {
        export.check(&mut batch);
    }
    twins::refuse_secrets(&mut batch);
    batch
}

/// The message of a URI.
fn data(line: &str) -> Result<Zeroizing<Vec<u8>>, String> {
    let rest = line
        .split_at_checked(SCHEME.len())
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(SCHEME))
        .map(|(_, rest)| rest)
        .ok_or("it does not begin with otpauth-migration://")?;
    let query = rest.split_once('?').map_or("", |(_, query)| query);
    let data = query.split('&').find_map(|part| part.strip_prefix("data="));
    let text = percent_decode_str(data.ok_or("it has no data")?);
    base64(text).ok_or_else(|| "its data is cut off or no base64".into())
}

/// Base64 of both alphabets, with padding or without; a plus may have become a blank.
fn base64(text: impl Iterator<Item = u8>) -> Option<Zeroizing<Vec<u8>>> {
    let (_, most) = text.size_hint();
    let mut clean = Zeroizing::new(Vec::with_capacity(most.unwrap_or_default()));
    clean.extend(text.filter(|c| *c != b'=').map(|c| match c {
        b'-' | b' ' => b'+',
        b'_' => b'/',
        c => c,
    }));
    BASE64_NOPAD.decode(&clean).ok().map(Zeroizing::new)
}

/// What is known of an export.
#[derive(Default)]
struct Export {
    size: u64,
    there: Vec<u64>,
}

impl Export {
    fn add(&mut self, part: &Part) {
        self.size = self.size.max(part.size);
        self.there.push(part.index);
    }

    fn check(&self, batch: &mut Batch) {
        let missing: Vec<String> = (0..self.size.min(MAX_PARTS))
            .filter(|index| !self.there.contains(index))
            .map(|index| index.saturating_add(1).to_string())
            .collect();
        if !missing.is_empty() {
            let what = format!(
                "of the {} parts of an export these are missing: {}",
                self.size,
                missing.join(", ")
            );
            batch.problem("", what);
        }
    }
}

/// One QR code of an export.
struct Part {
    id: u64,
    size: u64,
    index: u64,
}

impl Part {
    fn read(data: &[u8], place: &str, batch: &mut Batch) -> Result<Self, String> {
        let mut part = Self {
            id: 0,
            size: 1,
            index: 0,
        };
        let mut accounts = 0u32;
        let mut fields = Fields(data);
        while let Some((tag, value)) = fields.next().map_err(str::to_owned)? {
            match (tag, value) {
                (1, Value::Bytes(account)) => {
                    accounts = accounts.saturating_add(1);
                    if batch.tokens.len() >= MAX_TOKENS {
                        return Err(format!("is beyond the {MAX_TOKENS} tokens that are read"));
                    }
                    let mut entry = Entry {
                        batch,
                        place: format!("{place}, account {accounts}"),
                    };
                    let token = entry.account(account);
                    batch.tokens.extend(token);
                }
                (3, Value::Number(size)) => part.size = size,
                (4, Value::Number(index)) => part.index = index,
                (5, Value::Number(id)) => part.id = id,
                _ => {}
            }
        }
        Ok(part)
    }
}

impl Entry<'_> {
    fn account(&mut self, bytes: &[u8]) -> Option<Found> {
        let mut secret: Option<&[u8]> = None;
        let (mut name, mut issuer) = (String::new(), String::new());
        let mut numbers = [0u64; 4];
        let mut fields = Fields(bytes);
        loop {
            match self.take("account", fields.next())? {
                None => break,
                Some((1, Value::Bytes(bytes))) => secret = Some(bytes),
                Some((2, Value::Bytes(bytes))) => name = plain(bytes),
                Some((3, Value::Bytes(bytes))) => issuer = plain(bytes),
                Some((tag @ 4..=7, Value::Number(number))) => {
                    let place = usize::try_from(tag.saturating_sub(4)).unwrap_or_default();
                    if let Some(kept) = numbers.get_mut(place) {
                        *kept = number;
                    }
                }
                Some(_) => {}
            }
        }
        let [algorithm, digits, kind, counter] = numbers;
        let algorithm = match algorithm {
            0 | 1 => Ok(Algorithm::Sha1),
            2 => Ok(Algorithm::Sha256),
            3 => Ok(Algorithm::Sha512),
            4 => {
                self.drop_it(&name, "its codes are made with MD5");
                return None;
            }
            _ => Err("is not known"),
        };
        let algorithm = self.take("algorithm", algorithm)?;
        let digits = match digits {
            0 | 1 => Ok(Digits::MIN),
            2 => Ok(Digits::EIGHT),
            3 => Digits::new(7).ok_or("is not known"),
            _ => Err("is not known"),
        };
        let digits = self.take("digits", digits)?;
        let secret = Secret::new(secret.unwrap_or_default().to_vec());
        let secret = self.take("secret", secret)?;
        let kind = match kind {
            1 => Kind::Hotp {
                counter: Counter(counter.saturating_add(1)),
            },
            // Apps show these codes for 30 s, whatever their URI said.
            _ => Kind::Totp {
                period: Period::DEFAULT,
                t0: 0,
            },
        };
        let token = Token {
            algorithm,
            digits,
            ..entry::token(kind, secret)
        };
        let user = name
            .rsplit_once(':')
            .map_or(name.as_str(), |(_, user)| user);
        let remarks = (!token.kind.is_timed()).then(|| LAST_SHOWN.to_owned());
        Some(Found {
            remarks: remarks.into_iter().collect(),
            used: entry::used(&token),
            user: Some(user.trim().to_owned()).filter(|user| !user.is_empty()),
            issuer: Some(issuer).filter(|issuer| !issuer.is_empty()),
            ..found(self.place.clone(), token)
        })
    }
}

/// A text that may be shown.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|c| !c.is_control()).take(256).collect()
}

/// A value of a message.
enum Value<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of another wire type, and passed over.
    Other,
}

/// The fields of a message that haven't been read yet.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, &'static str> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.number()?;
        let value = match key & 7 {
            0 => Value::Number(self.number()?),
            1 => self.skip(8)?,
            2 => {
                let length = usize::try_from(self.number()?).map_err(|_| CUT)?;
                Value::Bytes(self.bytes(length)?)
            }
            5 => self.skip(4)?,
            _ => return Err("its data is no such message"),
        };
        Ok(Some((key >> 3, value)))
    }

    /// A varint.
    fn number(&mut self) -> Result<u64, &'static str> {
        let mut number = 0u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first().ok_or(CUT)?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err("its data is no such message")
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], &'static str> {
        let (bytes, rest) = self.0.split_at_checked(length).ok_or(CUT)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn skip(&mut self, length: usize) -> Result<Value<'a>, &'static str> {
        self.bytes(length).map(|_| Value::Other)
    }
}

/// Google Authenticator adds one to the counter and then shows its code (`OtpProvider.java` of its
/// open version), so what it keeps, and exports, is the counter of the last code. Where an app
/// means the next one, a press is lost, and no code counts that somebody saw.
const LAST_SHOWN: &str = "Apps export the counter of the last code that they showed: codes count \
    from the next one on.";
const CUT: &str = "its data is cut off";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mutants, samples};
    use proptest::prelude::*;

    #[test]
    fn samples_are_read_as_expected() {
        samples::compare("otpauth-migration", read);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in mutants::of("otpauth-migration")) {
            let batch = read(&bytes, &Options::default());
            prop_assert!(batch.tokens.len() <= bytes.len());
        }

        #[test]
        fn no_message_panics(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Part::read(&bytes, "x", &mut Batch::default());
        }
    }
}
