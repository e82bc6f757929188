//! Who somebody is: the system's user database, never the name alone.

use fob_core::Reason;
use nix::errno::Errno;
use nix::unistd::{Uid, User};

use crate::{Fault, FaultKind};

/// No name of the user database is longer, in bytes.
const MAX_NAME: usize = 255;

/// A person of this system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The uid.
    pub uid: u32,
    /// The name that the user database gives back for that uid, so that aliases and other
    /// letter cases of one person are one person (CVE-2020-12812's class).
    pub name: String,
}

/// Who wants to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Somebody with a token file.
    Enrolled(Account),
    /// Somebody without one, or a name that the system doesn't know. Judged against a
    /// dummy, and refused for this reason.
    Absent(String, Reason),
}

impl Who {
    /// The person's name; of one whom the system doesn't know, what was typed.
    pub fn name(&self) -> &str {
        match self {
            Self::Enrolled(account) => &account.name,
            Self::Absent(name, _) => name,
        }
    }
}

impl Account {
    /// Looks a name up. `None` if the system knows no such person.
    ///
    /// # Errors
    /// The user database failed: that is not the same as an unknown person.
    pub fn look_up(name: &str) -> Result<Option<Self>, Fault> {
        if name.is_empty() || name.len() > MAX_NAME {
            return Ok(None);
        }
        let Some(named) = unless_unknown(User::from_name(name))? else {
            return Ok(None);
        };
        let found = Self::of_uid(named.uid.as_raw())?;
        let no_name = || Fault::new(FaultKind::UserDatabase, "a uid has no name");
        found.ok_or_else(no_name).map(Some)
    }

    /// Whose uid it is. `None` if it is nobody's.
    ///
    /// # Errors
    /// The user database failed, or the name is none that can be used.
    pub fn of_uid(uid: u32) -> Result<Option<Self>, Fault> {
        let Some(user) = unless_unknown(User::from_uid(Uid::from_raw(uid)))? else {
            return Ok(None);
        };
        // The library puts this character in the place of bytes that are no text.
        if user.name.is_empty() || user.name.len() > MAX_NAME || user.name.contains('\u{fffd}') {
            return Err(Fault::new(
                FaultKind::UserDatabase,
                "a name is not UTF-8 text",
            ));
        }
        Ok(Some(Self {
            uid: user.uid.as_raw(),
            name: user.name,
        }))
    }

    /// Whether this process may read token files at all.
    ///
    /// # Errors
    /// It isn't root.
    pub fn require_root() -> Result<(), Fault> {
        if Uid::effective().is_root() {
            return Ok(());
        }
        Err(Fault::new(
            FaultKind::NotRoot,
            "only root can read token files",
        ))
    }
}

/// getpwnam(3), getgrnam(3): these errors mean that nothing was found.
pub(crate) fn unless_unknown<T>(found: Result<Option<T>, Errno>) -> Result<Option<T>, Fault> {
    match found {
        Ok(found) => Ok(found),
        Err(Errno::ENOENT | Errno::ESRCH) => Ok(None),
        Err(errno) => Err(Fault::new(FaultKind::UserDatabase, errno.desc())),
    }
}

/// The name of a person's token file: bytes outside `[A-Za-z0-9_.@-]` and a dot in front
/// are written `%XX`.
pub fn file_name(name: &str) -> String {
    let plain = |at: usize, byte: u8| match byte {
        b'.' => at > 0,
        b'_' | b'@' | b'-' => true,
        _ => byte.is_ascii_alphanumeric(),
    };
    let escape = |(at, byte): (usize, u8)| {
        if plain(at, byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    name.bytes().enumerate().map(escape).collect()
}

/// Whose token file has this name. `None` if no person's has.
pub(crate) fn name_of_file(file: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(file.len());
    let mut rest = file.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut nibble = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (nibble()?, nibble()?);
        bytes.push(u8::try_from(high << 4 | low).ok()?);
    }
    let name = String::from_utf8(bytes).ok()?;
    // A name can be written in one way only: another file is never read at a login.
    let usable = !name.is_empty() && name.len() <= MAX_NAME && file_name(&name) == file;
    usable.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn name_of_a_file_is_the_name_that_made_it(name in "\\PC{1,60}|[a-z%./~]{1,8}") {
            prop_assume!(name.len() <= MAX_NAME);
            let found = name_of_file(&file_name(&name));
            prop_assert_eq!(found, Some(name));
        }

        /// T29: no two files are one person's.
        #[test]
        fn file_is_somebodys_only_if_a_login_would_read_it(file in "[a-zA-F0-9%.~ ]{0,12}") {
            if let Some(name) = name_of_file(&file) {
                prop_assert_eq!(file_name(&name), file);
            }
        }
    }

    #[test]
    fn what_no_name_makes_is_nobodys_file() {
        for file in [
            "", "alice~", "%", "%4", "%zz", "%61lice", "%ff", ".hidden", "a b",
        ] {
            assert_eq!(name_of_file(file), None, "{file}");
        }
        assert_eq!(name_of_file("%2Ehidden").as_deref(), Some(".hidden"));
    }

    /// T29: no name leads out of the folder, and no two names are one file.
    #[test]
    fn file_names_stay_in_their_folder() {
        assert_eq!(file_name("alice"), "alice");
        assert_eq!(file_name("../x"), "%2E.%2Fx");
        assert_eq!(file_name(".hidden"), "%2Ehidden");
        assert_eq!(file_name("DOM\\bob@corp.example"), "DOM%5Cbob@corp.example");
        assert_eq!(file_name("50%"), "50%25");
        assert_eq!(file_name("é"), "%C3%A9");
    }

    #[test]
    fn system_knows_root_and_not_an_invented_name() {
        let root = Account::look_up("root").unwrap().unwrap();
        assert_eq!((root.uid, root.name.as_str()), (0, "root"));
        for name in ["", "..", "a/b", "no-such-user-here", &"x".repeat(10_000)] {
            assert_eq!(Account::look_up(name).unwrap(), None, "{name:.20}");
        }
    }
}
