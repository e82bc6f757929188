//! `fob pin`: what a person types in front of every code, or at a question of its own.

use clap::Args;
use fob_core::{Pin, Settings};
use fob_store::random;
use serde::Serialize;
use zeroize::Zeroizing;

use crate::output::{remark, say, say_json};
use crate::stop::Stop;
use crate::terminal::{self, Echo};
use crate::token_edit::Edit;
use crate::verbs::Desk;
use crate::{journal, people};

/// What is wished.
#[derive(Debug, Args)]
#[command(
    after_help = "The new PIN is asked for twice. A script writes it on one line.\n\
    Example: fob pin alice"
)]
pub(crate) struct Wish {
    /// The person's login name
    #[arg(value_name = "NAME")]
    name: String,
    /// Take the PIN away: a code is enough then
    #[arg(long)]
    remove: bool,
    /// Don't ask whether to take it away
    #[arg(long, requires = "remove")]
    yes: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    user: &'a str,
    /// Whether there is a PIN now.
    pin: bool,
}

pub(super) fn run(desk: &Desk, wish: &Wish) -> Result<(), Stop> {
    let (account, file) = people::enrolled(&desk.store, &wish.name)?;
    let user = account.name.as_str();
    if wish.remove {
        if file.pin.is_none() {
            return Err(Stop::no(format!("{user} has no PIN")));
        }
        let question = format!("Without a PIN a code is enough to log in as {user}. Go on?");
        terminal::agree(&question, wish.yes)?;
    }
    let pin = if wish.remove { None } else { Some(ask(user)?) };
    let mut edit = Edit::begin(&desk.store, user)?;
    if !edit.was_there {
        return Err(people::not_enrolled(user));
    }
    edit.set_pin(pin.as_ref())?;
    edit.write()?;
    people::await_logins(&desk.store, user);
    let change = match (pin.is_some(), file.pin.is_some()) {
        (false, _) => "removed",
        (true, true) => "changed",
        (true, false) => "set",
    };
    journal::changed("pin", user, &[("pin", change)]);
    if desk.json {
        return say_json(&Answer {
            user,
            pin: pin.is_some(),
        });
    }
    say(&format!("The PIN of {user} is {change}."))?;
    if change == "set" {
        remark(how(&desk.store.conf.settings("")));
    }
    Ok(())
}

/// How it is typed from now on.
fn how(settings: &Settings) -> &'static str {
    if settings.asks_for_pin() {
        "It is asked for before the code."
    } else {
        "It is typed in front of the code, in the same field. Recovery codes need none."
    }
}

fn ask(user: &str) -> Result<Pin, Stop> {
    let chosen = line(&format!("New PIN of {user}: "))?;
    check(&chosen)?;
    if terminal::is_person() && *line("Once more: ")? != *chosen {
        return Err(Stop::no("these are not the same: nothing was changed"));
    }
    Pin::new(&chosen, random()?).ok_or_else(too_short)
}

fn line(prompt: &str) -> Result<Zeroizing<Vec<u8>>, Stop> {
    let typed = terminal::ask(prompt, Echo::Hidden)?;
    typed.ok_or_else(|| Stop::no("no PIN was given: nothing was changed"))
}

fn too_short() -> Stop {
    Stop::unknown(format!(
        "a PIN has {} to {} characters; blanks and dashes don't count",
        Pin::MIN,
        Pin::MAX
    ))
}

/// What everybody tries first (NIST SP 800-63B section 3.1.1.2).
fn check(pin: &[u8]) -> Result<(), Stop> {
    if pin.iter().any(u8::is_ascii_control) || std::str::from_utf8(pin).is_err() {
        return Err(Stop::unknown(
            "a PIN must be text without control characters",
        ));
    }
    // Blanks and dashes make no difference when it is typed.
    let typed = || pin.iter().filter(|b| !matches!(b, b' ' | b'-'));
    if typed().count() < Pin::MIN {
        return Err(too_short());
    }
    let pairs = || typed().zip(typed().skip(1));
    let by = |step: u8| pairs().all(|(a, b)| *b == a.wrapping_add(step));
    if by(0) || by(1) || by(u8::MAX) {
        return Err(
            Stop::no("that is one of the first PINs that anybody would try")
                .remedy("Choose another: no row like 1234, and not one digit over and over."),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_no_pins() {
        for pin in ["1234", "9876", "0000", "abcdef", "12-34", "0 0 0 0"] {
            assert!(check(pin.as_bytes()).is_err(), "{pin}");
        }
        for pin in ["4711", "1235", "90210", "grüß7"] {
            assert!(check(pin.as_bytes()).is_ok(), "{pin}");
        }
        assert!(check(b"47\x0811").is_err());
    }
}
