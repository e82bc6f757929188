//! `fob doctor`: what locks people out or lets them past. Changes nothing without `--fix`.

use std::fs::{Permissions, set_permissions};
use std::io::Error;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use clap::Args;
use fob_store::create_folder;
use serde::Serialize;

use crate::doctor::{Finding, Fix, Level, examine};
use crate::output::{remark, say, say_json};
use crate::stop::Stop;
use crate::{journal, terminal};

/// What is wished.
#[derive(Debug, Args)]
#[command(after_help = "Example: fob doctor --fix")]
pub(crate) struct Wish {
    /// Mend owners and modes, remove leftovers; asks first
    #[arg(long)]
    fix: bool,
    /// Don't ask
    #[arg(long, requires = "fix")]
    yes: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    /// The worst level.
    worst: &'a str,
    findings: Vec<Shown<'a>>,
    /// What `--fix` did.
    fixed: Vec<String>,
}

#[derive(Serialize)]
struct Shown<'a> {
    level: &'a str,
    code: &'a str,
    what: &'a str,
    remedy: Option<&'a str>,
    /// The command that mends it, if `--fix` does.
    fix: Option<String>,
}

pub(super) fn run(json: bool, wish: &Wish, conf: Option<&Path>) -> Result<(), Stop> {
    let mut findings = examine(conf);
    if !json {
        show(&findings)?;
    }
    let mut fixed = Vec::new();
    if wish.fix {
        // What is mended may show what it hid: a folder the files in it.
        loop {
            let done = fix_all(&findings, wish.yes)?;
            if done.is_empty() {
                break;
            }
            let stuck = done.iter().any(|command| fixed.contains(command));
            fixed.extend(done);
            findings = examine(conf);
            if stuck {
                break;
            }
        }
        if !fixed.is_empty() && !json {
            findings.retain(|finding| finding.level > Level::Note);
            say(if findings.is_empty() {
                "Done. Nothing is left to do."
            } else {
                "Done. What is left:"
            })?;
            show(&findings)?;
        }
    }
    let worst = findings.iter().map(|finding| finding.level).max();
    let worst = worst.unwrap_or(Level::Fine);
    if json {
        say_json(&answer(&findings, worst, fixed))?;
    }
    match worst {
        Level::Error | Level::Warning => Err(Stop::no(format!("{} found", count(&findings)))),
        Level::Unknown => Err(Stop::unknown("something could not be looked at")),
        Level::Note | Level::Fine => Ok(()),
    }
}

fn answer(findings: &[Finding], worst: Level, fixed: Vec<String>) -> Answer<'_> {
    let shown = findings.iter().map(|finding| Shown {
        level: finding.level.word(),
        code: finding.code,
        what: &finding.what,
        remedy: finding.remedy.as_deref(),
        fix: finding.fix.as_ref().map(Fix::command),
    });
    Answer {
        worst: worst.word(),
        findings: shown.collect(),
        fixed,
    }
}

/// In the order they were found, area by area; what to do below each.
fn show(findings: &[Finding]) -> Result<(), Stop> {
    for finding in findings {
        say(&format!("{:<8} {}", finding.level.word(), finding.what))?;
        if let Some(remedy) = &finding.remedy {
            for line in remedy.lines() {
                say(&format!("         {line}"))?;
            }
        }
    }
    Ok(())
}

/// Shows every change, asks, then makes them.
fn fix_all(findings: &[Finding], yes: bool) -> Result<Vec<String>, Stop> {
    let fixes: Vec<&Fix> = findings
        .iter()
        .filter_map(|finding| finding.fix.as_ref())
        .collect();
    if fixes.is_empty() {
        return Ok(Vec::new());
    }
    remark(if yes {
        "These commands are run:"
    } else {
        "These commands would be run:"
    });
    fixes
        .iter()
        .for_each(|fix| remark(&format!("  {}", fix.command())));
    terminal::agree("Go on?", yes)?;
    let mut done = Vec::new();
    for fix in fixes {
        let command = fix.command();
        apply(fix).map_err(|error| Stop::unknown(format!("{command}: {error}")))?;
        journal::changed("doctor", "-", &[("fix", &command)]);
        done.push(command);
    }
    Ok(done)
}

fn apply(fix: &Fix) -> Result<(), Error> {
    match fix {
        Fix::Own(path) => chown(path, Some(0), Some(0)),
        Fix::Mode(path, mode) => set_permissions(path, Permissions::from_mode(*mode)),
        Fix::Create(path) => create_folder(path).map_err(|fault| Error::other(fault.detail)),
        Fix::Remove(path) => std::fs::remove_file(path),
    }
}

fn count(findings: &[Finding]) -> String {
    let of = |level: Level| {
        findings
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    };
    let (errors, warnings) = (of(Level::Error), of(Level::Warning));
    let many = |number: usize, what: &str| {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        crate::output::count(number, what)
    };
    format!(
        "{} and {}",
        many(errors, "error"),
        many(warnings, "warning")
    )
}
