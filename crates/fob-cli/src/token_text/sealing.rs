//! Sealing the values of a token file, and opening them; all else stays as it is.

use fob_core::format::Sealing;
use fob_core::{SealKey, SealPlace, is_sealed};
use fob_store::{Fault, random};
use toml_edit::{Item, TableLike, Value};

use super::fields::set_value;
use super::{NoList, TokenText};

impl TokenText {
    /// Opens what the key opens; the rest stays as it is.
    pub(crate) fn open(&mut self, holder: &str, key: &SealKey) {
        for (place, item) in self.sealable(holder) {
            let opened = item.as_str().and_then(|text| key.open(text, place.of()));
            if let Some(text) = opened {
                set_value(item, text.as_str().into());
            }
        }
    }

    /// Seals what isn't sealed.
    ///
    /// # Errors
    /// The machine gives no random bytes.
    pub(crate) fn seal(&mut self, holder: &str, key: &SealKey) -> Result<(), Fault> {
        for (place, item) in self.sealable(holder) {
            let nonce = random()?;
            let plain = item.as_str().filter(|text| !is_sealed(text));
            let sealed = plain.and_then(|text| key.seal(text, place.of(), nonce));
            if let Some(text) = sealed {
                set_value(item, text.into());
            }
        }
        Ok(())
    }

    /// How many values are sealed, and how many could be: also those of tokens that this
    /// version can't use.
    pub(crate) fn sealing(&mut self, holder: &str) -> Sealing {
        let mut sealing = Sealing::default();
        for (_, item) in self.sealable(holder) {
            let count = match item.as_str().map(is_sealed) {
                Some(true) => &mut sealing.sealed,
                Some(false) => &mut sealing.plain,
                None => continue,
            };
            *count = count.saturating_add(1);
        }
        sealing
    }

    /// Whether the secret of the token with this id is sealed.
    pub(crate) fn is_sealed(&mut self, id: &str) -> Result<bool, NoList> {
        let secret = |table: &dyn TableLike| {
            let secret = table.get("secret").and_then(Item::as_str);
            secret.is_some_and(is_sealed)
        };
        Ok(self.tables(id)?.iter().any(|table| secret(&**table)))
    }

    /// Each value that can be sealed, with its place.
    fn sealable<'a>(&'a mut self, holder: &'a str) -> Vec<(Place<'a>, &'a mut Item)> {
        let mut values = Vec::new();
        for (key, item) in self.0.iter_mut() {
            let table = key.get();
            match (table, item) {
                ("pin" | "recovery" | "scratch", item) => {
                    let salt = item.as_table_like_mut().and_then(|t| t.get_mut("salt"));
                    let place = Place::new(holder, table, "");
                    values.extend(salt.map(|salt| (place, salt)));
                }
                ("token", Item::ArrayOfTables(tables)) => {
                    let tables = tables.iter_mut().map(|t| t as &mut dyn TableLike);
                    values.extend(tables.filter_map(|t| secret_of(holder, t)));
                }
                ("token", Item::Value(Value::Array(array))) => {
                    let tables = array.iter_mut().filter_map(Value::as_inline_table_mut);
                    let tables = tables.map(|t| t as &mut dyn TableLike);
                    values.extend(tables.filter_map(|t| secret_of(holder, t)));
                }
                _ => {}
            }
        }
        values
    }
}

/// A [`SealPlace`] that owns what the text around it may change.
struct Place<'a> {
    holder: &'a str,
    table: String,
    id: String,
}

impl<'a> Place<'a> {
    fn new(holder: &'a str, table: &str, id: &str) -> Self {
        Self {
            holder,
            table: table.into(),
            id: id.into(),
        }
    }

    fn of(&self) -> SealPlace<'_> {
        SealPlace {
            holder: self.holder,
            table: &self.table,
            id: &self.id,
        }
    }
}

fn secret_of<'a>(
    holder: &'a str,
    table: &'a mut dyn TableLike,
) -> Option<(Place<'a>, &'a mut Item)> {
    let place = Place::new(holder, "token", table.get("id")?.as_str()?);
    Some((place, table.get_mut("secret")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fob_core::format::TokenFile;

    const PLAIN: &str = "# hers\nversion = 1\n\n[[token]]\nid = \"phone\"\ntype = \"totp\"\n\
        secret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\" # new\n\n[[token]]\nid = \"later\"\ncolour = \"red\"\n\
        secret = \"of another kind\"\n\n[pin]\nsalt = \"01010101010101010101010101010101\"\n\
        digest = \"02020202020202020202020202020202\"\n";

    #[test]
    fn sealed_text_opens_to_what_it_was() {
        let key = SealKey::new([7; 32]);
        let mut text = TokenText::parse(PLAIN).unwrap();
        text.seal("alice", &key).unwrap();
        let sealed = text.to_text();
        assert_eq!(sealed.matches("\"sealed:").count(), 3, "{}", *sealed);
        assert!(sealed.contains("# new") && !sealed.contains("GEZDG"));
        let file = TokenFile::open(&sealed, "alice", Some(&key)).unwrap();
        let plain = TokenFile::parse(PLAIN).unwrap();
        assert_eq!(file.tokens[0].key(), plain.tokens[0].key());
        assert_eq!((file.pin, file.sealing.sealed), (plain.pin, 2));
        text.open("bob", &key);
        assert_eq!(*text.to_text(), *sealed);
        text.open("alice", &key);
        assert_eq!(*text.to_text(), PLAIN);
    }
}
