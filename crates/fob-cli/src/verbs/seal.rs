//! `fob seal` and `fob unseal`: the secrets of token files under a key kept elsewhere.

use std::io::Write;
use std::process::{Command, Stdio};

use clap::Args;
use fob_core::SealKey;
use fob_core::format::Seal;
use fob_store::{Batch, Store, create_file, create_folder, random};
use serde::Serialize;

use crate::output::{count, remark, say, say_json};
use crate::stop::Stop;
use crate::token_edit::{Edit, Folder};
use crate::verbs::Desk;
use crate::{journal, people};

/// Where the key is that `systemd-creds` encrypted; fob-seal.service reads it.
const CREDENTIAL: &str = "/etc/fob/seal.cred";

/// Whose secrets are to be sealed.
#[derive(Debug, Args)]
#[command(after_help = "Needs a line `seal` in fob.conf; see fob-seal(1).\n\
    Example: fob seal --new-key; fob seal --everybody")]
pub(crate) struct Wish {
    #[command(flatten)]
    whose: Whose,
    /// Make the key that fob.conf names; seals nothing yet
    #[arg(long, conflicts_with_all = ["names", "everybody"])]
    new_key: bool,
}

/// Whose secrets are to be opened.
#[derive(Debug, Args)]
#[command(after_help = "Example: fob unseal alice")]
pub(crate) struct UnsealWish {
    #[command(flatten)]
    whose: Whose,
}

#[derive(Debug, Args)]
struct Whose {
    /// Login names
    #[arg(value_name = "NAME", conflicts_with = "everybody")]
    names: Vec<String>,
    /// All who have a token file, and the stock
    #[arg(long)]
    everybody: bool,
}

#[derive(Serialize)]
struct Answer {
    /// The token files that were changed.
    changed: Vec<String>,
    /// How many were so already.
    unchanged: usize,
}

pub(super) fn seal(desk: &Desk, wish: &Wish) -> Result<(), Stop> {
    if wish.new_key {
        return new_key(desk);
    }
    rewrite(desk, &wish.whose, true)
}

pub(super) fn unseal(desk: &Desk, wish: &UnsealWish) -> Result<(), Stop> {
    rewrite(desk, &wish.whose, false)
}

fn rewrite(desk: &Desk, whose: &Whose, seal: bool) -> Result<(), Stop> {
    named(desk)?;
    desk.store.seal_key()?;
    let mut answer = Answer {
        changed: Vec::new(),
        unchanged: 0,
    };
    if whose.everybody {
        let stock = desk.store.stock();
        if stock.conf.tokens.exists() {
            all_in(&stock, &people::holders(&stock)?, seal, &mut answer)?;
        }
        all_in(
            &desk.store,
            &people::holders(&desk.store)?,
            seal,
            &mut answer,
        )?;
    } else if whose.names.is_empty() {
        return Err(Stop::unknown("whose secrets?").remedy("Name people, or say --everybody."));
    } else {
        let holder = |name: &String| people::holder(&desk.store, name);
        let mut names = whose
            .names
            .iter()
            .map(holder)
            .collect::<Result<Vec<_>, _>>()?;
        names.sort();
        names.dedup();
        all_in(&desk.store, &names, seal, &mut answer)?;
    }
    if desk.json {
        return say_json(&answer);
    }
    let word = if seal { "sealed" } else { "opened" };
    let number = |n: usize| count(u64::try_from(n).unwrap_or(u64::MAX), "token file");
    say(&format!(
        "{} {word}, {} left as they were.",
        number(answer.changed.len()),
        number(answer.unchanged)
    ))?;
    if !seal && !answer.changed.is_empty() {
        remark("They are sealed again with their next change, until fob.conf has no line `seal`.");
    }
    Ok(())
}

/// All are written, or none.
fn all_in(store: &Store, names: &[String], seal: bool, answer: &mut Answer) -> Result<(), Stop> {
    let folder = Folder::lock(store)?;
    let mut batch = Batch::begin(&store.conf.tokens)?;
    let mut changed = Vec::new();
    for name in names {
        let about = |mut stop: Stop| {
            stop.what = format!("{}; nothing was changed", stop.what);
            stop
        };
        let mut edit = Edit::one_of_many(&folder, store, name).map_err(about)?;
        if !seal {
            // Who believes that all is open may throw the key away.
            edit.require_opened().map_err(about)?;
        }
        let sealing = edit.sealing;
        let to_do = if seal { sealing.plain } else { sealing.sealed };
        if to_do == 0 {
            answer.unchanged = answer.unchanged.saturating_add(1);
            continue;
        }
        edit.set_sealed(seal);
        let (text, _) = edit.finish().map_err(about)?;
        batch.add(&store.token_path(name), text.as_bytes())?;
        changed.push(name.clone());
    }
    let verb = if seal { "seal" } else { "unseal" };
    batch.commit(|place| {
        let name = changed.get(place).map_or("-", String::as_str);
        journal::changed(verb, name, &[]);
    })?;
    answer.changed.append(&mut changed);
    Ok(())
}

fn named(desk: &Desk) -> Result<&Seal, Stop> {
    desk.store.conf.seal.as_ref().ok_or_else(|| {
        Stop::unknown("fob.conf doesn't say where the key is").remedy(
            "Add one of these lines to fob.conf, then run: fob seal --new-key\n  \
             seal = \"/root/fob-seal.key\"   (leave that file out of backups)\n  \
             seal = \"systemd-creds\"        (bound to this machine or its TPM)",
        )
    })
}

fn new_key(desk: &Desk) -> Result<(), Stop> {
    let key = SealKey::new(random()?).to_text();
    let there = |path: &str| {
        Stop::no(format!("{path}: there is a key already"))
            .remedy("To change it: fob unseal --everybody, move it away, and begin anew.")
    };
    let (path, next) = match named(desk)? {
        Seal::File(path) => {
            create_folder(path.parent().unwrap_or(path))?;
            let shown = path.display().to_string();
            if !create_file(path, key.as_bytes())? {
                return Err(there(&shown));
            }
            (shown, "Then run: fob seal --everybody")
        }
        Seal::SystemdCreds => {
            if std::path::Path::new(CREDENTIAL).exists() {
                return Err(there(CREDENTIAL));
            }
            create_folder(std::path::Path::new("/etc/fob"))?;
            encrypt(&key)?;
            let next = "Then run: systemctl enable --now fob-seal && fob seal --everybody";
            (CREDENTIAL.to_owned(), next)
        }
    };
    journal::changed("seal", "-", &[("key", &path)]);
    if desk.json {
        return say_json(&serde_json::json!({ "key": path }));
    }
    say(&format!("The key is made: {path}"))?;
    remark(&format!(
        "Whoever loses it loses all that is sealed: keep a copy, apart from the backups of\n\
         token files. {next}"
    ));
    Ok(())
}

/// The key goes through a pipe, and is never on the disk in the clear.
fn encrypt(key: &str) -> Result<(), Stop> {
    let failed = |what: String| {
        Stop::unknown(format!("systemd-creds {what}"))
            .remedy("It comes with systemd 250 and later; else let `seal` name a file.")
    };
    let mut child = Command::new("systemd-creds")
        .args(["encrypt", "--name=fob-seal", "-", CREDENTIAL])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .map_err(|error| failed(format!("can't be run: {error}")))?;
    let written = child
        .stdin
        .take()
        .map(|mut pipe| pipe.write_all(key.as_bytes()));
    let status = child.wait().map_err(|error| failed(error.to_string()))?;
    match written {
        Some(Ok(())) if status.success() => Ok(()),
        _ => Err(failed("failed".into())),
    }
}
