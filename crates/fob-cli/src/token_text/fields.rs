//! Single fields of a token file: what a token is called, and `disabled`.

use toml_edit::{Item, TableLike, Value};

use super::{List, NoList, TokenText};

impl TokenText {
    /// Calls the tokens with this id something else; says how many.
    pub(crate) fn rename(&mut self, id: &str, new: &str) -> Result<usize, NoList> {
        let named: Vec<&mut dyn TableLike> = self.tables(id)?;
        let count = named.len();
        named
            .into_iter()
            .filter_map(|table| table.get_mut("id"))
            .for_each(|item| set_value(item, new.into()));
        Ok(count)
    }

    /// Whether the token with this id, or without one the whole person, says `disabled`.
    pub(crate) fn is_disabled(&mut self, id: Option<&str>) -> Result<bool, NoList> {
        let tables = match id {
            None => vec![self.0.as_table_mut() as &mut dyn TableLike],
            Some(id) => self.tables(id)?,
        };
        let says = |table: &dyn TableLike| table.get("disabled").and_then(Item::as_bool);
        Ok(tables.iter().any(|table| says(&**table) == Some(true)))
    }

    /// Says `disabled`, or takes it back, for the token with this id, or without one for the
    /// whole person. A line with a comment stays, as `false`.
    pub(crate) fn set_disabled(&mut self, id: Option<&str>, disabled: bool) -> Result<(), NoList> {
        let tables = match id {
            None => vec![self.0.as_table_mut() as &mut dyn TableLike],
            Some(id) => self.tables(id)?,
        };
        for table in tables {
            let noted = is_noted(table, "disabled");
            match table.get_mut("disabled") {
                Some(item) if disabled || noted => set_value(item, disabled.into()),
                Some(_) => drop(table.remove("disabled")),
                None if disabled => drop(table.insert("disabled", true.into())),
                None => {}
            }
        }
        Ok(())
    }

    /// The tokens with this id.
    pub(super) fn tables(&mut self, id: &str) -> Result<Vec<&mut dyn TableLike>, NoList> {
        let is_it = |table: &dyn TableLike| table.get("id").and_then(Item::as_str) == Some(id);
        Ok(match self.list()? {
            List::Tables(tables) => tables
                .iter_mut()
                .map(|table| table as &mut dyn TableLike)
                .filter(|table| is_it(&**table))
                .collect(),
            List::Inline(array) => array
                .iter_mut()
                .filter_map(Value::as_inline_table_mut)
                .map(|table| table as &mut dyn TableLike)
                .filter(|table| is_it(&**table))
                .collect(),
        })
    }
}

/// Puts a value in the place of another; what stands round that stays.
pub(super) fn set_value(item: &mut Item, mut new: Value) {
    if let Item::Value(old) = item {
        new.decor_mut().clone_from(old.decor());
    }
    *item = Item::Value(new);
}

/// Whether an administrator wrote a comment to a field.
fn is_noted(table: &dyn TableLike, name: &str) -> bool {
    let Some((key, item)) = table.get_key_value(name) else {
        return false;
    };
    let value = item.as_value().map(Value::decor);
    [Some(key.leaf_decor()), value]
        .into_iter()
        .flatten()
        .flat_map(|decor| [decor.prefix(), decor.suffix()])
        .flatten()
        .any(|raw| raw.as_str().is_some_and(|text| text.contains('#')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fob_core::format::TokenFile;

    const EDITED: &str = "# header\nversion = 1 # one\n\n# her phone\n[[token]]\nid = \"phone\" # old\n\
        type = \"totp\"\nsecret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"\n\n# on the key ring\n\
        [[token]]\nid = \"later\"\ncolour = \"red\"\n\n# the end\n";

    #[test]
    fn renamed_token_keeps_what_stands_beside_it() {
        let mut text = TokenText::parse(EDITED).unwrap();
        assert_eq!(text.rename("none", "x").unwrap(), 0);
        assert_eq!(text.rename("phone", "old \"phone\"").unwrap(), 1);
        let after = text.to_text();
        assert!(after.contains("# old\ntype"), "{}", *after);
        assert_eq!(text.ids(), ["old \"phone\"", "later"]);
        assert_eq!(text.rename("old \"phone\"", "phone").unwrap(), 1);
        assert_eq!(*text.to_text(), EDITED);
    }

    #[test]
    fn disabling_comes_and_goes_without_a_trace() {
        for id in [None, Some("phone")] {
            let mut text = TokenText::parse(EDITED).unwrap();
            text.set_disabled(id, true).unwrap();
            assert!(text.is_disabled(id).unwrap());
            let after = text.to_text();
            assert!(
                EDITED.lines().all(|line| after.contains(line)),
                "{}",
                *after
            );
            text.set_disabled(id, false).unwrap();
            assert_eq!(*text.to_text(), EDITED);
        }
    }

    /// A key of the whole file stands before the first table, or it would be that table's.
    #[test]
    fn disabled_person_is_said_above_the_tokens() {
        for text in [
            EDITED,
            &EDITED.replace("version = 1 # one\n", "version = 1"),
        ] {
            let mut text = TokenText::parse(text).unwrap();
            text.set_disabled(None, true).unwrap();
            let after = text.to_text();
            let first = after.find("[[token]]").unwrap();
            assert!(after.find("disabled = true").unwrap() < first, "{}", *after);
            assert!(!text.is_disabled(Some("phone")).unwrap());
        }
    }

    #[test]
    fn comment_beside_disabled_stays() {
        let noted = EDITED.replace("type = ", "disabled = true # lost in May\ntype = ");
        let mut text = TokenText::parse(&noted).unwrap();
        text.set_disabled(Some("phone"), false).unwrap();
        assert_eq!(
            *text.to_text(),
            noted.replace("disabled = true", "disabled = false")
        );
        text.set_disabled(Some("phone"), true).unwrap();
        assert_eq!(*text.to_text(), noted);
    }

    /// TOML has two ways of writing a list of tables.
    #[test]
    fn fields_of_an_inline_list_are_edited_too() {
        let inline = "version = 1\ntoken = [{ id = \"phone\", type = \"totp\", \
            secret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\" }]\n";
        let mut text = TokenText::parse(inline).unwrap();
        assert_eq!(text.rename("phone", "old").unwrap(), 1);
        text.set_disabled(Some("old"), true).unwrap();
        let file = TokenFile::parse(&text.to_text()).unwrap();
        assert!(file.tokens[0].disabled && file.tokens[0].id == "old");
        text.set_disabled(Some("old"), false).unwrap();
        assert!(!text.is_disabled(Some("old")).unwrap());
    }
}
