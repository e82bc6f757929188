//! `fob assign`: gives a token from the stock to a person.
//!
//! What its former owner spent is spent for the next: the floor is raised first, then the
//! token is written, then it leaves the stock. Killed in between, the same command goes on.

use clap::Args;
use fob_core::{Day, Kind, Ledger, Token};
use fob_store::{Account, create_folder, now};
use serde::Serialize;

use crate::output::{plain, remark, say, say_json, time};
use crate::owners::{Owner, Owners};
use crate::spent::Spent;
use crate::stock::Stock;
use crate::stop::Stop;
use crate::token_edit::Edit;
use crate::verbs::{Desk, give_back, no_room};
use crate::{journal, people};

/// What is wished.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fob assign --list              what is in stock\n  \
    fob assign 2601443 alice       hers from now on\n  \
    fob revoke alice --id fob-2601443 --to-stock   she gave it back")]
pub(crate) struct Wish {
    /// What the maker printed on the token
    #[arg(value_name = "SERIAL", required_unless_present = "list")]
    serial: Option<String>,
    /// The person's login name
    #[arg(value_name = "NAME", required_unless_present = "list")]
    name: Option<String>,
    /// What to call it [default: as in the stock]
    #[arg(long)]
    id: Option<String>,
    /// Show what is in stock
    #[arg(long, conflicts_with_all = ["serial", "name", "id"])]
    list: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    id: &'a str,
    serial: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    /// The lowest counter or step that counts.
    floor: u64,
    blocked: bool,
    /// Whether its last day is over.
    expired: bool,
}

#[derive(Serialize)]
struct List {
    stock: Vec<Kept>,
}

#[derive(Serialize)]
struct Kept {
    serial: String,
    #[serde(rename = "type")]
    kind: Option<&'static str>,
    digits: Option<usize>,
    /// Whether its last day is over.
    expired: Option<bool>,
    error: Option<String>,
}

pub(super) fn run(desk: &Desk, wish: &Wish) -> Result<(), Stop> {
    match (&wish.serial, &wish.name) {
        (Some(serial), Some(name)) => assign(desk, serial, name, wish.id.as_deref()),
        _ => list(desk),
    }
}

fn assign(desk: &Desk, serial: &str, name: &str, id: Option<&str>) -> Result<(), Stop> {
    let account = people::known(name)?;
    let user = account.name.as_str();
    let stock = Stock::open(&desk.store)?;
    let mut token = find(&stock, serial)?;
    if let Some(id) = id {
        token.id = id.into();
    }
    create_folder(&desk.store.conf.tokens)?;
    create_folder(&desk.store.conf.state)?;
    let mut edit = Edit::begin(&desk.store, user)?;
    let twin = |other: &&Token| other.secret.bytes() == token.secret.bytes();
    let written = edit.before.tokens.iter().find(twin).cloned();
    let ledger = if let Some(token) = &written {
        // By an earlier attempt, which raised the floor before.
        let ledger = people::ledger(&desk.store, &account)?.map(|(_, ledger)| ledger);
        stock.remove(serial)?;
        let ledger = ledger.unwrap_or_else(|| Ledger::new(people::owner(&account)));
        journal::changed("assign", user, &[("token", &token.id), ("serial", serial)]);
        ledger
    } else {
        check_owners(desk, serial, user, &token)?;
        edit.add(&token)?;
        let ledger = raise_floor(desk, &account, &edit, &token)?;
        edit.write()?;
        stock.remove(serial)?;
        journal::changed("assign", user, &[("token", &token.id), ("serial", serial)]);
        ledger
    };
    answer(
        desk,
        user,
        serial,
        written.as_ref().unwrap_or(&token),
        &ledger,
    )
}

fn find(stock: &Stock, serial: &str) -> Result<Token, Stop> {
    let token = stock.find(serial)?.ok_or_else(|| {
        Stop::no(format!("there is no token {serial} in stock"))
            .remedy("To see what there is, run: fob assign --list")
    })?;
    if token.disabled {
        let what = format!("{}: somebody is still giving it back", stock.path(serial));
        return Err(Stop::no(what).remedy(
            "Run that fob revoke --to-stock again. If it finds no such token any more, take \
             `disabled` out of the file.",
        ));
    }
    Ok(token)
}

/// Nobody shares a token.
fn check_owners(desk: &Desk, serial: &str, name: &str, token: &Token) -> Result<(), Stop> {
    let owners = Owners::read(&desk.store)?;
    owners.warn();
    let Some(Owner { name, id, .. }) = owners.other_than(name, token) else {
        return Ok(());
    };
    let what = format!("{name} has this token, as {id:?}");
    let remedy = format!("To take it out of the stock, run: fob assign {serial} {name}");
    Err(Stop::no(what).remedy(remedy))
}

/// Durable before the token is written: no login may come first.
fn raise_floor(
    desk: &Desk,
    account: &Account,
    edit: &Edit<'_>,
    token: &Token,
) -> Result<Ledger, Stop> {
    let now = now();
    let spent = Spent::read(&desk.store)?;
    spent.warn();
    let floor = match token.kind {
        Kind::Hotp { counter } | Kind::Yubico { counter, .. } => counter,
        Kind::Totp { .. } => give_back::fresh(desk, token)?,
    };
    let floor = floor.max(spent.floor_from_stock(token));
    let (mut file, mut ledger) = people::ledger_or_new(&desk.store, account, edit.was_there)?;
    ledger.make_room(&edit.before.tokens, &now);
    if !ledger.vouch_floor(token, floor, None, &now) {
        return Err(no_room(&account.name, token));
    }
    file.settle(&ledger)?;
    Ok(ledger)
}

fn answer(
    desk: &Desk,
    user: &str,
    serial: &str,
    token: &Token,
    ledger: &Ledger,
) -> Result<(), Stop> {
    let id = token.id.as_str();
    let floor = ledger.floor(token);
    let blocked = floor == Ledger::BLOCKED;
    let over = over(token);
    if desk.json {
        return say_json(&Answer {
            user,
            id,
            serial,
            kind: token.kind.name(),
            floor: floor.0,
            blocked,
            expired: over.is_some(),
        });
    }
    say(&format!(
        "The token {serial} is {user}'s now, called {id:?}."
    ))?;
    if let Some(day) = over {
        remark(&format!(
            "It expired after {day} and lets nobody in. Give {user} another, and run:\n  \
             fob revoke {user} --id {id}"
        ));
    }
    match token.kind {
        // A ledger never takes a floor back by itself.
        Kind::Hotp { counter } | Kind::Yubico { counter, .. } if blocked => remark(&format!(
            "{user} had it before, and gave it back. Before it counts again, run:\n  \
             fob repair {user} --counter {id}={counter}"
        )),
        Kind::Hotp { .. } | Kind::Yubico { .. } => {}
        Kind::Totp { period, t0 } => {
            let second = floor.0.saturating_mul(period.seconds()).saturating_add(t0);
            let from = time(second).unwrap_or_default();
            remark(&format!("Codes that it shows before {from} don't count."));
        }
    }
    Ok(())
}

/// The last day of a token, if that is over.
fn over(token: &Token) -> Option<Day> {
    token.expires.filter(|day| now().unix >= day.end())
}

fn list(desk: &Desk) -> Result<(), Stop> {
    let tokens = Stock::open(&desk.store)?.list()?;
    if desk.json {
        let kept = tokens.into_iter().map(|(serial, token)| {
            let found = token.as_ref().ok();
            Kept {
                kind: found.map(|token| token.kind.name()),
                digits: found.map(|token| token.digits.count()),
                expired: found.map(|token| over(token).is_some()),
                error: token.err(),
                serial,
            }
        });
        return say_json(&List {
            stock: kept.collect(),
        });
    }
    if tokens.is_empty() {
        let stock = desk.store.conf.stock.display();
        return say(&format!("Nothing is in stock ({stock})."));
    }
    for (serial, token) in &tokens {
        say(&plain(&match token {
            Ok(token) if token.disabled => format!("{serial}: being given back"),
            Ok(token) => format!(
                "{serial}: {}, {} digits{}",
                token.kind.name(),
                token.digits.count(),
                over(token).map_or_else(String::new, |day| format!(", expired after {day}"))
            ),
            Err(error) => format!("{serial}: can't be used: {error}"),
        }))?;
    }
    Ok(())
}
