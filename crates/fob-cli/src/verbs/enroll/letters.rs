//! What people get on paper or as a picture: the secret, once, and their recovery codes.

use std::fmt::Write;

use fob_core::uri;
use fob_store::{NewCodes, file_name};
use zeroize::Zeroizing;

use super::image;
use super::wish::Format;
use crate::plan::Plan;
use crate::recovery_codes;
use crate::stop::Stop;

/// The file of all pages.
pub(super) const PAGES: &str = "letters.html";

/// A part of a file in the folder.
pub(super) struct Sheet {
    pub(super) file: String,
    pub(super) content: Zeroizing<Vec<u8>>,
}

/// What a person is told about one token.
pub(super) struct Letter<'a> {
    pub(super) name: &'a str,
    pub(super) plan: &'a Plan,
    /// New recovery codes, told with the first token.
    pub(super) codes: Option<&'a NewCodes>,
    pub(super) is_first: bool,
}

impl Letter<'_> {
    /// Its parts; none if there is nothing to tell.
    ///
    /// # Errors
    /// The URI is too long for a QR code.
    pub(super) fn sheets(&self, format: Format) -> Result<Vec<Sheet>, Stop> {
        let sheet = |end: &str, content| Sheet {
            file: self.file(end),
            content,
        };
        let mut sheets = Vec::new();
        if !self.plan.shown && self.codes.is_none() {
            return Ok(sheets);
        }
        match format {
            Format::Html => {
                let file = PAGES.into();
                let content = bytes(self.page()?);
                sheets.push(Sheet { file, content });
            }
            Format::Svg if self.plan.shown => {
                sheets.push(sheet("svg", bytes(image::svg(&self.uri())?)))
            }
            Format::Png if self.plan.shown => sheets.push(sheet("png", image::png(&self.uri())?)),
            _ => {}
        }
        if format != Format::Html {
            sheets.push(sheet("txt", bytes(self.text())));
        }
        Ok(sheets)
    }

    fn uri(&self) -> Zeroizing<String> {
        uri(&self.plan.token, &self.plan.issuer, self.name)
    }

    /// A plus is in no name of a token file, so that nobody's second is another's first.
    fn file(&self, end: &str) -> String {
        let name = file_name(self.name);
        if self.is_first {
            return format!("{name}.{end}");
        }
        format!("{name}+{}.{end}", file_name(&self.plan.token.id))
    }

    /// What a picture can't say.
    fn text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(1024));
        if self.plan.shown {
            let secret = self.plan.token.secret.grouped();
            let _ = writeln!(text, "{}\n\nSecret: {}", *self.uri(), *secret);
        }
        if let Some(codes) = self.codes {
            let _ = write!(text, "\n{}", *recovery_codes::page(codes, self.name));
        }
        text
    }

    /// A page of paper.
    fn page(&self) -> Result<Zeroizing<String>, Stop> {
        let mut page = Zeroizing::new(String::with_capacity(32_768));
        let token = &self.plan.token;
        let (name, issuer) = (escaped(self.name), escaped(&self.plan.issuer));
        let _ = writeln!(page, "<section>\n<h1>{name}</h1>");
        if self.plan.shown {
            let (picture, secret) = (image::svg(&self.uri())?, token.secret.grouped());
            let _ = writeln!(
                page,
                "<p>1. In an app for one-time codes on your phone, choose to add an account, and scan this picture.</p>\n\
                 <p>2. From then on, when you log in to {issuer} as {name}, it asks for the code that the app shows. \
                 Each code works once.</p>\n<p>Whoever has this picture can make your codes: destroy this part when it is scanned.</p>\n\
                 {}<p>Without a camera, type this secret ({}):</p>\n<p class=\"code\">{}</p>",
                *picture,
                kind_of(self.plan),
                *secret
            );
        } else {
            let serial = token.serial.as_ref().map_or_else(String::new, |serial| {
                format!(", serial number {}", escaped(serial))
            });
            let id = escaped(&token.id);
            let _ = writeln!(
                page,
                "<p>1. When you log in to {issuer} as {name}, it asks for a code from your token \u{201c}{id}\u{201d}{serial}.</p>\n\
                 <p>2. Each code works once.</p>"
            );
        }
        if let Some(codes) = self.codes {
            page.push_str(
                "<h2>Recovery codes</h2>\n<p>Cut here, and keep this part where you find it on the day when you don\u{2019}t \
                 have your phone or token. Each lets you in once, typed in the place of a code; dashes and capitals \
                 don\u{2019}t matter.</p>\n<ol class=\"code\">\n",
            );
            for code in codes.list() {
                let _ = writeln!(page, "<li>{code}</li>");
            }
            page.push_str("</ol>\n");
        }
        page.push_str("</section>\n");
        Ok(page)
    }
}

/// What an app must be told beside the secret.
fn kind_of(plan: &Plan) -> String {
    let token = &plan.token;
    let moves = match token.kind {
        fob_core::Kind::Totp { period, .. } => format!("every {} s", period.seconds()),
        fob_core::Kind::Hotp { counter } | fob_core::Kind::Yubico { counter, .. } => {
            format!("counter {counter}")
        }
    };
    let (kind, digits) = (token.kind.name(), token.digits.count());
    format!(
        "{kind}, {digits} digits, {}, {moves}",
        token.algorithm.name()
    )
}

fn bytes(mut text: Zeroizing<String>) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(std::mem::take(&mut *text).into_bytes())
}

/// Text from outside, so that it stays text.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Verb};
    use clap::Parser;

    fn plan(words: &[&str]) -> Plan {
        let line = ["fob", "enroll", "x"].iter().chain(words);
        let Verb::Enroll(wish) = Cli::try_parse_from(line).unwrap().verb else {
            panic!("another verb");
        };
        Plan::of(&wish, None).unwrap()
    }

    fn sheet(letter: &Letter<'_>, format: Format) -> (String, String) {
        let sheets = letter.sheets(format).unwrap();
        let last = sheets.last().unwrap();
        let text = String::from_utf8(last.content.to_vec()).unwrap();
        (last.file.clone(), text)
    }

    /// A name or an issuer is text, whatever is in it.
    #[test]
    fn nothing_from_outside_becomes_html() {
        let mut plan = plan(&["--issuer", "<script>alert('\"&')</script>"]);
        for shown in [true, false] {
            plan.shown = shown;
            plan.token.id = "<b>".into();
            plan.token.serial = Some("<i>".into());
            let codes = NewCodes::make().unwrap();
            let letter = Letter {
                name: "<img>",
                plan: &plan,
                codes: Some(&codes),
                is_first: true,
            };
            let (_, page) = sheet(&letter, Format::Html);
            for tag in ["<script", "<img", "<b>", "<i>"] {
                assert!(!page.contains(tag), "{page}");
            }
            assert!(
                page.contains("&lt;script&gt;alert(&#39;&quot;&amp;&#39;)"),
                "{page}"
            );
            assert!(page.contains("&lt;img&gt;"), "{page}");
            assert_eq!(page.matches("<li>").count(), 10);
        }
    }

    #[test]
    fn files_are_named_by_their_owner_and_never_the_same() {
        let plan = plan(&["--id", "a/b"]);
        let letter = |name, is_first| Letter {
            name,
            plan: &plan,
            codes: None,
            is_first,
        };
        assert_eq!(letter("../x", true).file("svg"), "%2E.%2Fx.svg");
        assert_eq!(letter("al", false).file("png"), "al+a%2Fb.png");
        assert_ne!(
            letter("al+a", true).file("png"),
            letter("al", false).file("png")
        );
        let (file, text) = sheet(&letter("alice", true), Format::Svg);
        assert_eq!(file, "alice.txt");
        assert!(text.contains(&*plan.token.secret.grouped()), "{text}");
    }
}
