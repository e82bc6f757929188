//! XML, as far as the files of tokens use it: elements by their local names, in any case,
//! because real files mix prefixes and one server writes all of it in lower case.
//!
//! A document type is refused, and with it every entity; nothing is ever fetched.

use data_encoding::{BASE64, BASE64_NOPAD};
use roxmltree::{Document, Error, ParsingOptions};
use zeroize::Zeroizing;

use crate::{Batch, Problem, text};

/// The most elements and texts: twenty thousand tokens in the wordiest format.
const MAX_NODES: u32 = 2_000_000;
/// The longest tag, in bytes: the parser compares each attribute with each.
const MAX_TAG: usize = 8192;

/// An element.
pub(crate) type Node<'a> = roxmltree::Node<'a, 'a>;

/// Hands the root element to `then`; or notes why there is none.
pub(crate) fn read(bytes: &[u8], batch: &mut Batch, then: impl FnOnce(Node<'_>, &mut Batch)) {
    let Some(text) = text::of(bytes, batch) else {
        return;
    };
    // The parser copies texts with carriage returns, and doesn't wipe its copies.
    let plain: Zeroizing<String> = if text.contains('\r') {
        let mut plain = Zeroizing::new(String::with_capacity(text.len()));
        plain.extend(text.chars().map(|c| if c == '\r' { ' ' } else { c }));
        plain
    } else {
        Zeroizing::new(text.to_owned())
    };
    if let Some(place) = long_tag(&plain) {
        return batch.problem(place, "holds a tag or a text of more than 8 KiB");
    }
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    match Document::parse_with_options(&plain, options) {
        Ok(document) => then(document.root_element(), batch),
        Err(error) => batch.refuse(problem(&error)),
    }
}

/// The line of the first tag that is too long.
fn long_tag(text: &str) -> Option<String> {
    let mut line = 1u64;
    for piece in text.split('<') {
        if piece.len() > MAX_TAG && !piece.starts_with("!--") {
            return Some(format!("line {line}"));
        }
        line = line.saturating_add(crate::records::breaks(piece.as_bytes()));
    }
    None
}

/// What the parser says, without its text: that may repeat a piece of a secret.
fn problem(error: &Error) -> Problem {
    let (place, what, remedy) = match error {
        Error::DtdDetected => (
            String::new(),
            "has a document type (<!DOCTYPE>), which no file of tokens needs",
            "Ask where the file comes from, and don't import it.",
        ),
        Error::NodesLimitReached
        | Error::AttributesLimitReached
        | Error::NamespacesLimitReached => (
            String::new(),
            "has more elements than are read at once",
            "Split it into several files.",
        ),
        Error::NoRootNode | Error::UnclosedRootNode | Error::UnexpectedEndOfStream => {
            (String::new(), "is empty or cut off", "Get the file again.")
        }
        _ => (
            format!("line {}", error.pos().row),
            "is no well-formed XML",
            "Get the file again; it may have been changed.",
        ),
    };
    Problem {
        place,
        what: what.into(),
        remedy: Some(remedy.into()),
    }
}

/// Whether it is an element of that name.
pub(crate) fn is(node: Node<'_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name().eq_ignore_ascii_case(name)
}

/// The children of that name.
pub(crate) fn all<'a>(node: Node<'a>, name: &'static str) -> impl Iterator<Item = Node<'a>> {
    node.children().filter(move |child| is(*child, name))
}

/// The child of that name, if there is one. Two would leave open which of them counts.
pub(crate) fn one<'a>(node: Node<'a>, name: &'static str) -> Result<Option<Node<'a>>, String> {
    let mut children = all(node, name);
    let first = children.next();
    match children.next() {
        None => Ok(first),
        Some(_) => Err(format!("{name} is there twice")),
    }
}

/// The text of the child of that name; nothing if it is missing or empty.
pub(crate) fn text_of<'a>(node: Node<'a>, name: &'static str) -> Result<Option<&'a str>, String> {
    one(node, name)?
        .map_or(Ok(None), |child| text(child).map(Some))
        .map(|text| text.filter(|text| !text.is_empty()))
}

/// The text of an element, without blanks round it.
pub(crate) fn text(node: Node<'_>) -> Result<&str, String> {
    let mut children = node.children();
    let first = children.next();
    let is_plain = first.is_none_or(|child| child.is_text()) && children.next().is_none();
    if !is_plain {
        // A comment would cut the text in two.
        return Err(format!("{} is not plain text", node.tag_name().name()));
    }
    Ok(first
        .and_then(|child| child.text())
        .unwrap_or_default()
        .trim())
}

/// An attribute, by the first of its names that is there.
pub(crate) fn attribute<'a>(node: Node<'a>, names: &[&str]) -> Option<&'a str> {
    let find = |name: &&str| {
        let mut attributes = node.attributes();
        attributes.find(|attribute| attribute.name().eq_ignore_ascii_case(name))
    };
    names
        .iter()
        .find_map(find)
        .map(|attribute| attribute.value().trim())
}

/// The bytes that Base64 stands for; blanks and line breaks are passed over.
pub(crate) fn base64(text: &str) -> Result<Zeroizing<Vec<u8>>, &'static str> {
    let mut plain = Zeroizing::new(String::with_capacity(text.len()));
    plain.extend(text.chars().filter(|c| !c.is_ascii_whitespace()));
    let code = if plain.ends_with('=') {
        BASE64
    } else {
        BASE64_NOPAD
    };
    let bytes = code.decode(plain.as_bytes()).map_err(|_| "is not Base64")?;
    Ok(Zeroizing::new(bytes))
}
