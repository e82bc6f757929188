//! Everybody who is enrolled.

use std::collections::{HashMap, HashSet};

use fob_core::format::TokenFile;
use fob_core::{Ledger, Token};
use fob_store::{Entry, Store, now, shell_word};

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
    let mut entries = match store.people() {
        Ok(entries) => entries,
        Err(fault) => return vec![Finding::error("people.unreadable", fault.detail)],
    };
    let everybody = Everybody::list();
    entries.sort_by(|one, other| one.name.cmp(&other.name));
    let (renamed, former) = not_enrolled_any_more(store, &everybody, &entries);
    let each = for_each(store, &entries, |store, entry| {
        let mut secrets = Vec::new();
        let findings = look_at(store, &everybody, &former, entry, &mut secrets);
        (findings, secrets)
    });
    let (each, secrets): (Vec<_>, Vec<_>) = each.into_iter().unzip();
    let overruled = store.overruled().unwrap_or_default();
    let enrolled = count(entries.len().try_into().unwrap_or(u64::MAX), "token file");
    let mut findings: Vec<Finding> = key
        .into_iter()
        .chain(each.into_iter().flatten())
        .chain(shared(&entries, &secrets))
        .chain(overruled.iter().map(overruled_by))
        .chain(renamed)
        .collect();
    unsealed(&mut findings);
    let bad = findings.len();
    findings.push(if entries.is_empty() {
        Finding::note("people.none", "nobody is enrolled").remedy("Run: fob enroll NAME")
    } else {
        let bad = count(bad.try_into().unwrap_or(u64::MAX), "finding");
        Finding::fine("people.counted", format!("{enrolled}, {bad}"))
    });
    findings.extend(not_enrolled(&everybody, &entries));
    findings
}

/// What is wrong with the ledgers of people without a token file: those who had another name
/// when they were enrolled, and those names.
fn not_enrolled_any_more(
    store: &Store,
    everybody: &Everybody,
    entries: &[Entry],
) -> (Vec<Finding>, HashSet<String>) {
    let (mut findings, mut former) = (Vec::new(), HashSet::new());
    let names = entries.iter().filter_map(|entry| entry.name.as_deref());
    let enrolled = names.filter_map(|name| everybody.find(name).ok()?.filter(|a| a.name == name));
    let enrolled: HashSet<u32> = enrolled.map(|account| account.uid).collect();
    // That it can't be read is told elsewhere.
    for uid in store.ledger_uids().unwrap_or_default() {
        let account = everybody.of_uid(uid).ok().flatten();
        let Some(account) = account.filter(|_| !enrolled.contains(&uid)) else {
            continue;
        };
        let is = &account.name;
        match store.former_name(&account) {
            Ok(None) => {}
            Ok(Some(was)) => {
                let what = format!("{is} (uid {uid}) was {was} before, who has a token file");
                findings.push(Finding::error("people.renamed", what).remedy(format!(
                    "{is} is refused. If {is} is that person, run: fob rebind {is_word}\n\
                     If not, run first: fob revoke {was}",
                    is_word = shell_word(is),
                    was = shell_word(&was)
                )));
                former.insert(was);
            }
            Err(fault) => findings.push(Finding::warning("people.ledger", fault.detail).remedy(
                format!("{is} is not enrolled, and is refused also where such people may pass."),
            )),
        }
    }
    (findings, former)
}

/// How many could log in and have no token.
fn not_enrolled(everybody: &Everybody, entries: &[Entry]) -> Option<Finding> {
    let enrolled: HashSet<&str> = entries.iter().filter_map(|e| e.name.as_deref()).collect();
    let people = everybody.people().ok()?.iter();
    let missing = people.filter(|account| !enrolled.contains(account.name.as_str()));
    let number = missing.count().try_into().unwrap_or(u64::MAX);
    let accounts = match number {
        1 => "1 account with a login shell has".into(),
        _ => format!("{number} accounts with a login shell have"),
    };
    (number > 0).then(|| {
        let what = format!("{accounts} no token");
        Finding::note("people.not_enrolled", what).remedy(
            "Refused wherever a code is asked, unless nullok or a rule lets them pass.\n\
                     To see who: fob list --not-enrolled",
        )
    })
}

/// Where nobody is sealed yet, one line says so.
fn unsealed(findings: &mut Vec<Finding>) {
    let is_it = |finding: &Finding| finding.code == "people.unsealed";
    let number = findings.iter().filter(|finding| is_it(finding)).count();
    if number > 1 {
        findings.retain(|finding| !is_it(finding));
        let what = format!("{number} people's secrets aren't sealed, though fob.conf says `seal`");
        findings
            .push(Finding::warning("people.unsealed", what).remedy("Run: fob seal --everybody"));
    }
}

/// The fingerprint of a token's secret, and what the token is called.
type Mark = ([u8; 16], String);

/// Secrets that stand in two people's files: one code lets in both, for each has a ledger.
fn shared(entries: &[Entry], secrets: &[Vec<Mark>]) -> Vec<Finding> {
    let mut first: HashMap<[u8; 16], (&str, &str)> = HashMap::new();
    let mut findings = Vec::new();
    for (entry, marks) in entries.iter().zip(secrets) {
        let name = entry.name.as_deref().unwrap_or_default();
        for (fingerprint, id) in marks {
            let (other, theirs) = *first.entry(*fingerprint).or_insert((name, id));
            if other == name {
                continue;
            }
            let what =
                format!("{other}'s token {theirs:?} and {name}'s {id:?} have the same secret");
            findings.push(Finding::error("people.shared_secret", what).remedy(format!(
                "One code lets in both. Give one of them another, and revoke the old one:\n\
                 fob revoke {name} --id {id}"
            )));
        }
    }
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

fn look_at(
    store: &Store,
    everybody: &Everybody,
    former: &HashSet<String>,
    entry: &Entry,
    secrets: &mut Vec<Mark>,
) -> Vec<Finding> {
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
        // Told with the name that they have now.
        Ok(_) if former.contains(name) => return Vec::new(),
        Ok(_) => {
            let what = format!("{name} is enrolled, and this system knows nobody of that name");
            return vec![Finding::warning("people.gone", what).remedy(format!(
                "If they are gone for good: fob revoke {name}\n\
                         If the account has another name now, see fob-rebind(1)",
                name = shell_word(name)
            ))];
        }
        Err(fault) => return vec![Finding::unknown("people.user_database", fault.detail)],
    };
    let mut findings = Vec::new();
    let mut tokens = Vec::new();
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
            let marks = file.tokens.iter();
            secrets.extend(marks.map(|token| (token.secret.fingerprint(), token.id.clone())));
            findings.extend(unsealed_one(store, name, &file));
            findings.extend(expiring(name, &file));
            if file.tokens.is_empty() && file.recovery.is_none() {
                let what = format!("{name} is enrolled and has nothing that lets in");
                findings.push(
                    Finding::warning("people.nothing", what)
                        .remedy(format!("Run: fob enroll {name}", name = shell_word(name))),
                );
            }
            tokens = file.tokens;
        }
    }
    match store.ledger_now(&account) {
        Ok(ledger) => findings.extend(blocked(name, &tokens, ledger.as_ref())),
        Err(fault) => findings.push(
            Finding::error("people.ledger", fault.detail).remedy(format!(
                "{name} is refused. To see more: fob explain {name_word}",
                name_word = shell_word(name)
            )),
        ),
    }
    findings
}

/// Secrets that stand plain though fob.conf has a key.
fn unsealed_one(store: &Store, name: &str, file: &TokenFile) -> Option<Finding> {
    let is_plain = store.conf.seal.is_some() && file.sealing.plain > 0;
    let what = format!("{name}'s secrets aren't sealed, though fob.conf says `seal`");
    is_plain.then(|| {
        Finding::warning("people.unsealed", what)
            .remedy(format!("Run: fob seal {name}", name = shell_word(name)))
    })
}

/// Tokens whose counter nobody knows.
fn blocked(name: &str, tokens: &[Token], ledger: Option<&Ledger>) -> Vec<Finding> {
    let is_blocked = |token: &&Token| {
        let floor = ledger.map(|ledger| ledger.floor(*token));
        !token.disabled && floor == Some(Ledger::BLOCKED)
    };
    let tokens = tokens.iter().filter(is_blocked);
    tokens
        .map(|Token { id, .. }| {
            let what = format!("{name}'s token {id:?} is blocked: nobody knows its counter");
            let remedy = format!(
                "Find out its counter N, and run: fob repair {name} --counter {id}=N",
                name = shell_word(name),
                id = shell_word(id)
            );
            Finding::warning("people.blocked", what).remedy(remedy)
        })
        .collect()
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
                let remedy = format!(
                    "Give {name} another; then: fob revoke {name_word} --id {id}",
                    name_word = shell_word(name),
                    id = shell_word(id)
                );
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
