//! Blocks of `name: value` lines, as LDAP servers and SafeWord write them (RFC 2849).

use zeroize::Zeroizing;

use crate::{Batch, xml};

/// The lines up to a blank one.
#[derive(Default)]
pub(crate) struct Block {
    /// Where it begins.
    pub(crate) line: u64,
    /// Names in lower case, and their values.
    fields: Vec<(String, Zeroizing<Vec<u8>>)>,
}

impl Block {
    /// The first value of that name, as bytes.
    pub(crate) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The first value of that name, if it is text; nothing if it is missing or empty.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, &'static str> {
        let bytes = self.bytes(name).unwrap_or_default();
        let text = std::str::from_utf8(bytes).map_err(|_| "is no text")?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// The values of that name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        let named = self
            .fields
            .iter()
            .filter(move |(of, _)| of.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_slice())
    }
}

/// The blocks of a text, without comments. What is no line of this kind is a problem.
pub(crate) fn blocks(text: &str, batch: &mut Batch) -> Vec<Block> {
    let mut blocks = vec![Block::default()];
    let mut open: Option<(u64, Zeroizing<String>)> = None;
    let mut is_comment = false;
    for (line, number) in text.lines().chain([""]).zip(1u64..) {
        let plain = line.trim();
        let is_folded = line.starts_with([' ', '\t']) && !is_field(plain) && !plain.is_empty();
        if is_folded && is_comment {
            continue;
        }
        if let (true, Some((_, field))) = (is_folded, &mut open) {
            field.push_str(line.get(1..).unwrap_or_default());
            continue;
        }
        if let (Some((at, field)), Some(block)) = (open.take(), blocks.last_mut()) {
            block.add(at, &field, batch);
        }
        is_comment = plain.starts_with('#');
        if plain.is_empty() {
            blocks.push(Block::default());
        } else if !is_comment {
            open = Some((number, Zeroizing::new(plain.to_owned())));
        }
    }
    blocks.retain(|block| !block.fields.is_empty());
    blocks
}

/// Whether a line begins with a name and a colon.
fn is_field(line: &str) -> bool {
    let name = line.split_once(':').map_or("", |(name, _)| name);
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | ';');
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(is_part)
}

impl Block {
    fn add(&mut self, line: u64, field: &str, batch: &mut Batch) {
        let place = format!("line {line}");
        let Some((name, value)) = field.split_once(':').filter(|_| is_field(field)) else {
            return batch.problem(place, "is no \"name: value\"");
        };
        if self.fields.is_empty() {
            self.line = line;
        }
        let value = match value.strip_prefix(':') {
            None => Ok(Zeroizing::new(value.trim().as_bytes().to_vec())),
            Some(coded) => xml::base64(coded),
        };
        match value {
            Ok(value) => self.fields.push((name.to_ascii_lowercase(), value)),
            Err(what) => batch.problem(place, format!("the value {what}")),
        }
    }
}
