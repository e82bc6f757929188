//! `fob revoke --to-stock`: a key fob that somebody gives back, kept for somebody else.
//!
//! The next person's ledger knows nothing of what was spent. So the counter that comes next
//! goes into the stock with the token; and since a login may be under way that still sees
//! the token, it is blocked in the former owner's ledger. Killed at any moment: the token in
//! the stock is *held* until all is done, and the same command goes on where it was.

use fob_core::{Counter, Kind, Ledger, Token, step};
use fob_store::{Account, now, shell_word};
use serde::Serialize;

use crate::output::{say, say_json};
use crate::stock::Stock;
use crate::stop::Stop;
use crate::token_edit::Edit;
use crate::verbs::repair::BEYOND_WINDOW;
use crate::verbs::{Desk, no_room};
use crate::{journal, people};

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    id: &'a str,
    /// The serial it has in the stock.
    stock: &'a str,
    /// How many tokens are left.
    tokens: usize,
    enrolled: bool,
}

pub(super) fn run(desk: &Desk, name: &str, id: &str) -> Result<(), Stop> {
    let account = people::known(name)?;
    let stock = Stock::open(&desk.store)?;
    let edit = Edit::begin(&desk.store, name)?;
    let mut token = people::token(&edit.before, name, id)?.clone();
    let Some(serial) = token.serial.clone() else {
        return Err(
            Stop::unknown(format!("{name}'s token {id:?} has no serial"))
                .remedy("The stock goes by serials: write one into the token file first."),
        );
    };
    let held = held(&stock, &serial, &token)?;

    let (mut ledger_file, mut ledger) = people::ledger_or_new(&desk.store, &account, true)?;
    token.kind = next(desk, &account, &token, &ledger, held.as_ref())?;
    token.disabled = false;
    stock.put(&serial, &token, true)?;
    if !token.kind.is_timed() {
        ledger.make_room(&edit.before.tokens, &now());
        if !ledger.block(&token, &now()) {
            stock.remove(&serial)?;
            return Err(no_room(name, &token));
        }
        ledger_file.settle(&ledger)?;
    }
    let tokens = take(edit, id).map_err(|stop| half_done(stop, name, &token))?;
    stock.put(&serial, &token, false)?;
    drop(ledger_file);
    journal::changed(
        "revoke",
        name,
        &[("token", id), ("serial", &serial), ("stock", "yes")],
    );
    if desk.json {
        return say_json(&Answer {
            user: name,
            id,
            stock: &serial,
            tokens,
            enrolled: true,
        });
    }
    say(&format!(
        "{name}'s token {id:?} is in the stock. To give it to somebody: fob assign {} NAME",
        shell_word(&serial)
    ))
}

/// Takes the token out of the token file; says how many are left.
fn take(mut edit: Edit<'_>, id: &str) -> Result<usize, Stop> {
    edit.remove(id)?;
    let tokens = edit.len();
    edit.write()?;
    Ok(tokens)
}

/// The same, with how it stands: it goes on where it was.
fn half_done(stop: Stop, name: &str, token: &Token) -> Stop {
    let id = &token.id;
    let stands = if token.kind.is_timed() {
        format!("{name} still has the token {id:?}.")
    } else {
        format!("{name}'s token {id:?} is blocked meanwhile, and lets nobody in.")
    };
    let again = format!(
        "{stands}\n     To go on, run again: fob revoke {} --id {} --to-stock",
        shell_word(name),
        shell_word(id)
    );
    let remedy = match &stop.remedy {
        Some(remedy) => format!("{remedy}\n     {again}"),
        None => again,
    };
    stop.remedy(remedy)
}

/// What an earlier attempt left in the stock.
fn held(stock: &Stock, serial: &str, token: &Token) -> Result<Option<Token>, Stop> {
    let Some(other) = stock.find(serial)? else {
        return Ok(None);
    };
    if other.disabled && other.key() == token.key() {
        return Ok(Some(other));
    }
    let what = format!(
        "the stock has a token {serial} already: {}",
        stock.path(serial)
    );
    Err(Stop::unknown(what).remedy("Find out which of the two it is, and remove that file or not."))
}

/// Where the next person begins.
fn next(
    desk: &Desk,
    account: &Account,
    token: &Token,
    ledger: &Ledger,
    held: Option<&Token>,
) -> Result<Kind, Stop> {
    let floor = ledger.floor(token);
    match token.kind {
        // Blocked by an earlier attempt, which wrote down where it stood.
        Kind::Hotp { .. } | Kind::Yubico { .. } if floor == Ledger::BLOCKED => {
            held.map(|held| held.kind).ok_or_else(|| {
                let (user, id) = (&account.name, &token.id);
                Stop::no(format!(
                    "{user}'s token {id:?} is blocked: nobody knows its counter"
                ))
                .remedy(format!(
                    "Find out its counter N, and run: fob repair {user} --counter {id}=N",
                    user = shell_word(user),
                    id = shell_word(id)
                ))
            })
        }
        Kind::Hotp { .. } => Ok(Kind::Hotp { counter: floor }),
        Kind::Yubico { private_id, .. } => Ok(Kind::Yubico {
            private_id,
            counter: floor,
        }),
        Kind::Totp { .. } if floor > fresh(desk, token)? => {
            let what = format!(
                "{:?} has a clock that is far ahead: codes of a later time are spent",
                token.id
            );
            Err(Stop::no(what).remedy("Revoke it without --to-stock."))
        }
        kind @ Kind::Totp { .. } => Ok(kind),
    }
}

/// TOTP: the first step that nobody can have spent by now.
///
/// # Errors
/// The machine's clock was never set.
pub(super) fn fresh(desk: &Desk, token: &Token) -> Result<Counter, Stop> {
    let now = now();
    let Kind::Totp { period, t0 } = token.kind else {
        return Ok(Counter(0));
    };
    if !now.clock_is_set() {
        return Err(Stop::unknown("this machine's clock was never set")
            .remedy("Set it first: which steps are past goes by it."));
    }
    let step = step(now.unix, t0, period).map_or(0, |step| step.0);
    let beyond = u64::from(desk.store.conf.policy.window).saturating_add(BEYOND_WINDOW);
    Ok(Counter(step.saturating_add(beyond)))
}
