//! One person's enrolment.
//!
//! Nothing counts until one code confirms it. That code is spent in the ledger before the
//! token is in the token file, so that it lets nobody in a second time; and the token file
//! is replaced as a whole, so that an enrolment is there completely or not at all.

use fob_core::format::TokenFile;
use fob_core::{Attempt, Counter, Kind, Ledger, confirm, uri};
use fob_store::{Account, LedgerFile, NewCodes, create_folder, now};
use serde::Serialize;
use zeroize::Zeroizing;

use super::Wish;
use crate::output::{remark, say, say_json, time};
use crate::owners::Owners;
use crate::plan::Plan;
use crate::recovery_codes::page;
use crate::secret_page::SecretPage;
use crate::spent::Spent;
use crate::stop::Stop;
use crate::terminal::{self, Echo};
use crate::token_edit::Edit;
use crate::verbs::{Desk, no_room, token_is_blocked};
use crate::{journal, people};

/// How often a person may mistype.
const TRIES: u32 = 3;

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    digits: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counter: Option<u64>,
    algorithm: &'a str,
    uri: Option<&'a str>,
    secret: Option<&'a str>,
    recovery: Vec<&'a str>,
    confirmed: bool,
}

/// An enrolment that isn't written yet.
struct Enrolment<'a> {
    desk: &'a Desk,
    wish: &'a Wish,
    account: Account,
    plan: Plan,
    uri: Zeroizing<String>,
}

/// What came of the attempt to write it.
enum Outcome {
    Written(Option<NewCodes>),
    WrongCode,
}

pub(super) fn run(desk: &Desk, wish: &Wish, name: &str) -> Result<(), Stop> {
    let account = people::known(name)?;
    if desk.json && wish.secret_file.is_none() && !wish.no_confirm {
        let what = "nobody can know a code of a new secret before --json prints it";
        return Err(Stop::unknown(what).remedy("Add --no-confirm."));
    }
    let plan = Plan::new(wish)?;
    let uri = uri(&plan.token, &plan.issuer, &account.name);
    let enrolment = Enrolment {
        desk,
        wish,
        account,
        plan,
        uri,
    };
    enrolment.check()?;
    if enrolment.plan.shown && !desk.json {
        enrolment.show()?;
    }
    let codes = if wish.no_confirm {
        enrolment.write(None)?
    } else {
        enrolment.ask()?
    };
    match codes {
        Outcome::Written(codes) => enrolment.answer(codes.as_ref()),
        Outcome::WrongCode => Err(Stop::no("no code confirmed it: nothing was enrolled")
            .remedy("Remove the new entry from the app, and start again.")),
    }
}

impl Enrolment<'_> {
    /// Finds out what can be found out before anybody scans anything.
    fn check(&self) -> Result<(), Stop> {
        let timed = matches!(self.plan.token.kind, Kind::Totp { .. });
        if timed && !self.wish.no_confirm && !now().clock_is_set() {
            return Err(Stop::unknown("this machine's clock was never set")
                .remedy("Set it: codes that go by time can't be checked without."));
        }
        create_folder(&self.desk.store.conf.tokens)?;
        create_folder(&self.desk.store.conf.state)?;
        let edit = Edit::begin(&self.desk.store, &self.account.name)?;
        edit.admit(&self.plan.token)?;
        self.owners(Owners::warn)?;
        let floor = self.floor(Spent::warn)?;
        if floor == Ledger::BLOCKED && !self.wish.no_confirm {
            let what = "somebody's ledger has this token blocked: nobody knows its counter, so no \
                        code can confirm it";
            return Err(Stop::no(what).remedy("Add --no-confirm; fob says then how to free it."));
        }
        self.ledger(edit.was_there).map(drop)
    }

    /// Holds a secret that was given against everybody's.
    fn owners(&self, look: fn(&Owners)) -> Result<(), Stop> {
        if self.plan.is_new {
            return Ok(());
        }
        let owners = Owners::read(&self.desk.store)?;
        look(&owners);
        owners.admit(&self.account.name, &self.plan.token)
    }

    /// Where the token begins: what anybody spent of it is spent.
    fn floor(&self, look: fn(&Spent)) -> Result<Counter, Stop> {
        if self.plan.is_new {
            return Ok(Counter(0));
        }
        let spent = Spent::read(&self.desk.store)?;
        look(&spent);
        Ok(spent.floor(&self.plan.token))
    }

    fn show(&self) -> Result<(), Stop> {
        let token = &self.plan.token;
        let page = SecretPage::new(token, &self.plan.issuer, &self.account.name);
        say(&page.text()?)?;
        page.warn();
        Ok(())
    }

    /// Asks for a code until one is right.
    fn ask(&self) -> Result<Outcome, Stop> {
        if terminal::is_person() {
            remark("Nothing counts until one code confirms it. That code is spent then.");
        }
        for _ in 0..TRIES {
            let typed = terminal::ask("Code: ", Echo::Shown)?;
            let typed = typed.ok_or_else(|| Stop::no("no code was given: nothing was enrolled"))?;
            match self.write(Some(&Attempt::parse(&typed)))? {
                Outcome::WrongCode => remark(&self.doubt()),
                written => return Ok(written),
            }
        }
        Ok(Outcome::WrongCode)
    }

    /// What may be wrong when a code is.
    fn doubt(&self) -> String {
        match self.plan.token.kind {
            Kind::Totp { .. } => format!(
                "That is not what the token shows at {}, this machine's time.",
                time(now().unix).unwrap_or_default()
            ),
            Kind::Hotp { counter } | Kind::Yubico { counter, .. } => {
                let ahead = self.desk.store.conf.policy.look_ahead;
                format!("The token does not show that within {ahead} presses of counter {counter}.")
            }
        }
    }

    /// Spends the code, if there must be one, then writes the token.
    fn write(&self, attempt: Option<&Attempt>) -> Result<Outcome, Stop> {
        let token = &self.plan.token;
        let mut edit = Edit::begin(&self.desk.store, &self.account.name)?;
        edit.add(token)?;
        self.owners(|_| {})?;
        let first = edit.len() == 1 && edit.before.recovery.is_none();
        let codes = if first && !self.wish.no_recovery {
            let codes = NewCodes::make()?;
            edit.set_recovery(&codes.set)?;
            Some(codes)
        } else {
            None
        };
        let floor = self.floor(|_| {})?;
        let (mut file, mut ledger) = self.ledger(edit.was_there)?;
        if floor > Counter(0) {
            self.begin_at(floor, &edit.before, &mut ledger)?;
        }
        if let Some(attempt) = attempt {
            if !self.spend(&edit.before, &mut ledger, attempt)? {
                return Ok(Outcome::WrongCode);
            }
        }
        if floor > Counter(0) || attempt.is_some() {
            file.settle(&ledger)?;
        }
        drop(file);
        edit.write()?;
        if floor == Ledger::BLOCKED {
            remark(&token_is_blocked(&self.account.name, &token.id));
        }
        journal::changed(
            "enroll",
            &self.account.name,
            &[
                ("token", &token.id),
                ("type", token.kind.name()),
                ("confirmed", if attempt.is_some() { "yes" } else { "no" }),
                ("recovery", if codes.is_some() { "new" } else { "-" }),
            ],
        );
        Ok(Outcome::Written(codes))
    }

    /// Marks as spent what anybody spent.
    fn begin_at(
        &self,
        floor: Counter,
        before: &TokenFile,
        ledger: &mut Ledger,
    ) -> Result<(), Stop> {
        let token = &self.plan.token;
        ledger.make_room(&before.tokens, &now());
        if ledger.vouch_floor(token, floor, None, &now()) {
            Ok(())
        } else {
            Err(no_room(&self.account.name, token))
        }
    }

    /// Raises the floor above the code, if it is right.
    fn spend(
        &self,
        before: &TokenFile,
        ledger: &mut Ledger,
        attempt: &Attempt,
    ) -> Result<bool, Stop> {
        let token = &self.plan.token;
        let now = now();
        let policy = &self.desk.store.conf.policy;
        let Some((floor, drift)) = confirm(policy, token, ledger, &now, attempt) else {
            return Ok(false);
        };
        ledger.make_room(&before.tokens, &now);
        if ledger.raise_floor(token, floor, drift, &now) {
            Ok(true)
        } else {
            Err(no_room(&self.account.name, token))
        }
    }

    fn ledger(&self, enrolled_before: bool) -> Result<(LedgerFile, Ledger), Stop> {
        people::ledger_or_new(&self.desk.store, &self.account, enrolled_before)
    }

    fn answer(&self, codes: Option<&NewCodes>) -> Result<(), Stop> {
        let (user, token) = (&self.account.name, &self.plan.token);
        if !self.desk.json {
            if let Some(codes) = codes {
                say(&format!("\n{}", *page(codes, user)))?;
            }
            return say(&format!(
                "{user} is enrolled with the token {:?}.",
                token.id
            ));
        }
        let secret = token.secret.to_base32();
        let (period, counter) = match token.kind {
            Kind::Hotp { counter } | Kind::Yubico { counter, .. } => (None, Some(counter.0)),
            Kind::Totp { period, .. } => (Some(period.seconds()), None),
        };
        say_json(&Answer {
            user,
            id: &token.id,
            kind: token.kind.name(),
            digits: token.digits.count(),
            period,
            counter,
            algorithm: token.algorithm.name(),
            uri: self.plan.shown.then_some(&self.uri),
            secret: self.plan.shown.then_some(&secret),
            recovery: codes.map_or_else(Vec::new, NewCodes::list),
            confirmed: !self.wish.no_confirm,
        })
    }
}
