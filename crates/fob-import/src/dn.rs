//! Distinguished names (RFC 4514), as far as they name a person.

/// An attribute of a distinguished name.
pub(crate) fn attribute(name: &str, wanted: &str) -> Option<String> {
    let mut parts = vec![String::new()];
    let mut characters = name.chars();
    while let Some(c) = characters.next() {
        match (c, parts.last_mut()) {
            (',' | '+', _) => parts.push(String::new()),
            (c, Some(part)) => part.push(if c == '\\' { characters.next()? } else { c }),
            (_, None) => return None,
        }
    }
    let value = |part: &String| {
        let (key, value) = part.split_once('=')?;
        let is_wanted = key.trim().eq_ignore_ascii_case(wanted);
        is_wanted.then(|| value.trim().to_owned())
    };
    parts.iter().find_map(value)
}

/// A value, to be written into a name.
pub(crate) fn escaped(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=' | '#') {
            name.push('\\');
        }
        name.push(c);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_found_and_values_come_back() {
        let name = "CN=Alice \\+ Bob\\, Ltd, uid = alice,DC=example";
        assert_eq!(attribute(name, "UID").as_deref(), Some("alice"));
        assert_eq!(attribute(name, "cn").as_deref(), Some("Alice + Bob, Ltd"));
        assert_eq!(attribute(name, "OU"), None);
        assert_eq!(attribute("UID=a\\", "UID"), None);
        let odd = "a,b+c\\\"<>;=#d";
        let written = format!("UID={}", escaped(odd));
        assert_eq!(attribute(&written, "UID").as_deref(), Some(odd));
    }
}
