//! What is to be enrolled: the command line, an `otpauth://` URI and the usual values, made
//! one token.

use fob_core::{Algorithm, Counter, Digits, Kind, Period, Secret, Token};
use fob_import::given::Given;
use fob_import::otpauth::Mover;
use fob_store::random;
use nix::unistd::gethostname;
use zeroize::Zeroizing;

use crate::given;
use crate::stop::Stop;
use crate::verbs::enroll::Wish;

/// What is to be enrolled.
pub(crate) struct Plan {
    pub(crate) token: Token,
    /// What an app shows beside the name.
    pub(crate) issuer: String,
    /// Whether the secret was made just now: nobody else can have it.
    pub(crate) is_new: bool,
    /// Whether the secret is shown: it is new, or that was asked for.
    pub(crate) shown: bool,
}

/// What was said about a token; nothing means the usual value.
struct Said {
    mover: Option<Mover>,
    algorithm: Option<Algorithm>,
    digits: Option<Digits>,
    period: Option<Period>,
    counter: Option<u64>,
    issuer: Option<String>,
}

impl Plan {
    /// Reads or makes the secret, and settles the rest.
    ///
    /// # Errors
    /// Those of [`of`](Self::of); the secret can't be read.
    pub(crate) fn new(wish: &Wish) -> Result<Self, Stop> {
        let given = wish.secret_file.as_deref().map(given::read).transpose()?;
        Self::of(wish, given)
    }

    /// Makes the secret, unless it was given, and settles the rest.
    ///
    /// # Errors
    /// The secret is too weak; options contradict each other or the URI.
    pub(crate) fn of(wish: &Wish, given: Option<Given>) -> Result<Self, Stop> {
        let is_new = given.is_none();
        let mut said = Said {
            mover: wish.mover,
            algorithm: wish.algorithm,
            digits: wish.digits,
            period: wish.period,
            counter: wish.counter,
            issuer: None,
        };
        let secret = match given {
            None => None,
            Some(Given::Secret(secret)) => Some(secret),
            Some(Given::Uri(uri)) => {
                said = Said {
                    mover: same("type", wish.mover, Some(uri.mover))?,
                    algorithm: same("algorithm", wish.algorithm, uri.algorithm)?,
                    digits: same("digits", wish.digits, uri.digits)?,
                    period: same(
                        "period",
                        wish.period,
                        uri.period.filter(|_| uri.mover == Mover::Totp),
                    )?,
                    counter: same(
                        "counter",
                        wish.counter,
                        uri.counter.filter(|_| uri.mover == Mover::Hotp),
                    )?,
                    issuer: uri.issuer,
                };
                Some(uri.secret)
            }
        };
        let algorithm = said.algorithm.unwrap_or(Algorithm::Sha1);
        let secret = secret.map_or_else(|| new_secret(algorithm), Ok)?;
        check_strength(&secret, wish)?;
        let kind = kind(&said, wish.t0)?;
        if wish.public_id.is_some() && kind.is_timed() {
            let what = "--public-id means nothing for a totp token";
            return Err(Stop::unknown(what).remedy("Leave it away, or correct --type."));
        }
        let usual_id = match kind {
            Kind::Totp { .. } => "phone",
            Kind::Hotp { .. } | Kind::Yubico { .. } => "fob",
        };
        Ok(Self {
            token: Token {
                id: wish.id.clone().unwrap_or_else(|| usual_id.into()),
                kind,
                algorithm,
                digits: said.digits.unwrap_or(Digits::MIN),
                secret,
                serial: wish.serial.clone(),
                public_id: wish.public_id.clone(),
                expires: wish.expires,
                disabled: false,
            },
            issuer: issuer(wish.issuer.clone().or(said.issuer))?,
            is_new,
            shown: is_new || wish.show,
        })
    }
}

/// What the command line and the URI both may say.
fn same<T: PartialEq>(option: &str, wished: Option<T>, uri: Option<T>) -> Result<Option<T>, Stop> {
    match (wished, uri) {
        (Some(wished), Some(uri)) if wished != uri => {
            let what = format!("--{option} contradicts the otpauth:// URI");
            Err(Stop::unknown(what).remedy(format!("Leave --{option} away.")))
        }
        (wished, uri) => Ok(wished.or(uri)),
    }
}

fn kind(said: &Said, t0: Option<u64>) -> Result<Kind, Stop> {
    let alien = |option: &str, kind: &str| {
        let what = format!("--{option} means nothing for a {kind} token");
        Err(Stop::unknown(what).remedy("Leave it away, or correct --type."))
    };
    match said.mover.unwrap_or(Mover::Totp) {
        Mover::Totp if said.counter.is_some() => alien("counter", "totp"),
        Mover::Hotp if said.period.is_some() => alien("period", "hotp"),
        Mover::Hotp if t0.is_some() => alien("t0", "hotp"),
        Mover::Totp => Ok(Kind::Totp {
            period: said.period.unwrap_or(Period::DEFAULT),
            t0: t0.unwrap_or(0),
        }),
        Mover::Hotp => Ok(Kind::Hotp {
            counter: Counter(said.counter.unwrap_or(0)),
        }),
    }
}

/// A secret as long as the output of the hash (RFC 6238 section 5.1).
fn new_secret(algorithm: Algorithm) -> Result<Secret, Stop> {
    let bytes: Zeroizing<[u8; 64]> = Zeroizing::new(random()?);
    let bytes = bytes.get(..algorithm.output_bytes()).unwrap_or_default();
    Secret::new(bytes.to_vec()).map_err(|error| Stop::unknown(error.to_string()))
}

fn check_strength(secret: &Secret, wish: &Wish) -> Result<(), Stop> {
    if secret.is_strong() || wish.allow_weak {
        return Ok(());
    }
    let bits = secret.bytes().len().saturating_mul(8);
    Err(Stop::unknown(format!(
        "the secret has {bits} bits, and 128 are the least that is safe"
    ))
    .remedy("Take another token, or add --allow-weak if there is none."))
}

/// What an app shows beside the name: what was said, or this machine's name.
///
/// # Errors
/// It has a colon, or isn't 1 to 64 bytes.
pub(crate) fn issuer(said: Option<String>) -> Result<String, Stop> {
    let issuer = match said {
        Some(issuer) => issuer,
        None => gethostname().map_or_else(
            |_| "pam_fob".into(),
            |name| name.to_string_lossy().into_owned(),
        ),
    };
    let plain = !issuer.contains(':') && !issuer.chars().any(char::is_control);
    if plain && (1..=64).contains(&issuer.len()) {
        return Ok(issuer);
    }
    Err(
        Stop::unknown("the issuer must be 1 to 64 bytes without a colon or control characters")
            .remedy("Say another with --issuer."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Verb};
    use clap::Parser;
    use std::os::unix::fs::PermissionsExt;

    fn plan(words: &str, file: Option<&str>) -> Result<Plan, String> {
        let path = std::env::temp_dir().join(format!("fob-plan-{}-{words}", std::process::id()));
        let mut line: Vec<String> = format!("fob enroll alice {words}")
            .split_whitespace()
            .map(str::to_owned)
            .collect();
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            line.extend(["--secret-file".into(), path.display().to_string()]);
        }
        let Verb::Enroll(wish) = Cli::try_parse_from(line).unwrap().verb else {
            panic!("another verb");
        };
        let plan = Plan::new(&wish).map_err(|stop| stop.what);
        let _ = std::fs::remove_file(&path);
        plan
    }

    const URI: &str = "otpauth://hotp/Ex:bob?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&counter=7&digits=8&issuer=Ex";

    #[test]
    fn new_secret_is_as_long_as_the_hash() {
        for (words, bytes, id) in [
            ("", 20, "phone"),
            ("--algorithm sha256", 32, "phone"),
            ("--algorithm sha512 --type hotp", 64, "fob"),
        ] {
            let plan = plan(words, None).unwrap();
            assert_eq!(plan.token.secret.bytes().len(), bytes);
            assert_eq!(plan.token.id, id);
            assert!(plan.shown);
        }
    }

    #[test]
    fn uri_speaks_for_the_token() {
        let plan = plan("--digits 8", Some(URI)).unwrap();
        assert_eq!(
            plan.token.kind,
            Kind::Hotp {
                counter: Counter(7)
            }
        );
        assert_eq!(plan.token.digits.count(), 8);
        assert_eq!(plan.issuer, "Ex");
        assert!(!plan.shown);
    }

    #[test]
    fn contradictions_are_refused() {
        for words in [
            "--digits 6",
            "--type totp",
            "--counter 8",
            "--period 30",
            "--t0 1",
        ] {
            assert!(plan(words, Some(URI)).is_err(), "{words}");
        }
        assert!(plan("--type hotp --period 60", None).is_err());
        assert!(plan("--counter 1", None).is_err());
        assert!(plan("--issuer a:b", None).is_err());
    }

    #[test]
    fn weak_secret_needs_a_word() {
        let weak = "base32:GEZDGNBVGY3TQOJQ";
        assert!(plan("", Some(weak)).is_err());
        assert!(plan("--allow-weak", Some(weak)).is_ok());
    }
}
