//! `fob recovery`: prints a new set of recovery codes; the old ones are void.

use fob_store::NewCodes;
use serde::Serialize;

use crate::cli::Sure;
use crate::output::{say, say_json};
use crate::recovery_codes::page;
use crate::stop::Stop;
use crate::token_edit::Edit;
use crate::verbs::Desk;
use crate::{journal, people, terminal};

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    recovery: Vec<&'a str>,
}

pub(super) fn run(desk: &Desk, wish: &Sure) -> Result<(), Stop> {
    let (account, file) = people::enrolled(&desk.store, &wish.name)?;
    let user = account.name.as_str();
    if file.recovery.is_some() {
        let question = format!("The recovery codes that {user} has will be void. Go on?");
        terminal::agree(&question, wish.yes)?;
    }
    let codes = NewCodes::make()?;
    let mut edit = Edit::begin(&desk.store, user)?;
    if !edit.was_there {
        return Err(people::not_enrolled(user));
    }
    edit.set_recovery(&codes.set)?;
    edit.write()?;
    people::await_logins(&desk.store, user);
    journal::changed(
        "recovery",
        user,
        &[("codes", &codes.texts.len().to_string())],
    );
    if desk.json {
        return say_json(&Answer {
            user,
            recovery: codes.list(),
        });
    }
    say(page(&codes, user).trim_end())
}
