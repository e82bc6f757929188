//! Ledgers first, then the token files, then the stock: a crash in between leaves nothing
//! that could be used without what is spent.

use fob_core::{Counter, Pin, RecoverySet};
use fob_import::detect::Format;
use fob_store::{Batch, Store, create_folder, now, random};
use indicatif::{ProgressBar, ProgressStyle};
use zeroize::Zeroizing;

use super::plan::{Person, Plan};
use crate::stock::Stock;
use crate::stop::Stop;
use crate::token_edit::{Edit, Folder};
use crate::verbs::{Desk, no_room};
use crate::{journal, parallel, people};

/// How many people are made before they are written: what is in memory at a time.
const GROUP: usize = 128;

pub(super) fn create_folders(desk: &Desk) -> Result<(), Stop> {
    create_folder(&desk.store.conf.tokens)?;
    Ok(create_folder(&desk.store.conf.state)?)
}

/// Writes everything.
///
/// # Errors
/// Something couldn't be written; the token files are as they were, unless the folder failed
/// in the middle of giving them their names.
pub(super) fn all(
    desk: &Desk,
    folder: &Folder,
    stock: Option<&Stock>,
    plan: &Plan,
    format: Format,
) -> Result<(), Stop> {
    let store = &desk.store;
    let mut batch = Batch::begin(&store.conf.tokens)?;
    let bar = progress(plan.people.len());
    for group in plan.people.chunks(GROUP) {
        let work = |store: &Store, person: &Person| make(store, folder, person);
        for (person, made) in group.iter().zip(parallel::for_each(store, group, work)) {
            let name = &person.account.name;
            let (text, was_there) = made.map_err(|stop| about(name, stop))?;
            spend(store, person, was_there).map_err(|stop| about(name, stop))?;
            batch.add(&store.token_path(name), text.as_bytes())?;
            bar.inc(1);
        }
    }
    batch.commit(|place| {
        plan.people
            .get(place)
            .into_iter()
            .for_each(|person| log(person, format));
    })?;
    bar.finish_and_clear();
    let Some(stock) = stock.filter(|_| !plan.stock.is_empty()) else {
        return Ok(());
    };
    stock.put_all(&plan.stock)?;
    for (serial, _) in &plan.stock {
        journal::changed(
            "import",
            "-",
            &[
                ("serial", serial),
                ("stock", "yes"),
                ("from", format.name()),
            ],
        );
    }
    Ok(())
}

/// A person's new token file, and whether there was one before.
fn make(
    store: &Store,
    folder: &Folder,
    person: &Person,
) -> Result<(Zeroizing<String>, bool), Stop> {
    let mut edit = Edit::one_of_many(folder, store, &person.account.name)?;
    for import in &person.imports {
        edit.add(&import.token)?;
    }
    if let Some(set) = scratch(person) {
        edit.set_scratch(&set)?;
    }
    if let Some(pin) = &person.pin {
        let pin = Pin::new(pin.as_bytes(), random()?);
        edit.set_pin(pin.as_ref())?;
    }
    let (text, _) = edit.finish()?;
    Ok((text, edit.was_there))
}

/// The scratch codes as the token file keeps them, if there are any.
fn scratch(person: &Person) -> Option<RecoverySet> {
    let (codes, secret) = person.scratch()?;
    Some(RecoverySet::of_scratch(&codes, secret))
}

/// Writes down what is spent, before anybody can use the rest.
fn spend(store: &Store, person: &Person, was_there: bool) -> Result<(), Stop> {
    let now = now();
    let (mut file, mut ledger) = people::ledger_or_new(store, &person.account, was_there)?;
    let enrolled: Vec<_> = person
        .imports
        .iter()
        .map(|import| import.token.clone())
        .collect();
    let before = store.tokens(&person.account.name)?.unwrap_or_default();
    let mut changed = false;
    if person.spent_scratch != 0 {
        let set = scratch(person);
        set.iter()
            .for_each(|set| ledger.spend_codes(set, person.spent_scratch, &before));
        changed = true;
    }
    let all: Vec<_> = before.tokens.into_iter().chain(enrolled).collect();
    for import in &person.imports {
        let used = import.used;
        if used.floor.is_none() && used.drift == 0 {
            continue;
        }
        let floor = used.floor.unwrap_or(Counter(0));
        ledger.make_room(&all, &now);
        if !ledger.vouch_floor(&import.token, floor, Some(used.drift), &now) {
            return Err(no_room(&person.account.name, &import.token));
        }
        changed = true;
    }
    if changed {
        file.settle(&ledger)?;
    }
    Ok(())
}

fn log(person: &Person, format: Format) {
    for import in &person.imports {
        let weak = if import.token.secret.is_strong() {
            "no"
        } else {
            "yes"
        };
        journal::changed(
            "import",
            &person.account.name,
            &[
                ("token", &import.token.id),
                ("type", import.token.kind.name()),
                ("from", format.name()),
                ("weak", weak),
            ],
        );
    }
}

fn about(name: &str, mut stop: Stop) -> Stop {
    stop.what = format!("{name}: {}; nothing was imported", stop.what);
    stop
}

/// On a terminal only.
fn progress(people: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(people).unwrap_or_default());
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} people");
    style.map_or_else(|_| ProgressBar::hidden(), |style| bar.with_style(style))
}
