//! T36, T37: the module in a hostile application, watched by valgrind: no byte is read or
//! written that isn't its own, and nothing stays allocated. `make sanitizers` does the same with
//! AddressSanitizer in the module itself, and looks for the use of what was never written.

use std::process::Output;

use fob_core::Token;

use crate::machine::{Machine, hotp, press};

/// The module as it is released. The optimiser reads what it doesn't use, which valgrind takes
/// for a use of what was never written: that is looked for in an unoptimised build
/// (`make sanitizers`).
const VALGRIND: [&str; 6] = [
    "valgrind",
    "-q",
    "--error-exitcode=99",
    "--leak-check=full",
    "--errors-for-leak-kinds=definite,indirect",
    "--undef-value-errors=no",
];

/// The module and the application with AddressSanitizer in them, or an unoptimised module.
fn watch() -> Option<String> {
    std::env::var("FOB_WATCH").ok()
}

fn watched(machine: &Machine, words: &[&str]) -> Vec<String> {
    let mut all = match watch().as_deref() {
        Some("address") => vec![],
        Some("undefined") => VALGRIND[..VALGRIND.len() - 1].to_vec(),
        _ => VALGRIND.to_vec(),
    };
    all.extend(words);
    let output = machine.command(all[0]).args(&all[1..]).output().unwrap();
    clean(words, &output)
}

/// The lines that were printed, when nothing was found.
fn clean(words: &[&str], output: &Output) -> Vec<String> {
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.is_empty(), "{words:?}: {told}");
    assert!(
        output.status.code().is_some_and(|code| code < 2),
        "{words:?}: {output:?}"
    );
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn machine() -> (Machine, Token) {
    let mut machine = Machine::with(&["alice", "bob"]);
    if let Some(watch) = watch() {
        machine = machine.with_part(&watch);
    }
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    machine.file("etc/fob/fob.conf", 0o644, "[throttle]\nfree = 90\n");
    (machine, fob)
}

/// P7, P8.
#[test]
fn hostile_application_finds_no_memory_error() {
    let (machine, fob) = machine();
    let mut next = 0;
    let mut codes = |count: u64| {
        next += count;
        (next - count..next)
            .map(|counter| press(&fob, counter))
            .collect::<Vec<_>>()
    };
    let cases: [(&str, [&str; 3]); 5] = [
        (
            "handle",
            ["authenticate 0", "authenticate 7", "authenticate 0"],
        ),
        (
            "nobody",
            ["authenticate 0", "authenticate 7", "authenticate 0"],
        ),
        (
            "many",
            ["authenticate 0", "authenticate 7", "authenticate 0"],
        ),
        (
            "changes",
            ["authenticate 0", "authenticate 7", "authenticate 0"],
        ),
        (
            "numbers",
            ["authenticate 19", "authenticate 19", "authenticate 19"],
        ),
    ];
    for (case, expected) in cases {
        let right = codes(2);
        let told = watched(
            &machine,
            &[
                "hostile", case, "test", "alice", &right[0], "000000", &right[1],
            ],
        );
        assert_eq!(told, expected, "{case}");
    }
    let right = codes(4);
    let told = watched(&machine, &["hostile", "within", "test", "alice", &right[3]]);
    assert_eq!(told, ["within 7", "authenticate 0"]);
    // One code, eight threads: one gets in.
    let right = &codes(1)[0];
    let eight = [right.as_str(); 8];
    let words = [&["hostile", "threads", "test", "alice"], &eight[..]].concat();
    let told = watched(&machine, &words);
    assert_eq!(
        told.iter().filter(|line| *line == "authenticate 0").count(),
        1,
        "{told:?}"
    );
    assert_eq!(
        told.iter().filter(|line| *line == "authenticate 7").count(),
        7,
        "{told:?}"
    );
    let right = codes(1);
    let told = watched(
        &machine,
        &["hostile", "environment", "test", "alice", &right[0]],
    );
    assert_eq!(told[0], "authenticate 0");
    assert_eq!(told.len(), 11);
    for line in &told[1..] {
        assert_eq!(line, "setcred 0 taken");
    }
    let module = machine.shell("ls /usr/lib/*/security/pam_fob.so");
    let told = watched(
        &machine,
        &["hostile", "direct", "test", "alice", module.trim()],
    );
    assert_eq!(told.len(), 36);
    assert!(
        !told.iter().any(|line| line == "pam_sm_authenticate 0"),
        "{told:?}"
    );
}

/// P7, T05.
#[test]
fn hostile_conversation_finds_no_memory_error() {
    let (machine, _) = machine();
    machine.service("forward", "forward_pass");
    for mode in [
        "null",
        "null-array",
        "error",
        "error-with-array",
        "huge=513",
        "huge=1048576",
        "binary=fffe80c300",
        "binary=00",
    ] {
        let logins = [("test", "alice"), ("forward", "alice"), ("test", "nosuch")];
        let count = if watch().is_some() { 3 } else { 1 };
        for (service, person) in &logins[..count] {
            let calls = "authenticate,setcred,acct_mgmt,open_session,close_session";
            let told = watched(
                &machine,
                &[
                    "pamdrive", "--calls", calls, "--mode", mode, service, person, "000000",
                ],
            );
            assert!(
                !told.iter().any(|line| line.contains("authenticate 0 ")),
                "{mode}: {told:?}"
            );
        }
    }
    let told = watched(&machine, &["pamdrive", "--no-conv", "test", "alice"]);
    assert!(
        told.iter().any(|line| line.contains("authenticate 19 ")),
        "{told:?}"
    );
}

/// P7: the logins that succeed, in as few as have all of it: a sealed token file, a PIN, a
/// password that is handed on, a recovery code, a place that is remembered, and an enrolment.
/// Both variables of PAM's environment are set by the module and taken away again.
#[test]
fn successful_logins_find_no_memory_error() {
    let (machine, fob) = machine();
    let rule = "action = \"require\"\nenroll = \"require\"\nremember = \"12h\"\n";
    let conf = format!("seal = \"/root/seal.key\"\n[[rule]]\nname = \"all\"\n{rule}");
    machine.file("etc/fob/fob.conf", 0o644, conf);
    machine.service("forward", "forward_pass pin=prompt");
    let made = machine.shell("fob seal --new-key >/dev/null && fob --json recovery alice");
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let paper = made["recovery"][0].as_str().unwrap();
    machine.with_input("fob", &["pin", "alice"], "4711\n");
    assert!(
        machine
            .shell("cat /etc/fob/tokens/alice")
            .contains("\"sealed:")
    );
    let joined = format!("correct horse{}", press(&fob, 0));
    let logins: [(&str, &str, &[&str], &str); 4] = [
        ("forward", "alice", &["4711", &joined], "accepted"),
        ("test", "alice", &[paper], "accepted"),
        ("test", "alice", &[], "ignored reason=remembered"),
        ("test", "bob", &ENROLS, "enrolled"),
    ];
    for (service, person, answers, outcome) in logins {
        let calls = ["--calls", "authenticate,setcred", "--rhost", "192.0.2.7"];
        let words = [&["pamdrive"], &calls[..], &[service, person], answers].concat();
        let told = watched(&machine, &words);
        for call in ["authenticate 0 ", "setcred 0 "] {
            assert!(told.iter().any(|line| line.contains(call)), "{told:#?}");
        }
        let line = machine.log().pop().unwrap();
        assert!(
            line.contains(&format!(": {outcome} user={person}")),
            "{line}"
        );
    }
}

/// Takes the secret into the app and types the code that it shows; then writes the recovery
/// codes down.
const ENROLS: [&str; 2] = [
    r#"|oathtool --totp -b "$(echo "$PROMPT" | sed -n 's/.*into the app: //p')""#,
    "|echo",
];
