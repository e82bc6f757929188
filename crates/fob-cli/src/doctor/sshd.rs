//! What sshd makes of its configuration, for everybody and in each Match block.

use std::collections::HashMap;
use std::path::Path;

use super::sshd_match::{Probe, blocks, probe};
use super::{Finding, ask};

const PROGRAMS: [&str; 3] = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"];
const CONFIG: &str = "/etc/ssh/sshd_config";

/// `asks` is whether sshd's PAM stack reaches the module.
pub(super) fn examine(asks: bool) -> Vec<Finding> {
    let Some(program) = PROGRAMS.into_iter().find(|path| Path::new(path).exists()) else {
        return vec![Finding::note("sshd.absent", "there is no sshd here")];
    };
    if !asks {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut probes = vec![Probe {
        who: "everybody".into(),
        connection: None,
    }];
    probes.extend(blocks(Path::new(CONFIG), 0).iter().filter_map(|criteria| match probe(criteria) {
        Some(probe) => Some(probe),
        None => {
            findings.push(Finding::note("sshd.match_not_tried", format!("Match {criteria}: not looked at, for nobody can be made up whom it matches")));
            None
        }
    }));
    for probe in probes {
        let mut words = vec!["-T"];
        words.extend(
            probe
                .connection
                .iter()
                .flat_map(|connection| ["-C", connection.as_str()]),
        );
        match ask(program, &words) {
            Some((true, text, _)) => findings.extend(judge(&probe.who, &settings(&text))),
            Some((false, _, errors)) => {
                let what = errors.lines().next().unwrap_or("sshd -T fails");
                let what = format!("sshd, for {}: {what}", probe.who);
                findings.push(
                    Finding::error("sshd.broken", what)
                        .remedy("sshd can't start with this. Correct it, then try: sshd -t"),
                );
            }
            None => findings.push(Finding::unknown("sshd.unknown", "sshd -T gave no answer")),
        }
    }
    findings
}

fn settings(text: &str) -> HashMap<String, String> {
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    lines
        .map(|(key, value)| (key.to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}

/// What the settings mean for a stack that asks for a code.
fn judge(who: &str, settings: &HashMap<String, String>) -> Vec<Finding> {
    let get = |key: &str| settings.get(key).map(String::as_str).unwrap_or_default();
    if get("usepam") != "yes" {
        return vec![
            Finding::error(
                "sshd.no_pam",
                format!("sshd, for {who}: UsePAM is off, so no code is ever asked for"),
            )
            .remedy("Write: UsePAM yes"),
        ];
    }
    let asks = get("kbdinteractiveauthentication") == "yes"
        || get("challengeresponseauthentication") == "yes";
    let methods = get("authenticationmethods");
    let mut ways: Vec<Vec<&str>> = methods
        .split_whitespace()
        .map(|way| way.split(',').map(base).collect())
        .collect();
    if methods.is_empty() || methods == "any" {
        let on = |key: &str, method| (get(key) == "yes").then(|| vec![method]);
        ways = [
            on("pubkeyauthentication", "publickey"),
            on("passwordauthentication", "password"),
            on("hostbasedauthentication", "hostbased"),
            on("gssapiauthentication", "gssapi-with-mic"),
            asks.then(|| vec!["keyboard-interactive"]),
        ]
        .into_iter()
        .flatten()
        .collect();
    }
    let mut findings = Vec::new();
    for way in &ways {
        findings.extend(judge_way(who, way, asks));
    }
    if get("permitrootlogin") != "yes"
        && ways.iter().all(|way| way.contains(&"keyboard-interactive"))
    {
        findings.push(Finding::note("sshd.root", format!("sshd, for {who}: root can't log in, for sshd lets root answer prompts only with PermitRootLogin yes")));
    }
    if findings
        .iter()
        .all(|finding| finding.level < super::Level::Warning)
    {
        findings.push(Finding::fine(
            "sshd.asks",
            format!("sshd, for {who}: asks for a code"),
        ));
    }
    findings
}

/// One list of methods, all of which must succeed.
fn judge_way(who: &str, way: &[&str], asks: bool) -> Option<Finding> {
    let shown = way.join(",");
    let methods = "Write: AuthenticationMethods publickey,keyboard-interactive";
    if way.contains(&"keyboard-interactive") {
        return (!asks).then(|| {
            Finding::error("sshd.locked_out", format!("sshd, for {who}: {shown} can't be done, for KbdInteractiveAuthentication is off"))
                .remedy("Write: KbdInteractiveAuthentication yes")
        });
    }
    if way.contains(&"password") {
        return Some(
            Finding::warning("sshd.password", format!("sshd, for {who}: with {shown} the password is given for the code as well, which is refused"))
                .remedy("Write: PasswordAuthentication no, and KbdInteractiveAuthentication yes; or use forward_pass"),
        );
    }
    Some(
        Finding::error(
            "sshd.no_code",
            format!("sshd, for {who}: {shown} lets in without a code"),
        )
        .remedy(methods),
    )
}

/// A method without its kind, such as `keyboard-interactive:pam`.
fn base(method: &str) -> &str {
    method.split(':').next().unwrap_or(method)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(lines: &str) -> Vec<&'static str> {
        let usual = "pubkeyauthentication yes\npermitrootlogin yes\n";
        let findings = judge("everybody", &settings(&format!("{usual}{lines}")));
        findings.iter().map(|finding| finding.code).collect()
    }

    #[test]
    fn settings_are_judged_by_who_gets_in_without_a_code() {
        for (lines, code) in [
            (
                "usepam yes\nkbdinteractiveauthentication yes\nauthenticationmethods publickey,keyboard-interactive\n",
                "sshd.asks",
            ),
            (
                "usepam yes\nkbdinteractiveauthentication yes\nauthenticationmethods publickey,keyboard-interactive:pam\n",
                "sshd.asks",
            ),
            ("usepam no\n", "sshd.no_pam"),
            (
                "usepam yes\nkbdinteractiveauthentication yes\nauthenticationmethods any\n",
                "sshd.no_code",
            ),
            (
                "usepam yes\nkbdinteractiveauthentication yes\nauthenticationmethods publickey\n",
                "sshd.no_code",
            ),
            (
                "usepam yes\nkbdinteractiveauthentication no\nauthenticationmethods publickey,keyboard-interactive\n",
                "sshd.locked_out",
            ),
            (
                "usepam yes\nkbdinteractiveauthentication yes\nauthenticationmethods publickey,password\n",
                "sshd.password",
            ),
        ] {
            assert_eq!(codes(lines), [code], "{lines}");
        }
        let root = codes(
            "usepam yes\nkbdinteractiveauthentication yes\nauthenticationmethods keyboard-interactive\npermitrootlogin prohibit-password\n",
        );
        assert_eq!(root, ["sshd.root", "sshd.asks"]);
    }
}
