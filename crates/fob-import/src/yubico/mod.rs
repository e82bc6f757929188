//! The logs of YubiKeys that were programmed: of the personalization tool's two CSV
//! formats, "traditional" and "Yubico", and what `ykman otp yubiotp --config-output`
//! writes, which is the latter. Checked against yubikey-personalization-gui's
//! `src/yubikeylogger.cpp` and yubikey-manager's `ykman/otp.py`.
pub(crate) mod fields;
#[cfg(test)]
mod tests;

use fob_core::{Kind, Secret, Token};

use crate::entry::{self, Entry};
use crate::rows::{self, Row};
use crate::{Batch, Options, csv, text, twins};
use fields::Typed;

/// How many fields the traditional format has; more, if the date has commas.
const TRADITIONAL: usize = 18;
/// How many commas a date may have.
const MAX_COMMAS: usize = 3;

/// Reads a log.
pub fn read(bytes: &[u8], _options: &Options) -> Batch {
    let mut batch = Batch::default();
    let Some(text) = text::of(bytes, &mut batch) else {
        return batch;
    };
    for row in rows::of(text, csv::delimiter(text), &mut batch) {
        let place = row.place.clone();
        let batch = &mut batch;
        line(&row, Entry { batch, place });
    }
    twins::refuse_secrets(&mut batch);
    let remedy = "Keep the line of the last time that the key was programmed.";
    twins::refuse(&mut batch, "public id", remedy, |found| {
        found.token.public_id.as_deref().map(str::as_bytes)
    });
    entry::remark_uses(&mut batch);
    batch
}

fn line(row: &Row, mut entry: Entry<'_>) {
    let first = row.get(0).to_ascii_lowercase();
    let is_number = first.bytes().all(|byte| byte.is_ascii_digit());
    if first == "logging start" {
        return;
    }
    if is_event(&first) {
        traditional(row, &first, entry);
    } else if is_number && row.fields.len() >= 4 {
        yubico(row, entry);
    } else {
        entry.refuse(
            "is of neither format of the tool's log",
            "Take the line out, or import a log in the traditional or in the Yubico format.",
        );
    }
}

/// Whether a line of the traditional format begins so, in lower case.
pub(crate) fn is_event(first: &str) -> bool {
    let events = ["static password", "challenge-response", "configuration "];
    matches!(first, "oath-hotp" | "yubico otp")
        || events.iter().any(|event| first.starts_with(event))
}

fn traditional(row: &Row, event: &str, mut entry: Entry<'_>) {
    let count = row.fields.len();
    let commas = count.checked_sub(TRADITIONAL);
    let Some(commas) = commas.filter(|commas| *commas <= MAX_COMMAS) else {
        return entry.wrong(
            "line",
            format_args!("has {count} fields, not {TRADITIONAL}"),
        );
    };
    let get = |at: usize| row.get(at.saturating_add(commas));
    let key = match event {
        "oath-hotp" => hotp(&get, &mut entry),
        "yubico otp" => yubico_otp(get(3), get(4), get(5), &mut entry),
        _ => {
            let (what, why) = why_not(event);
            return entry.drop_it(what, why);
        }
    };
    if let Some(mut token) = key {
        token.id = entry::id("yubikey", token.public_id.as_deref().unwrap_or_default());
        keep(token, entry, Vec::new());
    }
}

fn why_not(event: &str) -> (&'static str, &'static str) {
    if event.starts_with("static") {
        ("static password", "it is no one-time code")
    } else if event.starts_with("challenge") {
        ("challenge-response", "its answers can't be typed")
    } else {
        ("configuration", "a change of settings holds no key")
    }
}

fn hotp<'r>(get: &impl Fn(usize) -> &'r str, entry: &mut Entry<'_>) -> Option<Token> {
    let is_set = |at| get(at) == "1";
    let typed = Typed::of(is_set(8), is_set(9), is_set(10));
    let public_id = entry.take("public id", fields::typed(get(3), typed));
    let secret = entry.take("key", Secret::from_hex(get(5)));
    let digits = match get(11) {
        "" | "0" => "6",
        digits => digits,
    };
    let digits = entry.take("digits", entry::digits(digits));
    let counter = entry.take("start counter", fields::start(get(12)));
    let counter = counter?;
    let mut token = entry::token(Kind::Hotp { counter }, secret?);
    token.digits = digits?;
    token.public_id = public_id?;
    Some(token)
}

fn yubico_otp(
    public_id: &str,
    private_id: &str,
    key: &str,
    entry: &mut Entry<'_>,
) -> Option<Token> {
    let public_id = entry.take("public id", fields::typed(public_id, Typed::Modhex));
    let private_id = entry.take("private id", fields::private_id(private_id));
    let secret = entry.take("key", fields::aes_key(key));
    let kind = Kind::Yubico {
        private_id: private_id?,
        counter: fob_core::Counter(0),
    };
    let mut token = entry::token(kind, secret?);
    token.public_id = public_id?;
    Some(token)
}

/// `serial,public id,private id,key,access code,time,`: for OATH-HOTP the start counter is
/// where the private id else is, for a static password nothing.
fn yubico(row: &Row, mut entry: Entry<'_>) {
    let serial = Some(row.get(0).to_owned()).filter(|serial| !serial.is_empty() && serial != "0");
    let mut remarks = Vec::new();
    let key = match row.get(2) {
        "" => {
            let why = "it is a static password or challenge-response, no one-time code";
            return entry.drop_it(serial.as_deref().unwrap_or_default(), why);
        }
        number if fields::is_number(number) => {
            remarks.push(NOT_SAID.into());
            unsaid_hotp(row, number, &mut entry)
        }
        private_id => yubico_otp(row.get(1), private_id, row.get(3), &mut entry),
    };
    let serial = entry.take(
        "serial",
        entry::serial(serial.as_deref().unwrap_or_default()),
    );
    if let (Some(mut token), Some(serial)) = (key, serial) {
        let number = serial.as_deref().or(token.public_id.as_deref());
        token.id = entry::id("yubikey", number.unwrap_or_default());
        token.serial = serial;
        keep(token, entry, remarks);
    }
}

/// What the Yubico format leaves open.
const NOT_SAID: &str = "This format says neither how many digits the codes have (6 was taken) nor \
    how the public id is written, and a challenge-response key looks the same here. Have its \
    owner try a code with \"fob check\".";

fn unsaid_hotp(row: &Row, start: &str, entry: &mut Entry<'_>) -> Option<Token> {
    let public_id = row.get(1);
    let public_id = entry.take(
        "public id",
        fields::typed(public_id, Typed::guess(public_id)),
    );
    let secret = entry.take("key", Secret::from_hex(row.get(3)));
    let counter = entry.take("start counter", fields::start(start))?;
    let mut token = entry::token(Kind::Hotp { counter }, secret?);
    token.public_id = public_id?;
    Some(token)
}

fn keep(token: Token, entry: Entry<'_>, remarks: Vec<String>) {
    let mut found = entry::found(entry.place, token);
    found.issuer = Some("Yubico".into());
    found.remarks = remarks;
    entry.batch.tokens.push(found);
}
