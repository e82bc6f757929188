//! The Match blocks of sshd's configuration, and somebody for each whom it matches.

use std::fs;
use std::path::{Path, PathBuf};

/// As deep as sshd follows Include.
const MAX_DEPTH: usize = 16;

/// Whom the settings are asked for.
pub(super) struct Probe {
    /// As it is told to the administrator.
    pub(super) who: String,
    /// sshd's `-C`; none for the settings outside of all blocks.
    pub(super) connection: Option<String>,
}

/// The criteria of all Match blocks.
pub(super) fn blocks(path: &Path, depth: usize) -> Vec<String> {
    let mut found = Vec::new();
    let Ok(text) = fs::read_to_string(path) else {
        return found;
    };
    for line in text.lines() {
        let (word, rest) = setting(line);
        if word.eq_ignore_ascii_case("match") {
            found.push(rest.to_owned());
        } else if word.eq_ignore_ascii_case("include") && depth < MAX_DEPTH {
            for pattern in rest.split_whitespace() {
                let files = included(pattern.trim_matches('"'));
                found.extend(
                    files
                        .iter()
                        .flat_map(|file| blocks(file, depth.saturating_add(1))),
                );
            }
        }
    }
    found
}

/// The keyword of a line, and what stands behind it.
pub(super) fn setting(line: &str) -> (&str, &str) {
    let line = line.trim();
    let (word, rest) = line.split_once([' ', '\t', '=']).unwrap_or((line, ""));
    (word, rest.trim().trim_start_matches('=').trim())
}

/// The files of an Include: a path, or a folder with a pattern like `*.conf`.
fn included(pattern: &str) -> Vec<PathBuf> {
    let path = Path::new("/etc/ssh").join(pattern);
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let Some((front, back)) = name.split_once('*') else {
        return vec![path];
    };
    let entries = path
        .parent()
        .and_then(|folder| fs::read_dir(folder).ok())
        .into_iter()
        .flatten()
        .flatten();
    let fits = |file: &str| {
        file.len() >= front.len().saturating_add(back.len())
            && file.starts_with(front)
            && file.ends_with(back)
    };
    let mut files: Vec<_> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(fits))
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

/// Somebody whom the criteria match. `None` if they can't be made up.
pub(super) fn probe(criteria: &str) -> Option<Probe> {
    let (mut user, mut host, mut address) = (
        "nobody".to_owned(),
        "localhost".to_owned(),
        "127.0.0.1".to_owned(),
    );
    let mut words = criteria.split_whitespace();
    while let Some(word) = words.next() {
        let (key, value) = word
            .split_once('=')
            .map_or_else(|| (word, words.next()), |(key, value)| (key, Some(value)));
        match key.to_ascii_lowercase().as_str() {
            "all" | "final" => {
                return Some(Probe {
                    who: format!("Match {criteria}"),
                    connection: Some("user=nobody,host=localhost,addr=127.0.0.1".into()),
                });
            }
            "user" => user = literal(value?)?,
            "host" => host = literal(value?)?,
            "address" => address = literal(value?)?,
            "localport" | "localaddress" | "rdomain" | "group" | "version" | "sessiontype"
            | "invalid-user" => return None,
            _ => return None,
        }
    }
    Some(Probe {
        who: format!("Match {criteria}"),
        connection: Some(format!("user={user},host={host},addr={address}")),
    })
}

/// The first pattern, made a name or an address.
fn literal(patterns: &str) -> Option<String> {
    let wanted = patterns
        .trim_matches('"')
        .split(',')
        .find(|pattern| !pattern.starts_with('!'))?;
    let plain = wanted.split('/').next().unwrap_or(wanted);
    Some(plain.replace(['*', '?'], "1")).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_is_made_up_for_a_match_block() {
        let connection = |criteria: &str| probe(criteria).and_then(|probe| probe.connection);
        assert_eq!(
            connection("User backup,!root").as_deref(),
            Some("user=backup,host=localhost,addr=127.0.0.1")
        );
        assert_eq!(
            connection("Address 10.0.0.0/8").as_deref(),
            Some("user=nobody,host=localhost,addr=10.0.0.0")
        );
        assert_eq!(
            connection("User=dev* Address 10.1.*").as_deref(),
            Some("user=dev1,host=localhost,addr=10.1.1")
        );
        assert!(connection("Group wheel").is_none());
    }
}
