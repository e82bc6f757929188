//! What is known of a person, without secrets.

use clap::ValueEnum;
use fob_core::format::{Conf, TokenFile};
use fob_core::{Day, Ledger, Now, Source, Standing};
use fob_store::{Account, Entry, Store, now};
use serde::Serialize;

use crate::barred::Barred;
use crate::everybody::Everybody;
use crate::output::time;
use crate::people;
use crate::stop::Stop;

const DAY: u64 = 86_400;

/// Whether a person can log in, in a word. The first that is true, from the last up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub(crate) enum State {
    Ok,
    Never,
    Throttled,
    Locked,
    Disabled,
    Unusable,
    NoToken,
    Gone,
    Damaged,
}

impl State {
    /// The word that is printed.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Never => "never",
            Self::Throttled => "throttled",
            Self::Locked => "locked",
            Self::Disabled => "disabled",
            Self::Unusable => "unusable",
            Self::NoToken => "no_token",
            Self::Gone => "gone",
            Self::Damaged => "damaged",
        }
    }
}

/// What is known of a person.
#[derive(Debug, Serialize)]
pub(crate) struct Person {
    pub(crate) user: String,
    pub(crate) uid: Option<u32>,
    pub(crate) state: State,
    tokens: Vec<Token>,
    pub(crate) last_success: Option<String>,
    pub(crate) days_unused: Option<u64>,
    pub(crate) recovery_left: Option<usize>,
    /// What keeps files, or tokens, from being used.
    pub(crate) problem: Option<String>,
    /// Failed attempts since the last success.
    #[serde(skip)]
    pub(crate) failures: u32,
    #[serde(skip)]
    pub(crate) is_ledger_damaged: bool,
    /// How many tokens this version can't use.
    #[serde(skip)]
    pub(crate) unusable: u64,
    #[serde(skip)]
    pub(crate) uses: Vec<Use>,
}

/// How a token is used.
#[derive(Debug)]
pub(crate) struct Use {
    pub(crate) kind: &'static str,
    pub(crate) disabled: bool,
    pub(crate) expires: Option<Day>,
    /// Unix seconds; none if it never was.
    pub(crate) last_used: Option<u64>,
}

#[derive(Debug, Serialize)]
struct Token {
    id: String,
    #[serde(rename = "type")]
    kind: &'static str,
    serial: Option<String>,
    disabled: bool,
}

impl Person {
    /// The tokens in a cell.
    pub(super) fn tokens_text(&self) -> String {
        let tokens = self.tokens.iter().map(|token| {
            let disabled = if token.disabled { ", disabled" } else { "" };
            format!("{} ({}{disabled})", token.id, token.kind)
        });
        tokens.collect::<Vec<_>>().join("; ")
    }
}

/// What is known of the person whose token file this is. Whatever is wrong is theirs alone.
pub(crate) fn seen(store: &Store, everybody: &Everybody, entry: &Entry) -> Person {
    let file = || entry.path.file_name().unwrap_or_default().to_string_lossy();
    let mut person = Person {
        user: entry.name.clone().unwrap_or_else(|| file().into_owned()),
        uid: None,
        state: State::Damaged,
        tokens: Vec::new(),
        last_success: None,
        days_unused: None,
        recovery_left: None,
        problem: None,
        failures: 0,
        is_ledger_damaged: false,
        unusable: 0,
        uses: Vec::new(),
    };
    let looked = match &entry.name {
        Some(name) => person.look(store, everybody, name),
        None => Err(Stop::unknown("no person's token file has this name")),
    };
    match looked {
        Ok(state) => person.state = state,
        Err(stop) => person.problem = Some(stop.what),
    }
    person
}

impl Person {
    fn look(&mut self, store: &Store, everybody: &Everybody, name: &str) -> Result<State, Stop> {
        let account = everybody.find(name)?;
        self.uid = account.as_ref().map(|account| account.uid);
        let Some(file) = store.tokens(name)? else {
            return Err(Stop::unknown("the token file vanished"));
        };
        self.tokens = file
            .tokens
            .iter()
            .map(|token| Token {
                id: token.id.clone(),
                kind: token.kind.name(),
                serial: token.serial.clone(),
                disabled: token.disabled,
            })
            .collect();
        self.unusable = u64::try_from(file.refused.len()).unwrap_or(u64::MAX);
        self.uses = uses(&file, None);
        let sets = [&file.recovery, &file.scratch].into_iter().flatten();
        self.recovery_left = sets
            .map(|set| set.digests.len())
            .reduce(usize::saturating_add);
        let Some(account) = account else {
            return Ok(State::Gone);
        };
        if account.name != name {
            let what = format!(
                "the account is called {:?}: no login reads this file",
                account.name
            );
            return Err(Stop::unknown(what));
        }
        let refused = file.refused.first().map(|refused| {
            let id = refused.id.as_deref().unwrap_or("a token without a name");
            format!("{id}: {}", refused.error)
        });
        match refused {
            Some(what) if file.tokens.is_empty() => return Err(Stop::unknown(what)),
            refused => self.problem = refused,
        }
        let state = self.use_of(store, &account, &file);
        self.is_ledger_damaged = state.is_err();
        state
    }

    /// What the ledger adds.
    fn use_of(
        &mut self,
        store: &Store,
        account: &Account,
        file: &TokenFile,
    ) -> Result<State, Stop> {
        let ledger = people::ledger(store, account)?.map(|(_, ledger)| ledger);
        let mut ledger = ledger.unwrap_or_else(|| Ledger::new(people::owner(account)));
        let now = now();
        self.uses = uses(file, Some(&ledger));
        self.failures = ledger.notice.failures;
        self.last_success = time(ledger.last_success);
        if ledger.last_success > 0 {
            let since = now.unix.saturating_sub(ledger.last_success);
            self.days_unused = since.checked_div(DAY);
        }
        self.recovery_left = ledger.recovery_left(file);
        if file.tokens.is_empty() && !file.disabled {
            return Ok(State::NoToken);
        }
        if file.disabled || file.tokens.iter().all(|token| token.disabled) {
            return Ok(State::Disabled);
        }
        if let Some(why) = unusable(store, file, &ledger, &now) {
            self.problem = Some(why);
            return Ok(State::Unusable);
        }
        ledger.throttle.refresh(&now);
        if ledger.throttle.is_locked() {
            return Ok(State::Locked);
        }
        let policy = store.conf.policy.throttle;
        // A source that nobody can be, and so a stranger.
        let stranger = Source::local("", u32::MAX);
        let somebody_waits = || {
            let sources = ledger.throttle.sources(policy, &now);
            sources.iter().any(|(_, _, wait)| *wait > 0)
        };
        if ledger.throttle.standing(policy, &now, stranger) == Standing::Locked || somebody_waits()
        {
            return Ok(State::Throttled);
        }
        if ledger.last_success == 0 {
            return Ok(State::Never);
        }
        Ok(State::Ok)
    }
}

/// Why each token lets nobody in; none if one of them does, in some service.
fn unusable(store: &Store, file: &TokenFile, ledger: &Ledger, now: &Now) -> Option<String> {
    let whys = file.tokens.iter().map(|token| {
        let id = &token.id;
        match Barred::of(token, ledger, now) {
            Some(barred) => Some(format!("{id}: {barred}")),
            None if counts(&store.conf, token) => None,
            None => Some(format!("{id}: {} tokens do not count", token.kind.name())),
        }
    });
    let whys: Option<Vec<String>> = whys.collect();
    whys.map(|whys| whys.join("; "))
}

/// Whether tokens of its kind count in some service.
fn counts(conf: &Conf, token: &fob_core::Token) -> bool {
    let mut services = conf.services();
    let policy = |service| conf.settings(service).policy(conf.policy);
    conf.policy.types.has(token.kind)
        || services.any(|service| policy(service).types.has(token.kind))
}

fn uses(file: &TokenFile, ledger: Option<&Ledger>) -> Vec<Use> {
    let last_used = |token: &fob_core::Token| ledger.and_then(|ledger| ledger.entry(token.key()));
    let uses = file.tokens.iter().map(|token| Use {
        kind: token.kind.name(),
        disabled: token.disabled,
        expires: token.expires,
        last_used: last_used(token)
            .map(|entry| entry.last_used)
            .filter(|used| *used > 0),
    });
    uses.collect()
}
