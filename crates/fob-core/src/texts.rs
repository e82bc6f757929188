//! All that a person may see at a login. Each text can be replaced in fob.conf, in the table
//! `[texts]`.
//!
//! To add one, add a line to the table below and one to fob.conf(5), which a test compares.
//! Each is a sentence of its own or a question: nobody who translates it has to know what
//! stands beside it. Where English tells one from many there are two texts; `_one` is for
//! exactly 1.

use std::collections::BTreeMap;
use std::fmt::{Display, Write};

/// `Name "name" = "what is said", needs [what must stand in it], may [what can];`
macro_rules! texts {
    ($($(#[$doc:meta])* $text:ident $name:literal = $usual:literal
       $(, needs [$($needs:literal),*])? $(, may [$($may:literal),*])?;)*) => {
        /// A text that a person may see at a login.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Text {
            $($(#[$doc])* $text,)*
        }

        impl Text {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$text),*];

            const fn entry(self) -> Entry {
                match self {
                    $(Self::$text => Entry {
                        name: $name,
                        path: concat!("texts.", $name),
                        usual: $usual,
                        needs: &[$($($needs),*)?],
                        may: &[$($($may),*)?],
                    },)*
                }
            }
        }
    };
}

struct Entry {
    name: &'static str,
    path: &'static str,
    usual: &'static str,
    needs: &'static [&'static str],
    may: &'static [&'static str],
}

texts! {
    /// Asks for a code, unless `prompt` does.
    CodePrompt "code_prompt" = "Verification code: ";
    /// Asks for password and code in one field (`forward_pass`), unless `prompt` does.
    JoinedPrompt "joined_prompt" = "Password & verification code: ";
    /// Asks for a PIN, where that has a question of its own.
    PinPrompt "pin_prompt" = "PIN: ";
    /// Asks for the code after one that was beyond the window.
    NextCodePrompt "next_code_prompt" = "Next verification code: ";

    /// The code wasn't looked at.
    Throttled "throttled" = "Too many attempts. Try again in {seconds} s.", needs ["seconds"];

    /// Failures since the last success, on this machine.
    FailedOne "failed_one" = "1 failed attempt since your last login.", may ["count", "date"];
    /// The same, of several.
    FailedMany "failed_many" = "{count} failed attempts since your last login.", needs ["count"], may ["date"];
    /// The same, of one from elsewhere.
    FailedOneFrom "failed_one_from" = "1 failed attempt since your last login, from {from}.", needs ["from"], may ["count", "date"];
    /// The same, of several.
    FailedManyFrom "failed_many_from" = "{count} failed attempts since your last login, the last from {from}.", needs ["count", "from"], may ["date"];

    /// No recovery code is left.
    RecoveryNone "recovery_none" = "No recovery codes left. Ask your administrator for new ones.";
    /// One is left.
    RecoveryOne "recovery_one" = "Only 1 recovery code left.", may ["count"];
    /// Few are left.
    RecoveryMany "recovery_many" = "Only {count} recovery codes left.", needs ["count"];

    /// The token that was used lets in for the last day.
    ExpiresToday "expires_today" = "Your token expires today.", may ["date", "token"];
    /// Until the day after.
    ExpiresOne "expires_one" = "Your token expires in 1 day.", may ["days", "date", "token"];
    /// For some days more.
    ExpiresMany "expires_many" = "Your token expires in {days} days.", needs ["days"], may ["date", "token"];

    /// The clock of the token that was used is off.
    ClockOff "clock_off" = "Your token's clock is {minutes} minutes off.", needs ["minutes"], may ["token"];

    /// Who isn't enrolled passes today for the last time (`nullok_until`).
    GraceToday "grace_today" = "You have no token yet. From {date} on you need one (today is the last day). Ask your administrator.", may ["date"];
    /// Today and a day more.
    GraceOne "grace_one" = "You have no token yet. From {date} on you need one (1 day left). Ask your administrator.", may ["date", "days"];
    /// Some days more.
    GraceMany "grace_many" = "You have no token yet. From {date} on you need one ({days} days left). Ask your administrator.", needs ["days"], may ["date"];

    /// Who isn't enrolled can be, at this login.
    EnrollOffer "enroll_offer" = "You can protect your logins with a code from your phone.";
    /// Must be.
    EnrollDemand "enroll_demand" = "From now on you need a code from your phone to log in.";
    /// Stands above the QR code.
    EnrollScan "enroll_scan" = "Scan this with an authenticator app:";
    /// The secret in letters.
    EnrollSecret "enroll_secret" = "If you can't scan, type this secret into the app: {secret}", needs ["secret"];
    /// The picture is drawn for a dark screen, or for a light one.
    EnrollSwap "enroll_swap" = "Not found? Type i to swap light and dark.";
    /// Nobody must enrol now.
    EnrollDecline "enroll_decline" = "To do it later, press Enter.";
    /// Asks for the code that confirms the token.
    EnrollCodePrompt "enroll_code_prompt" = "Code that the app shows: ";
    /// It wasn't right.
    EnrollWrong "enroll_wrong" = "That isn't the code that the app shows now.";
    /// Stands above the recovery codes.
    EnrollRecovery "enroll_recovery" = "Recovery codes: each lets you in once when the phone is gone. Write them down, and keep them apart from the phone. They are not shown again.";
    /// Waits until they are written down.
    EnrollWrittenPrompt "enroll_written_prompt" = "Press Enter once you have them: ";
    /// The person was enrolled otherwise meanwhile.
    EnrollLate "enroll_late" = "You were enrolled otherwise in the meantime. Remove the new entry from the app.";
    /// It could not be kept.
    EnrollLost "enroll_lost" = "The new token could not be kept. Remove it from the app, and log in again to enrol.";
}

impl Text {
    /// Its name in the table `[texts]`.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// Its name with the table's: `texts.NAME`.
    pub fn path(self) -> &'static str {
        self.entry().path
    }

    /// What is said where fob.conf doesn't replace it.
    pub fn usual(self) -> &'static str {
        self.entry().usual
    }

    /// The placeholders that must stand in it.
    pub fn required(self) -> &'static [&'static str] {
        self.entry().needs
    }

    /// The placeholders that can stand in it too.
    pub fn optional(self) -> &'static [&'static str] {
        self.entry().may
    }

    /// Whether `words` can be said in its place; else what is wrong with them.
    pub(crate) fn check(self, words: &str) -> Result<(), String> {
        let Some(named) = placeholders(words) else {
            return Err("has a brace that belongs to no placeholder".into());
        };
        if let Some(missing) = self.required().iter().find(|name| !named.contains(name)) {
            return Err(format!("must have the placeholder {{{missing}}}"));
        }
        let allowed = [self.required(), self.optional()].concat();
        if named.iter().all(|name| allowed.contains(name)) {
            return Ok(());
        }
        let allowed: Vec<String> = allowed.iter().map(|name| format!("{{{name}}}")).collect();
        Err(if allowed.is_empty() {
            "can't have a placeholder".into()
        } else {
            format!("can have no placeholder but {}", allowed.join(", "))
        })
    }
}

/// The names in braces; none if there is a brace besides.
fn placeholders(words: &str) -> Option<Vec<&str>> {
    let mut pieces = words.split('{');
    if pieces.next()?.contains('}') {
        return None;
    }
    pieces
        .map(|piece| {
            let (name, rest) = piece.split_once('}')?;
            (!rest.contains('}')).then_some(name)
        })
        .collect()
}

/// What people are told: the usual texts, and those that fob.conf says in their place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(BTreeMap<Text, String>);

impl Texts {
    /// Says `words` in the place of `text`; they were checked.
    pub(crate) fn replace(&mut self, text: Text, words: String) {
        self.0.insert(text, words);
    }

    /// These texts, with every one that `over` replaces taken from there.
    pub(crate) fn overlaid(&self, over: &Self) -> Self {
        let mut texts = self.0.clone();
        texts.extend(over.0.clone());
        Self(texts)
    }

    /// What is said, with its placeholders.
    pub fn get(&self, text: Text) -> &str {
        self.0.get(&text).map_or(text.usual(), String::as_str)
    }

    /// The texts that are replaced, and by what.
    pub fn replaced(&self) -> impl Iterator<Item = (Text, &str)> {
        self.0.iter().map(|(text, words)| (*text, words.as_str()))
    }

    /// What is said, with `values` in the place of the placeholders. What stands in a value
    /// is never taken for one.
    pub fn filled(&self, text: Text, values: &[(&str, &dyn Display)]) -> String {
        let mut pieces = self.get(text).split('{');
        let mut said = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let (name, rest) = piece.split_once('}').unwrap_or((piece, ""));
            if let Some((_, value)) = values.iter().find(|(known, _)| *known == name) {
                // Writing to a String doesn't fail.
                let _ = write!(said, "{value}");
            }
            said.push_str(rest);
        }
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No meaning is carried by colour or place: a screen reader reads all there is.
    #[test]
    fn usual_texts_are_plain_and_keep_the_rules_for_others() {
        for text in Text::ALL {
            let usual = text.usual();
            assert_eq!(text.check(usual), Ok(()), "{usual}");
            let plain = |c: char| c.is_ascii_graphic() || c == ' ';
            assert!(usual.chars().all(plain) && usual.len() <= 256, "{usual}");
            let is_prompt = text.name().ends_with("_prompt");
            assert_eq!(usual.ends_with(": "), is_prompt, "{usual}");
        }
        let names: std::collections::BTreeSet<_> = Text::ALL.iter().map(|t| t.name()).collect();
        assert_eq!(names.len(), Text::ALL.len());
    }

    #[test]
    fn placeholders_are_checked() {
        let many = Text::FailedManyFrom;
        for right in [
            "{count} {from}",
            "{from}{count}{date}",
            "ä {count}, {from} ü",
        ] {
            assert_eq!(many.check(right), Ok(()), "{right}");
        }
        for (wrong, says) in [
            ("{count}", "must have the placeholder {from}"),
            ("", "must have the placeholder {count}"),
            (
                "{from} {count} {seconds}",
                "no placeholder but {count}, {from}, {date}",
            ),
            ("{from} {count} {}", "no placeholder but"),
            ("{from} {count} { date }", "no placeholder but"),
            ("{from} {count} {", "a brace"),
            ("} {from} {count}", "a brace"),
            ("{from}} {count}", "a brace"),
            ("{{from}} {count}", "a brace"),
        ] {
            let error = many.check(wrong).unwrap_err();
            assert!(error.contains(says), "{wrong}: {error}");
        }
        let error = Text::PinPrompt.check("PIN of {user}: ").unwrap_err();
        assert_eq!(error, "can't have a placeholder");
    }

    #[test]
    fn values_are_filled_in_once() {
        let mut texts = Texts::default();
        let values: &[(&str, &dyn Display)] = &[("count", &3), ("from", &"{count}")];
        assert_eq!(
            texts.filled(Text::FailedManyFrom, values),
            "3 failed attempts since your last login, the last from {count}."
        );
        texts.replace(Text::FailedManyFrom, "{from}: {count}×, {count}".into());
        assert_eq!(texts.filled(Text::FailedManyFrom, values), "{count}: 3×, 3");
        assert_eq!(texts.get(Text::PinPrompt), "PIN: ");
    }
}
