//! The manual says what the command line says: every verb has a page, every option is on it,
//! and no page names an option that isn't there.

use std::collections::BTreeSet;
use std::path::Path;

use clap::{Arg, Command};

use crate::help;

/// Verbs, each with the options of the tasks below it; without those of every verb.
fn verbs() -> Vec<(String, BTreeSet<String>)> {
    let own = |command: &Command| -> Vec<String> {
        let own = command
            .get_arguments()
            .filter(|option| !option.is_global_set());
        own.filter_map(Arg::get_long).map(str::to_owned).collect()
    };
    let verb = |verb: &Command| {
        let tasks = verb.get_subcommands().flat_map(own);
        let options = own(verb).into_iter().chain(tasks).collect();
        (verb.get_name().to_owned(), options)
    };
    help::command().get_subcommands().map(verb).collect()
}

fn page(name: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../man");
    std::fs::read_to_string(folder.join(name)).ok()
}

/// The options that stand in a piece of a page: `Fl -name`.
fn named(text: &str) -> BTreeSet<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let pairs = words
        .windows(2)
        .filter(|pair| matches!(pair[0], "Fl" | ".Fl"));
    let names = pairs.filter_map(|pair| pair[1].strip_prefix('-'));
    names.map(str::to_owned).collect()
}

fn section<'a>(page: &'a str, name: &str) -> &'a str {
    let (_, rest) = page
        .split_once(&format!(".Sh {name}\n"))
        .unwrap_or_default();
    rest.split("\n.Sh ").next().unwrap_or_default()
}

#[test]
fn every_verb_has_a_page_with_all_its_options_and_no_others() {
    let everywhere: BTreeSet<String> = ["conf", "json", "help", "version"].map(String::from).into();
    let mut wrong = Vec::new();
    for (verb, options) in verbs() {
        let name = format!("fob-{verb}.1");
        let Some(page) = page(&name) else {
            wrong.push(format!("{name} is missing"));
            continue;
        };
        let missing = |what: &str, options: &mut dyn Iterator<Item = &String>| -> Vec<String> {
            options
                .map(|option| format!("{name}: {what} --{option}"))
                .collect()
        };
        wrong.extend(missing(
            "doesn't explain",
            &mut options.difference(&named(&page)),
        ));
        let synopsis = named(section(&page, "SYNOPSIS"));
        let alien = synopsis.difference(&options);
        let mut alien = alien.filter(|option| !everywhere.contains(*option));
        wrong.extend(missing("SYNOPSIS invents", &mut alien));
        for heading in ["NAME", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"] {
            if section(&page, heading).is_empty() {
                wrong.push(format!("{name}: no {heading}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn overview_names_every_verb_and_every_general_option() {
    let page = page("fob.1").unwrap();
    for (verb, _) in verbs() {
        assert!(page.contains(&format!(".It Xr fob-{verb} 1")), "{verb}");
    }
    for option in help::command().get_arguments().filter_map(Arg::get_long) {
        assert!(named(&page).contains(option), "{option}");
    }
}
