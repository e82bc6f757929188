//! `fob bypass`: a temporary code that an administrator reads out over the phone.
//!
//! It is kept in the person's ledger, where its uses are counted, and only as a digest.

use std::time::Duration;

use clap::Args;
use fob_core::{Bypass, Ledger, Standing};
use fob_store::{Account, now, random, shell_word};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::output::{count, remark, say, say_json, time};
use crate::stop::Stop;
use crate::verbs::Desk;
use crate::{journal, people};

/// What is wished.
#[derive(Debug, Args)]
#[command(after_help = "Example: fob bypass alice --for 2h")]
pub(crate) struct Wish {
    /// The person's login name
    #[arg(value_name = "NAME")]
    name: String,
    /// How long it holds: 15m, 2h; a week at most
    #[arg(long = "for", value_name = "TIME", default_value = "1h", value_parser = lifetime)]
    lifetime: Duration,
    /// How often it lets in
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=20))]
    uses: u8,
    /// Take the code back
    #[arg(long, conflicts_with_all = ["lifetime", "uses"])]
    end: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    /// The code; none if it was taken back.
    code: Option<&'a str>,
    uses: u8,
    expires: Option<String>,
}

pub(super) fn run(desk: &Desk, wish: &Wish) -> Result<(), Stop> {
    let (account, file) = people::enrolled(&desk.store, &wish.name)?;
    if wish.end {
        return end(desk, &account);
    }
    let user = account.name.as_str();
    if file.disabled {
        return Err(Stop::no(format!(
            "{user} is disabled, so no code would let {user} in"
        ))
        .remedy(format!("Run: fob enable {user}", user = shell_word(user))));
    }
    let now = now();
    if !now.clock_is_set() {
        return Err(Stop::unknown("this machine's clock was never set")
            .remedy("Set it: nobody could tell when the code ends."));
    }
    let by = journal::by();
    let draw = u64::from_be_bytes(random()?);
    let seconds = wish.lifetime.as_secs();
    let (bypass, code) = Bypass::new(draw, random()?, &now, seconds, wish.uses, &by);
    let expires = time(bypass.expires()).unwrap_or_default();
    let (mut ledger_file, mut ledger) = people::ledger_or_new(&desk.store, &account, true)?;
    ledger.bypass = Some(bypass);
    ledger_file.settle(&ledger)?;
    drop(ledger_file);
    let uses = wish.uses.to_string();
    journal::changed("bypass", user, &[("uses", &uses), ("until", &expires)]);
    warn_if_locked(desk, user, ledger);
    let code = code.to_text();
    if desk.json {
        return say_json(&Answer {
            user,
            code: Some(&code),
            uses: wish.uses,
            expires: Some(expires),
        });
    }
    let (front, back) = code.split_at_checked(4).unwrap_or((&code, ""));
    say(&Zeroizing::new(format!(
        "Bypass code of {user}: {front} {back}\n\
         It lets {user} in {}, until {expires}, and is not shown again.\n\
         Be sure whom you read it out to. To take it back: fob bypass {user_word} --end",
        times(wish.uses),
        user_word = shell_word(user)
    )))
}

fn end(desk: &Desk, account: &Account) -> Result<(), Stop> {
    let user = account.name.as_str();
    let opened = people::ledger(&desk.store, account)?;
    let (mut ledger_file, mut ledger) = opened
        .filter(|(_, ledger)| ledger.bypass.is_some())
        .ok_or_else(|| Stop::no(format!("{user} has no bypass code")))?;
    ledger.bypass = None;
    ledger_file.settle(&ledger)?;
    drop(ledger_file);
    journal::changed("bypass", user, &[("uses", "0")]);
    if desk.json {
        return say_json(&Answer {
            user,
            code: None,
            uses: 0,
            expires: None,
        });
    }
    say(&format!("The bypass code of {user} is taken back."))
}

/// A bypass code is a code: who is locked out must be unlocked as well.
fn warn_if_locked(desk: &Desk, user: &str, mut ledger: Ledger) {
    let now = now();
    ledger.throttle.refresh(&now);
    let stranger = fob_core::Source::local("", u32::MAX);
    let policy = desk.store.conf.policy.throttle;
    if ledger.throttle.standing(policy, &now, stranger) == Standing::Locked {
        remark(&format!(
            "fob: warning: {user} is locked after too many failures, and this code won't help.\n\
             \x20    Run: fob unlock {user_word}",
            user_word = shell_word(user)
        ));
    }
}

fn times(uses: u8) -> String {
    match uses {
        1 => "once".into(),
        many => count(many.into(), "time"),
    }
}

fn lifetime(text: &str) -> Result<Duration, String> {
    let wrong = || "must be a time like 90s, 15m, 2h or 1d, a week at most".to_owned();
    let lifetime = humantime::parse_duration(text).map_err(|_| wrong())?;
    let fits = (1..=Bypass::MAX_SECONDS).contains(&lifetime.as_secs());
    fits.then_some(lifetime).ok_or_else(wrong)
}
