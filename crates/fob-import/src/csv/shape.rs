//! Whose columns a file has.

use fob_core::Secret;

use crate::records::Records;

/// Whose columns a CSV file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Named by its first line, with base32 secrets: Microsoft Entra ID, Token2, Deepnet
    /// SafeID, Protectimus.
    Entra,
    /// privacyIDEA's "OATH CSV".
    PrivacyIdea,
    /// LinOTP's "OATH CSV".
    LinOtp,
    /// multiOTP's.
    MultiOtp,
}

impl Shape {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Entra, Self::PrivacyIdea, Self::LinOtp, Self::MultiOtp];

    /// What `--shape` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Entra => "entra",
            Self::PrivacyIdea => "privacyidea",
            Self::LinOtp => "linotp",
            Self::MultiOtp => "multiotp",
        }
    }

    /// The shape of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.name() == name)
    }
}

/// Which character is between the fields: the one that the first line with something in it
/// has most of.
pub(crate) fn delimiter(text: &str) -> u8 {
    let line = text.lines().find(|line| is_content(line)).unwrap_or("");
    let count = |mark: u8| line.bytes().filter(|byte| *byte == mark).count();
    // The last of equals.
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(|mark| count(*mark))
        .unwrap_or(b',')
}

fn is_content(line: &str) -> bool {
    let line = line.trim();
    !line.is_empty() && !line.starts_with('#')
}

/// The shape of a file. privacyIDEA stands for LinOTP too: which of them it is shows in
/// the lines, or makes no difference.
pub(crate) fn recognise(text: &str, delimiter: u8) -> Option<Shape> {
    let start = text.find(|c: char| !c.is_whitespace())?;
    let mut records = Records::new(text.get(start..)?, delimiter);
    loop {
        let (_, fields) = records.next()?;
        let fields = fields.ok()?;
        let get = |at: usize| fields.get(at).map_or("", |field| field.as_str());
        let named = fields.iter().any(|field| is_secret_column(field));
        return match get(0) {
            comment if comment.starts_with('#') => continue,
            _ if named => Some(Shape::Entra),
            _ if is_multiotp_type(get(2)) && is_hex(get(3)) && fields.len() >= 6 => {
                Some(Shape::MultiOtp)
            }
            _ if is_hex(get(1)) || (is_hex(get(4)) && !is_hex(get(3))) => Some(Shape::PrivacyIdea),
            _ if get(2).eq_ignore_ascii_case("tan") => Some(Shape::PrivacyIdea),
            _ => None,
        };
    }
}

fn is_secret_column(name: &str) -> bool {
    let letters = name.chars().filter(char::is_ascii_alphabetic).take(16);
    let name: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    name == "secretkey" || name == "serialnumber"
}

fn is_multiotp_type(text: &str) -> bool {
    ["hotp", "totp", "motp", "yubicootp"]
        .iter()
        .any(|name| text.eq_ignore_ascii_case(name))
}

/// Whether it can be a secret in hexadecimal digits.
pub(crate) fn is_hex(text: &str) -> bool {
    let wide = Secret::MIN_BYTES.saturating_mul(2)..=Secret::MAX_BYTES.saturating_mul(2);
    wide.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
