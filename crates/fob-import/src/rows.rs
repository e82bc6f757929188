//! The lines of a file that hold something.

use zeroize::Zeroizing;

use crate::entry::Entry;
use crate::records::{Fields, Records};
use crate::{Batch, MAX_TOKENS, cell};

/// A record, and where it is.
pub(crate) struct Row {
    pub(crate) place: String,
    pub(crate) fields: Fields,
}

impl Row {
    /// A field; empty where the record is shorter.
    pub(crate) fn get(&self, at: usize) -> &str {
        self.fields.get(at).map_or("", |field| field.as_str())
    }
}

/// The records that are neither empty nor comments. What nobody can have meant is a problem.
pub(crate) fn of(text: &str, delimiter: u8, batch: &mut Batch) -> Vec<Row> {
    let mut records = Records::new(text, delimiter);
    let mut rows = Vec::new();
    while let Some((line, fields)) = records.next() {
        let place = format!("line {line}");
        let fields = match fields {
            Ok(fields) if is_nothing(&fields) => continue,
            Ok(fields) => fields,
            Err(what) => {
                batch.problem(place, what);
                continue;
            }
        };
        if rows.len() > MAX_TOKENS {
            batch.problem(
                place,
                format!("is beyond the {MAX_TOKENS} tokens of a file"),
            );
            break;
        }
        let mut entry = Entry { batch, place };
        if let Some(fields) = cell::plain(fields, &mut entry) {
            let place = entry.place;
            rows.push(Row { place, fields });
        }
    }
    rows
}

/// A blank line, or a comment.
fn is_nothing(fields: &[Zeroizing<String>]) -> bool {
    fields.iter().all(|field| field.is_empty())
        || fields.first().is_some_and(|field| field.starts_with('#'))
}
