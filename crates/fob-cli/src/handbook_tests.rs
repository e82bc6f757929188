//! Every `fob` command line in README and docs is one that the command takes.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};

use crate::help;

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// README and all pages below docs/.
fn pages() -> Vec<PathBuf> {
    let mut pages = vec![project().join("README.md")];
    for folder in ["docs", "docs/handbook"] {
        let files = fs::read_dir(project().join(folder)).unwrap();
        let paths = files.map(|entry| entry.unwrap().path());
        pages.extend(paths.filter(|path| path.extension().is_some_and(|end| end == "md")));
    }
    // `fob ledger` there is what a digest is made over.
    pages.retain(|path| !path.ends_with("file-formats.md"));
    pages
}

/// The words of the commands in a line, up to what a shell would do with them.
fn words(line: &str) -> Vec<Vec<String>> {
    let (mut commands, mut quote) = (vec![vec![]], None);
    let mut word = String::new();
    for sign in line.chars().chain(" ".chars()) {
        match (quote, sign) {
            (Some(open), _) if sign == open => quote = None,
            (None, '\'' | '"') => quote = Some(sign),
            (None, '#') if word.is_empty() => break,
            (None, '|' | ';' | '>' | '<' | '&') => commands.push(vec![]),
            (None, ' ') if word.is_empty() => {}
            (None, ' ') => commands.last_mut().unwrap().push(std::mem::take(&mut word)),
            _ => word.push(sign),
        }
    }
    let commands = commands.into_iter().map(|command| {
        let begins = |word: &String| word != "sudo" && word != "$" && word != "#";
        command
            .into_iter()
            .skip_while(|word| !begins(word))
            .collect()
    });
    commands
        .filter(|command: &Vec<String>| command.first().is_some_and(|word| word == "fob"))
        .collect()
}

/// Lines of code blocks, and what stands in the text between backticks.
fn code(page: &str) -> (Vec<&str>, Vec<String>) {
    let (mut blocks, mut inline, mut is_block) = (vec![], String::new(), false);
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_block = !is_block;
        } else if is_block {
            blocks.push(line.trim());
        } else {
            inline = inline + line + " ";
        }
    }
    let pieces = inline.split('`').skip(1).step_by(2);
    let pieces = pieces.map(str::to_owned).collect();
    (blocks, pieces)
}

/// What is wrong with a mention, which may leave words out: its verb, or an option.
fn unknown(command: &Command, words: &[String]) -> Option<String> {
    let mut known: Vec<&str> = command.get_arguments().filter_map(Arg::get_long).collect();
    known.extend(["help", "version"]);
    let mut here = command;
    for word in words.iter().skip(1) {
        if let Some(option) = word.strip_prefix("--") {
            let name = option.split('=').next().unwrap_or_default();
            if !known.contains(&name) {
                return Some(format!("--{name}"));
            }
        } else if let Some(verb) = here.find_subcommand(word) {
            known.extend(verb.get_arguments().filter_map(Arg::get_long));
            here = verb;
        } else if here.get_name() == command.get_name() {
            return Some(word.clone());
        }
    }
    None
}

#[test]
fn every_command_line_in_the_handbook_is_one_that_the_command_takes() {
    let (mut wrong, mut parsed) = (Vec::new(), 0);
    for path in pages() {
        let page = fs::read_to_string(&path).unwrap();
        let (blocks, pieces) = code(&page);
        let mut fails =
            |what: &str, why: &str| wrong.push(format!("{}: {what}: {why}", path.display()));
        for words in blocks.iter().flat_map(|line| words(line)) {
            parsed += 1;
            if let Err(error) = help::command().try_get_matches_from(&words) {
                fails(&words.join(" "), &error.to_string());
            }
        }
        for words in pieces.iter().flat_map(|piece| words(piece)) {
            parsed += 1;
            if let Some(word) = unknown(&help::command(), &words) {
                fails(&words.join(" "), &format!("{word} isn't known"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(parsed > 100, "only {parsed} command lines were found");
}

#[test]
fn command_line_that_is_wrong_would_be_found() {
    let line = words("$ sudo fob enroll alice --no-such-option | cut -d, -f1");
    assert_eq!(line.len(), 1);
    assert!(help::command().try_get_matches_from(&line[0]).is_err());
    for wrong in ["fob enrole alice", "fob enroll --expire 2027-01-31"] {
        assert!(
            unknown(&help::command(), &words(wrong)[0]).is_some(),
            "{wrong}"
        );
    }
    assert_eq!(
        unknown(&help::command(), &words("fob export --to")[0]),
        None
    );
}
