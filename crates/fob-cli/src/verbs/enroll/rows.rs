//! The lines of a CSV file of people.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use fob_import::columns::{Columns, Said};
use fob_import::given::Given;
use zeroize::Zeroizing;

use super::wish::{self, Wish};
use crate::given::warn_if_open;
use crate::stop::Stop;

/// A hundred thousand people fit in this, in bytes.
const MAX_SIZE: u64 = 1 << 26;
/// How many problems are told one by one.
const MAX_TOLD: usize = 20;
/// The longest id of a token, in bytes.
const MAX_ID: usize = 64;
/// What a column may be called.
pub(super) const COLUMNS: [&str; 11] = [
    "name",
    "id",
    "type",
    "digits",
    "period",
    "algorithm",
    "counter",
    "t0",
    "serial",
    "secret",
    "issuer",
];

/// What is wrong, by line.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<Problem>);

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    line: u64,
    what: String,
    /// The person has the token already.
    is_there: bool,
}

impl Problems {
    /// Whether something is wrong with that line already.
    pub(super) fn has(&self, line: u64) -> bool {
        self.0.iter().any(|wrong| wrong.line == line)
    }

    pub(super) fn add(&mut self, line: u64, what: impl Into<String>) {
        self.0.push(Problem {
            line,
            what: what.into(),
            is_there: false,
        });
    }

    /// Adds why a line can't be done.
    pub(super) fn stop(&mut self, line: u64, stop: Stop) {
        self.0.push(Problem {
            line,
            what: stop.what,
            is_there: stop.is_there,
        });
    }

    /// Whether there is nothing wrong.
    ///
    /// # Errors
    /// There is; all of it is told.
    pub(super) fn end(mut self, path: &Path) -> Result<(), Stop> {
        if self.0.is_empty() {
            return Ok(());
        }
        self.0.sort();
        let told = self.0.iter().take(MAX_TOLD);
        let mut lines: Vec<String> = told
            .map(|Problem { line, what, .. }| format!("line {line}: {what}"))
            .collect();
        let more = self.0.len().saturating_sub(MAX_TOLD);
        if more > 0 {
            lines.push(format!("and {more} more"));
        }
        let lines = lines.join("\n     ");
        let remedy = if self.0.iter().all(|problem| problem.is_there) {
            "Nothing was enrolled. To pass over those who have it: --skip-enrolled"
        } else {
            "Nothing was enrolled. Correct the file, and run it again."
        };
        Err(Stop::unknown(format!("{}: {lines}", path.display())).remedy(remedy))
    }
}

/// What a line asks for.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) line: u64,
    pub(super) name: String,
    /// The command line, with what the line says in its place.
    pub(super) wish: Wish,
    pub(super) given: Option<Given>,
}

/// Reads the file. A line that is wrong is among the problems.
///
/// # Errors
/// The file can't be read, or its first line doesn't name the columns.
pub(super) fn read(path: &Path, wish: &Wish, problems: &mut Problems) -> Result<Vec<Row>, Stop> {
    let wrong = |what: String| Stop::unknown(format!("{}: {what}", path.display()));
    let unreadable = |error: std::io::Error| wrong(error.to_string());
    let file = File::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    let size = usize::try_from(about.len().min(MAX_SIZE)).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(size.saturating_add(1)));
    file.take(MAX_SIZE.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if u64::try_from(bytes.len()).map_or(true, |size| size > MAX_SIZE) {
        return Err(wrong("is larger than 64 MiB".into()));
    }
    let (rows, has_secrets) = parse(&bytes, wish, problems).map_err(wrong)?;
    if has_secrets {
        warn_if_open(path, &about);
    }
    Ok(rows)
}

/// The rows, and whether there is a column of secrets.
fn parse(bytes: &[u8], wish: &Wish, problems: &mut Problems) -> Result<(Vec<Row>, bool), String> {
    let mut columns = Columns::read(bytes, &COLUMNS)?;
    if !columns.names().contains(&"name") {
        return Err(
            "line 1: there is no column \"name\"; the first line must name the columns".into(),
        );
    }
    let mut rows = Vec::new();
    while let Some((line, fields)) = columns.next() {
        match fields {
            Ok(fields) => rows.extend(row(line, &fields, wish, problems)),
            Err(what) => problems.add(line, what),
        }
    }
    let has_secrets = columns.names().contains(&"secret");
    Ok((rows, has_secrets))
}

/// What a line asks for; nothing if something is wrong with it.
fn row(line: u64, fields: &Said, wish: &Wish, problems: &mut Problems) -> Option<Row> {
    let mut row = Row {
        line,
        name: String::new(),
        wish: wish.clone(),
        given: None,
    };
    let mut good = true;
    for (column, text) in fields {
        if let Err(what) = row.set(column, text) {
            problems.add(line, format!("{column}: {what}"));
            good = false;
        }
    }
    if good && row.name.is_empty() && !row.is_for_stock() {
        problems.add(
            line,
            "name: is empty; only a token with a serial and a secret goes to the stock",
        );
        good = false;
    }
    if row.is_for_stock() {
        row.name_by_serial();
    }
    good.then_some(row)
}

impl Row {
    /// Whether it is a token that nobody gets yet.
    pub(super) fn is_for_stock(&self) -> bool {
        self.name.is_empty() && self.wish.serial.is_some() && self.given.is_some()
    }

    /// As at an import: nobody knows yet who gets it, and "phone" is what most have already.
    fn name_by_serial(&mut self) {
        let id = self
            .wish
            .serial
            .as_ref()
            .map(|serial| format!("fob-{serial}"));
        let id = id.filter(|id| id.len() <= MAX_ID);
        self.wish.id = self.wish.id.take().or(id);
    }

    fn set(&mut self, column: &str, text: &str) -> Result<(), String> {
        let number = || {
            text.parse()
                .map_err(|_| "must be a whole number".to_owned())
        };
        let lower = text.to_ascii_lowercase();
        let wish = &mut self.wish;
        match column {
            "name" => self.name = text.into(),
            "id" => wish.id = Some(text.into()),
            "type" => wish.mover = Some(wish::mover(&lower)?),
            "digits" => wish.digits = Some(wish::digits(text)?),
            "period" => wish.period = Some(wish::period(text)?),
            "algorithm" => wish.algorithm = Some(wish::algorithm(&lower)?),
            "counter" => wish.counter = Some(number()?),
            "t0" => wish.t0 = Some(number()?),
            "serial" => wish.serial = Some(text.into()),
            "issuer" => wish.issuer = Some(text.into()),
            _ => self.given = Some(Given::parse(text)?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Verb};
    use clap::Parser;

    type Read = (Result<Vec<Row>, String>, Vec<(u64, String)>);

    fn rows(text: &[u8], words: &str) -> Read {
        let line = format!("fob enroll --from x {words}");
        let Verb::Enroll(wish) = Cli::try_parse_from(line.split_whitespace()).unwrap().verb else {
            panic!("another verb");
        };
        let mut problems = Problems::default();
        let rows = parse(text, &wish, &mut problems).map(|(rows, _)| rows);
        let problems = problems.0.into_iter();
        (rows, problems.map(|each| (each.line, each.what)).collect())
    }

    #[test]
    fn spreadsheets_file_is_read() {
        let text = "\u{feff}Name,serial,secret\r\n\r\nalice,\"a, \"\"b\"\" \",\r\n\"bob\",,\
                    GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let (rows, problems) = rows(text.as_bytes(), "--digits 8");
        let rows = rows.unwrap();
        assert_eq!(problems, []);
        assert_eq!((rows[0].line, rows[0].name.as_str()), (3, "alice"));
        assert_eq!((rows[1].line, rows[1].name.as_str()), (4, "bob"));
        assert_eq!(rows[0].wish.serial.as_deref(), Some("a, \"b\""));
        assert!(rows[0].given.is_none() && rows[1].given.is_some());
        assert_eq!(rows[1].wish.digits.unwrap().count(), 8);
    }

    #[test]
    fn line_says_otherwise_than_the_command_line() {
        let (rows, _) = rows(
            b"digits,name,type\n,a,\n6,b,HOTP\n",
            "--digits 8 --type totp",
        );
        let rows = rows.unwrap();
        let digits: Vec<usize> = rows
            .iter()
            .map(|r| r.wish.digits.unwrap().count())
            .collect();
        assert_eq!(digits, [8, 6]);
    }

    /// Called "phone", it couldn't be given to anybody who has one.
    #[test]
    fn token_for_the_stock_is_called_after_its_serial() {
        let text = b"name,id,serial,secret\n\
            ,,77,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n\
            ,mine,78,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n\
            alice,,79,GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n";
        let (rows, problems) = rows(text, "");
        assert_eq!(problems, []);
        let rows = rows.unwrap();
        let ids: Vec<_> = rows.iter().map(|row| row.wish.id.as_deref()).collect();
        assert_eq!(ids, [Some("fob-77"), Some("mine"), None]);
    }

    #[test]
    fn every_wrong_line_is_named() {
        let text = b"name,digits,counter,secret\nalice,5,x,\n,6,,\nbob\n\n\"c\nd\",6,,abc\n\
                     1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\ncarol,7,0,\n";
        let (rows, problems) = rows(text, "");
        let lines: Vec<u64> = problems.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [2, 2, 3, 4, 6, 8], "{problems:?}");
        let rows = rows.unwrap();
        assert_eq!(
            (rows.len(), rows[0].line, rows[0].name.as_str()),
            (1, 9, "carol")
        );
    }

    /// P8: also where somebody forgot the first line, no secret is repeated.
    #[test]
    fn first_line_must_name_the_columns() {
        for (text, what) in [
            (&b""[..], "is empty"),
            (b"id\nphone\n", "\"name\""),
            (b"name,name\n", "twice"),
            (b"name,pin\n", "\"pin\""),
            (b"alice,GEZDGNBVGY3TQOJQ\n", "\"alice\""),
            (b"name,GEZDGNBVGY3TQOJQ\n", "number 2"),
            (b"name\n\nal\xffce\n", "line 3"),
        ] {
            let error = rows(text, "").0.unwrap_err();
            assert!(error.contains(what) && !error.contains("GEZD"), "{error}");
        }
    }

    #[test]
    fn problems_are_told_in_order_and_not_all_of_a_thousand() {
        let mut problems = Problems::default();
        (0..1000).rev().for_each(|line| problems.add(line, "x"));
        let told = problems.end(Path::new("f")).unwrap_err().what;
        assert!(told.starts_with("f: line 0: x\n     line 1: x\n"), "{told}");
        assert!(told.ends_with("line 19: x\n     and 980 more"), "{told}");
    }
}
