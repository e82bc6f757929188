//! Tables, for people and for programs.

use std::fmt::Write;

/// Columns that line up. Survives a pipe: a line is a row.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    widths: Vec<usize>,
}

impl Table {
    /// A table with this first line.
    pub(crate) fn new(head: &[&str]) -> Self {
        let mut table = Self {
            rows: Vec::new(),
            widths: vec![0; head.len()],
        };
        table.add(head);
        table
    }

    /// Adds a line. Control characters don't reach the terminal.
    pub(crate) fn add(&mut self, cells: &[&str]) {
        let plain = |text: &&str| text.replace(char::is_control, "\u{fffd}");
        let cells: Vec<String> = cells.iter().map(plain).collect();
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.chars().count());
        }
        self.rows.push(cells);
    }

    /// All of it.
    pub(crate) fn to_text(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&self.widths) {
                // Writing to a String doesn't fail.
                let _ = write!(line, "{cell:width$}  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// A line of CSV (RFC 4180, with a plain line break).
pub(crate) fn csv_line(fields: &[&str]) -> String {
    let quoted = |field: &&str| {
        if field.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", field.replace('"', "\"\""))
        } else {
            (*field).to_owned()
        }
    };
    let fields: Vec<String> = fields.iter().map(quoted).collect();
    format!("{}\n", fields.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_a_line_is_a_row() {
        let mut table = Table::new(&["NAME", "X"]);
        table.add(&["\u{e9}\n\x1b[31m", "1"]);
        assert_eq!(
            table.to_text(),
            "NAME     X\n\u{e9}\u{fffd}\u{fffd}[31m  1\n"
        );
    }

    #[test]
    fn csv_quotes_what_would_end_a_field() {
        assert_eq!(csv_line(&["a b", "c,\"d\"", ""]), "a b,\"c,\"\"d\"\"\",\n");
    }
}
