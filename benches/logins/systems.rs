//! What is compared, set up as its own pages recommend.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use super::Result;
use super::machine::{Place, uid};
use super::token::{Kind, Token};

/// A PAM module that lets people in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    /// Lets everybody in: what a login costs without any work.
    Permit,
    /// The module under test.
    Fob,
    /// libpam-google-authenticator.
    Google,
    /// libpam-oath.
    Oath,
}

/// Those that check codes.
pub(super) const RIVALS: [System; 3] = [System::Fob, System::Google, System::Oath];

impl System {
    /// Its name in tables and services.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Fob => "fob",
            Self::Google => "google",
            Self::Oath => "oath",
        }
    }

    /// Its service in a place.
    pub(super) fn service(self, place: &Place) -> String {
        format!("{}-{}", place.name, self.name())
    }

    /// The service that loads it and doesn't use it.
    pub(super) fn loading(self) -> String {
        format!("load-{}", self.name())
    }

    /// Its line in a service, without the first word.
    fn line(self, place: &Place) -> String {
        let base = place.tokens.parent().unwrap_or(Path::new("/"));
        match self {
            Self::Permit => "pam_permit.so".into(),
            Self::Fob if place.usual => "pam_fob.so".into(),
            Self::Fob => format!("pam_fob.so conf={}/fob.conf", base.display()),
            Self::Google if place.usual => "pam_google_authenticator.so".into(),
            Self::Google => format!(
                "pam_google_authenticator.so secret={}/${{USER}}/.google_authenticator",
                place.homes.display()
            ),
            Self::Oath => format!(
                "pam_oath.so usersfile={} window=20 digits=6",
                place.users.display()
            ),
        }
    }

    /// Writes its services for a place.
    pub(super) fn install(self, place: &Place) -> Result<()> {
        let line = self.line(place);
        let own = format!("auth required {line}\n");
        let loading = format!("auth sufficient pam_permit.so\nauth required {line}\n");
        let services = Path::new("/etc/pam.d");
        fs::write(services.join(self.service(place)), own)?;
        fs::write(services.join(self.loading()), loading)?;
        if self == Self::Fob && !place.usual {
            let (tokens, ledgers) = (place.tokens.display(), place.ledgers.display());
            let conf = format!("tokens = \"{tokens}\"\nstate = \"{ledgers}\"\n");
            fs::write(place.tokens.with_file_name("fob.conf"), conf)?;
        }
        Ok(())
    }

    /// Gives people their tokens, and forgets all that happened before.
    pub(super) fn enroll(self, place: &Place, people: &[(&str, &Token)]) -> Result<()> {
        match self {
            Self::Permit => Ok(()),
            Self::Fob => people
                .iter()
                .try_for_each(|(name, token)| enroll_fob(place, name, token)),
            Self::Google => people
                .iter()
                .try_for_each(|(name, token)| enroll_google(place, name, token)),
            Self::Oath => {
                let lines = people.iter().map(|(name, token)| oath_line(name, token));
                write(&place.users, &lines.collect::<String>(), 0)
            }
        }
    }
}

fn enroll_fob(place: &Place, name: &str, token: &Token) -> Result<()> {
    forget(&place.ledgers.join(uid(name)?.to_string()))?;
    write(&place.tokens.join(name), &fob_text(token), 0)
}

/// A token file of pam_fob.
pub(super) fn fob_text(token: &Token) -> String {
    let (secret, counter) = (token.base32(), token.counter);
    let moving = match token.kind {
        Kind::Hotp => format!("type = \"hotp\"\ncounter = {counter}\n"),
        Kind::Totp => "type = \"totp\"\n".into(),
    };
    format!("version = 1\n\n[[token]]\nid = \"key\"\nsecret = \"{secret}\"\n{moving}")
}

fn enroll_google(place: &Place, name: &str, token: &Token) -> Result<()> {
    let path = place.homes.join(name).join(".google_authenticator");
    write(&path, &google_text(token), uid(name)?)
}

/// A state file of google-authenticator, without a limit of logins a minute.
pub(super) fn google_text(token: &Token) -> String {
    let (secret, counter) = (token.base32(), token.counter);
    match token.kind {
        Kind::Hotp => format!("{secret}\n\" WINDOW_SIZE 20\n\" HOTP_COUNTER {counter}\n"),
        Kind::Totp => {
            format!("{secret}\n\" WINDOW_SIZE 3\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n")
        }
    }
}

/// A line of oath's file.
pub(super) fn oath_line(name: &str, token: &Token) -> String {
    let (secret, counter) = (token.hex(), token.counter);
    match token.kind {
        Kind::Hotp => format!("HOTP {name} - {secret} {counter}\n"),
        Kind::Totp => format!("HOTP/T30 {name} - {secret}\n"),
    }
}

/// Writes a file that `owner` alone can read.
pub(super) fn write(path: &Path, text: &str, owner: u32) -> Result<()> {
    forget(path)?;
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(chown(path, Some(owner), Some(owner))?)
}

/// Removes a file that may be there.
pub(super) fn forget(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
