//! `fob config check --tokens-of`: is a token file right, before it is put in place?

use std::path::Path;

use fob_core::format::TokenFile;
use fob_store::Store;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::output::{say, say_json};
use crate::stop::Stop;

#[derive(Serialize)]
struct Answer<'a> {
    path: &'a Path,
    name: &'a str,
    /// The ids.
    tokens: Vec<&'a str>,
}

/// Reads the file at `path` as `name`'s. A mistake in a single token, which logins would do
/// without, is one too.
pub(super) fn check(store: &Store, name: &str, path: &Path, json: bool) -> Result<(), Stop> {
    let wrong = |what: String| {
        let what = format!("{}: {what}", path.display());
        Stop::unknown(what).remedy("Correct it before it is put in place; see fob-tokens(5)")
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let text = Zeroizing::new(text);
    let file = TokenFile::open(&text, name, store.seal_key()?)
        .map_err(|error| wrong(error.to_string()))?;
    if let Some(refused) = file.refused.first() {
        return Err(wrong(refused.error.to_string()));
    }
    let tokens: Vec<&str> = file.tokens.iter().map(|token| token.id.as_str()).collect();
    if json {
        return say_json(&Answer { path, name, tokens });
    }
    say(&format!(
        "the token file of {name} is right: {}\ntokens: {}",
        path.display(),
        if tokens.is_empty() {
            "none".into()
        } else {
            tokens.join(", ")
        }
    ))
}
