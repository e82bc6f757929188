//! A name with stars in it.

/// A name in which `*` stands for any number of characters, none too. Letters are as they
/// are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub String);

impl Pattern {
    /// Whether `text` as a whole is such a name.
    pub fn matches(&self, text: &str) -> bool {
        let Some((front, rest)) = self.0.split_once('*') else {
            return self.0 == text;
        };
        let Some(mut text) = text.strip_prefix(front) else {
            return false;
        };
        let (middle, back) = rest.rsplit_once('*').unwrap_or(("", rest));
        let Some(within) = text.strip_suffix(back) else {
            return false;
        };
        text = within;
        // The first place is as good as any later one: a star follows.
        middle.split('*').all(|part| match text.split_once(part) {
            Some((_, after)) => {
                text = after;
                true
            }
            None => false,
        })
    }
}
