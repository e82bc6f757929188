//! Commands that people are told to run.

use std::borrow::Cow;

/// A name or a path as a shell takes it for one word; as it is where that needs no quotes.
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._@%+-".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_shell_would_change_is_quoted() {
        for plain in ["alice", "j.doe-2", "alice@example.org", "/etc/fob/tokens"] {
            assert_eq!(shell_word(plain), plain);
        }
        assert_eq!(shell_word(r"DOM\alice"), r"'DOM\alice'");
        assert_eq!(shell_word("host$"), "'host$'");
        assert_eq!(shell_word("it's here"), r"'it'\''s here'");
        assert_eq!(shell_word("jürgen"), "'jürgen'");
        assert_eq!(shell_word(""), "''");
    }
}
