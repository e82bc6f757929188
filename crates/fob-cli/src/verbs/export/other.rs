//! `fob export --to`: a file that another system reads, so that nobody is locked in.

use std::fs::OpenOptions;
use std::io::{Error, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use clap::ValueEnum;
use fob_core::format::TokenFile;
use fob_core::{Ledger, Token};
use fob_store::{Account, now};
use zeroize::Zeroizing;

use super::{Wish, google_authenticator, pskc, users_oath};
use crate::everybody::Everybody;
use crate::output::{self, remark, say};
use crate::stop::Stop;
use crate::verbs::Desk;
use crate::verbs::import::source;
use crate::{journal, people, terminal};

/// Whose file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Target {
    GoogleAuthenticator,
    UsersOath,
    Pskc,
}

/// What a person has, as it stands.
pub(super) struct Holder {
    pub(super) name: String,
    pub(super) file: TokenFile,
    pub(super) ledger: Ledger,
}

/// A token, whose it is, and what is spent of it.
pub(super) struct Item<'a> {
    pub(super) user: &'a str,
    pub(super) token: &'a Token,
    pub(super) ledger: &'a Ledger,
}

pub(super) fn run(desk: &Desk, wish: &Wish, target: Target) -> Result<(), Stop> {
    if desk.json {
        return Err(Stop::unknown("--json and --to exclude each other")
            .remedy("Leave --json away: the file of the other system is text."));
    }
    let (file, passphrase) = (wish.key_file.as_deref(), wish.passphrase_file.as_deref());
    let key = source::key(file, passphrase)?;
    if key.is_some() && target != Target::Pskc {
        return Err(Stop::unknown("only a pskc file can be encrypted").remedy("Say --to pskc."));
    }
    let (holders, unreadable) = holders(desk, wish)?;
    let items = items(&holders, wish)?;
    let question = "Whoever reads this can make these people's codes from now on. Write it?";
    terminal::agree(question, wish.yes)?;
    let text = match target {
        Target::GoogleAuthenticator => google_authenticator::text(&items)?,
        Target::UsersOath => users_oath::text(&items)?,
        Target::Pskc => pskc::text(&items, key.as_ref())?,
    };
    // Before it is written: what is seen was logged.
    let to = target.to_possible_value();
    let to = to.as_ref().map_or("", |value| value.get_name());
    for Item { user, token, .. } in &items {
        journal::changed("export", user, &[("token", &token.id), ("to", to)]);
    }
    match &wish.out {
        Some(path) => write(path, &text)?,
        None => say(text.trim_end())?,
    }
    left_behind(&holders);
    remark(
        "Use one system only from now on: what is spent there isn't spent here. When all is well there, run: fob revoke NAME",
    );
    if unreadable == 0 {
        return Ok(());
    }
    let people = output::count(unreadable, "token file");
    Err(
        Stop::unknown(format!("{people} could not be exported, the others are"))
            .remedy("See above whose. They get in there once that is mended and exported."),
    )
}

/// Whose tokens are wished, and how many of all others could not be read. Those are told by
/// name, for somebody's damaged file shall keep nobody else from moving.
fn holders(desk: &Desk, wish: &Wish) -> Result<(Vec<Holder>, u64), Stop> {
    if let Some(name) = &wish.name {
        return Ok((vec![holder(desk, name)?], 0));
    }
    let (mut holders, mut unreadable) = (Vec::new(), 0u64);
    let everybody = Everybody::list();
    for name in people::holders(&desk.store)? {
        let found = everybody.find(&name).map_err(Stop::from);
        let left_out = match found {
            Ok(None) => "is left out: this system knows nobody of that name.".into(),
            Ok(Some(account)) if account.name != name => {
                let is = account.name;
                format!(
                    "is left out: the account is called {is}, so no login reads this token file."
                )
            }
            found => match found.and_then(|_| holder(desk, &name)) {
                Ok(holder) => {
                    holders.push(holder);
                    continue;
                }
                Err(stop) => {
                    unreadable = unreadable.saturating_add(1);
                    format!("is left out: {}", stop.what)
                }
            },
        };
        remark(&format!("{name} {left_out}"));
    }
    Ok((holders, unreadable))
}

fn holder(desk: &Desk, name: &str) -> Result<Holder, Stop> {
    let (account, file) = people::enrolled(&desk.store, name)?;
    let ledger = ledger(desk, &account)?;
    Ok(Holder {
        name: account.name,
        file,
        ledger,
    })
}

/// The person's ledger, or what the next login would make.
pub(super) fn ledger(desk: &Desk, account: &Account) -> Result<Ledger, Stop> {
    let ledger = people::ledger(&desk.store, account)?.map(|(_, ledger)| ledger);
    Ok(ledger.unwrap_or_else(|| Ledger::new(people::owner(account))))
}

fn items<'a>(holders: &'a [Holder], wish: &Wish) -> Result<Vec<Item<'a>>, Stop> {
    let mut items = Vec::new();
    for holder in holders {
        let chosen: Vec<&Token> = match &wish.id {
            Some(id) => vec![people::token(&holder.file, &holder.name, id)?],
            None => {
                holder.file.refused.iter().for_each(|refused| {
                    let id = refused.id.as_deref().unwrap_or("a token");
                    left_out(holder, id, &format!("can't be used: {}", refused.error));
                });
                holder.file.tokens.iter().collect()
            }
        };
        let lets_in = |token: &&Token| match barred(holder, token) {
            None => true,
            Some(why) => {
                left_out(holder, &token.id, why);
                false
            }
        };
        items.extend(chosen.into_iter().filter(lets_in).map(|token| Item {
            user: &holder.name,
            token,
            ledger: &holder.ledger,
        }));
    }
    if items.is_empty() {
        return Err(Stop::no("there is no token that can be exported"));
    }
    Ok(items)
}

/// Why a token lets nobody in here. The other system would not know, and let the person in.
fn barred(holder: &Holder, token: &Token) -> Option<&'static str> {
    if holder.file.disabled {
        Some("belongs to somebody who is disabled")
    } else if token.disabled {
        Some("is disabled")
    } else if token.expires.is_some_and(|day| now().unix >= day.end()) {
        Some("has expired")
    } else {
        None
    }
}

fn left_out(holder: &Holder, id: &str, why: &str) {
    let name = &holder.name;
    remark(&format!("{name}'s token {id:?} {why}, and is left out."));
}

/// What can't be taken along, since only digests of it are kept.
fn left_behind(holders: &[Holder]) {
    let pins = |holder: &&Holder| holder.file.pin.is_some();
    let codes = |holder: &&Holder| holder.file.recovery.is_some() || holder.file.scratch.is_some();
    tell(holders.iter().filter(pins), "PIN");
    tell(holders.iter().filter(codes), "recovery and scratch codes");
}

fn tell<'a>(holders: impl Iterator<Item = &'a Holder>, what: &str) {
    let names: Vec<&str> = holders.map(|holder| holder.name.as_str()).collect();
    let whose = match names.as_slice() {
        [] => return,
        [one] => format!("of {one}"),
        [one, other] => format!("of {one} and {other}"),
        _ => format!("of {} people", names.len()),
    };
    remark(&format!(
        "Not in it: the {what} {whose}, for only digests of them are kept here."
    ));
}

fn write(path: &Path, text: &Zeroizing<String>) -> Result<(), Stop> {
    let failed = |error: Error| match error.kind() {
        ErrorKind::AlreadyExists => {
            Stop::unknown(format!("{}: there is such a file already", path.display()))
                .remedy("Name a new one, or move that away.")
        }
        _ => Stop::unknown(format!("{}: {error}", path.display())),
    };
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)
}

/// What the other system can't hold.
pub(super) fn cannot(item: &Item<'_>, what: &str) -> Stop {
    let Item { user, token, .. } = item;
    Stop::no(format!("{user}'s token {:?}: {what}", token.id))
        .remedy("Choose others with --id, or another --to.")
}
