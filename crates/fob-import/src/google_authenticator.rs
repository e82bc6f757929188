//! `~/.google_authenticator` of google-authenticator-libpam, and of its hardened fork.
//!
//! One person's token: the secret on the first line, then options that begin with a double
//! quote, then scratch codes. Checked against `src/pam_google_authenticator.c` and its
//! `FILEFORMAT`.

use fob_core::{Algorithm, Counter, Digits, Kind, Period, Secret, Token, step};
use zeroize::Zeroizing;

use crate::entry::{self, found};
use crate::{Batch, Found, Options, Used, text};

/// What the module itself reads at most, in bytes.
const MAX: usize = 65_536;
/// What holds where the file doesn't say it.
const WINDOW: u64 = 3;

/// Reads the file of one person, whose name it doesn't say.
pub fn read(bytes: &[u8], options: &Options) -> Batch {
    let mut batch = Batch::default();
    if bytes.len() > MAX {
        batch.problem(
            "",
            "is larger than 64 KiB, and so was refused by its own module too",
        );
        return batch;
    }
    let Some(text) = text::of(bytes, &mut batch) else {
        return batch;
    };
    if text.contains('\0') {
        batch.problem(
            "",
            "has a zero byte, and so was refused by its own module too",
        );
        return batch;
    }
    let mut lines = (1..).zip(text.lines());
    let Some((_, first)) = lines.next() else {
        batch.problem("line 1", "is empty: there is no secret");
        return batch;
    };
    let secret = secret(first);
    let mut said = Said::default();
    for (number, line) in lines {
        let line = line.trim_end_matches([' ', '\t', '\r']);
        if !said.line(line, number, &mut batch) {
            let what = format!(
                "From line {number} on the file isn't read: google-authenticator stops there too."
            );
            batch.remarks.push(what);
            break;
        }
    }
    match secret {
        Ok(secret) if batch.problems.is_empty() => batch.tokens.extend(said.found(secret, options)),
        Ok(_) => {}
        Err(what) => batch.problem("line 1", what),
    }
    batch
}

/// As lenient as google-authenticator: what looks alike is one, and bits that are left over
/// are dropped.
fn secret(line: &str) -> Result<Secret, String> {
    let mut clean = Zeroizing::new(String::with_capacity(line.len()));
    for (at, c) in (1..).zip(line.chars()) {
        match c.to_ascii_uppercase() {
            ' ' | '\t' | '\r' | '-' => {}
            '0' => clean.push('O'),
            '1' => clean.push('L'),
            '8' => clean.push('B'),
            c @ ('A'..='Z' | '2'..='7') => clean.push(c),
            _ => return Err(format!("character {at} of the secret is not base32")),
        }
    }
    if matches!(clean.len() % 8, 1 | 3 | 6) {
        clean.pop();
    }
    Secret::from_base32(&clean).map_err(|error| error.to_string())
}

/// What the options say.
#[derive(Default)]
struct Said {
    is_timed: bool,
    counter: Option<u64>,
    period: Option<u64>,
    window: Option<u64>,
    skew: Option<i64>,
    /// The steps that are spent; none if a code may be used again.
    spent: Option<Vec<u64>>,
    digits: Option<u64>,
    algorithm: Option<Algorithm>,
    scratch: Vec<Zeroizing<String>>,
    has_grace: bool,
}

impl Said {
    /// Reads a line; `false` where the file's own module stops.
    fn line(&mut self, line: &str, number: usize, batch: &mut Batch) -> bool {
        if line.is_empty() {
            return true;
        }
        if let Some(option) = line.strip_prefix("\" ") {
            let (name, value) = option.split_once([' ', '\t']).unwrap_or((option, ""));
            if let Err(what) = self.option(name, value.trim()) {
                batch.problem(format!("line {number}"), format!("{name}: {what}"));
            }
            return true;
        }
        let is_scratch = line.len() == 8 && line.bytes().all(|b| b.is_ascii_digit());
        if is_scratch && !line.starts_with('0') {
            self.scratch.push(Zeroizing::new(line.to_owned()));
        }
        is_scratch && !line.starts_with('0')
    }

    /// The first of two options of a name holds, as in the file's own module.
    fn option(&mut self, name: &str, value: &str) -> Result<(), String> {
        let number = |from: u64, to: u64| {
            let number = value.parse().ok().filter(|n| (from..=to).contains(n));
            number.ok_or_else(|| format!("must be a number from {from} to {to}"))
        };
        match name {
            "TOTP_AUTH" => self.is_timed = true,
            "HOTP_COUNTER" => self.counter = self.counter.or(Some(number(1, u64::MAX)?)),
            "STEP_SIZE" => self.period = self.period.or(Some(number(1, 60)?)),
            "WINDOW_SIZE" => self.window = self.window.or(Some(number(1, 100)?)),
            "DIGITS" => self.digits = self.digits.or(Some(number(6, 8)?)),
            "TIME_SKEW" => {
                let skew = value.parse().map_err(|_| "must be a whole number")?;
                self.skew = self.skew.or(Some(skew));
            }
            "ALGORITHM" => {
                let algorithm = Algorithm::from_name(&value.to_ascii_lowercase());
                let algorithm = algorithm.ok_or("must be sha1, sha256 or sha512")?;
                self.algorithm = self.algorithm.or(Some(algorithm));
            }
            "DISALLOW_REUSE" => {
                let steps: Result<Vec<u64>, _> =
                    value.split_ascii_whitespace().map(str::parse).collect();
                let steps = steps.map_err(|_| "must be numbers of steps")?;
                self.spent.get_or_insert(steps);
            }
            _ => self.has_grace |= name.starts_with("LAST"),
        }
        Ok(())
    }

    fn found(self, secret: Secret, options: &Options) -> Option<Found> {
        let window = self.window.unwrap_or(WINDOW);
        let period = Period::new(self.period.unwrap_or(Period::DEFAULT.seconds()))?;
        let drift = i32::try_from(self.skew.unwrap_or(0)).unwrap_or_default();
        let (kind, used) = match self.counter {
            Some(counter) => {
                let counter = Counter(counter);
                let used = Used {
                    floor: Some(counter),
                    drift: 0,
                };
                (Kind::Hotp { counter }, used)
            }
            None => {
                let now = step(options.now, 0, period)?.moved(drift.into());
                let floor = Some(self.floor(now, window));
                (Kind::Totp { period, t0: 0 }, Used { floor, drift })
            }
        };
        let token = Token {
            algorithm: self.algorithm.unwrap_or(Algorithm::Sha1),
            digits: Digits::new(self.digits.unwrap_or(6))?,
            ..entry::token(kind, secret)
        };
        let mut found = Found {
            used,
            ..found("line 1".into(), token)
        };
        found.remarks = self.remarks(window);
        found.scratch = self.scratch;
        Some(found)
    }

    /// The lowest step that can't have been used. Steps beyond the window were never
    /// accepted, whatever the file says.
    fn floor(&self, now: Counter, window: u64) -> Counter {
        let ahead = i64::try_from(window / 2).unwrap_or_default();
        let last = now.moved(ahead);
        match &self.spent {
            None => last.moved(1),
            Some(steps) => {
                let spent = steps.iter().filter(|step| **step <= last.0).max();
                Counter(spent.map_or(0, |step| step.saturating_add(1)))
            }
        }
    }

    fn remarks(&self, window: u64) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.spent.is_none() && self.counter.is_none() {
            remarks.push(
                "codes could be used again there: those that were shown until now don't count here"
                    .into(),
            );
        }
        if window != WINDOW {
            remarks.push(format!(
                "WINDOW_SIZE {window} is not taken over: window and look_ahead in fob.conf hold for everybody"
            ));
        }
        if self.has_grace {
            remarks.push("a code is asked for each time: no grace period".into());
        }
        if !self.is_timed && self.counter.is_none() {
            remarks.push("the file says neither TOTP_AUTH nor HOTP_COUNTER; read as totp".into());
        }
        remarks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mutants, samples};
    use proptest::prelude::*;

    #[test]
    fn samples_are_read_as_expected() {
        samples::compare("google-authenticator", read);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in mutants::of("google-authenticator")) {
            let batch = read(&bytes, &Options { now: samples::NOW, ..Options::default() });
            prop_assert!(batch.tokens.len() <= 1);
        }
    }
}
