//! CSV files of makers of tokens and of other servers, of four shapes. Checked against
//! privacyIDEA's `importotp.py`, LinOTP's `ImportOTP/oath.py`, multiOTP's
//! `ImportTokensFromCsv` and Microsoft's description of the upload to Entra ID.
//!
//! A record is a line as a rule, but a spreadsheet's quotes are understood everywhere.
mod entra;
mod multiotp;
mod oath;
mod shape;
#[cfg(test)]
mod tests;

use crate::{Batch, Options, Problem, rows, text, twins};

pub use shape::Shape;
pub(crate) use shape::{delimiter, is_hex, recognise};

/// Reads a file.
pub fn read(bytes: &[u8], options: &Options) -> Batch {
    let mut batch = Batch::default();
    let Some(text) = text::of(bytes, &mut batch) else {
        return batch;
    };
    let delimiter = delimiter(text);
    let Some(shape) = options.shape.or_else(|| recognise(text, delimiter)) else {
        unrecognised(text, &mut batch);
        return batch;
    };
    let rows = rows::of(text, delimiter, &mut batch);
    match shape {
        Shape::Entra => entra::read(rows, &mut batch),
        Shape::PrivacyIdea | Shape::LinOtp => {
            oath::read(rows, version(text), options.shape, &mut batch);
        }
        Shape::MultiOtp => multiotp::read(rows, &mut batch),
    }
    twins::refuse_secrets(&mut batch);
    twins::refuse_serials(&mut batch);
    batch
}

fn unrecognised(text: &str, batch: &mut Batch) {
    if text.trim().is_empty() {
        return batch.problem("", "is empty");
    }
    batch.refuse(Problem {
        place: String::new(),
        what: "none of the known shapes fits its first line".into(),
        remedy: Some(format!(
            "Name the columns in its first line ({}), or say whose it is with --shape ({}).",
            entra::COLUMNS,
            Shape::ALL.map(Shape::name).join(", ")
        )),
    });
}

/// The number of privacyIDEA's format, if the first line says one.
fn version(text: &str) -> Option<u64> {
    let line = text.lines().next()?.strip_prefix('#')?.trim_start();
    let number = line.strip_prefix("version:")?.trim_start();
    // A spreadsheet may have put commas behind it.
    let end = number.find(|c: char| !c.is_ascii_digit());
    number.get(..end.unwrap_or(number.len()))?.parse().ok()
}
