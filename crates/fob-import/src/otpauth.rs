//! `otpauth://` URIs, one a line: how phone apps are told about a token.
//!
//! <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>

use fob_core::{Algorithm, Counter, Digits, Kind, Period, Secret, Token, URI_SCHEME};
use percent_encoding::percent_decode_str;
use zeroize::Zeroizing;

use crate::{Batch, Found, MAX_TOKENS, Options, entry, text, twins};

/// What moves a token on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mover {
    /// Each press.
    Hotp,
    /// Time.
    Totp,
}

impl Mover {
    /// The mover of that name: `hotp`, `totp`.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "hotp" => Some(Self::Hotp),
            "totp" => Some(Self::Totp),
            _ => None,
        }
    }
}

/// What a URI says about a token. What it doesn't say has the usual value.
#[derive(Debug)]
pub struct Uri {
    /// What moves the token on.
    pub mover: Mover,
    /// Its key.
    pub secret: Secret,
    /// Its hash.
    pub algorithm: Option<Algorithm>,
    /// How many digits it shows.
    pub digits: Option<Digits>,
    /// How long it shows them.
    pub period: Option<Period>,
    /// Its next counter.
    pub counter: Option<u64>,
    /// Who issued it.
    pub issuer: Option<String>,
    /// The account that its label names.
    pub account: Option<String>,
}

/// Reads a URI. Parameters that aren't about the codes are passed over.
///
/// # Errors
/// Names the part that is wrong, and never repeats it: it may be the secret.
pub fn parse(text: &str) -> Result<Uri, String> {
    let rest = text
        .split_at_checked(URI_SCHEME.len())
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case(URI_SCHEME))
        .map(|(_, rest)| rest)
        .ok_or("it does not begin with otpauth://")?;
    let (path, query) = rest.split_once('?').ok_or("it has no parameters")?;
    let query = query.split_once('#').map_or(query, |(query, _)| query);
    let (mover, label) = path.split_once('/').unwrap_or((path, ""));
    let mover = Mover::from_name(&mover.to_ascii_lowercase());
    let parameters = Parameters::read(query)?;
    let secret = parameters.take("secret")?.ok_or("it has no secret")?;
    let algorithm = |text: &str| Algorithm::from_name(&text.to_ascii_lowercase());
    Ok(Uri {
        mover: mover.ok_or("its type is neither totp nor hotp")?,
        secret: Secret::from_base32(&secret).map_err(|error| error.to_string())?,
        algorithm: parameters.meaning("algorithm", algorithm)?,
        digits: parameters.meaning("digits", |text| Digits::new(number(text)?))?,
        period: parameters.meaning("period", |text| Period::new(number(text)?))?,
        counter: parameters.meaning("counter", number)?,
        issuer: parameters.take("issuer")?.map(|issuer| issuer.to_string()),
        account: account(label)?,
    })
}

/// What stands behind the issuer in a label, if anything does.
fn account(label: &str) -> Result<Option<String>, String> {
    let label = percent_decode_str(label).decode_utf8();
    let label = label.map_err(|_| "its label is no text")?;
    let account = label
        .rsplit_once(':')
        .map_or(&*label, |(_, account)| account);
    let plain = !account.chars().any(char::is_control);
    let account = account.trim();
    Ok(Some(account.to_owned()).filter(|account| plain && !account.is_empty()))
}

/// Reads URIs, one a line; blank lines and those with a `#` in front are passed over.
pub fn read(bytes: &[u8], _: &Options) -> Batch {
    let mut batch = Batch::default();
    let Some(text) = text::of(bytes, &mut batch) else {
        return batch;
    };
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = format!("line {number}");
        if batch.tokens.len() >= MAX_TOKENS {
            batch.problem(
                place,
                format!("is beyond the {MAX_TOKENS} tokens that are read"),
            );
            break;
        }
        match parse(line).and_then(|uri| found(uri, &place)) {
            Ok(found) => batch.tokens.push(found),
            Err(what) => batch.problem(place, what),
        }
    }
    twins::refuse_secrets(&mut batch);
    batch
}

fn found(uri: Uri, place: &str) -> Result<Found, String> {
    let kind = match uri.mover {
        Mover::Hotp => Kind::Hotp {
            counter: Counter(uri.counter.ok_or("it has no counter")?),
        },
        Mover::Totp => Kind::Totp {
            period: uri.period.unwrap_or(Period::DEFAULT),
            t0: 0,
        },
    };
    let token = Token {
        algorithm: uri.algorithm.unwrap_or(Algorithm::Sha1),
        digits: uri.digits.unwrap_or(Digits::MIN),
        ..entry::token(kind, uri.secret)
    };
    Ok(Found {
        used: entry::used(&token),
        user: uri.account,
        issuer: uri.issuer,
        ..entry::found(place.to_owned(), token)
    })
}

fn number(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

/// The parameters of a URI, names in lower case.
struct Parameters<'a>(Vec<(String, &'a str)>);

impl<'a> Parameters<'a> {
    fn read(query: &'a str) -> Result<Self, String> {
        let mut list: Vec<(String, &str)> = Vec::new();
        for parameter in query.split('&').filter(|text| !text.is_empty()) {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let name = name.to_ascii_lowercase();
            if list.iter().any(|(other, _)| *other == name) {
                return Err("a parameter is there twice".into());
            }
            list.push((name, value));
        }
        Ok(Self(list))
    }

    fn take(&self, name: &str) -> Result<Option<Zeroizing<String>>, String> {
        let Some((_, value)) = self.0.iter().find(|(other, _)| other == name) else {
            return Ok(None);
        };
        match percent_decode_str(value).decode_utf8() {
            Ok(text) => Ok(Some(Zeroizing::new(text.into_owned()))),
            Err(_) => Err(format!("its {name} is no text")),
        }
    }

    fn meaning<T>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, String> {
        let text = self.take(name)?;
        text.map(|text| read(&text).ok_or_else(|| format!("its {name} is not supported")))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mutants, samples};
    use fob_core::uri;
    use proptest::prelude::*;

    fn token(kind: Kind, algorithm: Algorithm, digits: u64) -> Token {
        Token {
            id: "phone".into(),
            kind,
            algorithm,
            digits: Digits::new(digits).unwrap(),
            secret: Secret::from_base32("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ").unwrap(),
            serial: None,
            public_id: None,
            expires: None,
            disabled: false,
        }
    }

    #[test]
    fn printed_uri_says_everything_and_reads_back() {
        let totp = Kind::Totp {
            period: Period::new(60).unwrap(),
            t0: 0,
        };
        let text = uri(&token(totp, Algorithm::Sha256, 8), "Ä & Co", "DOM\\bob");
        assert_eq!(
            text.as_str(),
            "otpauth://totp/%C3%84%20%26%20Co:DOM%5Cbob?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=%C3%84%20%26%20Co&algorithm=SHA256&digits=8&period=60"
        );
        let uri = parse(&text).unwrap();
        assert_eq!(uri.secret.bytes(), b"12345678901234567890");
        assert_eq!(uri.mover, Mover::Totp);
        assert_eq!(uri.algorithm, Some(Algorithm::Sha256));
        assert_eq!(uri.digits, Digits::new(8));
        assert_eq!(uri.period, Period::new(60));
        assert_eq!((uri.counter, uri.issuer.as_deref()), (None, Some("Ä & Co")));
    }

    /// P11: 64-bit counters from 0.
    #[test]
    fn counters_read_back() {
        for counter in [0, 1, u64::MAX] {
            let kind = Kind::Hotp {
                counter: Counter(counter),
            };
            let uri = parse(&uri(&token(kind, Algorithm::Sha1, 6), "host", "alice")).unwrap();
            assert_eq!((uri.mover, uri.counter), (Mover::Hotp, Some(counter)));
        }
    }

    #[test]
    fn uris_of_other_makers_are_read() {
        let uri = parse(
            "OTPAUTH://TOTP/Example:alice@example.org?Secret=gezdgnbvgy3tqojqgezdgnbv%3D%3D\
             &image=x&algorithm=sha1#top",
        )
        .unwrap();
        assert_eq!(uri.account.as_deref(), Some("alice@example.org"));
        assert_eq!(uri.algorithm, Some(Algorithm::Sha1));
        assert!(uri.digits.is_none() && uri.period.is_none() && uri.issuer.is_none());
        assert!(parse("otpauth://hotp?secret=GEZDGNBVGY3TQOJQ").is_ok());
    }

    /// P8: the error names the part and never its content.
    #[test]
    fn wrong_uris_are_refused_without_repeating_them() {
        let wrong = [
            "otpauth:/totp/x?secret=CANARY7CANARY7CANARY",
            "otpauth://totp/x",
            "otpauth://totp/x?issuer=CANARY7",
            "otpauth://motp/x?secret=CANARY7CANARY7CANA",
            "otpauth://totp/x?secret=CANARY7CANARY1",
            "otpauth://totp/x?secret=CANARY7CANARY7CA&secret=CANARY7CANARY7CB",
            "otpauth://totp/x?secret=CANARY7CANARY7CA&digits=5",
            "otpauth://totp/x?secret=CANARY7CANARY7CA&digits=+6",
            "otpauth://totp/x?secret=CANARY7CANARY7CA&period=0",
            "otpauth://totp/x?secret=CANARY7CANARY7CA&algorithm=MD5",
            "otpauth://hotp/x?secret=CANARY7CANARY7CA&counter=-1",
            "otpauth://hotp/x?secret=CANARY7CANARY7CA&counter=18446744073709551616",
            "otpauth://totp/x?secret=%ff%feCANARY7",
            "otpauth-migration://offline?data=CANARY7",
        ];
        for text in wrong {
            let error = parse(text).unwrap_err();
            assert!(!error.contains("CANARY7"), "{error}");
        }
        let uri = parse("otpauth://totp/x?secret=CANARY7CANARY7CA").unwrap();
        assert!(!format!("{uri:?}").contains("CANARY7"));
    }

    #[test]
    fn samples_are_read_as_expected() {
        samples::compare("otpauth", read);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in mutants::of("otpauth")) {
            let batch = read(&bytes, &Options::default());
            prop_assert!(batch.tokens.len() <= bytes.len());
        }
    }
}
