//! `--all-users`: ~/.google_authenticator of everybody, each opened with that person's
//! rights, so that nobody makes root read what isn't theirs.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use fob_import::detect::Format;
use fob_import::{Batch, Found, Options, Problem};
use fob_store::{Account, now};
use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;
use nix::unistd::{Gid, Uid, User, setfsgid, setfsuid};
use zeroize::Zeroizing;

use super::{Read, source};
use crate::everybody::Everybody;
use crate::stop::Stop;
use crate::verbs::Desk;

/// What google-authenticator's own module reads at most.
const MAX: u64 = 65_536;
/// A home that takes longer, such as one over a network that is gone, is a problem.
const PATIENCE: Duration = Duration::from_secs(5);
/// What to do about a file that can't be used.
const REMEDY: &str = "Mend it, take it out of the home, or leave it out with --skip-broken.";

/// Reads the files of all who can log in, and of root.
///
/// # Errors
/// The user database can't be listed.
pub(super) fn read(_: &Desk) -> Result<Read, Stop> {
    let everybody = Everybody::list();
    let mut accounts = everybody.people()?.to_vec();
    accounts.extend(everybody.find("root")?);
    let options = Options {
        now: now().unix,
        ..Options::default()
    };
    let mut all = Batch::default();
    for account in accounts {
        match file_of(&account) {
            Ok(None) => {}
            Ok(Some(bytes)) => {
                let batch = source::batch(Format::GoogleAuthenticator, &bytes, &options);
                add(&mut all, batch, &account.name);
            }
            Err(what) => all.problems.push(Problem {
                place: account.name,
                what,
                remedy: Some(REMEDY.into()),
            }),
        }
    }
    Ok(Read {
        format: Format::GoogleAuthenticator,
        batch: all,
        people: None,
    })
}

/// Adds what a home has; none of its tokens if anything is wrong with it.
fn add(all: &mut Batch, mut batch: Batch, name: &str) {
    let place = |place: &str| match place {
        "" => name.to_owned(),
        place => format!("{name}, {place}"),
    };
    let twins = batch.tokens.iter().filter_map(|found| twin(all, found));
    batch.problems.extend(twins.collect::<Vec<_>>());
    let is_whole = batch.problems.is_empty();
    all.more_problems = all.more_problems.saturating_add(batch.more_problems);
    all.problems
        .extend(batch.problems.into_iter().map(|problem| Problem {
            place: place(&problem.place),
            ..problem
        }));
    if !is_whole {
        return;
    }
    all.remarks
        .extend(batch.remarks.into_iter().map(|r| format!("{name}: {r}")));
    all.tokens.extend(batch.tokens.into_iter().map(|mut found| {
        found.place = place(&found.place);
        found.user = Some(name.to_owned());
        found
    }));
}

/// What is wrong with a token whose secret another home has, too: a code would be two people's.
fn twin(all: &Batch, found: &Found) -> Option<Problem> {
    let secret = found.token.secret.bytes();
    let mut others = all.tokens.iter();
    let other = others.find(|other| other.token.secret.bytes() == secret)?;
    Some(Problem {
        place: found.place.clone(),
        what: format!("secret: is that of {} too", other.place),
        remedy: Some("Two people never share a secret: take it out of one of the homes.".into()),
    })
}

/// The bytes of a person's file; none if there is none.
fn file_of(account: &Account) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    let user = User::from_uid(Uid::from_raw(account.uid));
    let user = user.map_err(|errno| errno.desc().to_owned())?;
    let Some(user) = user else {
        return Ok(None);
    };
    let path = user.dir.join(".google_authenticator");
    let (send, receive) = mpsc::channel();
    // Rights are a thread's: this one ends with what it has. A home that hangs keeps it, and
    // nobody else.
    thread::spawn(move || {
        let _ = send.send(read_as(user.uid, user.gid, &path));
    });
    receive
        .recv_timeout(PATIENCE)
        .unwrap_or_else(|_| Err("the home does not answer".into()))
}

fn read_as(uid: Uid, gid: Gid, path: &PathBuf) -> Result<Option<Zeroizing<Vec<u8>>>, String> {
    setfsgid(gid);
    setfsuid(uid);
    // The second call says what the first one did.
    if setfsuid(uid) != uid {
        return Err("its owner's rights can't be taken on".into());
    }
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file: OwnedFd = match open(path, flags, Mode::empty()) {
        Ok(file) => file,
        Err(Errno::ENOENT | Errno::ENOTDIR) => return Ok(None),
        Err(Errno::ELOOP) => return Err(format!("{}: is a symbolic link", path.display())),
        Err(errno) => return Err(format!("{}: {}", path.display(), errno.desc())),
    };
    let file = File::from(file);
    let wrong = |what: &str| Err(format!("{}: {what}", path.display()));
    let about = file.metadata().map_err(|error| error.to_string())?;
    if !about.is_file() {
        return wrong("is no plain file");
    }
    if about.uid() != uid.as_raw() {
        return wrong("belongs to somebody else");
    }
    if about.len() > MAX {
        return wrong("is larger than 64 KiB");
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX).unwrap_or(0)));
    file.take(MAX)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Some(bytes))
}
