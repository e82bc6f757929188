//! Many people at once, from a CSV file.
//!
//! First everything is checked; one wrong line, and nothing is written. Then the letters
//! are made durable, then the token files, so that nobody is ever enrolled with a secret
//! that nobody was shown. The report comes last, and says that all went well.

use std::path::Path;

use fob_core::format::FreshLedger;
use fob_core::{Counter, Ledger, Token};
use fob_store::{Account, Batch, LedgerFile, NewCodes, Store, create_folder, now};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use zeroize::Zeroizing;

use super::folder::Letters;
use super::letters::{Letter, Sheet};
use super::roster::{Person, Roster, Unassigned};
use super::rows::Row;
use super::wish::Format;
use super::{Wish, rows};
use crate::output::{count, remark, say, say_json};
use crate::stock::Stock;
use crate::stop::Stop;
use crate::table::{Table, csv_line};
use crate::token_edit::{Edit, Folder};
use crate::verbs::{Desk, no_room, token_is_blocked};
use crate::{journal, parallel, people};

/// How many people are made before they are written: what is in memory at a time.
const GROUP: usize = 128;

#[derive(Serialize)]
struct Answer<'a> {
    enrolled: Vec<Enrolled>,
    skipped: &'a [String],
    /// The serials of tokens that went into the stock.
    stock: Vec<&'a str>,
    letters: Option<String>,
}

/// Who got what.
#[derive(Serialize)]
struct Enrolled {
    user: String,
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    serial: Option<String>,
    confirmed: bool,
    recovery: bool,
    /// The file of the letter.
    file: Option<String>,
}

/// What is written for a person.
struct Made {
    token_file: Zeroizing<String>,
    sheets: Vec<Sheet>,
    enrolled: Vec<Enrolled>,
}

pub(super) fn run(desk: &Desk, wish: &Wish, path: &Path) -> Result<(), Stop> {
    wish.letters.as_deref().map_or(Ok(()), Letters::check)?;
    let mut problems = rows::Problems::default();
    let rows = rows::read(path, wish, &mut problems)?;
    create_folder(&desk.store.conf.tokens)?;
    create_folder(&desk.store.conf.state)?;
    let stock = rows.iter().any(Row::is_for_stock);
    let stock = stock.then(|| Stock::open(&desk.store)).transpose()?;
    let folder = Folder::lock(&desk.store)?;
    let places = (&folder, stock.as_ref());
    let roster = Roster::check(&desk.store, places, wish, rows, problems, path)?;
    if wish.letters.is_none() && roster.has_secrets(wish) {
        let what = "nobody would ever see the new secrets or recovery codes";
        return Err(
            Stop::unknown(what).remedy("Add --letters DIR, or for given secrets --no-recovery.")
        );
    }
    let enrolled = write(desk, wish, &folder, &roster.people)?;
    drop(folder);
    stock.map_or(Ok(()), |stock| put(&stock, &roster.unassigned))?;
    answer(desk, wish, enrolled, &roster)
}

fn put(stock: &Stock, unassigned: &[Unassigned]) -> Result<(), Stop> {
    for Unassigned { serial, token, .. } in unassigned {
        stock.put(serial, token, false)?;
        journal::changed("enroll", "-", &[("serial", serial), ("stock", "yes")]);
    }
    Ok(())
}

fn write(
    desk: &Desk,
    wish: &Wish,
    folder: &Folder,
    people: &[Person],
) -> Result<Vec<Enrolled>, Stop> {
    let store = &desk.store;
    let format = wish.format.unwrap_or(Format::Html);
    let letters = wish.letters.as_deref().filter(|_| !people.is_empty());
    let mut letters = letters
        .map(|path| Letters::begin(path, format))
        .transpose()?;
    let mut batch = Batch::begin(&store.conf.tokens)?;
    let mut enrolled = Vec::new();
    let bar = progress(people.len());
    for group in people.chunks(GROUP) {
        let work = |store: &Store, person: &Person| make(store, folder, wish, format, person);
        let made = parallel::for_each(store, group, work);
        for (person, made) in group.iter().zip(made) {
            let made = made.map_err(|stop| about(person, stop))?;
            for Sheet { file, content } in &made.sheets {
                letters
                    .as_mut()
                    .map_or(Ok(()), |folder| folder.append(file, content))?;
            }
            batch.add(
                &store.token_path(&person.account.name),
                made.token_file.as_bytes(),
            )?;
            enrolled.push(made.enrolled);
            bar.inc(1);
        }
    }
    letters.as_mut().map_or(Ok(()), Letters::keep)?;
    make_ledgers(store, people)?;
    batch.commit(|place| enrolled.get(place).into_iter().flatten().for_each(log))?;
    bar.finish_and_clear();
    let enrolled: Vec<Enrolled> = enrolled.into_iter().flatten().collect();
    letters.map_or(Ok(()), |mut folder| folder.report(&report(&enrolled)))?;
    Ok(enrolled)
}

/// Everything for a person, not yet written.
fn make(
    store: &Store,
    folder: &Folder,
    wish: &Wish,
    format: Format,
    person: &Person,
) -> Result<Made, Stop> {
    let name = &person.account.name;
    let mut edit = Edit::one_of_many(folder, store, name)?;
    let codes = if person.is_new && !wish.no_recovery {
        let codes = NewCodes::make()?;
        edit.set_recovery(&codes.set)?;
        Some(codes)
    } else {
        None
    };
    let (mut sheets, mut enrolled) = (Vec::new(), Vec::new());
    for (place, plan) in person.plans.iter().enumerate() {
        edit.add(&plan.token)?;
        let letter = Letter {
            name,
            plan,
            codes: codes.as_ref().filter(|_| place == 0),
            is_first: place == 0,
        };
        let own = match wish.letters {
            Some(_) => letter.sheets(format)?,
            None => Vec::new(),
        };
        enrolled.push(Enrolled {
            user: name.clone(),
            id: plan.token.id.clone(),
            kind: plan.token.kind.name(),
            serial: plan.token.serial.clone(),
            confirmed: false,
            recovery: letter.codes.is_some(),
            file: own.first().map(|sheet| sheet.file.clone()),
        });
        sheets.extend(own);
    }
    let (token_file, _) = edit.finish()?;
    Ok(Made {
        token_file,
        sheets,
        enrolled,
    })
}

/// Where a missing ledger is refused, those who are new need one. Elsewhere the first login
/// makes it, unless something was spent of what somebody gets.
fn make_ledgers(store: &Store, people: &[Person]) -> Result<(), Stop> {
    let refuse = store.conf.fresh_ledger == FreshLedger::Refuse;
    for person in people {
        let spent: Vec<_> = person.spent().collect();
        if refuse || !spent.is_empty() {
            let account = &person.account;
            let ledger = Ledger::new(people::owner(account));
            LedgerFile::create(&store.ledger_path(account.uid), &ledger)?;
            spend(store, account, &spent)?;
        }
    }
    Ok(())
}

/// Durable before the token files are: no login may come first.
fn spend(store: &Store, account: &Account, spent: &[(&Token, Counter)]) -> Result<(), Stop> {
    let Some((mut file, mut ledger)) = people::ledger(store, account)? else {
        return Ok(());
    };
    let enrolled = store.tokens(&account.name)?.unwrap_or_default().tokens;
    for (token, floor) in spent {
        ledger.make_room(&enrolled, &now());
        if !ledger.vouch_floor(token, *floor, None, &now()) {
            return Err(no_room(&account.name, token));
        }
    }
    if spent.is_empty() {
        return Ok(());
    }
    Ok(file.settle(&ledger)?)
}

fn log(enrolled: &Enrolled) {
    let recovery = if enrolled.recovery { "new" } else { "-" };
    journal::changed(
        "enroll",
        &enrolled.user,
        &[
            ("token", &enrolled.id),
            ("type", enrolled.kind),
            ("confirmed", "no"),
            ("recovery", recovery),
        ],
    );
}

fn about(person: &Person, mut stop: Stop) -> Stop {
    let name = &person.account.name;
    stop.what = format!("{name}: {}; nobody was enrolled", stop.what);
    stop
}

/// On a terminal only.
fn progress(people: usize) -> ProgressBar {
    let bar = ProgressBar::new(u64::try_from(people).unwrap_or_default());
    let style = ProgressStyle::with_template("{bar:40} {pos} of {len} people");
    style.map_or_else(|_| ProgressBar::hidden(), |style| bar.with_style(style))
}

fn report(enrolled: &[Enrolled]) -> String {
    let mut text = csv_line(&["name", "id", "type", "serial", "confirmed", "file"]);
    for one in enrolled {
        let or_empty = |text: &Option<String>| text.clone().unwrap_or_default();
        text.push_str(&csv_line(&[
            &one.user,
            &one.id,
            one.kind,
            &or_empty(&one.serial),
            "no",
            &or_empty(&one.file),
        ]));
    }
    text
}

fn answer(desk: &Desk, wish: &Wish, enrolled: Vec<Enrolled>, roster: &Roster) -> Result<(), Stop> {
    let (skipped, unassigned) = (&roster.skipped, &roster.unassigned);
    let letters = wish.letters.as_ref().filter(|_| !enrolled.is_empty());
    let letters = letters.map(|path| path.display().to_string());
    if desk.json {
        return say_json(&Answer {
            enrolled,
            skipped,
            stock: unassigned.iter().map(|one| one.serial.as_str()).collect(),
            letters,
        });
    }
    let mut table = Table::new(&["NAME", "TOKEN", "TYPE", "RECOVERY CODES"]);
    for one in &enrolled {
        let recovery = if one.recovery { "new" } else { "-" };
        table.add(&[&one.user, &one.id, one.kind, recovery]);
    }
    if !enrolled.is_empty() {
        say(table.to_text().trim_end())?;
    }
    let number = |length: usize, what| count(u64::try_from(length).unwrap_or_default(), what);
    let mut end = format!("{} enrolled", number(enrolled.len(), "token"));
    if !skipped.is_empty() {
        end.push_str(&format!(", {} passed over", number(skipped.len(), "name")));
    }
    if !unassigned.is_empty() {
        end.push_str(&format!(
            ", {} put in stock",
            number(unassigned.len(), "token")
        ));
    }
    remark(&format!("{end}."));
    for person in &roster.people {
        let blocked = person
            .spent()
            .filter(|(_, floor)| *floor == Ledger::BLOCKED);
        blocked.for_each(|(token, _)| remark(&token_is_blocked(&person.account.name, &token.id)));
    }
    if let Some(letters) = letters {
        remark(&format!(
            "The letters in {letters} hold every secret: hand them out, then delete them."
        ));
    }
    Ok(())
}
