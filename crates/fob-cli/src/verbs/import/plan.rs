//! Who gets what: the tokens of the file, held against the user database and against what
//! is there already.

use std::collections::HashMap;

use fob_core::format::TokenFile;
use fob_core::{Code, Counter, Kind, MAX_SCRATCH, Now, Pin, RecoverySet, Secret, Token, step};
use fob_import::people::People;
use fob_import::{Batch, Dropped, Found, Problem, Used};
use fob_store::{Account, now};
use zeroize::Zeroizing;

use super::unassigned::{self, Unassigned};
use super::{Read, Wish};
use crate::everybody::Everybody;
use crate::output::{count, remark};
use crate::owners::{Owner, Owners};
use crate::spent::Spent;
use crate::stock::Stock;
use crate::stop::Stop;
use crate::verbs::Desk;

/// Codes of this many steps after now may have been used elsewhere: those of fast clocks.
const AHEAD: i64 = 2;

/// Why scratch codes are left out.
const OTHER_SCRATCH: &str = "its scratch codes are left out: some were used here, and the file has \
                             others now, so which are spent isn't known. New codes: fob recovery";

/// What is to be written, and what isn't.
pub(super) struct Plan {
    pub(super) people: Vec<Person>,
    /// Tokens that nobody gets yet, by their serials.
    pub(super) stock: Vec<(String, Token)>,
    pub(super) stock_remarks: Vec<unassigned::Remark>,
    pub(super) dropped: Vec<Dropped>,
    pub(super) problems: Vec<Problem>,
    /// Problems that aren't told one by one.
    pub(super) more_problems: usize,
    pub(super) remarks: Vec<String>,
    /// Tokens that are here already, with whose and what.
    pub(super) there: Vec<String>,
    /// Whether what can't be read was told.
    warned: bool,
}

/// A person, and what they get.
pub(super) struct Person {
    pub(super) account: Account,
    pub(super) imports: Vec<Import>,
    pub(super) scratch: Vec<Zeroizing<String>>,
    /// Which of them are spent here, as in a ledger.
    pub(super) spent_scratch: u16,
    pub(super) pin: Option<Zeroizing<String>>,
    /// What the file calls them, if a domain was left away.
    full_name: Option<String>,
}

/// A token, and what is spent of it.
pub(super) struct Import {
    pub(super) place: String,
    pub(super) token: Token,
    pub(super) used: Used,
    pub(super) remarks: Vec<String>,
    /// What the file calls the person, if a domain was left away.
    pub(super) full_name: Option<String>,
}

/// Whom a name means here.
struct Named {
    account: Account,
    /// The name, if a domain was left away.
    full: Option<String>,
}

impl Plan {
    /// Says who gets what.
    ///
    /// # Errors
    /// The user database failed.
    pub(super) fn new(_: &Desk, wish: &Wish, read: Read) -> Result<Self, Stop> {
        let Batch {
            tokens,
            dropped,
            problems,
            more_problems,
            remarks,
        } = read.batch;
        let people = read.people;
        let mut plan = Self {
            people: Vec::new(),
            stock: Vec::new(),
            stock_remarks: Vec::new(),
            dropped,
            problems,
            more_problems,
            remarks,
            there: Vec::new(),
            warned: false,
        };
        if tokens.len() > 1 && wish.id.is_some() {
            plan.problem(
                "",
                "--id names one token, and there are several",
                "Leave --id away.",
            );
        }
        let everybody = Everybody::list();
        let mut places = HashMap::new();
        let mut unassigned = Vec::new();
        let now = now();
        for mut found in tokens {
            plan.check_strength(&found, wish);
            let user = wish.user.clone().or_else(|| owner(people.as_ref(), &found));
            let named = match &user {
                Some(name) => plan.account(&everybody, name, &found, wish)?,
                None => {
                    unassigned.extend(plan.keep(found));
                    continue;
                }
            };
            if let Some(id) = &wish.id {
                found.token.id.clone_from(id);
            }
            if let Some(named) = named {
                plan.give(named, found, &mut places, &now);
            }
        }
        plan.settle_ids();
        plan.remarks.extend(unassigned::settle(&mut unassigned));
        plan.stock_remarks = unassigned::remarks(&unassigned);
        plan.stock = unassigned.into_iter().map(Unassigned::into_pair).collect();
        Ok(plan)
    }

    /// Holds the plan against what is there now. Whoever has the folder's lock has opened the
    /// `stock` before, if it gets anything.
    ///
    /// # Errors
    /// The folder of the token files, or the stock, can't be read.
    pub(super) fn check(&mut self, desk: &Desk, stock: Option<&Stock>) -> Result<(), Stop> {
        let owners = Owners::read(&desk.store)?;
        let spent = Spent::read(&desk.store)?;
        if !std::mem::replace(&mut self.warned, true) {
            owners.warn();
            spent.warn();
        }
        self.check_stock(stock, &owners)?;
        self.advance_stock(&spent);
        for person in &mut self.people {
            let name = &person.account.name;
            let (problems, there) = (&mut self.problems, &mut self.there);
            person
                .imports
                .retain(|import| match owners.of(&import.token) {
                    [
                        Owner {
                            name: owner,
                            id,
                            key,
                        },
                    ] if owner == name && *key == import.token.key() => {
                        there.push(format!("{name} has {id:?} already"));
                        false
                    }
                    _ => {
                        let other = owners.other_than(name, &import.token);
                        problems.extend(other.map(
                            |Owner {
                                 name: owner, id, ..
                             }| {
                                problem(
                                    &import.place,
                                    format!("{owner} has this token, as {id:?}"),
                                    format!(
                                        "Take it from {owner} first: fob revoke {owner} --id {id}"
                                    ),
                                )
                            },
                        ));
                        true
                    }
                });
            person.begin_after(&spent);
            person.check(desk, problems);
        }
        self.people.retain(|person| !person.imports.is_empty());
        Ok(())
    }

    /// Holds the tokens that nobody gets against the stock and everybody's.
    fn check_stock(&mut self, stock: Option<&Stock>, owners: &Owners) -> Result<(), Stop> {
        if self.stock.is_empty() {
            return Ok(());
        }
        let kept = stock.map(Stock::list).transpose()?.unwrap_or_default();
        let kept: HashMap<String, _> = kept.into_iter().collect();
        let (problems, there) = (&mut self.problems, &mut self.there);
        self.stock.retain(|(serial, token)| {
            if let Some(Owner {
                name: owner, id, ..
            }) = owners.of(token).first()
            {
                there.push(format!("{serial} is {owner}'s already, as {id:?}"));
                return false;
            }
            match kept.get(serial) {
                None => true,
                Some(Ok(same)) if same.key() == token.key() => {
                    there.push(format!("{serial} is in stock already"));
                    false
                }
                Some(Err(error)) => {
                    problems.push(problem("", error.clone(), "Mend it first.".into()));
                    false
                }
                Some(Ok(_)) => {
                    let what = format!("another token {serial} is in stock already");
                    problems.push(problem("", what, "See: fob assign --list".into()));
                    false
                }
            }
        });
        Ok(())
    }

    /// Tokens that somebody had go on where they stood. Where nobody knows that, the token is
    /// left out.
    fn advance_stock(&mut self, spent: &Spent) {
        let dropped = &mut self.dropped;
        self.stock.retain_mut(|(serial, token)| {
            let is_known = spent.advance(token);
            if !is_known {
                dropped.push(Dropped {
                    place: serial.clone(),
                    what: String::new(),
                    why:
                        "somebody's ledger has it blocked: nobody knows its counter. Give it to a \
                          person with --user NAME; it says then how to free it"
                            .into(),
                });
            }
            is_known
        });
    }

    /// Whoever has a problem gets nothing; all others get theirs.
    pub(super) fn leave_out_broken(&mut self) {
        self.more_problems = 0;
        for problem in std::mem::take(&mut self.problems) {
            let is_theirs = |import: &Import| import.place == problem.place;
            self.people
                .retain(|person| !person.imports.iter().any(is_theirs));
            self.dropped.push(Dropped {
                place: problem.place,
                what: String::new(),
                why: problem.what,
            });
        }
    }

    /// Nothing is written while anything is wrong.
    ///
    /// # Errors
    /// Something is wrong; all of it is told. Or there is nothing to do.
    pub(super) fn end(&self) -> Result<(), Stop> {
        let problems = self.problems.len().saturating_add(self.more_problems);
        if problems > 0 {
            for Problem {
                place,
                what,
                remedy,
            } in &self.problems
            {
                let place = if place.is_empty() { "the file" } else { place };
                remark(&format!("{place}: {what}"));
                remedy
                    .iter()
                    .for_each(|remedy| remark(&format!("  {remedy}")));
            }
            if self.more_problems > 0 {
                remark(&format!("and {} more", self.more_problems));
            }
            let number = count(u64::try_from(problems).unwrap_or(u64::MAX), "problem");
            return Err(Stop::unknown(format!("{number}: nothing was imported"))
                .remedy("Mend them in a copy of the file, and try again. Of --all-users: mend them in that \
                         home, or leave it out with --skip-broken."));
        }
        if !self.people.is_empty() || !self.stock.is_empty() {
            return Ok(());
        }
        if self.there.is_empty() {
            return Err(Stop::no("there is no token to import"));
        }
        Err(Stop::no("everything is here already: nothing was changed"))
    }

    fn problem(&mut self, place: &str, what: impl Into<String>, remedy: impl Into<String>) {
        self.problems
            .push(problem(place, what.into(), remedy.into()));
    }

    fn check_strength(&mut self, found: &Found, wish: &Wish) {
        let secret = &found.token.secret;
        if !secret.is_strong() && !wish.allow_weak {
            let bits = secret.bytes().len().saturating_mul(8);
            let what = format!("the secret has {bits} bits, and 128 are the least that is safe");
            let remedy = "Give that person a new token later, and add --allow-weak now.";
            self.problem(&found.place, what, remedy);
        }
    }

    /// The person of that name. `alice@corp.example` may be called `alice` here.
    fn account(
        &mut self,
        everybody: &Everybody,
        name: &str,
        found: &Found,
        wish: &Wish,
    ) -> Result<Option<Named>, Stop> {
        if let Some(account) = everybody.find(name)? {
            let full = None;
            return Ok(Some(Named { account, full }));
        }
        if let Some((short, _)) = name.split_once('@').filter(|(short, _)| !short.is_empty()) {
            if let Some(account) = everybody.find(short)? {
                let full = Some(name.to_owned());
                return Ok(Some(Named { account, full }));
            }
        }
        if wish.skip_unknown {
            self.dropped.push(Dropped {
                place: found.place.clone(),
                what: name.to_owned(),
                why: "this system knows nobody of that name".into(),
            });
        } else {
            let what = format!("this system knows nobody called {name:?}");
            let remedy = "Create the account, say whose it is with --user or --people, or add \
                          --skip-unknown.";
            self.problem(&found.place, what, remedy);
        }
        Ok(None)
    }

    /// A token that nobody gets yet, unless it has no serial to be found by.
    fn keep(&mut self, found: Found) -> Option<Unassigned> {
        let place = found.place.clone();
        let kept = Unassigned::new(found);
        if kept.is_none() {
            self.problem(
                &place,
                "nobody is named for it, and it has no serial",
                "Say whose it is with --user NAME.",
            );
        }
        kept
    }

    fn give(
        &mut self,
        Named { account, full }: Named,
        found: Found,
        places: &mut HashMap<u32, usize>,
        now: &Now,
    ) {
        let place = *places.entry(account.uid).or_insert(self.people.len());
        if place == self.people.len() {
            self.people.push(Person {
                account,
                imports: Vec::new(),
                scratch: Vec::new(),
                spent_scratch: 0,
                pin: None,
                full_name: None,
            });
        }
        let Some(person) = self.people.get_mut(place) else {
            return;
        };
        if let (Some(full), Some(other)) = (&full, &person.full_name) {
            if domain(full) != domain(other) {
                let what = format!(
                    "{full} and {other} both would be {}, and may be two people",
                    person.account.name
                );
                let remedy = "Say whose each serial is, with --people FILE; or take one of them \
                              out of a copy of the file.";
                self.problem(&found.place, what, remedy);
                return;
            }
        }
        if person.full_name.is_none() {
            person.full_name.clone_from(&full);
        }
        let is_first = person.imports.is_empty();
        if !is_first && person.pin.as_deref() != found.pin.as_deref() {
            let what = format!(
                "{} has different PINs, and one holds here",
                person.account.name
            );
            let remedy = "Make them the same in a copy of the file.";
            self.problems
                .push(problem(&found.place, what, remedy.into()));
            return;
        }
        person.pin = found.pin;
        person.scratch.extend(found.scratch);
        person.imports.push(Import {
            used: spent(found.used, &found.token, now),
            place: found.place,
            token: found.token,
            remarks: found.remarks,
            full_name: full,
        });
    }

    /// Every token of a person gets an id of its own.
    fn settle_ids(&mut self) {
        for person in &mut self.people {
            let mut taken: Vec<String> = Vec::new();
            for import in &mut person.imports {
                let token = &mut import.token;
                let wanted = match (&token.id, &token.serial) {
                    (id, _) if !id.is_empty() => id.clone(),
                    (_, Some(serial)) => format!("fob-{serial}"),
                    _ => usual_id(token.kind).to_owned(),
                };
                token.id = free(&wanted, &taken);
                taken.push(token.id.clone());
            }
        }
    }
}

impl Person {
    /// The scratch codes, and the secret that they came with.
    pub(super) fn scratch(&self) -> Option<(Vec<Code>, &Secret)> {
        let first = self.imports.first()?;
        let codes = self.scratch.iter();
        let codes: Vec<Code> = codes
            .filter_map(|text| Code::parse(text.as_bytes()))
            .collect();
        (!codes.is_empty()).then_some((codes, &first.token.secret))
    }

    /// Their tokens go on where anybody who had them before stopped.
    fn begin_after(&mut self, spent: &Spent) {
        let id = self.scratch();
        let id = id.map(|(codes, secret)| RecoverySet::scratch_id(&codes, secret));
        match id.map(|id| spent.scratch(&id)) {
            None => {}
            Some(Some(codes)) => self.spent_scratch = codes,
            Some(None) => {
                self.scratch.clear();
                let first = self.imports.first_mut();
                first
                    .into_iter()
                    .for_each(|import| import.remarks.push(OTHER_SCRATCH.into()));
            }
        }
        for Import { token, used, .. } in &mut self.imports {
            let floor = spent.floor(token);
            if floor > Counter(0) {
                used.floor = Some(used.floor.unwrap_or_default().max(floor));
            }
        }
    }

    /// Whether what the person has lets the rest in.
    fn check(&mut self, desk: &Desk, problems: &mut Vec<Problem>) {
        let Some(place) = self.imports.first().map(|import| import.place.clone()) else {
            return;
        };
        let name = &self.account.name;
        let mut wrong = |what: String, remedy: String| {
            problems.push(problem(&place, what, remedy));
        };
        // A dry run makes no folder.
        let has_folder = desk.store.conf.tokens.exists();
        let file = match desk.store.tokens(name) {
            Ok(file) => file.unwrap_or_default(),
            Err(_) if !has_folder => TokenFile::default(),
            Err(fault) => return wrong(fault.detail, format!("See: fob show {name}")),
        };
        let mut taken: Vec<String> = file.tokens.iter().map(|token| token.id.clone()).collect();
        for import in &mut self.imports {
            import.token.id = free(&import.token.id, &taken);
            taken.push(import.token.id.clone());
        }
        if let Some(pin) = &self.pin {
            if file.pin.is_some() {
                wrong(
                    format!("{name} has a PIN already"),
                    format!("Run first: fob pin {name} --remove"),
                );
            } else if Pin::new(pin.as_bytes(), [0; 16]).is_none() {
                wrong(
                    format!("the PIN of {name} has fewer than {} characters", Pin::MIN),
                    "Choose a longer one in a copy of the file, and tell the person.".into(),
                );
            }
        }
        if self.scratch.len() > MAX_SCRATCH {
            wrong(
                format!("{name} has more than {MAX_SCRATCH} scratch codes"),
                "Take the others out of a copy of the file.".into(),
            );
        }
        if !self.scratch.is_empty() && file.scratch.is_some() {
            wrong(
                format!("{name} has scratch codes already"),
                "Take the scratch codes out of a copy of the file.".into(),
            );
        }
    }
}

/// Whose a token is: the second file says it, or the first.
fn owner(people: Option<&People>, found: &Found) -> Option<String> {
    let names = [&found.token.serial, &found.token.public_id];
    let mut names = names.into_iter().flatten();
    names
        .find_map(|name| people?.user_of(name).map(str::to_owned))
        .or_else(|| found.user.clone())
}

/// What may have been used elsewhere: what the file says, or for a clock all until now.
fn spent(used: Used, token: &Token, now: &Now) -> Used {
    let Kind::Totp { period, t0 } = token.kind else {
        return used;
    };
    let shown = step(now.unix, t0, period).map(|step| step.moved(used.drift.into()));
    let all = shown.map(|step| step.moved(AHEAD));
    Used {
        floor: used.floor.or(all).or(Some(Counter(0))),
        ..used
    }
}

/// What is behind a name's @.
fn domain(name: &str) -> Option<String> {
    let (_, domain) = name.split_once('@')?;
    Some(domain.to_ascii_lowercase())
}

fn usual_id(kind: Kind) -> &'static str {
    match kind {
        Kind::Totp { .. } => "phone",
        Kind::Hotp { .. } => "fob",
        Kind::Yubico { .. } => "yubikey",
    }
}

/// `wanted`, or with a number behind it if that is taken.
fn free(wanted: &str, taken: &[String]) -> String {
    let is_free = |id: &String| !taken.contains(id);
    let numbered = (2..=99).map(|number| format!("{wanted}-{number}"));
    let mut ids = std::iter::once(wanted.to_owned()).chain(numbered);
    ids.find(is_free).unwrap_or_else(|| wanted.to_owned())
}

fn problem(place: &str, what: String, remedy: String) -> Problem {
    Problem {
        place: place.to_owned(),
        what,
        remedy: Some(remedy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            people: Vec::new(),
            stock: Vec::new(),
            stock_remarks: Vec::new(),
            dropped: Vec::new(),
            problems: Vec::new(),
            more_problems: 0,
            remarks: Vec::new(),
            there: Vec::new(),
            warned: false,
        }
    }

    /// A token of alice's, under that name in the file.
    fn give(plan: &mut Plan, places: &mut HashMap<u32, usize>, full: Option<&str>) {
        let mut found = unassigned::tests::found("", "", 1);
        found.place = format!("line {}", plan.people.len());
        found.user = full.map(str::to_owned);
        found.token.serial = None;
        let account = Account {
            uid: 1000,
            name: "alice".into(),
        };
        let full = full.map(str::to_owned);
        plan.give(Named { account, full }, found, places, &now());
    }

    /// A code must never be somebody else's: alice@partner.example isn't alice of corp.example.
    #[test]
    fn names_of_two_domains_are_not_one_person() {
        let (mut plan, mut places) = (plan(), HashMap::new());
        give(&mut plan, &mut places, None);
        give(&mut plan, &mut places, Some("alice@corp.example"));
        give(&mut plan, &mut places, Some("Alice@CORP.example"));
        assert_eq!(plan.problems, []);
        give(&mut plan, &mut places, Some("alice@partner.example"));
        let problem = plan.problems.first().unwrap();
        for name in ["alice@partner.example", "alice@corp.example"] {
            assert!(problem.what.contains(name), "{}", problem.what);
        }
        let imports = &plan.people.first().unwrap().imports;
        let names: Vec<_> = imports.iter().map(|one| one.full_name.as_deref()).collect();
        let expected = [None, Some("alice@corp.example"), Some("Alice@CORP.example")];
        assert_eq!(names, expected);
    }
}
