//! A CSV file whose first line names its columns.

use zeroize::Zeroizing;

use crate::records::{Fields, Records, breaks};
use crate::text::without_mark;

/// The longest name of a column that is repeated: a secret is longer.
const MAX_NAME: usize = 12;

/// What a line says: the column, and what stands there. Empty fields say nothing.
pub type Said = Vec<(&'static str, Zeroizing<String>)>;

/// The lines of such a file, each with its number.
#[derive(Debug)]
pub struct Columns<'a> {
    names: Vec<&'static str>,
    records: Records<'a>,
}

impl<'a> Columns<'a> {
    /// Reads the first line, which names some of the `known` columns in any order.
    ///
    /// # Errors
    /// It isn't UTF-8 text, or its first line names something else, or something twice.
    pub fn read(bytes: &'a [u8], known: &[&'static str]) -> Result<Self, String> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = breaks(before).saturating_add(1);
            format!("line {line}: is not UTF-8 text")
        })?;
        let mut records = Records::new(without_mark(text), b',');
        match records.next() {
            Some((_, header)) => Ok(Self {
                names: names(&header?, known)?,
                records,
            }),
            None => Err("is empty".into()),
        }
    }

    /// The columns that the file has, in its order.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// The next line and its number; or what is wrong with it.
    #[allow(clippy::should_implement_trait)] // as of the records
    pub fn next(&mut self) -> Option<(u64, Result<Said, String>)> {
        let (line, fields) = self.records.next()?;
        Some((line, fields.and_then(|fields| self.said(fields))))
    }

    fn said(&self, fields: Fields) -> Result<Said, String> {
        let (is, must) = (fields.len(), self.names.len());
        if is != must {
            return Err(format!("has {is} fields, and line 1 names {must}"));
        }
        let said = self.names.iter().copied().zip(fields);
        Ok(said.filter(|(_, text)| !text.is_empty()).collect())
    }
}

fn names(
    header: &[Zeroizing<String>],
    known: &[&'static str],
) -> Result<Vec<&'static str>, String> {
    let mut names = Vec::new();
    for (place, name) in (1..).zip(header) {
        let is_it = |known: &&&str| name.eq_ignore_ascii_case(known);
        let Some(known) = known.iter().find(is_it) else {
            // Where the first line is forgotten, this may be a secret.
            let column = if name.len() <= MAX_NAME {
                format!("{:?}", name.as_str())
            } else {
                format!("number {place}")
            };
            let known = known.join(", ");
            return Err(format!(
                "line 1: no column is called {column}; the first line must name the columns:\n     {known}"
            ));
        };
        if names.contains(known) {
            return Err(format!("line 1: the column {known:?} is there twice"));
        }
        names.push(*known);
    }
    Ok(names)
}
