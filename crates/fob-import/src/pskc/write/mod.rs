//! PSKC for other systems: what an export writes.
//!
//! AES-128 and HMAC-SHA-1, because several servers read nothing else; a longer pre-shared
//! key means a longer AES.

/// Adds a line. Writing to a string never fails.
macro_rules! line {
    ($text:expr, $($what:tt)*) => {
        let _ = writeln!($text, $($what)*);
    };
}

mod seal;

use std::fmt::Write;

use data_encoding::BASE64;
use fob_core::{Algorithm, Kind, Token};
use zeroize::Zeroizing;

use crate::{Dropped, Key, Used, dn};
use seal::Seal;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
    <KeyContainer Version=\"1.0\" xmlns=\"urn:ietf:params:xml:ns:keyprov:pskc\"\n    \
    xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"\n    \
    xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\"\n    \
    xmlns:xenc11=\"http://www.w3.org/2009/xmlenc11#\"\n    \
    xmlns:pkcs5=\"http://www.rsasecurity.com/rsalabs/pkcs/schemas/pkcs-5v2-0#\">\n";

/// A token that leaves.
#[derive(Debug, Clone, Copy)]
pub struct Leaving<'a> {
    /// The token.
    pub token: &'a Token,
    /// What is spent of it: its floor is written as the next counter.
    pub used: Used,
    /// Whose it is.
    pub user: Option<&'a str>,
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The file.
    pub text: Zeroizing<String>,
    /// The tokens that PSKC can't carry, each with its place in the list from 1.
    pub left_out: Vec<Dropped>,
}

/// Random bytes couldn't be had, or the key has no length that AES takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteError {
    /// The source of random bytes failed.
    Random,
    /// A pre-shared key must have 16, 24 or 32 bytes.
    KeyLength,
}

/// Writes a file for those tokens, encrypted with `key` if there is one. `random` fills a
/// buffer with random bytes, and says whether it could.
///
/// # Errors
/// No random bytes, or a key that AES doesn't take.
pub fn write(
    tokens: &[Leaving<'_>],
    key: Option<&Key>,
    random: &mut dyn FnMut(&mut [u8]) -> bool,
) -> Result<Written, WriteError> {
    // No buffer grows, for what it leaves behind isn't wiped.
    let room = tokens.len().saturating_add(1).saturating_mul(4096);
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.push_str(HEAD);
    let mut left_out = Vec::new();
    let mut seal = key
        .map(|key| Seal::new(key, random, &mut text))
        .transpose()?;
    for (leaving, number) in tokens.iter().zip(1u64..) {
        if let Some(why) = obstacle(leaving.token) {
            left_out.push(Dropped {
                place: number.to_string(),
                what: leaving.token.id.clone(),
                why: why.into(),
            });
            continue;
        }
        package(leaving, number, seal.as_mut(), &mut text)?;
    }
    text.push_str("</KeyContainer>\n");
    Ok(Written { text, left_out })
}

fn obstacle(token: &Token) -> Option<&'static str> {
    match token.kind {
        _ if token.disabled => Some("it is disabled, and PSKC would not say so"),
        Kind::Totp { t0, .. } if t0 != 0 => Some("its time doesn't start in 1970"),
        _ => None,
    }
}

fn package(
    leaving: &Leaving<'_>,
    number: u64,
    seal: Option<&mut Seal<'_>>,
    text: &mut String,
) -> Result<(), WriteError> {
    let token = leaving.token;
    let id = token.serial.as_deref().unwrap_or(&token.id);
    line!(text, "  <KeyPackage>\n    <DeviceInfo>");
    line!(text, "      <SerialNo>{}</SerialNo>", escaped(id));
    if let Some(day) = token.expires {
        line!(text, "      <ExpiryDate>{day}T23:59:59Z</ExpiryDate>");
    }
    if let Some(user) = leaving.user {
        line!(
            text,
            "      <UserId>UID={}</UserId>",
            escaped(&dn::escaped(user))
        );
    }
    // Two tokens of a person may have the same id as those of another.
    line!(
        text,
        "    </DeviceInfo>\n    <Key Id=\"{}:{number}\" Algorithm=\"{}\">",
        escaped(id),
        uri(token.kind)
    );
    parameters(token, text);
    line!(text, "      <Data>\n        <Secret>");
    let secret = token.secret.bytes();
    match seal {
        None => {
            let plain = Zeroizing::new(BASE64.encode(secret));
            line!(
                text,
                "          <PlainValue>{}</PlainValue>",
                plain.as_str()
            );
        }
        Some(seal) => seal.value(secret, text)?,
    }
    line!(text, "        </Secret>");
    moving(leaving, text);
    line!(text, "      </Data>");
    if let Kind::Yubico { private_id, .. } = token.kind {
        let public_id = token.public_id.as_deref().unwrap_or_default();
        let private_id = Zeroizing::new(fob_core::format::hex_text(&private_id.0));
        line!(
            text,
            "      <UserId>CN={}, UID={}</UserId>",
            escaped(public_id),
            private_id.as_str()
        );
    }
    line!(text, "    </Key>\n  </KeyPackage>");
    Ok(())
}

fn uri(kind: Kind) -> &'static str {
    match kind {
        Kind::Hotp { .. } => "urn:ietf:params:xml:ns:keyprov:pskc:hotp",
        Kind::Totp { .. } => "urn:ietf:params:xml:ns:keyprov:pskc:totp",
        Kind::Yubico { .. } => "http://www.yubico.com/#yubikey-aes",
    }
}

fn parameters(token: &Token, text: &mut String) {
    line!(text, "      <AlgorithmParameters>");
    let suite = match token.algorithm {
        Algorithm::Sha1 => None, // what every reader takes if none is said
        Algorithm::Sha256 => Some("HMAC-SHA256"),
        Algorithm::Sha512 => Some("HMAC-SHA512"),
    };
    if let Some(suite) = suite {
        line!(text, "        <Suite>{suite}</Suite>");
    }
    let (length, encoding) = match token.kind {
        Kind::Yubico { .. } => {
            let public_id = token.public_id.as_ref().map_or(0, String::len);
            (public_id.saturating_add(32), "ALPHANUMERIC")
        }
        _ => (token.digits.count(), "DECIMAL"),
    };
    line!(
        text,
        "        <ResponseFormat Encoding=\"{encoding}\" Length=\"{length}\"/>"
    );
    line!(text, "      </AlgorithmParameters>");
}

/// Where the token stands.
fn moving(leaving: &Leaving<'_>, text: &mut String) {
    let mut field = |name: &str, value: String| {
        line!(
            text,
            "        <{name}><PlainValue>{value}</PlainValue></{name}>"
        );
    };
    match leaving.token.kind {
        Kind::Hotp { counter } => {
            let next = leaving
                .used
                .floor
                .map_or(counter, |floor| floor.max(counter));
            field("Counter", next.to_string());
        }
        Kind::Totp { period, .. } => {
            field("Time", "0".into());
            field("TimeInterval", period.seconds().to_string());
            if leaving.used.drift != 0 {
                field("TimeDrift", leaving.used.drift.to_string());
            }
        }
        Kind::Yubico { .. } => {}
    }
}

/// Text in XML.
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            c => xml.push(c),
        }
    }
    xml
}
