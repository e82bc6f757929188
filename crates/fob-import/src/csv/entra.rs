//! The file that Entra ID takes, and that makers of tokens deliver for it: its first line
//! names the columns. TOTP under SHA-1 with six digits; the secrets are base32.

use fob_core::{Kind, Period, Secret, SecretError};

use crate::Batch;
use crate::entry::{self, Entry};
use crate::rows::Row;

/// The longest name of a column that is repeated: a secret is longer.
const MAX_COLUMN: usize = 16;
/// What its columns are called.
pub(super) const COLUMNS: &str =
    "upn, serial number, secret key, time interval, manufacturer, model";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    User,
    Serial,
    Secret,
    Interval,
    Manufacturer,
    Model,
}

impl Column {
    /// The column of a name: `time interval`, `timeinterval`, `TimeIntervalInSeconds`.
    fn named(name: &str) -> Option<Self> {
        let letters = name.chars().filter(|c| c.is_alphanumeric());
        let name: String = letters.map(|c| c.to_ascii_lowercase()).collect();
        Some(match name.as_str() {
            "upn" | "userprincipalname" | "username" => Self::User,
            "serialnumber" | "serial" => Self::Serial,
            "secretkey" | "secret" => Self::Secret,
            "timeinterval" | "timeintervalinseconds" => Self::Interval,
            "manufacturer" => Self::Manufacturer,
            "model" => Self::Model,
            _ => return None,
        })
    }
}

pub(super) fn read(rows: Vec<Row>, batch: &mut Batch) {
    let mut rows = rows.into_iter();
    let Some(header) = rows.next() else {
        return batch.problem("", "is empty");
    };
    let Some(columns) = columns(&header, batch) else {
        return;
    };
    for row in rows {
        let count = row.fields.len();
        let place = row.place.clone();
        if count > columns.len() {
            let names = columns.len();
            batch.problem(
                place,
                format!("has {count} fields, and the first line names {names}"),
            );
        } else {
            token(&row, &columns, Entry { batch, place });
        }
    }
}

fn columns(header: &Row, batch: &mut Batch) -> Option<Vec<Column>> {
    let mut columns = Vec::new();
    let place = header.place.clone();
    let mut entry = Entry { batch, place };
    for (at, name) in header.fields.iter().enumerate() {
        let told = if name.len() <= MAX_COLUMN {
            format!("{:?}", name.as_str())
        } else {
            format!("number {}", at.saturating_add(1)) // may be a secret
        };
        match Column::named(name) {
            Some(column) if columns.contains(&column) => {
                entry.refuse(format!("the column {told} is there twice"), "Take one out.");
                return None;
            }
            Some(column) => columns.push(column),
            None => {
                let remedy = format!("There are: {COLUMNS}. Take the column out, or correct it.");
                entry.refuse(format!("no column is called {told}"), &remedy);
                return None;
            }
        }
    }
    for (column, name) in [
        (Column::Secret, "secret key"),
        (Column::Interval, "time interval"),
    ] {
        if !columns.contains(&column) {
            let remedy = format!("The first line must name the columns: {COLUMNS}.");
            entry.refuse(format!("there is no column {name:?}"), &remedy);
            return None;
        }
    }
    Some(columns)
}

fn token(row: &Row, columns: &[Column], mut entry: Entry<'_>) {
    let get = |column: Column| {
        let at = columns.iter().position(|known| *known == column);
        at.map_or("", |at| row.get(at))
    };
    let serial = entry.take("serial number", entry::serial(get(Column::Serial)));
    let secret = entry.take("secret key", secret(get(Column::Secret)));
    let period = entry.take("time interval", period(get(Column::Interval)));
    let user = get(Column::User);
    let named = !user.is_empty() || serial.as_ref().is_none_or(Option::is_some);
    if !named {
        entry.wrong("serial number", "is empty, and no upn says whose it is");
    }
    if let (Some(serial), Some(secret), Some(period), true) = (serial, secret, period, named) {
        let mut token = entry::token(Kind::Totp { period, t0: 0 }, secret);
        token.id = entry::id("fob", serial.as_deref().unwrap_or_default());
        token.serial = serial;
        let mut found = entry::found(entry.place, token);
        found.user = Some(user.to_owned()).filter(|user| !user.is_empty());
        let maker = [get(Column::Manufacturer), get(Column::Model)].join(" ");
        found.issuer = Some(maker.trim().to_owned()).filter(|maker| !maker.is_empty());
        entry.batch.tokens.push(found);
    }
}

fn secret(text: &str) -> Result<Secret, String> {
    Secret::from_base32(text).map_err(|error| match error {
        SecretError::Character(_) if super::is_hex(text) => {
            format!("{error}; it looks like hexadecimal digits, and must be base32")
        }
        _ => error.to_string(),
    })
}

fn period(text: &str) -> Result<Period, &'static str> {
    if text.is_empty() {
        return Err("is empty; it must be 30 or 60, as the maker says");
    }
    let seconds = text.parse().ok().and_then(Period::new);
    seconds.ok_or("must be 1 to 86400 seconds, as a rule 30 or 60")
}
