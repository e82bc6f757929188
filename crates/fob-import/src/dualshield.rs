//! XML of Deepnet DualShield, which comes with SafeID key fobs: a header for all tokens,
//! then a serial and a seed for each. After Deepnet's page "DualShield Token File Format
//! for SafeID Hardware OTP Tokens".

use fob_core::{Algorithm, Digits, Kind, Period, Secret};

use crate::entry::{self, Entry};
use crate::xml::{self, Node};
use crate::{Batch, Found, MAX_TOKENS, Options, twins};

/// Reads a file.
pub fn read(bytes: &[u8], _options: &Options) -> Batch {
    let mut batch = Batch::default();
    xml::read(bytes, &mut batch, data);
    twins::refuse_serials(&mut batch);
    twins::refuse_secrets(&mut batch);
    batch
}

/// What holds for all tokens.
struct Header {
    is_hex: bool,
    digits: Digits,
    period: Period,
    algorithm: Algorithm,
}

fn data(root: Node<'_>, batch: &mut Batch) {
    let place = "header".to_owned();
    let header = Header::of(
        root,
        &mut Entry {
            batch: &mut *batch,
            place,
        },
    );
    let list = match xml::one(root, "tokens") {
        Ok(Some(list)) => list,
        Ok(None) => return batch.problem("", "is no file of DualShield: tokens is missing"),
        Err(what) => return batch.problem("", what),
    };
    let Some(header) = header else {
        return;
    };
    for (node, number) in xml::all(list, "token").zip(1usize..) {
        let place = format!("token {number}");
        if number > MAX_TOKENS {
            return batch.problem(
                place,
                format!("is beyond the {MAX_TOKENS} tokens of a file"),
            );
        }
        let mut entry = Entry {
            batch: &mut *batch,
            place,
        };
        if let Some(found) = token(node, &header, &mut entry) {
            batch.tokens.push(found);
        }
    }
    if batch.tokens.is_empty() && batch.problems.is_empty() {
        batch.problem("", "holds no token");
    }
}

impl Header {
    fn of(root: Node<'_>, entry: &mut Entry<'_>) -> Option<Self> {
        let header = xml::one(root, "header").and_then(|node| node.ok_or("is missing".into()));
        let header = entry.take("header", header)?;
        let mut get = |name| entry.take(name, xml::text_of(header, name));
        let (encrypt, encode, digits) = (get("encrypt")?, get("encode")?, get("digits")?);
        let (window, crypto) = (get("timeWindow")?, get("crypto")?);
        if !encrypt.unwrap_or("NONE").eq_ignore_ascii_case("none") {
            entry.refuse(
                "encrypt: the seeds are encrypted with a key that only DualShield has",
                "Ask Deepnet for the file with \"encrypt\" NONE, sent under PGP; or for their CSV \
                 for Entra ID.",
            );
            return None;
        }
        let is_hex = entry.take("encode", is_hex(encode.unwrap_or("HEX")));
        let digits = entry.take("digits", entry::digits(digits.unwrap_or("6")));
        let algorithm = entry.take("crypto", entry::hmac(crypto.unwrap_or("HmacSHA1")));
        let Some(window) = window else {
            entry.refuse(
                "timeWindow is missing",
                "Write <timeWindow>30</timeWindow> or <timeWindow>60</timeWindow> into the header, \
                 as the maker says.",
            );
            return None;
        };
        let period = entry.take("timeWindow", entry::period(window));
        Some(Self {
            is_hex: is_hex?,
            digits: digits?,
            period: period?,
            algorithm: algorithm?,
        })
    }
}

fn is_hex(encode: &str) -> Result<bool, &'static str> {
    match encode.to_ascii_uppercase().as_str() {
        "HEX" => Ok(true),
        "BASE64" => Ok(false),
        _ => Err("must be HEX or BASE64"),
    }
}

fn token(node: Node<'_>, header: &Header, entry: &mut Entry<'_>) -> Option<Found> {
    let serial = entry.take("serial", xml::text_of(node, "serial"));
    let serial = serial
        .and_then(|text| entry.take("serial", entry::serial_required(text.unwrap_or_default())));
    let seed = entry.take("seed", seed(node, header.is_hex));
    let (serial, seed) = (serial?, seed?);
    let kind = Kind::Totp {
        period: header.period,
        t0: 0,
    };
    let mut token = entry::token(kind, seed);
    token.digits = header.digits;
    token.algorithm = header.algorithm;
    token.id = entry::id("fob", &serial);
    token.serial = Some(serial);
    let mut found = entry::found(entry.place.clone(), token);
    found.issuer = Some("Deepnet Security".into());
    Some(found)
}

fn seed(node: Node<'_>, is_hex: bool) -> Result<Secret, String> {
    let text = xml::text_of(node, "seed")?.ok_or("is missing")?;
    let secret = if is_hex {
        Secret::from_hex(text)
    } else {
        Secret::new(std::mem::take(&mut *xml::base64(text)?))
    };
    secret.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mutants, samples};
    use proptest::prelude::*;

    #[test]
    fn samples_are_read_as_expected() {
        samples::compare("dualshield", read);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in mutants::of("dualshield")) {
            prop_assert!(read(&bytes, &Options::default()).tokens.len() <= bytes.len());
        }
    }
}
