//! What a file can be, by its shape.

#[cfg(test)]
mod tests;

use crate::records::Records;
use crate::{csv, text, yubico};

/// How much of a file is looked at, in bytes.
const LOOK: usize = 65_536;
/// How a PNG file begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `~/.google_authenticator` of pam_google_authenticator.
    GoogleAuthenticator,
    /// `users.oath` of pam_oath, and its parent of mod_authn_otp.
    UsersOath,
    /// RFC 6030.
    Pskc,
    /// CSV of makers of tokens and of other servers.
    Csv,
    /// The log of the YubiKey tools.
    Yubico,
    /// `importAlpine.xml` of SafeNet.
    Alpine,
    /// Records of SafeWord.
    Safeword,
    /// LDIF of FreeIPA.
    Freeipa,
    /// XML of Deepnet DualShield.
    Dualshield,
    /// `otpauth://` URIs.
    Otpauth,
    /// `otpauth-migration://` URIs.
    OtpauthMigration,
    /// A picture of a QR code, which holds one of the URIs: PNG.
    Picture,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::GoogleAuthenticator,
        Self::UsersOath,
        Self::Pskc,
        Self::Csv,
        Self::Yubico,
        Self::Alpine,
        Self::Safeword,
        Self::Freeipa,
        Self::Dualshield,
        Self::Otpauth,
        Self::OtpauthMigration,
        Self::Picture,
    ];

    /// What the command line calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::GoogleAuthenticator => "google-authenticator",
            Self::UsersOath => "users-oath",
            Self::Pskc => "pskc",
            Self::Csv => "csv",
            Self::Yubico => "yubico",
            Self::Alpine => "alpine",
            Self::Safeword => "safeword",
            Self::Freeipa => "freeipa",
            Self::Dualshield => "dualshield",
            Self::Otpauth => "otpauth",
            Self::OtpauthMigration => "otpauth-migration",
            Self::Picture => "picture",
        }
    }

    /// The format of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }
}

/// What a file can be, best first; one where it is clear, nothing where it is none. Only
/// its first 64 KiB are looked at.
pub fn detect(bytes: &[u8]) -> Vec<Format> {
    if bytes.starts_with(PNG) {
        return vec![Format::Picture];
    }
    let text = text::without_mark(start(bytes)).trim_start();
    let lower = text.to_ascii_lowercase();
    if let Some(format) = uri(&lower) {
        return vec![format];
    }
    if lower.starts_with('<') {
        return xml(&lower).into_iter().collect();
    }
    if lower.contains("scctokendata") || lower.contains("sccauthenticatorid") {
        return vec![Format::Safeword];
    }
    if lower.contains("ipatokenuniqueid") {
        return vec![Format::Freeipa];
    }
    let is_log = is_yubico(text);
    let is_lines = is_users_oath(text);
    let kinds = [
        (Format::UsersOath, is_lines),
        (
            Format::GoogleAuthenticator,
            !is_lines && is_google_authenticator(text),
        ),
        (Format::Yubico, is_log),
        (Format::Csv, !is_log && is_csv(text)),
    ];
    let fits = kinds.into_iter().filter(|(_, fits)| *fits);
    fits.map(|(format, _)| format).collect()
}

/// The text at the beginning of a file.
fn start(bytes: &[u8]) -> &str {
    let bytes = bytes.get(..bytes.len().min(LOOK)).unwrap_or_default();
    std::str::from_utf8(bytes).unwrap_or_else(|error| {
        let good = bytes.get(..error.valid_up_to()).unwrap_or_default();
        std::str::from_utf8(good).unwrap_or_default()
    })
}

fn uri(lower: &str) -> Option<Format> {
    let mut lines = lower.lines().map(str::trim);
    let line = lines.find(|line| !line.is_empty() && !line.starts_with('#'))?;
    if line.starts_with("otpauth-migration:") {
        Some(Format::OtpauthMigration)
    } else {
        line.starts_with("otpauth:").then_some(Format::Otpauth)
    }
}

/// By the names of its elements, whatever their prefix is.
fn xml(lower: &str) -> Option<Format> {
    let has = |name: &str| {
        lower.match_indices(name).any(|(at, _)| {
            let before = lower.get(..at).unwrap_or_default();
            before.ends_with('<') || before.ends_with(':')
        })
    };
    if has("keycontainer") {
        Some(Format::Pskc)
    } else if has("tokens") && has("header") {
        Some(Format::Dualshield)
    } else if has("tokens") {
        Some(Format::Alpine)
    } else {
        None
    }
}

/// A first line of base32, and then options and scratch codes.
fn is_google_authenticator(text: &str) -> bool {
    let mut lines = text.lines();
    let secret = lines.next().unwrap_or_default().trim_end();
    let is_base32 = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-');
    let is_rest = |line: &str| {
        line.starts_with("\" ") || line.trim_end().bytes().all(|byte| byte.is_ascii_digit())
    };
    secret.len() >= 8 && secret.chars().all(is_base32) && lines.take(2).all(is_rest)
}

/// A line with a type and three more fields.
fn is_users_oath(text: &str) -> bool {
    text.lines().any(|line| {
        let mut words = line.split_ascii_whitespace();
        let kind = words.next().unwrap_or_default();
        let kind = kind
            .split('/')
            .next()
            .unwrap_or_default()
            .to_ascii_uppercase();
        let is_known = matches!(kind.as_str(), "HOTP" | "MOTP" | "E" | "T");
        let is_key = |key: &str| key.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_known && words.nth(2).is_some_and(is_key)
    })
}

fn is_yubico(text: &str) -> bool {
    let mut records = Records::new(text, csv::delimiter(text));
    while let Some((_, Ok(fields))) = records.next() {
        let get = |at: usize| fields.get(at).map_or("", |field| field.as_str());
        let first = get(0).to_ascii_lowercase();
        let is_number = first.bytes().all(|byte| byte.is_ascii_digit());
        if first == "logging start" || yubico::is_event(&first) {
            return true;
        }
        if first.is_empty() || first.starts_with('#') {
            continue;
        }
        let third = get(2);
        let is_middle = third.len() <= 12 && third.bytes().all(|byte| byte.is_ascii_hexdigit());
        return is_number && is_middle && csv::is_hex(get(3)) && fields.len() >= 6;
    }
    false
}

fn is_csv(text: &str) -> bool {
    let is_version = text.starts_with('#') && text.contains("version:");
    let known = csv::recognise(text, csv::delimiter(text)).is_some();
    known || is_version
}
