//! A second file that says whose a token is: lines of `serial,user`, or the mappings of
//! pam_yubico, `user:id:id`.

use std::collections::HashMap;

use crate::{Batch, MAX_TOKENS, Problem, text};

/// Whose each serial, or public id, is.
#[derive(Debug, Default)]
pub struct People(HashMap<String, String>);

impl People {
    /// Whose a token with this serial or public id is; case doesn't matter.
    pub fn user_of(&self, name: &str) -> Option<&str> {
        self.0.get(&name.to_ascii_lowercase()).map(String::as_str)
    }
}

/// Reads such a file.
///
/// # Errors
/// All that is wrong.
pub fn read(bytes: &[u8]) -> Result<People, Vec<Problem>> {
    let mut batch = Batch::default();
    let mut people = People::default();
    let text = text::of(bytes, &mut batch).unwrap_or_default();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        let is_head = number == 1 && line.to_ascii_lowercase().starts_with("serial");
        if line.is_empty() || line.starts_with('#') || is_head {
            continue;
        }
        let place = format!("line {number}");
        match pairs(line) {
            Some((user, names)) => people.add(&place, user, &names, &mut batch),
            None => batch.problem(place, "must be serial,user or user:id"),
        }
        if people.0.len() > MAX_TOKENS {
            batch.problem("", format!("has more than {MAX_TOKENS} lines"));
            break;
        }
    }
    if batch.problems.is_empty() {
        Ok(people)
    } else {
        Err(batch.problems)
    }
}

/// Who, and what is theirs.
fn pairs(line: &str) -> Option<(&str, Vec<&str>)> {
    let plain = |text: &&str| !text.is_empty() && !text.chars().any(char::is_control);
    if let Some((serial, user)) = line.split_once([',', ';', '\t']) {
        let (serial, user) = (
            serial.trim().trim_matches('"'),
            user.trim().trim_matches('"'),
        );
        let fits = !user.contains([',', ';', '\t']);
        return Some((user, vec![serial])).filter(|_| fits && plain(&user) && plain(&serial));
    }
    let mut fields = line.split(':').map(str::trim);
    let user = fields.next().filter(plain)?;
    let names: Vec<&str> = fields.collect();
    let fits = !names.is_empty() && names.iter().all(plain);
    fits.then_some((user, names))
}

impl People {
    fn add(&mut self, place: &str, user: &str, names: &[&str], batch: &mut Batch) {
        for name in names {
            let before = self.0.insert(name.to_ascii_lowercase(), user.to_owned());
            if before.is_some_and(|before| before != user) {
                batch.problem(place, format!("{name} is somebody else's already"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn serials_and_mappings_are_read() {
        let text = "\u{feff}Serial,User\r\n2601443,alice\r\n\"A1\";bob\n# x\ncarol:cccccccbcjdi:CCCCCCKKIJNT\n";
        let people = read(text.as_bytes()).unwrap();
        for (name, user) in [
            ("2601443", Some("alice")),
            ("a1", Some("bob")),
            ("cccccckkijnt", Some("carol")),
            ("1", None),
        ] {
            assert_eq!(people.user_of(name), user, "{name}");
        }
    }

    #[test]
    fn all_that_is_wrong_is_told() {
        let problems = read(b"1,alice\n1,bob\nx\n,y\ncarol:\n").unwrap_err();
        let told: Vec<String> = problems
            .iter()
            .map(|p| format!("{}: {}", p.place, p.what))
            .collect();
        assert_eq!(told.len(), 4);
        assert_eq!(told[0], "line 2: 1 is somebody else's already");
        assert_eq!(told[1], "line 3: must be serial,user or user:id");
        assert!(read(&[0xff]).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _ = read(text.as_bytes());
        }
    }
}
