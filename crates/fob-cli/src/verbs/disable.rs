//! `fob disable` and `fob enable`: keep a token, or a person, from getting in, and take that
//! back. The token stays where it is, and so does its floor.

use clap::Args;
use fob_store::Account;
use serde::Serialize;

use crate::output::{remark, say, say_json};
use crate::stop::Stop;
use crate::token_edit::Edit;
use crate::verbs::Desk;
use crate::{journal, people};

/// What is wished.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fob disable alice              nobody gets in as alice\n  \
    fob disable alice --id phone   her other tokens work on\n  \
    fob enable alice --id phone    the phone was found")]
pub(crate) struct Wish {
    /// The person's login name
    #[arg(value_name = "NAME")]
    name: String,
    /// This token only; without it, the person
    #[arg(long)]
    id: Option<String>,
}

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    /// The token; none for the person.
    id: Option<&'a str>,
    disabled: bool,
    /// Whether it was otherwise before.
    changed: bool,
}

/// A token file that becomes what it was brings no remembered place back.
fn forget_places(desk: &Desk, user: &str) -> Result<(), Stop> {
    let Some(account) = Account::look_up(user)? else {
        return Ok(());
    };
    if let Ok(Some((mut file, mut ledger))) = people::ledger(&desk.store, &account) {
        ledger.forget_places();
        file.settle(&ledger)?;
    }
    Ok(())
}

pub(super) fn run(desk: &Desk, wish: &Wish, disabled: bool) -> Result<(), Stop> {
    let user = people::holder(&desk.store, &wish.name)?;
    let id = wish.id.as_deref();
    let mut edit = Edit::begin(&desk.store, &user)?;
    let changed = edit.set_disabled(id, disabled)?;
    if changed {
        let after = edit.write()?;
        people::await_logins(&desk.store, &user);
        forget_places(desk, &user)?;
        let verb = if disabled { "disable" } else { "enable" };
        journal::changed(verb, &user, &[("token", id.unwrap_or("all"))]);
        let usable = after.tokens.iter().any(|token| !token.disabled);
        if id.is_some() && disabled && !usable {
            remark(&format!(
                "That was the last token that works. {user} gets in with a recovery code at most."
            ));
        }
    }
    if desk.json {
        return say_json(&Answer {
            user: &user,
            id,
            disabled,
            changed,
        });
    }
    let what = id.map_or_else(|| user.clone(), |id| format!("{user}'s token {id:?}"));
    let now = if changed { "now" } else { "already" };
    say(&match disabled {
        true => format!("{what} is {now} disabled."),
        false => format!("{what} is {now} enabled."),
    })
}
