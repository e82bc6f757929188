//! `fob rename`: calls a token something else. Its floor stays: the ledger knows a token by
//! its secret.

use clap::Args;
use serde::Serialize;

use crate::output::{say, say_json};
use crate::stop::Stop;
use crate::token_edit::Edit;
use crate::verbs::Desk;
use crate::{journal, people};

/// What is wished.
#[derive(Debug, Args)]
#[command(after_help = "Example: fob rename alice phone old-phone")]
pub(crate) struct Wish {
    /// The person's login name
    #[arg(value_name = "NAME")]
    name: String,
    /// What it is called
    #[arg(value_name = "ID")]
    id: String,
    /// What to call it
    #[arg(value_name = "NEW-ID")]
    new: String,
}

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    /// What it was called.
    before: &'a str,
    /// What it is called.
    id: &'a str,
}

pub(super) fn run(desk: &Desk, wish: &Wish) -> Result<(), Stop> {
    let user = people::holder(&desk.store, &wish.name)?;
    let mut edit = Edit::begin(&desk.store, &user)?;
    if wish.id == wish.new {
        edit.require(&wish.id)?;
    } else {
        edit.rename(&wish.id, &wish.new)?;
        edit.write()?;
        let fields = [("token", wish.id.as_str()), ("new", &wish.new)];
        journal::changed("rename", &user, &fields);
    }
    if desk.json {
        return say_json(&Answer {
            user: &user,
            before: &wish.id,
            id: &wish.new,
        });
    }
    say(&format!(
        "{user}'s token {:?} is called {:?} now.",
        wish.id, wish.new
    ))
}
