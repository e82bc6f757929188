//! The PAM stacks: which of them ask for a code, and whether that can be got round.

use std::path::{Path, PathBuf};

use fob_core::Arguments;
use fob_core::format::Conf;
use fob_core::rule::Rule;
use fob_store::{DEFAULT_CONF, Store};

use super::modules::{self, REFUSALS};
use super::{Finding, Level, module};
use crate::pam::{Control, Folders, Placed, Role, Trail, past_in_setcred, walk};

/// The fob.conf that the doctor reads.
pub(super) struct Read<'a> {
    pub(super) path: &'a Path,
    /// What it says; what no fob.conf says, if it can't be read.
    pub(super) conf: &'a Conf,
}

/// The findings, and the services that ask for a code.
pub(super) fn examine(read: &Read<'_>) -> (Vec<Finding>, Vec<String>) {
    examine_in(&Folders::default(), &module::folders(), read)
}

/// `there`: where modules are; without any it isn't looked whether those of the stacks are there.
fn examine_in(
    folders: &Folders,
    there: &[PathBuf],
    read: &Read<'_>,
) -> (Vec<Finding>, Vec<String>) {
    let (mut findings, mut asking, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let mut missing = Vec::new();
    for service in folders.services() {
        let stack = match folders.stack(&service) {
            Ok(stack) => stack,
            Err(stop) => {
                findings.push(
                    Finding::warning("stack.unreadable", format!("{service}: {}", stop.what))
                        .remedy(
                            stop.remedy
                                .unwrap_or_else(|| "PAM refuses such a stack.".into()),
                        ),
                );
                continue;
            }
        };
        let wrong = stack.wrong.iter().map(|wrong| {
            Finding::warning("stack.bad_line", format!("{service}: {wrong}"))
                .remedy("PAM refuses everybody there; correct the line.")
        });
        findings.extend(wrong);
        if !there.is_empty() {
            missing.extend(missing_modules(&stack.auth, there));
        }
        let ours = stack.auth.iter().position(|placed| placed.line.is_ours());
        match ours {
            Some(at) => {
                findings.extend(judge(&service, &stack.auth, at, read));
                asking.push(service);
            }
            None if stack.auth.is_empty() => {}
            None => others.push(service),
        }
    }
    if asking.is_empty() {
        findings.push(
            Finding::warning("stack.none", "no PAM service asks for a code")
                .remedy("Put the module into a stack, such as /etc/pam.d/sshd; see pam_fob(8)"),
        );
    } else if !others.is_empty() {
        findings.push(Finding::note(
            "stack.not_reached",
            format!("these ask for no code: {}", others.join(", ")),
        ));
    }
    findings.extend(missing);
    (findings, asking)
}

/// What in the stack of one service makes the module's answer count for less.
pub(crate) fn contradictions(service: &str, conf: Option<&Path>) -> Vec<Finding> {
    let Ok(stack) = Folders::default().stack(service) else {
        return Vec::new();
    };
    let Some(at) = stack.auth.iter().position(|placed| placed.line.is_ours()) else {
        return Vec::new();
    };
    let path = conf.unwrap_or(Path::new(DEFAULT_CONF));
    let conf = Store::open(conf)
        .map(|store| store.conf)
        .unwrap_or_default();
    let read = Read { path, conf: &conf };
    let findings = judge(service, &stack.auth, at, &read);
    let counts = |finding: &Finding| {
        matches!(
            finding.code,
            "stack.skipped"
                | "stack.exempt"
                | "stack.not_enforced"
                | "stack.may_be_missing"
                | "stack.nullok_alone"
                | "stack.locks_out"
        )
    };
    findings.into_iter().filter(counts).collect()
}

fn judge(service: &str, auth: &[Placed], at: usize, read: &Read<'_>) -> Vec<Finding> {
    let Some(ours) = auth.get(at) else {
        return Vec::new();
    };
    let place = format!("{service} ({})", ours.place());
    let mut findings = dash(&place, ours);
    if auth
        .iter()
        .skip(at)
        .skip(1)
        .any(|placed| placed.line.is_ours())
    {
        findings.push(
            Finding::warning(
                "stack.twice",
                format!("{place}: the module is in the stack twice, and asks twice"),
            )
            .remedy("Take one of the lines out."),
        );
    }
    findings.extend(other_codes(&place, auth));
    let arguments = match arguments(&ours.line.arguments) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            findings.push(
                Finding::error("stack.bad_argument", format!("{place}: {wrong}"))
                    .remedy("Everybody is refused there; see pam_fob(8)"),
            );
            return findings;
        }
    };
    let other = arguments.conf.as_deref();
    if let Some(other) = other.filter(|other| *other != read.path) {
        findings.push(
            Finding::note(
                "stack.other_conf",
                format!(
                    "{place}: reads {}, which was not looked at",
                    other.display()
                ),
            )
            .remedy(format!("Run: fob doctor --conf {}", other.display())),
        );
    }
    let modules = modules::of(auth);
    match walk(auth, &modules) {
        Some(ends) => {
            let ways = Ways {
                service,
                place: &place,
                auth,
                ends: ends.into_iter().collect(),
            };
            findings.extend(ways.judge(lets_pass(read.conf, service, &arguments)));
        }
        None => findings.push(
            Finding::warning(
                "stack.too_long",
                format!("{place}: the stack has more ways than can be followed"),
            )
            .remedy("Make it shorter."),
        ),
    }
    findings.extend(end_unseen(read.conf, service, &place, auth));
    if findings.iter().all(|finding| finding.level < Level::Error) {
        let asks = format!("{place}: asks for a code");
        findings.insert(0, Finding::fine("stack.asks", asks));
    }
    findings
}

/// Another module that asks for a code: left over from a move, or not moved yet.
fn other_codes(place: &str, auth: &[Placed]) -> Option<Finding> {
    let other = auth
        .iter()
        .find(|placed| modules::asks_for_codes(placed.line.base()))?;
    let (name, from) = (other.line.base(), other.place());
    let what = format!("{place}: {name} ({from}) asks for a code of its own");
    Some(
        Finding::note("stack.other_codes", what)
            .remedy("Once its people are imported, take that line out; see fob-import(1)"),
    )
}

/// Lines whose module isn't there, a misspelt one perhaps. A line that ignores that is left
/// alone.
fn missing_modules(auth: &[Placed], there: &[PathBuf]) -> Vec<Finding> {
    let is_missing = |placed: &&Placed| {
        let line = &placed.line;
        let refuses = matches!(line.control.action("module_unknown"), "bad" | "die");
        let exists = |folder: &PathBuf| folder.join(&line.module).exists();
        refuses && !line.is_ours() && !there.iter().any(exists)
    };
    let finding = |placed: &Placed| {
        let (from, module) = (placed.place(), &placed.line.module);
        Finding::warning(
            "stack.module_missing",
            format!("{from}: there is no module {module}"),
        )
        .remedy("PAM refuses everybody there; correct the name, or install the module.")
    };
    auth.iter().filter(is_missing).map(finding).collect()
}

fn arguments(words: &[String]) -> Result<Arguments, String> {
    match words.iter().find(|word| word.contains('\u{FFFD}')) {
        Some(word) => Err(format!("the argument {word:?} isn't UTF-8")),
        None => Arguments::parse(words).map_err(|wrong| wrong.to_string()),
    }
}

/// Whether somebody may pass there without a code.
fn lets_pass(conf: &Conf, service: &str, arguments: &Arguments) -> bool {
    let settings = conf.settings(service).overlaid(&arguments.settings);
    let mut rules = conf.rules.iter();
    settings.nullok()
        || settings.nullok_until.is_some()
        || rules.any(|rule| rule.lets_pass() && rule.may_be_about(service))
}

/// Where sshd ends a login without this module, though a rule has something to do then.
fn end_unseen(conf: &Conf, service: &str, place: &str, auth: &[Placed]) -> Option<Finding> {
    // Other applications end it in the process that asked, and so by the same way.
    if service != "sshd" {
        return None;
    }
    let about = |rule: &&Rule| rule.may_be_about(service);
    let (enrolls, remembers) = (
        |rule: &Rule| rule.enrolls,
        |rule: &Rule| rule.remember.is_some(),
    );
    let mut rules = conf.rules.iter().filter(about);
    let rule = rules.find(|rule| enrolls(rule) || remembers(rule))?;
    let modules = modules::of(auth);
    let at = past_in_setcred(auth, &modules)?;
    let (line, module) = (auth.get(at)?, modules.get(at)?);
    let lost = if enrolls(rule) {
        "whoever confirms a token at a login is never enrolled, and is asked again each time"
    } else {
        "a remembered place is forgotten after 20 logins"
    };
    let what = format!(
        "{place}: {} ({}) says {} in pam_setcred, which in sshd goes past the module: by rule {:?} {lost}",
        line.line.base(),
        line.place(),
        module.setcred,
        rule.name
    );
    Some(Finding::warning("stack.end_unseen", what).remedy(
        "Let pam_succeed_if with [success=N default=ignore] go past it, which has no say there; or write a rule with action = \"skip\".",
    ))
}

fn dash(place: &str, ours: &Placed) -> Vec<Finding> {
    if !ours.line.may_be_missing {
        return Vec::new();
    }
    let what =
        format!("{place}: with the dash in front nothing is logged should the module be missing");
    vec![Finding::warning("stack.may_be_missing", what).remedy("Take the dash away.")]
}

/// The ways through a stack that let somebody in.
struct Ways<'a> {
    service: &'a str,
    place: &'a str,
    auth: &'a [Placed],
    ends: Vec<Trail<'a>>,
}

impl Ways<'_> {
    fn judge(&self, lets_pass: bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        findings.extend(self.not_enforced());
        findings.extend(self.past());
        findings.extend(self.locks_out());
        findings.extend(self.factors());
        if lets_pass {
            findings.push(self.nullok());
        }
        findings
    }

    fn any(&self, is_it: impl Fn(&Trail<'_>) -> bool) -> bool {
        self.ends.iter().any(is_it)
    }

    /// Whether somebody gets in whom the module refuses.
    fn not_enforced(&self) -> Option<Finding> {
        let let_past = |refusal: &&&str| self.any(|trail| trail.ours == Some(**refusal));
        let ignored: Vec<&str> = REFUSALS.iter().filter(let_past).copied().collect();
        if ignored.is_empty() {
            return None;
        }
        let ours = self.auth.iter().find(|placed| placed.line.is_ours())?;
        let what = format!(
            "{}: {:?} lets people past whom the module refuses ({})",
            self.place,
            ours.line.shown(),
            ignored.join(", ")
        );
        let remedy =
            if ours.line.control == Control::Required || ours.line.control == Control::Requisite {
                "A line behind it takes the refusal back: look for reset, done and jumps."
            } else {
                "Write: auth required pam_fob.so"
            };
        Some(Finding::error("stack.not_enforced", what).remedy(remedy))
    }

    /// What lets somebody in who never comes to the module.
    fn past(&self) -> Vec<Finding> {
        let unasked = self.ends.iter().filter(|trail| trail.ours.is_none());
        let mut lines: Vec<(usize, bool)> = unasked.filter_map(|trail| trail.past).collect();
        lines.sort_unstable();
        lines.dedup();
        let roles = modules::of(self.auth);
        let mut findings = Vec::new();
        for (at, yes) in lines {
            let (Some(placed), Some(module)) = (self.auth.get(at), roles.get(at)) else {
                continue;
            };
            let (place, from, name) = (self.place, placed.place(), placed.line.base());
            let says = if yes { "yes" } else { "no" };
            findings.push(if module.role == Role::Exemption {
                let what =
                    format!("{place}: whom {name} ({from}) says {says} to is asked for no code");
                Finding::note("stack.exempt", what)
            } else {
                let what =
                    format!("{place}: when {name} ({from}) says {says}, no code is asked for");
                Finding::error("stack.skipped", what)
                    .remedy("Move the module before that line, or make that line required.")
            });
        }
        findings
    }

    fn locks_out(&self) -> Option<Finding> {
        if self.any(|trail| trail.ours == Some("success")) {
            return None;
        }
        let what = format!(
            "{}: a right code lets nobody in: no way through the stack ends well",
            self.place
        );
        Some(
            Finding::error("stack.locks_out", what)
                .remedy("Look for pam_deny and for jumps past the end; the last line is often: auth required pam_permit.so"),
        )
    }

    fn factors(&self) -> Option<Finding> {
        let alone = |trail: &Trail<'_>| {
            trail.ours == Some("success") && !trail.first_factor && !trail.exempted
        };
        if !self.any(alone) {
            return None;
        }
        let place = self.place;
        Some(if self.service == "sshd" {
            Finding::note("stack.key_only", format!("{place}: no password is asked for"))
                .remedy("Right for key + code. sshd must then ask for the key: AuthenticationMethods publickey,keyboard-interactive")
        } else {
            Finding::warning(
                "stack.no_first_factor",
                format!("{place}: the code is the only factor"),
            )
            .remedy("Put a password before it, such as: auth required pam_unix.so")
        })
    }

    fn nullok(&self) -> Finding {
        let place = self.place;
        if self.any(|trail| trail.ours == Some("ignore")) {
            return Finding::note(
                "stack.nullok",
                format!("{place}: nullok or a rule lets some pass without a code"),
            )
            .remedy("To see who is not enrolled: fob list --not-enrolled");
        }
        Finding::error("stack.nullok_alone", format!("{place}: whom nullok or a rule lets pass is refused all the same, for nothing else in the stack says yes"))
            .remedy("Put this at its end: auth required pam_permit.so")
    }
}

#[cfg(test)]
#[path = "stacks_tests.rs"]
mod tests;
