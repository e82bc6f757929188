//! P8: nothing secret reaches a log, an output or an error.

use fob_core::Secret;

use crate::machine::{Machine, hotp, press};

#[test]
fn canaries_are_seen_nowhere() {
    let machine = Machine::with(&["alice"]);
    machine.service("test", "debug");
    let mut fob = hotp("alice");
    fob.secret = Secret::from_base32("CANARYCANARYCANARYCANARYCANARYCA").unwrap();
    machine.enrol("alice", &[fob.clone()]);
    let canaries = [
        "CANARY",
        "canary",
        "424242",
        "CAFE-BABE",
        "CAFEBABE",
        "passw0rd",
    ];
    let typed = ["424242", "CAFE-BABE-CAFE-BABE", "passw0rd424242", "canary"];
    let mut seen = Vec::new();
    let see = |answers: &[&str], seen: &mut Vec<String>| {
        let report = machine.login("alice", answers);
        seen.extend(
            report
                .lines
                .iter()
                .filter(|line| !line.starts_with("prompt"))
                .cloned(),
        );
        seen.extend(report.strays.clone());
        seen.extend(machine.log());
    };
    for answer in typed {
        see(&[answer], &mut seen);
    }
    see(&[&press(&fob, 0)], &mut seen);
    see(&[&press(&fob, 0)], &mut seen);
    machine.service("test", "debug forward_pass");
    see(&["passw0rd424242"], &mut seen);
    let whole = std::fs::read_to_string(machine.path("etc/fob/tokens/alice")).unwrap();
    for damage in [
        whole.replace("CANARY", "CANARY1"),
        whole.replace('"', "'CANARY"),
        whole + "secret = CANARY",
    ] {
        machine.file("etc/fob/tokens/alice", 0o600, damage);
        see(&["424242"], &mut seen);
    }
    assert!(seen.len() > 30, "{seen:?}");
    let code = press(&fob, 0);
    for line in &seen {
        for canary in canaries.iter().copied().chain([code.as_str()]) {
            assert!(!line.contains(canary), "{canary} in {line}");
        }
    }
}
