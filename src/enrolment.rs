//! Enrolling somebody in the middle of a login: a picture for the phone, one code to confirm
//! it, the recovery codes.
//!
//! Nothing is on the disk while the person scans and types. What they confirmed waits, as
//! [`fob_store`] keeps it, for the end of the login; [`establish`] makes it real.

use fob_core::{Arguments, Attempt, Drawing, Ink, Qr, Settings};
use fob_store::{Claim, Confirmed, Enrolment, Fault, FaultKind, Store, Ticket};
use zeroize::Zeroizing;

use crate::ffi::{Host, NoAnswer, shielded};
use crate::journal::{self, Caller};
use crate::login::Stop;

/// The variable of the PAM environment that carries the ticket to the end of the login.
const TICKET: &std::ffi::CStr = c"PAM_FOB_ENROLMENT";
/// How often a code may be wrong.
const TRIES: u32 = 3;
/// How often the picture may be drawn anew.
const PICTURES: u32 = 8;

/// How it ended.
pub(crate) enum Ended {
    /// A code confirmed it: the person is enrolled if the whole stack says yes.
    Confirmed,
    /// Nothing was kept, for this reason.
    Not(&'static str),
}

/// Shows, asks, confirms. `may_decline` if the person gets in without, too.
pub(crate) fn run(
    host: &Host,
    store: &Store,
    settings: &Settings,
    name: &str,
    may_decline: bool,
) -> Result<Ended, Stop> {
    let enrolment = shielded(|| store.begin_enrolment(name))?;
    let mut screen = Screen {
        host,
        settings,
        may_decline,
        ink: Ink::Light,
    };
    let confirmed = match screen.confirm(store, enrolment)? {
        Ok(confirmed) => confirmed,
        Err(why) => return Ok(Ended::Not(why)),
    };
    screen.show_recovery_codes(&confirmed)?;
    // Last, so that a connection that is dropped before leaves nothing.
    let ticket = shielded(|| store.keep_pending(&confirmed))?;
    if host.set_env(TICKET, ticket.text()) {
        return Ok(Ended::Confirmed);
    }
    let what = "libpam couldn't carry the enrolment on";
    Err(Fault::new(FaultKind::StateWrite, what).into())
}

/// Forgets what an earlier attempt of the same login confirmed: that attempt failed, or there
/// would be no other.
pub(crate) fn forget(host: &Host) {
    if host.env(TICKET).is_some() {
        host.remove_env(TICKET);
    }
}

/// The end of a login that succeeded: what was confirmed in it becomes real.
pub(crate) fn establish(host: &Host, words: &[String], caller: &mut Caller) {
    let Some(text) = host.env(TICKET) else {
        return;
    };
    host.remove_env(TICKET);
    caller.user = host.named_user().unwrap_or_default();
    let became = claim(&text, words);
    match &became {
        Ok(Claim::Enrolled(..)) => {}
        Ok(Claim::Late(_)) => host.tell(LATE),
        Ok(Claim::Gone) | Err(_) => host.tell(LOST),
    }
    journal::enrolled(caller, &became);
}

fn claim(text: &str, words: &[String]) -> Result<Claim, Fault> {
    let arguments =
        Arguments::parse(words).map_err(|wrong| Fault::new(FaultKind::Config, wrong))?;
    let Some(ticket) = Ticket::parse(text) else {
        return Ok(Claim::Gone);
    };
    let store = Store::open(arguments.conf.as_deref())?;
    shielded(|| store.claim(&ticket))
}

/// What the person sees.
struct Screen<'a> {
    host: &'a Host,
    settings: &'a Settings,
    may_decline: bool,
    /// Which modules of the picture are drawn.
    ink: Ink,
}

impl Screen<'_> {
    /// Asks for a code until one is right, or says why none was.
    fn confirm(
        &mut self,
        store: &Store,
        mut enrolment: Enrolment,
    ) -> Result<Result<Confirmed, &'static str>, Stop> {
        let (mut tries, mut pictures) = (0u32, 0u32);
        self.show_picture(&enrolment);
        loop {
            let answer = match self.host.ask(&self.question(&enrolment), true) {
                Err(NoAnswer::TooLong) => None,
                answer => Some(answer?),
            };
            let typed = answer.as_ref().map_or(&[][..], |answer| answer.bytes());
            match typed.trim_ascii() {
                b"" if answer.is_some() => return Ok(Err("declined")),
                b"i" | b"I" if pictures < PICTURES => {
                    pictures = pictures.saturating_add(1);
                    self.ink = self.ink.swapped();
                    self.show_picture(&enrolment);
                    continue;
                }
                _ => {}
            }
            match store.confirm_enrolment(enrolment, &Attempt::parse(typed))? {
                Ok(confirmed) => return Ok(Ok(confirmed)),
                Err(back) => enrolment = back,
            }
            tries = tries.saturating_add(1);
            if tries >= TRIES {
                return Ok(Err("unconfirmed"));
            }
            self.host.tell(WRONG);
        }
    }

    fn show_picture(&self, enrolment: &Enrolment) {
        let picture = self.settings.qr().and_then(|drawing| {
            // Two characters a module: eighty columns have no room for more light round it.
            let quiet = if drawing == Drawing::Ascii {
                1
            } else {
                Qr::QUIET
            };
            let qr = Qr::of(&enrolment.uri(), quiet)?;
            Some(qr.draw(drawing, self.ink))
        });
        let head = if self.may_decline { OFFER } else { DEMAND };
        match picture {
            Some(picture) => {
                let text = Zeroizing::new(format!("{head} {SCAN}\n\n{}", *picture));
                self.host.tell(&text);
            }
            None => self.host.tell(head),
        }
    }

    /// The question has the secret in it: some applications show what was told only later, or
    /// never.
    fn question(&self, enrolment: &Enrolment) -> Zeroizing<String> {
        let swap = if self.settings.qr().is_some() {
            SWAP
        } else {
            ""
        };
        let decline = if self.may_decline { DECLINE } else { "" };
        Zeroizing::new(format!(
            "{TYPE} {}\n{swap}{decline}{CODE}",
            *enrolment.secret()
        ))
    }

    /// In the question too, for the same reason.
    fn show_recovery_codes(&self, confirmed: &Confirmed) -> Result<(), Stop> {
        let mut text = Zeroizing::new(String::with_capacity(1024));
        text.push_str(RECOVERY);
        text.push('\n');
        for code in confirmed.recovery_codes() {
            text.push_str("\n    ");
            text.push_str(code);
        }
        text.push_str("\n\n");
        text.push_str(WRITTEN);
        match self.host.ask(&text, true) {
            Err(NoAnswer::Failed) => Err(Stop::Conversation),
            _ => Ok(()),
        }
    }
}

const OFFER: &str = "You can protect your logins with a code from your phone.";
const DEMAND: &str = "From now on you need a code from your phone to log in.";
const SCAN: &str = "Scan this with an authenticator app:";
const TYPE: &str = "If you can't scan, type this secret into the app:";
const SWAP: &str = "If the app doesn't find the picture, type i to swap light and dark.\n";
const DECLINE: &str = "To do it another time, just press Enter.\n";
const CODE: &str = "Code that the app shows: ";
const WRONG: &str = "That isn't the code that the app shows now.";
const RECOVERY: &str = "Recovery codes: each lets you in once when the phone is gone.\n\
    Write them down, and keep them apart from the phone. They are not shown again.";
const WRITTEN: &str = "Press Enter once you have them: ";
const LATE: &str =
    "You were enrolled otherwise in the meantime. Remove the new entry from the app.";
const LOST: &str =
    "The new token could not be kept. Remove it from the app, and log in again to enrol.";
