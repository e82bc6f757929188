//! The command `fob`, as an administrator runs it.

use std::process::Output;

use serde_json::Value;

use crate::machine::{CALLS, Machine, hotp, press, shows, totp};

const SEED: &str = "hex:3132333435363738393031323334353637383930";

/// A machine where nothing was ever enrolled, not even a folder.
fn bare() -> Machine {
    let machine = Machine::with(&["alice", "bob"]);
    machine.shell("rm -r /etc/fob /var/lib/fob");
    machine.file("root/seed", 0o600, format!("{SEED}\n"));
    machine
}

/// The token that `SEED` makes.
fn seeded() -> fob_core::Token {
    let mut token = hotp("x");
    token.secret = fob_core::Secret::from_hex(SEED.trim_start_matches("hex:")).unwrap();
    token
}

pub fn fob(machine: &Machine, words: &str, input: &str) -> (i32, String) {
    let words: Vec<&str> = words.split(' ').collect();
    let Output {
        status,
        stdout,
        stderr,
    } = machine.with_input("fob", &words, input);
    let text = [stdout, stderr].concat();
    (status.code().unwrap(), String::from_utf8(text).unwrap())
}

pub fn json(machine: &Machine, words: &str, input: &str) -> (i32, Value) {
    let words: Vec<&str> = words.split(' ').chain(["--json"]).collect();
    let output = machine.with_input("fob", &words, input);
    let value = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), value.unwrap_or(Value::Null))
}

/// P1: the code that confirmed an enrolment is spent.
#[test]
fn enrolment_is_confirmed_by_a_code_which_is_then_spent() {
    let machine = bare();
    let code = press(&seeded(), 0);
    let words = "enroll alice --type hotp --secret-file /root/seed";
    let (status, value) = json(&machine, words, &format!("{code}\n"));
    assert_eq!(status, 0, "{value}");
    assert_eq!(
        (&value["confirmed"], &value["id"]),
        (&Value::Bool(true), &"fob".into())
    );
    assert_eq!(machine.login("alice", &[&code]).code(), 7);
    assert_eq!(machine.login("alice", &[&press(&seeded(), 1)]).code(), 0);
    let paper = value["recovery"][9].as_str().unwrap().to_lowercase();
    assert_eq!(machine.login("alice", &[&paper]).code(), 0);
    assert_eq!(machine.login("alice", &[&paper]).code(), 7);
    let log = machine.log().join("\n");
    assert!(
        log.contains("changed verb=enroll user=alice token=fob"),
        "{log}"
    );
    assert!(log.contains("by=root"), "{log}");
}

/// A new secret is shown as a QR code and as text; the code of what is shown confirms it.
#[test]
fn new_secret_is_shown_once_and_lets_in() {
    let machine = bare();
    let (status, text) = fob(&machine, "enroll alice --no-confirm", "");
    assert_eq!(status, 0, "{text}");
    let uri = text
        .lines()
        .find(|line| line.starts_with("otpauth://totp/"))
        .unwrap();
    let secret = uri
        .split("secret=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    assert!(text.lines().all(|line| line.chars().count() <= 120));
    let drawing: Vec<&str> = text.lines().filter(|line| line.contains('▀')).collect();
    assert!((15..=25).contains(&drawing.len()), "{text}");
    assert!(drawing.iter().all(|line| line.chars().count() <= 80));
    let mut phone = totp("x");
    phone.secret = fob_core::Secret::from_base32(secret).unwrap();
    assert_eq!(machine.login("alice", &[&shows(&phone)]).code(), 0);
    assert!(!fob(&machine, "show alice", "").1.contains(secret));
}

#[test]
fn enrolment_that_no_code_confirms_leaves_nothing() {
    let machine = bare();
    let words = "enroll alice --type hotp --secret-file /root/seed";
    for typed in ["000000\n000000\n000000\n000000\n", ""] {
        assert_eq!(fob(&machine, words, typed).0, 1);
        assert!(!machine.path("etc/fob/tokens/alice").exists());
    }
    assert_eq!(fob(&machine, "enroll nosuch", "").0, 2);
    assert_eq!(fob(&machine, "enroll alice --digits 5", "").0, 2);
    assert_eq!(fob(&machine, "show alice", "").0, 1);
}

/// P4: also `fob enroll`; an enrolment is whole or not there.
#[test]
fn enrolment_killed_at_any_system_call_is_whole_or_not_there() {
    let machine = bare();
    let codes: Vec<String> = (0..4).map(|counter| press(&seeded(), counter)).collect();
    let script = r#"
        run() { fob enroll alice --type hotp --secret-file /root/seed --json >/tmp/out 2>&1; }
        login() { pamdrive test alice "$1" | sed -n 's/^pamdrive: authenticate \([0-9]*\) .*/\1/p'; }
        clean() { rm -rf /etc/fob /var/lib/fob; }
        echo $0 | strace -f -qq -o /tmp/all fob enroll alice --type hotp --secret-file /root/seed >/dev/null
        calls /tmp/all >/tmp/calls
        n=0
        while read -r name k <&3; do
            n=$((n + 1))
            clean
            echo $0 | strace -f -qq -o /dev/null -e inject=$name:signal=KILL:when=$k \
                fob enroll alice --type hotp --secret-file /root/seed >/dev/null 2>&1
            if fob show alice >/dev/null 2>&1; then was=whole; else
                was=nothing
                [ ! -e /etc/fob/tokens/alice ] || was=HALF
                printf '%s\n%s\n' $0 $1 | run || was="$was,AGAIN:$(cat /tmp/out)"
            fi
            echo SEEN $n $was $(login $0) $(login $2) $(login $2)
        done 3</tmp/calls
    "#;
    let script = format!("{CALLS}{script}");
    let output = machine
        .command("sh")
        .arg("-c")
        .arg(script)
        .args(&codes)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let seen: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("SEEN"))
        .collect();
    assert!(
        seen.len() > 150,
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for line in seen {
        let rest = line.splitn(3, ' ').nth(2).unwrap();
        // The confirming code is spent, the next ones work, once.
        assert!(rest == "whole 7 0 7" || rest == "nothing 7 0 7", "{line}");
    }
}

/// Two at once never lose an edit, and what an administrator wrote stays.
#[test]
fn simultaneous_edits_lose_nothing() {
    let machine = bare();
    assert_eq!(fob(&machine, "enroll alice --no-confirm", "").0, 0);
    let file = "etc/fob/tokens/alice";
    let text = std::fs::read_to_string(machine.path(file)).unwrap();
    machine.file(
        file,
        0o600,
        format!("# Alice lost her first phone in May.\n{text}"),
    );
    machine.shell(
        "for n in 1 2 3 4 5 6 7 8 9 10; do fob enroll alice --id t$n --no-confirm >/dev/null & done; wait",
    );
    let (_, value) = json(&machine, "show alice", "");
    assert_eq!(value["tokens"].as_array().unwrap().len(), 11, "{value}");
    let text = std::fs::read_to_string(machine.path(file)).unwrap();
    assert!(text.contains("lost her first phone"), "{text}");
}

#[test]
fn daily_verbs_do_what_they_say() {
    let machine = bare();
    let words = "enroll alice --type hotp --secret-file /root/seed --no-confirm";
    assert_eq!(fob(&machine, words, "").0, 0);
    // check
    assert_eq!(fob(&machine, "check alice", &press(&seeded(), 0)).0, 0);
    let (status, text) = fob(&machine, "check alice", &press(&seeded(), 0));
    assert!(status == 1 && text.contains("spent"), "{text}");
    // unlock
    for _ in 0..6 {
        machine.login("alice", &["000000"]);
    }
    assert!(machine.login("alice", &[&press(&seeded(), 1)]).shown()[1].contains("Try again in"));
    assert_eq!(json(&machine, "unlock alice", "").0, 0);
    assert_eq!(machine.login("alice", &[&press(&seeded(), 1)]).code(), 0);
    // recovery: the old set is void
    let (_, old) = json(&machine, "recovery alice --yes", "");
    let (_, new) = json(&machine, "recovery alice --yes", "");
    assert_eq!(
        machine
            .login("alice", &[old["recovery"][0].as_str().unwrap()])
            .code(),
        7
    );
    assert_eq!(
        machine
            .login("alice", &[new["recovery"][0].as_str().unwrap()])
            .code(),
        0
    );
    let (_, value) = json(&machine, "show alice", "");
    assert_eq!(value["recovery"]["left"], 9, "{value}");
    // revoke asks, and a token that comes back finds its floor
    assert_eq!(fob(&machine, "revoke alice", "").0, 2);
    assert_eq!(fob(&machine, "revoke alice --yes", "").0, 0);
    assert_eq!(machine.login("alice", &[&press(&seeded(), 2)]).code(), 7);
    assert_eq!(fob(&machine, words, "").0, 0);
    assert_eq!(machine.login("alice", &[&press(&seeded(), 1)]).code(), 7);
    assert_eq!(machine.login("alice", &[&press(&seeded(), 2)]).code(), 0);
}

/// P1: as the manual has it, for a person whose uid changes.
#[test]
fn ledger_goes_along_with_a_uid_that_changes() {
    let machine = bare();
    let words = "enroll alice --type hotp --secret-file /root/seed --no-confirm";
    assert_eq!(fob(&machine, words, "").0, 0);
    assert_eq!(machine.login("alice", &[&press(&seeded(), 4)]).code(), 0);
    machine.shell(
        "sed -i 's/^alice:x:2000:/alice:x:2004:/' /etc/passwd; mv /var/lib/fob/2000 /var/lib/fob/2004",
    );
    assert_eq!(machine.login("alice", &[&press(&seeded(), 5)]).code(), 4);
    assert_eq!(fob(&machine, "rebind alice --yes", "").0, 0);
    assert_eq!(machine.login("alice", &[&press(&seeded(), 4)]).code(), 7);
    assert_eq!(machine.login("alice", &[&press(&seeded(), 5)]).code(), 0);
}

/// P1, P9: whoever had 32 tokens can have no other, until somebody says that none of them comes
/// back. The error says how, whether or not the person has a token now.
#[test]
fn full_ledger_has_room_again_once_somebody_says_so() {
    let machine = bare();
    let fill = r#"
        for n in $(seq 10 41); do
            secret=$(printf '%040d' $n)
            echo hex:$secret >/root/one && chmod 600 /root/one
            oathtool --counter=0 $secret |
                fob enroll alice --type hotp --secret-file /root/one --no-recovery >/dev/null 2>&1 &&
            fob revoke alice --yes >/dev/null || echo FAILED $n
        done"#;
    assert_eq!(machine.shell(fill), "");
    let words = "enroll alice --type hotp --secret-file /root/seed --no-recovery";
    let code = press(&seeded(), 0);
    let (status, text) = fob(&machine, words, &format!("{code}\n"));
    let remedy = "repair alice --forget-revoked";
    assert!(
        status == 2 && text.contains(&format!("fob {remedy}")),
        "{text}"
    );
    assert_eq!(fob(&machine, remedy, "").0, 2, "it asks first");
    let (status, value) = json(&machine, &format!("{remedy} --yes"), "");
    assert_eq!((status, &value["forgotten"]), (0, &Value::from(32)));
    assert_eq!(fob(&machine, words, &format!("{code}\n")).0, 0);

    // What the person has stays spent.
    let (_, value) = json(&machine, &format!("{remedy} --yes"), "");
    assert_eq!(value["forgotten"], 0);
    assert_eq!(machine.login("alice", &[&code]).code(), 7);
    assert_eq!(machine.login("alice", &[&press(&seeded(), 1)]).code(), 0);
}

/// A ledger that was another person's, and one that is damaged: the commands that the log
/// names help, and no spent code comes back.
#[test]
fn rebind_and_repair_bring_no_spent_code_back() {
    let machine = bare();
    let words = "enroll alice --type hotp --secret-file /root/seed --no-confirm";
    assert_eq!(fob(&machine, words, "").0, 0);
    assert_eq!(machine.login("alice", &[&press(&seeded(), 4)]).code(), 0);
    machine.shell(
        "sed -i 's/^alice:/carol:/' /etc/passwd; mv /etc/fob/tokens/alice /etc/fob/tokens/carol",
    );
    assert_eq!(machine.login("carol", &[&press(&seeded(), 5)]).code(), 4);
    assert_eq!(fob(&machine, "rebind carol --yes", "").0, 0);
    assert_eq!(machine.login("carol", &[&press(&seeded(), 4)]).code(), 7);
    assert_eq!(machine.login("carol", &[&press(&seeded(), 5)]).code(), 0);

    assert_eq!(fob(&machine, "repair carol --yes", "").0, 1);
    machine.shell("head -c 12288 /dev/urandom >/var/lib/fob/2000");
    assert_eq!(machine.login("carol", &[&press(&seeded(), 6)]).code(), 4);
    assert_eq!(fob(&machine, "repair carol --yes --counter fob=6", "").0, 0);
    assert_eq!(machine.login("carol", &[&press(&seeded(), 5)]).code(), 7);
    assert_eq!(machine.login("carol", &[&press(&seeded(), 6)]).code(), 0);
}

/// A ledger that is damaged keeps somebody from being enrolled, and is repaired all the same.
#[test]
fn damaged_ledger_of_somebody_not_enrolled_is_no_dead_end() {
    let machine = bare();
    let enroll = "enroll alice --no-confirm";
    assert_eq!(fob(&machine, enroll, "").0, 0);
    machine.login("alice", &["000000"]);
    assert_eq!(fob(&machine, "revoke alice --yes", "").0, 0);
    assert_eq!(fob(&machine, "repair alice --yes", "").0, 1);
    machine.shell("head -c 12288 /dev/urandom >/var/lib/fob/2000");
    let (status, text) = fob(&machine, enroll, "");
    assert!(status == 2 && text.contains("fob repair"), "{text}");
    assert_eq!(fob(&machine, "repair alice --yes", "").0, 0);
    assert_eq!(fob(&machine, enroll, "").0, 0);
}
