//! What people own, at the door: YubiKeys, PINs, fobs with a last day, clocks and counters
//! that are off, codes on paper.

use fob_core::{Day, Digits, Kind, Period, Token};

use crate::machine::{Machine, hotp, press, shows, token_file, totp};

/// Plugged in for the first time and touched; touched 256 times; plugged in again. Made with
/// OpenSSL's AES.
const FIRST: &str = "cccccbdefghiuujeihnhleghgvfejvugtldurguckuvk";
const LAST_OF_SESSION: &str = "cccccbdefghifhndkbjjevketnidjudhhdkvleijlggl";
const NEXT_SESSION: &str = "cccccbdefghikghrdrinchkberldlchrltucnbvvjvfg";

const YUBIKEY: &str = "version = 1\n\n[[token]]\nid = \"yubikey\"\ntype = \"yubico\"\n\
    secret = \"5TPBRW7HN66QYMZTB4ODKSDR3M\"\nprivate_id = \"8792ebfe26cc\"\npublic_id = \"cccccbdefghi\"\n";

/// P1: also across a reboot, which a copy of the disk stands for, and a new session.
#[test]
fn yubikey_types_each_password_once() {
    let machine = Machine::with(&["alice"]);
    machine.file("etc/fob/tokens/alice", 0o600, YUBIKEY);
    assert_eq!(machine.login("alice", &[LAST_OF_SESSION]).code(), 0);
    let log = machine.log();
    assert!(
        log[0].contains("token=yubikey counter=511 drift=0"),
        "{log:?}"
    );
    assert_eq!(machine.login("alice", &[LAST_OF_SESSION]).code(), 7);
    assert_eq!(machine.logged("reason").as_deref(), Some("spent"));
    assert_eq!(machine.login("alice", &[FIRST]).code(), 7);
    machine.shell("cp -a /var/lib/fob /tmp/kept; rm -r /var/lib/fob; mv /tmp/kept /var/lib/fob");
    assert_eq!(machine.login("alice", &[LAST_OF_SESSION]).code(), 7);
    assert_eq!(machine.login("alice", &[NEXT_SESSION]).code(), 0);
    assert_eq!(machine.login("alice", &[NEXT_SESSION]).code(), 7);
}

#[test]
fn hotp_code_of_a_yubikey_comes_with_its_public_id() {
    let machine = Machine::with(&["alice"]);
    let token = hotp("alice");
    let file = token_file(&[token.clone()]) + "public_id = \"ubhe00010203\"\n";
    machine.file("etc/fob/tokens/alice", 0o600, file);
    for (front, counter, code) in [("ubhe00010203", 0, 0), ("", 1, 0), ("ubhe00010204", 2, 7)] {
        let typed = format!("{front}{}", press(&token, counter));
        assert_eq!(machine.login("alice", &[&typed]).code(), code, "{front}");
    }
}

#[test]
fn token_past_its_last_day_lets_nobody_in() {
    let machine = Machine::with(&["alice"]);
    let past = Token {
        expires: Day::parse("2026-02-28"),
        ..hotp("alice")
    };
    let file = token_file(&[past.clone()]) + "expires = \"2026-02-28\"\n";
    machine.file("etc/fob/tokens/alice", 0o600, file);
    assert_eq!(machine.login("alice", &[&press(&past, 0)]).code(), 7);
    assert_eq!(machine.logged("reason").as_deref(), Some("expired"));
    let doctor = machine.shell("fob doctor 2>&1; true");
    assert!(
        doctor.contains("let in until 2026-02-28, and no longer"),
        "{doctor}"
    );
}

/// A PIN is set by a command, stands stretched in the file, and is asked for with each code.
#[test]
fn pin_stands_in_front_of_the_code() {
    let machine = Machine::with(&["alice"]);
    let token = hotp("alice");
    machine.enrol("alice", &[token.clone()]);
    let set = machine.with_input("fob", &["pin", "alice"], "4711\n");
    assert!(set.status.success());
    assert!(!machine.shell("cat /etc/fob/tokens/alice").contains("4711"));
    for (front, counter, code) in [("", 0, 7), ("4712", 0, 7), ("4711", 0, 0), ("4711", 0, 7)] {
        let typed = format!("{front}{}", press(&token, counter));
        let report = machine.login("alice", &[&typed]);
        assert_eq!(report.code(), code, "{front}");
    }
    let log = machine.log().join("\n");
    assert!(
        log.contains("reason=wrong") && !log.contains("4711"),
        "{log}"
    );
    let removed = machine.with_input("fob", &["pin", "alice", "--remove", "--yes"], "");
    assert!(removed.status.success());
    assert_eq!(machine.login("alice", &[&press(&token, 1)]).code(), 0);
}

/// P13: where a PIN has a question of its own, everybody is asked it.
#[test]
fn pin_prompt_is_shown_to_everybody() {
    let machine = Machine::with(&["alice", "bob"]);
    let token = hotp("alice");
    machine.enrol("alice", &[token.clone()]);
    machine.with_input("fob", &["pin", "alice"], "4711\n");
    machine.service("asks", "pin=prompt");
    let code = press(&token, 0);
    let prompts = ["prompt off \"PIN: \"", "prompt off \"Verification code: \""];
    for (person, pin, expected) in [
        ("alice", "4712", 7),
        ("bob", "4711", 7),
        ("nosuch", "4711", 7),
        ("alice", "4711", 0),
    ] {
        let report = machine.drive(&["asks", person], &[pin, &code]);
        assert_eq!(report.code(), expected, "{person} {pin}");
        assert_eq!(report.shown()[..2], prompts, "{person}");
    }
}

/// Off unless the administrator turns it on; then two in a row, and never below the floor.
#[test]
fn counter_far_ahead_is_resynced_at_the_prompt() {
    let machine = Machine::with(&["alice"]);
    let token = hotp("alice");
    machine.enrol("alice", &[token.clone()]);
    let pair = [press(&token, 60), press(&token, 61)];
    let answers: Vec<&str> = pair.iter().map(String::as_str).collect();
    let off = machine.login("alice", &answers);
    assert_eq!((off.code(), off.shown().len()), (7, 1));
    machine.log();

    machine.file("etc/fob/fob.conf", 0o644, "resync = \"prompt\"\n");
    let on = machine.login("alice", &answers);
    assert_eq!(on.code(), 0, "{:?}", on.lines);
    assert!(
        on.shown()
            .contains(&"prompt off \"Next verification code: \"")
    );
    assert_eq!(
        machine.lines(),
        [
            "<84>test(pam_fob:auth): refused reason=out_of_window user=alice service=test rhost=- tty=- ruser=-",
            "<86>test(pam_fob:auth): accepted user=alice service=test rhost=- tty=- ruser=- token=fob counter=61 drift=0",
        ]
    );
    let again = machine.login("alice", &answers);
    assert_eq!((again.code(), again.shown().len()), (7, 1));
    assert_eq!(machine.login("alice", &[&press(&token, 62)]).code(), 0);
    let wrong_next = [press(&token, 99), press(&token, 101)];
    let answers: Vec<&str> = wrong_next.iter().map(String::as_str).collect();
    assert_eq!(machine.login("alice", &answers).code(), 7);
}

/// The password in front of the first code goes on whole, however long the code is.
#[test]
fn resync_at_the_prompt_hands_the_password_on() {
    let machine = Machine::with(&["alice:pw"]);
    let fob = Token {
        digits: Digits::EIGHT,
        ..hotp("alice")
    };
    machine.enrol("alice", &[fob.clone()]);
    machine.file("etc/fob/fob.conf", 0o644, "resync = \"prompt\"\n");
    machine.stack(
        "joined",
        "auth required pam_fob.so forward_pass\nauth required pam_unix.so use_first_pass\n",
    );
    let typed = format!("pw{}", press(&fob, 50));
    let report = machine.drive(&["joined", "alice"], &[&typed, &press(&fob, 51)]);
    assert_eq!(report.code(), 0, "{report:?}");
    let typed = format!("pX{}", press(&fob, 90));
    let report = machine.drive(&["joined", "alice"], &[&typed, &press(&fob, 91)]);
    assert_eq!(report.code(), 7, "{report:?}");
}

#[test]
fn person_is_told_when_few_recovery_codes_are_left() {
    let machine = Machine::with(&["alice"]);
    let token = hotp("alice");
    machine.enrol("alice", &[token.clone()]);
    let page = machine.shell("fob --json recovery alice");
    let page: serde_json::Value = serde_json::from_str(&page).unwrap();
    let codes: Vec<&str> = page["recovery"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|c| c.as_str())
        .collect();
    for (used, code) in codes.iter().enumerate() {
        let told = machine.login("alice", &[code]).shown()[1..].join("\n");
        let left = codes.len() - used - 1;
        let says = match left {
            0 => "No recovery codes left",
            1 => "Only 1 recovery code left.",
            2..=3 => "recovery codes left.",
            _ => "",
        };
        assert!(
            told.contains(says) && told.is_empty() == says.is_empty(),
            "{left}: {told}"
        );
    }
    let told = machine
        .login("alice", &[&press(&token, 0)])
        .shown()
        .join("\n");
    assert!(told.contains("No recovery codes left"), "{told}");
}

/// What stands in PAM files of those who come from elsewhere goes on working, or is refused
/// by name with the way out in the log.
#[test]
fn words_of_other_modules_are_taken_or_refused_by_name() {
    let machine = Machine::with(&["alice"]);
    let phone = totp("alice");
    machine.enrol("alice", &[phone.clone()]);
    machine.service(
        "ga",
        "nullok echo_verification_code no_increment_hotp noskewadj authtok_prompt=Code:",
    );
    let report = machine.drive(&["ga", "alice"], &[&shows(&phone)]);
    assert_eq!(
        (report.code(), report.shown()[0]),
        (0, "prompt on \"Code:\"")
    );
    for (word, way) in [
        (
            "secret=/home/${USER}/.google_authenticator",
            "fob import google-authenticator",
        ),
        ("usersfile=/etc/users.oath", "fob import users-oath"),
        ("alwaysok", "take it away"),
        ("no_strict_owner", "take it away"),
    ] {
        machine.log();
        machine.service("bad", word);
        assert_eq!(machine.drive(&["bad", "alice"], &["123456"]).code(), 3);
        let log = machine.log().join("\n");
        assert!(
            log.contains(way) && log.contains(word.split('=').next().unwrap()),
            "{log}"
        );
    }
}

/// pam_oath's `digits=`: what stands in front of the code goes on to the next module.
#[test]
fn digits_word_hands_the_front_on() {
    let machine = Machine::with(&["alice:correct horse"]);
    let token = hotp("alice");
    machine.enrol("alice", &[token.clone()]);
    let stack = "auth required pam_fob.so digits=6 window=5\nauth required pam_unix.so use_first_pass\n\
        account required pam_permit.so\n";
    machine.stack("oath", stack);
    let typed = format!("correct horse{}", press(&token, 5));
    let report = machine.drive(&["oath", "alice"], &[&typed]);
    assert_eq!(
        (report.code(), report.shown()[0]),
        (0, "prompt off \"Verification code: \"")
    );
    let typed = format!("correct horse{}", press(&token, 12));
    assert_eq!(machine.drive(&["oath", "alice"], &[&typed]).code(), 7);
}

/// R10: the time is read once, after the answer: whoever looks at the phone again while the
/// question stands gets in.
#[test]
fn code_is_held_against_the_time_of_the_answer() {
    let machine = Machine::with(&["alice"]);
    let period = Period::new(2).unwrap();
    let phone = Token {
        kind: Kind::Totp { period, t0: 0 },
        ..totp("alice")
    };
    machine.enrol("alice", &[phone.clone()]);
    // Three steps later; the window is one.
    let answer = format!(
        "|until=$(($(date +%s) + 6)); while [ $(date +%s) -lt $until ]; do sleep 0.1; done
         oathtool --totp -s 2s -b {}",
        *phone.secret.to_base32()
    );
    assert_eq!(machine.login("alice", &[&answer]).code(), 0);
}
