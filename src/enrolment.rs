//! Enrolling somebody in the middle of a login: a picture for the phone, one code to confirm
//! it, the recovery codes.
//!
//! Nothing is on the disk while the person scans and types. What they confirmed waits, as
//! [`fob_store`] keeps it, for the end of the login; [`establish`] makes it real.

use fob_core::{Attempt, Drawing, Ink, Qr, Settings, Text, Texts};
use fob_store::{Account, Claim, Confirmed, Enrolment, Fault, FaultKind, Receipt, Store};
use zeroize::Zeroizing;

use crate::ffi::{Host, NoAnswer, shielded};
use crate::journal::{self, Caller};
use crate::login::{self, Stop, Whose};

/// The variable of PAM's environment that carries the receipt to the end of the login.
pub(crate) const VARIABLE: &str = "PAM_FOB_ENROLMENT";
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

/// Shows, asks, confirms. `drawing` is how the picture is drawn; `may_decline` if the person gets
/// in without, too.
pub(crate) fn run(
    host: &Host,
    store: &Store,
    settings: &Settings,
    drawing: Option<Drawing>,
    name: &str,
    may_decline: bool,
) -> Result<Ended, Stop> {
    let gone = || Fault::new(FaultKind::UserDatabase, "the person is gone");
    let account = Account::look_up(name)?.ok_or_else(gone)?;
    let enrolment = shielded(|| store.begin_enrolment(account))?;
    let mut screen = Screen {
        host,
        settings,
        drawing: drawing.filter(|_| !host.is_silent()),
        may_decline,
        ink: Ink::Light,
    };
    let confirmed = match screen.confirm(store, enrolment)? {
        Ok(confirmed) => confirmed,
        Err(why) => return Ok(Ended::Not(why)),
    };
    screen.show_recovery_codes(&confirmed)?;
    // Last, so that a connection that is dropped before leaves nothing.
    let receipt = shielded(|| store.keep_pending(&confirmed))?;
    if host.put_env(VARIABLE, Some(receipt.text())) {
        return Ok(Ended::Confirmed);
    }
    let what = "libpam couldn't carry the enrolment on";
    Err(Fault::new(FaultKind::StateWrite, what).into())
}

/// The end of a login that succeeded: what was confirmed in it becomes real.
pub(crate) fn establish(host: &Host, words: &[String], whose: &Whose, caller: &mut Caller) {
    let Some(text) = host.take_env(VARIABLE) else {
        return;
    };
    caller.user = host.named_user().unwrap_or_default();
    let receipt = Receipt::parse(&text);
    let theirs = receipt.and_then(|receipt| {
        let account = whose.with_uid(receipt.uid()?)?;
        Some((receipt, account))
    });
    let Some((receipt, account)) = theirs else {
        // Not for this person's eyes either.
        return journal::enrolled(caller, &Ok(Claim::Gone));
    };
    let store = login::open(words);
    let claim = |store: &Store| shielded(|| store.claim(&receipt, &account));
    let became = store.as_ref().map_err(Fault::clone).and_then(claim);
    let texts = store.map_or_else(
        |_| Texts::default(),
        |store| store.conf.settings(&caller.service).texts,
    );
    match &became {
        Ok(Claim::Enrolled(..)) => {}
        Ok(Claim::Late(_)) => host.tell(texts.get(Text::EnrollLate)),
        Ok(Claim::Gone) | Err(_) => host.tell(texts.get(Text::EnrollLost)),
    }
    journal::enrolled(caller, &became);
}

/// What the person sees.
struct Screen<'a> {
    host: &'a Host,
    settings: &'a Settings,
    drawing: Option<Drawing>,
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
            self.tell(Text::EnrollWrong);
        }
    }

    fn show_picture(&mut self, enrolment: &Enrolment) {
        let Some(picture) = self.picture(enrolment) else {
            self.drawing = None;
            return;
        };
        let (head, scan) = (self.said(self.head()), self.said(Text::EnrollScan));
        let text = Zeroizing::new(format!(
            "{head} {scan}\n\n{}",
            picture.trim_end_matches('\n')
        ));
        self.host.tell(&text);
    }

    fn head(&self) -> Text {
        if self.may_decline {
            Text::EnrollOffer
        } else {
            Text::EnrollDemand
        }
    }

    fn picture(&self, enrolment: &Enrolment) -> Option<Zeroizing<String>> {
        let drawing = self.drawing?;
        // Two characters a module: eighty columns have no room for more light round it.
        let quiet = match drawing {
            Drawing::Ascii => 1,
            Drawing::Blocks => Qr::QUIET,
        };
        let qr = Qr::of(&enrolment.uri(), quiet)?;
        Some(qr.draw(drawing, self.ink))
    }

    /// The question has the secret in it: some applications show what was told only later, or
    /// never.
    fn question(&self, enrolment: &Enrolment) -> Zeroizing<String> {
        let texts = &self.settings.texts;
        let secret = enrolment.secret();
        let secret = Zeroizing::new(texts.filled(Text::EnrollSecret, &[("secret", &*secret)]));
        // Without a picture nothing is told before: greeters show that in the question's place.
        let mut question = match self.drawing {
            Some(_) => secret,
            None => Zeroizing::new(format!("{}\n{}", self.said(self.head()), *secret)),
        };
        let swap = self.drawing.map(|_| Text::EnrollSwap);
        let decline = self.may_decline.then_some(Text::EnrollDecline);
        // As few lines as can be: the picture above shall stay on a screen of 24.
        let mut before = '\n';
        for text in [swap, decline].into_iter().flatten() {
            question.push(before);
            question.push_str(self.said(text));
            before = ' ';
        }
        question.push('\n');
        question.push_str(self.said(Text::EnrollCodePrompt));
        question
    }

    /// In the question too, for the same reason.
    fn show_recovery_codes(&self, confirmed: &Confirmed) -> Result<(), Stop> {
        let mut text = Zeroizing::new(String::with_capacity(1024));
        text.push_str(self.said(Text::EnrollRecovery));
        text.push('\n');
        for code in confirmed.recovery_codes() {
            text.push_str("\n    ");
            text.push_str(code);
        }
        text.push_str("\n\n");
        text.push_str(self.said(Text::EnrollWrittenPrompt));
        match self.host.ask(&text, true) {
            Err(NoAnswer::Failed) => Err(Stop::Conversation),
            _ => Ok(()),
        }
    }

    fn tell(&self, text: Text) {
        self.host.tell(self.said(text));
    }

    fn said(&self, text: Text) -> &str {
        self.settings.texts.get(text)
    }
}
