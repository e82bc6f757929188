//! One login, from top to bottom.

use fob_core::{Arguments, Attempt, FirstPass, Reason, Refusal, Settings, Stay, Text, Verdict};
use fob_store::{Account, Fault, FaultKind, Judged, Pass, Store, Terms, Who};

use crate::enrolment::{self, Ended};
use crate::ffi::{Answer, Host, NoAnswer, shielded};
use crate::journal::{self, Caller, Remarks};
use crate::notices::Notices;
use crate::outcome::Outcome;
use crate::remembered;

/// What PAM is asked to wait after a refusal, in microseconds.
const FAIL_DELAY: u32 = 2_000_000;

/// Why a login stops before its end.
pub(crate) enum Stop {
    Fault(Fault),
    Refused(Refusal),
    Conversation,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<NoAnswer> for Stop {
    fn from(reason: NoAnswer) -> Self {
        match reason {
            NoAnswer::Failed => Self::Conversation,
            NoAnswer::TooLong => Self::Refused(Reason::TooLong.into()),
        }
    }
}

/// Asks for a code and judges it. One log line is written for each answer that is judged, once
/// its outcome is final.
pub(crate) fn authenticate(host: &Host, words: &[String]) -> Outcome {
    let mut login = Login {
        host,
        caller: caller(host),
        remarks: Remarks::default(),
        notices: Notices::default(),
        refused: None,
        is_told: false,
        stay: Stay::default(),
    };
    // An earlier attempt of the same login failed, or there would be no other.
    for variable in [enrolment::VARIABLE, remembered::VARIABLE] {
        host.take_env(variable);
    }
    let outcome = match login.run(words) {
        Ok(outcome) => outcome,
        Err(Stop::Fault(fault)) => Outcome::Fault(fault),
        Err(Stop::Refused(refusal)) => Outcome::Refused(refusal),
        Err(Stop::Conversation) => Outcome::Conversation,
    };
    if matches!(outcome, Outcome::Refused(_)) {
        host.fail_delay(FAIL_DELAY);
    }
    if !login.is_told {
        journal::record(&login.caller, &outcome, &login.remarks);
    }
    outcome
}

/// What belongs to a login that succeeded as a whole: the application calls this, in
/// `pam_sm_setcred`, only when the whole stack said yes. Nothing here can make it fail.
pub(crate) fn establish(host: &Host, words: &[String]) {
    let mut caller = caller(host);
    let whose = Whose([host.named_user(), caller.ruser.clone()]);
    // What can't be confirmed counts as failed: a code is asked a little sooner.
    let _ = remembered::confirm(host, words, &whose);
    enrolment::establish(host, words, &whose, &mut caller);
}

/// The store that the module's line names.
pub(crate) fn open(words: &[String]) -> Result<Store, Fault> {
    let arguments = parsed(words)?;
    Store::open(arguments.conf.as_deref())
}

fn parsed(words: &[String]) -> Result<Arguments, Fault> {
    Arguments::parse(words).map_err(|wrong| Fault::new(FaultKind::Config, wrong))
}

/// Whose login succeeded: `PAM_USER`, which sudo has changed by then, and `PAM_RUSER`, who
/// runs sudo.
///
/// login(1) tries one person after the other on one handle. Somebody who got in past a
/// module in front of this one never brought it to take back what was left by a person whose
/// password was wrong.
pub(crate) struct Whose([Option<String>; 2]);

impl Whose {
    /// The person with that uid, if it was theirs.
    pub(crate) fn with_uid(&self, uid: u32) -> Option<Account> {
        let names = self.0.iter().flatten();
        let mut found = names.filter_map(|name| Account::look_up(name).ok()?);
        found.find(|account| account.uid == uid)
    }

    /// Whether it was this person's.
    pub(crate) fn is(&self, uid: u32) -> bool {
        self.with_uid(uid).is_some()
    }
}

struct Login<'a> {
    host: &'a Host,
    caller: Caller,
    remarks: Remarks,
    notices: Notices,
    /// The password of an earlier module, where it was taken for a code and refused.
    refused: Option<(Answer, Refusal)>,
    /// The outcome has its line already: the answer was the one that was refused before. One
    /// text for every question is one attempt, and one line (P12).
    is_told: bool,
    /// Where a code is good for a while.
    stay: Stay,
}

impl Login<'_> {
    fn run(&mut self, words: &[String]) -> Result<Outcome, Stop> {
        let arguments = parsed(words)?;
        self.caller.user = self.host.user().ok_or(Stop::Conversation)?;
        Account::require_root()?;
        let mut store = Store::open(arguments.conf.as_deref())?;
        let terms = store.terms(self.caller.call(), &arguments.settings)?;
        self.caller.rule.clone_from(&terms.rule);
        self.notices = Notices::new(&terms.settings);
        self.stay = terms.stay;
        if terms.settings.debug() {
            self.explain(&store, &terms.settings, &terms.who);
        }
        if let Some(outcome) = self.without_code(&store, &terms)? {
            return Ok(outcome);
        }
        let Terms { who, settings, .. } = terms;
        if let Some(verdict) = self.try_first_pass(&store, &settings, &who)? {
            return Ok(verdict);
        }
        let pin = settings
            .asks_for_pin()
            .then(|| self.host.ask(self.notices.question(Text::PinPrompt), false))
            .transpose()?;
        let answer = self.host.ask(settings.prompt(), settings.echo())?;
        if let Some(refusal) = self.same_again(&answer, pin.as_ref()) {
            self.is_told = true;
            return Ok(Outcome::Refused(refusal));
        }
        let attempt = parse(&settings, &answer);
        let attempt = pin.iter().fold(attempt, |a, pin| a.with_pin(pin.bytes()));
        match self.judge(&store, &who, &answer, &attempt)? {
            Outcome::Refused(Refusal {
                reason: Reason::OutOfWindow,
                ..
            }) => self.resync(&store, &settings, &who, &answer, attempt),
            outcome => Ok(outcome),
        }
    }

    /// What becomes of those who are asked for none of their codes: people who are enrolled
    /// first, who pass, or who gave a code a while ago.
    fn without_code(&mut self, store: &Store, terms: &Terms) -> Result<Option<Outcome>, Stop> {
        let Terms { who, settings, .. } = terms;
        if terms.enrols {
            let may_decline = terms.pass.is_some();
            let drawing = settings.qr().filter(|_| !self.caller.at_display());
            match enrolment::run(self.host, store, settings, drawing, who.name(), may_decline)? {
                Ended::Confirmed => return Ok(Some(Outcome::Enrolling)),
                Ended::Not(why) => self.remarks.enrolment = Some(why),
            }
            if !may_decline {
                return Err(Stop::Refused(Reason::NotEnrolled.into()));
            }
        }
        if let Some(pass) = terms.pass {
            self.notices.tell_grace(self.host, pass);
            return Ok(Some(Outcome::Ignored(pass)));
        }
        let source = self.caller.call().source();
        let recalled = remembered::recall(self.host, store, who, source, terms.stay)?;
        Ok(recalled.then_some(Outcome::Ignored(Pass::Remembered)))
    }

    /// Asks for the code after one that stood beyond the window: two in a row bring the
    /// token back in step (RFC 4226 section 7.4).
    fn resync(
        &mut self,
        store: &Store,
        settings: &Settings,
        who: &Who,
        typed: &Answer,
        first: Attempt,
    ) -> Result<Outcome, Stop> {
        let out_of_window = Outcome::Refused(Reason::OutOfWindow.into());
        journal::record(&self.caller, &out_of_window, &self.remarks);
        let question = self.notices.question(Text::NextCodePrompt);
        let answer = self.host.ask(question, settings.echo())?;
        if answer.bytes() == typed.bytes() {
            // A client that says one thing to every question: one failure, not two.
            self.is_told = true;
            return Ok(out_of_window);
        }
        let is_joined = first.is_joined();
        let pair = first.followed_by(Attempt::parse(answer.bytes()));
        let outcome = self.judge(store, who, &answer, &pair)?;
        match &outcome {
            // Only now it is known which token's code the password stood in front of.
            Outcome::Accepted(acceptance) if is_joined && acceptance.counter().is_some() => {
                let password = Attempt::password(typed.bytes(), acceptance.length());
                self.host.set_authtok(password);
            }
            _ => {}
        }
        Ok(outcome)
    }

    /// The password that an earlier module asked for, where that is to be used.
    fn try_first_pass(
        &mut self,
        store: &Store,
        settings: &Settings,
        who: &Who,
    ) -> Result<Option<Outcome>, Stop> {
        let Some(which) = settings.first_pass() else {
            return Ok(None);
        };
        let answer = self.host.authtok()?;
        match (which, answer) {
            (FirstPass::Use, Some(answer)) => {
                let attempt = parse(settings, &answer);
                self.judge(store, who, &answer, &attempt).map(Some)
            }
            (FirstPass::Use, None) => Err(Stop::Refused(Reason::Malformed.into())),
            (FirstPass::Try, Some(answer)) if !parse(settings, &answer).is_malformed() => {
                let attempt = parse(settings, &answer);
                match self.judge(store, who, &answer, &attempt)? {
                    // Somebody who must wait is asked too: for a recovery code, they needn't.
                    Outcome::Refused(refusal) => {
                        journal::record(&self.caller, &Outcome::Refused(refusal), &self.remarks);
                        self.refused = Some((answer, refusal));
                        Ok(None)
                    }
                    outcome => Ok(Some(outcome)),
                }
            }
            (FirstPass::Try, _) => Ok(None),
        }
    }

    /// Why an answer is refused that was refused a moment ago as an earlier module's
    /// password: some clients say one thing to every question, and that is one failure.
    fn same_again(&self, answer: &Answer, pin: Option<&Answer>) -> Option<Refusal> {
        let (refused, refusal) = self.refused.as_ref()?;
        let mut answers = pin.into_iter().chain([answer]);
        let is_same = answers.all(|answer| answer.bytes() == refused.bytes());
        is_same.then_some(*refusal)
    }

    fn judge(
        &mut self,
        store: &Store,
        who: &Who,
        answer: &Answer,
        attempt: &Attempt,
    ) -> Result<Outcome, Stop> {
        #[cfg(feature = "test-panic")]
        assert!(answer.bytes() != b"panic", "the test suite asked for this");

        let from = self.caller.rhost.as_deref().unwrap_or_default();
        let source = self.caller.call().source();
        let judged = shielded(|| store.judge(who, source, from, self.stay, attempt))?;
        let Judged {
            verdict,
            fresh,
            clock_behind,
            refused,
        } = judged;
        self.remarks = Remarks {
            fresh,
            clock_behind,
            refused,
            ..Remarks::default()
        };
        if attempt.is_joined() {
            self.forward(&verdict, answer);
        }
        Ok(match verdict {
            Verdict::Accepted(acceptance) => {
                self.notices.tell_success(self.host, &acceptance);
                Outcome::Accepted(acceptance)
            }
            Verdict::Refused(refusal) => {
                self.notices.tell_wait(self.host, refusal.wait);
                Outcome::Refused(refusal)
            }
        })
    }

    /// Hands the password in front of the code to the next module. Also after a refusal:
    /// were the next module to ask again, everybody could see that the code was wrong.
    fn forward(&self, verdict: &Verdict, answer: &Answer) {
        let typed = answer.bytes();
        let password = match verdict {
            Verdict::Accepted(acceptance) => Attempt::password(typed, acceptance.length()),
            Verdict::Refused(_) => Attempt::likely_password(typed),
        };
        self.host.set_authtok(password);
    }

    fn explain(&self, store: &Store, settings: &Settings, who: &Who) {
        let (name, ledger) = match who {
            Who::Enrolled(account) => (&account.name, store.ledger_path(account.uid)),
            Who::Absent(name, _) => (name, store.conf.state.join("dummy-*")),
        };
        let flags = format!(
            "nullok={} echo={} forward_pass={}",
            settings.nullok(),
            settings.echo(),
            settings.forward_pass()
        );
        let tokens = store.token_path(name);
        let paths = format!("tokens={} ledger={}", tokens.display(), ledger.display());
        journal::debug(
            &self.caller,
            &format!("{} {flags}", journal::escaped_path(&paths)),
        );
    }
}

fn parse(settings: &Settings, answer: &Answer) -> Attempt {
    if settings.forward_pass() {
        Attempt::parse_joined(answer.bytes())
    } else {
        Attempt::parse(answer.bytes())
    }
}

fn caller(host: &Host) -> Caller {
    let (service, rhost, tty, ruser) = host.origin();
    Caller {
        user: "?".into(),
        service: service.unwrap_or_default(),
        rhost: rhost.filter(|rhost| !rhost.is_empty()),
        tty,
        ruser,
        uid: host.real_uid(),
        rule: None,
    }
}
