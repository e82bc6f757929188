//! Records of SafeWord (`.dat`), which come with eToken PASS and Alpine tokens. Checked
//! against the reader of LinOTP and its samples.

use fob_core::{Counter, Kind, Period, Secret};

use crate::entry::{self, Entry};
use crate::ldif::{self, Block};
use crate::{Batch, Found, MAX_TOKENS, Options, text, twins};

/// The time of these tokens starts on 2000-01-01.
const T0: u64 = 946_684_800;
const SEQUENCE: &str = "The file doesn't say whether its counter is the last one used or the \
    next; it was taken for the last, so one code may be passed over.";

/// Reads a file.
pub fn read(bytes: &[u8], _options: &Options) -> Batch {
    let mut batch = Batch::default();
    let Some(text) = text::of(bytes, &mut batch) else {
        return batch;
    };
    let is_token = |block: &Block| {
        block.bytes("sccAuthenticatorId").is_some() || block.bytes("sccTokenData").is_some()
    };
    let blocks = ldif::blocks(text, &mut batch);
    for (block, number) in blocks.iter().filter(|block| is_token(block)).zip(1usize..) {
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
        if let Some(found) = token(block, &mut entry) {
            batch.tokens.push(found);
        }
    }
    if batch.tokens.is_empty() && batch.dropped.is_empty() && batch.problems.is_empty() {
        batch.problem("", "holds no sccTokenData");
    }
    twins::refuse_serials(&mut batch);
    twins::refuse_secrets(&mut batch);
    entry::remark_uses(&mut batch);
    batch
}

/// What `sccTokenData` says: `sccKey=...;sccMode=T;...`.
struct Data<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Data<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let mut all = self.0.iter();
        all.find(|(of, _)| of.eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

fn token(block: &Block, entry: &mut Entry<'_>) -> Option<Found> {
    let serial = entry.take("sccAuthenticatorId", block.text("sccAuthenticatorId"))?;
    let serial = serial.unwrap_or_default();
    let serial = entry.take("sccAuthenticatorId", entry::serial_required(serial));
    let data = block
        .text("sccTokenData")
        .and_then(|data| data.ok_or("is missing"));
    let parts = entry.take("sccTokenData", data)?.split(';');
    let parts = parts.filter_map(|part| part.split_once('='));
    let data = Data(
        parts
            .map(|(name, value)| (name.trim(), value.trim()))
            .collect(),
    );
    let key = data.get("sccKey").unwrap_or_default();
    let serial = serial?;
    if key.starts_with('(') {
        entry.drop_it(
            &serial,
            "its key is encrypted with the key of the SafeWord server",
        );
        return None;
    }
    let secret = entry.take("sccKey", Secret::from_hex(key));
    let digits = entry.take(
        "sccPwLen",
        entry::digits(data.get("sccPwLen").unwrap_or("6")),
    );
    let algorithm = entry.take(
        "crypto",
        entry::hmac(data.get("crypto").unwrap_or("HmacSHA1")),
    );
    let (kind, remark) = entry.take("sccMode", kind(&data))?;
    let mut token = entry::token(kind, secret?);
    token.digits = digits?;
    token.algorithm = algorithm?;
    token.id = entry::id("fob", &serial);
    token.serial = Some(serial);
    let used = entry::used(&token);
    let mut found = entry::found(entry.place.clone(), token);
    found.used = used;
    found.issuer = Some("SafeNet".into());
    found.remarks = remark.into_iter().collect();
    Some(found)
}

/// The kind; and what is to be said of its counter.
fn kind(data: &Data<'_>) -> Result<(Kind, Option<String>), String> {
    let mode = data.get("sccMode").unwrap_or_default();
    if mode.eq_ignore_ascii_case("T") {
        let period = data
            .get("sccTick")
            .map_or(Ok(Period::DEFAULT), entry::period);
        let period = period.map_err(|what| format!("sccTick {what}"))?;
        return Ok((Kind::Totp { period, t0: T0 }, None));
    }
    if !mode.eq_ignore_ascii_case("E") {
        return Err("must be E (event) or T (time)".into());
    }
    let sequence: u64 = match data.get("sccSeq") {
        None => 0,
        Some(text) => text
            .parse()
            .map_err(|_| "sccSeq is no whole number from 0")?,
    };
    let is_new = sequence == 0;
    let counter = if is_new {
        0
    } else {
        sequence.saturating_add(1)
    };
    let remark = (!is_new).then(|| SEQUENCE.to_owned());
    Ok((
        Kind::Hotp {
            counter: Counter(counter),
        },
        remark,
    ))
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
            prop_assert!(read(&bytes, &Options::default()).tokens.len() <= bytes.len());
        }
    }
}
