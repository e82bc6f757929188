//! The records of a CSV text, with the line of each.

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use zeroize::Zeroizing;

/// The most fields of a record; no file has half as many columns.
const MAX_FIELDS: usize = 48;

/// The fields of a record, without blanks round them.
pub type Fields = Vec<Zeroizing<String>>;

/// The records of a CSV text, each with its first line. Nothing of it stays in a buffer.
#[derive(Debug)]
pub struct Records<'a> {
    reader: Reader,
    delimiter: u8,
    rest: &'a [u8],
    line: u64,
    buffer: Zeroizing<Vec<u8>>,
}

impl<'a> Records<'a> {
    /// Those of `text`, with that character between the fields.
    pub fn new(text: &'a str, delimiter: u8) -> Self {
        Self {
            reader: reader(delimiter),
            delimiter,
            rest: text.as_bytes(),
            line: 1,
            // No record is longer than the text.
            buffer: Zeroizing::new(vec![0; text.len()]),
        }
    }

    /// The next one and its line; or what is wrong with it.
    #[allow(clippy::should_implement_trait)] // loops hold it, and look at what was read
    pub fn next(&mut self) -> Option<(u64, Result<Fields, String>)> {
        while let Some((b'\n' | b'\r', rest)) = self.rest.split_first() {
            self.count(self.rest.len().saturating_sub(rest.len()));
        }
        let line = self.line;
        let (mut length, mut count) = (0usize, 0usize);
        let mut ends = [0; MAX_FIELDS];
        loop {
            let room = self.buffer.get_mut(length..).unwrap_or_default();
            let places = ends.get_mut(count..).unwrap_or_default();
            let (result, read, written, ended) = self.reader.read_record(self.rest, room, places);
            self.count(read);
            length = length.saturating_add(written);
            count = count.saturating_add(ended);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::End => return None,
                ReadRecordResult::Record => break,
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    self.skip();
                    return Some((line, Err("has too many fields".into())));
                }
            }
        }
        let mut start = 0;
        let fields = ends.iter().take(count).map(|end| {
            let field = self.buffer.get(start..*end).unwrap_or_default();
            start = *end;
            Zeroizing::new(String::from_utf8_lossy(field).trim().to_owned())
        });
        let fields = fields.collect();
        Some((line, Ok(fields)))
    }

    /// Passes over what was read, and counts its lines.
    fn count(&mut self, length: usize) {
        let (read, rest) = self.rest.split_at_checked(length).unwrap_or_default();
        // One end, of which the second half is still to come.
        let is_half = read.ends_with(b"\r") && rest.starts_with(b"\n");
        let ended = breaks(read).saturating_sub(is_half.into());
        self.line = self.line.saturating_add(ended);
        self.rest = rest;
    }

    /// Goes on at the next line.
    fn skip(&mut self) {
        let is_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        let end = self.rest.iter().position(is_end);
        self.count(end.unwrap_or(self.rest.len()));
        self.reader = reader(self.delimiter);
    }
}

fn reader(delimiter: u8) -> Reader {
    ReaderBuilder::new().delimiter(delimiter).build()
}

/// How many lines end in a text: at a line feed, a carriage return, or both.
pub fn breaks(text: &[u8]) -> u64 {
    let rest = text.iter().skip(1).map(Some).chain([None]);
    let is_end = |(byte, next): &(&u8, Option<&u8>)| match **byte {
        b'\n' => true,
        b'\r' => *next != Some(&b'\n'),
        _ => false,
    };
    let count = text.iter().zip(rest).filter(is_end).count();
    u64::try_from(count).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As spreadsheets of every age write them.
    #[test]
    fn lines_are_counted_whichever_way_they_end() {
        let wide = format!("{}y", "x,".repeat(MAX_FIELDS));
        let text = ["a", "", "\"b", "b\",c", &wide, "d", "", "", "e"];
        for end in ["\n", "\r\n", "\r"] {
            let text = text.join(end);
            let mut records = Records::new(&text, b',');
            let lines: Vec<(u64, bool)> = std::iter::from_fn(|| records.next())
                .map(|(line, fields)| (line, fields.is_ok()))
                .collect();
            let expected = [(1, true), (3, true), (5, false), (6, true), (9, true)];
            assert_eq!(lines, expected, "{end:?}");
            assert_eq!(breaks(text.as_bytes()), 8);
        }
    }
}
