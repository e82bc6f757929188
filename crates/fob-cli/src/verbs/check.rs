//! `fob check`: would this code let the person in? It is judged as at a login, and spent.

use fob_core::{Acceptance, Attempt, MAX_ANSWER, Reason, Refusal, Source, Stay, Verdict};
use fob_store::{Level, Who, shell_word};
use nix::unistd::getuid;
use serde::Serialize;
use zeroize::Zeroizing;

use clap::Args;

use crate::journal;
use crate::output::{remark, say, say_json};
use crate::stop::Stop;
use crate::terminal::{self, Echo};
use crate::verbs::{Desk, dry_run};

/// What the throttle and the log know this command as.
pub(super) const SERVICE: &str = "fob";

/// What is wished.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    fob check alice             as at a login; the code is spent\n  \
    fob check alice --dry-run   spends nothing, and says why not")]
pub(crate) struct Wish {
    /// The person's login name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Spend nothing and write nothing; say why
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    accepted: bool,
    token: Option<&'a str>,
    counter: Option<u64>,
    drift: Option<i32>,
    recovery_left: Option<usize>,
    reason: Option<&'a str>,
    wait: Option<u32>,
}

pub(super) fn run(desk: &Desk, wish: &Wish) -> Result<(), Stop> {
    if wish.dry_run {
        return dry_run::run(desk, &wish.name);
    }
    let who = desk.store.who(&wish.name)?;
    let user = match &who {
        Who::Enrolled(account) => account.name.as_str(),
        Who::Absent(name, reason) => return refused(desk, name, (*reason).into()),
    };
    let typed = terminal::ask("Code: ", Echo::Hidden)?;
    let typed = typed.ok_or_else(|| Stop::no("no code was given"))?;
    if typed.len() > MAX_ANSWER {
        return refused(desk, user, Reason::TooLong.into());
    }
    let source = Source::local(SERVICE, getuid().as_raw());
    let attempt = Attempt::parse(&Zeroizing::new(typed.to_vec()));
    let judged = match desk
        .store
        .judge(&who, source, "", Stay::default(), &attempt)
    {
        Ok(judged) => judged,
        Err(fault) => {
            let outcome = format!("refused reason={}", fault.kind.word());
            journal::judged(Level::Error, &outcome, user, &[]);
            return Err(fault.into());
        }
    };
    for token in &judged.refused {
        let id = token.id.as_deref().unwrap_or("a token without a name");
        remark(&format!(
            "fob: warning: {id} can't be used: {}",
            token.error
        ));
    }
    match judged.verdict {
        Verdict::Accepted(acceptance) => accepted(desk, user, &acceptance),
        Verdict::Refused(refusal) => refused(desk, user, refusal),
    }
}

fn accepted(desk: &Desk, user: &str, acceptance: &Acceptance) -> Result<(), Stop> {
    let mut fields = vec![("token", acceptance.token().to_owned())];
    if let Some(counter) = acceptance.counter() {
        fields.push(("counter", counter.to_string()));
        fields.push(("drift", acceptance.drift().to_string()));
    }
    let left = acceptance.recovery_left();
    if let Some(left) = left.filter(|_| acceptance.is_recovery()) {
        fields.push(("left", left.to_string()));
    }
    let logged: Vec<(&str, &str)> = fields
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    journal::judged(Level::Info, "accepted", user, &logged);
    if desk.json {
        return say_json(&Answer {
            user,
            accepted: true,
            token: Some(acceptance.token()),
            counter: acceptance.counter().map(|counter| counter.0),
            drift: acceptance.counter().map(|_| acceptance.drift()),
            recovery_left: acceptance.recovery_left(),
            reason: None,
            wait: None,
        });
    }
    let fields: Vec<String> = logged
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    say(&format!("accepted {}", fields.join(" ")))
}

fn refused(desk: &Desk, user: &str, refusal: Refusal) -> Result<(), Stop> {
    let Refusal { reason, wait } = refusal;
    let outcome = format!("refused reason={}", reason.word());
    let seconds = wait.to_string();
    if wait > 0 {
        journal::judged(Level::Warning, &outcome, user, &[("wait", &seconds)]);
    } else {
        journal::judged(Level::Warning, &outcome, user, &[]);
    }
    if desk.json {
        say_json(&Answer {
            user,
            accepted: false,
            token: None,
            counter: None,
            drift: None,
            recovery_left: None,
            reason: Some(reason.word()),
            wait: Some(wait),
        })?;
    } else if wait > 0 {
        say(&format!("{outcome} wait={wait}"))?;
    } else {
        say(&outcome)?;
    }
    let what = format!("this does not let {user} in");
    let remedy = match reason {
        Reason::NotEnrolled => format!("Run: fob enroll {user}", user = shell_word(user)),
        Reason::Locked => format!("Run: fob unlock {user}", user = shell_word(user)),
        Reason::Throttled => format!(
            "Wait {wait} s, or run: fob unlock {user}",
            user = shell_word(user)
        ),
        Reason::ClockUnset => "Set this machine's clock.".into(),
        Reason::NoSuchUser => "Create the account first, or correct the name.".into(),
        _ => format!(
            "To see why, with the next code: fob check {user} --dry-run",
            user = shell_word(user)
        ),
    };
    Err(Stop::no(what).remedy(remedy))
}
