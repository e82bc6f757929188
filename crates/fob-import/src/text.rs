//! The text of a file.

use crate::records::breaks;
use crate::{Batch, MAX_FILE, Problem};

/// The text, without the mark that some spreadsheets begin with; nothing if it is no text,
/// which is then among the problems.
pub(crate) fn of<'a>(bytes: &'a [u8], batch: &mut Batch) -> Option<&'a str> {
    let mut wrong = |place: String, what: &str, remedy: &str| {
        batch.refuse(Problem {
            place,
            what: what.into(),
            remedy: Some(remedy.into()),
        });
        None
    };
    if bytes.len() > MAX_FILE {
        return wrong(
            String::new(),
            "is larger than 64 MiB",
            "Split it into several files.",
        );
    }
    if is_utf16(bytes) {
        return wrong(String::new(), "is UTF-16 text", "Save it as UTF-8.");
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some(without_mark(text)),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let line = breaks(before).saturating_add(1);
            wrong(
                format!("line {line}"),
                "is not UTF-8 text",
                "Save it as UTF-8.",
            )
        }
    }
}

/// The text without the mark of UTF-8 in front.
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Whether it has the mark of UTF-16, or its zeros between plain letters.
fn is_utf16(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=0x7f, 0, ..] | [1..=0x7f, 0, _, 0, ..]
    )
}
