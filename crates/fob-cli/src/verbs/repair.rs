//! `fob repair`: puts a new ledger in the place of one that is damaged or lost.
//!
//! Nobody knows any more which codes were used, so every code that may have been is spent:
//! steps of TOTP up to the last that could have been accepted by now, counters of HOTP up to
//! the one that somebody vouches for, or all, and all recovery codes. The same vouching later
//! frees a blocked HOTP token.
//!
//! Nor does anybody know how far ahead the clock of a TOTP token was: as far as a ledger
//! remembers one, unless somebody vouches for that.

use fob_core::format::TokenFile;
use fob_core::{Counter, Kind, Ledger, MAX_AHEAD, MAX_WINDOW, Now, Token, step};
use fob_store::{Account, FaultKind, LedgerFile, lock_folder, now, shell_word};
use serde::Serialize;

use crate::cli::Repair;
use crate::output::{say, say_json, span, time};
use crate::stop::Stop;
use crate::verbs::{Desk, forget_revoked, no_room};
use crate::{journal, people, terminal};

/// Beyond the window: two steps of remembered drift, one to be above, one to spare.
pub(super) const BEYOND_WINDOW: u64 = 4;

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    tokens: Vec<Repaired<'a>>,
    recovery_void: bool,
}

#[derive(Serialize)]
struct Repaired<'a> {
    id: &'a str,
    floor: u64,
    blocked: bool,
}

/// How the ledger is.
enum State {
    Damaged,
    Lost,
    /// In order, but these tokens are to be freed.
    Blocked(Box<(LedgerFile, Ledger)>),
}

pub(super) fn run(desk: &Desk, wish: &Repair) -> Result<(), Stop> {
    if wish.forget_revoked {
        return forget_revoked::run(desk, wish);
    }
    let (account, file) = person(desk, &wish.name)?;
    check(&account, &file, wish)?;
    // The ledger isn't locked while a person thinks.
    let question = question(state(desk, &account, wish)?, &account, &file, wish);
    terminal::agree(&question, wish.yes)?;

    let _lock = lock_folder(&desk.store.conf.tokens)?;
    let (_, file) = person(desk, &wish.name)?;
    check(&account, &file, wish)?;
    let path = desk.store.ledger_path(account.uid);
    let (ledger, anew) = match state(desk, &account, wish)? {
        State::Damaged => {
            let mut ledger = Ledger::new(people::owner(&account));
            spend_all(&mut ledger, &file, wish)?;
            LedgerFile::replace(&path, &ledger)?;
            (ledger, true)
        }
        State::Lost => {
            // Complete from the start: were it fresh, and we killed, used codes were new.
            let mut ledger = Ledger::new(people::owner(&account));
            spend_all(&mut ledger, &file, wish)?;
            LedgerFile::create(&path, &ledger)?;
            // A login may have been faster.
            let (mut ledger_file, mut ledger) = people::ledger_or_new(&desk.store, &account, true)?;
            spend_all(&mut ledger, &file, wish)?;
            ledger_file.settle(&ledger)?;
            (ledger, true)
        }
        State::Blocked(opened) => {
            let (mut ledger_file, mut ledger) = *opened;
            free(&mut ledger, &file, wish)?;
            ledger_file.settle(&ledger)?;
            (ledger, false)
        }
    };
    journal::changed(
        "repair",
        &account.name,
        &[("ledger", if anew { "new" } else { "kept" })],
    );
    answer(desk, wish, &account.name, &file, &ledger, anew)
}

/// The person and their token file; an empty one for somebody who isn't enrolled, but whose
/// ledger is damaged: it keeps them from being enrolled.
fn person(desk: &Desk, name: &str) -> Result<(Account, TokenFile), Stop> {
    let account = people::known(name)?;
    if desk.store.tokens(&account.name)?.is_none() {
        let opened = LedgerFile::open(&desk.store.ledger_path(account.uid));
        if opened.is_err_and(|fault| fault.kind == FaultKind::StateDamaged) {
            return Ok((account, TokenFile::default()));
        }
    }
    people::enrolled(&desk.store, name)
}

/// Everything that may be used must be known, or it couldn't be spent.
fn check(account: &Account, file: &TokenFile, wish: &Repair) -> Result<(), Stop> {
    let name = &account.name;
    if let Some(refused) = file.refused.first() {
        let id = refused.id.as_deref().unwrap_or("a token without a name");
        let what = format!(
            "{id} can't be read, so its codes can't be spent: {}",
            refused.error
        );
        return Err(Stop::unknown(what).remedy("Correct it or revoke it, then repair."));
    }
    let counters = wish.counters.iter().map(|(id, _)| id);
    vouched_once("--counter", counters, name, file, |token| {
        !token.kind.is_timed()
    })?;
    let drifts = wish.drifts.iter().map(|(id, _)| id);
    vouched_once("--drift", drifts, name, file, |token| token.kind.is_timed())?;
    let timed = |token: &Token| token.kind.is_timed();
    if file.tokens.iter().any(timed) && !now().clock_is_set() {
        return Err(Stop::unknown("this machine's clock was never set")
            .remedy("Set it first: which steps are past goes by it."));
    }
    Ok(())
}

/// Each id must be that of a token of which such a thing can be said, and be there once.
fn vouched_once<'a>(
    option: &str,
    ids: impl Iterator<Item = &'a String>,
    name: &str,
    file: &TokenFile,
    fits: fn(&Token) -> bool,
) -> Result<(), Stop> {
    let mut seen = Vec::new();
    for id in ids {
        if !file
            .tokens
            .iter()
            .any(|token| token.id == *id && fits(token))
        {
            let kind = match option {
                "--counter" => "counter token",
                _ => "totp token",
            };
            return Err(
                Stop::unknown(format!("{name} has no {kind} {id:?}")).remedy(format!(
                    "To see what there is, run: fob show {name}",
                    name = shell_word(name)
                )),
            );
        }
        if seen.contains(&id) {
            return Err(Stop::unknown(format!(
                "{option} says two things about {id:?}"
            )));
        }
        seen.push(id);
    }
    Ok(())
}

fn state(desk: &Desk, account: &Account, wish: &Repair) -> Result<State, Stop> {
    let opened = match LedgerFile::open(&desk.store.ledger_path(account.uid)) {
        Ok(Some(opened)) => opened,
        Ok(None) => return Ok(State::Lost),
        Err(fault) if fault.kind == FaultKind::StateDamaged => return Ok(State::Damaged),
        Err(fault) => return Err(fault.into()),
    };
    people::check_owner(&opened.1, account)?;
    if wish.counters.is_empty() {
        let what = format!("the ledger of {} is in order", account.name);
        return Err(Stop::no(what).remedy("A blocked token is freed with --counter ID=N."));
    }
    if !wish.drifts.is_empty() {
        let what = format!(
            "the ledger of {} knows how far its clocks are off",
            account.name
        );
        return Err(Stop::no(what).remedy("Leave --drift away; to correct one: fob resync"));
    }
    Ok(State::Blocked(Box::new(opened)))
}

fn question(state: State, account: &Account, file: &TokenFile, wish: &Repair) -> String {
    if let State::Blocked(_) = state {
        return "Was no code of that counter, or of a later one, ever used?".into();
    }
    let (user, now) = (&account.name, now());
    let unknown: String = file
        .tokens
        .iter()
        .filter_map(|token| {
            let id = &token.id;
            let floor = floor(token, &now, wish);
            match (token.kind, floor) {
                (_, None) => Some(format!(
                    "{id:?} will be blocked, for want of a --counter.\n"
                )),
                (Kind::Totp { .. }, Some(floor)) if drift(token, wish).is_none() => {
                    let wait = span(second(token, floor).saturating_sub(now.unix));
                    Some(format!(
                        "{id:?} will let nobody in for {wait}, for want of a --drift.\n"
                    ))
                }
                _ => None,
            }
        })
        .collect();
    format!(
        "{} gets a new ledger in which every code that may have been used is spent.\n\
         The recovery codes will be void, failed attempts forgotten.\n{unknown}Go on?",
        user
    )
}

fn spend_all(ledger: &mut Ledger, file: &TokenFile, wish: &Repair) -> Result<(), Stop> {
    let now = now();
    for token in &file.tokens {
        let room = match floor(token, &now, wish) {
            Some(floor) => {
                ledger.make_room(&file.tokens, &now);
                ledger.vouch_floor(token, floor, drift(token, wish), &now)
            }
            None => ledger.block(token, &now),
        };
        if !room {
            return Err(no_room(&ledger.owner.name, token));
        }
    }
    ledger.void_recovery(file);
    Ok(())
}

/// Above everything that may have been used; none if nobody knows.
fn floor(token: &Token, now: &Now, wish: &Repair) -> Option<Counter> {
    match token.kind {
        Kind::Totp { period, t0 } => {
            let step = step(now.unix, t0, period).map_or(0, |step| step.0);
            let ahead = match drift(token, wish) {
                // A module's line or a long rest may have widened the window to the widest.
                Some(drift) => u64::try_from(drift)
                    .unwrap_or_default()
                    .saturating_add(MAX_WINDOW),
                None => MAX_AHEAD,
            };
            let floor = step.saturating_add(ahead);
            Some(Counter(floor.saturating_add(BEYOND_WINDOW)))
        }
        Kind::Hotp { .. } | Kind::Yubico { .. } => {
            let vouched = wish.counters.iter().find(|(id, _)| *id == token.id);
            vouched.map(|(_, next)| Counter(*next))
        }
    }
}

/// How far the clock of a TOTP token is off, in steps, if somebody vouches for it.
fn drift(token: &Token, wish: &Repair) -> Option<i32> {
    let vouched = wish.drifts.iter().find(|(id, _)| *id == token.id);
    vouched.map(|(_, drift)| *drift)
}

fn free(ledger: &mut Ledger, file: &TokenFile, wish: &Repair) -> Result<(), Stop> {
    for (id, next) in &wish.counters {
        let token = file.tokens.iter().find(|token| token.id == *id);
        if !token.is_some_and(|token| ledger.unblock(token, Counter(*next))) {
            return Err(Stop::no(format!(
                "the ledger is in order, and {id:?} is not blocked"
            )));
        }
    }
    Ok(())
}

fn answer(
    desk: &Desk,
    wish: &Repair,
    user: &str,
    file: &TokenFile,
    ledger: &Ledger,
    anew: bool,
) -> Result<(), Stop> {
    let recovery_void = anew && file.recovery.is_some();
    let tokens = file.tokens.iter().map(|token| {
        let floor = ledger.floor(token);
        Repaired {
            id: &token.id,
            floor: floor.0,
            blocked: floor == Ledger::BLOCKED,
        }
    });
    let answer = Answer {
        user,
        tokens: tokens.collect(),
        recovery_void,
    };
    if desk.json {
        return say_json(&answer);
    }
    say(&format!("The ledger of {user} is repaired."))?;
    for token in &file.tokens {
        let (id, floor) = (&token.id, ledger.floor(token));
        if floor == Ledger::BLOCKED {
            say(&format!(
                "  {id:?} is blocked. Find out a counter N that it has not reached, and run:\n    \
                 fob repair {user} --counter {id_word}=N\n  or revoke it and enrol it with a new secret.",
                user = shell_word(user),
                id_word = shell_word(id)
            ))?;
        } else {
            say(&format!(
                "  {id:?} accepts codes from {} on.",
                start(token, floor)
            ))?;
        }
        if anew && token.kind.is_timed() && drift(token, wish).is_none() {
            say(&format!(
                "  Its clock may have been so far ahead. Until then: fob bypass {user}",
                user = shell_word(user)
            ))?;
        }
    }
    if recovery_void {
        say(&format!(
            "  The recovery codes are void. For new ones, run: fob recovery {user}",
            user = shell_word(user)
        ))?;
    }
    Ok(())
}

/// When a token gets people in again.
fn start(token: &Token, floor: Counter) -> String {
    match token.kind {
        Kind::Hotp { .. } | Kind::Yubico { .. } => format!("counter {floor}"),
        Kind::Totp { .. } => time(second(token, floor)).unwrap_or_default(),
    }
}

/// When this machine's clock reaches a step of a TOTP token.
fn second(token: &Token, step: Counter) -> u64 {
    match token.kind {
        Kind::Totp { period, t0 } => step.0.saturating_mul(period.seconds()).saturating_add(t0),
        Kind::Hotp { .. } | Kind::Yubico { .. } => 0,
    }
}
