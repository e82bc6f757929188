//! SafeWord's records (`.dat`): blocks of `key: value` with blank lines between. Clock tokens
//! count from the year 2000.

use fob_core::{Algorithm, Counter, Digits, Kind, Period, Secret, Token};

use crate::entry::{self, Entry, found};
use crate::{Batch, Found, MAX_TOKENS, Options, text, twins};

/// 2000-01-01, in Unix seconds: where the time of these tokens begins.
const T0: u64 = 946_684_800;

/// Reads the records.
pub fn read(bytes: &[u8], _: &Options) -> Batch {
    let mut batch = Batch::default();
    let Some(text) = text::of(bytes, &mut batch) else {
        return batch;
    };
    let mut record = Record::default();
    for (number, line) in (1..).zip(text.lines().chain([""])) {
        let line = line.trim();
        if line.is_empty() {
            std::mem::take(&mut record).end(&mut batch);
            if batch.tokens.len() >= MAX_TOKENS {
                batch.problem(
                    format!("line {number}"),
                    format!("is beyond the {MAX_TOKENS} tokens that are read"),
                );
                break;
            }
            continue;
        }
        record.line(number, line);
    }
    twins::refuse_secrets(&mut batch);
    twins::refuse_serials(&mut batch);
    entry::remark_uses(&mut batch);
    batch
}

/// A block.
#[derive(Default)]
struct Record<'a> {
    first: usize,
    serial: Option<&'a str>,
    data: Option<&'a str>,
}

impl<'a> Record<'a> {
    fn line(&mut self, number: usize, line: &'a str) {
        if self.first == 0 {
            self.first = number;
        }
        let Some((key, value)) = line.split_once(':') else {
            return;
        };
        match key.trim().to_ascii_lowercase().as_str() {
            "sccauthenticatorid" => self.serial = Some(value.trim()),
            "scctokendata" => self.data = Some(value.trim()),
            _ => {}
        }
    }

    /// A block that names no token is passed over.
    fn end(self, batch: &mut Batch) {
        if self.serial.is_none() && self.data.is_none() {
            return;
        }
        let mut entry = Entry {
            batch,
            place: format!("line {}", self.first),
        };
        let found = entry.safeword(&self);
        batch.tokens.extend(found);
    }
}

impl Entry<'_> {
    fn safeword(&mut self, record: &Record<'_>) -> Option<Found> {
        let serial = entry::serial_required(record.serial.unwrap_or_default());
        let serial = self.take("sccAuthenticatorId", serial);
        let data = self.take("sccTokenData", record.data.ok_or("is missing"))?;
        let said = |name: &str| {
            let mut pairs = data.split(';').filter_map(|pair| pair.split_once('='));
            pairs
                .find(|(key, _)| key.trim().eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim())
        };
        let secret = said("sccKey").ok_or_else(|| "is missing".to_owned());
        let secret = secret.and_then(|hex| Secret::from_hex(hex).map_err(|e| e.to_string()));
        let secret = self.take("sccKey", secret);
        let digits = said("sccPwLen").unwrap_or("6").parse().ok();
        let digits = digits.and_then(Digits::new).ok_or("must be 6 to 10");
        let digits = self.take("sccPwLen", digits);
        let crypto = said("crypto").unwrap_or("HmacSHA1").to_ascii_lowercase();
        let algorithm = crypto.strip_prefix("hmac").and_then(Algorithm::from_name);
        let algorithm = algorithm.ok_or("must be HmacSHA1, HmacSHA256 or HmacSHA512");
        let algorithm = self.take("crypto", algorithm);
        let kind = self.take("sccMode", kind(&said));
        let token = Token {
            algorithm: algorithm?,
            digits: digits?,
            ..entry::token(kind?, secret?)
        };
        let serial = serial?;
        Some(Found {
            used: entry::used(&token),
            ..found(
                self.place.clone(),
                Token {
                    id: entry::id("fob", &serial),
                    serial: Some(serial),
                    ..token
                },
            )
        })
    }
}

/// E counts presses, T counts time.
fn kind<'a>(said: &impl Fn(&str) -> Option<&'a str>) -> Result<Kind, &'static str> {
    match said("sccMode").unwrap_or("E") {
        "E" => {
            let counter = said("sccSeq").unwrap_or("0").parse();
            let counter = counter.map_err(|_| "E: sccSeq must be a number")?;
            Ok(Kind::Hotp {
                counter: Counter(counter),
            })
        }
        "T" => {
            let period = said("sccTick").unwrap_or("30").parse().ok();
            let period = period.and_then(Period::new);
            Ok(Kind::Totp {
                period: period.ok_or("T: sccTick must be 1 to 86400 seconds")?,
                t0: T0,
            })
        }
        _ => Err("must be E (presses) or T (time)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mutants, samples};
    use proptest::prelude::*;

    #[test]
    fn samples_are_read_as_expected() {
        samples::compare("safeword", read);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in mutants::of("safeword")) {
            let _ = read(&bytes, &Options::default());
        }
    }
}
