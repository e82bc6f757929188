//! `fob resync`: brings a token back in step by two codes in a row (RFC 4226 section 7.4).
//! Both are spent then. The floor never falls.

use clap::Args;
use fob_core::{Attempt, Kind, Ledger, MAX_BASE, Pair, PairSearch, Token};
use fob_store::{now, shell_word};
use serde::Serialize;

use crate::output::{remark, say, say_json, span, time};
use crate::stop::Stop;
use crate::terminal::{self, Echo};
use crate::verbs::{Desk, no_room};
use crate::{journal, people};

/// How many presses ahead a counter token is looked for.
const PRESSES: u32 = 1000;
/// No search is wider: farther, two codes could be right by chance.
const MAX_RANGE: i64 = 100_000;

/// What is wished.
#[derive(Debug, Args)]
#[command(
    after_help = "Two codes in a row are asked for; both are spent then.\n\
    Example: fob resync alice fob"
)]
pub(crate) struct Wish {
    /// The person's login name
    #[arg(value_name = "NAME")]
    name: String,
    /// Which token
    #[arg(value_name = "ID")]
    id: String,
    /// How far to look [default: 1000 presses, or a day]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=MAX_RANGE))]
    range: Option<u32>,
}

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    id: &'a str,
    resynced: bool,
    /// Why not: `spent` or `not_found`.
    reason: Option<&'a str>,
    /// The lowest counter or step that still counts.
    floor: u64,
    /// How far the token's clock is off, in steps.
    drift: i32,
    /// The same in seconds.
    seconds: i64,
}

pub(super) fn run(desk: &Desk, wish: &Wish) -> Result<(), Stop> {
    let (account, file) = people::enrolled(&desk.store, &wish.name)?;
    let token = people::token(&file, &account.name, &wish.id)?;
    match token.kind {
        Kind::Totp { .. } => check_clock()?,
        Kind::Hotp { .. } => {}
        Kind::Yubico { .. } => {
            let what = format!(
                "{:?} types Yubico OTPs, and can't get out of step",
                token.id
            );
            return Err(Stop::no(what).remedy("The next one that it types lets in."));
        }
    }
    let (first, second) = ask(token)?;

    let (mut ledger_file, mut ledger) = people::ledger_or_new(&desk.store, &account, true)?;
    if ledger.floor(token) == Ledger::BLOCKED {
        let (user, id) = (&account.name, &token.id);
        let what = format!("{user}'s token {id:?} is blocked: nobody knows which codes were used");
        let remedy = format!(
            "Find out its counter N, and run: fob repair {user} --counter {id}=N",
            user = shell_word(user),
            id = shell_word(id)
        );
        return Err(Stop::unknown(what).remedy(remedy));
    }
    let now = now();
    let search = PairSearch {
        token: token.into(),
        ledger: &ledger,
        now: &now,
        range: wish.range.unwrap_or_else(|| usual_range(token)),
    };
    let done = Done {
        desk,
        user: &account.name,
        token,
    };
    match search.find(&first, &second) {
        Pair::Found { floor, drift } => {
            if !ledger.resync(&file.tokens, token, floor, drift, &now) {
                return Err(no_room(&account.name, token));
            }
            ledger_file.settle(&ledger)?;
            done.found(&ledger, drift)
        }
        Pair::Spent { second } => done.spent(&ledger, second.0),
        Pair::NotFound => done.not_found(&ledger, search.range),
    }
}

fn check_clock() -> Result<(), Stop> {
    if !now().clock_is_set() {
        return Err(Stop::unknown("this machine's clock was never set")
            .remedy("Set it first: how far the token's is off goes by it."));
    }
    if terminal::is_person() {
        let time = time(now().unix).unwrap_or_default();
        remark(&format!(
            "This machine's clock says {time}. If that is wrong, stop and set it first."
        ));
    }
    Ok(())
}

/// Two codes, without a lock: a clock token takes its time between them.
fn ask(token: &Token) -> Result<(Attempt, Attempt), Stop> {
    let next = match token.kind {
        Kind::Hotp { .. } | Kind::Yubico { .. } => "Next code: ",
        Kind::Totp { .. } => "Next code, once it changes: ",
    };
    let code = |prompt: &str| {
        let typed = terminal::ask(prompt, Echo::Shown)?;
        let typed = typed.ok_or_else(|| {
            Stop::no("two codes in a row are needed: nothing was changed")
                .remedy("A script writes them on two lines.")
        })?;
        let attempt = Attempt::parse(&typed);
        if attempt.has_code() {
            return Ok(attempt);
        }
        Err(Stop::unknown("that is no code: nothing was changed"))
    };
    Ok((code("Code: ")?, code(next)?))
}

/// A thousand presses, or a day, as far as a ledger remembers.
fn usual_range(token: &Token) -> u32 {
    match token.kind {
        Kind::Hotp { .. } | Kind::Yubico { .. } => PRESSES,
        Kind::Totp { period, .. } => {
            let day = 86_400_u64.checked_div(period.seconds()).unwrap_or(1);
            let most = u32::from(MAX_BASE.unsigned_abs());
            u32::try_from(day).unwrap_or(most).clamp(2, most)
        }
    }
}

/// Tells what came of it.
struct Done<'a> {
    desk: &'a Desk,
    user: &'a str,
    token: &'a Token,
}

impl Done<'_> {
    fn found(&self, ledger: &Ledger, drift: i32) -> Result<(), Stop> {
        let (user, id) = (self.user, self.token.id.as_str());
        let floor = ledger.floor(self.token);
        let fields = [
            ("token", id),
            ("floor", &floor.to_string()),
            ("drift", &drift.to_string()),
        ];
        journal::changed("resync", user, &fields);
        if self.desk.json {
            return self.json(ledger, None, drift);
        }
        say(&match self.token.kind {
            Kind::Hotp { .. } | Kind::Yubico { .. } => {
                format!("{user}'s token {id:?} is in step again: its next code is number {floor}.")
            }
            Kind::Totp { .. } if drift == 0 => {
                format!("{user}'s token {id:?} is in step: its clock is right.")
            }
            Kind::Totp { .. } => {
                let seconds = self.seconds(drift.into());
                let way = if drift < 0 { "slow" } else { "fast" };
                format!(
                    "{user}'s token {id:?} is in step again: its clock is {} {way}.",
                    span(seconds.unsigned_abs())
                )
            }
        })
    }

    fn spent(&self, ledger: &Ledger, second: u64) -> Result<(), Stop> {
        self.refused(ledger, "spent")?;
        let what = "these codes are spent: nothing was changed";
        let above = ledger.floor(self.token).0.saturating_sub(second);
        let remedy = match self.token.kind {
            Kind::Hotp { .. } | Kind::Yubico { .. } => {
                "Press on, and give the next two. If they are spent too, it was set back.".into()
            }
            Kind::Totp { period, .. } => {
                let wait = above.saturating_add(1).saturating_mul(period.seconds());
                format!("Give two that it shows in {} or later.", span(wait))
            }
        };
        Err(Stop::no(what).remedy(remedy))
    }

    fn not_found(&self, ledger: &Ledger, range: u32) -> Result<(), Stop> {
        self.refused(ledger, "not_found")?;
        let id = &self.token.id;
        let (within, wider) = match self.token.kind {
            Kind::Hotp { .. } | Kind::Yubico { .. } => (
                format!("within {range} presses"),
                "look farther with --range",
            ),
            Kind::Totp { .. } => {
                let most = range.min(u32::from(MAX_BASE.unsigned_abs()));
                let seconds = self.seconds(most.into()).unsigned_abs();
                (
                    format!("within {} of now", span(seconds)),
                    "set the token's clock or this machine's",
                )
            }
        };
        let what = format!("{id:?} does not show these two in a row {within}: nothing was changed");
        Err(Stop::no(what).remedy(format!(
            "Check that it is that token and that none was left out; else {wider}."
        )))
    }

    fn refused(&self, ledger: &Ledger, reason: &str) -> Result<(), Stop> {
        journal::unchanged("resync", self.user, reason, &[("token", &self.token.id)]);
        if self.desk.json {
            let drift = ledger.entry(self.token.key());
            return self.json(ledger, Some(reason), drift.map_or(0, |entry| entry.drift()));
        }
        Ok(())
    }

    fn json(&self, ledger: &Ledger, reason: Option<&str>, drift: i32) -> Result<(), Stop> {
        say_json(&Answer {
            user: self.user,
            id: &self.token.id,
            resynced: reason.is_none(),
            reason,
            floor: ledger.floor(self.token).0,
            drift,
            seconds: self.seconds(drift.into()),
        })
    }

    fn seconds(&self, steps: i64) -> i64 {
        match self.token.kind {
            Kind::Hotp { .. } | Kind::Yubico { .. } => 0,
            Kind::Totp { period, .. } => {
                steps.saturating_mul(i64::try_from(period.seconds()).unwrap_or(i64::MAX))
            }
        }
    }
}
