//! SafeNet's `importAlpine.xml`: eToken PASS and the re-badged ZyWALL OTP v2. HOTP with six
//! digits; a secret of 32 bytes is one for SHA-256.

use fob_core::{Algorithm, Counter, Kind, Secret, Token};

use crate::entry::{self, Entry, found};
use crate::xml::{self, Node};
use crate::{Batch, Found, MAX_TOKENS, Options, twins};

/// The length of a secret for SHA-256, in bytes.
const SHA256_BYTES: usize = 32;

/// Reads the tokens.
pub fn read(bytes: &[u8], _: &Options) -> Batch {
    let mut batch = Batch::default();
    xml::read(bytes, &mut batch, |root, batch| {
        if !xml::is(root, "Tokens") {
            return batch.problem("", "its root is not Tokens");
        }
        for (node, number) in xml::all(root, "Token").zip(1usize..) {
            let place = format!("Token {number}");
            if batch.tokens.len() >= MAX_TOKENS {
                return batch.problem(
                    place,
                    format!("is beyond the {MAX_TOKENS} tokens that are read"),
                );
            }
            let mut entry = Entry { batch, place };
            let token = entry.alpine(node);
            batch.tokens.extend(token);
        }
    });
    twins::refuse_secrets(&mut batch);
    twins::refuse_serials(&mut batch);
    entry::remark_uses(&mut batch);
    batch
}

impl Entry<'_> {
    fn alpine(&mut self, node: Node<'_>) -> Option<Found> {
        let serial = xml::attribute(node, &["serial"]).unwrap_or_default();
        let serial = self.take("serial", entry::serial_required(serial));
        let seed = self.take("Seed", seed(node));
        let (serial, (secret, counter)) = (serial?, seed?);
        let kind = Kind::Hotp {
            counter: Counter(counter),
        };
        let algorithm = match secret.bytes().len() {
            SHA256_BYTES => Algorithm::Sha256,
            _ => Algorithm::Sha1,
        };
        let token = Token {
            id: entry::id("fob", &serial),
            algorithm,
            serial: Some(serial),
            ..entry::token(kind, secret)
        };
        Some(Found {
            used: entry::used(&token),
            ..found(self.place.clone(), token)
        })
    }
}

fn seed(node: Node<'_>) -> Result<(Secret, u64), String> {
    let applications = xml::one(node, "Applications")?.ok_or("is missing")?;
    let application = xml::one(applications, "Application")?.ok_or("is missing")?;
    let seed = xml::text_of(application, "Seed")?.ok_or("is missing")?;
    let secret = Secret::from_hex(seed).map_err(|error| error.to_string())?;
    let counter = xml::text_of(application, "MovingFactor")?.unwrap_or("0");
    let counter = counter
        .parse()
        .map_err(|_| "MovingFactor must be a number")?;
    Ok((secret, counter))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mutants, samples};
    use proptest::prelude::*;

    #[test]
    fn samples_are_read_as_expected() {
        samples::compare("alpine", read);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in mutants::of("alpine")) {
            let _ = read(&bytes, &Options::default());
        }
    }
}
