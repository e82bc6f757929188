//! Tokens of FreeIPA, as LDIF:
//! `ldapsearch -D "cn=Directory Manager" -W -b "cn=otp,DC=..." "(objectClass=ipaToken)"`.
//! The meaning of the attributes is that of FreeIPA's `daemons/ipa-slapi-plugins/libotp`.

use fob_core::{Algorithm, Counter, Day, Kind, Secret, Token};

use crate::entry::{self, Entry};
use crate::ldif::{self, Block};
use crate::{Batch, Found, MAX_TOKENS, Options, Used, dn, text, twins};

/// Reads a file.
pub fn read(bytes: &[u8], options: &Options) -> Batch {
    let mut batch = Batch::default();
    let Some(text) = text::of(bytes, &mut batch) else {
        return batch;
    };
    let blocks = ldif::blocks(text, &mut batch);
    let tokens = blocks
        .iter()
        .filter(|block| block.bytes("ipatokenUniqueID").is_some());
    for (block, number) in tokens.zip(1usize..) {
        let place = format!("line {}", block.line);
        if number > MAX_TOKENS {
            batch.problem(
                place,
                format!("is beyond the {MAX_TOKENS} tokens of a file"),
            );
            break;
        }
        let mut entry = Entry {
            batch: &mut batch,
            place,
        };
        if let Some(found) = token(block, options.now, &mut entry) {
            batch.tokens.push(found);
        }
    }
    if batch.tokens.is_empty() && batch.dropped.is_empty() && batch.problems.is_empty() {
        batch.problem("", "holds no ipatokenUniqueID");
    }
    twins::refuse_secrets(&mut batch);
    batch
}

fn token(block: &Block, now: u64, entry: &mut Entry<'_>) -> Option<Found> {
    let name = entry.take("ipatokenUniqueID", block.text("ipatokenUniqueID"))?;
    let name = name.unwrap_or_default();
    let is = |class: &str| {
        block
            .all("objectClass")
            .any(|value| value.eq_ignore_ascii_case(class.as_bytes()))
    };
    let algorithm = entry.take("ipatokenOTPalgorithm", block.text("ipatokenOTPalgorithm"))?;
    if algorithm.is_some_and(|name| name.eq_ignore_ascii_case("sha384")) {
        entry.drop_it(name, "its hash is SHA-384");
        return None;
    }
    let algorithm = algorithm.unwrap_or("sha1").to_ascii_lowercase();
    let algorithm = Algorithm::from_name(&algorithm).ok_or("must be sha1, sha256 or sha512");
    let algorithm = entry.take("ipatokenOTPalgorithm", algorithm);
    let moving = if is("ipatokenTOTP") {
        totp(block, entry)
    } else if is("ipatokenHOTP") {
        hotp(block, entry)
    } else {
        entry.wrong("objectClass", "is neither ipatokenTOTP nor ipatokenHOTP");
        None
    };
    let secret = entry.take("ipatokenOTPkey", secret(block));
    let digits = entry.take("ipatokenOTPdigits", block.text("ipatokenOTPdigits"))?;
    let digits = entry.take("ipatokenOTPdigits", entry::digits(digits.unwrap_or("6")));
    let ((kind, used), secret) = (moving?, secret?);
    let mut token = entry::token(kind, secret);
    token.algorithm = algorithm?;
    token.digits = digits?;
    describe(block, &mut token, entry)?;
    let mut found = entry::found(entry.place.clone(), token);
    found.used = used;
    let owner = entry.take("ipatokenOwner", block.text("ipatokenOwner"))?;
    found.user = owner.and_then(|owner| dn::attribute(owner, "uid"));
    let vendor = entry.take("ipatokenVendor", block.text("ipatokenVendor"))?;
    found.issuer = vendor
        .map(str::to_owned)
        .filter(|vendor| !vendor.chars().any(char::is_control));
    let first = entry.take("ipatokenNotBefore", day(block, "ipatokenNotBefore"))?;
    if let Some(first) = first.filter(|first| Day::of(now).is_some_and(|today| today < *first)) {
        let remark = format!("It is meant to be used from {first} on; here it can be used now.");
        found.remarks.push(remark);
    }
    Some(found)
}

/// What the token is called, and when it counts.
fn describe(block: &Block, token: &mut Token, entry: &mut Entry<'_>) -> Option<()> {
    let serial = entry.take("ipatokenSerial", block.text("ipatokenSerial"))?;
    let serial = entry.take("ipatokenSerial", entry::serial(serial.unwrap_or_default()))?;
    token.id = entry::id("fob", serial.as_deref().unwrap_or_default());
    token.serial = serial;
    token.expires = entry.take("ipatokenNotAfter", day(block, "ipatokenNotAfter"))?;
    let disabled = entry.take("ipatokenDisabled", block.text("ipatokenDisabled"))?;
    token.disabled = disabled.is_some_and(|text| !text.eq_ignore_ascii_case("FALSE"));
    Some(())
}

fn secret(block: &Block) -> Result<Secret, String> {
    let key = block.bytes("ipatokenOTPkey");
    let key = key.ok_or("is missing; only cn=Directory Manager may read it")?;
    Secret::new(key.to_vec()).map_err(|error| error.to_string())
}

fn hotp(block: &Block, entry: &mut Entry<'_>) -> Option<(Kind, Used)> {
    let counter = entry.take("ipatokenHOTPcounter", number(block, "ipatokenHOTPcounter"))?;
    let counter = Counter(u64::try_from(counter.unwrap_or_default()).unwrap_or_default());
    let floor = Some(counter).filter(|counter| counter.0 > 0);
    Some((Kind::Hotp { counter }, Used { floor, drift: 0 }))
}

/// The watermark is the lowest step that still counts; the clock's offset is in seconds.
fn totp(block: &Block, entry: &mut Entry<'_>) -> Option<(Kind, Used)> {
    let period = entry.take("ipatokenTOTPtimeStep", block.text("ipatokenTOTPtimeStep"))?;
    let period = entry.take(
        "ipatokenTOTPtimeStep",
        entry::period(period.unwrap_or("30")),
    );
    let offset = entry.take(
        "ipatokenTOTPclockOffset",
        number(block, "ipatokenTOTPclockOffset"),
    );
    let mark = entry.take(
        "ipatokenTOTPwatermark",
        number(block, "ipatokenTOTPwatermark"),
    );
    let (period, offset, mark) = (period?, offset?.unwrap_or_default(), mark?);
    let drift = entry.take("ipatokenTOTPclockOffset", entry::steps(offset, period))?;
    let floor = mark
        .and_then(|mark| u64::try_from(mark).ok())
        .filter(|mark| *mark > 0);
    let used = Used {
        floor: floor.map(Counter),
        drift,
    };
    Some((Kind::Totp { period, t0: 0 }, used))
}

fn number(block: &Block, name: &str) -> Result<Option<i64>, &'static str> {
    let number = |text: &str| text.parse().map_err(|_| "is no whole number");
    block.text(name)?.map(number).transpose()
}

/// The day of `20271231235959Z`.
fn day(block: &Block, name: &str) -> Result<Option<Day>, &'static str> {
    let Some(text) = block.text(name)? else {
        return Ok(None);
    };
    let part = |from, to| text.get(from..to).unwrap_or_default();
    let day = Day::parse(&format!("{}-{}-{}", part(0, 4), part(4, 6), part(6, 8)));
    day.map(Some).ok_or("is no time like 20271231235959Z")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{mutants, samples};
    use proptest::prelude::*;

    #[test]
    fn samples_are_read_as_expected() {
        samples::compare("freeipa", read);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in mutants::of("freeipa")) {
            prop_assert!(read(&bytes, &Options::default()).tokens.len() <= bytes.len());
        }
    }
}
