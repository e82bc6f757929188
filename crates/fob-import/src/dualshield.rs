//! Deepnet DualShield's XML: SafeID tokens. What holds for all stands in the header.

use fob_core::{Algorithm, Digits, Kind, Period, Secret, Token};
use zeroize::Zeroizing;

use crate::entry::{self, Entry, found};
use crate::xml::{self, Node};
use crate::{Batch, Found, MAX_TOKENS, Options, twins};

/// Reads the tokens.
pub fn read(bytes: &[u8], _: &Options) -> Batch {
    let mut batch = Batch::default();
    xml::read(bytes, &mut batch, |root, batch| {
        let header = match Header::of(root) {
            Ok(header) => header,
            Err(what) => return batch.problem("header", what),
        };
        let tokens = root.descendants().find(|node| xml::is(*node, "tokens"));
        let tokens = tokens.into_iter().flat_map(|node| xml::all(node, "token"));
        for (node, number) in tokens.zip(1usize..) {
            let place = format!("token {number}");
            if batch.tokens.len() >= MAX_TOKENS {
                return batch.problem(
                    place,
                    format!("is beyond the {MAX_TOKENS} tokens that are read"),
                );
            }
            let mut entry = Entry { batch, place };
            let token = entry.dualshield(node, &header);
            batch.tokens.extend(token);
        }
    });
    twins::refuse_secrets(&mut batch);
    twins::refuse_serials(&mut batch);
    batch
}

/// What holds for all tokens of a file.
struct Header {
    encoding: Encoding,
    digits: Digits,
    period: Period,
    algorithm: Algorithm,
    maker: Option<String>,
}

/// How seeds are written.
#[derive(Clone, Copy)]
enum Encoding {
    Hex,
    Base64,
    Base32,
}

impl Header {
    fn of(root: Node<'_>) -> Result<Self, String> {
        let header = root.descendants().find(|node| xml::is(*node, "header"));
        let header = header.ok_or("is missing")?;
        let said = |name| xml::text_of(header, name);
        if said("encrypt")?.is_some_and(|how| !how.eq_ignore_ascii_case("NONE")) {
            return Err("the seeds are encrypted for DualShield alone: ask Deepnet for PSKC, or for a file without encryption".into());
        }
        let encoding = match said("encode")?
            .unwrap_or("HEX")
            .to_ascii_uppercase()
            .as_str()
        {
            "HEX" => Encoding::Hex,
            "BASE64" => Encoding::Base64,
            "BASE32" => Encoding::Base32,
            _ => return Err("encode must be HEX, BASE64 or BASE32".into()),
        };
        let digits = said("digits")?.unwrap_or("6").parse().ok();
        let digits = digits
            .and_then(Digits::new)
            .ok_or("digits must be 6 to 10")?;
        let period = said("timeWindow")?.unwrap_or("30").parse().ok();
        let period = period
            .and_then(Period::new)
            .ok_or("timeWindow must be 1 to 86400")?;
        let crypto = said("crypto")?.unwrap_or("HmacSHA1").to_ascii_lowercase();
        let algorithm = crypto.strip_prefix("hmac").and_then(Algorithm::from_name);
        Ok(Self {
            encoding,
            digits,
            period,
            algorithm: algorithm.ok_or("crypto must be HmacSHA1, HmacSHA256 or HmacSHA512")?,
            maker: said("manufacturerCode")?.map(str::to_owned),
        })
    }
}

impl Entry<'_> {
    fn dualshield(&mut self, node: Node<'_>, header: &Header) -> Option<Found> {
        let serial = xml::text_of(node, "serial").map(Option::unwrap_or_default);
        let serial = serial.and_then(entry::serial_required);
        let serial = self.take("serial", serial);
        let secret = self.take("seed", secret(node, header.encoding));
        let (serial, secret) = (serial?, secret?);
        let kind = Kind::Totp {
            period: header.period,
            t0: 0,
        };
        let token = Token {
            id: entry::id("fob", &serial),
            algorithm: header.algorithm,
            digits: header.digits,
            serial: Some(serial),
            ..entry::token(kind, secret)
        };
        Some(Found {
            issuer: header.maker.clone(),
            ..found(self.place.clone(), token)
        })
    }
}

fn secret(node: Node<'_>, encoding: Encoding) -> Result<Secret, String> {
    let seed = xml::text_of(node, "seed")?.ok_or("is missing")?;
    let secret = match encoding {
        Encoding::Hex => Secret::from_hex(seed),
        Encoding::Base32 => Secret::from_base32(seed),
        Encoding::Base64 => {
            let mut bytes: Zeroizing<Vec<u8>> = xml::base64(seed)?;
            Secret::new(std::mem::take(&mut *bytes))
        }
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
            let _ = read(&bytes, &Options::default());
        }
    }
}
