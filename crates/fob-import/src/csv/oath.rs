//! "OATH CSV": `serial, hexkey, type, ...`, of privacyIDEA and of LinOTP. They look the
//! same, and differ in what follows the digits: privacyIDEA has the counter of a HOTP token
//! there, LinOTP nothing that counts, and then the hash.

use std::collections::HashMap;

use fob_core::{Algorithm, Counter, Kind, Period, Secret};

use super::Shape;
use crate::Batch;
use crate::entry::{self, Entry};
use crate::rows::Row;

/// Where nothing tells the two apart and it would matter.
const WHICH: &str =
    "Say whose file it is, with --shape privacyidea (counter) or --shape linotp (nothing).";
/// What privacyIDEA and LinOTP have beside HOTP and TOTP.
const OTHERS: [&str; 20] = [
    "ocra",
    "ocra2",
    "tan",
    "paper",
    "indexedsecret",
    "pw",
    "spass",
    "motp",
    "daypassword",
    "sms",
    "email",
    "yubikey",
    "yubico",
    "radius",
    "remote",
    "push",
    "tiqr",
    "daplug",
    "registration",
    "question",
];

/// How the lines are to be read.
struct Reading {
    /// Whose it is, if anything says so.
    shape: Option<Shape>,
    /// Where the serial is: after user, resolver and realm in version 2.
    first: usize,
    /// The realm of each user so far, and where it was.
    realms: HashMap<String, (String, String)>,
}

pub(super) fn read(rows: Vec<Row>, version: Option<u64>, shape: Option<Shape>, batch: &mut Batch) {
    if let Some(version @ 3..) = version {
        return batch.problem(
            "line 1",
            format!("version {version} isn't known; 2 is the newest"),
        );
    }
    let seen = || rows.iter().find_map(telling);
    let mut reading = Reading {
        shape: shape
            .or_else(|| version.map(|_| Shape::PrivacyIdea))
            .or_else(seen),
        first: match (version, shape) {
            (Some(2), None | Some(Shape::PrivacyIdea)) => 3,
            _ => 0,
        },
        realms: HashMap::new(),
    };
    for row in rows {
        let place = row.place.clone();
        reading.token(&row, Entry { batch, place });
    }
    entry::remark_uses(batch);
}

/// Whose file it must be, by what only one of them has.
fn telling(row: &Row) -> Option<Shape> {
    let kind = row.get(2).to_ascii_lowercase();
    match kind.as_str() {
        "tan" => Some(Shape::PrivacyIdea),
        "ocra2" => Some(Shape::LinOtp),
        _ => hash(row.get(5)).map(|_| Shape::LinOtp),
    }
}

fn hash(name: &str) -> Option<Algorithm> {
    Algorithm::from_name(&name.to_ascii_lowercase())
}

impl Reading {
    fn token(&mut self, row: &Row, mut entry: Entry<'_>) {
        let get = |at: usize| row.get(self.first.saturating_add(at));
        let kind = get(2).to_ascii_lowercase();
        if OTHERS.contains(&kind.as_str()) {
            let why = format!("a token of type {kind} makes no codes of RFC 4226 or RFC 6238");
            return entry.drop_it(get(0), why);
        }
        let serial = entry.take("serial", entry::serial_required(get(0)));
        let secret = entry.take("key", Secret::from_hex(get(1)));
        let digits = match get(3) {
            "" => "6",
            digits => digits,
        };
        let digits = entry.take("digits", entry::digits(digits));
        let kind = self.kind(&kind, get(4), &mut entry);
        let algorithm = match &secret {
            Some(secret) => self.algorithm(secret, get(0), get(5), &mut entry),
            None => None,
        };
        let user = self.user(row, &mut entry);
        if let (Some(serial), Some(secret), Some(digits), Some(kind), Some(algorithm), Some(user)) =
            (serial, secret, digits, kind, algorithm, user)
        {
            let mut token = entry::token(kind, secret);
            token.digits = digits;
            token.algorithm = algorithm;
            token.id = entry::id("fob", &serial);
            token.serial = Some(serial);
            let mut found = entry::found(entry.place, token);
            found.user = Some(user).filter(|user| !user.is_empty());
            found.used = entry::used(&found.token);
            entry.batch.tokens.push(found);
        }
    }

    /// What moves it on; `text` is privacyIDEA's counter, and everybody's time step.
    fn kind(&self, name: &str, text: &str, entry: &mut Entry<'_>) -> Option<Kind> {
        let counter = |counter| Kind::Hotp {
            counter: Counter(counter),
        };
        match (name, text, self.shape) {
            ("totp", "", _) => Some(Kind::Totp {
                period: Period::DEFAULT,
                t0: 0,
            }),
            ("totp", text, _) => {
                let period = text.parse().ok().and_then(Period::new);
                let wrong = "must be 1 to 86400 seconds, as a rule 30 or 60";
                let period = entry.take("time step", period.ok_or(wrong))?;
                Some(Kind::Totp { period, t0: 0 })
            }
            ("hotp" | "", "" | "0", _) | ("hotp" | "", _, Some(Shape::LinOtp)) => Some(counter(0)),
            ("hotp" | "", text, Some(_)) => {
                let wrong = "must be a whole number";
                entry
                    .take("counter", text.parse().map_err(|_| wrong))
                    .map(counter)
            }
            ("hotp" | "", _, None) => {
                let what = "what follows the digits is a counter for privacyIDEA, and nothing \
                            for LinOTP";
                entry.refuse(what, WHICH);
                None
            }
            _ => {
                entry.wrong("type", "must be hotp or totp");
                None
            }
        }
    }

    /// The hash: LinOTP's own column, else by the length of the key.
    fn algorithm(
        &self,
        secret: &Secret,
        serial: &str,
        name: &str,
        entry: &mut Entry<'_>,
    ) -> Option<Algorithm> {
        if !name.is_empty() && self.shape != Some(Shape::PrivacyIdea) {
            let wrong = "must be sha1, sha256 or sha512";
            return entry.take("hash", hash(name).ok_or(wrong));
        }
        match (secret.bytes().len(), self.shape) {
            (32, _) => Some(Algorithm::Sha256),
            (64, _) => Some(Algorithm::Sha512),
            (28 | 48, Some(Shape::PrivacyIdea)) => {
                entry.drop_it(
                    serial,
                    "its hash is SHA-224 or SHA-384, by the length of the key",
                );
                None
            }
            (28 | 48, None) => {
                let what = "a key of this length means SHA-224 or SHA-384 for privacyIDEA, and \
                            SHA-1 for LinOTP";
                entry.refuse(
                    what,
                    "Say whose file it is, with --shape privacyidea or --shape linotp.",
                );
                None
            }
            _ => Some(Algorithm::Sha1),
        }
    }

    /// Whose it is in version 2, or empty.
    fn user(&mut self, row: &Row, entry: &mut Entry<'_>) -> Option<String> {
        if self.first == 0 {
            return Some(String::new());
        }
        let (user, realm) = (row.get(0), row.get(2));
        let known = self.realms.entry(user.to_owned());
        let (first, place) = known.or_insert_with(|| (realm.to_owned(), row.place.clone()));
        if first == realm || user.is_empty() {
            return Some(user.to_owned());
        }
        let what = format!("user: a name of another realm than at {place}");
        entry.refuse(what, "Import each realm from a file of its own.");
        None
    }
}
