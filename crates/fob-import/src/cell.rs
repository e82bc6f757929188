//! Cells as spreadsheets and hands leave them.

use zeroize::Zeroizing;

use crate::entry::Entry;
use crate::records::Fields;

/// The cells, with `="0012"` taken as the text that it stands for; nothing if one of them
/// is no plain value. Empty ones at the end are cut off.
pub(crate) fn plain(mut fields: Fields, entry: &mut Entry<'_>) -> Option<Fields> {
    let mut good = true;
    for (place, field) in fields.iter_mut().enumerate() {
        match unwrapped(field) {
            Ok(Some(text)) => *field = text,
            Ok(None) => {}
            Err(what) => {
                entry.wrong(&format!("field {}", place.saturating_add(1)), what);
                good = false;
            }
        }
    }
    while fields.last().is_some_and(|field| field.is_empty()) {
        fields.pop();
    }
    good.then_some(fields)
}

/// The text in `="..."`, if it is that.
fn unwrapped(cell: &str) -> Result<Option<Zeroizing<String>>, &'static str> {
    if cell.chars().any(char::is_control) {
        return Err("holds a line break or another control character; is a quote left open?");
    }
    let quoted = cell.strip_prefix("=\"").and_then(|c| c.strip_suffix('"'));
    if let Some(text) = quoted.filter(|text| !text.contains('"')) {
        return Ok(Some(Zeroizing::new(text.trim().to_owned())));
    }
    if cell.starts_with(['=', '+', '@']) || (cell.starts_with('-') && cell.len() > 1) {
        return Err("is a formula; save the file with values instead");
    }
    if is_rounded(cell) {
        return Err("was rounded by a spreadsheet; take the number from the maker's file");
    }
    Ok(None)
}

/// Whether it looks like 1.23457E+11.
fn is_rounded(cell: &str) -> bool {
    let number = |text: &str, extra: char| {
        let known = |c: char| c.is_ascii_digit() || c == extra;
        !text.is_empty() && text.chars().all(known)
    };
    let parts = cell.split_once("E+").or_else(|| cell.split_once("e+"));
    parts.is_some_and(|(front, power)| {
        let comma = if front.contains(',') { ',' } else { '.' };
        number(front, comma) && number(power, '0')
    })
}
