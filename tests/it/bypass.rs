//! A code that an administrator reads out, and people who are disabled.

use crate::fob::{fob, json};
use crate::machine::{Machine, hotp, press};

/// P1, P12: as often as was said, and the log tells who issued it.
#[test]
fn bypass_code_lets_in_as_often_as_was_said_and_the_log_names_its_issuer() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[hotp("alice")]);
    let (status, value) = json(&machine, "bypass alice --for 2h --uses 2", "");
    assert_eq!(status, 0, "{value}");
    let code = value["code"].as_str().unwrap().to_owned();
    assert_eq!(code.len(), 8);
    let issued = machine.log().join("\n");
    assert!(
        issued.contains("changed verb=bypass user=alice uses=2 until="),
        "{issued}"
    );
    // P8.
    assert!(!issued.contains(&code), "{issued}");
    let (front, back) = code.split_at(4);
    assert_eq!(
        machine.login("alice", &[&format!("{front} {back}")]).code(),
        0
    );
    assert_eq!(
        machine.lines(),
        [
            "<86>test(pam_fob:auth): accepted user=alice service=test rhost=- tty=- ruser=- token=bypass issued_by=root"
        ]
    );
    assert_eq!(json(&machine, "show alice", "").1["bypass"]["uses"], 1);
    // 32 at once: the one use that is left lets one in.
    let rounds = vec![vec![format!("alice\t{code}"); 32]];
    let codes = machine.race("test", &rounds);
    assert_eq!(
        codes[0].iter().filter(|code| *code == "0").count(),
        1,
        "{codes:?}"
    );
    assert_eq!(
        machine.login("alice", &[&press(&hotp("alice"), 0)]).code(),
        7
    );
    fob(&machine, "unlock alice", "");
    assert_eq!(
        machine.login("alice", &[&press(&hotp("alice"), 0)]).code(),
        0
    );
}

#[test]
fn bypass_code_can_be_taken_back_and_a_new_one_voids_the_old() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[hotp("alice")]);
    let code = |words: &str| {
        let (status, value) = json(&machine, words, "");
        assert_eq!(status, 0, "{value}");
        value["code"].as_str().unwrap().to_owned()
    };
    let old = code("bypass alice");
    let new = code("bypass alice --for 1d");
    assert_eq!(machine.login("alice", &[&old]).code(), 7);
    assert_eq!(fob(&machine, "bypass alice --end", "").0, 0);
    assert_eq!(machine.login("alice", &[&new]).code(), 7);
    assert_eq!(fob(&machine, "bypass alice --end", "").0, 1);
    for words in [
        "bypass bob",
        "bypass alice --for 8d",
        "bypass alice --uses 0",
    ] {
        assert_ne!(fob(&machine, words, "").0, 0, "{words}");
    }
}

/// A disabled person sees what anybody sees, and gets in with nothing.
#[test]
fn disabled_person_is_refused_and_keeps_everything() {
    let machine = Machine::with(&["alice"]);
    machine.enrol("alice", &[hotp("alice")]);
    assert_eq!(fob(&machine, "disable alice", "").0, 0);
    let report = machine.login("alice", &[&press(&hotp("alice"), 0)]);
    assert_eq!((report.code(), report.shown().len()), (7, 1));
    assert_eq!(machine.logged("reason").as_deref(), Some("disabled"));
    assert_eq!(fob(&machine, "bypass alice", "").0, 1);
    assert_eq!(fob(&machine, "enable alice", "").0, 0);
    assert_eq!(
        machine.login("alice", &[&press(&hotp("alice"), 0)]).code(),
        0
    );
}
