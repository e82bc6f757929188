//! The throwaway machine from inside: its people and its places.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Result, must};

/// Those who have tokens.
pub(super) const CROWD: [&str; 16] = [
    "p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9", "p10", "p11", "p12", "p13", "p14",
    "p15",
];
/// Has an account and no token.
pub(super) const STRANGER: &str = "stranger";
/// Has no account.
pub(super) const UNKNOWN: &str = "unknown";

/// Where the systems keep what they keep.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The beginning of its services' names.
    pub(super) name: &'static str,
    /// pam_fob's token files.
    pub(super) tokens: PathBuf,
    /// pam_fob's ledgers.
    pub(super) ledgers: PathBuf,
    /// google-authenticator's files, in a folder a person.
    pub(super) homes: PathBuf,
    /// oath's one file.
    pub(super) users: PathBuf,
    /// Whether these are the usual paths.
    pub(super) usual: bool,
}

impl Place {
    /// Where everything is if nobody says otherwise.
    pub(super) fn usual() -> Self {
        Self {
            name: "usual",
            tokens: "/etc/fob/tokens".into(),
            ledgers: "/var/lib/fob".into(),
            homes: "/home".into(),
            users: "/etc/oath/users.oath".into(),
            usual: true,
        }
    }

    /// A place of its own.
    pub(super) fn apart(name: &'static str) -> Self {
        let base = Path::new("/srv").join(name);
        Self {
            name,
            tokens: base.join("tokens"),
            ledgers: base.join("ledgers"),
            homes: base.join("homes"),
            users: base.join("oath/users.oath"),
            usual: false,
        }
    }

    /// Makes the folders.
    pub(super) fn make(&self) -> Result<()> {
        let oath = self.users.parent().unwrap_or(Path::new("/"));
        for folder in [&self.tokens, &self.ledgers, &self.homes, oath] {
            fs::create_dir_all(folder)?;
        }
        for folder in [&self.tokens, &self.ledgers] {
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        for name in CROWD.iter().chain(&[STRANGER]) {
            let home = self.homes.join(name);
            fs::create_dir_all(&home)?;
            fs::set_permissions(&home, fs::Permissions::from_mode(0o700))?;
            chown(&home, Some(uid(name)?), Some(uid(name)?))?;
        }
        Ok(())
    }

    /// Does `work` with the folders in memory instead of on the disk.
    pub(super) fn in_memory<T>(&self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let oath = self.users.parent().unwrap_or(Path::new("/"));
        let folders = [&self.tokens, &self.ledgers, &self.homes, oath];
        for folder in folders {
            must(
                Command::new("mount")
                    .args(["-t", "tmpfs", "tmpfs"])
                    .arg(folder),
            )?;
        }
        let result = self.make().and_then(|()| work());
        for folder in folders {
            must(Command::new("umount").arg(folder))?;
        }
        result
    }
}

/// The uid of somebody who has an account.
pub(super) fn uid(name: &str) -> Result<u32> {
    let text = fs::read_to_string("/etc/passwd")?;
    let line = text
        .lines()
        .find(|line| line.split(':').next() == Some(name));
    let uid = line.and_then(|line| line.split(':').nth(2));
    Ok(uid.ok_or(format!("nobody is called {name}"))?.parse()?)
}
