//! Programs with one field: each question of PAM gets what was typed there, or only the
//! first gets an answer.

use crate::fob::json;
use crate::machine::{Machine, Report, hotp, press};

/// One text for every question.
fn same(machine: &Machine, service: &str, text: &str) -> Report {
    machine.drive(&[service, "alice"], &[text; 4])
}

fn asked(report: &Report) -> usize {
    let is_prompt = |line: &&&str| line.starts_with("prompt");
    report.shown().iter().filter(is_prompt).count()
}

/// How many failures alice is told of when she gets in.
fn failures(machine: &Machine, code: &str) -> u32 {
    let report = machine.login("alice", &[code]);
    assert_eq!(report.code(), 0, "{report:?}");
    let told = report.line("info \"").unwrap_or("0 ").to_owned();
    told.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn password_and_code_in_one_field_let_in_whatever_is_asked_after() {
    let machine = Machine::with(&["alice:correct horse"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    let first = "auth required pam_fob.so forward_pass\n";
    for (service, second) in [
        ("use", "auth required pam_unix.so use_first_pass\n"),
        ("try", "auth required pam_unix.so try_first_pass\n"),
    ] {
        machine.stack(service, &format!("{first}{second}"));
    }
    machine.stack(
        "apart",
        "auth required pam_unix.so\nauth required pam_fob.so\n",
    );
    let joined = |password: &str, counter: u64| format!("{password}{}", press(&fob, counter));
    for (service, counter) in [("use", 0), ("try", 1)] {
        let report = same(&machine, service, &joined("correct horse", counter));
        assert_eq!((report.code(), asked(&report)), (0, 1), "{service}");
    }
    // Neither factor by itself, nor one text for both questions.
    assert_ne!(same(&machine, "use", &joined("wrong horse", 2)).code(), 0);
    assert_ne!(same(&machine, "try", &joined("wrong horse", 3)).code(), 0);
    assert_ne!(same(&machine, "use", "correct horse000000").code(), 0);
    for text in [
        "correct horse",
        &press(&fob, 4),
        &joined("correct horse", 5),
    ] {
        assert_ne!(same(&machine, "apart", text).code(), 0);
    }
}

/// What is said to a question for a PIN is a PIN, and to one for a code a code.
#[test]
fn one_text_is_never_pin_and_code_at_once() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    machine.service("asks", "pin=prompt");
    // Who has no PIN may say anything there.
    assert_eq!(same(&machine, "asks", &press(&fob, 0)).code(), 0);
    machine.with_input("fob", &["pin", "alice"], "4711\n");
    let code = press(&fob, 1);
    for text in [
        "4711",
        &code,
        &format!("4711{code}"),
        &format!("{code}4711"),
    ] {
        let report = same(&machine, "asks", text);
        assert_eq!((report.code(), asked(&report)), (7, 2), "{text}");
    }
    // "4711" is no code, and the others are one failure each.
    assert_eq!(failures(&machine, &format!("4711{code}")), 3);
    let only_first = machine.drive(&["asks", "alice"], &["4711"]);
    assert_eq!(only_first.code(), 19);
    let answers = ["4711", &press(&fob, 2)];
    assert_eq!(machine.drive(&["asks", "alice"], &answers).code(), 0);
}

/// P10, P12: one press is one failure and one line, also where the code after it is asked for.
#[test]
fn one_text_at_the_question_for_the_next_code_is_one_failure() {
    let machine = Machine::with(&["alice"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    machine.file("etc/fob/fob.conf", 0o644, "resync = \"prompt\"\n");
    let far = same(&machine, "test", &press(&fob, 60));
    assert_eq!((far.code(), asked(&far)), (7, 2));
    let log = machine.log();
    assert!(
        log.len() == 1 && log[0].contains("reason=out_of_window"),
        "{log:?}"
    );
    assert_eq!(failures(&machine, &press(&fob, 0)), 1);
    let hung_up = machine.login("alice", &[&press(&fob, 60)]);
    assert_eq!((hung_up.code(), asked(&hung_up)), (19, 2));
    assert_eq!(failures(&machine, &press(&fob, 1)), 1);
    let pair = machine.login("alice", &[&press(&fob, 60), &press(&fob, 61)]);
    assert_eq!(pair.code(), 0);
}

/// P10: a password that ends like a code keeps nobody who must wait from the recovery codes.
#[test]
fn recovery_code_works_behind_a_password_that_looks_like_a_code() {
    let machine = Machine::with(&["alice:born19850412"]);
    machine.enrol("alice", &[hotp("alice")]);
    let (_, value) = json(&machine, "recovery alice", "");
    let paper = value["recovery"][0].as_str().unwrap();
    machine.stack(
        "try",
        "auth optional pam_unix.so\nauth required pam_fob.so try_first_pass\n",
    );
    while machine.logged("reason").as_deref() != Some("throttled") {
        assert_eq!(same(&machine, "try", "000000").code(), 7);
    }
    let report = machine.drive(&["try", "alice"], &["born19850412", paper]);
    assert_eq!(report.code(), 0, "{report:?}");
}

/// P10, P12: the same where an earlier module asked first. Another text is another attempt.
#[test]
fn one_text_at_an_earlier_module_and_here_is_one_failure() {
    let machine = Machine::with(&["alice:pw"]);
    let fob = hotp("alice");
    machine.enrol("alice", &[fob.clone()]);
    machine.stack(
        "try",
        "auth optional pam_unix.so\nauth required pam_fob.so try_first_pass\n",
    );
    let wrong = same(&machine, "try", "000000");
    assert_eq!((wrong.code(), asked(&wrong)), (7, 2));
    let log = machine.log();
    let lines = log.iter().filter(|line| line.contains("(pam_fob:auth)"));
    assert_eq!(lines.count(), 1, "{log:?}");
    assert_eq!(failures(&machine, &press(&fob, 0)), 1);
    let first_wrong = machine.drive(&["try", "alice"], &["000000", &press(&fob, 1)]);
    assert_eq!(first_wrong.code(), 0);
    let both_wrong = machine.drive(&["try", "alice"], &["000000", "000001"]);
    assert_eq!(both_wrong.code(), 7);
    let log = machine.log();
    let lines = log.iter().filter(|line| line.contains("reason=wrong"));
    assert_eq!(lines.count(), 3, "{log:?}");
    assert_eq!(failures(&machine, &press(&fob, 2)), 2);

    // The code that lacked its PIN is judged again with it.
    machine.with_input("fob", &["pin", "alice"], "4711\n");
    machine.stack(
        "pin",
        "auth optional pam_unix.so\nauth required pam_fob.so try_first_pass pin=prompt\n",
    );
    let code = press(&fob, 3);
    let report = machine.drive(&["pin", "alice"], &[&code, "4711", &code]);
    assert_eq!((report.code(), asked(&report)), (0, 3), "{report:?}");
    let one = same(&machine, "pin", &press(&fob, 4));
    assert_eq!(one.code(), 7);
    assert_eq!(failures(&machine, &format!("4711{}", press(&fob, 4))), 1);
}
