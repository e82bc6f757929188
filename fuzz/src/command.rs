//! The readers of the command that need no more of it than its words for trouble.

#[path = "../../crates/fob-cli/src/everybody.rs"]
mod everybody;
#[path = "../../crates/fob-cli/src/pam/line.rs"]
mod line;
#[path = "../../crates/fob-cli/src/doctor/sshd_match.rs"]
mod sshd_match;
#[path = "../../crates/fob-cli/src/pam/stack.rs"]
mod stack;
#[path = "../../crates/fob-cli/src"]
pub(crate) mod files {
    pub(crate) mod token_text;
}

use self::everybody::{Everybody, uid_min};
use self::files::token_text::TokenText;
use self::line::Line;
use fob_core::format::{MAX_TOKENS, TokenFile};
use fob_core::{Algorithm, Counter, Digits, Kind, SealKey, Secret, Token};

/// What pam/line.rs looks for.
const MODULE: &str = "pam_fob.so";

/// A PAM file. Each line is shown in one.
pub(crate) fn pam_file(text: &str) {
    let lines = stack::lines(text);
    assert!(lines.is_sorted_by_key(|(number, _)| *number));
    for (_, text) in lines {
        if let Ok(Some(line)) = Line::parse(&text) {
            assert!(!line.shown().contains('\n'));
        }
    }
}

/// What `getent passwd` prints, and behind a NUL /etc/login.defs. Whoever can log in is found
/// by the name that is listed, and has a uid from the lowest one on.
pub(crate) fn user_database(text: &str) {
    let (listing, defs) = text.split_once('\0').unwrap_or((text, ""));
    let lowest = uid_min(defs);
    let all = Everybody::parse(listing, lowest);
    for person in all.people().unwrap_or_default() {
        assert!(person.uid >= lowest && !person.name.is_empty());
        assert_eq!(all.find(&person.name).as_ref(), Ok(&Some(person.clone())));
    }
}

/// sshd's configuration. What is made up for a Match block stays in its three places.
pub(crate) fn sshd_config(text: &str) {
    for line in text.lines() {
        let (word, rest) = sshd_match::setting(line);
        let connection = sshd_match::probe(rest).and_then(|probe| probe.connection);
        let Some(connection) = connection.filter(|_| word.eq_ignore_ascii_case("match")) else {
            continue;
        };
        let parts: Vec<&str> = connection.split(',').collect();
        let [user, host, address] = parts.as_slice() else {
            panic!("{connection}");
        };
        assert!(user.starts_with("user=") && host.starts_with("host="));
        assert!(address.starts_with("addr=") && !connection.contains(char::is_whitespace));
    }
}

/// A token file that `fob` edits: it can be read afterwards, and the other tokens are what
/// they were.
pub(crate) fn token_text(text: &str) {
    let (Some(mut edited), Ok(before)) = (TokenText::parse(text), TokenFile::parse(text)) else {
        return;
    };
    assert_eq!(shown(&read(&edited)), shown(&before));
    let ids = edited.ids().len();
    assert_eq!(ids, before.tokens.len() + before.refused.len());
    let new = token();
    let is_free = !edited.ids().contains(&new.id.as_str());
    let has_twin = before.tokens.iter().any(|old| old.key() == new.key());
    if ids < MAX_TOKENS && is_free && !has_twin && edited.add(&new).is_ok() {
        let mut after = read(&edited);
        let added = after.tokens.pop();
        assert_eq!(added.map(|token| describe(&token)), Some(describe(&new)));
        assert_eq!(shown(&after), shown(&before));
        assert_eq!(edited.rename(&new.id, "renamed by fob").ok(), Some(1));
        assert_eq!(
            edited.set_disabled(Some("renamed by fob"), true).ok(),
            Some(())
        );
        assert!(
            read(&edited)
                .tokens
                .last()
                .is_none_or(|token| token.disabled)
        );
        assert!(edited.remove("renamed by fob").is_ok_and(|count| count > 0));
        assert_eq!(shown(&read(&edited)), shown(&before));
    }
    if edited.set_pin(None).is_ok() {
        assert_eq!(read(&edited).pin, None);
    }
    if edited.set_disabled(None, true).is_ok() {
        assert!(read(&edited).disabled);
    }
}

/// A token file whose values are sealed: what is read is what was sealed, and without the key
/// or under another name nothing is.
pub(crate) fn sealed(text: &str) {
    let key = SealKey::new([7; 32]);
    let Ok(plain) = TokenFile::open(text, "alice", Some(&key)) else {
        return;
    };
    let Some(mut edited) = TokenText::parse(text) else {
        return;
    };
    if edited.seal("alice", &key).is_err() {
        return; // no random bytes
    }
    let written = edited.to_text();
    let opened = TokenFile::open(&written, "alice", Some(&key)).expect("what was sealed opens");
    assert_eq!(shown(&opened), shown(&plain));
    assert_eq!((opened.pin, opened.sealing.plain), (plain.pin.clone(), 0));
    if opened.sealing.sealed > 0 {
        assert!(TokenFile::open(&written, "alice", None).is_err());
        if let Ok(file) = TokenFile::open(&written, "bob", Some(&key)) {
            let is_empty = file.pin.is_none() && file.recovery.is_none() && file.scratch.is_none();
            assert!(
                file.tokens.is_empty() && is_empty,
                "opened in another place"
            );
        }
    }
}

fn read(text: &TokenText) -> TokenFile {
    TokenFile::parse(&text.to_text()).expect("what was edited can be read")
}

/// What a token file says about its tokens, with their secrets.
fn shown(file: &TokenFile) -> Vec<String> {
    let tokens = file.tokens.iter().map(describe);
    let refused = file.refused.iter().map(|token| format!("{:?}", token.id));
    tokens.chain(refused).collect()
}

fn describe(token: &Token) -> String {
    format!("{token:?} {:?}", token.secret.bytes())
}

fn token() -> Token {
    Token {
        id: "made by fob".into(),
        kind: Kind::Hotp {
            counter: Counter(1),
        },
        algorithm: Algorithm::Sha256,
        digits: Digits::MAX,
        secret: Secret::new((1..=20).collect()).expect("no placeholder"),
        serial: None,
        public_id: None,
        expires: None,
        disabled: false,
    }
}
