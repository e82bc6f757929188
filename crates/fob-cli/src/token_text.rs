//! The text of a token file, changed without losing what an administrator wrote: comments,
//! order, fields of later versions.

mod fields;
mod sealing;

use fob_core::format::hex_text;
use fob_core::{Kind, Pin, PrivateId, RecoverySet, Token};
use toml_edit::{Array, ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, Value};
use zeroize::Zeroizing;

/// The text of a token file.
#[derive(Clone)]
pub(crate) struct TokenText(DocumentMut);

/// `token` is no list, or `recovery` no table.
#[derive(Debug)]
pub(crate) struct NoList;

impl TokenText {
    /// Reads a text. `None` if it can't be edited; why isn't said, since the parser's own
    /// words would repeat the line, secret and all.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// The text as it is now.
    pub(crate) fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(self.0.to_string())
    }

    /// The ids of all tokens, usable or not; empty for one without.
    pub(crate) fn ids(&self) -> Vec<&str> {
        match self.0.get("token") {
            Some(Item::ArrayOfTables(tables)) => tables
                .iter()
                .map(|table| table.get("id").and_then(Item::as_str).unwrap_or_default())
                .collect(),
            Some(Item::Value(Value::Array(array))) => array
                .iter()
                .map(|value| inline_id(value).unwrap_or_default())
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Adds a token at the end of the list.
    pub(crate) fn add(&mut self, token: &Token) -> Result<(), NoList> {
        let table = table_of(token);
        match self.list()? {
            List::Tables(tables) => tables.push(table),
            List::Inline(array) => array.push(table.into_inline_table()),
        }
        Ok(())
    }

    /// Removes the tokens with this id, usable or not; says how many.
    pub(crate) fn remove(&mut self, id: &str) -> Result<usize, NoList> {
        let count = self.ids().iter().filter(|other| **other == id).count();
        match self.list()? {
            List::Tables(tables) => {
                tables.retain(|table| table.get("id").and_then(Item::as_str) != Some(id))
            }
            List::Inline(array) => {
                array.retain(|value| inline_id(value) != Some(id));
            }
        }
        Ok(count)
    }

    /// Puts a set of recovery codes in, in the place of an older one.
    pub(crate) fn set_recovery(&mut self, set: &RecoverySet) -> Result<(), NoList> {
        self.set_codes("recovery", set)
    }

    /// Puts a set of scratch codes in, in the place of an older one.
    pub(crate) fn set_scratch(&mut self, set: &RecoverySet) -> Result<(), NoList> {
        self.set_codes("scratch", set)
    }

    /// Puts a PIN in, in the place of an older one; or takes it out.
    pub(crate) fn set_pin(&mut self, pin: Option<&Pin>) -> Result<(), NoList> {
        let Some(pin) = pin else {
            self.0.remove("pin");
            return Ok(());
        };
        let table = self.table("pin")?;
        table.insert("salt", hex_text(&pin.salt).into());
        table.insert("digest", hex_text(&pin.digest).into());
        Ok(())
    }

    fn set_codes(&mut self, name: &str, set: &RecoverySet) -> Result<(), NoList> {
        let digests: Vec<String> = set
            .digests
            .iter()
            .map(|digest| hex_text(&digest.bytes()))
            .collect();
        let mut lines: Array = digests.iter().collect();
        lines
            .iter_mut()
            .for_each(|value| value.decor_mut().set_prefix("\n    "));
        lines.set_trailing("\n");
        lines.set_trailing_comma(true);
        let table = self.table(name)?;
        table.insert("set", hex_text(&set.id).into());
        table.insert("salt", hex_text(&set.salt).into());
        table.insert("digests", lines.into());
        Ok(())
    }

    fn table(&mut self, name: &str) -> Result<&mut dyn TableLike, NoList> {
        self.0
            .entry(name)
            .or_insert_with(|| Item::Table(Table::new()))
            .as_table_like_mut()
            .ok_or(NoList)
    }

    /// The list of tokens, in whichever of TOML's ways it is written.
    fn list(&mut self) -> Result<List<'_>, NoList> {
        let list = self
            .0
            .entry("token")
            .or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
        match list {
            Item::ArrayOfTables(tables) => Ok(List::Tables(tables)),
            Item::Value(Value::Array(array)) => Ok(List::Inline(array)),
            _ => Err(NoList),
        }
    }
}

enum List<'a> {
    Tables(&'a mut ArrayOfTables),
    Inline(&'a mut Array),
}

fn inline_id(value: &Value) -> Option<&str> {
    value
        .as_inline_table()
        .and_then(|table: &InlineTable| table.get("id")?.as_str())
}

/// A table without what is usual anyway, but for what an administrator looks for.
fn table_of(token: &Token) -> Table {
    let mut table = Table::new();
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    table.insert("id", token.id.as_str().into());
    table.insert("type", token.kind.name().into());
    table.insert("secret", token.secret.to_base32().as_str().into());
    if !matches!(token.kind, Kind::Yubico { .. }) {
        table.insert("algorithm", token.algorithm.name().into());
        table.insert(
            "digits",
            whole(u64::try_from(token.digits.count()).unwrap_or_default()).into(),
        );
    }
    match token.kind {
        Kind::Hotp { counter } => {
            table.insert("counter", whole(counter.0).into());
        }
        Kind::Yubico {
            private_id: PrivateId(bytes),
            counter,
        } => {
            table.insert("private_id", hex_text(&bytes).into());
            table.insert("counter", whole(counter.0).into());
        }
        Kind::Totp { period, t0 } => {
            table.insert("period", whole(period.seconds()).into());
            if t0 > 0 {
                table.insert("t0", whole(t0).into());
            }
        }
    }
    if let Some(serial) = &token.serial {
        table.insert("serial", serial.as_str().into());
    }
    if let Some(public_id) = &token.public_id {
        table.insert("public_id", public_id.as_str().into());
    }
    if let Some(day) = token.expires {
        table.insert("expires", day.to_string().into());
    }
    if token.disabled {
        table.insert("disabled", true.into());
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;
    use fob_core::format::{TokenFile, file_head};
    use fob_core::{Algorithm, Counter, Digits, Period, RecoveryDigest, Secret};

    const EDITED: &str = "# header\nversion = 1 # one\n\n# her phone\n[[token]]\nid = \"phone\" # old\n\
        type = \"totp\"\nsecret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"\n\n# on the key ring\n\
        [[token]]\nid = \"later\"\ncolour = \"red\"\n\n# the end\n";

    fn token(kind: Kind) -> Token {
        Token {
            id: "a \"b\" \\ c".into(),
            kind,
            algorithm: Algorithm::Sha512,
            digits: Digits::MAX,
            secret: Secret::from_base32("MFRGGZDFMZTWQ2LKNNWG23TPOA").unwrap(),
            serial: Some("12'34".into()),
            public_id: None,
            expires: None,
            disabled: false,
        }
    }

    fn totp() -> Token {
        token(Kind::Totp {
            period: Period::new(60).unwrap(),
            t0: 7,
        })
    }

    fn set(byte: u8) -> RecoverySet {
        let digest = |first: u8| {
            let mut bytes = [byte; 16];
            bytes[0] = first;
            RecoveryDigest::from_bytes(bytes)
        };
        RecoverySet {
            id: [byte; 16],
            salt: [9; 16],
            digests: (0..10).map(digest).collect(),
        }
    }

    #[test]
    fn written_token_reads_back() {
        let hotp = token(Kind::Hotp {
            counter: Counter(i64::MAX.unsigned_abs()),
        });
        for token in [totp(), hotp] {
            let mut text = TokenText::parse(&file_head("alice")).unwrap();
            text.add(&token).unwrap();
            text.set_recovery(&set(1)).unwrap();
            let file = TokenFile::parse(&text.to_text()).unwrap();
            let read = &file.tokens[0];
            assert_eq!((&read.id, read.kind), (&token.id, token.kind));
            assert_eq!(
                (read.algorithm, read.digits),
                (token.algorithm, token.digits)
            );
            assert_eq!((&read.serial, read.key()), (&token.serial, token.key()));
            assert_eq!(file.recovery.unwrap().digests.len(), 10);
        }
    }

    #[test]
    fn what_an_administrator_wrote_stays() {
        let mut text = TokenText::parse(EDITED).unwrap();
        text.add(&totp()).unwrap();
        text.set_recovery(&set(1)).unwrap();
        let after = text.to_text();
        for line in EDITED.lines() {
            assert!(after.contains(line), "{line}\n{}", *after);
        }
        assert_eq!(text.ids(), ["phone", "later", "a \"b\" \\ c"]);
    }

    #[test]
    fn removing_a_token_takes_nothing_else() {
        let mut text = TokenText::parse(EDITED).unwrap();
        assert_eq!(text.remove("none").unwrap(), 0);
        assert_eq!(*text.to_text(), EDITED);
        assert_eq!(text.remove("later").unwrap(), 1);
        let after = text.to_text();
        assert!(
            after.contains("# header") && after.contains("# old") && after.contains("# the end")
        );
        assert!(!after.contains("colour"));
        assert_eq!(text.remove("phone").unwrap(), 1);
        let file = TokenFile::parse(&text.to_text()).unwrap();
        assert!(file.tokens.is_empty() && file.refused.is_empty());
    }

    #[test]
    fn new_recovery_set_takes_the_place_of_the_old() {
        let mut text = TokenText::parse(EDITED).unwrap();
        text.set_recovery(&set(1)).unwrap();
        text.set_recovery(&set(2)).unwrap();
        let file = TokenFile::parse(&text.to_text()).unwrap();
        assert_eq!(file.recovery.unwrap().id, [2; 16]);
        assert!(!text.to_text().contains("0101"));
    }

    /// TOML has two ways of writing a list of tables.
    #[test]
    fn inline_list_is_edited_too() {
        let inline = "version = 1\ntoken = [{ id = \"phone\", type = \"totp\", \
            secret = \"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\" }]\n";
        let mut text = TokenText::parse(inline).unwrap();
        text.add(&totp()).unwrap();
        assert_eq!(TokenFile::parse(&text.to_text()).unwrap().tokens.len(), 2);
        assert_eq!(text.remove("phone").unwrap(), 1);
        assert_eq!(TokenFile::parse(&text.to_text()).unwrap().tokens.len(), 1);
    }

    #[test]
    fn what_is_no_list_is_left_alone() {
        let mut text = TokenText::parse("token = 1\nrecovery = 2\n").unwrap();
        assert!(text.add(&totp()).is_err() && text.set_recovery(&set(1)).is_err());
    }
}
