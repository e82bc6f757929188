//! The clock, which time-based codes go by.

use fob_store::now;

use super::{Finding, ask};

pub(super) fn examine() -> Vec<Finding> {
    if !now().clock_is_set() {
        return vec![
            Finding::error(
                "clock.unset",
                "this machine's clock was never set: time-based codes are refused",
            )
            .remedy("Set it, such as with: timedatectl set-time"),
        ];
    }
    let chrony = ask("chronyc", &["-n", "tracking"]).filter(|(yes, ..)| *yes);
    let systemd =
        ask("timedatectl", &["show", "-p", "NTPSynchronized", "--value"]).filter(|(yes, ..)| *yes);
    vec![judge(
        chrony.map(|(_, text, _)| text),
        systemd.map(|(_, text, _)| text),
    )]
}

/// What chrony, which knows the offset, or else systemd says.
fn judge(chrony: Option<String>, systemd: Option<String>) -> Finding {
    let drifting = |what: String| {
        Finding::warning("clock.not_synchronised", what)
            .remedy("Codes go by the clock: install chrony, or run: timedatectl set-ntp true")
    };
    if let Some(text) = chrony {
        let field = |name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            line.split_once(':')
                .map(|(_, value)| value.trim().to_owned())
        };
        let offset = field("System time").unwrap_or_default();
        return match field("Leap status").as_deref() {
            Some("Not synchronised") => drifting("the clock is not synchronised (chrony)".into()),
            Some(_) => Finding::fine(
                "clock.synchronised",
                format!("the clock is synchronised: {offset}"),
            ),
            None => Finding::unknown("clock.unknown", "chronyc says nothing about the clock"),
        };
    }
    match systemd.as_deref().map(str::trim) {
        Some("yes") => Finding::fine("clock.synchronised", "the clock is synchronised"),
        Some("no") => drifting("the clock is not synchronised".into()),
        _ => Finding::note(
            "clock.unknown",
            "nothing here tells whether the clock is synchronised",
        )
        .remedy(
            "Time-based codes need it within half a minute or so: compare it with another clock.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_is_judged_by_what_the_sources_say() {
        let chrony = |leap: &str| {
            Some(format!(
                "System time     : 0.000012 seconds fast of NTP time\nLeap status     : {leap}\n"
            ))
        };
        for (chrony, systemd, code) in [
            (chrony("Normal"), None, "clock.synchronised"),
            (
                chrony("Not synchronised"),
                Some("yes"),
                "clock.not_synchronised",
            ),
            (None, Some("yes\n"), "clock.synchronised"),
            (None, Some("no\n"), "clock.not_synchronised"),
            (None, None, "clock.unknown"),
        ] {
            assert_eq!(judge(chrony, systemd.map(str::to_owned)).code, code);
        }
        let known = judge(chrony("Normal"), None);
        assert!(known.what.contains("0.000012 seconds fast"), "{known:?}");
    }
}
