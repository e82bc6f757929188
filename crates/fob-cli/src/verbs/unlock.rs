//! `fob unlock`: forgets a person's failed attempts.

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
    forgotten: u32,
}

pub(super) fn run(desk: &Desk, wish: &Person) -> Result<(), Stop> {
    let (account, _) = people::enrolled(&desk.store, &wish.name)?;
    let mut forgotten = 0;
    if let Some((mut file, mut ledger)) = people::ledger(&desk.store, &account)? {
        ledger.throttle.refresh(&now());
        forgotten = ledger.throttle.failures();
        ledger.throttle.unlock();
        file.settle(&ledger)?;
    }
    let user = account.name.as_str();
    journal::changed("unlock", user, &[("failures", &forgotten.to_string())]);
    if desk.json {
        return say_json(&Answer { user, forgotten });
    }
    let failures = count(forgotten.into(), "failed attempt");
    say(&format!("{user}: {failures} forgotten."))
}
