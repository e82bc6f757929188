//! The text of a person's first token file.

use std::fmt::Write;

use zeroize::Zeroizing;

use super::hex_text;
use crate::{Kind, RecoverySet, SealPlace, Token};

/// The lines that every token file begins with.
pub fn file_head(name: &str) -> Zeroizing<String> {
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    Zeroizing::new(format!(
        "# Tokens of {name}. Whoever reads an unsealed secret can log in as {name}.\nversion = 1\n"
    ))
}

/// The text of `name`'s first token file: a token that was made for them, whose id needs no
/// escapes, and a set of recovery codes. `seal` says how a value is written at its place.
///
/// # Errors
/// Those of `seal`.
pub fn first_file<E>(
    name: &str,
    token: &Token,
    recovery: &RecoverySet,
    mut seal: impl FnMut(&str, SealPlace<'_>) -> Result<Zeroizing<String>, E>,
) -> Result<Zeroizing<String>, E> {
    let mut place = |table, id, value: &str| {
        let holder = name;
        seal(value, SealPlace { holder, table, id })
    };
    let secret = place("token", &token.id, &token.secret.to_base32())?;
    let salt = place("recovery", "", &hex_text(&recovery.salt))?;
    let mut text = Zeroizing::new(String::with_capacity(2048));
    text.push_str(&file_head(name));
    // Writing to a String doesn't fail.
    let _ = write!(
        text,
        "\n[[token]]\nid = \"{}\"\ntype = \"{}\"\nsecret = \"{}\"\nalgorithm = \"{}\"\ndigits = {}\n",
        token.id,
        token.kind.name(),
        *secret,
        token.algorithm.name(),
        token.digits.count(),
    );
    if let Kind::Totp { period, .. } = token.kind {
        let _ = writeln!(text, "period = {}", period.seconds());
    }
    let set = hex_text(&recovery.id);
    let _ = write!(
        text,
        "\n[recovery]\nset = \"{set}\"\nsalt = \"{}\"\ndigests = [\n",
        *salt
    );
    for digest in &recovery.digests {
        let _ = writeln!(text, "    \"{}\",", hex_text(&digest.bytes()));
    }
    text.push_str("]\n");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::TokenFile;
    use crate::{Algorithm, Digits, Period, RecoveryDigest, SealKey, Secret};

    #[test]
    fn first_file_reads_back_sealed_or_not() {
        let token = Token {
            id: "phone".into(),
            kind: Kind::Totp {
                period: Period::DEFAULT,
                t0: 0,
            },
            algorithm: Algorithm::Sha1,
            digits: Digits::MIN,
            secret: Secret::new((1..=20).collect()).unwrap(),
            serial: None,
            public_id: None,
            expires: None,
            disabled: false,
        };
        let recovery = RecoverySet {
            id: [1; 16],
            salt: [2; 16],
            digests: (0..10)
                .map(|n| RecoveryDigest::from_bytes([n; 16]))
                .collect(),
        };
        let key = SealKey::new([7; 32]);
        let plain = |text: &str, _: SealPlace<'_>| Ok::<_, ()>(Zeroizing::new(text.to_owned()));
        let sealed = |text: &str, place: SealPlace<'_>| {
            Ok::<_, ()>(Zeroizing::new(key.seal(text, place, [3; 24]).unwrap()))
        };
        let name = "DOM\\bob\n";
        for text in [
            first_file(name, &token, &recovery, plain).unwrap(),
            first_file(name, &token, &recovery, sealed).unwrap(),
        ] {
            let file = TokenFile::open(&text, name, Some(&key)).unwrap();
            assert_eq!(file.refused, []);
            let read = &file.tokens[0];
            assert_eq!((&read.id, read.kind), (&token.id, token.kind));
            assert_eq!((read.key(), read.digits), (token.key(), token.digits));
            let set = file.recovery.unwrap();
            assert_eq!((set.id, set.salt), (recovery.id, recovery.salt));
            assert_eq!(set.digests, recovery.digests);
        }
    }
}
