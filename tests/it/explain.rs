//! `fob explain` says what the module then does.

use crate::fob::{fob, json};
use crate::machine::{Machine, hotp, press};

/// The stack, what an administrator did, and what the log and PAM then say.
struct Case {
    arguments: &'static str,
    done: &'static str,
    person: &'static str,
    reason: Option<&'static str>,
    code: i32,
}

const fn case(
    arguments: &'static str,
    done: &'static str,
    person: &'static str,
    reason: Option<&'static str>,
    code: i32,
) -> Case {
    Case {
        arguments,
        done,
        person,
        reason,
        code,
    }
}

const CASES: [Case; 15] = [
    case("", ":", "alice", None, 0),
    case("", ":", "nosuch", Some("no_such_user"), 7),
    case("", ":", "bob", Some("not_enrolled"), 7),
    case("nullok", ":", "bob", Some("not_enrolled"), 25),
    case("nullok", ":", "alice", None, 0),
    case("nulok", ":", "alice", Some("config"), 3),
    case("conf=/etc/fob/other.conf", ":", "alice", Some("config"), 3),
    case(
        "",
        "echo 'window = 99' >/etc/fob/fob.conf",
        "alice",
        Some("config"),
        3,
    ),
    case(
        "",
        "chmod 644 /etc/fob/tokens/alice",
        "alice",
        Some("state_too_open"),
        4,
    ),
    case(
        "",
        "echo x >/etc/fob/tokens/alice",
        "alice",
        Some("state_damaged"),
        4,
    ),
    case(
        "",
        "echo x >/var/lib/fob/2000; chmod 600 /var/lib/fob/2000",
        "alice",
        Some("state_damaged"),
        4,
    ),
    case(
        "",
        "echo 'fresh_ledger = \"refuse\"' >/etc/fob/fob.conf",
        "alice",
        Some("state_missing"),
        4,
    ),
    case(
        "nullok",
        "pamdrive test alice 000000; sed -i s/^alice:/carol:/ /etc/passwd",
        "carol",
        Some("state_owner"),
        4,
    ),
    case("", "fob disable alice", "alice", Some("disabled"), 7),
    case(
        "",
        "for n in 1 2 3 4 5; do pamdrive --rhost 192.0.2.7 test alice 000000 || :; done",
        "alice",
        Some("throttled"),
        7,
    ),
];

/// One implementation: each explanation is held against the login that it explains.
#[test]
fn explanation_is_what_then_happens() {
    for case in &CASES {
        let machine = Machine::with(&["alice", "bob"]);
        machine.enrol("alice", &[hotp("alice")]);
        machine.service("test", "");
        machine.shell(case.done);
        machine.service("test", case.arguments);
        let before = machine.shell("find /var/lib/fob /etc/fob -type f -exec cksum {} + | sort");
        let words = format!("explain {} --service test --rhost 192.0.2.7", case.person);
        let (status, value) = json(&machine, &words, "");
        let after = machine.shell("find /var/lib/fob /etc/fob -type f -exec cksum {} + | sort");
        assert_eq!(before, after, "explain wrote something");
        let shown = format!("{} {:?}: {value}", case.done, case.arguments);
        let pam = match case.code {
            0 => "PAM_SUCCESS",
            3 => "PAM_SERVICE_ERR",
            4 => "PAM_SYSTEM_ERR",
            7 => "PAM_AUTH_ERR",
            _ => "PAM_IGNORE",
        };
        assert_eq!(value["pam"], pam, "{shown}");
        assert_eq!(value["reason"].as_str(), case.reason, "{shown}");
        assert_eq!(status, i32::from(!matches!(case.code, 0 | 25)), "{shown}");

        machine.log();
        let answer = press(&hotp("alice"), 0);
        let report = machine.drive(&["--rhost", "192.0.2.7", "test", case.person], &[&answer]);
        // The stack's pam_permit turns an ignored module into a yes.
        let expected = if case.code == 25 { 0 } else { case.code };
        assert_eq!(report.code(), expected, "{shown}");
        assert_eq!(machine.logged("reason").as_deref(), case.reason, "{shown}");
    }
}

#[test]
fn explanation_names_the_line_the_tokens_and_the_remedy() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[hotp("alice")]);
    machine.stack("common", "auth required pam_fob.so nullok\n");
    machine.stack("nested", "auth include common\n");
    let (status, text) = fob(&machine, "explain alice --service nested", "");
    assert_eq!(status, 0, "{text}");
    for part in [
        "/etc/pam.d/common",
        "nullok",
        "counters 0 to 10",
        "PAM_SUCCESS",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (status, text) = fob(&machine, "explain alice --service other", "");
    assert_eq!(status, 0);
    assert!(text.contains("does not reach pam_fob"), "{text}");
}

/// The module's answer isn't the stack's: then nothing is claimed.
#[test]
fn stack_that_decides_otherwise_is_told() {
    let machine = Machine::with(&["alice", "bob"]);
    machine.enrol("alice", &[hotp("alice")]);
    for (person, stack) in [
        (
            "alice",
            "auth sufficient pam_permit.so\nauth required pam_fob.so\n",
        ),
        (
            "alice",
            "auth optional pam_fob.so\nauth required pam_permit.so\n",
        ),
        ("bob", "auth required pam_fob.so nullok\n"),
    ] {
        machine.stack("test", stack);
        let (status, text) = fob(&machine, &format!("explain {person} --service test"), "");
        assert_eq!(status, 2, "{stack}\n{text}");
        assert!(text.contains("may decide otherwise"), "{text}");
    }
    let (status, text) = fob(&machine, "explain alice --service nosuch", "");
    assert!(
        status == 2 && text.contains("there is no PAM file"),
        "{text}"
    );
}

/// The phone is gone, and the way out is named: no token lets in, a recovery code does.
#[test]
fn lost_phone_is_explained_with_what_still_lets_in() {
    let machine = Machine::with(&["alice"]);
    let enrolled = json(&machine, "enroll alice --no-confirm", "").1;
    let recovery = enrolled["recovery"][0].as_str().unwrap();
    assert_eq!(fob(&machine, "revoke alice --id phone --yes", "").0, 0);
    let explain = "explain alice --service test";
    let (status, text) = fob(&machine, explain, "");
    assert!(
        status == 0 && text.contains("only a recovery code lets pass"),
        "{text}"
    );
    assert!(text.contains("fob enroll alice"), "{text}");
    assert_eq!(machine.login("alice", &[recovery]).code(), 0);
}

/// After a repair, codes that may have been shown don't count, and it says from when on they do.
#[test]
fn codes_that_do_not_count_yet_are_not_claimed_to() {
    let machine = Machine::with(&["alice"]);
    fob(&machine, "enroll alice --no-confirm", "");
    machine.login("alice", &["000000"]);
    machine.shell("head -c 12288 /dev/urandom >/var/lib/fob/2000");
    let said = fob(&machine, "repair alice --yes", "").1;
    let from = said
        .split_whitespace()
        .find(|word| word.ends_with('Z'))
        .unwrap();
    let (_, text) = fob(&machine, "explain alice --service test", "");
    assert!(
        text.contains(&format!("codes count from {from} on")),
        "{text}"
    );
}
