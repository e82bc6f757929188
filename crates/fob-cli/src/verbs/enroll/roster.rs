//! Who is to be enrolled with what: the lines of the file, held against the user database
//! and against what is there already.

use std::collections::HashMap;
use std::path::Path;

use fob_core::format::FreshLedger;
use fob_core::{Counter, Token};
use fob_store::{Account, Store};

use super::Wish;
use super::rows::{Problems, Row};
use crate::everybody::Everybody;
use crate::owners::{Owner, Owners};
use crate::people;
use crate::plan::Plan;
use crate::spent::Spent;
use crate::stock::Stock;
use crate::stop::Stop;
use crate::token_edit::{Edit, Folder};

/// A person and their new tokens.
pub(super) struct Person {
    pub(super) account: Account,
    pub(super) plans: Vec<Plan>,
    /// Whether these are their first.
    pub(super) is_new: bool,
    /// Where each token begins: what anybody spent of it is spent.
    pub(super) floors: Vec<Counter>,
    /// The line of each plan.
    lines: Vec<u64>,
}

/// Everybody in the file.
pub(super) struct Roster {
    pub(super) people: Vec<Person>,
    /// Those who have the token already.
    pub(super) skipped: Vec<String>,
    /// Tokens that nobody gets yet.
    pub(super) unassigned: Vec<Unassigned>,
}

/// A token for the stock.
pub(super) struct Unassigned {
    pub(super) serial: String,
    pub(super) token: Token,
    line: u64,
}

impl Roster {
    /// Checks all lines.
    ///
    /// # Errors
    /// The user database failed, or something is wrong; then all of it is told.
    pub(super) fn check(
        store: &Store,
        (folder, stock): (&Folder, Option<&Stock>),
        wish: &Wish,
        rows: Vec<Row>,
        mut problems: Problems,
        path: &Path,
    ) -> Result<Self, Stop> {
        let (for_stock, rows) = rows.into_iter().partition(Row::is_for_stock);
        let mut people = group(rows, &mut problems)?;
        let mut unassigned = unassigned(for_stock, &mut problems);
        once_each(&people, &unassigned, &mut problems);
        let (owners, spent) = of_everybody(store, &people, &unassigned)?;
        unassigned.retain(|one| one.has_no_owner(&owners, wish, &mut problems));
        unassigned.retain(|one| stock.is_none_or(|stock| one.is_new(stock, wish, &mut problems)));
        for one in &mut unassigned {
            if !spent.advance(&mut one.token) {
                problems.add(
                    one.line,
                    "somebody's ledger has it blocked: nobody knows its counter",
                );
            }
        }
        let mut skipped = Vec::new();
        for person in &mut people {
            let admitted = person.admit((store, folder), (&owners, &spent), wish, &mut skipped);
            if let Err((line, stop)) = admitted {
                // What one cause made wrong is told once.
                if !problems.has(line) {
                    problems.stop(line, stop);
                }
            }
        }
        problems.end(path)?;
        people.retain(|person| !person.plans.is_empty());
        Ok(Self {
            people,
            skipped,
            unassigned,
        })
    }

    /// Whether somebody must be told something that is never shown again.
    pub(super) fn has_secrets(&self, wish: &Wish) -> bool {
        let shown = |person: &Person| person.plans.iter().any(|plan| plan.shown);
        let told = |person: &Person| person.is_new && !wish.no_recovery;
        self.people
            .iter()
            .any(|person| shown(person) || told(person))
    }
}

/// The lines by person, in the order of the file.
fn group(rows: Vec<Row>, problems: &mut Problems) -> Result<Vec<Person>, Stop> {
    let everybody = Everybody::list();
    let mut people: Vec<Person> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for row in rows {
        let Some(account) = everybody.find(&row.name)? else {
            let name = &row.name;
            problems.add(
                row.line,
                format!("this system knows nobody called {name:?}"),
            );
            continue;
        };
        let plan = match Plan::of(&row.wish, row.given) {
            Ok(plan) => plan,
            Err(stop) => {
                problems.stop(row.line, stop);
                continue;
            }
        };
        let place = *places.entry(account.name.clone()).or_insert(people.len());
        if place == people.len() {
            people.push(Person {
                account,
                plans: Vec::new(),
                is_new: false,
                floors: Vec::new(),
                lines: Vec::new(),
            });
        }
        if let Some(person) = people.get_mut(place) {
            person.plans.push(plan);
            person.lines.push(row.line);
        }
    }
    Ok(people)
}

fn unassigned(rows: Vec<Row>, problems: &mut Problems) -> Vec<Unassigned> {
    let mut all = Vec::new();
    for row in rows {
        match Plan::of(&row.wish, row.given) {
            Ok(plan) => all.push(Unassigned {
                serial: row.wish.serial.unwrap_or_default(),
                token: plan.token,
                line: row.line,
            }),
            Err(stop) => problems.stop(row.line, stop),
        }
    }
    all
}

/// Everybody's tokens, and what anybody spent; nothing unless a secret was given that somebody
/// may have or may have had.
fn of_everybody(
    store: &Store,
    people: &[Person],
    unassigned: &[Unassigned],
) -> Result<(Owners, Spent), Stop> {
    let mut plans = people.iter().flat_map(|person| &person.plans);
    if unassigned.is_empty() && plans.all(|plan| plan.is_new) {
        return Ok(Default::default());
    }
    let (owners, spent) = (Owners::read(store)?, Spent::read(store)?);
    owners.warn();
    spent.warn();
    Ok((owners, spent))
}

impl Unassigned {
    /// Whether nobody has it. Somebody may, with `--skip-enrolled`.
    fn has_no_owner(&self, owners: &Owners, wish: &Wish, problems: &mut Problems) -> bool {
        let Some(Owner { name, id, .. }) = owners.of(&self.token).first() else {
            return true;
        };
        if !wish.skip_enrolled {
            problems.add(self.line, format!("{name} has this token, as {id:?}"));
        }
        false
    }

    /// Whether it isn't in stock yet. It may be, with `--skip-enrolled`, if it is the same.
    fn is_new(&self, stock: &Stock, wish: &Wish, problems: &mut Problems) -> bool {
        match stock.find(&self.serial) {
            Ok(None) => return true,
            Ok(Some(there)) if wish.skip_enrolled && there.key() == self.token.key() => {}
            Ok(Some(_)) => {
                let what = format!("a token {:?} is in stock already", self.serial);
                problems.add(self.line, what);
            }
            Err(stop) => problems.stop(self.line, stop),
        }
        false
    }
}

/// No person has an id twice, no serial is in stock twice, and nobody has a secret that
/// somebody else has.
fn once_each(people: &[Person], unassigned: &[Unassigned], problems: &mut Problems) {
    let mut secrets: HashMap<&[u8], u64> = HashMap::new();
    let mut ids: HashMap<(&str, &str), u64> = HashMap::new();
    for person in people {
        let name = person.account.name.as_str();
        for (plan, line) in person.plans.iter().zip(&person.lines) {
            let id = plan.token.id.as_str();
            if let Some(before) = ids.insert((name, id), *line) {
                problems.add(
                    *line,
                    format!("{name} gets the token {id:?} in line {before} already"),
                );
            } else if let Some(before) = secrets.insert(plan.token.secret.bytes(), *line) {
                problems.add(*line, format!("has the secret of line {before}"));
            }
        }
    }
    let mut serials: HashMap<&str, u64> = HashMap::new();
    for one in unassigned {
        if let Some(before) = serials.insert(&one.serial, one.line) {
            problems.add(one.line, format!("has the serial of line {before}"));
        } else if let Some(before) = secrets.insert(one.token.secret.bytes(), one.line) {
            problems.add(one.line, format!("has the secret of line {before}"));
        }
    }
}

impl Person {
    /// The tokens of which something is spent, and where they begin.
    pub(super) fn spent(&self) -> impl Iterator<Item = (&Token, Counter)> {
        let tokens = self.plans.iter().map(|plan| &plan.token);
        let floors = tokens.zip(self.floors.iter().copied());
        floors.filter(|(_, floor)| *floor > Counter(0))
    }

    /// Whether the tokens may be added to what the person has.
    fn admit(
        &mut self,
        (store, folder): (&Store, &Folder),
        (owners, spent): (&Owners, &Spent),
        wish: &Wish,
        skipped: &mut Vec<String>,
    ) -> Result<(), (u64, Stop)> {
        let first = self.lines.first().copied().unwrap_or_default();
        let at_first = |stop| (first, stop);
        let name = self.account.name.clone();
        let mut edit = Edit::one_of_many(folder, store, &name).map_err(at_first)?;
        if wish.skip_enrolled {
            let lines = std::mem::take(&mut self.lines);
            let both = std::mem::take(&mut self.plans).into_iter().zip(lines);
            let (had, new): (Vec<_>, Vec<_>) = both.partition(|(plan, _)| edit.has(&plan.token.id));
            skipped.extend((!had.is_empty()).then(|| name.clone()));
            (self.plans, self.lines) = new.into_iter().unzip();
        }
        for (plan, line) in self.plans.iter().zip(&self.lines) {
            let admitted = owners.admit(&name, &plan.token);
            let added = admitted.and_then(|()| edit.add(&plan.token));
            added.map_err(|stop| (*line, stop))?;
        }
        let tokens = self.plans.iter().map(|plan| &plan.token);
        self.floors = tokens.map(|token| spent.floor(token)).collect();
        self.is_new = edit.len() == self.plans.len() && edit.before.recovery.is_none();
        let ledger = people::ledger(store, &self.account).map_err(at_first)?;
        let lost = ledger.is_none() && edit.was_there;
        if lost && store.conf.fresh_ledger == FreshLedger::Refuse {
            let what = format!("{name} has tokens and no ledger; run: fob repair {name}");
            return Err((first, Stop::unknown(what)));
        }
        Ok(())
    }
}
