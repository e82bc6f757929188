//! What the token files and ledgers say, in numbers. No names.

use clap::ValueEnum;
use fob_core::Day;
use fob_store::{Store, now};

use super::text::{Metric, Sample};
use crate::everybody::Everybody;
use crate::parallel;
use crate::stop::Stop;
use crate::verbs::list::person::{Person, State, Use, seen};

/// A token that expires within so many days is told.
const SOON: u64 = 30;
/// What kinds there are: also those that nobody has are told.
const TYPES: [&str; 3] = ["hotp", "totp", "yubico"];

pub(super) fn figures(store: &Store) -> Result<Vec<Metric>, Stop> {
    let everybody = Everybody::list();
    let entries = store.people()?;
    let people = parallel::for_each(store, &entries, |store, entry| {
        seen(store, &everybody, entry)
    });
    let now = now();
    let mut metrics = vec![
        version(),
        Metric::one(
            "fob_clock_set",
            "1 if this machine's clock was set; else time-based codes are refused.",
            now.clock_is_set().into(),
        ),
    ];
    metrics.extend(of_people(&people));
    let tokens: Vec<&Use> = people.iter().flat_map(|person| &person.uses).collect();
    metrics.extend(of_tokens(&people, &tokens, now.unix));
    Ok(metrics)
}

fn version() -> Metric {
    let labels = vec![("version", env!("CARGO_PKG_VERSION").to_owned())];
    Metric::by(
        "fob_build_info",
        "The version of fob.",
        vec![Sample { labels, value: 1 }],
    )
}

fn of_people(people: &[Person]) -> [Metric; 5] {
    let states = State::value_variants().iter().map(|state| Sample {
        labels: vec![("state", state.word().to_owned())],
        value: count(people, |person| person.state == *state),
    });
    // Of somebody whose files are damaged it isn't known.
    let without = |person: &Person| {
        person.state != State::Damaged && person.recovery_left.is_none_or(|left| left == 0)
    };
    let failures = people.iter().map(|person| u64::from(person.failures));
    [
        Metric::one(
            "fob_people_enrolled",
            "People with a token file.",
            count(people, |_| true),
        ),
        Metric::by(
            "fob_people",
            "People by state, as fob list has it.",
            states.collect(),
        ),
        Metric::one(
            "fob_people_without_recovery_codes",
            "People who have no recovery code left.",
            count(people, without),
        ),
        Metric::one(
            "fob_failed_attempts",
            "Failed attempts since each person's last success, in all.",
            failures.fold(0, u64::saturating_add),
        ),
        Metric::one(
            "fob_ledgers_damaged",
            "Ledgers that can't be used.",
            count(people, |person| person.is_ledger_damaged),
        ),
    ]
}

fn of_tokens(people: &[Person], tokens: &[&Use], now: u64) -> [Metric; 6] {
    let types = TYPES.iter().map(|name| Sample {
        labels: vec![("type", (*name).to_owned())],
        value: count(tokens, |token| token.kind == *name),
    });
    let today = Day::of(now);
    let is_over = |token: &&Use| token.expires.is_some_and(|day| day.end() <= now);
    let ends_soon = |token: &&Use| {
        let days = token
            .expires
            .zip(today)
            .map(|(day, today)| day.since(today));
        !is_over(token) && days.is_some_and(|days| days <= SOON)
    };
    let unused = tokens.iter().filter(|token| !token.disabled);
    let unused = unused.filter_map(|token| token.last_used);
    let oldest = unused.map(|used| now.saturating_sub(used)).max();
    [
        Metric::by("fob_tokens", "Tokens by type.", types.collect()),
        Metric::one(
            "fob_tokens_unusable",
            "Tokens that stand wrongly in a token file.",
            people
                .iter()
                .map(|person| person.unusable)
                .fold(0, u64::saturating_add),
        ),
        Metric::one(
            "fob_tokens_never_used",
            "Tokens whose first code is still to come.",
            count(tokens, |token| token.last_used.is_none()),
        ),
        Metric::one(
            "fob_token_oldest_use_seconds",
            "Seconds since the last use of the token that was unused for longest; 0 if none was used.",
            oldest.unwrap_or_default(),
        ),
        Metric::one(
            "fob_tokens_expire_soon",
            "Tokens whose last day is within 30 days.",
            count(tokens, ends_soon),
        ),
        Metric::one(
            "fob_tokens_expired",
            "Tokens whose last day is over.",
            count(tokens, is_over),
        ),
    ]
}

fn count<T>(items: &[T], is: impl Fn(&T) -> bool) -> u64 {
    let found = items.iter().filter(|item| is(item)).count();
    u64::try_from(found).unwrap_or(u64::MAX)
}
