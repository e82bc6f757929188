//! The PAM stacks: which of them ask for a code, and whether that can be got round.

use std::path::Path;

use fob_core::Arguments;

use super::Finding;
use crate::pam::{Folders, Kind, Placed};

/// Modules that ask for another factor.
const FIRST_FACTORS: [&str; 14] = [
    "pam_unix.so",
    "pam_sss.so",
    "pam_ldap.so",
    "pam_krb5.so",
    "pam_winbind.so",
    "pam_systemd_home.so",
    "pam_u2f.so",
    "pam_pkcs11.so",
    "pam_p11.so",
    "pam_fprintd.so",
    "pam_ssh_agent_auth.so",
    "pam_pwdfile.so",
    "pam_userdb.so",
    "pam_radius_auth.so",
];
/// Modules that people put there so that some don't come to the code.
const EXEMPTIONS: [&str; 8] = [
    "pam_rootok.so",
    "pam_succeed_if.so",
    "pam_access.so",
    "pam_listfile.so",
    "pam_time.so",
    "pam_localuser.so",
    "pam_wheel.so",
    "pam_group.so",
];
/// Modules whose auth answer never makes a stack succeed.
const SILENT: [&str; 7] = [
    "pam_deny.so",
    "pam_env.so",
    "pam_nologin.so",
    "pam_faildelay.so",
    "pam_warn.so",
    "pam_echo.so",
    "pam_selinux.so",
];
/// What our module says when somebody must not get in.
const REFUSALS: [&str; 6] = [
    "auth_err",
    "system_err",
    "service_err",
    "conv_err",
    "abort",
    "maxtries",
];

/// The findings, and the services that ask for a code. `conf` is the fob.conf that the
/// doctor reads.
pub(super) fn examine(conf: &Path) -> (Vec<Finding>, Vec<String>) {
    examine_in(&Folders::default(), conf)
}

fn examine_in(folders: &Folders, conf: &Path) -> (Vec<Finding>, Vec<String>) {
    let (mut findings, mut asking, mut others) = (Vec::new(), Vec::new(), Vec::new());
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
        let ours = stack.auth.iter().position(|placed| placed.line.is_ours());
        match ours {
            Some(at) => {
                findings.extend(judge(&service, &stack.auth, at, conf));
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
    (findings, asking)
}

/// What in the stack of one service makes the module's answer count for less.
pub(crate) fn contradictions(service: &str) -> Vec<Finding> {
    let Ok(stack) = Folders::default().stack(service) else {
        return Vec::new();
    };
    let Some(at) = stack.auth.iter().position(|placed| placed.line.is_ours()) else {
        return Vec::new();
    };
    let findings = judge(service, &stack.auth, at, Path::new(""));
    let counts = |finding: &Finding| {
        matches!(
            finding.code,
            "stack.skipped"
                | "stack.exempt"
                | "stack.not_enforced"
                | "stack.may_be_missing"
                | "stack.nullok_alone"
        )
    };
    findings.into_iter().filter(counts).collect()
}

fn judge(service: &str, auth: &[Placed], at: usize, conf: &Path) -> Vec<Finding> {
    let Some(ours) = auth.get(at) else {
        return Vec::new();
    };
    let place = format!("{service} ({})", ours.place());
    let mut findings = vec![Finding::fine(
        "stack.asks",
        format!("{place}: asks for a code"),
    )];
    findings.extend(control(&place, ours));
    findings.extend(skipped(&place, auth, at, ours));
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
    let arguments = match Arguments::parse(&ours.line.arguments) {
        Ok(arguments) => arguments,
        Err(wrong) => {
            findings.push(
                Finding::error("stack.bad_argument", format!("{place}: {wrong}"))
                    .remedy("Everybody is refused there; see pam_fob(8)"),
            );
            return findings;
        }
    };
    if arguments.conf.as_deref().is_some_and(|other| other != conf) {
        let other = arguments.conf.unwrap_or_default();
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
    findings.extend(factors(service, &place, auth));
    if arguments.settings.nullok() {
        findings.extend(nullok(&place, auth));
    }
    findings
}

/// Whether what the module says counts.
fn control(place: &str, ours: &Placed) -> Vec<Finding> {
    let mut findings = Vec::new();
    let ignored = REFUSALS
        .iter()
        .filter(|refusal| !matches!(ours.line.control.action(refusal), "bad" | "die"));
    let ignored: Vec<&str> = ignored.copied().collect();
    if !ignored.is_empty() {
        let what = format!(
            "{place}: {:?} lets people past whom the module refuses ({})",
            ours.line.shown(),
            ignored.join(", ")
        );
        findings.push(
            Finding::error("stack.not_enforced", what).remedy("Write: auth required pam_fob.so"),
        );
    }
    if ours.line.may_be_missing {
        let what = format!(
            "{place}: with the dash in front nobody is asked for a code should the module be missing"
        );
        findings.push(Finding::warning("stack.may_be_missing", what).remedy("Take the dash away."));
    }
    findings
}

/// What ends the stack, or jumps, before it comes to the module.
fn skipped(place: &str, auth: &[Placed], at: usize, ours: &Placed) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, placed) in auth.iter().take(at).enumerate() {
        let action = placed.line.control.action("success");
        // What ends a substack goes on behind it.
        let same = placed.depth == 0 || placed.depth == ours.depth;
        let over = match action {
            "done" => same,
            _ => action
                .parse()
                .is_ok_and(|jump: usize| index.saturating_add(1).saturating_add(jump) > at),
        };
        if !over {
            continue;
        }
        let (from, module) = (placed.place(), placed.line.base());
        findings.push(if EXEMPTIONS.contains(&module) {
            Finding::note(
                "stack.exempt",
                format!("{place}: whom {module} ({from}) says yes to is asked for no code"),
            )
        } else {
            Finding::error(
                "stack.skipped",
                format!("{place}: when {module} ({from}) says yes, no code is asked for"),
            )
            .remedy("Move the module before that line, or make that line required.")
        });
    }
    findings
}

fn factors(service: &str, place: &str, auth: &[Placed]) -> Option<Finding> {
    if auth
        .iter()
        .any(|placed| FIRST_FACTORS.contains(&placed.line.base()))
    {
        return None;
    }
    Some(if service == "sshd" {
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

fn nullok(place: &str, auth: &[Placed]) -> Vec<Finding> {
    let succeeds = |placed: &Placed| {
        let silent = placed.line.is_ours() || SILENT.contains(&placed.line.base());
        let says = matches!(placed.line.control.action("success"), "ok" | "done");
        placed.line.kind == Kind::Auth && says && !silent
    };
    if auth.iter().any(succeeds) {
        return vec![
            Finding::note(
                "stack.nullok",
                format!("{place}: who is not enrolled passes without a code"),
            )
            .remedy("To see who that is: fob list --not-enrolled"),
        ];
    }
    vec![Finding::error("stack.nullok_alone", format!("{place}: who is not enrolled is refused in spite of nullok, for nothing else in the stack says yes"))
        .remedy("Put this at its end: auth required pam_permit.so")]
}

#[cfg(test)]
#[path = "stacks_tests.rs"]
mod tests;
