//! `fob list`: everybody, in a line each.

pub(crate) mod person;

use clap::Args;
use fob_store::Account;
use serde::Serialize;

use self::person::{Person, State, seen};
use crate::everybody::Everybody;
use crate::output::{remark, say, say_json};
use crate::parallel;
use crate::stop::Stop;
use crate::table::{Table, csv_line};
use crate::verbs::Desk;

/// What is wished.
#[derive(Debug, Args)]
#[command(after_help = "Example: fob list --unused 90")]
pub(crate) struct Wish {
    /// Only these; see fob-list(1) for the states
    #[arg(long, value_enum, value_name = "STATE", hide_possible_values = true)]
    state: Option<State>,
    /// Only people without a login for so many days
    #[arg(long, value_name = "DAYS")]
    unused: Option<u64>,
    /// Only accounts that are not enrolled
    #[arg(long, conflicts_with_all = ["state", "unused"])]
    not_enrolled: bool,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

#[derive(Serialize)]
struct Answer<'a, T> {
    people: &'a [T],
}

#[derive(Serialize)]
struct Missing<'a> {
    user: &'a str,
    uid: u32,
}

pub(super) fn run(desk: &Desk, wish: &Wish) -> Result<(), Stop> {
    let everybody = Everybody::list();
    let entries = desk.store.people()?;
    if wish.not_enrolled {
        let mut names: Vec<&str> = entries.iter().filter_map(|e| e.name.as_deref()).collect();
        names.sort_unstable();
        let is_missing = |account: &&Account| names.binary_search(&account.name.as_str()).is_err();
        let missing = everybody.people()?.iter().filter(is_missing);
        return missing_people(desk, wish, &missing.collect::<Vec<_>>());
    }
    let mut people = parallel::for_each(&desk.store, &entries, |store, entry| {
        seen(store, &everybody, entry)
    });
    people.retain(|person| wish.wants(person));
    people.sort_by(|one, other| one.user.cmp(&other.user));
    if desk.json {
        say_json(&Answer { people: &people })?;
    } else if wish.csv {
        say(csv(&people).trim_end())?;
    } else {
        say(table(&people).trim_end())?;
    }
    warn(&people);
    Ok(())
}

impl Wish {
    fn wants(&self, person: &Person) -> bool {
        let in_state = self.state.is_none_or(|state| person.state == state);
        let unused = |days| person.days_unused.is_none_or(|unused| unused >= days);
        in_state && self.unused.is_none_or(unused)
    }
}

/// What is wrong with some doesn't hide the others, but is told.
fn warn(people: &[Person]) {
    let damaged = people
        .iter()
        .filter(|person| person.state == State::Damaged);
    let damaged = damaged.count();
    if damaged > 0 {
        let people = if damaged == 1 {
            "person's files"
        } else {
            "people's files"
        };
        remark(&format!(
            "fob: warning: {damaged} {people} can't be used; see: fob list --state damaged"
        ));
    }
}

fn table(people: &[Person]) -> String {
    let mut table = Table::new(&[
        "NAME",
        "STATE",
        "TOKENS",
        "LAST SUCCESS",
        "DAYS",
        "RECOVERY",
        "PROBLEM",
    ]);
    for person in people {
        let last = person.last_success.as_deref().unwrap_or("never");
        table.add(&[
            &person.user,
            person.state.word(),
            &person.tokens_text(),
            last,
            &number(person.days_unused),
            &number(person.recovery_left),
            person.problem.as_deref().unwrap_or_default(),
        ]);
    }
    table.to_text()
}

fn number<T: ToString>(number: Option<T>) -> String {
    number.map_or_else(|| "-".into(), |number| number.to_string())
}

fn csv(people: &[Person]) -> String {
    let mut text = csv_line(&[
        "name",
        "uid",
        "tokens",
        "state",
        "last_success",
        "days_unused",
        "recovery_left",
        "problem",
    ]);
    for person in people {
        let empty = |text: Option<String>| text.unwrap_or_default();
        text.push_str(&csv_line(&[
            &person.user,
            &empty(person.uid.map(|uid| uid.to_string())),
            &person.tokens_text(),
            person.state.word(),
            &empty(person.last_success.clone()),
            &empty(person.days_unused.map(|days| days.to_string())),
            &empty(person.recovery_left.map(|left| left.to_string())),
            &empty(person.problem.clone()),
        ]));
    }
    text
}

fn missing_people(desk: &Desk, wish: &Wish, accounts: &[&Account]) -> Result<(), Stop> {
    if desk.json {
        let people: Vec<Missing<'_>> = accounts
            .iter()
            .map(|account| Missing {
                user: &account.name,
                uid: account.uid,
            })
            .collect();
        return say_json(&Answer { people: &people });
    }
    let mut lines = csv_line(&["name", "uid"]);
    let mut table = Table::new(&["NAME", "UID"]);
    for account in accounts {
        let uid = account.uid.to_string();
        lines.push_str(&csv_line(&[&account.name, &uid]));
        table.add(&[&account.name, &uid]);
    }
    let text = if wish.csv { lines } else { table.to_text() };
    say(text.trim_end())
}
