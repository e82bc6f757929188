//! `users.oath` of OATH Toolkit's pam_oath, and the files of its parent mod_authn_otp.
//!
//! A token a line, fields between blanks: type, user, PIN, secret in hexadecimal, counter,
//! and what was used last. Checked against liboath's `usersfile.c` and mod_authn_otp's
//! `mod_authn_otp.c`.

mod layout;

pub use layout::Layout;

use fob_core::{Algorithm, Counter, Digits, Kind, Period, Secret, Token, step};
use zeroize::Zeroizing;

use crate::entry::{self, Entry, found};
use crate::{Batch, Found, MAX_TOKENS, Options, Used, text, twins};

/// The most fields of a line.
const FIELDS: usize = 9;
/// So far to each side of now the last code of a clock is looked for, in steps. Farther away
/// it is no matter: no window here reaches so far.
const NEAR: i64 = 120;

/// Reads a users file.
pub fn read(bytes: &[u8], options: &Options) -> Batch {
    let mut batch = Batch::default();
    let Some(text) = text::of(bytes, &mut batch) else {
        return batch;
    };
    for (number, line) in (1..).zip(text.lines()) {
        let fields: Vec<&str> = line.split_ascii_whitespace().take(FIELDS).collect();
        let Some(first) = fields.first().filter(|field| !field.starts_with('#')) else {
            continue;
        };
        let Some(kind) = Type::of(first) else {
            let why = "begins with none of HOTP, E, T and MOTP; pam_oath passes over it too";
            batch.drop_entry(format!("line {number}"), "", why);
            continue;
        };
        if batch.tokens.len() >= MAX_TOKENS {
            batch.problem(
                format!("line {number}"),
                format!("is beyond the {MAX_TOKENS} tokens that are read"),
            );
            break;
        }
        let mut entry = Entry {
            batch: &mut batch,
            place: format!("line {number}"),
        };
        if let Some(found) = entry.line(&kind, &fields, options) {
            batch.tokens.push(found);
        }
    }
    twins::refuse_secrets(&mut batch);
    batch
}

/// What the first field says.
enum Type {
    /// By presses, or by time with so many seconds; and how many digits.
    Oath(Option<u64>, u64),
    /// Mobile-OTP.
    Motp,
    /// Something that begins like one of these.
    Unknown,
}

impl Type {
    /// None for a line that isn't about a token.
    fn of(field: &str) -> Option<Self> {
        let mut parts = field.split('/');
        let first = parts.next()?;
        let mover = match first {
            "HOTP" => parts.next().unwrap_or("E"),
            "E" | "T" => first,
            "MOTP" => return Some(Self::Motp),
            _ => return None,
        };
        let period = match mover.strip_prefix('T') {
            Some("") => Some(30),
            Some(seconds) => match seconds.parse() {
                Ok(seconds) => Some(seconds),
                Err(_) => return Some(Self::Unknown),
            },
            None if mover == "E" => None,
            None => return Some(Self::Unknown),
        };
        let digits = parts.next().map_or(Ok(6), str::parse);
        match (digits, parts.next()) {
            (Ok(digits), None) => Some(Self::Oath(period, digits)),
            _ => Some(Self::Unknown),
        }
    }
}

impl Entry<'_> {
    fn line(&mut self, kind: &Type, fields: &[&str], options: &Options) -> Option<Found> {
        let field = |at: usize| fields.get(at).copied().unwrap_or_default();
        let (period, digits) = match kind {
            Type::Oath(period, digits) => (*period, *digits),
            Type::Motp => {
                self.drop_it(field(1), "Mobile-OTP, which is neither HOTP nor TOTP");
                return None;
            }
            Type::Unknown => {
                self.wrong("type", "must be like HOTP, HOTP/E/6 or HOTP/T30/8");
                return None;
            }
        };
        if fields.len() < 4 {
            self.wrong("line", "must have type, user, PIN and secret");
            return None;
        }
        let digits = Digits::new(digits).ok_or("a code must have 6 to 10 digits");
        let digits = self.take("type", digits)?;
        let secret = self.take("secret", Secret::from_hex(field(3)))?;
        let kind = match period {
            None => Kind::Hotp {
                counter: Counter(0),
            },
            Some(seconds) => {
                let period = Period::new(seconds).ok_or("must be 1 to 86400 seconds");
                let period = self.take("type", period)?;
                Kind::Totp { period, t0: 0 }
            }
        };
        let token = Token {
            algorithm: Algorithm::Sha1,
            digits,
            ..entry::token(kind, secret)
        };
        let mut found = found(self.place.clone(), token);
        found.user = Some(field(1).to_owned());
        match field(2) {
            "-" => {}
            "+" => found.remarks.push(
                "the password in front of the code was checked elsewhere, and is not checked here"
                    .into(),
            ),
            pin => found.pin = Some(Zeroizing::new(pin.to_owned())),
        }
        self.state(&mut found, fields, options)?;
        Some(found)
    }

    /// What was used last.
    fn state(&mut self, found: &mut Found, fields: &[&str], options: &Options) -> Option<()> {
        let layout = match options.layout.or_else(|| Layout::of(fields)) {
            Some(layout) => layout,
            // Without a code that was used, a number of OATH Toolkit's is the next one too.
            None if fields.len() <= 5 => Layout::OldModAuthnOtp,
            None => {
                let remedy = "Say whose file it is: --layout oath-toolkit, mod-authn-otp or \
                              mod-authn-otp-old.";
                self.refuse("what stands behind the secret is not clear", remedy);
                return None;
            }
        };
        let number = fields.get(4).copied().unwrap_or("0");
        let last = fields.get(layout.last_code()).copied();
        let last = last.filter(|code| *code != "-" && *code != "0");
        match found.token.kind {
            Kind::Hotp { .. } => {
                let stored: u64 =
                    self.take("counter", number.parse().map_err(|_| "must be a number"))?;
                // The trap: liboath keeps the counter that matched, not the next one.
                let is_used = layout == Layout::OathToolkit && last.is_some();
                let next = stored
                    .checked_add(u64::from(is_used))
                    .ok_or("is the last there is");
                let counter = Counter(self.take("counter", next)?);
                found.token.kind = Kind::Hotp { counter };
                found.used.floor = Some(counter).filter(|counter| counter.0 > 0);
            }
            Kind::Totp { .. } if layout == Layout::OathToolkit => {
                found.used = totp(&found.token, 0, last, options);
            }
            Kind::Totp { .. } => {
                let drift = number.parse().map_err(|_| "must be a number of steps");
                let drift = self.take("offset", drift)?;
                found.used = totp(&found.token, drift, last, options);
            }
            Kind::Yubico { .. } => {}
        }
        Some(())
    }
}

/// What is spent of a clock's codes. The time of the last one is local time of a machine
/// that may be another; its step is found by the code, near now, where alone it matters.
fn totp(token: &Token, drift: i32, last: Option<&str>, options: &Options) -> Used {
    let Kind::Totp { period, t0 } = token.kind else {
        return Used::default();
    };
    let spent = last.and_then(|last| {
        let now = step(options.now, t0, period)?;
        let near = (0..=NEAR).flat_map(|away| [now.moved(away.saturating_neg()), now.moved(away)]);
        let codes = token.codes();
        let shows = |counter: &Counter| codes.at(*counter).to_text().as_str() == last;
        near.into_iter().find(shows)
    });
    Used {
        floor: Some(spent.map_or(Counter(0), |step| step.moved(1))),
        drift,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mutants, samples};
    use proptest::prelude::*;

    #[test]
    fn samples_are_read_as_expected() {
        samples::compare("users-oath", read);
    }

    /// The meaning of the counter differs by one.
    #[test]
    fn layout_that_is_not_clear_is_asked_for() {
        let line = b"HOTP alice - 3132333435363738393031323334353637383930 5 123456\n";
        let options = |layout| Options {
            layout,
            ..Options::default()
        };
        assert!(
            read(line, &options(None)).problems[0]
                .remedy
                .as_ref()
                .unwrap()
                .contains("--layout")
        );
        for (layout, next) in [(Layout::OathToolkit, 6), (Layout::OldModAuthnOtp, 5)] {
            let batch = read(line, &options(Some(layout)));
            let counter = Counter(next);
            assert_eq!(batch.tokens[0].token.kind, Kind::Hotp { counter });
        }
    }

    /// What is passed over is told: it may be a token, mistyped.
    #[test]
    fn line_of_another_type_is_told_and_a_remark_is_not() {
        let batch = read(
            b"# tokens\n\n  # more\nHTOP alice - 3132\n",
            &Options::default(),
        );
        let places: Vec<&str> = batch
            .dropped
            .iter()
            .map(|each| each.place.as_str())
            .collect();
        assert_eq!(places, ["line 4"]);
        assert!(batch.problems.is_empty() && batch.tokens.is_empty());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in mutants::of("users-oath")) {
            let batch = read(&bytes, &Options { now: samples::NOW, ..Options::default() });
            prop_assert!(batch.tokens.len() <= bytes.len());
        }
    }
}
