//! `fob forget`: a person is asked for a code again, wherever one is remembered.

use fob_store::now;
use serde::Serialize;

use crate::cli::Person;
use crate::output::{count, say, say_json};
use crate::stop::Stop;
use crate::verbs::Desk;
use crate::{journal, people};

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    forgotten: usize,
}

pub(super) fn run(desk: &Desk, wish: &Person) -> Result<(), Stop> {
    let (account, tokens) = people::enrolled(&desk.store, &wish.name)?;
    let mut forgotten = 0;
    if let Some((mut file, mut ledger)) = people::ledger(&desk.store, &account)? {
        forgotten = ledger.places(&tokens, &now()).len();
        ledger.forget_places();
        file.settle(&ledger)?;
    }
    let user = account.name.as_str();
    journal::changed("forget", user, &[("places", &forgotten.to_string())]);
    if desk.json {
        return say_json(&Answer { user, forgotten });
    }
    let places = u64::try_from(forgotten).unwrap_or(u64::MAX);
    say(&format!("{user}: {} forgotten.", count(places, "place")))
}
