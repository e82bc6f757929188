//! What a person is told beside the questions. The texts are fob.conf's, or the usual ones.

use std::fmt::Display;

use fob_core::{Acceptance, Day, Settings, Text, Texts};
use fob_store::{Pass, now};

use crate::ffi::Host;

/// So many recovery codes are few.
const FEW: usize = 3;
/// So many days before its last a token's end is told.
const SOON: u64 = 14;

/// Tells a person what there is to know.
#[derive(Debug, Default)]
pub(crate) struct Notices {
    texts: Texts,
    /// Nothing is told but what somebody must know who wants to get in.
    is_brief: bool,
}

impl Notices {
    /// In the words of these settings.
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            texts: settings.texts.clone(),
            is_brief: !settings.notices(),
        }
    }

    /// The words of a question.
    pub(crate) fn question(&self, text: Text) -> &str {
        self.texts.get(text)
    }

    /// Tells somebody who got in.
    pub(crate) fn tell_success(&self, host: &Host, acceptance: &Acceptance) {
        if self.is_brief {
            return;
        }
        self.tell_since(host, acceptance);
        self.tell_left(host, acceptance.recovery_left());
        self.tell_last_day(host, acceptance);
        if let Some(minutes) = acceptance.minutes_off() {
            let token = acceptance.token();
            let values: &[Value] = &[("minutes", &minutes), ("token", &token)];
            self.tell(host, Text::ClockOff, values);
        }
    }

    /// Tells somebody whose code isn't looked at before so many seconds are over.
    pub(crate) fn tell_wait(&self, host: &Host, seconds: u32) {
        if seconds > 0 {
            self.tell(host, Text::Throttled, &[("seconds", &seconds)]);
        }
    }

    /// How long somebody who isn't enrolled may still do without.
    pub(crate) fn tell_grace(&self, host: &Host, pass: Pass) {
        let Pass::NotEnrolled(Some(last)) = pass else {
            return;
        };
        let days = days_until(last);
        let text = match days {
            0 => Text::GraceToday,
            1 => Text::GraceOne,
            _ => Text::GraceMany,
        };
        self.tell(host, text, &[("days", &days), ("date", &last.next())]);
    }

    fn tell_since(&self, host: &Host, acceptance: &Acceptance) {
        let notice = acceptance.notice();
        let text = match (notice.failures, notice.from.is_empty()) {
            (0, _) => return,
            (1, true) => Text::FailedOne,
            (1, false) => Text::FailedOneFrom,
            (_, true) => Text::FailedMany,
            (_, false) => Text::FailedManyFrom,
        };
        let date = Day::of(notice.at).map(|day| day.to_string());
        let values: &[Value] = &[
            ("count", &notice.failures),
            ("from", &notice.from),
            ("date", &date.unwrap_or_default()),
        ];
        self.tell(host, text, values);
    }

    fn tell_left(&self, host: &Host, left: Option<usize>) {
        let text = match left {
            Some(0) => Text::RecoveryNone,
            Some(1) => Text::RecoveryOne,
            Some(2..=FEW) => Text::RecoveryMany,
            _ => return,
        };
        self.tell(host, text, &[("count", &left.unwrap_or_default())]);
    }

    fn tell_last_day(&self, host: &Host, acceptance: &Acceptance) {
        let Some(last) = acceptance.expires() else {
            return;
        };
        let days = days_until(last);
        let text = match days {
            0 => Text::ExpiresToday,
            1 => Text::ExpiresOne,
            2..=SOON => Text::ExpiresMany,
            _ => return,
        };
        let token = acceptance.token();
        let values: &[Value] = &[("days", &days), ("date", &last), ("token", &token)];
        self.tell(host, text, values);
    }

    fn tell(&self, host: &Host, text: Text, values: &[Value]) {
        host.tell(&self.texts.filled(text, values));
    }
}

type Value<'a> = (&'a str, &'a dyn Display);

fn days_until(last: Day) -> u64 {
    Day::of(now().unix).map_or(0, |today| last.since(today))
}
