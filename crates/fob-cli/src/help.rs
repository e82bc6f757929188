//! The help of `fob`: its verbs by what they are for, as clap has no headings for verbs.

use std::fmt::Write;

use clap::{Command, CommandFactory, FromArgMatches};

use crate::cli::Cli;

/// What the verbs are for, and in which order they are told.
const GROUPS: [(&str, &[&str]); 3] = [
    (
        "Every day",
        &[
            "enroll", "import", "show", "list", "check", "rename", "pin", "assign", "export",
            "disable", "enable", "forget", "revoke",
        ],
    ),
    (
        "When somebody can't log in",
        &[
            "explain", "unlock", "resync", "bypass", "recovery", "rebind", "repair",
        ],
    ),
    (
        "The machine",
        &[
            "doctor",
            "metrics",
            "seal",
            "unseal",
            "config",
            "completions",
        ],
    ),
];

/// The command line, with its help in groups.
pub(crate) fn command() -> Command {
    let fob = Cli::command();
    let template = template(&fob);
    fob.help_template(template)
}

/// Reads this process's command line.
///
/// # Errors
/// It is wrong, or asks for help or the version.
pub(crate) fn parse() -> Result<Cli, clap::Error> {
    let mut fob = command();
    let matches = fob.try_get_matches_from_mut(std::env::args_os())?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut fob))
}

fn template(fob: &Command) -> String {
    let mut text = String::from("{about}\n{usage-heading} {usage}\n");
    for (heading, names) in GROUPS {
        // Writing to a String doesn't fail.
        let _ = writeln!(text, "{heading}:");
        for name in names {
            let verb = fob.find_subcommand(name);
            let about = verb.and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {name:<11}  {about}");
        }
    }
    text.push_str("Options:\n{options}{after-help}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_fits_a_screen() {
        let mut fob = command();
        fob.build();
        let top = fob.render_help().to_string();
        let mut helps = vec![(top, 38)];
        let verbs = fob.get_subcommands_mut();
        helps.extend(verbs.map(|verb| (verb.render_help().to_string(), 32)));
        for (text, lines) in helps {
            assert!(text.lines().count() <= lines, "{text}");
            let fits = |line: &str| line.chars().count() <= 80;
            assert!(text.lines().all(fits), "{text}");
        }
    }

    #[test]
    fn every_verb_stands_in_one_group() {
        let mut told: Vec<&str> = GROUPS
            .iter()
            .flat_map(|(_, names)| *names)
            .copied()
            .collect();
        told.sort_unstable();
        let fob = command();
        let mut verbs: Vec<&str> = fob.get_subcommands().map(Command::get_name).collect();
        verbs.sort_unstable();
        assert_eq!(told, verbs);
    }

    #[test]
    fn every_help_has_an_example() {
        let mut fob = command();
        fob.build();
        for verb in std::iter::once(&fob).chain(fob.get_subcommands()) {
            let after = verb.get_after_help().map(ToString::to_string);
            let has = after.is_some_and(|text| text.contains("Example"));
            assert!(has, "{}", verb.get_name());
        }
    }
}
