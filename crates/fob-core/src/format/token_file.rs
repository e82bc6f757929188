//! A person's tokens: `/etc/fob/tokens/NAME`. See docs/file-formats.md.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::fields::{Cause, Field, Fields, FormatError, Source};
use crate::{
    Algorithm, Counter, Day, Digits, Kind, MAX_SCRATCH, Period, Pin, PrivateId, RECOVERY_CODES,
    RecoveryDigest, RecoverySet, SealKey, SealPlace, Secret, Token, is_sealed,
};

/// How many tokens a person may have.
pub const MAX_TOKENS: usize = 16;
/// The longest public id, in characters: 16 bytes in modhex.
const MAX_PUBLIC_ID: usize = 32;

/// What a token file says.
#[derive(Debug, Default)]
pub struct TokenFile {
    /// The tokens that can be used.
    pub tokens: Vec<Token>,
    /// The tokens that can't, because this version doesn't understand them. They refuse
    /// themselves, not the person.
    pub refused: Vec<RefusedToken>,
    /// The recovery codes.
    pub recovery: Option<RecoverySet>,
    /// The emergency codes of eight digits that came from google-authenticator.
    pub scratch: Option<RecoverySet>,
    /// The PIN in front of every code.
    pub pin: Option<Pin>,
    /// Whether the person is disabled: nothing lets them in.
    pub disabled: bool,
    /// How many of its values are sealed, and how many could be and aren't.
    pub sealing: Sealing,
    /// Changes with whatever the file says; all zeros for one that was never read.
    pub digest: [u8; 16],
}

/// How many values of a token file are sealed: secrets, and the salts without which nothing
/// can be tried against the digests of a PIN or of codes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sealing {
    /// Those that are.
    pub sealed: usize,
    /// Those that aren't.
    pub plain: usize,
}

/// Whose file it is, and what opens sealed values.
struct Opener<'a> {
    holder: &'a str,
    key: Option<&'a SealKey>,
    sealing: Sealing,
}

impl Opener<'_> {
    fn open(
        &mut self,
        field: &Field<'_>,
        table: &str,
        id: &str,
    ) -> Result<Zeroizing<String>, FormatError> {
        let count = if is_sealed(field.text()?) {
            &mut self.sealing.sealed
        } else {
            &mut self.sealing.plain
        };
        *count = count.saturating_add(1);
        let holder = self.holder;
        field.opened(self.key, SealPlace { holder, table, id })
    }
}

/// A token that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedToken {
    /// Its id, if that much could be read.
    pub id: Option<String>,
    /// What is wrong with it.
    pub error: FormatError,
}

impl TokenFile {
    /// Reads a token file without sealed values.
    ///
    /// # Errors
    /// Those of [`open`](Self::open).
    pub fn parse(text: &str) -> Result<Self, FormatError> {
        Self::open(text, "", None)
    }

    /// Reads the token file of `holder` (in the stock: of that serial), and opens what is
    /// sealed in it.
    ///
    /// # Errors
    /// What makes the file as a whole unusable: no TOML, a wrong or newer version, an
    /// unknown field outside the tokens, damaged recovery codes, too many tokens, a sealed
    /// value without a key.
    pub fn open(text: &str, holder: &str, key: Option<&SealKey>) -> Result<Self, FormatError> {
        let mut opener = Opener {
            holder,
            key,
            sealing: Sealing::default(),
        };
        let opener = &mut opener;
        let mut root = Source(text).parse()?;
        root.require("version")?.version()?;
        let mut file = Self {
            recovery: read(&mut root, "recovery", |field| read_recovery(field, opener))?,
            scratch: read(&mut root, "scratch", |field| read_scratch(field, opener))?,
            pin: read(&mut root, "pin", |field| read_pin(field, opener))?,
            ..Self::default()
        };
        if let Some(field) = root.take("disabled") {
            file.disabled = field.flag()?;
        }
        if let Some(list) = root.take("token") {
            let too_many = list.error(format_args!("at most {MAX_TOKENS} tokens a person"));
            let members = list.list()?;
            if members.len() > MAX_TOKENS {
                return Err(too_many);
            }
            for member in members {
                file.add(member, opener)?;
            }
        }
        root.end()?;
        file.sealing = opener.sealing;
        let hash = Sha256::digest(text);
        file.digest
            .iter_mut()
            .zip(hash)
            .for_each(|(to, from)| *to = from);
        Ok(file)
    }

    /// Only a missing key is more than the token's own trouble.
    fn add(&mut self, member: Field<'_>, opener: &mut Opener<'_>) -> Result<(), FormatError> {
        let place = member.error("the id or the secret is already another token's");
        let mut id = None;
        let token = member
            .table()
            .and_then(|fields| read_token(fields, &mut id, opener));
        let twin = |token: &Token| {
            let same_key = |other: &Token| other.secret.bytes() == token.secret.bytes();
            self.tokens
                .iter()
                .any(|other| other.id == token.id || same_key(other))
        };
        match token {
            Ok(token) if twin(&token) => self.refused.push(RefusedToken { id, error: place }),
            Ok(token) => self.tokens.push(token),
            Err(error) if error.cause == Cause::NoSealKey => return Err(error),
            Err(error) => self.refused.push(RefusedToken { id, error }),
        }
        Ok(())
    }
}

fn read<'a, T>(
    root: &mut Fields<'a>,
    name: &str,
    how: impl FnOnce(Field<'a>) -> Result<T, FormatError>,
) -> Result<Option<T>, FormatError> {
    root.take(name).map(how).transpose()
}

fn read_token(
    mut fields: Fields<'_>,
    id: &mut Option<String>,
    opener: &mut Opener<'_>,
) -> Result<Token, FormatError> {
    let name = fields.require("id")?.line(64)?;
    *id = Some(name.clone());
    let kind = read_kind(&mut fields)?;
    let secret = fields.require("secret")?;
    let text = opener.open(&secret, "token", &name)?;
    let token = Token {
        id: name,
        kind,
        algorithm: read_algorithm(&mut fields)?,
        digits: read_digits(&mut fields)?,
        secret: Secret::from_base32(&text).map_err(|error| secret.error(error))?,
        serial: fields
            .take("serial")
            .map(|field| field.line(64))
            .transpose()?,
        public_id: fields.take("public_id").map(read_public_id).transpose()?,
        expires: fields.take("expires").map(read_expires).transpose()?,
        disabled: fields
            .take("disabled")
            .map_or(Ok(false), |field| field.flag())?,
    };
    fields.end()?;
    Ok(token)
}

fn read_kind(fields: &mut Fields<'_>) -> Result<Kind, FormatError> {
    let number = |field: Option<Field<'_>>, otherwise| {
        field.map_or(Ok(otherwise), |field| field.number(0..=u64::MAX))
    };
    let kind = fields.require("type")?;
    match kind.text()? {
        "hotp" => Ok(Kind::Hotp {
            counter: Counter(number(fields.take("counter"), 0)?),
        }),
        "totp" => {
            let period = match fields.take("period") {
                None => Period::DEFAULT,
                Some(field) => Period::new(field.number(1..=Period::MAX_SECONDS)?)
                    .ok_or_else(|| field.error("is no period"))?,
            };
            Ok(Kind::Totp {
                period,
                t0: number(fields.take("t0"), 0)?,
            })
        }
        "yubico" => Ok(Kind::Yubico {
            private_id: PrivateId(fields.require("private_id")?.hex()?),
            counter: Counter(number(fields.take("counter"), 0)?),
        }),
        _ => Err(kind.error("must be \"hotp\", \"totp\" or \"yubico\"")),
    }
}

/// What a YubiKey types in front, in lower case: modhex as a rule, else digits.
fn read_public_id(field: Field<'_>) -> Result<String, FormatError> {
    let text = field.text()?;
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric());
    if !plain || !(1..=MAX_PUBLIC_ID).contains(&text.len()) {
        return Err(field.error(format_args!(
            "must be 1 to {MAX_PUBLIC_ID} letters and digits"
        )));
    }
    Ok(text.to_ascii_lowercase())
}

fn read_expires(field: Field<'_>) -> Result<Day, FormatError> {
    Day::parse(field.text()?).ok_or_else(|| field.error("must be a day like \"2027-01-31\""))
}

fn read_algorithm(fields: &mut Fields<'_>) -> Result<Algorithm, FormatError> {
    let Some(field) = fields.take("algorithm") else {
        return Ok(Algorithm::Sha1);
    };
    Algorithm::from_name(field.text()?)
        .ok_or_else(|| field.error("must be \"sha1\", \"sha256\" or \"sha512\""))
}

fn read_digits(fields: &mut Fields<'_>) -> Result<Digits, FormatError> {
    let Some(field) = fields.take("digits") else {
        return Ok(Digits::MIN);
    };
    Digits::new(field.number(6..=10)?).ok_or_else(|| field.error("must be 6 to 10"))
}

fn read_recovery(field: Field<'_>, opener: &mut Opener<'_>) -> Result<RecoverySet, FormatError> {
    let wrong = format!("must be {RECOVERY_CODES} different codes");
    read_set(field, RECOVERY_CODES..=RECOVERY_CODES, &wrong, opener)
}

fn read_scratch(field: Field<'_>, opener: &mut Opener<'_>) -> Result<RecoverySet, FormatError> {
    let wrong = format!("must be 1 to {MAX_SCRATCH} different codes");
    read_set(field, 1..=MAX_SCRATCH, &wrong, opener)
}

fn read_set(
    field: Field<'_>,
    counts: std::ops::RangeInclusive<usize>,
    wrong: &str,
    opener: &mut Opener<'_>,
) -> Result<RecoverySet, FormatError> {
    let table = field.name.clone();
    let mut fields = field.table()?;
    let id = fields.require("set")?.hex()?;
    let salt = fields.require("salt")?;
    let salt = salt.hex_of(&opener.open(&salt, &table, "")?)?;
    let list = fields.require("digests")?;
    let wrong = list.error(wrong);
    let digests: Result<Vec<_>, _> = list
        .list()?
        .iter()
        .map(|digest| digest.hex().map(RecoveryDigest::from_bytes))
        .collect();
    let mut digests = digests?;
    let count = digests.len();
    digests.sort();
    digests.dedup();
    if digests.len() != count || !counts.contains(&count) {
        return Err(wrong);
    }
    fields.end()?;
    Ok(RecoverySet { id, salt, digests })
}

fn read_pin(field: Field<'_>, opener: &mut Opener<'_>) -> Result<Pin, FormatError> {
    let mut fields = field.table()?;
    let salt = fields.require("salt")?;
    let pin = Pin {
        salt: salt.hex_of(&opener.open(&salt, "pin", "")?)?,
        digest: fields.require("digest")?.hex()?,
    };
    fields.end()?;
    Ok(pin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PHONE: &str = "version = 1\n\n[[token]]\nid = \"phone\"\ntype = \"totp\"\n\
                         secret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"\n";
    const FOB: &str = "[[token]]\nid = \"fob\"\ntype = \"hotp\"\ndigits = 8\ncounter = 18446744073709551615\n\
                       secret = \"MFRGGZDFMZTWQ2LKNNWG23TPOA\"\nserial = \"2601443\"\n";

    fn error(text: &str) -> String {
        TokenFile::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn tokens_have_the_usual_values_where_nothing_is_said() {
        let file = TokenFile::parse(PHONE).unwrap();
        let token = &file.tokens[0];
        assert_eq!(
            token.kind,
            Kind::Totp {
                period: Period::DEFAULT,
                t0: 0
            }
        );
        assert_eq!(
            (token.algorithm, token.digits.count()),
            (Algorithm::Sha1, 6)
        );
        assert!(!token.disabled);
    }

    /// P11.
    #[test]
    fn counters_have_64_bits() {
        let file = TokenFile::parse(&format!("{PHONE}{FOB}")).unwrap();
        assert_eq!(
            file.tokens[1].kind,
            Kind::Hotp {
                counter: Counter(u64::MAX)
            }
        );
    }

    /// P9: the error says where.
    #[test]
    fn errors_name_line_column_and_field() {
        assert_eq!(
            error("version = 1\nfoo = 2\n"),
            "line 2, column 1: unknown field `foo`"
        );
        assert_eq!(
            error("tokens = 1\n"),
            "line 1, column 1: `version` is missing"
        );
        assert!(error("version = 1\nversion = 2\n").starts_with("line 2, column 1: duplicate key"));
        assert!(
            error("version = \"1\"\n").starts_with("line 1, column 11: `version`: must be a whole")
        );
        assert!(TokenFile::parse("version = 2\n").unwrap_err().cause == Cause::NewerVersion);
    }

    #[test]
    fn unknown_field_refuses_its_token_and_not_the_person() {
        let file = TokenFile::parse(&format!("{PHONE}{FOB}colour = \"red\"\n")).unwrap();
        assert_eq!(file.tokens.len(), 1);
        assert_eq!(file.refused[0].id.as_deref(), Some("fob"));
        assert_eq!(
            file.refused[0].error.to_string(),
            "line 14, column 1: unknown field `colour`"
        );
    }

    /// P1: the same secret under a second id has no floor of its own.
    #[test]
    fn same_secret_twice_is_refused() {
        let twice = format!(
            "{PHONE}{}",
            PHONE.replace("version = 1", "").replace("phone", "other")
        );
        let file = TokenFile::parse(&twice).unwrap();
        assert_eq!(file.tokens.len(), 1);
        assert_eq!(file.refused[0].id.as_deref(), Some("other"));
    }

    /// T08, P11: every number has limits.
    #[test]
    fn numbers_out_of_range_are_refused() {
        for line in [
            "digits = 5",
            "digits = 11",
            "digits = 6.0",
            "digits = \"6\"",
            "period = 0",
            "period = 86401",
            "period = -30",
            "period = 1e3",
            "t0 = -1",
            "algorithm = \"md5\"",
            "algorithm = \"SHA1\"",
            "disabled = 1",
        ] {
            let file = TokenFile::parse(&format!("{PHONE}{line}\n")).unwrap();
            assert!(file.tokens.is_empty() && file.refused.len() == 1, "{line}");
        }
    }

    /// P1: the ledger knows a spent recovery code by its place.
    #[test]
    fn recovery_digests_are_all_there_and_in_order() {
        let table = |bytes: &[u8]| {
            let digests: Vec<String> = bytes
                .iter()
                .map(|b| format!("{b:02x}").repeat(16))
                .collect();
            let id = "01".repeat(16);
            format!(
                "version = 1\n[recovery]\nset = \"{id}\"\nsalt = \"{id}\"\ndigests = {digests:?}\n"
            )
        };
        let read = |bytes: &[u8]| TokenFile::parse(&table(bytes));
        let ordered = read(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
            .unwrap()
            .recovery
            .unwrap();
        let shuffled = read(&[3, 1, 9, 0, 4, 5, 2, 7, 8, 6])
            .unwrap()
            .recovery
            .unwrap();
        assert_eq!(ordered.digests, shuffled.digests);
        for edited in [
            &[0, 1, 2, 3, 4, 5, 6, 7, 8][..],
            &[0, 0, 2, 3, 4, 5, 6, 7, 8, 9],
        ] {
            assert!(
                read(edited)
                    .unwrap_err()
                    .message
                    .contains("10 different codes")
            );
        }
    }

    /// P8.
    #[test]
    fn errors_and_debug_repeat_no_secret() {
        let canary = "CANARY7CANARY7CANARY7CANARY7CANA";
        let texts = [
            format!(
                "version = 1\n[[token]]\nid = \"a\"\ntype = \"totp\"\nsecret = \"{canary}1\"\n"
            ),
            format!("version = 1\n[[token]]\nid = \"a\"\ntype = \"totp\"\nsecret = {canary}\n"),
            format!("version = 1\n[[token]]\nid = \"a\"\ntype = \"totp\"\nsecret = \"{canary}\nx"),
            format!("version = 1\n[[token]]\nid = \"a\"\ntype = \"totp\"\nsecret = \"{canary}\"\n"),
        ];
        for text in texts {
            let shown = match TokenFile::parse(&text) {
                Ok(file) => format!("{file:?}"),
                Err(error) => format!("{error:?} {error}"),
            };
            assert!(!shown.contains("CANARY7"), "{shown}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = TokenFile::parse(&text);
        }

        #[test]
        fn no_mutation_panics(at in 0..PHONE.len(), byte in 0u8..128) {
            let mut bytes = PHONE.as_bytes().to_vec();
            bytes[at] = byte;
            let _ = TokenFile::parse(std::str::from_utf8(&bytes).unwrap());
        }
    }
}
