//! Everybody who is enrolled.

use fob_core::format::TokenFile;
use fob_store::{Entry, Store, now};

use super::Finding;
use crate::everybody::Everybody;
use crate::output::count;
use crate::parallel::for_each;

/// So many seconds before its last day a token is told of: a month.
const SOON: u64 = 31 * 86_400;

pub(super) fn examine(store: &Store) -> Vec<Finding> {
    let key = store.seal_key().err().map(|fault| {
        Finding::error("seal.key", fault.detail)
            .remedy("Whoever has a sealed token file is refused until it is there.")
    });
    let entries = match store.people() {
        Ok(entries) => entries,
        Err(fault) => return vec![Finding::error("people.unreadable", fault.detail)],
    };
    let everybody = Everybody::list();
    let each = for_each(store, &entries, |store, entry| {
        look_at(store, &everybody, entry)
    });
    let overruled = store.overruled().unwrap_or_default();
    let enrolled = count(entries.len().try_into().unwrap_or(u64::MAX), "token file");
    let mut findings: Vec<Finding> = key
        .into_iter()
        .chain(each.into_iter().flatten())
        .chain(overruled.iter().map(overruled_by))
        .collect();
    let bad = findings.len();
    findings.push(if entries.is_empty() {
        Finding::note("people.none", "nobody is enrolled").remedy("Run: fob enroll NAME")
    } else {
        let bad = count(bad.try_into().unwrap_or(u64::MAX), "finding");
        Finding::fine("people.counted", format!("{enrolled}, {bad}"))
    });
    findings
}

/// A file that a login made, where the administrator laid one down as well.
fn overruled_by(entry: &Entry) -> Finding {
    let what = format!(
        "{}: does not count, for the same person has a token file of the administrator's",
        entry.path.display()
    );
    Finding::note("people.overruled", what).remedy("Remove it, or move its tokens into the other.")
}

fn look_at(store: &Store, everybody: &Everybody, entry: &Entry) -> Vec<Finding> {
    let path = entry.path.display();
    let Some(name) = &entry.name else {
        let what = format!("{path}: no login ever reads a file of that name");
        return vec![
            Finding::warning("people.stray_file", what)
                .remedy("Name it as docs/file-formats.md says, or remove it."),
        ];
    };
    let account = match everybody.find(name) {
        Ok(Some(account)) if account.name == *name => account,
        Ok(_) => {
            let what = format!("{name} is enrolled, and this system knows nobody of that name");
            return vec![
                Finding::warning("people.gone", what)
                    .remedy(format!("If they are gone for good: fob revoke {name}")),
            ];
        }
        Err(fault) => return vec![Finding::unknown("people.user_database", fault.detail)],
    };
    let mut findings = Vec::new();
    match store.tokens(name) {
        Err(fault) => findings.push(
            Finding::error("people.token_file", fault.detail)
                .remedy(format!("{name} is refused until it is mended.")),
        ),
        Ok(None) => return findings,
        Ok(Some(file)) => {
            findings.extend(file.refused.iter().map(|token| {
                let id = token.id.as_deref().unwrap_or("a token without a name");
                Finding::warning(
                    "people.token",
                    format!("{path}: {id} can't be used: {}", token.error),
                )
                .remedy("Correct the file, or revoke the token.")
            }));
            findings.extend(unsealed(store, name, &file));
            findings.extend(expiring(name, &file));
            if file.tokens.is_empty() && file.recovery.is_none() {
                let what = format!("{name} is enrolled and has nothing that lets in");
                findings.push(
                    Finding::warning("people.nothing", what)
                        .remedy(format!("Run: fob enroll {name}")),
                );
            }
        }
    }
    if let Err(fault) = store.ledger_now(&account) {
        findings.push(
            Finding::error("people.ledger", fault.detail).remedy(format!(
                "{name} is refused. To see more: fob explain {name}"
            )),
        );
    }
    findings
}

/// Secrets that stand plain though fob.conf has a key.
fn unsealed(store: &Store, name: &str, file: &TokenFile) -> Option<Finding> {
    let is_plain = store.conf.seal.is_some() && file.sealing.plain > 0;
    let what = format!("{name}'s secrets aren't sealed, though fob.conf says `seal`");
    is_plain
        .then(|| Finding::warning("people.unsealed", what).remedy(format!("Run: fob seal {name}")))
}

/// Tokens whose last day is near, or over.
fn expiring(name: &str, file: &TokenFile) -> Vec<Finding> {
    let now = now().unix;
    let tokens = file.tokens.iter().filter(|token| !token.disabled);
    tokens
        .filter_map(|token| {
            let day = token.expires?;
            let (id, end) = (&token.id, day.end());
            if now >= end {
                let what = format!("{name}'s token {id:?} let in until {day}, and no longer");
                let remedy = format!("Give {name} another; then: fob revoke {name} --id {id}");
                return Some(Finding::warning("people.expired", what).remedy(remedy));
            }
            let is_near = end.saturating_sub(now) < SOON;
            let what = format!("{name}'s token {id:?} lets in until {day}, and no longer");
            is_near.then(|| {
                Finding::note("people.expires", what)
                    .remedy(format!("Have another ready for {name}."))
            })
        })
        .collect()
}
