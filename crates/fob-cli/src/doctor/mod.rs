//! What is wrong with a machine: facts gathered and judged, an area a page.

mod clock;
mod files;
mod finding;
mod module;
mod modules;
mod people;
mod space;
mod sshd;
mod sshd_match;
mod stacks;

use std::collections::HashSet;
use std::path::Path;
use std::process::{Command, Stdio};

pub(crate) use finding::{Finding, Fix, Level};
use fob_core::format::Conf;
use fob_store::{DEFAULT_CONF, Store};
use stacks::Read;
pub(crate) use stacks::contradictions;

/// Looks at everything. `conf` names another fob.conf.
pub(crate) fn examine(conf: Option<&Path>) -> Vec<Finding> {
    let path = conf.unwrap_or(Path::new(DEFAULT_CONF));
    let mut findings = module::examine();
    let opened = Store::open(conf);
    let usual = Conf::default();
    let said = opened.as_ref().map_or(&usual, |store| &store.conf);
    let (stacks, services) = stacks::examine(&Read { path, conf: said });
    let sshd_asks = services.iter().any(|service| service == "sshd");
    findings.extend(stacks);
    findings.extend(sshd::examine(sshd_asks));
    findings.extend(files::examine_conf(path));
    match opened {
        Ok(store) => {
            findings.extend(groups(&store));
            findings.extend(files::examine(&store));
            findings.extend(people::examine(&store));
            findings.extend(space::examine(&store.conf.state));
        }
        Err(fault) => findings.push(
            Finding::error("files.conf", fault.detail)
                .remedy("Everybody is refused until it is mended. To try it: fob config check"),
        ),
    }
    findings.extend(clock::examine());
    // A folder that two ways lead through is found twice.
    let mut seen = HashSet::new();
    findings.retain(|finding| seen.insert((finding.code, finding.what.clone())));
    findings
}

/// Rules that name a group which isn't there: they refuse whoever they could be about.
fn groups(store: &Store) -> Vec<Finding> {
    let missing = match store.missing_groups() {
        Ok(missing) => missing,
        Err(fault) => return vec![Finding::unknown("rules.user_database", fault.detail)],
    };
    let finding = |(rule, group)| {
        let what = format!("the rule {rule:?} names the group {group:?}, which isn't there");
        Finding::warning("rules.no_group", what).remedy(
            "Whoever the rest of the rule fits is refused. Make the group, or correct the rule.",
        )
    };
    missing.into_iter().map(finding).collect()
}

/// What a program of the system prints, and whether it said yes. `None` if it isn't there,
/// or takes longer than ten seconds.
fn ask(program: &str, words: &[&str]) -> Option<(bool, String, String)> {
    let output = Command::new("timeout")
        .args(["10", program])
        .args(words)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    // timeout(1): 124 too long, 126 and 127 not started.
    if matches!(output.status.code(), None | Some(124 | 126 | 127)) {
        return None;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Some((
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    ))
}
