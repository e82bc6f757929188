//! One line of a PAM file.

use std::path::{Path, PathBuf};

use super::MODULE;

/// What a line is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Auth,
    Account,
    Password,
    Session,
}

/// What a module's answer does to the stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Control {
    Required,
    Requisite,
    Sufficient,
    Optional,
    /// The lines of another file, as if they stood here.
    Include,
    /// The lines of another file; what ends them doesn't end this stack.
    Substack,
    /// `[value=action ...]`.
    Table(Vec<(String, String)>),
}

/// A line of a PAM file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Whether a dash in front says that a missing module doesn't matter.
    pub(crate) may_be_missing: bool,
    pub(crate) kind: Kind,
    pub(crate) control: Control,
    /// The module, or the file of an include.
    pub(crate) module: String,
    pub(crate) arguments: Vec<String>,
}

impl Line {
    /// Reads a line whose comments and continuations are gone. `None` if it is empty.
    ///
    /// # Errors
    /// It isn't a line of a PAM file.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, String> {
        let mut rest = text.trim();
        if rest.is_empty() {
            return Ok(None);
        }
        let kind = word(&mut rest).unwrap_or_default();
        let may_be_missing = kind.starts_with('-');
        let kind = match kind.trim_start_matches('-').to_ascii_lowercase().as_str() {
            "auth" => Kind::Auth,
            "account" => Kind::Account,
            "password" => Kind::Password,
            "session" => Kind::Session,
            _ => {
                return Err(format!(
                    "{kind:?} is none of auth, account, password, session"
                ));
            }
        };
        let control = word(&mut rest).ok_or("there is no control")?;
        let control = Control::parse(&control)?;
        let module = word(&mut rest).ok_or("there is no module")?;
        let arguments = std::iter::from_fn(|| word(&mut rest)).collect();
        Ok(Some(Self {
            may_be_missing,
            kind,
            control,
            module,
            arguments,
        }))
    }

    /// Whether it names this module, by its name or by a path.
    pub(crate) fn is_ours(&self) -> bool {
        self.base() == MODULE
    }

    /// The module's name without its folder.
    pub(crate) fn base(&self) -> &str {
        self.module.rsplit('/').next().unwrap_or(&self.module)
    }

    /// The line as a person writes it, in one spelling.
    pub(crate) fn shown(&self) -> String {
        let dash = if self.may_be_missing { "-" } else { "" };
        let kind = match self.kind {
            Kind::Auth => "auth",
            Kind::Account => "account",
            Kind::Password => "password",
            Kind::Session => "session",
        };
        let mut shown = format!("{dash}{kind} {} {}", self.control.shown(), self.module);
        for argument in &self.arguments {
            let brackets = argument.contains(char::is_whitespace);
            let (open, close) = if brackets { ("[", "]") } else { ("", "") };
            shown.push_str(&format!(" {open}{argument}{close}"));
        }
        shown
    }
}

impl Control {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(match text.to_ascii_lowercase().as_str() {
            "required" => Self::Required,
            "requisite" => Self::Requisite,
            "sufficient" => Self::Sufficient,
            "optional" => Self::Optional,
            "include" => Self::Include,
            "substack" => Self::Substack,
            table if table.contains('=') => {
                let pairs = table.split_whitespace().map(|pair| {
                    let (value, action) = pair.split_once('=')?;
                    Some((value.to_owned(), action.to_owned()))
                });
                let pairs: Option<Vec<_>> = pairs.collect();
                Self::Table(pairs.ok_or_else(|| format!("{text:?} is no control"))?)
            }
            _ => return Err(format!("{text:?} is no control")),
        })
    }

    /// What is done after a module's answer, such as `success` or `auth_err`: `ok`, `done`,
    /// `ignore`, `bad`, `die`, `reset`, or a number of lines to jump over.
    pub(crate) fn action(&self, answer: &str) -> &str {
        let by_word = |good, ignore, bad| match answer {
            "success" | "new_authtok_reqd" => good,
            "ignore" => ignore,
            _ => bad,
        };
        match self {
            Self::Required | Self::Include | Self::Substack => by_word("ok", "ignore", "bad"),
            Self::Requisite => by_word("ok", "ignore", "die"),
            Self::Sufficient => by_word("done", "ignore", "ignore"),
            Self::Optional => by_word("ok", "ignore", "ignore"),
            Self::Table(pairs) => {
                let action = |value: &str| pairs.iter().find(|(name, _)| name == value);
                let found = action(answer).or_else(|| action("default"));
                found.map_or("bad", |(_, action)| action.as_str())
            }
        }
    }

    fn shown(&self) -> String {
        match self {
            Self::Required => "required".into(),
            Self::Requisite => "requisite".into(),
            Self::Sufficient => "sufficient".into(),
            Self::Optional => "optional".into(),
            Self::Include => "include".into(),
            Self::Substack => "substack".into(),
            Self::Table(pairs) => {
                let pairs = pairs
                    .iter()
                    .map(|(value, action)| format!("{value}={action}"));
                format!("[{}]", pairs.collect::<Vec<_>>().join(" "))
            }
        }
    }
}

/// A line, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) file: PathBuf,
    /// Its number, from 1.
    pub(crate) number: usize,
    /// How many substacks it is in.
    pub(crate) depth: usize,
    pub(crate) line: Line,
}

impl Placed {
    pub(crate) fn new(file: &Path, number: usize, depth: usize, line: Line) -> Self {
        Self {
            file: file.to_owned(),
            number,
            depth,
            line,
        }
    }

    /// `FILE:LINE`.
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.number)
    }
}

/// Takes the next word: up to a blank, or what stands in brackets, where `\]` is a bracket.
fn word(rest: &mut &str) -> Option<String> {
    let text = rest.trim_start();
    if text.is_empty() {
        *rest = text;
        return None;
    }
    let Some(inner) = text.strip_prefix('[') else {
        let (word, left) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        *rest = left;
        return Some(word.to_owned());
    };
    let mut word = String::new();
    let mut chars = inner.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            ']' => {
                *rest = inner
                    .get(at..)
                    .and_then(|left| left.strip_prefix(']'))
                    .unwrap_or("");
                return Some(word);
            }
            '\\' if inner.get(at..).is_some_and(|left| left.starts_with("\\]")) => {
                chars.next();
                word.push(']');
            }
            _ => word.push(c),
        }
    }
    *rest = "";
    Some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line {
        Line::parse(text).unwrap().unwrap()
    }

    #[test]
    fn line_is_read_as_linux_pam_reads_it() {
        let read = line(
            "-auth\t[success=2 default=ignore] /lib/security/pam_fob.so nullok [prompt=Your \\] code: ] debug",
        );
        assert!(read.may_be_missing && read.is_ours());
        assert_eq!(read.kind, Kind::Auth);
        assert_eq!(read.arguments, ["nullok", "prompt=Your ] code: ", "debug"]);
        assert_eq!(read.control.action("success"), "2");
        assert_eq!(read.control.action("auth_err"), "ignore");
        assert!(Line::parse("   ").unwrap().is_none());
        for wrong in [
            "auth",
            "auth required",
            "login auth required pam_unix.so",
            "auth must pam_unix.so",
        ] {
            assert!(Line::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn words_for_controls_mean_what_pam_conf_says() {
        for (word, success, ignore, failure) in [
            ("required", "ok", "ignore", "bad"),
            ("requisite", "ok", "ignore", "die"),
            ("sufficient", "done", "ignore", "ignore"),
            ("optional", "ok", "ignore", "ignore"),
            ("[success=ok]", "ok", "bad", "bad"),
        ] {
            let control = line(&format!("auth {word} pam_x.so")).control;
            let actions = ["success", "ignore", "auth_err"].map(|answer| control.action(answer));
            assert_eq!(actions, [success, ignore, failure], "{word}");
        }
    }
}
