//! The whole user database, read once.
//!
//! One look-up in `/etc/passwd` reads half of it. For ten thousand people that is minutes,
//! so they are found in one listing, as `getent passwd` prints it for every kind of
//! database. Whom it doesn't list (directories can be told not to) is looked up.

use std::collections::HashMap;
use std::process::{Command, Stdio};

use fob_store::{Account, Fault};

use crate::stop::Stop;

/// The lowest uid of a person where /etc/login.defs names none.
const UID_MIN: u32 = 1000;
/// Programs that let nobody in.
const NO_SHELLS: [&str; 5] = ["nologin", "false", "sync", "shutdown", "halt"];

/// The user database.
#[derive(Debug, Default)]
pub(crate) struct Everybody {
    uids: HashMap<String, u32>,
    names: HashMap<u32, String>,
    people: Vec<Account>,
}

impl Everybody {
    /// Lists the database. What can't be listed is looked up later, one by one.
    pub(crate) fn list() -> Self {
        let listed = Command::new("getent")
            .arg("passwd")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        let defs = std::fs::read_to_string("/etc/login.defs").unwrap_or_default();
        match listed {
            Ok(output) if output.status.success() => {
                Self::parse(&String::from_utf8_lossy(&output.stdout), uid_min(&defs))
            }
            _ => Self::default(),
        }
    }

    /// Where two lines have a name or a uid in common, the first counts, as in a look-up.
    pub(crate) fn parse(listing: &str, uid_min: u32) -> Self {
        let mut all = Self::default();
        for line in listing.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, uid, _, _, _, shell] = fields.as_slice() else {
                continue;
            };
            // The replacement character stands for bytes that are no text.
            let (Ok(uid), false) = (uid.parse(), name.is_empty() || name.contains('\u{fffd}'))
            else {
                continue;
            };
            let is_new = !all.uids.contains_key(*name);
            all.uids.entry((*name).into()).or_insert(uid);
            let owner = all.names.entry(uid).or_insert_with(|| (*name).into());
            if is_new && owner == name && uid >= uid_min && is_login_shell(shell) {
                let name = owner.clone();
                all.people.push(Account { uid, name });
            }
        }
        all
    }

    /// The person called `name`, as [`Account::look_up`] finds them.
    ///
    /// # Errors
    /// The user database failed.
    pub(crate) fn find(&self, name: &str) -> Result<Option<Account>, Fault> {
        let uid = self.uids.get(name);
        match uid.and_then(|uid| Some((*uid, self.names.get(uid)?))) {
            Some((uid, name)) => Ok(Some(Account {
                uid,
                name: name.clone(),
            })),
            None => Account::look_up(name),
        }
    }

    /// Whose uid it is.
    ///
    /// # Errors
    /// The user database failed.
    pub(crate) fn of_uid(&self, uid: u32) -> Result<Option<Account>, Fault> {
        match self.names.get(&uid) {
            Some(name) => Ok(Some(Account {
                uid,
                name: name.clone(),
            })),
            None => Account::of_uid(uid),
        }
    }

    /// Those who can log in: people's uids, with a shell.
    ///
    /// # Errors
    /// The database can't be listed.
    pub(crate) fn people(&self) -> Result<&[Account], Stop> {
        if self.uids.is_empty() {
            return Err(
                Stop::unknown("the user database can't be listed").remedy("Try: getent passwd")
            );
        }
        Ok(&self.people)
    }
}

fn is_login_shell(shell: &str) -> bool {
    let program = shell.rsplit('/').next().unwrap_or_default();
    !NO_SHELLS.contains(&program)
}

/// The lowest uid of a person, as /etc/login.defs has it.
pub(crate) fn uid_min(defs: &str) -> u32 {
    let said = defs.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        let is_it = words.next() == Some("UID_MIN");
        words.next().filter(|_| is_it)?.parse().ok()
    });
    said.unwrap_or(UID_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: &str = "root:x:0:0::/root:/bin/bash\ndaemon:x:1:1::/:/usr/sbin/nologin\n\
        alice:x:1001:1001::/home/alice:/bin/sh\nalias:x:1001:1001::/home/alice:/bin/sh\n\
        bob:x:1002:1002::/home/bob:\nalice:x:1003:1003::/:/bin/sh\nbroken\n\
        nobody:x:65534:65534::/:/usr/sbin/nologin\n";

    #[test]
    fn first_line_counts_and_an_alias_is_its_owner() {
        let all = Everybody::parse(LISTING, 1000);
        let alice = Some(Account {
            uid: 1001,
            name: "alice".into(),
        });
        assert_eq!(all.find("alice").unwrap(), alice);
        assert_eq!(all.find("alias").unwrap(), alice);
        assert_eq!(all.of_uid(1001).unwrap(), alice);
        let people: Vec<&str> = all
            .people()
            .unwrap()
            .iter()
            .map(|a| a.name.as_str())
            .collect();
        assert_eq!(people, ["alice", "bob"]);
    }

    #[test]
    fn who_is_not_listed_is_looked_up() {
        let all = Everybody::default();
        assert_eq!(all.find("root").unwrap().unwrap().uid, 0);
        assert_eq!(all.find("no-such-user-here").unwrap(), None);
        assert_eq!(all.of_uid(0).unwrap().unwrap().name, "root");
        assert_eq!(all.of_uid(4_294_967_294).unwrap(), None);
        assert!(all.people().is_err());
    }

    #[test]
    fn login_defs_says_where_people_begin() {
        assert_eq!(uid_min("# UID_MIN 7\nUID_MAX 9\nUID_MIN\t\t 500\n"), 500);
        assert_eq!(uid_min("UID_MIN many\n"), 1000);
    }
}
