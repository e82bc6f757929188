//! The way of a login, step by step.

use std::path::Path;

use fob_core::format::TokenFile;
use fob_core::{Arguments, FirstPass, Ledger, Reason, Settings, Source, Standing, Token};
use fob_store::{Account, Call, DEFAULT_CONF, Fault, FaultKind, Pass, Store, Who, now, shell_word};

use super::tokens;
use super::{End, Step, Wish};
use crate::doctor::contradictions;
use crate::output::count;
use crate::pam::{self, Folders};
use crate::people;
use crate::stop::Stop;

/// Why the walk ends before its end.
pub(super) enum Halt {
    End(End),
    Stop(Stop),
}

impl From<Stop> for Halt {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

pub(super) struct Walk {
    pub(super) steps: Vec<Step>,
    /// Why the stack may say something else than the module.
    pub(super) contradictions: Vec<&'static str>,
    /// The rule that is about it.
    pub(super) rule: Option<String>,
}

impl Walk {
    pub(super) fn all(&mut self, wish: &Wish, conf: Option<&Path>) -> Result<End, Halt> {
        let arguments = self.stack(wish, conf)?;
        let path = conf.or(arguments.conf.as_deref());
        let mut store = self.fallible("configuration", Store::open(path))?;
        let shown = path.unwrap_or(Path::new(DEFAULT_CONF));
        let there = if shown.exists() {
            "read"
        } else {
            "absent: the defaults hold"
        };
        self.passed("configuration", format!("{} {there}", shown.display()));
        let call = Call {
            user: &wish.name,
            service: &wish.service,
            rhost: wish.rhost.as_deref(),
            tty: wish.tty.as_deref(),
            uid: caller(wish)?,
        };
        let terms = store.terms(call, &arguments.settings);
        let terms = self.fallible("person, rules", terms)?;
        self.rule.clone_from(&terms.rule);
        if let Some(rule) = &terms.rule {
            self.passed("rule", format!("{rule:?} is the first that matches"));
        } else if !store.conf.rules.is_empty() {
            self.passed("rule", "none matches".into());
        }
        if terms.enrols {
            return Ok(self.enrols(terms.who.name(), terms.pass.is_some()));
        }
        if let Some(pass) = terms.pass {
            return Ok(self.passes(terms.who.name(), pass));
        }
        let account = match terms.who {
            Who::Enrolled(account) => account,
            Who::Absent(name, reason) => return Ok(self.absent(&store, &name, reason)),
        };
        let settings = terms.settings;
        let uid = account.uid;
        self.passed(
            "person",
            format!("{} (uid {uid}) is enrolled", account.name),
        );
        let file = store.tokens(&account.name);
        let file = self.fallible("token file", file)?;
        let file = file.ok_or_else(|| {
            Stop::unknown("the token file went away meanwhile").remedy("Try again.")
        })?;
        let ledger = self.ledger(&store, &account, &file)?;
        let source = call.source();
        if ledger.remembers(&store.conf.policy, &file, &now(), source, terms.stay) {
            return Ok(self.passes(&account.name, Pass::Remembered));
        }
        self.throttle(&store, wish, &account, source, ledger.clone())?;
        Ok(self.question(&store, &account, &file, &ledger, &settings))
    }

    /// The module's line in the service's stack.
    fn stack(&mut self, wish: &Wish, conf: Option<&Path>) -> Result<Arguments, Halt> {
        let service = &wish.service;
        if !Folders::default().has(service) {
            let what = format!("there is no PAM file for {service:?}; PAM would use \"other\"");
            let remedy = "Correct --service, or explain that one: --service other";
            return Err(Stop::unknown(what).remedy(remedy).into());
        }
        let line = match pam::module_line(service) {
            Ok(Some(line)) => line,
            Ok(None) => {
                let detail = format!(
                    "the auth stack of {:?} does not reach pam_fob",
                    wish.service
                );
                self.halted("PAM stack", detail.clone());
                return Err(Halt::End(End {
                    outcome: "ignored",
                    reason: None,
                    pam: "-",
                    summary: format!("{detail}: no code is asked for."),
                }));
            }
            Err(stop) => return Err(stop.into()),
        };
        match Arguments::parse(&line.arguments) {
            Ok(arguments) => {
                self.passed("PAM stack", line.shown);
                let conf = conf.or(arguments.conf.as_deref());
                for finding in contradictions(service, conf) {
                    self.halted("PAM stack", finding.what);
                    self.contradictions.push(finding.code);
                }
                Ok(arguments)
            }
            Err(wrong) => {
                self.halted("PAM stack", format!("{}: {wrong}", line.shown));
                let fault = Fault::new(FaultKind::Config, wrong);
                Err(Halt::End(faulty(&fault)))
            }
        }
    }

    /// Somebody who passes without a code.
    fn passes(&mut self, name: &str, pass: Pass) -> End {
        let why = match pass {
            Pass::Skip => "the rule skips the code".into(),
            Pass::NotEnrolled(None) => format!("{name} is not enrolled, and such people may pass"),
            Pass::NotEnrolled(Some(day)) => {
                format!("{name} is not enrolled, and such people may pass until {day}")
            }
            Pass::Remembered => format!("{name} gave a code there a short while ago"),
        };
        let what = match pass {
            Pass::Remembered => "place",
            _ => "person",
        };
        self.passed(what, why);
        End {
            outcome: "ignored",
            reason: Some(pass.word()),
            pam: "PAM_IGNORE",
            summary: format!("{name} is asked for no code; the rest of the stack decides."),
        }
    }

    /// Somebody who is enrolled in the middle of the login.
    fn enrols(&mut self, name: &str, may_decline: bool) -> End {
        let detail = "is not enrolled, and is shown a QR code and a secret";
        self.passed("person", format!("{name} {detail}"));
        let otherwise = if may_decline {
            "whoever declines passes without a code"
        } else {
            "whoever doesn't is refused"
        };
        End {
            outcome: "enrolling",
            reason: Some("enrolling"),
            pam: "PAM_IGNORE",
            summary: format!(
                "{name} is enrolled once a code confirms it and the rest of the stack says yes; {otherwise}."
            ),
        }
    }

    /// Somebody whom no code lets in.
    fn absent(&mut self, store: &Store, name: &str, reason: Reason) -> End {
        let detail = match reason {
            Reason::NoSuchUser => format!("this system knows nobody called {name:?}"),
            Reason::Denied => format!("the rule denies {name}"),
            _ => format!("{name} is not enrolled"),
        };
        let enrol = match reason {
            Reason::NotEnrolled => {
                let account = Account::look_up(name).ok().flatten();
                let renamed = account.and_then(|account| people::renamed(store, &account));
                renamed.map_or_else(
                    || {
                        format!(
                            "\nTo enrol {name}: fob enroll {name_word}",
                            name_word = shell_word(name)
                        )
                    },
                    |remedy| format!("\n{}", remedy.replace("\n     ", "\n")),
                )
            }
            _ => String::new(),
        };
        self.halted("person", detail);
        End {
            outcome: "refused",
            reason: Some(reason.word()),
            pam: "PAM_AUTH_ERR",
            summary: format!(
                "{name} is asked for a code, as anybody is, and every code is refused.{enrol}"
            ),
        }
    }

    fn ledger(
        &mut self,
        store: &Store,
        account: &Account,
        file: &TokenFile,
    ) -> Result<Ledger, Halt> {
        for token in &file.refused {
            let id = token.id.as_deref().unwrap_or("a token without a name");
            self.passed("token file", format!("{id} can't be used: {}", token.error));
        }
        let tokens = count(file.tokens.len().try_into().unwrap_or(u64::MAX), "token");
        let path = store.token_path(&account.name);
        self.passed(
            "token file",
            format!("{}: {tokens} can be used", path.display()),
        );
        let ledger = store.ledger_now(account);
        let ledger = self.fallible("ledger", ledger)?;
        let path = store.ledger_path(account.uid);
        let state = match &ledger {
            Some(_) => "in order",
            None => "not there yet; the first login makes it",
        };
        self.passed("ledger", format!("{}: {state}", path.display()));
        Ok(ledger.unwrap_or_else(|| Ledger::new(people::owner(account))))
    }

    fn throttle(
        &mut self,
        store: &Store,
        wish: &Wish,
        account: &Account,
        source: Source,
        mut ledger: Ledger,
    ) -> Result<(), Halt> {
        let now = now();
        ledger.throttle.refresh(&now);
        let shown = match &wish.rhost {
            Some(_) => source.to_string(),
            None => format!("{source}, service {}", wish.service),
        };
        let user = &account.name;
        let policy = store.conf.policy.throttle;
        let (word, detail) = match ledger.throttle.standing(policy, &now, source) {
            Standing::Free => {
                self.passed("throttle", format!("{shown}: may try now"));
                return Ok(());
            }
            Standing::Wait(wait) => ("throttled", format!("{shown} must wait {wait} s")),
            Standing::Locked => ("locked", format!("{shown}: too many failures in all")),
        };
        self.halted("throttle", detail);
        Err(Halt::End(End {
            outcome: "refused",
            reason: Some(word),
            pam: "PAM_AUTH_ERR",
            summary: format!(
                "Every code is refused, but for a recovery code. To lift it: fob unlock {user}",
                user = shell_word(user)
            ),
        }))
    }

    /// What is asked, and what would be right.
    fn question(
        &mut self,
        store: &Store,
        account: &Account,
        file: &TokenFile,
        ledger: &Ledger,
        settings: &Settings,
    ) -> End {
        let now = now();
        let user = &account.name;
        let has = tokens::all(store, file, ledger, &now);
        for thing in &has {
            let step = if thing.lets_in {
                Self::passed
            } else {
                Self::halted
            };
            step(self, "token", thing.detail.clone());
        }
        if file.disabled {
            let why = format!(
                "{user} is disabled. To undo it: fob enable {user_word}",
                user_word = shell_word(user)
            );
            return every_code_refused(Reason::Disabled, &why);
        }
        let tokens = has.iter().filter(|thing| thing.code.is_none());
        let tokens = tokens.filter(|thing| thing.lets_in).count();
        let codes = has.iter().filter(|thing| thing.lets_in);
        let codes: Vec<&str> = codes.filter_map(|thing| thing.code).collect();
        let least = usize::from(store.conf.policy.min_tokens);
        let mut lets_pass = "a right code lets pass.".to_owned();
        if tokens < least {
            let needs_clock = |token: &Token| token.kind.is_timed() && !token.disabled;
            let unset = !now.clock_is_set() && file.tokens.iter().any(needs_clock);
            let (reason, why) = if unset {
                let why = "this machine's clock was never set. Set it.".into();
                (Reason::ClockUnset, why)
            } else if tokens == 0 && codes.is_empty() {
                let why = format!(
                    "{user} has nothing that lets in. Run: fob enroll {user_word}",
                    user_word = shell_word(user)
                );
                (Reason::Wrong, why)
            } else if tokens == 0 {
                let why = format!(
                    "{user} has no token that lets in. Run: fob enroll {user_word}",
                    user_word = shell_word(user)
                );
                (Reason::Wrong, why)
            } else {
                let why = format!(
                    "{user} has {tokens} of the {least} tokens that it takes here. Run: fob enroll {user_word}",
                    user_word = shell_word(user)
                );
                (Reason::TooFewTokens, why)
            };
            if codes.is_empty() {
                return every_code_refused(reason, &why);
            }
            lets_pass = format!("only a {} lets pass, for {why}", codes.join(" or a "));
        }
        let how = match settings.first_pass() {
            Some(FirstPass::Use) => {
                "The password that was typed before is taken as the code".into()
            }
            Some(FirstPass::Try) => format!(
                "The password that was typed before is tried as a code, then {user} is asked {:?}",
                settings.prompt()
            ),
            None => format!("{user} is asked {:?}", settings.prompt()),
        };
        let pin = match (&file.pin, settings.asks_for_pin()) {
            (_, true) => "; the PIN is asked for first",
            (Some(_), false) => "; the PIN stands in front of the code",
            (None, false) => "",
        };
        let field = if settings.forward_pass() {
            "; one field takes password and code"
        } else {
            ""
        };
        End {
            outcome: "asked",
            reason: None,
            pam: "PAM_SUCCESS",
            summary: format!("{how}{field}{pin}; {lets_pass}"),
        }
    }

    fn passed(&mut self, what: &'static str, detail: String) {
        self.steps.push(Step {
            what,
            passed: true,
            detail,
        });
    }

    fn halted(&mut self, what: &'static str, detail: String) {
        self.steps.push(Step {
            what,
            passed: false,
            detail,
        });
    }

    /// A step whose fault ends the login.
    fn fallible<T>(&mut self, what: &'static str, result: Result<T, Fault>) -> Result<T, Halt> {
        result.map_err(|fault| {
            self.halted(what, fault.detail.clone());
            Halt::End(faulty(&fault))
        })
    }
}

/// Nothing that is typed lets in.
fn every_code_refused(reason: Reason, why: &str) -> End {
    End {
        outcome: "refused",
        reason: Some(reason.word()),
        pam: "PAM_AUTH_ERR",
        summary: format!("Every code is refused: {why}"),
    }
}

/// What a fault comes to: the table of src/outcome.rs.
fn faulty(fault: &Fault) -> End {
    let pam = match fault.kind {
        FaultKind::Config => "PAM_SERVICE_ERR",
        _ => "PAM_SYSTEM_ERR",
    };
    End {
        outcome: "refused",
        reason: Some(fault.kind.word()),
        pam,
        summary: format!(
            "{} is refused until that is mended.{}",
            whoever(fault),
            how(fault)
        ),
    }
}

/// Whom a fault concerns.
fn whoever(fault: &Fault) -> &'static str {
    match fault.kind {
        FaultKind::Config | FaultKind::NotRoot => "Everybody",
        FaultKind::UserDatabase => "Whoever the user database can't be asked about",
        _ => "Whoever needs that file or folder",
    }
}

/// What to do, where the fault doesn't say so itself.
fn how(fault: &Fault) -> String {
    let remedy = Stop::from(fault.clone()).remedy;
    remedy.map_or_else(String::new, |remedy| format!(" {remedy}"))
}

/// The real uid of the process that asks.
fn caller(wish: &Wish) -> Result<u32, Stop> {
    match wish.caller.as_deref() {
        None => Ok(0),
        Some(text) => match text.parse() {
            Ok(uid) => Ok(uid),
            Err(_) => Ok(people::known(text)?.uid),
        },
    }
}
