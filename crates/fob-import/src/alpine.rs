//! `importAlpine.xml` of SafeNet (before that Aladdin), which comes with the eToken PASS.
//! Checked against the readers and samples of LinOTP and privacyIDEA.

use fob_core::{Algorithm, Counter, Kind, Secret};

use crate::entry::{self, Entry};
use crate::xml::{self, Node};
use crate::{Batch, Found, MAX_TOKENS, Options, twins};

/// Reads a file.
pub fn read(bytes: &[u8], _options: &Options) -> Batch {
    let mut batch = Batch::default();
    xml::read(bytes, &mut batch, tokens);
    twins::refuse_serials(&mut batch);
    twins::refuse_secrets(&mut batch);
    entry::remark_uses(&mut batch);
    batch
}

fn tokens(root: Node<'_>, batch: &mut Batch) {
    if !xml::is(root, "Tokens") {
        return batch.problem("", "is no file of SafeNet: its root is not Tokens");
    }
    for (node, number) in xml::all(root, "Token").zip(1usize..) {
        let place = format!("Token {number}");
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
        if let Some(found) = token(node, &mut entry) {
            batch.tokens.push(found);
        }
    }
    if batch.tokens.is_empty() && batch.problems.is_empty() {
        batch.problem("", "holds no Token");
    }
}

fn token(node: Node<'_>, entry: &mut Entry<'_>) -> Option<Found> {
    let serial = xml::attribute(node, &["serial"]).unwrap_or_default();
    let serial = entry.take("serial", entry::serial_required(serial));
    let application = entry.take("Applications", application(node))?;
    let seed = entry.take("Seed", seed(application));
    let counter = entry.take("MovingFactor", counter(application));
    let (seed, serial) = (seed?, serial?);
    let is_sha256 = seed.bytes().len() == 32;
    let mut token = entry::token(Kind::Hotp { counter: counter? }, seed);
    if is_sha256 {
        token.algorithm = Algorithm::Sha256;
    }
    token.id = entry::id("fob", &serial);
    token.serial = Some(serial);
    let used = entry::used(&token);
    let mut found = entry::found(entry.place.clone(), token);
    found.used = used;
    found.issuer = Some("SafeNet".into());
    Some(found)
}

fn application(node: Node<'_>) -> Result<Node<'_>, String> {
    let applications = xml::one(node, "Applications")?.ok_or("is missing")?;
    let application = xml::one(applications, "Application")?;
    application.ok_or_else(|| "holds no Application".into())
}

fn seed(application: Node<'_>) -> Result<Secret, String> {
    let text = xml::text_of(application, "Seed")?.ok_or("is missing")?;
    Secret::from_hex(text).map_err(|error| error.to_string())
}

fn counter(application: Node<'_>) -> Result<Counter, String> {
    let text = xml::text_of(application, "MovingFactor")?.unwrap_or("0");
    text.parse()
        .map(Counter)
        .map_err(|_| "is no whole number from 0".into())
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
            prop_assert!(read(&bytes, &Options::default()).tokens.len() <= bytes.len());
        }
    }
}
