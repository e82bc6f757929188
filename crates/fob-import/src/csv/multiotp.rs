//! multiOTP's file: `serial;manufacturer;HOTP|TOTP|mOTP;hexkey;digits;interval or counter`.
//! For HOTP the last is the next counter.

use fob_core::{Counter, Kind, Period, Secret};

use crate::Batch;
use crate::entry::{self, Entry};
use crate::rows::Row;

pub(super) fn read(rows: Vec<Row>, batch: &mut Batch) {
    for row in rows {
        let place = row.place.clone();
        let entry = Entry { batch, place };
        token(&row, entry);
    }
    entry::remark_uses(batch);
}

fn token(row: &Row, mut entry: Entry<'_>) {
    let count = row.fields.len();
    let serial = row.get(0);
    let kind = row.get(2).to_ascii_lowercase();
    match kind.as_str() {
        "hotp" | "totp" if count != 6 => {
            return entry.refuse(
                format!("has {count} fields instead of 6"),
                "They are: serial;manufacturer;HOTP or TOTP;key;digits;interval or counter.",
            );
        }
        "hotp" | "totp" => {}
        "motp" => return entry.drop_it(serial, "mOTP makes its codes with MD5 and a PIN"),
        "yubicootp" => {
            return entry.drop_it(
                serial,
                "the private id isn't here; import the log of the YubiKey tool instead",
            );
        }
        "without2fa" => return entry.drop_it(serial, "it is no second factor"),
        _ => return entry.wrong("field 3", "must be HOTP, TOTP or mOTP"),
    }
    let secret = entry.take("key", Secret::from_hex(row.get(3)));
    let digits = entry.take("digits", entry::digits(row.get(4)));
    let kind = entry.take("field 6", mover(&kind, row.get(5)));
    let serial = entry.take("serial", entry::serial_required(serial));
    if let (Some(secret), Some(digits), Some(kind), Some(serial)) = (secret, digits, kind, serial) {
        let mut token = entry::token(kind, secret);
        token.digits = digits;
        token.id = entry::id("fob", &serial);
        token.serial = Some(serial);
        let mut found = entry::found(entry.place, token);
        found.issuer = Some(row.get(1).to_owned()).filter(|maker| !maker.is_empty());
        found.used = entry::used(&found.token);
        entry.batch.tokens.push(found);
    }
}

fn mover(kind: &str, text: &str) -> Result<Kind, &'static str> {
    let number = text.parse::<u64>();
    if kind == "hotp" {
        let number = number.map_err(|_| "must be the next counter, a whole number")?;
        let counter = Counter(number);
        return Ok(Kind::Hotp { counter });
    }
    let period = number.ok().and_then(Period::new);
    period
        .map(|period| Kind::Totp { period, t0: 0 })
        .ok_or("must be the interval in seconds, as a rule 30 or 60")
}
